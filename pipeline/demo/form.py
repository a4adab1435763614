"""Fills in the 'CPL - New Entry' form of the sample list, or of any CPL workbook, one cell at a time.

Only the sheet of the form is written anew; the other parts keep their bytes. openpyxl is not used for this: saving with
it loses two thirds of the parts of a real workbook.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from lxml import etree
from lxml.etree import _Element as Element

from pipeline.demo.answers import Value
from pipeline.demo.cells import MAIN, serial, xstring
from pipeline.demo.package import Package
from pipeline.demo.tabs import edit, part_of, tabs, take_out
from pipeline.demo.workbook import FORM_TAB, sample_cpl

ROW, CELL, VALUE, INLINE, TEXT = (f"{{{MAIN}}}{name}" for name in ("row", "c", "v", "is", "t"))
SHARED_STRINGS = "xl/sharedStrings.xml"
STYLES = "xl/styles.xml"

_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_PHONETIC = f"{{{MAIN}}}rPh"
_ITEM = f"{{{MAIN}}}si"
_DATE_FORMATS = frozenset(("14", "15", "16", "17", "22"))
"""Built-in number formats that show a date (18.8.30)."""


@dataclass(frozen=True, slots=True)
class _Base:
    """A workbook ready to be filled in. part: its form sheet; rows: field to row number."""

    package: Package
    part: str
    rows: Mapping[str, int]


def new_entry_form(
    answers: Mapping[str, Value], base: bytes | None = None, *, keep_list: bool = False, shared: bool = False
) -> bytes:
    """Return a CPL workbook with column G of its form filled in.

    answers: field (``Device_Model.firmware_version``) to value: text as a text cell, a number as a numeric cell, a
    date as a number under a date format, True and False as a boolean cell, None as an empty cell. Fields that are not
    given stay as they are. base: any CPL workbook, the sample list when left out. keep_list: keep the other three
    tabs, which submitters may take out (guidance 7.1). shared: put texts into the shared strings instead of inline.
    Raises ValueError for a field that the form has no row for.
    """
    ready = _prepared(sample_cpl() if base is None else base, keep_list)
    if unknown := sorted(set(answers) - set(ready.rows)):
        raise ValueError(f"the form has no row for {', '.join(unknown)}")
    package = ready.package
    style = ""
    if any(isinstance(value, date) for value in answers.values()):
        package, style = with_date_style(package)
    texts: dict[str, int] = {}
    if shared:
        package, texts = _share(package, [value for value in answers.values() if isinstance(value, str)])

    def fill(sheet: Element) -> None:
        numbers = {number: field for field, number in ready.rows.items()}
        for row in sheet.iter(ROW):
            field = numbers.get(int(row.get("r", "0")), "")
            if field in answers:
                write(cell_in(row, "G"), answers[field], date_style=style, texts=texts)

    return edit(package, ready.part, fill).to_bytes()


@lru_cache(maxsize=8)
def _prepared(base: bytes, keep_list: bool) -> _Base:
    """Return a base with its rows looked up; kept, since thousands of forms are made from the same one."""
    package = Package.read(base)
    if not keep_list:
        package = take_out(package, {tab.name for tab in tabs(package)} - {FORM_TAB})
    part = part_of(package, FORM_TAB)
    return _Base(package, part, form_rows(package, part))


def form_rows(package: Package, part: str) -> dict[str, int]:
    """Return the rows of a form sheet that name a Data Group and a Data Attribute, field to row number."""
    strings = shared_strings(package)
    rows: dict[str, int] = {}
    for row in etree.fromstring(package.part(part)).iter(ROW):
        number = int(row.get("r", "0"))
        texts = {cell.get("r", ""): cell_text(cell, strings) for cell in row.iter(CELL)}
        group, attribute = texts.get(f"A{number}", "").strip(), texts.get(f"B{number}", "").strip()
        if group and attribute and group != "Data Group":
            rows.setdefault(f"{group}.{attribute}", number)
    return rows


def shared_strings(package: Package) -> list[str]:
    """Return the workbook's shared texts, phonetic hints left out."""
    if SHARED_STRINGS not in package:
        return []
    return [_plain(item) for item in etree.fromstring(package.part(SHARED_STRINGS)).iter(_ITEM)]


def cell_text(cell: Element, strings: list[str]) -> str:
    """Return the text of a cell as stored; empty for an empty one."""
    if cell.get("t") == "inlineStr":
        return _plain(cell)
    value = cell.findtext(VALUE) or ""
    return strings[int(value)] if cell.get("t") == "s" else value


def _plain(holder: Element) -> str:
    """Return the joined text runs below an element."""
    return "".join(text.text or "" for text in _runs(holder))


def _runs(holder: Element) -> Iterator[Element]:
    """Yield the text elements below an element that are shown."""
    for text in holder.iter(TEXT):
        parent = text.getparent()
        if parent is None or parent.tag != _PHONETIC:
            yield text


def cell_in(row: Element, letters: str) -> Element:
    """Return one cell of a row, made in its place when it is missing."""
    ref = f"{letters}{row.get('r')}"
    place = 0
    for cell in row.iter(CELL):
        if cell.get("r") == ref:
            return cell
        here = (cell.get("r") or "").rstrip("0123456789")
        if (len(here), here) < (len(letters), letters):
            place += 1
    made = etree.Element(CELL, {"r": ref})
    row.insert(place, made)
    return made


def write(cell: Element, value: Value, *, date_style: str = "", texts: Mapping[str, int] | None = None) -> None:
    """Put a value into a cell. date_style: the cell format for dates; texts: numbers of texts that are shared."""
    del cell[:]
    cell.attrib.pop("t", None)
    if isinstance(value, str):
        if texts and value in texts:
            cell.set("t", "s")
            etree.SubElement(cell, VALUE).text = str(texts[value])
        else:
            cell.set("t", "inlineStr")
            _add_text(etree.SubElement(cell, INLINE), value)
    elif isinstance(value, bool):
        cell.set("t", "b")
        etree.SubElement(cell, VALUE).text = str(int(value))
    elif isinstance(value, date):
        cell.set("s", date_style)
        etree.SubElement(cell, VALUE).text = _serial(value)
    elif value is not None:
        etree.SubElement(cell, VALUE).text = repr(value)


def _serial(value: date) -> str:
    """Return a date, or a date with a time, as the 1900 date system counts it."""
    if isinstance(value, datetime):
        midnight = datetime(value.year, value.month, value.day, tzinfo=value.tzinfo)
        return repr(serial(value.date()) + (value - midnight) / timedelta(days=1))
    return str(serial(value))


def _add_text(holder: Element, text: str) -> None:
    """Put a text element below a holder, blanks and line ends kept."""
    made = etree.SubElement(holder, TEXT, {_SPACE: "preserve"})
    made.text = xstring(text)


def _share(package: Package, texts: list[str]) -> tuple[Package, dict[str, int]]:
    """Return the package with texts added to its shared strings, and the number of each."""
    numbers: dict[str, int] = {}

    def append(root: Element) -> None:
        for text in texts:
            if text not in numbers:
                numbers[text] = len(root)
                _add_text(etree.SubElement(root, _ITEM), text)
        root.set("uniqueCount", str(len(root)))
        root.set("count", str(int(root.get("count", "0")) + len(texts)))

    return edit(package, SHARED_STRINGS, append), numbers


def with_date_style(package: Package) -> tuple[Package, str]:
    """Return the package and the number of a cell format that shows dates, added where the workbook has none."""
    formats = f"{{{MAIN}}}cellXfs"
    found = etree.fromstring(package.part(STYLES)).find(formats)
    listed = list(found) if found is not None else []
    for number, one in enumerate(listed):
        if one.get("numFmtId") in _DATE_FORMATS:
            return package, str(number)

    def append(root: Element) -> None:
        holder = next(root.iter(formats))
        attributes = {"numFmtId": "14", "fontId": "0", "fillId": "0", "borderId": "0", "applyNumberFormat": "1"}
        etree.SubElement(holder, f"{{{MAIN}}}xf", attributes)
        holder.set("count", str(len(holder)))

    return edit(package, STYLES, append), str(len(listed))
