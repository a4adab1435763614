"""Writes a whole sample Central Products List: a macro-enabled workbook with the four tabs of the real one."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache

from pipeline.demo.cells import HEADER, MAIN, Content, SharedStrings, SheetRows
from pipeline.demo.fields import (
    ALLOCATED,
    ANSWER_HEADING,
    CSV_COLUMNS,
    CSV_CONCATENATED,
    FORM_FIELDS,
    FORM_HEADER_ROW,
    FORM_HEADINGS,
    LIST_COLUMNS,
    LIST_LABELS,
    FormField,
)
from pipeline.demo.macro import SAMPLE_MODULES, vba_project
from pipeline.demo.package import Package, entry
from pipeline.demo.parts import book_parts
from pipeline.demo.products import sample_entries

VERSION_TAB = "Version Control"
FORM_TAB = "CPL - New Entry"
LIST_TAB = "Central Products List"
CSV_TAB = "CPL - saveable in CSV"
TABS = (VERSION_TAB, FORM_TAB, LIST_TAB, CSV_TAB)

PLAIN, TITLE, HEADING, TEXT, ANSWER, IMAGE_ANSWER, DATE = range(7)
"""Cell formats of the sample workbook, by their place in xl/styles.xml."""

_LOCKED = '<sheetProtection sheet="1" objects="1" scenarios="1"/>'
_MARGINS = '<pageMargins left="0.7" right="0.7" top="0.75" bottom="0.75" header="0.3" footer="0.3"/>'
_EXPIRY = "CPA_Certificate.expiry_date"
_TEXT_DATES = {"000011", "000017"}
"""Entries whose date is kept as text: both ways occur in the real list (22 of 500)."""


@cache
def sample_cpl() -> bytes:
    """Return the sample list, CPL 3.000; made once, since most forms are made from it."""
    return cpl_workbook()


def cpl_workbook(
    entries: Sequence[Mapping[str, str]] | None = None,
    *,
    version: str = "3.000",
    issued: str = "07-11-2024",
    macro: bytes | None = None,
) -> bytes:
    """Return a CPL workbook (.xlsm) with an empty 'CPL - New Entry' form.

    entries: the list's entries, field name to text, dates as dd/mm/yyyy; the sample's own when left out. version:
    X.YYY; issued: dd-mm-yyyy, as the version line prints it. macro: another vbaProject.bin. The same arguments
    give the same bytes.
    """
    listed = sample_entries() if entries is None else entries
    line = f"Version {version} Issued on {issued}"
    strings = SharedStrings()
    sheets = (
        _version_tab(strings, line, version, issued, len(listed)),
        _form_tab(strings, line),
        _list_tab(strings, listed),
        _csv_tab(strings, listed, line),
    )
    parts = book_parts(TABS, datetime.strptime(issued, "%d-%m-%Y").date())  # noqa: DTZ007 - a day, no time of day
    parts |= {f"xl/worksheets/sheet{number}.xml": sheet for number, sheet in enumerate(sheets, 1)}
    parts["xl/sharedStrings.xml"] = strings.part()
    packed = [entry(name, text.encode()) for name, text in parts.items()]
    packed.append(entry("xl/vbaProject.bin", _macro() if macro is None else macro))
    return Package(tuple(packed)).to_bytes()


@cache
def _macro() -> bytes:
    """Return the macro of the sample workbook."""
    return vba_project(SAMPLE_MODULES)


def _sheet(code_name: str, rows: SheetRows, widths: Sequence[int], view: str, after: str) -> str:
    """Return one worksheet part (18.3.1.99): its elements stand in the order that the schema asks for."""
    columns = "".join(f'<col min="{n}" max="{n}" width="{w}" customWidth="1"/>' for n, w in enumerate(widths, 1))
    return (
        f'{HEADER}<worksheet xmlns="{MAIN}"><sheetPr codeName="{code_name}"/><dimension ref="{rows.extent}"/>'
        f'<sheetViews><sheetView workbookViewId="0"{view}</sheetViews><sheetFormatPr defaultRowHeight="14.5"/>'
        f"<cols>{columns}</cols>{rows.data()}{_LOCKED}{after}{_MARGINS}</worksheet>"
    )


def _frozen(top: int, left: int = 0) -> str:
    """Return the rest of a sheetView whose first rows and columns stay in sight."""
    across, corner = (f' xSplit="{left}"', "bottomRight") if left else ("", "bottomLeft")
    cell = f"{'ABC'[left]}{top + 1}"
    return f'><pane{across} ySplit="{top}" topLeftCell="{cell}" activePane="{corner}" state="frozen"/></sheetView>'


def _version_tab(strings: SharedStrings, line: str, version: str, issued: str, count: int) -> str:
    """Return the 'Version Control' tab: version line in A3, history from row 10."""
    rows = SheetRows(strings)
    rows.add(1, ("Central Products List (CPL)",), (TITLE,))
    rows.add(3, (line,), (TITLE,))
    rows.add(5, ("An invented list for trying out the pipeline. Nothing on it exists.",), (TEXT,))
    rows.add(8, ("Version History",), (TITLE,))
    rows.add(10, ("Version Number", "Date Of Issue", "Changes incorporated"), (HEADING,) * 3)
    day = issued.replace("-", "/")
    rows.add(11, ("1.0", "01/02/2021", "First blank version of the sample list."), (TEXT,) * 3)
    rows.add(12, (version, day, f"{count} invented entries; firmware path and radio data added."), (TEXT,) * 3)
    return _sheet("Sheet4", rows, (30, 14, 90), ' tabSelected="1"/>', "")


def _form_tab(strings: SharedStrings, line: str) -> str:
    """Return the empty 'CPL - New Entry' tab: version line in A2, headings in row 6, one field a row below."""
    rows = SheetRows(strings)
    rows.add(1, ("Central Products List - New Entry Form",), (TITLE,))
    rows.add(2, (line,), (PLAIN,))
    rows.add(3, ("Sample form: one new Device Model for each copy of this workbook.",), (PLAIN,))
    rows.add(4, ("Fill in the green cells, and the yellow ones when there is a Manufacturer Image.",), (PLAIN,))
    rows.add(FORM_HEADER_ROW, (*FORM_HEADINGS, ANSWER_HEADING), (HEADING,) * 7)
    lists: list[str] = []
    for number, field in enumerate(FORM_FIELDS, FORM_HEADER_ROW + 1):
        texts = (field.group, field.attribute, *field_texts(field))
        if field.group == "Entry":
            rows.add(number, (*texts, ALLOCATED), (TEXT,) * 7, 44)
        else:
            rows.add(number, (*texts, None), (*(TEXT,) * 6, IMAGE_ANSWER if field.image else ANSWER), 44)
        if field.options:
            lists.append(
                f'<dataValidation type="list" allowBlank="1" showErrorMessage="1" sqref="G{number}">'
                f'<formula1>"{",".join(field.options)}"</formula1></dataValidation>'
            )
    drop_downs = f'<dataValidations count="{len(lists)}">{"".join(lists)}</dataValidations>'
    return _sheet("Sheet1", rows, (26, 26, 42, 40, 36, 36, 48), _frozen(FORM_HEADER_ROW), drop_downs)


def field_texts(field: FormField) -> tuple[str, str, str, str]:
    """Return columns C to F of a form row: Notes, Conditionality rule, Format, Valid values."""
    return (field.notes, field.conditionality, field.format, field.valid)


def _list_tab(strings: SharedStrings, entries: Sequence[Mapping[str, str]]) -> str:
    """Return the 'Central Products List' tab: what the form says of a field stands above its column."""
    by_name = {field.name: field for field in FORM_FIELDS}
    columns = [
        (c.group, c.attribute, f.notes, f.conditionality, "Sample rulebook", f.format, f.valid)
        for c, f in ((c, by_name[c.field]) for c in LIST_COLUMNS)
    ]
    rows = SheetRows(strings)
    for number, label in enumerate(LIST_LABELS, 1):
        styles = (HEADING,) * (len(columns) + 1)
        rows.add(number, (label, *(column[number - 1] for column in columns)), styles)
    names = tuple(c.field for c in LIST_COLUMNS)
    styles = (PLAIN, *(DATE if name == _EXPIRY else PLAIN for name in names))
    for number, values in enumerate(entries, len(LIST_LABELS) + 1):
        rows.add(number, (None, *(_list_value(name, values) for name in names)), styles)
    return _sheet("Sheet2", rows, (20, *(24,) * len(columns)), _frozen(2, 2), "")


def _list_value(name: str, values: Mapping[str, str]) -> Content:
    """Return one value of an entry as the list stores it: dates as dates, save a few that are kept as text."""
    text = values.get(name)
    if not text or name != _EXPIRY or values["Entry.number"] in _TEXT_DATES:
        return text
    day, month, year = text.split("/")
    return date(int(year), int(month), int(day))


def _csv_tab(strings: SharedStrings, entries: Sequence[Mapping[str, str]], line: str) -> str:
    """Return the 'CPL - saveable in CSV' tab: one heading row, no colons in the values."""
    rows = SheetRows(strings)
    styles = (PLAIN,) * (len(CSV_COLUMNS) + 1)
    rows.add(1, ("Version", *(heading for heading, _ in CSV_COLUMNS)), styles)
    for number, values in enumerate(entries, 2):
        rows.add(number, (line, *(_csv_value(name, values) for _, name in CSV_COLUMNS)), styles)
    return _sheet("Sheet3", rows, (34, *(24,) * len(CSV_COLUMNS)), _frozen(1), "")


def _csv_value(name: str, values: Mapping[str, str]) -> str:
    """Return one value of the CSV tab."""
    if name == CSV_CONCATENATED:
        parts = ("model_identifier", "hardware_version.version", "hardware_version.revision")
        return "".join(values[f"Device_Model.{part}"] for part in parts).replace(":", "")
    text = values.get(name, "")
    return text.replace(":", "") if name.startswith(("Device_Model.", "Manufacturer_Image.")) else text
