"""A mail that could not be checked is seen where people look, and tried again when they bring it back."""

from email import message_from_bytes, policy

import pytest

from pipeline.compose.proof import bodies
from pipeline.ledger.records import EffectState, MessageState
from pipeline.mailbox.maildir import Maildir
from pipeline.mailbox.port import MailboxUnavailable
from pipeline.promises import Round
from tests.hands import POISON, Dying
from tests.office import HELPDESK, Troubled, a_helpdesk

FOLDER = "Quarantine"


@pytest.fixture
def helpdesk(tmp_path):
    with a_helpdesk(tmp_path, readers=Dying()) as made:
        made.deliver(POISON)
        yield made


@pytest.fixture
def aside(helpdesk):
    """The helpdesk with the mail set aside, three attempts later."""
    assert helpdesk.rounds(3) == Round(set_aside=1)
    return helpdesk


def notes(helpdesk):
    return [one for one in helpdesk.folder(FOLDER) if one.raw != POISON]


def promised(helpdesk):
    return [(one.state, one.note) for one in helpdesk.office.ledger.promised("aside:")]


def drags_back(helpdesk, flags=""):
    (there,) = [one for one in helpdesk.folder(FOLDER) if one.raw == POISON]
    (helpdesk.mail / there.place).rename(helpdesk.mail / "cur" / f"dragged:2,{flags}")


def test_it_lies_in_the_folder_unread_with_a_note_beside_it(aside):
    assert aside.folder() == []
    (note,) = notes(aside)
    assert {one.flags for one in aside.folder(FOLDER)} == {""}
    header = message_from_bytes(note.raw, policy=policy.default)
    record = aside.office.ledger.set_aside_messages()[0]
    assert (header["From"], header["To"]) == (f"SECAS Helpdesk <{HELPDESK}>", HELPDESK)
    assert header["Subject"].endswith(f"[{record.sha256[:12]}]")
    text = bodies(note.raw)[0]
    assert "The reader crashed on it." in text
    assert f"pipeline retry {record.sha256[:12]}" in " ".join(text.split())
    assert "POISON" in text
    assert promised(aside) == [(EffectState.DONE, "set aside: done")]
    assert (record.folder, record.note) == (FOLDER, "The reader crashed on it.")
    assert aside.round() == Round()


def test_dragged_back_it_is_tried_again_and_set_aside_again(aside):
    drags_back(aside)
    assert aside.round() == Round(failed=1)
    entry = aside.office.ledger.audit()[-1]
    assert (entry.who, entry.what) == ("a person at the mailbox", "brought back")
    assert aside.rounds(2) == Round(set_aside=1)
    assert len(notes(aside)) == 2
    assert [state for state, _ in promised(aside)] == [EffectState.DONE] * 2


def test_dragged_back_and_mended_it_is_judged_and_filed(aside):
    drags_back(aside)
    aside.office.readers.ill = False
    assert aside.round().concluded == 1
    assert aside.state_of(POISON)[0] == "concluded"
    assert aside.office.ledger.set_aside_messages() == ()


def test_dragged_back_and_read_it_is_left_alone(aside):
    drags_back(aside, "S")
    assert aside.round() == Round()
    assert aside.state_of(POISON)[0] == "set-aside"


def test_the_command_has_it_judged_where_it_lies(aside):
    aside.office.readers.ill = False
    (record,) = aside.office.ledger.set_aside_messages()
    aside.office.ledger.retry(record.sha256, aside.office.now(), by="Ada", why="Mended.")
    assert aside.round().concluded == 1
    assert POISON in [one.raw for one in aside.folder(FOLDER)], "a mail that is not ours is left where it is"


def test_retried_before_it_was_moved_it_stays_in_the_inbox(helpdesk):
    helpdesk.visit = lambda: Troubled(helpdesk.box, put_note=[MailboxUnavailable("away")] * 9)
    helpdesk.rounds(3)
    assert promised(helpdesk) == [(EffectState.PENDING, "")]
    (record,) = helpdesk.office.ledger.set_aside_messages()
    helpdesk.office.ledger.retry(record.sha256, helpdesk.office.now(), by="Ada", why="Mended.")
    helpdesk.visit, helpdesk.office.readers.ill = (lambda: helpdesk.box), False
    helpdesk.clock.passes(hours=1)
    helpdesk.round()
    assert promised(helpdesk) == [(EffectState.DONE, "it is not set aside any more")]
    assert [one.raw for one in helpdesk.folder()] == [POISON]
    assert notes(helpdesk) == []


def test_cut_off_between_the_note_and_the_move_neither_is_done_twice(helpdesk):
    helpdesk.visit = lambda: Troubled(helpdesk.box, late=True, file_away=[MailboxUnavailable("cut off")])
    helpdesk.rounds(3)
    helpdesk.visit = lambda: helpdesk.box
    helpdesk.clock.passes(hours=1)
    helpdesk.round()
    assert len(notes(helpdesk)) == 1
    assert promised(helpdesk) == [(EffectState.DONE, "set aside: already")]


def test_a_mail_that_a_person_took_away_is_not_looked_for_for_ever(helpdesk):
    helpdesk.rounds(2)
    (there,) = helpdesk.folder()
    (helpdesk.mail / there.place).unlink()
    helpdesk.round()
    assert promised(helpdesk) == [(EffectState.DONE, "set aside: gone")]
    assert helpdesk.round() == Round()


def test_the_note_in_the_inbox_is_answered_by_nobody(aside):
    (note,) = notes(aside)
    (aside.mail / note.place).rename(aside.mail / "cur" / "the note:2,")
    aside.office.readers.ill = False  # it tells the subject of the mail that made them so
    aside.round()
    assert aside.state_of(note.raw) == ("concluded", "automatic")
    assert aside.drafts == []


def test_one_that_was_never_fetched_stays_in_the_inbox_and_the_note_says_so(tmp_path):
    with a_helpdesk(tmp_path) as helpdesk:
        helpdesk.deliver(POISON)
        helpdesk.visit = lambda: Maildir(helpdesk.mail, max_octets=100)
        assert helpdesk.round() == Round(set_aside=1)
        assert [one.raw for one in helpdesk.folder()] == [POISON]
        (note,) = helpdesk.folder(FOLDER)
        assert "It stays in the inbox, as it was never fetched." in " ".join(bodies(note.raw)[0].split())
        assert helpdesk.office.ledger.set_aside_messages()[0].state is MessageState.SET_ASIDE
        assert helpdesk.round() == Round()
