"""The mail reader: headers, body, what makes a mail automatic, and bytes of any kind."""

import hashlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.message import Address
from pipeline.readers import header
from pipeline.readers.message import OWN_MARK, ReadMail, read_message
from pipeline.readers.mime import MailLimits

LIMITS = MailLimits()
ORDINARY = (
    b"Return-Path: <jo@maker.example>\r\n"
    b"From: Jo Maker <Jo@Maker.Example>\r\n"
    b"To: cpl@secas.example\r\n"
    b"Subject: New CPL entry\r\n"
    b"Date: Mon, 02 Nov 2026 09:00:00 +0000\r\n"
    b"Message-ID: <1@maker.example>\r\n"
    b"MIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n'
    b"\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nDear all,\r\nplease find the form.\r\n"
    b'--b\r\nContent-Type: application/pdf; name="cpa.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQK\r\n'
    b"--b--\r\n"
)


def with_headers(*headers: bytes, body: bytes = b"text") -> bytes:
    return b"\r\n".join(headers) + b"\r\n\r\n" + body


def read(*headers: bytes, body: bytes = b"text", limits: MailLimits = LIMITS) -> ReadMail:
    return read_message(with_headers(*headers, body=body), limits)


def kinds(mail: ReadMail) -> list[str]:
    return [problem.kind for problem in mail.message.problems]


def test_an_ordinary_mail():
    mail = read_message(ORDINARY)
    message = mail.message
    assert message.sha256 == hashlib.sha256(ORDINARY).hexdigest()
    assert message.message_id == "<1@maker.example>"
    assert message.subject == "New CPL entry"
    assert message.senders == (Address("Jo Maker", "Jo@maker.example"),)
    assert message.sent == "Mon, 02 Nov 2026 09:00:00 +0000"
    assert message.body == "Dear all,\nplease find the form."
    assert message.automatic == ()
    assert message.problems == ()
    [attachment] = message.attachments
    assert (attachment.path, attachment.kind, attachment.size) == ("cpa.pdf", "pdf", 9)
    assert mail.contents == {attachment.sha256: b"%PDF-1.4\n"}


@pytest.mark.parametrize("end", [b"\n", b"\r"], ids=["LF", "CR"])
def test_bare_line_ends_are_read_like_crlf(end):
    message = read_message(ORDINARY.replace(b"\r\n", end)).message
    assert message.subject == "New CPL entry"
    assert [attachment.kind for attachment in message.attachments] == ["pdf"]


@pytest.mark.parametrize(
    ("value", "subject"),
    [
        (b"=?utf-8?B?w4lwcmV1dmU=?=", "Épreuve"),
        (b"=?iso-8859-1?Q?caf=E9_1?= and =?UTF-8*en?q?=E2=82=AC?=", "café 1 and €"),
        (b"=?utf-8?B?4oI=?=\r\n =?utf-8?B?rA==?=", "€"),
        ("Prüfung €".encode(), "Prüfung €"),
        (b"Pr\xfcfung", "Prüfung"),
        (b"=?no-such-set?Q?caf=C3=A9?=", "café"),
        (b"=?utf-8?B?!!!?= rest", "rest"),
        (b"=?idna?Q?xn--a?=", "xn--a"),
        (b"a\r\n folded\x00 line\x1b[31m", "a folded line [31m"),
        ("gnp\u202exslx".encode(), "gnpxslx"),
        (b"=?utf-8?Q?a=0D=0ABcc:_x=40y?=", "a Bcc: x@y"),
        (b"", ""),
    ],
)
def test_subjects_are_decoded_to_one_safe_line(value, subject):
    assert read(b"Subject: " + value).message.subject == subject


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"a@b.example", [("", "a@b.example")]),
        (b'"Maker, Jo" <jo@M.Example>, x@Y.example (Com)', [("Maker, Jo", "jo@m.example"), ("Com", "x@y.example")]),
        (b"=?utf-8?q?J=C3=B6?= <j@k.example>", [("Jö", "j@k.example")]),
        (b'"=?utf-8?q?J=C3=B6?=" <j@k.example>', [("Jö", "j@k.example")]),
        (b"Group: a@b.example, c@d.example;", [("", "a@b.example"), ("", "c@d.example")]),
        (b"undisclosed-recipients:;", []),
        (b"jo@m.example jim@m.example", [("", "jo@m.example"), ("", "jim@m.example")]),
        (b"<@relay.example,@other.example:jo@m.example>", [("", "jo@m.example")]),
        (b"Pete(A \\) chap) <pete(his)@silly.example(host)>", [("Pete", "pete@silly.example")]),
        (b"alice@good.example)bob@bad.example", []),
        (b'"alice@good.example" <bob@bad.example>', [("alice@good.example", "bob@bad.example")]),
        (b"no address", []),
        (b"<>", []),
    ],
)
def test_addresses(value, expected):
    message = read(b"From: " + value).message
    assert [(address.name, address.addr) for address in message.senders] == expected
    unreadable = [problem for problem in message.problems if problem.where == "From"]
    assert bool(unreadable) == (not expected)


def test_every_from_header_counts_and_reply_to_is_kept_apart():
    message = read(b"From: a@b.example", b"FROM: c@d.example", b"Reply-To: e@f.example").message
    assert [address.addr for address in message.senders] == ["a@b.example", "c@d.example"]
    assert [address.addr for address in message.reply_to] == ["e@f.example"]


def test_ids_are_verbatim_and_references_keep_the_first_and_the_newest():
    many = b" ".join(b"<%d@x>" % number for number in range(150))
    message = read(
        b"Message-ID: <A.b@X>",
        b"In-Reply-To: Your mail of Monday <149@x> and more",
        b"References: " + many,
    ).message
    assert message.message_id == "<A.b@X>"
    assert message.in_reply_to == "<149@x>"
    assert len(message.references) == 100
    assert message.references[0] == "<0@x>"
    assert message.references[-1] == "<149@x>"


def test_a_message_id_without_brackets_is_kept_as_it_is():
    assert read(b"Message-ID: 1.2@maker").message.message_id == "1.2@maker"


@pytest.mark.parametrize(
    ("headers", "automatic"),
    [
        ((b"Auto-Submitted: auto-replied (vacation)",), ("auto-submitted",)),
        ((b"Auto-Submitted: no",), ()),
        ((b"Auto-Submitted: No; x=y",), ()),
        ((b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',), ("bounce",)),
        ((b"Auto-Submitted: no", b"Auto-Submitted: auto-replied"), ("auto-submitted",)),
        ((b"Auto-Submitted: (by hand) no",), ()),
        ((b"Precedence: auto_reply",), ("auto-submitted",)),
        ((b"X-Autoreply: yes",), ("auto-submitted",)),
        ((b"X-Failed-Recipients: jo@maker.example",), ("auto-submitted",)),
        ((b"X-Auto-Response-Suppress: All",), ()),  # Exchange writes it into the mail of people
        ((b"Content-Type: message/delivery-status",), ("bounce",)),
        ((b"Return-Path: <>",), ("no-return-path",)),
        ((b"Return-Path: < >",), ("no-return-path",)),
        ((b"Return-Path: <MAILER-DAEMON@relay.example>",), ("no-return-path",)),
        ((b"Return-Path: <jo@maker.example>", b"Return-Path: <>"), ("no-return-path",)),
        ((b"From: Mail System <Mailer-Daemon@relay.example>",), ("daemon",)),
        ((b"From: POSTMASTER@relay.example",), ("daemon",)),
        ((b"From: mailer-daemon-fan@relay.example",), ()),
        ((b"List-Post: <mailto:news@list.example>",), ("list",)),
        ((b"List-Unsubscribe: <https://list.example>",), ("list",)),
        ((b"Return-Path: <a@b.example>",), ()),
        ((b"List-Id: <news.example>",), ("list",)),
        ((b"Precedence: Bulk",), ("list",)),
        ((b"Precedence: first-class",), ()),
        ((OWN_MARK.encode() + b": CPL-2026-00001",), ("own",)),
        ((b"Auto-Submitted: auto-generated", b"Return-Path: <>"), ("auto-submitted", "no-return-path")),
    ],
)
def test_what_makes_a_mail_automatic(headers, automatic):
    assert read(*headers).message.automatic == automatic


@pytest.mark.parametrize(
    ("kind", "encoding", "body", "text"),
    [
        (b"text/plain; charset=utf-8", b"8bit", "Grüße\r\n\x00tab\t.".encode(), "Grüße\n tab ."),
        (b"text/plain; charset=iso-8859-1", b"quoted-printable", b"caf=E9=\r\n!", "café!"),
        (b"text/plain; charset=us-ascii", b"8bit", "naïve".encode(), "naïve"),
        (b"text/plain; charset=bogus", b"7-bit", b"x", "x"),
        (b"text/plain; charset=\x00", b"", b"x", "x"),
        (b"text/plain; charset=utf-16", b"base64", b"//5oAGkA", "hi"),
        (b"text/html", b"", b"<p>Dear <b>all</b><script>bad()</script><br>x &amp; y</p>z", "Dear all\nx & y\nz"),
        (b"text/html", b"", b"<!-- nothing -->", ""),
        (b"text/html", b"", b"<style>p{}</style>only <i>this", "only this"),
        (b"no type at all", b"", b"still text", "still text"),
    ],
)
def test_bodies(kind, encoding, body, text):
    mail = read(b"Content-Type: " + kind, b"Content-Transfer-Encoding: " + encoding, body=body)
    assert mail.message.body == text
    assert mail.message.attachments == ()


def test_the_plain_body_is_preferred_and_capped():
    raw = with_headers(
        b'Content-Type: multipart/alternative; boundary="b"',
        body=b"--b\r\nContent-Type: text/html\r\n\r\n<p>html\r\n--b\r\n\r\n" + b"plain " * 10_000 + b"\r\n--b--",
    )
    body = read_message(raw).message.body
    assert body.startswith("plain plain")
    assert len(body) <= 20_000


@pytest.mark.parametrize(
    ("limits", "raw", "number"),
    [
        (MailLimits(octets=100), ORDINARY, f"{len(ORDINARY):,}"),
        (MailLimits(lines=5), ORDINARY, "5"),
        (MailLimits(), b"Subject: s\r\n" + b"X: y\r\n" * 20_000 + b"\r\nbody", "65,536"),
        (MailLimits(headers=5), ORDINARY, "5"),
    ],
    ids=["octets", "lines", "header octets", "headers"],
)
def test_a_mail_over_a_limit_still_says_who_and_what(limits, raw, number):
    mail = read_message(raw, limits)
    assert mail.message.sha256 == hashlib.sha256(raw).hexdigest()
    assert mail.message.subject in {"New CPL entry", "s"}
    assert mail.message.attachments == ()
    [problem] = mail.message.problems
    assert problem.kind == "limit"
    assert number in problem.text


def test_a_header_of_many_addresses_is_capped_in_both_ways():
    message = read(b"From: " + b", ".join(b"a%d@b.c" % number for number in range(500))).message
    assert len(message.senders) == 100
    assert "500" in message.problems[0].text
    message = read(b"From: " + b", ".join(b"a%d@b.c" % number for number in range(3_000))).message
    assert len(message.senders) == 100
    assert [(problem.kind, problem.where) for problem in message.problems] == [("limit", "From")] * 2


@pytest.mark.parametrize(
    "raw",
    [
        b"From: " + b"a@b.c," * 10_000,
        b"Subject: " + b"=?utf-8?q?a?= " * 4_600,
        b"From: " + b"(" * 60_000,
        b"From: " + b'"\\' * 30_000,
        b'From: "' + b'\\"' * 30_000,
        b"From: " + b"<" * 60_000,
        b"Content-Type: multipart/mixed; " + b'x=";";' * 10_000,
        b"Content-Type: multipart/mixed" + b'; x="' * 13_000,
        b"Content-Type: a/b" + b"".join(b"; n*%d*=%%41" % number for number in range(4_000)),
        b"Subject: =?" + b"a" * 60_000,
        b"References: " + b"<" + b" " * 60_000,
        b"Subject: " + b"=?utf-7?q?" + b"+AAA-" * 12_000 + b"?=",
    ],
    ids=range(12),
)
def test_hostile_headers_take_no_time(raw):
    started = time.perf_counter()
    mail = read_message(raw + b"\r\n\r\nx")
    assert time.perf_counter() - started < 2
    assert mail.message.sha256


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00",
        b"\r\n\r\n",
        b"\xff" * 3_000,
        b"From: \xff\xfe\xfd",
        b" continuation first\r\n\r\n",
        b"Content-Type: multipart/mixed; boundary*9" + b"9" * 5_000 + b"*=x; boundary*=y\r\n\r\n--y\r\n",
        b"Content-Type: multipart/mixed; boundary*0=a; boundary*=b\r\n\r\n--a\r\n\r\n--b\r\n",
        b"Content-Type: multipart/mixed; boundary=\r\n\r\n--\r\n\r\nx\r\n----\r\n",
        b'Content-Type: multipart/mixed; boundary="\xff"\r\n\r\n--\xff\r\n\r\nx\r\n--\xff--\r\n',
        b"Content-Type: message/delivery-status\r\n\r\n" + b"a: b\r\n\r\n" * 3_000,
        b"Content-Transfer-Encoding: base64\r\n\r\n====\r\nA",
        b"Content-Type: text/plain; charset=zlib\r\n\r\nx",
        b"Subject: =?utf-7?q?+2AA-?=\r\n\r\n\x00",
    ],
    ids=range(14),
)
def test_odd_bytes_are_read_as_far_as_they_go(raw):
    mail = read_message(raw)
    assert mail.message.sha256 == hashlib.sha256(raw).hexdigest()
    assert "crash" not in kinds(mail)


def test_an_unforeseen_fault_becomes_a_problem(monkeypatch):
    def fail(value: str) -> str:
        raise KeyError("hostile text")

    monkeypatch.setattr(header, "addresses", fail)
    mail = read_message(ORDINARY)
    assert kinds(mail) == ["crash"]
    assert "KeyError" in mail.message.problems[0].text
    assert "hostile" not in mail.message.problems[0].text


def test_a_stray_line_among_the_headers_does_not_end_them():
    message = read_message(ORDINARY.replace(b"To: cpl", b"quite odd\r\nTo: cpl")).message
    assert message.subject == "New CPL entry"
    assert len(message.attachments) == 1


def test_a_body_without_a_blank_line_before_it_is_a_body():
    message = read_message(b"Subject: short\r\nDear all,\r\nplease find nothing.\r\n").message
    assert (message.subject, message.body) == ("short", "Dear all,\nplease find nothing.")


_TOKENS = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"Content-Type: message/rfc822\r\n",
        b"Content-Type: text/html; charset=utf-7\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Disposition: attachment; filename*0*=utf-8''..%2F\r\n",
        b"From: ",
        b"=?utf-8?b?",
        b"\r\n--b\r\n",
        b"\r\n--b--\r\n",
        b"\r\n\r\n",
        b"PK\x03\x04",
        b"PK\x01\x02",
        b"PK\x05\x06" + bytes(18),
        b"\x00",
        b"\xff",
        b"a",
    ]
)


@given(st.one_of(st.binary(max_size=2_000), st.lists(_TOKENS, max_size=40).map(b"".join)))
@settings(max_examples=150, deadline=None)
def test_any_bytes_become_a_message(raw):
    check_reading(raw)


@given(st.lists(st.tuples(st.integers(0, len(ORDINARY) - 1), st.binary(max_size=4), st.integers(0, 9)), max_size=8))
@settings(max_examples=150, deadline=None)
def test_a_changed_mail_becomes_a_message(changes):
    raw = ORDINARY
    for place, put, taken in changes:
        raw = raw[:place] + put + raw[place + taken :]
    check_reading(raw)


def check_reading(raw: bytes) -> None:
    mail = read_message(raw)
    assert mail.message.sha256 == hashlib.sha256(raw).hexdigest()
    assert "crash" not in kinds(mail)
    mail.message.subject.encode()  # no lone surrogate may get out
    mail.message.body.encode()
    assert {attachment.sha256 for attachment in mail.message.attachments} == set(mail.contents)
    for digest, data in mail.contents.items():
        assert hashlib.sha256(data).hexdigest() == digest
