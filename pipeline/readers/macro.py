"""The modules and references of a VBA project: an OLE compound file with compressed streams ([MS-CFB], [MS-OVBA]).

olefile reads the compound file; the decompression is our own, as oletools would bring a GPL dependency
(docs/adr/0018). Only differences are explained with this: what decides is the sha256 of the whole vbaProject.bin.
"""

import hashlib
import io
import struct
from collections.abc import Iterator

import olefile

from pipeline.domain.macro import MacroModule, MacroReading
from pipeline.domain.message import Problem
from pipeline.readers.package import Unreadable, open_package

_MOST_TEXT = 8 << 20
_MOST_MODULES = 200
_LONGEST_NAME = 255
_CHUNK = 4096
_CODE_PAGE, _MODULE_NAME, _STREAM_NAME, _OFFSET, _REFERENCE_NAME, _VERSION = (
    0x0003,
    0x0019,
    0x001A,
    0x0031,
    0x0016,
    0x0009,
)


def read_macro(workbook: bytes) -> MacroReading:
    """Read the one vbaProject.bin of a workbook. Never raises for the bytes."""
    try:
        package = open_package(workbook)
        parts = [name for name in package.names if name.lower().endswith("vbaproject.bin")]
        if len(parts) != 1:
            return MacroReading(problems=(Problem("damaged", f"the workbook has {len(parts)} VBA projects"),))
        return _project(package.read(parts[0]))
    except Unreadable as error:
        return MacroReading(problems=(Problem(error.kind, error.text),))
    except (OSError, ValueError, struct.error, LookupError, RecursionError) as error:
        text = f"the VBA project is not in the published form ({type(error).__name__})"
        return MacroReading(problems=(Problem("damaged", text),))


def _project(data: bytes) -> MacroReading:
    with olefile.OleFileIO(io.BytesIO(data)) as project:
        records = list(_records(decompress(project.openstream("VBA/dir").read())))
        codec = next((f"cp{struct.unpack('<H', body)[0]}" for kind, body in records if kind == _CODE_PAGE), "cp1252")
        modules: list[MacroModule] = []
        for name, stream, offset in _modules(records, codec):
            if len(modules) >= _MOST_MODULES:
                raise Unreadable("limit", f"the VBA project has more than {_MOST_MODULES} modules")
            source = decompress(project.openstream(f"VBA/{stream}").read()[offset:])
            lines = source.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            modules.append(MacroModule(name, hashlib.sha256(lines).hexdigest(), lines.count(b"\n")))
    references = [_name(body, codec) for kind, body in records if kind == _REFERENCE_NAME]
    if len(references) > _MOST_MODULES:
        raise Unreadable("limit", f"the VBA project has more than {_MOST_MODULES} references")
    return MacroReading(tuple(modules), tuple(references))


def _records(directory: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield id and data of the records of the dir stream ([MS-OVBA] 2.3.4.2)."""
    at = 0
    while at + 6 <= len(directory):
        kind, size = struct.unpack_from("<HI", directory, at)
        if kind == _VERSION:
            size += 2  # the one record whose size leaves out its last field (2.3.4.2.1.11)
        yield kind, directory[at + 6 : at + 6 + size]
        at += 6 + size


def _modules(records: list[tuple[int, bytes]], codec: str) -> Iterator[tuple[str, str, int]]:
    name = stream = ""
    for kind, body in records:
        if kind == _MODULE_NAME:
            name = stream = _name(body, codec)
        elif kind == _STREAM_NAME:
            stream = _name(body, codec)
        elif kind == _OFFSET:
            yield name, stream, struct.unpack("<I", body)[0]


def _name(body: bytes, codec: str) -> str:
    if len(body) > _LONGEST_NAME:
        raise ValueError("a name that VBA does not allow")
    return body.decode(codec, "replace")


def decompress(data: bytes) -> bytes:
    """Undo [MS-OVBA] 2.4.1; ValueError where the data is not such a container, Unreadable beyond 8 MB."""
    if not data or data[0] != 1:
        raise ValueError("not a compressed container")
    out = bytearray()
    at = 1
    while at + 2 <= len(data):
        (header,) = struct.unpack_from("<H", data, at)
        end = min(at + (header & 0x0FFF) + 3, len(data))
        at += 2
        if header & 0x8000:
            _chunk(data[at:end], out)
        else:
            out += data[at : at + _CHUNK]
            end = at + _CHUNK
        at = end
        if len(out) > _MOST_TEXT:
            raise Unreadable("limit", f"the VBA project unpacks to more than {_MOST_TEXT >> 20} MB")
    return bytes(out)


def _chunk(data: bytes, out: bytearray) -> None:
    start = len(out)
    at = 0
    while at < len(data):
        flags = data[at]
        at += 1
        for bit in range(8):
            if at >= len(data):
                return
            if not flags >> bit & 1:
                out.append(data[at])
                at += 1
                continue
            (token,) = struct.unpack_from("<H", data, at)
            at += 2
            bits = max((len(out) - start - 1).bit_length(), 4)  # 2.4.1.3.19.1: how the token is divided
            length = (token & (0xFFFF >> bits)) + 3
            offset = (token >> (16 - bits)) + 1
            if offset > len(out) - start:
                raise ValueError("a copy token points before its chunk")
            for _ in range(length):
                out.append(out[-offset])
            if len(out) - start > _CHUNK:
                raise ValueError("a chunk unpacks to more than 4,096 octets")
