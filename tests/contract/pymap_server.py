"""A second real IMAP server for tests: pymap, written in Python, mailboxes in memory; gone when stopped.

It has no NAMESPACE, no SPECIAL-USE and no TLS here, and one user, whose mailbox is emptied for each test.
"""

import contextlib
import importlib.util
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from imaplib import IMAP4

import imapclient

USER, PASSWORD = "desk", "word"
HOST = "127.0.0.1"
_START_SECONDS = 30.0
_MAIN = "import sys; from pymap.main import main; sys.exit(main())"


def missing() -> str:
    """Say why it cannot be started here; empty when it can."""
    return "" if importlib.util.find_spec("pymap") else "pymap is not installed (requirements/dev.txt names it)"


@dataclass(frozen=True, slots=True)
class Pymap:
    """One running server with one mailbox.

    person: a second connection to it, whoever delivers and the clerk's own mail program; a login takes it 0.1 s.
    """

    port: int
    person: imapclient.IMAPClient

    def empty(self) -> None:
        """Leave nothing but an empty inbox."""
        self.person.select_folder("INBOX")  # it hangs up on whoever is in a folder that goes
        for _, _, folder in self.person.list_folders():
            with contextlib.suppress(IMAP4.error):  # what is only the parent of another cannot be deleted
                self.person.delete_folder(folder)
        self.person.delete_messages(self.person.search("ALL"))
        self.person.expunge()


@contextlib.contextmanager
def running() -> Iterator[Pymap]:
    """Start one, and wait until it takes connections."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    words = ["--host", HOST, "--port", str(port), "--no-tls", "dict", "--demo-user", USER, "--demo-password", PASSWORD]
    process = subprocess.Popen(
        [sys.executable, "-c", _MAIN, *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        _wait(process, port)
        with imapclient.IMAPClient(HOST, port=port, ssl=False, timeout=60) as client:
            client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.plain_login(USER, PASSWORD)
            yield Pymap(port, client)
    finally:
        process.kill()
        process.wait(10)


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Connect until somebody answers; it says nothing when it is ready."""
    patience = threading.Event()
    for _ in range(int(_START_SECONDS / 0.05)):
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=5) as line:
            if line.recv(4) == b"* OK":
                return
        if process.poll() is not None:
            break
        patience.wait(0.05)
    raise RuntimeError("pymap did not start")
