"""The zip file under a workbook: one reading, or none."""

import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.demo.package import Entry, Package, entry
from pipeline.readers.unreadable import Unreadable
from pipeline.readers.zip_directory import folded, read_directory, unpack

PARTS = {"[Content_Types].xml": b"<Types/>" * 20, "xl/workbook.xml": b"<workbook/>" * 40, "xl/empty.bin": b""}


def zipped(parts: dict[str, bytes] | None = None, method: int = zipfile.ZIP_DEFLATED) -> bytearray:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in (PARTS if parts is None else parts).items():
            archive.writestr(name, data)
    return bytearray(buffer.getvalue())


class Pipe(io.RawIOBase):
    """A file that cannot be wound back, so that sizes must be written behind the data."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, octets) -> int:
        self.data += octets
        return len(octets)


def streamed() -> bytearray:
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in PARTS.items():
            archive.writestr(name, data)
    return pipe.data


def contents(data: bytes) -> dict[str, bytes]:
    return {one.name: unpack(data, one) for one in read_directory(data).values()}


def code(data: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        contents(bytes(data))
    return caught.value.code


def central(data: bytes) -> int:
    return data.index(b"PK\1\2")


@pytest.mark.parametrize("data", [zipped(), zipped(method=zipfile.ZIP_STORED), streamed()])
def test_what_programs_write_is_read(data):
    assert contents(bytes(data)) == PARTS


def test_a_descriptor_may_stand_without_its_signature():
    data = streamed()
    at = data.index(b"PK\7\x08")
    del data[at : at + 4]
    for offset in range(len(data)):
        if data.startswith(b"PK\1\2", offset):
            (place,) = struct.unpack_from("<I", data, offset + 42)
            struct.pack_into("<I", data, offset + 42, place - 4 if place else 0)
    (start,) = struct.unpack_from("<I", data, len(data) - 6)
    struct.pack_into("<I", data, len(data) - 6, start - 4)
    assert contents(bytes(data)) == PARTS


def test_folders_are_left_out_unless_something_is_in_them():
    assert set(contents(bytes(zipped({"xl/": b"", "xl/a.xml": b"x"})))) == {"xl/a.xml"}
    full = Package((Entry("xl/", b"x", 0, zlib.crc32(b"x"), 1),)).to_bytes()
    assert code(full) == "zip-name"


@pytest.mark.parametrize(
    "name",
    [
        "/a",
        "a//b",
        "a/../b",
        "./a",
        "a/b.",
        "a\\b",
        "a%5cb",
        "a%2f%2e%2e%2fb",
        "a\x01",
        "a%00b",
        "é.xml",
        "",
        "a/.",
        "a" * 1_001,
    ],
)
def test_names_that_could_lead_elsewhere_are_refused(name):
    assert code(Package((entry(name, b"x"),)).to_bytes()) == "zip-name"


@pytest.mark.parametrize(
    ("one", "other"), [("a.xml", "a.xml"), ("a.xml", "A.xml"), ("a.xml", "%61.XML"), ("a b.xml", "a%20b.xml")]
)
def test_two_names_of_one_part_are_refused(one, other):
    assert folded(one) == folded(other)
    assert code(Package((entry(one, b"1"), entry(other, b"2"))).to_bytes()) == "zip-duplicate"


def test_every_octet_must_belong_to_something():
    good = bytes(zipped())
    assert code(b"x" + good) == "zip-prefix-or-gap"
    assert code(good + b"x") == "zip-trailer"
    assert code(good + bytes(zipped({"b": b"2"}))) == "zip-prefix-or-gap"
    at = central(good)
    moved = bytearray(good[:at] + b"gap" + good[at:])
    struct.pack_into("<I", moved, len(moved) - 6, at + 3)
    assert code(moved) == "zip-prefix-or-gap"


def test_a_gap_between_entries_is_refused():
    good = bytes(zipped())
    second = good.index(b"PK\3\4", 4)
    data = bytearray(good[:second] + b"gap" + good[second:])
    at = central(data)
    for offset in range(at, len(data)):
        if data.startswith(b"PK\1\2", offset) and offset > at:
            (place,) = struct.unpack_from("<I", data, offset + 42)
            struct.pack_into("<I", data, offset + 42, place + 3)
    struct.pack_into("<I", data, len(data) - 6, at)
    assert code(data) == "zip-prefix-or-gap"


def test_two_entries_may_not_share_their_octets():
    data = zipped({"a": b"same", "b": b"same"})
    second = data.index(b"PK\1\2", central(data) + 4)
    struct.pack_into("<I", data, second + 42, 0)
    assert code(data) == "zip-prefix-or-gap"


@pytest.mark.parametrize(
    ("offset", "octets", "expected"),
    [
        (8, b"\x01", "encrypted"),
        (8, b"\x20", "zip-method"),
        (8, b"\x40", "encrypted"),
        (10, b"\x0c", "zip-method"),
        (16, b"\0\0\0\0", "zip-lfh-mismatch"),
        (20, b"\xff\xff\xff\xff", "zip-lfh-mismatch"),
        (24, b"\xff\xff\xff\xff", "zip-lfh-mismatch"),
        (28, b"\xff\xff", "zip-directory"),
        (34, b"\x01", "zip-directory"),
        (42, b"\x01", "zip-prefix-or-gap"),
        (46, b"?", "zip-lfh-mismatch"),
        (0, b"XX", "zip-directory"),
    ],
)
def test_a_directory_that_lies(offset, octets, expected):
    data = zipped()
    at = central(data) + offset
    data[at : at + len(octets)] = octets
    assert code(data) == expected


@pytest.mark.parametrize("offset", [0, 6, 8, 14, 18, 22, 26, 30])
def test_a_local_header_that_lies(offset):
    data = zipped()
    data[offset] ^= 0x08
    assert code(data) in {"zip-lfh-mismatch", "zip-prefix-or-gap"}


def test_a_descriptor_that_lies():
    data = streamed()
    data[data.index(b"PK\7\x08") + 5] ^= 1
    assert code(data) == "zip-lfh-mismatch"


@pytest.mark.parametrize(("offset", "octet"), [(4, 1), (6, 1), (8, 9), (20, 1)])
def test_an_end_record_that_is_not_offices(offset, octet):
    data = zipped()
    data[len(data) - 22 + offset] = octet
    assert code(data) == "zip-end-record"


def test_a_directory_of_another_length():
    data = zipped()
    struct.pack_into("<HH", data, len(data) - 14, 4, 4)
    assert code(data) == "zip-directory"
    struct.pack_into("<HH", data, len(data) - 14, 2, 2)
    assert code(data) == "zip-directory"


@pytest.mark.parametrize("kind", [0x0001, 0x7075, 0x9901])
def test_an_extra_field_with_another_name_or_size_is_refused(kind):
    buffer = io.BytesIO()
    info = zipfile.ZipInfo("a.xml")
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, b"x")
    data = bytearray(buffer.getvalue())
    extra = struct.pack("<HHB", kind, 1, 1)
    data[35:35] = extra
    struct.pack_into("<H", data, 28, len(extra))
    struct.pack_into("<I", data, len(data) - 6, central(data))
    assert code(data) == "zip-extra"


def test_padding_in_an_extra_field_is_nothing():
    # Office leaves room to grow in the local headers of the first parts.
    data = zipped({"a.xml": b"x"}, zipfile.ZIP_STORED)
    extra = struct.pack("<HH", 0xA220, 6) + bytes(6) + b"\0"
    data[35:35] = extra
    struct.pack_into("<H", data, 28, len(extra))
    struct.pack_into("<I", data, len(data) - 6, central(data))
    assert contents(bytes(data)) == {"a.xml": b"x"}


def packed(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("raw", "size", "words"),
    [
        (packed(b"x" * 50) + b"more", 50, "do not end where"),
        (packed(b"x" * 50)[:-2], 50, "do not end where|as large"),
        (packed(b"x" * 51), 50, "as large"),
        (packed(b"x" * 49), 50, "as large"),
        (b"\xff" * 20, 50, "Error -3"),
        (packed(b"y" * 50), 50, "Bad CRC-32"),
    ],
)
def test_a_part_that_is_not_what_the_directory_says(raw, size, words):
    data = Package((Entry("a.xml", raw, 8, zlib.crc32(b"x" * 50), size),)).to_bytes()
    with pytest.raises(Unreadable, match=words) as caught:
        contents(data)
    assert caught.value.code == "zip-data"
    assert "a.xml" in caught.value.text


def test_a_stored_part_of_another_size_is_refused():
    assert code(Package((Entry("a.xml", b"xy", 0, zlib.crc32(b"xy"), 1),)).to_bytes()) == "zip-method"


def test_too_many_entries_are_a_limit():
    data = bytearray(bytes(46 * 10_001) + zipped({})[-22:])
    struct.pack_into("<HHII", data, len(data) - 14, 10_001, 10_001, 46 * 10_001, 0)
    assert code(data) == "limit"


@given(st.data())
def test_what_is_accepted_is_what_another_reader_sees(data):
    mutant = bytearray(zipped() if data.draw(st.booleans()) else streamed())
    for _ in range(data.draw(st.integers(1, 3))):
        mutant[data.draw(st.integers(0, len(mutant) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = contents(bytes(mutant))
    except Unreadable:
        return
    with zipfile.ZipFile(io.BytesIO(bytes(mutant))) as archive:
        assert read == {info.filename: archive.read(info) for info in archive.infolist()}
