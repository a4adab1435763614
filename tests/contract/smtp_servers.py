"""SMTP servers on loopback: a real one (aiosmtpd) that keeps what it takes, and one that says what a test wants."""

import asyncio
import contextlib
import itertools
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HOST = "127.0.0.1"
USER, PASSWORD, TOKEN = "desk@mail.example", "pässword", "ya29.token"


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail that the real server answers for."""

    sender: str
    recipient: str
    raw: bytes
    options: tuple[str, ...] = ()


@dataclass
class Receiver:
    """What the real server does with mails. answers: verb (``RCPT``, ``DATA``) to the reply instead of taking it."""

    answers: dict[str, str] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    sessions: list[SMTP] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name for it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "RCPT" in self.answers:
            return self.answers["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the same
        if "DATA" in self.answers:
            return self.answers["DATA"]
        assert isinstance(envelope.content, bytes)
        (recipient,) = envelope.rcpt_tos
        taken = Taken(str(envelope.mail_from), recipient, envelope.content, tuple(envelope.mail_options))
        self.taken.append(taken)
        return f"250 2.0.0 queued as {len(self.taken)}"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        self.logins.append(mechanism)
        right = isinstance(data, LoginPassword) and data == LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False)


class Microsoft(SMTP):
    """aiosmtpd with the login that Microsoft 365 wants."""

    async def auth_XOAUTH2(self, _: SMTP, args: list[str]) -> AuthResult:  # noqa: N802 - aiosmtpd's name for it
        import base64

        said = base64.b64decode(args[1]).decode()
        if said == f"user={USER}\x01auth=Bearer {TOKEN}\x01\x01":
            return AuthResult(success=True)
        await self.challenge_auth(b'{"status":"401"}', encode_to_b64=True)
        return AuthResult(success=False, handled=False)


@contextlib.contextmanager
def receiving(*, implicit: ssl.SSLContext | None = None, kind: type[SMTP] = SMTP, **options: Any) -> Iterator[Receiver]:
    """Run a real server. options: of aiosmtpd's SMTP; ``implicit``: TLS from the first octet."""
    receiver = Receiver()
    loop = asyncio.new_event_loop()

    def session() -> SMTP:
        receiver.sessions.append(kind(receiver, loop=loop, hostname="mail.example", **options))
        return receiver.sessions[-1]

    server = loop.run_until_complete(loop.create_server(session, HOST, 0, ssl=implicit))
    receiver.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        asyncio.run_coroutine_threadsafe(_ended(server, receiver.sessions), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _ended(server: asyncio.Server, sessions: list[SMTP]) -> None:
    server.close()
    for session in sessions:
        if session.transport is not None:
            session.transport.abort()  # type: ignore[attr-defined]  # every stream transport has it
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for _ in range(5):  # turns of the loop in which transports close, TLS ones in more than one
        await asyncio.sleep(0)


def server_context(home: Path) -> ssl.SSLContext:
    """TLS with the certificate that ``make_certificates`` has put there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(home / "server.crt", home / "server.key")
    return context


ANSWERS: Mapping[str, bytes] = {
    "GREETING": b"220 mail.example ready\r\n",
    "EHLO": b"250-mail.example\r\n250-AUTH PLAIN LOGIN XOAUTH2\r\n250-SIZE 100000\r\n250 8BITMIME\r\n",
    "MAIL": b"250 2.1.0 ok\r\n",
    "RCPT": b"250 2.1.5 ok\r\n",
    "DATA": b"354 go on\r\n",
    "END": b"250 2.0.0 queued as 1\r\n",
    "NOOP": b"250 ok\r\n",
    "QUIT": b"221 bye\r\n",
}

Answer = bytes | None | Callable[[socket.socket], None]


class Scripted:
    """Says what it is told. answers: verb, ``GREETING`` or ``END`` (of a mail) to the octets it answers with.

    None closes the connection, a function does as it likes with it, and nothing at all (``b""``) is silence.
    """

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.heard: list[bytes] = []
        self.answers: dict[str, Answer] = {**ANSWERS, **answers}
        self.connections = itertools.count()
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def verbs(self) -> list[str]:
        """The commands heard, in order, each by its first word."""
        return [line.split()[0].decode("latin-1").upper() for line in self.heard if line.strip()]

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for line in list(self._open):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            next(self.connections)
            self._open.add(line)
            with line, contextlib.suppress(OSError):
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._talk(line)
            self._open.discard(line)

    def _talk(self, line: socket.socket) -> None:
        going = self._say(line, "GREETING")
        text = False
        lines = line.makefile("rb")
        while going and (heard := lines.readline()):
            if text:
                if heard == b".\r\n":
                    text = False
                    going = self._say(line, "END")
                continue
            self.heard.append(heard)
            verb = heard.split()[0].decode("latin-1").upper() if heard.strip() else "NOD"
            going = self._say(line, verb)
            answer = self.answers.get(verb)
            text = verb == "DATA" and isinstance(answer, bytes) and answer.startswith(b"354")

    def _say(self, line: socket.socket, verb: str) -> bool:
        answer = self.answers.get(verb, b"502 what?\r\n")
        if callable(answer):
            answer(line)
        elif answer is not None:
            line.sendall(answer)
        return answer is not None
