"""The characters of one PDF page as PDFium reads them, each with its place and the text object that draws it.

PDFium gives the page's own content only: annotations and form fields lie over the page and are no part of its text.
"""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

Edges = tuple[float, float, float, float]
"""Left, top, right, bottom, in points from the top left corner of the page as a person sees it."""

Cell = tuple[int, int]
"""One cell of the grid by which things near one another on a page are found."""

_WIDE, _HIGH = 32.0, 16.0  # points
_COLUMNS, _ROWS = 300, 600  # what lies outside is counted to the outermost
_USUAL = 40.0  # points: a character's box up to here is not looked at twice
_HYPHEN = 0x02
"""What PDFium makes of a hyphen at the end of a line."""


class Glyph(NamedTuple):
    """One character (a named tuple: there are thousands to a page).

    text: as the file maps it to Unicode; U+FFFD where it does not. box: advance width by ascent and descent.
    ink: the outline's own bounds. drawn_by: the text object, as a number; 0 for a blank or a line end that PDFium
    worked out. ends_line: a hyphen that stands at the end of a line.
    """

    text: str
    box: Edges
    ink: Edges
    drawn_by: int
    ends_line: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """How a page is seen: the part of it that is shown (CropBox within MediaBox) and its turn.

    left, bottom, right, top: in the page's own coordinates, points. turns: quarter turns clockwise, 0 to 3.
    """

    left: float
    bottom: float
    right: float
    top: float
    turns: int

    @property
    def width(self) -> float:
        """Points, as seen."""
        return self.top - self.bottom if self.turns % 2 else self.right - self.left

    @property
    def height(self) -> float:
        """Points, as seen."""
        return self.right - self.left if self.turns % 2 else self.top - self.bottom

    def seen(self, left: float, bottom: float, right: float, top: float) -> Edges:
        """Return a rectangle of the page's own coordinates as it is seen."""
        if self.turns == 0:
            return left - self.left, self.top - top, right - self.left, self.top - bottom
        if self.turns == 1:
            return bottom - self.bottom, left - self.left, top - self.bottom, right - self.left
        if self.turns == 2:  # noqa: PLR2004 - upside down
            return self.right - right, bottom - self.bottom, self.right - left, top - self.bottom
        return self.top - top, self.right - right, self.top - bottom, self.right - left


def view_of(page: Any) -> View:
    """Return how PDFium shows a page (a ``PdfPage``)."""
    bounds = pdfium.FS_RECTF()
    pdfium.FPDF_GetPageBoundingBox(page, bounds)
    return View(bounds.left, bounds.bottom, bounds.right, bounds.top, pdfium.FPDFPage_GetRotation(page) % 4)


def glyphs_of(text_page: Any, view: View, count: int) -> list[Glyph]:
    """Return the first ``count`` characters of a page's text (a ``PdfTextPage``), in the order PDFium reads them."""
    raw = text_page.raw
    loose = pdfium.FS_RECTF()
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    loose_at = ctypes.byref(loose)
    ink_at = tuple(ctypes.byref(edge) for edge in (left, right, bottom, top))
    seen = view.seen
    glyphs = []
    for index in range(count):
        code = pdfium.FPDFText_GetUnicode(raw, index)
        drawn_by = address(pdfium.FPDFText_GetTextObject(raw, index))
        pdfium.FPDFText_GetLooseCharBox(raw, index, loose_at)
        pdfium.FPDFText_GetCharBox(raw, index, *ink_at)
        ink = seen(left.value, bottom.value, right.value, top.value)
        box = seen(loose.left, loose.bottom, loose.right, loose.top)
        text = "-" if code == _HYPHEN else _character(code)
        glyphs.append(Glyph(text, _sound(box, ink), ink, drawn_by, code == _HYPHEN))
    return glyphs


def address(handle: Any) -> int:
    """Return the number that tells one PDFium object from another; 0 for none."""
    return ctypes.c_void_p.from_buffer(handle).value or 0


def cell_at(across: float, down: float) -> Cell:
    """Return the cell of the grid in which a point lies."""
    return min(max(int(across / _WIDE), 0), _COLUMNS), min(max(int(down / _HIGH), 0), _ROWS)


def cells_of(box: Edges) -> Sequence[Cell]:
    """Return the cells of the grid that a rectangle touches."""
    first = cell_at(box[0], box[1])
    last = cell_at(box[2], box[3])
    if first == last:
        return (first,)
    columns, rows = range(first[0], last[0] + 1), range(first[1], last[1] + 1)
    return [(column, row) for column in columns for row in rows]


def overlap(one: Edges, other: Edges) -> float:
    """Return the area that two rectangles share, in square points."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return width * height if width > 0 and height > 0 else 0.0


def area(box: Edges) -> float:
    """Return the area of a rectangle, in square points."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def union(one: Edges, other: Edges) -> Edges:
    """Return the smallest rectangle that holds both."""
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def _character(code: int) -> str:
    if code == 0 or code > 0x10FFFF or 0xD800 <= code < 0xE000:  # noqa: PLR2004 - Unicode's own bounds
        return "\ufffd"
    return chr(code)


def _sound(box: Edges, ink: Edges) -> Edges:
    """Return the box, or the ink's where a font's ascent, descent or width is missing or absurd."""
    width, height = box[2] - box[0], box[3] - box[1]
    if width <= 0 or height <= 0:
        return ink
    if width < _USUAL and height < _USUAL:
        return box
    return ink if max(width, height) > _USUAL + 4 * max(ink[3] - ink[1], ink[2] - ink[0]) else box
