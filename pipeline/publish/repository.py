"""A repository of the list as an Excel workbook: notices, a title, headings, and one row for each entry (openpyxl).

Every value is text and stays text ('00', '=1+1'). The same rows give the same bytes: the dates inside are the day of
issue, and the zip's own are the first that it can hold.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from openpyxl.worksheet._writer import WorksheetWriter
from openpyxl.writer.excel import ExcelWriter

from pipeline.domain.product import ProductList
from pipeline.domain.release import REMOVED, RepositoryRow
from pipeline.readers.cpl import VERSION_LINE
from pipeline.readers.repository import HISTORIC, REFERENCE

_MAKER = "SECAS CPL pipeline"
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
_FONT, _SIZE = "Calibri", 11
_LINE_HEIGHT, _HIGHEST = 15.0, 409.0  # points; Excel shows no higher row
_LONGEST = 32_767
"""Characters that a cell can hold in Excel."""
_NUMBER = re.compile(r"[0-9]{6}")
_BOLD = re.compile(r"<b>(.*?)</b>")
_UNHELD = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML 1.0 cannot hold."""
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
"""An underscore that would be read as the start of an escape (ECMA-376 Part 1, 22.9.2.19 ST_Xstring)."""

_TEXT = "@"
_REMOVED = '@" (Removed)"'
_UNLISTED = '@" (not on the CPL)"'
"""Formats of the reference: a person reads the mark, and the value stays the bare number that other tables look up."""

_LINE = Side(style="thin", color="FF808080")
_BORDER = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_HEADING = PatternFill("solid", fgColor="FFD9D9D9")


class RepositoryRefused(Exception):  # noqa: N818 - named for the fact
    """A repository cannot be written. The text names the entry, the field and what to do, never a value (law 8)."""


@dataclass(frozen=True, slots=True)
class Table:
    """What one kind of repository looks like.

    tab: the name of its worksheet. notices: the texts above the title, ``<b>`` around what is bold. columns: field to
    heading, after the reference. widths: of all columns, in characters.
    """

    tab: str
    notices: Sequence[str]
    title: str
    columns: Mapping[str, str]
    widths: Sequence[int]


def write_table(table: Table, rows: Sequence[RepositoryRow], products: ProductList, line: str) -> bytes:
    """Return the workbook (.xlsx): one row for each entry of the list and each row given, by entry number.

    A cell without a value is marked as that of a historic Device Model, the reference of an entry that is Removed, or
    not on the list, as such. line: ``ReleasePlan.line``. RepositoryRefused where a row cannot be written.
    """
    held = _held(rows, table)  # whole before openpyxl writes: it cannot be stopped half-way
    book = Workbook(write_only=True)
    about = book.properties
    about.creator, about.title, about.subject = _MAKER, table.title, line
    about.created = about.modified = _issued(line)
    sheet = book.create_sheet(table.tab)
    _lay_out(sheet, table, line)
    writer = _InMemory(sheet, io.BytesIO())
    writer.write_top()
    sheet._writer = writer  # noqa: SLF001 - else openpyxl puts what may be RED into the system's folder for such files
    for cells in chain(_head(sheet, table), _body(sheet, table, held, products)):
        sheet.append(cells)
    written = io.BytesIO()
    ExcelWriter(book, _Undated(written, "w", ZIP_DEFLATED)).save()
    return written.getvalue()


class _InMemory(WorksheetWriter):
    """Writes a worksheet part into memory."""

    def cleanup(self) -> None:
        """Leave nothing to remove."""


class _Undated(ZipFile):
    """A zip archive whose entries all have the same date, as far as openpyxl's writer uses one."""

    def writestr(self, name: str, data: str | bytes) -> None:  # type: ignore[override]  # nothing else is asked of it
        """Add an entry."""
        entry = ZipInfo(name, _FIRST_DAY)
        entry.external_attr = 0o600 << 16
        super().writestr(entry, data, ZIP_DEFLATED)

    def write(self, part: io.BytesIO, name: str) -> None:  # type: ignore[override]  # of _InMemory, not of a file
        """Add a worksheet part."""
        self.writestr(name, part.getvalue())


def _held(rows: Sequence[RepositoryRow], table: Table) -> dict[str, list[str]]:
    """Return entry number to the texts of its row's cells, after the reference."""
    held: dict[str, list[str]] = {}
    for row in rows:
        if not _NUMBER.fullmatch(row.number):
            raise RepositoryRefused(f"A row of the {table.tab} is of no CPL entry: it needs a number of six digits.")
        if row.number in held:
            raise RepositoryRefused(f"The {table.tab} has two rows of entry {row.number}: leave one of them out.")
        held[row.number] = [_stored(row, field, table) for field in table.columns]
    return held


def _issued(line: str) -> datetime:
    found = VERSION_LINE.fullmatch(line)
    if not found:
        raise ValueError(f"{line!r} is no version line, such as 'Version 3.001 Issued on 21-11-2026'")
    return datetime.strptime(found[3], "%d-%m-%Y")  # noqa: DTZ007 - a day; a workbook's properties have no zone


def _lay_out(sheet: Any, table: Table, line: str) -> None:  # openpyxl's types know half of what this sheet has
    title = len(table.notices) + 1
    last = get_column_letter(len(table.widths))
    sheet.freeze_panes = f"A{title + 2}"
    sheet.print_title_rows = f"{title + 1}:{title + 1}"
    sheet.oddFooter.left.text = line
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True  # every column on one page
    for column, width in enumerate(table.widths, 1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    for number in range(1, title + 1):
        sheet.merged_cells.add(f"A{number}:{last}{number}")
    for number, notice in enumerate(table.notices, 1):  # Excel fits no row of merged cells to its text
        sheet.row_dimensions[number].height = _LINE_HEIGHT * (len(notice) // sum(table.widths) + 2)


def _head(sheet: WriteOnlyWorksheet, table: Table) -> Iterator[list[Cell]]:
    for notice in table.notices:
        cell = _cell(sheet, _TEXT)
        pieces = _BOLD.split(notice)  # every second one stood between the marks
        bold = InlineFont(rFont=_FONT, sz=_SIZE, b=True)
        cell.value = CellRichText([TextBlock(bold, text) if n % 2 else text for n, text in enumerate(pieces) if text])
        yield [cell]
    names = [_cell(sheet, _TEXT, bordered=True) for _ in (REFERENCE, *table.columns)]
    title = _cell(sheet, _TEXT)
    for cell, text in zip((title, *names), (table.title, REFERENCE, *table.columns.values()), strict=True):
        _put(cell, text)
        cell.font = Font(_FONT, _SIZE, bold=True)
    for cell in names:
        cell.fill = _HEADING
    yield [title]
    yield names


def _body(sheet: Any, table: Table, held: Mapping[str, Sequence[str]], products: ProductList) -> Iterator[list[Cell]]:
    """Yield the rows of the entries: the same cells each time, since a row is written before the next is asked for."""
    references = {form: _cell(sheet, form, bordered=True) for form in (_TEXT, _REMOVED, _UNLISTED)}
    cells = [_cell(sheet, _TEXT, bordered=True) for _ in table.columns]
    nothing = [HISTORIC] * len(cells)
    listed = {product.number: product.status for product in products.products}
    for place, number in enumerate(sorted(listed.keys() | held.keys()), len(table.notices) + 3):
        status = listed.get(number)
        reference = references[_UNLISTED if status is None else _REMOVED if status == REMOVED else _TEXT]
        _put(reference, number)
        texts = held.get(number, nothing)
        for cell, text in zip(cells, texts, strict=True):
            _put(cell, text)
        sheet.row_dimensions[place].height = _height(texts, table.widths[1:])
        yield [reference, *cells]
        del sheet.row_dimensions[place]


def _height(texts: Sequence[str], widths: Sequence[int]) -> float:
    """Return the height in points that shows the texts whole, which not every program finds by itself."""
    lines = (
        sum(len(line) // width + 1 for line in text.split("\n")) for text, width in zip(texts, widths, strict=True)
    )
    return min(_LINE_HEIGHT * max(lines), _HIGHEST)


def _cell(sheet: WriteOnlyWorksheet, shown: str, *, bordered: bool = False) -> Cell:
    """Return an empty cell under a number format."""
    cell = WriteOnlyCell(sheet)
    cell.number_format = shown
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    if bordered:
        cell.border = _BORDER
    return cell


def _put(cell: Cell, text: str) -> None:
    """Put a text into a cell that openpyxl may take for a formula ('=1+1') or an error ('#N/A')."""
    cell.value = text
    cell.data_type = "s"


def _stored(row: RepositoryRow, field: str, table: Table) -> str:
    """Return a value as the workbook stores it."""
    text = row.values.get(field, "").replace("\r\n", "\n").replace("\r", "\n").strip()
    stored = _ESCAPE.sub("_x005F_", _UNHELD.sub("\ufffd", text))
    if len(stored) > _LONGEST:
        raise RepositoryRefused(
            f"Entry {row.number}: '{field}' has {len(text)} characters, and a cell of the {table.tab} holds "
            f"{_LONGEST}: shorten it."
        )
    return stored or HISTORIC
