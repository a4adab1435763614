"""One worksheet as cells (ECMA-376 Part 1, 18.3): values as they are stored, nothing coerced.

Strict on purpose: where a file leaves room for two programs to see two different values (a cell twice, a foreign
element between the cells), it is refused rather than read in one of the ways.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from lxml import etree

from pipeline.domain.form import Cell, CellKind, Tab
from pipeline.readers.package import Package, Unreadable

_MAIN = frozenset(
    {
        "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
        "http://purl.oclc.org/ooxml/spreadsheetml/main",
    }
)
_SHEET_LIMIT = 16 << 20
_ROW_LIMIT = 1_048_576
_COLUMN_LIMIT = 16_384
_BUILT_IN_DATES = frozenset([*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)])
"""Number formats that mean a date or a time without a format code (ECMA-376 Part 1, 18.8.30)."""
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_REF = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_RELATIONSHIP = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATIONSHIP = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"


def local(element: etree._Element) -> str:
    """Return an element's name without its namespace; empty for comments and processing instructions."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def unescape(text: str) -> str:
    """Undo ``_xHHHH_`` (ECMA-376 Part 1, 22.9.2.19 ST_Xstring)."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def column_number(letters: str) -> int:
    """Return 1 for A, 27 for AA."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def column_letters(number: int) -> str:
    """Return A for 1, AA for 27."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


@dataclass(frozen=True, slots=True)
class Row:
    """One row that has cells. cells: by column number, empty cells left out unless a formula stands in them."""

    number: int
    cells: dict[int, Cell]
    hidden: bool


class Workbook:
    """A package opened as a workbook: its tabs, and their cells on demand."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self._part = self._main_part()
        self._root = package.xml(self._part)
        self._related = package.related(self._part)

    def _main_part(self) -> str:
        for kind, target in self.package.related("").values():
            if kind.endswith("/officeDocument"):
                return target
        raise Unreadable("unsupported", "the file is an Office package but not an Excel workbook")

    @property
    def content_type(self) -> str:
        """Return the content type of the main part, which tells .xlsm from .xlsx."""
        return self.package.types.get(self._part.lower(), "")

    @cached_property
    def tabs(self) -> tuple[Tab, ...]:
        """The worksheets in order; chart and dialog sheets included, as they take a name too."""
        found = []
        for element in self._root.iter("{*}sheet"):
            ident = element.get(_RELATIONSHIP) or element.get(_STRICT_RELATIONSHIP) or ""
            part = self._related.get(ident, ("", ""))[1]
            found.append(Tab(element.get("name", ""), element.get("state", "visible"), part))
        return tuple(found)

    @cached_property
    def _epoch(self) -> datetime:
        first = next(self._root.iter("{*}workbookPr"), None)
        old = first is not None and first.get("date1904") in {"1", "true"}
        return datetime(1904, 1, 1) if old else datetime(1899, 12, 30)  # noqa: DTZ001 - workbook dates have no zone

    def _part_of(self, kind: str) -> str:
        return next((target for type_, target in self._related.values() if type_.endswith(f"/{kind}")), "")

    @cached_property
    def _strings(self) -> list[str]:
        part = self._part_of("sharedStrings")
        if not part:
            return []
        return [_rich_text(item) for item in self.package.xml(part) if local(item) == "si"]

    @cached_property
    def _date_styles(self) -> frozenset[int]:
        part = self._part_of("styles")
        if not part:
            return frozenset()
        root = self.package.xml(part)
        codes = {element.get("numFmtId", ""): element.get("formatCode", "") for element in root.iter("{*}numFmt")}
        found = set()
        for formats in (child for child in root if local(child) == "cellXfs"):
            for index, style in enumerate(child for child in formats if local(child) == "xf"):
                number = style.get("numFmtId", "0")
                code = _QUOTED.sub("", codes.get(number, "")).lower()
                if (not codes.get(number) and number.isdigit() and int(number) in _BUILT_IN_DATES) or any(
                    letter in code for letter in "ydhs"
                ):
                    found.add(index)
        return frozenset(found)

    def sheet_xml(self, tab: Tab) -> etree._Element:
        """Return the root of a worksheet part; Unreadable where it is none, or larger than any form."""
        if self.package.size(tab.part) > _SHEET_LIMIT:
            raise Unreadable("limit", f"the tab '{tab.name}' is larger than {_SHEET_LIMIT >> 20} MB")
        root = self.package.xml(tab.part)
        if local(root) != "worksheet" or etree.QName(root).namespace not in _MAIN:
            raise Unreadable("damaged", f"the tab '{tab.name}' is not a worksheet")
        return root

    def rows(self, tab: Tab, root: etree._Element | None = None, most: int = _ROW_LIMIT) -> Iterator[Row]:
        """Yield the rows of a tab, at most so many."""
        root = self.sheet_xml(tab) if root is None else root
        data = [child for child in root if local(child) == "sheetData"]
        if len(data) != 1:
            raise Unreadable("damaged", f"the tab '{tab.name}' has {len(data)} sheetData elements instead of one")
        last = 0
        for count, element in enumerate(_only(data[0], "row", tab)):
            if count >= most:
                return
            number = _counted(element.get("r"), last + 1, tab)
            if number <= last or number > _ROW_LIMIT:
                raise Unreadable("damaged", f"the tab '{tab.name}' has row {number} after row {last}")
            last = number
            yield Row(number, self._cells(element, number, tab), element.get("hidden") in {"1", "true"})

    def _cells(self, row: etree._Element, number: int, tab: Tab) -> dict[int, Cell]:
        cells: dict[int, Cell] = {}
        last = 0
        for element in _only(row, "c", tab):
            ref = element.get("r")
            match = _REF.fullmatch(ref) if ref else None
            if ref and (not match or int(match[2]) != number):
                raise Unreadable("damaged", f"the tab '{tab.name}' has the cell {ref[:12]} in row {number}")
            column = column_number(match[1]) if match else last + 1
            if column <= last or column > _COLUMN_LIMIT:
                raise Unreadable("damaged", f"the tab '{tab.name}' has column {column} after column {last}")
            last = column
            cell = self._cell(element, f"{column_letters(column)}{number}", tab)
            if cell.kind is not CellKind.EMPTY or cell.formula:
                cells[column] = cell
        return cells

    def _cell(self, element: etree._Element, ref: str, tab: Tab) -> Cell:
        children = {local(child): child for child in element}
        formula = "f" in children
        stored = children["v"].text or "" if "v" in children else ""
        kind = element.get("t", "n")
        if kind == "inlineStr":
            return _text(ref, _rich_text(children["is"]) if "is" in children else "", formula)
        if not stored:
            return Cell(ref, CellKind.EMPTY, "", formula)
        if kind == "s":
            return _text(ref, self._shared(stored, ref, tab), formula)
        if kind == "str":
            return _text(ref, unescape(stored), formula)
        if kind == "b":
            return Cell(ref, CellKind.BOOLEAN, "TRUE" if stored.strip() == "1" else "FALSE", formula)
        if kind == "e":
            return Cell(ref, CellKind.ERROR, stored, formula)
        if kind == "d":
            return Cell(ref, CellKind.DATE, _iso_day(stored), formula)
        return self._number(stored, element.get("s", "0"), ref, tab, formula=formula)

    def _shared(self, stored: str, ref: str, tab: Tab) -> str:
        index = int(stored) if stored.isascii() and stored.isdigit() else -1
        if not 0 <= index < len(self._strings):
            raise Unreadable("damaged", f"{tab.name}!{ref} points at a text that is not there")
        return self._strings[index]

    def _number(self, stored: str, style: str, ref: str, tab: Tab, *, formula: bool) -> Cell:
        try:
            value = float(stored)
            dated = style.isdigit() and int(style) in self._date_styles
            if dated:
                moment = self._epoch + timedelta(days=value)
                form = "%d/%m/%Y" if value == int(value) else "%d/%m/%Y %H:%M:%S"
                return Cell(ref, CellKind.DATE, moment.strftime(form), formula)
            text = str(int(value)) if value == int(value) else repr(value)
        except (ValueError, OverflowError):
            raise Unreadable("damaged", f"{tab.name}!{ref} holds the impossible number {stored[:20]!r}") from None
        return Cell(ref, CellKind.NUMBER, text, formula)


def _only(parent: etree._Element, name: str, tab: Tab) -> Iterator[etree._Element]:
    for child in parent:
        found = local(child)
        if found == name:
            yield child
        elif found not in {"", "extLst"}:
            raise Unreadable("damaged", f"the tab '{tab.name}' has the element <{found[:40]}> between its cells")


def _counted(written: str | None, implied: int, tab: Tab) -> int:
    if written is None:
        return implied
    if not written.isdigit():
        raise Unreadable("damaged", f"the tab '{tab.name}' has a row numbered {written[:12]!r}")
    return int(written)


def _text(ref: str, text: str, formula: bool) -> Cell:
    return Cell(ref, CellKind.TEXT if text else CellKind.EMPTY, text, formula)


def _rich_text(item: etree._Element) -> str:
    """Join the runs of a string item; phonetic runs (rPh) are not part of the text (ECMA-376 Part 1, 18.4.8)."""
    parts = []
    for child in item:
        if local(child) == "t":
            parts.append(child.text or "")
        elif local(child) == "r":
            parts.extend(run.text or "" for run in child if local(run) == "t")
    return unescape("".join(parts))


def _iso_day(stored: str) -> str:
    try:
        moment = datetime.fromisoformat(stored)
    except ValueError:
        return stored
    return moment.strftime("%d/%m/%Y" if moment.time() == moment.min.time() else "%d/%m/%Y %H:%M:%S")
