"""A sender that kills itself: forked from a process that has everything imported, so that a death costs little.

Run as ``python -m tests.crash.smtp_victim``. Each line of standard input is ``PORT KILL NOTES``: send one mail to that
port, die at step KILL (0 for never), note in the file NOTES what a ledger would. Each line of output is the exit status
and the number of steps.
"""

import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from pipeline.outbox import Smtp, SmtpSettings, Throttle, Tls
from pipeline.outbox.smtp_line import Line

MAIL = b"Subject: reminder\r\nMessage-ID: <1@mail.example>\r\n\r\nbody\r\n"


class Steps:
    """Counts steps, and ends the process at one of them."""

    def __init__(self, kill: int) -> None:
        self.kill = kill
        self.count = 0

    def step(self) -> None:
        self.count += 1
        if self.count == self.kill:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def stepped(*args: Any, **named: Any) -> Any:
            self.step()
            result = call(*args, **named)
            self.step()
            return result

        return stepped


def live(port: int, kill: int, notes: Path) -> int:
    """Promise, send, note: what the worker does with its ledger. Return the number of steps."""
    steps = Steps(kill)
    for name in ("send", "_reply", "open"):
        setattr(Line, name, steps.around(getattr(Line, name)))
    with notes.open("a") as file:

        @steps.around
        def note(word: str) -> None:
            file.write(f"{word}\n")
            file.flush()
            os.fsync(file.fileno())

        note("sending")
        transport = Smtp(SmtpSettings("127.0.0.1", port, Tls.NONE, timeout_seconds=10), Throttle(1_000))
        note(transport.send(MAIL, sender="desk@mail.example", recipient="maker@meters.example").outcome)
        transport.close()
    return steps.count


def main() -> None:
    for line in sys.stdin:
        port, kill, notes = line.split(maxsplit=2)
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.write(writer, str(live(int(port), int(kill), Path(notes.rstrip("\n")))).encode())
            os._exit(0)
        os.close(writer)
        _, status = os.waitpid(child, 0)
        with os.fdopen(reader) as told:
            print(os.waitstatus_to_exitcode(status), told.read() or 0, flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
