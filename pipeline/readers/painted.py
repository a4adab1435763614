"""What a PDF page paints, in the order it is painted: text objects, and the shapes and pictures that may cover them."""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pypdfium2.raw as pdfium

from pipeline.readers.glyphs import Edges, View, address

Matrix = tuple[float, float, float, float, float, float]
_IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
_DEEPEST = 12
_PAINTERS = (pdfium.FPDF_PAGEOBJ_PATH, pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_SHADING)


class TooMuch(Exception):  # noqa: N818 - named for the fact
    """The page paints more objects than are looked at."""


@dataclass(frozen=True, slots=True)
class TextObject:
    """One text object. order: its turn in painting. space: from the form it stands in to the page.

    layer: it or a form around it is marked as belonging to an optional-content layer (ISO 32000-1, 8.11).
    """

    handle: Any
    order: int
    space: Matrix
    layer: bool


@dataclass(frozen=True, slots=True)
class Painter:
    """A shape, shading or picture. box: its bounds as seen, cut to the page. picture: it is an image."""

    handle: Any
    order: int
    box: Edges
    picture: bool


@dataclass(frozen=True, slots=True)
class Painting:
    """Everything a page paints. texts: by the number of their object."""

    texts: dict[int, TextObject]
    painters: tuple[Painter, ...]


def painting_of(page: Any, view: View, most: int) -> Painting:
    """Walk a page's objects, those inside forms included. Raises TooMuch beyond ``most`` of them."""
    texts: dict[int, TextObject] = {}
    painters: list[Painter] = []
    for order, (handle, kind, space, layer) in enumerate(_objects(page)):
        if order >= most:
            raise TooMuch
        if kind == pdfium.FPDF_PAGEOBJ_TEXT:
            texts[address(handle)] = TextObject(handle, order, space, layer)
        elif kind == pdfium.FPDF_PAGEOBJ_IMAGE or (kind in _PAINTERS and texts):  # a shape counts where it comes later
            box = _bounds(handle, space, view)
            if box[0] < box[2] and box[1] < box[3]:
                painters.append(Painter(handle, order, box, kind == pdfium.FPDF_PAGEOBJ_IMAGE))
    return Painting(texts, tuple(painters))


def clip_of(item: TextObject, view: View) -> Edges | None:
    """Return the bounds of what a text object is clipped to, as seen; None where it is not clipped."""
    path = pdfium.FPDFPageObj_GetClipPath(item.handle)
    count = pdfium.FPDFClipPath_CountPaths(path) if path else 0
    edges: Edges | None = None
    x, y = ctypes.c_float(), ctypes.c_float()
    for number in range(min(count, 100)):
        points = []
        for step in range(min(pdfium.FPDFClipPath_CountPathSegments(path, number), 1_000)):
            segment = pdfium.FPDFClipPath_GetPathSegment(path, number, step)
            if pdfium.FPDFPathSegment_GetPoint(segment, x, y):
                points.append(_moved(item.space, x.value, y.value))
        if points:
            across, up = zip(*points, strict=True)
            one = view.seen(min(across), min(up), max(across), max(up))
            edges = one if edges is None else _common(edges, one)
    return edges


def matrix_of(handle: Any, space: Matrix) -> Matrix:
    """Return an object's own matrix followed by that of the space it stands in."""
    own = pdfium.FS_MATRIX()
    if not pdfium.FPDFPageObj_GetMatrix(handle, own):
        return space
    return _product((own.a, own.b, own.c, own.d, own.e, own.f), space)


def _objects(page: Any) -> Iterator[tuple[Any, int, Matrix, bool]]:
    for index in range(pdfium.FPDFPage_CountObjects(page)):
        yield from _with_inner(pdfium.FPDFPage_GetObject(page, index), _IDENTITY, layer=False, depth=0)


def _with_inner(handle: Any, space: Matrix, *, layer: bool, depth: int) -> Iterator[tuple[Any, int, Matrix, bool]]:
    kind = pdfium.FPDFPageObj_GetType(handle)
    if kind in {pdfium.FPDF_PAGEOBJ_TEXT, pdfium.FPDF_PAGEOBJ_FORM}:
        layer = layer or _marked_as_layer(handle)
    yield handle, kind, space, layer
    if kind != pdfium.FPDF_PAGEOBJ_FORM or depth >= _DEEPEST:
        return
    inner = matrix_of(handle, space)
    for index in range(pdfium.FPDFFormObj_CountObjects(handle)):
        found = pdfium.FPDFFormObj_GetObject(handle, index)
        yield from _with_inner(found, inner, layer=layer, depth=depth + 1)


def _marked_as_layer(handle: Any) -> bool:
    """Say whether an object stands in a marked-content sequence /OC."""
    for index in range(min(pdfium.FPDFPageObj_CountMarks(handle), 20)):
        name = ctypes.create_string_buffer(16)
        length = ctypes.c_ulong()
        mark = pdfium.FPDFPageObj_GetMark(handle, index)
        wide = ctypes.cast(name, ctypes.POINTER(pdfium.FPDF_WCHAR))
        if pdfium.FPDFPageObjMark_GetName(mark, wide, len(name), length) and name.raw.startswith(b"O\0C\0\0\0"):
            return True
    return False


def _bounds(handle: Any, space: Matrix, view: View) -> Edges:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    if not pdfium.FPDFPageObj_GetBounds(handle, left, bottom, right, top):
        return 0.0, 0.0, 0.0, 0.0
    corners = [_moved(space, x.value, y.value) for x in (left, right) for y in (bottom, top)]
    across, up = zip(*corners, strict=True)
    return _common(view.seen(min(across), min(up), max(across), max(up)), (0.0, 0.0, view.width, view.height))


def _common(one: Edges, other: Edges) -> Edges:
    return max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])


def _moved(matrix: Matrix, x: float, y: float) -> tuple[float, float]:
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f


def _product(first: Matrix, then: Matrix) -> Matrix:
    a, b, c, d, e, f = first
    x, y = _moved(then, e, f)
    return (
        a * then[0] + b * then[2],
        a * then[1] + b * then[3],
        c * then[0] + d * then[2],
        c * then[1] + d * then[3],
        x,
        y,
    )
