"""The picture of a calendar: what it counts, that it is told in words, and that both drawings are sound."""

import io
from datetime import date

import pytest
from lxml import etree
from PIL import Image

from pipeline.domain.reminder import ReminderKind
from pipeline.remind import calendar, png, svg
from pipeline.remind.picture import HEIGHT, LEFT, picture
from tests.certificates import entry, planned

ON = date(2027, 3, 10)
SVG = "{http://www.w3.org/2000/svg}"


def shown(*days, months=18):
    marks = ("[E]", "[E]", "[R]", "[T]")
    entries = (entry(n, f"{marks[n % 4]} {n}00", day) for n, day in enumerate(days))
    return calendar(planned(*entries), {}, {}, ON, months=months)


BUSY = shown(*[date(2027, 8, day) for day in range(1, 9)], date(2028, 1, 1), date(2027, 3, 1))


def test_each_month_is_a_bar_stacked_by_kind_to_scale():
    made = picture(BUSY)
    bars = [part for part in made.parts if part.count]
    august = [part for part in bars if part.left == bars[0].left]
    assert [(part.kind, part.count) for part in august] == [
        (ReminderKind.EXPIRY, 4),
        (ReminderKind.RENEWAL, 2),
        (ReminderKind.TRIAL, 2),
    ]
    assert august[0].height == 2 * august[1].height == pytest.approx(4 * (made.lines[0] - made.lines[1]) / 2)
    assert august[0].top + august[0].height == made.lines[0]
    assert august[1].top + august[1].height == pytest.approx(august[0].top)
    assert [(part.kind, part.count) for part in bars if part not in august] == [(ReminderKind.EXPIRY, 1)]
    assert min(part.top for part in bars) >= made.lines[-1]


def test_it_says_the_same_in_words_and_letters():
    made = picture(BUSY)
    assert made.told == "08/2027: 4 expiry, 2 renewal, 2 end of trial; 01/2028: 1 expiry. 1 date has passed."
    texts = [label.text for label in made.labels]
    assert {"E 4", "R 2", "T 2", "E 1", "E: expiry", "R: renewal", "T: end of trial", "Aug", "2027", "2028"} <= {*texts}
    assert "nothing ends in these months" in picture(shown()).told


@pytest.mark.parametrize("made", [shown(), BUSY, shown(ON, months=1), shown(*[ON] * 400, months=3)])
def test_both_drawings_are_sound(made):
    layout = picture(made)
    tree = etree.fromstring(svg(made))
    assert tree.get("role") == "img"
    named = [tree.find(f"{SVG}{name}").get("id") for name in ("title", "desc")]
    assert named == tree.get("aria-labelledby").split()
    assert tree.find(f"{SVG}desc").text == layout.told
    fills = {one.get("id") for one in tree.iter(f"{SVG}pattern")}
    assert {one.get("fill") for one in tree.findall(f"{SVG}rect")[1:]} == {f"url(#{name})" for name in fills}
    assert [one.text for one in tree.iter(f"{SVG}text")] == [label.text for label in layout.labels]
    image = Image.open(io.BytesIO(png(made)))
    assert image.size == (layout.width * 2, HEIGHT * 2)
    assert image.text["Description"] == layout.told
    assert all(part.left >= LEFT and part.left + part.width <= layout.width for part in layout.parts if part.count)


def test_the_kinds_differ_without_colour():
    image = Image.open(io.BytesIO(png(BUSY))).convert("L")
    bars = [part for part in picture(BUSY).parts if part.count][:3]
    inked = []
    for part in bars:
        box = image.crop([round(v * 2) for v in (part.left + 1, part.top + 2, part.left + 10, part.top + 20)])
        inked.append(sum(value < 150 for value in box.tobytes()))
    assert inked[0] == 0
    assert 0 < inked[1] < inked[2]
