"""What only Exchange can get wrong with mails and drafts: throttling, cut lines, ids that change, racing people.

Proved against a stub of Exchange, which is all that there is to be had (docs/how-to/exchange.md).
"""

import dataclasses
import hashlib
from datetime import date
from pathlib import Path

import pytest

from pipeline.mailbox import MailGone, MailTooLarge, ews_session
from pipeline.mailbox.ews_requests import KEY_NAME, KEY_SET
from pipeline.mailbox.ews_session import PATIENCE_SECONDS
from pipeline.mailbox.port import Filed, MailboxRefused, MailboxUnavailable, Ref
from tests.contract.ews_state import ROOT, fault, refusal, said
from tests.contract.graph_state import Reply, always, once

TARGET = "Processed"
CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "mail"
DRAFT_ID = "<0123.reply@mail.example>"
KEY = f"{KEY_SET}/{KEY_NAME}"


def mail(number=1, message_id=None, body=b"body"):
    header = f"From: a@b.example\r\nSubject: {number}\r\nMessage-ID: {message_id or f'<{number}@b.example>'}\r\n\r\n"
    return header.encode("utf-8") + body + b"\r\n"


DRAFT = mail(message_id=DRAFT_ID)


def sha256(raw):
    return hashlib.sha256(raw).hexdigest()


def names(ews):
    return [asked.name for asked in ews.state.asked]


def file(mailbox, ref, target=TARGET):
    return mailbox.file_away(ref, sha256(mail()), "<1@b.example>", target)


# When the server asks for patience


@pytest.mark.parametrize("name", ["GetFolder", "FindFolder", "FindItem", "CreateItem"])
def test_a_throttled_request_is_sent_again_when_the_server_said(ews, ews_mailbox, sleeps, name):
    ews.state.plans = [once(name, fault("ErrorServerBusy", back_off=7_500))]
    assert ews_mailbox.save_draft(DRAFT, DRAFT_ID)
    assert sleeps == [7.5] if name in names(ews) else []
    assert len(ews.held("Drafts")) == 1


@pytest.mark.parametrize("back_off", [30_001, 297_749, None])
def test_a_server_that_asks_for_too_much_or_for_nothing_clear_is_left_for_later(ews, ews_mailbox, sleeps, back_off):
    ews.state.plans = [always("GetFolder", fault("ErrorServerBusy", "The server cannot", back_off=back_off))]
    with pytest.raises(MailboxUnavailable, match="ErrorServerBusy The server cannot") as trouble:
        ews_mailbox.unread()
    assert sleeps == []
    assert ("297.749 seconds" in str(trouble.value)) == (back_off == 297_749)
    assert ("seconds" in str(trouble.value)) == (back_off is not None)


def test_a_part_of_an_answer_may_ask_for_patience_too(ews, ews_mailbox, sleeps):
    wait = '<m:MessageXml><t:Value Name="BackOffMilliseconds">2000</t:Value></m:MessageXml>'
    busy = refusal("SyncFolderItems", "ErrorServerBusy").body.replace(b"<m:Descr", f"{wait}<m:Descr".encode())
    ews.state.plans = [once("SyncFolderItems", Reply(200, busy))]
    assert ews_mailbox.unread() == []
    assert sleeps == [2]


@pytest.mark.parametrize("status", [429, 503])
def test_a_status_with_a_time_is_waited_for_too(ews, ews_mailbox, sleeps, status):
    ews.deliver(mail())
    ews.state.plans = [once("SyncFolderItems", Reply(status, b"busy", {"Retry-After": "3"}))]
    assert len(ews_mailbox.unread()) == 1
    assert sleeps == [3]


@pytest.mark.parametrize("told", ["31", "", "-1", "1.5", "9" * 5000, "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_status_with_no_clear_time_is_left_for_later(ews, ews_mailbox, sleeps, told):
    ews.state.plans = [always("GetFolder", Reply(503, b"busy", {"Retry-After": told}))]
    with pytest.raises(MailboxUnavailable, match="status 503"):
        ews_mailbox.unread()
    assert sleeps == []


def test_a_visit_waits_only_so_long_in_all_and_the_next_has_patience_again(ews, ews_mailbox, sleeps):
    ews.state.plans = [always("GetFolder", fault("ErrorServerBusy", back_off=0))]
    for visit in (1, 2):
        with pytest.raises(MailboxUnavailable):
            ews_mailbox.unread()
        assert len(sleeps) == visit * PATIENCE_SECONDS
        ews_mailbox.close()


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("after", [False, True])
def test_a_draft_that_the_server_may_have_taken_is_looked_for_before_it_is_put_again(ews, ews_mailbox, status, after):
    ews.state.plans = [once("CreateItem", Reply(status, b"x", {"Retry-After": "1"}), after=after)]
    with pytest.raises(MailboxUnavailable):
        ews_mailbox.save_draft(DRAFT, DRAFT_ID)
    assert names(ews).count("CreateItem") == 1
    assert ews_mailbox.save_draft(DRAFT, DRAFT_ID) is not after
    assert len(ews.held("Drafts")) == 1


# Lists


def in_sent_items(ews, *numbers):
    for number in numbers:
        ews.state.add(mail(number), ews.state.place("sentitems"))


def test_all_pages_of_a_list_are_read(ews, ews_mailbox):
    in_sent_items(ews, *range(11))
    found = ews_mailbox.sent(date(2026, 3, 2))
    assert [one.message_id for one in found] == [f"<{number}@b.example>" for number in range(11)]
    assert names(ews).count("FindItem") == 3


def test_a_list_that_does_not_get_on_is_given_up(ews, ews_mailbox, monkeypatch):
    in_sent_items(ews, *range(9))
    seen = []

    def same(asked, do):
        if asked.name != "FindItem":
            return None
        seen.append(do())
        return seen[min(1, len(seen) - 1)]

    ews.state.plans = [same]
    with pytest.raises(MailboxUnavailable, match="does not get on"):
        ews_mailbox.sent(date(2026, 3, 2))
    monkeypatch.setattr(ews_session, "_MOST_PAGES", 2)
    ews.state.plans = []
    in_sent_items(ews, *range(9, 18))
    with pytest.raises(MailboxUnavailable, match="more than 2 pages"):
        ews_mailbox.sent(date(2026, 3, 2))


def test_a_mailbox_with_more_folders_than_one_request_searches_is_searched_whole(ews, ews_mailbox):
    assert ews_mailbox.save_draft(DRAFT, DRAFT_ID)
    places = [ews.state.make(ROOT, f"Archive {number}").id for number in range(120)]
    (draft,) = ews.state.inside(ews.state.place("drafts"))
    for place in (places[0], places[60], places[-1]):
        ews.state.move(draft, place)
        assert not ews_mailbox.save_draft(DRAFT, DRAFT_ID)
    assert ews.held("Drafts") == []


# A line that is cut


def cuts(name, step):
    """Plan: the answers to an operation are cut after 0, step, 2 * step, ... octets; the list tells where."""
    tried = []

    def plan(asked, do):
        if asked.name != name or (tried and tried[-1] is None):
            return None
        reply = do()
        at = step * len(tried)
        tried.append(at if at < len(reply.octets()) else None)
        return dataclasses.replace(reply, cut=tried[-1])

    return plan, tried


@pytest.mark.parametrize("name", ["GetFolder", "SyncFolderItems", "GetItem"])
def test_reading_is_whole_or_not_at_all_wherever_the_line_is_cut(ews, ews_mailbox, name):
    ews.deliver(mail())
    plan, tried = cuts(name, 7)
    ews.state.plans = [plan]
    failures = 0
    while not tried or tried[-1] is not None:
        try:
            (listed,) = ews_mailbox.unread()
            assert ews_mailbox.fetch(listed.ref) == mail()
        except MailboxUnavailable:
            failures += 1
            ews_mailbox.close()
    assert failures == len(tried) - 1 > 80


@pytest.mark.parametrize("name", ["FindFolder", "CreateItem"])
def test_a_draft_is_put_once_wherever_the_line_is_cut(ews, ews_mailbox, name):
    plan, tried = cuts(name, 7)
    ews.state.plans = [plan]
    while not tried or tried[-1] is not None:
        message_id = f"<{len(tried)}@mail.example>"
        raw = mail(message_id=message_id)
        put, failures = None, 0
        while put is None:
            try:
                put = ews_mailbox.save_draft(raw, message_id)
            except MailboxUnavailable:
                failures += 1
        assert put is (name == "FindFolder" or not failures)
        assert len(ews.held("Drafts")) == len({item.properties[KEY] for item in ews.state.items.values()})
        assert any(held.raw == raw for held in ews.held("Drafts"))
    assert len(tried) > 80


@pytest.mark.parametrize("name", ["UpdateItem", "MoveItem", "CreateFolder"])
def test_a_mail_is_filed_once_wherever_the_line_is_cut(ews, ews_mailbox, name):
    plan, tried = cuts(name, 7)
    ews.state.plans = [plan]
    count = 0
    while not tried or tried[-1] is not None:
        raw, target = mail(count), f"{TARGET} {count}"
        item = ews.state.add(raw, ews.state.place("inbox"))
        ref = Ref("inbox", "ews", item.id)
        done = None
        while done is None:
            try:
                done = ews_mailbox.file_away(ref, sha256(raw), f"<{count}@b.example>", target)
            except MailboxUnavailable:
                assert tried[-1] is not None
        assert done in {Filed.DONE, Filed.ALREADY}
        assert [(held.raw, held.flags) for held in ews.held(target)] == [(raw, {"seen"})]
        del ews.state.folders[item.folder], ews.state.items[item.id]  # looking through them all would be most of it
        ews_mailbox.close()
        count += 1
    assert len(tried) > 80
    assert ews.held("INBOX") == []


@pytest.mark.parametrize("half", [0.3, 0.6, 0.9])
def test_half_an_envelope_is_not_taken_for_a_mail(ews, ews_mailbox, half):
    """The line says that it is whole, as when the server dies behind a proxy; exchangelib's parser would take it."""
    ews.deliver(mail(body=b"x" * 3_000))
    (listed,) = ews_mailbox.unread()

    def plan(asked, do):
        reply = do()
        body = reply.body[: int(len(reply.body) * half)]
        return dataclasses.replace(reply, body=body) if b"MimeContent" in reply.body else reply

    ews.state.plans = [plan]
    with pytest.raises(MailboxUnavailable, match="not well-formed"):
        ews_mailbox.fetch(listed.ref)


# Drafts


@pytest.mark.parametrize("folder", ["deleteditems", "sentitems", "inbox"])
def test_a_draft_that_a_person_sent_deleted_or_moved_is_not_put_again(ews, ews_mailbox, folder):
    assert ews_mailbox.save_draft(DRAFT, DRAFT_ID)
    (item,) = ews.state.inside(ews.state.place("drafts"))
    item.draft, item.raw = False, mail(message_id="<given.by@outlook.example>")
    ews.state.move(item, ews.state.place(folder))
    assert not ews_mailbox.save_draft(DRAFT, DRAFT_ID)
    assert ews.held("Drafts") == []


def test_a_mail_from_outside_with_the_id_of_our_draft_does_not_keep_it_from_being_put(ews, ews_mailbox):
    ews.deliver(DRAFT)
    assert ews_mailbox.save_draft(DRAFT, DRAFT_ID)
    assert len(ews.held("Drafts")) == 1


def test_a_draft_without_its_key_is_the_draft_all_the_same(ews, ews_mailbox):
    ews.state.add(DRAFT, ews.state.place("drafts"), read=True, draft=True)
    assert not ews_mailbox.save_draft(DRAFT, DRAFT_ID)


@pytest.mark.parametrize("key", [DRAFT_ID.upper(), ""])
def test_a_draft_with_almost_our_key_is_another_draft(ews, ews_mailbox, key):
    other = ews.state.add(mail(message_id=DRAFT_ID.upper()), ews.state.place("drafts"), read=True, draft=True)
    other.properties[KEY] = key
    assert ews_mailbox.save_draft(DRAFT, DRAFT_ID)


def test_a_draft_with_marks_of_xml_in_its_id_is_found_again(ews, ews_mailbox):
    message_id = """<"a' & <b/>]]>"@mail.example>"""
    assert ews_mailbox.save_draft(mail(message_id=message_id), message_id)
    assert not ews_mailbox.save_draft(mail(message_id=message_id), message_id)


@pytest.mark.parametrize("message_id", ["<é@b>".encode().decode("latin-1"), "<" + "x" * 200 + "@b>", "<\x01@b>"])
def test_a_draft_whose_id_cannot_be_searched_is_refused(ews, ews_mailbox, message_id):
    raw = b"Message-ID: " + message_id.encode("latin-1") + b"\r\n\r\nbody\r\n"
    with pytest.raises(MailboxRefused, match="could not be found again"):
        ews_mailbox.save_draft(raw, message_id)
    assert ews.held("Drafts") == []


def test_a_large_draft_keeps_its_octets(ews, ews_mailbox):
    raw = mail(message_id=DRAFT_ID, body=b"\r\n".join([b"x" * 998] * 5_000))
    assert ews_mailbox.save_draft(raw, DRAFT_ID)
    assert [held.raw for held in ews.held("Drafts")] == [raw]


@pytest.mark.parametrize(
    "reply",
    [Reply(413, b"too large"), refusal("CreateItem", "ErrorMessageSizeExceeded", "too large")],
    ids=["status", "code"],
)
def test_a_draft_larger_than_the_server_takes_is_refused_in_words(ews, ews_mailbox, reply):
    ews.state.plans = [always("CreateItem", reply)]
    with pytest.raises(MailboxRefused, match=r"larger than|too large"):
        ews_mailbox.save_draft(DRAFT, DRAFT_ID)


# Mails


def test_a_hostile_message_id_breaks_no_list(ews, ews_mailbox):
    hostile = mail(message_id="<a\x01\x00\x1f]]>&#0;<b@c>")
    ews.deliver(hostile)
    ews.deliver(mail())
    first, second = ews_mailbox.unread()
    assert (ews_mailbox.fetch(first.ref), ews_mailbox.fetch(second.ref)) == (hostile, mail())
    ews.renumber()
    assert ews_mailbox.file_away(first.ref, sha256(hostile), "<a\x01", TARGET) is Filed.DONE
    assert [held.raw for held in ews.held(TARGET)] == [hostile]


@pytest.mark.parametrize("kept", [255, 5_000])
def test_a_mail_whose_long_id_exchange_may_have_cut_is_found_by_its_octets(ews, ews_mailbox, kept):
    raw = mail(message_id="<" + "x" * 1_000 + "@b.example>")
    ews.deliver(raw)
    (listed,) = ews_mailbox.unread()
    ews.renumber()

    def cut(asked, do):
        reply = do()
        return dataclasses.replace(reply, body=reply.body.replace(b"x" * 1_000, b"x" * min(1_000, kept)))

    ews.state.plans = [lambda asked, do: cut(asked, do) if asked.name == "FindItem" else None]
    assert ews_mailbox.file_away(listed.ref, sha256(raw), "<" + "x" * 1_000 + "@b.example>", TARGET) is Filed.DONE


def test_a_mail_larger_than_its_size_says_is_named(ews):
    ews.deliver(mail(body=b"x" * 2_000))
    opened = ews.mailbox(max_octets=1_000)
    (listed,) = opened.unread()

    def small(asked, do):
        reply = do()
        return dataclasses.replace(reply, body=reply.body.replace(b"<t:Size>2", b"<t:Size>"))

    ews.state.plans = [small]
    with pytest.raises(MailTooLarge, match=r"limit of 1,000") as refused:
        opened.fetch(listed.ref)
    assert refused.value.size == len(mail(body=b"x" * 2_000))


def test_a_mail_much_larger_than_its_size_says_is_not_read_to_its_end(ews):
    ews.deliver(mail())
    opened = ews.mailbox(max_octets=1_000)
    (listed,) = opened.unread()
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    endless = Reply(200, raw=chunked + (b"3e8\r\n" + b"x" * 1_000 + b"\r\n") * 2_000)
    ews.state.plans = [lambda asked, do: endless if b"MimeContent" in do().body else None]
    with pytest.raises(MailTooLarge, match=r"limit of 1,000") as refused:
        opened.fetch(listed.ref)
    assert 75_000 < refused.value.size < 500_000


@pytest.mark.parametrize("code", ["ErrorItemNotFound", "ErrorInvalidIdMalformed", "ErrorInvalidId"])
def test_a_mail_that_leaves_between_two_requests_is_gone(ews, ews_mailbox, code):
    ews.deliver(mail())
    (listed,) = ews_mailbox.unread()
    ews.state.plans = [lambda asked, do: refusal("GetItem", code) if b"MimeContent" in do().body else None]
    with pytest.raises(MailGone):
        ews_mailbox.fetch(listed.ref)
    assert file(ews_mailbox, listed.ref) is Filed.GONE


@pytest.mark.parametrize("name", ["UpdateItem", "MoveItem"])
def test_a_mail_that_a_person_deletes_while_it_is_filed_is_gone(ews, ews_mailbox, name):
    ews.deliver(mail())
    (listed,) = ews_mailbox.unread()

    def plan(asked, do):
        if asked.name == name:
            ews.state.items.clear()

    ews.state.plans = [plan]
    assert file(ews_mailbox, listed.ref) is Filed.GONE


def test_a_folder_that_a_person_deletes_while_a_mail_is_filed_is_made_anew_the_next_time(ews, ews_mailbox):
    ews.deliver(mail())
    place = ews.state.make(ROOT, TARGET).id
    (listed,) = ews_mailbox.unread()

    def plan(asked, do):
        if asked.name == "UpdateItem":
            ews.state.folders.pop(place, None)

    ews.state.plans = [plan]
    with pytest.raises(MailboxUnavailable, match="deleted just now"):
        file(ews_mailbox, listed.ref)
    ews_mailbox.close()
    assert file(ews_mailbox, listed.ref) is Filed.DONE
    assert [(held.raw, held.flags) for held in ews.held(TARGET)] == [(mail(), {"seen"})]


def test_a_folder_that_a_person_makes_within_a_visit_is_seen(ews, ews_mailbox):
    ews.deliver(mail())
    (listed,) = ews_mailbox.unread()
    assert file(ews_mailbox, listed.ref, "One") is Filed.DONE
    ews.deliver(mail())
    (listed,) = ews_mailbox.unread()
    ews.person_moves(0, "INBOX", "Two")
    assert file(ews_mailbox, listed.ref, "Two") is Filed.ALREADY


@pytest.mark.parametrize("after", [False, True])
def test_a_folder_that_a_person_makes_at_the_same_moment_is_used(ews, ews_mailbox, after):
    ews.deliver(mail())
    (listed,) = ews_mailbox.unread()
    ews.state.plans = [once("CreateFolder", refusal("CreateFolder", "ErrorFolderExists"), after=after)]
    if after:
        assert file(ews_mailbox, listed.ref) is Filed.DONE
        assert len(ews.held(TARGET)) == 1
    else:
        with pytest.raises(MailboxUnavailable, match="ErrorFolderExists"):
            file(ews_mailbox, listed.ref)


def test_a_mail_that_cannot_be_made_into_mime_is_a_matter_for_a_person(ews, ews_mailbox):
    ews.deliver(mail())
    (listed,) = ews_mailbox.unread()
    ews.state.plans = [once("GetItem", refusal("GetItem", "ErrorMimeContentConversionFailed"))]
    with pytest.raises(MailboxRefused, match="ErrorMimeContentConversionFailed"):
        ews_mailbox.fetch(listed.ref)


@pytest.mark.parametrize("target", ["", "/", "a//b", "a\nb"])
def test_a_folder_that_cannot_be_is_refused(ews, ews_mailbox, target):
    ews.deliver(mail())
    (listed,) = ews_mailbox.unread()
    with pytest.raises(MailboxRefused, match="cannot be a folder"):
        file(ews_mailbox, listed.ref, target)
    assert [held.flags for held in ews.held("INBOX")] == [frozenset()]


def test_folders_of_a_name_on_two_levels_are_told_apart(ews, ews_mailbox):
    for target in ("inbox/CPL", "CPL", "CPL/CPL", "CPL & <Söhne>"):
        ews.deliver(mail())
        (listed,) = ews_mailbox.unread()
        assert file(ews_mailbox, listed.ref, target) is Filed.DONE
    assert {"Posteingang/CPL", "CPL", "CPL/CPL", "CPL & <Söhne>"} <= ews.folders()
    assert [len(ews.held(target)) for target in ("Posteingang/CPL", "CPL", "CPL/CPL")] == [1, 1, 1]


def test_a_calendar_of_that_name_is_no_folder_for_mails(ews, ews_mailbox):
    with pytest.raises(MailboxRefused, match="no folder 'Kalender'"):
        ews.mailbox(inbox="Kalender").unread()


def test_a_folder_other_than_the_inbox_is_read_when_it_is_there(ews):
    with pytest.raises(MailboxRefused, match="no folder 'inbox/CPL'"):
        ews.mailbox(inbox="inbox/CPL").unread()
    place = ews.state.make(ews.state.place("inbox"), "CPL").id
    ews.state.add(mail(), place)
    opened = ews.mailbox(inbox="inbox/CPL")
    assert any("'inbox/CPL': 1 unread" in line for line in opened.describe())
    (listed,) = opened.unread()
    assert opened.fetch(listed.ref) == mail()
    assert file(opened, listed.ref) is Filed.DONE


def test_the_description_tells_the_server_and_the_folders(ews, ews_mailbox):
    ews.deliver(mail())
    text = "\n".join(ews_mailbox.describe())
    for words in (ews.address, "version 15.2", "'Posteingang': 1 mails, 1 unread", "'Entwürfe'", "Gesendete Elemente"):
        assert words in text
    assert "Kalender" not in text
    assert "warning" not in text


def test_a_reply_of_an_unknown_shape_is_no_folder(ews, ews_mailbox):
    ews.state.plans = [once("GetFolder", said("<m:GetFolderResponse/>"))]
    with pytest.raises(MailboxUnavailable, match="cannot be understood"):
        ews_mailbox.unread()


@pytest.mark.real
def test_every_mail_of_the_corpus_is_read_and_filed(ews, ews_mailbox):
    mails = [path.read_bytes() for path in sorted(CORPUS.rglob("*")) if path.is_file()]
    if not mails:
        pytest.skip(f"the mail corpus {CORPUS} is not here")
    for raw in mails:
        ews.deliver(raw)
    read = [(listed.ref, ews_mailbox.fetch(listed.ref)) for listed in ews_mailbox.unread()]
    assert [raw for _, raw in read] == mails
    assert {ews_mailbox.file_away(ref, sha256(raw), "", TARGET) for ref, raw in read} == {Filed.DONE}
    assert ews.held("INBOX") == []
    assert sorted(held.raw for held in ews.held(TARGET)) == sorted(mails)
