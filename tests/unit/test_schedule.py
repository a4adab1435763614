"""The service: a round at once, a clean end on SIGTERM and SIGINT, what systemd is told, and one worker only."""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.demo.mail import mail
from pipeline.ledger.records import MessageState
from pipeline.schedule import AlreadyRunning, notifier, only_one
from pipeline.trouble import Unavailable
from tests.office import HELPDESK, NOW, a_helpdesk, an_office, held, settings

ROOT = Path(__file__).parents[2]
_PATIENCE = 30
MAILS = 30
"""More than a service can tell of before it must wait for its socket to be read: it cannot run ahead of the test."""
_SETTINGS = f"""
data = "data"
[mailbox]
kind = "maildir"
path = "mail"
[reply]
address = "{HELPDESK}"
[worker]
poll_seconds = 3600
"""


class Service:
    """``pipeline run`` in a process of its own, with a socket where it tells how it is."""

    def __init__(self, process, channel):
        self.process, self._channel = process, channel

    def told(self):
        return self._channel.recv(100).decode()

    def waits_for(self, text, times=1):
        while times:
            times -= self.told() == text

    def ends(self):
        """Wait for the end of it and of everything that holds its standard error; return code and log lines."""
        _, errors = self.process.communicate(timeout=_PATIENCE)
        return self.process.returncode, [json.loads(line) for line in errors.splitlines()]


@contextmanager
def service(folder, command):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(folder / "s"))
        channel.settimeout(_PATIENCE)
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=os.environ | {"NOTIFY_SOCKET": str(folder / "s")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield Service(process, channel)
        finally:
            process.kill()
            process.communicate()
            (folder / "s").unlink()


@pytest.fixture
def folder(tmp_path):
    with a_helpdesk(tmp_path) as helpdesk:
        helpdesk.deliver(*(mail(f"CPL submission {n}", "The form follows.\n", NOW) for n in range(MAILS)))
    (tmp_path / "pipeline.toml").write_text(_SETTINGS, "utf-8")
    return tmp_path


def run(folder, *more):
    return ["-m", "pipeline", "run", *more, "--config", str(folder / "pipeline.toml")]


def command(folder, *more):
    return subprocess.run([sys.executable, *run(folder, *more)], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["term", "int"])
def test_a_service_works_at_once_tells_systemd_and_ends_when_asked(folder, number):
    with service(folder, run(folder)) as worker:
        said = [worker.told()]
        while len(held(folder / "mail", "Drafts")) < MAILS:
            said.append(worker.told())
        worker.waits_for("WATCHDOG=1")
        worker.process.send_signal(number)
        worker.waits_for("STOPPING=1")
        code, lines = worker.ends()
    assert code == 0
    assert "READY=1" in said
    assert set(said) == {"READY=1", "WATCHDOG=1"}
    assert lines[-1]["event"] == "stopped"
    assert [line["signal"] for line in lines if line["event"] == "stopping"] == [number.name]
    assert {line["level"] for line in lines} == {"info"}


def test_a_service_asked_to_end_in_the_middle_finishes_the_mail_at_hand(folder):
    with service(folder, run(folder)) as worker:
        worker.waits_for("WATCHDOG=1", MAILS + 2)  # all mails are fetched, the second one is being judged
        for _ in range(3):  # more than one does not cut it short
            worker.process.send_signal(signal.SIGTERM)
        worker.waits_for("STOPPING=1")
        code, lines = worker.ends()
    assert code == 0
    assert not [line for line in lines if line["level"] != "info"]
    with an_office(settings(folder)) as office:
        records = [office.ledger.message(row["sha256"]) for row in office.ledger.dump()["messages"]]
    assert len(records) == MAILS
    done = [record for record in records if record.state is MessageState.CONCLUDED]
    assert [record for record in records if record.attempts] == done
    assert 0 < len(done) < MAILS
    assert command(folder, "--once").returncode == 0
    assert len(held(folder / "mail", "Drafts")) == MAILS


def test_a_second_worker_is_refused_in_one_line(folder):
    with service(folder, run(folder)) as worker:
        worker.waits_for("READY=1")
        second = command(folder, "--once")
        assert second.returncode == 1
        (line,) = second.stderr.splitlines()
        assert line == f"pipeline: {folder / 'data'}: the worker with process id {worker.process.pid} is at work here"


_FAILING = """
from datetime import datetime, UTC
from types import SimpleNamespace
from pipeline.cli.logs import set_up_logs
from pipeline.ledger.errors import LedgerBusy
from pipeline.schedule import notifier, run_until_stopped

class Worker:
    office = SimpleNamespace(clock=lambda: datetime.now(UTC))
    errors = [LedgerBusy("The ledger is busy."), KeyError("Zzyzx"), None]
    def run_once(self):
        error = self.errors.pop(0)
        if error:
            raise error
    def stop(self):
        pass

set_up_logs("info")
run_until_stopped(Worker(), 1, notifier())
"""


def test_a_round_that_fails_is_told_without_secrets_and_the_next_one_is_done(tmp_path):
    with service(tmp_path, ["-c", _FAILING]) as worker:
        assert worker.told() == "READY=1"
        assert worker.told() == "WATCHDOG=1"  # the third round went well
        worker.process.send_signal(signal.SIGTERM)
        code, lines = worker.ends()
    busy, unforeseen = lines[:2]
    assert code == 0
    assert (busy["event"], busy["error"], busy["why"]) == ("round failed", "LedgerBusy", "The ledger is busy.")
    assert (unforeseen["error"], "why" in unforeseen) == ("KeyError", False)
    assert "Zzyzx" not in repr(lines)


_POKED = """
import threading
from datetime import datetime, UTC
from types import SimpleNamespace
from pipeline.schedule import notifier, run_until_stopped

poked, began, ended = threading.Event(), threading.Event(), threading.Event()

class Worker:
    office = SimpleNamespace(clock=lambda: datetime.now(UTC))
    rounds = 0
    def run_once(self):
        self.rounds += 1
        if self.rounds == 2:  # mail comes in the middle of the second round
            began.set()
            poked.wait(20)
    def stop(self):
        pass

class Watch:
    def __init__(self, poke):
        self.poke = poke
    def run(self):
        while not began.wait(0.05):  # until the round at hand has ended and another one was begun for this
            self.poke()
        self.poke()
        poked.set()
        ended.wait(20)
    def stop(self):
        ended.set()

run_until_stopped(Worker(), 3600, notifier(), watch=Watch)
assert ended.is_set()
"""


def test_new_mail_begins_a_round_at_once_and_one_more_after_the_one_at_hand(tmp_path):
    with service(tmp_path, ["-c", _POKED]) as worker:
        worker.waits_for("WATCHDOG=1", 3)
        worker.process.send_signal(signal.SIGTERM)
        worker.waits_for("STOPPING=1")
        code, lines = worker.ends()
    assert code == 0, lines


_SET_BACK = """
import time
from datetime import datetime, timedelta, UTC
from types import SimpleNamespace
from pipeline.schedule import notifier, run_until_stopped

import apscheduler.schedulers.base as base

year = timedelta(0)

class Clock(datetime):  # of the scheduler's module, which asks it for itself
    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) - year

base.datetime = Clock

class Worker:
    office = SimpleNamespace(clock=lambda: Clock.now(UTC))
    def run_once(self):
        global year
        year = timedelta(days=365)
    def stop(self):
        pass

run_until_stopped(Worker(), 1, notifier())
"""


def test_a_clock_that_is_set_back_a_year_does_not_end_the_rounds(tmp_path):
    with service(tmp_path, ["-c", _SET_BACK]) as worker:
        worker.waits_for("WATCHDOG=1", 2)
        worker.process.send_signal(signal.SIGTERM)
        worker.waits_for("STOPPING=1")
        code, lines = worker.ends()
    assert code == 0, lines


def test_a_data_folder_is_held_by_one_and_free_again_afterwards(tmp_path):
    for _ in range(2):
        with (
            only_one(tmp_path / "data"),
            pytest.raises(AlreadyRunning, match=f"process id {os.getpid()} "),
            only_one(tmp_path / "data"),
        ):
            pass
    with only_one(tmp_path / "other"):
        pass


def test_a_data_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "data").write_bytes(b"a file")
    with pytest.raises(Unavailable, match="the worker cannot write here"), only_one(tmp_path / "data"):
        pass


def test_what_is_told_reaches_an_abstract_socket_and_a_dead_one_does_no_harm(monkeypatch, tmp_path):
    name = f"pipeline-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind("\0" + name)
        channel.settimeout(_PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        notifier()("READY=1")
        assert channel.recv(100) == b"READY=1"
    notifier()("READY=1")
    monkeypatch.delenv("NOTIFY_SOCKET")
    notifier()("READY=1")
