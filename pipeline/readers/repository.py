"""Existing repositories of the list: the FIR, the DZIR and the contacts for reminders (guidance Appendices 5, 6 and 7).

Columns are found by their headings, in the first row of any tab that has them all. What is said of a file names rows
and columns, never a value: the DZIR is RED (law 8), and contacts are personal data.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from python_calamine import CalamineError, CalamineWorkbook

from pipeline.domain.message import Problem
from pipeline.domain.release import RepositoryRow
from pipeline.readers.cpl import CPL_LIMITS
from pipeline.readers.package import Unreadable, open_package
from pipeline.readers.sheet import column_letters

REFERENCE = "CPL Reference"
COMPANY = "Manufacturer Contact FIR.Company Name"
CONTACT_DETAILS = "Manufacturer Contact FIR.Contact Details"
"""The FIR keeps the manufacturer's address, telephone, website and e-mail as one text; no field of the form."""
RELEASE_NOTES = "FIR Release Notes.Description"
UPGRADE_PATH = "Firmware_Upgrade.Path"
STACK_VENDOR = "Device_ZigBee_Information_Repository.Stack_Vendor"
STACK_VERSION = "Device_ZigBee_Information_Repository.Stack_Version"
CONTACT_NAME = "Contact-CPA.Contact.contact name"
CONTACT_TELEPHONE = "Contact-CPA.Contact.contact telephone"
CONTACT_EMAIL = "Contact-CPA.Contact.contact email"

FIR_HEADINGS: Mapping[str, str] = {
    COMPANY: "Manufacturer",
    CONTACT_DETAILS: "Contact Details",
    RELEASE_NOTES: "Manufacturer Firmware Description / Information",
    UPGRADE_PATH: "Firmware Upgrade Path",
}
"""Field to heading of the FIR, in column order after REFERENCE (guidance Figure 4)."""

DZIR_HEADINGS: Mapping[str, str] = {STACK_VENDOR: "ZigBee Stack Vendor", STACK_VERSION: "ZigBee Stack Version"}
"""The same of the DZIR (guidance Figure 6)."""

HISTORIC = "Historic Device Model, not provided"
"""How a repository marks an entry it holds nothing of (guidance Appendix 7.2); read back as no value."""

_ZIP = b"PK\x03\x04"
_NUMBER = re.compile(r"[0-9]{1,6}")
_MOST_PROBLEMS = 20
_UNOPENED = {
    "encrypted": "is protected with a password to open it: save it without one",
    "unsupported": "is not an Excel workbook (.xlsx)",
    "limit": "is larger than a list can be",
}


@dataclass(frozen=True, slots=True)
class RepositoryReading:
    """What a repository holds: a row for each entry that it says something of, in the order of the file.

    problems: rows that could not be used, or why nothing could be read; then there are no rows.
    """

    rows: tuple[RepositoryRow, ...]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Layout:
    """The columns of one kind. references, headings: names that a column may go by. optional: what an old one lacks."""

    name: str
    references: tuple[str, ...]
    headings: Mapping[str, tuple[str, ...]]
    optional: frozenset[str] = frozenset()


_FIR = _Layout(
    "FIR",
    (REFERENCE,),
    {field: (heading,) for field, heading in FIR_HEADINGS.items()},
    frozenset({UPGRADE_PATH}),  # came with SEC v86.0 (MP231)
)
_DZIR = _Layout("DZIR", (REFERENCE,), {field: (heading,) for field, heading in DZIR_HEADINGS.items()})
_CONTACTS = _Layout(
    "contacts",
    ("Entry number", "Entry.number", REFERENCE),
    {
        CONTACT_NAME: ("Name", "Contact name", CONTACT_NAME),
        CONTACT_TELEPHONE: ("Telephone", "Contact telephone", CONTACT_TELEPHONE),
        CONTACT_EMAIL: ("Email", "E-mail", "Contact email", CONTACT_EMAIL),
    },
)

_Row = Sequence[str]


def read_fir(data: bytes) -> RepositoryReading:
    """Read a Firmware Information Repository (.xlsx). Never raises for the bytes: what cannot be read is a Problem."""
    return _read(data, _FIR)


def read_dzir(data: bytes) -> RepositoryReading:
    """Read a Device ZigBee Information Repository (.xlsx), as ``read_fir`` does. No Problem quotes the file."""
    return _read(data, _DZIR)


def read_contacts(data: bytes) -> RepositoryReading:
    """Read a list of contacts (.csv or .xlsx): entry number, name, telephone and e-mail, under these headings."""
    return _read(data, _CONTACTS)


def _read(data: bytes, layout: _Layout) -> RepositoryReading:
    try:
        tabs = _csv(data, layout) if layout is _CONTACTS and not data.startswith(_ZIP) else _workbook(data, layout)
        return _first_table(tabs, layout)
    except Unreadable as error:
        return RepositoryReading((), (Problem(error.kind, error.text),))


def _workbook(data: bytes, layout: _Layout) -> Iterator[list[_Row]]:
    """Yield the rows of each tab, behind the package guard."""
    try:
        open_package(data, CPL_LIMITS)  # it grows with the list, and is as much our own
    except Unreadable as error:  # its own text may quote the file
        said = _UNOPENED.get(error.kind, "is damaged: open it in Excel and save it anew")
        raise Unreadable(error.kind, f"the {layout.name} file {said}") from None
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        for name in book.sheet_names:
            yield [
                [_text(value) for value in row] for row in book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            ]
    except (CalamineError, OSError, ValueError, KeyError):  # their texts may quote a cell
        raise Unreadable("damaged", f"a tab of the {layout.name} workbook cannot be read") from None


def _text(value: object) -> str:
    """Return a cell as text: a whole number without decimals, a day as dd/mm/yyyy, line ends as LF."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, date):
        return value.strftime("%d/%m/%Y")
    return str(value).replace("\r\n", "\n").replace("\r", "\n").strip()


def _csv(data: bytes, layout: _Layout) -> Iterator[list[_Row]]:
    """Yield the one table of a CSV file: UTF-8, or else the code page in which Excel saves it."""
    text = None
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    if text is None:
        raise Unreadable("unsupported", f"the {layout.name} file is neither an Excel workbook nor CSV text")
    try:
        yield [[_text(value) for value in row] for row in csv.reader(io.StringIO(text, newline=""))]
    except csv.Error:
        raise Unreadable("damaged", f"the {layout.name} file cannot be read as CSV") from None


def _first_table(tabs: Iterable[list[_Row]], layout: _Layout) -> RepositoryReading:
    for rows in tabs:
        for index, row in enumerate(rows):
            columns = _columns(row, layout)
            if columns:
                return _rows(rows[index + 1 :], index + 2, columns, layout, _untaken(row, columns, index + 1, layout))
    needed = (names[0] for field, names in layout.headings.items() if field not in layout.optional)
    wanted = ", ".join(f"'{name}'" for name in (layout.references[0], *needed))
    raise Unreadable("unsupported", f"the {layout.name} file has no row with the headings {wanted}, once each")


def _columns(row: _Row, layout: _Layout) -> dict[str, int]:
    """Return field to column, REFERENCE among them; nothing where the row is not the row of headings."""
    named: dict[str, list[int]] = {}
    for column, text in enumerate(row):
        named.setdefault(_heading(text), []).append(column)
    found: dict[str, int] = {}
    for field, names in {REFERENCE: layout.references, **layout.headings}.items():
        places = [column for name in {_heading(name) for name in names} for column in named.get(name, ())]
        if len(places) == 1:
            found[field] = places[0]
        elif places or field not in layout.optional:  # a heading that stands twice names no column
            return {}
    return found


def _untaken(row: _Row, columns: Mapping[str, int], number: int, layout: _Layout) -> list[str]:
    """Say which columns of a repository are left out: the next Release is written without them."""
    if layout is _CONTACTS:
        return []
    extra = [column_letters(n) for n, text in enumerate(row, 1) if text and n - 1 not in columns.values()]
    return [f"the {layout.name} has no field for column {column}, headed in row {number}" for column in extra]


def _heading(text: str) -> str:
    """Return a heading as it is compared: without regard to case, blanks and line breaks."""
    return "".join(text.casefold().split())


def _rows(
    rows: Sequence[_Row], first: int, columns: Mapping[str, int], layout: _Layout, problems: list[str]
) -> RepositoryReading:
    """Read the rows below the headings. problems: those already met."""
    found: dict[str, RepositoryRow] = {}
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, first):
        cells = {field: row[column] for field, column in columns.items() if column < len(row) and row[column]}
        reference = cells.pop(REFERENCE, "")
        if not cells and not reference:
            continue
        if not _NUMBER.fullmatch(reference):
            problems.append(f"row {number} of the {layout.name} has no CPL entry number of up to six digits")
            continue
        entry = reference.zfill(6)  # a spreadsheet that took 000626 for a number shows 626
        if entry in seen:
            problems.append(f"entry {entry} stands twice in the {layout.name}, in rows {seen[entry]} and {number}")
            continue
        seen[entry] = number
        values = {field: text for field, text in cells.items() if text != HISTORIC}
        if values:
            found[entry] = RepositoryRow(entry, values)
    return RepositoryReading(tuple(found.values()), _told(problems, layout))


def _told(problems: Sequence[str], layout: _Layout) -> tuple[Problem, ...]:
    """Return the problems, the first ones in full."""
    told = [Problem("damaged", text) for text in problems[:_MOST_PROBLEMS]]
    if len(problems) > _MOST_PROBLEMS:
        more = f"{len(problems) - _MOST_PROBLEMS} more rows of the {layout.name} could not be used"
        told.append(Problem("damaged", more))
    return tuple(told)
