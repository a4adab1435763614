"""The 'CPL - New Entry' form of a workbook, found by what stands in it and never by row number (guidance 5.2)."""

import hashlib
import re

from pipeline.domain.form import Cell, CellKind, Form, FormRow, Tab
from pipeline.domain.message import Problem
from pipeline.readers.package import Package, PackageLimits, Unreadable, open_package
from pipeline.readers.sheet import Row, Workbook, column_letters

FORM_TAB = "CPL - New Entry"
MACRO_ENABLED = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"

_DASHES = re.compile(r"\s*[-\u2010-\u2015\u2212]\s*")
_HEADER_WITHIN = 30
"""The header row of the published form is row 6; beyond this no tab is taken for a form."""
_MOST_ROWS = 2_000
_ANSWER = 7


def is_form_name(name: str) -> bool:
    """Say whether a tab is named 'CPL - New Entry'; a hyphen or an en dash is our matter, a new name is not."""
    return " ".join(_DASHES.sub(" - ", name).split()) == FORM_TAB


def read_form(data: bytes, limits: PackageLimits | None = None) -> Form:
    """State what a workbook holds of the form. Never raises for the bytes: what cannot be read is a Problem."""
    try:
        package = open_package(data, limits)
        book = Workbook(package)
        return _form(package, book)
    except Unreadable as error:
        return Form("", (), "", (), "", macro_enabled=False, signatures=0, problems=(Problem(error.kind, error.text),))


def macro_of(package: Package) -> str:
    """Return the sha256 of the one vbaProject.bin of a workbook; empty where there is none."""
    parts = [name for name in package.names if name.lower().endswith("vbaproject.bin")]
    digests = [hashlib.sha256(package.read(part)).hexdigest() for part in parts]
    return digests[0] if len(digests) == 1 else "+".join(sorted(digests))


def _form(package: Package, book: Workbook) -> Form:
    named = [tab for tab in book.tabs if is_form_name(tab.name)]
    like = [tab for tab in book.tabs if tab not in named and _looks_like_form(book, tab)]
    chosen = next(iter([*named, *like]), None)
    version, rows = ("", ()) if chosen is None else _rows(book, chosen)
    return Form(
        tab="" if chosen is None else chosen.name,
        tabs=book.tabs,
        version=version,
        rows=rows,
        macro=macro_of(package),
        macro_enabled=book.content_type == MACRO_ENABLED,
        signatures=sum(1 for kind in package.types.values() if kind.endswith("digital-signature-xmlsignature+xml")),
        like=tuple(tab.name for tab in [*named, *like] if tab is not chosen),
    )


def _looks_like_form(book: Workbook, tab: Tab) -> bool:
    """Only a small tab can be a form; the list itself is never parsed for this."""
    if not tab.part or book.package.size(tab.part) > (1 << 18):
        return False
    try:
        return any(_is_header(row) for row in book.rows(tab, most=_HEADER_WITHIN))
    except Unreadable:
        return False


def _is_header(row: Row) -> bool:
    return _words(row, 1) == "Data Group" and _words(row, 2) == "Data Attribute" and row.number > 1


def _words(row: Row, column: int) -> str:
    cell = row.cells.get(column)
    return " ".join(cell.text.split()) if cell else ""


def _rows(book: Workbook, tab: Tab) -> tuple[str, tuple[FormRow, ...]]:
    version = ""
    below_header = False
    found: list[FormRow] = []
    for row in book.rows(tab, most=_MOST_ROWS):
        if row.number == 2:  # noqa: PLR2004 - cell A2 (guidance 5.2)
            version = _words(row, 1)
        if below_header and (_words(row, 1) or _words(row, 2) or _ANSWER in row.cells):
            texts = tuple(row.cells[c].text if c in row.cells else "" for c in range(3, 7))
            found.append(
                FormRow(
                    number=row.number,
                    group=_words(row, 1),
                    attribute=_words(row, 2),
                    texts=(texts[0], texts[1], texts[2], texts[3]),
                    answer=row.cells.get(_ANSWER, Cell(f"{column_letters(_ANSWER)}{row.number}", CellKind.EMPTY, "")),
                    hidden=row.hidden,
                )
            )
        below_header = below_header or _is_header(row)
    return version, tuple(found)
