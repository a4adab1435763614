"""What every ledger promises about the way from an accepted Submission to a Release."""

import threading
from dataclasses import replace

import pytest

from pipeline.domain.judgement import Decision, Outcome
from pipeline.domain.release import AmendmentKind
from pipeline.ledger import amendments, effects, releases, standing, upkeep
from pipeline.ledger.errors import LedgerConflict, NoSuchCase
from pipeline.ledger.records import InForce
from pipeline.ledger.release_records import Accepted, AmendmentState, Published
from pipeline.ledger.store import Ledger
from pipeline.ledger.views import AuditEntry
from tests.contract.ledger_database import KINDS, PostgresDatabase, SqliteDatabase, a_database, postgres_cluster
from tests.contract.ledger_values import (
    ACCEPT,
    ASK_REVIEWER,
    AT,
    LATER,
    RED,
    REJECT,
    amendment,
    arrival,
    by_hand,
    conclusion,
    digest,
    documents,
    effect,
    judged,
    judgement,
    model,
    record,
)

ONE, TWO = "CPL-2026-00001", "CPL-2026-00002"
FIRST, SECOND = "A-2026-00001", "A-2026-00002"
ASKED = Decision(Outcome.CLARIFY, "by-hand", "Asked.")

cluster = pytest.fixture(scope="session")(postgres_cluster)


@pytest.fixture(params=KINDS)
def database(request, tmp_path):
    return a_database(request.param, request, tmp_path, kept_tables=True)


@pytest.fixture
def ledger(database):
    """A ledger with a CPL in force."""
    opened = Ledger.open(database.url)
    opened.put_in_force(InForce("cpl", digest("base"), "3.000", AT))
    yield opened
    opened.close()


def concluded(ledger: Ledger, mail: str, number: str = ONE, *parts, **changes) -> None:
    ledger.arrive(arrival(mail))
    ledger.conclude(conclusion(mail, number, *parts, **changes))


def accepted(ledger: Ledger, mail: str, number: str = ONE, *parts, **changes) -> None:
    """Conclude a mail, and let a person accept it."""
    concluded(ledger, mail, number, *parts, **changes)
    ledger.rejudge(by_hand(mail, number, *parts))


def files(found) -> list[str]:
    return [item.file for item in found]


def publish(ledger: Ledger, version: str = "3.001", base: str = "base", entry: int = 733, **more):
    numbers = {item.submission: f"{entry + place:06}" for place, item in enumerate(ledger.accepted())}
    return ledger.release(record(version, base), documents(version), **({"published": numbers} | more))


class TestAccepted:
    def test_only_a_person_accepts(self, ledger):
        concluded(ledger, "a")
        assert ledger.accepted() == ()
        assert files(ledger.awaiting()) == ["a.xlsm"]
        assert ledger.awaiting()[0].by == ""
        ledger.rejudge(by_hand("a", ONE))
        assert ledger.awaiting() == ()
        (item,) = ledger.accepted()
        assert item == Accepted(
            item.submission, ONE, digest("a"), "a.xlsm", digest("a"), "Gas Smart Meter", model(), LATER, "Ben"
        )

    def test_the_oldest_decision_comes_first(self, ledger):
        concluded(ledger, "a", ONE)
        concluded(ledger, "b", TWO, judged("b1"), judged("b2", ACCEPT, "02:00:00:00"))
        ledger.rejudge(by_hand("b", TWO, judged("b1"), judged("b2", ACCEPT, "02:00:00:00")))
        ledger.rejudge(by_hand("a", ONE))
        assert files(ledger.accepted()) == ["b1.xlsm", "b2.xlsm", "a.xlsm"]

    @pytest.mark.parametrize("decision", [REJECT, ASKED])
    def test_what_a_person_refused_or_asked_about_is_neither(self, ledger, decision):
        accepted(ledger, "a")
        concluded(ledger, "b", ONE, judged("b", ACCEPT, "02:00:00:00"), opens=False)
        ledger.rejudge(by_hand("b", ONE, decision=decision))
        assert (ledger.accepted(), ledger.awaiting()) == ((), ())

    def test_what_the_checks_refused_inside_an_accepted_mail_is_neither(self, ledger):
        accepted(ledger, "a", ONE, judged("good"), judged("bad", REJECT, "02:00:00:00"))
        assert files(ledger.accepted()) == ["good.xlsm"]
        assert ledger.awaiting() == ()

    def test_what_is_open_or_refused_by_the_checks_waits_for_nobody(self, ledger):
        concluded(ledger, "a", ONE, judged("open", ASK_REVIEWER), judged("bad", REJECT, "02:00:00:00"))
        assert (ledger.accepted(), ledger.awaiting()) == ((), ())

    def test_a_later_judgement_of_the_case_holds_the_accepted_ones_back_until_the_person_has_seen_it(self, ledger):
        accepted(ledger, "a")
        concluded(ledger, "b", ONE, judged("b", ACCEPT, "02:00:00:00"), opens=False)
        assert ledger.accepted() == ()
        assert files(ledger.awaiting()) == ["a.xlsm", "b.xlsm"]
        ledger.rejudge(by_hand("b", ONE, judged("b", ACCEPT, "02:00:00:00")))
        assert files(ledger.accepted()) == ["a.xlsm", "b.xlsm"]

    def test_a_mail_without_a_judgement_holds_nothing_back(self, ledger):
        accepted(ledger, "a")
        concluded(ledger, "b", ONE, opens=False, judgement=None, kind="reply")
        assert files(ledger.accepted()) == ["a.xlsm"]

    def test_a_later_mail_about_the_same_device_model_takes_its_place(self, ledger):
        accepted(ledger, "a")
        accepted(ledger, "b", ONE, judged("mended"), opens=False)
        assert files(ledger.accepted()) == ["mended.xlsm"]

    def test_an_accepted_form_whose_device_model_nobody_could_read_is_not_forgotten(self, ledger):
        accepted(ledger, "a", ONE, judged("a", ACCEPT, None), judged("b", ACCEPT, None))
        assert [item.model for item in ledger.accepted()] == [None, None]

    def test_a_mail_without_a_workbook_holds_nothing_to_list(self, ledger):
        accepted(ledger, "a", ONE, replace(judged("a", ACCEPT, None), file="", artefact=""))
        assert (ledger.accepted(), ledger.awaiting()) == ((), ())

    def test_the_same_workbook_twice_in_a_mail_is_one(self, ledger):
        accepted(ledger, "a", ONE, judged("first"), replace(judged("first"), file="again.xlsm"))
        assert files(ledger.accepted()) == ["first.xlsm"]


class TestAmendments:
    def test_one_that_a_mail_asks_for_comes_with_its_conclusion_and_waits_for_a_person(self, ledger):
        proposed = amendment(case=ONE)
        ledger.arrive(arrival("a"))
        ledger.conclude(conclusion("a"), [proposed])
        assert ledger.amendments(AmendmentState.PROPOSED) == (proposed,)
        ledger.accept_amendment(FIRST, LATER, by="Ben", why="The letter says so.")
        assert ledger.amendments(AmendmentState.PROPOSED) == ()
        assert ledger.amendments(AmendmentState.ORDERED) == (
            replace(proposed, by="Ben", at=LATER, why="The letter says so."),
        )
        assert ledger.audit()[1:] == (
            AuditEntry(AT, "anna@maker.example", "amendment: proposed", FIRST, "The maker wrote."),
            AuditEntry(LATER, "Ben", "amendment: ordered", FIRST, "The letter says so."),
        )

    def test_accepted_without_a_reason_it_keeps_the_one_it_came_with(self, ledger):
        ledger.propose(amendment())
        ledger.accept_amendment(FIRST, LATER, by="Ben", why="")
        assert ledger.amendments(AmendmentState.ORDERED)[0].why == "The maker wrote."

    def test_each_kind_comes_back_as_it_was_ordered(self, ledger):
        values = {"Ä\x00": "\U0001f30a"}
        ordered = [
            amendment(f"A-2026-{number:05}", kind=kind, entries=(), values=values, until="", evidence=())
            for number, kind in enumerate(AmendmentKind, start=1)
        ]
        for one in ordered:
            ledger.order(one)
        assert ledger.amendments(AmendmentState.ORDERED) == tuple(ordered)

    def test_numbers_follow_the_highest_of_the_year(self, ledger):
        assert ledger.next_amendment_number(2026) == FIRST
        for number in ("A-2026-00041", "A-2025-00099", "A-2026-00007"):
            ledger.propose(amendment(number))
        assert ledger.next_amendment_number(2026) == "A-2026-00042"
        assert [one.number for one in ledger.amendments(AmendmentState.PROPOSED)] == [
            "A-2025-00099", "A-2026-00007", "A-2026-00041",
        ]  # fmt: skip
        with pytest.raises(LedgerConflict, match="next number"):
            ledger.order(amendment("A-2026-00007"))

    def test_a_number_that_is_none_is_refused(self, ledger):
        for number in ("", "A-26-1", "A-2026-00001\n", "CPL-2026-00001"):
            with pytest.raises(LedgerConflict, match="no Amendment number"):
                ledger.order(amendment(number))

    def test_a_case_that_is_not_there_is_refused_and_so_is_another_than_the_mails(self, ledger):
        with pytest.raises(NoSuchCase, match=TWO):
            ledger.propose(amendment(case=TWO))
        concluded(ledger, "a", TWO)
        ledger.arrive(arrival("b"))
        before = ledger.dump()
        for wrong in (TWO, ""):
            with pytest.raises(LedgerConflict, match="is not of the Case"):
                ledger.conclude(conclusion("b"), [amendment(case=wrong)])
        assert ledger.dump() == before

    def test_one_that_was_withdrawn_stays_so(self, ledger):
        ledger.propose(amendment(FIRST))
        ledger.order(amendment(SECOND))
        for number in (FIRST, SECOND):
            ledger.withdraw_amendment(number, LATER, by="Ben", why="A mistake.")
        assert [one.number for one in ledger.amendments(AmendmentState.WITHDRAWN)] == [FIRST, SECOND]
        assert ledger.audit()[-1] == AuditEntry(LATER, "Ben", "amendment: withdrawn", SECOND, "A mistake.")
        for step in (ledger.accept_amendment, ledger.withdraw_amendment):
            with pytest.raises(LedgerConflict, match="is withdrawn"):
                step(FIRST, LATER, by="Ben", why="")
            with pytest.raises(LedgerConflict, match="holds no Amendment"):
                step("A-2026-00009", LATER, by="Ben", why="")

    def test_what_is_ordered_cannot_be_ordered_again(self, ledger):
        ledger.order(amendment())
        with pytest.raises(LedgerConflict, match="only proposed ones"):
            ledger.accept_amendment(FIRST, LATER, by="Eve", why="")
        assert ledger.amendments(AmendmentState.ORDERED)[0].by == "anna@maker.example"

    def test_red_values_are_kept_and_told_to_nobody(self, ledger):
        ledger.order(amendment())
        said = [repr(ledger.dump()), repr(ledger.audit())]
        for again in (amendment(), amendment(FIRST, case=TWO)):
            with pytest.raises((LedgerConflict, NoSuchCase)) as caught:
                ledger.order(again)
            said.append(f"{caught.value!r} {caught.value.__cause__!r}")
        assert not [text for text in said if RED in text]
        (told,) = ledger.dump()["amendments"]
        assert told["fields"] == ["Device_ZigBee_Information_Repository.Stack_Vendor"]
        assert told["evidence"] == [{"artefact": digest("letter"), "file": "letter.pdf", "where": "page 1"}]
        (kept,) = ledger.amendments(AmendmentState.ORDERED)
        assert RED in kept.values.values()


class TestRelease:
    def test_everything_changes_at_once(self, ledger):
        accepted(ledger, "a", ONE, judged("a1"), judged("a2", ACCEPT, "02:00:00:00"))
        ledger.order(amendment())
        first, second = ledger.accepted()
        sent = (effect("shelve:3.001", "shelve", version="3.001"), effect("send:x", "send", artefact="x", to="l@x.y"))
        assert publish(ledger, effects=sent, amendments=[FIRST]) == (ONE,)
        assert ledger.accepted() == ()
        assert ledger.releases() == (record(),)
        assert ledger.release_of("3.001") == record()
        assert ledger.release_of("3.000") is None
        assert [ledger.in_force(kind) for kind in ("cpl", "fir", "dzir", "contacts")] == list(documents())
        assert ledger.published_in("3.001") == (
            Published("3.001", "000733", first.submission, ONE, digest("a"), "a1.xlsm", digest("a1")),
            Published("3.001", "000734", second.submission, ONE, digest("a"), "a2.xlsm", digest("a2")),
        )
        assert ledger.highest_entry_number() == 734
        assert [one.number for one in ledger.amendments(AmendmentState.PUBLISHED)] == [FIRST]
        assert ledger.amendments(AmendmentState.ORDERED) == ()
        assert [(one.key, one.kind, dict(one.payload), one.case) for one in ledger.effects_of_release("3.001")] == [
            (one.key, one.kind, one.payload, "") for one in sent
        ]
        assert ledger.effects_due(LATER)[-2:] == ledger.effects_of_release("3.001")
        assert ledger.case(ONE).state == "closed"
        assert [(one.what, one.target, one.who, one.why) for one in ledger.audit()[-3:]] == [
            ("release", "3.001", "Cleo", ""),
            ("amendment: published", FIRST, "Cleo", "in 3.001"),
            ("closed", ONE, "Cleo", "published in 3.001"),
        ]

    def test_the_same_order_twice_makes_one_release(self, ledger):
        accepted(ledger, "a")
        (item,) = ledger.accepted()
        order = {"published": {item.submission: "000733"}}
        ledger.release(record(), documents(), **order)
        before = ledger.dump()
        with pytest.raises(LedgerConflict, match="released already"):
            ledger.release(record(), documents(), **order)
        with pytest.raises(LedgerConflict, match="in force by now"):
            ledger.release(record("3.002"), documents("3.002"), **order)
        with pytest.raises(LedgerConflict, match=r"is published already, in version 3\.001"):
            ledger.release(record("3.002", "cpl 3.001"), documents("3.002"), **order)
        assert ledger.dump() == before

    def test_a_list_taken_over_since_the_plan_stops_it(self, ledger):
        accepted(ledger, "a")
        ledger.put_in_force(InForce("cpl", digest("by hand"), "3.000", LATER))
        before = ledger.dump()
        with pytest.raises(LedgerConflict, match="plan it anew"):
            publish(ledger)
        assert ledger.dump() == before

    @pytest.mark.parametrize("decision", [REJECT, ASKED])
    def test_a_person_who_changed_their_mind_since_the_plan_stops_it(self, ledger, decision):
        accepted(ledger, "a")
        (item,) = ledger.accepted()
        ledger.rejudge(by_hand("a", ONE, decision=decision))
        with pytest.raises(LedgerConflict, match="not accepted by a person"):
            ledger.release(record(), documents(), published={item.submission: "000733"})
        assert ledger.releases() == ()

    def test_what_only_the_checks_accepted_and_what_nobody_knows_is_refused(self, ledger):
        concluded(ledger, "a")
        for submission in (ledger.awaiting()[0].submission, 4711):
            with pytest.raises(LedgerConflict, match="not accepted by a person"):
                ledger.release(record(), documents(), published={submission: "000733"})

    def test_an_amendment_goes_out_once_and_only_when_ordered(self, ledger):
        ledger.order(amendment(FIRST))
        ledger.propose(amendment(SECOND))
        publish(ledger, amendments=[FIRST])
        for number, state in ((FIRST, "published"), (SECOND, "proposed")):
            with pytest.raises(LedgerConflict, match=f"is {state}"):
                publish(ledger, "3.002", "cpl 3.001", amendments=[number])
        with pytest.raises(LedgerConflict, match="is published"):
            ledger.withdraw_amendment(FIRST, LATER, by="Ben", why="")
        assert [one.version for one in ledger.releases()] == ["3.001"]

    def test_it_puts_its_own_list_in_force_and_no_other(self, ledger):
        others = tuple(replace(one, artefact=digest("x")) for one in documents())
        for given in ((), documents("3.002"), (*documents(), *documents()), others):
            with pytest.raises(LedgerConflict, match="exactly one CPL"):
                ledger.release(record(), given, published={})
        assert ledger.in_force("cpl").artefact == digest("base")

    def test_an_entry_number_has_six_digits(self, ledger):
        accepted(ledger, "a")
        (item,) = ledger.accepted()
        for entry in ("733", "0000733", "00073A", "", "000733\n"):
            with pytest.raises(LedgerConflict, match="six digits"):
                ledger.release(record(), documents(), published={item.submission: entry})

    def test_an_entry_number_is_given_once_for_ever(self, ledger):
        assert ledger.highest_entry_number() == 0
        accepted(ledger, "a")
        publish(ledger)
        accepted(ledger, "b", TWO)
        with pytest.raises(LedgerConflict, match=r"000733 was given already, in version 3\.001"):
            publish(ledger, "3.002", "cpl 3.001")
        publish(ledger, "3.002", "cpl 3.001", entry=1000)
        assert ledger.highest_entry_number() == 1000

    def test_a_workbook_judged_again_after_it_was_listed_is_not_listed_again(self, ledger):
        accepted(ledger, "a")
        publish(ledger)
        ledger.rejudge(by_hand("a", ONE))
        assert ledger.case(ONE).state == "open"
        assert (ledger.accepted(), ledger.awaiting()) == ((), ())
        assert ledger.pending_submissions("") == ()

    @pytest.mark.parametrize(
        ("module", "name"),
        [(upkeep, "put_in_force"), (releases, "_list"), (amendments, "publish"), (effects, "promise"),
         (standing, "all_listed"), (upkeep, "note")],
    )  # fmt: skip
    def test_a_failure_inside_leaves_the_old_list_in_force(self, ledger, monkeypatch, module, name):
        accepted(ledger, "a")
        ledger.order(amendment())
        before, whole = ledger.dump(), getattr(module, name)

        def dies_after(*arguments, **named):
            whole(*arguments, **named)
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(module, name, dies_after)
            with pytest.raises(KeyboardInterrupt):
                publish(ledger, amendments=[FIRST])
        assert ledger.dump() == before
        assert publish(ledger, amendments=[FIRST]) == (ONE,)

    def test_two_who_publish_at_once_make_one_release(self, database, ledger):
        accepted(ledger, "a")
        (item,) = ledger.accepted()
        second, ends = Ledger.open(database.url), []
        start = threading.Barrier(2)

        def work(mine: Ledger) -> None:
            start.wait()
            try:
                mine.release(record(), documents(), published={item.submission: "000733"})
                ends.append("released")
            except LedgerConflict:
                ends.append("refused")

        threads = [threading.Thread(target=work, args=(mine,)) for mine in (ledger, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        second.close()
        assert sorted(ends) == ["refused", "released"]
        assert len(ledger.published_in("3.001")) == len(ledger.releases()) == 1

    def test_the_dump_tells_what_was_released(self, ledger):
        accepted(ledger, "a")
        publish(ledger)
        told = ledger.dump()
        assert told["published"] == [
            {"release_version": "3.001", "message": digest("a"), "artefact": digest("a"), "entry": "000733"}
        ]
        (release,) = told["releases"]
        assert (release["manifest"], release["issued"]) == (record().manifest, "2026-11-21")
        assert "at" not in release


class TestEndOfACase:
    def test_a_case_stays_open_while_something_of_it_is_to_be_published(self, ledger):
        accepted(ledger, "a", ONE, judged("a1"), judged("a2", REJECT, "02:00:00:00"))
        assert publish(ledger) == ()
        assert ledger.case(ONE).state == "open"

    def test_an_open_amendment_keeps_it_open_and_the_last_one_closes_it(self, ledger):
        accepted(ledger, "a")
        for number in (FIRST, SECOND):
            ledger.order(amendment(number, case=ONE))
        assert publish(ledger, amendments=[FIRST]) == ()
        assert publish(ledger, "3.002", "cpl 3.001", amendments=[SECOND]) == (ONE,)

    def test_a_withdrawn_amendment_does_not_keep_it_open(self, ledger):
        accepted(ledger, "a")
        ledger.propose(amendment(case=ONE))
        ledger.withdraw_amendment(FIRST, AT, by="Ben", why="")
        assert publish(ledger) == (ONE,)

    def test_a_refusal_that_a_later_mail_has_mended_does_not_keep_it_open(self, ledger):
        concluded(ledger, "a", ONE, judged("a", REJECT, None), judgement=judgement("a", judged("a", REJECT, None)))
        accepted(ledger, "b", opens=False)
        assert publish(ledger) == (ONE,)

    def test_only_the_cases_of_the_release_are_closed(self, ledger):
        accepted(ledger, "a", ONE)
        concluded(ledger, "b", TWO, judgement=None, kind="for-a-person")
        assert publish(ledger) == (ONE,)
        assert [case.number for case in ledger.cases()] == [TWO]
        assert [case.number for case in ledger.cases("closed")] == [ONE]

    def test_a_person_closes_what_they_have_dealt_with(self, ledger):
        concluded(ledger, "a")
        ledger.rejudge(by_hand("a", ONE, decision=REJECT))
        ledger.close_case(ONE, LATER, by="Ben", why="answered by telephone")
        assert ledger.case(ONE).state == "closed"
        assert ledger.audit()[-1] == AuditEntry(LATER, "Ben", "closed", ONE, "answered by telephone")
        with pytest.raises(LedgerConflict, match="closed already"):
            ledger.close_case(ONE, LATER, by="Ben", why="")
        with pytest.raises(NoSuchCase, match=TWO):
            ledger.close_case(TWO, LATER, by="Ben", why="")

    def test_what_was_accepted_cannot_be_closed_away(self, ledger):
        accepted(ledger, "a")
        with pytest.raises(LedgerConflict, match="1 accepted submissions"):
            ledger.close_case(ONE, LATER, by="Ben", why="")
        assert files(ledger.accepted()) == ["a.xlsm"]

    def test_a_mail_that_joins_a_closed_case_opens_it_again(self, ledger):
        accepted(ledger, "a")
        publish(ledger)
        concluded(ledger, "b", ONE, opens=False, judgement=None, kind="reply", due="2026-12-01")
        case = ledger.case(ONE)
        assert (case.state, case.due) == ("open", "2026-12-01")
        last = ledger.audit()[-1]
        assert (last.who, last.what, last.target) == ("pipeline", "opened again", ONE)
        assert digest("b")[:12] in last.why
        before = len(ledger.audit())
        concluded(ledger, "c", ONE, opens=False, judgement=None, kind="reply")
        assert len(ledger.audit()) == before

    def test_a_decision_about_a_closed_case_opens_it_so_that_it_is_published(self, ledger):
        concluded(ledger, "a")
        ledger.close_case(ONE, LATER, by="Ben", why="withdrawn")
        assert ledger.awaiting() == ()
        ledger.rejudge(by_hand("a", ONE, by="Cleo"))
        assert [one.what for one in ledger.audit()[-2:]] == ["opened again", "decision: accept"]
        assert files(ledger.accepted()) == ["a.xlsm"]


@pytest.mark.postgres
def test_both_databases_tell_the_same_story(cluster, tmp_path):
    told = []
    for database in (SqliteDatabase(tmp_path / "ledger.db"), PostgresDatabase(cluster)):
        ledger = Ledger.open(database.url)
        ledger.put_in_force(InForce("cpl", digest("base"), "3.000", AT))
        accepted(ledger, "a")
        concluded(ledger, "Zähler", TWO)
        ledger.order(amendment())
        publish(ledger, amendments=[FIRST], effects=[effect("send:x", "send", to="l@x.y")])
        told.append((ledger.dump(), ledger.releases(), ledger.published_in("3.001"), ledger.awaiting()))
        ledger.close()
    assert told[0] == told[1]
