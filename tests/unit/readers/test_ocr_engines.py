"""The engines themselves on scans of sample certificates: fields are found or left open, none is confirmed wrongly."""

import io
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from zlib import crc32

import msgspec
import pypdfium2
import pytest
from PIL import Image

from pipeline.demo.certificates import certificate_pdf
from pipeline.demo.pdf import Line, Sheet, pdf_of, text_pdf
from pipeline.domain.document import Document
from pipeline.domain.message import Problem
from pipeline.readers import ocr_page, ocr_rapid
from pipeline.readers.certificate import interpret
from pipeline.readers.child import Forked
from pipeline.readers.document import read_document
from pipeline.readers.ocr import installed_engines, read_paper, read_scans
from pipeline.readers.ocr_page import scan_page
from pipeline.readers.ocr_rapid import rapidocr_lines
from pipeline.readers.ocr_request import Engines, OcrQuestion
from pipeline.readers.ocr_tesseract import lines_in, tesseract_lines
from pipeline.readers.ocr_words import EngineFailed
from pipeline.readers.paper_request import PaperQuestion
from tests.papers import KINDS, MODEL
from tests.scans import as_scan

ROOT = Path(__file__).parents[3]
INSTALLED = installed_engines()
NONE = Engines(rapidocr=False, tesseract="")
rapidocr = pytest.mark.skipif(not INSTALLED.rapidocr, reason="needs RapidOCR: pip install 'secas-cpl-pipeline[ocr]'")
tesseract = pytest.mark.skipif(not INSTALLED.tesseract, reason="needs Tesseract: apt install tesseract-ocr")

CPA = {"number": "NCSC-7300000001-4101", "expiry_date": "25 October 2029", "manufacturer": "Quillmoor Metering Ltd"}
ZSE = {"number": "ZIG21023ZSE13012-24", "award_date": "August 14, 2025"}
VALUES = {
    "cpa": CPA,
    "trial": {"number": "TRL-2026-0042", "expiry_date": "25/10/2026"},
    "zse": ZSE,
    "dlms": {"number": "7741", "ctt_version": "CTT 4.2", "award_date": "14/08/2025"},
    "ncsc-letter": {"number": CPA["number"], "risk_review_date": "25 October 2029"},
    "ssc-letter": {"number": CPA["number"], "risk_review_date": "25 October 2029"},
    "test-lab-letter": {"number": CPA["number"], "letter_date": "1 June 2026"},
    "dlms-confirmation": {"number": "7741", "letter_date": "1 June 2026"},
    "release-notes": {"cpa_number": CPA["number"], "zse_number": ZSE["number"], "dlms_number": "7741"},
}
STATED = {"test_lab", "no_security_impact", "still_valid", "no_certificate_change"}
DEVICES = (
    dict(zip(MODEL, ("10:63", "00:0A", "01", "02", "0C:03:0C:22"), strict=True)),
    dict(zip(MODEL, ("10:63", "00:0B", "1F", "AC", "8D:B0:00:22"), strict=True)),
)
SAMPLES = (
    ("cpa", "table", "clean"),
    ("trial", "letter", "fax"),
    ("dlms", "image", "skewed"),
    ("test-lab-letter", "devices", "skewed"),
)
"""Every quality at least once; every kind with every layout and quality would take many minutes."""


def read(data, document):
    return interpret("a.pdf", "0" * 64, read_scans(document, data, Forked(), engines=INSTALLED), KINDS)


def bare(text):
    return re.sub(r"[\W_]", "", text.casefold())


@rapidocr
@tesseract
@pytest.mark.slow
@pytest.mark.parametrize(("kind", "layout", "quality"), SAMPLES)
def test_fields_of_a_scan_are_found_and_none_is_confirmed_wrongly(kind, layout, quality):
    data = as_scan(certificate_pdf(kind, VALUES[kind], DEVICES, layout), quality)
    reading = read(data, read_document(data))
    assert reading.problems == ()
    assert (reading.kind, reading.source) == (kind, "ocr")
    expected = {field: {bare(text)} for field, text in VALUES[kind].items()}
    expected |= {name: {bare(device[name]) for device in DEVICES} for name in MODEL}
    confirmed = [value for value in reading.values if value.place.confirmed and value.field not in STATED]
    wrong = [value for value in confirmed if bare(value.text) not in expected.get(value.field, ())]
    assert wrong == []
    assert {value.field for value in reading.values} >= set(VALUES[kind])
    assert len(confirmed) >= 2 / 3 * (len(VALUES[kind]) + len(MODEL))
    models = [tuple(value.text if value else None for value in map(each.value, MODEL)) for each in reading.devices]
    assert set(models) <= {tuple(device.values()) for device in DEVICES} or any(None in model for model in models)
    assert models


def picture_of(pdf, kind="PNG", **options):
    with pypdfium2.PdfDocument(pdf) as opened:
        image = opened[0].render(scale=200 / 72).to_pil()
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@rapidocr
@tesseract
@pytest.mark.slow
def test_a_picture_sent_as_a_certificate_through_the_capped_child():
    data = picture_of(certificate_pdf("zse", ZSE | DEVICES[0], (), "table"), "JPEG", dpi=(200, 200), quality=90)
    told = []
    question = PaperQuestion("photo.jpg", "0" * 64, data, tuple(KINDS.values()))
    reading = read_paper(question, Forked(), lambda *at: told.append(at))
    assert (reading.kind, reading.source, reading.problems) == ("zse", "ocr", ())
    assert told == [("photo.jpg", 1, 1)]
    (version,) = reading.all("firmware_version")
    assert (version.text, version.place.confirmed) == ("0C:03:0C:22", True)
    assert version.place.readers == ("rapidocr", "tesseract")
    assert 595 / 3 < version.place.box.left < version.place.box.right < 595


ALONE = """
import sys
from PIL import Image
from rapidocr.utils.download_file import DownloadFile
from pipeline.readers.ocr_rapid import rapidocr_lines

def fetched(*_args, **_kwargs):
    raise AssertionError("RapidOCR wanted to fetch something")

DownloadFile.run = fetched
lines = rapidocr_lines(Image.open(sys.argv[1]))
assert [token.text for line in lines for token in line] == ["0C:03:0C:22"], lines
"""


@rapidocr
def test_rapidocr_uses_the_models_of_its_own_wheel_asks_nobody_and_writes_nothing(tmp_path):
    """In a process of its own: the engine takes a gigabyte, which every later fork would have to carry."""
    page_image().save(tmp_path / "page.png")
    command = [sys.executable, "-c", ALONE, tmp_path / "page.png"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


@rapidocr
def test_a_missing_model_is_not_fetched_but_told(monkeypatch):
    monkeypatch.setattr(ocr_rapid, "MODELS", {"Det.model_path": "PP-OCRv6_det_absent.onnx"})
    with pytest.raises(EngineFailed, match="without its models"):
        rapidocr_lines(page_image())


def test_rapidocr_that_is_not_installed_is_told(monkeypatch):
    monkeypatch.setattr(ocr_rapid, "find_spec", lambda name: None)
    with pytest.raises(EngineFailed, match="not installed"):
        rapidocr_lines(page_image())


def page_image():
    """A strip of a page with one value, as black and grey."""
    with pypdfium2.PdfDocument(text_pdf([Line(72, 700, "0C:03:0C:22", size=12)])) as opened:
        return opened[0].render(scale=300 / 72, grayscale=True).to_pil().crop((200, 400, 900, 700))


@tesseract
def test_tesseract_reads_words_with_boxes():
    ((token,),) = tesseract_lines(INSTALLED.tesseract, page_image(), 300)
    assert re.fullmatch(r"[0OC]{2}:03:[0OC]{2}:22", token.text)
    assert 0 < token.box[0] < token.box[2] < 700
    assert 0 < token.box[1] < token.box[3] < 300


def program(tmp_path, script):
    path = tmp_path / "tesseract"
    path.write_text(f"#!/bin/sh\ncat >/dev/null\n{script}\n")
    path.chmod(0o755)
    return str(path)


ROW = "5\\t1\\t1\\t1\\t1\\t{}\\t{}\\t{}\\t{}\\t{}\\t91.5\\t{}\\n"


def test_a_program_that_fails_or_is_gone_is_told(tmp_path):
    with pytest.raises(EngineFailed, match="Tesseract failed"):
        tesseract_lines(program(tmp_path, "exit 1"), page_image(), 300)
    with pytest.raises(EngineFailed, match="could not be started"):
        tesseract_lines(str(tmp_path / "absent"), page_image(), 300)


def test_a_program_that_never_ends_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.readers.ocr_tesseract._PATIENCE", 0.2)
    with pytest.raises(EngineFailed, match=r"longer than 0.2 seconds"):
        tesseract_lines(program(tmp_path, "exec sleep 60"), page_image(), 300)


@pytest.mark.parametrize(
    ("table", "texts"),
    [
        ("5\t1\t2\t1\t1\t1\t10\t20\t30\t40\t96.1\t10:63", [["10:63"]]),
        ("level\tpage_num\tblock_num\n", []),
        ("4\t1\t1\t1\t1\t0\t10\t20\t30\t40\t-1\t", []),
        ("5\t1\t1\t1\t1\t1\t10\t20\t30\t40\t95\t   ", []),
        ("5\t1\t1\t1\t1\t1\t10\t20\tx\t40\t95\tword", []),
        ("5\t1\t1\t1\t1\t1\t10\t20\t30\t40\t95\tone\n5\t1\t1\t1\t1\t2\t50\t20\t30\t40\t95\ttwo", [["one", "two"]]),
        ("5\t1\t1\t1\t1\t1\t10\t20\t30\t40\t95\tone\n5\t1\t1\t1\t2\t1\t50\t20\t30\t40\t95\ttwo", [["one"], ["two"]]),
        ("5\t1\t1\t1\t1\t1\t10\t20\t30\t40\t95\t\ufb01n", [["fin"]]),
    ],
)
def test_tesseracts_table(table, texts):
    assert [[token.text for token in line] for line in lines_in(table)] == texts


@pytest.mark.parametrize(("said", "confirmed"), [("0C:03:0C:22", True), ("OC:03:0C:22", False)])
def test_where_the_engines_differ_nothing_is_confirmed(tmp_path, monkeypatch, said, confirmed):
    fake = program(tmp_path, f"printf '{ROW.format(1, 300, 400, 240, 50, said)}'")
    lines = [[ocr_page.Token("0C:03:0C:22", (300.0, 395.0, 540.0, 455.0))]]
    monkeypatch.setattr(ocr_page, "rapidocr_lines", lambda image: lines)
    data = as_scan(pdf_of([Sheet()]), "clean")
    answer = scan_page(msgspec.msgpack.encode(OcrQuestion(data, 1, Engines(rapidocr=True, tesseract=fake))))
    (word,) = answer.page.words
    assert (word.text, word.confirmed) == ("0C:03:0C:22", confirmed)
    assert word.box.left == pytest.approx(72, abs=0.1)
    assert (answer.page.width, answer.page.height, answer.page.source) == (595, 842, "ocr")


def test_an_engine_that_fails_leaves_the_words_of_the_other(tmp_path, monkeypatch):
    lines = [[ocr_page.Token("0C:03:0C:22", (300.0, 395.0, 540.0, 455.0))]]
    monkeypatch.setattr(ocr_page, "rapidocr_lines", lambda image: lines)
    engines = Engines(rapidocr=True, tesseract=program(tmp_path, "exit 1"))
    answer = scan_page(msgspec.msgpack.encode(OcrQuestion(as_scan(pdf_of([Sheet()]), "clean"), 1, engines)))
    assert [(word.text, word.confirmed) for word in answer.page.words] == [("0C:03:0C:22", False)]
    assert answer.problems == (
        Problem("unsupported", "Tesseract failed on page 1, so nothing read there is confirmed.", "page 1"),
    )


def png(size, **options):
    out = io.BytesIO()
    Image.new("L", size, 255).save(out, "PNG", **options)
    return out.getvalue()


def claiming(side):
    """A small PNG file whose header claims a square of that many dots."""
    made = png((8, 8))
    header = b"IHDR" + side.to_bytes(4, "big") * 2 + made[24:29]
    return made[:12] + header + crc32(header).to_bytes(4, "big") + made[33:]


@pytest.mark.parametrize(
    ("data", "page", "kind", "words"),
    [
        (png((9_000, 7_000)), 1, "limit", "9,000 by 7,000 dots"),
        (claiming(60_000), 1, "limit", "dots"),
        (png((300, 300))[:80], 1, "damaged", "damaged"),
        (png((300, 300)), 2, "limit", "no page 2"),
        (b"%PDF-1.7 broken", 1, "damaged", "cannot be opened"),
        (as_scan(pdf_of([Sheet()]), "fax"), 9, "limit", "no page 9"),
        (b"words", 1, "unsupported", "Only PDF"),
        (b"", 1, "unsupported", "Only PDF"),
    ],
    ids=["bomb", "lying header", "cut off", "no such frame", "broken PDF", "no such page", "text", "empty"],
)
def test_what_cannot_be_shown_is_a_problem(data, page, kind, words):
    answer = Forked().scan(OcrQuestion(data, page, NONE))
    assert answer.page is None
    (problem,) = answer.problems
    assert (problem.kind, problem.where) == (kind, f"page {page}")
    assert words in problem.text


def test_a_page_of_absurd_size_is_shown_within_bounds(monkeypatch):
    shown = []
    monkeypatch.setattr(ocr_page, "rapidocr_lines", lambda image: shown.append(image.size) or [])
    for data in (pdf_of([Sheet()]).replace(b"595", b"9e9"), png((20_000, 2_000)), png((1, 3_000)), png((1, 1))):
        scan_page(msgspec.msgpack.encode(OcrQuestion(data, 1, Engines(rapidocr=True, tesseract=""))))
    assert len(shown) >= 3
    assert all(0 < width * height <= 11_000_000 for width, height in shown)


def test_what_is_transparent_is_paper(monkeypatch):
    shown = []
    monkeypatch.setattr(ocr_page, "rapidocr_lines", lambda image: shown.append(image) or [])
    out = io.BytesIO()
    Image.new("RGBA", (100, 50), (0, 0, 0, 0)).save(out, "PNG", dpi=(300, 300))
    scan_page(msgspec.msgpack.encode(OcrQuestion(out.getvalue(), 1, Engines(rapidocr=True, tesseract=""))))
    assert [(image.size, image.getextrema()) for image in shown] == [((100, 50), (255, 255))]


def test_a_document_that_is_no_scan_asks_no_engine():
    assert read_scans(Document(()), b"", partial(pytest.fail, "asked")) == Document(())
