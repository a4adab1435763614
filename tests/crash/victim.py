"""A worker that kills itself: forked from a process that has everything imported, so that a death costs little.

Run as ``python -m tests.crash.victim FOLDER``, a folder with work to learn on. Each line of standard input is one
Request as JSON, each line of standard output what became of it. The product has no hooks: mailbox, ledger, artefacts
and the commands that change something on an IMAP or Exchange server or in Microsoft 365 are wrapped here.
"""

import ctypes
import gc
import json
import os
import signal
import sys
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any, NamedTuple

import imapclient
import structlog
from sqlalchemy import Engine, event

from pipeline.config import Config
from pipeline.mailbox import EwsSettings, GraphSettings, ImapSettings, MaildirSettings, open_mailbox
from pipeline.mailbox.ews_session import Session as EwsSession
from pipeline.mailbox.graph_session import Session as GraphSession
from pipeline.mailbox.imap_session import Tls
from pipeline.promises import Round
from pipeline.readers import child, zygote
from pipeline.readers.child import Forked, Readers, Zygote
from pipeline.worker import Worker
from tests import office as builders

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER, linux/prctl.h
_MOST_ROUNDS = 6
_PATIENCE = 60
_CHANGING = ("append", "copy", "move", "add_flags", "uid_expunge", "create_folder", "subscribe_folder")
_POSTING = ("post", "post_mime", "patch")
_WRITING = ("create_draft", "create_folder", "mark_read", "move", "set_categories")


class Request(NamedTuple):
    """One life. kill: the step at which it ends itself, 0 for never. imap, graph, ews: settings of another mailbox.

    readers: ``remembered``, ``forked`` or ``zygote``. watched: at each step it says which, and waits for an octet.
    """

    folder: str
    kill: int
    imap: dict[str, Any] | None = None
    graph: dict[str, Any] | None = None
    ews: dict[str, Any] | None = None
    readers: str = "remembered"
    watched: bool = False


class Steps:
    """Counts steps, and ends the process at one of them. watched: it waits at each of them."""

    def __init__(self, kill: int, *, watched: bool = False) -> None:
        self.kill = kill
        self.watched = watched
        self.names: list[str] = []

    def step(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) == self.kill:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.watched:
            os.write(1, f"{json.dumps({'step': name})}\n".encode())
            os.read(0, 1)

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def stepped(*args: Any, **named: Any) -> Any:
            self.step(f"before {name}")
            result = call(*args, **named)
            self.step(f"after {name}")
            return result

        return stepped


class Watched:
    """Stands for a mailbox, a ledger or a store of artefacts, with a step before and after each call."""

    def __init__(self, inner: Any, name: str, steps: Steps) -> None:
        self._inner, self._name, self._steps = inner, name, steps

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(self._inner, attribute)
        return self._steps.around(f"{self._name}.{attribute}", value) if callable(value) else value


MEMORY = builders.Remembering()
"""Filled before the first victim is made: what dies lies between the readings, and they cost most."""


def live(request: Request) -> list[str]:
    """Do rounds until nothing is left to do; return the names of the steps."""
    steps = Steps(request.kill, watched=request.watched)
    folder = Path(request.folder)
    config = builders.settings(folder)
    readers: dict[str, Callable[[], Readers]] = {"remembered": lambda: MEMORY, "forked": Forked, "zygote": Zygote}
    with builders.an_office(config, readers=readers[request.readers]()) as office:
        office.ledger = Watched(office.ledger, "ledger", steps)  # type: ignore[assignment]  # stands for it
        office.artefacts = Watched(office.artefacts, "artefacts", steps)  # type: ignore[assignment]  # the same
        for command in _CHANGING if request.imap else ():
            name = f"server.{command}"
            setattr(imapclient.IMAPClient, command, steps.around(name, getattr(imapclient.IMAPClient, command)))
        for method in _POSTING if request.graph else ():
            setattr(GraphSession, method, steps.around(f"server.{method}", getattr(GraphSession, method)))
        for method in _WRITING if request.ews else ():
            setattr(EwsSession, method, steps.around(f"server.{method}", getattr(EwsSession, method)))
        if request.readers == "zygote":
            setattr(child, "send", steps.around("zygote.send", zygote.send))  # noqa: B010 - a name it imports
        worker = Worker(office, partial(_visit, config, request, steps))
        for _ in range(_MOST_ROUNDS):
            if worker.run_once() == Round():
                return steps.names
    raise RuntimeError(f"still not quiet after {_MOST_ROUNDS} rounds")


def _visit(config: Config, request: Request, steps: Steps) -> Watched:
    settings: EwsSettings | GraphSettings | ImapSettings | MaildirSettings = MaildirSettings(
        Path(request.folder) / "mail"
    )
    if request.imap:
        root = request.imap["ca_file"]
        settings = ImapSettings(**{**request.imap, "ca_file": root and Path(root), "tls": Tls(request.imap["tls"])})
    if request.graph:
        settings = GraphSettings(**{**request.graph, "ca_file": Path(request.graph["ca_file"])})
    if request.ews:
        settings = EwsSettings(**{**request.ews, "ca_file": Path(request.ews["ca_file"])})
    return Watched(open_mailbox(settings), "mailbox", steps)


def _fork(request: Request) -> dict[str, Any]:
    """Let one victim live; then wait until it and whatever it had started are gone."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        status = 1
        try:
            names = live(request)
            with os.fdopen(writing, "w") as answer:
                json.dump(names, answer)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = answer.read()
    _, status = os.waitpid(pid, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    return {"killed": killed, "status": status, "steps": json.loads(said) if said else [], "left": _left()}


def _left() -> int:
    """Wait for the orphans, which the system gives to this process; it ends itself where one stays too long."""
    signal.alarm(_PATIENCE)
    count = 0
    try:
        while True:
            os.wait()
            count += 1
    except ChildProcessError:
        return count
    finally:
        signal.alarm(0)


def main() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0)
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    # A killed process loses nothing that the system was handed; syncing guards against the loss of power only.
    os.fsync = lambda fd: None
    event.listen(Engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    live(Request(sys.argv[1], 0))
    gc.freeze()
    for line in sys.stdin:
        print(json.dumps(_fork(Request(**json.loads(line)))), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
