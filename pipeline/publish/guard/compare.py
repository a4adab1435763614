"""The guard itself: every difference between an old and a new workbook that the plan does not order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from pipeline.domain.release import ReleasePlan
from pipeline.publish.guard.office import office_rows
from pipeline.publish.guard.orders import TabOrders, Undecided, orders
from pipeline.publish.guard.parts import only_grown, part_faults
from pipeline.publish.guard.products import product_faults
from pipeline.publish.guard.readers import Seen, calamine_rows, openpyxl_rows, reading_faults
from pipeline.publish.guard.sheets import sheet_faults
from pipeline.readers.cpl import CPL_LIMITS
from pipeline.readers.package import Package, Unreadable, open_package
from pipeline.readers.sheet import Workbook

_MOST = 20
"""Faults that are told; one is reason enough."""


def compare(before: bytes, after: bytes, plan: ReleasePlan, *, office: str | None = None) -> tuple[str, ...]:
    """Return what speaks against releasing the new workbook, in plain words; nothing for a good one.

    office: the program ``soffice``, where LibreOffice is to read the new workbook too.
    """
    try:
        found = list(islice(_faults(before, after, plan, office), _MOST))
    except Undecided as error:
        found = [f"it cannot be said what the new workbook is to hold: {error}"]
    except Unreadable as error:
        found = [f"the workbook cannot be read: {error.text}"]
    return tuple(found)


def _faults(before: bytes, after: bytes, plan: ReleasePlan, office: str | None) -> Iterator[str]:
    tabs = orders(before, plan)
    then, now = open_package(before, CPL_LIMITS), open_package(after, CPL_LIMITS)
    book = Workbook(then)
    parts = {tab.name: then.written(tab.part) for tab in book.tabs}
    sheets = {parts[tab.name]: tab for tab in tabs}
    ranges = set() if then.names != now.names else _with_ranges(then, now, sheets)
    yield from part_faults(before, after, {*sheets, *ranges})
    for name in sorted(ranges):
        if not only_grown(then.read(name), now.read(name), tabs):
            yield f"in the part {name} more has changed than ranges that follow the last row"
    for name, tab in sheets.items():
        if now.has(name):
            yield from sheet_faults(then.read(name), now.read(name), tab)
    yield from product_faults(before, after, plan)
    yield from _read("python-calamine", lambda: calamine_rows(after, tabs), tabs)
    yield from _read("openpyxl", lambda: openpyxl_rows(after, tabs), tabs)
    if office:
        yield from _read("LibreOffice", lambda: office_rows(office, after, tabs), tabs)


def _with_ranges(then: Package, now: Package, sheets: Mapping[str, TabOrders]) -> set[str]:
    """Return the parts that may change because a defined name or a table follows the last row of a tab."""
    main = {one.part for one in then.relationships("") if one.kind == "officeDocument"}
    tables = {one.part for name in sheets for one in then.relationships(name) if one.kind == "table"}
    return {then.written(name) for name in main | tables if then.read(name) != now.read(name)}


def _read(program: str, rows: Callable[[], Seen], tabs: Sequence[TabOrders]) -> Iterator[str]:
    try:
        yield from reading_faults(program, rows(), tabs)
    except Exception as error:  # noqa: BLE001 - whatever such a program raises says that it cannot read the workbook
        yield f"{program} cannot read the new workbook ({type(error).__name__}: {error})"
