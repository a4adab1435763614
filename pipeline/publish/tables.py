"""The two tabs that hold an entry in each row: 'Central Products List' and 'CPL - saveable in CSV'.

Columns are found by their headings, rows by their Entry.number; both must be unmistakable.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.domain.form import CellKind
from pipeline.domain.product import DEVICE_MODEL
from pipeline.publish.cells import checked, day_cell, day_of, text_cell
from pipeline.publish.csv_file import CSV_HEADER
from pipeline.publish.grow import Growth
from pipeline.publish.headings import field_of
from pipeline.publish.sheet_text import RowText, SheetText
from pipeline.publish.splice import Splice, changed_row

NUMBER, STATUS, VERSION = "Entry.number", "Entry.status", "Version"

_HEADER_WITHIN = 30
"""Rows from the top in which the headings are looked for."""
_ENTRY = re.compile(r"[0-9]{1,6}")
_COLUMN = re.compile(rb'<col\s[^<>]*?min="([0-9]+)"\s+max="([0-9]+)"[^<>]*?\sstyle="([0-9]+)"')
_KEPT = re.compile(rb'\s(?:s|customFormat|ht|customHeight|[\w.-]+:dyDescent)="[^"]*"')
"""What a new row takes over from the row above; not that it is hidden or grouped."""

Values = Mapping[str, str]
"""Column name to text: a form field of the list, a heading of the CSV tab."""


@dataclass(frozen=True, slots=True)
class Table:
    """One of the two tabs, understood. columns: by name. entries: by Entry.number, in the order of the tab."""

    sheet: SheetText
    date_styles: frozenset[int]
    columns: Mapping[str, int]
    entries: Mapping[str, RowText]

    @property
    def _rows(self) -> tuple[RowText, RowText]:
        rows = tuple(self.entries.values())
        return rows[0], rows[-1]

    def spliced(self, changes: Mapping[str, Values], new: Sequence[Values], everywhere: Values) -> Splice:
        """Return the tab with some values of some entries changed, entries added, and values the same in every row."""
        for values in (*changes.values(), *new, everywhere):
            self._check(values)
        styles = self._styles() if new or any(changes.values()) or everywhere else {}
        numbers = {row.number: number for number, row in self.entries.items()}

        def change(row: RowText) -> bytes | None:
            number = numbers.get(row.number)
            values = {**everywhere, **changes.get(number, {})} if number else {}
            texts = {self.columns[name]: text for name, text in values.items()}
            cells = {column: self._replaced(row, column, styles, text) for column, text in texts.items()}
            return changed_row(self.sheet, row, cells) if cells else None

        first, last = self._rows
        growth = Growth(first.number, last.number, last.number + len(new))
        if new and b"<f" in self.sheet.data[last.start : last.end]:
            raise self.sheet.refused(f"row {last.number}, which the new rows are made after, holds a formula")
        rows = tuple(
            self._row(number, last, styles, {**everywhere, **values})
            for number, values in enumerate(new, last.number + 1)
        )
        return Splice(self.sheet, change, growth, rows, max(self.columns.values()))

    def _check(self, values: Values) -> None:
        for name, text in values.items():
            where = f"'{name}' in the tab '{self.sheet.name}'"
            if name not in self.columns:
                raise self.sheet.refused(f"it has no column '{name}', which the release is to fill")
            if checked(text, where) != text.strip():
                raise self.sheet.refused(f"{where} would get blanks around its text")

    def _styles(self) -> Mapping[int, int | None]:
        """Return the cell format of every column: that of the lowest entry with a cell there, or the column's own."""
        styles: dict[int, int | None] = {}
        wanted = set(self.columns.values())
        for row in reversed(tuple(self.entries.values())):
            for column, cell in self.sheet.cells(row):
                styles.setdefault(column, cell.style)
            if wanted <= styles.keys():
                break
        for first, last, style in _COLUMN.findall(self.sheet.head):
            for column in wanted & set(range(int(first), int(last) + 1)):
                styles.setdefault(column, int(style))
        return styles

    def _replaced(self, row: RowText, column: int, styles: Mapping[int, int | None], text: str) -> bytes:
        cell = self.sheet.cell(row, column)
        if cell and b"<f" in self.sheet.data[cell.start : cell.end]:
            raise self.sheet.refused(f"the cell {cell.ref}, which the release changes, holds a formula")
        own = cell.style if cell else styles.get(column)
        return self._cell(column, row.number, own, styles.get(column), text)

    def _cell(self, column: int, row: int, style: int | None, usual: int | None, text: str) -> bytes:
        serial = day_of(text)
        shows_days = next((one for one in (style, usual) if one in self.date_styles), None)
        if serial is None or shows_days is None:
            return text_cell(column, row, style, text)
        return day_cell(column, row, shows_days, serial)

    def _row(self, number: int, above: RowText, styles: Mapping[int, int | None], values: Values) -> bytes:
        """Return a new row: a cell for each column that the table or the row above has."""
        named = {self.columns[name]: text for name, text in values.items()}
        kept = b"".join(_KEPT.findall(self.sheet.tag(above)))
        columns = sorted({*self.columns.values(), *(column for column, _ in self.sheet.cells(above))})
        cells = (self._cell(at, number, styles.get(at), styles.get(at), named.get(at, "")) for at in columns)
        return b"".join((b'<row r="%d"' % number, kept, b">", *cells, b"</row>"))


def list_table(sheet: SheetText, date_styles: frozenset[int]) -> Table:
    """Understand 'Central Products List': two rows of headings, Data Group over Data Attribute (guidance 5.2)."""
    rows = sheet.rows[:_HEADER_WITHIN]
    at = next((n for n, row in enumerate(rows[:-1]) if sheet.text(row, 1) == "Data Group"), None)
    if at is None or sheet.text(rows[at + 1], 1) != "Data Attribute":
        raise sheet.refused("it has no rows 'Data Group' and 'Data Attribute' that head its columns")
    groups, attributes = _texts(sheet, rows[at]), _texts(sheet, rows[at + 1])
    names = {
        column: f"{groups[column]}.{attributes[column]}" for column in sorted(groups.keys() & attributes.keys() - {1})
    }
    columns = _columns(sheet, {column: field_of(name) for column, name in names.items()})
    return _table(sheet, date_styles, columns, (NUMBER, STATUS, *DEVICE_MODEL), at + 2)


def csv_table(sheet: SheetText, date_styles: frozenset[int]) -> Table:
    """Understand 'CPL - saveable in CSV': one row of headings, exactly those that the CSV has."""
    rows = sheet.rows[:1]
    columns = _columns(sheet, _texts(sheet, rows[0]) if rows else {})
    strange = sorted(columns.keys() - set(CSV_HEADER))
    if strange:
        raise sheet.refused(f"it has a column '{strange[0]}', of which is not known what it is to hold")
    return _table(sheet, date_styles, columns, CSV_HEADER, 1)


def _texts(sheet: SheetText, row: RowText) -> dict[int, str]:
    """Return the texts of a row of headings by column number."""
    texts = {column: sheet.value(cell).text.strip() for column, cell in sheet.cells(row)}
    return {column: text for column, text in texts.items() if text}


def _columns(sheet: SheetText, named: Mapping[int, str]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for column, name in named.items():
        if name in columns:
            raise sheet.refused(f"it has two columns '{name}'")
        columns[name] = column
    return columns


def _table(
    sheet: SheetText, date_styles: frozenset[int], columns: Mapping[str, int], needed: Sequence[str], start: int
) -> Table:
    missing = [name for name in needed if name not in columns]
    if missing:
        raise sheet.refused(f"it has no column headed '{missing[0]}'")
    entries: dict[str, RowText] = {}
    stray = 0
    for number, row in _numbered(sheet, columns[NUMBER], start):
        if not number:
            # Labels may stand between the headings and the entries, nothing among or below the entries.
            stray = stray or (row.number if entries and sheet.filled(row) else 0)
            continue
        if stray:
            raise sheet.refused(f"row {stray} stands among the entries and has no Entry.number")
        if number in entries:
            raise sheet.refused(f"entry {number} stands in row {entries[number].number} and again in row {row.number}")
        entries[number] = row
    if stray:
        raise sheet.refused(f"row {stray} stands below the entries and is none")
    if not entries:
        raise sheet.refused("it has no entries")
    return Table(sheet, date_styles, columns, entries)


def _numbered(sheet: SheetText, column: int, start: int) -> Iterator[tuple[str, RowText]]:
    """Yield the six-digit number of every row below the headings; empty where it has none."""
    for row in sheet.rows[start:]:
        cell = sheet.cell(row, column)
        value = sheet.value(cell) if cell else None
        text = value.text.strip() if value and value.kind in {CellKind.TEXT, CellKind.NUMBER} else ""
        yield text.zfill(6) if _ENTRY.fullmatch(text) else "", row
