"""So many a minute and no more, by a clock of the test's own."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.outbox import Throttle


class Clock:
    """Stands still but for what is waited, and what the test lets pass."""

    def __init__(self):
        self.now = 1_000.0
        self.waited = []

    def __call__(self):
        return self.now

    def pause(self, seconds):
        self.waited.append(seconds)
        self.now += seconds


def test_the_first_ones_pass_at_once_and_the_next_waits_for_the_minute_to_end():
    clock = Clock()
    throttle = Throttle(3, clock, clock.pause)
    for _ in range(3):
        throttle.wait()
        clock.now += 5
    assert clock.waited == []
    throttle.wait()
    assert clock.waited == [45.0]


def test_who_is_slow_never_waits():
    clock = Clock()
    throttle = Throttle(2, clock, clock.pause)
    for _ in range(10):
        throttle.wait()
        clock.now += 30
    assert clock.waited == []


@given(st.integers(1, 5), st.lists(st.floats(0, 50), max_size=30))
def test_no_minute_ever_sees_more(per_minute, gaps):
    clock = Clock()
    throttle = Throttle(per_minute, clock, clock.pause)
    passed = []
    for gap in gaps:
        throttle.wait()
        passed.append(clock.now)
        clock.now += gap
    for first, later in zip(passed, passed[per_minute:], strict=False):
        assert later - first >= 60 - 1e-6
