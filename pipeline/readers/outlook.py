"""A mail that Outlook saved or attached as .msg ([MS-OXMSG]): its files, and for a mail by itself its headers and text.

olefile opens the compound file and python-oxmsg reads the properties. Both take the format at its word, so limits are
asked before either reads: octets, entries and sectors that a file declares but cannot hold, and long property lists.
"""

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any, TypeVar

import olefile
from oxmsg.domain import constants
from oxmsg.domain.encodings import encoding_from_codepage
from oxmsg.domain.model import UnrecognizedCodePageError, UnsupportedEncodingError
from oxmsg.properties import Properties
from oxmsg.storage import Storage, Stream

from pipeline.domain.message import Problem
from pipeline.readers import enclosure
from pipeline.readers.enclosure import Enclosure, NotEnclosed, is_inline, not_enclosed
from pipeline.readers.encoding import shown

_PROPERTIES = "__properties_version1.0"
_ATTACHMENT = "__attach_version1.0_#"
_VALUE = "__substg1.0_"
_DATA = f"{_VALUE}37010102"
_OBJECT = f"{_VALUE}3701000D"

_SENT_REPRESENTING_SMTP_ADDRESS = 0x5D02
_NAMES = (enclosure.NAME_LONG, enclosure.NAME_SHORT, enclosure.NAME_SHOWN)
_SENDERS = (constants.PID_SENT_REPRESENTING_NAME, constants.PID_SENDER_NAME)
_ADDRESSES = (
    _SENT_REPRESENTING_SMTP_ADDRESS,
    constants.PID_SENDER_SMTP_ADDRESS,
    constants.PID_SENT_REPRESENTING_EMAIL_ADDRESS,
    constants.PID_SENDER_EMAIL_ADDRESS,
)
_TEXTS = (
    constants.PID_TRANSPORT_MESSAGE_HEADERS,
    constants.PID_SUBJECT,
    constants.PID_INTERNET_MESSAGE_ID,
    constants.PID_IN_REPLY_TO_ID,
    constants.PID_INTERNET_REFERENCES,
    constants.PID_BODY,
    constants.PID_HTML,
)
_OF_A_FILE = (enclosure.DATA, enclosure.MIME_TYPE, enclosure.CONTENT_ID)
# The streams that are read, by the part of their name that tells the property and not its type.
_WANTED = frozenset(f"{_VALUE}{ident:04X}" for ident in (*_NAMES, *_OF_A_FILE, *_SENDERS, *_ADDRESSES, *_TEXTS))
_KNOWN_BY = len(_DATA) - len("0102")

_PROPERTY = 16
_PAGES = frozenset({constants.PID_MESSAGE_CODEPAGE, constants.PID_INTERNET_CODEPAGE})
# Octets before the properties of a mail, of a mail within a mail, and of an attachment ([MS-OXMSG] 2.4.1).
_OUTER, _INNER, _ATTACHED = 32, 24, 8

_MOST_ENTRIES = 10_000  # finding one of them takes time in proportion to their number
_MOST_PROPERTIES = 64 << 10
_MOST_LINE = 1_000
_MOST_REASON = 120
_MOST_NAMED = 3
_SECTOR_SHIFTS, _SMALL_SHIFT = frozenset({9, 12}), 6
_SPARE = 110  # tables that a header may list although the file is small
_AGAIN = "ask the sender to attach the files themselves."

# What olefile and python-oxmsg raise on broken files, as seen on fuzzed ones.
_BROKEN = (
    OSError,
    struct.error,
    ValueError,
    LookupError,
    TypeError,
    ArithmeticError,
    RecursionError,
)

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class InnerItem:
    """A mail attached within a .msg, which has no octets of its own. name: as written."""

    name: str
    item: "OutlookItem"


@dataclass(frozen=True, slots=True)
class _Compound:
    """The compound file. inside: the names in each storage, by its path. streams: the path of each stream."""

    ole: "olefile.OleFileIO[str]"
    inside: dict[tuple[str, ...], list[str]]
    streams: frozenset[tuple[str, ...]]

    def storage(self, path: tuple[str, ...]) -> Storage:
        """Return the properties in one storage that are asked for here, for python-oxmsg."""
        names = [name for name in self.inside.get(path, ()) if name == _PROPERTIES or name[:_KNOWN_BY] in _WANTED]
        held = (Stream(name, self.read((*path, name))) for name in names if (*path, name) in self.streams)
        return Storage("/".join(path), tuple(held), ())

    def read(self, path: tuple[str, ...]) -> bytes:
        """Return a stream; a list of properties as python-oxmsg can take it, empty where it is longer than any is."""
        if path[-1] != _PROPERTIES:
            return self.ole.openstream(list(path)).read()
        if self.ole.get_size(list(path)) > _MOST_PROPERTIES:
            return b""
        return _without_odd_pages(self.ole.openstream(list(path)).read())


@dataclass(frozen=True, slots=True)
class OutlookItem:
    """One mail in a compound file. path: of its storage; none for the mail that the file is."""

    _compound: _Compound
    _path: tuple[str, ...] = ()

    @property
    def damage(self) -> str:
        """What was found wrong with the compound file so far; empty where nothing was."""
        ole: Any = self._compound.ole  # its type stub leaves this attribute out
        return "; ".join(dict.fromkeys(str(issue[1]) for issue in ole.parsing_issues[:_MOST_NAMED]))

    @property
    def subject(self) -> str:
        """PidTagSubject."""
        return _text(self._properties, constants.PID_SUBJECT)

    def headers(self) -> bytes:
        """Return the headers as they came by mail, or such as the properties tell, with the blank line after them."""
        properties = self._properties
        arrived = _text(properties, constants.PID_TRANSPORT_MESSAGE_HEADERS).strip()
        if arrived:
            return arrived.encode("utf-8", "replace") + b"\r\n\r\n"
        lines = {
            "From": _sender(properties),
            "Subject": self.subject,
            "Date": _sent(properties),
            "Message-ID": _text(properties, constants.PID_INTERNET_MESSAGE_ID),
            "In-Reply-To": _text(properties, constants.PID_IN_REPLY_TO_ID),
            "References": _text(properties, constants.PID_INTERNET_REFERENCES),
        }
        said = (f"{name}: {shown(value, _MOST_LINE)}\r\n" for name, value in lines.items() if value)
        return "".join(said).encode("utf-8", "replace") + b"\r\n"

    def bodies(self) -> Iterator[bytes]:
        """Yield the plain text and the HTML, each as a MIME entity, where there are such."""
        properties = self._properties
        plain = _text(properties, constants.PID_BODY)
        if plain:
            yield b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + plain.encode("utf-8", "replace")
        wide = _text(properties, constants.PID_BODY_HTML)
        if wide:
            yield b"Content-Type: text/html; charset=utf-8\r\n\r\n" + wide.encode("utf-8", "replace")
        else:
            html = _value(properties.binary_prop_value, constants.PID_HTML) or b""
            charset = _value(lambda _: properties.body_encoding, constants.PID_INTERNET_CODEPAGE) or ""
            if html:
                yield b"Content-Type: text/html; charset=%s\r\n\r\n%s" % (charset.encode("ascii", "replace"), html)

    def enclosures(self) -> Iterator[Enclosure | NotEnclosed | InnerItem]:
        """Yield what is attached, in the order of the file."""
        missing = self._counted()
        for name in self._compound.inside.get(self._path, ()):
            path = (*self._path, name)
            if name.startswith(_ATTACHMENT) and path in self._compound.inside:
                missing -= 1
                try:
                    yield self._attached(path)
                except _BROKEN as error:
                    why = f"is in a damaged .msg file and cannot be read ({type(error).__name__}); {_AGAIN}"
                    yield NotEnclosed("", "damaged", why)
        if missing > 0:
            yield NotEnclosed("", "damaged", f"is counted in the mail but is not there; {_AGAIN}")

    def _counted(self) -> int:
        """Return how many attachments the mail says that it has ([MS-OXMSG] 2.4.1.1); 0 where it says nothing."""
        try:
            (count,) = struct.unpack_from("<20xI", self._compound.read((*self._path, _PROPERTIES)))
        except _BROKEN:
            return 0
        return int(count)

    @property
    def _properties(self) -> Properties:
        try:
            storage = self._compound.storage(self._path)
        except _BROKEN:
            storage = Storage("", (), ())
        return Properties(storage, _INNER if self._path else _OUTER)

    def _attached(self, path: tuple[str, ...]) -> Enclosure | NotEnclosed | InnerItem:
        held = self._compound.inside[path]
        storage = self._compound.storage(path)
        properties = Properties(storage, _ATTACHED)
        name = next(filter(None, (_text(properties, ident) for ident in _NAMES)), "")
        data = next((stream.bytes_ for stream in storage.streams if stream.path == _DATA), None)
        inner = (*path, _OBJECT)
        if data is not None:
            inline = is_inline(
                _text(properties, enclosure.CONTENT_ID), _value(properties.int_prop_value, enclosure.FLAGS)
            )
            return Enclosure(name, data, _text(properties, enclosure.MIME_TYPE), inline)
        if _PROPERTIES in self._compound.inside.get(inner, ()):
            item = OutlookItem(self._compound, inner)
            return InnerItem(name or item.subject, item)
        if inner in self._compound.inside or _OBJECT in held:
            return NotEnclosed(name, "unsupported", "is an object drawn into the text of the mail; ask for the file.")
        return not_enclosed(name, _value(properties.int_prop_value, enclosure.METHOD))


def read_item(data: bytes, path: str) -> OutlookItem | Problem:
    """Open a .msg file. Never raises for the octets. path: of the file in the mail, for the Problem."""
    name = path or "The mail"
    try:
        _check_header(data)
        ole = olefile.OleFileIO(io.BytesIO(data))
        root: Any = ole.root  # its type stub leaves its attributes out
        entries: list[Any] = [entry for entry in root.olefile.direntries if entry]
        if len(entries) > _MOST_ENTRIES:
            text = f"{name} has {len(entries):,} entries; at most {_MOST_ENTRIES:,} are read of a .msg file; {_AGAIN}"
            return Problem("limit", text, path)
        octets = max(root.size, sum(entry.size for entry in entries if entry.entry_type == olefile.STGTY_STREAM))
        if octets > len(data):
            raise ValueError(f"it declares {octets:,} octets of content and has {len(data):,}")
        streams = [tuple(entry) for entry in ole.listdir()]
        storages = [tuple(entry) for entry in ole.listdir(streams=False, storages=True)]
        if (_PROPERTIES,) not in streams:
            raise ValueError("it has no list of properties")
    except _BROKEN as error:
        said = shown(str(error), _MOST_REASON).rstrip(".") or type(error).__name__
        return Problem("damaged", f"{name} is a damaged Outlook mail (.msg): {said}; {_AGAIN}", path)
    inside: dict[tuple[str, ...], list[str]] = {}
    for place in sorted([*streams, *storages]):
        inside.setdefault(place[:-1], []).append(place[-1])
    return OutlookItem(_Compound(ole, inside, frozenset(streams)))


def _check_header(data: bytes) -> None:
    """Raise ValueError where the header ([MS-CFB] 2.2) would have olefile read sectors that the file cannot have."""
    shift, small = struct.unpack_from("<HH", data, 30)
    if shift not in _SECTOR_SHIFTS or small != _SMALL_SHIFT:
        raise ValueError(f"its sectors have 2^{shift} and 2^{small} octets")
    sectors = len(data) >> shift
    tables, small_tables, more = (struct.unpack_from("<I", data, at)[0] for at in (44, 64, 72))
    if tables > sectors * 4 // (1 << shift) + _SPARE or max(small_tables, more) > sectors:
        raise ValueError(f"it declares {tables:,}, {small_tables:,} and {more:,} sectors of tables in {sectors:,}")


def _without_odd_pages(listed: bytes) -> bytes:
    """Blank code pages that Python has no codec for: python-oxmsg reads no property at all beside one of them."""
    out = bytearray(listed)
    for at in range(0, len(listed) - _PROPERTY + 1, 8):  # the length of what stands before them is a multiple of 8
        kind, ident, _, value = struct.unpack_from("<HHII", listed, at)
        if kind == constants.PTYP_INTEGER_32 and ident in _PAGES and not _is_known(value):
            out[at : at + 4] = bytes(4)
    return bytes(out)


def _is_known(page: int) -> bool:
    try:
        return bool(encoding_from_codepage(page))
    except (UnrecognizedCodePageError, UnsupportedEncodingError):
        return False


def _value(read: Callable[[int], Value], ident: int) -> Value | None:
    """Return a property; None where there is none, or none that can be read."""
    try:
        return read(ident)
    except _BROKEN:
        return None


def _text(properties: Properties, ident: int) -> str:
    return (_value(properties.str_prop_value, ident) or "").partition("\0")[0]


def _sender(properties: Properties) -> str:
    """Return a From header: the address that mail can be sent to, of those that Outlook keeps."""
    address = next((found for found in (_text(properties, ident) for ident in _ADDRESSES) if "@" in found), "")
    name = next(filter(None, (_text(properties, ident) for ident in _SENDERS)), "")
    quoted = name.replace("\\", "").replace('"', "")
    return f'"{quoted}" <{address}>' if address else name


def _sent(properties: Properties) -> str:
    at = _value(properties.date_prop_value, constants.PID_CLIENT_SUBMIT_TIME)
    return format_datetime(at) if at else ""
