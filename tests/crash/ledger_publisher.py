"""A Release that kills itself: forked from a process that has everything imported.

Run as ``python -m tests.crash.ledger_publisher``. Each line of standard input is an Order as JSON, each line of
standard output what became of it. Every statement that the ledger gives its database is a step, and so is the commit.
"""

import json
import os
import signal
import sys
from typing import Any, NamedTuple

from sqlalchemy import Engine, event

from pipeline.ledger.errors import LedgerConflict
from pipeline.ledger.store import Ledger
from tests.contract.ledger_values import amendment, documents, effect, record


class Order(NamedTuple):
    """What to do with the database. kill: the step at which the process ends itself, 0 for never."""

    url: str
    kill: int


class Steps:
    """Counts the statements of a database, and ends the process before or after one of them."""

    def __init__(self, kill: int) -> None:
        self.kill = kill
        self.names: list[str] = []

    def watch(self) -> None:
        event.listen(Engine, "before_cursor_execute", lambda *call: self._step("before", call[2]))
        event.listen(Engine, "after_cursor_execute", lambda *call: self._step("after", call[2]))
        event.listen(Engine, "commit", lambda _: self._step("before", "COMMIT"))

    def _step(self, when: str, statement: str) -> None:
        self.names.append(f"{when} {' '.join(statement.split()[:3])}")
        if len(self.names) == self.kill:
            os.kill(os.getpid(), signal.SIGKILL)


def publish(order: Order) -> list[str]:
    """Make the one Release there is to make, and look once more at what follows; return the names of the steps."""
    ledger = Ledger.open(order.url)
    published = {item.submission: f"{733 + place:06}" for place, item in enumerate(ledger.accepted())}
    effects = [effect("shelve:3.001", "shelve", version="3.001"), effect("send:x", "send", to="list@cpl.example")]
    steps = Steps(order.kill)
    steps.watch()
    try:
        ledger.release(record(), documents(), effects, published=published, amendments=[amendment().number])
    except LedgerConflict:
        return ["refused"]
    ledger.effect_begins("send:x", record().at)
    ledger.close()
    return steps.names


def _fork(order: Order) -> dict[str, Any]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        status = 1
        try:
            names = publish(order)
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
    # A killed process loses nothing that the system was handed; syncing guards against the loss of power only.
    event.listen(Engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    for line in sys.stdin:
        print(json.dumps(_fork(Order(**json.loads(line)))), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
