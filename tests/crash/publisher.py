"""``pipeline publish`` that kills itself: forked from a process that has everything imported and read.

Run as ``python -m tests.crash.publisher FOLDER``, a helpdesk to learn on. Each line of standard input is an Order as
JSON, each line of standard output what became of it. Ledger, artefacts and the folder of Releases are wrapped here.
"""

import gc
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from sqlalchemy import Engine, event

from pipeline.cli import publish as command
from pipeline.office import Office
from pipeline.publish import shelf
from tests import office as builders
from tests.crash.victim import Steps, Watched

MEMORY = builders.Remembering()


class Order(NamedTuple):
    """One life. kill: the step at which it ends itself, 0 for never. watched: it waits at each step."""

    folder: str
    kill: int
    watched: bool = False


def live(order: Order) -> list[str]:
    """Give the order to publish; return the names of the steps."""
    steps = Steps(order.kill, watched=order.watched)
    folder = Path(order.folder)

    @contextmanager
    def office(_: Path | None) -> Iterator[Office]:
        with builders.an_office(builders.settings(folder), readers=MEMORY) as found:
            found.ledger = Watched(found.ledger, "ledger", steps)  # type: ignore[assignment]  # stands for it
            found.artefacts = Watched(found.artefacts, "artefacts", steps)  # type: ignore[assignment]  # the same
            yield found

    command.office = office  # type: ignore[assignment]  # what opens the settings of a person's machine
    command.libreoffice = lambda: ""  # LibreOffice takes seconds, and is no step
    for name in ("_write", "_sync"):
        setattr(shelf, name, steps.around(f"shelf.{name}", getattr(shelf, name)))
    for owner, name in ((Path, "rename"), (Path, "mkdir"), (shelf.tempfile, "mkdtemp")):
        setattr(owner, name, steps.around(f"shelf.{name}", getattr(owner, name)))
    with redirect_stdout(sys.stderr if order.kill < 0 else open(os.devnull, "w")):  # noqa: PTH123 - it dies
        command.publish(dry_run=False, principal=False, by="Ada", config=None)
    return steps.names


def _fork(order: Order) -> dict[str, Any]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        status = 1
        try:
            names = live(order)
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
    return {"killed": killed, "status": status, "steps": json.loads(said) if said else []}


def main() -> None:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    # A killed process loses nothing that the system was handed; syncing guards against the loss of power only.
    os.fsync = lambda fd: None
    event.listen(Engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    _fork_free(Order(sys.argv[1], 0))
    gc.freeze()
    for line in sys.stdin:
        print(json.dumps(_fork(Order(**json.loads(line)))), flush=True)  # noqa: T201 - the answer


def _fork_free(order: Order) -> None:
    """Read everything once in this process, so that no life reads it again."""
    with builders.an_office(builders.settings(Path(order.folder)), readers=MEMORY) as found:
        ordered = command.releasing.planned(found)
        assert ordered is not None
        command.releasing.prepare(found, ordered)


if __name__ == "__main__":
    main()
