"""Files of every kind that are sent as certificates; the crop that shows a value; and both through the capped child."""

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.demo.pdf import Line, text_pdf
from pipeline.domain.document import Box, Document
from pipeline.domain.message import Problem
from pipeline.readers.child import Forked, Readers, Zygote
from pipeline.readers.crop import LABEL, MARGIN, crop_png
from pipeline.readers.crop_request import CropQuestion
from pipeline.readers.document import read_document
from pipeline.readers.pdf import PdfLimits
from pipeline.readers.unreadable import Unreadable
from tests.pdfs import Raw, raw_pdf, text

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
RELS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPES = "application/vnd.openxmlformats-officedocument.wordprocessingml"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def paragraph(*runs):
    return "<w:p>" + "".join(run if run.startswith("<") else f"<w:r><w:t>{run}</w:t></w:r>" for run in runs) + "</w:p>"


def table(*rows):
    cells = ("".join(f"<w:tc>{cell}</w:tc>" for cell in row) for row in rows)
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in cells) + "</w:tbl>"


def docx(body, header="", root="document"):
    parts = {
        "[Content_Types].xml": (
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/word/document.xml" ContentType="{TYPES}.document.main+xml"/></Types>'
        ),
        "_rels/.rels": (
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="r1" Type="{RELS}/officeDocument" Target="word/document.xml"/></Relationships>'
        ),
        "word/document.xml": f"<w:{root} {W}><w:body>{body}</w:body></w:{root}>",
        "word/_rels/document.xml.rels": (
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="r1" Type="{RELS}/header" Target="header1.xml"/></Relationships>'
        ),
        "word/header1.xml": f"<w:hdr {W}>{header}</w:hdr>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return out.getvalue()


def lines(document):
    found: dict[int, list[str]] = {}
    for word in document.pages[0].words:
        found.setdefault(word.line, []).append(word.text)
    return [" ".join(words) for words in found.values()]


def image(kind="PNG", size=(300, 150), **options):
    out = io.BytesIO()
    Image.new("RGB", size, "white").save(out, kind, **options)
    return out.getvalue()


def test_a_word_file_by_paragraphs_and_tables():
    body = paragraph("Certifi", "cate 123") + table(
        [paragraph("Model"), paragraph("Firmware")], [paragraph("00:0A"), paragraph("0C:03:0C:22")]
    )
    document = read_document(docx(body, header=paragraph("NCSC")))
    assert document.problems == ()
    (page,) = document.pages
    assert lines(document) == ["NCSC", "Certificate 123", "Model", "Firmware", "00:0A", "0C:03:0C:22"]
    assert not any(word.confirmed for word in page.words)
    assert {word.readers for word in page.words} == {("docx",)}
    assert [[[page.words[at].text for at in cell] for cell in row] for row in page.rows] == [
        [["Model"], ["Firmware"]],
        [["00:0A"], ["0C:03:0C:22"]],
    ]
    assert str(page.words[2].box) == "[1.0, 1.0, 2.0, 2.0]"


def test_what_a_word_file_does_not_show():
    hidden = "<w:r><w:rPr><w:vanish/></w:rPr><w:t>0C:03:0C:21</w:t></w:r>"
    shown = '<w:r><w:rPr><w:vanish w:val="false"/></w:rPr><w:t>0C:03:0C:22</w:t></w:r>'
    deleted = "<w:del><w:r><w:delText>0C:03:0C:20</w:delText></w:r></w:del>"
    inserted = "<w:ins><w:r><w:tab/><w:t>new</w:t></w:r></w:ins>"
    document = read_document(docx(paragraph(shown, hidden, deleted, inserted)))
    assert lines(document) == ["0C:03:0C:22 new"]
    assert [(item.text, item.why) for item in document.unseen] == [("0C:03:0C:21", "invisible")]


def test_tables_inside_cells_and_text_boxes():
    inner = table([paragraph("in")])
    box = (
        '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:Choice>'
        f"<w:txbxContent>{paragraph('boxed')}</w:txbxContent></mc:Choice><mc:Fallback>{paragraph('twice')}</mc:Fallback>"
        "</mc:AlternateContent>"
    )
    document = read_document(
        docx(table([paragraph("out") + inner, paragraph("side")]) + f"<w:p><w:r>{box}</w:r></w:p>")
    )
    assert lines(document) == ["out", "in", "side", "boxed"]
    assert [[len(cell) for cell in row] for row in document.pages[0].rows] == [[1], [2, 1]]


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"", "damaged", "empty"),
        (b"plain text", "unsupported", "ask for a PDF"),
        (OLE + b"\0" * 600, "unsupported", ".doc"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "encrypted", "password"),
        (b"PK\x03\x04 cut off", "damaged", "Word file"),
        (docx("", root="presentation"), "unsupported", "another kind"),
        (docx("<unclosed>"), "damaged", "well-formed"),
        (image()[:30], "damaged", "picture"),
        (b"\xff\xd8\xff\xe0nothing", "damaged", "picture"),
        (b"II*\0\xff\xff\xff\xff", "damaged", "picture"),
        (image(size=(9_000, 7_000)), "limit", "9,000 by 7,000"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_said_in_words(data, kind, words):
    document = read_document(data)
    assert document.pages == ()
    assert [problem.kind for problem in document.problems] == [kind]
    assert words in document.problems[0].text


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (image(dpi=(150, 150)), (144.0, 72.0)),
        (image("JPEG", dpi=(300, 300)), (72.0, 36.0)),
        (image("TIFF", dpi=(100, 200)), (216.0, 54.0)),
        (image(), (225.0, 112.5)),
        (image(dpi=(1, 1)), (225.0, 112.5)),
    ],
)
def test_a_picture_is_a_page_of_its_size(data, size):
    document = read_document(data)
    assert document.problems == ()
    (page,) = document.pages
    assert (page.number, page.source, page.words) == (1, "picture", ())
    assert (page.width, page.height) == pytest.approx(size, abs=0.1)


def test_a_picture_taken_sideways():
    exif = Image.Exif()
    exif[0x0112] = 6
    (page,) = read_document(image("JPEG", dpi=(150, 150), exif=exif)).pages
    assert (page.width, page.height) == pytest.approx((72.0, 144.0), abs=0.1)


def test_a_fax_of_several_pages():
    more = [Image.new("RGB", (100, 100)) for _ in range(3)]
    data = image("TIFF", save_all=True, append_images=more)
    assert [page.number for page in read_document(data).pages] == [1, 2, 3, 4]
    document = read_document(data, PdfLimits(pages=2))
    assert len(document.pages) == 2
    assert document.problems == (
        Problem("limit", "The picture has more than 2 pages; only the first 2 were looked at."),
    )


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([b"", b"PK\x03\x04", OLE, b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*"]), st.binary()
)
def test_any_octets_end_as_a_document(head, data):
    document = read_document(head + data)
    assert document.pages or document.problems


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 600), st.binary(min_size=1, max_size=9))
def test_a_spoilt_word_file_ends_as_a_document(place, octets):
    data = bytearray(docx(paragraph("Certificate")))
    data[place : place + len(octets)] = octets
    document = read_document(bytes(data))
    assert document.pages or document.problems


PAGE = raw_pdf(Raw(text(100, 700, "0C:03:0C:22"), page="/Rotate 90 /CropBox [50 60 550 800]"))


def crop_of(png):
    shown = Image.open(io.BytesIO(png))
    assert shown.format == "PNG"
    return shown


@pytest.mark.parametrize("page", ["", "/Rotate 90", "/Rotate 180 /CropBox [50 60 550 800]"])
def test_the_crop_shows_the_word_and_its_margin(page):
    data = raw_pdf(Raw(text(100, 700, "0C:03:0C:22"), page=page))
    word = read_document(data).pages[0].words[0]
    shown = crop_of(crop_png(data, 1, word.box, dpi=144)).convert("L")
    box = word.box
    left = min(LABEL, box.left)
    assert shown.width == pytest.approx(2 * (left + box.right - box.left + MARGIN), abs=2)
    assert shown.height == pytest.approx(2 * (box.bottom - box.top + 2 * MARGIN), abs=2)
    ink = shown.point([255 if grey < 128 else 0 for grey in range(256)]).getbbox()
    assert ink is not None
    edge = 2 * MARGIN - 2  # the ink lies inside the word's box, so the margin is white
    assert ink[0] >= 2 * left - 2
    assert ink[1] >= edge
    assert shown.width - ink[2] >= edge
    assert shown.height - ink[3] >= edge


def test_the_crop_shows_a_label_that_stands_far_to_the_left():
    data = text_pdf([Line(72, 700, "Firmware"), Line(230, 700, "0C:03:0C:22")])
    label, value = read_document(data).pages[0].words
    shown = crop_of(crop_png(data, 1, value.box, dpi=144)).convert("L")
    ink = shown.point([255 if grey < 128 else 0 for grey in range(256)]).getbbox()
    assert ink is not None
    across = value.box.right - label.box.left
    assert ink[2] - ink[0] == pytest.approx(2 * across, abs=6)


def test_a_crop_at_the_edge_of_the_page_is_cut():
    shown = crop_of(crop_png(PAGE, 1, Box(0, 0, 10, 10), dpi=72))
    assert (shown.width, shown.height) == (28, 28)


@pytest.mark.parametrize(
    ("box", "size"),
    [
        (Box(250, 50, 260, 80), (416, 132)),  # 180 and 18 points beside it, 18 above and below
        (Box(50, 50, 100, 80), (236, 132)),
        (Box(-40, -40, 10, 10), (56, 56)),
        (Box(280, 130, 5_000, 5_000), (400, 76)),
        (Box(0, 0, 300, 150), (600, 300)),
    ],
    ids=["inside", "near the left edge", "beyond the corner", "beyond the other corner", "all of it"],
)
def test_a_crop_of_a_picture_is_cut_at_its_edges(box, size):
    assert crop_of(crop_png(image(dpi=(72, 72)), 1, box, dpi=144)).size == size


def test_a_crop_of_a_picture_shows_the_very_place():
    page = Image.new("L", (300, 200), 255)
    page.paste(0, (250, 100, 260, 110))
    out = io.BytesIO()
    page.save(out, "PNG", dpi=(72, 72))
    shown = crop_of(crop_png(out.getvalue(), 1, Box(250, 100, 260, 110), dpi=72)).convert("L")
    dark = shown.point([255 if grey < 128 else 0 for grey in range(256)]).getbbox()
    assert dark == (LABEL, MARGIN, LABEL + 10, MARGIN + 10)


def test_a_crop_of_a_picture_that_states_a_coarse_resolution_is_not_made_huge():
    coarse = image(size=(7_000, 6_000), dpi=(20, 20))
    shown = crop_of(crop_png(coarse, 1, Box(0, 0, 30_000, 30_000), dpi=200))
    assert shown.width * shown.height <= 16_100_000


@pytest.mark.parametrize(
    ("data", "page", "box", "words"),
    [
        (PAGE, 2, Box(0, 0, 9, 9), "no page 2"),
        (PAGE, 0, Box(0, 0, 9, 9), "no page 0"),
        (PAGE, 1, Box(5_000, 0, 5_009, 9), "not on page 1"),
        (b"%PDF-1.7 broken", 1, Box(0, 0, 9, 9), "cannot be opened"),
        (image(), 2, Box(0, 0, 9, 9), "no page 2"),
        (image(), 1, Box(5_000, 0, 5_009, 9), "not on page 1"),
        (image(), 1, Box(0, -90, 9, -20), "not on page 1"),
        (image()[:60], 1, Box(0, 0, 9, 9), "damaged"),
        (b"text", 1, Box(0, 0, 9, 9), "Only PDF"),
    ],
)
def test_what_cannot_be_shown(data, page, box, words):
    with pytest.raises(Unreadable, match=words):
        crop_png(data, page, box)


@pytest.mark.parametrize("start", [Forked, Zygote])
def test_through_the_capped_child(start):
    readers: Readers = start()
    try:
        data = text_pdf([Line(72, 700, "Firmware version 0C:03:0C:22")])
        document = readers.document(data)
        assert isinstance(document, Document)
        word = document.pages[0].words[2]
        assert (word.text, word.confirmed) == ("0C:03:0C:22", True)
        png = readers.crop(CropQuestion(data, 1, word.box))
        assert isinstance(png, bytes)
        assert crop_of(png).width > 200
        assert readers.crop(CropQuestion(data, 7, word.box)) == Problem("limit", "The PDF has no page 7.")
        assert readers.document(b"") == read_document(b"")
    finally:
        readers.close()
