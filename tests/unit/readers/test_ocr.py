"""Asking for scans to be read: what is asked, what is told before and after, and what is said without the engines."""

import hashlib
import subprocess
import sys
from dataclasses import replace

import pytest

from pipeline.domain.certificate import CertificateReading
from pipeline.domain.document import Box, Document, Page, Word
from pipeline.domain.message import Problem
from pipeline.readers import ocr
from pipeline.readers.certificate import interpret
from pipeline.readers.ocr import engines_of, installed_engines, read_paper, read_papers, read_scans
from pipeline.readers.ocr_request import Engines, ScannedPage
from pipeline.readers.paper_request import PaperQuestion
from tests.papers import KINDS, paper

ENGINES = Engines(rapidocr=True, tesseract="/usr/bin/tesseract")
DATA = b"the file"


def word(text="0C:03:0C:22"):
    return Word(text, Box(1, 2, 3, 4), 1, confirmed=True, readers=("rapidocr", "tesseract"))


def scan(number):
    return Page(number, 595, 842, (), "picture")


def text(number):
    return Page(number, 595, 842, (word("text"),), "text")


class Scanner:
    """Answers each page as it was told to; by default with one word."""

    def __init__(self, **answers):
        self.asked = []
        self.answers = answers

    def scan(self, question):
        self.asked.append(question)
        read = ScannedPage(replace(scan(question.page), words=(word(),), source="ocr"))
        return self.answers.get(f"page{question.page}", read)


def test_scans_are_read_and_pages_with_text_are_left():
    scanner = Scanner()
    told = []
    document = Document((text(1), scan(2), replace(scan(3), source="empty"), scan(4)), producer="a scanner")
    read = read_scans(document, DATA, scanner, lambda *at: told.append((len(scanner.asked), *at)), engines=ENGINES)
    assert [page.source for page in read.pages] == ["text", "ocr", "empty", "ocr"]
    assert read.pages[0] == text(1)
    assert read.problems == ()
    assert read.producer == "a scanner"
    assert [(asked.data, asked.page, asked.engines) for asked in scanner.asked] == [
        (DATA, 2, ENGINES),
        (DATA, 4, ENGINES),
    ]
    assert told == [(0, 1, 2), (1, 2, 2)]  # before each page


def test_without_scans_nothing_is_asked():
    scanner = Scanner()
    document = Document((text(1),))
    assert read_scans(document, DATA, scanner, engines=Engines(rapidocr=False, tesseract="")) is document
    assert scanner.asked == []


@pytest.mark.parametrize(("count", "words"), [(1, "Page 2 is a scan"), (3, "3 pages are scans")])
def test_without_an_engine_a_scan_stays_unread_and_says_how_to_install_both(monkeypatch, count, words):
    monkeypatch.setattr(ocr, "find_spec", lambda name: None)
    monkeypatch.setattr(ocr.shutil, "which", lambda name: None)
    scanner = Scanner()
    document = Document((text(1), *(scan(2 + number) for number in range(count))))
    read = read_scans(document, DATA, scanner)
    assert scanner.asked == []
    assert read.pages == document.pages
    (problem,) = read.problems
    assert (problem.kind, problem.where) == ("unsupported", "page 2")
    assert problem.text.startswith(words)
    assert "pip install 'secas-cpl-pipeline[ocr]'" in problem.text
    assert "apt install tesseract-ocr" in problem.text


@pytest.mark.parametrize(
    ("packages", "program", "missing"),
    [
        ({"rapidocr", "onnxruntime"}, None, "apt install tesseract-ocr"),
        ({"rapidocr"}, "/opt/tesseract", "pip install 'secas-cpl-pipeline[ocr]'"),
        (set(), "/opt/tesseract", "pip install 'secas-cpl-pipeline[ocr]'"),
    ],
)
def test_one_engine_reads_and_the_other_is_asked_for(monkeypatch, packages, program, missing):
    monkeypatch.setattr(ocr, "find_spec", lambda name: object() if name in packages else None)
    monkeypatch.setattr(ocr.shutil, "which", lambda name: program)
    assert installed_engines() == Engines(rapidocr="onnxruntime" in packages, tesseract=program or "")
    read = read_scans(Document((scan(1),)), DATA, Scanner())
    assert read.pages[0].source == "ocr"
    assert [missing in problem.text for problem in read.problems] == [True]


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (Problem("limit", "What was read of it is over 9 octets."), "limit", "Page 2 is a scan"),
        (ScannedPage(replace(scan(2), source="ocr")), "unsupported", "no text could be read"),
        (ScannedPage(None, (Problem("damaged", "Page 2 cannot be shown."),)), "damaged", "cannot be shown"),
        (
            ScannedPage(replace(scan(2), source="ocr"), (Problem("unsupported", "Tesseract failed."),)),
            "unsupported",
            "Tesseract failed",
        ),
    ],
)
def test_a_page_that_was_not_read_is_told_and_the_next_is_read(answer, kind, words):
    read = read_scans(Document((text(1), scan(2), scan(3))), DATA, Scanner(page2=answer), engines=ENGINES)
    assert [page.source for page in read.pages] == ["text", "picture", "ocr"]
    (problem,) = read.problems
    assert problem.kind == kind
    assert words in problem.text


def test_no_more_scans_are_read_than_the_limit_and_the_rest_is_told():
    scanner = Scanner()
    told = []
    document = Document(tuple(map(scan, range(1, 6))), problems=(Problem("limit", "earlier"),))
    read = read_scans(document, DATA, scanner, lambda *at: told.append(at), engines=ENGINES, most=3)
    assert len(scanner.asked) == 3
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert [page.source for page in read.pages] == ["ocr"] * 3 + ["picture"] * 2
    assert read.problems == (
        Problem("limit", "earlier"),
        Problem("limit", "5 pages are scans; only the first 3 were tried.", "page 4"),
    )


@pytest.mark.parametrize("kind", ["timeout", "memory", "crash"])
def test_after_a_page_that_cost_a_child_its_life_no_other_is_tried(kind):
    scanner = Scanner(page3=Problem(kind, "It was stopped."))
    read = read_scans(Document((scan(2), scan(3), scan(5), text(6))), DATA, scanner, engines=ENGINES)
    assert [asked.page for asked in scanner.asked] == [2, 3]
    assert [page.source for page in read.pages] == ["ocr", "picture", "picture", "text"]
    assert read.problems == (
        Problem(kind, "Page 3 is a scan that was not read: It was stopped.", "page 3"),
        Problem("limit", "3 pages are scans; only the first 2 were tried.", "page 5"),
    )


class Reader(Scanner):
    """A reader of papers whose files are documents already."""

    def __init__(self, document, **answers):
        super().__init__(**answers)
        self.document = document
        self.papers = []

    def paper(self, question):
        self.papers.append(question)
        document = question.document or self.document
        reading = interpret(question.file, question.artefact, document, KINDS)
        unread = any(page.source == "picture" for page in document.pages)
        return reading if unread else replace(reading, document=None)


QUESTION = PaperQuestion("a.pdf", hashlib.sha256(DATA).hexdigest(), DATA, tuple(KINDS.values()))
CERTIFICATE = """
ZigBee Smart Energy
Certified product
Certification ID Number    ZIG21023ZSE13012-24
Firmware Version           0C:03:0C:22
"""


def test_a_scanned_certificate_is_read_and_counts_as_ocr():
    (page,) = paper(CERTIFICATE, source="ocr").pages
    reader = Reader(Document((scan(1),)), page1=ScannedPage(page))
    reading = read_paper(QUESTION, reader, engines=ENGINES)
    assert (reading.kind, reading.source, reading.document) == ("zse", "ocr", None)
    assert [value.text for value in reading.all("number")] == ["ZIG21023ZSE13012-24"]
    assert [asked.data for asked in reader.asked] == [DATA]
    assert len(reader.papers) == 2


def test_one_scanned_page_makes_the_whole_file_ocr():
    (page,) = paper(CERTIFICATE, source="text").pages
    reading = read_paper(QUESTION, Reader(Document((page, scan(2)))), engines=ENGINES)
    assert (reading.kind, reading.source) == ("zse", "ocr")


def test_a_certificate_with_text_is_read_once():
    reader = Reader(paper(CERTIFICATE))
    reading = read_paper(QUESTION, reader, engines=ENGINES)
    assert (reading.kind, reading.source) == ("zse", "text")
    assert (len(reader.papers), reader.asked) == (1, [])


def test_without_an_engine_the_reading_says_so():
    reader = Reader(Document((scan(1),)))
    reading = read_paper(QUESTION, reader, engines=Engines(rapidocr=False, tesseract=""))
    assert (reading.kind, reading.source, reading.document) == ("", "picture", None)
    assert ["no OCR engine is installed" in problem.text for problem in reading.problems] == [True]


def test_the_files_of_one_mail_have_a_limit_together(monkeypatch):
    monkeypatch.setattr(ocr, "MOST_OF_MAIL", 3)
    monkeypatch.setattr(ocr, "MOST_PAGES", 2)
    monkeypatch.setattr(ocr, "installed_engines", lambda: ENGINES)
    reader = Reader(Document((scan(1), scan(2), scan(3))))
    told = []
    questions = (replace(QUESTION, file=name) for name in ("a.pdf", "b.pdf", "c.pdf"))
    readings = read_papers(questions, reader, lambda *at: told.append(at))
    assert told == [("a.pdf", 1, 2), ("a.pdf", 2, 2), ("b.pdf", 1, 1)]
    assert [asked.page for asked in reader.asked] == [1, 2, 1]
    assert [reading.file for reading in readings] == ["a.pdf", "b.pdf", "c.pdf"]
    assert [reading.problems[-1].text for reading in readings] == [
        "3 pages are scans; only the first 2 were tried.",
        "3 pages are scans; only the first was tried.",
        "3 pages are scans; none was tried, as the mail's other files have too many.",
    ]


def reading_from(source):
    return CertificateReading("a.pdf", "", "zse", source=source)


def test_the_engines_are_named_with_their_versions_where_one_read(tmp_path, monkeypatch):
    program = tmp_path / "tesseract"
    program.write_text("#!/bin/sh\necho 'tesseract 5.3.0'\necho ' leptonica-1.82.0'\n")
    program.chmod(0o755)
    monkeypatch.setattr(ocr, "version", {"rapidocr": "3.10.0", "onnxruntime": "1.31.1"}.__getitem__)
    monkeypatch.setattr(ocr, "installed_engines", lambda: Engines(rapidocr=True, tesseract=str(program)))
    everyone = ("rapidocr 3.10.0", "onnxruntime 1.31.1", "tesseract 5.3.0")
    assert engines_of([reading_from("text"), reading_from("ocr")]) == everyone
    assert engines_of([reading_from("text"), reading_from("picture"), reading_from("none")]) == ()
    monkeypatch.setattr(ocr, "installed_engines", lambda: Engines(rapidocr=False, tesseract=str(program)))
    assert engines_of([reading_from("ocr")]) == everyone[2:]


@pytest.mark.parametrize("script", ["exit 1", "true"])
def test_an_engine_that_does_not_tell_its_version_is_named_all_the_same(tmp_path, monkeypatch, script):
    program = tmp_path / "tesseract"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(ocr, "_PACKAGES", ("no-such-package",))
    monkeypatch.setattr(ocr, "installed_engines", lambda: Engines(rapidocr=True, tesseract=str(program)))
    unknown = ("no-such-package of unknown version", "tesseract of unknown version")
    assert engines_of([reading_from("ocr")]) == unknown


def test_a_child_that_does_not_come_back_is_no_scan():
    lost = CertificateReading("a.pdf", "", "", source="none", problems=(Problem("crash", "It died."),))
    reader = Reader(Document((scan(1),)))
    reader.paper = lambda question: lost
    assert read_paper(QUESTION, reader, engines=ENGINES) == lost


def test_no_engine_is_imported_before_a_scan_is_read():
    code = (
        "import sys, pipeline.readers.child, pipeline.readers.ocr, pipeline.readers.ocr_page;"
        "sys.exit(', '.join({'rapidocr', 'onnxruntime', 'cv2'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
