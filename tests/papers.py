"""Documents drawn with the typewriter: what a reader of PDF files would return, without one.

A line of text is a line of the page, six points to a character; two blanks or more are a wide gap. A line of cells
between bars (``| a | b |``) is a row of a ruled table. A word with ``?`` before it is one that only one reader read.
"""

import re
from itertools import pairwise
from pathlib import Path

from pipeline.domain.certificate import CertificateReading
from pipeline.domain.document import Box, Document, Page, Word
from pipeline.readers.certificate import interpret
from pipeline.rulebook import Rulebook
from pipeline.rulebook.certificates import certificate_kinds

KINDS = certificate_kinds(Rulebook.load(Path(__file__).resolve().parents[1] / "rules").files)
LINE = 12.0
STEP = 6.0
BOTH = ("pdfium", "pdfplumber")


def paper(*pages: str, source: str = "text") -> Document:
    return Document(tuple(_page(number, text, source) for number, text in enumerate(pages, 1)))


def _page(number: int, text: str, source: str) -> Page:
    words: list[Word] = []
    rows: list[tuple[tuple[int, ...], ...]] = []
    for line, drawn in enumerate(text.strip("\n").splitlines(), 1):
        bars = [found.start() for found in re.finditer(r"\|", drawn)]
        cells: list[list[int]] = [[] for _ in bars[1:]]
        for found in re.finditer(r"[^\s|]+", drawn):
            sure = not found[0].startswith("?")
            left, top = 50 + STEP * found.start(), 60 + LINE * line
            box = Box(left, top, left + STEP * len(found[0]), top + 9)
            for cell, (start, end) in enumerate(pairwise(bars)):
                if start < found.start() < end:
                    cells[cell].append(len(words))
            words.append(Word(found[0].lstrip("?"), box, line, sure, BOTH if sure else BOTH[:1]))
        if cells:
            rows.append(tuple(map(tuple, cells)))
    return Page(number, 595, 842, tuple(words), source, tuple(rows))


def read(*pages: str, source: str = "text") -> CertificateReading:
    return interpret("paper.pdf", "0" * 64, paper(*pages, source=source), KINDS)


def said(reading: CertificateReading, field: str) -> list[str]:
    return [value.text for value in reading.all(field)]


MODEL = (
    "manufacturer_identifier",
    "model_identifier",
    "hardware_version.version",
    "hardware_version.revision",
    "firmware_version",
)


def models(reading: CertificateReading) -> list[tuple[str, ...]]:
    """Return the Device Models of a reading, ``-`` for what a document does not say."""
    return [tuple(value.text if (value := device.value(name)) else "-" for name in MODEL) for device in reading.devices]
