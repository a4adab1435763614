"""Requests to an Exchange server: over TLS, logged in, never redirected, with limits on time and size.

exchangelib logs in (NTLM, Basic) and keeps the connection. What it leaves open is closed here: it would read answers of
any size, compressed or not, follow the environment's proxies and roots, and keep its connections in a global cache.
"""

import io
import logging
import ssl
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import requests
from exchangelib.configuration import Configuration
from exchangelib.credentials import Credentials
from exchangelib.protocol import BaseProtocol, FailFast
from exchangelib.transport import BASIC, NTLM
from exchangelib.util import post_ratelimited
from requests.adapters import HTTPAdapter

from pipeline.mailbox.ews_settings import EwsSettings
from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable
from pipeline.mailbox.trouble import LoginRefused, in_words

_WAITS = 10
"""A whole answer may take as many times the time limit of one wait: a server that drips is given up."""
_PIECE = 65_536
_REDIRECTS = range(300, 400)
_LATER = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}

logging.getLogger("exchangelib").setLevel(logging.CRITICAL)  # on trouble it would log whole mails


class Busy(MailboxUnavailable):
    """The server asks to be left alone. seconds: for how long, None where it does not say. undone: it did nothing."""

    def __init__(self, said: str, seconds: float | None, *, undone: bool) -> None:
        when = "" if seconds is None else f" It asks to be left alone for {seconds:g} seconds."
        super().__init__(f"{said} The server is busy or broken.{when}")
        self.seconds = seconds
        self.undone = undone


class AnswerTooLong(MailboxUnavailable):
    """An answer with more octets than were to be read. size: as announced, else as far as it was read."""

    def __init__(self, place: str, size: int, limit: int) -> None:
        super().__init__(f"{place}: the answer has {size:,} octets or more, and {limit:,} are read at most.")
        self.size = size


class Wire:
    """One connection, made on first use and kept until ``close``. clock: seconds that only ever grow."""

    def __init__(self, settings: EwsSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._protocol: Any = None

    def post(self, envelope: bytes, limit: int) -> bytes:
        """Return the SOAP envelope that answers; AnswerTooLong where it has more octets than ``limit``.

        MailboxUnavailable where there is no whole answer, MailboxRefused where nobody there lets us in.
        """
        settings = self._settings
        try:
            if self._protocol is None:
                self._protocol = self._connected()
            session = self._protocol.get_session()
            session.limit = limit
            response, session = post_ratelimited(
                protocol=self._protocol,
                session=session,
                url=settings.url,
                headers={"X-AnchorMailbox": settings.address},  # leads to the server that holds the mailbox
                data=envelope,
                timeout=settings.timeout_seconds,
            )
            self._protocol.release_session(session)
            return bytes(response.content)
        except (MailboxRefused, MailboxUnavailable):
            self.close()
            raise
        except Exception as error:
            self.close()
            raise _named(error, settings) from error

    def close(self) -> None:
        """Close the connection; the next request makes a new one."""
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            protocol.close()

    def _connected(self) -> Any:
        settings = self._settings
        configuration = Configuration(
            credentials=Credentials(settings.user, settings.password),
            service_endpoint=settings.url,
            auth_type=NTLM if settings.auth == "ntlm" else BASIC,
            retry_policy=_Statuses(settings),
            max_connections=1,
        )
        return _Protocol(configuration, settings, self._clock)


class _Protocol(BaseProtocol):  # type: ignore[misc]  # exchangelib has no types
    """Makes exchangelib's sessions ours. Its base class is used as its Protocol would be kept in a global cache."""

    def __init__(self, configuration: Configuration, settings: EwsSettings, clock: Callable[[], float]) -> None:
        super().__init__(configuration)
        self._settings = settings
        self._clock = clock
        self._context = _tls_context(settings)

    def raw_session(self, prefix: str, **_: Any) -> requests.Session:
        session = _Session(self._settings, self._clock)
        session.mount(prefix, _Adapter(self._context))
        return session


class _Adapter(HTTPAdapter):
    """Trusts what our own TLS context trusts, and nothing that requests would add to it."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=1, pool_block=True)

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {**pool, "ssl_context": self._context, "cert_reqs": "CERT_REQUIRED"}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """The context does."""


class _Session(requests.Session):
    """A session whose answers are read whole, within limits, before anyone looks at them."""

    def __init__(self, settings: EwsSettings, clock: Callable[[], float]) -> None:
        super().__init__()
        self.trust_env = False  # no proxy, roots or .netrc that the settings do not name
        self.adapters.clear()
        self.headers.update(
            {
                "Content-Type": "text/xml; charset=utf-8",
                "Accept-Encoding": "identity",
                "User-Agent": "secas-cpl-pipeline",
            }
        )
        self.limit = 0
        self._settings = settings
        self._clock = clock

    def send(self, request: requests.PreparedRequest, **named: Any) -> requests.Response:
        """Return the answer to a request, logged in."""
        try:
            response = super().send(request, **{**named, "stream": True})
            try:
                body = b"".join(self._pieces(response))
            except BaseException:
                response.close()
                raise
        except (MailboxRefused, MailboxUnavailable):
            raise
        except Exception as error:
            raise _named(error, self._settings) from error
        response.raw = io.BytesIO(body)
        return response

    def _pieces(self, response: requests.Response) -> Iterator[bytes]:
        place, headers = self._settings.place, response.headers
        length = headers.get("Content-Length", "")
        if not length and "chunked" not in headers.get("Transfer-Encoding", "").lower():
            raise MailboxUnavailable(f"{place}: the answer does not say where it ends, so it may have been cut.")
        if headers.get("Content-Encoding", "identity").lower() != "identity":
            raise MailboxUnavailable(f"{place}: the answer is compressed, which was not asked for.")
        if length.isascii() and length.isdecimal() and len(length) < len(str(10**18)) and int(length) > self.limit:
            raise AnswerTooLong(place, int(length), self.limit)
        until = self._clock() + _WAITS * self._settings.timeout_seconds
        size = 0
        for piece in response.raw.stream(_PIECE, decode_content=False):
            size += len(piece)
            if size > self.limit:
                raise AnswerTooLong(place, size, self.limit)
            if self._clock() > until:
                raise MailboxUnavailable(f"{place}: the answer was not whole in time, and was given up.")
            yield piece


class _Statuses(FailFast):  # type: ignore[misc]  # exchangelib has no types
    """What the status of an answer means. exchangelib's own reading takes a wrong password for a busy server."""

    def __init__(self, settings: EwsSettings) -> None:
        self._settings = settings

    def raise_response_errors(self, response: requests.Response) -> None:
        settings, status = self._settings, response.status_code
        said = f"{settings.place}: status {status}."
        if status == HTTPStatus.OK or (status == HTTPStatus.INTERNAL_SERVER_ERROR and _is_xml(response)):
            return
        if status in _REDIRECTS:
            raise MailboxRefused(
                f"{settings.place} sends us elsewhere (status {status}), where we do not follow: "
                "the address in the settings is not that of the service."
            )
        match status:
            case HTTPStatus.UNAUTHORIZED:
                offered = in_words(response.headers.get("WWW-Authenticate", "")) or "nothing"
                raise LoginRefused(
                    f"{said} {settings.user} could not log in with {settings.auth}; the server takes {offered}. Check "
                    f"user, password and auth, and whether the account is locked. {settings.warning}".rstrip()
                )
            case HTTPStatus.FORBIDDEN:
                raise MailboxRefused(
                    f"{said} {settings.user} may not use Exchange Web Services here: an administrator must allow it "
                    f"(EwsEnabled, EwsAllowList). {settings.warning}".rstrip()
                )
            case HTTPStatus.NOT_FOUND:
                raise MailboxRefused(f"{said} There is no service at {settings.url}: check url.")
            case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                raise MailboxRefused(f"{said} The mail is larger than the server takes in one request.")
            case _ if status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise Busy(said, _retry_after(response), undone=status == HTTPStatus.TOO_MANY_REQUESTS)
            case _:
                raise MailboxRefused(said)


def _is_xml(response: requests.Response) -> bool:
    """SOAP says that something went wrong by a status of 500, and what by the envelope."""
    return response.content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<?xml") or b"Envelope" in response.content[:200]


def _retry_after(response: requests.Response) -> int | None:
    """Seconds of Retry-After (RFC 9110, 10.2.3); None where it is missing or a date."""
    told = response.headers.get("Retry-After", "")
    return int(told) if told.isascii() and told.isdecimal() and len(told) <= len("999999") else None


def _named(error: Exception, settings: EwsSettings) -> MailboxRefused | MailboxUnavailable:
    place, words = settings.place, in_words(str(error), settings.password)
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)):
        return MailboxRefused(f"{place}: its certificate is not trusted: {words}. Check url and ca_file.")
    if isinstance(error, requests.Timeout) or any(isinstance(cause, TimeoutError) for cause in _causes(error)):
        return MailboxUnavailable(f"{place}: no answer within {settings.timeout_seconds:g} seconds.")
    return MailboxUnavailable(f"{place}: the connection failed: {words or type(error).__name__}.")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _tls_context(settings: EwsSettings) -> ssl.SSLContext:
    """TLS 1.2 or later, certificate and host name checked, against the system's roots or those of ca_file alone."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise MailboxRefused(
            f"Exchange: ca_file {settings.ca_file} cannot be read as PEM certificates: {error}."
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
