"""The ZIP file under an Office package, read so that no second reading is possible (ECMA-376 Part 2, Annex B).

Programs disagree about what a ZIP file holds: some read the directory at its end, some the headers before each entry;
some take the first of two equal names, some the last; some look for the archive behind or before other bytes. A
signature is worth nothing where the program that checks it and the one that shows the workbook see two different
files. So the whole file must be accounted for, octet by octet: entries from the first octet on without gap or
overlap, the directory right behind them, its end record right behind it and last, and every header as in the directory.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from pipeline.readers.unreadable import Unreadable, shown

STORED, DEFLATED = 0, 8
"""The only ways to pack a part (ECMA-376 Part 2, Annex B)."""

_END = struct.Struct("<4sHHHHIIH")
_CENTRAL = struct.Struct("<4sBBHHHHHIIIHHHHHII")
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_EXTRA = struct.Struct("<HH")
_DESCRIPTOR = struct.Struct("<III")
_DESCRIPTOR_SIGNATURE = b"PK\7\x08"
_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_LATER = 0x0008
"""Flag bit 3: checksum and sizes stand behind the data, in a descriptor."""
_IDLE_FLAGS = 0x0006 | 0x0800
"""How hard deflate tried, and that names are UTF-8: nothing here depends on them, as every name is ASCII."""
_SECOND_MEANINGS = frozenset({0x0001, 0x7075, 0x9901})
"""Extra fields that give an entry other sizes (ZIP64), another name (Info-ZIP Unicode Path) or a cipher (AES)."""
_NEWEST = 45
"""The version needed to unpack, times ten, in the low octet: 2.0 in Office, 4.5 in programs ready for ZIP64."""
_MOST_ENTRIES = 10_000
_LONGEST_NAME = 1_000


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """One entry. start: where its packed octets begin. packed, size: octets packed and unpacked."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    start: int


@dataclass(frozen=True, slots=True)
class _Header:
    """What the directory says of an entry, and where it says the entry lies."""

    entry: ZipEntry
    raw_name: bytes
    flags: int
    offset: int


def read_directory(data: bytes) -> Mapping[str, ZipEntry]:
    """Return the entries of a ZIP file by folded name, in directory order; Unreadable where two readings are possible.

    Empty entries that only name a folder are left out: there is nothing in them.
    """
    count, start, end = _end_record(data)
    entries: dict[str, ZipEntry] = {}
    at = 0
    headers = list(_central(data, count, start, end))
    for header in sorted(headers, key=lambda one: one.offset):
        at = _local(data, header, at, start)
    if at != start:
        raise Unreadable("damaged", "the file holds bytes that belong to no part", "zip-prefix-or-gap")
    for header in headers:
        entry = _placed(data, header)
        if entry.name.endswith("/") and not entry.size:
            continue
        key = _checked_name(entry.name)
        if key in entries:
            text = f"the workbook has two parts named '{shown(entry.name)}'"
            raise Unreadable("damaged", text, "zip-duplicate", entry.name)
        entries[key] = entry
    return entries


def unpack(data: bytes, entry: ZipEntry) -> bytes:
    """Return the octets of an entry; Unreadable where they are not exactly what the directory says."""
    raw = data[entry.start : entry.start + entry.packed]
    if entry.method == DEFLATED:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            octets = inflater.decompress(raw, entry.size + 1)
        except zlib.error as error:
            raise _damaged(entry, shown(str(error))) from error
        if len(octets) == entry.size and (not inflater.eof or inflater.unused_data):
            raise _damaged(entry, "its packed octets do not end where the file says")
    else:
        octets = raw
    if len(octets) != entry.size:
        raise _damaged(entry, "it is not as large as the file says")
    if zlib.crc32(octets) != entry.crc:
        raise _damaged(entry, "Bad CRC-32 checksum")
    return octets


def folded(name: str) -> str:
    """Return what two equivalent names have in common: no percent-encoding, no case (ECMA-376 Part 2, 6.2.2.3)."""
    return unquote(name).lower() if "%" in name else name.lower()


def _damaged(entry: ZipEntry, what: str) -> Unreadable:
    return Unreadable("damaged", f"the part {shown(entry.name)} cannot be unpacked ({what})", "zip-data", entry.name)


def _end_record(data: bytes) -> tuple[int, int, int]:
    """Return the number of entries, and where the directory starts and ends."""
    end = len(data) - _END.size
    if end < 0 or not data.startswith(b"PK\5\6", end):
        if b"PK\5\6" in data:
            raise Unreadable("damaged", "something stands behind the end of the workbook", "zip-trailer")
        raise Unreadable("damaged", "the file is not an Excel workbook, or it is incomplete", "zip-incomplete")
    _, disk, first_disk, here, count, size, start, comment = _END.unpack_from(data, end)
    if disk or first_disk or here != count or comment:
        raise Unreadable("damaged", "the end of the file is not as Office programs write it", "zip-end-record")
    if start + size < end:
        raise _prefix()
    if start + size > end:
        raise _directory_fault()
    if count > _MOST_ENTRIES:
        raise Unreadable("limit", f"the file has {count} entries; at most {_MOST_ENTRIES} are read")
    return count, start, end


def _central(data: bytes, count: int, start: int, end: int) -> Iterator[_Header]:
    at = start
    for _ in range(count):
        if at + _CENTRAL.size > end:
            raise _directory_fault()
        fields = _CENTRAL.unpack_from(data, at)
        magic, version, flags, method, crc, packed, size = fields[0], *fields[3:6], *fields[8:11]
        name_length, extra_length, comment_length, offset = fields[11], fields[12], fields[13], fields[17]
        at += _CENTRAL.size
        raw_name, extra = data[at : at + name_length], data[at + name_length : at + name_length + extra_length]
        at += name_length + extra_length + comment_length
        if magic != b"PK\1\2" or at > end or fields[14]:  # the last is the number of a disk
            raise _directory_fault()
        name = _decoded(raw_name)
        if flags & _ENCRYPTED:
            raise Unreadable("encrypted", "the file is protected with a password to open it")
        plain = method in {STORED, DEFLATED} and not flags & ~(_IDLE_FLAGS | _LATER) and version & 0xFF <= _NEWEST
        if not plain or (method == STORED and packed != size):
            text = f"the part {shown(name)} is packed in a way that Office files never are"
            raise Unreadable("unsupported", text, "zip-method", name)
        _check_extra(extra, name)
        yield _Header(ZipEntry(name, method, crc, packed, size, 0), raw_name, flags, offset)
    if at != end:
        raise _directory_fault()


def _prefix() -> Unreadable:
    """What stands before the archive may be another file, even another workbook, that other programs would read."""
    text = "the file begins with something that does not belong to the workbook"
    return Unreadable("damaged", text, "zip-prefix-or-gap")


def _directory_fault() -> Unreadable:
    return Unreadable("damaged", "the directory of the file is damaged", "zip-directory")


def _local(data: bytes, header: _Header, at: int, end: int) -> int:
    """Hold the header before an entry against the directory, and return where the entry ends."""
    entry = header.entry
    if header.offset != at:
        if at == 0:
            raise _prefix()
        text = f"there is a gap or an overlap before the part {shown(entry.name)}"
        raise Unreadable("damaged", text, "zip-prefix-or-gap", entry.name)
    if at + _LOCAL.size > end:
        raise _mismatch(entry)
    magic, version, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack_from(data, at)
    at += _LOCAL.size
    same = (
        magic == b"PK\3\4"
        and method == entry.method
        and version & 0xFF <= _NEWEST
        and not (flags ^ header.flags) & ~_IDLE_FLAGS
    )
    if not same or data[at : at + name_length] != header.raw_name:
        raise _mismatch(entry)
    _check_extra(data[at + name_length : at + name_length + extra_length], entry.name)
    at += name_length + extra_length + entry.packed
    said = (entry.crc, entry.packed, entry.size)
    if any(one != true and (one or not flags & _LATER) for one, true in zip((crc, packed, size), said, strict=True)):
        raise _mismatch(entry)
    if flags & _LATER:
        if data.startswith(_DESCRIPTOR_SIGNATURE, at):
            at += len(_DESCRIPTOR_SIGNATURE)
        if at + _DESCRIPTOR.size > end or _DESCRIPTOR.unpack_from(data, at) != said:
            raise _mismatch(entry)
        at += _DESCRIPTOR.size
    if at > end:
        raise _mismatch(entry)
    return at


def _placed(data: bytes, header: _Header) -> ZipEntry:
    name_length, extra_length = struct.unpack_from("<HH", data, header.offset + 26)
    entry = header.entry
    start = header.offset + _LOCAL.size + name_length + extra_length
    return ZipEntry(entry.name, entry.method, entry.crc, entry.packed, entry.size, start)


def _mismatch(entry: ZipEntry) -> Unreadable:
    text = f"the part {shown(entry.name)} cannot be unpacked (the file says two different things about it)"
    return Unreadable("damaged", text, "zip-lfh-mismatch", entry.name)


def _check_extra(extra: bytes, name: str) -> None:
    """Refuse an extra field that would give the entry another name or size; padding may be cut off short."""
    at = 0
    while at + _EXTRA.size <= len(extra):
        kind, length = _EXTRA.unpack_from(extra, at)
        if kind in _SECOND_MEANINGS:
            text = f"the part {shown(name)} is stored in a way that Office files never are"
            raise Unreadable("unsupported", text, "zip-extra", name)
        at += _EXTRA.size + length


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError as error:
        name = raw.decode("utf-8", "replace")
        raise _name_fault(name) from error


def _checked_name(name: str) -> str:
    """Return the folded name of a part; Unreadable where it could lead anywhere but into the package."""
    key = folded(name)
    if len(name) > _LONGEST_NAME or any(character < " " or character in "\\\x7f" for character in name + key):
        raise _name_fault(name)
    if any(not segment or segment.endswith(".") for segment in key.split("/")):
        raise _name_fault(name)
    return key


def _name_fault(name: str) -> Unreadable:
    return Unreadable("damaged", f"the workbook has a part with the forbidden name '{shown(name)}'", "zip-name", name)
