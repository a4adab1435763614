"""What Exchange answers, as far as we read it: well-formed or not at all, and what else stands there is passed over.

exchangelib's own parser recovers from broken XML, so that half an answer could be taken for a whole mail: not used.
"""

import base64
import binascii
import re
import sys
from dataclasses import dataclass

from lxml import etree

from pipeline.mailbox.ews_requests import KEY_NAME, KEY_SET, MESSAGES, SOAP, TYPES

_ERRORS = "http://schemas.microsoft.com/exchange/services/2006/errors"
_REFERENCE = re.compile(rb"&#(x[0-9A-Fa-f]{1,8}|[0-9]{1,10});")
_CHARACTER = re.compile("[\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2
_MOST_DIGITS = 12


class NotUnderstood(Exception):  # noqa: N818 - named for the fact; it never leaves the mailbox
    """The answer is not one to the operation. The text quotes nothing of it."""


class Trouble(Exception):  # noqa: N818 - carries the server's answer; it never leaves the mailbox
    """The server could not do it. code: a ResponseCode. back_off: seconds it wants to be left alone, None for none."""

    def __init__(self, code: str, text: str, back_off: float | None) -> None:
        super().__init__(code)
        self.code = code
        self.text = text
        self.back_off = back_off


@dataclass(frozen=True, slots=True)
class Folder:
    """A mail folder. total, unread: numbers of mails, 0 where they were not asked for."""

    id: str
    parent: str
    name: str
    total: int = 0
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """An item. What was not asked for, or the item has not, is empty. key: of a draft of ours, its Message-ID.

    version: its ChangeKey, another after every change. is_read: None where the answer does not tell.
    """

    id: str
    version: str
    parent: str
    size: int
    message_id: str
    is_draft: bool
    key: str
    categories: tuple[str, ...]
    is_read: bool | None
    received: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. next: where the following one begins, None after the last."""

    _entries: etree._Element
    next: int | None

    def items(self) -> list[Item]:
        """Return the items on it."""
        return [_item(element) for element in self._entries]

    def folders(self) -> list[Folder]:
        """Return the folders on it, without those that hold no mail (calendars, contacts, searches)."""
        return [_folder(element) for element in self._entries.findall(_in(TYPES, "Folder"))]


@dataclass(frozen=True, slots=True)
class Changes:
    """Some changes of a folder. state: from which the next are asked for. last: whether these are all there are.

    changed: items that came or changed. removed: ids. flagged: ids, and whether each was marked read or unread.
    """

    state: str
    last: bool
    changed: tuple[Item, ...]
    removed: tuple[str, ...]
    flagged: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The parts of an answer, one for each thing that was asked for. version: of the server, for example ``15.2``."""

    version: str
    parts: tuple["Part", ...]


@dataclass(frozen=True, slots=True)
class Part:
    """What became of one thing that was asked for."""

    _element: etree._Element

    def folder(self) -> Folder:
        """Return the one folder it tells of."""
        return _folder(self._only("Folders"))

    def item(self) -> Item:
        """Return the one item it tells of."""
        return _item(self._only("Items"))

    def mime(self) -> bytes:
        """Return the MIME octets of the one item it tells of."""
        text = self._only("Items").findtext(_in(TYPES, "MimeContent"))
        if text is None:
            raise NotUnderstood("it has no MIME content")
        try:
            return base64.b64decode("".join(text.split()).encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError) as error:
            raise NotUnderstood("its MIME content is not base64") from error

    def page(self, entries: str) -> Page:
        """Return a page of ``Items`` or ``Folders``."""
        root = self._element.find(_in(MESSAGES, "RootFolder"))
        if root is None:
            raise NotUnderstood("it has no page")
        last, following = root.get("IncludesLastItemInRange"), _number(root.get("IndexedPagingOffset", ""))
        if last not in {"true", "false"} or (last == "false" and not following):
            raise NotUnderstood("its page does not say whether it is the last")
        inner = root.find(_in(TYPES, entries))
        if inner is None:
            raise NotUnderstood("its page has no entries")
        return Page(inner, None if last == "true" else following)

    def changes(self) -> Changes:
        """Return some changes of a folder."""
        state = self._element.findtext(_in(MESSAGES, "SyncState"), "")
        last = self._element.findtext(_in(MESSAGES, "IncludesLastItemInRange"), "")
        inner = self._element.find(_in(MESSAGES, "Changes"))
        if not state or last not in {"true", "false"} or inner is None:
            raise NotUnderstood("its changes do not say where they end")
        changed = [*inner.findall(_in(TYPES, "Create")), *inner.findall(_in(TYPES, "Update"))]
        if not all(len(change) == 1 for change in changed):
            raise NotUnderstood("a change in it is not of one item")
        return Changes(
            state,
            last == "true",
            tuple(_item(change[0]) for change in changed),
            tuple(_id(change, "ItemId") for change in inner.findall(_in(TYPES, "Delete"))),
            tuple(
                (_id(change, "ItemId"), change.findtext(_in(TYPES, "IsRead")) == "true")
                for change in inner.findall(_in(TYPES, "ReadFlagChange"))
            ),
        )

    def _only(self, name: str) -> etree._Element:
        container = self._element.find(_in(MESSAGES, name))
        if container is None or len(container) != 1:
            raise NotUnderstood("it does not hold the one thing that was asked for")
        return container[0]


def read(octets: bytes, operation: str, expected: int) -> Answer:
    """Return the answer to an operation, in as many parts as expected; Trouble where one of them went wrong."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True, remove_comments=True)
    try:
        root = etree.fromstring(_REFERENCE.sub(_allowed, octets), parser)
    except (etree.XMLSyntaxError, ValueError):
        raise NotUnderstood("it is not well-formed XML") from None  # the parser's text may quote the answer
    body = root.find(_in(SOAP, "Body"))
    if root.tag != _in(SOAP, "Envelope") or body is None:
        raise NotUnderstood("it is no SOAP envelope")
    fault = body.find(_in(SOAP, "Fault"))
    if fault is not None:
        raise _fault(fault)
    within = body.find(f"{_in(MESSAGES, f'{operation}Response')}/{_in(MESSAGES, 'ResponseMessages')}")
    parts = [] if within is None else within.findall(_in(MESSAGES, f"{operation}ResponseMessage"))
    for part in parts:
        code = part.findtext(_in(MESSAGES, "ResponseCode"), "")
        if part.get("ResponseClass") != "Success" or code != "NoError":
            text = part.findtext(_in(MESSAGES, "MessageText"), "")
            raise Trouble(code, text, _back_off(part.find(_in(MESSAGES, "MessageXml"))))
    if len(parts) != expected:
        raise NotUnderstood("it has another number of parts than what was asked for")
    return Answer(_version(root), tuple(map(Part, parts)))


def _item(element: etree._Element) -> Item:
    return Item(
        id=_id(element, "ItemId"),
        version=_id(element, "ItemId", "ChangeKey", needed=False),
        parent=_id(element, "ParentFolderId", needed=False),
        size=_number(element.findtext(_in(TYPES, "Size"), "")) or 0,
        message_id=element.findtext(_in(TYPES, "InternetMessageId"), ""),
        is_draft=element.findtext(_in(TYPES, "IsDraft"), "") == "true",
        key=next(filter(None, map(_key, element.findall(_in(TYPES, "ExtendedProperty")))), ""),
        categories=tuple(
            one.text or "" for one in element.findall(f"{_in(TYPES, 'Categories')}/{_in(TYPES, 'String')}")
        ),
        is_read={"true": True, "false": False}.get(element.findtext(_in(TYPES, "IsRead"), "")),
        received=element.findtext(_in(TYPES, "DateTimeReceived"), ""),
    )


def _folder(element: etree._Element) -> Folder:
    return Folder(
        id=_id(element, "FolderId"),
        parent=_id(element, "ParentFolderId", needed=False),
        name=element.findtext(_in(TYPES, "DisplayName"), ""),
        total=_number(element.findtext(_in(TYPES, "TotalCount"), "")) or 0,
        unread=_number(element.findtext(_in(TYPES, "UnreadCount"), "")) or 0,
    )


def _id(element: etree._Element, name: str, attribute: str = "Id", *, needed: bool = True) -> str:
    found = element.find(_in(TYPES, name))
    told = "" if found is None else found.get(attribute, "")
    if needed and not told:
        raise NotUnderstood("something in it has no id")
    return told


def _key(element: etree._Element) -> str:
    field = element.find(_in(TYPES, "ExtendedFieldURI"))
    ours = field is not None and field.get("PropertyName") == KEY_NAME
    if field is None or not ours or field.get("PropertySetId", "").casefold() != KEY_SET:
        return ""
    return element.findtext(_in(TYPES, "Value"), "")


def _fault(element: etree._Element) -> Trouble:
    detail = element.find("detail")
    found = element if detail is None else detail
    code = found.findtext(_in(_ERRORS, "ResponseCode"), "") or element.findtext("faultcode", "").rpartition(":")[2]
    text = found.findtext(_in(_ERRORS, "Message"), "") or element.findtext("faultstring", "")
    return Trouble(code.strip(), text, _back_off(found.find(_in(TYPES, "MessageXml"))))


def _back_off(element: etree._Element | None) -> float | None:
    for value in () if element is None else element.findall(_in(TYPES, "Value")):
        told = _number((value.text or "").strip())
        if value.get("Name") == "BackOffMilliseconds" and told is not None:
            return told / 1000
    return None


def _version(root: etree._Element) -> str:
    found = root.find(f"{_in(SOAP, 'Header')}/{_in(TYPES, 'ServerVersionInfo')}")
    numbers = [] if found is None else [_number(found.get(f"{part}Version", "")) for part in ("Major", "Minor")]
    return ".".join(str(number) for number in numbers if number is not None)


def _number(told: str) -> int | None:
    return int(told) if told.isascii() and told.isdecimal() and len(told) <= _MOST_DIGITS else None


def _allowed(reference: re.Match[bytes]) -> bytes:
    """Leave a reference to a character that XML allows; another, which Exchange writes too, becomes U+FFFD."""
    told = reference[1].decode("ascii")
    number = int(told[1:], 16) if told.startswith("x") else int(told)
    return reference[0] if number <= sys.maxunicode and _CHARACTER.fullmatch(chr(number)) else b"&#xFFFD;"


def _in(namespace: str, name: str) -> str:
    return f"{{{namespace}}}{name}"
