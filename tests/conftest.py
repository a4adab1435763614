"""What all tests share: capped children forked from a lean process.

A process that runs thousands of tests grows to hundreds of megabytes, and on some machines a fork of it takes fifty
milliseconds. So ``Forked`` asks a helper process here, as the worker does. The tests of the fork itself, and those that
put something into this process for the child to find, are marked ``forks``.
"""

import atexit
from typing import Any

import pytest

from pipeline.readers.child import Forked, Zygote
from pipeline.readers.jobs import JOBS, ChildLimits, Job

_HELPERS: dict[ChildLimits, Zygote] = {}
_TARGETS = {job.target for job in JOBS.values()}
_alone = Forked.run


def _through_a_helper(self: Forked, job: Job[Any], payload: bytes) -> Any:
    if job.target not in _TARGETS:
        return _alone(self, job, payload)
    limits = self._limits
    if limits not in _HELPERS:
        _HELPERS[limits] = Zygote(limits)
        atexit.register(_HELPERS[limits].close)
    return _HELPERS[limits].run(job, payload)


@pytest.fixture(autouse=True)
def _lean_forks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("forks") is None:
        monkeypatch.setattr(Forked, "run", _through_a_helper)
