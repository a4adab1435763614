"""Access tokens of Microsoft 365: the application logs in as itself (OAuth 2.0 client credentials, RFC 6749, 4.4).

msal knows Microsoft's login server; its requests go over our own wire, so the same limits and roots hold for it.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msal

from pipeline.mailbox.graph_wire import Answer, Wire
from pipeline.mailbox.oauth_settings import AppRegistration, Noted, not_noted
from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable
from pipeline.mailbox.trouble import in_words

_ANSWER_OCTETS = 1_000_000
_TRY_LATER = {"temporarily_unavailable", "server_error"}  # RFC 6749, 4.1.2.1
_BUSY = {429, *range(500, 600)}


class AppTokens:
    """Tokens of the app registration, by client secret or certificate; kept until shortly before they end.

    wire: where given, whoever gave it closes it; else one is made, and is closed whenever a token was had. noted: told
    how long each new token is good.
    """

    def __init__(self, app: AppRegistration, wire: Wire | None = None, *, noted: Noted = not_noted) -> None:
        self._registered = app
        self._wire = wire or Wire(app)
        self._own_wire = wire is None
        self._http = _Http(self._wire)
        self._app: Any = None
        self._noted = noted
        self._last = ""

    def token(self, *, renew: bool) -> str:
        """Return a token. MailboxRefused where the login server knows neither the tenant, the app nor the secret."""
        registered = self._registered
        where = f"Microsoft 365: application {registered.client_id} of tenant {registered.tenant} could not log in"
        try:
            if self._app is None:
                self._app = msal.ConfidentialClientApplication(
                    registered.client_id,
                    client_credential=_credential(registered),
                    authority=f"{registered.authority}/{registered.tenant}",
                    instance_discovery=False,  # the settings name the login server, nobody else does
                    http_client=self._http,
                )
            if renew:
                self._app.remove_tokens_for_client()
            said = self._app.acquire_token_for_client([registered.scope])
            if said.get("access_token"):
                return self._seen(str(said["access_token"]), said.get("expires_in"))
            code, words = str(said.get("error", "")), str(said.get("error_description", ""))
        except (MailboxRefused, MailboxUnavailable):
            raise
        except Exception as error:  # noqa: BLE001 - msal lets through whatever the libraries below it raise
            # Its text is not repeated: it may quote the key, or an answer.
            raise MailboxRefused(
                f"{where} ({type(error).__name__}): the tenant is not known to {registered.authority}, or the "
                "certificate is not PEM text of an RSA private key and its certificate."
            ) from None
        finally:
            if self._own_wire:
                self._wire.close()
        told = f"{where}: {in_words(f'{code} {words}', registered.client_secret)}."
        if code in _TRY_LATER:
            raise MailboxUnavailable(told)
        raise MailboxRefused(f"{told} Check tenant, client_id and the secret or certificate, and when it expires.")

    def _seen(self, token: str, seconds: object) -> str:
        """Note how long a new token is good; a kept one comes with what is left of its seconds."""
        if token != self._last and isinstance(seconds, int):
            self._noted(seconds)
        self._last = token
        return token


def _credential(registered: AppRegistration) -> str | dict[str, str]:
    if registered.client_secret:
        return registered.client_secret
    return {"private_key": registered.certificate, "public_certificate": registered.certificate}


@dataclass(frozen=True, slots=True)
class _Response:
    """An answer as msal wants it."""

    status_code: int
    text: str
    headers: dict[str, str]


class _Http:
    """The HTTP client that msal is given."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def get(self, url: str, headers: dict[str, str] | None = None, **_: Any) -> _Response:
        return _response(self._wire.send("GET", url, headers or {}, b"", _ANSWER_OCTETS))

    def post(
        self, url: str, data: dict[str, str] | None = None, headers: dict[str, str] | None = None, **_: Any
    ) -> _Response:
        form = {**(headers or {}), "Content-Type": "application/x-www-form-urlencoded"}
        return _response(self._wire.send("POST", url, form, urlencode(data or {}).encode("ascii"), _ANSWER_OCTETS))

    def close(self) -> None:
        """The wire is closed by whoever made it."""


def _response(answer: Answer) -> _Response:
    if answer.status in _BUSY:
        raise MailboxUnavailable(f"Microsoft 365: the login server is busy or broken (status {answer.status}).")
    return _Response(answer.status, answer.body.decode("utf-8", "replace"), dict(answer.headers))
