"""Each hostile file has the property it is named for, seen without unpacking or parsing it in full."""

import io
import struct
import zipfile
import zlib

import pytest

from pipeline.demo.workbook import sample_cpl
from tests.builders import HOSTILE

SHEET = "xl/worksheets/sheet2.xml"


def archive(name: str) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(HOSTILE[name]()))


@pytest.mark.parametrize(("name", "part"), [("zip-bomb", SHEET), ("huge-shared-string", "xl/sharedStrings.xml")])
def test_bombs_unpack_to_hundreds_of_times_their_size(name, part):
    info = archive(name).getinfo(part)
    assert info.file_size > 64 << 20
    assert info.file_size / info.compress_size > 500
    assert archive(name).open(part).read(100).startswith(b"<?xml")


def test_the_understated_bomb_unpacks_to_more_than_it_says():
    info = archive("understated-size").getinfo(SHEET)
    assert info.file_size == 1000
    raw = HOSTILE["understated-size"]()[info.header_offset + 30 + len(SHEET) :][: info.compress_size]
    assert len(zlib.decompressobj(-15).decompress(raw, 2_000_000)) == 2_000_000


def test_there_are_more_entries_than_any_workbook_has():
    assert len(archive("many-parts").namelist()) == 2001


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("billion-laughs", b"<!ENTITY l9 "),
        ("external-entity", b'SYSTEM "file:///etc/hostname"'),
        ("far-cell", b'<c r="XFD1048576">'),
        ("deep-nesting", b"<r>" * 100_000),
    ],
)
def test_hostile_sheets_hold_what_they_are_named_for(name, mark):
    sheet = archive(name).read(SHEET)
    assert mark in sheet
    assert sheet.rstrip().endswith(b"</worksheet>")


def test_names_collide_disagree_or_lead_outside():
    with archive("duplicate-part") as twice:
        assert twice.namelist().count(SHEET) == 2
    data = HOSTILE["mismatched-names"]()
    with zipfile.ZipFile(io.BytesIO(data)) as lying, pytest.raises(zipfile.BadZipFile, match="differ"):
        lying.read(SHEET)
    names = archive("traversal-names").namelist()
    assert {"../../outside.xml", "/absolute.xml", "xl/../../outside.xml"} < set(names)


def test_a_protected_workbook_is_an_ole_file_with_its_two_streams():
    data = HOSTILE["encrypted"]()
    assert data.startswith(bytes.fromhex("d0cf11e0a1b11ae1"))
    for stream in ("EncryptionInfo", "EncryptedPackage"):
        assert stream.encode("utf-16-le") in data
    assert struct.pack("<HHI", 4, 4, 0x40) + b"<?xml" in data


def test_some_are_no_archive_at_all():
    assert HOSTILE["empty"]() == b""
    for name in ("empty", "not-a-workbook", "truncated", "encrypted"):
        assert not zipfile.is_zipfile(io.BytesIO(HOSTILE[name]()))
    assert sample_cpl().startswith(HOSTILE["truncated"]())


@pytest.mark.parametrize("name", HOSTILE)
def test_the_same_bytes_every_time(name):
    assert HOSTILE[name]() == HOSTILE[name]()
