"""Sample certificates: the same every time, on as many pages as they need, and the ones that a form asks for."""

import pypdfium2
import pytest

from pipeline.demo.answers import good_answers
from pipeline.demo.certificates import certificate_pdf, certificates
from pipeline.demo.layouts import LAYOUTS, wrapped
from pipeline.demo.pdf import Picture, Rule, Sheet, pdf_of, width_of
from pipeline.demo.wording import WORDING

VALUES = {"number": "NCSC-7300000001-4101", "manufacturer": "Quillmoor Metering Ltd"}
DEVICES = [
    {
        "manufacturer_identifier": "10:63",
        "model_identifier": "00:0A",
        "hardware_version.version": "01",
        "hardware_version.revision": f"{number:02X}",
        "firmware_version": "0C:03:0C:22",
    }
    for number in range(90)
]


def pages(pdf: bytes) -> list[str]:
    with pypdfium2.PdfDocument(pdf) as opened:
        return [page.get_textpage().get_text_range() for page in opened]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_ninety_devices_need_several_pages_and_none_is_lost(layout):
    shown = pages(certificate_pdf("test-lab-letter", VALUES, DEVICES, layout))
    assert len(shown) > 1
    assert sum(text.count("0C:03:0C:22") for text in shown) == 90


@pytest.mark.parametrize("kind", WORDING)
def test_the_same_arguments_give_the_same_bytes(kind):
    assert certificate_pdf(kind, {}, DEVICES[:2], "image") == certificate_pdf(kind, {}, DEVICES[:2], "image")


def test_a_heading_that_is_a_picture_is_no_text():
    assert "Commercial Product Assurance\r\n" in pages(certificate_pdf("cpa", VALUES, (), "list"))[0]
    assert "Commercial Product Assurance\r\n" not in pages(certificate_pdf("cpa", VALUES, (), "image"))[0]


@pytest.mark.parametrize(("kind", "layout"), [("passport", "table"), ("cpa", "scroll")])
def test_a_kind_or_layout_that_does_not_exist_is_refused(kind, layout):
    with pytest.raises(KeyError):
        certificate_pdf(kind, VALUES, (), layout)


@pytest.mark.parametrize(
    ("mark", "names"),
    [
        ("[E]", {"cpa-certificate.pdf"}),
        ("[R]", {"cpa-certificate.pdf", "risk-review-letter.pdf"}),
        ("[T]", {"trial-certificate.pdf"}),
    ],
)
def test_the_mark_of_the_number_says_which_documents_there_are(mark, names):
    made = certificates(good_answers() | {"CPA_Certificate.identification_number": f"{mark} NCSC-7300000001-4101"})
    assert made.keys() == names | {"zigbee-certificate.pdf", "dlms-certificate.pdf"}
    shown = pages(made["trial-certificate.pdf" if mark == "[T]" else "cpa-certificate.pdf"])[0]
    assert ("25/10/2029" in shown) == (mark != "[R]")
    assert mark not in shown


def test_lines_and_pictures_are_drawn_where_they_are_said_to_be():
    picture = Picture(100, 600, 50, 50, 2, 2, bytes([0, 0, 0, 0]))
    pdf = pdf_of([Sheet(rules=(Rule(100, 300, 200, 300),), pictures=(picture,)), Sheet()])
    with pypdfium2.PdfDocument(pdf) as opened:
        assert [page.get_size() for page in opened] == [(595.0, 842.0)] * 2
        shown = opened[0].render(scale=1, grayscale=True).to_pil()
    assert shown.getpixel((125, 842 - 625)) == 0
    assert min(shown.getpixel((150, y)) for y in (541, 542)) < 255
    assert shown.getpixel((300, 400)) == 255


def test_wrapped_lines_fit_and_lose_no_word():
    text = "to whom it may concern " * 9
    lines = list(wrapped(text, 120))
    assert " ".join(lines) == " ".join(text.split())
    assert max(width_of(line, 10) for line in lines) <= 120
