"""Running the checks: order, what is asked of whom, days in force, and a check that crashes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from pipeline.checks import run
from pipeline.checks.matter import Matter, Say, check
from pipeline.checks.run import CHECKS, run_all
from pipeline.decide import decide_submission
from pipeline.domain.finding import Finding, Status
from pipeline.domain.judgement import Outcome
from pipeline.rulebook.schema import CheckRule
from tests.corpus_cases import RULES, Case, Form, matter_of

DAY = date(2026, 11, 21)


def case(**keys: object) -> Case:
    return Case(why="a good form with what the test changes", expect=Status.PASS, **keys)  # type: ignore[arg-type]


def test_every_check_speaks_once_or_more_and_in_its_order():
    findings = run_all(matter_of(case()))
    assert list(dict.fromkeys(f.check for f in findings)) == [item.id for item in CHECKS]


def test_the_same_matter_gives_the_same_findings_again():
    matter = matter_of(case(image=True, answers={"Manufacturer_Image.hash": None}))
    assert run_all(matter) == run_all(matter)


def test_a_pass_says_what_the_check_asks():
    passed = next(f for f in run_all(matter_of(case())) if f.check == "form.tab")
    assert (passed.status, passed.message) == (Status.PASS, f"{RULES.checks['form.tab'].title}.")


def test_the_mail_is_asked_about_once():
    again = {f.check for f in run_all(matter_of(case(batch=(Form(file="first.xlsm", device="Communications Hub"),))))}
    assert {item.id for item in CHECKS} - again == {item.id for item in CHECKS if item.needs == "mail"}


def test_a_workbook_that_was_not_read_is_not_judged():
    findings = run_all(matter_of(case(workbook="encrypted")))
    assert {f.check.partition(".")[0] for f in findings} == {"intake"}


def test_a_second_workbook_that_was_not_read_is_reported_too():
    findings = run_all(matter_of(case(workbook="encrypted", batch=(Form(file="first.xlsm"),))))
    assert {f.check for f in findings} == {"intake.encrypted", "intake.unpacked", "intake.repeat"}
    assert [f.check for f in findings if f.status is Status.FAIL] == ["intake.encrypted"]


@check("form.tab")
def _crashes(matter: Matter, say: Say) -> Iterator[Finding]:
    yield say.fail("half a finding")
    raise KeyError(matter.submission.text("Device_ZigBee_Information_Repository.Stack_Vendor"))


def test_a_check_that_crashes_is_our_fault_and_stops_nothing(monkeypatch):
    monkeypatch.setattr(run, "CHECKS", tuple(_crashes if item.id == "form.tab" else item for item in CHECKS))
    matter = matter_of(case(answers={"Device_ZigBee_Information_Repository.Stack_Vendor": "Xyzzymark"}))
    findings = run_all(matter)
    (broken,) = [f for f in findings if f.status is Status.BROKEN]
    assert broken.message == "The check 'form.tab' did not work (KeyError). This is our own fault."
    assert "Xyzzymark" not in repr(findings)
    assert len({f.check for f in findings}) == len(CHECKS)
    decision = decide_submission(findings, RULES)
    assert (decision.outcome, decision.row) == (Outcome.CLARIFY, "broken")


def in_force(start: date | None, until: date | None, on: date) -> bool:
    rule = CheckRule(id="form.version", title="t", clause="c", worst="fail", start=start, until=until)
    matter = matter_of(case(on=on))
    matter = replace(matter, rules=replace(RULES, checks={**RULES.checks, rule.id: rule}))
    return rule.id in {f.check for f in run_all(matter)}


@pytest.mark.parametrize(
    ("start", "until", "on", "asked"),
    [
        (DAY, None, DAY, True),
        (DAY, None, date(2026, 11, 20), False),
        (None, DAY, date(2026, 11, 20), True),
        (None, DAY, DAY, False),
        (None, None, DAY, True),
    ],
)
def test_a_check_is_asked_from_its_first_day_until_before_its_last(start, until, on, asked):
    assert in_force(start, until, on) is asked


@pytest.mark.parametrize("image", [False, True])
def test_every_finding_names_its_law_and_every_fault_its_place(image):
    for finding in run_all(matter_of(case(image=image, answers={"GBCS Version.version_number": "GBCS Version 1.0"}))):
        assert finding.clause.startswith("CPL guidance V6.0")
        if finding.status is Status.FAIL:
            assert finding.evidence
            assert all(item.artefact and item.file for item in finding.evidence)
