"""A small HTTP server for ``/healthz`` and ``/metrics``, made to be left alone with whoever can reach its port.

It takes a request of 8 kB in 5 seconds, eight at once, and answers each with words of its own: nothing that was asked
is said back or logged. There is no login, so by default it is off, and it belongs on the loopback address.
"""

import io
import ipaddress
import signal
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import structlog

from pipeline.monitor.figures import Figures
from pipeline.trouble import Unavailable, in_words

_MOST_OCTETS = 8192
_MOST_AT_ONCE = 8
_SECONDS = 5.0
"""For a request as a whole, however it drips in, and then for its answer."""
_BUSY = b"HTTP/1.0 503 Service Unavailable\r\nConnection: close\r\n\r\n"
_JSON = "application/json"
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"

log = structlog.get_logger()


class _TooLarge(OSError):  # noqa: N818 - named for the fact
    """A request has more octets than any that is meant."""


class _Line(io.RawIOBase):
    """What a socket receives, until the time is up (TimeoutError) or it has been too much (_TooLarge)."""

    def __init__(self, line: socket.socket, seconds: float, clock: Callable[[], float]) -> None:
        super().__init__()
        self._line, self._clock = line, clock
        self._end = clock() + seconds
        self._left = _MOST_OCTETS

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left <= 0:
            raise _TooLarge
        seconds = self._end - self._clock()
        if seconds <= 0:
            raise TimeoutError
        self._line.settimeout(seconds)
        taken = self._line.recv_into(memoryview(buffer)[: self._left])
        self._left -= taken
        return taken


class _Handler(BaseHTTPRequestHandler):
    """One connection, which is one request: HTTP/1.0 without keep-alive."""

    server: "Server"

    def setup(self) -> None:
        super().setup()
        self.rfile: io.BufferedIOBase = io.BufferedReader(
            _Line(self.connection, self.server.seconds, self.server.clock), _MOST_OCTETS
        )

    def handle(self) -> None:
        try:
            super().handle()
        except _TooLarge:
            self.requestline = self.command = ""
            self.send_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def do_GET(self) -> None:
        self._tell()

    def do_HEAD(self) -> None:
        self._tell()

    def _tell(self) -> None:
        figures = self.server.figures
        match self.path.partition("?")[0]:
            case "/healthz":
                well, text = figures.health()
                self._send(HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE, _JSON, text)
            case "/metrics":
                self._send(HTTPStatus.OK, _PROMETHEUS, figures.metrics())
            case _:
                self.send_error(HTTPStatus.NOT_FOUND)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002 - the library's texts quote the request
        """Answer with the standard's words for this code and no others."""
        status = HTTPStatus(code)
        if status is HTTPStatus.NOT_IMPLEMENTED:  # what the library says of a method without a function
            status = HTTPStatus.METHOD_NOT_ALLOWED
        self._send(status, _TEXT, f"{status.phrase}\n")

    def _send(self, status: HTTPStatus, kind: str, text: str) -> None:
        self.connection.settimeout(self.server.seconds)
        self.request_version = self.protocol_version  # HTTP/0.9, which knows no status, is nobody's any more
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        """Name no version to whoever asks."""
        return "cpl-pipeline"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library names it
        """Keep what strangers ask out of the log."""


class Server(ThreadingHTTPServer):
    """Answers requests, each in a thread of its own. clock: seconds that only go up. seconds: for one request."""

    daemon_threads = True
    request_queue_size = 2 * _MOST_AT_ONCE

    def __init__(
        self,
        address: tuple[str, int],
        figures: Figures,
        seconds: float = _SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Listen at an address. OSError or OverflowError where that cannot be."""
        self.figures, self.seconds, self.clock = figures, seconds, clock
        self._room = threading.BoundedSemaphore(_MOST_AT_ONCE)
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without asking a name server who we are, as the library would."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]  # typeshed: str | bytes

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin with a connection, or turn it away while there are too many."""
        if not self._room.acquire(blocking=False):
            with suppress(OSError):
                request.setblocking(False)
                request.send(_BUSY)
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._room.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and make room for the next."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - nobody's address is logged
        """Note a fault of ours in words. A connection that broke is nobody's."""
        error = sys.exception()
        if isinstance(error, Exception) and not isinstance(error, OSError):
            log.error("monitor failed", step="monitor", **in_words(error))


@contextmanager
def listening(listen: str, figures: Figures) -> Iterator[str]:
    """Answer at ``address:port`` (``[address]:port``) meanwhile; gives the address with the port that was taken.

    Unavailable where nobody can listen there. SIGTERM and SIGINT are left to the thread that waits for them.
    """
    host, _, port = listen.rpartition(":")
    try:
        server = Server((host.strip("[]"), int(port)), figures)
    except (OSError, OverflowError) as error:
        raise Unavailable(
            f"monitor.listen: nobody can listen at {listen} ({getattr(error, 'strerror', None) or error}). Choose "
            "another address or port, or leave it empty."
        ) from error
    thread = threading.Thread(target=server.serve_forever, name="monitor", daemon=True)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    try:
        thread.start()  # it and all that it starts inherit the mask
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    try:
        if not ipaddress.ip_address(server.server_name).is_loopback:
            log.warning("the monitor can be reached from outside this machine", step="monitor", listen=listen)
        yield f"{host}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
