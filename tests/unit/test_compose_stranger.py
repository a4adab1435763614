"""A reply to somebody who may not be the sender: rules, places and clauses, and nothing that the mail holds."""

from email import message_from_bytes, policy
from pathlib import Path

import pytest

from pipeline.compose import Templates, amendment_reply, bodies, reply
from pipeline.compose.parity import difference
from pipeline.compose.sample_release import LISTED, amendment_samples
from pipeline.compose.samples import CASE, DUE, FIELDS, NOW, SENDER
from pipeline.domain.draft import Draft
from pipeline.domain.evidence import Evidence
from pipeline.domain.finding import Finding, Settler, Status
from pipeline.domain.judgement import Decision, Judged, Outcome
from pipeline.domain.message import Address, Attachment, Message, Problem
from pipeline.domain.product import DeviceModel

TEMPLATES = Templates.load(Path(__file__).resolve().parents[2] / "templates")
TITLES = {
    "form.format": "Every answer is written in the field's format",
    "certificate.number": "The numbers on the form are those of the certificates",
    "letter.ssc": "The letter of the SSC is attached",
    "form.blanks": "No answer begins or ends with blanks",
    "decision.person": "A person of SECAS has decided",
}
FORM, PDF = "a" * 64, "b" * 64
REJECT = Decision(Outcome.REJECT, "fault", "")
MODEL = DeviceModel("77:AA", "77:BB", "77", "78", "77:CC:77:DD")
HELD = (
    "Zzsubject",
    "Zzsent",
    "Zzproblem",
    "Zzform.xlsm",
    "Zzcpa.pdf",
    "Zztype",
    "Zzvalue",
    "Zztab",
    "Zzexpected",
    "Zzwhy",
    "Zzremedy",
    "Zzmessage",
    "Zzfield",
    "77",
)
"""Everything that only the mail holds."""

MAIL = Message(
    sha256="c" * 64,
    message_id="<one@meters.example>",
    subject="Zzsubject",
    senders=(Address("Meters Ltd", "submissions@meters.example"),),
    reply_to=(),
    sent="Zzsent",
    in_reply_to="",
    references=(),
    automatic=(),
    body="",
    attachments=(
        Attachment("Zzform.xlsm", "Zzform.xlsm", "workbook", "", FORM, 3),
        Attachment("Zzcpa.pdf", "Zzcpa.pdf", "pdf", "", PDF, 3),
    ),
    problems=(Problem("damaged", "Zzproblem.", "Zzform.xlsm"),),
)


def finding(check: str, *evidence: Evidence, status: Status = Status.FAIL) -> Finding:
    settle = Settler.SUBMITTER if status is Status.UNCLEAR else None
    more = {"expected": "Zzexpected", "why": "Zzwhy", "remedy": "Zzremedy"}
    return Finding(check, status, "Zzmessage.", "7.2.2", evidence, "Zzfield", settle=settle, **more)


CELL = Evidence(FORM, "Zzform.xlsm", "Zztab!G14", "Zzvalue")
CELLS = Evidence(FORM, "Zzform.xlsm", "Zztab!G14:G16", "Zzvalue")
PAGE = Evidence(PDF, "Zzcpa.pdf", "page 3 [77.0, 1.0, 2.0, 3.0]", "Zzvalue")
PLACES = (CELL, CELLS, PAGE, Evidence(FORM, "Zzform.xlsm"), Evidence(PDF, "Zzcpa.pdf", "Zzwhere", "Zzvalue"))
HEADER = Evidence("c" * 64, "", "header Zzname", "Zzvalue")


def judged(*findings: Finding, file: str = "Zzform.xlsm") -> Judged:
    return Judged(file, FORM, "Zztype", MODEL, findings, REJECT)


def write(*parts: Judged, kind: str = "rejected", stranger: dict[str, str] | None = TITLES, to: str = "") -> Draft:
    return reply(
        kind,
        message=MAIL,
        judged=parts,
        decision=REJECT,
        case=CASE,
        correspondent=to,
        due=DUE,
        sender=SENDER,
        now=NOW,
        field_order=FIELDS,
        templates=TEMPLATES,
        stranger=stranger,
    )


ALL = (
    finding("form.format", *PLACES, HEADER),
    finding("certificate.number", PAGE),
    finding("letter.ssc", PAGE, status=Status.UNCLEAR),
    finding("form.blanks", CELL, status=Status.ADVICE),
)


@pytest.mark.parametrize("kind", ["accepted", "question", "rejected", "unreadable"])
@pytest.mark.parametrize("parts", [(judged(*ALL),), (judged(*ALL), judged(*ALL, file="")), (judged(), judged())])
def test_nothing_that_the_mail_holds_is_repeated(kind, parts):
    draft = write(*parts, kind=kind)
    text, html = bodies(draft.raw)
    headers = "".join(
        f"{name}: {value}\n" for name, value in message_from_bytes(draft.raw, policy=policy.default).items()
    )
    told = [(held, where[:40]) for held in HELD for where in (text, html, draft.subject) if held in where]
    assert told == []
    assert not [held for held in HELD[:-1] if held in headers]
    assert difference(text, html) == ""
    assert CASE in draft.subject
    assert "(not repeated here)" in text


def test_the_same_mail_is_told_in_full_to_whom_we_know():
    text, _ = bodies(write(judged(*ALL), stranger=None).raw)
    assert [held for held in HELD if held not in text] == ["Zzproblem"]


def test_each_point_has_its_check_its_place_and_its_clause():
    text, _ = bodies(write(judged(finding("form.format", *PLACES, HEADER))).raw)
    lines = [line.strip() for line in text.splitlines()]
    assert "1. Every answer is written in the field's format" in lines
    assert "This is not so, or not as it should be." in lines
    assert [line.removeprefix("Where:").strip() for line in lines if line.startswith("Where:")] == [
        "cell G14",
        "cells G14:G16",
        "page 3 of a document",
        "the workbook",
        "a document",
        "your e-mail",
    ]
    assert "Rule:      7.2.2 (check form.format)" in lines
    assert "Read:" not in text
    assert "We could not establish that the e-mail comes from" in text


def test_what_a_person_has_written_is_told():
    word = Finding("decision.person", Status.FAIL, "Please call us about this.", "8")
    assert "Please call us about this." in bodies(write(judged(word)).raw)[0]


def test_a_check_without_a_title_is_told_by_its_id():
    assert "1. form.format" in bodies(write(judged(finding("form.format", CELL)), stranger={}).raw)[0]


def test_staff_are_told_and_the_two_replies_are_two_mails():
    strange, plain = write(judged(*ALL), to="cpl@meters.example"), write(judged(*ALL), stranger=None)
    assert message_from_bytes(strange.raw)["X-CPL-Correspondent"] == "not-verified"
    assert message_from_bytes(plain.raw)["X-CPL-Correspondent"] is None
    assert strange.message_id != plain.message_id
    assert (strange.to, write(judged(*ALL)).to) == ("cpl@meters.example", "")
    assert message_from_bytes(write(judged(*ALL)).raw)["To"] is None


@pytest.mark.parametrize("sample", amendment_samples(), ids=lambda sample: sample[0])
def test_a_request_for_a_change_is_told_by_its_kind_alone(sample):
    _, amendments = sample

    def answer(*, stranger: bool) -> Draft:
        return amendment_reply(
            MAIL,
            amendments,
            listed=LISTED,
            case=CASE,
            correspondent="",
            due=DUE,
            sender=SENDER,
            now=NOW,
            templates=TEMPLATES,
            stranger=stranger,
        )

    draft = answer(stranger=True)
    text, html = bodies(draft.raw)
    held = {one for amendment in amendments for one in (*amendment.entries, *amendment.values.values()) if len(one) > 3}
    assert not [one for one in (*held, *HELD[:-1]) if one in text or one in html or one in draft.subject]
    assert difference(text, html) == ""
    assert draft.message_id != answer(stranger=False).message_id
