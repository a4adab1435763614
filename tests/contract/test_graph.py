"""What only Microsoft Graph can get wrong with mails and drafts: throttling, lost changes, cut lines, racing people.

Proved against a stub of Graph, which is all that there is to be had (docs/how-to/microsoft-365.md).
"""

import dataclasses
import hashlib
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from pipeline.mailbox import MailGone, MailTooLarge, graph_inbox
from pipeline.mailbox.graph import DRAFT_KEY
from pipeline.mailbox.graph_session import PATIENCE_SECONDS
from pipeline.mailbox.port import Filed, MailboxRefused, MailboxUnavailable, Ref
from tests.contract.graph_state import Reply, always, error, once, said

TARGET = "Processed"
CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "mail"
DRAFT_ID = "<0123.reply@mail.example>"


def mail(number=1, message_id=None, body=b"body"):
    header = f"From: a@b.example\r\nSubject: {number}\r\nMessage-ID: {message_id or f'<{number}@b.example>'}\r\n\r\n"
    return header.encode("utf-8") + body + b"\r\n"


DRAFT = mail(message_id=DRAFT_ID)


def sha256(raw):
    return hashlib.sha256(raw).hexdigest()


def names(graph):
    return [asked.name.partition("/AAk")[0] for asked in graph.state.asked]


def file(mailbox, ref):
    return mailbox.file_away(ref, sha256(mail()), "<1@b.example>", TARGET)


# When the server asks for patience


def test_a_throttled_request_is_sent_again_when_the_server_said(graph, graph_mailbox, sleeps):
    graph.deliver(mail())
    graph.state.plans = [once("GET mailFolders", error(429, "TooManyRequests", Retry_After="7"))]
    assert len(graph_mailbox.unread()) == 1
    assert sleeps == [7]


@pytest.mark.parametrize("told", ["31", "3600", "", "-1", "1.5", "²", "9" * 5000, "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_server_that_asks_for_too_much_or_for_nothing_clear_is_left_for_later(graph, graph_mailbox, sleeps, told):
    reply = error(429, "TooManyRequests")
    reply.headers["Retry-After"] = told.encode().decode("latin-1")
    graph.state.plans = [always("GET mailFolders", reply)]
    with pytest.raises(MailboxUnavailable, match="status 429") as trouble:
        graph_mailbox.unread()
    assert sleeps == []
    assert ("3600 seconds" in str(trouble.value)) == (told == "3600")


def test_a_visit_waits_only_so_long_in_all_and_the_next_has_patience_again(graph, graph_mailbox, sleeps):
    graph.state.plans = [always("GET mailFolders", error(503, "ServiceUnavailable", Retry_After="0"))]
    for visit in (1, 2):
        with pytest.raises(MailboxUnavailable):
            graph_mailbox.unread()
        assert len(sleeps) == visit * PATIENCE_SECONDS
        graph_mailbox.close()


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("after", [False, True])
def test_a_draft_that_the_server_may_have_taken_is_looked_for_before_it_is_put_again(
    graph, graph_mailbox, status, after
):
    graph.state.plans = [once("POST messages", error(status, "X", Retry_After="1"), after=after)]
    with pytest.raises(MailboxUnavailable):
        graph_mailbox.save_draft(DRAFT, DRAFT_ID)
    assert names(graph).count("POST messages") == 1
    assert graph_mailbox.save_draft(DRAFT, DRAFT_ID) is not after
    assert len(graph.held("Drafts")) == 1


# Changes


def test_a_poll_asks_only_for_what_changed(graph, graph_mailbox):
    for number in range(30):
        graph.deliver(mail(number))
    assert len(graph_mailbox.unread()) == 30
    graph.deliver(mail(30))
    graph.person_marks(3, "INBOX", {"seen"})
    graph.person_marks(5, "INBOX", {"deleted"})
    graph.person_moves(4, "INBOX", "Elsewhere")
    kept = [mail(number) for number in range(31) if number not in {3, 4, 5}]
    assert [graph_mailbox.fetch(one.ref) for one in graph_mailbox.unread()] == kept
    graph_mailbox.close()
    asked, told = len(graph.state.asked), graph.state.told
    assert len(graph_mailbox.unread()) == 28
    assert len(graph.state.asked) - asked == 2
    assert graph.state.told - told < 500


def test_a_mail_marked_unread_again_is_listed_again(graph, graph_mailbox):
    graph.deliver(mail())
    graph.person_marks(0, "INBOX", {"seen"})
    assert graph_mailbox.unread() == []
    graph.person_marks(0, "INBOX", set())
    assert len(graph_mailbox.unread()) == 1


def test_changes_that_the_server_no_longer_knows_are_made_up_for_by_listing_anew(graph, graph_mailbox):
    for number in range(9):
        graph.deliver(mail(number))
    before = graph_mailbox.unread()
    graph.person_moves(2, "INBOX", "Elsewhere")
    graph.deliver(mail(9))
    graph.state.forget()
    after = graph_mailbox.unread()
    assert [graph_mailbox.fetch(one.ref) for one in after] == [mail(number) for number in range(10) if number != 2]
    assert len(before) == len(after) == 9
    assert len(graph_mailbox.unread()) == 9


def test_a_server_that_never_knows_the_changes_is_unavailable(graph, graph_mailbox):
    graph.deliver(mail())
    graph.state.plans = [always("GET mailFolders/AQMinbox%3D/messages/delta", error(410, "syncStateNotFound"))]
    with pytest.raises(MailboxUnavailable, match="410"):
        graph_mailbox.unread()


@pytest.mark.parametrize("page", [1, 2, 3])
def test_changes_that_break_off_are_read_again_from_where_the_last_poll_ended(graph, graph_mailbox, page):
    graph.deliver(mail(0))
    graph_mailbox.unread()
    for number in range(1, 11):
        graph.deliver(mail(number))
    seen = []

    def plan(asked, do):
        seen.append(asked.name)
        return dataclasses.replace(do(), cut=150) if len(seen) == 1 + page else None  # the first is for the folder

    graph_mailbox.close()
    graph.state.plans = [plan]
    with pytest.raises(MailboxUnavailable):
        graph_mailbox.unread()
    assert [graph_mailbox.fetch(one.ref) for one in graph_mailbox.unread()] == [mail(number) for number in range(11)]


def test_a_mail_that_came_and_went_around_a_poll_that_broke_off_is_not_listed(graph, graph_mailbox):
    assert graph_mailbox.unread() == []
    for number in range(6):
        graph.deliver(mail(number))
    nothing = {"value": [], "@odata.deltaLink": f"{graph.server.base}/x"}  # Graph need not tell of what came and went

    def plan(asked, do):
        if "$skiptoken" in asked.options:
            graph.state.plans = [always("GET mailFolders/AQMinbox%3D/messages/delta", said(200, nothing))]
            return Reply(500)
        return None

    graph.state.plans = [plan]
    with pytest.raises(MailboxUnavailable, match="status 500"):
        graph_mailbox.unread()
    assert graph_mailbox.unread() == []


@pytest.mark.parametrize("read", [False, True])
def test_a_change_that_tells_but_half_of_a_mail_is_asked_about(graph, graph_mailbox, read):
    graph.deliver(mail())
    graph_mailbox.unread()
    graph.person_marks(0, "INBOX", {"seen"} if read else set())

    def plan(asked, do):
        if not asked.name.endswith("/delta"):
            return None
        told = json.loads(do().body)
        return said(200, told | {"value": [{"id": row["id"], "subject": "x"} for row in told["value"]]})

    graph.state.plans = [plan]
    assert len(graph_mailbox.unread()) == (0 if read else 1)


def test_a_change_that_the_server_forgot_to_tell_is_seen_at_the_next_listing(graph, graph_mailbox, monkeypatch):
    monkeypatch.setattr(graph_inbox, "POLLS_PER_LISTING", 3)
    assert graph_mailbox.unread() == []
    graph.state.items["AAkX"] = dataclasses.replace(graph.state.add(mail(), "AQMinbox="), id="AAkX")
    graph.state.items = {"AAkX": graph.state.items["AAkX"]}
    assert [len(graph_mailbox.unread()) for _ in range(3)] == [0, 0, 1]


# A line that is cut


def cuts(name):
    """Plan: the answer to one request is cut after 0, 1, 2, ... octets; the list tells how many were tried."""
    tried = []

    def plan(asked, do):
        if not asked.name.startswith(name) or (tried and tried[-1] is None):
            return None
        reply = do()
        if len(tried) >= whole(reply):
            tried.append(None)
            return reply
        tried.append(len(tried))
        return dataclasses.replace(reply, cut=len(tried) - 1)

    return plan, tried


def whole(reply):
    return len(reply.octets())


@pytest.mark.parametrize("name", ["GET mailFolders/AQMinbox%3D/messages/delta", "GET messages/"])
def test_reading_is_whole_or_not_at_all_wherever_the_line_is_cut(graph, graph_mailbox, name):
    graph.deliver(mail())
    plan, tried = cuts(name)
    graph.state.plans = [plan]
    failures = 0
    for _ in range(2_000):
        try:
            (listed,) = graph_mailbox.unread()
            assert graph_mailbox.fetch(listed.ref) == mail()
            if tried[-1] is None:
                break
        except MailboxUnavailable:
            failures += 1
    assert tried[-1] is None
    assert failures == len(tried) - 1 > 100


def test_a_mail_is_whole_or_not_fetched_wherever_the_line_is_cut(graph, graph_mailbox):
    graph.deliver(mail())
    (listed,) = graph_mailbox.unread()
    plan, tried = cuts(f"GET messages/{quote(listed.ref.uid, safe='')}/$value")
    graph.state.plans = [plan]
    while not tried or tried[-1] is not None:
        if tried:
            assert tried[-1] < 2_000
        try:
            assert graph_mailbox.fetch(listed.ref) == mail()
        except MailboxUnavailable:
            assert tried[-1] is not None
    assert len(tried) == whole(Reply(200, mail(), {"Content-Type": "text/plain"})) + 1


@pytest.mark.parametrize("name", ["POST messages", "PATCH messages"])
def test_a_draft_is_put_once_wherever_the_line_is_cut(graph, graph_mailbox, name):
    plan, tried = cuts(name)
    graph.state.plans = [plan]
    while not tried or tried[-1] is not None:
        message_id = f"<{len(tried)}@mail.example>"
        raw = mail(message_id=message_id)
        try:
            assert graph_mailbox.save_draft(raw, message_id)
            assert tried[-1] is None
        except MailboxUnavailable:
            assert not graph_mailbox.save_draft(raw, message_id)
    assert len(tried) > 100
    drafts = graph.state.inside(graph.state.place("drafts"))
    assert [item.properties for item in drafts] == [{DRAFT_KEY: f"<{n}@mail.example>"} for n in range(len(drafts))]


@pytest.mark.parametrize("name", ["PATCH messages", "POST messages", "POST mailFolders"])
def test_a_mail_is_filed_once_wherever_the_line_is_cut(graph, graph_mailbox, name):
    plan, tried = cuts(name)
    graph.state.plans = [plan]
    count = 0
    while not tried or tried[-1] is not None:
        raw, target = mail(count), f"{TARGET}/{count}"
        item = graph.state.add(raw, graph.state.place("inbox"))
        ref = Ref("inbox", "immutable", item.id)
        done = None
        while done is None:
            try:
                done = graph_mailbox.file_away(ref, sha256(raw), f"<{count}@b.example>", target)
            except MailboxUnavailable:
                assert tried[-1] is not None
        assert done in {Filed.DONE, Filed.ALREADY}
        assert [(held.raw, held.flags) for held in graph.held(target)] == [(raw, {"seen"})]
        count += 1
    assert len(tried) > 100
    assert graph.held("INBOX") == []


# Drafts


def test_a_draft_that_a_person_sent_or_deleted_is_not_put_again(graph, graph_mailbox):
    assert graph_mailbox.save_draft(DRAFT, DRAFT_ID)
    (item,) = graph.state.inside(graph.state.place("drafts"))
    graph.state.move(item, graph.state.place("deleteditems"))
    assert not graph_mailbox.save_draft(DRAFT, DRAFT_ID)
    item.draft, item.raw = False, mail(message_id="<given.by@outlook.example>")
    graph.state.move(item, graph.state.place("sentitems"))
    assert not graph_mailbox.save_draft(DRAFT, DRAFT_ID)
    assert graph.held("Drafts") == []


def test_a_mail_from_outside_with_the_id_of_our_draft_does_not_keep_it_from_being_put(graph, graph_mailbox):
    graph.deliver(DRAFT)
    assert graph_mailbox.save_draft(DRAFT, DRAFT_ID)
    assert len(graph.held("Drafts")) == 1


def test_a_draft_without_its_key_gets_it_when_it_is_found(graph, graph_mailbox):
    item = graph.state.add(DRAFT, graph.state.place("drafts"), read=True, draft=True)
    assert not graph_mailbox.save_draft(DRAFT, DRAFT_ID)
    assert item.properties == {DRAFT_KEY: DRAFT_ID}


def test_a_draft_with_a_quote_in_its_id_is_found_again(graph, graph_mailbox):
    message_id = "<o'hara' or 1 eq 1@mail.example>"
    assert graph_mailbox.save_draft(mail(message_id=message_id), message_id)
    assert not graph_mailbox.save_draft(mail(message_id=message_id), message_id)


@pytest.mark.parametrize("message_id", ["<é@b>".encode().decode("latin-1"), "<" + "x" * 600 + "@b>"])
def test_a_draft_whose_id_graph_cannot_search_is_refused(graph, graph_mailbox, message_id):
    raw = b"Message-ID: " + message_id.encode("latin-1") + b"\r\n\r\nbody\r\n"
    with pytest.raises(MailboxRefused, match="could not be found again"):
        graph_mailbox.save_draft(raw, message_id)
    assert graph.held("Drafts") == []


# Mails


def test_a_mail_too_large_is_named_though_its_size_is_not_announced(graph):
    graph.deliver(mail())
    opened = graph.mailbox(max_octets=1_000)
    (listed,) = opened.unread()
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1f4\r\n" + b"x" * 500 + b"\r\n"
    endless = Reply(200, raw=chunked + (b"1f4\r\n" + b"x" * 500 + b"\r\n") * 2_000)
    graph.state.plans = [lambda asked, do: endless if asked.path.endswith("/$value") else None]
    with pytest.raises(MailTooLarge, match=r"limit of 1,000") as refused:
        opened.fetch(listed.ref)
    assert refused.value.size > 1_000


def test_a_mail_that_leaves_between_two_requests_is_gone(graph, graph_mailbox):
    graph.deliver(mail())
    (listed,) = graph_mailbox.unread()

    def plan(asked, do):
        return error(404, "ErrorItemNotFound") if asked.path.endswith("/$value") else None

    graph.state.plans = [plan]
    with pytest.raises(MailGone):
        graph_mailbox.fetch(listed.ref)
    assert file(graph_mailbox, listed.ref) is Filed.GONE


@pytest.mark.parametrize("name", ["PATCH", "POST messages"])
def test_a_mail_that_a_person_deletes_while_it_is_filed_is_gone(graph, graph_mailbox, name):
    graph.deliver(mail())
    (listed,) = graph_mailbox.unread()
    graph.state.plans = [once(name, error(404, "ErrorItemNotFound"))]
    assert file(graph_mailbox, listed.ref) is Filed.GONE


@pytest.mark.parametrize("after", [False, True])
def test_a_folder_that_a_person_makes_at_the_same_moment_is_used(graph, graph_mailbox, after):
    graph.deliver(mail())
    (listed,) = graph_mailbox.unread()
    graph.state.plans = [once("POST mailFolders", error(409, "ErrorFolderExists"), after=after)]
    if after:
        assert file(graph_mailbox, listed.ref) is Filed.DONE
        assert len(graph.held(TARGET)) == 1
    else:
        with pytest.raises(MailboxUnavailable, match="409"):
            file(graph_mailbox, listed.ref)


def test_folders_are_told_apart_by_their_whole_name(graph, graph_mailbox):
    for name in ("O'Hara's", "Processed ", "processed"):
        graph.deliver(mail())
        (listed,) = graph_mailbox.unread()
        assert graph_mailbox.file_away(listed.ref, sha256(mail()), "<1@b.example>", name) is Filed.DONE
        assert len(graph.held(name)) == 1


@pytest.mark.parametrize("target", ["", "/", "a//b", "a\nb"])
def test_a_folder_that_cannot_be_is_refused(graph, graph_mailbox, target):
    graph.deliver(mail())
    (listed,) = graph_mailbox.unread()
    with pytest.raises(MailboxRefused, match="cannot be a folder"):
        graph_mailbox.file_away(listed.ref, sha256(mail()), "<1@b.example>", target)
    assert [held.flags for held in graph.held("INBOX")] == [frozenset()]


def test_a_folder_other_than_the_inbox_is_read_when_it_is_there(graph):
    with pytest.raises(MailboxRefused, match="no folder 'inbox/CPL'"):
        graph.mailbox(inbox="inbox/CPL").unread()
    graph.state.folders["AQcpl"] = dataclasses.replace(graph.state.folders["AQMinbox="], id="AQcpl", name="CPL")
    graph.state.folders["AQcpl"].parent = "AQMinbox="
    graph.state.add(mail(), "AQcpl")
    opened = graph.mailbox(inbox="inbox/CPL")
    (listed,) = opened.unread()
    assert opened.fetch(listed.ref) == mail()
    assert file(opened, listed.ref) is Filed.DONE


@pytest.mark.real
def test_every_mail_of_the_corpus_is_read_and_filed(graph, graph_mailbox):
    mails = [path.read_bytes() for path in sorted(CORPUS.rglob("*")) if path.is_file()]
    if not mails:
        pytest.skip(f"the mail corpus {CORPUS} is not here")
    for raw in mails:
        graph.deliver(raw)
    read = [(listed.ref, graph_mailbox.fetch(listed.ref)) for listed in graph_mailbox.unread()]
    assert [raw for _, raw in read] == mails
    assert {graph_mailbox.file_away(ref, sha256(raw), "", TARGET) for ref, raw in read} == {Filed.DONE}
    assert graph.held("INBOX") == []
    assert [held.raw for held in graph.held(TARGET)] == mails
