"""A ZIP file copied with some of its entries written anew (APPNOTE 6.3.10, sections 4.3 and 4.4).

What is not written anew keeps its octets: header, packed data and directory record, in the same order. Only the
offsets in the directory move. There is no clock here: an entry written anew keeps the time stamp it had.
"""

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipeline.readers.zip_directory import DEFLATED, read_directory

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sBBHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_LATER = 0x0008
"""Flag bit 3: checksum and sizes stand behind the data. Not so in an entry that is written anew."""
_LEVEL = 6
"""How hard to pack: zlib's own default, and the level that Excel's files have."""

Octets = bytes | memoryview


@dataclass(frozen=True, slots=True)
class _Record:
    """One record of the directory. fields: as packed. tail: its name, extra field and comment."""

    name: str
    fields: tuple[int, ...]
    tail: bytes
    offset: int


def copy_with(data: bytes, parts: Mapping[str, Iterable[Octets]]) -> bytes:
    """Return the ZIP file with the octets of some entries replaced; names as the directory writes them.

    Raises Unreadable where the file is not a ZIP file that can be read in one way only, KeyError for a name that is
    not in it.
    """
    read_directory(data)  # no gap, no overlap, no second meaning: what lies between two offsets is one whole entry
    records, directory = _records(data)
    missing = parts.keys() - {record.name for record in records}
    if missing:
        raise KeyError(*sorted(missing))
    placed: dict[int, _Record] = {}
    body: list[Octets] = []
    view, at = memoryview(data), 0
    stored = sorted(records, key=lambda record: record.offset)
    ends = [record.offset for record in stored[1:]] + [directory]
    for record, end in zip(stored, ends, strict=True):
        fresh = parts.get(record.name)
        octets, fields = ([view[record.offset : end]], record.fields) if fresh is None else _packed(record, fresh)
        placed[record.offset] = _Record(record.name, fields, record.tail, at)
        body += octets
        at += sum(map(len, octets))
    listing = b"".join(_listed(placed[record.offset]) for record in records)
    closing = _END.pack(b"PK\5\6", 0, 0, len(records), len(records), len(listing), at, 0)
    return b"".join((*body, listing, closing))


def _records(data: bytes) -> tuple[list[_Record], int]:
    """Return the records of the directory in its order, and where it begins. read_directory has checked them."""
    *_, count, _, start, _ = _END.unpack_from(data, len(data) - _END.size)
    records, at = [], start
    for _ in range(count):
        _, *fields, offset = _CENTRAL.unpack_from(data, at)
        at += _CENTRAL.size
        lengths = fields[10:13]
        tail = data[at : at + sum(lengths)]
        at += len(tail)
        records.append(_Record(tail[: lengths[0]].decode("ascii"), tuple(fields), tail, offset))
    return records, start


def _listed(record: _Record) -> bytes:
    return _CENTRAL.pack(b"PK\1\2", *record.fields, record.offset) + record.tail


def _packed(record: _Record, pieces: Iterable[Octets]) -> tuple[list[Octets], tuple[int, ...]]:
    """Return the octets of an entry written anew, and the fields of its directory record."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    raw: list[Octets] = []
    crc = size = 0
    for piece in pieces:
        crc, size = zlib.crc32(piece, crc), size + len(piece)
        raw.append(packer.compress(piece))
    raw.append(packer.flush())
    packed = sum(map(len, raw))
    made_by, system, version, flags, _, time, day, _, _, _, *rest = record.fields
    flags &= ~_LATER
    fields = (made_by, system, version, flags, DEFLATED, time, day, crc, packed, size, *rest)
    name = record.tail[: rest[0]]
    header = _LOCAL.pack(b"PK\3\4", version, flags, DEFLATED, time, day, crc, packed, size, len(name), 0)
    return [header, name, *raw], fields
