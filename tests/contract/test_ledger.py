"""What every ledger promises, whichever database it lives in."""

import threading
from dataclasses import replace

import pytest

from pipeline.domain.finding import Settler, Status
from pipeline.domain.judgement import Decision, Outcome
from pipeline.ledger import cases, effects, judgements, steps
from pipeline.ledger.errors import LedgerBusy, LedgerConflict, LedgerRefused, NoSuchCase
from pipeline.ledger.records import EffectState, InForce, MessageState, Rejudged
from pipeline.ledger.store import Ledger
from pipeline.ledger.views import AuditEntry, Poll
from tests.contract.ledger_database import KINDS, PostgresDatabase, SqliteDatabase, a_database, postgres_cluster
from tests.contract.ledger_values import (
    ACCEPT,
    ASK_REVIEWER,
    AT,
    LATER,
    MAILBOX,
    REJECT,
    arrival,
    conclusion,
    digest,
    draft,
    effect,
    finding,
    judged,
    judgement,
    model,
    verdict,
)

ONE, TWO, THREE = "CPL-2026-00001", "CPL-2026-00002", "CPL-2026-00003"

cluster = pytest.fixture(scope="session")(postgres_cluster)


@pytest.fixture(params=KINDS)
def database(request, tmp_path):
    return a_database(request.param, request, tmp_path)


@pytest.fixture
def ledger(database):
    opened = Ledger.open(database.url)
    yield opened
    opened.close()


def concluded(ledger: Ledger, mail: str, number: str = ONE, *parts, **changes) -> None:
    ledger.arrive(arrival(mail))
    ledger.conclude(conclusion(mail, number, *parts, **changes))


class TestArrival:
    def test_new_bytes_are_new_once(self, ledger):
        assert ledger.arrive(arrival("a"))
        assert not ledger.arrive(arrival("a"))
        assert [mail.sha256 for mail in ledger.waiting()] == [digest("a")]

    def test_known_bytes_at_another_place_move_the_mail(self, ledger):
        ledger.arrive(arrival("a", uid="1"))
        assert not ledger.arrive(arrival("a", uid="7", folder="Later", generation="2", at=LATER))
        there = ledger.message(digest("a"))
        assert (there.folder, there.generation, there.uid, there.received) == ("Later", "2", "7", AT)
        assert ledger.known(MAILBOX, [("INBOX", "1", "1"), ("Later", "2", "7")]) == {("Later", "2", "7")}

    def test_a_place_is_known_only_in_its_mailbox_folder_and_generation(self, ledger):
        ledger.arrive(arrival("a", uid="1"))
        assert ledger.known(MAILBOX, [("INBOX", "2", "1"), ("Sent", "1", "1"), ("INBOX", "1", "2")]) == set()
        assert ledger.known("maildir:other", [("INBOX", "1", "1")]) == set()

    def test_a_large_mailbox_is_asked_for_in_portions(self, ledger):
        for uid in ("3", "700", "39999"):
            ledger.arrive(arrival("mail " + uid, uid=uid))
        places = [("INBOX", "1", str(uid)) for uid in range(40_000)]
        assert {uid for _, _, uid in ledger.known(MAILBOX, places)} == {"3", "700", "39999"}

    def test_the_oldest_waits_first_however_its_time_is_written(self, ledger):
        for mail, at in (
            ("third", "2026-11-21T09:00:00.5Z"),
            ("second", "2026-11-21T10:00:00+01:00"),
            ("also second", AT),
            ("first", "2026-11-21T08:59:59Z"),
        ):
            ledger.arrive(arrival(mail, at=at))
        assert [mail.uid for mail in ledger.waiting()] == ["first", "second", "also second", "third"]

    def test_a_time_that_is_none_is_refused(self, ledger):
        with pytest.raises(ValueError, match="RFC 3339"):
            ledger.arrive(arrival("a", at="yesterday"))
        assert ledger.waiting() == ()

    def test_an_unknown_mail_is_none(self, ledger):
        assert ledger.message(digest("a")) is None


class TestAttempts:
    def test_each_begin_counts(self, ledger):
        ledger.arrive(arrival("a"))
        assert [ledger.begin(digest("a"), AT), ledger.begin(digest("a"), LATER)] == [1, 2]
        assert ledger.waiting()[0].attempts == 2

    def test_a_mail_set_aside_waits_for_a_person_and_comes_back_fresh(self, ledger):
        ledger.arrive(arrival("a"))
        ledger.begin(digest("a"), AT)
        ledger.set_aside(digest("a"), AT, "Three attempts died on it.")
        assert ledger.waiting() == ()
        (aside,) = ledger.set_aside_messages()
        assert (aside.state, aside.note) == (MessageState.SET_ASIDE, "Three attempts died on it.")
        assert ledger.retry(digest("a")[:8], LATER, by="Ben", why="mended") == 1
        assert ledger.set_aside_messages() == ()
        assert (ledger.waiting()[0].attempts, ledger.waiting()[0].note) == (0, "")
        assert ledger.audit() == (AuditEntry(LATER, "Ben", "retry", digest("a")[:8], "mended"),)

    @pytest.mark.parametrize("step", [Ledger.begin, lambda ledger, mail, at: ledger.set_aside(mail, at, "why")])
    def test_only_a_waiting_mail_can_be_begun_or_set_aside(self, ledger, step):
        with pytest.raises(LedgerConflict, match="record its arrival first"):
            step(ledger, digest("a"), AT)
        concluded(ledger, "a")
        with pytest.raises(LedgerConflict, match="is concluded"):
            step(ledger, digest("a"), AT)

    @pytest.mark.parametrize("what", ["CPL-2026-00009", "abcdef", "ab", "%", ""])
    def test_retry_of_nothing_known_says_so(self, ledger, what):
        with pytest.raises(NoSuchCase, match="no Case"):
            ledger.retry(what, AT)
        assert ledger.audit() == ()

    def test_retry_of_an_ambiguous_mail_asks_for_more_digits(self, ledger):
        for end in "01":
            ledger.arrive(replace(arrival(end), sha256="abcdef" + end * 58))
        with pytest.raises(NoSuchCase, match="more of its digits"):
            ledger.retry("ABCDEF", AT)


class TestConclude:
    def test_a_case_comes_back_as_it_went_in(self, ledger):
        given = conclusion("a", ONE, judged("a"), judged("b", REJECT, None, finding(Status.FAIL, "Wrong.")))
        ledger.arrive(arrival("a"))
        ledger.conclude(given)
        case = ledger.case(ONE)
        assert case.judgements == (given.judgement,)
        assert case.drafts == given.drafts
        assert case.decision == given.judgement.decision
        assert [(one.key, dict(one.payload), one.case) for one in case.effects] == [
            (one.key, dict(one.payload), ONE) for one in given.effects
        ]
        (mail,) = case.messages
        assert (mail.state, mail.kind, mail.case) == (MessageState.CONCLUDED, "new-entry", ONE)
        assert (mail.message_id, mail.subject, mail.sender) == (given.message_id, given.subject, given.sender)
        assert (case.opened, case.due, case.state, case.correspondent) == (
            AT,
            "2026-11-26",
            "open",
            "anna@maker.example",
        )
        assert (case.decided_by, case.verdicts) == ("", ())

    def test_a_mail_concluded_twice_is_refused_and_nothing_doubles(self, ledger):
        concluded(ledger, "a")
        before = ledger.dump()
        for again in (conclusion("a"), conclusion("a", TWO, drafts=(draft("x"),), effects=(effect("x"),))):
            with pytest.raises(LedgerConflict, match="is concluded"):
                ledger.conclude(again)
        assert ledger.dump() == before

    def test_a_mail_that_never_arrived_is_refused(self, ledger):
        with pytest.raises(LedgerConflict, match="record its arrival first"):
            ledger.conclude(conclusion("a"))

    @pytest.mark.parametrize(
        ("module", "name"),
        [
            (cases, "open_case"),
            (cases, "link"),
            (judgements, "add"),
            (steps, "_add_drafts"),
            (effects, "promise"),
        ],
    )
    def test_a_failure_inside_leaves_nothing(self, ledger, monkeypatch, module, name):
        ledger.arrive(arrival("a"))
        before = ledger.dump()
        whole = getattr(module, name)

        def dies_after(*arguments, **named):
            whole(*arguments, **named)
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(module, name, dies_after)
            with pytest.raises(KeyboardInterrupt):
                ledger.conclude(conclusion("a"))
        assert ledger.dump() == before
        assert ledger.next_case_number(2026) == ONE
        ledger.conclude(conclusion("a"))
        assert len(ledger.case(ONE).effects) == 2

    @pytest.mark.parametrize("number", ["", "CPL-26-1", "CPL-2026-00001\n", "CPL-2026-99999999999"])
    def test_a_case_opened_without_a_proper_number_is_refused(self, ledger, number):
        ledger.arrive(arrival("a"))
        with pytest.raises(LedgerConflict, match="number"):
            ledger.conclude(conclusion("a", number))
        assert len(ledger.waiting()) == 1

    def test_a_number_is_given_once(self, ledger):
        concluded(ledger, "a")
        ledger.arrive(arrival("b"))
        with pytest.raises(LedgerConflict, match="open already"):
            ledger.conclude(conclusion("b"))
        assert [mail.sha256 for mail in ledger.waiting()] == [digest("b")]

    def test_a_mail_that_joins_sets_the_due_day_and_never_the_correspondent(self, ledger):
        concluded(ledger, "a")
        concluded(ledger, "b", opens=False, due="2026-12-01", correspondent="eve@evil.example")
        concluded(ledger, "c", opens=False, due="", judgement=None, kind="for-a-person")
        case = ledger.case(ONE)
        assert [mail.sha256 for mail in case.messages] == [digest("a"), digest("b"), digest("c")]
        assert (case.due, case.correspondent) == ("2026-12-01", "anna@maker.example")

    def test_a_mail_that_joins_no_case_there_is_is_refused(self, ledger):
        ledger.arrive(arrival("a"))
        with pytest.raises(NoSuchCase, match=ONE):
            ledger.conclude(conclusion("a", opens=False))
        assert len(ledger.waiting()) == 1

    def test_a_judgement_of_another_mail_is_refused(self, ledger):
        ledger.arrive(arrival("a"))
        with pytest.raises(LedgerConflict, match="judgement is of the mail"):
            ledger.conclude(conclusion("a", judgement=judgement("b", judged("b"))))

    def test_a_mail_that_is_not_ours_is_recorded_without_a_case(self, ledger):
        given = conclusion("a", "", opens=False, judgement=None, drafts=(), effects=(), kind="not-ours", note="spam")
        ledger.arrive(arrival("a"))
        ledger.conclude(given)
        mail = ledger.message(digest("a"))
        assert (mail.state, mail.kind, mail.case, mail.note) == (MessageState.CONCLUDED, "not-ours", "", "spam")
        assert ledger.cases() == ()
        assert ledger.waiting() == ()

    def test_a_draft_is_recorded_once_and_its_message_id_stands_for_one_text(self, ledger):
        concluded(ledger, "a")
        concluded(ledger, "b", opens=False, drafts=(draft("answer-a"), draft("answer-b")))
        assert [one.message_id for one in ledger.case(ONE).drafts] == [
            "<answer-a@cpl.example>",
            "<answer-b@cpl.example>",
        ]
        ledger.arrive(arrival("c"))
        with pytest.raises(LedgerConflict, match="new Message-ID"):
            ledger.conclude(conclusion("c", opens=False, drafts=(draft("answer-a", "No."),)))
        assert len(ledger.waiting()) == 1

    def test_what_no_database_can_hold_is_replaced_and_the_rest_kept(self, ledger):
        hostile = "Zähler › \x00 \ud83d \N{WATER POLO} ' \" %s :x"
        kept = "Zähler › \ufffd \ufffd \N{WATER POLO} ' \" %s :x"
        bad = finding(Status.FAIL, hostile)
        concluded(ledger, "a", ONE, judged("a", REJECT, None, bad), subject=hostile, note=hostile, sender=hostile)
        case = ledger.case(ONE)
        assert (case.messages[0].subject, case.messages[0].note, case.subject) == (kept, kept, kept)
        assert case.judgements[0].judged[0].findings[0].message == kept.replace("\ufffd", "\x00", 1)
        assert ledger.cases()[0].worst == kept


class TestNumbersAndThreads:
    def test_numbers_follow_the_highest_of_the_year(self, ledger):
        assert ledger.next_case_number(2026) == ONE
        concluded(ledger, "a", "CPL-2026-00041")
        concluded(ledger, "b", "CPL-2025-00099")
        concluded(ledger, "c", "CPL-2026-00007")
        assert ledger.next_case_number(2026) == "CPL-2026-00042"
        assert ledger.next_case_number(2027) == "CPL-2027-00001"

    def test_a_reply_is_known_by_the_mail_or_the_draft_it_answers(self, ledger):
        concluded(ledger, "a", ONE)
        concluded(ledger, "b", TWO)
        assert ledger.case_of(["<a@maker.example>"], "") == ONE
        assert ledger.case_of(["<unknown@x>", "<answer-b@cpl.example>"], "") == TWO
        assert ledger.case_of(["<unknown@x>", ""], "") == ""

    def test_the_nearest_reference_wins_and_the_subject_comes_last(self, ledger):
        concluded(ledger, "a", ONE)
        concluded(ledger, "b", TWO)
        assert ledger.case_of(["<a@maker.example>", "<b@maker.example>"], "") == TWO
        assert ledger.case_of(["<a@maker.example>"], TWO) == ONE
        assert ledger.case_of(["<unknown@x>"], TWO) == TWO
        assert ledger.case_of([], "CPL-2026-00077") == ""

    def test_mails_without_a_message_id_have_nothing_in_common(self, ledger):
        concluded(ledger, "a", message_id="")
        assert ledger.case_of([""], "") == ""

    def test_a_hostile_message_id_or_reference_list_is_only_long(self, ledger):
        long_id = "<" + "".join(digest(str(number)) for number in range(2_000)) + "\x00\udc80>"
        concluded(ledger, "a", message_id=long_id)
        assert ledger.case_of([f"<{number}@x>" for number in range(50_000)] + [long_id], "") == ONE


class TestEarlierAndPending:
    def test_a_workbook_judged_before_is_known_by_its_first_case(self, ledger):
        concluded(ledger, "a", ONE, judged("form"))
        concluded(ledger, "b", TWO, judged("form"), judged("other"))
        assert ledger.judged_before(digest("form")) == ONE
        assert ledger.judged_before(digest("never")) == ""
        wanted = [digest("form"), digest("other"), digest("never")]
        assert ledger.earlier_same(wanted) == {digest("form"): ONE, digest("other"): TWO}

    def test_a_mail_without_a_workbook_is_no_earlier_one(self, ledger):
        concluded(ledger, "a", ONE, replace(judged("form"), artefact=""))
        assert ledger.judged_before("") == ""

    def test_submissions_of_other_cases_stand_until_refused(self, ledger):
        concluded(ledger, "a", ONE, judged("a1", ACCEPT, "01:00:00:00"), judged("a2", REJECT, "02:00:00:00"))
        concluded(ledger, "b", TWO, judged("b1", ASK_REVIEWER, "03:00:00:00"), judged("b2", ACCEPT, None))
        concluded(ledger, "c", THREE, judged("c1", ACCEPT, "04:00:00:00"))
        pending = ledger.pending_submissions(THREE)
        assert [(one.case, one.file, one.artefact, one.model) for one in pending] == [
            (ONE, "a1.xlsm", digest("a1"), model("01:00:00:00")),
            (TWO, "b1.xlsm", digest("b1"), model("03:00:00:00")),
        ]

    def test_the_later_mail_of_a_case_has_the_last_word_on_its_device_models(self, ledger):
        concluded(ledger, "a", ONE, judged("kept", ACCEPT, "01:00:00:00"), judged("old", ASK_REVIEWER, "02:00:00:00"))
        concluded(ledger, "b", ONE, judged("new", ACCEPT, "02:00:00:00"), opens=False)
        assert [one.file for one in ledger.pending_submissions("")] == ["kept.xlsm", "new.xlsm"]
        concluded(ledger, "c", ONE, judged("bad", REJECT, "02:00:00:00"), opens=False)
        assert [one.file for one in ledger.pending_submissions("")] == ["kept.xlsm"]

    def test_a_refused_double_inside_one_mail_does_not_hide_the_first(self, ledger):
        concluded(ledger, "a", ONE, judged("first"), judged("double", REJECT))
        assert [one.file for one in ledger.pending_submissions("")] == ["first.xlsm"]

    def test_a_mail_refused_by_hand_leaves_nothing_pending(self, ledger):
        concluded(ledger, "a", ONE)
        ledger.rejudge(
            Rejudged(ONE, LATER, "Ben", "withdrawn", judgement("a", judged("a"), decision=REJECT), by_hand=True)
        )
        assert ledger.pending_submissions("") == ()


class TestOutbox:
    def test_promises_are_due_in_the_order_they_were_made(self, ledger):
        concluded(ledger, "a")
        concluded(ledger, "b", TWO, at=LATER)
        assert [one.key for one in ledger.effects_due(AT)] == ["draft:a", "file:a"]
        assert [one.key for one in ledger.effects_due(LATER)] == ["draft:a", "file:a", "draft:b", "file:b"]

    def test_a_key_promised_again_stays_as_it_was_first(self, ledger):
        same = (effect("k", x="1"), effect("k", x="2"), effect("l", x="3"))
        concluded(ledger, "a", effects=same)
        concluded(ledger, "b", TWO, effects=(effect("l", x="4"), effect("m", x="5")))
        assert [(one.key, one.payload["x"], one.case) for one in ledger.effects_due(LATER)] == [
            ("k", "1", ONE),
            ("l", "3", ONE),
            ("m", "5", TWO),
        ]

    def test_a_kept_promise_is_not_due_again_and_may_be_noted_twice(self, ledger):
        concluded(ledger, "a")
        for note in ("put", "was there"):
            ledger.effect_done("draft:a", AT, note)
        assert [one.key for one in ledger.effects_due(LATER)] == ["file:a"]
        assert ledger.case(ONE).effects[0].attempts == 1
        with pytest.raises(LedgerConflict, match="no promise 'never'"):
            ledger.effect_done("never", AT, "")
        with pytest.raises(LedgerConflict, match="is done by now"):
            ledger.effect_failed("draft:a", AT, "late news", LATER)

    def test_a_failed_promise_waits_for_its_time(self, ledger):
        concluded(ledger, "a")
        ledger.effect_failed("draft:a", AT, "connection reset", "2026-11-21T11:00:00+01:00")
        assert [one.key for one in ledger.effects_due(AT)] == ["file:a"]
        again = ledger.effects_due(LATER)[0]
        assert (again.key, again.attempts, again.error) == ("draft:a", 1, "connection reset")

    @pytest.mark.parametrize("what", [ONE, digest("a")[:10]])
    def test_a_held_promise_waits_for_a_person(self, ledger, what):
        concluded(ledger, "a")
        ledger.effect_failed("draft:a", AT, "folder missing", None)
        assert ledger.case(ONE).effects[0].state is EffectState.HELD
        assert [one.key for one in ledger.effects_due(LATER)] == ["file:a"]
        assert ledger.retry(what, LATER) == 1
        assert ledger.effects_due(AT)[0].key == "file:a"
        assert [(one.key, one.attempts) for one in ledger.effects_due(LATER)] == [("draft:a", 0), ("file:a", 0)]
        assert ledger.retry(what, LATER) == 0


class TestRejudge:
    def again(self, **changes) -> Rejudged:
        values = {
            "case": ONE,
            "at": LATER,
            "by": "Ben",
            "why": "The scan says so.",
            "judgement": judgement("a", judged("a"), at=LATER),
            "verdict": verdict(),
            "drafts": (draft("second"),),
            "effects": (effect("second"),),
        }
        return Rejudged(**(values | changes))

    def test_a_verdict_adds_a_judgement_and_older_drafts_stay(self, ledger):
        first = judgement("a", judged("a", ASK_REVIEWER), decision=ASK_REVIEWER)
        concluded(ledger, "a", judgement=first)
        ledger.rejudge(self.again())
        case = ledger.case(ONE)
        assert case.judgements == (first, self.again().judgement)
        assert case.decision == ACCEPT
        assert case.verdicts == (verdict(),)
        assert [one.message_id for one in case.drafts] == ["<answer-a@cpl.example>", "<second@cpl.example>"]
        assert [one.key for one in case.effects] == ["draft:a", "file:a", "second"]
        assert case.decided_by == ""
        assert ledger.case_of(["<second@cpl.example>"], "") == ONE
        target = f"{ONE} form.format Device_Model.firmware_version form.xlsm"
        assert ledger.audit() == (AuditEntry(LATER, "Ben", "verdict: pass", target, "The scan says so."),)

    def test_a_decision_by_hand_names_its_person_until_the_next(self, ledger):
        concluded(ledger, "a")
        by_hand = judgement("a", judged("a"), decision=REJECT, at=LATER)
        ledger.rejudge(self.again(judgement=by_hand, by_hand=True, verdict=None, why="withdrawn"))
        assert (ledger.case(ONE).decided_by, ledger.case(ONE).decision) == ("Ben", REJECT)
        assert ledger.audit() == (AuditEntry(LATER, "Ben", "decision: reject", ONE, "withdrawn"),)
        ledger.rejudge(self.again(drafts=(), effects=()))
        assert ledger.case(ONE).decided_by == ""

    def test_an_unknown_case_or_a_mail_of_another_is_refused(self, ledger):
        concluded(ledger, "a")
        before = ledger.dump()
        with pytest.raises(NoSuchCase, match=TWO):
            ledger.rejudge(self.again(case=TWO))
        with pytest.raises(LedgerConflict, match="does not belong"):
            ledger.rejudge(self.again(judgement=judgement("b", judged("b"))))
        assert ledger.dump() == before

    def test_a_failure_inside_leaves_nothing(self, ledger, monkeypatch):
        concluded(ledger, "a")
        before = ledger.dump()
        monkeypatch.setattr(effects, "promise", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            ledger.rejudge(self.again())
        assert ledger.dump() == before
        assert ledger.audit() == ()


class TestWhatPeopleSee:
    def test_a_case_is_summed_up_by_its_newest_judgement(self, ledger):
        found = (
            finding(Status.UNCLEAR, "Unclear."),
            finding(Status.BROKEN, "Broken."),
            finding(Status.FAIL, "Wrong."),
            finding(Status.FAIL, "Also wrong."),
        )
        ask = Decision(Outcome.CLARIFY, "unclear", "Ask.", Settler.SUBMITTER)
        concluded(ledger, "a", ONE, judged("a", ask, None, *found), due="2026-12-02")
        concluded(ledger, "b", TWO, due="2026-12-01", judgement=judgement("b", judged("b"), decision=ask))
        concluded(ledger, "c", THREE, due="", judgement=None)
        two, one, three = ledger.cases()
        assert (one.number, one.outcome, one.waits_for, one.fails, one.unclears, one.worst) == (
            ONE, "accept", "", 2, 2, "Wrong.",
        )  # fmt: skip
        assert (two.number, two.outcome, two.waits_for, two.worst) == (TWO, "clarify", "submitter", "")
        assert (three.number, three.outcome, three.fails, three.subject) == (THREE, "", 0, "New entry: c")
        concluded(ledger, "d", ONE, opens=False, due="")
        assert ledger.cases()[1].fails == 0
        assert ledger.cases("closed") == ()

    def test_an_unknown_case_says_how_to_find_one(self, ledger):
        with pytest.raises(NoSuchCase, match="pipeline cases"):
            ledger.case(ONE)

    def test_the_document_in_force_is_the_newest_of_its_kind(self, ledger):
        old = InForce("cpl", digest("old"), "2.051", AT, {"issued": "07-11-2024"})
        new = InForce("cpl", digest("new"), "3.000", LATER)
        assert ledger.in_force("cpl") is None
        ledger.put_in_force(old, by="Ben", why="first")
        ledger.put_in_force(new, by="Ben", why="release")
        assert ledger.in_force("cpl") == new
        assert ledger.in_force_history("cpl") == (old, new)
        assert ledger.in_force("fir") is None
        assert ledger.audit()[0] == AuditEntry(AT, "Ben", "import: cpl", digest("old"), "first")

    def test_health_says_what_waits_and_how_long(self, ledger):
        empty = ledger.health(AT)
        assert (empty.unfinished, empty.oldest_unfinished, empty.backlog, empty.oldest_promise) == (0, "", 0, "")
        concluded(ledger, "a")
        ledger.effect_failed("draft:a", AT, "no", None)
        ledger.arrive(arrival("b", at=AT))
        ledger.arrive(arrival("c", at="2026-11-21T09:30:00Z"))
        ledger.arrive(arrival("d"))
        ledger.set_aside(digest("d"), AT, "why")
        ledger.note_poll(MAILBOX, AT, ok=True, text="2 mails")
        ledger.note_poll(MAILBOX, LATER, ok=False, text="connection refused")
        now = ledger.health(LATER)
        assert (now.unfinished, now.oldest_unfinished, now.oldest_unfinished_seconds) == (2, AT, 3600)
        assert (now.backlog, now.oldest_promise, now.oldest_promise_seconds) == (1, AT, 3600)
        assert (now.held, now.set_aside) == (1, 1)
        assert now.polls == (Poll(MAILBOX, LATER, False, "connection refused", AT),)

    def test_the_dump_tells_the_work_and_not_when_or_how_hard_it_was(self, ledger):
        concluded(ledger, "a")
        before = ledger.dump()
        ledger.arrive(arrival("a", uid="9", folder="Other", at=LATER))
        ledger.effect_failed("draft:a", AT, "reset", LATER)
        ledger.note_poll(MAILBOX, AT, ok=True, text="")
        assert ledger.dump() == before
        ledger.effect_done("draft:a", LATER, "put")
        assert ledger.dump() != before
        assert set(before) == {
            "messages", "cases", "judgements", "drafts", "effects", "verdicts", "in_force", "audit",
            "releases", "published", "amendments", "certificates", "bounces",
        }  # fmt: skip


class TestSeveralAtOnce:
    def test_two_writers_lose_nothing_and_conclude_once(self, database, ledger):
        second = Ledger.open(database.url)
        won, lost = [], []

        def work(mine: Ledger, name: str) -> None:
            for number in range(20):
                mine.arrive(arrival(f"{name}{number}"))
            mine.arrive(arrival("both"))
            try:
                mine.conclude(conclusion("both", mine.next_case_number(2026)))
                won.append(name)
            except LedgerConflict:
                lost.append(name)

        threads = [threading.Thread(target=work, args=pair) for pair in ((ledger, "a"), (second, "b"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        second.close()
        assert (len(won), len(lost)) == (1, 1)
        assert len(ledger.waiting()) == 40
        assert len(ledger.case(ONE).messages) == 1

    def test_a_database_held_by_another_says_try_later(self, database, ledger):
        impatient = Ledger.open(database.url, busy_seconds=0.05)
        with database.held(), pytest.raises(LedgerBusy, match="try later"):
            impatient.arrive(arrival("a"))
        assert impatient.arrive(arrival("a"))
        impatient.close()
        assert len(ledger.waiting()) == 1


class TestRevisions:
    def test_opened_again_it_is_the_same(self, database, ledger):
        concluded(ledger, "a")
        again = Ledger.open(database.url)
        assert again.dump() == ledger.dump()
        again.close()

    def test_a_database_of_a_newer_version_is_refused_in_words(self, database, ledger):
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(LedgerRefused, match=r"newer version of the pipeline.*9999.*backup"):
            Ledger.open(database.url)

    def test_the_revisions_make_the_tables_the_code_uses(self, database, ledger):
        assert database.differences() == []


@pytest.mark.postgres
def test_both_databases_tell_the_same_story(cluster, tmp_path):
    told = []
    for database in (SqliteDatabase(tmp_path / "ledger.db"), PostgresDatabase(cluster)):
        ledger = Ledger.open(database.url)
        for mail in ("Zähler", "anna", "Berta"):
            concluded(ledger, mail, ledger.next_case_number(2026))
        ledger.rejudge(TestRejudge().again(case=TWO, judgement=judgement("anna", judged("anna"))))
        ledger.put_in_force(InForce("cpl", digest("cpl"), "3.000", AT), by="Ben")
        told.append((ledger.dump(), ledger.cases(), ledger.case(TWO), ledger.health(LATER)))
        ledger.close()
    assert told[0] == told[1]
