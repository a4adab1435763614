"""What the stub of Exchange keeps of a mailbox, and how it reads a request: in order, nothing left over."""

from dataclasses import dataclass, field

from lxml import etree

from tests.contract.graph_state import WELL_KNOWN, Directory, Item, Planned, Reply

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
ERRORS = "http://schemas.microsoft.com/exchange/services/2006/errors"
_PREFIXES = {MESSAGES: "m", TYPES: "t", SOAP: "s"}

ROOT = "AQMmsgfolderroot="
OF_OTHER_KINDS = {"calendar": "CalendarFolder", "contacts": "ContactsFolder"}


def written(text: str) -> str:
    """Write text as Exchange does: a character that XML does not allow becomes a reference to it all the same."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return "".join(c if c == "\t" or c >= " " else f"&#x{ord(c):X};" for c in plain)


def envelope(body: str, version: str = "15") -> bytes:
    told = f'<h:ServerVersionInfo MajorVersion="{version}" MinorVersion="2" MajorBuildNumber="1544" xmlns:h="{TYPES}"/>'
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}"><s:Header>{told}</s:Header>'
        f'<s:Body xmlns:m="{MESSAGES}" xmlns:t="{TYPES}">{body}</s:Body></s:Envelope>'
    ).encode()


def said(body: str, status: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, envelope(body), {"Content-Type": "text/xml; charset=utf-8", **named})


def fault(code: str, message: str = "no", *, back_off: int | None = None, status: int = 500) -> Reply:
    """The whole request is refused. back_off: milliseconds."""
    wait = f'<t:MessageXml><t:Value Name="BackOffMilliseconds">{back_off}</t:Value></t:MessageXml>'
    detail = f"<e:ResponseCode>{code}</e:ResponseCode><e:Message>{written(message)}</e:Message>"
    return said(
        f"<s:Fault><faultcode>a:{code}</faultcode><faultstring>{written(message)}</faultstring>"
        f'<detail xmlns:e="{ERRORS}">{detail}{"" if back_off is None else wait}</detail></s:Fault>',
        status,
    )


def part(operation: str, inner: str) -> str:
    head = f'<m:{operation}ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>'
    return f"{head}{inner}</m:{operation}ResponseMessage>"


def trouble(operation: str, code: str, message: str = "no") -> str:
    text = f"<m:MessageText>{written(message)}</m:MessageText><m:ResponseCode>{code}</m:ResponseCode>"
    return (
        f'<m:{operation}ResponseMessage ResponseClass="Error">{text}<m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>'
        f"</m:{operation}ResponseMessage>"
    )


def answered(operation: str, *parts: str) -> Reply:
    messages = f"<m:ResponseMessages>{''.join(parts)}</m:ResponseMessages>"
    return said(f"<m:{operation}Response>{messages}</m:{operation}Response>")


def refusal(operation: str, code: str, message: str = "no") -> Reply:
    return answered(operation, trouble(operation, code, message))


class Wrong(Exception):  # noqa: N818 - a request that the stub does not know
    """The request is not one that Exchange takes, or that this stub knows."""


class Missing(Exception):  # noqa: N818 - carries a code
    """What was named is not there."""


class Node:
    """An element being read: each child is taken in its turn, and ``done`` finds what nobody took."""

    def __init__(self, element: etree._Element) -> None:
        self._element = element
        self._children = list(element)
        self._attributes = {str(name): str(value) for name, value in element.attrib.items()}
        self.text = element.text or ""

    @property
    def name(self) -> str:
        name = etree.QName(self._element)
        return f"{_PREFIXES.get(name.namespace or '', '?')}:{name.localname}"

    def maybe(self, name: str) -> "Node | None":
        if self._children and Node(self._children[0]).name == name:
            return Node(self._children.pop(0))
        return None

    def child(self, name: str) -> "Node":
        found = self.maybe(name)
        if found is None:
            left = [Node(child).name for child in self._children]
            raise Wrong(f"{self.name}: {name} expected before {left}")
        return found

    def every(self) -> "list[Node]":
        children, self._children = [Node(child) for child in self._children], []
        return children

    def attribute(self, name: str) -> str:
        if name not in self._attributes:
            raise Wrong(f"{self.name}: no {name}")
        return self._attributes.pop(name)

    def value(self) -> str:
        self.done()
        return self.text

    def done(self) -> None:
        if self._children or self._attributes:
            raise Wrong(f"{self.name}: unknown {[Node(c).name for c in self._children]} {sorted(self._attributes)}")


@dataclass(frozen=True)
class Asked:
    """A request. name: of the operation."""

    name: str
    body: etree._Element
    headers: dict[str, str] = field(default_factory=dict)


class MailboxState:
    """One mailbox: what is in it, what was asked of it, what was wrong with that, and what goes wrong next."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.faults: list[str] = []
        self.asked: list[Asked] = []
        self.plans: list[Planned] = []
        self.items: dict[str, Item] = {}
        self.folders = {ROOT: Directory(ROOT, "Oberste Ebene des Informationsspeichers")}
        for name, shown in {**WELL_KNOWN, "calendar": "Kalender", "contacts": "Kontakte"}.items():
            self.folders[self.place(name)] = Directory(self.place(name), shown, ROOT)
        self._count = 0
        self._changed: list[tuple[str, str, str]] = []
        self._syncs: dict[str, tuple[list[tuple[str, str]], int]] = {}

    def place(self, name: str) -> str:
        return f"AQM{name.lower()}="

    def kind(self, folder: str) -> str:
        return next((tag for name, tag in OF_OTHER_KINDS.items() if folder == self.place(name)), "Folder")

    def new_id(self, kind: str) -> str:
        self._count += 1
        return f"{kind}{self._count:06d}/+="

    def add(self, raw: bytes, folder: str, **more: bool) -> Item:
        item = Item(self.new_id("AAk"), raw, folder, self._count, **more)
        self.items[item.id] = item
        self._changed.append((folder, item.id, "Create"))
        return item

    def touch(self, item: Item, kind: str = "Update") -> None:
        """Note that an item was changed; kind: ``ReadFlagChange`` where nothing else was."""
        item.version += 1
        self._changed.append((item.folder, item.id, kind))

    def changes(self, folder: str, since: str, most: int) -> tuple[list[tuple[str, str]], str, bool] | None:
        """Return what changed in a folder, some of it, the next state, and whether that was all; None: who knows."""
        if not since:
            rows, position = [("Create", item.id) for item in reversed(self.inside(folder))], len(self._changed)
        elif since in self._syncs:
            rows, position = self._syncs[since]
            new = {uid: kind for place, uid, kind in self._changed[position:] if place == folder}
            rows, position = [*rows, *((kind, uid) for uid, kind in new.items())], len(self._changed)
        else:
            return None
        state = f"c3luYw{len(self._syncs)}=="
        self._syncs[state] = (rows[most:], position)
        return rows[:most], state, len(rows) <= most

    def forget(self) -> None:
        """Forget since when anybody was to be told of changes."""
        self._syncs.clear()

    def move(self, item: Item, folder: str) -> None:
        """Give it another id, as Exchange does."""
        del self.items[item.id]
        self._changed.append((item.folder, item.id, "Delete"))
        item.folder, item.id = folder, self.new_id("AAk")
        self.items[item.id] = item
        self._changed.append((folder, item.id, "Create"))

    def inside(self, folder: str) -> list[Item]:
        return sorted((item for item in self.items.values() if item.folder == folder), key=lambda item: item.received)

    def children(self, parent: str) -> list[Directory]:
        return [directory for directory in self.folders.values() if directory.parent == parent]

    def below(self, parent: str) -> list[Directory]:
        return [found for child in self.children(parent) for found in (child, *self.below(child.id))]

    def make(self, parent: str, name: str) -> Directory:
        made = Directory(self.new_id("AQ"), name, parent)
        self.folders[made.id] = made
        return made

    def renumber(self) -> None:
        """As when the mailbox is moved to another database: all ids of items are new."""
        held = list(self.items.values())
        for item in held:
            item.id = self.new_id("AAm")
        self.items = {item.id: item for item in held}
        self.forget()
