"""winmail.dat: the files in Outlook's own wrapping of a mail, TNEF ([MS-OXTNEF]).

Read here and not by a library: those kept for Python are under the LGPL. Nothing in the format is compressed, so what
comes out is never more than what came in; only the number of attributes needs a limit of its own.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pipeline.domain.message import Problem
from pipeline.readers import enclosure
from pipeline.readers.enclosure import Enclosure, NotEnclosed, is_inline, not_enclosed
from pipeline.readers.encoding import text_of

_START = 6  # signature and key
_HEAD = struct.Struct("<BII")  # level, id, length
_CHECK = struct.Struct("<H")
_LEVELS = frozenset({1, 2})
_MOST_ATTRIBUTES = 100_000
_MOST_PROPERTIES = 20_000  # of all files together; a file has about twenty
_MOST_VALUES = 1_000
_LONGEST_NAME = 4_096

_CODE_PAGE, _RENDERING, _TITLE, _TRANSPORT_NAME, _DATA, _PROPERTIES = (
    0x00069007,
    0x00069002,
    0x00018010,
    0x00069001,
    0x0006800F,
    0x00069005,
)
_BINARY, _OBJECT, _STRING8, _UNICODE, _LONG = 0x0102, 0x000D, 0x001E, 0x001F, 0x0003
_COUNTED = frozenset({_BINARY, _OBJECT, _STRING8, _UNICODE})
_FIXED = {0x0001: 0, 0x0002: 4, _LONG: 4, 0x0004: 4, 0x000A: 4, 0x000B: 4} | dict.fromkeys((5, 6, 7, 0x14, 0x40), 8)
_FIXED |= {0x0048: 16}
_SEVERAL = 0x1000
_NAMED = 0x8000
_INTERFACE = 16  # an object starts with the id of its interface ([MS-OXTNEF] 2.1.3.5.2)

_Properties = Mapping[tuple[int, int], bytes]


class _Damaged(Exception):  # noqa: N818 - named for the fact, as the ports are
    """The stream breaks the format; the text says how, as the end of a sentence."""


@dataclass(slots=True)
class _Found:
    """What the attributes of one attachment said."""

    attributes: dict[int, bytes] = field(default_factory=dict)
    properties: _Properties = field(default_factory=dict)


@dataclass(slots=True)
class _Stream:
    """What was read of the stream so far. charset: of text that is not Unicode. left: properties still to be read."""

    files: list[_Found] = field(default_factory=list)
    charset: str = "cp1252"
    left: int = _MOST_PROPERTIES

    def take(self, ident: int, value: bytes) -> None:
        """Take one attribute: those after a rendering belong to one attachment (2.1.2)."""
        if ident == _CODE_PAGE:
            self.charset = f"cp{int.from_bytes(value[:4], 'little')}"
        elif ident == _RENDERING:
            self.files.append(_Found())
        elif self.files and ident == _PROPERTIES:
            self.left -= int.from_bytes(value[:4], "little")
            if self.left < 0:
                raise _Damaged(f"has files with more than {_MOST_PROPERTIES:,} properties")
            self.files[-1].properties = _properties(value)
        elif self.files:
            self.files[-1].attributes.setdefault(ident, value)


def read_tnef(data: bytes, path: str) -> Iterator[Enclosure | NotEnclosed | Problem]:
    """Yield the files of a TNEF stream in order, and a Problem where it is damaged. Never raises for the octets.

    An attached mail comes as a file that is TNEF itself. path: of the stream in the mail, for the Problem.
    """
    stream, unsound, told = _Stream(), 0, ""
    try:
        for ident, value, sound in _attributes(data):
            unsound += not sound
            stream.take(ident, value)
    except _Damaged as damage:
        told = str(damage)
    for found in stream.files:
        yield _file(found, stream.charset)
    if not told and unsound:
        told = f"has {unsound:,} wrong check sums"
    if told:
        text = f"{path} is a winmail.dat file that {told}; a file in it may be missing or changed. Ask for plain mail."
        yield Problem("damaged", text, path)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes, bool]]:
    """Yield id, value and whether the check sum is right of each attribute (2.1.3.2)."""
    at, count = _START, 0
    while at < len(data):
        count += 1
        if count > _MOST_ATTRIBUTES:
            raise _Damaged(f"has more than {_MOST_ATTRIBUTES:,} parts")
        if at + _HEAD.size > len(data):
            raise _Damaged("ends in the middle")
        level, ident, length = _HEAD.unpack_from(data, at)
        if level not in _LEVELS:
            raise _Damaged(f"breaks its format at octet {at:,}")
        start = at + _HEAD.size
        at = start + length + _CHECK.size
        if at > len(data):
            raise _Damaged("ends in the middle")
        value = data[start : start + length]
        yield ident, value, _CHECK.unpack_from(data, start + length)[0] == sum(value) & 0xFFFF


def _properties(data: bytes) -> _Properties:
    """Return the values by property id and type (2.1.3.4); of several values of one property, the first."""
    found: dict[tuple[int, int], bytes] = {}
    try:
        (count,) = struct.unpack_from("<I", data)
        at = 4
        for _ in range(count):
            kind, ident = struct.unpack_from("<HH", data, at)
            at += 4
            if ident >= _NAMED:
                at = _after_name(data, at)
            values, at = _values(data, at, kind)
            found.setdefault((ident, kind & ~_SEVERAL), values)
    except struct.error as error:
        raise _Damaged("has file properties that end in the middle") from error
    return found


def _after_name(data: bytes, at: int) -> int:
    """Return where the value of a named property starts."""
    at += 16
    by_text, number = struct.unpack_from("<II", data, at)
    return at + 8 + (_padded(number) if by_text else 0)


def _values(data: bytes, at: int, kind: int) -> tuple[bytes, int]:
    """Return the first value at that place, and the place after all of them."""
    several, kind = kind & _SEVERAL, kind & ~_SEVERAL
    counted = kind in _COUNTED
    size = _FIXED.get(kind, 0)
    if not counted and kind not in _FIXED:
        raise _Damaged(f"has a file property of the unknown type {kind:#06x}")
    if not counted and several and kind == 0x0002:  # noqa: PLR2004 - several 16-bit numbers stand two to a word
        size = 2
    count = 1
    if several or counted:
        (count,) = struct.unpack_from("<I", data, at)
        at += 4
    if count > _MOST_VALUES:
        raise _Damaged(f"has a file property with {count:,} values")
    first = b""
    if not counted:
        if at + count * size > len(data):
            raise _Damaged("has file properties that end in the middle")
        return data[at : at + size], at + _padded(count * size)
    for number in range(count):
        (length,) = struct.unpack_from("<I", data, at)
        at += 4
        if at + length > len(data):
            raise _Damaged("has file properties that end in the middle")
        first = data[at : at + length] if number == 0 else first
        at += _padded(length)
    return first, at


def _padded(length: int) -> int:
    return length + -length % 4


def _file(found: _Found, charset: str) -> Enclosure | NotEnclosed:
    properties = found.properties
    data = found.attributes.get(_DATA)
    held = properties.get((enclosure.DATA, _OBJECT), b"")[_INTERFACE:]
    names = (
        _text(properties, enclosure.NAME_LONG, charset),
        _string(found.attributes.get(_TRANSPORT_NAME, b""), charset),
        _string(found.attributes.get(_TITLE, b""), charset),
        _text(properties, enclosure.NAME_SHORT, charset),
        _text(properties, enclosure.NAME_SHOWN, charset),
    )
    name = next(filter(None, names), "")
    content = held or data or properties.get((enclosure.DATA, _BINARY), data)
    if content is None:
        return not_enclosed(name, _number(properties, enclosure.METHOD))
    inline = is_inline(_text(properties, enclosure.CONTENT_ID, charset), _number(properties, enclosure.FLAGS))
    return Enclosure(name, content, _text(properties, enclosure.MIME_TYPE, charset), inline)


def _text(properties: _Properties, ident: int, charset: str) -> str:
    wide = properties.get((ident, _UNICODE))
    if wide is not None:
        return wide[: 2 * _LONGEST_NAME].decode("utf-16-le", "replace").partition("\0")[0]
    return _string(properties.get((ident, _STRING8), b""), charset)


def _string(value: bytes, charset: str) -> str:
    return text_of(value[:_LONGEST_NAME].partition(b"\0")[0], charset)


def _number(properties: _Properties, ident: int) -> int | None:
    value = properties.get((ident, _LONG), b"")
    return int.from_bytes(value, "little") if value else None
