"""From characters to words, lines and columns."""

import pytest

from pipeline.domain.document import Unseen
from pipeline.readers.glyphs import Glyph, View
from pipeline.readers.page import Run, lines_of, normal, runs_of, unseen_of


def glyphs(text, left=0.0, top=0.0, size=10.0, drawn_by=1):
    return [
        Glyph(one, (x, top, x + 5, top + size), (x + 0.5, top + 1, x + 4.5, top + size - 2), drawn_by)
        for one, x in ((one, left + 5 * place) for place, one in enumerate(text))
    ]


def run(text, left, top, wide=None, high=10.0):
    return Run(text, (left, top, left + (wide or 5 * len(text)), top + high))


def shown(lines):
    return [" ".join(item.text for item in line) for line in lines]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0C:03:0C:22", "0C:03:0C:22"),
        ("\ufb01rmware", "firmware"),
        ("\uff10\uff11", "01"),
        ("a\u00a0b", "ab"),
        ("soft\u00ad\u200bware", "software"),
        ("no\u2011break", "no-break"),
        ("\x07bell", "\ufffdbell"),
        ("\ud800", "\ufffd"),
        ("£100", "£100"),
        ("\u00b4", "\u0301"),
        ("", ""),
    ],
)
def test_normal_text(written, read):
    assert normal(written) == read


def test_words_end_at_blanks_gaps_and_line_ends():
    line = [*glyphs("ab cd"), *glyphs("ef", left=60), *glyphs("gh", top=14)]
    assert [item.text for item in runs_of(line, [""] * len(line))] == ["ab", "cd", "ef", "gh"]


def test_blanks_that_the_reader_worked_out_are_no_words():
    line = [*glyphs("ab"), *glyphs("\r\n", drawn_by=0), *glyphs("cd", left=10)]
    assert [item.text for item in runs_of(line, [""] * len(line))] == ["ab", "cd"]


def test_a_hyphen_that_ends_a_line_ends_a_word():
    line = [*glyphs("ve"), Glyph("-", (10, 0, 15, 10), (10, 4, 15, 5), 1, ends_line=True), *glyphs("rs", left=15)]
    assert [item.text for item in runs_of(line, [""] * len(line))] == ["ve-", "rs"]


def test_the_hidden_part_of_a_word_is_kept_apart_and_told():
    line = glyphs("0C:22")
    runs = runs_of(line, ["", "", "", "covered", "covered"])
    assert [(item.text, item.why, item.doubtful) for item in runs] == [("0C:", "", True), ("22", "covered", True)]


def test_a_hidden_word_beside_does_not_make_a_word_doubtful():
    line = glyphs("0C 22")
    runs = runs_of(line, ["", "", "", "covered", "covered"])
    assert [(item.text, item.why, item.doubtful) for item in runs] == [("0C", "", False), ("22", "covered", False)]


def test_characters_in_one_place_make_a_word_doubtful():
    eight, three = glyphs("8")[0], glyphs("3")[0]
    (found,) = runs_of([eight, three], ["", ""])
    assert (found.text, found.doubtful) == ("83", True)


def test_a_ligature_is_two_letters_in_one_place():
    f, i = glyphs("f")[0], glyphs("i")[0]
    (found,) = runs_of([f, i], ["", ""])
    assert (found.text, found.doubtful) == ("fi", False)


def test_hidden_neighbours_are_told_together():
    runs = [
        Run("white", (0, 0, 25, 10), "same-colour"),
        Run("text", (30, 0, 50, 10), "same-colour"),
        Run("seen", (60, 0, 80, 10)),
        Run("below", (0, 20, 25, 30), "same-colour"),
        Run("other", (30, 20, 50, 30), "tiny"),
    ]
    found = unseen_of(runs, 3)
    assert [(item.text, item.why, str(item.box)) for item in found] == [
        ("white text", "same-colour", "[0.0, 0.0, 50.0, 10.0]"),
        ("below", "same-colour", "[0.0, 20.0, 25.0, 30.0]"),
        ("other", "tiny", "[30.0, 20.0, 50.0, 30.0]"),
    ]
    assert all(isinstance(item, Unseen) and item.page == 3 for item in found)


def test_lines_go_down_the_page_and_left_to_right():
    runs = [run("value", 200, 21), run("Title", 50, 0), run("Label", 10, 20), run("Last", 10, 40)]
    assert shown(lines_of(runs)) == ["Title", "Label value", "Last"]


def test_a_raised_letter_stays_in_its_line():
    assert shown(lines_of([run("Certificate", 0, 10), run("1)", 60, 8, high=6), run("valid", 80, 10)])) == [
        "Certificate 1) valid"
    ]


def prose(words, left, top):
    return [run(word, left + 30 * place, top, wide=26) for place, word in enumerate(words.split())]


def test_columns_of_running_text():
    runs = [item for row in range(5) for item in (*prose("a b c d", 0, 12 * row), *prose("p q r s", 200, 12 * row))]
    assert shown(lines_of(runs)) == ["a b c d"] * 5 + ["p q r s"] * 5


def test_columns_under_a_title_and_above_a_footer():
    rows = [item for row in range(1, 6) for item in (*prose("a b c d", 0, 12 * row), *prose("p q r s", 200, 12 * row))]
    runs = [run("A title over both of the columns", 40, 0, wide=240), *rows, run("A footer", 100, 90, wide=120)]
    found = shown(lines_of(runs))
    assert found[0] == "A title over both of the columns"
    assert found[1:11] == ["a b c d"] * 5 + ["p q r s"] * 5
    assert found[11] == "A footer"


def test_a_list_of_labels_and_values_is_not_torn_apart():
    runs = [item for row in range(8) for item in (*prose("Model name", 0, 12 * row), *prose("Meter", 200, 12 * row))]
    assert shown(lines_of(runs)) == ["Model name Meter"] * 8


def test_a_table_is_not_torn_apart():
    runs = [run(str(column), 60 * column, 12 * row) for row in range(9) for column in range(9)]
    assert shown(lines_of(runs)) == ["0 1 2 3 4 5 6 7 8"] * 9


def test_text_that_runs_up_the_page_comes_last():
    runs = [run("margin", 0, 0, wide=10, high=60), run("First", 50, 0), run("Second", 50, 20)]
    assert shown(lines_of(runs)) == ["First", "Second", "margin"]


@pytest.mark.parametrize(
    ("turns", "seen", "size"),
    [
        (0, (20, 710, 30, 730), (500, 800)),
        (1, (70, 20, 90, 30), (800, 500)),
        (2, (470, 70, 480, 90), (500, 800)),
        (3, (710, 470, 730, 480), (800, 500)),
    ],
)
def test_a_place_as_it_is_seen(turns, seen, size):
    view = View(10, 20, 510, 820, turns)
    assert view.seen(30, 90, 40, 110) == seen
    assert (view.width, view.height) == size
