"""Following the inbox of an Exchange server: what a poll costs, and that no change is missed or half taken."""

import dataclasses
import sys

import pytest

from pipeline.mailbox import ews_inbox, ews_session
from pipeline.mailbox.port import MailboxUnavailable
from tests.contract import ews_operations
from tests.contract.ews_state import answered, part, refusal
from tests.contract.graph_state import Reply, always

MAILS = 10_000


def mail(number):
    return f"Subject: {number}\r\nMessage-ID: <{number}@b.example>\r\n\r\nunrelated\r\n".encode()


def read(mailbox):
    return [mailbox.fetch(one.ref) for one in mailbox.unread()]


def inbox(ews):
    return ews.state.inside(ews.state.place("inbox"))


def test_a_poll_over_thousands_of_unread_mails_is_one_small_request(ews, ews_mailbox, monkeypatch, capsys):
    monkeypatch.setattr(ews_operations, "PAGE", 512)
    for number in range(MAILS):
        ews.deliver(mail(number))
    told = []

    def weigh(_, do):
        reply = do()
        told.append(len(reply.body))
        return reply

    ews.state.plans = [weigh]
    costs = []
    for _ in range(3):
        assert len(ews_mailbox.unread()) == MAILS
        ews_mailbox.close()
        costs.append((len(told), sum(told)))
        told.clear()
    with capsys.disabled():
        (first, octets), (again, few), _ = costs
        sys.stdout.write(
            f"\n{MAILS:,} unread mails on Exchange: {first} requests and {octets:,} octets for the first poll, "
            f"{again} and {few:,} for the next\n"
        )
    assert costs[1] == costs[2]
    assert costs[1][0] == 2  # one for the folder, one for what changed in it
    assert costs[1][1] < 4_000


def test_a_poll_sees_what_came_went_and_was_read(ews, ews_mailbox):
    for number in range(10):
        ews.deliver(mail(number))
    assert read(ews_mailbox) == [mail(number) for number in range(10)]
    ews.deliver(mail(10))
    ews.person_marks(3, "INBOX", {"seen"})
    ews.person_moves(4, "INBOX", "Elsewhere")
    ews.person_marks(0, "INBOX", {"deleted"})
    assert read(ews_mailbox) == [mail(number) for number in (1, 2, 5, 6, 7, 8, 9, 10)]
    ews.person_moves(0, "Elsewhere", "INBOX")
    assert mail(4) in read(ews_mailbox)


def test_a_mail_marked_unread_again_is_listed_again(ews, ews_mailbox):
    ews.deliver(mail(0))
    ews.person_marks(0, "INBOX", {"seen"})
    assert list(ews_mailbox.unread()) == []
    ews.person_marks(0, "INBOX", set())
    (one,) = ews_mailbox.unread()
    assert one.size == len(mail(0))


def test_a_mail_marked_unread_and_gone_at_once_is_not_listed(ews, ews_mailbox):
    ews.deliver(mail(0))
    ews.person_marks(0, "INBOX", {"seen"})
    assert list(ews_mailbox.unread()) == []
    ews.person_marks(0, "INBOX", set())
    ews.state.plans = [always("GetItem", refusal("GetItem", "ErrorItemNotFound"))]
    assert list(ews_mailbox.unread()) == []


def test_a_mail_that_moves_between_two_pages_is_listed_as_it_ends(ews, ews_mailbox):
    for number in range(11):
        ews.deliver(mail(number))
    held, pages = inbox(ews), []

    def plan(asked, do):
        if asked.name == "SyncFolderItems":
            pages.append(asked)
            if len(pages) == 2:
                ews.state.move(held[0], ews.state.place("deleteditems"))  # not told yet: the last page
                ews.state.touch(held[10])  # told already: the first
                held[9].read = True
                ews.state.touch(held[9], "ReadFlagChange")

    ews.state.plans = [plan]
    assert read(ews_mailbox) == [mail(number) for number in (1, 2, 3, 4, 5, 6, 7, 8, 10)]
    assert len(pages) >= 3


def test_a_state_that_the_server_no_longer_knows_is_made_up_for_by_listing_anew(ews, ews_mailbox):
    for number in range(9):
        ews.deliver(mail(number))
    ews_mailbox.unread()
    ews.person_moves(2, "INBOX", "Elsewhere")
    ews.deliver(mail(9))
    ews.state.forget()
    assert read(ews_mailbox) == [mail(number) for number in range(10) if number != 2]


def test_a_server_that_never_knows_the_state_is_unavailable(ews, ews_mailbox):
    ews.state.plans = [always("SyncFolderItems", refusal("SyncFolderItems", "ErrorInvalidSyncStateData"))]
    with pytest.raises(MailboxUnavailable, match="ErrorInvalidSyncStateData"):
        ews_mailbox.unread()


@pytest.mark.parametrize("page", [1, 2, 3])
def test_changes_that_break_off_are_read_again_from_where_the_last_poll_ended(ews, ews_mailbox, page):
    ews.deliver(mail(0))
    ews_mailbox.unread()
    for number in range(1, 11):
        ews.deliver(mail(number))
    ews.person_marks(0, "INBOX", {"seen"})
    seen = []

    def plan(asked, do):
        if asked.name != "SyncFolderItems":
            return None
        seen.append(asked)
        return dataclasses.replace(do(), cut=150) if len(seen) == page else None

    ews.state.plans = [plan]
    with pytest.raises(MailboxUnavailable):
        ews_mailbox.unread()
    assert read(ews_mailbox) == [mail(number) for number in range(1, 11)]


def test_a_mail_that_came_and_went_around_a_poll_that_broke_off_is_not_listed(ews, ews_mailbox):
    assert list(ews_mailbox.unread()) == []
    for number in range(6):
        ews.deliver(mail(number))
    end = "<m:SyncState>x=</m:SyncState><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange><m:Changes/>"
    nothing = answered("SyncFolderItems", part("SyncFolderItems", end))  # Exchange need not tell of what came and went
    pages = []

    def plan(asked, do):
        if asked.name != "SyncFolderItems":
            return None
        pages.append(asked)
        return {2: Reply(500), 3: nothing}.get(len(pages))

    ews.state.plans = [plan]
    with pytest.raises(MailboxUnavailable, match="status 500"):
        ews_mailbox.unread()
    assert list(ews_mailbox.unread()) == []


def test_a_change_that_the_server_forgot_to_tell_is_seen_at_the_next_listing(ews, ews_mailbox, monkeypatch):
    monkeypatch.setattr(ews_inbox, "POLLS_PER_LISTING", 3)
    ews.deliver(mail(0))
    assert len(ews_mailbox.unread()) == 1
    inbox(ews)[0].read = True  # and nobody is told
    assert [len(ews_mailbox.unread()) for _ in range(3)] == [1, 1, 0]


def test_changes_that_do_not_get_on_are_given_up(ews, ews_mailbox, monkeypatch):
    for number in range(9):
        ews.deliver(mail(number))
    first = []

    def same(asked, do):
        if asked.name != "SyncFolderItems":
            return None
        first.append(do())
        return first[0]

    ews.state.plans = [same]
    with pytest.raises(MailboxUnavailable, match="does not get on"):
        ews_mailbox.unread()
    ews.state.plans = []
    monkeypatch.setattr(ews_session, "_MOST_PAGES", 2)
    with pytest.raises(MailboxUnavailable, match="more than 2 pages"):
        ews_mailbox.unread()


def test_a_thing_that_does_not_say_whether_it_was_read_is_no_mail(ews, ews_mailbox):
    ews.deliver(mail(0))

    def plan(asked, do):
        if asked.name != "SyncFolderItems":
            return None
        reply = do()
        return Reply(200, reply.body.replace(b"<t:IsRead>false</t:IsRead>", b""), reply.headers)

    ews.state.plans = [plan]
    assert list(ews_mailbox.unread()) == []
