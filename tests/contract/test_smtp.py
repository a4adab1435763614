"""Mail out, to a real SMTP server: what it takes, what it refuses, how the line is made safe, and who logs in."""

import contextlib
import socket

import pytest

from pipeline.outbox import Outcome, Smtp, SmtpSettings, Throttle, Tls, TransportUnusable
from tests.contract import dovecot, smtp_servers
from tests.contract.smtp_servers import HOST, PASSWORD, TOKEN, USER, receiving, server_context

SENDER, RECIPIENT = "desk@mail.example", "maker@meters.example"
MAIL = b"From: desk@mail.example\r\nSubject: hello\r\nMessage-ID: <1@mail.example>\r\n\r\nbody\r\n"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    home = tmp_path_factory.mktemp("smtp-tls")
    dovecot.make_certificates(home)
    return home


@pytest.fixture
def transport():
    """Make transports to a server; all are closed when the test ends."""
    with contextlib.ExitStack() as made:

        def make(server, **changes):
            settings = SmtpSettings(
                **({"host": HOST, "port": server.port, "tls": Tls.NONE, "timeout_seconds": 10} | changes)
            )
            return made.enter_context(contextlib.closing(Smtp(settings, Throttle(1_000))))

        yield make


def send(transport, raw=MAIL, sender=SENDER, recipient=RECIPIENT):
    return transport.send(raw, sender=sender, recipient=recipient)


def safe(certificates, **options):
    """A server that wants STARTTLS before anything else."""
    return receiving(tls_context=server_context(certificates), require_starttls=True, **options)


def test_a_mail_is_taken_and_the_servers_words_are_kept(transport):
    with receiving() as server:
        sent = send(transport(server))
    assert (sent.outcome, sent.code, sent.status) == (Outcome.TAKEN, 250, "2.0.0")
    assert sent.text == "2.0.0 queued as 1"
    assert [(mail.sender, mail.recipient, mail.raw) for mail in server.taken] == [(SENDER, RECIPIENT, MAIL)]


TEXTS = {
    "dots": b"Subject: x\r\n\r\n.\r\n..\r\n.x\r\nend.\r\n.\r\nQUIT\r\n",
    "dot-first": b".Subject: x\r\n\r\nbody\r\n",
    "no-last-line-end": b"Subject: x\r\n\r\nbody",
    "bare-lf": b"Subject: x\n\nbody\n.\nMAIL FROM:<a@b.example>\n",
    "bare-cr": b"Subject: x\r\rbody\r.\r",
    "mixed-smuggling": b"Subject: x\r\n\r\na\n.\r\nMAIL FROM:<a@b.example>\r\nb\r\n.\nc\r\n",
    "longest-line": b"Subject: x\r\n\r\n" + b"y" * 998 + b"\r\n",
}


@pytest.mark.parametrize("raw", TEXTS.values(), ids=TEXTS.keys())
def test_what_arrives_is_what_was_sent_with_line_ends_of_mail(transport, raw):
    with receiving() as server:
        assert send(transport(server), raw).outcome is Outcome.TAKEN
    (mail,) = server.taken
    unix = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert mail.raw == (unix if unix.endswith(b"\n") else unix + b"\n").replace(b"\n", b"\r\n")


def test_many_mails_go_over_one_connection(transport):
    with receiving() as server:
        out = transport(server)
        assert {send(out, recipient=f"m{number}@meters.example").outcome for number in range(20)} == {Outcome.TAKEN}
    assert [mail.recipient for mail in server.taken] == [f"m{number}@meters.example" for number in range(20)]
    assert len(server.sessions) == 1


@pytest.mark.parametrize(
    ("verb", "reply", "outcome", "status"),
    [
        ("RCPT", "550 5.1.1 no such user", Outcome.REFUSED, "5.1.1"),
        ("RCPT", "450 4.2.0 greylisted", Outcome.LATER, "4.2.0"),
        ("RCPT", "554 no", Outcome.REFUSED, ""),
        ("DATA", "550 5.7.1 looks like spam", Outcome.REFUSED, "5.7.1"),
        ("DATA", "452 4.3.1 disk full", Outcome.LATER, "4.3.1"),
    ],
)
def test_a_refusal_is_told_apart_from_a_delay_and_the_next_mail_goes(transport, verb, reply, outcome, status):
    with receiving() as server:
        out = transport(server)
        server.answers[verb] = reply
        sent = send(out)
        assert (sent.outcome, sent.code, sent.status) == (outcome, int(reply[:3]), status)
        assert f"the server said: {reply}." in sent.text
        assert server.taken == []
        server.answers.clear()
        assert send(out).outcome is Outcome.TAKEN
    assert len(server.taken) == 1


def test_a_server_that_went_away_in_between_is_asked_anew(transport):
    with receiving(timeout=0.5) as server:  # it ends every line that is quiet for so long
        out = transport(server)
        assert send(out).outcome is Outcome.TAKEN
        quiet = out._line.sock.dup()
        while quiet.recv(100):
            pass  # until the server has closed its end
        quiet.close()
        assert send(out).outcome is Outcome.TAKEN
    assert (len(server.taken), len(server.sessions)) == (2, 2)


# TLS


def test_starttls_with_our_own_authority(transport, certificates):
    with safe(certificates) as server:
        out = transport(server, tls=Tls.STARTTLS, ca_file=certificates / "ca.crt")
        assert send(out).outcome is Outcome.TAKEN
    assert len(server.taken) == 1


def test_tls_from_the_start(transport, certificates):
    with receiving(implicit=server_context(certificates)) as server:
        out = transport(server, host="localhost", tls=Tls.IMPLICIT, ca_file=certificates / "ca.crt")
        assert [send(out).outcome for _ in range(2)] == [Outcome.TAKEN] * 2
    assert len(server.taken) == 2


@pytest.mark.parametrize("tls", [Tls.IMPLICIT, Tls.STARTTLS])
def test_a_certificate_of_an_unknown_authority_is_not_believed(transport, certificates, tls):
    context = server_context(certificates)
    options = {"implicit": context} if tls is Tls.IMPLICIT else {"tls_context": context}
    with receiving(**options) as server:
        sent = send(transport(server, tls=tls))  # the system's roots
    assert sent.outcome is Outcome.UNUSABLE
    assert "not trusted" in sent.text
    assert "ca_file" in sent.text
    assert server.taken == []


def test_a_certificate_for_another_host_is_not_believed(transport, certificates, monkeypatch):
    known = socket.create_connection
    monkeypatch.setattr(socket, "create_connection", lambda place, wait: known((HOST, place[1]), wait))
    with receiving(implicit=server_context(certificates)) as server:
        sent = send(transport(server, host="mail.example", tls=Tls.IMPLICIT, ca_file=certificates / "ca.crt"))
    assert sent.outcome is Outcome.UNUSABLE
    assert "not trusted" in sent.text
    assert "mail.example" in sent.text
    assert server.taken == []


def test_a_server_without_starttls_gets_no_mail_and_no_password(transport):
    with receiving(auth_require_tls=False) as server:
        sent = send(transport(server, tls=Tls.STARTTLS, user=USER, password=PASSWORD))
    assert sent.outcome is Outcome.UNUSABLE
    assert "no STARTTLS" in sent.text
    assert (server.taken, server.logins) == ([], [])


@pytest.mark.parametrize("tls", [Tls.IMPLICIT, Tls.STARTTLS])
def test_roots_that_cannot_be_read_are_named(transport, tmp_path, tls):
    (tmp_path / "ca.pem").write_text("none")
    with receiving() as server:
        sent = send(transport(server, tls=tls, ca_file=tmp_path / "ca.pem"))
        assert server.sessions == []
    assert sent.outcome is Outcome.UNUSABLE
    assert "ca.pem cannot be read" in sent.text


# Logging in


@pytest.fixture
def login(certificates):
    """Make servers that take mail only over TLS and from who is logged in."""

    @contextlib.contextmanager
    def make(**options):
        holder = []

        def authenticate(*words):
            return holder[0].authenticate(*words)

        with safe(certificates, auth_required=True, authenticator=authenticate, **options) as server:
            holder.append(server)
            yield server

    return make


@pytest.fixture
def secret(transport, certificates):
    """Make transports that begin TLS, and log in where the test says how."""

    def make(server, **changes):
        return transport(server, tls=Tls.STARTTLS, ca_file=certificates / "ca.crt", **changes)

    return make


@pytest.mark.parametrize("exclude", [[], ["PLAIN"]], ids=["plain", "login"])
def test_a_password_in_any_characters_logs_in(secret, login, exclude):
    with login(auth_exclude_mechanism=exclude) as server:
        assert send(secret(server, user=USER, password=PASSWORD)).outcome is Outcome.TAKEN
    assert server.logins == (["LOGIN"] if exclude else ["PLAIN"])


@pytest.mark.parametrize("exclude", [[], ["PLAIN"]], ids=["plain", "login"])
def test_a_wrong_password_needs_a_person_and_is_not_shown(secret, login, exclude):
    wrong = "not the word"
    with login(auth_exclude_mechanism=exclude) as server:
        sent = send(secret(server, user=USER, password=wrong))
    assert (sent.outcome, sent.code) == (Outcome.UNUSABLE, 535)
    assert "log in" in sent.text
    assert wrong not in sent.text
    assert server.taken == []


def test_a_server_that_wants_a_login_we_have_not_needs_a_person(secret, login):
    with login() as server:
        sent = send(secret(server))
    assert (sent.outcome, sent.code) == (Outcome.UNUSABLE, 530)


def test_a_token_logs_in(secret, login):
    with login(kind=smtp_servers.Microsoft) as server:
        out = secret(server, user=USER, token=lambda renew: TOKEN)
        assert send(out).outcome is Outcome.TAKEN


def test_a_token_that_is_refused_is_renewed_once(secret, login):
    with login(kind=smtp_servers.Microsoft) as server:
        out = secret(server, user=USER, token=lambda renew: TOKEN if renew else "stale")
        assert send(out).outcome is Outcome.TAKEN
    assert len(server.taken) == 1


def test_a_new_token_that_is_refused_too_is_told_and_not_shown(secret, login):
    asked = []
    with login(kind=smtp_servers.Microsoft) as server:
        out = secret(server, user=USER, token=lambda renew: asked.append(renew) or "stale")
        sent = send(out)
    assert (sent.outcome, sent.code, asked) == (Outcome.UNUSABLE, 535, [False, True])
    assert "stale" not in sent.text


def test_no_token_to_be_had_is_a_matter_of_time(secret, login):
    def none(renew):
        raise ConnectionRefusedError("the authority is down")

    with login(kind=smtp_servers.Microsoft) as server:
        sent = send(secret(server, user=USER, token=none))
    assert sent.outcome is Outcome.LATER
    assert "token" in sent.text


# What the server can carry


def test_a_mail_over_the_servers_size_is_not_even_begun(transport):
    with receiving(data_size_limit=1_000) as server:
        sent = send(transport(server), MAIL + b"x" * 900 + b"\r\n" + b"y" * 100)
        assert sent.outcome is Outcome.REFUSED
        assert "1,000" in sent.text
        assert send(transport(server), MAIL).outcome is Outcome.TAKEN
    assert len(server.taken) == 1


def test_a_mail_of_25_megabytes_arrives_whole(transport, certificates):
    raw = MAIL + b"\r\n".join([b"." + b"x" * 900] * 28_000) + b"\r\n"
    with safe(certificates, data_size_limit=None) as server:
        out = transport(server, tls=Tls.STARTTLS, ca_file=certificates / "ca.crt")
        assert send(out, raw).outcome is Outcome.TAKEN
    assert server.taken[0].raw == raw


def test_eight_bit_text_is_announced(transport):
    raw = MAIL + "Zähler\r\n".encode()
    with receiving() as server:
        assert send(transport(server), raw).outcome is Outcome.TAKEN
    assert server.taken[0].raw == raw
    assert "BODY=8BITMIME" in server.taken[0].options
    assert "SMTPUTF8" not in server.taken[0].options


def test_plain_mail_asks_for_nothing_special(transport):
    with receiving(enable_SMTPUTF8=True) as server:
        send(transport(server))
    assert not {"BODY=8BITMIME", "SMTPUTF8"} & set(server.taken[0].options)


@pytest.mark.parametrize(
    ("raw", "recipient"), [(MAIL, "zähler@meters.example"), ("Subject: Zähler\r\n\r\nx\r\n".encode(), RECIPIENT)]
)
def test_international_mail_goes_where_it_is_understood_only(transport, raw, recipient):
    with receiving(enable_SMTPUTF8=True) as server:
        assert send(transport(server), raw, recipient=recipient).outcome is Outcome.TAKEN
        assert server.taken[0].recipient == recipient
        assert "SMTPUTF8" in server.taken[0].options
    with receiving(enable_SMTPUTF8=False) as server:
        sent = send(transport(server), raw, recipient=recipient)
        assert sent.outcome is Outcome.REFUSED
        assert "SMTPUTF8" in sent.text
        assert server.taken == []


# doctor


def test_describe_logs_in_and_sends_nothing(secret, login):
    with login(data_size_limit=30_000_000) as server:
        told = "\n".join(secret(server, user=USER, password=PASSWORD).describe())
    assert f"logged in as {USER}" in told
    assert "30,000,000 octets" in told
    assert PASSWORD not in told
    assert (server.logins, server.taken) == (["PLAIN"], [])


def test_describe_says_why_no_mail_could_go(secret, login):
    with login() as server, pytest.raises(TransportUnusable, match="log in"):
        secret(server, user=USER, password="wrong").describe()  # noqa: S106 - the test server's
