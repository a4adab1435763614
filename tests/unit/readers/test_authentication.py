"""Authentication-Results as a mail carries them: by whom, in which place, and what of DMARC."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.message import Authentication
from pipeline.ledger.codec import decode, encode
from pipeline.readers.message import read_message

OPENDMARC = b"Authentication-Results: mx.secas.example; dmarc=pass (p=reject dis=none) header.from=maker.example"
EXCHANGE = (
    b"Authentication-Results: spf=pass (sender IP is 192.0.2.7)\r\n smtp.mailfrom=maker.example; dkim=pass "
    b"(signature was verified)\r\n header.d=maker.example;dmarc=pass action=none\r\n "
    b"header.from=maker.example;compauth=pass reason=100"
)


def stamps(*headers: bytes) -> tuple[Authentication, ...]:
    return read_message(b"\r\n".join((*headers, b"From: jo@maker.example", b"", b"text"))).message.authentication


def dmarc(value: str) -> tuple[tuple[str, str], ...]:
    return stamps(b"Authentication-Results: " + value.encode())[0].dmarc


def test_the_form_of_the_rfc():
    [stamp] = stamps(OPENDMARC)
    assert (stamp.authserv_id, stamp.above) == ("mx.secas.example", ())
    assert stamp.dmarc == (("pass", "maker.example"),)
    assert stamp.text == "mx.secas.example; dmarc=pass (p=reject dis=none) header.from=maker.example"


def test_the_form_of_exchange_online_names_nobody():
    [stamp] = stamps(EXCHANGE)
    assert (stamp.authserv_id, stamp.dmarc) == ("", (("pass", "maker.example"),))
    assert dmarc("dmarc=fail action=none header.from=m.example;spf=none") == (("fail", "m.example"),)


def test_the_place_is_told_by_the_hosts_above():
    found = stamps(
        b"Received: from mx.secas.example (mx [10.0.0.1])\r\n\tby Mail.SECAS.example. (Postfix) with ESMTP id 1; Mon",
        OPENDMARC,
        b"Received: from by (HELO by evil.example) by mx.secas.example; Mon, 02 Nov 2026 09:00:00 +0000",
        b"Subject: between",
        b"Received: (qmail 7 invoked by uid 5); 2 Nov 2026",
        b"AUTHENTICATION-RESULTS: forged.example; none",
    )
    assert [stamp.authserv_id for stamp in found] == ["mx.secas.example", "forged.example"]
    assert found[0].above == ("mail.secas.example",)
    # A host that calls itself 'by' cannot borrow another's name: what it says is at most nobody's.
    assert found[1].above == ("mail.secas.example", "by", "")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("mx.a; none", ()),
        ("mx.a 1; dmarc=fail header.from=m.example", (("fail", "m.example"),)),
        ("mx.a; DMARC = Pass Header.From=M.Example", (("pass", "m.example"),)),
        ("mx.a; dmarc/1=pass header.from=m.example.", (("pass", "m.example"),)),
        ('mx.a; dmarc=pass header.from="m.example"', (("pass", "m.example"),)),
        ("mx.a; dmarc=pass header.from=jo@m.example", (("pass", "m.example"),)),
        ("mx.a; dmarc=pass", (("pass", ""),)),
        ("mx.a; dmarc=bestguesspass action=none header.from=m.example", (("bestguesspass", "m.example"),)),
        ("mx.a; spf=pass; dkim=pass header.d=m.example", ()),
        ("mx.a; xdmarc=pass header.from=m.example", ()),
        ("mx.a; dmarc=pass-not header.from=m.example", ()),
        ("mx.a; (dmarc=pass header.from=m.example)", ()),
        ("mx.a; dmarc=none (a ; dmarc=pass) header.from=m.example", (("none", "m.example"),)),
        ('mx.a; spf=none (he said ") smtp.helo=x; dmarc=fail header.from=m.example', (("fail", "m.example"),)),
        (r"mx.a; spf=none (\) ; dmarc=pass header.from=v.example)", ()),
        ("mx.a; spf=none (a (b) ; dmarc=pass header.from=v.example)", ()),
        ('mx.a; spf=pass smtp.mailfrom="x; dmarc=pass header.from=v.example"', ()),
        ('mx.a; dmarc=fail reason="x header.from=v.example" header.from=m.example', (("fail", "m.example"),)),
        ("mx.a; dmarc=pass xheader.from=v.example", (("pass", ""),)),
        ("mx.a; dmarc=pass header.from=v.example\u043e", (("pass", ""),)),
        ("mx.a; dmarc=fail header.from=m.example; dmarc=pass header.from=v.example", None),
    ],
)
def test_what_is_read_of_dmarc(value, expected):
    both = (("fail", "m.example"), ("pass", "v.example"))
    assert dmarc(value) == (both if expected is None else expected)


def test_a_value_of_nothing_but_marks_is_nobodys():
    assert [(s.authserv_id, s.dmarc) for s in stamps(b"Authentication-Results:", b"Authentication-Results: ;;=;(")] == [
        ("", ()),
        ("", ()),
    ]


def test_the_headers_of_an_attached_mail_are_not_the_mails_own():
    inner = OPENDMARC + b"\r\nFrom: jo@maker.example\r\n\r\ninner"
    raw = b"From: a@b.example\r\nContent-Type: message/rfc822\r\n\r\n" + inner
    assert read_message(raw).message.authentication == ()


def test_only_the_topmost_of_many_are_kept_and_none_below_fifty_servers():
    many = stamps(*(b"Authentication-Results: mx%d.a; none" % n for n in range(40)))
    assert [stamp.authserv_id for stamp in many] == [f"mx{n}.a" for n in range(20)]
    assert stamps(*(b"Received: by h.example" for _ in range(50)), OPENDMARC) != ()
    assert stamps(*(b"Received: by h.example" for _ in range(51)), OPENDMARC) == ()


@pytest.mark.parametrize("unit", [b'"\\', b"(", b'\\"', b"by ", b"dmarc=", b"header.from=", b";", b'("'])
def test_hostile_values_take_no_time(unit):
    value = unit * (16_000 // len(unit))
    start = time.process_time()
    stamps(b"Received: " + value, b"Authentication-Results: " + value, b"Authentication-Results: x; dmarc=a " + value)
    assert time.process_time() - start < 2


@given(st.binary(max_size=200))
def test_no_value_is_too_odd(value):
    value = value.replace(b"\r", b"").replace(b"\n", b"")
    for stamp in stamps(b"Authentication-Results: " + value, b"Received: " + value, OPENDMARC):
        assert decode(encode(stamp), Authentication) == stamp
