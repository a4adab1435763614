"""Requests to Graph and to its login server: over TLS, never redirected, with limits on time and size.

httpx does the protocol. A body counts only when the server said where it ends, so one that was cut is never taken for
whole, and nothing is decompressed, so the size read is the size there is.
"""

import logging
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import httpx

from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable
from pipeline.mailbox.trouble import in_words

_WAITS = 10
"""A whole answer may take as many times the time limit of one wait: a server that drips is given up."""
_NO_BODY = {204, 304}
_REDIRECTS = range(300, 400)
logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every address, those that carry a permission too


class Limits(Protocol):
    """What a wire needs of the settings."""

    @property
    def ca_file(self) -> Path | None:
        """PEM roots to trust instead of the system's."""
        ...

    @property
    def timeout_seconds(self) -> float:
        """How long each wait for the server may take."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. headers: names in lower case. body: the octets as they came."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class AnswerTooLong(MailboxUnavailable):
    """An answer with more octets than were to be read. size: as announced, else as far as it was read."""

    def __init__(self, place: str, size: int, limit: int) -> None:
        super().__init__(f"{place}: the answer has {size:,} octets or more, and {limit:,} are read at most.")
        self.size = size


class Wire:
    """Connections made on first use and kept until ``close``. clock: seconds that only ever grow."""

    def __init__(self, settings: Limits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._client: httpx.Client | None = None

    def send(self, method: str, url: str, headers: Mapping[str, str], content: bytes, limit: int) -> Answer:
        """Return the answer; AnswerTooLong where its body has more octets than ``limit``.

        MailboxUnavailable where there is no whole answer, MailboxRefused where the server is not to be trusted.
        """
        place = urlsplit(url).netloc
        try:
            with self._connected().stream(
                method, url, headers={**headers, "Accept-Encoding": "identity"}, content=content
            ) as response:
                if response.status_code in _REDIRECTS:
                    raise MailboxRefused(
                        f"{place} sends us elsewhere (status {response.status_code}), where we do not follow: "
                        "the address in the settings is not that of the service."
                    )
                answer = b"".join(self._pieces(response, place, limit))
                return Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, answer)
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError, ValueError) as error:
            self.close()
            raise self._named(error, place) from error

    def close(self) -> None:
        """Close the connections; the next request makes new ones."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> httpx.Client:
        if self._client is None:
            self._client = httpx.Client(
                verify=_tls_context(self._settings),
                timeout=self._settings.timeout_seconds,
                follow_redirects=False,
                trust_env=False,  # no proxy, roots or .netrc that the settings do not name
            )
        return self._client

    def _pieces(self, response: httpx.Response, place: str, limit: int) -> Iterator[bytes]:
        if response.status_code in _NO_BODY:
            return
        length = response.headers.get("content-length", "")
        if not length and "chunked" not in response.headers.get("transfer-encoding", ""):
            raise MailboxUnavailable(f"{place}: the answer does not say where it ends, so it may have been cut.")
        if response.headers.get("content-encoding", "identity") != "identity":
            raise MailboxUnavailable(f"{place}: the answer is compressed, which was not asked for.")
        if length.isdecimal() and int(length) > limit:
            raise AnswerTooLong(place, int(length), limit)
        until = self._clock() + _WAITS * self._settings.timeout_seconds
        size = 0
        for piece in response.iter_raw():
            size += len(piece)
            if size > limit:
                raise AnswerTooLong(place, size, limit)
            if self._clock() > until:
                raise MailboxUnavailable(f"{place}: the answer was not whole in time, and was given up.")
            yield piece

    def _named(self, error: Exception, place: str) -> MailboxRefused | MailboxUnavailable:
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)):
            return MailboxRefused(
                f"{place}: its certificate is not trusted: {in_words(str(error))}. Check the address and ca_file."
            )
        if isinstance(error, httpx.TimeoutException):
            return MailboxUnavailable(f"{place}: no answer within {self._settings.timeout_seconds:g} seconds.")
        return MailboxUnavailable(f"{place}: the connection failed: {in_words(str(error)) or type(error).__name__}.")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _tls_context(settings: Limits) -> ssl.SSLContext:
    """TLS 1.2 or later, certificate and host name checked, against the system's roots or those of ca_file alone."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise MailboxRefused(
            f"Microsoft 365: ca_file {settings.ca_file} cannot be read as PEM certificates: {error}."
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
