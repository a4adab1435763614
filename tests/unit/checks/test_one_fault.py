"""One wrong thing is one fault, and the reply names its cell; what is not public is repeated nowhere (law 8)."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime

import pytest

from pipeline.compose import Sender, Templates, bodies, reply
from pipeline.compose.parity import html_text
from pipeline.domain.finding import Status
from pipeline.domain.judgement import Judged
from pipeline.domain.message import Message
from pipeline.judge import judge_submission
from tests.corpus_cases import ROOT, RULES, Case, matter_of
from tests.unit.checks.one_fault import CELLS, ESME, every_fault

FAULTS = every_fault()
TEMPLATES = Templates.load(ROOT / "templates")
ANSWERS = ["accepted", "question", "rejected", "unreadable"]
"""The mails that tell a submitter what became of a form."""
TOLD = {Status.FAIL, Status.UNCLEAR, Status.BROKEN}
WAITING = {"signature.present", *(name for name in RULES.checks if name.startswith(("certificate.", "smets1.")))}
"""Checks that leave something open on every good form, because a person or the DCC must settle it."""


def draft(kind: str, judged: Judged, message: Message | None) -> str:
    """What the drafted mail says, headers and both bodies, with its lines folded."""
    assert message is not None
    made = reply(
        kind,
        message=message,
        judged=(judged,),
        decision=judged.decision,
        case="CPL-2026-00042",
        correspondent="ottilie.brandreth@quillmoor.example",
        due="2026-11-24",
        sender=Sender("CPL Helpdesk", "helpdesk@cpl.example"),
        now=datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
        field_order=tuple(RULES.fields),
        templates=TEMPLATES,
    )
    text, html = bodies(made.raw)
    return " ".join((made.subject + text + html_text(html) + html).replace("\N{NO-BREAK SPACE}", " ").split())


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_one_wrong_thing_is_one_fault(fault):
    matter = matter_of(fault.case)
    judged = judge_submission(matter)
    told = [f for f in judged.findings if f.status in TOLD and not (f.status is Status.UNCLEAR and f.check in WAITING)]
    assert [(f.check, f.status) for f in told] == [(fault.check, fault.status)], told
    found = told[0]
    if fault.cell:
        assert fault.cell in {evidence.where for evidence in found.evidence}
        assert fault.field == found.subject or fault.check == "image.complete"
    else:
        assert found.subject == fault.field
    if fault.status is Status.FAIL and fault.case.device == ESME:
        said = draft("rejected", judged, matter.message)
        where = f"cell {fault.cell.rpartition('!')[2]} of the tab 'CPL - New Entry'" if fault.cell else fault.field
        assert where in said


def test_no_field_and_no_kind_of_fault_is_left_out():
    assert {fault.field for fault in FAULTS} == set(RULES.fields)
    assert {fault.check for fault in FAULTS if fault.status is Status.FAIL} == {
        *("form.required", "form.forbidden", "form.format", "form.value", "form.length", "form.cell-type"),
        *("form.formula", "form.layout", "form.combination", "image.complete", "image.hash", "image.upgrade-path"),
        "fir.complete",
    }
    assert len(FAULTS) > 1_500


MARK = "Xyzzymark"
NUMBER = 4815162342
SECRET = [rule.field for rule in RULES.fields.values() if rule.audience != "public"]


def _secrets(field: str) -> Sequence[Case]:
    wrong = [f" {MARK} ", MARK + "a" * 400, f"{MARK}\x01", f"{MARK},{MARK}@b", NUMBER, date(1987, 6, 5)]
    made = [Case(why="value", expect=Status.FAIL, device=ESME, answers={field: value}) for value in wrong]
    forbidden = {"device": "Pre-Payment Interface Device", "answers": {field: MARK}}
    return [
        *made,
        Case(why="forbidden", expect=Status.FAIL, **forbidden),
        Case(why="formula", expect=Status.FAIL, device=ESME, faults=(("formula", field, f'"{MARK}"', MARK),)),
        Case(why="error", expect=Status.FAIL, device=ESME, faults=(("error_cell", field, f"#{MARK}!"),)),
        Case(why="twice", expect=Status.FAIL, device=ESME, faults=(("repeat_row", field, MARK),)),
        Case(why="hidden", expect=Status.UNCLEAR, device=ESME, answers={field: MARK}, faults=(("hide_row", field),)),
    ]


@pytest.mark.parametrize("field", SECRET)
def test_what_is_not_public_is_repeated_nowhere(field):
    assert field.startswith(("Contact-CPA.", "Device_ZigBee_Information_Repository."))
    spoken_of = 0
    for case in _secrets(field):
        matter = matter_of(case)
        judged = judge_submission(matter)
        spoken_of += any(CELLS[field] in {e.where for e in f.evidence} or f.subject == field for f in judged.findings)
        drafts = [draft(kind, judged, matter.message) for kind in ANSWERS]
        for said in (json.dumps(asdict(judged), ensure_ascii=False), *drafts):
            assert MARK.casefold() not in said.casefold()
            assert str(NUMBER) not in said
            assert "1987" not in said
    assert spoken_of > 6, "most of these are told, without the value"
