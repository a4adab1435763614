"""The tabs of a workbook, and one worksheet as cells (ECMA-376 Part 1, 18.2 and 18.3).

Strict on purpose: where a file leaves room for two programs to see two different sheets (a cell twice, rows out of
order, a foreign element between the cells), it is refused rather than read in one of the ways.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from lxml import etree

from pipeline.domain.form import Cell, CellKind, Tab
from pipeline.readers.cell import Values, main, named, whole
from pipeline.readers.package import Package, Unreadable, shown

_SHEET_LIMIT = 16 << 20
_ROW_LIMIT = 1_048_576
_COLUMN_LIMIT = 16_384
_MOST_TABS = 1_000
_LONGEST_NAME = 255
_NO_WORKBOOK = "the file is an Office package but not an Excel workbook"
_BUILT_IN_DATES = frozenset([*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)])
"""Number formats that mean a date or a time without a format code (ECMA-376 Part 1, 18.8.30)."""
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
_REF = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_AREA = re.compile(rf"{_REF.pattern}(?::{_REF.pattern})?")
_SPILLING = frozenset({"array", "dataTable"})
"""Kinds of formula whose results stand in other cells too (ECMA-376 Part 1, 18.18.6)."""
_RELATIONSHIP = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATIONSHIP = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"

Area = tuple[int, int, int, int]
"""First column, first row, last column, last row."""


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
        if main(self._root) != "workbook":
            raise Unreadable("unsupported", _NO_WORKBOOK)
        self._related = package.related(self._part)

    def _main_part(self) -> str:
        for kind, target in self.package.related("").values():
            if kind.endswith("/officeDocument"):
                if target.lower().endswith(".bin"):
                    raise Unreadable(
                        "unsupported", "the file is a binary Excel workbook (.xlsb), not an .xlsm workbook"
                    )
                return target
        raise Unreadable("unsupported", _NO_WORKBOOK)

    @property
    def content_type(self) -> str:
        """Return the content type of the main part, which tells .xlsm from .xlsx."""
        return self.package.content_type(self._part)

    @cached_property
    def tabs(self) -> tuple[Tab, ...]:
        """The sheets in order; chart and dialog sheets included, as they take a name too."""
        found = []
        for element in _below(self._root, "sheets", "sheet"):
            ident = element.get(_RELATIONSHIP) or element.get(_STRICT_RELATIONSHIP) or ""
            part = self._related.get(ident, ("", ""))[1]
            found.append(Tab(element.get("name", "")[:_LONGEST_NAME], element.get("state", "visible"), part))
        if len(found) > _MOST_TABS:
            raise Unreadable("limit", f"the workbook has {len(found)} tabs; at most {_MOST_TABS} are read")
        return tuple(found)

    def targets(self, kind: str) -> frozenset[str]:
        """Return the parts that the main part points at with a relationship of that kind, such as ``vbaProject``."""
        return frozenset(target for type_, target in self._related.values() if type_.endswith(f"/{kind}"))

    def _part_of(self, kind: str) -> str:
        found = self.targets(kind)
        if len(found) > 1:
            raise Unreadable("damaged", f"the workbook has {len(found)} parts of the kind '{kind}' instead of one")
        return next(iter(found), "")

    @cached_property
    def _values(self) -> Values:
        properties = next((child for child in self._root if main(child) == "workbookPr"), None)
        from_1904 = properties is not None and properties.get("date1904") in {"1", "true"}
        return Values(self._strings(), self._date_styles(), from_1904)

    def _strings(self) -> list[etree._Element]:
        part = self._part_of("sharedStrings")
        return list(self.package.xml(part).iterchildren(*named("si"))) if part else []

    def _date_styles(self) -> frozenset[int]:
        part = self._part_of("styles")
        if not part:
            return frozenset()
        root = self.package.xml(part)
        formats = _below(root, "numFmts", "numFmt")
        codes = {element.get("numFmtId", ""): element.get("formatCode", "") for element in formats}
        found = set()
        for index, style in enumerate(_below(root, "cellXfs", "xf")):
            number = style.get("numFmtId", "0")
            code = _QUOTED.sub("", codes.get(number, "")).lower()
            if any(letter in code for letter in "ydhs") or (number not in codes and whole(number) in _BUILT_IN_DATES):
                found.add(index)
        return frozenset(found)

    def sheet_xml(self, tab: Tab) -> etree._Element:
        """Return the root of a worksheet part; Unreadable where it is none, or larger than any form."""
        if self.package.size(tab.part) > _SHEET_LIMIT:
            raise Unreadable("limit", f"the tab '{shown(tab.name)}' is larger than {_SHEET_LIMIT >> 20} MB")
        root = self.package.xml(tab.part)
        if main(root) != "worksheet":
            raise Unreadable("damaged", f"the tab '{shown(tab.name)}' is not a worksheet")
        return root

    def rows(self, tab: Tab, root: etree._Element | None = None, most: int = _ROW_LIMIT) -> Iterator[Row]:
        """Yield the rows of a tab, at most so many."""
        root = self.sheet_xml(tab) if root is None else root
        data = [child for child in root if main(child) == "sheetData"]
        if len(data) != 1:
            raise Unreadable("damaged", f"the tab '{shown(tab.name)}' has {len(data)} sheetData elements, not one")
        last = 0
        spilled: list[Area] = []
        for count, element in enumerate(_only(data[0], "row", tab)):
            if count >= most:
                return
            number = _counted(element.get("r"), last + 1, tab)
            if number <= last or number > _ROW_LIMIT:
                raise Unreadable("damaged", f"the tab '{shown(tab.name)}' has row {number} after row {last}")
            last = number
            yield Row(number, self._cells(element, number, tab, spilled), element.get("hidden") in {"1", "true"})

    def _cells(self, row: etree._Element, number: int, tab: Tab, spilled: list[Area]) -> dict[int, Cell]:
        cells: dict[int, Cell] = {}
        last = 0
        for element in _only(row, "c", tab):
            ref = element.get("r")
            match = _REF.fullmatch(ref) if ref else None
            if ref and (not match or int(match[2]) != number):
                raise Unreadable(
                    "damaged", f"the tab '{shown(tab.name)}' has the cell {shown(ref, 12)} in row {number}"
                )
            column = column_number(match[1]) if match else last + 1
            if column <= last or column > _COLUMN_LIMIT:
                raise Unreadable(
                    "damaged", f"the tab '{shown(tab.name)}' has column {column} after {last} in row {number}"
                )
            last = column
            cell = self._values.cell(element, f"{column_letters(column)}{number}", tab.name)
            if cell.formula:
                spilled += _spills(element)
            elif any(a <= column <= c and b <= number <= d for a, b, c, d in spilled):
                cell = replace(cell, formula=True)
            if cell.kind is not CellKind.EMPTY or cell.formula:
                cells[column] = cell
        return cells


def _below(root: etree._Element, holder: str, name: str) -> Iterator[etree._Element]:
    """Yield the elements of that name in every holder right below the root, as the schema places them."""
    for child in root:
        if main(child) == holder:
            yield from (element for element in child if main(element) == name)


def _only(parent: etree._Element, name: str, tab: Tab) -> Iterator[etree._Element]:
    for child in parent:
        found = main(child)
        if found == name:
            yield child
        elif found != "extLst":
            stray = f"the element <{shown(found, 60)}> between its cells"
            raise Unreadable("damaged", f"the tab '{shown(tab.name)}' has {stray}")


def _counted(written: str | None, implied: int, tab: Tab) -> int:
    if written is None:
        return implied
    number = whole(written)
    if number is None:
        raise Unreadable("damaged", f"the tab '{shown(tab.name)}' has a row numbered '{shown(written, 12)}'")
    return number


def _spills(cell: etree._Element) -> list[Area]:
    """Return the area that the formula of a cell fills with its results; usually there is none."""
    found = []
    for child in cell:
        match = _AREA.fullmatch(child.get("ref", "")) if child.get("t") in _SPILLING else None
        if match:
            first, last = column_number(match[1]), column_number(match[3] or match[1])
            found.append((first, int(match[2]), last, int(match[4] or match[2])))
    return found
