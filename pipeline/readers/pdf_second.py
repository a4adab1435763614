"""The second reader of a PDF: pdfplumber (pdfminer.six), which shares no code with PDFium.

It is asked two things: which characters it finds where, so that a word counts only where both readers read the same,
and where the ruled lines of tables run.
"""

import io
import logging
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import pdfplumber
from pdfminer.layout import LTChar, LTComponent, LTContainer, LTCurve, LTItem, LTLine, LTPage, LTRect

from pipeline.readers.glyphs import Cell, Edges, View, area, cell_at, cells_of, overlap, union
from pipeline.readers.page import normal

logging.getLogger("pdfminer").setLevel(logging.ERROR)  # it warns of every oddity of a file, quoting it

_SAME = 1.0  # points: text drawn twice to look bold


class SecondFailed(Exception):  # noqa: N818 - named for the fact
    """pdfplumber could not read the file or the page; what the first reader read stays unconfirmed."""


class Mark(NamedTuple):
    """One character as pdfplumber finds it."""

    text: str
    box: Edges


class Rule(NamedTuple):
    """One straight line, or one side of a rectangle: from ``start`` to ``end`` at height or distance ``at``."""

    upright: bool
    at: float
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class SecondPage:
    """What pdfplumber finds on a page: its characters by place, and the lines drawn."""

    rules: tuple[Rule, ...]
    _marks: Mapping[Cell, Sequence[tuple[int, Mark]]] = field(repr=False)

    def agrees(self, text: str, box: Edges) -> bool:
        """Say whether the characters whose middle lies in the box are that text, and fill more than half of it."""
        found = sorted((number, mark) for number, mark in self._near(box) if _middle_in(mark.box, box))
        marks = _once([mark for _, mark in found])
        if not marks:
            return False
        place = marks[0].box
        for mark in marks:
            place = union(place, mark.box)
        if overlap(place, box) <= min(area(place), area(box)) / 2:
            return False
        by_place = sorted(marks, key=lambda mark: mark.box[0])
        return any(normal("".join(mark.text for mark in order)) == text for order in (marks, by_place))

    def _near(self, box: Edges) -> Iterator[tuple[int, Mark]]:
        for cell in cells_of(box):
            yield from self._marks.get(cell, ())


class SecondReader:
    """A PDF opened with pdfplumber; a context manager. Nothing it does raises anything but SecondFailed."""

    def __init__(self, data: bytes, pages: Collection[int]) -> None:
        """Open the file. pages: the numbers, from 1, that will be asked for."""
        try:
            self._pdf = pdfplumber.open(io.BytesIO(data), pages=sorted(pages))
            self._pages = {page.page_number: page for page in self._pdf.pages}
        except Exception as error:
            raise SecondFailed from error

    def __enter__(self) -> Self:
        """Keep the file open for the pages to come."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of what was read."""
        self._pdf.close()

    def page(self, number: int, view: View) -> SecondPage:
        """Read one page in the frame that the first reader sees it in."""
        try:
            page = self._pages[number]
            page.page_obj.mediabox = (view.left, view.bottom, view.right, view.top)
            page.page_obj.rotate = 90 * view.turns
            return _page(page.layout, view)
        except Exception as error:
            raise SecondFailed from error


def _page(layout: LTPage, view: View) -> SecondPage:
    marks: dict[Cell, list[tuple[int, Mark]]] = defaultdict(list)
    rules: list[Rule] = []
    height = view.height
    for number, item in enumerate(_items(layout)):
        if isinstance(item, LTChar):
            mark = Mark(item.get_text(), (item.x0, height - item.y1, item.x1, height - item.y0))
            across, down = (item.x0 + item.x1) / 2, height - (item.y0 + item.y1) / 2
            marks[cell_at(across, down)].append((number, mark))
        elif isinstance(item, LTCurve):
            rules += _rules(item, height)
    return SecondPage(tuple(rules), marks)


def _items(layout: LTContainer[LTComponent]) -> Iterator[LTItem]:
    """Yield everything on a page, what stands in forms included."""
    waiting = [iter(layout)]
    while waiting:
        for item in waiting[-1]:
            if isinstance(item, LTContainer):
                waiting.append(iter(item))
                break
            yield item
        else:
            waiting.pop()


def _rules(shape: LTCurve, height: float) -> Iterator[Rule]:
    left, top, right, bottom = shape.x0, height - shape.y1, shape.x1, height - shape.y0
    if isinstance(shape, LTLine):
        if right - left >= bottom - top:
            yield Rule(upright=False, at=(top + bottom) / 2, start=left, end=right)
        else:
            yield Rule(upright=True, at=(left + right) / 2, start=top, end=bottom)
    elif isinstance(shape, LTRect):
        yield Rule(upright=False, at=top, start=left, end=right)
        yield Rule(upright=False, at=bottom, start=left, end=right)
        yield Rule(upright=True, at=left, start=top, end=bottom)
        yield Rule(upright=True, at=right, start=top, end=bottom)


def _middle_in(one: Edges, box: Edges) -> bool:
    across, down = (one[0] + one[2]) / 2, (one[1] + one[3]) / 2
    return box[0] <= across <= box[2] and box[1] <= down <= box[3]


def _once(marks: Sequence[Mark]) -> list[Mark]:
    """Leave out what is drawn a second time in the same place."""
    kept: list[Mark] = []
    for mark in marks:
        twice = (
            abs(mark.box[0] - one.box[0]) < _SAME and abs(mark.box[1] - one.box[1]) < _SAME
            for one in kept
            if one.text == mark.text
        )
        if not any(twice):
            kept.append(mark)
    return kept
