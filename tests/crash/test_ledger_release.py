"""SIGKILL at every statement of a Release: the old list is in force or the new one, never half, never two."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.ledger.records import EffectState, InForce
from pipeline.ledger.store import Ledger
from tests.contract.ledger_values import (
    ACCEPT,
    AT,
    LATER,
    amendment,
    arrival,
    by_hand,
    conclusion,
    digest,
    judged,
)

ROOT = Path(__file__).parents[2]
CASE = "CPL-2026-00001"


@pytest.fixture(scope="module")
def planned(tmp_path_factory) -> Path:
    """A ledger with three accepted Submissions and an ordered Amendment."""
    folder = tmp_path_factory.mktemp("planned")
    ledger = Ledger.open(f"sqlite:///{folder}/ledger.db")
    ledger.put_in_force(InForce("cpl", digest("base"), "3.000", AT))
    parts = [judged(str(number), ACCEPT, f"0{number}:00:00:00") for number in range(3)]
    ledger.arrive(arrival("a"))
    ledger.conclude(conclusion("a", CASE, *parts))
    ledger.rejudge(by_hand("a", CASE, *parts))
    ledger.order(amendment())
    ledger.close()
    return folder


@pytest.fixture(scope="module")
def publisher():
    """Make a function that publishes on a database in a process of its own, killed at a step."""
    command = [sys.executable, "-m", "tests.crash.ledger_publisher"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        asked, answered = process.stdin, process.stdout

        def publish(folder: Path, kill: int = 0) -> dict[str, Any]:
            asked.write(json.dumps({"url": f"sqlite:///{folder}/ledger.db", "kill": kill}) + "\n")
            asked.flush()
            answer = answered.readline()
            assert answer, "the publisher has ended; what it wrote to standard error says why"
            return json.loads(answer)

        yield publish


def told(folder: Path) -> dict[str, Any]:
    """Return what the ledger comes to, read in a copy so that the dead process's files are left as they are."""
    copy = folder.parent / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    ledger = Ledger.open(f"sqlite:///{copy}/ledger.db")
    dump = ledger.dump()
    ledger.close()
    return dump


def test_killed_at_every_statement_it_is_the_old_release_or_the_new_one(planned, publisher, tmp_path, record_property):
    folder = tmp_path / "killed"
    shutil.copytree(planned, folder)
    old, life = told(folder), publisher(folder)
    whole, steps = told(folder), life["steps"]
    seen, standing = [], {}
    for kill in range(1, len(steps) + 1):
        shutil.rmtree(folder)
        shutil.copytree(planned, folder)
        assert publisher(folder, kill)["killed"]
        left = tuple(sorted((file.name, file.read_bytes()) for file in folder.glob("*.db*") if "shm" not in file.name))
        if left not in standing:  # many deaths leave the very same behind: one look, and one life after it, are enough
            found = told(folder)
            standing[left] = released = found["releases"] != []
            assert _without_sending(found) == (_without_sending(whole) if released else old), steps[kill - 1]
            again = publisher(folder)["steps"]
            assert again == (["refused"] if released else steps), steps[kill - 1]
            assert _without_sending(told(folder)) == _without_sending(whole), steps[kill - 1]
        seen.append(standing[left])
    assert len(seen) > 60
    assert seen == sorted(seen)  # once it is released it stays so
    assert set(seen) == {False, True}
    assert steps[seen.index(True)].startswith("before BEGIN")  # of the next transaction: the commit was the turn
    record_property("statements", len(seen))
    print(f"{len(seen)} deaths, {seen.index(True)} before the commit")  # noqa: T201 - the figures that the issue asks for


def test_a_mail_that_a_dead_process_had_begun_to_send_is_not_sent_again_by_itself(planned, publisher, tmp_path):
    folder = tmp_path / "killed"
    shutil.copytree(planned, folder)
    publisher(folder)  # it ends with the mail begun
    ledger = Ledger.open(f"sqlite:///{folder}/ledger.db")
    assert [one.key for one in ledger.effects_due(LATER)][-1] == "shelve:3.001"
    (unknown,) = ledger.stranded(LATER)
    assert (unknown.key, unknown.state) == ("send:x", EffectState.UNKNOWN)
    ledger.close()


def _without_sending(dump: dict[str, Any]) -> dict[str, Any]:
    """Leave out whether the mail of the Release was begun: that is a commit of its own after it."""
    return dump | {"effects": [one | {"state": ""} if one["key"] == "send:x" else one for one in dump["effects"]]}
