"""Bounces as servers write them, what only looks like one, and what was made to do harm."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.bounce import Bounce, Bounces
from pipeline.readers.bounce import read_bounces
from pipeline.readers.message import read_message
from pipeline.readers.mime import MailLimits

OURS = "<0123abcd.reminder@mail.example>"
CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "mail"

FAILED = """\
Final-Recipient: rfc822; maker@meters.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <maker@meters.example>:
 user unknown"""


def report(*groups, returned="message/rfc822", status="message/delivery-status", original=None, words="It failed."):
    """A report as RFC 3462 and RFC 3464 have it."""
    fields = "\n\n".join(("Reporting-MTA: dns; mx.example", *groups))
    copy = f"From: desk@mail.example\nMessage-ID: {OURS}\nSubject: x\n\nbody" if original is None else original
    return f"""\
From: MAILER-DAEMON@mx.example
Message-ID: <bounce@mx.example>
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain; charset=utf-8

{words}
--b
Content-Type: {status}

{fields}

--b
Content-Type: {returned}

{copy}
--b--
""".replace("\n", "\r\n").encode()


def only(raw):
    """The one bounce in a mail without problems."""
    read = read_bounces(raw)
    assert read.problems == ()
    (bounce,) = read.found
    return bounce


def test_a_standard_report():
    assert only(report(FAILED)) == Bounce(
        OURS, "maker@meters.example", "5.1.1", True, "550 5.1.1 <maker@meters.example>: user unknown"
    )


@pytest.mark.parametrize("returned", ["text/rfc822-headers", "message/rfc822-headers", "message/global-headers"])
def test_the_header_alone_may_come_back(returned):
    assert only(report(FAILED, returned=returned, original=f"Subject: x\nMessage-Id:\n {OURS}\n")).message_id == OURS


def test_a_returned_mail_in_base64():
    import base64

    copy = base64.b64encode(f"Message-ID: {OURS}\r\n\r\nbody".encode()).decode()
    raw = report(FAILED, returned="message/rfc822\nContent-Transfer-Encoding: base64", original=copy)
    assert only(raw).message_id == OURS


def test_a_report_in_utf8():
    group = "Final-Recipient: utf-8; zähler@meters.example\nAction: failed\nStatus: 5.1.1"
    raw = report(group, status="message/global-delivery-status", returned="message/global")
    assert only(raw).recipient == "zähler@meters.example"


def test_the_address_we_used_counts_and_not_where_it_was_forwarded_to():
    group = "Original-Recipient: rfc822;maker@meters.example\n" + FAILED.replace("maker@meters", "inner@else")
    assert only(report(group)).recipient == "maker@meters.example"


def test_a_mail_without_our_message_id_is_a_bounce_of_something():
    assert only(report(FAILED, original="Subject: x\n\nbody")).message_id == ""


def test_our_message_id_in_the_text_of_the_report_will_do():
    raw = report(FAILED, original="", returned="text/html", words=f"Original header:\n> Message-Id: {OURS}\n")
    assert only(raw).message_id == OURS


@pytest.mark.parametrize(
    ("fields", "permanent"),
    [
        ("Action: failed\nStatus: 5.0.0", True),
        ("Action: FAILED (given up)\nStatus: 4.4.7", True),
        ("Action: delayed\nStatus: 4.4.1", False),
        ("Status: 5.2.2 (mailbox full)", True),
        ("Status: 4.2.2", False),
        ("Action: delivered\nStatus: 2.0.0", None),
        ("Action: relayed\nStatus: 5.0.0", None),
        ("Action: expanded\nStatus: 2.1.5", None),
        ("Status: 2.0.0", None),
        ("", None),
    ],
)
def test_what_the_server_has_done(fields, permanent):
    read = read_bounces(report(f"Final-Recipient: rfc822;maker@meters.example\n{fields}".rstrip()))
    assert [bounce.permanent for bounce in read.found] == ([] if permanent is None else [permanent])
    assert read.problems == ()


def test_each_recipient_is_one_bounce():
    groups = [f"Final-Recipient: rfc822;m{n}@meters.example\nAction: failed\nStatus: 5.1.{n}" for n in range(3)]
    read = read_bounces(report(*groups))
    assert [(bounce.recipient, bounce.status) for bounce in read.found] == [
        (f"m{n}@meters.example", f"5.1.{n}") for n in range(3)
    ]
    assert read_bounces(report("\n".join(groups))) == read  # the blank line forgotten


def test_without_a_diagnosis_the_words_for_people_are_told():
    group = "Final-Recipient: rfc822;maker@meters.example\nAction: failed\nStatus: 5.0.0"
    assert only(report(group, words="Sorry,\nno  such\tmeter.")).text == "Sorry, no such meter."


@pytest.mark.parametrize(("diagnosis", "text"), [("smtp;", "It failed."), ("no such meter", "no such meter")])
def test_a_diagnosis_written_wrongly(diagnosis, text):
    group = f"Final-Recipient: rfc822;a@b.example\nAction: failed\nDiagnostic-Code: {diagnosis}"
    assert only(report(group)).text == text


def test_a_report_about_nobody_is_a_matter_for_a_person():
    (problem,) = read_bounces(report()).problems
    assert problem.kind == "damaged"


# Forms older than the standard

QMAIL = f"""\
Return-Path: <>
From: MAILER-DAEMON@mx.example
Subject: failure notice

Hi. This is the qmail-send program at mx.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it couldn't be delivered.

<maker@meters.example>:
192.0.2.1 does not like recipient.
Remote host said: 550 5.1.1 no such user here

--- Below this line is a copy of the message.

Return-Path: <desk@mail.example>
From: desk@mail.example
Message-ID: {OURS}

550 4.0.0 our own text
<other@meters.example>:
"""

EXIM = f"""\
From: Mail Delivery System <Mailer-Daemon@mx.example>
X-Failed-Recipients: maker@meters.example, second@meters.example
Auto-Submitted: auto-replied
Subject: Mail delivery failed: returning message to sender

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error.

  maker@meters.example
    SMTP error from remote mail server: 550 unrouteable

------ This is a copy of the message, including all the headers. ------

Message-ID: {OURS}
"""

EXCHANGE = f"""\
From: postmaster@corp.example
Subject: Undeliverable: reminder
Content-Type: multipart/mixed; boundary=b

--b

Your message wasn't delivered to:
maker@meters.example
#5.1.10 RecipientNotFound
--b
Content-Type: message/rfc822

Message-ID: {OURS}

body
--b--
"""


def older(text):
    return text.replace("\n", "\r\n").encode()


def test_qmail():
    bounce = only(older(QMAIL))
    assert (bounce.message_id, bounce.recipient) == (OURS, "maker@meters.example")
    assert (bounce.status, bounce.permanent) == ("5.1.1", True)
    assert "our own text" not in bounce.text


def test_exim():
    read = read_bounces(older(EXIM))
    assert [(b.message_id, b.recipient, b.permanent) for b in read.found] == [
        (OURS, "maker@meters.example", True),
        (OURS, "second@meters.example", True),
    ]


def test_exchange():
    bounce = only(older(EXCHANGE))
    assert (bounce.message_id, bounce.recipient, bounce.status) == (OURS, "maker@meters.example", "5.1.10")


def test_a_warning_that_the_server_still_tries():
    text = EXIM.replace("Mail delivery failed: returning message to sender", "Warning: message delayed 24 hours")
    text = text.replace("This is a permanent error.", "It has not yet been delivered.").replace(
        "550 unr", "timed out: "
    )
    assert [bounce.permanent for bounce in read_bounces(older(text)).found] == [False, False]


def test_line_ends_of_unix_make_no_difference():
    assert only(QMAIL.encode()) == only(older(QMAIL))
    assert only(report(FAILED).replace(b"\r\n", b"\n")) == only(report(FAILED))


# What is no bounce


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"Subject: hello\r\n\r\nbody\r\n",
        older(QMAIL.replace("Return-Path: <>\nFrom: MAILER-DAEMON", "From: colleague")),
        older(QMAIL.replace(OURS, "")),
        older(f"Return-Path: <>\nSubject: I am away\n\nI am out of the office.\n> Message-ID: {OURS}\n"),
        report("Final-Recipient: rfc822;a@b.example\nAction: delivered\nStatus: 2.0.0"),
    ],
    ids=["empty", "plain", "a-person", "of-nothing", "out-of-office", "good-news"],
)
def test_what_is_no_bounce(raw):
    assert read_bounces(raw) == Bounces()


@pytest.mark.parametrize(
    ("raw", "may"),
    [
        (b"Subject: hello\r\n\r\nbody\r\n", False),
        (b"", False),
        (older(QMAIL), True),
        (older(EXIM), True),
        (report(FAILED), True),
        (report(FAILED).replace(b"message/delivery-status", b"message/global-delivery-status"), True),
    ],
    ids=["plain", "empty", "qmail", "exim", "report", "global-report"],
)
def test_the_mail_reader_says_whether_it_is_worth_asking_for_bounces(raw, may):
    assert read_message(raw).may_be_bounce is may
    assert may or read_bounces(raw) == Bounces()


def test_a_mail_that_cannot_be_read_whole_is_asked_for_bounces_all_the_same():
    assert read_message(report(FAILED), MailLimits(octets=100)).may_be_bounce


# What was made to do harm


def test_words_are_one_line_that_is_safe_to_show():
    bad = "smtp; 550 \x1b[2J\u202egnp\x00 " + "x" * 5_000
    bounce = only(report(FAILED.partition("Diagnostic")[0] + f"Diagnostic-Code: {bad}"))
    assert bounce.text.isprintable()
    assert len(bounce.text) <= 300


def test_an_address_that_is_none_is_shown_and_no_more():
    bounce = only(report("Final-Recipient: rfc822; no\x07 address\nAction: failed\nStatus: 5.1.3"))
    assert bounce.recipient == "no address"


def test_so_many_recipients_and_no_more():
    groups = [f"Final-Recipient: rfc822;m{n}@b.example\nAction: failed" for n in range(150)]
    read = read_bounces(report(*groups))
    assert len(read.found) == 100
    assert [problem.kind for problem in read.problems] == ["limit"]
    assert "150" in read.problems[0].text


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 1_000,
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(500)),
        b"From: x" + b"y" * 200_000 + b"\r\n\r\n",
    ],
    ids=["parts", "depth", "header"],
)
def test_a_mail_over_a_limit_is_a_problem(raw):
    read = read_bounces(raw)
    assert read.found == ()
    assert [problem.kind for problem in read.problems] == ["limit"]


def test_a_limit_is_an_argument():
    assert read_bounces(report(FAILED), MailLimits(octets=100)).problems[0].kind == "limit"


def test_a_fault_of_our_own_is_a_problem_too(monkeypatch):
    def broken(*_):
        raise KeyError("secret words of the mail")

    monkeypatch.setattr("pipeline.readers.bounce.leaves", broken)
    (problem,) = read_bounces(report(FAILED)).problems
    assert problem.kind == "crash"
    assert "secret" not in problem.text


SLOW = {
    "blanks": "\n" + " " * 60_000,
    "dots": "5." * 30_000,
    "digits": "5" * 60_000,
    "addresses": "<a@" * 20_000,
    "colons": ":" * 60_000,
    "dashes": "-" * 60_000,
    "quotes": "\n>" * 30_000,
    "ids": "\nMessage-ID: <" * 4_000,
    "folds": "Final-Recipient: x\n" + " y\n" * 20_000,
}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW.keys())
def test_no_text_takes_long(text):
    before = time.process_time()
    read_bounces(report(FAILED + "\n" + text, words=text, original=text))
    read_bounces(older(QMAIL.replace("Hi.", text)))
    assert time.process_time() - before < 2


@given(st.binary(max_size=300), st.integers(0, 800))
def test_whatever_stands_in_a_report_it_ends_in_a_value(noise, place):
    raw = report(FAILED)
    read = read_bounces(raw[:place] + noise + raw[place:])
    assert all(bounce.text.isprintable() and bounce.recipient.isprintable() for bounce in read.found)


@pytest.mark.real
def test_the_mails_of_other_people():
    if not CORPUS.is_dir():
        pytest.skip(f"the evidence is not here: {CORPUS}")
    files = [file for file in sorted(CORPUS.rglob("*")) if file.is_file()]
    read = {file.name: read_bounces(file.read_bytes()) for file in files}
    assert not [name for name, reading in read.items() if any(p.kind == "crash" for p in reading.problems)]
    told = {name: [(b.status, b.permanent) for b in reading.found] for name, reading in read.items() if reading.found}
    assert told["report_422.eml"] == [("4.2.2", False)]
    assert told["report_530.eml"] == [("5.3.0", True)]
    assert len(told["msg_43.txt"]) == 25
    assert len(told) == 8
    assert all(b.message_id and b.recipient for reading in read.values() for b in reading.found)
