"""Servers that misbehave: each ends in the one outcome that is true, in time, and in words that are safe to show."""

import base64
import contextlib
import socket
import threading

import pytest

from pipeline.outbox import Outcome, Smtp, SmtpSettings, Throttle, Tls
from tests.contract.smtp_servers import HOST, PASSWORD, USER, Scripted

MAIL = b"Subject: hello\r\nMessage-ID: <1@mail.example>\r\n\r\nbody\r\n"
EHLO_TLS = b"250-mail.example\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n"


@pytest.fixture
def scripted():
    """Make a server with these answers and a transport to it; both end with the test."""
    with contextlib.ExitStack() as made:

        def make(answers=None, **changes):
            server = Scripted(answers or {})
            made.callback(server.stop)
            settings = SmtpSettings(
                **({"host": HOST, "port": server.port, "tls": Tls.NONE, "timeout_seconds": 10} | changes)
            )
            return made.enter_context(contextlib.closing(Smtp(settings, Throttle(1_000)))), server

        yield make


def send(transport, raw=MAIL):
    return transport.send(raw, sender="desk@mail.example", recipient="maker@meters.example")


def test_the_scripted_server_takes_a_mail_by_itself(scripted):
    transport, server = scripted()
    assert send(transport).outcome is Outcome.TAKEN
    assert server.verbs() == ["EHLO", "MAIL", "RCPT", "DATA"]


def test_we_do_not_tell_what_this_machine_is_called(scripted):
    transport, server = scripted()
    send(transport)
    assert server.heard[0] == b"ehlo [127.0.0.1]\r\n"


# The point that nobody can know, and everything before it

UP_TO_THE_END = ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"]
GARBAGE = {
    "closed": None,
    "no-number": b"hello\r\n",
    "empty-line": b"\r\n",
    "binary": b"\x00\xff\xfe\r\n",
    "code-only-two": b"25 ok\r\n",
    "code-too-high": b"999 ok\r\n",
    "code-too-low": b"199 ok\r\n",
    "codes-that-differ": b"250-ok\r\n550 no\r\n",
    "no-blank": b"250ok\r\n",
    "arabic-digits": "٢٥٠ ok\r\n".encode(),
    "long-line": b"250 " + b"x" * 10_000_000 + b"\r\n",
    "long-line-without-end": b"250 " + b"x" * 200_000,
    "many-lines": b"250-x\r\n" * 100_000 + b"250 x\r\n",
    "half-an-answer": lambda line: (line.sendall(b"250 o"), line.shutdown(socket.SHUT_RDWR)),
}


@pytest.mark.parametrize("answer", GARBAGE.values(), ids=GARBAGE.keys())
@pytest.mark.parametrize("verb", UP_TO_THE_END)
def test_trouble_before_the_end_of_a_mail_is_a_matter_of_time(scripted, verb, answer):
    transport, _ = scripted({verb: answer})
    sent = send(transport)
    assert (sent.outcome, sent.code) == (Outcome.LATER, 0)
    assert sent.text.isprintable()
    assert len(sent.text) < 500


@pytest.mark.parametrize("answer", [*GARBAGE.values(), b"354 go on\r\n"], ids=[*GARBAGE, "go-on"])
def test_trouble_after_the_end_of_a_mail_is_unknown(scripted, answer):
    transport, _ = scripted({"END": answer})
    sent = send(transport)
    assert (sent.outcome, sent.status) == (Outcome.UNKNOWN, "")
    assert sent.text.startswith(f"SMTP {transport._settings.place}: could not ")


@pytest.mark.parametrize("verb", UP_TO_THE_END)
def test_silence_before_the_end_of_a_mail_is_waited_for_so_long_and_no_longer(scripted, verb):
    transport, _ = scripted({verb: b""}, timeout_seconds=0.2)
    sent = send(transport)
    assert sent.outcome is Outcome.LATER
    assert "in time" in sent.text


def test_the_answer_to_the_end_of_a_mail_is_waited_for_longer(scripted):
    answered = threading.Event()

    def slow(line):
        answered.wait(0.4)
        line.sendall(b"250 taken at last\r\n")

    transport, _ = scripted({"END": slow}, timeout_seconds=0.2, whole_seconds=30)
    assert send(transport).outcome is Outcome.TAKEN


def test_silence_after_the_end_of_a_mail_is_unknown(scripted):
    transport, _ = scripted({"END": b""}, whole_seconds=0.3)
    sent = send(transport)
    assert sent.outcome is Outcome.UNKNOWN
    assert "in time" in sent.text


@pytest.mark.parametrize(("verb", "outcome"), [("RCPT", Outcome.LATER), ("END", Outcome.UNKNOWN)])
def test_an_answer_that_comes_octet_by_octet_does_not_hold_us_for_ever(scripted, verb, outcome):
    ended = threading.Event()

    def drip(line):
        with contextlib.suppress(OSError):
            while not ended.wait(0.02):
                line.sendall(b"2")

    transport, _ = scripted({verb: drip}, timeout_seconds=10, whole_seconds=0.5)
    sent = send(transport)
    ended.set()
    assert sent.outcome is outcome
    assert "in time" in sent.text


def test_a_server_that_stops_reading_does_not_hold_us_for_ever(scripted):
    blocked = threading.Event()

    def deaf(line):
        line.sendall(b"354 go on\r\n")
        blocked.wait(10)

    transport, server = scripted({"EHLO": b"250 mail.example\r\n"}, timeout_seconds=0.3)
    server.answers["DATA"] = deaf
    sent = send(transport, MAIL + (b"x" * 900 + b"\r\n") * 15_000)
    blocked.set()
    assert sent.outcome is Outcome.LATER


def test_nobody_listening_is_a_matter_of_time(scripted):
    transport, server = scripted()
    server.stop()
    sent = send(transport)
    assert sent.outcome is Outcome.LATER
    assert "refused" in sent.text


# Answers nobody asked for


@pytest.mark.parametrize("verb", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"])
def test_an_answer_too_many_is_not_taken_for_the_next(scripted, verb):
    transport, server = scripted()
    server.answers[verb] = bytes(server.answers[verb]) + b"250 2.0.0 queued as 1\r\n"
    assert send(transport).outcome is Outcome.LATER


def test_what_stands_behind_the_last_answer_spoils_the_line_and_not_the_mail(scripted):
    transport, server = scripted({"END": b"250 taken\r\n421 and goodbye\r\n"})
    assert [send(transport).outcome for _ in range(2)] == [Outcome.TAKEN] * 2
    assert next(server.connections) == 2


def test_what_was_said_before_tls_is_not_believed(scripted):
    transport, server = scripted({"EHLO": EHLO_TLS, "STARTTLS": b"220 go\r\n250 AUTH PLAIN\r\n"}, tls=Tls.STARTTLS)
    sent = send(transport)
    assert sent.outcome is Outcome.LATER
    assert "before TLS" in sent.text
    assert server.verbs() == ["EHLO", "STARTTLS"]


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"EHLO": b"250 mail.example\r\n"}, Outcome.UNUSABLE),
        ({"EHLO": EHLO_TLS, "STARTTLS": b"502 no\r\n"}, Outcome.UNUSABLE),
        ({"EHLO": EHLO_TLS, "STARTTLS": b"454 4.7.0 not now\r\n"}, Outcome.LATER),
        ({"EHLO": EHLO_TLS, "STARTTLS": b"250 done\r\n"}, Outcome.LATER),
        ({"EHLO": EHLO_TLS, "STARTTLS": lambda line: line.sendall(b"220 go\r\n")}, Outcome.LATER),
    ],
    ids=["stripped", "refused", "busy", "pretended", "no-handshake"],
)
def test_without_tls_nothing_is_said_that_matters(scripted, answers, outcome):
    transport, server = scripted(answers, tls=Tls.STARTTLS, user=USER, password=PASSWORD, timeout_seconds=0.3)
    assert send(transport).outcome is outcome
    assert not {"AUTH", "MAIL", "RCPT", "DATA"} & set(server.verbs())


def test_a_server_that_speaks_no_tls_where_it_should(scripted):
    transport, server = scripted(tls=Tls.IMPLICIT, timeout_seconds=5)
    sent = send(transport)
    assert sent.outcome is Outcome.LATER
    assert "connect" in sent.text
    assert server.verbs() == [] or not {"EHLO", "AUTH", "MAIL"} & set(server.verbs())


# Who says no, and to what


@pytest.mark.parametrize(
    ("verb", "answer", "outcome"),
    [
        ("GREETING", b"554 5.3.2 no service for you\r\n", Outcome.UNUSABLE),
        ("GREETING", b"421 4.3.2 too many connections\r\n", Outcome.LATER),
        ("EHLO", b"502 what is that\r\n", Outcome.UNUSABLE),
        ("EHLO", b"421 4.3.2 shutting down\r\n", Outcome.LATER),
        ("MAIL", b"550 5.7.60 you may not send as this sender\r\n", Outcome.UNUSABLE),
        ("MAIL", b"530 5.7.57 log in first\r\n", Outcome.UNUSABLE),
        ("MAIL", b"552 5.3.4 too big\r\n", Outcome.REFUSED),
        ("MAIL", b"451 4.3.0 later\r\n", Outcome.LATER),
        ("RCPT", b"530 5.7.0 log in first\r\n", Outcome.UNUSABLE),
        ("RCPT", b"553 5.1.3 no address\r\n", Outcome.REFUSED),
        ("RCPT", b"251 will forward\r\n", Outcome.TAKEN),
        ("RCPT", b"252 will try\r\n", Outcome.TAKEN),
        ("DATA", b"554 5.5.1 no valid recipients\r\n", Outcome.REFUSED),
        ("DATA", b"451 later\r\n", Outcome.LATER),
        ("DATA", b"250 what\r\n", Outcome.LATER),
        ("END", b"552 5.2.2 mailbox full\r\n", Outcome.REFUSED),
        ("END", b"421 4.4.2 timeout\r\n", Outcome.LATER),
        ("END", b"251 ok\r\n", Outcome.TAKEN),
    ],
)
def test_each_answer_has_one_meaning(scripted, verb, answer, outcome):
    transport, _ = scripted({verb: answer})
    sent = send(transport)
    assert sent.outcome is outcome
    if outcome is not Outcome.TAKEN:
        assert f"the server said: {answer.decode().strip()}" in sent.text or sent.code == 0


@pytest.mark.parametrize(
    ("auth", "outcome"),
    [
        (b"535 5.7.8 no\r\n", Outcome.UNUSABLE),
        (b"454 4.7.0 try later\r\n", Outcome.LATER),
        (b"538 5.7.11 encryption needed\r\n", Outcome.UNUSABLE),
        (None, Outcome.LATER),
    ],
)
def test_a_login_that_fails(scripted, auth, outcome):
    transport, server = scripted({"AUTH": auth}, user=USER, password=PASSWORD)
    assert send(transport).outcome is outcome
    assert "MAIL" not in server.verbs()


def test_a_server_that_takes_no_login_of_ours_is_not_told_the_password(scripted):
    answers = {"EHLO": b"250-mail.example\r\n250 AUTH GSSAPI \x07NTLM\r\n"}
    transport, server = scripted(answers, user=USER, password=PASSWORD)
    sent = send(transport)
    assert sent.outcome is Outcome.UNUSABLE
    assert "GSSAPI" in sent.text
    assert sent.text.isprintable()
    assert server.verbs() == ["EHLO"]


def test_the_servers_words_are_one_line_and_hold_no_secret(scripted):
    encoded = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
    words = f"535 5.7.8 {PASSWORD} {encoded} \x1b[31mred\x07 \u202egnp.exe {'x' * 5_000}\r\n"
    transport, _ = scripted({"AUTH": words.encode()}, user=USER, password=PASSWORD)
    sent = send(transport)
    assert (sent.code, sent.status) == (535, "5.7.8")
    assert "*** ***" in sent.text
    assert PASSWORD not in sent.text
    assert encoded not in sent.text
    assert sent.text.isprintable()
    assert len(sent.text) < 450


def test_an_answer_in_many_lines_is_one(scripted):
    transport, _ = scripted({"RCPT": b"550-5.1.1 no such\r\n550-5.1.1 user\n550 5.1.1 here\r\n"})
    sent = send(transport)
    assert (sent.outcome, sent.status) == (Outcome.REFUSED, "5.1.1")
    assert sent.text.endswith("550 5.1.1 no such 5.1.1 user 5.1.1 here.")


@pytest.mark.parametrize("size", [b"", b" 0", b" many", b" -5", "\u0661".encode(), b" " + b"9" * 5_000])
def test_a_size_that_is_no_limit_is_none(scripted, size):
    transport, _ = scripted({"EHLO": b"250-mail.example\r\n250 SIZE" + size + b"\r\n"})
    assert send(transport).outcome is Outcome.TAKEN
    assert "no limit" in "\n".join(transport.describe())


def test_a_limit_is_held_to_the_octet(scripted):
    for limit, outcome in ((len(MAIL), Outcome.TAKEN), (len(MAIL) - 1, Outcome.REFUSED)):
        transport, server = scripted({"EHLO": b"250-mail.example\r\n250 SIZE %d\r\n" % limit})
        assert send(transport).outcome is outcome
        assert ("MAIL" in server.verbs()) is (outcome is Outcome.TAKEN)


def test_eight_bit_text_is_not_sent_where_it_would_be_spoilt(scripted):
    transport, server = scripted({"EHLO": b"250 mail.example\r\n"})
    sent = send(transport, MAIL + b"\xff\r\n")
    assert sent.outcome is Outcome.REFUSED
    assert "8BITMIME" in sent.text
    assert server.verbs() == ["EHLO"]


@pytest.mark.parametrize(
    ("sender", "recipient", "raw"),
    [
        ("a@b.example>\r\nRCPT TO:<c@d.example", "maker@meters.example", MAIL),
        ("desk@mail.example", "maker@meters.example>\r\nDATA", MAIL),
        ("desk@mail.example", "a@b.example,c@d.example", MAIL),
        ("desk@mail.example", "maker@meters.example", b"x" * 999 + b"\r\n"),
        ("desk@mail.example", "maker@meters.example", b"a\0b\r\n"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_anybody_is_asked(scripted, sender, recipient, raw):
    transport, server = scripted()
    sent = transport.send(raw, sender=sender, recipient=recipient)
    assert (sent.outcome, sent.code) == (Outcome.REFUSED, 0)
    assert sent.text.isprintable()
    assert next(server.connections) == 0


def test_after_trouble_the_line_is_a_new_one(scripted):
    transport, server = scripted({"RCPT": b"550 no\r\n"})
    assert send(transport).outcome is Outcome.REFUSED
    server.answers["RCPT"] = b"250 ok\r\n"
    assert send(transport).outcome is Outcome.TAKEN
    assert send(transport).outcome is Outcome.TAKEN
    assert next(server.connections) == 2


def test_closing_says_goodbye_and_can_be_repeated(scripted):
    transport, server = scripted()
    send(transport)
    transport.close()
    transport.close()
    assert server.verbs()[-1] == "QUIT"
