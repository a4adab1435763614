"""PDF files: the words a person reads, where they stand, and what is said of files that cannot be read."""

import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.demo.answers import good_answers
from pipeline.demo.certificates import certificates
from pipeline.demo.pdf import Line, text_pdf
from pipeline.domain.document import Document
from pipeline.domain.message import Problem
from pipeline.readers.document import read_document
from pipeline.readers.glyphs import View
from pipeline.readers.pdf import PdfLimits, read_pdf
from pipeline.readers.pdf_second import SecondFailed, SecondReader
from tests.pdfs import FIRST_FREE, Raw, form, picture, protected, raw_pdf, stream, text, updated

PAGE = text(72, 700, "Firmware version 0C:03:0C:22")
BYTES = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def page_of(content=PAGE, **entries):
    document = read_document(raw_pdf(Raw(content, **entries)))
    assert document.problems == ()
    return document.pages[0]


def texts(page):
    return [word.text for word in page.words]


def lines(page):
    found: dict[int, list[str]] = {}
    for word in page.words:
        found.setdefault(word.line, []).append(word.text)
    return [" ".join(found[number]) for number in sorted(found)]


def kinds(document):
    return [problem.kind for problem in document.problems]


def test_the_demo_certificates_are_read_whole():
    for data in certificates(good_answers()).values():
        document = read_document(data)
        assert document.problems == ()
        assert document.unseen == ()
        assert document.revisions == 1
        (page,) = document.pages
        assert (page.number, page.width, page.height, page.source) == (1, 595.0, 842.0, "text")
        assert len(page.words) > 20
        assert all(word.confirmed and word.readers == ("pdfium", "pdfplumber") for word in page.words)


def test_a_box_is_where_a_person_sees_the_word():
    word = page_of(text(100, 700, "0C:03:0C:22", size=20)).words[0]
    assert word.box.left == pytest.approx(100, abs=1)
    assert word.box.top < 842 - 700 - 14 < 842 - 700 < word.box.bottom < 842 - 700 + 10
    assert 100 < word.box.right - word.box.left < 140


@pytest.mark.parametrize("turn", [0, 90, 180, 270, -90, 450])
def test_turned_pages_with_a_crop_box(turn):
    # Seen on the turned page, the text runs as the page does; the box must be where the words are shown.
    page = page_of(text(100, 700, "AB"), page=f"/Rotate {turn} /CropBox [50 60 550 800]", box="10 20 595 842")
    upright = {
        0: (50, 800 - 700),
        90: (700 - 60, 50),
        180: (550 - 100, 700 - 60),
        270: (800 - 700, 550 - 100),
    }[turn % 360]
    assert (page.width, page.height) == ((500, 740) if turn % 180 == 0 else (740, 500))
    (word,) = page.words
    assert word.confirmed
    box = word.box
    assert box.left - 4 <= upright[0] <= box.right + 4
    assert box.top - 4 <= upright[1] <= box.bottom + 4
    assert (box.right - box.left > box.bottom - box.top) == (turn % 180 == 0)


@pytest.mark.parametrize(
    "value", ["01_AC", "0C:03:0C:22", "10:63_00:0A_01_02_0C:03:0C:22", "12.3", "007", "[E]", "NCSC-123/4", "A,B;C"]
)
def test_values_are_kept_as_written(value):
    words = page_of(text(72, 700, f"is {value} so")).words
    assert [(word.text, word.confirmed) for word in words] == [("is", True), (value, True), ("so", True)]


FOLDED = """/CIDInit /ProcSet findresource begin 12 dict begin begincmap
1 begincodespacerange <00> <FF> endcodespacerange
5 beginbfchar <41> <FB01> <42> <00A0> <43> <2009> <44> <00AD> <45> <FF10> endbfchar
1 beginbfrange <61> <7A> <0061> endbfrange endcmap end end"""


def test_ligatures_blanks_and_soft_hyphens():
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding /ToUnicode 10 0 R >>"
    content = "BT /F9 12 Tf 1 0 0 1 72 700 Tm (Arm zBz zCz xDy vEw) Tj ET"
    page = page_of(content, extra=[stream(FOLDED), font], resources="/Font << /F9 11 0 R >>")
    assert texts(page) == ["\ufb01rm".replace("\ufb01", "fi"), "z", "z", "z", "z", "xy", "v0w"]


def test_a_hyphen_at_the_end_of_a_line_stays():
    page = page_of(text(72, 700, "Hardware ver-") + text(72, 688, "sion 01"))
    assert texts(page) == ["Hardware", "ver-", "sion", "01"]


def test_label_and_value_share_a_line():
    page = page_of(text(72, 700, "Model") + text(72, 680, "Firmware") + text(300, 680, "0C") + text(300, 700, "01"))
    assert lines(page) == ["Model 01", "Firmware 0C"]


def test_two_columns_are_read_one_after_the_other():
    prose = ["the", "tested", "device", "was", "found", "to", "be"]
    content = "".join(
        text(72, 700 - 14 * row, f"L{row} " + " ".join(prose[:5]))
        + text(320, 700 - 14 * row, f"R{row} " + " ".join(prose[:6]))
        for row in range(6)
    )
    found = lines(page_of(text(72, 730, "Certificate") + content + text(72, 600, "Signed")))
    assert [line.split()[0] for line in found] == [
        "Certificate",
        *(f"L{row}" for row in range(6)),
        *(f"R{row}" for row in range(6)),
        "Signed",
    ]


def ruled(rows, columns, wide=100, high=20):
    x, y = 72, 500
    drawn = "".join(f"{x + wide * n} {y} m {x + wide * n} {y + high * rows} l S\n" for n in range(columns + 1))
    return drawn + "".join(f"{x} {y + high * n} m {x + wide * columns} {y + high * n} l S\n" for n in range(rows + 1))


def test_ruled_tables():
    cells = [["Model", "Hardware", "Firmware"], ["00:0A", "01 02", "0C:03:0C:22"], ["00:0B", "", "0C:03:0C:23"]]
    content = ruled(3, 3) + "".join(
        text(76 + 100 * column, 546 - 20 * row, cell)
        for row, line in enumerate(cells)
        for column, cell in enumerate(line)
    )
    page = page_of(content + text(72, 700, "Devices"))
    read = [[" ".join(page.words[place].text for place in cell) for cell in row] for row in page.rows]
    assert read == cells


def test_a_frame_around_the_page_is_no_table():
    assert page_of(PAGE + "20 20 555 802 re S").rows == ()


def test_a_drawing_of_lines_is_no_table_and_takes_no_time():
    assert page_of(PAGE + ruled(150, 150, 3, 2)).rows == ()


def test_text_beyond_the_limit_of_pages():
    document = read_pdf(raw_pdf(Raw([PAGE] * 6)), PdfLimits(pages=4))
    assert [page.number for page in document.pages] == [1, 2, 3, 4]
    assert document.problems == (Problem("limit", "The PDF has 6 pages; only the first 4 were read."),)
    assert all(word.confirmed for page in document.pages for word in page.words)


def test_a_page_with_too_many_characters():
    document = read_pdf(raw_pdf(Raw(PAGE)), PdfLimits(characters=9))
    assert document.problems == (Problem("limit", "Page 1 has 28 characters; only the first 9 were read.", "page 1"),)
    assert texts(document.pages[0]) == ["Firmware"]


def test_a_page_with_too_many_objects():
    document = read_pdf(raw_pdf(Raw(PAGE + "0 0 m 9 9 l S\n" * 20)), PdfLimits(objects=10))
    assert document.problems == (Problem("limit", "Page 1 draws more than 10 objects; it was not read.", "page 1"),)
    assert (document.pages[0].words, document.pages[0].source) == ((), "picture")


def test_a_pdf_that_needs_a_password():
    document = read_document(protected(PAGE, opens=False))
    assert document.pages == ()
    assert document.problems == (Problem("encrypted", "The PDF needs a password to open; ask for a copy without one."),)


def test_a_pdf_that_only_its_owner_may_change():
    document = read_document(protected(PAGE, opens=True))
    assert document.problems == ()
    assert texts(document.pages[0]) == ["Firmware", "version", "0C:03:0C:22"]
    assert all(word.confirmed for word in document.pages[0].words)


@pytest.mark.parametrize(
    "data",
    [b"%PDF-1.7\nnothing of it", raw_pdf(Raw([])), raw_pdf(Raw(PAGE))[:300]],
    ids=["header", "no pages", "cut off"],
)
def test_what_cannot_be_opened(data):
    document = read_document(data)
    assert document.pages == ()
    assert kinds(document) == ["damaged"]
    assert "ask for it to be sent again" in document.problems[0].text


def test_what_the_second_reader_cannot_read_is_not_confirmed():
    document = read_document(raw_pdf(Raw(PAGE, box="")))  # no MediaBox: PDFium takes US Letter, pdfplumber gives up
    assert texts(document.pages[0]) == ["Firmware", "version", "0C:03:0C:22"]
    assert not any(word.confirmed for word in document.pages[0].words)
    assert {word.readers for word in document.pages[0].words} == {("pdfium",)}
    assert kinds(document) == ["damaged"]
    assert "second PDF reader" in document.problems[0].text


@pytest.mark.parametrize(
    ("words", "moved", "agrees"),
    [
        ("0C:03:0C:22", (0, 0), True),
        ("0C:03:0C:21", (0, 0), False),
        ("0C:03:0C:2", (0, 0), False),
        ("0C:03:0C:22", (0, 12), False),
        ("0C:03:0C:22", (40, 0), False),
    ],
)
def test_when_the_second_reader_agrees(words, moved, agrees):
    data = raw_pdf(Raw(text(100, 700, "0C:03:0C:22")))
    across, down = moved
    box = (100 + across, 132.5 + down, 156 + across, 144.5 + down)
    with SecondReader(data, [1]) as reader:
        page = reader.page(1, View(0, 0, 595, 842, 0))
    assert page.agrees(words, box) is agrees


def test_a_second_reader_that_fails_says_only_that():
    with pytest.raises(SecondFailed):
        SecondReader(b"no PDF", [1])
    with SecondReader(raw_pdf(Raw(PAGE)), [1]) as reader, pytest.raises(SecondFailed):
        reader.page(2, View(0, 0, 595, 842, 0))


def scan(extra_content=""):
    return page_of(
        "q 595 0 0 842 0 0 cm /Im Do Q\n" + extra_content,
        extra=[picture(60, 80, 100)],
        resources="/XObject << /Im 10 0 R >>",
    )


def test_a_scan_is_a_picture():
    page = scan()
    assert (page.source, page.words) == ("picture", ())


def test_a_stamp_on_a_scan_does_not_make_it_text():
    page = scan(text(400, 800, "Received 3 May"))
    assert page.source == "picture"
    assert texts(page) == ["Received", "3", "May"]


def test_a_scan_with_invisible_text_is_a_picture():
    data = Raw(
        "q 595 0 0 842 0 0 cm /Im Do Q\n" + text(72, 700, "0C:03:0C:22", before="3 Tr"),
        extra=[picture(60, 80, 100)],
        resources="/XObject << /Im 10 0 R >>",
    )
    document = read_document(raw_pdf(data))
    assert (document.pages[0].source, document.pages[0].words) == ("picture", ())
    assert [(item.text, item.why) for item in document.unseen] == [("0C:03:0C:22", "invisible")]


def test_text_drawn_as_shapes_is_a_picture():
    assert page_of("100 700 50 10 re f").source == "picture"


@pytest.mark.parametrize("content", ["", "1 g 0 0 595 842 re f"])
def test_an_empty_page(content):
    page = page_of(content)
    assert (page.source, page.words) == ("empty", ())


def test_a_text_over_a_picture_of_paper_is_text():
    page = scan(PAGE.replace("q ", "q 1 g "))
    assert page.source == "text"
    assert texts(page)[-1] == "0C:03:0C:22"


def test_text_inside_forms_is_where_the_form_puts_it():
    page = page_of(
        "q 1 0 0 1 100 50 cm /X Do Q\n",
        extra=[form(text(72, 600, "Model"), entries="/Matrix [1 0 0 1 28 50]")],
        resources="/XObject << /X 10 0 R >>",
    )
    assert page.words[0].box.left == pytest.approx(200, abs=1)
    assert page.words[0].box.top < 842 - 700 < page.words[0].box.bottom
    assert page.words[0].confirmed


def test_a_form_that_draws_itself():
    page = page_of(
        PAGE + "/X Do\n",
        extra=[form("/X Do", entries="").replace(b"/Resources <<", b"/Resources << /XObject << /X 10 0 R >>")],
        resources="/XObject << /X 10 0 R >>",
    )
    assert texts(page)[-1] == "0C:03:0C:22"


def test_the_producer():
    data = raw_pdf(Raw(PAGE, extra=["<< /Producer (Word\\000for  \\007 Makers) >>"], trailer=f"/Info {FIRST_FREE} 0 R"))
    assert read_document(data).producer.startswith("Word")


def test_revisions():
    once = raw_pdf(Raw(PAGE))
    assert read_document(once).revisions == 1
    assert read_document(updated(once)).revisions == 2
    assert read_document(updated(updated(once))).revisions == 3
    assert texts(read_document(updated(once)).pages[0])[-1] == "0C:03:0C:22"


def test_a_linearized_file_has_two_ends_and_one_revision():
    head = "9 0 obj\n<< /Linearized 1 >>\nendobj\nstartxref\n0\n%%EOF\n"
    data = raw_pdf(Raw(PAGE, head=head))
    assert read_document(data).revisions == 1
    assert read_document(updated(data)).revisions == 2


def signed(tail=b""):
    entry = "<< /Type /Sig /Filter /Adobe.PPKLite /ByteRange [0 0000000100 0000000200 0000000000] /Contents <00> >>"
    data = raw_pdf(Raw(PAGE, extra=[entry])) + b"\n"
    reach = len(data.rstrip()) - 200
    return data.replace(b"0000000200 0000000000", b"0000000200 %010d" % reach) + tail


def test_a_signed_file():
    document = read_document(signed())
    assert (document.signed, document.changed_after_signing) == (True, False)
    assert not read_document(raw_pdf(Raw(PAGE))).signed


def test_a_file_changed_after_signing():
    document = read_document(updated(signed()))
    assert (document.signed, document.changed_after_signing, document.revisions) == (True, True, 2)


def test_boxes_beyond_all_sense():
    for box in ("0 0 0 0", "0 0 1e30 1e30", "0 0 99999999 1", "-1e9 -1e9 1e9 1e9", "nan nan 1 1"):
        assert isinstance(read_document(raw_pdf(Raw(PAGE, box=box))), Document)


@BYTES
@given(st.binary(max_size=300), st.booleans())
def test_any_octets_end_as_a_document(data, marked):
    document = read_document(b"%PDF-1.7\n" + data if marked else data)
    assert document.pages or document.problems


SAMPLE = text_pdf([Line(72, 700, "Firmware version"), Line(200, 700, "0C:03:0C:22", bold=True)])


@BYTES
@given(st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.binary(max_size=6)), min_size=1, max_size=8))
def test_a_spoilt_file_ends_as_a_document(changes):
    data = bytearray(SAMPLE)
    for place, octets in changes:
        data[place : place + len(octets)] = octets
    document = read_document(bytes(data))
    assert document.pages or document.problems


@BYTES
@given(st.text(st.sampled_from("BTETqQWnfSRescmTjTdTf 0123456789.-()[]/F1Gg"), max_size=200))
def test_any_operators_end_as_a_document(operators):
    document = read_document(raw_pdf(Raw(PAGE + operators)))
    assert document.pages or document.problems


def test_a_lock_on_an_earlier_file_says_nothing_of_this_one(monkeypatch):
    def stale(_):
        raise pypdfium2.PdfiumError("left over", err_code=pdfium.FPDF_ERR_PASSWORD)

    monkeypatch.setattr("pipeline.readers.pdf.open_pdf", stale)
    assert kinds(read_document(raw_pdf(Raw([])))) == ["damaged"]
    assert kinds(read_document(raw_pdf(Raw([])) + b"/Encrypt")) == ["encrypted"]
