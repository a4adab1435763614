"""Scanned pages on the command line: what is shown while they are read, and what comes of them."""

import json
import sys
from dataclasses import replace

import pytest

from pipeline.cli.progress import scans_shown
from pipeline.demo.answers import PPMID, good_answers
from pipeline.demo.certificates import certificates
from pipeline.demo.form import new_entry_form
from pipeline.demo.mail import File, mail
from pipeline.readers import ocr
from pipeline.readers.child import Forked
from pipeline.readers.document import read_document
from pipeline.readers.ocr_request import Engines, ScannedPage
from tests.office import NOW, cpl
from tests.scans import as_scan

INSTALLED = ocr.installed_engines()
BOTH = pytest.mark.skipif(
    not (INSTALLED.rapidocr and INSTALLED.tesseract),
    reason="needs both OCR engines: pip install 'secas-cpl-pipeline[ocr]'; apt install tesseract-ocr",
)
SHOWN = "Reading scanned page 1 of 1 by OCR, which takes some seconds: "
CLEARED = "\r\x1b[K"
NAME = "zigbee-certificate.pdf"


TERMINAL = pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "no terminal"])


@pytest.fixture
def scan():
    return as_scan(certificates(good_answers(PPMID))[NAME], "clean")


@pytest.fixture
def read_at_once(monkeypatch):
    """OCR that takes no time."""
    page = read_document(certificates(good_answers(PPMID))[NAME]).pages[0]
    monkeypatch.setattr(ocr, "installed_engines", lambda: Engines(rapidocr=True, tesseract="/opt/tesseract"))
    monkeypatch.setattr(Forked, "scan", lambda self, question: ScannedPage(replace(page, source="ocr")))


@TERMINAL
def test_one_line_that_is_gone_afterwards_and_that_no_file_name_can_steer(terminal, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    with scans_shown() as tell:
        tell("one.pdf", 1, 2)
        tell("a\x1b[2Jb.pdf", 2, 2)
    one, two = (f"Reading scanned page {page} of 2 by OCR, which takes some seconds: " for page in (1, 2))
    expected = f"{CLEARED}{one}one.pdf{CLEARED}{two}a\\u001b[2Jb.pdf{CLEARED}" if terminal else ""
    assert capsys.readouterr() == ("", expected)


def stopped(page: str) -> None:
    with scans_shown() as tell:
        tell(page, 1, 1)
        raise KeyboardInterrupt


def test_the_line_is_gone_after_control_c(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with pytest.raises(KeyboardInterrupt):
        stopped("one.pdf")
    assert capsys.readouterr().err.endswith(f"one.pdf{CLEARED}")


@TERMINAL
@pytest.mark.usefixtures("read_at_once")
def test_certificate_and_check_show_it_on_a_terminal_only(cli, terminal, monkeypatch, scan, tmp_path):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    paper, form, sent = tmp_path / NAME, tmp_path / "form.xlsm", tmp_path / "mail.eml"
    paper.write_bytes(scan)
    form.write_bytes(new_entry_form(good_answers(PPMID), cpl()))
    files = [File("form.xlsm", form.read_bytes()), File(NAME, scan, "application/pdf")]
    sent.write_bytes(mail("CPL submission", "Hello.\n", NOW, files))
    for arguments in (("certificate", paper), ("check", "--json", form, paper), ("check", "--json", sent)):
        ended = cli(*arguments)
        assert (SHOWN in ended.err) is terminal, arguments
        assert SHOWN not in ended.out
        assert NAME in ended.err or not terminal


def test_without_an_engine_certificate_says_how_to_install_both(cli, monkeypatch, scan, tmp_path):
    monkeypatch.setattr(ocr, "installed_engines", lambda: Engines(rapidocr=False, tesseract=""))
    (tmp_path / "scan.pdf").write_bytes(scan)
    ended = cli("certificate", tmp_path / "scan.pdf")
    assert ended.code == 20
    assert "pip install 'secas-cpl-pipeline[ocr]'" in ended.out
    assert "apt install tesseract-ocr" in ended.out


@BOTH
@pytest.mark.slow
def test_a_scanned_certificate_is_unclear_to_the_engines_themselves(cli, scan, tmp_path):
    form, paper = tmp_path / "form.xlsm", tmp_path / NAME
    form.write_bytes(new_entry_form(good_answers(PPMID), cpl()))
    paper.write_bytes(scan)
    ended = cli("check", "--json", "--on", "2026-03-04", form, paper)
    assert (ended.code, ended.err) == (20, "")
    (judged,) = json.loads(ended.out)["submissions"]
    aligned = [finding for finding in judged["findings"] if finding["check"].startswith("align.zse.")]
    assert [finding["status"] for finding in aligned] == ["unclear"] * 4
    firmware = next(finding for finding in aligned if finding["check"] == "align.zse.firmware")
    assert "read by one reader or from a picture only" in firmware["message"]
    assert any(item["where"].startswith("page 1 [") for item in firmware["evidence"])
    assert {f["status"] for f in judged["findings"] if f["check"] == "certificate.number"} == {"unclear"}
    assert "fail" not in {finding["status"] for finding in judged["findings"]}
