"""Makes a vbaProject.bin from VBA source ([MS-OVBA]): the macro of the sample workbook."""

import struct
from collections.abc import Mapping

from pipeline.demo.compound import compound_file

_PROJECT_ID = "{5A3D1C62-7B0E-4F59-9C21-0D6E8B7A4F13}"
_CODE_PAGE = "cp1252"
_CHUNK = 4096

_DOCUMENTS = {"ThisWorkbook": "0{00020819-0000-0000-C000-000000000046}"}
"""Class id of a document module; every module named Sheet<number> has that of a worksheet."""
_WORKSHEET = "0{00020820-0000-0000-C000-000000000046}"

_REFERENCES = (
    ("VBA", r"*\G{000204EF-0000-0000-C000-000000000046}#4.2#9#VBE7.DLL#Visual Basic For Applications"),
    ("Excel", r"*\G{00020813-0000-0000-C000-000000000046}#1.9#0#EXCEL.EXE#Microsoft Excel 16.0 Object Library"),
    ("stdole", r"*\G{00020430-0000-0000-C000-000000000046}#2.0#0#stdole2.tlb#OLE Automation"),
)

VALIDATE_NEW_ENTRY = """\
Option Explicit

' Sample macro of an invented workbook: says in column I whether each answer is filled in.
Public Sub ValidateNewEntry()
    Dim place As Long
    For place = 9 To Me.UsedRange.Rows.Count
        If Len(Trim$(Me.Cells(place, 2).Text)) > 0 Then
            If Len(Trim$(Me.Cells(place, 7).Text)) > 0 Then
                Me.Cells(place, 9).Value = "OK"
            Else
                Me.Cells(place, 9).Value = "empty"
            End If
        End If
    Next place
End Sub
"""

SAMPLE_MODULES: Mapping[str, str] = {
    "ThisWorkbook": "",
    "Sheet1": VALIDATE_NEW_ENTRY,
    "Sheet2": "",
    "Sheet3": "",
    "Sheet4": "",
}
"""The modules of the sample workbook: one for the workbook and one for each of its four tabs."""


def vba_project(modules: Mapping[str, str]) -> bytes:
    """Return a vbaProject.bin holding the given modules, name to source; ThisWorkbook and Sheet<n> are documents.

    The same modules give the same bytes. No compiled code is stored: Excel compiles the source when it opens it.
    Raises UnicodeEncodeError for source outside code page 1252.
    """
    streams = {f"VBA/{name}": _compress(_source(name, text)) for name, text in modules.items()}
    streams["VBA/dir"] = _compress(_dir(tuple(modules)))
    streams["VBA/_VBA_PROJECT"] = bytes.fromhex("cc61ffff000000")  # 2.3.4.1: no version, so the source is compiled
    streams["PROJECT"] = _project(tuple(modules))
    streams["PROJECTwm"] = (
        b"".join(name.encode(_CODE_PAGE) + b"\0" + name.encode("utf-16-le") + b"\0\0" for name in modules) + b"\0\0"
    )
    return compound_file(streams)


def _document(name: str) -> str:
    """Return the class id of a document module, or nothing for a standard module."""
    sheet = name.startswith("Sheet") and name[5:].isdigit()
    return _DOCUMENTS.get(name, _WORKSHEET if sheet else "")


def _source(name: str, text: str) -> bytes:
    """Return a module's stored source: the hidden attributes, then the text, with Windows line ends."""
    lines = [f'Attribute VB_Name = "{name}"']
    if base := _document(name):
        lines += [
            f'Attribute VB_Base = "{base}"',
            "Attribute VB_GlobalNameSpace = False",
            "Attribute VB_Creatable = False",
            "Attribute VB_PredeclaredId = True",
            "Attribute VB_Exposed = True",
            "Attribute VB_TemplateDerived = False",
            "Attribute VB_Customizable = True",
        ]
    return "\r\n".join([*lines, *text.splitlines(), ""]).encode(_CODE_PAGE)


def _record(number: int, data: bytes) -> bytes:
    """Return one record of the dir stream: id, size, data (2.3.4.2)."""
    return struct.pack("<HI", number, len(data)) + data


def _text(number: int, number_unicode: int, text: str) -> bytes:
    """Return the two records of a text: in the code page, and in UTF-16."""
    return _record(number, text.encode(_CODE_PAGE)) + _record(number_unicode, text.encode("utf-16-le"))


def _dir(names: tuple[str, ...]) -> bytes:
    """Return the dir stream before compression (2.3.4.2)."""
    out = [
        _record(0x01, struct.pack("<I", 1)),  # 32-bit Windows
        _record(0x02, struct.pack("<I", 0x0409)),
        _record(0x14, struct.pack("<I", 0x0409)),
        _record(0x03, struct.pack("<H", 1252)),
        _record(0x04, b"VBAProject"),
        _text(0x05, 0x40, ""),
        _text(0x06, 0x3D, ""),
        _record(0x07, struct.pack("<I", 0)),
        _record(0x08, struct.pack("<I", 0)),
        struct.pack("<HIIH", 0x09, 4, 1, 0),  # the size field of PROJECTVERSION does not count the minor version
        _text(0x0C, 0x3C, ""),
    ]
    for name, libid in _REFERENCES:
        library = libid.encode(_CODE_PAGE)
        out += [
            _text(0x16, 0x3E, name),
            _record(0x0D, struct.pack("<I", len(library)) + library + struct.pack("<IH", 0, 0)),
        ]
    out += [_record(0x0F, struct.pack("<H", len(names))), _record(0x13, b"\xff\xff")]
    for name in names:
        out += [
            _text(0x19, 0x47, name),
            _text(0x1A, 0x32, name),
            _text(0x1C, 0x48, ""),
            _record(0x31, struct.pack("<I", 0)),  # the source starts at once: no compiled code stands before it
            _record(0x1E, struct.pack("<I", 0)),
            _record(0x2C, b"\xff\xff"),
            _record(0x22 if _document(name) else 0x21, b""),
            _record(0x2B, b""),
        ]
    return b"".join([*out, _record(0x10, b"")])


def _project(names: tuple[str, ...]) -> bytes:
    """Return the PROJECT stream (2.3.1): what the project is made of, with no password and not locked."""
    modules = [f"Document={name}/&H00000000" if _document(name) else f"Module={name}" for name in names]
    lines = [
        f'ID="{_PROJECT_ID}"',
        *modules,
        'Name="VBAProject"',
        'HelpContextID="0"',
        'VersionCompatible32="393222000"',
        f'CMG="{_conceal(bytes(4), 0x2D)}"',
        f'DPB="{_conceal(bytes(1), 0x4B)}"',
        f'GC="{_conceal(bytes([0xFF]), 0x69)}"',
        "",
        "[Host Extender Info]",
        "&H00000001={3832D640-CF90-11CF-8E43-00A0C911005A};VBE;&H00000000",
        "",
        "[Workspace]",
        *(f"{name}=0, 0, 0, 0, C" for name in names),
        "",
    ]
    return "\r\n".join(lines).encode(_CODE_PAGE)


def _conceal(data: bytes, seed: int) -> str:
    """Return data in the form of 2.4.3.2 'Data Encryption', as hexadecimal; a fixed seed keeps it repeatable."""
    key = sum(_PROJECT_ID.encode(_CODE_PAGE)) & 0xFF
    out = [seed, seed ^ 2, seed ^ key]
    plain, (_, second, first) = key, out
    for value in bytes((seed & 6) // 2) + struct.pack("<I", len(data)) + data:
        coded = value ^ ((second + plain) & 0xFF)
        out.append(coded)
        second, first, plain = first, coded, value
    return bytes(out).hex().upper()


def _compress(data: bytes) -> bytes:
    """Return data as a compressed container (2.4.1): a signature octet, then one chunk for each 4,096 octets."""
    out = bytearray(b"\x01")
    for start in range(0, len(data), _CHUNK):
        chunk = data[start : start + _CHUNK]
        packed = _tokens(chunk)
        if len(packed) > _CHUNK:
            out += struct.pack("<H", 0x3000 | (_CHUNK - 1)) + chunk.ljust(_CHUNK, b"\0")
        else:
            out += struct.pack("<H", 0xB000 | (len(packed) - 1)) + packed
    return bytes(out)


def _tokens(chunk: bytes) -> bytes:
    """Return one chunk as literals and copies of what came before it, eight under each flag octet (2.4.1.3.7)."""
    out = bytearray()
    here = 0
    while here < len(chunk):
        flags, items = 0, bytearray()
        for bit in range(8):
            if here >= len(chunk):
                break
            offset_bits = max(4, (here - 1).bit_length())  # 2.4.1.3.19.1; none is used at the very start
            length_limit = (0xFFFF >> offset_bits) + 3
            length, offset = _match(chunk, here, length_limit)
            if length:
                flags |= 1 << bit
                items += struct.pack("<H", (offset - 1) << (16 - offset_bits) | (length - 3))
                here += length
            else:
                items.append(chunk[here])
                here += 1
        out.append(flags)
        out += items
    return bytes(out)


def _match(chunk: bytes, here: int, limit: int) -> tuple[int, int]:
    """Return length and distance of the longest earlier run equal to what starts here; zero when under three."""
    length, offset = 0, 0
    for wanted in range(3, min(limit, len(chunk) - here) + 1):
        found = chunk.rfind(chunk[here : here + wanted], 0, here + wanted - 1)
        if found < 0:
            break
        length, offset = wanted, here - found
    return length, offset
