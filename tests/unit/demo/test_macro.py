"""The macro is read back by a reader of its own: sector chains and copy tokens as [MS-CFB] and [MS-OVBA] say them."""

import hashlib
import struct

import pytest

from pipeline.demo.compound import compound_file
from pipeline.demo.macro import SAMPLE_MODULES, VALIDATE_NEW_ENTRY, vba_project


def read_compound(data: bytes) -> dict[str, bytes]:
    assert data[:8] == bytes.fromhex("d0cf11e0a1b11ae1")
    fat_count, directory, _, limit, mini_fat, mini_fat_count = struct.unpack_from("<6I", data, 44)
    sector = lambda n: data[512 * (n + 1) : 512 * (n + 2)]  # noqa: E731 - one formula, used three times
    fat = [v for n in struct.unpack_from(f"<{fat_count}I", data, 76) for v in struct.unpack("<128I", sector(n))]

    def chain(start: int, table: list[int], piece) -> bytes:
        out = []
        while start < 0xFFFFFFFA:
            out.append(piece(start))
            start = table[start]
        return b"".join(out)

    listing = chain(directory, fat, sector)
    nodes = [
        struct.unpack("<64sHBBIII36sIQ", listing[at : at + 128])
        for at in range(0, len(listing), 128)
        if listing[at + 66]
    ]
    minis = chain(nodes[0][8], fat, sector)[: nodes[0][9]]
    mini_octets = chain(mini_fat, fat, sector) if mini_fat_count else b""
    mini_table = [value for (value,) in struct.iter_unpack("<I", mini_octets)]
    found: dict[str, bytes] = {}

    def walk(number: int, path: str) -> None:
        if number == 0xFFFFFFFF:
            return
        name, length, kind, _, left, right, child, _, start, size = nodes[number]
        walk(left, path)
        walk(right, path)
        here = path + name[: length - 2].decode("utf-16-le")
        if kind == 1:
            walk(child, f"{here}/")
        elif size < limit:
            found[here] = chain(start, mini_table, lambda n: minis[64 * n : 64 * n + 64])[:size]
        else:
            found[here] = chain(start, fat, sector)[:size]

    walk(nodes[0][6], "")
    return found


def decompress(data: bytes) -> bytes:
    assert data[0] == 1
    out, at = bytearray(), 1
    while at < len(data):
        header = struct.unpack_from("<H", data, at)[0]
        end, at, start = at + (header & 0xFFF) + 3, at + 2, len(out)
        if not header & 0x8000:
            out += data[at:end]
            at = end
        while at < end:
            flags, at = data[at], at + 1
            for bit in range(8):
                if at >= end:
                    break
                if flags >> bit & 1:
                    token, at = struct.unpack_from("<H", data, at)[0], at + 2
                    bits = max(4, (len(out) - start - 1).bit_length())
                    for _ in range((token & (0xFFFF >> bits)) + 3):
                        out.append(out[-(token >> (16 - bits)) - 1])
                else:
                    out.append(data[at])
                    at += 1
    return bytes(out)


def test_the_source_of_every_module_can_be_read_back():
    streams = read_compound(vba_project(SAMPLE_MODULES))
    assert set(streams) == {
        "PROJECT",
        "PROJECTwm",
        "VBA/dir",
        "VBA/_VBA_PROJECT",
        *(f"VBA/{name}" for name in SAMPLE_MODULES),
    }
    source = decompress(streams["VBA/Sheet1"]).decode("cp1252")
    assert source.startswith('Attribute VB_Name = "Sheet1"\r\n')
    assert source.endswith(VALIDATE_NEW_ENTRY.replace("\n", "\r\n"))
    listing = decompress(streams["VBA/dir"])
    assert all(name.encode() in listing for name in SAMPLE_MODULES)
    assert b"Document=ThisWorkbook/&H00000000\r\n" in streams["PROJECT"]


@pytest.mark.parametrize(
    "text",
    [
        "' é\n" * 2000,
        "".join(f"' {hashlib.sha256(bytes([n % 251, n // 251])).hexdigest()}\n" for n in range(400)),
        "".join(
            chr(33 + value % 93) for n in range(300) for value in hashlib.sha256(bytes([n % 256, n // 256])).digest()
        ),
    ],
    ids=["repetitive", "digests", "hardly compressible"],
)
def test_long_sources_survive(text):
    streams = read_compound(vba_project({"ThisWorkbook": "", "Module1": text}))
    wanted = 'Attribute VB_Name = "Module1"\r\n' + "\r\n".join([*text.splitlines(), ""])
    assert decompress(streams["VBA/Module1"]).rstrip(b"\0").decode("cp1252") == wanted
    assert b"Module=Module1\r\n" in streams["PROJECT"]


def test_the_same_modules_give_the_same_bytes_and_others_give_others():
    assert vba_project(SAMPLE_MODULES) == vba_project(SAMPLE_MODULES)
    assert vba_project(SAMPLE_MODULES) != vba_project({**SAMPLE_MODULES, "Sheet2": "' more"})


@pytest.mark.parametrize("sizes", [(0,), (1, 63, 64, 65), (4095, 4096, 4097), (700_000, 10), (100,) * 40])
def test_streams_of_any_size_come_back(sizes):
    streams = {f"s{number}": bytes([number + 1]) * size for number, size in enumerate(sizes)}
    assert read_compound(compound_file(streams)) == streams


@pytest.mark.parametrize("name", ["", "a!b", "x" * 32, "a//b"])
def test_names_that_a_compound_file_cannot_hold_are_refused(name):
    with pytest.raises(ValueError, match="cannot be a name in a compound file"):
        compound_file({name: b""})


def test_more_than_the_header_can_list_is_refused():
    with pytest.raises(ValueError, match="too large for one compound file"):
        compound_file({"big": bytes(7_500_000)})
