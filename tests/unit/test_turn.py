"""Whose turn it is, and a person's hand on a draft: the worker over a Maildir, with others at work beside it."""

import pytest

from pipeline.demo.mail import faulty_submission, mail
from pipeline.ledger.errors import LedgerBusy
from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable, Place, Trace
from pipeline.promises import Round
from pipeline.turn import LEASE, SECONDS
from tests.office import NOW, Troubled, a_helpdesk, cpl


@pytest.fixture
def helpdesk(tmp_path):
    with a_helpdesk(tmp_path) as made:
        yield made


def faulty():
    return faulty_submission(NOW, base=cpl())


def asking(number=0):
    """A mail that speaks of a submission and brings none: it is answered with a question."""
    return mail(f"CPL submission {number}", "The form will follow.\n", NOW)


def states(helpdesk):
    return [(effect.kind, effect.state.value) for effect in helpdesk.case().effects]


def _raise(error):
    raise error


@pytest.mark.parametrize("step", ["fetch", "judge", "act"])
def test_a_second_worker_does_nothing_while_the_first_has_its_turn(helpdesk, step):
    helpdesk.deliver(asking(1), asking(2), faulty())
    inner = []

    def overlap(name, position, _):
        if (name, position) == (step, 1):
            inner.append(helpdesk.round())

    assert helpdesk.worker(progress=overlap).run_once() == Round(fetched=3, concluded=3, drafted=3, filed=3)
    assert inner == [Round(elsewhere="another worker is at work on this ledger")]


def test_a_worker_that_lost_its_turn_leaves_the_rest_to_the_other(helpdesk):
    helpdesk.deliver(asking(1), asking(2), faulty())
    inner = []

    def overlap(step, position, _):
        if not inner and (step, position) == ("judge", 1):
            inner.append(None)
            helpdesk.clock.passes(seconds=SECONDS)
            inner.append(helpdesk.round())

    outer = helpdesk.worker(progress=overlap).run_once()
    assert inner[1] == Round(concluded=3, drafted=3, filed=3)
    assert outer == Round(fetched=3, elsewhere="another worker is at work on this ledger")
    assert helpdesk.round() == Round()
    assert len(helpdesk.drafts) == len(helpdesk.office.ledger.cases()) == 3


@pytest.mark.parametrize("way", [1, -1], ids=["on", "back"])
def test_a_slow_round_keeps_its_turn_while_it_gets_on_and_where_the_clock_is_set_back(helpdesk, way):
    helpdesk.deliver(asking(1), asking(2), faulty())
    others = []

    def slowly(*_):
        helpdesk.clock.passes(seconds=way * SECONDS * 0.6)
        others.append(helpdesk.office.ledger.lease(LEASE, "another", helpdesk.office.now(), SECONDS))

    assert helpdesk.worker(progress=slowly).run_once().concluded == 3
    assert len(others) > 5
    assert set(others) == {None}


def test_the_turn_of_a_dead_worker_runs_out(helpdesk):
    ledger, now = helpdesk.office.ledger, helpdesk.office.now
    assert ledger.lease(LEASE, "one that died", now(), SECONDS)
    helpdesk.deliver(asking())
    helpdesk.clock.passes(seconds=SECONDS - 1)
    assert helpdesk.round().elsewhere
    helpdesk.clock.passes(seconds=1)
    assert helpdesk.round() == Round(fetched=1, concluded=1, drafted=1, filed=1)
    assert ledger.lease(LEASE, "the next", now(), SECONDS), "a turn is given back at its end"


def test_a_round_that_ends_in_trouble_gives_its_turn_back(helpdesk):
    helpdesk.deliver(asking())
    helpdesk.office.ledger.note_poll = lambda *_: _raise(LedgerBusy("held"))
    with pytest.raises(LedgerBusy):
        helpdesk.round()
    del helpdesk.office.ledger.note_poll
    assert helpdesk.round().concluded == 1


# A person's hand


@pytest.mark.parametrize(
    ("folder", "note", "answered"), [("Sent", "a person sent it", 1), ("By hand", "a person moved or deleted it", 0)]
)
def test_a_draft_that_was_put_and_moved_before_it_was_noted_is_not_put_again(helpdesk, folder, note, answered):
    helpdesk.deliver(asking())
    helpdesk.visit = lambda: Troubled(helpdesk.box, late=True, save_draft=[MailboxUnavailable("cut off")])
    helpdesk.round()
    (put,) = helpdesk.folder("Drafts")
    target = helpdesk.mail / f".{folder}" / "cur"
    target.mkdir(parents=True)
    (helpdesk.mail / put.place).rename(target / "moved:2,S")
    helpdesk.visit = lambda: helpdesk.box
    helpdesk.clock.passes(hours=1)
    assert helpdesk.round() == Round(answered=answered, filed=1)
    assert helpdesk.drafts == []
    (promise,) = helpdesk.office.ledger.promised("draft:")
    assert promise.note == note


def died_while_putting(helpdesk):
    """A draft was begun by a worker that is gone; whether it was put is for each test to say."""
    helpdesk.deliver(asking())
    office = helpdesk.office
    helpdesk.worker().fetching.fetch(helpdesk.box, Round())
    helpdesk.worker().judge(Round())
    (effect,) = [one for one in office.ledger.effects_due(office.now()) if one.kind == "draft"]
    token = office.ledger.lease(LEASE, "one that died", office.now(), SECONDS)
    office.ledger.effect_begins(effect.key, office.now(), token)
    helpdesk.clock.passes(seconds=SECONDS)
    return effect


def test_a_draft_that_was_begun_a_moment_ago_and_stands_nowhere_is_put(helpdesk):
    died_while_putting(helpdesk)
    assert helpdesk.round() == Round(drafted=1, filed=1)
    assert len(helpdesk.drafts) == 1


@pytest.mark.parametrize("later", [{"hours": 1}, {"days": -2}])
def test_a_draft_that_was_begun_long_ago_and_stands_nowhere_is_held_for_a_person(helpdesk, later):
    effect = died_while_putting(helpdesk)
    helpdesk.office.ledger.stranded(helpdesk.office.now())
    helpdesk.clock.passes(**later)
    assert helpdesk.round() == Round()
    assert helpdesk.drafts == []
    assert states(helpdesk) == [("draft", "held"), ("file", "pending")]
    (promise,) = helpdesk.office.ledger.promised("draft:")
    assert "stands nowhere now" in promise.error
    helpdesk.office.ledger.retry(effect.key, helpdesk.office.now(), by="Ada", why="It never got there.")
    helpdesk.clock.passes(days=3)
    assert helpdesk.round() == Round(drafted=1, filed=1)


def test_a_draft_that_was_begun_and_edited_since_stays_as_the_person_left_it(helpdesk):
    effect = died_while_putting(helpdesk)
    raw = helpdesk.office.artefacts.get(effect.payload["artefact"])
    helpdesk.box.save_draft(raw + b"A word of mine.\r\n", effect.payload["message_id"])
    assert helpdesk.round() == Round(filed=1)
    assert helpdesk.drafts == [raw + b"A word of mine.\r\n"]
    assert states(helpdesk) == [("draft", "done"), ("file", "done")]


class HalfMade(Troubled):
    """A mailbox in which every draft stands begun, until it is saved."""

    saved = False

    def drafts(self, message_ids):
        return {} if self.saved else {one: [Trace(Place.DRAFTS, whole=False)] for one in message_ids}

    def save_draft(self, raw, message_id):
        done = self.__getattr__("save_draft")(raw, message_id)
        self.saved = True
        return done


def test_a_draft_that_was_half_made_is_finished_and_not_taken_for_done(helpdesk):
    died_while_putting(helpdesk)
    helpdesk.visit = lambda: HalfMade(helpdesk.box)
    assert helpdesk.round() == Round(drafted=1, filed=1)
    assert states(helpdesk) == [("draft", "done"), ("file", "done")]


def test_a_draft_that_was_half_made_and_cannot_be_finished_is_held_for_a_person(helpdesk):
    died_while_putting(helpdesk)
    helpdesk.visit = lambda: HalfMade(helpdesk.box, save_draft=[MailboxRefused("a person changed it")])
    assert helpdesk.round() == Round()
    assert states(helpdesk) == [("draft", "held"), ("file", "pending")]
    (promise,) = helpdesk.office.ledger.promised("draft:")
    assert promise.error == "a person changed it"
