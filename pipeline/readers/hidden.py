"""Why a character that is in a PDF page is not seen on it: the words for ``Unseen.why``."""

import ctypes
from math import hypot

import pypdfium2.raw as pdfium

from pipeline.readers.glyphs import Edges, Glyph, View, area, overlap
from pipeline.readers.painted import TextObject, clip_of, matrix_of

CONTRAST = 32
"""How much darker or lighter than what is under it ink must be, of 255 steps of grey."""

_SMALLEST = 3.0  # points, of type: below it nobody reads
_INSIDE = 0.8  # of a character's bounds
_UNSEEN_MODES = (pdfium.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium.FPDF_TEXTRENDERMODE_CLIP)
_OUTLINED = (pdfium.FPDF_TEXTRENDERMODE_STROKE, pdfium.FPDF_TEXTRENDERMODE_STROKE_CLIP)


class Causes:
    """The reasons of one page, worked out once for each text object."""

    def __init__(self, view: View) -> None:
        """View: how the page is seen."""
        self._view = view
        self._modes: dict[int, int] = {}
        self._sizes: dict[int, float] = {}
        self._clips: dict[int, Edges | None] = {}

    def unfit(self, glyph: Glyph, text: TextObject) -> str:
        """Return why a character is not to be read whatever the page shows in its place; empty where it is."""
        if glyph.drawn_by not in self._modes:
            self._modes[glyph.drawn_by] = pdfium.FPDFTextObj_GetTextRenderMode(text.handle)
            self._sizes[glyph.drawn_by] = _size(text)
        if self._modes[glyph.drawn_by] in _UNSEEN_MODES or not area(glyph.ink):
            return "invisible"
        left, top, right, bottom = glyph.ink
        if not (0 <= left + right <= 2 * self._view.width and 0 <= top + bottom <= 2 * self._view.height):
            return "off-page"
        if self._sizes[glyph.drawn_by] < _SMALLEST and max(right - left, bottom - top) < _SMALLEST:
            return "tiny"
        return ""

    def of(self, glyph: Glyph, text: TextObject, under: tuple[int, int], *, partly: bool) -> str:
        """Return why a character's ink is missing. under: darkest and lightest grey where it should be.

        partly: only some of its ink is missing; then empty where no cause is found, for fonts are often wrong about
        the bounds of their characters.
        """
        if text.layer and not partly:
            return "layer"
        if glyph.drawn_by not in self._clips:
            self._clips[glyph.drawn_by] = clip_of(text, self._view)
        clip = self._clips[glyph.drawn_by]
        if clip is not None and overlap(glyph.ink, clip) < _INSIDE * area(glyph.ink):
            return "clipped"
        if overlap(glyph.ink, (0.0, 0.0, self._view.width, self._view.height)) < _INSIDE * area(glyph.ink):
            return "off-page"
        shade, alpha = _colour(text, self._modes[glyph.drawn_by])
        if not alpha:
            return "invisible"
        if under[0] - CONTRAST < shade < under[1] + CONTRAST:
            return "same-colour"
        return "" if partly else "invisible"


def _size(text: TextObject) -> float:
    """Return the size of the type on the page, points."""
    size = ctypes.c_float()
    pdfium.FPDFTextObj_GetFontSize(text.handle, size)
    matrix = matrix_of(text.handle, text.space)
    return abs(size.value) * min(hypot(matrix[2], matrix[3]), 2 * hypot(matrix[0], matrix[1]))


def _colour(text: TextObject, mode: int) -> tuple[float, int]:
    """Return the grey of a text object's colour as PDFium renders it, and its opacity; 0 to 255."""
    parts = [ctypes.c_uint() for _ in range(4)]
    get = pdfium.FPDFPageObj_GetStrokeColor if mode in _OUTLINED else pdfium.FPDFPageObj_GetFillColor
    if not get(text.handle, *parts):
        return 0.0, 255
    red, green, blue, alpha = (part.value for part in parts)
    return (30 * red + 59 * green + 11 * blue) / 100, alpha
