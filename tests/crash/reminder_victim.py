"""A worker that kills itself while it reminds: forked from a process that has everything imported and read.

Run as ``python -m tests.crash.reminder_victim FOLDER``, a helpdesk to learn on. Each line of standard input is an Order
as JSON, each line of standard output what became of it. Ledger, artefacts and the line to the server are wrapped here.
"""

import gc
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import structlog
from sqlalchemy import Engine, event

from pipeline.cli.opening import transport_opener
from pipeline.config import NoticesConfig, RemindersConfig, SmtpConfig
from pipeline.mailbox.maildir import Maildir
from pipeline.office import Office
from pipeline.outbox.smtp_line import Line
from pipeline.promises import Round
from pipeline.reminding import Reminding
from pipeline.worker import Worker
from tests import office as builders
from tests.crash.victim import Steps, Watched

MEMORY = builders.Remembering()
SUPPLIER, DCC, SSC = "ends@supplier.example", "ends@dcc.example", "ssc@cpl.example"


class Order(NamedTuple):
    """One life. kill: the step at which it ends itself, 0 for never. minutes: after NOW, as a lease runs out.

    watched: it waits at each step.
    """

    folder: str
    port: int
    kill: int
    minutes: int = 0
    watched: bool = False


@contextmanager
def reminders_office(folder: Path, port: int, minutes: int = 0) -> Iterator[Office]:
    """Open the office of a helpdesk that sends its reminders to a server on this machine."""
    config = msgspec.structs.replace(
        builders.settings(folder),
        notices=NoticesConfig(send=True, ssc=(SSC,)),
        reminders=RemindersConfig(suppliers=(SUPPLIER,), dcc=(DCC,)),
        smtp=SmtpConfig("127.0.0.1", port=port, tls="none", per_minute=1_000, timeout_seconds=10),
    )
    clock = builders.Clock(builders.NOW + timedelta(minutes=minutes))
    with builders.an_office(config, clock, MEMORY) as office:
        yield office


def live(order: Order) -> list[str]:
    """Do rounds until nothing is left to do; return the names of the steps."""
    steps = Steps(order.kill, watched=order.watched)
    for name in ("send", "_reply", "open"):
        setattr(Line, name, steps.around(f"server.{name}", getattr(Line, name)))
    with reminders_office(Path(order.folder), order.port, order.minutes) as office:
        office.ledger = Watched(office.ledger, "ledger", steps)  # type: ignore[assignment]  # stands for it
        office.artefacts = Watched(office.artefacts, "artefacts", steps)  # type: ignore[assignment]  # the same
        box = Maildir(Path(order.folder) / "mail")
        worker = Worker(office, lambda: box, transport=transport_opener(office.config), owner=str(os.getpid()))
        for _ in range(5):
            done = worker.run_once()
            if not (done.reminded or done.sent or done.drafted):
                return steps.names if done.unsure or done == Round() else [str(done)]
    raise RuntimeError("still not quiet after 5 rounds")


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
    with reminders_office(Path(sys.argv[1]), 1) as office:
        assert Reminding(office).outlook()
    gc.freeze()
    for line in sys.stdin:
        print(json.dumps(_fork(Order(**json.loads(line)))), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
