"""What an Exchange mailbox trusts, and what it does not: logins, rights, certificates, and answers.

Proved against a stub of Exchange, which is all that there is to be had (docs/how-to/exchange.md).
"""

import logging
import socket
import threading
import time
from datetime import date
from urllib.parse import urlsplit

import pytest

from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable
from pipeline.mailbox.trouble import LoginRefused
from tests.contract import dovecot, ews_stub
from tests.contract.ews_state import MESSAGES, envelope, fault, refusal, said
from tests.contract.graph_state import Reply, always, once

WRONG = "not-the-word"
DRAFT_ID = "<0123.reply@mail.example>"


def mail(number=1, message_id=None, body=b"body"):
    header = f"From: a@b.example\r\nSubject: {number}\r\nMessage-ID: {message_id or f'<{number}@b.example>'}\r\n\r\n"
    return header.encode("utf-8") + body + b"\r\n"


DRAFT = mail(message_id=DRAFT_ID)


# Who we are


@pytest.fixture
def ntlm(ews, monkeypatch):
    """Let the stub take NTLM: it is told by the environment who may log in."""
    monkeypatch.setenv("NTLM_USER_FILE", str(ews.server.accounts))
    ews.server.logins.clear()
    return ews


def test_ntlm_logs_in_once_for_a_visit(ntlm):
    ntlm.deliver(mail())
    opened = ntlm.mailbox(auth="ntlm")
    (listed,) = opened.unread()
    assert opened.fetch(listed.ref) == mail()
    assert opened.save_draft(DRAFT, DRAFT_ID)
    assert ntlm.server.logins == [f"ntlm {ews_stub.USER}"]
    opened.close()
    assert len(opened.unread()) == 1
    assert ntlm.server.logins == [f"ntlm {ews_stub.USER}"] * 2


@pytest.mark.parametrize("auth", ["ntlm", "basic"])
@pytest.mark.parametrize("changes", [{"password": WRONG}, {"user": "OFFICE\\nobody"}])
def test_a_wrong_login_is_refused_and_not_repeated(ntlm, auth, changes):
    with pytest.raises(LoginRefused, match=rf"401.*could not log in with {auth}.*NTLM") as trouble:
        ntlm.mailbox(auth=auth, **changes).unread()
    told = f"{trouble.value!r} {trouble.value.__cause__!r} {trouble.value.__context__!r}"
    assert WRONG not in told
    assert ews_stub.PASSWORD not in told


def test_the_right_login_after_a_wrong_one_is_not_taken_for_the_wrong_one(ews):
    with pytest.raises(MailboxRefused):
        ews.mailbox(password=WRONG).unread()
    assert list(ews.mailbox().unread()) == []
    with pytest.raises(MailboxRefused):
        ews.mailbox(password=WRONG).unread()


def test_a_mailbox_without_the_right_to_it_is_named(ews, ews_mailbox):
    ews.state.plans = [always("GetFolder", refusal("GetFolder", "ErrorAccessDenied", "Access is denied."))]
    with pytest.raises(MailboxRefused, match=rf"ErrorAccessDenied.*svc-cpl.*{ews.address}.*FullAccess"):
        ews_mailbox.unread()


def test_a_mailbox_that_is_not_there_is_named(ews):
    with pytest.raises(MailboxRefused, match=r"ErrorNonExistentMailbox.*no mailbox nobody@mail\.example"):
        ews.mailbox(address="nobody@mail.example").unread()


@pytest.mark.parametrize(
    ("reply", "trouble", "words"),
    [
        (Reply(401, b"x", {"WWW-Authenticate": "Basic"}), MailboxRefused, "could not log in"),
        (Reply(401, b"x", {"WWW-Authenticate": "Basic", "Connection": "close"}), MailboxRefused, "could not log in"),
        (Reply(403, b"x"), MailboxRefused, "EwsEnabled"),
        (Reply(404, b"x"), MailboxRefused, "no service at https"),
        (Reply(400, b"x"), MailboxRefused, "status 400"),
        (Reply(408, b"x"), MailboxUnavailable, "status 408"),
        (Reply(500, b"<html>x</html>"), MailboxUnavailable, "status 500"),
        (Reply(503, b"x", {"Connection": "close"}), MailboxUnavailable, "busy or broken"),
        (fault("ErrorIncorrectSchemaVersion"), MailboxRefused, "Exchange 2013"),
        (fault("ErrorMailboxMoveInProgress"), MailboxUnavailable, "MoveInProgress"),
        (fault("ErrorOfTomorrow", "a word"), MailboxUnavailable, "ErrorOfTomorrow a word"),
        (fault("", ""), MailboxUnavailable, "not why"),
        (refusal("GetFolder", "ErrorInternalServerError"), MailboxUnavailable, "ErrorInternalServerError"),
        (refusal("GetFolder", "NoError"), MailboxUnavailable, "NoError"),
    ],
)
def test_trouble_is_told_as_what_it_is(ews, ews_mailbox, reply, trouble, words):
    ews.state.plans = [always("GetFolder", reply)]
    with pytest.raises(trouble, match=words):
        ews_mailbox.unread()


def test_neither_mails_nor_secrets_reach_the_log(ntlm, caplog):
    ntlm.deliver(mail(body=b"stack vendor"))
    with caplog.at_level(logging.DEBUG):
        opened = ntlm.mailbox(auth="ntlm")
        opened.fetch(opened.unread()[0].ref)
        ntlm.state.plans = [always("CreateItem", Reply(200, raw=b"\0\0"))]
        with pytest.raises(MailboxUnavailable):
            opened.save_draft(DRAFT, DRAFT_ID)
    assert caplog.text
    for word in ("MimeContent", "stack vendor", ews_stub.PASSWORD):
        assert word not in caplog.text


def test_a_secret_that_the_server_repeats_is_not_told(ews, ews_mailbox):
    ews.state.plans = [always("GetFolder", fault("ErrorInvalidRequest", f"said {ews_stub.PASSWORD}\r\nso"))]
    with pytest.raises(MailboxRefused, match=r"said \*\*\*  so") as trouble:
        ews_mailbox.unread()
    assert ews_stub.PASSWORD not in f"{trouble.value!r} {trouble.value.__cause__!r}"


# Where the password may go


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nobody_is_followed_to_another_address(ews, ews_mailbox, status):
    ews.state.plans = [always("GetFolder", Reply(status, b"", {"Location": ews.server.url}))]
    with pytest.raises(MailboxRefused, match="sends us elsewhere"):
        ews_mailbox.unread()
    assert len(ews.state.asked) == 1


def test_a_server_whose_certificate_is_not_ours_to_trust_is_refused(ews, tmp_path, monkeypatch):
    dovecot.make_certificates(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ews.server.ca_file))
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(ews.server.ca_file))  # nor what comes with it
    for changes in ({"ca_file": None}, {"ca_file": tmp_path / "ca.crt"}):
        with pytest.raises(MailboxRefused, match="certificate is not trusted"):
            ews.mailbox(**changes).unread()
    with pytest.raises(MailboxRefused, match="cannot be read as PEM"):
        ews.mailbox(ca_file=tmp_path / "missing.pem").unread()
    assert ews.state.asked == []


def test_a_certificate_for_another_name_is_refused(ews, monkeypatch):
    before = list(ews.server.logins)
    found = socket.getaddrinfo(ews_stub.HOST, urlsplit(ews.server.url).port, type=socket.SOCK_STREAM)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(MailboxRefused, match="certificate is not trusted"):
        ews.mailbox(url=ews.server.url.replace(ews_stub.HOST, "mail.example")).unread()
    assert ews.server.logins == before


def test_no_proxy_of_the_environment_is_used(ews, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert list(ews.mailbox().unread()) == []


def test_a_server_that_is_not_there_is_unavailable():
    from pipeline.mailbox import EwsSettings, open_mailbox

    mailbox = open_mailbox(EwsSettings("https://127.0.0.1:1/EWS/Exchange.asmx", "a@b.example", "u", "p"))
    with pytest.raises(MailboxUnavailable, match="connection failed"):
        mailbox.unread()
    mailbox.close()


# Answers that are no answer

INBOX = "<m:Folders><t:Folder>{}</t:Folder></m:Folders>"
SUCCESS = '<m:GetFolderResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>{}'
SUCCESS += "</m:GetFolderResponseMessage>"


def three(inner):
    parts = SUCCESS.format(inner) * 3
    return said(f"<m:GetFolderResponse><m:ResponseMessages>{parts}</m:ResponseMessages></m:GetFolderResponse>")


BOMB = "".join(f'<!ENTITY x{n} "{f"&x{n - 1};" * 10}">' for n in range(1, 10))

NO_ANSWERS = {
    "empty": Reply(200),
    "html": Reply(200, b"<html>sign in</html>"),
    "cut-xml": Reply(200, envelope("")[:-10]),
    "no-body": Reply(200, b"<x/>"),
    "no-answer": said(""),
    "another-answer": said("<m:GetItemResponse><m:ResponseMessages/></m:GetItemResponse>"),
    "too-few": said("<m:GetFolderResponse><m:ResponseMessages/></m:GetFolderResponse>"),
    "another-namespace": said(f'<x:GetFolderResponse xmlns:x="{MESSAGES}x"/>'),
    "no-folders": three(""),
    "no-id": three(INBOX.format("<t:DisplayName>Inbox</t:DisplayName>")),
    "empty-id": three(INBOX.format('<t:FolderId Id=""/>')),
    "two-folders": three(INBOX.format('<t:FolderId Id="x"/>').replace("</m:F", "<t:Folder/></m:F")),
    "deep": Reply(200, b"<x>" * 200_000),
    "bomb": Reply(200, f'<!DOCTYPE x [<!ENTITY x0 "x">{BOMB}]><x>&x9;</x>'.encode()),
    "file": Reply(200, b'<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/hostname">]><x>&y;</x>'),
    "not-utf-8": Reply(200, b'<?xml version="1.0" encoding="utf-8"?><x>\xff</x>'),
    "unknown-encoding": Reply(200, b'<?xml version="1.0" encoding="x-none"?><x/>'),
    "long": Reply(200, b"<x>" + b"x" * 16_000_000 + b"</x>"),
    "no-length": Reply(200, raw=b"HTTP/1.1 200 OK\r\n\r\n<x/>"),
    "wrong-length": Reply(200, b"<x/>", {"Content-Length": "11"}, cut=100_000),
    "huge-length": Reply(200, b"<x/>", {"Content-Length": "9" * 5_000}, cut=100_000),
    "compressed": Reply(200, b"<x/>", {"Content-Encoding": "gzip"}),
    "no-http": Reply(200, raw=b"* OK IMAP4rev1 ready\r\n"),
    "long-header": Reply(200, b"<x/>", {"X": "y" * 200_000}),
    "two-lengths": Reply(200, raw=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n<>"),
    "bad-chunk": Reply(200, raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n<x/>\r\n"),
    "status-999": Reply(999, b"<x/>"),
}


@pytest.mark.parametrize("reply", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_an_answer_that_cannot_be_understood_is_trouble_in_words_and_passes(ews, ews_mailbox, reply):
    ews.deliver(mail())
    ews.state.plans = [once("GetFolder", reply)]
    with pytest.raises(MailboxUnavailable, match=ews.settings().place):
        ews_mailbox.unread()
    assert len(ews_mailbox.unread()) == 1


LAST = '<m:RootFolder IncludesLastItemInRange="true" IndexedPagingOffset="1" TotalItemsInView="1">{}</m:RootFolder>'
ITEM = '<t:Message><t:ItemId Id="AAk"/>{}</t:Message>'


def listed(inner):
    message = f'<m:FindItemResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>{inner}'
    messages = f"<m:ResponseMessages>{message}</m:FindItemResponseMessage></m:ResponseMessages>"
    return said(f"<m:FindItemResponse>{messages}</m:FindItemResponse>")


@pytest.mark.parametrize(
    "inner",
    [
        "",
        LAST.format(""),
        LAST.format("<t:Items><t:Message/></t:Items>"),
        LAST.format("<t:Items/>").replace("true", "perhaps"),
        LAST.format("<t:Items/>").replace("true", "false").replace('Offset="1"', 'Offset="-1"'),
        LAST.format("<t:Items/>").replace("true", "false").replace('Offset="1"', 'Offset="²"'),
    ],
)
def test_a_list_of_something_else_is_no_empty_folder(ews, ews_mailbox, inner):
    ews.state.plans = [once("FindItem", listed(inner))]
    with pytest.raises(MailboxUnavailable, match="cannot be understood"):
        ews_mailbox.sent(date(2026, 3, 2))


END = "<m:SyncState>abc=</m:SyncState><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>"
CHANGES = f"{END}<m:Changes>{{}}</m:Changes>"


def changed(inner):
    message = (
        f'<m:SyncFolderItemsResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>{inner}'
    )
    messages = f"<m:ResponseMessages>{message}</m:SyncFolderItemsResponseMessage></m:ResponseMessages>"
    return said(f"<m:SyncFolderItemsResponse>{messages}</m:SyncFolderItemsResponse>")


@pytest.mark.parametrize(
    "inner",
    [
        "",
        CHANGES.replace("abc=", ""),
        CHANGES.replace("true", "perhaps"),
        CHANGES.replace("m:Changes", "m:Others"),
        CHANGES.format("<t:Create/>"),
        CHANGES.format("<t:Create><t:Message/></t:Create>"),
        CHANGES.format('<t:Update><t:Message><t:ItemId Id=""/></t:Message></t:Update>'),
        CHANGES.format("<t:Delete/>"),
        CHANGES.format("<t:ReadFlagChange><t:IsRead>true</t:IsRead></t:ReadFlagChange>"),
    ],
)
def test_changes_that_are_none_change_nothing(ews, ews_mailbox, inner):
    ews.deliver(mail())
    before = ews_mailbox.unread()
    ews.state.plans = [once("SyncFolderItems", changed(inner))]
    with pytest.raises(MailboxUnavailable, match="cannot be understood"):
        ews_mailbox.unread()
    assert ews_mailbox.unread() == before


@pytest.mark.parametrize("size", ["-1", "1e9", "²", "", "9" * 400, "x"])
def test_a_size_that_is_none_is_not_believed(ews, ews_mailbox, size):
    item = ITEM.format(f"<t:IsRead>false</t:IsRead><t:Size>{size}</t:Size>")
    ews.state.plans = [once("SyncFolderItems", changed(CHANGES.format(f"<t:Create>{item}</t:Create>")))]
    assert [one.size for one in ews_mailbox.unread()] == [0]


@pytest.mark.parametrize("content", ["", "<t:MimeContent>a</t:MimeContent>", "<t:MimeContent>é===</t:MimeContent>"])
def test_mime_content_that_is_none_is_no_mail(ews, ews_mailbox, content):
    ews.deliver(mail())
    (one,) = ews_mailbox.unread()

    def plan(asked, do):
        reply = do()
        start, end = reply.body.find(b"<t:MimeContent"), reply.body.find(b"</t:MimeContent>")
        if start < 0:
            return reply
        return Reply(200, reply.body[:start] + content.encode() + reply.body[end + 16 :])

    ews.state.plans = [plan]
    with pytest.raises(MailboxUnavailable, match="MIME content"):
        ews_mailbox.fetch(one.ref)


def test_mime_content_in_lines_is_read(ews, ews_mailbox):
    ews.deliver(mail())
    (one,) = ews_mailbox.unread()

    def plan(asked, do):
        reply = do()
        at = reply.body.find(b'CharacterSet="UTF-8">') + 21
        return Reply(200, reply.body[:at] + b"\r\n" + reply.body[at : at + 8] + b"\r\n" + reply.body[at + 8 :])

    before = len(ews.state.asked)
    ews.state.plans = [lambda asked, do: plan(asked, do) if len(ews.state.asked) == before + 2 else None]
    assert ews_mailbox.fetch(one.ref) == mail()


def test_a_server_that_hangs_is_unavailable_in_time(ews):
    free = threading.Event()
    ews.state.plans = [lambda asked, do: free.wait(20) and None]
    opened = ews.mailbox(timeout_seconds=0.4)
    started = time.monotonic()
    try:
        with pytest.raises(MailboxUnavailable, match=r"within 0\.4 seconds"):
            opened.unread()
        assert time.monotonic() - started < 5
    finally:
        free.set()


def test_nothing_is_left_open_or_kept_by_exchangelib(ews):
    from exchangelib.protocol import CachingProtocol

    opened = ews.mailbox()
    opened.unread()
    opened.close()
    opened.close()
    assert CachingProtocol._protocol_cache == {}
    assert list(opened.unread()) == []
