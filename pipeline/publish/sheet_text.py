"""A worksheet as the text it is stored as: where its rows and cells begin and end (ECMA-376 Part 1, 18.3.1).

No tree is built and nothing is written back that is not meant, so an edit costs what it changes. In return only
what Excel writes is taken: no prefixes, comments, CDATA or document type; rows and cells that say where they stand.
Whatever else there is, is refused rather than guessed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from lxml import etree

from pipeline.domain.form import Cell, CellKind
from pipeline.publish.refused import ListNotEditable
from pipeline.publish.texts import SharedTexts
from pipeline.readers.cell import Values
from pipeline.readers.package import Unreadable
from pipeline.readers.sheet import column_number

LAST_ROW = 1_048_576
"""The last row that a worksheet can have."""

_DECLARED = re.compile(rb"(?:\xef\xbb\xbf)?(?:<\?xml\s[^<>]*\?>)?\s*")
_ENCODING = re.compile(rb"encoding=[\"']([^\"']*)[\"']")
_ROOT = re.compile(rb"<worksheet\s[^<>]*>")
_ATTRIBUTES = rb'((?:\s+[\w:.-]+="[^"<>]*")*)\s*(/?)>'
_ROW = re.compile(rb'<row r="([1-9][0-9]{0,6})"' + _ATTRIBUTES)
_CELL = re.compile(rb'<c r="([A-Z]{1,3})([1-9][0-9]{0,6})"' + _ATTRIBUTES)
_STYLE = re.compile(rb'\ss="([0-9]{1,6})"')
_KIND = re.compile(rb'\st="(\w+)"')
_SHARED = re.compile(rb"<v>([0-9]{1,9})</v>")
_SPACE = re.compile(rb"\s*")


@dataclass(frozen=True, slots=True)
class RowText:
    """One row. start, end: its octets in the part."""

    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class CellText:
    """One cell. start, end: its octets in the part. attributes: as written, save its place."""

    ref: str
    start: int
    end: int
    attributes: bytes

    @property
    def kind(self) -> str:
        """How its value is stored (18.18.11 ST_CellType)."""
        found = _KIND.search(self.attributes)
        return found[1].decode() if found else "n"

    @property
    def style(self) -> int | None:
        """Its cell format by number; None where it names none."""
        found = _STYLE.search(self.attributes)
        return int(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class Readings:
    """What is needed to read a cell: the shared texts, and which cell formats show days."""

    texts: SharedTexts
    date_styles: frozenset[int]


class SheetText:
    """One worksheet part, its rows found. head: all before the first row. tail: all behind the last."""

    def __init__(self, name: str, data: bytes, readings: Readings) -> None:
        self.name = name
        self.data = data
        self._readings = readings
        self._root = self._checked_root()
        opened, closed = data.find(b"<sheetData>"), data.find(b"</sheetData>")
        if opened < 0 or closed < opened or data.count(b"sheetData") != 2:  # noqa: PLR2004 - a start tag and an end tag
            raise self.refused("its rows are not where Excel writes them, in one element 'sheetData'")
        self._first, self._last = opened + len(b"<sheetData>"), closed
        self.rows = tuple(self._found_rows())

    @property
    def head(self) -> bytes:
        """All that stands before the first row."""
        return self.data[: self._first]

    @property
    def tail(self) -> bytes:
        """All that stands behind the last row."""
        return self.data[self._last :]

    @property
    def ends(self) -> tuple[int, int]:
        """Where the rows begin and end in the part."""
        return self._first, self._last

    def refused(self, what: str) -> ListNotEditable:
        """Return the exception that says what is wrong with this tab."""
        return ListNotEditable(
            f"The tab '{self.name}' cannot be edited safely: {what}. Open the list in Excel, put that right, save it "
            "and publish again."
        )

    def _checked_root(self) -> bytes:
        start = _DECLARED.match(self.data)
        declared = start[0] if start else b""
        encoding = _ENCODING.search(declared)
        root = _ROOT.match(self.data, len(declared))
        if root is None or (encoding and encoding[1].lower() != b"utf-8"):
            raise self.refused("it is not a worksheet in UTF-8 without prefixes, as Excel writes it")
        if b"<!" in self.data or self.data.find(b"<?", len(declared)) >= 0:
            raise self.refused("it holds a comment, an instruction or a document type, which Excel never writes")
        return root[0]

    def _found_rows(self) -> Iterator[RowText]:
        at, last = self._first, 0
        while at < self._last:
            tag = _ROW.match(self.data, at)
            end = self._end(tag, b"</row>", self._last) if tag else 0
            if not tag or not end:
                raise self.refused(f"something else than a row follows row {last}")
            number = int(tag[1])
            if not last < number <= LAST_ROW:
                raise self.refused(f"the row after row {last} is numbered {number}")
            yield RowText(number, at, end)
            space = _SPACE.match(self.data, end)
            at, last = space.end() if space else end, number

    def _end(self, tag: re.Match[bytes], closing: bytes, within: int) -> int:
        """Return where the element ends that a tag opens; 0 where it does not end."""
        if tag[tag.re.groups]:
            return tag.end()
        at = self.data.find(closing, tag.end(), within)
        return at + len(closing) if at >= 0 else 0

    def tag(self, row: RowText) -> bytes:
        """Return the tag that opens a row."""
        return self.data[row.start : self.data.index(b">", row.start) + 1]

    def cells(self, row: RowText) -> Iterator[tuple[int, CellText]]:
        """Yield the cells of a row by column number, from 1, in order. ListNotEditable where it is not just cells."""
        tag = _ROW.match(self.data, row.start)
        if not tag or tag[3]:
            return
        at, end, last, number = tag.end(), row.end - len(b"</row>"), 0, b"%d" % row.number
        while at < end:
            tag = _CELL.match(self.data, at)
            stop = self._end(tag, b"</c>", end) if tag else 0
            if not tag or not stop:
                raise self.refused(f"row {row.number} holds something else than cells")
            letters = tag[1].decode()
            column = _column(letters)
            if column <= last or tag[2] != number:
                raise self.refused(f"the cells of row {row.number} do not say in order where they stand")
            yield column, CellText(f"{letters}{row.number}", at, stop, tag[3])
            at, last = stop, column

    def cell(self, row: RowText, column: int) -> CellText | None:
        """Return one cell of a row; None where the row has none in that column."""
        for found, cell in self.cells(row):
            if found >= column:
                return cell if found == column else None
        return None

    def text(self, row: RowText, column: int) -> str:
        """Return the value of one cell as text, trimmed; empty where there is none."""
        cell = self.cell(row, column)
        return self.value(cell).text.strip() if cell else ""

    def value(self, cell: CellText) -> Cell:
        """Return what a cell holds, read as strictly as a submitter's form is."""
        octets = self.data[cell.start : cell.end]
        if cell.kind == "s" and b"<f" not in octets:
            found = _SHARED.search(octets)
            plain = self._readings.texts.plain(int(found[1])) if found else None
            if plain is not None:
                return Cell(cell.ref, CellKind.TEXT if plain else CellKind.EMPTY, plain)
        try:
            element = etree.fromstring(self._root + octets + b"</worksheet>")[0]
            values = Values(self._readings.texts, self._readings.date_styles, from_1904=False)
            return values.cell(element, cell.ref, self.name)
        except (Unreadable, etree.XMLSyntaxError) as error:
            raise self.refused(f"the cell {cell.ref} cannot be read ({error})") from error

    def filled(self, row: RowText) -> bool:
        """Say whether anything stands in a row."""
        values = (self.value(cell) for _, cell in self.cells(row))
        return any(value.text.strip() or value.formula for value in values)


_column = cache(column_number)
"""A sheet names few columns, each of them in every row."""
