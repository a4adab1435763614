"""What every mailbox must do, on every kind we have; and what only a real IMAP server can show."""

import hashlib
import logging
import time
from datetime import date
from pathlib import Path

import pytest

from pipeline.mailbox import MailGone, MailTooLarge
from pipeline.mailbox.imap import PIECE_OCTETS
from pipeline.mailbox.imap_session import Tls
from pipeline.mailbox.port import Filed, MailboxRefused, MailboxUnavailable, Ref
from tests.contract import dovecot

TARGET = "Processed"
CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "mail"
WRONG = "not the word"


def mail(number=1, message_id=None, body=b"body"):
    header = f"From: a@b.example\r\nSubject: {number}\r\nMessage-ID: {message_id or f'<{number}@b.example>'}\r\n\r\n"
    return header.encode("utf-8") + body + b"\r\n"


def sha256(raw):
    return hashlib.sha256(raw).hexdigest()


def first(mailbox):
    """The oldest unread mail: its place and its bytes."""
    ref = mailbox.unread()[0].ref
    return ref, mailbox.fetch(ref)


# Reading


def test_an_empty_mailbox_has_nothing_unread(stand):
    assert list(stand.mailbox().unread()) == []


def test_unread_mails_come_oldest_first_with_their_size(stand):
    for number in range(12):
        stand.deliver(mail(number))
    mailbox = stand.mailbox()
    listed = mailbox.unread()
    assert [mailbox.fetch(one.ref) for one in listed] == [mail(number) for number in range(12)]
    assert [one.size for one in listed] == [len(mail(number)) for number in range(12)]


def test_reading_leaves_the_mail_unread_and_where_it_is(stand):
    stand.deliver(mail())
    mailbox = stand.mailbox()
    ref, raw = first(mailbox)
    mailbox.describe()
    mailbox.close()
    assert stand.mailbox().unread()[0].ref == ref
    assert [(held.raw, held.flags) for held in stand.held("INBOX")] == [(raw, frozenset())]


def test_mails_that_a_person_read_or_deleted_are_not_unread(stand):
    for number in range(3):
        stand.deliver(mail(number))
    stand.person_marks(0, "INBOX", {"seen"})
    stand.person_marks(1, "INBOX", {"deleted"})
    mailbox = stand.mailbox()
    assert [mailbox.fetch(one.ref) for one in mailbox.unread()] == [mail(2)]


HOSTILE = {
    "nul": b"Subject: a\0b\r\n\r\nbody\0\r\n",
    "bare-lf": b"Subject: x\nMessage-ID: <lf@b>\n\nbody\n",
    "bare-cr": b"Subject: x\rMessage-ID: <cr@b>\r\rbody\r",
    "eight-bit": b"Subject: \xff\xfe\r\nMessage-ID: <\xe9@b>\r\n\r\n\x80\x81\r\n",
    "no-message-id": b"Subject: x\r\n\r\nbody\r\n",
    "no-header": b"\r\nbody\r\n",
    "no-body": b"Subject: x",
    "one-octet": b"\n",
    "long-line": b"Subject: " + b"x" * 200_000 + b"\r\n\r\nbody\r\n",
    "many-headers": b"X: y\r\n" * 20_000 + b"\r\nbody\r\n",
    "imap-in-it": b"Subject: * 1 FETCH (UID 1)\r\n\r\n)\r\na1 OK done\r\n* BYE\r\n{10}\r\n",
    "message-id-literal": b"Message-ID: {10}\r\n\r\nbody\r\n",
    "message-id-quotes": b'Message-ID: <"a\\"b" (c)@d>\r\n\r\nbody\r\n',
    "message-id-twice": b"Message-ID: <1@b>\r\nMessage-ID: <2@b>\r\n\r\nbody\r\n",
    "message-id-folded": b"Message-ID:\r\n <folded@b>\r\n\r\nbody\r\n",
    "message-id-long": b"Message-ID: <" + b"x" * 5_000 + b"@b>\r\n\r\nbody\r\n",
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_mail_is_read_the_same_twice_and_filed_by_what_was_read(stand, raw):
    from pipeline.mailbox.headers import message_id_of

    stand.deliver(raw)
    mailbox = stand.mailbox()
    ref, read = first(mailbox)
    assert mailbox.fetch(ref) == read == stand.held("INBOX")[0].raw
    stand.renumber()  # so that it must be looked for
    mailbox.close()
    message_id = message_id_of(read)
    assert mailbox.file_away(ref, sha256(read), message_id, TARGET) is Filed.DONE
    assert mailbox.file_away(ref, sha256(read), message_id, TARGET) is Filed.ALREADY
    assert [held.raw for held in stand.present(TARGET)] == [read]
    assert stand.present("INBOX") == []


@pytest.mark.parametrize("size", [PIECE_OCTETS - 1, PIECE_OCTETS, PIECE_OCTETS + 1, 2 * PIECE_OCTETS])
def test_a_mail_that_ends_near_the_end_of_a_piece_is_whole(stand, size):
    raw = mail()
    raw += b"x" * (size - len(raw) - 2) + b"\r\n"
    stand.deliver(raw)
    assert first(stand.mailbox())[1] == raw


def test_a_mail_of_27_megabytes_is_read_whole(stand):
    raw = mail(body=b"\r\n".join([b"x" * 998] * 27_000))
    stand.deliver(raw)
    mailbox = stand.mailbox()
    ref, read = first(mailbox)
    assert sha256(read) == sha256(raw)
    assert mailbox.file_away(ref, sha256(read), "<1@b.example>", TARGET) is Filed.DONE


def test_a_mail_over_the_limit_is_named_and_the_next_one_is_read(stand):
    stand.deliver(mail(1, body=b"x" * 2_000))
    stand.deliver(mail(2))
    mailbox = stand.mailbox(max_octets=1_000)
    large, small = mailbox.unread()
    with pytest.raises(MailTooLarge, match=r"limit of 1,000") as refused:
        mailbox.fetch(large.ref)
    assert refused.value.size == len(mail(1, body=b"x" * 2_000))
    assert mailbox.fetch(small.ref) == mail(2)
    assert [held.flags for held in stand.held("INBOX")] == [frozenset(), frozenset()]


def test_a_mail_that_a_person_moved_cannot_be_fetched(stand):
    stand.deliver(mail())
    mailbox = stand.mailbox()
    ref = mailbox.unread()[0].ref
    stand.person_moves(0, "INBOX", "Elsewhere")
    with pytest.raises(MailGone):
        mailbox.fetch(ref)


def test_a_renumbered_mail_is_not_taken_for_another(stand):
    for number in range(2):
        stand.deliver(mail(number))
    mailbox = stand.mailbox()
    ref = mailbox.unread()[0].ref
    mailbox.close()
    stand.renumber()
    with pytest.raises(MailGone):
        mailbox.fetch(ref)


# Drafts

DRAFT_ID = "<0123.reply@mail.example>"
DRAFT = mail(message_id=DRAFT_ID)


def test_a_draft_is_saved_once_and_looks_like_a_draft(stand):
    assert stand.mailbox().save_draft(DRAFT, DRAFT_ID)
    assert not stand.mailbox().save_draft(DRAFT, DRAFT_ID)
    (held,) = stand.held("Drafts")
    assert held.raw == DRAFT
    assert held.flags == {"draft", "seen"}


@pytest.mark.parametrize("flags", [set(), {"flagged"}, {"deleted"}, {"seen", "flagged"}])
def test_a_draft_that_a_person_flagged_is_still_the_draft(stand, flags):
    mailbox = stand.mailbox()
    assert mailbox.save_draft(DRAFT, DRAFT_ID)
    stand.person_marks(0, "Drafts", flags)
    assert not mailbox.save_draft(DRAFT, DRAFT_ID)
    assert len(stand.held("Drafts")) == 1


def test_a_draft_whose_id_only_contains_ours_is_another_draft(stand):
    mailbox = stand.mailbox()
    longer = f"<other@mail.example> {DRAFT_ID}"
    assert mailbox.save_draft(mail(message_id=longer), longer)
    assert mailbox.save_draft(DRAFT, DRAFT_ID)
    assert not mailbox.save_draft(DRAFT, DRAFT_ID)
    assert len(stand.held("Drafts")) == 2


def test_the_same_reply_composed_anew_under_its_id_is_not_saved_again(stand):
    mailbox = stand.mailbox()
    assert mailbox.save_draft(DRAFT, DRAFT_ID)
    assert not mailbox.save_draft(mail(message_id=DRAFT_ID, body=b"other words"), DRAFT_ID)


def test_a_draft_that_could_not_be_found_again_is_refused(stand):
    mailbox = stand.mailbox()
    with pytest.raises(MailboxRefused, match="carries the Message-ID"):
        mailbox.save_draft(DRAFT, "<another@mail.example>")
    with pytest.raises(MailboxRefused, match="carries the Message-ID"):
        mailbox.save_draft(b"Subject: x\r\n\r\nbody\r\n", "")
    assert stand.held("Drafts") == []


def test_drafts_are_not_unread_mails(stand):
    mailbox = stand.mailbox()
    mailbox.save_draft(DRAFT, DRAFT_ID)
    assert list(mailbox.unread()) == []


# Filing


@pytest.mark.parametrize("target", ["Processed", "Processed/2026/New entries"])
def test_a_mail_is_filed_read_in_a_folder_made_for_it(stand, target):
    stand.deliver(mail())
    mailbox = stand.mailbox()
    ref, raw = first(mailbox)
    assert mailbox.file_away(ref, sha256(raw), "<1@b.example>", target) is Filed.DONE
    assert target in stand.folders()
    (held,) = stand.present(target)
    assert (held.raw, held.flags) == (raw, {"seen"})
    assert stand.present("INBOX") == []
    assert list(mailbox.unread()) == []


def test_filing_again_after_a_crash_says_so_and_changes_nothing(stand):
    stand.deliver(mail())
    ref, raw = first(stand.mailbox())
    assert stand.mailbox().file_away(ref, sha256(raw), "<1@b.example>", TARGET) is Filed.DONE
    before = stand.held(TARGET), stand.held("INBOX")
    for _ in range(2):
        assert stand.mailbox().file_away(ref, sha256(raw), "<1@b.example>", TARGET) is Filed.ALREADY
    assert (stand.held(TARGET), stand.held("INBOX")) == before


def test_a_mail_read_by_a_person_meanwhile_is_still_filed(stand):
    stand.deliver(mail())
    mailbox = stand.mailbox()
    ref, raw = first(mailbox)
    stand.person_marks(0, "INBOX", {"seen", "flagged"})
    assert mailbox.file_away(ref, sha256(raw), "<1@b.example>", TARGET) is Filed.DONE
    assert stand.held(TARGET)[0].flags == {"seen", "flagged"}


def test_a_mail_that_a_person_moved_elsewhere_is_left_there(stand):
    stand.deliver(mail())
    mailbox = stand.mailbox()
    ref, raw = first(mailbox)
    stand.person_moves(0, "INBOX", "Elsewhere")
    assert mailbox.file_away(ref, sha256(raw), "<1@b.example>", TARGET) is Filed.GONE
    assert len(stand.held("Elsewhere")) == 1
    assert TARGET not in stand.folders()


def test_a_mail_that_a_person_filed_by_hand_is_already_there(stand):
    stand.deliver(mail())
    mailbox = stand.mailbox()
    ref, raw = first(mailbox)
    stand.person_moves(0, "INBOX", TARGET)
    assert mailbox.file_away(ref, sha256(raw), "<1@b.example>", TARGET) is Filed.ALREADY


def test_a_mail_that_a_person_marked_deleted_is_left_so(stand):
    stand.deliver(mail())
    mailbox = stand.mailbox()
    ref, raw = first(mailbox)
    stand.person_marks(0, "INBOX", {"deleted"})
    assert mailbox.file_away(ref, sha256(raw), "<1@b.example>", TARGET) is Filed.GONE
    assert [held.flags for held in stand.held("INBOX")] == [{"deleted"}]
    assert TARGET not in stand.folders()


def test_only_the_mail_with_these_bytes_is_filed(stand):
    stand.deliver(mail(body=b"first"))
    stand.deliver(mail(body=b"second"))
    mailbox = stand.mailbox()
    one, two = mailbox.unread()
    first_raw, second_raw = mailbox.fetch(one.ref), mailbox.fetch(two.ref)
    # The place points at the second mail, which has the same Message-ID: the digest decides.
    assert mailbox.file_away(two.ref, sha256(first_raw), "<1@b.example>", TARGET) is Filed.DONE
    assert [held.raw for held in stand.held(TARGET)] == [first_raw]
    assert [(held.raw, held.flags) for held in stand.present("INBOX")] == [(second_raw, frozenset())]


def test_bytes_that_are_nowhere_are_gone_and_nothing_is_touched(stand):
    stand.deliver(mail())
    mailbox = stand.mailbox()
    ref, raw = first(mailbox)
    assert mailbox.file_away(ref, sha256(b"other"), "<1@b.example>", TARGET) is Filed.GONE
    assert [(held.raw, held.flags) for held in stand.held("INBOX")] == [(raw, frozenset())]


def test_the_same_bytes_delivered_twice_both_leave_the_inbox(stand):
    stand.deliver(mail())
    stand.deliver(mail())
    mailbox = stand.mailbox()
    for listed in mailbox.unread():
        assert mailbox.file_away(listed.ref, sha256(mail()), "<1@b.example>", TARGET) is Filed.DONE
    assert stand.present("INBOX") == []
    assert {held.raw for held in stand.held(TARGET)} == {mail()}


def test_a_renumbered_mail_is_found_by_its_bytes(stand):
    for number in range(3):
        stand.deliver(mail(number))
    mailbox = stand.mailbox()
    ref = mailbox.unread()[1].ref
    mailbox.close()
    stand.renumber()
    assert mailbox.file_away(ref, sha256(mail(1)), "<1@b.example>", TARGET) is Filed.DONE
    assert [held.raw for held in stand.held(TARGET)] == [mail(1)]
    assert [held.raw for held in stand.present("INBOX")] == [mail(0), mail(2)]


@pytest.mark.parametrize("message_id", ["x\r\na1 LOGOUT", "{10}", '") ALL ("', "\\", "é", "<" + "x" * 9_000 + ">"])
def test_a_hostile_message_id_reaches_no_command(stand, message_id):
    stand.deliver(mail())
    mailbox = stand.mailbox()
    nowhere = Ref("INBOX", "0", "99")
    assert mailbox.file_away(nowhere, sha256(b"other"), message_id, TARGET) is Filed.GONE
    assert len(mailbox.unread()) == 1


def test_a_mailbox_can_be_closed_twice_and_used_again(stand):
    stand.deliver(mail())
    mailbox = stand.mailbox()
    mailbox.close()
    assert len(mailbox.unread()) == 1
    mailbox.close()
    mailbox.close()
    assert len(mailbox.unread()) == 1


def test_the_description_names_the_folders(stand):
    stand.deliver(mail())
    text = "\n".join(stand.mailbox().describe())
    assert "1 unread" in text
    assert "Drafts" in text


# What only a real IMAP server can show


@pytest.mark.dovecot
@pytest.mark.parametrize("tls", [Tls.IMPLICIT, Tls.STARTTLS])
def test_a_server_whose_certificate_is_not_ours_to_trust_is_refused(imap, tls, tmp_path):
    stand = imap(tls=tls)
    dovecot.make_certificates(tmp_path)
    for changes in ({"ca_file": None}, {"ca_file": tmp_path / "ca.crt"}):
        with pytest.raises(MailboxRefused, match="certificate is not trusted"):
            stand.mailbox(**changes).unread()


@pytest.mark.dovecot
def test_an_unreadable_ca_file_is_refused(imap, tmp_path):
    empty = tmp_path / "empty.pem"
    empty.touch()
    for ca_file in (tmp_path / "missing.pem", empty):
        with pytest.raises(MailboxRefused, match="cannot be read as PEM"):
            imap().mailbox(ca_file=ca_file).unread()


@pytest.mark.dovecot
def test_a_wrong_password_is_refused_and_not_repeated(imap):
    with pytest.raises(MailboxRefused, match="AUTHENTICATIONFAILED") as refused:
        imap().mailbox(password=WRONG).unread()
    assert WRONG not in repr(refused.value) + repr(refused.value.__cause__)


@pytest.mark.dovecot
def test_neither_mails_nor_the_password_reach_the_log(imap, caplog):
    stand = imap()
    stand.deliver(mail(body=b"stack vendor"))
    with caplog.at_level(logging.DEBUG):
        first(stand.mailbox())
    assert "stack vendor" not in caplog.text
    assert dovecot.PASSWORD not in caplog.text


@pytest.mark.dovecot
@pytest.mark.parametrize("tls", [Tls.IMPLICIT, Tls.STARTTLS])
def test_a_server_that_hangs_before_login_is_unavailable_in_time(imap, tls):
    stand = imap(tls=tls)
    mailbox = stand.mailbox(timeout_seconds=0.4)
    started = time.monotonic()
    with stand.server.paused(), pytest.raises(MailboxUnavailable, match=r"within 0\.4 seconds"):
        mailbox.unread()
    assert time.monotonic() - started < 5


@pytest.mark.dovecot
def test_a_server_that_hangs_in_a_session_is_unavailable_in_time_and_then_works_again(imap):
    stand = imap()
    stand.deliver(mail())
    mailbox = stand.mailbox(timeout_seconds=0.4)
    ref = mailbox.unread()[0].ref
    started = time.monotonic()
    with stand.server.paused(), pytest.raises(MailboxUnavailable, match=r"within 0\.4 seconds"):
        mailbox.fetch(ref)
    assert time.monotonic() - started < 5
    again = stand.mailbox()
    assert again.fetch(ref) == mail()
    with stand.server.paused():
        stand.mailbox(timeout_seconds=0.4).close()


@pytest.mark.dovecot
def test_a_cut_connection_is_unavailable_and_the_next_visit_connects_anew(imap):
    stand = imap()
    stand.deliver(mail())
    mailbox = stand.mailbox()
    mailbox.unread()
    stand.server.kick(stand.user)
    with pytest.raises(MailboxUnavailable, match="connection failed"):
        mailbox.unread()
    assert len(mailbox.unread()) == 1


@pytest.mark.dovecot
def test_a_configured_folder_that_is_missing_is_refused_by_name(imap):
    stand = imap()
    with pytest.raises(MailboxRefused, match="no drafts folder 'Entwürfe'"):
        stand.mailbox(drafts="Entwürfe").save_draft(DRAFT, DRAFT_ID)
    with pytest.raises(MailboxRefused, match="no folder 'Gesendet' of sent mails"):
        stand.mailbox(sent="Gesendet").sent(date(2026, 1, 1))
    assert any("sent mails: MISSING" in line for line in stand.mailbox(sent="Gesendet").describe())
    with pytest.raises(MailboxRefused, match="list the unread mails"):
        stand.mailbox(inbox="Helpdesk").unread()


@pytest.mark.dovecot
def test_a_configured_folder_outside_ascii_is_used(imap):
    stand = imap()
    with stand.server.person(stand.user) as client:
        client.create_folder("Entwürfe & mehr")
    assert stand.mailbox(drafts="Entwürfe & mehr").save_draft(DRAFT, DRAFT_ID)
    assert len(stand.held("Entwürfe & mehr")) == 1


@pytest.mark.dovecot
def test_without_move_other_peoples_deleted_mails_are_not_expunged(imap):
    stand = imap(dovecot.NO_MOVE)
    stand.deliver(mail(1))
    stand.deliver(mail(2))
    stand.person_marks(0, "INBOX", {"deleted"})
    mailbox = stand.mailbox()
    ref, raw = first(mailbox)
    assert mailbox.file_away(ref, sha256(raw), "<2@b.example>", TARGET) is Filed.DONE
    assert [held.raw for held in stand.held("INBOX")] == [mail(1)]


@pytest.mark.dovecot
@pytest.mark.parametrize("flavour", [dovecot.NO_MOVE, dovecot.BARE], ids=lambda flavour: flavour.name)
def test_a_copy_left_by_a_crash_is_not_made_twice(imap, flavour):
    stand = imap(flavour)
    stand.deliver(mail())
    mailbox = stand.mailbox()
    ref, raw = first(mailbox)
    stand.person_copies(0, "INBOX", TARGET)
    assert mailbox.file_away(ref, sha256(raw), "<1@b.example>", TARGET) is Filed.DONE
    assert len(stand.held(TARGET)) == 1
    assert stand.present("INBOX") == []


@pytest.mark.dovecot
def test_without_move_and_uidplus_the_mail_stays_marked_for_people_to_expunge(imap):
    stand = imap(dovecot.BARE)
    stand.deliver(mail())
    mailbox = stand.mailbox()
    ref, raw = first(mailbox)
    mailbox.file_away(ref, sha256(raw), "<1@b.example>", TARGET)
    assert [held.flags for held in stand.held("INBOX")] == [{"seen", "deleted"}]
    assert any("marked deleted" in line for line in mailbox.describe())


@pytest.mark.real
@pytest.mark.dovecot
def test_every_mail_of_the_corpus_is_read_and_filed(imap):
    mails = [path.read_bytes() for path in sorted(CORPUS.rglob("*")) if path.is_file()]
    if not mails:
        pytest.skip(f"the mail corpus {CORPUS} is not here")
    stand = imap()
    for raw in mails:
        stand.deliver(raw)
    mailbox = stand.mailbox()
    read = [(listed.ref, mailbox.fetch(listed.ref)) for listed in mailbox.unread()]
    assert len(read) == len(mails)
    assert [held.flags for held in stand.held("INBOX")] == [frozenset()] * len(mails)
    filed = [mailbox.file_away(ref, sha256(raw), "", TARGET) for ref, raw in read]
    assert filed == [Filed.DONE] * len(mails)
    assert stand.held("INBOX") == []
    assert sorted(sha256(held.raw) for held in stand.held(TARGET)) == sorted(sha256(raw) for _, raw in read)
