"""A draft that stands twice: the worker over a Maildir moves a copy aside that nobody touched, and never the last."""

import itertools
from email import message_from_bytes
from pathlib import Path

import pytest

from pipeline.demo.mail import mail
from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable
from pipeline.promises import Round
from tests.office import NOW, Troubled, a_helpdesk

ASIDE = "Quarantine"
NAMES = itertools.count()


@pytest.fixture
def helpdesk(tmp_path):
    with a_helpdesk(tmp_path) as made:
        made.deliver(mail("CPL submission", "The form will follow.\n", NOW))
        made.round()
        yield made


def copied(helpdesk, raw, folder="Drafts", flags="DS"):
    """A copy of a draft, in a folder of the mailbox."""
    home: Path = helpdesk.mail / f".{folder}" / "cur"
    home.mkdir(parents=True, exist_ok=True)
    (home / f"copy-{next(NAMES)}:2,{flags}").write_bytes(raw)


def edited(raw):
    return raw + b"A word of mine.\r\n"


def swept(helpdesk, worker=None):
    """The drafts, and what was moved aside, after a round of a worker that has just started."""
    assert (worker or helpdesk.worker()).run_once() == Round()
    return helpdesk.drafts, [one.raw for one in helpdesk.folder(ASIDE)]


def test_one_of_two_that_nobody_touched_is_moved_aside(helpdesk):
    (raw,) = helpdesk.drafts
    copied(helpdesk, raw)
    copied(helpdesk, raw)
    assert swept(helpdesk) == ([raw], [raw, raw])


def test_the_one_a_person_edited_stays(helpdesk):
    (raw,) = helpdesk.drafts
    copied(helpdesk, edited(raw))
    assert swept(helpdesk) == ([edited(raw)], [raw])


def test_two_that_people_edited_both_stay(helpdesk):
    (raw,) = helpdesk.drafts
    (here,) = helpdesk.folder("Drafts")
    (helpdesk.mail / here.place).write_bytes(edited(raw))
    copied(helpdesk, edited(edited(raw)))
    assert sorted(swept(helpdesk)[0], key=len) == [edited(raw), edited(edited(raw))]
    assert helpdesk.folder(ASIDE) == []


def test_one_that_was_sent_and_stands_in_drafts_is_moved_aside(helpdesk):
    (raw,) = helpdesk.drafts
    copied(helpdesk, raw, "Sent", "S")
    helpdesk.worker().run_once()
    assert (helpdesk.drafts, [one.raw for one in helpdesk.folder(ASIDE)]) == ([], [raw])


def test_one_copy_marked_deleted_is_no_double(helpdesk):
    (raw,) = helpdesk.drafts
    copied(helpdesk, raw, flags="DST")
    assert swept(helpdesk) == ([raw, raw], [])


def test_one_elsewhere_is_a_person_s_own(helpdesk):
    (raw,) = helpdesk.drafts
    copied(helpdesk, raw, "By hand")
    assert swept(helpdesk) == ([raw], [])


def test_another_draft_of_the_same_words_is_left(helpdesk):
    (raw,) = helpdesk.drafts
    message_id = message_from_bytes(raw)["Message-ID"].encode()
    copied(helpdesk, raw.replace(message_id, b"<another@cpl.example>"))
    assert len(swept(helpdesk)[0]) == 2


def test_it_is_done_once_a_day_and_not_for_drafts_of_long_ago(helpdesk):
    (raw,) = helpdesk.drafts
    worker = helpdesk.worker()
    worker.run_once()
    copied(helpdesk, raw)
    assert swept(helpdesk, worker) == ([raw, raw], [])
    helpdesk.clock.passes(days=1)
    assert swept(helpdesk, worker) == ([raw], [raw])
    copied(helpdesk, raw)
    helpdesk.clock.passes(days=3)
    assert len(swept(helpdesk)[0]) == 2


def test_folders_that_may_not_be_read_stop_nothing(helpdesk):
    helpdesk.deliver(mail("CPL submission 2", "The form will follow.\n", NOW))
    helpdesk.visit = lambda: Troubled(helpdesk.box, drafts=[MailboxRefused("no rights")])
    assert helpdesk.round().fetched == 1


def test_a_server_that_goes_away_is_asked_again(helpdesk):
    (raw,) = helpdesk.drafts
    copied(helpdesk, raw)
    box = Troubled(helpdesk.box, drafts=[MailboxUnavailable("away")])
    helpdesk.visit = lambda: box
    worker = helpdesk.worker()
    assert swept(helpdesk, worker) == ([raw, raw], [])
    assert swept(helpdesk, worker) == ([raw], [raw])
