"""What every ledger keeps of people's own acts: replies they sent, mails they brought back."""

from dataclasses import replace

import pytest

from pipeline.domain.judgement import Outcome
from pipeline.ledger.errors import LedgerConflict, NoSuchCase
from pipeline.ledger.records import ASIDE, SENT, EffectState, MessageState, NewEffect, Replied
from pipeline.ledger.store import Ledger
from tests.contract.ledger_database import KINDS, a_database, postgres_cluster
from tests.contract.ledger_values import AT, LATER, MAILBOX, arrival, conclusion, digest, judgement

ONE = "CPL-2026-00001"
cluster = pytest.fixture(scope="session")(postgres_cluster)


@pytest.fixture(params=KINDS)
def ledger(request, tmp_path):
    opened = Ledger.open(a_database(request.param, request, tmp_path).url)
    yield opened
    opened.close()


def effect(name="1", state=EffectState.DONE, why="It was sent."):
    return NewEffect(f"sent:{name}", SENT, {"sha256": digest(name)}, state, why)


def replied(**more):
    return Replied(
        **({"case": ONE, "at": LATER, "by": "us@b.example", "message_id": "<sent@b>", "effect": effect()} | more)
    )


def states(ledger):
    return {one.key: (one.state, one.note or one.error) for one in ledger.promised("sent:")}


@pytest.fixture
def case(ledger):
    """A Case with one mail, judged."""
    ledger.arrive(arrival("a"))
    ledger.conclude(conclusion("a", case=ONE, opens=True, judgement=judgement("a")))
    return ledger.case(ONE)


class TestReplies:
    def test_a_reply_is_noted_once_and_found_by_its_message_id(self, ledger, case):
        ledger.replied(replied())
        ledger.replied(replied(effect=effect(state=EffectState.HELD, why="Another word."), closes=True))
        assert states(ledger) == {"sent:1": (EffectState.DONE, "It was sent.")}
        assert ledger.case_of(["<sent@b>"], "") == ONE
        assert ledger.case(ONE).state == case.state == "open"

    def test_of_a_case_that_is_not_there_nothing_is_noted(self, ledger):
        with pytest.raises(NoSuchCase):
            ledger.replied(replied())
        assert states(ledger) == {}

    def test_a_decision_is_that_of_who_sent_it_and_ends_the_case(self, ledger, case):
        decision = replace(case.decision, outcome=Outcome.REJECT, row="by-hand")
        again = replace(case.judgements[-1], at=LATER, decision=decision)
        ledger.replied(replied(judgement=again, closes=True))
        there = ledger.case(ONE)
        assert (there.state, there.decision, there.decided_by) == ("closed", decision, "us@b.example")
        assert [(one.who, one.what) for one in ledger.audit()] == [
            ("us@b.example", "decision: reject"),
            ("us@b.example", "closed"),
        ]

    def test_what_cannot_be_closed_leaves_nothing_behind(self, ledger, case):
        ledger.close_case(ONE, LATER, by="Ada", why="Done.")
        with pytest.raises(LedgerConflict):
            ledger.replied(replied(judgement=case.judgements[-1], closes=True))
        assert states(ledger) == {}
        assert len(ledger.case(ONE).judgements) == 1

    @pytest.mark.parametrize("how", ["decided", "closed"])
    def test_what_is_asked_about_a_reply_waits_for_a_word(self, ledger, case, how):
        ledger.replied(replied(effect=effect("asked", EffectState.HELD, "What was decided?")))
        assert ledger.retry(ONE, LATER) == 0
        assert states(ledger) == {"sent:asked": (EffectState.HELD, "What was decided?")}
        if how == "closed":
            ledger.close_case(ONE, LATER, by="Ada", why="Done.")
        else:
            ledger.replied(replied(by="Ada", judgement=case.judgements[-1], message_id="<2@b>"))
        assert states(ledger)["sent:asked"] == (EffectState.DONE, "What was decided? Ada has said it.")


class TestMailsBroughtBack:
    @pytest.fixture
    def aside(self, ledger):
        """A mail that was set aside and moved to Quarantine."""
        ledger.arrive(arrival("a", uid="1"))
        assert ledger.known(MAILBOX, [("INBOX", "1", "1")])
        promised = NewEffect("aside:1", ASIDE, {"sha256": digest("a")})
        ledger.set_aside(digest("a"), AT, "It cannot be read.", [promised])
        ledger.moved_aside("aside:1", LATER, "Quarantine", "set aside: done")
        return ledger

    def test_a_mail_is_set_aside_with_what_is_promised(self, ledger):
        ledger.arrive(arrival("a"))
        ledger.set_aside(digest("a"), AT, "It cannot be read.", [NewEffect("aside:1", ASIDE, {})])
        (due,) = ledger.effects_due(AT)
        assert (due.key, due.kind) == ("aside:1", ASIDE)
        with pytest.raises(LedgerConflict):
            ledger.set_aside(digest("a"), AT, "Again.", [NewEffect("aside:2", ASIDE, {})])
        assert len(ledger.effects_due(AT)) == 1

    def test_moved_it_is_known_no_more_where_it_was(self, aside):
        (record,) = aside.set_aside_messages()
        assert record.folder == "Quarantine"
        assert aside.known(MAILBOX, [("INBOX", "1", "1")]) == set()
        (promise,) = aside.promised("aside:")
        assert (promise.state, promise.note) == (EffectState.DONE, "set aside: done")

    @pytest.mark.parametrize("uid", ["1", "7"])
    def test_found_there_again_it_waits_once_more(self, aside, uid):
        assert not aside.arrive(arrival("a", uid=uid, at=LATER))
        (record,) = aside.waiting()
        assert (record.state, record.attempts, record.note, record.folder) == (MessageState.RECEIVED, 0, "", "INBOX")
        assert aside.known(MAILBOX, [("INBOX", "1", uid)]) == {("INBOX", "1", uid)}
        assert [(one.what, one.target) for one in aside.audit()] == [("brought back", digest("a"))]

    def test_before_it_was_moved_another_place_brings_nothing_back(self, ledger):
        ledger.arrive(arrival("a"))
        ledger.set_aside(digest("a"), AT, "It cannot be read.")
        ledger.arrive(arrival("a", uid="9", generation="2", at=LATER))
        assert len(ledger.set_aside_messages()) == 1
        assert ledger.audit() == ()
