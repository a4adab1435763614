"""What two OCR engines read, joined: confirmed only where both read the same characters in the same place."""

import math
import random

import pytest

from pipeline.readers.ocr_words import Token, slope_of, words_of

STEP, HEIGHT = 6.0, 12.0
BOTH = ("rapidocr", "tesseract")


def line(text, left=100.0, top=100.0):
    """The words of a text as an engine gives them, six points to a character."""
    words, at = [], 0
    for word in text.split(" "):
        if word:
            words.append(Token(word, (left + STEP * at, top, left + STEP * (at + len(word)), top + HEIGHT)))
        at += len(word) + 1
    return words


def said(words):
    return [(word.text, word.readers) for word in words]


def test_what_both_read_is_confirmed():
    words = words_of([line("Firmware version 0C:03:0C:22")], [line("Firmware version 0C:03:0C:22", 101.5, 101.0)])
    assert said(words) == [("Firmware", BOTH), ("version", BOTH), ("0C:03:0C:22", BOTH)]
    assert all(word.confirmed for word in words)
    assert {word.line for word in words} == {1}
    assert str(words[0].box) == "[101.5, 100.0, 149.5, 112.0]"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0C:03:0C:22", "OC:03:0C:22"),
        ("0C:03:0B:22", "0C:03:08:22"),
        ("0C:03:0C:22", "0c:03:0C:22"),
        ("10:63", "l0:63"),
        ("S5", "55"),
        ("Z2", "22"),
        ("G6", "66"),
        ("0C:03:0C:22", "0C:03:0C:2"),
        ("0C:03:0C:22", "0C:03:0C;22"),
        ("0C:03:0C:22", "03:0C:22"),
    ],
)
def test_look_alikes_are_two_readings(one, other):
    (word,) = words_of([line(one)], [line(other)])
    assert (word.text, word.readers, word.confirmed) == (one, ("rapidocr",), False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("00:0A 01", "00:0A01"),
        ("00:0A01", "00:0A 01"),
        ("00014 1", "00 0141"),
        ("NCSC-7300000001-41 01", "NCSC-7300000001-4101"),
    ],
)
def test_a_blank_that_one_engine_does_not_see_is_a_difference(one, other):
    words = words_of([line(one)], [line(other)])
    assert said(words) == [(part, ("rapidocr",)) for part in one.split()]


def test_the_same_characters_elsewhere_confirm_nothing():
    words = words_of([line("0C:03:0C:22")], [line("0C:03:0C:22", top=130.0)])
    assert sorted(said(words)) == [("0C:03:0C:22", ("rapidocr",)), ("0C:03:0C:22", ("tesseract",))]
    assert not any(word.confirmed for word in words)


def test_one_difference_leaves_its_neighbours_confirmed():
    words = words_of([line("model 00:0A version 01")], [line("model OO:0A version 01")])
    assert [word.text for word in words if not word.confirmed] == ["00:0A"]


def test_dust_that_tesseract_alone_sees_is_left_out_and_words_are_kept():
    words = words_of([line("Model")], [line("Model"), line("|", 300), line("7", 330), line("00:0A", 400)])
    assert said(words) == [("Model", BOTH), ("00:0A", ("tesseract",))]


@pytest.mark.parametrize(("rapid", "tesseract", "who"), [(True, False, "rapidocr"), (False, True, "tesseract")])
def test_of_one_engine_everything_is_kept_and_nothing_confirmed(rapid, tesseract, who):
    lines = [line("Revision 1"), line("- 2", top=130)]
    words = words_of(lines if rapid else [], lines if tesseract else [])
    assert said(words) == [(text, (who,)) for text in ("Revision", "1", "-", "2")]
    assert not any(word.confirmed for word in words)
    assert [word.line for word in words] == [1, 1, 2, 2]


def test_nothing_read_is_no_words():
    assert words_of([], []) == ()


def askew(lines, degrees):
    turn = math.tan(math.radians(degrees))
    return [
        [Token(text, (box[0], box[1] + turn * box[0], box[2], box[3] + turn * box[0])) for text, box in words]
        for words in lines
    ]


@pytest.mark.parametrize("degrees", [-3.0, -0.9, 0.0, 0.9, 3.0])
def test_lines_of_a_scan_that_lies_askew_are_told_apart(degrees):
    texts = ["Manufacturer Code of the device                                                    10:63"]
    texts += ["Model Identification of the device                                                 00:0A"]
    texts += ["Hardware Version of the device                                                     01_02"]
    lines = askew([line(text, 30.0, 100.0 + 15 * row) for row, text in enumerate(texts)], degrees)
    assert slope_of(lines) == pytest.approx(math.tan(math.radians(degrees)), abs=1e-3)
    shuffled = [[token] for words in lines for token in words]
    random.Random(7).shuffle(shuffled)
    words = words_of(lines, shuffled)
    rows = {row: [word.text for word in words if word.line == row] for row in (1, 2, 3)}
    assert list(rows.values()) == [text.split() for text in texts]
    assert all(word.confirmed for word in words)
    boxes = {tuple(box) for words_ in lines for _, box in words_}
    assert {(word.box.left, word.box.top, word.box.right, word.box.bottom) for word in words} == boxes


def test_a_line_of_one_word_says_nothing_of_how_the_page_lies():
    assert slope_of([line("7300000001-4101-and-on-and-on"), line("1")]) == 0.0
