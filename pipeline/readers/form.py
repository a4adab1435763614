"""The 'CPL - New Entry' form of a workbook, found by what stands in it and never by row number (guidance 5.2)."""

import hashlib
import re

from pipeline.domain.form import Cell, CellKind, Form, FormRow, Tab
from pipeline.domain.message import Problem
from pipeline.readers.package import Package, PackageLimits, Unreadable, open_package, shown
from pipeline.readers.sheet import Row, Workbook, column_letters

FORM_TAB = "CPL - New Entry"
MACRO_ENABLED = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"

_DASHES = re.compile(r"\s*[-\u2010-\u2015\u2212]\s*")
_HEADER_WITHIN = 30
"""The header row of the published form is row 6; beyond this no tab is taken for a form."""
_LAST_ROW, _LAST_COLUMN = 2_000, 256
"""The published form ends at I44. What stands far beyond is hidden from people, or made to exhaust a program."""
_ANSWER = 7
_MACRO_TYPE = "application/vnd.ms-office.vbaProject"
_SIGNATURE = "digital-signature-xmlsignature+xml"


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


def macro_of(book: Workbook) -> str:
    """Return the sha256 of a workbook's macro; empty where there is none, all joined by ``+`` where there are more.

    Whatever the workbook points at as its macro, and whatever else is declared or named as one, counts: a copy of the
    published macro that nothing points at must not speak for another one.
    """
    package = book.package
    declared = {name.lower() for name in package.names if package.content_type(name) == _MACRO_TYPE}
    named = {name.lower() for name in package.names if name.lower().endswith("vbaproject.bin")}
    parts = sorted(declared | named | {part.lower() for part in book.targets("vbaProject")})
    return "+".join(sorted(hashlib.sha256(package.read(part)).hexdigest() for part in parts))


def _form(package: Package, book: Workbook) -> Form:
    named = [tab for tab in book.tabs if is_form_name(tab.name)]
    like = [tab for tab in book.tabs if tab not in named and _looks_like_form(book, tab)]
    chosen = next(iter([*named, *like]), None)
    version, rows = ("", ()) if chosen is None else _rows(book, chosen)
    problems: tuple[Problem, ...] = ()
    if chosen is not None and not rows:
        text = f"the tab '{chosen.name}' has no rows below the headings 'Data Group' and 'Data Attribute'"
        problems = (Problem("damaged", text),)
    return Form(
        tab="" if chosen is None else chosen.name,
        tabs=book.tabs,
        version=version,
        rows=rows,
        macro=macro_of(book),
        macro_enabled=book.content_type == MACRO_ENABLED,
        signatures=sum(package.content_type(name).endswith(_SIGNATURE) for name in package.names),
        like=tuple(tab.name for tab in [*named, *like] if tab is not chosen),
        problems=problems,
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
    for row in book.rows(tab):
        _check_extent(row, tab)
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


def _check_extent(row: Row, tab: Tab) -> None:
    """Refuse a value far outside any form; empty cells may carry formats there."""
    last = max(row.cells, default=0)
    if last and (row.number > _LAST_ROW or last > _LAST_COLUMN):
        where = f"a value in {column_letters(last)}{row.number}, far outside the form"
        limit = f"at most {_LAST_ROW} rows and {_LAST_COLUMN} columns are read"
        raise Unreadable("limit", f"the tab '{shown(tab.name)}' has {where}; {limit}")
