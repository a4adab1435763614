"""Keeps to a number of mails a minute: servers that are pressed harder refuse, or blame the sender."""

import time
from collections import deque
from collections.abc import Callable

_MINUTE = 60.0


class Throttle:
    """Lets ``per_minute`` calls pass in any 60 seconds and makes the next one wait. Keep one for a server's life.

    clock: seconds that only go up. pause: waits that many seconds.
    """

    def __init__(
        self,
        per_minute: int,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._pause = pause
        self._passed: deque[float] = deque(maxlen=per_minute)

    def wait(self) -> None:
        """Return when one more may pass."""
        if len(self._passed) == self._passed.maxlen:
            rest = self._passed[0] + _MINUTE - self._clock()
            if rest > 0:
                self._pause(rest)
        self._passed.append(self._clock())
