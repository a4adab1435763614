"""Access tokens for Graph: the application logs in as itself (OAuth 2.0 client credentials, RFC 6749 section 4.4).

msal knows Microsoft's login server; its requests go over our own wire, so the same limits and roots hold for it.
"""

from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

import msal

from pipeline.mailbox.graph_settings import GraphSettings
from pipeline.mailbox.graph_wire import Answer, Wire, in_words
from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable

_ANSWER_OCTETS = 1_000_000
_TRY_LATER = {"temporarily_unavailable", "server_error"}  # RFC 6749, 4.1.2.1
_BUSY = {429, *range(500, 600)}


class Tokens(Protocol):
    """Where access tokens come from."""

    def token(self, *, renew: bool) -> str:
        """Return a token; a fresh one where ``renew``, as the last was not taken. Raises the port's exceptions."""
        ...


class AppTokens:
    """Tokens of the app registration, by client secret or certificate; kept until shortly before they end."""

    def __init__(self, settings: GraphSettings, wire: Wire) -> None:
        self._settings = settings
        self._http = _Http(wire)
        self._app: Any = None

    def token(self, *, renew: bool) -> str:
        """Return a token. MailboxRefused where the login server knows neither the tenant, the app nor the secret."""
        settings = self._settings
        where = f"Microsoft 365: application {settings.client_id} of tenant {settings.tenant} could not log in"
        try:
            if self._app is None:
                self._app = msal.ConfidentialClientApplication(
                    settings.client_id,
                    client_credential=_credential(settings),
                    authority=f"{settings.authority}/{settings.tenant}",
                    instance_discovery=False,  # the settings name the login server, nobody else does
                    http_client=self._http,
                )
            if renew:
                self._app.remove_tokens_for_client()
            said = self._app.acquire_token_for_client([settings.scope])
            if said.get("access_token"):
                return str(said["access_token"])
            code, words = str(said.get("error", "")), str(said.get("error_description", ""))
        except (MailboxRefused, MailboxUnavailable):
            raise
        except Exception as error:  # noqa: BLE001 - msal lets through whatever the libraries below it raise
            # Its text is not repeated: it may quote the key, or an answer.
            raise MailboxRefused(
                f"{where} ({type(error).__name__}): the tenant is not known to {settings.authority}, or the "
                "certificate is not PEM text of an RSA private key and its certificate."
            ) from None
        told = f"{where}: {in_words(f'{code} {words}', settings.client_secret)}."
        if code in _TRY_LATER:
            raise MailboxUnavailable(told)
        raise MailboxRefused(f"{told} Check tenant, client_id and the secret or certificate, and when it expires.")


def _credential(settings: GraphSettings) -> str | dict[str, str]:
    if settings.client_secret:
        return settings.client_secret
    return {"private_key": settings.certificate, "public_certificate": settings.certificate}


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
        """The wire is closed by the mailbox."""


def _response(answer: Answer) -> _Response:
    if answer.status in _BUSY:
        raise MailboxUnavailable(f"Microsoft 365: the login server is busy or broken (status {answer.status}).")
    return _Response(answer.status, answer.body.decode("utf-8", "replace"), dict(answer.headers))
