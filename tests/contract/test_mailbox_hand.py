"""What a person did to a draft, and what they sent, as every kind of mailbox must tell it."""

from datetime import date
from hashlib import sha256

import pytest

from pipeline.mailbox.port import Place, Trace

LONG_AGO, NEVER = date(2000, 1, 1), date(2900, 1, 1)
ID, OTHER = "<draft-1@cpl.example>", "<draft-2@cpl.example>"


def draft(message_id=ID, body=b"Accepted."):
    header = f"From: a@b.example\r\nSubject: Re: CPL\r\nMessage-ID: {message_id}\r\nIn-Reply-To: <asked@b.example>\r\n"
    return header.encode() + b"References: <first@b.example>\r\n <asked@b.example>\r\n\r\n" + body + b"\r\n"


def digest(raw):
    return sha256(raw).hexdigest()


def test_a_draft_that_nobody_touched_stands_in_drafts_with_our_bytes(stand):
    mailbox = stand.mailbox()
    mailbox.save_draft(draft(), ID)
    mailbox.save_draft(draft(OTHER, b"Rejected."), OTHER)
    found = mailbox.drafts([ID, OTHER, "<never@cpl.example>"])
    assert {known: list(traces) for known, traces in found.items()} == {
        ID: [Trace(Place.DRAFTS, digest(draft()))],
        OTHER: [Trace(Place.DRAFTS, digest(draft(OTHER, b"Rejected.")))],
    }


def test_no_draft_stands_anywhere_in_an_empty_mailbox(stand):
    assert dict(stand.mailbox().drafts([ID])) == {}


@pytest.mark.parametrize(
    ("folder", "place"), [("Sent", Place.SENT), ("By hand", Place.ELSEWHERE), ("INBOX", Place.ELSEWHERE)]
)
def test_a_draft_is_found_where_a_person_moved_it(stand, folder, place):
    mailbox = stand.mailbox()
    mailbox.save_draft(draft(), ID)
    stand.person_moves(0, "Drafts", folder)
    assert {known: list(traces) for known, traces in mailbox.drafts([ID]).items()} == {ID: [Trace(place)]}


def test_a_draft_that_is_marked_deleted_still_stands(stand):
    mailbox = stand.mailbox()
    mailbox.save_draft(draft(), ID)
    stand.person_marks(0, "Drafts", {"deleted"})
    assert len(mailbox.drafts([ID])[ID]) == 1


def test_an_id_that_only_holds_ours_is_another(stand):
    longer = "<more-draft-1@cpl.example>"
    mailbox = stand.mailbox()
    mailbox.save_draft(draft(longer), longer)
    assert dict(mailbox.drafts(["<draft-1@cpl.example>"])) == {}


def test_looking_for_drafts_changes_nothing(stand):
    mailbox = stand.mailbox()
    stand.deliver(draft(OTHER))
    mailbox.save_draft(draft(), ID)
    before = [stand.held(folder) for folder in ("INBOX", "Drafts")], stand.folders()
    mailbox.drafts([ID, OTHER])
    mailbox.sent(LONG_AGO)
    assert ([stand.held(folder) for folder in ("INBOX", "Drafts")], stand.folders()) == before


def test_a_mail_that_was_sent_tells_what_it_answers_and_can_be_fetched(stand):
    mailbox = stand.mailbox()
    mailbox.save_draft(draft(), ID)
    assert list(mailbox.sent(LONG_AGO)) == []
    stand.person_moves(0, "Drafts", "Sent")
    (found,) = mailbox.sent(LONG_AGO)
    assert (found.message_id, found.references) == (ID, ("<first@b.example>", "<asked@b.example>", "<asked@b.example>"))
    assert mailbox.fetch(found.ref) == draft()
    assert list(mailbox.sent(NEVER)) == []
    assert [one.message_id for one in mailbox.sent(LONG_AGO)] == [ID]


def test_a_sent_mail_without_a_message_id_is_left_out(stand):
    mailbox = stand.mailbox()
    stand.deliver(b"Subject: x\r\n\r\nbody\r\n")
    stand.person_moves(0, "INBOX", "Sent")
    assert list(mailbox.sent(LONG_AGO)) == []
