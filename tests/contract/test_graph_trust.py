"""What a Microsoft 365 mailbox trusts, and what it does not: logins, permissions, addresses, and answers.

Proved against a stub of Graph, which is all that there is to be had (docs/how-to/microsoft-365.md).
"""

import logging
import threading
import time

import pytest

from pipeline.mailbox import graph_session
from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable
from tests.contract import dovecot, graph_stub
from tests.contract.graph_state import Reply, always, error, once, said

WRONG = "not-the-word"
DRAFT_ID = "<0123.reply@mail.example>"


def mail(number=1, message_id=None, body=b"body"):
    header = f"From: a@b.example\r\nSubject: {number}\r\nMessage-ID: {message_id or f'<{number}@b.example>'}\r\n\r\n"
    return header.encode("utf-8") + body + b"\r\n"


DRAFT = mail(message_id=DRAFT_ID)


# Who we are


def test_one_token_serves_many_visits(graph, graph_mailbox):
    before = graph.server.logins
    for _ in range(3):
        graph_mailbox.unread()
        graph_mailbox.close()
    assert graph.server.logins - before == 1


def test_a_token_that_ended_early_is_renewed_once(graph, graph_mailbox):
    graph_mailbox.unread()
    graph.server.tokens.clear()
    graph.deliver(mail())
    assert len(graph_mailbox.unread()) == 1


def test_a_token_that_is_never_taken_is_refused_and_not_asked_for_for_ever(graph, graph_mailbox):
    graph.state.plans = [always("GET", error(401, "InvalidAuthenticationToken"))]
    before = graph.server.logins
    with pytest.raises(MailboxRefused, match="token is not accepted"):
        graph_mailbox.unread()
    assert graph.server.logins - before == 2


def test_a_certificate_logs_in(graph):
    certificate = graph.server.certificate
    assert list(graph.mailbox(client_secret="", certificate=certificate).unread()) == []


def test_a_certificate_of_another_is_refused(graph, tmp_path):
    other = graph_stub.make_certificate(tmp_path)
    with pytest.raises(MailboxRefused, match="invalid_client"):
        graph.mailbox(client_secret="", certificate=other).unread()


def test_a_certificate_with_a_key_that_microsoft_does_not_take_is_refused(graph, tmp_path):
    dovecot.make_certificates(tmp_path)  # of elliptic curves
    other = (tmp_path / "server.crt").read_text() + (tmp_path / "server.key").read_text()
    with pytest.raises(MailboxRefused, match="RSA"):
        graph.mailbox(client_secret="", certificate=other).unread()


@pytest.mark.parametrize("part", ["nonsense", "key", "certificate"])
def test_a_certificate_that_is_none_is_refused_and_not_repeated(graph, part):
    whole = graph.server.certificate
    start = whole.index("-----BEGIN PRIVATE KEY")
    text = {"nonsense": "kept to ourselves", "key": whole[start:], "certificate": whole[:start]}[part]
    with pytest.raises(MailboxRefused, match="PEM text of an RSA private key") as trouble:
        graph.mailbox(client_secret="", certificate=text).unread()
    assert text[:20] not in f"{trouble.value!r} {trouble.value.__cause__!r}"


def test_a_wrong_secret_is_refused_and_not_repeated(graph):
    with pytest.raises(MailboxRefused, match=r"invalid_client AADSTS7000215.*Check tenant") as trouble:
        graph.mailbox(client_secret=WRONG).unread()
    assert WRONG not in f"{trouble.value!r} {trouble.value.__cause__!r}"


@pytest.fixture
def login(graph):
    """Plan what the login server says."""

    def plan(reply):
        graph.server.login = lambda asked, do: reply

    yield plan
    graph.server.login = None


@pytest.mark.parametrize(
    ("reply", "trouble"),
    [
        (said(503, {}), MailboxUnavailable),
        (said(429, {}), MailboxUnavailable),
        (said(400, {"error": "invalid_tenant"}), MailboxRefused),
        (said(302, {}, Location="https://127.0.0.1:1/"), MailboxRefused),
        (Reply(200, b"<html>"), MailboxRefused),
        (said(200, []), MailboxRefused),
        (said(200, None), MailboxRefused),
        (Reply(200, b"[" * 100_000), MailboxRefused),
        (Reply(200, b"x" * 1_000_001), MailboxUnavailable),
        (Reply(200, b"", raw=b"\0\0"), MailboxUnavailable),
    ],
    ids=["busy", "throttled", "tenant", "elsewhere", "html", "list", "null", "deep", "long", "cut"],
)
def test_trouble_with_the_login_server_is_told_as_such(graph, login, reply, trouble):
    login(reply)
    with pytest.raises(trouble):
        graph.mailbox().unread()


@pytest.mark.parametrize("code", ["temporarily_unavailable", "server_error"])
def test_a_login_server_that_says_later_is_asked_later(graph, login, code):
    graph.server.login = lambda asked, do: said(400, {"error": code}) if asked.method == "POST" else None
    with pytest.raises(MailboxUnavailable, match=code):
        graph.mailbox().unread()


def test_a_missing_permission_is_named(graph, graph_mailbox):
    graph.state.plans = [always("GET", error(403, "ErrorAccessDenied", "Access is denied."))]
    with pytest.raises(MailboxRefused, match=rf"ErrorAccessDenied.*{graph.user}.*Mail\.ReadWrite.*scope"):
        graph_mailbox.unread()


def test_a_mailbox_that_is_not_there_is_named(graph):
    with pytest.raises(MailboxRefused, match=r"There is no mailbox nobody@mail\.example"):
        graph.mailbox(user="nobody@mail.example").unread()


def test_neither_mails_nor_secrets_reach_the_log(graph, caplog):
    graph.deliver(mail(body=b"stack vendor"))
    with caplog.at_level(logging.DEBUG):
        opened = graph.mailbox()
        opened.fetch(opened.unread()[0].ref)
    assert caplog.text
    for word in ("stack vendor", graph_stub.SECRET, f"token-{graph.server.logins}"):
        assert word not in caplog.text


def test_a_secret_that_the_server_repeats_is_not_told(graph, graph_mailbox):
    def plan(asked, do):
        return error(400, "X", f"{graph_stub.SECRET} and {asked.headers['authorization']}")

    graph.state.plans = [plan]
    with pytest.raises(MailboxRefused, match=r"\*\*\* and Bearer \*\*\*") as trouble:
        graph_mailbox.unread()
    assert graph_stub.SECRET not in str(trouble.value)


# Where the token may go


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("name", ["GET mailFolders", "POST messages"])
def test_nobody_is_followed_to_another_address(graph, graph_mailbox, status, name):
    graph.state.plans = [always(name, said(status, {}, Location=f"{graph.server.address}/elsewhere"))]
    with pytest.raises(MailboxRefused, match="sends us elsewhere"):
        graph_mailbox.save_draft(DRAFT, DRAFT_ID) if name.startswith("POST") else graph_mailbox.unread()


@pytest.mark.parametrize("link", ["@odata.nextLink", "@odata.deltaLink"])
@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example/v1.0/x",
        "http://{host}/v1.0/x",
        "https://{host}.elsewhere.example/v1.0/x",
        "https://me@{host}/v1.0/x",
        "https://{host}@elsewhere.example/v1.0/x",
        "https://{host}/v1.0x/x",
        "//elsewhere.example/x",
        "https://[::1/x",
        "{base}/x\r\nHost: elsewhere.example",
    ],
)
def test_a_link_elsewhere_is_refused(graph, graph_mailbox, link, address):
    to = address.format(host=graph.server.address.removeprefix("https://"), base=graph.server.base)
    graph.state.plans = [once("GET mailFolders/AQMinbox%3D/messages/delta", said(200, {"value": [], link: to}))]
    with pytest.raises(MailboxRefused, match="where we do not follow"):  # noqa: PT012 - the second link is used later
        graph_mailbox.unread()
        graph_mailbox.unread()


def test_a_list_without_end_is_given_up(graph, graph_mailbox, monkeypatch):
    monkeypatch.setattr(graph_session, "_MOST_PAGES", 20)
    here = f"{graph.state.home}/mailFolders/AQMinbox%3D/messages/delta?$skiptoken=1"
    graph.state.plans = [
        always("GET mailFolders/AQMinbox%3D/messages/delta", said(200, {"value": [], "@odata.nextLink": here}))
    ]
    with pytest.raises(MailboxUnavailable, match="more than 20 pages"):
        graph_mailbox.unread()


def test_a_server_whose_certificate_is_not_ours_to_trust_is_refused(graph, tmp_path):
    dovecot.make_certificates(tmp_path)
    for changes in ({"ca_file": None}, {"ca_file": tmp_path / "ca.crt"}):
        with pytest.raises(MailboxRefused, match="certificate is not trusted"):
            graph.mailbox(**changes).unread()
    with pytest.raises(MailboxRefused, match="cannot be read as PEM"):
        graph.mailbox(ca_file=tmp_path / "missing.pem").unread()


# Answers that are no answer

NO_ANSWERS = {
    "empty": Reply(200),
    "html": Reply(200, b"<html>sign in</html>"),
    "null": Reply(200, b"null"),
    "list": Reply(200, b"[]"),
    "no-id": said(200, {"displayName": "Inbox"}),
    "id-number": said(200, {"id": 7}),
    "id-null": said(200, {"id": None}),
    "count-text": said(200, {"id": "x", "totalItemCount": "many"}),
    "count-huge": Reply(200, b'{"id":"x","totalItemCount":1' + b"0" * 5_000 + b"}"),
    "not-utf-8": Reply(200, b'{"id":"\xff"}'),
    "half-a-pair": Reply(200, b'{"id":"\\ud800"}'),
    "deep": Reply(200, b'{"x":' * 100_000),
    "cut-json": Reply(200, b'{"id":"x'),
    "long": Reply(200, b'{"id":"' + b"x" * 16_000_000 + b'"}'),
    "no-length": Reply(200, raw=b'HTTP/1.1 200 OK\r\n\r\n{"id":"AQMinbox="}'),
    "wrong-length": Reply(200, b'{"id":"x"}', {"Content-Length": "11"}, cut=100_000),
    "compressed": Reply(200, b'{"id":"x"}', {"Content-Encoding": "gzip"}),
    "no-http": Reply(200, raw=b"* OK IMAP4rev1 ready\r\n"),
    "long-header": Reply(200, b"{}", {"X": "y" * 200_000}),
    "nul-header": Reply(200, raw=b"HTTP/1.1 200 OK\r\nX\0: y\r\nContent-Length: 2\r\n\r\n{}"),
    "two-lengths": Reply(200, raw=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
    "status-999": Reply(999, b"{}"),
}


@pytest.mark.parametrize("reply", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_an_answer_that_cannot_be_understood_is_trouble_in_words_and_passes(graph, graph_mailbox, reply):
    graph.deliver(mail())
    graph.state.plans = [once("GET mailFolders", reply)]
    with pytest.raises(MailboxUnavailable, match=graph.settings().place):
        graph_mailbox.unread()
    assert len(graph_mailbox.unread()) == 1


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        [None],
        [{"id": 1}],
        [{"id": "AAk", "isRead": "no"}],
        [{"id": "AAk", "receivedDateTime": 1}],
        [{"id": "AAk", "@removed": 1}],
        [{"id": "AAk", "singleValueExtendedProperties": [{"id": "Integer 0x0E08", "value": 5}]}],
    ],
)
def test_a_list_of_something_else_changes_nothing(graph, graph_mailbox, value):
    graph.deliver(mail(0))
    first = graph_mailbox.unread()
    graph.deliver(mail(1))
    graph.state.plans = [once("GET mailFolders/AQMinbox%3D/messages/delta", said(200, {"value": value}))]
    with pytest.raises(MailboxUnavailable, match="cannot be understood"):
        graph_mailbox.unread()
    assert graph_mailbox.unread()[0] == first[0]
    assert len(graph_mailbox.unread()) == 2


@pytest.mark.parametrize("size", ["-1", "1e9", "²", "", "9" * 400, "x"])
def test_a_size_that_is_none_is_not_believed(graph, graph_mailbox, size):
    graph.deliver(mail())
    row = {"id": "AAk", "isRead": False, "receivedDateTime": "2026", "@odata.etag": "x"}
    row["singleValueExtendedProperties"] = [
        {"id": "Integer 0xe08", "value": "1"},
        {"id": "Integer 0x0e08", "value": size},
    ]
    told = {"value": [row], "@odata.deltaLink": f"{graph.server.base}/x"}
    graph.state.plans = [once("GET mailFolders/AQMinbox%3D/messages/delta", said(200, told))]
    assert [one.size for one in graph_mailbox.unread()] == [0]


def test_a_failure_without_a_reason_is_told_by_its_status(graph, graph_mailbox):
    for body in (b"", b"<html>", b'{"error":"x"}', b'{"error":{"code":1}}', b"[" * 100_000):
        graph.state.plans = [once("GET mailFolders", Reply(400, body))]
        with pytest.raises(MailboxRefused, match=r"status 400\."):
            graph_mailbox.unread()


def test_a_server_that_hangs_is_unavailable_in_time(graph):
    free = threading.Event()
    graph.state.plans = [lambda asked, do: free.wait(20) and None]
    opened = graph.mailbox(timeout_seconds=0.4)
    started = time.monotonic()
    try:
        with pytest.raises(MailboxUnavailable, match=r"within 0\.4 seconds"):
            opened.unread()
        assert time.monotonic() - started < 5
    finally:
        free.set()
