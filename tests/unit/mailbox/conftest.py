"""An IMAP server that says what a test tells it to: for answers that no real server gives on demand."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Mapping

import pytest

GREETING = b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n"
ANSWERS = {
    b"CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n%s OK done\r\n",
    b"AUTHENTICATE": b"+ \r\n",
    b"LOGIN": b"%s OK [CAPABILITY IMAP4rev1 MOVE UIDPLUS] in\r\n",
    b"EXAMINE": b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] .\r\n%s OK [READ-ONLY] done\r\n",
    b"SELECT": b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] .\r\n%s OK [READ-WRITE] done\r\n",
    b"SEARCH": b"* SEARCH 1\r\n%s OK done\r\n",
    b"LOGOUT": b"* BYE\r\n%s OK done\r\n",
}


class Scripted:
    """Listens on loopback. answers: command word to what is sent; ``%s`` stands for the tag, None closes the line.

    login_answers: what is said to the next lines of logins, in place of the answer to LOGIN. nods: what was sent after
    a challenge among them.
    """

    def __init__(self, answers: Mapping[bytes, bytes | None], greeting: bytes) -> None:
        self.heard: list[bytes] = []
        self.login_answers: list[bytes | None] = []
        self.nods: list[bytes] = []
        self._answers = {**ANSWERS, **answers}
        self._greeting = greeting
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            with line, contextlib.suppress(OSError):
                self._talk(line)

    def _talk(self, line: socket.socket) -> None:
        line.sendall(self._greeting)
        tag, challenged = b"", False
        for heard in line.makefile("rb"):
            (self.nods if challenged else self.heard).append(heard)
            words = heard.split()
            if challenged or len(words) == 1:  # what follows AUTHENTICATE
                said = self.login_answers.pop(0) if self.login_answers else self._answer(b"LOGIN", tag)
                if said is None:
                    return
                challenged = said.startswith(b"+")
                line.sendall(said.replace(b"%s", tag))
                continue
            tag, command = words[0], words[2 if words[1] == b"UID" else 1].upper()
            answer = self._answers.get(command, b"%s BAD what?\r\n")
            if answer is None:
                return
            line.sendall(self._answer(command, tag))

    def _answer(self, command: bytes, tag: bytes) -> bytes:
        return (self._answers.get(command) or b"%s BAD what?\r\n").replace(b"%s", tag)


@pytest.fixture
def scripted() -> Iterator[Callable[..., Scripted]]:
    """Make scripted servers; all are stopped when the test ends."""
    with contextlib.ExitStack() as servers:

        def make(answers: Mapping[bytes, bytes | None] | None = None, greeting: bytes = GREETING) -> Scripted:
            server = Scripted(answers or {}, greeting)
            servers.callback(server.stop)
            return server

        yield make
