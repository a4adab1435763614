"""What is set aside in the mailbox, and brought back by a person, as every kind of mailbox must do it."""

from hashlib import sha256

from pipeline.mailbox.port import Filed

FOLDER = "Quarantine"
NOTE = "<note-1@cpl.example>"


def mail(number=1):
    return f"From: a@b.example\r\nSubject: {number}\r\nMessage-ID: <{number}@b.example>\r\n\r\nbody\r\n".encode()


def note(message_id=NOTE):
    return f"From: us@cpl.example\r\nSubject: Set aside\r\nMessage-ID: {message_id}\r\n\r\nWhy.\r\n".encode()


def aside(mailbox, ref, raw):
    return mailbox.file_away(ref, sha256(raw).hexdigest(), "<1@b.example>", FOLDER, read=False)


def test_a_note_is_put_once_into_a_folder_made_for_it(stand):
    mailbox = stand.mailbox()
    assert mailbox.put_note(note(), NOTE, FOLDER)
    assert not mailbox.put_note(note(), NOTE, FOLDER)
    assert mailbox.put_note(note("<note-2@cpl.example>"), "<note-2@cpl.example>", FOLDER)
    assert sorted(held.raw for held in stand.held(FOLDER)) == sorted([note(), note("<note-2@cpl.example>")])
    assert stand.held("INBOX") == stand.held("Drafts") == []


def test_a_mail_is_moved_unread_and_stays_so(stand):
    stand.deliver(mail())
    mailbox = stand.mailbox()
    ref = mailbox.unread()[0].ref
    raw = mailbox.fetch(ref)
    assert aside(mailbox, ref, raw) is Filed.DONE
    (moved,) = stand.present(FOLDER)
    assert (moved.raw, moved.flags) == (raw, frozenset())
    assert stand.present("INBOX") == []
    assert aside(mailbox, ref, raw) is Filed.ALREADY


def test_a_mail_that_was_dragged_back_is_listed_again(stand):
    stand.deliver(mail())
    mailbox = stand.mailbox()
    ref = mailbox.unread()[0].ref
    raw = mailbox.fetch(ref)
    aside(mailbox, ref, raw)
    assert list(mailbox.unread()) == []
    stand.person_moves(0, FOLDER, "INBOX")
    stand.person_marks(len(stand.held("INBOX")) - 1, "INBOX", set())
    (listed,) = mailbox.unread()
    assert mailbox.fetch(listed.ref) == raw


def test_a_mail_set_aside_is_filed_from_there(stand):
    stand.deliver(mail())
    mailbox = stand.mailbox()
    ref = mailbox.unread()[0].ref
    raw = mailbox.fetch(ref)
    aside(mailbox, ref, raw)
    there = type(ref)(FOLDER, ref.generation, ref.uid)
    assert mailbox.file_away(there, sha256(raw).hexdigest(), "<1@b.example>", "Processed") is Filed.DONE
    (filed,) = stand.present("Processed")
    assert (filed.raw, filed.flags) == (raw, frozenset({"seen"}))
