"""A worker whose disk fails it: forked from a process that has everything imported, so that a life costs little.

Run as ``fiu-run -x -f "" python -m tests.crash.disk_victim FOLDER``, a folder with work to learn on: libfiu stands
between it and the system's calls, and lets all pass until a life asks for faults. Each line of standard input is one
Request as JSON, each line of standard output how its rounds ended.
"""

import ctypes
import gc
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import structlog

from pipeline.mailbox.maildir import Maildir
from pipeline.promises import Round
from pipeline.trouble import OWN_TROUBLE
from pipeline.worker import Worker
from tests import office as builders

_MOST_ROUNDS = 6
MEMORY = builders.Remembering()
"""Filled before the first life: what is proved lies between the readings, and they cost most."""


class Request(NamedTuple):
    """One life. faults: libfiu's names of calls, each with its errno; none for a disk that is well.

    seed, probability: of their failing. stage: the worker's step (fetch, judge, act) from which on they fail, as the
    first fault ends a round and the later steps would never meet one. limit: rounds at the most.
    """

    folder: str
    faults: dict[str, int]
    seed: int = 0
    probability: float = 0.0
    stage: str = "fetch"
    limit: int = _MOST_ROUNDS


class Ended(NamedTuple):
    """told: what ended rounds in words of ours, unreachable mailboxes included. faults: what else was raised."""

    told: list[str]
    faults: list[str]
    quiet: bool


def fiu(command: str) -> None:
    """Tell libfiu, which fiu-run has loaded, what is to fail."""
    said = ctypes.c_char_p()
    if ctypes.CDLL("libfiu.so.0").fiu_rc_string(command.encode(), ctypes.byref(said)):
        raise RuntimeError(f"libfiu refused '{command}': {said.value!r}")


class Disk:
    """Fails as the request says, once the worker has come so far."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._failing = False

    def begins(self, step: str, _position: int, _total: int) -> None:
        """Take what the worker tells of its progress."""
        if step != self._request.stage or self._failing:
            return
        self._failing = True
        ctypes.CDLL("libfiu.so.0").fiu_set_prng_seed(ctypes.c_uint(self._request.seed))
        for name, errno in self._request.faults.items():
            fiu(f"enable_random name={name},probability={self._request.probability},failinfo={errno}")

    def ends(self) -> None:
        for name in self._request.faults if self._failing else ():
            fiu(f"disable name={name}")


def live(request: Request) -> Ended:
    """Do rounds, each with an office of its own, until one finds nothing to do."""
    told: list[str] = []
    faults: list[str] = []
    quiet = False
    disk = Disk(request)
    for _ in range(request.limit):
        done = None
        try:
            done = _round(Path(request.folder), disk)
        except OWN_TROUBLE as error:
            told.append(str(error))
        except Exception as error:  # noqa: BLE001 - the test says which
            faults.append(f"{type(error).__name__}: {error}")
        if done and done.unreachable:
            told.append(done.unreachable)
        if quiet := done == Round():
            break
    disk.ends()
    return Ended(told, faults, quiet)


def _round(folder: Path, disk: Disk) -> Round:
    with builders.an_office(builders.settings(folder), readers=MEMORY) as office:
        return Worker(office, lambda: Maildir(folder / "mail"), disk.begins).run_once()


def _forked(act: Callable[[], Ended]) -> str:
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        said = json.dumps(act())
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = answer.read()
    os.waitpid(pid, 0)
    return said


def main() -> None:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    live(Request(sys.argv[1], {}))
    gc.freeze()
    for line in sys.stdin:
        request = Request(**json.loads(line))
        print(_forked(lambda: live(request)), flush=True)  # noqa: B023, T201 - used at once; the answer


if __name__ == "__main__":
    main()
