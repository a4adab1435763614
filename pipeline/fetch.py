"""Fetches what a certificate says is to be had over http: revocation lists and issuers' certificates (RFC 5280, 4.2).

The addresses come from mails, so nothing is asked but hosts that the settings name, redirects included. Proxies that
the environment may name are not used: the hosts are asked directly, or not at all. ``ping`` asks for an address of the
settings themselves, within the same limits.
"""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import SplitResult, urljoin, urlsplit

_Read = TypeVar("_Read")
_MOST_OCTETS = 10 << 20
_MOST_REDIRECTS = 3
_MOVED = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)
_DER = b"\x30"
"""The first octet of every list and certificate in DER, in which both are served (RFC 5280, 4.2.1.13 and 4.2.2.1)."""


class NotFetched(Exception):  # noqa: N818 - named for the fact
    """Something could not be had. The text names the address and why."""


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches from the hosts it was given. hosts: ``host``, or ``host:port`` for a port that is not the usual one.

    seconds: for one address, redirects included, after its host's name was found. clock: seconds that only go up.
    """

    hosts: tuple[str, ...]
    seconds: float
    clock: Callable[[], float] = time.monotonic

    def get(self, address: str) -> bytes:
        """Return what an address holds, 10 MB at the most. NotFetched says why it could not be had."""
        deadline = self.clock() + self.seconds
        place = address
        for _ in range(_MOST_REDIRECTS + 1):
            try:
                moved, body = _asked(self._allowed(place), deadline - self.clock(), _answer)
                if not moved:
                    return body
                place = urljoin(place, moved)
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise NotFetched(f"{address}: {_why(error)}") from error
        raise NotFetched(f"{address}: it is moved more than {_MOST_REDIRECTS} times")

    def _allowed(self, address: str) -> SplitResult:
        """Return the parts of an address that may be asked; ValueError for any other."""
        place = urlsplit(address)
        usual = {"http": 80, "https": 443}.get(place.scheme)
        if usual is None or not place.hostname or "@" in place.netloc:
            raise ValueError(f"{address!r} is no http address of a host")
        port = place.port or usual
        names = {place.hostname, f"{place.hostname}:{port}"} if port == usual else {f"{place.hostname}:{port}"}
        if not names & {host.lower() for host in self.hosts}:
            raise ValueError(f"the host {place.hostname}:{port} is not among trust.hosts of the settings")
        return place


def ping(address: str, seconds: float) -> None:
    """Ask for an address that the settings name, once, and leave the answer unread. No redirect is followed.

    NotFetched where the answer is no 2xx; it names only the host, as such an address may have a key in it.
    """
    host = ""
    try:
        place = urlsplit(address)
        host = place.hostname or ""
        _asked(place, seconds, _well)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotFetched(f"{host}: {_why(error)}") from error


def _asked(place: SplitResult, seconds: float, read: Callable[[http.client.HTTPResponse], _Read]) -> _Read:
    """Ask once, and return what ``read`` makes of the answer. Raises OSError, HTTPException or ValueError."""
    if seconds <= 0:
        raise TimeoutError
    host = place.hostname or ""
    with contextlib.closing(
        http.client.HTTPSConnection(host, place.port, timeout=seconds, context=ssl.create_default_context())
        if place.scheme == "https"
        else http.client.HTTPConnection(host, place.port, timeout=seconds)
    ) as connection:
        connection.connect()
        # The socket's own limit is for each octet that arrives; this one is for all of them.
        late = threading.Event()
        watch = threading.Timer(seconds, _end, (connection.sock, late))
        watch.start()
        try:
            path = f"{place.path or '/'}{'?' if place.query else ''}{place.query}"
            connection.request("GET", path, headers={"Accept": "*/*", "User-Agent": "secas-cpl-pipeline"})
            with connection.getresponse() as response:
                answer = read(response)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise TimeoutError if late.is_set() else error from error
        finally:
            watch.cancel()
            watch.join()  # whoever forks next must be alone
        if late.is_set():
            raise TimeoutError  # an answer without a length looks whole where it was cut
        return answer


def _answer(response: http.client.HTTPResponse) -> tuple[str, bytes]:
    """Return where it has moved, or what it holds."""
    location = response.getheader("Location", "")
    if response.status in _MOVED and location:
        return location, b""
    if response.status != HTTPStatus.OK:
        raise ValueError(f"the server answers {response.status}")
    body = response.read(_MOST_OCTETS + 1)
    if len(body) > _MOST_OCTETS:
        raise ValueError(f"it has more than {_MOST_OCTETS >> 20} MB")
    if response.length:
        raise ValueError("the answer ends too early")
    if not body.startswith(_DER):
        raise ValueError("it is neither a revocation list nor a certificate in DER")
    return "", body


def _well(response: http.client.HTTPResponse) -> None:
    if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
        raise ValueError(f"the server answers {response.status}")


def _end(line: socket.socket, late: threading.Event) -> None:
    late.set()
    with contextlib.suppress(OSError):  # it may have ended by itself
        line.shutdown(socket.SHUT_RDWR)


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long"
    return str(getattr(error, "strerror", None) or str(error) or type(error).__name__)
