"""The wall around the readers: whatever a job does, its owner gets a value or a Problem, and no process is left."""

import os
import runpy
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.domain.form import Form
from pipeline.domain.message import Problem
from pipeline.readers import zygote
from pipeline.readers.child import Forked, Readers, ReadersUnavailable, Zygote
from pipeline.readers.cpl import CplReading
from pipeline.readers.jobs import JOBS, ChildLimits, Job
from pipeline.readers.message import ReadMail

pytestmark = pytest.mark.forks
HERE = Path(__file__).parent
LIMITS = ChildLimits(wall=10.0)
SHORT = ChildLimits(wall=0.3)


RESULTS: dict[str, type[object]] = {
    "echo": bytes,
    "huge": bytes,
    "surrogate": str,
    "descriptors": list[str],
    "variables": list[str],
    "ceilings": list[int],
}
HOSTILE = {
    name: Job(f"hostile_jobs:{name}", RESULTS.get(name, int))
    for name, job in runpy.run_path(str(HERE / "hostile_jobs.py"), run_name="hostile_jobs").items()
    if getattr(job, "__module__", "") == "hostile_jobs"
}


@pytest.fixture
def jobs_on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))


@pytest.fixture(params=["forked", "zygote"])
def start(request, jobs_on_path):
    """How to start readers under given limits; what was started is closed."""
    started: list[Forked | Zygote] = []

    def begin(limits: ChildLimits = LIMITS) -> Forked | Zygote:
        readers = Forked(limits) if request.param == "forked" else Zygote(limits, {**JOBS, **HOSTILE})
        started.append(readers)
        return readers

    yield begin
    for readers in started:
        readers.close()


@pytest.fixture
def helper(jobs_on_path) -> Iterator[Zygote]:
    with Zygote(LIMITS, {**JOBS, **HOSTILE}) as readers:
        yield readers


def children() -> set[int]:
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


def test_a_value_comes_back(start):
    readers = start()
    payload = bytes(range(256)) * 1_200
    assert readers.run(HOSTILE["echo"], payload) == payload
    assert readers.run(HOSTILE["length"], b"") == 0


def test_the_real_readers(start):
    readers: Readers = start()
    mail = readers.message(b"Subject: hello\r\nFrom: a@b.example\r\n\r\ntext")
    assert isinstance(mail, ReadMail)
    assert mail.message.subject == "hello"
    form = readers.form(b"no workbook")
    assert isinstance(form, Form)
    assert form.problems
    cpl = readers.cpl(b"no workbook")
    assert isinstance(cpl, CplReading)
    assert cpl.problems


@pytest.mark.parametrize("name", ["spin", "sleep", "ignore_all", "close_and_stay"])
def test_what_does_not_end_is_ended(start, name):
    started = time.monotonic()
    problem = start(SHORT).run(HOSTILE[name], b"")
    assert problem == Problem("timeout", "Reading it took longer than 0.3 seconds and was stopped.")
    assert time.monotonic() - started < 5


def test_the_ceilings_are_set(start):
    assert start(ChildLimits(wall=9.5)).run(HOSTILE["ceilings"], b"") == [10, 0, 0]


@pytest.mark.parametrize(
    ("name", "payload", "kind", "words"),
    [
        ("hog", b"", "memory", "256 MiB"),
        ("huge", b"400000000", "memory", "256 MiB"),
        ("huge", b"2000000", "limit", "1,000,000 octets"),
        ("recurse", b"", "limit", "nested too deep"),
        ("fail", b"<b>hostile\x1b[31m</b>", "crash", "ValueError at hostile_jobs.py:"),
        ("leave", b"", "crash", "SystemExit"),
        ("quit_silently", b"", "crash", "without an answer"),
        ("abort", b"", "crash", "SIGABRT"),
        ("fault", b"", "crash", "SIGSEGV"),
        ("kill_self", b"", "memory", "by the system"),
        ("wrong_type", b"", "crash", "not what it should be"),
        ("unsayable", b"", "crash", "TypeError"),
        ("surrogate", b"", "crash", "UnicodeEncodeError"),
        ("forge", b"", "crash", "without an answer"),
        ("many_sockets", b"", "crash", "OSError"),
    ],
)
def test_every_way_to_fail_is_a_problem_in_words(start, name, payload, kind, words):
    readers = start(ChildLimits(wall=10.0, memory=256 << 20, result=1_000_000))
    problem = readers.run(HOSTILE[name], payload)
    assert isinstance(problem, Problem)
    assert problem.kind == kind
    assert words in problem.text
    assert "hostile\x1b" not in problem.text
    assert readers.run(HOSTILE["length"], b"next") == 4


def test_nothing_is_written_to_disk(start, tmp_path):
    problem = start().run(HOSTILE["write_file"], str(tmp_path / "dropped").encode())
    assert isinstance(problem, Problem)
    assert (tmp_path / "dropped").stat().st_size == 0


def test_a_child_has_its_pipe_and_nothing_else_of_its_parent(start):
    with (HERE / "hostile_jobs.py").open("rb"):
        assert start().run(HOSTILE["descriptors"], b"") == ["/dev/null"] * 3 + ["pipe"]


def test_the_helper_knows_no_secret(helper, monkeypatch):
    monkeypatch.setenv("CPL_SECRET", "password")
    found = helper.run(HOSTILE["variables"], b"")
    assert isinstance(found, list)
    assert "PYTHONPATH" in found
    assert "CPL_SECRET" not in found


def test_fifty_jobs_in_a_row_leave_no_child(start):
    before = children()
    readers = start()
    first = readers.run(HOSTILE["length"], b"x" * 300_000)
    during = children()
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    assert [readers.run(HOSTILE["length"], b"x" * number) for number in range(50)] == list(range(50))
    assert first == 300_000
    assert children() == during
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before
    readers.close()
    assert children() == before


def test_a_failed_job_leaves_no_child(start):
    before = children()
    readers = start(SHORT)
    for name in ("spin", "abort", "quit_silently"):
        assert isinstance(readers.run(HOSTILE[name], b""), Problem)
    readers.close()
    assert children() == before


def test_a_helper_that_was_killed_is_started_anew(helper):
    assert helper.pid is None
    assert helper.run(HOSTILE["length"], b"1") == 1
    first = helper.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert helper.run(HOSTILE["length"], b"22") == 2
    assert helper.pid not in {None, first}
    assert first not in children()


def test_a_helper_that_dies_during_a_job_is_asked_again(helper, tmp_path):
    marker = tmp_path / "kill once"
    marker.touch()
    assert helper.run(HOSTILE["kill_parent_once"], str(marker).encode()) == 1


def test_a_job_that_kills_its_helper_every_time_is_a_problem(helper):
    problem = helper.run(HOSTILE["kill_parent"], b"")
    assert isinstance(problem, Problem)
    assert problem.kind == "crash"
    assert helper.run(HOSTILE["length"], b"1") == 1


def test_a_stopped_helper_is_given_up_on(jobs_on_path, monkeypatch):
    monkeypatch.setattr("pipeline.readers.child._SPARE", 0.2)
    with Zygote(SHORT, HOSTILE) as readers:
        assert readers.run(HOSTILE["length"], b"1") == 1
        assert readers.pid is not None
        os.kill(readers.pid, signal.SIGSTOP)
        problem = readers.run(HOSTILE["length"], b"x" * 1_000_000)
        assert isinstance(problem, Problem)
        assert problem.kind == "timeout"
        assert readers.run(HOSTILE["length"], b"1") == 1


def test_a_terminal_or_a_service_stop_does_not_end_the_helper(helper):
    assert helper.run(HOSTILE["length"], b"1") == 1
    first = helper.pid
    assert first is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(first, number)
    assert helper.run(HOSTILE["length"], b"1") == 1
    assert helper.pid == first


def test_threads_share_one_helper(helper):
    results: list[object] = []
    threads = [
        threading.Thread(target=lambda size=size: results.append(helper.run(HOSTILE["length"], b"x" * size)))
        for size in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, results)) == sorted(map(str, range(20)))


def test_only_listed_jobs_are_run(jobs_on_path):
    with Zygote(LIMITS) as readers, pytest.raises(ValueError, match="hostile_jobs:length"):
        readers.run(HOSTILE["length"], b"")


def test_a_helper_that_cannot_start_is_our_own_trouble(jobs_on_path, capfd):
    with (
        Zygote(LIMITS, {"missing": Job("no_such_module:read", int)}) as readers,
        pytest.raises(ReadersUnavailable, match="did not start"),
    ):
        readers.run(Job("no_such_module:read", int), b"")
    assert "no_such_module" in capfd.readouterr().err


def test_frames_that_are_cut_off_are_the_end(tmp_path):
    whole = tmp_path / "frames"
    with whole.open("wb") as stream:
        zygote.send(stream, zygote.Reply(value=b"x"))
    for length in (0, 3, whole.stat().st_size - 1):
        cut = tmp_path / str(length)
        cut.write_bytes(whole.read_bytes()[:length])
        with cut.open("rb") as stream:
            assert zygote.receive(stream) is None
