"""The next version of the CPL workbook, made from the one in force by changing only what the plan orders.

Part by part, never through a library that reads a workbook and writes its own: macro, button, protection, drop-downs,
formats, custom XML and every row that is not meant keep their octets. Nothing here asks the clock, so the same list
and the same plan give the same bytes.
"""

import re
from collections.abc import Iterator

from pipeline.domain.form import Tab
from pipeline.domain.product import Product, ProductList
from pipeline.domain.release import ChangeKind, EntryChange, ReleasePlan
from pipeline.publish.csv_file import CSV_HEADER, CSV_TAB, csv_rows
from pipeline.publish.grow import Growth
from pipeline.publish.history import version_control, version_line
from pipeline.publish.refused import ListNotEditable
from pipeline.publish.sheet_text import Readings, SheetText
from pipeline.publish.splice import Splice, in_place
from pipeline.publish.tables import NUMBER, VERSION, Table, Values, csv_table, list_table
from pipeline.publish.texts import SharedTexts
from pipeline.publish.zip_copy import Octets, copy_with
from pipeline.readers.cpl import CPL_LIMITS, LIST_TAB
from pipeline.readers.form import FORM_TAB, is_form_name
from pipeline.readers.package import Unreadable, open_package
from pipeline.readers.sheet import Workbook

VERSION_TAB = "Version Control"
FORM_LINE_ROW = 2
"""The row of the form tab whose first cell says the version, from CPL 3.000 on (guidance 5.2)."""

_FROM_1904 = re.compile(rb'\sdate1904="(?:1|true)"')


def write_cpl(before: bytes, plan: ReleasePlan) -> bytes:
    """Return the workbook of the new version. Raises ListNotEditable where that would take a guess."""
    try:
        book = Workbook(open_package(before, CPL_LIMITS))
        return copy_with(before, dict(_parts(book, plan)))
    except Unreadable as error:
        raise ListNotEditable(
            f"The list in force cannot be read: {error.text}. Put the list as it was last released in its place."
        ) from error


def _parts(book: Workbook, plan: ReleasePlan) -> Iterator[tuple[str, Iterator[Octets]]]:
    """Yield the parts that change, each with its new octets."""
    package = book.package
    (main,) = (one.part for one in package.relationships("") if one.kind == "officeDocument")
    workbook = package.read(main)
    if any(name.lower().startswith("_xmlsignatures/") for name in package.names):
        raise ListNotEditable(
            "The list carries a digital signature, which any change would break. Remove it in Excel (File, Info, View "
            "Signatures), save the list and publish again."
        )
    if _FROM_1904.search(workbook):
        raise ListNotEditable("The list counts its days from 1904. Turn that option off in Excel and check every date.")
    names = workbook
    for splice, part in _splices(book, plan):
        yield part, splice.pieces()
        if splice.growth and splice.new:
            names = splice.growth.names(names, splice.sheet.name)
            yield from _grown_tables(book, part, splice.growth)
    if names != workbook:
        yield package.written(main), iter([names])


def _splices(book: Workbook, plan: ReleasePlan) -> Iterator[tuple[Splice, str]]:
    """Yield each tab as it is to be written, with the name of its part; all are understood before the first."""
    package = book.package
    texts = SharedTexts(b"".join(package.read(part) for part in book.targets("sharedStrings")))
    dates = book._date_styles()  # noqa: SLF001 - the reader's own answer to which cell formats show days
    readings = Readings(texts, dates)
    sheets = [SheetText(tab.name, package.read(tab.part), readings) for tab in _tabs(book)]
    history, form, listed, saveable = sheets
    entries, lines = list_table(listed, dates), csv_table(saveable, dates)
    changes, added = _ordered(entries, lines, plan)
    line = version_line(form, FORM_LINE_ROW, plan)
    splices = (
        version_control(history, plan, dates),
        Splice(form, in_place(dict([line]))) if line else None,
        entries.spliced(
            {one.number: {value.field: value.after for value in one.values} for one in changes},
            [{name: text for name, text in after.values.items() if text} for after in added],
            {},
        ),
        lines.spliced(
            {one.number: _csv_changes(one, plan.line) for one in changes},
            [_csv(after, plan.line) for after in added],
            {VERSION: plan.line},
        ),
    )
    for tab, splice in zip(_tabs(book), splices, strict=True):
        if splice:
            yield splice, package.written(tab.part)


def _tabs(book: Workbook) -> tuple[Tab, Tab, Tab, Tab]:
    """Return the four tabs of the list. ListNotEditable where one is missing or there are two."""

    def only(name: str, found: list[Tab]) -> Tab:
        if len(found) != 1:
            raise ListNotEditable(
                f"The list has {len(found)} tabs '{name}' instead of one. Rename them in Excel as the list has them."
            )
        return found[0]

    def named(name: str) -> Tab:
        return only(name, [tab for tab in book.tabs if tab.name.casefold() == name.casefold()])

    form = only(FORM_TAB, [tab for tab in book.tabs if is_form_name(tab.name)])
    return named(VERSION_TAB), form, named(LIST_TAB), named(CSV_TAB)


def _ordered(entries: Table, lines: Table, plan: ReleasePlan) -> tuple[list[EntryChange], list[Product]]:
    """Return the changes to entries that are there, and the new entries. ListNotEditable where they do not fit."""
    for number in (*entries.entries, *lines.entries):
        for table in (entries, lines):
            if number not in table.entries:
                raise table.sheet.refused(f"entry {number} is missing from it and stands in the other tab of the list")
    changes: dict[str, EntryChange] = {}
    added: dict[str, Product] = {}
    for one in plan.difference.changes:
        known = one.number in entries.entries
        if one.number in changes or one.number in added:
            raise ListNotEditable(f"The plan orders two changes to entry {one.number}. Plan the release again.")
        if one.kind is ChangeKind.ADDED and one.after is not None:
            if known:
                raise entries.sheet.refused(f"entry {one.number}, which is to be added, is there already")
            added[one.number] = one.after
        elif one.before is None or one.after is None or any(value.field == NUMBER for value in one.values):
            raise ListNotEditable(
                f"Entry {one.number} can neither lose its row nor its number. Plan the release again."
            )
        elif not known:
            raise entries.sheet.refused(f"entry {one.number}, which is to be changed, is not there")
        else:
            changes[one.number] = one
    return list(changes.values()), list(added.values())


def _csv(product: Product, line: str) -> Values:
    """Return an entry's row of the CSV tab by heading."""
    _, row = csv_rows(ProductList("", "", (product,)), line)
    return dict(zip(CSV_HEADER, row, strict=True))


def _csv_changes(change: EntryChange, line: str) -> Values:
    if change.before is None or change.after is None:
        return {}
    then = _csv(change.before, line)
    return {name: text for name, text in _csv(change.after, line).items() if text != then[name]}


def _grown_tables(book: Workbook, part: str, growth: Growth) -> Iterator[tuple[str, Iterator[Octets]]]:
    """Yield the parts of Excel tables that ended on the last row."""
    for one in book.package.relationships(part):
        if one.kind == "table":
            octets = book.package.read(one.part)
            grown = growth.elements(octets)
            if grown != octets:
                yield book.package.written(one.part), iter([grown])
