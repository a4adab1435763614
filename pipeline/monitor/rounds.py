"""What the rounds of this process came to: a small record that the worker's thread writes and the server's read."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

from pipeline.promises import Round

COUNTED = tuple(field.name for field in fields(Round) if field.type is int)
"""What a round counts: new mails, drafts put, mails sent and so on."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The record at one moment, in seconds. running: how long the round at hand has taken so far, None between rounds.

    done, failed: rounds that ended, and that were broken off by trouble of our own. last: how long the last one took;
    all_together: every one. work: what they did, by the names of COUNTED.
    """

    done: int
    failed: int
    running: float | None
    last: float
    all_together: float
    work: Mapping[str, int]


class Rounds:
    """The record. clock: seconds that only go up."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._begun: float | None = None
        self._done = self._failed = 0
        self._last = self._all = 0.0
        self._work: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))

    def watched(self, work: Callable[[], Round]) -> Callable[[], Round]:
        """Return what does a round as before, and has it written down."""

        def one_round() -> Round:
            with self._lock:
                self._begun = self._clock()
            done = None
            try:
                done = work()
            finally:
                self._ended(done)
            return done

        return one_round

    def _ended(self, done: Round | None) -> None:
        with self._lock:
            if self._begun is not None:
                self._last = self._clock() - self._begun
            self._begun = None
            self._all += self._last
            if done is None:
                self._failed += 1
                return
            self._done += 1
            self._work.update({name: getattr(done, name) for name in COUNTED})

    def seen(self) -> Seen:
        """Return the record as it is now."""
        with self._lock:
            running = None if self._begun is None else self._clock() - self._begun
            return Seen(self._done, self._failed, running, self._last, self._all, dict(self._work))
