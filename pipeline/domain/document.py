"""A certificate or letter as it stands on the page: words with boxes, seen by two readers, nothing interpreted."""

from dataclasses import dataclass

from pipeline.domain.message import Problem


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a page as a person sees it: points (1/72 inch) from the top left corner, after rotation."""

    left: float
    top: float
    right: float
    bottom: float

    def __str__(self) -> str:
        """Return the form that Evidence uses: ``[72.0, 301.2, 190.4, 312.9]``."""
        return f"[{self.left:.1f}, {self.top:.1f}, {self.right:.1f}, {self.bottom:.1f}]"


@dataclass(frozen=True, slots=True)
class Word:
    """A run of characters without a blank. text: NFKC, ligatures undone, no-break blanks as breaks.

    confirmed: the second reader found the same text in the same place. readers: which read it, ``pdfium``,
    ``pdfplumber``, ``rapidocr``, ``tesseract``. line: number of the line on the page it stands in, by position.
    """

    text: str
    box: Box
    line: int
    confirmed: bool
    readers: tuple[str, ...] = ("pdfium",)


@dataclass(frozen=True, slots=True)
class Unseen:
    """Text that is in the file but that a person does not see, or that is laid over the page.

    why: ``invisible``, ``same-colour``, ``clipped``, ``off-page``, ``covered``, ``tiny``, ``annotation``,
    ``form-field`` or ``layer``.
    """

    page: int
    text: str
    box: Box
    why: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page. words: what a person sees, in reading order. cells: ruled table cells, by row, as word numbers.

    source: ``text`` (a text layer), ``ocr`` (read from a picture), ``picture`` (a picture nobody has read) or
    ``empty``. width, height: points, after rotation.
    """

    number: int
    width: float
    height: float
    words: tuple[Word, ...]
    source: str
    rows: tuple[tuple[tuple[int, ...], ...], ...] = ()
    """Rows of ruled tables: each row a tuple of cells, each cell the positions of its words in ``words``."""


@dataclass(frozen=True, slots=True)
class Document:
    """Everything read of one file that may be a certificate or a letter.

    producer: the program that made the file, as it says. revisions: how often the file was saved (1 = never changed by
    an incremental update). signed: it carries a digital signature; changed_after_signing: saved again after that.
    """

    pages: tuple[Page, ...]
    unseen: tuple[Unseen, ...] = ()
    producer: str = ""
    revisions: int = 1
    signed: bool = False
    changed_after_signing: bool = False
    problems: tuple[Problem, ...] = ()
