"""Small pieces of SpreadsheetML (ECMA-376 Part 1): text, cells, rows, and the strings that cells share."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from html import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
HEADER = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0d\x0e-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_DAY_ZERO = date(1899, 12, 30)


def xstring(text: str) -> str:
    """Return text with what XML 1.0 cannot carry written as ``_xHHHH_`` (22.9.2.19, ST_Xstring)."""
    return _NOT_XML.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def markup(text: str) -> str:
    """Return text as the content of an XML element of a workbook."""
    return escape(xstring(text), quote=False)


def serial(day: date) -> int:
    """Return a day as the 1900 date system counts it (18.17.4.1); right from 1 March 1900 on."""
    return (day - _DAY_ZERO).days


def column(index: int) -> str:
    """Return the letters of a column, counted from 0: A, B, ... Z, AA."""
    letters = ""
    number = index + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


class SharedStrings:
    """The texts that cells point to (18.4.9), each kept once."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._uses = 0

    def place(self, text: str) -> int:
        """Return the number of a text."""
        self._uses += 1
        return self._places.setdefault(text, len(self._places))

    def part(self) -> str:
        """Return xl/sharedStrings.xml."""
        items = "".join(f'<si><t xml:space="preserve">{markup(text)}</t></si>' for text in self._places)
        return f'{HEADER}<sst xmlns="{MAIN}" count="{self._uses}" uniqueCount="{len(self._places)}">{items}</sst>'


Content = str | int | date | None


class SheetRows:
    """The rows of one sheet, written as they come."""

    def __init__(self, strings: SharedStrings) -> None:
        self._strings = strings
        self._rows: list[str] = []
        self._letters: list[str] = []
        self._last = 0

    def add(self, number: int, contents: Sequence[Content], styles: Iterable[int], height: int = 0) -> None:
        """Write one row: texts shared, numbers and dates as numbers; None writes an empty cell with its style."""
        while len(self._letters) < len(contents):
            self._letters.append(column(len(self._letters)))
        place = self._strings.place
        cells: list[str] = []
        for letters, content, style in zip(self._letters, contents, styles, strict=False):
            if content is None:
                cells.append(f'<c r="{letters}{number}" s="{style}"/>')
            elif isinstance(content, str):
                cells.append(f'<c r="{letters}{number}" s="{style}" t="s"><v>{place(content)}</v></c>')
            else:
                value = serial(content) if isinstance(content, date) else content
                cells.append(f'<c r="{letters}{number}" s="{style}"><v>{value}</v></c>')
        size = f' ht="{height}" customHeight="1"' if height else ""
        self._rows.append(f'<row r="{number}"{size}>{"".join(cells)}</row>')
        self._last = max(self._last, number)

    @property
    def extent(self) -> str:
        """The range that the rows fill: ``A1:V29``."""
        return f"A1:{self._letters[-1]}{self._last}"

    def data(self) -> str:
        """Return the sheetData element."""
        return f"<sheetData>{''.join(self._rows)}</sheetData>"
