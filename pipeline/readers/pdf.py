"""PDF files: words with boxes, read by two readers, nothing counted that a person cannot see.

PDFium reads the text, renders the page and says which of it is seen; pdfplumber reads the text again and finds the
lines of tables. A word that both read the same is confirmed.
"""

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from pipeline.domain.document import Box, Document, Page, Unseen, Word
from pipeline.domain.message import Problem
from pipeline.readers.glyphs import View, area, glyphs_of, view_of
from pipeline.readers.laid_over import laid_over
from pipeline.readers.page import Run, lines_of, normal, runs_of, unseen_of
from pipeline.readers.painted import Painting, TooMuch, painting_of
from pipeline.readers.pdf_second import SecondFailed, SecondPage, SecondReader
from pipeline.readers.revisions import revisions_of
from pipeline.readers.tables import rows_of
from pipeline.readers.visible import sight_of

FIRST, SECOND = "pdfium", "pdfplumber"
"""The two readers, as ``Word.readers`` names them."""

_FEW = 20  # characters: a stamp or a footer on a scanned page
_MOST_OF_PAGE = 0.5
_PRODUCER = 200


@dataclass(frozen=True, slots=True)
class PdfLimits:
    """How much of one PDF is read: pages, and on each page characters and painted objects."""

    pages: int = 40
    characters: int = 20_000
    objects: int = 50_000


def read_pdf(data: bytes, limits: PdfLimits) -> Document:
    """Read a PDF file. What cannot be read is a Problem of the Document; nothing is raised."""
    try:
        pdf = open_pdf(data)
    except pypdfium2.PdfiumError as error:
        return Document((), problems=(_refusal(error.err_code, data),))
    try:
        return _Reading(pdf, data, limits).document()
    finally:
        pdf.close()


def open_pdf(data: bytes) -> Any:
    """Open a PDF with PDFium, its form fields ready to be drawn. Raises PdfiumError."""
    pdf = pypdfium2.PdfDocument(data)
    with suppress(pypdfium2.PdfiumError):  # a broken form leaves the page as it is
        if pdf.get_formtype() != pdfium.FORMTYPE_NONE:
            pdf.init_forms()
    return pdf


def _refusal(code: int | None, data: bytes) -> Problem:
    """Word what PDFium says; its code may be left over from an earlier file, so a lock must stand in this one."""
    if code in {pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY} and b"/Encrypt" not in data:
        code = pdfium.FPDF_ERR_FORMAT
    if code == pdfium.FPDF_ERR_PASSWORD:
        return Problem("encrypted", "The PDF needs a password to open; ask for a copy without one.")
    if code == pdfium.FPDF_ERR_SECURITY:
        return Problem(
            "encrypted", "The PDF is protected in a way that is not read; ask for a copy without protection."
        )
    if code == pdfium.FPDF_ERR_SUCCESS:
        return Problem("damaged", "The PDF has no pages; ask for it to be sent again.")
    return Problem("damaged", "The PDF is damaged and cannot be opened; ask for it to be sent again.")


class _Reading:
    """One PDF while it is read."""

    def __init__(self, pdf: Any, data: bytes, limits: PdfLimits) -> None:
        self._pdf = pdf
        self._data = data
        self._limits = limits
        self._problems: list[Problem] = []
        self._unseen: list[Unseen] = []

    def document(self) -> Document:
        """Read page after page."""
        count = len(self._pdf)
        read = range(1, min(count, self._limits.pages) + 1)
        if count > self._limits.pages:
            text = f"The PDF has {count:,} pages; only the first {self._limits.pages} were read."
            self._problems.append(Problem("limit", text))
        with self._second(read) as second:
            pages = tuple(self._page(number, second) for number in read)
        revisions = revisions_of(self._data)
        return Document(
            pages,
            tuple(self._unseen),
            producer=self._producer(),
            revisions=revisions.count,
            signed=revisions.signed,
            changed_after_signing=revisions.changed_after_signing,
            problems=tuple(self._problems),
        )

    def _producer(self) -> str:
        words = self._pdf.get_metadata_value("Producer")[: 2 * _PRODUCER].split()
        return " ".join(filter(None, map(normal, words)))[:_PRODUCER]

    def _second(self, read: range) -> Any:
        try:
            return SecondReader(self._data, read)
        except SecondFailed:
            text = "The second PDF reader could not open the file, so nothing read from it is confirmed."
            self._problems.append(Problem("damaged", text))
            return nullcontext()

    def _page(self, number: int, second: SecondReader | None) -> Page:
        try:
            page = self._pdf[number - 1]
        except pypdfium2.PdfiumError:
            self._problems.append(Problem("damaged", f"Page {number} is damaged and cannot be read.", f"page {number}"))
            return Page(number, 0.0, 0.0, (), "empty")
        view = view_of(page)
        try:
            return self._shown(page, view, number, second)
        except TooMuch:
            text = f"Page {number} draws more than {self._limits.objects:,} objects; it was not read."
            problem = Problem("limit", text, f"page {number}")
        except (pypdfium2.PdfiumError, ArithmeticError, ValueError):  # no size, or numbers beyond all sense
            text = f"Page {number} cannot be rendered, so nobody can say what is seen of it; it was not read."
            problem = Problem("damaged", text, f"page {number}")
        finally:
            page.close()
        self._problems.append(problem)
        return Page(number, view.width, view.height, (), "picture")

    def _shown(self, page: Any, view: View, number: int, second: SecondReader | None) -> Page:
        text_page = page.get_textpage()
        count = text_page.count_chars()
        if count > self._limits.characters:
            text = f"Page {number} has {count:,} characters; only the first {self._limits.characters:,} were read."
            self._problems.append(Problem("limit", text, f"page {number}"))
        glyphs = glyphs_of(text_page, view, min(count, self._limits.characters))
        painting = painting_of(page, view, self._limits.objects)
        over = laid_over(page, self._pdf.formenv, view, number)
        sight = sight_of(page, view, glyphs, painting, over.boxes)
        runs = runs_of(glyphs, sight.why)
        self._unseen += unseen_of(runs, number) + over.unseen
        again = self._again(number, view, second) if second else None
        words = _words(lines_of([run for run in runs if not run.why]), again)
        rows = rows_of(again.rules, [_edges(word.box) for word in words]) if again else ()
        source = _source(words, painting, view, blank=sight.blank)
        return Page(number, view.width, view.height, words, source, rows)

    def _again(self, number: int, view: View, second: SecondReader) -> SecondPage | None:
        try:
            return second.page(number, view)
        except SecondFailed:
            text = f"The second PDF reader could not read page {number}, so nothing read from it is confirmed."
            self._problems.append(Problem("damaged", text, f"page {number}"))
            return None


def _words(lines: Sequence[Sequence[Run]], again: SecondPage | None) -> tuple[Word, ...]:
    words = []
    for line, runs in enumerate(lines, 1):
        for run in runs:
            confirmed = again is not None and not run.doubtful and again.agrees(run.text, run.box)
            readers = (FIRST, SECOND) if confirmed else (FIRST,)
            words.append(Word(run.text, Box(*run.box), line, confirmed, readers))
    return tuple(words)


def _edges(box: Box) -> tuple[float, float, float, float]:
    return box.left, box.top, box.right, box.bottom


def _source(words: Sequence[Word], painting: Painting, view: View, *, blank: bool) -> str:
    """Say what a page is to its reader: text, a picture that may hold more text, or empty.

    A page without text on which something shows is a picture, whether it is drawn or scanned.
    """
    pictures = sum(area(painter.box) for painter in painting.painters if painter.picture)
    pictured = pictures > _MOST_OF_PAGE * view.width * view.height
    few = sum(len(word.text) for word in words) < _FEW
    if words and not (few and pictured):
        return "text"
    return "picture" if pictured or not blank else "empty"
