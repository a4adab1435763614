"""A helpdesk to try the worker on: an Office over a folder, a clock that stands, the sample CPL, a Maildir."""

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from pipeline import desk
from pipeline.compose import Templates
from pipeline.config import Config, MaildirConfig, PeopleConfig, ReplyConfig, TrustConfig, WorkerConfig, shipped
from pipeline.demo.answers import Value as Answer
from pipeline.demo.answers import good_answers
from pipeline.demo.form import new_entry_form
from pipeline.demo.mail import File, documents, mail, submission
from pipeline.demo.trust import sample_trust
from pipeline.demo.workbook import cpl_workbook
from pipeline.domain.message import Problem
from pipeline.ledger.artefacts import Artefacts
from pipeline.ledger.records import CaseRecord
from pipeline.ledger.store import Ledger
from pipeline.mailbox.maildir import Maildir
from pipeline.mailbox.port import Mailbox
from pipeline.office import CPL, Office
from pipeline.promises import Round
from pipeline.readers.child import Forked, Readers
from pipeline.readers.jobs import Job, Value
from pipeline.rulebook import Rulebook
from pipeline.worker import Worker
from tests.pdfs import Raw, raw_pdf, text

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
"""A Wednesday morning."""

HELPDESK = "helpdesk@secas.example"
PROCESSED = "CPL processed"
SHIPPED = {"CPA_Certificate.expiry_date": "04/03/2029"}
"""What makes the good answers right on the day NOW."""


@cache
def cpl() -> bytes:
    """Return the CPL in force: issued before NOW, its form the base of every submission here."""
    return cpl_workbook(issued="18-02-2026")


@cache
def rules() -> Rulebook:
    return Rulebook.load(shipped("rules"))


@cache
def templates() -> Templates:
    return Templates.load(shipped("templates"))


def good_submission(at: datetime = NOW, **changes: Answer) -> bytes:
    """Return a mail with a form and the certificates that fit it. changes: answers, by field."""
    return submission(at, good_answers() | SHIPPED | changes, base=cpl())


def open_submission(at: datetime = NOW, **changes: Answer) -> bytes:
    """Return a good submission with a brochure nobody knows, half of it hidden: two open points for the reviewer."""
    given = good_answers() | SHIPPED | changes
    brochure = File("brochure.pdf", raw_pdf(Raw(_BROCHURE)), "application/pdf")
    return mail(
        "CPL submission",
        "With our brochure.\n",
        at,
        [File("form.xlsm", new_entry_form(given, cpl())), *documents(given), brochure],
    )


_BROCHURE = text(72, 700, "Our new meter is a joy to read.") + text(72, 600, "Read it twice", before="3 Tr")


@dataclass
class Clock:
    """A clock that moves only when it is told to."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **time: float) -> None:
        self.now += timedelta(**time)


def settings(folder: Path, *, submitters: Sequence[str] = (), **worker: int) -> Config:
    return Config(
        mailbox=MaildirConfig(path=folder / "mail"),
        data=folder / "data",
        reply=ReplyConfig(address=HELPDESK),
        people=PeopleConfig(submitters=tuple(submitters)),
        worker=WorkerConfig(**worker),
        trust=TrustConfig(folder=_trust_folder()),
    )


@cache
def _trust_folder() -> Path:
    """Return a folder with the root and the revocation lists of the sample signer, made once a process."""
    folder = Path(tempfile.mkdtemp(prefix="trust-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "commercial").mkdir()
    for name, data in sample_trust(NOW).files().items():
        (folder / "commercial" / name).write_bytes(data)
    return folder


@cache
def _empty_ledger() -> bytes:
    """Return the file of a ledger in which nothing stands, made once a process: its migrations take long."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ledger.sqlite"
        Ledger.open(f"sqlite:///{file}").close()
        return file.read_bytes()


@contextmanager
def an_office(
    config: Config, clock: Callable[[], datetime] | None = None, readers: Readers | None = None
) -> Iterator[Office]:
    """Open an Office on the folders of the settings, with rules and templates that are read once."""
    config.data.mkdir(parents=True, exist_ok=True)
    file = config.data / "ledger.sqlite"
    if config.database_url == f"sqlite:///{file}" and not file.exists():
        file.touch(0o600)
        file.write_bytes(_empty_ledger())
    reading = readers or Forked()
    ledger = Ledger.open(config.database_url, busy_seconds=0.2)
    try:
        artefacts = Artefacts(config.data / "artefacts")
        yield Office(config, rules(), templates(), ledger, artefacts, reading, clock or Clock())
    finally:
        ledger.close()
        reading.close()


@dataclass(frozen=True, slots=True)
class Held:
    """One mail of a folder. flags: letters as Maildir writes them. place: its file's path."""

    raw: bytes
    flags: str
    place: str


def held(mail: Path, folder: str = "INBOX") -> list[Held]:
    """Return the mails of a Maildir folder, as anybody may see them."""
    home = mail if folder == "INBOX" else mail / f".{folder}"
    files = sorted([*home.glob("new/*"), *home.glob("cur/*")], key=lambda file: file.name)
    return [Held(f.read_bytes(), f.name.partition(":2,")[2], str(f.relative_to(mail))) for f in files]


class Remembering(Forked):
    """The real readers, asked once about each file: the same bytes always read the same, and reading costs most."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[tuple[str, bytes], Any] = {}

    def run(self, job: Job[Value], payload: bytes) -> Value | Problem:
        asked = (job.target, payload)
        if asked not in self._known:
            self._known[asked] = super().run(job, payload)
        known: Value | Problem = self._known[asked]
        return known


class Troubled:
    """A mailbox that raises what it is told to: by method, an exception for each of the next calls, None for none.

    late: the call is done first, as when a connection breaks before the server's answer has come.
    """

    def __init__(self, box: Mailbox, *, late: bool = False, **troubles: list[Exception | None]) -> None:
        self._box, self._late, self._troubles = box, late, troubles
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._box, name)
        if not callable(value):
            return value

        def call(*args: Any, **more: Any) -> Any:
            self.calls.append(name)
            queue = self._troubles.get(name)
            if queue and (error := queue.pop(0)):
                if self._late:
                    value(*args, **more)
                raise error
            return value(*args, **more)

        return call


@dataclass
class Helpdesk:
    """An Office with its Maildir and the worker. visit: what opens the mailbox; a test may put another in."""

    office: Office
    clock: Clock
    box: Maildir
    visit: Callable[[], Mailbox] = field(init=False)

    def __post_init__(self) -> None:
        self.visit = lambda: self.box

    @property
    def mail(self) -> Path:
        return self.office.config.data.parent / "mail"

    def deliver(self, *mails: bytes) -> None:
        for raw in mails:
            self.box.deliver(raw)

    def worker(self, **more: Any) -> Worker:
        return Worker(self.office, self.visit, **more)

    def round(self) -> Round:
        return self.worker().run_once()

    def rounds(self, number: int, **between: float) -> Round:
        """Do several rounds, time passing between them; return the last."""
        done = self.round()
        for _ in range(number - 1):
            self.clock.passes(**between)
            done = self.round()
        return done

    def folder(self, name: str = "INBOX") -> list[Held]:
        return held(self.mail, name)

    @property
    def drafts(self) -> list[bytes]:
        return [mail.raw for mail in self.folder("Drafts")]

    def case(self, serial: int = 1) -> CaseRecord:
        return self.office.ledger.case(f"CPL-{self.clock.now.year}-{serial:05}")

    def state_of(self, raw: bytes) -> tuple[str, str]:
        """Return how far a mail has come, and as what kind."""
        record = self.office.ledger.message(sha256(raw).hexdigest())
        return (record.state.value, record.kind) if record else ("unknown", "")


@contextmanager
def a_helpdesk(
    folder: Path, *, readers: Readers | None = None, with_cpl: bool = True, **config: Any
) -> Iterator[Helpdesk]:
    """Open a Helpdesk in an empty folder, the sample CPL in force."""
    clock = Clock()
    with an_office(settings(folder, **config), clock, readers) as office:
        box = Maildir(folder / "mail")
        for part in ("tmp", "new", "cur"):
            (folder / "mail" / part).mkdir(parents=True, exist_ok=True)
        if with_cpl:
            desk.take_over(office, CPL, cpl(), by="Ada")
        yield Helpdesk(office, clock, box)
