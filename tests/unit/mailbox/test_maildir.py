"""What is special about files: names that collide, mails renamed under our hands, and disks that fail."""

import errno
import hashlib
import os
from pathlib import Path

import pytest

from pipeline.mailbox.maildir import Maildir
from pipeline.mailbox.port import Filed, MailboxRefused, MailboxUnavailable, Ref

RAW = b"Message-ID: <1@b.example>\r\n\r\nbody\r\n"
DIGEST = hashlib.sha256(RAW).hexdigest()


@pytest.fixture
def home(tmp_path):
    return tmp_path / "mail"


@pytest.fixture
def maildir(home):
    return Maildir(home)


def files(home):
    return sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())


def test_deliveries_are_unread_in_their_order_and_named_apart(maildir):
    uids = [maildir.deliver(RAW) for _ in range(20)]
    assert [listed.ref.uid for listed in maildir.unread()] == uids
    assert len(set(uids)) == 20


def test_the_name_says_where_it_stands_unless_given(home, maildir):
    assert maildir.name == f"maildir:{home}"
    assert Maildir(home, name="demo").name == "demo"


def test_a_missing_maildir_is_refused_by_name(home, maildir):
    for visit in (maildir.unread, maildir.describe):
        with pytest.raises(MailboxRefused, match=str(home)):
            visit()


@pytest.mark.parametrize("folder", ["", "a//b", "..", "../../etc", "a.b", "/etc", "a\0b"])
def test_a_folder_name_cannot_lead_out_of_the_maildir(maildir, folder):
    maildir.deliver(RAW)
    ref = maildir.unread()[0].ref
    with pytest.raises(MailboxRefused, match="cannot be a Maildir folder"):
        maildir.file_away(ref, DIGEST, "<1@b.example>", folder)


@pytest.mark.parametrize("uid", ["../../secret", "/etc/passwd", "*", ""])
def test_a_uid_cannot_lead_out_of_the_maildir(home, maildir, uid):
    (home.parent / "secret").write_text("secret")
    maildir.deliver(RAW)
    with pytest.raises(MailboxRefused, match="no longer in"):
        maildir.fetch(Ref("INBOX", "maildir", uid))


def test_what_is_no_mail_is_passed_over(home, maildir):
    maildir.deliver(RAW)
    (home.parent / "secret").write_text("secret")
    (home / "new" / "link").symlink_to(home.parent / "secret")
    (home / "new" / ".hidden").write_text("x")
    (home / "cur" / "folder").mkdir()
    os.mkfifo(home / "new" / "pipe")
    assert len(maildir.unread()) == 1


def test_a_file_being_written_is_not_a_mail_yet(home, maildir):
    maildir.deliver(RAW)
    (home / "tmp" / "half").write_bytes(b"half a mail")
    assert len(maildir.unread()) == 1


def test_filing_does_not_overwrite_another_mail_of_that_name(home, maildir):
    uid = maildir.deliver(RAW)
    ref = maildir.unread()[0].ref
    maildir.file_away(ref, DIGEST, "<1@b.example>", "Processed")
    restored = home / "new" / uid
    restored.write_bytes(b"other")
    assert maildir.file_away(ref, hashlib.sha256(b"other").hexdigest(), "", "Processed") is Filed.DONE
    assert sorted(path.read_bytes() for path in (home / ".Processed" / "cur").iterdir()) == [RAW, b"other"]


def test_flags_a_person_set_are_kept(home, maildir):
    uid = maildir.deliver(RAW)
    ref = maildir.unread()[0].ref
    (home / "new" / uid).rename(home / "cur" / f"{uid}:2,FR")
    assert maildir.unread()[0].ref == ref
    maildir.file_away(ref, DIGEST, "<1@b.example>", "Processed")
    assert files(home)[:1] == [f".Processed/cur/{uid}:2,FRS"]


def test_a_mail_seen_both_before_and_after_its_move_is_listed_once(home, maildir):
    uid = maildir.deliver(RAW)
    (home / "cur" / f"{uid}:2,").write_bytes(RAW)
    assert len(maildir.unread()) == 1


def test_a_mail_that_a_mail_program_takes_over_while_we_list_is_listed(home, maildir, monkeypatch):
    uid = maildir.deliver(RAW)
    scandir = os.scandir
    looks = iter([lambda: None, lambda: (home / "new" / uid).rename(home / "cur" / f"{uid}:2,")])

    def scandir_late(path):
        next(looks)()
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scandir_late)
    assert [listed.ref.uid for listed in maildir.unread()] == [uid]


def _renamed_at_first_open(monkeypatch, move):
    """Let a mail program rename the file just before our first open of it."""
    opened = Path.open
    moves = iter([move])

    def open_late(path, *arguments, **named):
        for do in moves:
            do()
        return opened(path, *arguments, **named)

    monkeypatch.setattr(Path, "open", open_late)


def test_a_mail_renamed_while_it_is_read_is_read(home, maildir, monkeypatch):
    uid = maildir.deliver(RAW)
    ref = maildir.unread()[0].ref
    _renamed_at_first_open(monkeypatch, lambda: (home / "new" / uid).rename(home / "cur" / f"{uid}:2,S"))
    assert maildir.fetch(ref) == RAW


def test_a_mail_renamed_while_it_is_filed_is_filed(home, maildir, monkeypatch):
    uid = maildir.deliver(RAW)
    ref = maildir.unread()[0].ref
    _renamed_at_first_open(monkeypatch, lambda: (home / "new" / uid).rename(home / "cur" / f"{uid}:2,S"))
    assert maildir.file_away(ref, DIGEST, "<1@b.example>", "Processed") is Filed.DONE


def test_a_draft_renamed_while_it_is_looked_for_is_not_saved_twice(home, maildir, monkeypatch):
    maildir.save_draft(RAW, "<1@b.example>")
    (draft,) = (home / ".Drafts" / "cur").iterdir()
    _renamed_at_first_open(monkeypatch, lambda: draft.rename(draft.with_name(draft.name + "F")))
    assert not maildir.save_draft(RAW, "<1@b.example>")


def test_a_draft_folder_can_be_configured(home):
    assert Maildir(home, drafts="Help/Drafts").save_draft(RAW, "<1@b.example>")
    assert (home / ".Help.Drafts" / "maildirfolder").exists()
    assert len(files(home / ".Help.Drafts" / "cur")) == 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_full_disk_leaves_no_half_mail(home, maildir, monkeypatch, number):
    maildir.save_draft(RAW, "<1@b.example>")
    before = files(home)

    def full(_handle):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    other = RAW.replace(b"<1@", b"<2@")
    with pytest.raises(MailboxUnavailable, match=os.strerror(number)):
        maildir.save_draft(other, "<2@b.example>")
    assert files(home) == before


def test_a_read_only_disk_needs_a_person(home, maildir, monkeypatch):
    maildir.deliver(RAW)
    ref = maildir.unread()[0].ref
    maildir.file_away(ref, "0" * 64, "", "Processed")

    def read_only(_path, _target):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "rename", read_only)
    with pytest.raises(MailboxRefused, match="rights of the worker"):
        maildir.file_away(ref, DIGEST, "<1@b.example>", "Processed")


def test_what_is_written_is_on_disk_before_it_has_its_name(maildir, monkeypatch):
    steps = []
    fsync, rename = os.fsync, Path.rename
    monkeypatch.setattr(os, "fsync", lambda handle: (steps.append("fsync"), fsync(handle))[1])
    monkeypatch.setattr(Path, "rename", lambda path, goal: (steps.append("rename"), rename(path, goal))[1])
    maildir.deliver(RAW)
    assert steps[-3:] == ["fsync", "rename", "fsync"]


def test_the_description_says_what_is_missing(home, maildir):
    maildir.deliver(RAW)
    text = "\n".join(maildir.describe())
    assert f"Maildir {home}" in text
    assert "1 mails, 1 unread" in text
    assert "'Drafts' is missing" in text
    maildir.save_draft(RAW, "<1@b.example>")
    assert "'Drafts' is there" in "\n".join(maildir.describe())
