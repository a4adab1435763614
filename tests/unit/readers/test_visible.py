"""What a person cannot see does not count, and what a person can see does, however the page is drawn."""

import pytest

from pipeline.readers.document import read_document
from tests.pdfs import Raw, form, picture, raw_pdf, text

VALUE = "0C:03:0C:22"
OTHER = "0C:03:0C:21"
LABEL = text(60, 700, "Firmware version")
WIDE_PAGE = {"box": "-100 -100 800 1000", "page": "/CropBox [0 0 595 842]"}
STATES = "/ExtGState << /Clear << /ca 0 >> /Glass << /ca 0.3 >> >>"


def read(content, **entries):
    return read_document(raw_pdf(Raw(LABEL + content, **entries)))


def words(document):
    return [word.text for page in document.pages for word in page.words]


def reasons(document):
    return {(item.text, item.why) for item in document.unseen}


def value(before="", x=200, y=700, size=10, words=VALUE):
    return text(x, y, words, size, before)


def shape(grey=1, x=190, y=690, state=""):
    return f"q {state} {grey} g {x} {y} 120 30 re f Q\n"


@pytest.mark.parametrize(
    ("content", "entries", "why"),
    [
        pytest.param(value("3 Tr"), {}, "invisible", id="render mode 3"),
        pytest.param(value("7 Tr"), {}, "invisible", id="render mode 7"),
        pytest.param(value("/Clear gs"), {"resources": STATES}, "invisible", id="transparent"),
        pytest.param(value("1 g"), {}, "same-colour", id="white on white"),
        pytest.param(value("0.95 g"), {}, "same-colour", id="nearly white on white"),
        pytest.param(shape(0.2) + value("0.2 g"), {}, "same-colour", id="dark on dark"),
        pytest.param(value("1 Tr 1 G"), {}, "same-colour", id="white outlines"),
        pytest.param(value("0 0 100 100 re W n"), {}, "clipped", id="clipped away"),
        pytest.param(value("190 703.5 120 20 re W n"), {}, "clipped", id="lower half clipped away"),
        pytest.param(value(x=-90), WIDE_PAGE, "off-page", id="left of the page"),
        pytest.param(value(y=860), WIDE_PAGE, "off-page", id="above the CropBox"),
        pytest.param(value(size=1.5), {}, "tiny", id="tiny"),
        pytest.param(value("0.1 0 0 0.1 190 650 cm", size=12), {}, "tiny", id="made tiny by its matrix"),
        pytest.param(value() + shape(), {}, "covered", id="white box"),
        pytest.param(value() + shape(0), {}, "covered", id="black box"),
        pytest.param(value() + shape(1, y=703.5), {}, "covered", id="upper half under a white box"),
        pytest.param(
            value() + "q 120 0 0 30 190 690 cm /Im Do Q\n",
            {"extra": [picture(4, 4)], "resources": "/XObject << /Im 10 0 R >>"},
            "covered",
            id="white picture",
        ),
        pytest.param(
            value() + "/Box Do\n",
            {"extra": [form("1 g 190 690 120 30 re f")], "resources": "/XObject << /Box 10 0 R >>"},
            "covered",
            id="white box inside a form",
        ),
        pytest.param(
            value(),
            {
                "extra": [
                    "<< /Type /Annot /Subtype /Square /Rect [190 690 310 720] /AP << /N 11 0 R >> >>",
                    form("1 g 0 0 120 30 re f", "0 0 120 30"),
                ],
                "page": "/Annots [10 0 R]",
            },
            "covered",
            id="annotation",
        ),
        pytest.param(
            "/OC /Layer BDC " + value() + " EMC\n",
            {
                "extra": ["<< /Type /OCG /Name (Draft) >>"],
                "resources": "/Properties << /Layer 10 0 R >>",
                "catalogue": "/OCProperties << /OCGs [10 0 R] /D << /OFF [10 0 R] >> >>",
            },
            "layer",
            id="layer that is off",
        ),
    ],
)
def test_unseen(content, entries, why):
    document = read(content, **entries)
    assert words(document) == ["Firmware", "version"]
    assert (VALUE, why) in reasons(document)
    assert document.pages[0].source == "text"


@pytest.mark.parametrize(
    ("content", "entries"),
    [
        pytest.param(shape(0.1) + value("1 g"), {}, id="white on a dark bar"),
        pytest.param(value("0.5 g"), {}, id="grey"),
        pytest.param(value("1 0 0 rg"), {}, id="red"),
        pytest.param(value("1 Tr 0.3 w"), {}, id="outlines"),
        pytest.param(value(size=5), {}, id="small print"),
        pytest.param(value("190 690 120 30 re W n"), {}, id="clipped to its own cell"),
        pytest.param(value() + "q 185 685 130 40 re S Q\n", {}, id="frame drawn later"),
        pytest.param(value() + "q 185 685 130 40 re 186 686 128 38 re f* Q\n", {}, id="frame filled later"),
        pytest.param(value() + "q 0.5 w 190 697 m 310 697 l S Q\n", {}, id="underlined later"),
        pytest.param(value() + shape(0.9, state="/Glass gs"), {"resources": STATES}, id="under glass"),
        pytest.param(value() * 2, {}, id="drawn twice to look bold"),
        pytest.param(value() + value(x=200.3), {}, id="drawn twice, a little apart"),
        pytest.param(
            "/OC /Layer BDC " + value() + " EMC\n",
            {
                "extra": ["<< /Type /OCG /Name (Final) >>"],
                "resources": "/Properties << /Layer 10 0 R >>",
                "catalogue": "/OCProperties << /OCGs [10 0 R] /D << /ON [10 0 R] >> >>",
            },
            id="layer that is on",
        ),
        pytest.param(
            "/Inside Do\n",
            {"extra": [form(value())], "resources": "/XObject << /Inside 10 0 R >>"},
            id="text inside a form",
        ),
    ],
)
def test_seen(content, entries):
    document = read(content, **entries)
    found = [word for word in document.pages[0].words if word.text == VALUE]
    assert found
    assert all(word.confirmed for word in found)
    assert document.unseen == ()


def test_a_number_covered_and_written_over():
    document = read(value(words=OTHER) + shape() + value())
    assert words(document) == ["Firmware", "version", VALUE]
    assert reasons(document) == {(OTHER, "covered")}


def test_a_white_number_over_a_black_one():
    document = read(value() + value("1 g", words=OTHER))  # it wipes the black one out, and shows itself no more
    confirmed = [word.text for word in document.pages[0].words if word.confirmed]
    assert confirmed == ["Firmware", "version"]
    assert not {VALUE, OTHER} & set(words(document))
    assert {why for _, why in reasons(document)} == {"covered", "same-colour"}


def test_a_white_number_under_a_black_one():
    document = read(value("1 g", words=OTHER) + value())
    assert words(document) == ["Firmware", "version", VALUE]
    assert (OTHER, "same-colour") in reasons(document)
    assert not document.pages[0].words[2].confirmed  # the second reader finds both


def test_an_invisible_number_over_a_black_one():
    document = read(value() + value("3 Tr", words=OTHER))
    assert words(document) == ["Firmware", "version", VALUE]
    assert reasons(document) == {(OTHER, "invisible")}
    assert not document.pages[0].words[2].confirmed


def test_what_is_left_of_a_half_covered_number_is_not_confirmed():
    document = read(value() + shape(x=236))
    left = document.pages[0].words[2]
    assert VALUE.startswith(left.text)
    assert len(left.text) < len(VALUE)
    assert not left.confirmed
    assert (VALUE[len(left.text) :], "covered") in reasons(document)


def test_a_digit_hidden_at_the_end():
    hidden = "q BT /F1 10 Tf 1 0 0 1 200 700 Tm (0C:03:0C:2) Tj 1 g (2) Tj ET Q\n"
    document = read(hidden)
    assert words(document)[2] == "0C:03:0C:2"
    assert not document.pages[0].words[2].confirmed
    assert reasons(document) == {("2", "same-colour")}


def test_digits_stacked_in_one_place_are_never_confirmed():
    document = read("BT /F1 10 Tf 1 0 0 1 200 700 Tm [(8) 556 (3)] TJ ET\n")
    assert words(document)[2] == "83"
    assert not document.pages[0].words[2].confirmed


def test_more_layers_than_anybody_writes():
    stacked = "".join(value(words=f"0C:03:0C:{number:02d}") for number in range(10, 30))
    document = read(stacked)
    assert len(words(document)) < 12
    assert any(why == "covered" for _, why in reasons(document))


def test_a_crowd_in_one_place():
    document = read("".join(text(200, 700, chr(65 + number % 26), 3.2) for number in range(300)))
    assert words(document) == ["Firmware", "version"]


def test_annotations_and_fields_are_told_and_never_read():
    document = read_document(
        raw_pdf(
            Raw(
                LABEL,
                extra=[
                    f"<< /Subtype /FreeText /Rect [190 690 310 720] /Contents ({VALUE}) /AP << /N 12 0 R >> >>",
                    f"<< /Subtype /Widget /FT /Tx /T (f) /V ({OTHER}) /Rect [190 600 310 630] /DA (/F1 9 Tf) >>",
                    form(text(5, 5, VALUE), "0 0 120 30"),
                    "<< /Type /Annot /Subtype /Link /Rect [60 690 100 720] >>",
                ],
                page="/Annots [10 0 R 11 0 R 13 0 R]",
                catalogue="/AcroForm << /Fields [11 0 R] >>",
            )
        )
    )
    assert words(document) == ["Firmware", "version"]
    assert [(item.text, item.why, str(item.box)) for item in document.unseen] == [
        (VALUE, "annotation", "[190.0, 122.0, 310.0, 152.0]"),
        (OTHER, "form-field", "[190.0, 212.0, 310.0, 242.0]"),
    ]


def test_text_under_a_filled_in_form_field():
    document = read(
        value(),
        extra=[
            "<< /Type /Annot /Subtype /Widget /FT /Tx /T (f) /V (x) /Rect [190 690 310 720] /AP << /N 11 0 R >> >>",
            form("1 g 0 0 120 30 re f " + text(5, 5, OTHER), "0 0 120 30"),
        ],
        page="/Annots [10 0 R]",
        catalogue="/AcroForm << /Fields [10 0 R] >>",
    )
    assert words(document) == ["Firmware", "version"]
    assert (VALUE, "covered") in reasons(document)
    assert ("x", "form-field") in reasons(document)


def test_a_highlighter_does_not_hide():
    document = read(
        value(),
        extra=[
            "<< /Subtype /Highlight /Rect [190 690 310 720] /C [1 1 0] /AP << /N 11 0 R >> >>",
            form("/M gs 1 1 0 rg 0 0 120 30 re f", "0 0 120 30").replace(
                b"/Resources <<", b"/Resources << /ExtGState << /M << /BM /Multiply >> >>"
            ),
        ],
        page="/Annots [10 0 R]",
    )
    assert words(document) == ["Firmware", "version", VALUE]
    assert reasons(document) == {("", "annotation")}


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_covered_number_on_a_turned_page(turn):
    document = read(value(words=OTHER) + shape() + value(), page=f"/Rotate {turn} /CropBox [30 40 500 800]")
    assert sorted(words(document)) == sorted(["Firmware", "version", VALUE])
    assert reasons(document) == {(OTHER, "covered")}
