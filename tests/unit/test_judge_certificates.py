"""A whole mail of every Device Type, its certificates real PDF files: in order it is accepted, spoilt it is not."""

import ctypes
import io
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from functools import cache
from pathlib import Path

import msgspec
import pypdfium2
import pypdfium2.raw as pdfium
import pytest

from pipeline import judge
from pipeline.compose import Sender, Templates, reply
from pipeline.config import shipped
from pipeline.demo.answers import Value, good_answers
from pipeline.demo.certificates import certificates
from pipeline.demo.form import new_entry_form
from pipeline.demo.layouts import LAYOUTS
from pipeline.demo.mail import File, mail
from pipeline.demo.products import DEVICE_TYPES, ELECTRICITY, PPMID
from pipeline.domain.certificate import CertificateReading
from pipeline.domain.finding import Finding, Status
from pipeline.domain.form import Form
from pipeline.domain.judgement import Circumstances, Outcome
from pipeline.domain.product import ProductList
from pipeline.judge import ListInForce
from pipeline.readers.cpl import read_cpl
from pipeline.readers.form import read_form
from pipeline.readers.message import ReadMail, read_message
from pipeline.readers.paper import read_paper
from pipeline.readers.paper_request import PaperQuestion
from pipeline.rulebook import Rulebook
from tests.builders import sample_cpl

RULES = Rulebook.load(Path(__file__).parents[2] / "rules")
AT = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
ON = Circumstances(on=AT.date())
FIRMWARE = "Device_Model.firmware_version"
EXPIRY = "CPA_Certificate.expiry_date"
ZSE, CPA, DLMS = "zigbee-certificate.pdf", "cpa-certificate.pdf", "dlms-certificate.pdf"


@cache
def _paper(artefact: str, data: bytes) -> CertificateReading:
    kinds = tuple(RULES.certificates.values())
    return read_paper(msgspec.msgpack.encode(PaperQuestion("", artefact, data, kinds)))


class Direct:
    """Reads in this process, each file once."""

    def form(self, data: bytes) -> Form:
        return read_form(data)

    def paper(self, question: PaperQuestion) -> CertificateReading:
        return replace(_paper(question.artefact, question.data), file=question.file)


@cache
def in_force() -> ListInForce:
    reading = read_cpl(sample_cpl())
    return ListInForce(reading.template, ProductList("cpl", "3.000", reading.products))


@cache
def form(device: str) -> bytes:
    return new_entry_form(good_answers(device), sample_cpl())


def papers_of(device: str, layout: str = "list", **changes: Value) -> dict[str, bytes]:
    return certificates(good_answers(device, **changes), layout)


def sent(device: str, files: dict[str, bytes]) -> ReadMail:
    attached = [File("form.xlsm", form(device)), *(File(name, data, "application/pdf") for name, data in files.items())]
    return read_message(mail("CPL submission", "Hello.\n", AT, attached))


def judged(device: str, files: dict[str, bytes]) -> judge.Outcome:
    read = sent(device, files)
    books = judge.read_workbooks(read.message, read.contents, Direct())  # type: ignore[arg-type]  # no signature here
    papers = judge.read_papers(read.message, read.contents, Direct(), RULES)
    return judge.judge_mail(read.message, books, RULES, ON, in_force(), papers=papers)


def told(outcome: judge.Outcome) -> list[Finding]:
    return [f for item in outcome.judged for f in item.findings if f.status in {Status.FAIL, Status.UNCLEAR}]


def asked(device: str) -> list[str]:
    return [ZSE] + [CPA] * (device != PPMID) + [DLMS] * (device in ELECTRICITY)


def covered(pdf: bytes, text: str) -> bytes:
    """The file with a white box over every place where a text stands."""
    document = pypdfium2.PdfDocument(pdf)
    page = document[0]
    words = page.get_textpage()
    search = words.search(text)
    places = []
    while match := search.get_next():
        first, count = match
        places += [words.get_rect(number) for number in range(words.count_rects(first, count))]
    assert places, text
    for left, bottom, right, top in places:
        box = pdfium.FPDFPageObj_CreateNewRect(
            *(ctypes.c_float(x) for x in (left - 1, bottom - 1, right - left + 2, top - bottom + 2))
        )
        pdfium.FPDFPageObj_SetFillColor(box, 255, 255, 255, 255)
        pdfium.FPDFPath_SetDrawMode(box, pdfium.FPDF_FILLMODE_ALTERNATE, False)
        pdfium.FPDFPage_InsertObject(page.raw, box)
    pdfium.FPDFPage_GenerateContent(page.raw)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("device", DEVICE_TYPES)
def test_a_complete_submission_is_accepted_in_every_layout(device, layout):
    outcome = judged(device, papers_of(device, layout))
    assert [(f.check, f.message) for f in told(outcome)] == []
    assert outcome.decision is not None
    assert outcome.decision.outcome is Outcome.ACCEPT


@pytest.mark.parametrize("device", DEVICE_TYPES)
def test_each_certificate_that_is_missing_is_asked_for(device):
    for name in asked(device):
        files = papers_of(device)
        del files[name]
        (finding,) = told(judged(device, files))
        assert (finding.check.rpartition(".")[0], finding.status) == ("certificate.present", Status.FAIL)


@pytest.mark.parametrize("device", DEVICE_TYPES)
@pytest.mark.parametrize(
    ("spoilt", "change"),
    [
        ("swapped", {"Device_Model.model_identifier": "77:77", "Device_Model.manufacturer_identifier": "77:01"}),
        ("one octet", {FIRMWARE: "77:01:13:01"}),
        ("expired", {EXPIRY: "19/11/2026"}),
    ],
)
def test_each_certificate_that_is_another_one_is_refused_and_the_reply_names_page_and_cell(device, spoilt, change):
    for name in asked(device):
        if spoilt == "expired" and name != CPA:
            continue
        files = papers_of(device) | {name: papers_of(device, **change)[name]}
        outcome = judged(device, files)
        faults = [finding for finding in told(outcome) if finding.status is Status.FAIL]
        assert faults, (name, told(outcome))
        assert outcome.decision is not None
        assert outcome.decision.outcome is Outcome.REJECT
        where = [item.where for finding in faults for item in finding.evidence]
        assert any(place.startswith("page 1 [") for place in where)
        assert any("CPL - New Entry!G" in place for place in where)


@pytest.mark.parametrize("device", DEVICE_TYPES)
def test_a_value_under_a_white_box_settles_nothing(device):
    for name in asked(device):
        files = papers_of(device)
        files[name] = covered(files[name], str(good_answers(device)[FIRMWARE]))
        outcome = judged(device, files)
        assert outcome.decision is not None
        assert outcome.decision.outcome is not Outcome.ACCEPT
        assert "certificate.hidden" in {finding.check for finding in told(outcome)}


def test_the_drafted_refusal_names_page_and_cell():
    device = DEVICE_TYPES[-1]
    files = papers_of(device) | {ZSE: papers_of(device, **{FIRMWARE: "77:01:13:01"})[ZSE]}
    outcome = judged(device, files)
    assert outcome.decision is not None
    draft = _reply(sent(device, files).message, outcome)
    assert "zigbee-certificate.pdf, page 1" in draft
    assert "of the tab 'CPL - New Entry'" in draft


def _reply(message, outcome: judge.Outcome) -> str:
    draft = reply(
        outcome.template,
        message=message,
        judged=outcome.judged,
        decision=outcome.decision,
        case="CPL-2026-00001",
        correspondent="a@b.example",
        due="2026-11-23",
        sender=Sender("Helpdesk", "helpdesk@secas.example", "", ("Helpdesk",)),
        now=AT,
        field_order=tuple(RULES.fields),
        templates=Templates.load(shipped("templates")),
    )
    body = message_from_bytes(draft.raw, policy=policy.default).get_body(("plain",))
    return " ".join(body.get_content().split())
