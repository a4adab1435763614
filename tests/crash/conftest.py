"""The places where a worker is killed: each kind of mailbox, filled anew for every life."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import imapclient
import pytest

from pipeline.demo.mail import sample_mailbox, signed_submission
from pipeline.ledger.database import Database
from pipeline.ledger.store import Ledger
from tests import office as builders
from tests.contract import dovecot, ews_stub, graph_stub
from tests.contract.ews_state import ROOT as TOP
from tests.contract.ews_state import MailboxState as EwsMailbox
from tests.contract.graph_state import MailboxState

ROOT = Path(__file__).parents[2]
EVERY_STEP = "CPL_EVERY_STEP"
"""The environment variable that, set to anything, has a worker killed at every step, not at those that differ."""


@dataclass(frozen=True, slots=True)
class Life:
    """How one victim ended. steps: their names, where it was not killed. left: processes it had started and left."""

    killed: bool
    status: int
    steps: list[str]
    left: int = 0


class Victims:
    """The prepared process that victims are forked from."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def live(self, folder: Path, kill: int = 0, look: Callable[[str], None] | None = None, **more: Any) -> Life:
        """Let one victim live. look: called with the name of each of its steps, while it waits there."""
        self._say(json.dumps({"folder": str(folder), "kill": kill, "watched": look is not None, **more}))
        while "step" in (answer := self._answer()):
            assert look
            look(answer["step"])
            self._say("")
        return Life(**answer)

    def _say(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        answer = self._process.stdout.readline()
        assert answer, "the process that forks the victims has ended; what it wrote to standard error says why"
        return dict(json.loads(answer))


@contextmanager
def prepared(module: str, lesson: Path) -> Iterator[Victims]:
    """Start the process that victims are forked from. lesson: a folder with work to learn on."""
    command = [sys.executable, "-m", module, str(lesson)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Victims(process)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail in a folder as the server shows it."""

    raw: bytes
    seen: bool


@dataclass(frozen=True, slots=True)
class Left:
    """Everything that a run leaves behind; two runs that did the same work leave the same."""

    ledger: dict[str, Any]
    inbox: list[Mail]
    drafts: list[Mail]
    processed: list[Mail]


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the uninterrupted run. number: from 1. standing: a digest of all that a death there would leave."""

    number: int
    name: str
    standing: str


class Looks:
    """Looks at what stands at each step of a victim that waits there. among: only at steps with this in their names."""

    def __init__(self, standing: Callable[[], str], among: str = "") -> None:
        self.steps: list[Step] = []
        self.count = 0
        self._standing, self._among = standing, among

    def __call__(self, name: str) -> None:
        self.count += 1
        if self._among in name:
            self.steps.append(Step(self.count, name, self._standing()))


@dataclass(frozen=True, slots=True)
class Whole:
    """The uninterrupted run: what it leaves, how many steps it has, and those of them that were looked at."""

    left: Left
    count: int
    steps: list[Step]

    def deaths(self) -> list[Step]:
        """Return the steps to be killed at."""
        return deaths_among(self.steps)


def deaths_among(steps: list[Step]) -> list[Step]:
    """Return the steps to be killed at: the first of each name and the first with each standing, or every one."""
    if os.environ.get(EVERY_STEP):
        return steps
    first: dict[str, Step] = {}
    for step in steps:
        first.setdefault(step.name, step)
        first.setdefault(step.standing, step)
    return sorted(set(first.values()), key=lambda step: step.number)


class Place(ABC):
    """One kind of mailbox, and folders for the pipeline beside it."""

    def __init__(self, victims: Victims, template: Path, mails: list[bytes]) -> None:
        self.victims = victims
        self.template = template
        self.delivered = mails
        self._whole: dict[str, Whole] = {}

    def whole(self, among: str = "") -> Whole:
        """Look at the uninterrupted run wherever it could be killed. among: only at steps with this in their names."""
        if among not in self._whole:
            with tempfile.TemporaryDirectory() as home:
                self._whole[among] = self._looked_at(Path(home) / "whole", among)
        return self._whole[among]

    def _looked_at(self, folder: Path, among: str) -> Whole:
        looks = Looks(lambda: self.standing(folder), among)
        self.new(folder)
        life = self.live(folder, look=looks)
        assert (life.killed, life.status) == (False, 0)
        assert len(life.steps) == looks.count
        return Whole(self.left(folder), looks.count, looks.steps)

    def new(self, folder: Path) -> None:
        """Make the folder anew: the CPL in force, the mails delivered, nothing done."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.template, folder)
        self.deliver(folder)

    def live(self, folder: Path, kill: int = 0, **more: Any) -> Life:
        """Live once more, so much later that the turn of one that was killed has run out."""
        self._write(folder, "UPDATE leases SET expires_us = 0")
        return self.victims.live(folder, kill, **self.reach(folder), **more)

    def _write(self, folder: Path, statement: str) -> int:
        with closing(sqlite3.connect(folder / "data" / "ledger.sqlite")) as database, database:
            return database.execute(statement).rowcount

    def left(self, folder: Path) -> Left:
        with closing(Ledger(Database(builders.settings(folder).database_url))) as ledger:
            dump = ledger.dump()
        return Left(dump, *self.mails(folder, ("INBOX", "Drafts", builders.PROCESSED)))

    def standing(self, folder: Path) -> str:
        """Return a digest of all that stands after a death and that a later life could depend on."""
        rows = rows_of(folder)
        artefacts = sorted(file.name for file in (folder / "data" / "artefacts").rglob("*") if file.is_file())
        told = repr((self.anonymous(folder, rows), artefacts, self.mailbox(folder)))
        return sha256(told.encode()).hexdigest()

    def anonymous(self, folder: Path, rows: str) -> str:
        """Take out of the ledger's rows what is another in each life."""
        return rows

    def notes(self, folder: Path) -> dict[str, str]:
        """Return what was noted of each promise, by its key."""
        with sqlite3.connect(folder / "data" / "ledger.sqlite") as database:
            found = dict(database.execute("SELECT key, note FROM effects"))
        database.close()
        return found

    @abstractmethod
    def deliver(self, folder: Path) -> None: ...

    @abstractmethod
    def reach(self, folder: Path) -> dict[str, Any]: ...

    @abstractmethod
    def mailbox(self, folder: Path) -> object:
        """Return every folder with every mail and its flags, in plain values."""

    @abstractmethod
    def mails(self, folder: Path, names: Sequence[str]) -> list[list[Mail]]:
        """Return the mails of these folders that nobody marked deleted."""


class OnMaildir(Place):
    def deliver(self, folder: Path) -> None:
        fill(folder, self.delivered)

    def reach(self, folder: Path) -> dict[str, Any]:
        return {}

    def anonymous(self, folder: Path, rows: str) -> str:
        return rows.replace(str(folder), "folder")

    def mailbox(self, folder: Path) -> object:
        names = ["INBOX", *sorted(path.name[1:] for path in (folder / "mail").glob(".*"))]
        return [(name, [(m.raw, m.flags) for m in builders.held(folder / "mail", name)]) for name in names]

    def mails(self, folder: Path, names: Sequence[str]) -> list[list[Mail]]:
        held = ([Mail(m.raw, "S" in m.flags) for m in builders.held(folder / "mail", name)] for name in names)
        return [sorted(mails, key=_by_bytes) for mails in held]


class OnDovecot(Place):
    def __init__(self, server: dovecot.Dovecot, victims: Victims, template: Path, mails: list[bytes]) -> None:
        super().__init__(victims, template, mails)
        self._server = server
        self._users: dict[Path, str] = {}

    def deliver(self, folder: Path) -> None:
        self._users[folder] = self._server.new_user()
        for raw in self.delivered:
            self._server.deliver(self._users[folder], raw)

    def reach(self, folder: Path) -> dict[str, Any]:
        settings = self._server.settings(self._users[folder])
        names = ("host", "port", "user", "password", "timeout_seconds")
        imap = {name: getattr(settings, name) for name in names}
        return {"imap": imap | {"tls": settings.tls.value, "ca_file": str(settings.ca_file)}}

    def anonymous(self, folder: Path, rows: str) -> str:
        with self._server.person(self._users[folder]) as client:
            validity = client.folder_status("INBOX", ["UIDVALIDITY"])[b"UIDVALIDITY"]
        return rows.replace(self._users[folder], "user").replace(f"'{validity}'", "'validity'")

    def mailbox(self, folder: Path) -> object:
        with self._server.person(self._users[folder]) as client:
            return [(name, self._everything(client, name)) for name in sorted(n for _, _, n in client.list_folders())]

    def _everything(self, client: imapclient.IMAPClient, name: str) -> object:
        client.select_folder(name, readonly=True)
        answers = client.fetch(client.search("ALL"), ["FLAGS", "BODY.PEEK[]"])
        return sorted((a[b"BODY[]"], sorted(set(a[b"FLAGS"]) - {b"\\Recent"})) for a in answers.values())

    def mails(self, folder: Path, names: Sequence[str]) -> list[list[Mail]]:
        with self._server.person(self._users[folder]) as client:
            return [self._mails(client, name) for name in names]

    def _mails(self, client: imapclient.IMAPClient, name: str) -> list[Mail]:
        place = name if name == "INBOX" else self._server.flavour.prefix + name
        if not client.folder_exists(place):
            return []
        client.select_folder(place, readonly=True)
        answers = client.fetch(client.search("UNDELETED"), ["FLAGS", "BODY.PEEK[]"])
        return sorted((Mail(a[b"BODY[]"], b"\\Seen" in a[b"FLAGS"]) for a in answers.values()), key=_by_bytes)


class OnGraph(Place):
    def __init__(self, server: graph_stub.Graph, victims: Victims, template: Path, mails: list[bytes]) -> None:
        super().__init__(victims, template, mails)
        self._server = server
        self._boxes: dict[Path, tuple[str, MailboxState]] = {}

    def deliver(self, folder: Path) -> None:
        _, state = self._boxes[folder] = self._server.new_mailbox()
        for raw in self.delivered:
            state.add(raw, state.place("inbox"))

    def reach(self, folder: Path) -> dict[str, Any]:
        who = {"tenant": graph_stub.TENANT, "client_id": graph_stub.CLIENT, "client_secret": graph_stub.SECRET}
        place = {"base_url": self._server.base, "authority": self._server.address}
        return {"graph": {**who, **place, "user": self._boxes[folder][0], "ca_file": str(self._server.ca_file)}}

    def anonymous(self, folder: Path, rows: str) -> str:
        return rows.replace(self._boxes[folder][0], "user")

    def mailbox(self, folder: Path) -> object:
        _, state = self._boxes[folder]
        assert [*self._server.faults, *state.faults] == []
        return [
            (d.name, d.parent, [(m.raw, m.read, m.draft, sorted(m.properties)) for m in state.inside(d.id)])
            for d in state.folders.values()
        ]

    def mails(self, folder: Path, names: Sequence[str]) -> list[list[Mail]]:
        _, state = self._boxes[folder]
        places = {d.name: d.id for d in state.children("")} | {n: state.place(n) for n in ("INBOX", "Drafts")}
        held = ([Mail(m.raw, m.read) for m in state.inside(places.get(name, ""))] for name in names)
        return [sorted(mails, key=_by_bytes) for mails in held]


class OnEws(Place):
    def __init__(self, server: ews_stub.Exchange, victims: Victims, template: Path, mails: list[bytes]) -> None:
        super().__init__(victims, template, mails)
        self._server = server
        self._boxes: dict[Path, EwsMailbox] = {}

    def deliver(self, folder: Path) -> None:
        _, state = self._server.new_mailbox()
        self._boxes[folder] = state
        for raw in self.delivered:
            state.add(raw, state.place("inbox"))

    def reach(self, folder: Path) -> dict[str, Any]:
        who = {"user": ews_stub.USER, "password": ews_stub.PASSWORD, "auth": "basic"}
        place = {"url": self._server.url, "address": self._boxes[folder].address}
        return {"ews": {**who, **place, "ca_file": str(self._server.ca_file)}}

    def anonymous(self, folder: Path, rows: str) -> str:
        return rows.replace(self._boxes[folder].address, "user")

    def mailbox(self, folder: Path) -> object:
        state = self._boxes[folder]
        assert [*self._server.faults, *state.faults] == []
        return [
            (d.name, d.parent, [(m.raw, m.read, m.draft, sorted(m.properties)) for m in state.inside(d.id)])
            for d in state.folders.values()
        ]

    def mails(self, folder: Path, names: Sequence[str]) -> list[list[Mail]]:
        state = self._boxes[folder]
        places = {d.name: d.id for d in state.children(TOP)} | {n: state.place(n) for n in ("INBOX", "Drafts")}
        held = ([Mail(m.raw, m.read) for m in state.inside(places.get(name, ""))] for name in names)
        return [sorted(mails, key=_by_bytes) for mails in held]


def rows_of(folder: Path) -> str:
    """Return what stands in the ledger, read in a copy: to open it would mend what the next life has to mend."""
    with tempfile.TemporaryDirectory() as copied:
        for file in (folder / "data").glob("ledger.sqlite*"):
            shutil.copy(file, copied)
        with closing(sqlite3.connect(Path(copied) / "ledger.sqlite")) as database:
            return "\n".join(database.iterdump())


def fill(folder: Path, mails: list[bytes]) -> None:
    """Make the Maildir in the pipeline's folder, with these mails in its inbox."""
    for part in ("tmp", "new", "cur"):
        (folder / "mail" / part).mkdir(parents=True)
    for number, raw in enumerate(mails):
        (folder / "mail" / "new" / f"{number:03}.delivered").write_bytes(raw)


def _by_bytes(mail: Mail) -> bytes:
    return mail.raw


@pytest.fixture(scope="session")
def victims(template: Path, mails: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victims]:
    lesson = tmp_path_factory.mktemp("lesson") / "learned"
    shutil.copytree(template, lesson)
    fill(lesson, mails)
    with prepared("tests.crash.victim", lesson) as victims:
        yield victims


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pipeline's folder as it is before the first mail: an empty ledger with the CPL in force."""
    folder = tmp_path_factory.mktemp("template")
    with builders.a_helpdesk(folder):
        pass
    shutil.rmtree(folder / "mail")
    return folder


@pytest.fixture(scope="session")
def mails() -> list[bytes]:
    """A good submission, a faulty one, a batch with a duplicate, a hostile file, an unrelated mail, and a resend."""
    now = builders.NOW
    resend = signed_submission(now - timedelta(minutes=5), now, base=builders.cpl())
    return [*sample_mailbox(now, builders.cpl()), resend]


@pytest.fixture(scope="session")
def maildir(victims: Victims, template: Path, mails: list[bytes]) -> Place:
    return OnMaildir(victims, template, mails)


@pytest.fixture(scope="session")
def on_graph(
    victims: Victims, template: Path, mails: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    with graph_stub.running(tmp_path_factory.mktemp("graph")) as server:
        yield OnGraph(server, victims, template, mails)


@pytest.fixture(scope="session")
def on_ews(
    victims: Victims, template: Path, mails: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    with ews_stub.running(tmp_path_factory.mktemp("ews")) as server:
        yield OnEws(server, victims, template, mails)


@pytest.fixture(scope="session")
def on_dovecot(victims: Victims, template: Path, mails: list[bytes]) -> Iterator[Callable[[dovecot.Flavour], Place]]:
    """Make places on a Dovecot of the given flavour; each is started at most once."""
    reason = dovecot.missing()
    places: dict[str, Place] = {}
    with ExitStack() as servers:

        def place(flavour: dovecot.Flavour) -> Place:
            if reason:
                pytest.skip(reason)
            if flavour.name not in places:
                server = servers.enter_context(dovecot.running(flavour))
                places[flavour.name] = OnDovecot(server, victims, template, mails)
            return places[flavour.name]

        yield place
