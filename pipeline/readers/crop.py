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
from pipeline.readers.picture import MAGIC, crop_picture
from pipeline.readers.unreadable import Unreadable

MARGIN = 18.0
"""Points of the page shown around the box: enough to see a label beside it or above it."""

_MOST_PIXELS = 16_000_000


def crop_bytes(payload: bytes) -> Crop:
    """Answer a CropQuestion that came as MessagePack; the job ``crop`` of the capped child."""
    question = msgspec.msgpack.decode(payload, type=CropQuestion)
    try:
        return Crop(crop_png(question.data, question.page, question.box, question.dpi))
    except Unreadable as error:
        return Crop(problem=Problem(error.kind, error.text, error.where))


def crop_png(data: bytes, page: int, box: Box, dpi: int = 200) -> bytes:
    """Return a PNG of a box on a page as a person sees it, annotations included, with a margin.

    Raises Unreadable where the file is no PDF or picture, has no such page, or cannot be shown.
    """
    wanted = Box(box.left - MARGIN, box.top - MARGIN, box.right + MARGIN, box.bottom + MARGIN)
    dpi = max(36, min(dpi, 600))
    if is_pdf(data):
        image = _crop_pdf(data, page, wanted, dpi)
    elif data.startswith(MAGIC):
        image = crop_picture(data, page, wanted, dpi)
    else:
        raise Unreadable("unsupported", "Only PDF files and pictures can be shown.")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _crop_pdf(data: bytes, number: int, box: Box, dpi: int) -> Image.Image:
    try:
        pdf = open_pdf(data)
    except pypdfium2.PdfiumError as error:
        raise Unreadable("damaged", "The PDF cannot be opened.") from error
    try:
        if not 1 <= number <= len(pdf):
            raise Unreadable("limit", f"The PDF has no page {number}.")
        page = pdf[number - 1]
        view = view_of(page)
        width, height = page.get_size()
        stretch_x, stretch_y = width / view.width, height / view.height
        left, top = max(0.0, box.left) * stretch_x, max(0.0, box.top) * stretch_y
        right, bottom = min(view.width, box.right) * stretch_x, min(view.height, box.bottom) * stretch_y
        if left >= right or top >= bottom:
            raise Unreadable("limit", f"The place is not on page {number}.")
        scale = min(dpi / 72, sqrt(_MOST_PIXELS / ((right - left) * (bottom - top))))
        bitmap = page.render(scale=scale, crop=(left, height - bottom, width - right, top))
        shown: Image.Image = bitmap.to_pil().convert("RGB")
    except (pypdfium2.PdfiumError, ZeroDivisionError) as error:
        raise Unreadable("damaged", f"Page {number} cannot be shown.") from error
    finally:
        pdf.close()
    return shown
