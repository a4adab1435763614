"""Which characters of a PDF page a person sees, found on the rendered page and not by guessing at the drawing.

A page is rendered as a person sees it, annotations and form fields included, and again with its text objects hidden.
A character is seen where its ink goes away with its text object. Text objects that lie over one another are hidden in
turns, so that a covered number is not taken for the one above it. Where a later shape, picture or annotation touches
a character, both renderings are made once more without those: what is missing of its ink is covered.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from math import sqrt
from typing import Any

import pypdfium2.raw as pdfium
from PIL import Image, ImageChops

from pipeline.readers.glyphs import Cell, Edges, Glyph, View, area, cells_of, overlap, union
from pipeline.readers.hidden import CONTRAST, Causes
from pipeline.readers.painted import Painting, TextObject

_SCALE = 1.5
_MOST_PIXELS = 4_000_000
_LONGEST_SIDE = 20_000  # pixels
_MOST_TURNS = 6
_CROWD = 200  # characters that begin in one cell of the grid: nobody reads what lies so thick
_TOUCHED = 0.05  # of a character's bounds
_OVERLAID = 0.2
_KEPT = 0.8  # of a character's ink: less is left where it is partly covered
_INK = tuple(255 if level >= CONTRAST else 0 for level in range(256))


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen of a page. why: for each character why it is not seen; empty where it is, and for blanks.

    blank: the rendered page shows nothing at all.
    """

    why: tuple[str, ...]
    blank: bool


def sight_of(page: Any, view: View, glyphs: Sequence[Glyph], painting: Painting, overlays: Sequence[Edges]) -> Sight:
    """Find what a person sees of a page's characters. overlays: where annotations and form fields lie."""
    sheet = _Sheet(page, view)
    causes = Causes(view)
    grid = _Grid(glyphs)
    whole = sheet.render()
    lightness = _range(whole)
    blank = lightness[1] - lightness[0] < CONTRAST
    turns = _turns(grid.conflicts(), painting.texts)
    layers, bare = _layers(sheet, whole, painting, turns)
    touched = _touched(glyphs, grid, painting, overlays)
    uncovered = (
        sheet.uncovered(painting, {number for found in touched.values() for number in found}) if touched else None
    )

    def judged(index: int, glyph: Glyph) -> str:
        text = painting.texts.get(glyph.drawn_by)
        if text is None or glyph.text.isspace():
            return ""
        if unfit := causes.unfit(glyph, text):
            return unfit
        if index in grid.crowded or turns[glyph.drawn_by] >= _MOST_TURNS:
            return "covered"
        place = sheet.pixels(glyph.ink)
        layer = layers[turns[glyph.drawn_by]]
        left = layer.left.crop(place)
        found = left.getbbox()
        if uncovered and index in touched and _less(left, uncovered.crop(place)):
            return "covered"
        if layer.alone:
            alone = layer.alone.crop(place)
            if _less(left, alone):
                return "covered"
            found = found if alone.getbbox() else None
        if found is not None and sheet.whole(found, glyph.ink):
            return ""
        return causes.of(glyph, text, _range(bare.crop(place)), partly=found is not None)

    return Sight(tuple(judged(index, glyph) for index, glyph in enumerate(glyphs)), blank)


@dataclass(frozen=True, slots=True)
class _Layer:
    """The ink of the text objects of one turn. left: what of it shows on the page. alone: with no other text there.

    alone is None where there is a single turn, for no text then lies over another.
    """

    left: Image.Image
    alone: Image.Image | None = None


def _layers(
    sheet: "_Sheet", whole: Image.Image, painting: Painting, turns: Mapping[int, int]
) -> tuple[Mapping[int, _Layer], Image.Image]:
    """Return the ink of each turn, and the page without any text."""
    members: dict[int, list[Any]] = defaultdict(list)
    for number, text in painting.texts.items():
        members[turns[number]].append(text.handle)
    with _without(text.handle for text in painting.texts.values()):
        bare = sheet.render() if members else whole
    if len(members) < 2:  # noqa: PLR2004 - nothing lies over anything
        return {turn: _Layer(_ink(whole, bare)) for turn in members}, bare
    layers = {}
    for turn, handles in members.items():
        with _without(handles):
            left = _ink(whole, sheet.render())
        with _without(handle for other, held in members.items() if other != turn for handle in held):
            layers[turn] = _Layer(left, _ink(sheet.render(), bare))
    return layers, bare


class _Sheet:
    """A page at the resolution it is looked at."""

    def __init__(self, page: Any, view: View) -> None:
        self._page = page
        self._view = view
        most = min(sqrt(_MOST_PIXELS / (view.width * view.height)), _LONGEST_SIDE / max(view.width, view.height))
        self._scale = min(_SCALE, most)
        self._across = self._down = self._scale

    def render(self, *, overlaid: bool = True) -> Image.Image:
        """Render the page in grey, with or without its annotations and form fields."""
        bitmap = self._page.render(scale=self._scale, grayscale=True, draw_annots=overlaid, may_draw_forms=overlaid)
        image: Image.Image = bitmap.to_pil().copy()
        bitmap.close()
        self._across, self._down = image.width / self._view.width, image.height / self._view.height
        return image

    def uncovered(self, painting: Painting, covering: Collection[int]) -> Image.Image:
        """Return the ink of the text as it would be without what covers it. covering: numbers of the painters."""
        with _without(painter.handle for painter in painting.painters if painter.order in covering):
            whole = self.render(overlaid=False)
            with _without(text.handle for text in painting.texts.values()):
                return _ink(whole, self.render(overlaid=False))

    def pixels(self, box: Edges) -> tuple[int, int, int, int]:
        """Return the pixels that a rectangle touches."""
        left, top, right, bottom = box
        across, down = self._across, self._down
        return int(left * across), int(top * down), int(right * across) + 1, int(bottom * down) + 1

    def whole(self, found: tuple[int, int, int, int], ink: Edges) -> bool:
        """Say whether the ink found reaches over the character's bounds, a soft edge aside."""
        wide = found[2] - found[0] >= 0.75 * (ink[2] - ink[0]) * self._across - 0.5
        return wide and found[3] - found[1] >= 0.75 * (ink[3] - ink[1]) * self._down - 0.5


class _Grid:
    """A page's inked characters by the cell they touch."""

    def __init__(self, glyphs: Sequence[Glyph]) -> None:
        self._glyphs = glyphs
        self._cells: dict[Cell, list[int]] = defaultdict(list)
        self._objects: dict[int, list[Glyph]] = defaultdict(list)
        for index, glyph in enumerate(glyphs):
            if glyph.drawn_by and not glyph.text.isspace():
                self._objects[glyph.drawn_by].append(glyph)
                for cell in cells_of(glyph.ink):
                    self._cells[cell].append(index)
        self.crowded = frozenset(i for found in self._cells.values() if len(found) > _CROWD for i in found)

    def at(self, box: Edges) -> Iterator[int]:
        """Yield the characters of the cells that a rectangle touches; some of them more than once."""
        for cell in cells_of(box):
            yield from self._cells.get(cell, ())

    def conflicts(self) -> Mapping[int, set[int]]:
        """Return for each text object those that write something else over it."""
        found: dict[int, set[int]] = defaultdict(set)
        for one, other in self._neighbours():
            if any(_written_over(first, second) for first in self._objects[one] for second in self._objects[other]):
                found[one].add(other)
                found[other].add(one)
        return found

    def _neighbours(self) -> set[tuple[int, int]]:
        """Return the pairs of text objects whose ink may meet."""
        bounds = {number: reduce(union, (glyph.ink for glyph in drawn)) for number, drawn in self._objects.items()}
        pairs: set[tuple[int, int]] = set()
        for members in self._cells.values():
            if len(members) <= _CROWD:
                numbers = sorted({self._glyphs[index].drawn_by for index in members})
                pairs.update(combinations(numbers, 2))
        return {pair for pair in pairs if overlap(bounds[pair[0]], bounds[pair[1]]) > 0}


def _written_over(one: Glyph, other: Glyph) -> bool:
    """Say whether two characters that are not the same share more than a little of their place."""
    shared = overlap(one.ink, other.ink)
    return shared > 0 and one.text != other.text and shared > _OVERLAID * min(area(one.ink), area(other.ink))


def _turns(conflicts: Mapping[int, set[int]], texts: Mapping[int, TextObject]) -> dict[int, int]:
    """Give each text object the turn in which it is hidden: never together with one that it conflicts with."""
    turns: dict[int, int] = dict.fromkeys(texts, 0)
    for number in sorted(conflicts):
        taken = {turns[other] for other in conflicts[number] if other < number and other in turns}
        turns[number] = min(next(turn for turn in range(len(taken) + 1) if turn not in taken), _MOST_TURNS)
    return turns


def _touched(
    glyphs: Sequence[Glyph], grid: _Grid, painting: Painting, overlays: Sequence[Edges]
) -> Mapping[int, set[int]]:
    """Return the characters that something laid over them touches, with the numbers of those painters."""
    found: dict[int, set[int]] = defaultdict(set)
    last = -1  # an annotation is painted after all of the page
    over = [(painter.box, painter.order) for painter in painting.painters] + [(box, last) for box in overlays]
    for box, order in over:
        for index in grid.at(box):
            glyph = glyphs[index]
            text = painting.texts.get(glyph.drawn_by)
            later = text is not None and (order == last or order > text.order)
            if later and overlap(glyph.ink, box) > _TOUCHED * area(glyph.ink):
                found[index].add(order)
    return found


@contextmanager
def _without(handles: Iterable[Any]) -> Iterator[None]:
    """Take objects out of the rendering for a while."""
    held = list(handles)
    for handle in held:
        pdfium.FPDFPageObj_SetIsActive(handle, False)
    try:
        yield
    finally:
        for handle in held:
            pdfium.FPDFPageObj_SetIsActive(handle, True)


def _ink(whole: Image.Image, bare: Image.Image) -> Image.Image:
    return ImageChops.difference(whole, bare).point(_INK)


def _less(left: Image.Image, meant: Image.Image) -> bool:
    """Say whether ink is missing, more than where a thin line crosses it."""
    return left.histogram()[255] < _KEPT * meant.histogram()[255]


def _range(image: Image.Image) -> tuple[int, int]:
    """Return the darkest and the lightest grey of an image."""
    levels = [level for level, count in enumerate(image.histogram()) if count]
    return levels[0], levels[-1]
