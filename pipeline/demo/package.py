"""Workbook packages as ordered ZIP entries: read, changed and written without touching what is not meant.

A part that is not changed keeps its compressed bytes as they were, and every time stamp is the ZIP format's first
day, so the same steps give the same bytes. Entries may lie about themselves (``local_name``, ``size``): that is how
hostile packages are made.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

_STORED, _DEFLATED = 0, 8
_UTF8_NAMES = 0x800
_FIRST_DAY = 0x0021  # 1980-01-01 as an MS-DOS date
_VERSION = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the package. raw: its bytes as stored; method: 0 stored, 8 deflated; size: octets once unpacked.

    local_name: another name for the local header than the central directory's; empty for the same.
    """

    name: str
    raw: bytes
    method: int
    crc: int
    size: int
    local_name: str = ""

    def data(self) -> bytes:
        """Return the unpacked bytes."""
        return zlib.decompress(self.raw, -15) if self.method == _DEFLATED else self.raw


def entry(name: str, data: bytes, level: int = 1) -> Entry:
    """Return data as an entry; level is zlib's, 0 to store it as it is. Light packing keeps form making fast."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    raw = packer.compress(data) + packer.flush() if level else data
    return Entry(name, raw, _DEFLATED if level else _STORED, zlib.crc32(data), len(data))


@dataclass(frozen=True, slots=True)
class Package:
    """The entries of one package, in the order in which they are stored."""

    entries: tuple[Entry, ...]

    @classmethod
    def read(cls, data: bytes) -> "Package":
        """Return the entries of a ZIP file. Raises zipfile.BadZipFile when it is not one."""
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return cls(tuple(_stored(data, info) for info in archive.infolist() if not info.is_dir()))

    def __contains__(self, name: str) -> bool:
        """Say whether a part of that name is there."""
        return any(one.name == name for one in self.entries)

    def names(self) -> tuple[str, ...]:
        """Return the names of all entries, in order."""
        return tuple(one.name for one in self.entries)

    def part(self, name: str) -> bytes:
        """Return the unpacked bytes of a part. Raises KeyError when it is not there."""
        for one in self.entries:
            if one.name == name:
                return one.data()
        raise KeyError(name)

    def put(self, name: str, data: bytes) -> "Package":
        """Return the package with that part replaced where it stands, or added at the end."""
        new = entry(name, data)
        if name in self:
            return Package(tuple(new if one.name == name else one for one in self.entries))
        return Package((*self.entries, new))

    def drop(self, names: Iterable[str]) -> "Package":
        """Return the package without the parts of those names."""
        gone = set(names)
        return Package(tuple(one for one in self.entries if one.name not in gone))

    def rename(self, old: str, new: str) -> "Package":
        """Return the package with one entry under another name."""
        return Package(tuple(replace(one, name=new) if one.name == old else one for one in self.entries))

    def to_bytes(self) -> bytes:
        """Return the ZIP file."""
        body: list[bytes] = []
        directory: list[bytes] = []
        at = 0
        for one in self.entries:
            tail = struct.pack("<HHHIII", one.method, 0, _FIRST_DAY, one.crc, len(one.raw), one.size)
            central_name, local_name = one.name.encode(), (one.local_name or one.name).encode()
            local = b"".join(
                (
                    struct.pack("<4sHH", b"PK\3\4", _VERSION, _UTF8_NAMES),
                    tail,
                    struct.pack("<HH", len(local_name), 0),
                    local_name,
                )
            )
            directory += [
                struct.pack("<4sHHH", b"PK\1\2", _VERSION, _VERSION, _UTF8_NAMES),
                tail,
                struct.pack("<HHHHHII", len(central_name), 0, 0, 0, 0, 0, at),
                central_name,
            ]
            body += [local, one.raw]
            at += len(local) + len(one.raw)
        listing = b"".join(directory)
        count = len(self.entries)
        end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, len(listing), at, 0)
        return b"".join((*body, listing, end))


def _stored(data: bytes, info: zipfile.ZipInfo) -> Entry:
    """Return one entry of a ZIP file with its bytes as they are stored."""
    name_length, extra_length = struct.unpack_from("<HH", data, info.header_offset + 26)
    start = info.header_offset + 30 + name_length + extra_length
    raw = data[start : start + info.compress_size]
    return Entry(info.filename, raw, info.compress_type, info.CRC, info.file_size)
