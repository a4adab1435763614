"""Promises by their keys, Cases without a mail, and what came back: the same on every database."""

import pytest

from pipeline.domain.bounce import Bounce
from pipeline.ledger.errors import LedgerConflict, NoSuchCase
from pipeline.ledger.records import EffectState, NewEffect
from pipeline.ledger.reminder_records import NewCase
from pipeline.ledger.store import Ledger
from tests.contract.ledger_database import KINDS, a_database, postgres_cluster
from tests.contract.ledger_values import AT, LATER, arrival, digest

ONE, TWO = "remind:cpa:1:2027-08-30:12:ann", "remind:cpa:1:2027-08-30:12:bob"
MARK = "expired:cpa:1:2026-01-01"
ID = "<a%_'\"@mail.example>"


cluster = pytest.fixture(scope="session")(postgres_cluster)


@pytest.fixture(params=KINDS)
def ledger(request, tmp_path):
    ledger = Ledger.open(a_database(request.param, request, tmp_path, kept_tables=True).url)
    yield ledger
    ledger.close()


def effect(key, kind="send", state=EffectState.PENDING, why="", **payload):
    return NewEffect(key, kind, payload, state, why)


def expiry(mark=MARK, *message_ids):
    marked = effect(mark, "expired", EffectState.DONE, "noted")
    return NewCase(2026, "It expired", "2026-11-24", (marked, effect(f"draft:{mark}", "draft")), message_ids)


def found(ledger, prefix=""):
    return {one.key: one for one in ledger.promised(prefix)}


class TestPromise:
    def test_a_key_is_promised_once_and_for_ever(self, ledger):
        ledger.promise([effect(ONE, to="ann"), effect(TWO, to="bob")], AT)
        ledger.promise([effect(ONE, to="eve")], LATER)
        ledger.effect_done(TWO, LATER, "sent")
        ledger.promise([effect(TWO, to="eve")], LATER)
        one, two = found(ledger)[ONE], found(ledger)[TWO]
        assert (one.payload, one.promised, one.state, one.done) == ({"to": "ann"}, AT, EffectState.PENDING, "")
        assert (two.payload, two.state, two.done, two.note) == ({"to": "bob"}, EffectState.DONE, LATER, "sent")

    def test_prefixes_are_taken_letter_by_letter(self, ledger):
        ledger.promise([effect("remind:a_c"), effect("remind:abc"), effect("remind:a%c")], AT)
        assert list(found(ledger, "remind:a_")) == ["remind:a_c"]
        assert list(found(ledger, "remind:a%")) == ["remind:a%c"]
        assert found(ledger, "emind") == {}

    def test_what_only_a_person_can_keep_is_never_due(self, ledger):
        ledger.promise([effect(ONE, "no-contact", EffectState.HELD, "nobody"), effect(TWO)], AT)
        assert (found(ledger)[ONE].error, [one.key for one in ledger.effects_due(LATER)]) == ("nobody", [TWO])
        assert ledger.health(LATER).held == 0
        assert ledger.retry(ONE, LATER) == 0

    def test_taken_back_it_is_not_due_and_may_be_promised_anew_if_nobody_began(self, ledger):
        ledger.promise([effect(ONE, to="ann"), effect(TWO, to="bob")], AT)
        ledger.effect_begins(TWO, AT)
        ledger.effect_failed(TWO, AT, "later", AT)
        ledger.promise([], AT, withdrawn={ONE: "renewed", TWO: "renewed"})
        assert ledger.effects_due(LATER) == ()
        assert {one.note for one in found(ledger).values()} == {"renewed"}
        assert [one.unused for one in found(ledger).values()] == [True, False]
        ledger.promise([effect(ONE, "draft", to="eve"), effect(TWO, to="eve")], LATER)
        (due,) = ledger.effects_due(LATER)
        assert (due.key, due.kind, due.payload, found(ledger)[ONE].note) == (ONE, "draft", {"to": "eve"}, "")
        assert found(ledger)[TWO].state is EffectState.WITHDRAWN

    @pytest.mark.parametrize("how", ["sending", "unknown", "done"])
    def test_what_is_being_kept_or_was_is_left_alone(self, ledger, how):
        ledger.promise([effect(ONE, to="ann")], AT)
        ledger.effect_begins(ONE, AT)
        if how == "unknown":
            ledger.effect_unsure(ONE, AT, "who knows")
        if how == "done":
            ledger.effect_done(ONE, AT, "sent")
        before = found(ledger)
        ledger.promise([], LATER, withdrawn={ONE: "renewed"}, reworded=[effect(ONE, to="eve")])
        assert found(ledger) == before

    def test_reworded_it_stays_as_it_stood(self, ledger):
        ledger.promise([effect(ONE, to="ann"), effect(TWO, to="bob")], AT)
        ledger.effect_failed(TWO, AT, "no", None)
        ledger.promise([], LATER, reworded=[effect(ONE, to="eve"), effect(TWO, to="eve")])
        assert [(one.payload, one.state, one.error) for one in found(ledger).values()] == [
            ({"to": "eve"}, EffectState.PENDING, ""),
            ({"to": "eve"}, EffectState.HELD, "no"),
        ]

    def test_a_withdrawn_promise_cannot_be_kept(self, ledger):
        ledger.promise([effect(ONE)], AT)
        ledger.promise([], AT, withdrawn={ONE: "renewed"})
        with pytest.raises(LedgerConflict, match="withdrawn by now"):
            ledger.effect_begins(ONE, LATER)

    def test_one_that_is_held_is_put_back_by_its_key(self, ledger):
        ledger.promise([effect(ONE), effect(TWO)], AT)
        for key in (ONE, TWO):
            ledger.effect_failed(key, AT, "no", None)
        assert ledger.retry(ONE, LATER, by="Ada", why="mended") == 1
        assert [one.key for one in ledger.effects_due(LATER)] == [ONE]
        with pytest.raises(NoSuchCase, match="no Case, Release or promise"):
            ledger.retry("remind:cpa:2", LATER)


class TestCaseWithoutMail:
    def test_it_is_opened_with_its_promises_once(self, ledger):
        assert ledger.promise([effect(ONE)], AT, cases_of=[expiry(MARK, ID), expiry(f"{MARK}1")]) == (
            "CPL-2026-00001",
            "CPL-2026-00002",
        )
        assert ledger.promise([], LATER, cases_of=[expiry()]) == ()
        case = ledger.case("CPL-2026-00001")
        assert (case.subject, case.due, case.correspondent, case.messages) == ("It expired", "2026-11-24", "", ())
        assert [(one.kind, one.state) for one in case.effects] == [
            ("expired", EffectState.DONE),
            ("draft", EffectState.PENDING),
        ]
        assert (found(ledger)[MARK].case, found(ledger)[MARK].note) == ("CPL-2026-00001", "noted")
        assert ledger.case_of([ID], "") == "CPL-2026-00001"
        assert len(ledger.cases()) == 2

    def test_all_of_a_day_is_one_commit(self, ledger):
        broken = NewCase(2026, "s", "2026-11-24", (effect(MARK), NewEffect(TWO, "send", {"to": object()})))
        with pytest.raises(Exception, match="object"):
            ledger.promise([effect(ONE)], AT, cases_of=[expiry(f"{MARK}1"), broken])
        assert (found(ledger), ledger.cases()) == ({}, ())


class TestBounces:
    def test_they_are_noted_once_with_the_promise_they_are_about(self, ledger):
        ledger.arrive(arrival("b"))
        ledger.promise([effect(ONE, message_id=ID), effect("send:<r@x.example>")], AT)
        bounces = [
            Bounce(ID, "ann@x.example", "5.1.1", permanent=True, text="nobody\x00"),
            Bounce("<r@x.example>", "list@x.example", "", permanent=False, text="later"),
            Bounce("<other@x.example>", "eve@x.example", "5.0.0", permanent=True, text="no"),
            Bounce("", "eve@x.example", "5.0.0", permanent=True, text="no"),
        ]
        assert [ledger.note_bounces(digest("b"), bounces, AT) for _ in range(2)] == [2, 2]
        assert [(one.key, one.recipient, one.status, one.permanent, one.text) for one in ledger.bounces()] == [
            (ONE, "ann@x.example", "5.1.1", True, "nobody\ufffd"),
            ("send:<r@x.example>", "list@x.example", "", False, "later"),
        ]

    @pytest.mark.parametrize("stranger", ["<a%_@mail.example>", ID.upper(), "<%>", '","to":"', "<a__'\"@mail.example>"])
    def test_no_pattern_finds_another_mail(self, ledger, stranger):
        ledger.arrive(arrival("b"))
        ledger.promise([effect(ONE, message_id=ID, to="x")], AT)
        told = [Bounce(stranger, "ann@x.example", "", permanent=True, text="")]
        assert ledger.note_bounces(digest("b"), told, AT) == 0
        assert ledger.bounces() == ()
