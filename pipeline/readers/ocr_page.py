"""One scanned page in the capped child: shown as a picture, read by the OCR engines, their words joined."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import sqrt

import msgspec
import pypdfium2
from PIL import Image

from pipeline.domain.document import Page
from pipeline.domain.message import Problem
from pipeline.readers.document import is_pdf
from pipeline.readers.glyphs import view_of
from pipeline.readers.ocr_rapid import rapidocr_lines
from pipeline.readers.ocr_request import Engines, OcrQuestion, ScannedPage
from pipeline.readers.ocr_tesseract import tesseract_lines
from pipeline.readers.ocr_words import EngineFailed, Line, Token, words_of
from pipeline.readers.pdf import open_pdf
from pipeline.readers.picture import MAGIC, shown_picture
from pipeline.readers.unreadable import Unreadable

_DPI = 300.0  # what both engines were measured at; a coarser scan is enlarged to it
_MOST_PIXELS = 10_000_000  # A4 at 300 dpi is 8.7 million


def scan_page(payload: bytes) -> ScannedPage:
    """Answer an OcrQuestion that came as MessagePack; the job ``ocr`` of the capped child."""
    question = msgspec.msgpack.decode(payload, type=OcrQuestion)
    try:
        image, width, height = _shown(question.data, question.page)
    except Unreadable as error:
        return ScannedPage(None, (Problem(error.kind, error.text, f"page {question.page}"),))
    return _read(image, Page(question.page, width, height, (), "ocr"), question.engines)


def _shown(data: bytes, number: int) -> tuple[Image.Image, float, float]:
    """Return a page as a greyscale picture, and its width and height in points. Raises Unreadable."""
    if is_pdf(data):
        return _pdf_page(data, number)
    if not data.startswith(MAGIC):
        raise Unreadable("unsupported", "Only PDF files and pictures are read by OCR.")
    image, width, height = shown_picture(data, number)
    scale = _scale(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return image.convert("L").resize(size, Image.Resampling.BICUBIC), width, height


def _scale(width: float, height: float) -> float:
    """Return dots to a point for a page of this size in points."""
    return min(_DPI / 72, sqrt(_MOST_PIXELS / (width * height)))


def _pdf_page(data: bytes, number: int) -> tuple[Image.Image, float, float]:
    try:
        pdf = open_pdf(data)
    except pypdfium2.PdfiumError as error:
        raise Unreadable("damaged", "The PDF cannot be opened.") from error
    try:
        if not 1 <= number <= len(pdf):
            raise Unreadable("limit", f"The PDF has no page {number}.")
        page = pdf[number - 1]
        view = view_of(page)
        scale = _scale(*page.get_size())
        image: Image.Image = page.render(scale=scale, grayscale=True).to_pil()
    except (pypdfium2.PdfiumError, ArithmeticError, ValueError) as error:
        raise Unreadable("damaged", f"Page {number} cannot be shown.") from error
    finally:
        pdf.close()
    return image, view.width, view.height


def _read(image: Image.Image, page: Page, engines: Engines) -> ScannedPage:
    """Read a page with every engine there is, side by side; one that fails leaves the other's words, unconfirmed."""
    across, down = page.width / image.width, page.height / image.height
    failed: list[str] = []

    def lines_of(engine: Callable[[], list[Line]]) -> list[Line]:
        try:
            return _in_points(engine(), across, down)
        except EngineFailed as error:
            failed.append(str(error))
            return []

    with ThreadPoolExecutor(1) as beside:
        dpi = round(72 / down)
        waiting = beside.submit(tesseract_lines, engines.tesseract, image, dpi) if engines.tesseract else None
        rapid = lines_of(lambda: rapidocr_lines(image)) if engines.rapidocr else []
        tesseract = lines_of(waiting.result) if waiting else []
    words = words_of(rapid, tesseract)
    return ScannedPage(replace(page, words=words), _told(failed, page.number))


def _in_points(lines: Sequence[Line], across: float, down: float) -> list[Line]:
    return [
        [Token(text, (box[0] * across, box[1] * down, box[2] * across, box[3] * down)) for text, box in line]
        for line in lines
    ]


def _told(failed: Sequence[str], number: int) -> tuple[Problem, ...]:
    where = f"page {number}"
    return tuple(
        Problem("unsupported", f"{clause} on page {number}, so nothing read there is confirmed.", where)
        for clause in failed
    )
