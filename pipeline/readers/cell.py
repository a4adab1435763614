"""One cell's value (ECMA-376 Part 1, 18.3.1.4): as it is stored, nothing coerced.

Where programs could read two different values out of one cell (two values in it, a value of an unknown kind, an
element inside a text), the workbook is refused rather than read in one of the ways.
"""

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from lxml import etree

from pipeline.domain.form import Cell, CellKind
from pipeline.readers.package import Unreadable, shown

_MAIN = frozenset(
    {
        "{http://schemas.openxmlformats.org/spreadsheetml/2006/main",
        "{http://purl.oclc.org/ooxml/spreadsheetml/main",
    }
)
"""The two namespaces of SpreadsheetML, transitional and strict, as they begin an element's tag."""
_LONGEST_TEXT = 32_767
"""Characters that a cell can hold in Excel; a longer text would be cut or refused there."""
_EXACT = 10**15
"""From here on Excel's fifteen digits are not enough, and a whole number is no longer written out."""
_FIRST_1904 = datetime(1904, 1, 1)  # noqa: DTZ001 - workbook dates have no zone
_FIRST_1900 = datetime(1899, 12, 31)  # noqa: DTZ001 - the same
_LEAP_DAY = 60
"""29 February 1900, which never was: the 1900 date system counts it (ECMA-376 Part 1, 18.17.4.1)."""
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_WHOLE = re.compile(r"[0-9]{1,9}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([Ee][+-]?[0-9]{1,4})?")


def local(element: etree._Element) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def main(element: etree._Element) -> str:
    """Return the name of an element of SpreadsheetML, and the whole ``{namespace}name`` of any other."""
    tag = str(element.tag)
    namespace, _, name = tag.rpartition("}")
    return name if namespace in _MAIN else tag


def named(name: str) -> tuple[str, ...]:
    """Return the tags that an element of SpreadsheetML of that name may have."""
    return tuple(f"{namespace}}}{name}" for namespace in _MAIN)


def whole(text: str) -> int | None:
    """Return a number of at most nine plain digits; None for anything else."""
    return int(text) if _WHOLE.fullmatch(text) else None


def unescape(text: str) -> str:
    """Undo ``_xHHHH_`` (ECMA-376 Part 1, 22.9.2.19 ST_Xstring). Half a surrogate pair becomes U+FFFD."""
    if "_x" not in text:
        return text
    plain = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def rich_text(item: etree._Element) -> str:
    """Join the runs of a string item; phonetic runs (rPh) are not part of the text (ECMA-376 Part 1, 18.4.8)."""
    parts = []
    for child in item:
        if main(child) == "t":
            parts.append(_plain(child))
        elif main(child) == "r":
            parts.extend(_plain(run) for run in child if main(run) == "t")
    return unescape("".join(parts))


@dataclass(frozen=True, slots=True)
class Values:
    """What the values of a workbook's cells depend on.

    strings: the items of the shared texts, read when a cell points at one: a list brings thousands that no form uses.
    date_styles: the cell formats that show dates. from_1904: the days are counted from 1904.
    """

    strings: Sequence[etree._Element]
    date_styles: frozenset[int]
    from_1904: bool

    def cell(self, element: etree._Element, ref: str, tab: str) -> Cell:
        """Read one ``c`` element. Unreadable names the tab and the cell."""
        try:
            cell = self._cell(element, ref)
        except Unreadable as error:
            raise Unreadable(error.kind, f"{shown(tab)}!{ref} {error.text}") from error
        if len(cell.text) > _LONGEST_TEXT:
            size = f"{len(cell.text)} characters; a cell can hold {_LONGEST_TEXT}"
            raise Unreadable("limit", f"{shown(tab)}!{ref} holds {size}")
        return cell

    def _cell(self, element: etree._Element, ref: str) -> Cell:
        children = {main(child): child for child in element}
        kind = element.get("t", "n")
        if len(children) != len(element) or ("is" in children and (kind != "inlineStr" or "v" in children)):
            raise Unreadable("damaged", "holds more than one value")
        formula = "f" in children
        if "is" in children:
            return _text(ref, rich_text(children["is"]), formula)
        stored = _plain(children["v"]) if "v" in children else ""
        return self._stored(stored, kind, element.get("s", "0"), ref, children) if stored else _text(ref, "", formula)

    def _stored(self, stored: str, kind: str, style: str, ref: str, children: Mapping[str, etree._Element]) -> Cell:
        formula = "f" in children
        match kind:
            case "s":
                return _text(ref, self._shared(stored), formula)
            case "str":
                return _text(ref, unescape(stored), formula)
            case "b":
                return Cell(ref, CellKind.BOOLEAN, "TRUE" if stored.strip() in {"1", "true"} else "FALSE", formula)
            case "e":
                return Cell(ref, CellKind.ERROR, stored, formula)
            case "d":
                return Cell(ref, CellKind.DATE, _iso_day(stored), formula)
            case "n":
                return self._number(stored, style, ref, formula)
        raise Unreadable("damaged", f"holds a value that a cell of the kind '{shown(kind, 12)}' cannot have")

    def _shared(self, stored: str) -> str:
        index = whole(stored)
        if index is None or index >= len(self.strings):
            raise Unreadable("damaged", "points at a text that is not there")
        return rich_text(self.strings[index])

    def _number(self, stored: str, style: str, ref: str, formula: bool) -> Cell:
        value = float(stored) if _NUMBER.fullmatch(stored.strip()) else math.nan
        if not math.isfinite(value):
            raise Unreadable("damaged", f"holds the impossible number '{shown(stored, 20)}'")
        if whole(style) in self.date_styles:
            with suppress(OverflowError):
                return Cell(ref, CellKind.DATE, self._day(value), formula)
        exact = abs(value) < _EXACT and value.is_integer()
        return Cell(ref, CellKind.NUMBER, str(int(value)) if exact else repr(value), formula)

    def _day(self, value: float) -> str:
        """Return a count of days as Excel shows it, to the second; OverflowError where there is no such day."""
        first, counted = (_FIRST_1904, value) if self.from_1904 else (_FIRST_1900, value - (value >= _LEAP_DAY))
        return _shown_day(first + timedelta(seconds=round(counted * 86_400)))


def _text(ref: str, text: str, formula: bool) -> Cell:
    return Cell(ref, CellKind.TEXT if text else CellKind.EMPTY, text, formula)


def _plain(element: etree._Element) -> str:
    """Return the text of an element that has nothing but text."""
    if len(element):
        raise Unreadable("damaged", f"has an element <{shown(local(element[0]), 40)}> inside its text")
    return element.text or ""


def _iso_day(stored: str) -> str:
    try:
        return _shown_day(datetime.fromisoformat(stored))
    except ValueError:
        return stored


def _shown_day(moment: datetime) -> str:
    day = f"{moment.day:02}/{moment.month:02}/{moment.year:04}"
    return day if moment.time() == moment.min.time() else f"{day} {moment:%H:%M:%S}"
