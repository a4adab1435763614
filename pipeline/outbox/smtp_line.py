"""One connection to an SMTP server: TLS that is never given up, answers held to a size, and every wait to a time.

smtplib knows the commands and reads the EHLO answer. How octets come in and go out is here, because smtplib waits
anew for each octet, reads without end, and calls a line that is too long a refusal by the server.
"""

import contextlib
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_MOST_ANSWER = 64 << 10
"""Octets of one reply. RFC 5321, 4.5.3.1.5, allows 512 to a line; an EHLO answer has some twenty lines."""
_TOO_LONG = f"is over {_MOST_ANSWER:,} octets"
_CHUNK = 64 << 10
_CODE = re.compile(rb"([2-5][0-9]{2})(?:[ -]|\r?\n\Z)")
_GOODBYE_SECONDS = 2.0


class Garbled(Exception):  # noqa: N818 - named for the fact
    """The server's answer is no SMTP answer. The text completes 'its answer ...'."""


class Line(smtplib.SMTP):
    """A connection to one server. ``open`` it first. Everything may raise OSError or Garbled.

    timeout: seconds for each wait. clock: seconds that only go up.
    """

    sock: socket.socket | None

    def __init__(self, host: str, port: int, timeout: float, clock: Callable[[], float] = time.monotonic) -> None:
        # With a name given and no host, smtplib neither asks the network what this machine is called nor connects.
        super().__init__(local_hostname="localhost")
        self._place = (host, port)
        self._step = timeout
        self._clock = clock
        self._end = float("inf")
        self._heard = bytearray()

    @contextlib.contextmanager
    def within(self, end: float) -> Iterator[None]:
        """Let nothing inside go on beyond ``end``, a time of the clock."""
        self._end = end
        try:
            yield
        finally:
            self._end = float("inf")

    def open(self, implicit: ssl.SSLContext | None) -> tuple[int, bytes]:
        """Connect, with TLS from the start where a context is given, and return the greeting."""
        self.sock = socket.create_connection(self._place, self._left())
        # The end of a mail is sent by itself; unless told so, the system might hold it back for 40 ms.
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        own = self.sock.getsockname()[0]
        # RFC 5321, 4.1.3: who has no public name says the address; the name of an inner machine is nobody's business.
        self.local_hostname = f"[IPv6:{own}]" if ":" in own else f"[{own}]"
        if implicit:
            self.secure(implicit)
        return self.getreply()

    def secure(self, context: ssl.SSLContext) -> None:
        """Begin TLS on the open connection. What was said before it is forgotten (RFC 3207, 4.2)."""
        sock = self._connected()
        if self._heard:
            raise Garbled("came before it was asked for, and before TLS")
        wrapped = context.wrap_socket(sock, server_hostname=self._place[0], do_handshake_on_connect=False)
        self.sock = wrapped
        wrapped.settimeout(self._left())
        wrapped.do_handshake()
        self.esmtp_features = {}

    def send(self, s: bytes | str) -> None:  # type: ignore[override]  # typeshed has also buffers, which smtplib never gives
        """Send octets. Raises Garbled where an answer lies here unasked: it would be taken for the next one."""
        if self._heard:
            raise Garbled("came before it was asked for")
        data = memoryview(s.encode("utf-8") if isinstance(s, str) else s)
        for start in range(0, len(data), _CHUNK):
            sock = self._connected()
            sock.settimeout(self._left())
            sock.sendall(data[start : start + _CHUNK])

    def getreply(self) -> tuple[int, bytes]:
        """Return the code and the text of the next reply, lines joined by line feeds."""
        return self._reply(self._step)

    def last_reply(self) -> tuple[int, bytes]:
        """Return the reply to the end of a mail, waited for as long as ``within`` allows.

        RFC 5321, 4.5.3.2.6: ten minutes, since to give up early is how mails come twice.
        """
        return self._reply(float("inf"))

    def goodbye(self) -> None:
        """Say QUIT where that is quick, and close. Never raises."""
        self._step = min(self._step, _GOODBYE_SECONDS)
        with contextlib.suppress(OSError, Garbled), self.within(self._clock() + _GOODBYE_SECONDS):
            self.docmd("QUIT")
        self.close()

    def _reply(self, patience: float) -> tuple[int, bytes]:
        code, words, size = b"", [], 0
        while True:
            line = self._heard_line(patience, _MOST_ANSWER - size)
            size += len(line)
            found = _CODE.match(line)
            if not found or (code and found[1] != code):
                raise Garbled("is no SMTP answer")
            code = found[1]
            words.append(line[4:].strip())
            if line[3:4] != b"-":
                return int(code), b"\n".join(words)

    def _heard_line(self, patience: float, most: int) -> bytes:
        """Return the next line with its line feed, and keep what follows it."""
        looked = 0
        while (end := self._heard.find(b"\n", looked)) < 0:
            looked = len(self._heard)
            if looked >= most:
                raise Garbled(_TOO_LONG)
            sock = self._connected()
            sock.settimeout(self._left(patience))
            data = sock.recv(_CHUNK)
            if not data:
                raise ConnectionResetError("the server closed the connection")
            self._heard += data
        if end >= most:
            raise Garbled(_TOO_LONG)
        line = bytes(self._heard[: end + 1])
        del self._heard[: end + 1]
        return line

    def _connected(self) -> socket.socket:
        if self.sock is None:
            raise ConnectionResetError("the connection is closed")
        return self.sock

    def _left(self, patience: float | None = None) -> float | None:
        """Return how long the next wait may be; None for as long as it takes, where nothing was said of an end."""
        left = min(self._step if patience is None else patience, self._end - self._clock())
        if left <= 0:
            raise TimeoutError
        return None if left == float("inf") else left


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or later, certificate and host name checked, against the system's roots or those of ca_file alone.

    Raises OSError where ca_file cannot be read as PEM certificates.
    """
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
