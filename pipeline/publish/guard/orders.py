"""What a plan orders of a workbook: for each tab, which cells are to hold what, and how many rows are to be added.

Worked out from the old workbook, as python-calamine reads it, and the plan; never from the new one.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from python_calamine import CalamineError, CalamineWorkbook

from pipeline.domain.product import Product
from pipeline.domain.release import ChangeKind, ReleasePlan
from pipeline.publish.headings import CONCATENATED, field_of
from pipeline.readers.cpl import VERSION_LINE
from pipeline.readers.form import is_form_name

NUMBER = "Entry.number"
Due = str | date
"""What a cell is to hold: a text, empty for nothing, or a day."""

_DAY = re.compile(r"(\d\d)/(\d\d)/(\d{4})")
_ENTRY = re.compile(r"[0-9]{1,6}")
_ADDRESS = (
    "Device_Model.model_identifier",
    "Device_Model.hardware_version.version",
    "Device_Model.hardware_version.revision",
)
Grid = Sequence[Sequence[object]]


class Undecided(Exception):  # noqa: N818 - named for the fact
    """The old workbook and the plan do not say what the new one is to hold. The text says why."""


@dataclass(slots=True)
class TabOrders:
    """What is ordered of one tab. Rows and columns count from 1.

    last: the last row that held anything. added: how many rows follow it. cells: row to column to what is due there.
    """

    name: str
    last: int
    added: int = 0
    cells: dict[int, dict[int, Due]] = field(default_factory=dict)

    def due(self, row: int, column: int, value: Due) -> None:
        """Order one cell."""
        self.cells.setdefault(row, {})[column] = value


def orders(before: bytes, plan: ReleasePlan) -> tuple[TabOrders, ...]:
    """Return the orders of every tab that is to change. Raises Undecided."""
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(before))
        grids = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}
    except (CalamineError, OSError, ValueError, KeyError) as error:
        raise Undecided(f"the old workbook cannot be read ({error})") from error
    found = []
    for name, grid in grids.items():
        if name == "Version Control":
            found.append(_history(name, grid, plan))
        elif name == "Central Products List":
            found.append(_list(name, grid, plan))
        elif name.casefold() == "cpl - saveable in csv":
            found.append(_csv(name, grid, plan))
        elif is_form_name(name) and VERSION_LINE.search(_text(grid, 2, 1)):
            form = TabOrders(name, len(grid))
            form.due(2, 1, VERSION_LINE.sub(plan.line, _text(grid, 2, 1)))
            found.append(form)
    return tuple(found)


def _text(grid: Grid, row: int, column: int) -> str:
    """Return a cell as text; empty outside the grid."""
    inside = len(grid) >= row and len(grid[row - 1]) >= column
    return str(grid[row - 1][column - 1]) if inside else ""


def _history(name: str, grid: Grid, plan: ReleasePlan) -> TabOrders:
    filled = [number for number, row in enumerate(grid, 1) if any(str(value).strip() for value in row)]
    tab = TabOrders(name, filled[-1] if filled else 0, 1)
    tab.due(3, 1, VERSION_LINE.sub(plan.line, _text(grid, 3, 1)))
    day: Due = plan.issued if isinstance(_value(grid, tab.last, 2), date) else f"{plan.issued:%d/%m/%Y}"
    for column, value in enumerate((plan.version, day, "\n".join(plan.log)), 1):
        tab.due(tab.last + 1, column, value)
    return tab


def _value(grid: Grid, row: int, column: int) -> object:
    return grid[row - 1][column - 1] if _text(grid, row, column) else None


def _list(name: str, grid: Grid, plan: ReleasePlan) -> TabOrders:
    top = next((number for number, row in enumerate(grid, 1) if row and row[0] == "Data Group"), None)
    if top is None or len(grid) <= top:
        raise Undecided(f"the tab '{name}' of the old workbook has no headings")
    headings = [f"{group}.{attribute}".strip() for group, attribute in zip(grid[top - 1], grid[top], strict=True)]
    columns = {field_of(heading): column for column, heading in enumerate(headings, 1) if column > 1 and heading != "."}
    rows = _rows(name, grid, columns, top + 1)
    tab = TabOrders(name, max(rows.values()), len(_added(plan)))
    dated = {column for column in columns.values() if any(isinstance(row[column - 1], date) for row in grid)}

    def due(row: int, values: Mapping[str, str]) -> None:
        for title, text in values.items():
            if title not in columns:
                raise Undecided(f"the tab '{name}' has no column '{title}'")
            tab.due(row, columns[title], _dated(text) if columns[title] in dated else text)

    for number, product in enumerate(_added(plan), tab.last + 1):
        due(number, {**dict.fromkeys(columns, ""), **product.values})
    for change in plan.difference.changes:
        if change.kind is not ChangeKind.ADDED:
            due(_row(rows, change.number), {one.field: one.after for one in change.values})
    return tab


def _csv(name: str, grid: Grid, plan: ReleasePlan) -> TabOrders:
    headings = [str(value) for value in grid[0]] if grid else []
    columns = {heading: column for column, heading in enumerate(headings, 1) if heading}
    rows = _rows(name, grid, columns, 1)
    tab = TabOrders(name, max(rows.values()), len(_added(plan)))
    for row in rows.values():
        tab.due(row, columns.get("Version", 1), plan.line)
    for number, product in enumerate(_added(plan), tab.last + 1):
        for heading, column in columns.items():
            tab.due(number, column, plan.line if heading == "Version" else _line_value(heading, product))
    for change in plan.difference.changes:
        if change.before and change.after:
            row = _row(rows, change.number)
            for heading, column in columns.items():
                then, now = _line_value(heading, change.before), _line_value(heading, change.after)
                if heading != "Version" and then != now:
                    tab.due(row, column, now)
    return tab


def _line_value(heading: str, product: Product) -> str:
    """Return what the CSV tab says of an entry: the list's value, octets without their colons (domain of the DCC)."""
    if heading == CONCATENATED:
        return "".join(product.values.get(part, "") for part in _ADDRESS).replace(":", "")
    text = product.values.get(field_of(heading), "")
    return text.replace(":", "") if heading.startswith("Device_Model") or heading.endswith(".hash") else text


def _rows(name: str, grid: Grid, columns: Mapping[str, int], top: int) -> dict[str, int]:
    """Return Entry.number to row."""
    if NUMBER not in columns:
        raise Undecided(f"the tab '{name}' of the old workbook has no column '{NUMBER}'")
    rows = dict(_entries(grid[top:], columns[NUMBER], top + 1))
    if not rows:
        raise Undecided(f"the tab '{name}' of the old workbook has no entries")
    return rows


def _entries(grid: Grid, column: int, first: int) -> Iterator[tuple[str, int]]:
    for number, row in enumerate(grid, first):
        value = row[column - 1]
        text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
        if _ENTRY.fullmatch(text):
            yield text.zfill(6), number


def _row(rows: Mapping[str, int], number: str) -> int:
    if number not in rows:
        raise Undecided(f"entry {number} is not in the old workbook")
    return rows[number]


def _added(plan: ReleasePlan) -> list[Product]:
    changes = plan.difference.changes
    return [one.after for one in changes if one.kind is ChangeKind.ADDED and one.after is not None]


def _dated(text: str) -> Due:
    match = _DAY.fullmatch(text)
    try:
        return date(int(match[3]), int(match[2]), int(match[1])) if match else text
    except ValueError:
        return text


def plain(value: object) -> object:
    """Return a read value without what readers do not agree on: nothing is an empty text, midnight is the day."""
    if value is None:
        return ""
    if isinstance(value, datetime) and value.time() == value.min.time():
        return value.date()
    return value
