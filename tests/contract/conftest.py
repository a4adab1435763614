"""The stands the mailbox contract is proved on: each gives a mailbox, and a way to look at it behind its back."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.mailbox import EwsSettings, GraphSettings, ImapSettings, MaildirSettings, open_mailbox
from pipeline.mailbox.ews import Ews
from pipeline.mailbox.graph import Graph
from pipeline.mailbox.imap_session import Tls
from pipeline.mailbox.port import Mailbox
from tests.contract import dovecot, ews_stub, graph_stub, pymap_server
from tests.contract.ews_state import ROOT
from tests.contract.graph_state import Directory, Item

_IMAP_FLAGS = {b"\\Seen": "seen", b"\\Deleted": "deleted", b"\\Draft": "draft", b"\\Flagged": "flagged"}
_MAILDIR_FLAGS = {"S": "seen", "T": "deleted", "D": "draft", "F": "flagged"}


@dataclass(frozen=True, slots=True)
class Held:
    """A mail as it lies in a folder, seen from outside the pipeline."""

    raw: bytes
    flags: frozenset[str]


class Stand(ABC):
    """One kind of mailbox with the world around it: who delivers, and the people who use it too."""

    def __init__(self) -> None:
        self._open: list[Mailbox] = []

    def mailbox(self, **changes: Any) -> Mailbox:
        """Open the mailbox as the worker does; closed when the test ends."""
        opened = open_mailbox(self.settings(**changes))
        self._open.append(opened)
        return opened

    def close(self) -> None:
        for opened in self._open:
            opened.close()

    def present(self, folder: str) -> list[Held]:
        """The mails of a folder that nobody marked deleted."""
        return [held for held in self.held(folder) if "deleted" not in held.flags]

    @abstractmethod
    def settings(self, **changes: Any) -> Any: ...

    @abstractmethod
    def deliver(self, raw: bytes) -> None: ...

    @abstractmethod
    def held(self, folder: str) -> list[Held]: ...

    @abstractmethod
    def folders(self) -> set[str]: ...

    @abstractmethod
    def person_moves(self, number: int, source: str, target: str) -> None: ...

    @abstractmethod
    def person_marks(self, number: int, folder: str, flags: set[str]) -> None: ...

    @abstractmethod
    def renumber(self) -> None: ...


class MaildirStand(Stand):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._count = 0
        for part in ("tmp", "new", "cur"):
            (path / part).mkdir(parents=True)

    def settings(self, **changes: Any) -> MaildirSettings:
        return MaildirSettings(self._path, **changes)

    def deliver(self, raw: bytes) -> None:
        self._count += 1
        (self._path / "new" / f"{self._count:010d}.delivered").write_bytes(raw)

    def held(self, folder: str) -> list[Held]:
        return [Held(file.read_bytes(), self._flags(file)) for file in self._files(folder)]

    def folders(self) -> set[str]:
        return {"INBOX", *(path.name[1:].replace(".", "/") for path in self._path.glob(".*"))}

    def person_moves(self, number: int, source: str, target: str) -> None:
        for part in ("tmp", "new", "cur"):
            (self._home(target) / part).mkdir(parents=True, exist_ok=True)
        file = self._files(source)[number]
        file.rename(self._home(target) / "cur" / f"{file.name.partition(':')[0]}:2,S")

    def person_marks(self, number: int, folder: str, flags: set[str]) -> None:
        file = self._files(folder)[number]
        letters = "".join(sorted(letter for letter, flag in _MAILDIR_FLAGS.items() if flag in flags))
        file.rename(self._home(folder) / "cur" / f"{file.name.partition(':')[0]}:2,{letters}")

    def renumber(self) -> None:
        for file in self._files("INBOX"):
            base, mark, flags = file.name.partition(":")
            file.rename(file.with_name(f"{base}.restored{mark}{flags}"))

    def _home(self, folder: str) -> Path:
        return self._path if folder == "INBOX" else self._path / ("." + folder.replace("/", "."))

    def _files(self, folder: str) -> list[Path]:
        home = self._home(folder)
        return sorted([*home.glob("new/*"), *home.glob("cur/*")], key=lambda file: file.name)

    def _flags(self, file: Path) -> frozenset[str]:
        return frozenset(_MAILDIR_FLAGS[letter] for letter in file.name.partition(":2,")[2])


class DovecotStand(Stand):
    def __init__(self, server: dovecot.Dovecot, tls: Tls) -> None:
        super().__init__()
        self.server = server
        self.user = server.new_user()
        self._tls = tls
        self._validity = 4_000_000

    def settings(self, **changes: Any) -> Any:
        return self.server.settings(self.user, self._tls, **changes)

    def deliver(self, raw: bytes) -> None:
        self.server.deliver(self.user, raw)

    def held(self, folder: str) -> list[Held]:
        with self.server.person(self.user) as client:
            name = self._name(folder)
            if not client.folder_exists(name):
                return []
            client.select_folder(name, readonly=True)
            answers = client.fetch(client.search("ALL"), ["FLAGS", "BODY.PEEK[]"])
            return [Held(a[b"BODY[]"], _imap_flags(a[b"FLAGS"])) for _, a in sorted(answers.items())]

    def folders(self) -> set[str]:
        with self.server.person(self.user) as client:
            names = {name for _, _, name in client.list_folders()}
        prefix, separator = self.server.flavour.prefix, self.server.flavour.separator
        return {name.removeprefix(prefix).replace(separator, "/") for name in names}

    def person_moves(self, number: int, source: str, target: str) -> None:
        with self._person(source) as client:
            if not client.folder_exists(self._name(target)):
                client.create_folder(self._name(target))
            uid = client.search("ALL")[number]
            client.copy([uid], self._name(target))
            client.delete_messages([uid])
            client.expunge()

    def person_marks(self, number: int, folder: str, flags: set[str]) -> None:
        with self._person(folder) as client:
            client.set_flags([client.search("ALL")[number]], [f for f, name in _IMAP_FLAGS.items() if name in flags])

    def renumber(self) -> None:
        self._validity += 1
        self.server.renumber(self.user, self._validity)

    def person_copies(self, number: int, source: str, target: str) -> None:
        with self._person(source) as client:
            client.create_folder(self._name(target))
            client.copy([client.search("ALL")[number]], self._name(target))

    @contextlib.contextmanager
    def _person(self, folder: str) -> Iterator[Any]:
        with self.server.person(self.user) as client:
            client.select_folder(self._name(folder))
            yield client

    def _name(self, folder: str) -> str:
        flavour = self.server.flavour
        return folder if folder == "INBOX" else flavour.prefix + folder.replace("/", flavour.separator)


class PymapStand(Stand):
    """A mailbox on pymap. Its mails are numbered anew by moving them out and in again: the UIDVALIDITY stays."""

    def __init__(self, server: pymap_server.Pymap) -> None:
        super().__init__()
        self._server = server
        server.empty()

    def settings(self, **changes: Any) -> ImapSettings:
        who = {"user": pymap_server.USER, "password": pymap_server.PASSWORD, "timeout_seconds": 20.0}
        return ImapSettings(**{**who, "host": pymap_server.HOST, "port": self._server.port, "tls": Tls.NONE, **changes})

    def deliver(self, raw: bytes) -> None:
        client = self._server.person
        client.append("INBOX", raw)

    def held(self, folder: str) -> list[Held]:
        client = self._server.person
        if not client.folder_exists(folder):
            return []
        client.select_folder(folder, readonly=True)
        answers = client.fetch(client.search("ALL"), ["FLAGS", "BODY.PEEK[]"])
        return [Held(a[b"BODY[]"], _imap_flags(a[b"FLAGS"])) for _, a in sorted(answers.items())]

    def folders(self) -> set[str]:
        client = self._server.person
        return {name for _, _, name in client.list_folders()}

    def person_moves(self, number: int, source: str, target: str) -> None:
        client = self._server.person
        client.select_folder(source)
        if not client.folder_exists(target):
            client.create_folder(target)
        client.move([client.search("ALL")[number]], target)

    def person_marks(self, number: int, folder: str, flags: set[str]) -> None:
        client = self._server.person
        client.select_folder(folder)
        client.set_flags([client.search("ALL")[number]], [f for f, name in _IMAP_FLAGS.items() if name in flags])

    def renumber(self) -> None:
        client = self._server.person
        client.create_folder("Restoring")
        for source, target in (("INBOX", "Restoring"), ("Restoring", "INBOX")):
            client.select_folder(source)
            for uid in client.search("ALL"):
                client.move([uid], target)
        client.select_folder("INBOX")
        client.delete_folder("Restoring")


def _imap_flags(flags: tuple[bytes, ...]) -> frozenset[str]:
    return frozenset(_IMAP_FLAGS[flag] for flag in flags if flag in _IMAP_FLAGS)


_SPECIAL = {"INBOX": "inbox", "Drafts": "drafts", "Sent": "sentitems"}


class GraphStand(Stand):
    """A mailbox on the stub of Microsoft Graph. What a person deletes there goes to Deleted Items."""

    def __init__(self, server: graph_stub.Graph) -> None:
        super().__init__()
        self.server = server
        self.user, self.state = server.new_mailbox()
        self._bin = self.state.place("deleteditems")

    def settings(self, **changes: Any) -> GraphSettings:
        place = {"base_url": self.server.base, "authority": self.server.address, "ca_file": self.server.ca_file}
        who = {"tenant": graph_stub.TENANT, "client_id": graph_stub.CLIENT, "user": self.user}
        who |= {"upload_hosts": (self.server.uploads,)}
        return GraphSettings(**{**who, **place, "client_secret": graph_stub.SECRET, "timeout_seconds": 10, **changes})

    def deliver(self, raw: bytes) -> None:
        self.state.add(raw, self.state.place("inbox"))

    def held(self, folder: str) -> list[Held]:
        return [Held(item.raw, self._flags(item)) for item in self._items(folder)]

    def folders(self) -> set[str]:
        known = self.state.folders
        paths = set()
        for folder in known.values():
            path, parent = folder.name, folder.parent
            while parent:
                path, parent = f"{known[parent].name}/{path}", known[parent].parent
            paths.add(path)
        return paths

    def person_moves(self, number: int, source: str, target: str) -> None:
        place = self._place(target) or self.state.new_id("AQ")
        self.state.folders.setdefault(place, Directory(place, target))
        self.state.move(self._items(source)[number], place)

    def person_marks(self, number: int, folder: str, flags: set[str]) -> None:
        item = self._items(folder)[number]
        item.read, item.flagged = "seen" in flags, "flagged" in flags
        self.state.touch(item)
        if "deleted" in flags:
            item.before = item.folder
            self.state.move(item, self._bin)

    def renumber(self) -> None:
        self.state.renumber()

    def _place(self, folder: str) -> str:
        if folder in _SPECIAL:
            return self.state.place(_SPECIAL[folder])
        place = ""
        for level in folder.split("/"):
            place = next((child.id for child in self.state.children(place) if child.name == level), "")
            if not place:
                return ""
        return place

    def _items(self, folder: str) -> list[Item]:
        place = self._place(folder)
        deleted = [item for item in self.state.inside(self._bin) if item.before == place]
        return sorted([*self.state.inside(place), *deleted], key=lambda item: item.received)

    def _flags(self, item: Item) -> frozenset[str]:
        told = {"seen": item.read, "draft": item.draft, "flagged": item.flagged, "deleted": item.folder == self._bin}
        return frozenset(name for name, holds in told.items() if holds)

    def close(self) -> None:
        super().close()
        assert [*self.server.faults, *self.state.faults] == []


class EwsStand(Stand):
    """A mailbox on the stub of Exchange. What a person deletes there goes to Deleted Items."""

    def __init__(self, server: ews_stub.Exchange) -> None:
        super().__init__()
        self.server = server
        self.address, self.state = server.new_mailbox()
        self._bin = self.state.place("deleteditems")

    def settings(self, **changes: Any) -> EwsSettings:
        place = {"url": self.server.url, "address": self.address, "ca_file": self.server.ca_file}
        who = {"user": ews_stub.USER, "password": ews_stub.PASSWORD, "auth": "basic"}
        return EwsSettings(**{**place, **who, "timeout_seconds": 10, **changes})

    def deliver(self, raw: bytes) -> None:
        self.state.add(raw, self.state.place("inbox"))

    def held(self, folder: str) -> list[Held]:
        return [Held(item.raw, self._flags(item)) for item in self._items(folder)]

    def folders(self) -> set[str]:
        def paths(parent: str, before: str) -> Iterator[str]:
            for child in self.state.children(parent):
                yield before + child.name
                yield from paths(child.id, f"{before}{child.name}/")

        return set(paths(ROOT, ""))

    def person_moves(self, number: int, source: str, target: str) -> None:
        place = self._place(target) or self.state.make(ROOT, target).id
        self.state.move(self._items(source)[number], place)

    def person_marks(self, number: int, folder: str, flags: set[str]) -> None:
        item = self._items(folder)[number]
        item.read, item.flagged = "seen" in flags, "flagged" in flags
        self.state.touch(item, "ReadFlagChange")
        if "deleted" in flags:
            item.before = item.folder
            self.state.move(item, self._bin)

    def renumber(self) -> None:
        self.state.renumber()

    def _place(self, folder: str) -> str:
        if folder in _SPECIAL:
            return self.state.place(_SPECIAL[folder])
        place = ROOT
        for level in folder.split("/"):
            place = next((child.id for child in self.state.children(place) if child.name == level), "")
            if not place:
                return ""
        return place

    def _items(self, folder: str) -> list[Item]:
        place = self._place(folder)
        deleted = [item for item in self.state.inside(self._bin) if item.before == place]
        return sorted([*self.state.inside(place), *deleted], key=lambda item: item.received)

    def _flags(self, item: Item) -> frozenset[str]:
        told = {"seen": item.read, "draft": item.draft, "flagged": item.flagged, "deleted": item.folder == self._bin}
        return frozenset(name for name, holds in told.items() if holds)

    def close(self) -> None:
        super().close()
        assert [*self.server.faults, *self.state.faults] == []


@pytest.fixture(scope="session")
def ews_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ews_stub.Exchange]:
    with ews_stub.running(tmp_path_factory.mktemp("ews")) as server:
        yield server


@pytest.fixture
def ews(ews_server: ews_stub.Exchange) -> Iterator[EwsStand]:
    """A mailbox on the stub of Exchange, for what only that can get wrong."""
    stand = EwsStand(ews_server)
    yield stand
    stand.close()


@pytest.fixture
def ews_mailbox(ews: EwsStand, sleeps: "Sleeps") -> Iterator[Ews]:
    opened = Ews(ews.settings(), sleep=sleeps)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def graph_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[graph_stub.Graph]:
    with graph_stub.running(tmp_path_factory.mktemp("graph")) as server:
        yield server


@pytest.fixture
def graph(graph_server: graph_stub.Graph) -> Iterator[GraphStand]:
    """A mailbox on the stub of Microsoft Graph, for what only that can get wrong."""
    stand = GraphStand(graph_server)
    yield stand
    stand.close()


class Sleeps(list[float]):
    """Stands for time.sleep, and remembers."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def sleeps() -> Sleeps:
    return Sleeps()


@pytest.fixture
def graph_mailbox(graph: GraphStand, sleeps: Sleeps) -> Iterator[Graph]:
    opened = Graph(graph.settings(), sleep=sleeps)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def dovecots() -> Iterator[Callable[[dovecot.Flavour], dovecot.Dovecot]]:
    """Start each flavour of server at most once; all are stopped when the session ends."""
    started: dict[str, dovecot.Dovecot] = {}
    with contextlib.ExitStack() as servers:

        def server(flavour: dovecot.Flavour) -> dovecot.Dovecot:
            reason = dovecot.missing()
            if reason:
                pytest.skip(reason)
            if flavour.name not in started:
                started[flavour.name] = servers.enter_context(dovecot.running(flavour))
            return started[flavour.name]

        yield server


@pytest.fixture(scope="session")
def pymap() -> Iterator[pymap_server.Pymap]:
    reason = pymap_server.missing()
    if reason:
        pytest.skip(reason)
    with pymap_server.running() as server:
        yield server


_IMAP_STANDS = {
    "imap-tls": (dovecot.FULL, Tls.IMPLICIT),
    "imap-starttls": (dovecot.FULL, Tls.STARTTLS),
    "imap-no-move": (dovecot.NO_MOVE, Tls.IMPLICIT),
    "imap-bare": (dovecot.BARE, Tls.IMPLICIT),
}


@pytest.fixture(
    params=[
        "maildir",
        "graph",
        "ews",
        "pymap",
        *(pytest.param(name, marks=pytest.mark.dovecot) for name in _IMAP_STANDS),
    ]
)
def stand(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stand]:
    """Every kind of mailbox in turn: the contract holds for all of them."""
    made: Stand
    if request.param == "maildir":
        made = MaildirStand(tmp_path / "mail")
    elif request.param == "graph":
        made = GraphStand(request.getfixturevalue("graph_server"))
    elif request.param == "pymap":
        made = PymapStand(request.getfixturevalue("pymap"))
    elif request.param == "ews":
        made = EwsStand(request.getfixturevalue("ews_server"))
    else:
        flavour, tls = _IMAP_STANDS[request.param]
        made = DovecotStand(request.getfixturevalue("dovecots")(flavour), tls)
    yield made
    made.close()


@pytest.fixture
def imap(dovecots: Callable[[dovecot.Flavour], dovecot.Dovecot]) -> Iterator[Callable[..., DovecotStand]]:
    """Make stands on a Dovecot of the given flavour, for what only IMAP can get wrong."""
    with contextlib.ExitStack() as stands:

        def make(flavour: dovecot.Flavour = dovecot.FULL, tls: Tls = Tls.IMPLICIT) -> DovecotStand:
            return stands.enter_context(contextlib.closing(DovecotStand(dovecots(flavour), tls)))

        yield make
