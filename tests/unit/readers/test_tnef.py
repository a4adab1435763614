"""winmail.dat: files with their names, octets and properties, mails in it, and streams that break the format."""

import struct
import time

import pytest

from pipeline.readers.enclosure import Enclosure, NotEnclosed
from pipeline.readers.message import ReadMail, read_message
from pipeline.readers.tnef import read_tnef
from tests.wrapped import (
    BINARY,
    CONTENT_ID,
    DATA,
    FLAGS,
    LONG,
    LONG_NAME,
    MESSAGE,
    METHOD,
    MIME_TAG,
    OBJECT,
    SHOWN_NAME,
    STRING8,
    TIME,
    UNICODE,
    attribute,
    mapi,
    sent_with,
    titled,
    tnef,
)

PDF = b"%PDF-1.7\n..."
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
TITLE, CONTENT, PROPERTIES = 0x00018010, 0x0006800F, 0x00069005


def read(stream: bytes, content_type: str = "application/ms-tnef") -> ReadMail:
    return read_message(sent_with(("winmail.dat", stream), content_type=content_type))


def paths(found: ReadMail) -> list[tuple[str, str]]:
    return [(attachment.path, attachment.kind) for attachment in found.message.attachments]


def problems(found: ReadMail) -> list[tuple[str, str]]:
    return [(problem.kind, problem.where) for problem in found.message.problems]


@pytest.mark.parametrize("content_type", ["application/ms-tnef", "application/octet-stream"])
def test_the_files_of_a_winmail(content_type):
    found = read(tnef(titled("form.xlsm", b"x" * 999), titled("cpa.pdf", PDF)), content_type)
    assert paths(found) == [
        ("winmail.dat", "other"),
        ("winmail.dat › form.xlsm", "text"),
        ("winmail.dat › cpa.pdf", "pdf"),
    ]
    assert [len(found.contents[attachment.sha256]) for attachment in found.message.attachments[1:]] == [999, len(PDF)]
    assert problems(found) == []


def test_a_winmail_that_holds_a_small_pdf_is_no_pdf():
    assert paths(read(tnef(titled("a.pdf", PDF))))[0] == ("winmail.dat", "other")


@pytest.mark.parametrize(
    ("properties", "codepage", "name"),
    [
        ({(LONG_NAME, UNICODE): "Prüfung der Geräte.pdf"}, 1252, "Prüfung der Geräte.pdf"),
        ({(LONG_NAME, STRING8): "Prüfung.pdf"}, 1252, "Prüfung.pdf"),
        ({(LONG_NAME, STRING8): "Ż.pdf".encode("cp1250")}, 1250, "Ż.pdf"),
        ({(LONG_NAME, STRING8): "Prüfung.pdf"}, 99_999, "Prüfung.pdf"),
        ({(LONG_NAME, UNICODE): "..\\..\\form.xlsm"}, 1252, "form.xlsm"),
        ({(SHOWN_NAME, UNICODE): "shown"}, 1252, "A~1.PDF"),
        ({}, 1252, "A~1.PDF"),
    ],
    ids=range(7),
)
def test_the_long_name_wins(properties, codepage, name):
    found = read(tnef(titled("A~1.PDF", PDF, properties), codepage=codepage))
    assert paths(found)[1:] == [(f"winmail.dat › {name}", "pdf")]
    assert problems(found) == []


def test_every_kind_of_property_is_stepped_over():
    """What stands before a name: fixed sizes, several values, and properties with names of their own."""
    several = struct.pack("<HHI", 0x1002, 0x6001, 3) + struct.pack("<3h2x", 1, 2, 3)
    several += struct.pack("<HHI", 0x1003, 0x6002, 2) + struct.pack("<2i", 1, 2)
    several += struct.pack("<HHI", 0x1014, 0x6003, 1) + bytes(8)
    several += struct.pack("<HHI", 0x101F, 0x6004, 2) + struct.pack("<I2s2xI4s", 2, b"a\0", 4, b"b\0c\0")
    named = struct.pack("<HH16sII", 0x0003, 0x8001, b"", 0, 7) + bytes(4)
    named += struct.pack("<HH16sII6s2x", 0x000B, 0x8002, b"", 1, 6, b"n\0a\0\0\0") + bytes(4)
    single = struct.pack("<HHhxx", 0x0002, 0x6005, 1) + struct.pack("<HHd", 0x0005, 0x6006, 1.5)
    single += struct.pack("<HH16s", 0x0048, 0x6007, b"guid") + struct.pack("<HH", 0x0001, 0x6008)
    rest = mapi({(0x6009, TIME): 5, (LONG_NAME, UNICODE): "odd", (MIME_TAG, STRING8): "a/b"})
    block = struct.pack("<I", 10 + 3) + several + named + single + rest[4:]
    [found] = read_tnef(tnef(titled("x", PDF) | {PROPERTIES: block}), "w")
    assert found == Enclosure("odd", PDF, "a/b")


def test_a_mail_in_the_mail():
    inner = tnef(titled("cpa.pdf", PDF))
    file = {PROPERTIES: mapi({(SHOWN_NAME, UNICODE): "Inner", (DATA, OBJECT): MESSAGE + inner, (METHOD, LONG): 5})}
    assert paths(read(tnef(file))) == [
        ("winmail.dat", "other"),
        ("winmail.dat › Inner", "other"),
        ("winmail.dat › Inner › cpa.pdf", "pdf"),
    ]


def test_a_file_whose_octets_stand_in_its_properties():
    [found] = read_tnef(tnef({PROPERTIES: mapi({(DATA, BINARY): PDF, (LONG_NAME, STRING8): "a.pdf"})}), "w")
    assert found == Enclosure("a.pdf", PDF)


def test_a_picture_shown_in_the_body_is_inline():
    shown = {(CONTENT_ID, UNICODE): "a@b", (FLAGS, LONG): 4}
    found = read(tnef(titled("logo.png", PNG, shown), titled("scan.png", PNG + b"2", {(FLAGS, LONG): 4})))
    assert [attachment.inline for attachment in found.message.attachments] == [False, True, False]


@pytest.mark.parametrize(("method", "kind"), [(2, "unsupported"), (7, "unsupported"), (1, "damaged")])
def test_a_file_that_is_not_there_is_told(method, kind):
    found = read(tnef({TITLE: b"form.xlsm\0", PROPERTIES: mapi({(METHOD, LONG): method})}, titled("cpa.pdf", PDF)))
    assert paths(found)[1:] == [("winmail.dat › cpa.pdf", "pdf")]
    assert problems(found) == [(kind, "winmail.dat › form.xlsm")]


def test_an_empty_file_is_a_file():
    assert list(read_tnef(tnef(titled("empty", b"")), "w")) == [Enclosure("empty", b"")]


def test_a_wrong_check_sum_is_told_and_the_file_is_kept():
    stream = bytearray(tnef(titled("cpa.pdf", PDF)))
    stream[-3] ^= 1
    found = read(bytes(stream))
    assert paths(found)[1:] == [("winmail.dat › cpa.pdf", "pdf")]
    assert problems(found) == [("damaged", "winmail.dat")]
    assert "1 wrong check sums" in found.message.problems[0].text


def test_a_stream_cut_off_gives_the_files_before_the_cut():
    stream = tnef(titled("cpa.pdf", PDF), titled("form.xlsm", b"x" * 500))
    *found, problem = read_tnef(stream[:-100], "w")
    assert found[0] == Enclosure("cpa.pdf", PDF)
    assert isinstance(found[1], NotEnclosed)
    assert (problem.kind, problem.where) == ("damaged", "w")
    assert "ends in the middle" in problem.text


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (struct.pack("<I", 5), "end in the middle"),
        (struct.pack("<IHHII", 1, UNICODE, LONG_NAME, 1, 1 << 31), "end in the middle"),
        (struct.pack("<IHHI", 1, 0x1014, 0x6001, 900), "end in the middle"),
        (struct.pack("<IHHI", 1, UNICODE, LONG_NAME, 1 << 31), "2,147,483,648 values"),
        (struct.pack("<I", 1 << 31), "more than 20,000 properties"),
        (struct.pack("<IHHI", 1, 0x00FD, 0x6001, 1), "unknown type 0x00fd"),
    ],
    ids=range(6),
)
def test_properties_that_break_the_format(block, words):
    *found, problem = read_tnef(tnef(titled("a.pdf", PDF) | {PROPERTIES: block}), "w")
    assert found == [Enclosure("a.pdf", PDF)]
    assert words in problem.text


def test_a_level_that_does_not_exist():
    [problem] = read_tnef(tnef() + b"\x09" + bytes(20), "w")
    assert "breaks its format at octet" in problem.text


def test_very_many_attributes_end_soon():
    stream = tnef() + attribute(1, 0x00060004, b"") * 1_000_000
    started = time.perf_counter()
    [problem] = read_tnef(stream, "w")
    assert time.perf_counter() - started < 3
    assert "100,000 parts" in problem.text


def test_streams_in_one_another_meet_the_depth():
    stream = tnef(titled("cpa.pdf", PDF))
    for _ in range(30):
        stream = tnef({PROPERTIES: mapi({(DATA, OBJECT): MESSAGE + stream})})
    found = read(stream)
    assert problems(found) == [("limit", "")]
    assert len(found.message.attachments) == 19
