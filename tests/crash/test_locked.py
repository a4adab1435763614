"""A ledger that another holds, that a person writes to meanwhile, whose checkpoint was killed, or that is an older one.

Whatever the worker is at: no decision of a person is lost, no mail is lost, none is answered twice.
"""

import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing, contextmanager
from email import message_from_bytes
from hashlib import sha256
from pathlib import Path

import pytest

from pipeline import desk
from pipeline.demo.mail import faulty_submission, mail, unrelated
from pipeline.domain.judgement import Outcome
from pipeline.ledger.errors import LedgerBusy
from pipeline.ledger.records import EffectState
from pipeline.ledger.store import Ledger
from pipeline.mailbox.maildir import Maildir
from pipeline.promises import Round
from pipeline.worker import Worker
from tests.office import NOW, PROCESSED, Clock, Remembering, an_office, cpl, held, settings

ROOT = Path(__file__).parents[2]
READERS = Remembering()
IMPATIENT = 0.01
"""Seconds that a step waits for another writer, who here lets go only after it was given up."""
EARLIER = faulty_submission(NOW, base=cpl())
MAILS = [mail(f"CPL submission {number}", "The form will follow.\n", NOW) for number in range(2)]
ELSES = unrelated(NOW)
HOLDER = """
import sqlite3, sys
ledger = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
for line in sys.stdin:
    ledger.execute(line)
    print("done", flush=True)
"""


class Holder:
    """Another process that takes the ledger for itself."""

    def __init__(self, process):
        self._process = process

    def does(self, statement):
        self._process.stdin.write(statement + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n"


@contextmanager
def another_process(ledger):
    command = [sys.executable, "-S", "-c", HOLDER, str(ledger)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Holder(process)
        process.stdin.close()


class Watched:
    """The ledger, with something that happens once, before one of its calls."""

    def __init__(self, inner, at=0, happens=lambda: None):
        self._inner, self._at, self._happens = inner, at, happens
        self.calls = 0

    def __getattr__(self, name):
        value = getattr(self._inner, name)
        if not callable(value):
            return value

        def call(*args, **named):
            self.calls += 1
            if self.calls == self._at:
                self._happens()
            return value(*args, **named)

        return call


class Life:
    """A folder with a worker over it that lives once, or again and again."""

    def __init__(self, folder, clock):
        self.folder, self.clock = folder, clock
        self.config = settings(folder)

    @property
    def ledger_file(self):
        return self.folder / "data" / "ledger.sqlite"

    @contextmanager
    def office(self):
        with an_office(self.config, self.clock, READERS) as office:
            office.ledger.close()
            office.ledger = Ledger.open(self.config.database_url, busy_seconds=IMPATIENT)
            yield office

    def round(self, at=0, happens=lambda: None):
        """Do a round; return it, None where the ledger was busy, and how often the ledger was called."""
        with self.office() as office:
            ledger = office.ledger
            watched = office.ledger = Watched(ledger, at, happens)
            try:
                return Worker(office, lambda: Maildir(self.folder / "mail")).run_once(), watched.calls
            except LedgerBusy:
                return None, watched.calls
            finally:
                office.ledger = ledger

    def comes_to_rest(self):
        for _ in range(4):
            self.clock.passes(minutes=10)
            if self.round()[0] == Round():
                return
        raise AssertionError("it does not come to rest")

    def answered(self, *mails):
        """Check that each was judged once by the worker and answered once, and that no mail is lost."""
        with self.office() as office:
            cases = [office.ledger.case(one.number) for one in office.ledger.cases()]
        judged = Counter(j.message for case in cases for j in case.judgements if j.decision.row != desk.BY_HAND)
        assert judged == {sha256(raw).hexdigest(): 1 for raw in mails}
        drafts = [message_from_bytes(one.raw) for one in held(self.folder / "mail", "Drafts")]
        assert len({draft["Message-ID"] for draft in drafts}) == len(drafts)
        states = {effect.state for case in cases for effect in case.effects}
        assert states <= {EffectState.DONE, EffectState.WITHDRAWN}
        assert [one.raw for one in held(self.folder / "mail")] == [ELSES]
        assert sorted(one.raw for one in held(self.folder / "mail", PROCESSED)) == sorted(mails)
        return [draft for draft in drafts if draft["In-Reply-To"]]


@pytest.fixture(scope="module")
def begun(template, tmp_path_factory):
    """A folder in which one faulty submission is answered, and two mails and one of somebody else's have come."""
    folder = tmp_path_factory.mktemp("begun") / "life"
    shutil.copytree(template, folder)
    box = Maildir(folder / "mail")
    box.deliver(EARLIER)
    Life(folder, Clock()).comes_to_rest()
    for raw in (*MAILS, ELSES):
        box.deliver(raw)
    return folder


@pytest.fixture
def new(begun, tmp_path):
    """Begin another life where that one stands."""

    def make():
        folder = tmp_path / "life"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(begun, folder)
        return Life(folder, Clock())

    return make


@pytest.mark.slow
def test_a_ledger_held_by_another_process_at_any_step_is_waited_for_and_no_longer(new):
    _, calls = new().round()
    at, tried = 1, 0
    while at <= calls:
        life = new()
        with another_process(life.ledger_file) as holder:
            done, reached = life.round(at, lambda h=holder: h.does("BEGIN EXCLUSIVE"))
            if done is None:  # it was a step that writes, or the next one was
                holder.does("ROLLBACK")
                tried += 1
            at = max(at, reached) + 1
        life.comes_to_rest()
        assert len(life.answered(EARLIER, *MAILS)) == 3
    print(f"{tried} steps met a ledger held by another, of {calls}")  # noqa: T201 - the figures
    assert tried > 15


@pytest.mark.slow
def test_a_person_who_decides_at_any_step_of_a_round_is_heard(new):
    _, calls = new().round()
    for at in range(1, calls + 1, 5):
        life = new()

        def decides(life=life):
            with life.office() as office:
                (case,) = [one.number for one in office.ledger.cases() if one.outcome == Outcome.REJECT]
                desk.decide_by_hand(office, case, Outcome.ACCEPT, why="Seen on paper.", by="Ada")

        assert life.round(at, decides)[0] is not None
        life.comes_to_rest()
        assert len(life.answered(EARLIER, *MAILS)) == 4
        with life.office() as office:
            (accepted,) = [one for one in office.ledger.cases() if one.outcome == Outcome.ACCEPT]
            assert office.ledger.case(accepted.number).decided_by == "Ada"


def test_a_checkpoint_killed_at_any_page_leaves_the_ledger_whole(new):
    """It copies pages from the log into the file, and empties the log last: all that a death can leave is some of them.

    The log stays as it is while pages of it already stand in the file.
    """
    life = new()
    log = life.ledger_file.with_name("ledger.sqlite-wal")
    with life.office() as office, closing(sqlite3.connect(life.ledger_file)) as another:
        another.execute("SELECT count(*) FROM messages").fetchone()  # who reads keeps the log from being thrown away
        Worker(office, lambda: Maildir(life.folder / "mail")).run_once()
        expected = office.ledger.dump()
        before, logged = life.ledger_file.read_bytes(), log.read_bytes()
        assert another.execute("PRAGMA wal_checkpoint(FULL)").fetchone()[0] == 0
        after = life.ledger_file.read_bytes()
        (page,) = another.execute("PRAGMA page_size").fetchone()
    assert before != after
    changed = [at for at in range(0, len(after), page) if before[at : at + page] != after[at : at + page]]
    killed = life.folder / "killed" / "ledger.sqlite"
    for reached in [*changed, len(after)]:
        shutil.rmtree(killed.parent, ignore_errors=True)
        killed.parent.mkdir()
        killed.write_bytes(after[:reached] + before[reached:])
        killed.with_name(log.name).write_bytes(logged)
        with closing(Ledger.open(f"sqlite:///{killed}")) as ledger:
            assert ledger.dump() == expected, f"killed at octet {reached}"
    print(f"a checkpoint killed at {len(changed) + 1} pages")  # noqa: T201 - the figures
    assert len(changed) > 10


@pytest.mark.slow
def test_an_older_ledger_brought_back_answers_nobody_again(new):
    """The backup is of any moment of a round; the round ends, then the disk is lost. The mailbox is the server's."""
    _, calls = new().round()
    for at in range(1, calls + 1, 9):
        life = new()
        backup, data = life.folder / "backup", life.folder / "data"
        life.round(at, lambda b=backup, d=data: script("backup.sh", d, b))
        before = everything(life.folder / "mail")
        shutil.rmtree(data)
        script("restore.sh", backup, data)
        life.comes_to_rest()
        assert everything(life.folder / "mail") == before, f"a backup of step {at}"


def everything(box):
    """Return the mails of every folder: a second draft that was put and swept away again lies in one of them."""
    names = ["INBOX", *(path.name[1:] for path in box.glob(".*"))]
    return {name: sorted(one.raw for one in held(box, name)) for name in names}


def script(name, *folders):
    subprocess.run([ROOT / "deploy" / name, *folders], check=True, capture_output=True, timeout=60)
