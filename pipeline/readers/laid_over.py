"""What is laid over a PDF page: annotations and form fields, which anybody can add and which are not its text."""

from dataclasses import dataclass
from typing import Any

import pypdfium2.raw as pdfium

from pipeline.domain.document import Box, Unseen
from pipeline.readers.glyphs import Edges, View
from pipeline.readers.page import normal

_LINKING = (pdfium.FPDF_ANNOT_LINK, pdfium.FPDF_ANNOT_POPUP)  # they show nothing of their own
_MOST = 1_000
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class LaidOver:
    """The annotations of a page. unseen: each with its text, empty where it has none. boxes: where they lie."""

    unseen: tuple[Unseen, ...] = ()
    boxes: tuple[Edges, ...] = ()


def laid_over(page: Any, form: Any | None, view: View, number: int) -> LaidOver:
    """Return what lies over a page (a ``PdfPage``). form: the document's form environment, or None without forms."""
    unseen: list[Unseen] = []
    boxes: list[Edges] = []
    for index in range(min(pdfium.FPDFPage_GetAnnotCount(page), _MOST)):
        note = pdfium.FPDFPage_GetAnnot(page, index)
        if not note:
            continue
        try:
            kind = pdfium.FPDFAnnot_GetSubtype(note)
            text = _text(note, kind, form)
            box = _box(note, view)
        finally:
            pdfium.FPDFPage_CloseAnnot(note)
        if kind in _LINKING or not (text or (box[2] > box[0] and box[3] > box[1])):
            continue
        why = "form-field" if kind == pdfium.FPDF_ANNOT_WIDGET else "annotation"
        unseen.append(Unseen(number, text, Box(*box), why))
        boxes.append(box)
    return LaidOver(tuple(unseen), tuple(boxes))


def _text(note: Any, kind: int, form: Any | None) -> str:
    """Return an annotation's contents or a field's value, in one line."""
    if kind == pdfium.FPDF_ANNOT_WIDGET and form is not None:
        length = pdfium.FPDFAnnot_GetFormFieldValue(form, note, None, 0)
        room = _room(length)
        pdfium.FPDFAnnot_GetFormFieldValue(form, note, room, length)
    else:
        key = b"V\0" if kind == pdfium.FPDF_ANNOT_WIDGET else b"Contents\0"
        length = pdfium.FPDFAnnot_GetStringValue(note, key, None, 0)
        room = _room(length)
        pdfium.FPDFAnnot_GetStringValue(note, key, room, length)
    text = bytes(room).decode("utf-16-le", "replace").rstrip("\0")
    return " ".join(filter(None, map(normal, text.split())))[:_LONGEST]


def _room(length: int) -> Any:
    return (pdfium.FPDF_WCHAR * max(1, (length + 1) // 2))()


def _box(note: Any, view: View) -> Edges:
    bounds = pdfium.FS_RECTF()
    pdfium.FPDFAnnot_GetRect(note, bounds)
    across, up = sorted((bounds.left, bounds.right)), sorted((bounds.bottom, bounds.top))
    return view.seen(across[0], up[0], across[1], up[1])
