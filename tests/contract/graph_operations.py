"""What the stub of Graph can do with a mailbox: each operation with the options it takes, and no other."""

import base64
import binascii
import email
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

from pipeline.mailbox.headers import message_id_of
from tests.contract.graph_state import WELL_KNOWN, Asked, Directory, Item, MailboxState, Refused, Reply, error, said

PAGE = 4  # fewer than a client asks for, so that lists have pages
MOST_OCTETS = 4 * 1024 * 1024
SIZE = "Integer 0x0E08"

_STRING = r"'((?:[^']|'')*)'"
_BY_ID = re.compile(rf"internetMessageId eq {_STRING}")
_SINCE = re.compile(r"sentDateTime ge (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")
_BY_NAME = re.compile(rf"displayName eq {_STRING}")
_BY_KEY = re.compile(rf"singleValueExtendedProperties/any\(ep:ep/id eq {_STRING} and ep/value eq {_STRING}\)")
_EXPAND = re.compile(r"singleValueExtendedProperties\(\$filter=id eq '([^']*)'\)")


def _moment(seconds: int) -> str:
    return f"2026-03-02T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}Z"


def _etag(item: Item) -> str:
    return f'W/"{item.version}"'


def _people(field: str) -> Callable[[Item], Any]:
    def told(item: Item) -> list[dict[str, Any]]:
        found = email.message_from_bytes(item.raw).get_all(field, [])
        return [{"emailAddress": {"name": "A name", "address": address}} for address in found]

    return told


def _body(item: Item) -> dict[str, str]:
    mail = email.message_from_bytes(item.raw)
    first = mail.get_payload(0) if mail.is_multipart() else mail
    return {"contentType": "html", "content": f"<html>{first}</html>"}


_FIELDS: dict[str, Callable[[Item], Any]] = {
    "id": lambda item: item.id,
    "isRead": lambda item: item.read,
    "isDraft": lambda item: item.draft,
    "receivedDateTime": lambda item: _moment(item.received),
    "createdDateTime": lambda item: _moment(item.received),
    "lastModifiedDateTime": lambda item: _moment(item.received + item.edited),
    "subject": lambda item: email.message_from_bytes(item.raw)["Subject"],
    "body": _body,
    "toRecipients": _people("To"),
    "ccRecipients": _people("Cc"),
    "bccRecipients": _people("Bcc"),
    "parentFolderId": lambda item: item.folder,
    "categories": lambda item: item.categories,
    "internetMessageId": lambda item: message_id_of(item.raw) or None,
}


class Call:
    """One request being done: what it may ask for is taken from its options, the rest is a fault."""

    def __init__(self, state: MailboxState, asked: Asked) -> None:
        self.state, self.asked = state, asked
        self.left = dict(asked.options)

    def take(self, option: str) -> str:
        return self.left.pop(option, "")

    def nothing_else(self) -> None:
        if self.left:
            raise self.state.fault(f"{self.asked.name}: unknown options {sorted(self.left)}")

    def json(self, *known: str) -> dict[str, Any]:
        if self.asked.headers.get("content-type") != "application/json":
            raise self.state.fault(f"{self.asked.name}: a body that is not said to be JSON")
        body = json.loads(self.asked.body)
        if set(body) - set(known):
            raise self.state.fault(f"{self.asked.name}: unknown properties {sorted(body)}")
        return dict(body)

    def match(self, pattern: re.Pattern[str]) -> list[str] | None:
        wanted = self.take("$filter")
        if not wanted:
            return None
        found = pattern.fullmatch(wanted)
        if found is None:
            raise self.state.fault(f"{self.asked.name}: unknown filter {wanted}")
        return [group.replace("''", "'") for group in found.groups()]

    def folder(self, name: str) -> Directory:
        plain = unquote(name)
        place = self.state.place(plain) if plain.lower() in WELL_KNOWN else plain
        if place not in self.state.folders:
            raise Refused(error(404, "ErrorItemNotFound"))
        return self.state.folders[place]

    def item(self, name: str) -> Item:
        uid = unquote(name)
        if not uid.startswith("AA"):
            raise Refused(error(400, "ErrorInvalidIdMalformed"))
        if uid not in self.state.items:
            raise Refused(error(404, "ErrorItemNotFound"))
        return self.state.items[uid]

    def shown(self, item: Item, select: str, expanded: str = "") -> dict[str, Any]:
        names = {"id", *select.split(",")}
        if names - _FIELDS.keys():
            raise self.state.fault(f"{self.asked.name}: unknown fields {sorted(names)}")
        properties = {SIZE: str(len(item.raw)), **item.properties}
        told = [{"id": expanded, "value": properties[expanded]}] if expanded in properties else []
        more = {"singleValueExtendedProperties": told} if told else {}
        return {name: _FIELDS[name](item) for name in sorted(names)} | more | {"@odata.etag": _etag(item)}

    def expanded(self) -> str:
        """Return the id of the property that is to be told too."""
        expand = self.take("$expand")
        found = _EXPAND.fullmatch(expand)
        if expand and not found:
            raise self.state.fault(f"{self.asked.name}: unknown $expand {expand}")
        return found[1] if found else ""

    def page(self, rows: list[dict[str, Any]], end: str = "") -> Reply:
        """Answer the first rows and a link to the rest; ``end``: the link of the last page."""
        first, rest = rows[:PAGE], rows[PAGE:]
        here = f"{self.state.home}/{self.asked.path}"
        if rest:
            cursor = self.state.cursor([{"end": end}, *rest])
            return said(200, {"value": first, "@odata.nextLink": f"{here}?$skiptoken={cursor}"})
        return said(200, {"value": first, **({"@odata.deltaLink": f"{here}?$deltatoken={end}"} if end else {})})

    def more(self) -> Reply | None:
        """Answer the next page where one was asked for."""
        cursor = self.take("$skiptoken")
        if not cursor:
            return None
        self.nothing_else()
        end, *rows = self.state.rows(cursor)
        return self.page(rows, end["end"])


Operations = list[tuple[str, Callable[..., Reply]]]


def perform(state: MailboxState, asked: Asked, more: Operations) -> Reply:
    """Do what was asked, by the operations of this module or ``more``."""
    for pattern, operation in [*_OPERATIONS, *more]:
        found = re.fullmatch(pattern, asked.name)
        if found:
            call = Call(state, asked)
            reply = operation(call, *found.groups())
            call.nothing_else()
            return reply
    raise state.fault(f"unknown operation {asked.name}")


def _folders(call: Call, parent: str = "") -> Reply:
    place = call.folder(parent).id if parent else ""
    reply = call.more()
    if reply:
        return reply
    names = call.match(_BY_NAME)
    call.take("$select")
    found = [d for d in call.state.children(place) if names is None or d.name.casefold() == names[0].casefold()]
    return call.page([{"id": d.id, "displayName": d.name} for d in found])


def _folder(call: Call, name: str) -> Reply:
    directory, select = call.folder(name), call.take("$select")
    held = call.state.inside(directory.id)
    numbers = {"totalItemCount": len(held), "unreadItemCount": sum(not item.read for item in held)}
    every = {"id": directory.id, "displayName": directory.name, **numbers}
    return said(200, {field: every[field] for field in select.split(",")})


def _make_folder(call: Call, parent: str = "") -> Reply:
    place = call.folder(parent).id if parent else ""
    name = call.json("displayName")["displayName"]
    if any(d.name.casefold() == name.casefold() for d in call.state.children(place)):
        return error(409, "ErrorFolderExists")
    made = Directory(call.state.new_id("AQ"), name, place)
    call.state.folders[made.id] = made
    return said(201, {"id": made.id, "displayName": name})


def _messages(call: Call, folder: str = "") -> Reply:
    place = call.folder(folder).id if folder else ""
    reply = call.more()
    if reply:
        return reply
    wanted, select = call.left.get("$filter", ""), call.take("$select")
    held = call.state.inside(place) if place else list(call.state.items.values())
    if wanted.startswith("single"):
        key, value = call.match(_BY_KEY) or ["", ""]
        held = [item for item in held if item.properties.get(key) == value]
    elif wanted.startswith("sentDateTime"):
        (since,) = call.match(_SINCE) or [""]
        held = [item for item in held if _FIELDS["receivedDateTime"](item) >= since]
    elif wanted:
        (message_id,) = call.match(_BY_ID) or [""]
        held = [item for item in held if message_id.casefold() in message_id_of(item.raw).casefold()]
    return call.page([call.shown(item, select) for item in held])


def _delta(call: Call, folder: str) -> Reply:
    place, state = call.folder(folder).id, call.state
    reply = call.more()
    if reply:
        return reply
    end = f"{state.position}"
    token = call.take("$deltatoken")
    if token:
        call.nothing_else()
        position, _, rest = token.partition(":")
        changed = state.since(place, int(position))
        select, _, expanded = rest.partition(":")
        removed = {"@removed": {"reason": "deleted"}}
        rows = [{"id": c, **removed} if isinstance(c, str) else call.shown(c, select, expanded) for c in changed]
        return call.page(rows, f"{end}:{rest}")
    select, expanded = call.take("$select"), call.expanded()
    rows = [call.shown(item, select, expanded) for item in reversed(state.inside(place))]  # in no order
    return call.page(rows, f"{end}:{select}:{expanded}")


def _message(call: Call, name: str) -> Reply:
    return said(200, call.shown(call.item(name), call.take("$select"), call.expanded()))


def _octets(call: Call, name: str) -> Reply:
    return Reply(200, call.item(name).raw, {"Content-Type": "text/plain"})


def _create(call: Call) -> Reply:
    if len(call.asked.body) > MOST_OCTETS:
        return error(413, "RequestEntityTooLarge")
    if call.asked.headers.get("content-type") != "text/plain":
        raise call.state.fault("a message that is not MIME")
    try:
        raw = base64.b64decode(call.asked.body, validate=True)
    except binascii.Error:
        return error(400, "ErrorMimeContentInvalidBase64String")
    return said(201, call.shown(call.state.add(raw, call.state.place("drafts"), read=True, draft=True), "isDraft"))


def _change(call: Call, name: str) -> Reply:
    item = call.item(name)
    body = call.json("isRead", "categories", "singleValueExtendedProperties")
    known = call.asked.headers.get("if-match")
    if known is None and "categories" in body:
        raise call.state.fault("categories overwritten, whoever changed them")
    if known not in {None, _etag(item)}:
        return error(412, "ErrorIrresolvableConflict")
    item.read = body.get("isRead", item.read)
    item.categories = body.get("categories", item.categories)
    item.properties |= {entry["id"]: entry["value"] for entry in body.get("singleValueExtendedProperties", [])}
    call.state.touch(item)
    return said(200, call.shown(item, "isRead"))


def _move(call: Call, name: str) -> Reply:
    item, goal = call.item(name), call.folder(quote(call.json("destinationId")["destinationId"], safe=""))
    call.state.move(item, goal.id)
    return said(201, call.shown(item, "parentFolderId"))


_OPERATIONS: Operations = [
    (r"GET mailFolders", _folders),
    (r"POST mailFolders", _make_folder),
    (r"GET mailFolders/([^/]+)", _folder),
    (r"GET mailFolders/([^/]+)/childFolders", _folders),
    (r"POST mailFolders/([^/]+)/childFolders", _make_folder),
    (r"GET mailFolders/([^/]+)/messages", _messages),
    (r"GET mailFolders/([^/]+)/messages/delta", _delta),
    (r"GET messages", _messages),
    (r"POST messages", _create),
    (r"GET messages/([^/]+)", _message),
    (r"PATCH messages/([^/]+)", _change),
    (r"GET messages/([^/]+)/\$value", _octets),
    (r"POST messages/([^/]+)/move", _move),
]
