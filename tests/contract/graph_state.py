"""What the stub of Microsoft Graph keeps of a mailbox: folders, messages, and what changed in them since when."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

WELL_KNOWN = {
    "inbox": "Posteingang",
    "drafts": "Entwürfe",
    "deleteditems": "Gelöschte Elemente",
    "sentitems": "Gesendete Elemente",
}
"""A mailbox of another language, so that nobody looks for 'Drafts' by name."""


@dataclass
class Reply:
    """What goes back. headers beside those of the body's length; cut: octets after which the line is closed."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    raw: bytes | None = None

    def octets(self) -> bytes:
        if self.raw is not None:
            return self.raw
        told = {"Content-Length": str(len(self.body)), "Content-Type": "application/json", **self.headers}
        lines = [f"HTTP/1.1 {self.status} said", *(f"{name}: {value}" for name, value in told.items())]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


def said(status: int, body: object, **headers: str) -> Reply:
    return Reply(status, json.dumps(body).encode(), {name.replace("_", "-"): value for name, value in headers.items()})


def error(status: int, code: str, message: str = "no", **headers: str) -> Reply:
    return said(status, {"error": {"code": code, "message": message}}, **headers)


class Refused(Exception):  # noqa: N818 - carries an answer
    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


@dataclass(frozen=True)
class Asked:
    """A request. path: from the mailbox on; options: decoded, with their ``$``."""

    method: str
    path: str
    options: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class Item:
    """A message. before: the folder that a person deleted it from. edited: seconds until it was last changed.

    attachments: those put onto it after it was made, by id: name and octets.
    """

    id: str
    raw: bytes
    folder: str
    received: int
    read: bool = False
    draft: bool = False
    flagged: bool = False
    before: str = ""
    edited: int = 0
    version: int = 1
    categories: list[str] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)
    attachments: dict[str, tuple[str, bytes]] = field(default_factory=dict)


@dataclass
class Directory:
    """A folder; parent: empty on the first level."""

    id: str
    name: str
    parent: str = ""


@dataclass
class Upload:
    """An upload session. has: the octets that came so far, of so many in all."""

    item: Item
    name: str
    size: int
    has: bytes = b""


Planned = Callable[[Asked, Callable[[], Reply]], Reply | None]
"""Answers instead of the mailbox, or not (None). The second argument lets the mailbox do what was asked."""


class MailboxState:
    """One mailbox: what is in it, what was asked of it, what was wrong with that, and what goes wrong next.

    home: the address of the mailbox. uploads_at: the host that takes large attachments. plans: asked in turn for
    another answer.
    """

    def __init__(self, home: str, uploads_at: str) -> None:
        self.home, self.uploads_at = home, uploads_at
        self.faults: list[str] = []
        self.asked: list[Asked] = []
        self.plans: list[Planned] = []
        self.told = 0
        self.uploads: dict[str, Upload] = {}
        self.items: dict[str, Item] = {}
        self.folders = {f"AQM{name}=": Directory(f"AQM{name}=", shown) for name, shown in WELL_KNOWN.items()}
        self._count = 0
        self._changed: list[tuple[str, str]] = []
        self._cursors: dict[str, list[dict[str, Any]]] = {}

    def fault(self, text: str) -> "Refused":
        self.faults.append(text)
        return Refused(error(400, "StubFault", text))

    def new_id(self, kind: str) -> str:
        self._count += 1
        return f"{kind}{self._count:06d}/+="  # characters that must be quoted in a path

    def place(self, name: str) -> str:
        return f"AQM{name.lower()}="

    def add(self, raw: bytes, folder: str, **more: Any) -> Item:
        item = Item(self.new_id("AAk"), raw, folder, len(self.items), **more)
        self.items[item.id] = item
        self.touch(item)
        return item

    def touch(self, item: Item, *also: str) -> None:
        item.version += 1
        self._changed += [(folder, item.id) for folder in (item.folder, *also)]

    def move(self, item: Item, folder: str) -> None:
        before, item.folder = item.folder, folder
        self.touch(item, before)

    def inside(self, folder: str) -> list[Item]:
        return [item for item in self.items.values() if item.folder == folder]

    def children(self, parent: str) -> list[Directory]:
        return [directory for directory in self.folders.values() if directory.parent == parent]

    def renumber(self) -> None:
        """As when the mailbox is moved to another server: all ids are new and no change before it is known."""
        held = list(self.items.values())
        for item in held:
            item.id = self.new_id("AAm")
        self.items = {item.id: item for item in held}
        self.forget()

    def forget(self) -> None:
        self._cursors.clear()
        self._changed.append(("", ""))

    def cursor(self, rows: list[dict[str, Any]]) -> str:
        name = f"rest{len(self._cursors)}"
        self._cursors[name] = rows
        return name

    def rows(self, cursor: str) -> list[dict[str, Any]]:
        if cursor not in self._cursors:
            raise Refused(error(410, "syncStateNotFound"))
        return self._cursors[cursor]

    def since(self, folder: str, position: int) -> list[Item | str]:
        """The messages of a folder that changed, and the ids of those that left it."""
        changed = self._changed[position:]
        if ("", "") in changed:
            raise Refused(error(410, "syncStateNotFound"))
        ids = dict.fromkeys(item for place, item in changed if place == folder)
        held = {item.id: item for item in self.inside(folder)}
        return [held.get(item, item) for item in ids]

    @property
    def position(self) -> int:
        return len(self._changed)


def once(name: str, reply: Reply, *, after: bool = False) -> Planned:
    """Plan one other answer to a request whose ``METHOD path`` begins so; after: when the mailbox has done it."""
    replies = [reply]

    def plan(asked: Asked, do: Callable[[], Reply]) -> Reply | None:
        if not replies or not asked.name.startswith(name):
            return None
        planned = replies.pop()
        if after:
            do()
        return planned

    return plan


def always(name: str, reply: Reply) -> Planned:
    """Plan another answer to every request whose ``METHOD path`` begins so."""
    return lambda asked, do: reply if asked.name.startswith(name) else None
