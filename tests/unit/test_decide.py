"""From Findings to a Decision: the tables row by row, and a person's word on open points."""

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.decide import decide_mail, decide_submission, settle, template_of
from pipeline.domain.finding import Finding, Settler, Status
from pipeline.domain.judgement import Decision, Judged, Outcome, Verdict
from pipeline.rulebook import Rulebook

RULES = Rulebook.load(Path(__file__).parents[2] / "rules")
AT = "2026-11-20T10:00:00Z"
SETTLED = {Status.PASS, Status.ADVICE, Status.NOT_APPLICABLE}


def finding(status: Status, settle_by: Settler | None = None, check: str = "form.format", subject: str = "") -> Finding:
    return Finding(check, status, "It is so.", "clause", subject=subject, settle=settle_by)


PASS = finding(Status.PASS)
FAIL = finding(Status.FAIL)
ADVICE = finding(Status.ADVICE)
BROKEN = finding(Status.BROKEN)
NOT_APPLICABLE = finding(Status.NOT_APPLICABLE)
ASK = finding(Status.UNCLEAR, Settler.SUBMITTER)
LOOK = finding(Status.UNCLEAR, Settler.REVIEWER)


def judged(*findings: Finding, file: str = "form.xlsm") -> Judged:
    return Judged(file, "sha", "Gas Smart Meter", None, findings, decide_submission(findings, RULES))


def verdict(*, passed: bool = True, check: str = "form.format", subject: str = "", file: str = "form.xlsm") -> Verdict:
    return Verdict(check, subject, file, passed, "the letter says so", "A. Clerk", AT)


@pytest.mark.parametrize(
    ("findings", "row", "outcome", "waits_for"),
    [
        ((), "nothing-checked", Outcome.CLARIFY, Settler.REVIEWER),
        ((FAIL,), "fault", Outcome.REJECT, None),
        ((PASS, FAIL, BROKEN, ASK, LOOK), "fault", Outcome.REJECT, None),
        ((PASS, BROKEN, ASK, LOOK), "broken", Outcome.CLARIFY, Settler.REVIEWER),
        ((PASS, LOOK, ASK), "question", Outcome.CLARIFY, Settler.SUBMITTER),
        ((ADVICE, LOOK), "look", Outcome.CLARIFY, Settler.REVIEWER),
        ((PASS,), "all-clear", Outcome.ACCEPT, None),
        ((ADVICE, NOT_APPLICABLE), "all-clear", Outcome.ACCEPT, None),
    ],
)
def test_a_submission_row_by_row(findings, row, outcome, waits_for):
    decision = decide_submission(findings, RULES)
    assert (decision.row, decision.outcome, decision.waits_for) == (row, outcome, waits_for)
    assert decision.reason.endswith(".")


@pytest.mark.parametrize(
    ("items", "row", "outcome", "template", "waits_for"),
    [
        ((judged(FAIL), judged(PASS)), "mail-refused", Outcome.REJECT, "rejected", None),
        ((judged(FAIL), judged(ASK), judged(LOOK)), "mail-refused", Outcome.REJECT, "rejected", None),
        ((judged(LOOK), judged(ASK)), "mail-question", Outcome.CLARIFY, "question", Settler.SUBMITTER),
        ((judged(PASS), judged(LOOK)), "mail-look", Outcome.CLARIFY, "", Settler.REVIEWER),
        ((judged(PASS), judged(BROKEN)), "mail-look", Outcome.CLARIFY, "", Settler.REVIEWER),
        ((judged(PASS), judged(ADVICE)), "mail-accepted", Outcome.ACCEPT, "accepted", None),
        ((judged(PASS), judged()), "mail-look", Outcome.CLARIFY, "", Settler.REVIEWER),
        ((), "nothing-checked", Outcome.CLARIFY, "", Settler.REVIEWER),
    ],
)
def test_a_mail_row_by_row(items, row, outcome, template, waits_for):
    decision, named = decide_mail(items, RULES)
    assert (decision.row, decision.outcome, decision.waits_for, named) == (row, outcome, waits_for, template)
    assert template_of(decision, RULES) == template


@pytest.mark.parametrize(
    ("items", "row"),
    [
        (((("intake.unpacked", FAIL), ("intake.sender", PASS)),), "mail-unreadable"),
        (((("intake.unpacked", FAIL),), (("intake.encrypted", FAIL),)), "mail-unreadable"),
        (((("intake.unpacked", FAIL), ("form.tab", PASS)),), "mail-refused"),  # the form itself was read
        (((("intake.unpacked", FAIL),), (("form.tab", PASS),)), "mail-refused"),
        (((("intake.unpacked", FAIL), ("form.tab", FAIL)),), "mail-refused"),
        (((("intake.workbook", ASK),),), "mail-question"),
        (((("intake2.unpacked", FAIL),),), "mail-refused"),
    ],
)
def test_only_a_mail_that_could_not_be_checked_further_is_unreadable(items, row):
    made = [judged(*(finding(f.status, f.settle, check) for check, f in item)) for item in items]
    assert decide_mail(made, RULES)[0].row == row


def test_a_decision_by_hand_has_no_template_in_the_table():
    assert template_of(Decision(Outcome.REJECT, "by-hand", "Decided by A. Clerk."), RULES) == ""


@pytest.mark.parametrize(("passed", "status"), [(True, Status.PASS), (False, Status.FAIL)])
def test_a_verdict_takes_the_place_of_an_open_point(passed, status):
    (found,) = settle([LOOK], [verdict(passed=passed)], "form.xlsm")
    assert (found.status, found.settle, found.check, found.clause) == (status, None, LOOK.check, LOOK.clause)
    assert found.message == ("It is so." if passed else "It is so. the letter says so.")


@pytest.mark.parametrize("why", ["Why not?", "No!", "No.", " no\n reason "])
def test_a_reason_becomes_a_sentence(why):
    word = Verdict("form.format", "", "form.xlsm", passed=False, why=why, by="A. Clerk", at=AT)
    (found,) = settle([LOOK], [word], "form.xlsm")
    ending = " ".join(why.split())
    assert found.message == f"It is so. {ending if ending[-1] in '.!?' else ending + '.'}"


@pytest.mark.parametrize(
    "other", [verdict(check="form.value"), verdict(subject="GBCS"), verdict(file="other.xlsm"), verdict(file="")]
)
def test_a_verdict_on_something_else_changes_nothing(other):
    assert settle([LOOK, ASK], [other], "form.xlsm") == (LOOK, ASK)


@pytest.mark.parametrize("firm", [PASS, FAIL, ADVICE, BROKEN, NOT_APPLICABLE])
def test_a_verdict_never_touches_what_is_not_open(firm):
    assert settle([firm], [verdict(), verdict(passed=False)], "form.xlsm") == (firm,)


def test_a_verdict_speaks_of_one_subject():
    points = [finding(Status.UNCLEAR, Settler.REVIEWER, subject=name) for name in ("one", "two")]
    first, second = settle(points, [verdict(subject="two")], "form.xlsm")
    assert (first.status, second.status) == (Status.UNCLEAR, Status.PASS)


def test_the_last_word_counts():
    assert settle([LOOK], [verdict(), verdict(passed=False)], "form.xlsm")[0].status is Status.FAIL
    assert settle([LOOK], [verdict(passed=False), verdict()], "form.xlsm")[0].status is Status.PASS


def findings_of_any_kind() -> st.SearchStrategy[list[Finding]]:
    closed = st.sampled_from([status for status in Status if status is not Status.UNCLEAR]).map(finding)
    return st.lists(closed | st.sampled_from([ASK, LOOK]), max_size=12)


@settings(deadline=None)
@given(findings_of_any_kind())
def test_only_what_is_settled_is_accepted(findings):
    accepted = decide_submission(findings, RULES).outcome is Outcome.ACCEPT
    assert accepted == (bool(findings) and all(f.status in SETTLED for f in findings))


@settings(deadline=None)
@given(st.lists(findings_of_any_kind(), max_size=4))
def test_a_mail_is_accepted_only_whole(lists):
    decision, template = decide_mail([judged(*findings) for findings in lists], RULES)
    whole = bool(lists) and all(findings and all(f.status in SETTLED for f in findings) for findings in lists)
    assert (decision.outcome is Outcome.ACCEPT) == (template == "accepted") == whole
    refused = any(f.status is Status.FAIL for findings in lists for f in findings)
    assert (decision.outcome is Outcome.REJECT) == refused


@settings(deadline=None)
@given(findings_of_any_kind(), st.lists(st.booleans(), max_size=3))
def test_no_verdict_turns_a_refusal_into_an_acceptance(findings, words):
    settled = settle(findings, [verdict(passed=passed) for passed in words], "form.xlsm")
    before, after = (decide_submission(f, RULES).outcome for f in (findings, settled))
    if before is Outcome.REJECT:
        assert after is Outcome.REJECT
    if not words:
        assert settled == tuple(findings)


def test_every_order_of_findings_gives_one_decision():
    kinds = (PASS, FAIL, BROKEN, ASK, LOOK)
    for one, other in product(kinds, kinds):
        assert decide_submission([one, other], RULES) == decide_submission([other, one], RULES)
