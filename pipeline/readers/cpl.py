"""The Central Products List workbook: its entries, and the template that its blank form is (guidance 5 and 7.1).

Entries are read with python-calamine behind the package guard; the blank form with the strict sheet reader, as the
form of a submission is. Columns are found by their two header rows, so 2.x and 3.x lists read alike.
"""

import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from lxml import etree
from python_calamine import CalamineError, CalamineWorkbook

from pipeline.domain.form import Tab, Template
from pipeline.domain.message import Problem
from pipeline.domain.product import DEVICE_MODEL, DeviceModel, Product
from pipeline.readers.cell import local
from pipeline.readers.form import FORM_TAB, is_form_name, macro_of, read_form
from pipeline.readers.macro import read_macro
from pipeline.readers.package import PackageLimits, Unreadable, open_package
from pipeline.readers.sheet import Workbook, column_number

LIST_TAB = "Central Products List"
CPL_LIMITS = PackageLimits(total=1 << 30, part=512 << 20, ratio=400)
"""Our own list grows with the years; it is not a stranger's file."""

VERSION_LINE = re.compile(r"Version (\d+)\.(\d{1,4}) Issued on (\d\d-\d\d-\d{4})")
"""Cell A2 of the form and A3 of Version Control: ``Version 3.000 Issued on 07-11-2024``."""

_NUMBER = re.compile(r"[0-9]{1,6}")
_RANGE = re.compile(r"(?:'?([^'!]+)'?!)?\$?([A-Z]{1,3})\$?([0-9]{1,7})(?::\$?([A-Z]{1,3})\$?([0-9]{1,7}))?")
_ANSWER = 7
_MOST_LISTED = 500
_NAMES = {
    "SMETS_CHTS Version.Version_number_and_effective_date": "SMETS/CHTS Version.Version_number",
    "Zigbee_Properties.Bands_Join": "ZigBee_Properties.Bands_Join",
}
"""Columns of the list that are headed otherwise than the form's field (research: real workbook, guidance 7.2.11)."""
_NEVER_PUBLISHED = {"device_zigbee_information_repository", "contact-cpa"}
"""Data Groups that are RED or personal (guidance 7.2.8, 7.2.12), in lower case: no column of a list."""


@dataclass(frozen=True, slots=True)
class CplReading:
    """What a CPL workbook holds. template is None, and problems say why, where it is no CPL."""

    template: Template | None
    products: tuple[Product, ...]
    problems: tuple[Problem, ...] = ()


def read_cpl(data: bytes) -> CplReading:
    """Read a CPL workbook. Never raises for the bytes: what cannot be read is a Problem."""
    try:
        package = open_package(data, CPL_LIMITS)
        template = _template(data, Workbook(package))
        return CplReading(template, tuple(_products(data)))
    except Unreadable as error:
        return CplReading(None, (), (Problem(error.kind, error.text),))


def _template(data: bytes, book: Workbook) -> Template:
    form = read_form(data, CPL_LIMITS)
    if form.problems or not form.rows or not is_form_name(form.tab):
        raise Unreadable("unsupported", f"the workbook has no readable tab '{FORM_TAB}', so it is not a CPL")
    tab = next(tab for tab in book.tabs if tab.name == form.tab)
    version, issued = _version(form.version, book)
    at_row = {row.number: row.field for row in form.rows}
    return Template(
        artefact=hashlib.sha256(data).hexdigest(),
        version=version,
        issued=issued,
        fields=tuple(row.field for row in form.rows),
        texts={row.field: row.texts for row in form.rows},
        lists=dict(_lists(book, tab, at_row)),
        placeholders={row.field: row.answer.text for row in form.rows if row.answer.text},
        macro=macro_of(book),
        modules=read_macro(data),
    )


def _version(form_line: str, book: Workbook) -> tuple[str, str]:
    """Take the version from A2 of the form, or from A3 of Version Control, where 2.x lists keep it."""
    lines = [form_line]
    for tab in book.tabs:
        if tab.name == "Version Control":
            lines += [cell.text for row in book.rows(tab, most=6) for cell in row.cells.values()]
    for line in lines:
        match = VERSION_LINE.search(" ".join(line.split()))
        if match:
            return f"{match[1]}.{match[2]}", match[3]
    raise Unreadable("unsupported", "the workbook says nowhere which version of the CPL it is")


def _lists(book: Workbook, tab: Tab, at_row: dict[int, str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield field and values of every drop-down on column G, inline or pointing at cells."""
    for element in book.sheet_xml(tab).iter("{*}dataValidation"):
        if element.get("type") != "list":
            continue
        where = element.get("sqref") or _child_text(element, "sqref")
        values = _listed(book, tab, _child_text(element, "formula1"))
        for match in filter(None, map(_RANGE.fullmatch, where.split())):
            left, right = column_number(match[2]), column_number(match[4] or match[2])
            first, last = int(match[3]), int(match[5] or match[3])
            if values and left <= _ANSWER <= right:
                yield from ((field, values) for number, field in at_row.items() if first <= number <= last)


def _child_text(element: etree._Element, name: str) -> str:
    for child in element:
        if local(child) == name:
            return "".join(str(part) for part in child.itertext()).strip()
    return ""


def _listed(book: Workbook, tab: Tab, formula: str) -> tuple[str, ...]:
    if formula.startswith('"'):
        inner = formula.removeprefix('"').removesuffix('"').replace('""', '"')
        return tuple(value.strip() for value in inner.split(",") if value.strip())
    match = _RANGE.fullmatch(formula.lstrip("="))
    if not match:
        return ()
    source = next((t for t in book.tabs if t.name == match[1]), None) if match[1] else tab
    if source is None:
        return ()
    first, last = int(match[3]), min(int(match[5] or match[3]), int(match[3]) + _MOST_LISTED)
    column = column_number(match[2])
    return tuple(
        row.cells[column].text.strip()
        for row in book.rows(source, most=last)
        if first <= row.number <= last and column in row.cells
    )


def _products(data: bytes) -> Iterator[Product]:
    try:
        rows = (
            CalamineWorkbook.from_filelike(io.BytesIO(data))
            .get_sheet_by_name(LIST_TAB)
            .to_python(skip_empty_area=False)
        )
    except (CalamineError, OSError, ValueError, KeyError) as error:
        raise Unreadable("damaged", f"the tab '{LIST_TAB}' cannot be read ({error})") from error
    header = next((i for i, r in enumerate(rows) if r and _as_text(r[0]) == "Data Group" and i + 1 < len(rows)), None)
    if header is None:
        raise Unreadable("unsupported", f"the tab '{LIST_TAB}' has no header rows")
    columns = _columns(rows[header], rows[header + 1])
    number = next((c for c, name in columns.items() if name == "Entry.number"), None)
    if number is None or not set(DEVICE_MODEL) <= set(columns.values()):
        raise Unreadable("unsupported", f"the tab '{LIST_TAB}' lacks the Entry or Device_Model columns")
    secret = {c: columns.pop(c) for c, name in tuple(columns.items()) if _group(name) in _NEVER_PUBLISHED}
    for index, row in enumerate(rows[header + 2 :], start=header + 3):
        values = {name: _as_text(row[c]) for c, name in columns.items() if row[c] != ""}
        if _NUMBER.fullmatch(values.get("Entry.number", "")):
            if filled := [name for c, name in secret.items() if row[c] != ""]:
                text = f"row {index} of the tab '{LIST_TAB}' has a value in the column '{filled[0]}'"
                raise Unreadable("unsupported", f"{text}, which must never be published: take the column out")
            # A spreadsheet that took 000626 for a number shows 626.
            yield _product(values | {"Entry.number": values["Entry.number"].zfill(6)}, index)
        elif set(DEVICE_MODEL) <= values.keys() and not _as_text(row[0]):  # column A: the labels above the entries
            text = f"row {index} of the tab '{LIST_TAB}' has a Device Model but no six-digit Entry.number"
            raise Unreadable("damaged", text)


def _columns(groups: Sequence[object], attributes: Sequence[object]) -> dict[int, str]:
    named = {}
    for column, (group, attribute) in enumerate(zip(groups, attributes, strict=True)):
        if column and group and attribute:
            name = f"{_as_text(group)}.{_as_text(attribute)}"
            named[column] = _NAMES.get(name, name)
    return named


def _group(name: str) -> str:
    return name.partition(".")[0].casefold()


def _product(values: dict[str, str], row: int) -> Product:
    model = model_of([values.get(name, "") for name in DEVICE_MODEL])
    return Product(values["Entry.number"], values.get("Entry.status", ""), model, values, row)


def model_of(texts: Sequence[str]) -> DeviceModel:
    """Return the Device Model of five texts in form order. A hardware octet that became a number gets its zero back."""
    manufacturer, image, version, revision, firmware = (text.upper() for text in texts)
    return DeviceModel(manufacturer, image, _octet(version), _octet(revision), firmware)


def _octet(text: str) -> str:
    return text.zfill(2) if len(text) == 1 and text.isdecimal() else text


def _as_text(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.strftime("%d/%m/%Y")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
