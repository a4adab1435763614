"""Outlook's .msg: its files by their properties, mails in it, itself as a mail, and what it may not make us do."""

import struct

import pytest

from pipeline.readers.message import ReadMail, read_message
from pipeline.readers.mime import MailLimits
from tests.wrapped import (
    BINARY,
    BODY,
    CONTENT_ID,
    DATA,
    FLAGS,
    HEADERS,
    HTML,
    LONG,
    LONG_NAME,
    METHOD,
    OBJECT,
    SHORT_NAME,
    SHOWN_NAME,
    STRING8,
    SUBJECT,
    TIME,
    UNICODE,
    Item,
    attached,
    entity,
    msg,
    sent_with,
    signed,
)

PDF = b"%PDF-1.7\n..."
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
CODE_PAGE = 0x3FDE
ADDRESS, SENDER, MESSAGE_ID = 0x5D01, 0x0C1A, 0x1035


def fwd(*files, **properties) -> ReadMail:
    """Read a mail to which a .msg with these files is attached."""
    return read_message(sent_with(("fwd.msg", msg(Item(files=files, **properties)))))


def paths(found: ReadMail) -> list[tuple[str, str]]:
    return [(attachment.path, attachment.kind) for attachment in found.message.attachments]


def problems(found: ReadMail) -> list[tuple[str, str]]:
    return [(problem.kind, problem.where) for problem in found.message.problems]


def test_the_files_of_a_forwarded_item():
    found = fwd(attached("form.xlsm", b"x" * 9_000, mime="application/x"), attached("cpa.pdf", PDF))
    assert paths(found) == [("fwd.msg", "mail"), ("fwd.msg › form.xlsm", "text"), ("fwd.msg › cpa.pdf", "pdf")]
    form, paper = found.message.attachments[1:]
    assert (found.contents[form.sha256], form.content_type) == (b"x" * 9_000, "application/x")
    assert found.contents[paper.sha256] == PDF
    assert problems(found) == []
    assert found.message.body == "Please find attached."


def test_a_mail_in_the_item_and_one_in_that():
    deepest = Item({(SUBJECT, UNICODE): "Deep"}, [attached("cpa.pdf", PDF)])
    inner = Item({}, [{(DATA, OBJECT): deepest, (METHOD, LONG): 5}, attached("form.xlsm", b"x")])
    found = fwd({(SHOWN_NAME, UNICODE): "Inner", (DATA, OBJECT): inner, (METHOD, LONG): 5})
    assert paths(found) == [
        ("fwd.msg", "mail"),
        ("fwd.msg › Inner › Deep › cpa.pdf", "pdf"),
        ("fwd.msg › Inner › form.xlsm", "text"),
    ]
    assert problems(found) == []


@pytest.mark.parametrize(
    ("properties", "name"),
    [
        ({(LONG_NAME, UNICODE): "Prüfung.pdf", (SHORT_NAME, UNICODE): "PRFUNG~1.PDF"}, "Prüfung.pdf"),
        ({(SHORT_NAME, UNICODE): "PRFUNG~1.PDF", (SHOWN_NAME, UNICODE): "shown"}, "PRFUNG~1.PDF"),
        ({(SHOWN_NAME, STRING8): "Prüfung.pdf"}, "Prüfung.pdf"),
        ({(LONG_NAME, UNICODE): "../../etc/form.xlsm"}, "form.xlsm"),
        ({(LONG_NAME, UNICODE): "C:\\tmp\\form.xlsm\0\0"}, "form.xlsm"),
        ({(LONG_NAME, UNICODE): "a › b\u202e.pdf"}, "a > b.pdf"),
        ({(LONG_NAME, UNICODE): b"\0\xd8x", (SHORT_NAME, UNICODE): "whole.pdf"}, "whole.pdf"),
        ({(LONG_NAME, UNICODE): "n" * 400 + ".pdf"}, "n" * 145 + "….pdf"),
        ({}, "unnamed"),
    ],
    ids=range(9),
)
def test_file_names(properties, name):
    found = fwd(properties | {(DATA, BINARY): PDF})
    assert paths(found)[1:] == [(f"fwd.msg › {name}", "pdf")]


def test_two_files_of_one_name_are_told_apart():
    found = fwd(attached("a.pdf", PDF), attached("a.pdf", PDF + b"2"))
    assert [path for path, _ in paths(found)] == ["fwd.msg", "fwd.msg › a.pdf", "fwd.msg › a (2).pdf"]


@pytest.mark.parametrize(
    ("more", "inline"),
    [({"content_id": "a@b", "flags": 4}, True), ({"content_id": "a@b"}, False), ({"flags": 4}, False), ({}, False)],
)
def test_a_picture_shown_in_the_body_is_inline(more, inline):
    found = fwd(attached("logo.png", PNG, **more), attached("cpa.pdf", PDF, **more))
    assert [attachment.inline for attachment in found.message.attachments] == [False, inline, False]


@pytest.mark.parametrize(
    ("properties", "kind", "words"),
    [
        ({(METHOD, LONG): 2}, "unsupported", "pointer"),
        ({(METHOD, LONG): 7}, "unsupported", "pointer"),
        ({(METHOD, LONG): 1}, "damaged", "not there"),
        ({}, "damaged", "not there"),
    ],
)
def test_a_file_that_is_not_there_is_told(properties, kind, words):
    found = fwd(properties | {(LONG_NAME, UNICODE): "form.xlsm"}, attached("cpa.pdf", PDF))
    assert paths(found)[1:] == [("fwd.msg › cpa.pdf", "pdf")]
    assert problems(found) == [(kind, "fwd.msg › form.xlsm")]
    assert words in found.message.problems[0].text


def test_a_file_that_is_only_counted_is_told():
    data = msg(Item(files=[attached("a.pdf", PDF), attached("b.pdf", PDF + b"2")]))
    name = "__attach_version1.0_#00000001".encode("utf-16-le")
    found = read_message(sent_with(("fwd.msg", data.replace(name, b"x\0" + name[2:]))))
    assert paths(found) == [("fwd.msg", "mail"), ("fwd.msg › a.pdf", "pdf")]
    assert problems(found) == [("damaged", "fwd.msg › unnamed")]
    assert "counted" in found.message.problems[0].text


def test_an_object_drawn_into_the_text_is_told():
    drawn = Item({(SUBJECT, UNICODE): "x"})
    data = msg(Item(files=[{(LONG_NAME, UNICODE): "chart", (DATA, OBJECT): drawn, (METHOD, LONG): 6}]))
    name = "__properties_version1.0".encode("utf-16-le")
    second = data.rindex(name)  # the list of properties of the innermost storage, which an object does not have
    spoilt = data[:second] + "CONTENTS".encode("utf-16-le").ljust(len(name), b"\0") + data[second + len(name) :]
    found = read_message(sent_with(("fwd.msg", spoilt)))
    assert problems(found)[0] == ("unsupported", "fwd.msg › chart")


def test_a_signed_item_is_read_through():
    body = (
        b"--s\r\n"
        + entity(("form.xlsm", b"x"))
        + b"\r\n--s\r\nContent-Type: application/pkcs7-signature\r\n\r\n0\r\n--s--\r\n"
    )
    whole = b'Content-Type: multipart/signed; protocol=x; boundary="s"\r\n\r\n' + body
    found = fwd(attached("smime.p7m", whole, mime="multipart/signed"))
    assert ("fwd.msg › smime.p7m › form.xlsm", "text") in paths(found)
    opaque = fwd(attached("smime.p7m", signed(entity(("form.xlsm", b"x"))), mime="application/pkcs7-mime"))
    assert paths(opaque)[1:] == [("fwd.msg › smime.p7m", "other"), ("fwd.msg › smime.p7m › form.xlsm", "text")]
    assert problems(opaque) == []


def test_an_item_is_a_mail_by_itself():
    arrived = "From: Jo <jo@maker.example>\r\nSubject: =?utf-8?q?N=C3=A9w?=\r\nMessage-ID: <1@maker.example>\r\n"
    properties = {(HEADERS, UNICODE): arrived, (SUBJECT, UNICODE): "other", (BODY, UNICODE): "Hello\r\nthere"}
    message = read_message(msg(Item(properties, [attached("cpa.pdf", PDF)]))).message
    assert (message.senders[0].addr, message.subject, message.message_id) == (
        "jo@maker.example",
        "Néw",
        "<1@maker.example>",
    )
    assert message.body == "Hello\nthere"
    assert [attachment.path for attachment in message.attachments] == ["cpa.pdf"]
    assert message.problems == ()


def test_the_text_within_a_signature_is_the_items_own():
    data = signed(entity(("form.xlsm", b"x"), text="Our new entry."))
    message = read_message(msg(Item({(BODY, UNICODE): "Hello"}, [attached("smime.p7m", data)]))).message
    assert message.body.split() == ["Hello", "Our", "new", "entry."]


def test_an_item_that_was_never_sent_has_headers_from_its_properties():
    properties = {
        (SUBJECT, UNICODE): "New\r\nBcc: x@y.example",
        (SENDER, UNICODE): 'Jo "Boss" Dé',
        (ADDRESS, UNICODE): "jo@maker.example",
        (MESSAGE_ID, UNICODE): "<1@maker.example>",
        (0x1042, UNICODE): "<0@maker.example>",
        (0x1039, UNICODE): "<a@maker.example> <0@maker.example>",
        (0x0039, TIME): 134_171_064_000_000_000,
        (HTML, BINARY): "<p>Gr\xfc\xdfe</p>".encode("cp1252"),
        (CODE_PAGE, LONG): 1252,
    }
    message = read_message(msg(Item(properties))).message
    [sender] = message.senders
    assert (sender.name, sender.addr) == ("Jo Boss Dé", "jo@maker.example")
    assert (message.subject, message.message_id) == ("New Bcc: x@y.example", "<1@maker.example>")
    assert (message.in_reply_to, message.references) == (
        "<0@maker.example>",
        ("<a@maker.example>", "<0@maker.example>"),
    )
    assert message.sent == "Wed, 04 Mar 2026 14:00:00 +0000"
    assert message.body == "Grüße"
    assert message.problems == ()


@pytest.mark.parametrize("page", [1_252, 21_025, 4_000_000_000])
def test_a_code_page_that_nobody_knows_costs_no_file(page):
    properties = {
        (SUBJECT, UNICODE): "s",
        (0x3FFD, LONG): page,
        (HTML, BINARY): b"<p>Hello</p>",
        (CODE_PAGE, LONG): page,
    }
    message = read_message(msg(Item(properties, [attached("cpa.pdf", PDF)]))).message
    assert [attachment.path for attachment in message.attachments] == ["cpa.pdf"]
    assert message.body == "Hello"


def test_a_time_beyond_any_calendar_is_no_time():
    message = read_message(msg(Item({(0x0039, TIME): 2**62, (SUBJECT, UNICODE): "s"}))).message
    assert (message.sent, message.subject) == ("", "s")


def test_files_nested_too_deep_meet_the_depth():
    item = Item({}, [attached("cpa.pdf", PDF)])
    for number in range(12):
        item = Item({}, [{(LONG_NAME, UNICODE): str(number), (DATA, OBJECT): item}])
    found = read_message(sent_with(("fwd.msg", msg(item))), MailLimits(depth=10))
    assert paths(found) == [("fwd.msg", "mail")]
    assert problems(found) == [("limit", "")]
    assert paths(read_message(sent_with(("fwd.msg", msg(item)))))[1:] != []


def test_very_many_files_meet_the_count():
    found = fwd(*(attached(f"{number}.pdf", PDF) for number in range(60)))
    assert len(found.message.attachments) == 61
    few = read_message(sent_with(("fwd.msg", msg(Item(files=[attached("a", b"x")] * 60)))), MailLimits(parts=30))
    assert problems(few) == [("limit", "")]
    assert len(few.message.attachments) == 28  # beside the mail and its text


def test_very_many_entries_are_not_read():
    found = read_message(sent_with(("fwd.msg", msg(Item({(number, BINARY): b"" for number in range(10_001)})))))
    assert problems(found) == [("limit", "fwd.msg")]
    assert "10,003" in found.message.problems[0].text


def test_streams_that_share_their_sectors_are_refused():
    data = bytearray(msg(Item(files=[attached("a.bin", b"a" * 50_000), attached("b.bin", b"b" * 50_000)])))
    at = data.find("__substg1.0_37010102".encode("utf-16-le"))
    struct.pack_into("<I", data, at + 120, 120_000)
    found = read_message(sent_with(("fwd.msg", bytes(data))))
    assert paths(found) == [("fwd.msg", "mail")]
    assert problems(found) == [("damaged", "fwd.msg")]
    assert "170," in found.message.problems[0].text


def test_two_names_for_one_stream_are_told():
    """olefile reads on over such a defect; a file may stand for another then."""
    data = bytearray(msg(Item(files=[attached("a.bin", b"a" * 9_000), attached("b.bin", b"b" * 9_000)])))
    name = "__substg1.0_37010102".encode("utf-16-le")
    first = data.find(name)
    second = data.find(name, first + 1)
    data[second + 116 : second + 120] = data[first + 116 : first + 120]
    found = read_message(sent_with(("fwd.msg", bytes(data))))
    assert problems(found) == [("damaged", "fwd.msg")]
    assert "Stream referenced twice" in found.message.problems[0].text


@pytest.mark.parametrize(
    ("place", "value"),
    [(30, 20), (32, 20), (44, 1 << 30), (64, 1 << 30), (72, 1 << 30), (48, 0xFFFFFFF0)],
    ids=["sector", "small", "tables", "small-tables", "more-tables", "directory"],
)
def test_a_header_that_asks_for_the_impossible(place, value):
    data = bytearray(msg(Item(files=[attached("a.pdf", PDF)])))
    struct.pack_into("<H" if place < 44 else "<I", data, place, value)
    found = read_message(sent_with(("fwd.msg", bytes(data))))
    assert problems(found)[0] == ("damaged", "fwd.msg")
    assert "ask the sender" in found.message.problems[0].text


def test_a_list_of_properties_of_great_length_is_not_gone_through():
    many = {(number, LONG): 1 for number in range(5_000)}
    found = fwd(many | {(LONG_NAME, UNICODE): "a.pdf", (DATA, BINARY): PDF})
    assert paths(found)[1:] == [("fwd.msg › unnamed", "pdf")]


def test_a_workbook_with_a_mail_drawn_into_it_is_no_item():
    data = bytearray(msg(Item(files=[attached("a.pdf", PDF)])))
    root = data.find("Root Entry".encode("utf-16-le"))
    data[root + 80 : root + 96] = bytes.fromhex("2008020000000000c000000000000046")  # Excel
    assert paths(read_message(sent_with(("old.xls", bytes(data))))) == [("old.xls", "ole")]
    data[root + 80 : root + 96] = bytes.fromhex("0b0d020000000000c000000000000046")  # Outlook
    assert paths(read_message(sent_with(("old.xls", bytes(data))))) == [("old.xls", "mail"), ("old.xls › a.pdf", "pdf")]


def test_a_damaged_item_by_itself_is_a_mail_with_a_problem():
    forged = b"\r\nFrom: boss@evil.example\r\nSubject: forged\r\n\r\n"
    data = msg(Item({(SUBJECT, UNICODE): "s"}, [attached("a.bin", forged)]))
    message = read_message(data[:30] + b"\xff" + data[31:]).message
    assert (message.subject, message.senders, message.attachments) == ("", (), ())
    [problem] = message.problems
    assert (problem.kind, problem.where) == ("damaged", "")
    assert problem.text.startswith("The mail is a damaged Outlook mail")


def test_a_huge_item_by_itself_is_refused_by_its_size():
    data = msg(Item(files=[attached("a.bin", b"a" * 9_000)]))
    [problem] = read_message(data, MailLimits(octets=9_000)).message.problems
    assert problem.kind == "limit"
    assert f"{len(data):,}" in problem.text


def test_flags_and_content_ids_are_what_the_builder_says():
    """The builder's own numbers, against [MS-OXPROPS]."""
    assert (CONTENT_ID, FLAGS, METHOD, DATA) == (0x3712, 0x3714, 0x3705, 0x3701)
