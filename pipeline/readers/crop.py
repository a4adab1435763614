"""The place where a value was read, as a picture for a person to look at."""

import io
from math import sqrt

import msgspec
import pypdfium2
from PIL import Image

from pipeline.domain.document import Box
from pipeline.domain.message import Problem
from pipeline.readers.crop_request import Crop, CropQuestion
from pipeline.readers.document import is_pdf
from pipeline.readers.glyphs import view_of
from pipeline.readers.pdf import open_pdf
from pipeline.readers.picture import MAGIC, shown_picture
from pipeline.readers.unreadable import Unreadable

MARGIN = 18.0
"""Points of the page shown around the box: enough to see a label above it."""

LABEL = 180.0
"""Points shown to its left: labels stand there, in some layouts at the other edge of a wide column."""

_MOST_PIXELS = 16_000_000


def crop_bytes(payload: bytes) -> Crop:
    """Answer a CropQuestion that came as MessagePack; the job ``crop`` of the capped child."""
    question = msgspec.msgpack.decode(payload, type=CropQuestion)
    try:
        return Crop(crop_png(question.data, question.page, question.box, question.dpi))
    except Unreadable as error:
        return Crop(problem=Problem(error.kind, error.text, error.where))


def crop_png(data: bytes, page: int, box: Box, dpi: int = 200) -> bytes:
    """Return a PNG of a box on a page as a person sees it, annotations included, with a margin, cut at the page's edge.

    Raises Unreadable where the file is no PDF or picture, has no such page or place, or cannot be shown.
    """
    wanted = Box(box.left - LABEL, box.top - MARGIN, box.right + MARGIN, box.bottom + MARGIN)
    dpi = max(36, min(dpi, 600))
    if is_pdf(data):
        image = _crop_pdf(data, page, wanted, dpi)
    elif data.startswith(MAGIC):
        image = _crop_picture(data, page, wanted, dpi)
    else:
        raise Unreadable("unsupported", "Only PDF files and pictures can be shown.")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _crop_pdf(data: bytes, number: int, wanted: Box, dpi: int) -> Image.Image:
    try:
        pdf = open_pdf(data)
    except pypdfium2.PdfiumError as error:
        raise Unreadable("damaged", "The PDF cannot be opened.") from error
    try:
        if not 1 <= number <= len(pdf):
            raise Unreadable("limit", f"The PDF has no page {number}.")
        page = pdf[number - 1]
        view = view_of(page)
        box = _on_page(wanted, view.width, view.height, number)
        width, height = page.get_size()
        across, down = width / view.width, height / view.height
        margins = (
            box.left * across,
            height - box.bottom * down,
            width - box.right * across,
            box.top * down,
        )
        bitmap = page.render(scale=_scale(box, dpi), crop=margins)
        shown: Image.Image = bitmap.to_pil().convert("RGB")
    except (pypdfium2.PdfiumError, ZeroDivisionError) as error:
        raise Unreadable("damaged", f"Page {number} cannot be shown.") from error
    finally:
        pdf.close()
    return shown


def _crop_picture(data: bytes, number: int, wanted: Box, dpi: int) -> Image.Image:
    shown, width, height = shown_picture(data, number)
    box = _on_page(wanted, width, height, number)
    across, down = shown.width / width, shown.height / height
    scale = _scale(box, dpi)
    size = max(1, round((box.right - box.left) * scale)), max(1, round((box.bottom - box.top) * scale))
    place = (box.left * across, box.top * down, box.right * across, box.bottom * down)
    return shown.resize(size, box=place)


def _on_page(box: Box, width: float, height: float, number: int) -> Box:
    """Return the part of a box that is on the page. Raises Unreadable where none is."""
    cut = Box(max(0.0, box.left), max(0.0, box.top), min(width, box.right), min(height, box.bottom))
    if cut.left >= cut.right or cut.top >= cut.bottom:
        raise Unreadable("limit", f"The place is not on page {number}.")
    return cut


def _scale(box: Box, dpi: int) -> float:
    """Return dots to a point, fewer than asked for where the picture would be too large."""
    return min(dpi / 72, sqrt(_MOST_PIXELS / ((box.right - box.left) * (box.bottom - box.top))))
