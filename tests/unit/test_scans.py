"""Whole mails whose certificates are scans: what OCR reads settles nothing, and a person is shown where to look."""

from dataclasses import replace
from functools import cache

import pytest
from PIL import Image

from pipeline import desk
from pipeline.cli.crops import write_crops
from pipeline.demo.answers import PPMID, Value, good_answers
from pipeline.demo.certificates import certificates
from pipeline.demo.form import new_entry_form
from pipeline.demo.layouts import LAYOUTS
from pipeline.demo.mail import File, mail
from pipeline.demo.products import DEVICE_TYPES
from pipeline.domain.finding import Finding, Settler, Status
from pipeline.domain.judgement import Outcome
from pipeline.readers import ocr
from pipeline.readers.document import read_document
from pipeline.readers.ocr_request import Engines, OcrQuestion, ScannedPage
from tests.office import NOW, SHIPPED, Helpdesk, Remembering, a_helpdesk, cpl
from tests.scans import as_scan

BOTH = Engines(rapidocr=True, tesseract="/opt/tesseract")
NONE = Engines(rapidocr=False, tesseract="")
READ_BY = ("rapidocr", "tesseract")
FIRMWARE = "Device_Model.firmware_version"


class Perfect(Remembering):
    """Readers whose OCR makes no mistake: it is told what the page said before it was scanned."""

    def __init__(self) -> None:
        super().__init__()
        self.pages_of: dict[bytes, bytes] = {}
        self.scanned = 0

    def scan(self, question: OcrQuestion) -> ScannedPage:
        self.scanned += 1
        page = read_document(self.pages_of[question.data]).pages[question.page - 1]
        words = tuple(replace(word, confirmed=True, readers=READ_BY) for word in page.words)
        return ScannedPage(replace(page, words=words, source="ocr"))


def answers(device: str, **changes: Value) -> dict[str, Value]:
    return good_answers(device) | ({} if device == PPMID else SHIPPED) | changes


@cache
def _form(device: str) -> bytes:
    return new_entry_form(answers(device), cpl())


def submission_of_scans(readers: Perfect, device: str, layout: str = "list", **changes: Value) -> bytes:
    """Return a mail whose certificates are scans; the changes are on the certificates, not on the form."""
    files = [File("form.xlsm", _form(device))]
    for name, pdf in certificates(answers(device, **changes), layout).items():
        scan = as_scan(pdf, "fax")
        readers.pages_of[scan] = pdf
        files.append(File(name, scan, "application/pdf"))
    return mail("CPL submission", "Our certificates as scans.\n", NOW, files)


@pytest.fixture
def helpdesk(tmp_path, monkeypatch):
    monkeypatch.setattr(ocr, "installed_engines", lambda: BOTH)
    monkeypatch.setattr(ocr, "_package_version", lambda name: "9.1")
    with a_helpdesk(tmp_path) as made:
        made.office.readers = Perfect()
        yield made


def findings_of(helpdesk: Helpdesk) -> list[Finding]:
    (judged,) = helpdesk.case().judgements[-1].judged
    return list(judged.findings)


VALUES = ("align.", "certificate.number", "certificate.expiry", "certificate.expired", "certificate.version")
VALUES += ("certificate.prefix", "certificate.characteristics", "certificate.device-type")
"""The checks that compare a value of the form with one on a certificate."""


@pytest.mark.parametrize("device", DEVICE_TYPES)
def test_even_a_scan_that_is_read_without_a_mistake_settles_nothing(helpdesk, device):
    helpdesk.deliver(submission_of_scans(helpdesk.office.readers, device))
    assert helpdesk.round().concluded == 1
    values = [finding for finding in findings_of(helpdesk) if finding.check.startswith(VALUES)]
    told = [finding for finding in values if finding.status is not Status.NOT_APPLICABLE]
    assert {finding.status for finding in told} == {Status.UNCLEAR}
    assert {finding.settle for finding in told} == {Settler.REVIEWER}
    slots = 1 if device == PPMID else 3 if "Electricity" in device else 2
    assert len([finding for finding in told if finding.check.startswith("align.")]) == 4 * slots
    decision = helpdesk.case().judgements[-1].decision
    assert (decision.outcome, decision.waits_for) == (Outcome.CLARIFY, Settler.REVIEWER)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_in_no_layout_does_a_scan_settle_the_device_model(helpdesk, layout):
    helpdesk.deliver(submission_of_scans(helpdesk.office.readers, PPMID, layout))
    helpdesk.round()
    aligned = [finding for finding in findings_of(helpdesk) if finding.check.startswith("align.zse.")]
    assert [finding.status for finding in aligned] == [Status.UNCLEAR] * 4


def test_nor_does_what_is_read_otherwise_refuse(helpdesk):
    """OCR may have misread it: a person looks first."""
    wrong = {FIRMWARE: "77:01:13:01", "ZSE_Certificate.identification_number": "ZIG99999ZSE99999-24"}
    helpdesk.deliver(submission_of_scans(helpdesk.office.readers, PPMID, **wrong))
    helpdesk.round()
    statuses = {finding.check: finding.status for finding in findings_of(helpdesk)}
    assert statuses["certificate.number"] is Status.UNCLEAR
    assert Status.FAIL not in statuses.values()


def test_where_to_look_is_ready_as_pictures(helpdesk, tmp_path):
    helpdesk.deliver(submission_of_scans(helpdesk.office.readers, PPMID))
    helpdesk.round()
    judgement = helpdesk.case().judgements[-1]
    read = helpdesk.office.read_mail(judgement.message)
    crops = list(write_crops(tmp_path / "crops", judgement.judged, read, helpdesk.office.readers))
    firmware = [crop for crop in crops if crop.check == "align.zse.firmware"]
    assert [crop.problem for crop in crops] == [""] * len(crops)
    assert len(firmware) == 1
    with Image.open(firmware[0].path) as shown:
        assert shown.convert("L").getextrema() == (0, 255)  # there is ink on the paper


def test_without_an_engine_a_scan_is_unclear_and_the_words_say_how_to_install_both(helpdesk, monkeypatch):
    monkeypatch.setattr(ocr, "installed_engines", lambda: NONE)
    helpdesk.deliver(submission_of_scans(helpdesk.office.readers, PPMID))
    helpdesk.round()
    (unread,) = [finding for finding in findings_of(helpdesk) if finding.check == "certificate.unread"]
    assert (unread.status, unread.settle) == (Status.UNCLEAR, Settler.REVIEWER)
    assert "pip install 'secas-cpl-pipeline[ocr]'" in unread.message
    assert "apt install tesseract-ocr" in unread.message
    assert helpdesk.office.readers.scanned == 0
    assert helpdesk.case().judgements[-1].decision.outcome is Outcome.CLARIFY
    assert helpdesk.case().judgements[-1].circumstances.ocr == ()


NAMED = ("rapidocr 9.1", "onnxruntime 9.1", "tesseract of unknown version")


def replayed(helpdesk: Helpdesk) -> desk.Replayed:
    (one,) = desk.replay(helpdesk.office, helpdesk.case().number)
    return one


def test_a_replay_tells_whether_other_engines_read(helpdesk, monkeypatch):
    helpdesk.deliver(submission_of_scans(helpdesk.office.readers, PPMID))
    helpdesk.round()
    assert helpdesk.case().judgements[-1].circumstances.ocr == NAMED
    assert (replayed(helpdesk).same, replayed(helpdesk).note) == (True, "")
    monkeypatch.setattr(ocr, "_package_version", lambda name: "9.2")
    newer = " and ".join(("rapidocr 9.2", "onnxruntime 9.2", NAMED[2]))
    assert replayed(helpdesk).same
    assert replayed(helpdesk).note == f"read by other OCR engines: {' and '.join(NAMED)} then, {newer} now"
    monkeypatch.setattr(ocr, "installed_engines", lambda: NONE)
    assert not replayed(helpdesk).same
    assert replayed(helpdesk).note == f"read by other OCR engines: {' and '.join(NAMED)} then, none now"


def test_a_mail_without_scans_names_no_engine(helpdesk):
    readers = helpdesk.office.readers
    pdfs = certificates(answers(PPMID))
    files = [File("form.xlsm", _form(PPMID)), *(File(name, pdf, "application/pdf") for name, pdf in pdfs.items())]
    helpdesk.deliver(mail("CPL submission", "Our certificates.\n", NOW, files))
    helpdesk.round()
    judgement = helpdesk.case().judgements[-1]
    assert (judgement.circumstances.ocr, judgement.decision.outcome) == ((), Outcome.ACCEPT)
    assert readers.scanned == 0


def test_the_log_says_which_page_is_read_and_nothing_of_the_file(helpdesk, capsys):
    helpdesk.deliver(submission_of_scans(helpdesk.office.readers, PPMID))
    helpdesk.round()
    out, err = capsys.readouterr()
    (line,) = [line for line in (out + err).splitlines() if "reading a scanned page" in line]
    assert "zigbee" not in line
