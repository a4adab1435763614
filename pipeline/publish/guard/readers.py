"""The ordered cells of a new workbook, as programs read them that know nothing of the writer."""

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence

from openpyxl import load_workbook
from python_calamine import CalamineWorkbook

from pipeline.publish.guard.orders import Due, TabOrders, plain
from pipeline.readers.sheet import column_letters

Seen = Iterator[tuple[str, int, Sequence[object]]]
"""Tab, row from 1, and the values of the row."""


def calamine_rows(data: bytes, tabs: Sequence[TabOrders]) -> Seen:
    """Yield the rows that python-calamine reads."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    for tab in tabs:
        for number, row in enumerate(book.get_sheet_by_name(tab.name).to_python(skip_empty_area=False), 1):
            yield tab.name, number, row


def openpyxl_rows(data: bytes, tabs: Sequence[TabOrders]) -> Seen:
    """Yield the rows that openpyxl reads, whatever extent the sheets claim."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says of every extension that it does not know it
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        try:
            for tab in tabs:
                sheet = book[tab.name]
                sheet.reset_dimensions()
                for number, row in enumerate(sheet.iter_rows(values_only=True), 1):
                    yield tab.name, number, row
        finally:
            book.close()


def reading_faults(program: str, seen: Seen, tabs: Sequence[TabOrders]) -> Iterator[str]:
    """Yield every ordered cell that a program reads otherwise, and every row it does not see or sees too much of."""
    orders = {tab.name: tab for tab in tabs}
    left = {tab.name: set(tab.cells) for tab in tabs}
    for name, number, row in seen:
        tab = orders[name]
        left[name].discard(number)
        yield from _row_faults(program, tab, number, row)
        if number > tab.last + tab.added and any(plain(value) != "" for value in row):
            yield f"{program} sees something in row {number} of the tab '{name}', below its last row"
    for name, numbers in left.items():
        missing = [number for number in numbers if any(value != "" for value in orders[name].cells[number].values())]
        yield from (f"{program} does not see row {number} of the tab '{name}'" for number in sorted(missing))


def _row_faults(program: str, tab: TabOrders, number: int, row: Sequence[object]) -> Iterator[str]:
    due: Mapping[int, Due] = tab.cells.get(number, {})
    for column, value in due.items():
        read = plain(row[column - 1]) if column <= len(row) else ""
        if read != value:
            cell = f"{tab.name}!{column_letters(column)}{number}"
            yield f"{program} reads {read!r} in {cell}, where {value!r} is due"
