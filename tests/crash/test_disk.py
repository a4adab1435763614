"""A disk that is full or fails: nothing is lost, nothing is answered twice, and it is said that it is the disk.

Once with faults at random between the worker and the system's calls (libfiu, Debian's fiu-utils), once on a small disk
that is full in earnest. With the fault gone, the next rounds reach the very ledger that an undisturbed worker reaches.
"""

import errno
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

import pytest

from pipeline.cli.doctor import examine
from pipeline.ledger.database import Database
from pipeline.ledger.store import Ledger
from tests import office as builders

ROOT = Path(__file__).parents[2]
LIVES = int(os.environ.get("CPL_DISK_LIVES", "6"))
"""Seeds tried for each set of faults."""
STAGES = ("fetch", "judge", "act")
"""The worker's steps, at which the disk begins to fail in turn."""
ROOMS = range(0, 600_000, 600_000 // LIVES)
"""Octets left on the small disk: from none to nearly what the whole work takes."""
NO_SPACE, NO_DISK = errno.ENOSPC, errno.EIO
WELL = [[], [], True]
"""How a life ends that met no trouble."""
FAULTS = {
    "write": ({"posix/io/rw/write": NO_SPACE, "posix/io/rw/writev": NO_SPACE}, 0.2),
    "pwrite": ({"posix/io/rw/pwrite": NO_SPACE, "posix/io/rw/ftruncate": NO_SPACE}, 0.01),
    "sync": ({"posix/io/sync/*": NO_DISK}, 0.02),
    "name": ({"posix/io/dir/rename": NO_DISK, "posix/io/dir/unlink": NO_DISK}, 0.2),
}
"""The calls that fail, by libfiu's names, and how often. SQLite writes by pwrite, all else by write."""


class Disk:
    """The process that failing workers are forked from."""

    def __init__(self, process):
        self._process = process

    def live(self, folder, faults, **more):
        self._process.stdin.write(json.dumps({"folder": str(folder), "faults": faults, **more}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the process that forks the workers has ended; what it wrote to standard error says why"
        return json.loads(answer)


@dataclass(frozen=True, slots=True)
class Left:
    ledger: dict
    folders: dict


def left(folder):
    with closing(Ledger(Database(builders.settings(folder).database_url))) as ledger:
        dump = ledger.dump()
    others = sorted(path.name[1:] for path in (folder / "mail").glob(".*"))
    return Left(dump, {name: Counter(mails(folder, name)) for name in ("INBOX", *others)})


def mails(folder, name):
    return [(mail.raw, mail.flags) for mail in builders.held(folder / "mail", name)]


@pytest.fixture(scope="module")
def ready(template, mails, tmp_path_factory):
    """A folder with everything delivered and nothing done."""
    folder = tmp_path_factory.mktemp("ready") / "life"
    shutil.copytree(template, folder)
    for part in ("tmp", "new", "cur"):
        (folder / "mail" / part).mkdir(parents=True)
    for number, raw in enumerate(mails):
        (folder / "mail" / "new" / f"{number:03}.delivered").write_bytes(raw)
    return folder


@pytest.fixture(scope="module")
def disk(ready, tmp_path_factory):
    if not shutil.which("fiu-run"):
        pytest.skip("fiu-run is not installed (Debian: apt-get install fiu-utils)")
    lesson = tmp_path_factory.mktemp("lesson") / "learned"
    shutil.copytree(ready, lesson)
    command = ["fiu-run", "-x", "-f", "", sys.executable, "-m", "tests.crash.disk_victim", str(lesson)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Disk(process)


@pytest.fixture(scope="module")
def undisturbed(disk, ready, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed") / "life"
    shutil.copytree(ready, folder)
    assert disk.live(folder, {}) == WELL
    return left(folder)


def put_right(folder):
    """Let the time pass after which what failed is due again, and say ``pipeline retry`` where a person must."""
    with closing(sqlite3.connect(folder / "data" / "ledger.sqlite")) as database, database:
        database.execute("UPDATE leases SET expires_us = 0")
        waiting = database.execute("UPDATE effects SET due_us = 0 WHERE state = 'pending'").rowcount
        held = "UPDATE effects SET state = 'pending', due_us = 0 WHERE state = 'held' AND kind IN ('draft', 'file')"
        return waiting + database.execute(held).rowcount


def comes_to_rest(folder, disk):
    """Let the worker do what is left on a disk that is well."""
    put_right(folder)
    assert disk.live(folder, {}) == WELL
    if put_right(folder):
        assert disk.live(folder, {}) == WELL
    assert put_right(folder) == 0


def nothing_is_lost_or_doubled(folder, ready, life):
    lying, filed = mails(folder, "INBOX"), mails(folder, builders.PROCESSED)
    delivered = mails(ready, "INBOX")
    assert sorted(raw for raw, _ in lying + filed) == sorted(raw for raw, _ in delivered), life
    assert {flags for _, flags in lying} <= {""}, life
    ids = [message_from_bytes(raw)["Message-ID"] for raw, _ in mails(folder, "Drafts")]
    assert len(ids) == len(set(ids)) <= 4, life


def says_that_it_is_the_disk(words):
    """Say which of these sentences a person could not understand."""
    return [text for text in words if not re.search(r"disk|space|Input/output error", text)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", FAULTS)
def test_faults_of_the_disk_lose_nothing_and_the_next_round_puts_it_right(disk, ready, undisturbed, tmp_path, kind):
    faults, probability = FAULTS[kind]
    folder = tmp_path / "life"
    told = []
    for seed in range(LIVES):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(ready, folder)
        chance = {"seed": seed, "probability": probability, "stage": STAGES[seed % len(STAGES)]}
        words, unforeseen, _ = disk.live(folder, faults, limit=2, **chance)
        told += words
        life = f"{chance}: {words}"
        assert unforeseen == [], life
        assert says_that_it_is_the_disk(words) == [], life
        nothing_is_lost_or_doubled(folder, ready, life)
        comes_to_rest(folder, disk)
        assert left(folder) == undisturbed, life
    print(f"{kind}: {LIVES} lives, {len(told)} rounds ended by the disk")  # noqa: T201 - the figures
    assert len(told) >= LIVES // 2, "the disk hardly failed"


SETTINGS = """
data = "{folder}/data"
[mailbox]
kind = "maildir"
path = "{folder}/mail"
[reply]
address = "{address}"
[trust]
folder = "{trust}"
"""


def settings_file(file, folder):
    trust = builders.settings(folder).trust.folder
    file.write_text(SETTINGS.format(folder=folder, address=builders.HELPDESK, trust=trust))
    return file


def pipeline(file, *command, under=()):
    words = [*under, sys.executable, "-m", "pipeline", "--log-level", "error", *command, "--config", str(file)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.slow
def test_the_command_on_a_disk_that_takes_nothing_says_so_and_does_it_all_when_it_does(disk, ready, tmp_path):
    folder = tmp_path / "life"
    shutil.copytree(ready, folder)
    file = settings_file(tmp_path / "pipeline.toml", folder)
    full = ["fiu-run", "-x", "-f", "", "-c", f"enable name=posix/io/rw/pwrite,failinfo={NO_SPACE}"]
    ended = pipeline(file, "run", "--once", under=full)
    assert ended.returncode == 1
    assert says_that_it_is_the_disk([ended.stderr]) == []
    assert "Traceback" not in ended.stderr
    nothing_is_lost_or_doubled(folder, ready, ended.stderr)
    ended = pipeline(file, "run", "--once")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "7 new mails, 7 concluded, 4 drafts put, 6 mails filed" in ended.stdout
    nothing_is_lost_or_doubled(folder, ready, ended.stdout)


# A disk that is full in earnest


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory):
    """A file system of its own, in memory."""
    place = tmp_path_factory.mktemp("small")
    if os.geteuid():
        pytest.skip("only root can mount a small disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", place], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


def filled(disk, octets):
    """Leave so much room on the disk, and no more; return what takes the rest."""
    ballast = disk / "ballast"
    room = os.statvfs(disk)
    ballast.write_bytes(bytes(max(0, room.f_bavail * room.f_frsize - octets)))
    return ballast


@pytest.mark.slow
def test_a_disk_full_at_any_point_loses_nothing_and_the_doctor_sees_it(disk, small_disk, ready, undisturbed, tmp_path):
    folder, told = small_disk / "life", []
    file = settings_file(tmp_path / "pipeline.toml", folder)
    for room in ROOMS:
        shutil.copytree(ready, folder)
        ballast = filled(small_disk, room)
        words, unforeseen, _ = disk.live(folder, {}, limit=2)
        told += words
        life = f"{room} octets left: {words}"
        assert unforeseen == [], life
        assert says_that_it_is_the_disk(words) == [], life
        nothing_is_lost_or_doubled(folder, ready, life)
        if room == ROOMS[0]:
            assert [line for good, line in examine(file) if not good and "free space" in line] != [], life
        ballast.unlink()
        comes_to_rest(folder, disk)
        assert left(folder) == undisturbed, life
        shutil.rmtree(folder)
    print(f"{len(ROOMS)} full disks, {len(told)} rounds ended by them")  # noqa: T201 - the figures
    assert len(told) >= len(ROOMS)
