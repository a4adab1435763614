"""Log in to IMAP with an access token: OAUTHBEARER (RFC 7628), else XOAUTH2, as Microsoft and Google publish it."""

import json
from imaplib import IMAP4
from typing import Any

from pipeline.mailbox.imap_session import ImapSettings, is_passing, said
from pipeline.mailbox.oauth_settings import Tokens
from pipeline.mailbox.trouble import LoginRefused

_NOD = {"OAUTHBEARER": b"\x01", "XOAUTH2": b""}
"""What the client answers to the reason of a refusal, so that the refusal itself can come (RFC 7628, 3.2.3)."""


class TokenLogin:
    """A Login. Keep it between visits: it knows whether its last token was taken."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._renew = False

    def __call__(self, client: Any, settings: ImapSettings) -> None:
        """Log in. A token that is not taken is renewed once; LoginRefused says why the new one was not taken either."""
        mechanism = next((name for name in _NOD if client.has_capability(f"AUTH={name}")), "")
        if not mechanism:
            raise LoginRefused(f"IMAP {settings.place}: the server takes no OAuth2 tokens. Log in with a password.")
        if not self._renew and self._attempt(client, settings, mechanism, last=False):
            return
        self._attempt(client, settings, mechanism, last=True)

    def _attempt(self, client: Any, settings: ImapSettings, mechanism: str, *, last: bool) -> bool:
        token = self._tokens.token(renew=self._renew)
        exchange = _Exchange(mechanism, settings, token)
        self._renew = True  # should the server hang up instead of answering, the next visit brings a new token
        try:
            client.sasl_login(mechanism, exchange)
        except IMAP4.error as error:
            if is_passing(error):  # no word about the token: the session says what it is
                raise
            if not last:
                return False
            why = exchange.reason or said(error, token)
            raise LoginRefused(
                f"IMAP {settings.place}: the token for {settings.user} is not taken: {why}. Check that the application "
                "has IMAP.AccessAsApp, and that its service principal has full access to this mailbox."
            ) from None  # the answer may repeat the token
        self._renew = False
        return True


class _Exchange:
    """One SASL exchange. reason: what the server gave for its refusal, in its words."""

    def __init__(self, mechanism: str, settings: ImapSettings, token: str) -> None:
        self._mechanism = mechanism
        self._settings = settings
        self._token = token
        self._sent = False
        self.reason = ""

    def __call__(self, challenge: bytes) -> bytes:
        if self._sent:
            self.reason = _status(challenge, self._token)
            return _NOD[self._mechanism]
        self._sent = True
        user = self._settings.user
        if self._mechanism == "XOAUTH2":
            return f"user={user}\x01auth=Bearer {self._token}\x01\x01".encode()
        identity = user.replace("=", "=3D").replace(",", "=2C")  # RFC 5801, 4
        where = f"host={self._settings.host}\x01port={self._settings.port}\x01"
        return f"n,a={identity},\x01{where}auth=Bearer {self._token}\x01\x01".encode()


def _status(challenge: bytes, token: str) -> str:
    """Return the word of a refusal's JSON, for example ``invalid_token`` or ``401``, made safe to show."""
    try:
        told = json.loads(challenge)
    except (ValueError, RecursionError):
        return ""
    status = told.get("status", "") if isinstance(told, dict) else ""
    return said(str(status), token) if isinstance(status, (str, int)) else ""
