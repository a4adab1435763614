"""The tab 'Version Control': which version this is, and a row for each version there has been, the newest last."""

from collections import Counter
from itertools import zip_longest
from math import ceil

from pipeline.domain.release import ReleasePlan
from pipeline.publish.cells import checked, day_cell, day_of, text_cell
from pipeline.publish.grow import Growth
from pipeline.publish.sheet_text import RowText, SheetText
from pipeline.publish.splice import Splice, changed_row, in_place, with_result
from pipeline.readers.cpl import VERSION_LINE

LINE_ROW = 3
"""The row whose first cell says which version this is."""

_HEADINGS = ("Version Number", "Date Of Issue", "Changes incorporated")
"""How the headings of columns A to C begin (CPL 2.051)."""
_LINE_HEIGHT = 14.5
"""Points that a line takes: what the rows of the list have for each line of theirs."""
_LINE_LENGTH = 95
"""Characters of a line in column C, whose width is 95.6 characters."""
_TALLEST = 409.5
"""The tallest row that Excel has, in points."""


def version_control(sheet: SheetText, plan: ReleasePlan, date_styles: frozenset[int]) -> Splice:
    """Return the tab with the new version in A3 and a row of its own below the others."""
    line = version_line(sheet, LINE_ROW, plan)
    if line is None:
        raise sheet.refused("A3 does not say 'Version ... Issued on ...'")
    rows = _history(sheet)
    last = rows[-1]
    newest = sheet.text(last, 1)
    if newest != plan.difference.old:
        raise sheet.refused(
            f"its last row is version '{newest}', and the release follows version {plan.difference.old}"
        )
    if any(sheet.text(row, 1) == plan.version for row in rows):
        raise sheet.refused(f"it already has a row for version {plan.version}")
    growth = Growth(rows[0].number, last.number, last.number + 1)
    row = _row(sheet, rows, plan, date_styles)
    return Splice(sheet, in_place(dict([line])), growth, (row,), len(_HEADINGS))


def version_line(sheet: SheetText, number: int, plan: ReleasePlan) -> tuple[int, bytes] | None:
    """Return that row with the new version in its first cell; None where the cell says no version.

    Where a formula fetches the version, the formula stays and what it last gave is set.
    """
    row = next((one for one in sheet.rows if one.number == number), None)
    cell = sheet.cell(row, 1) if row else None
    text = sheet.value(cell).text if cell else ""
    found = VERSION_LINE.search(text)
    if row is None or cell is None or found is None:
        return None
    says = f"{found[1]}.{found[2]}"
    if says != plan.difference.old:
        raise sheet.refused(f"A{number} says version {says}, and the release follows version {plan.difference.old}")
    new = VERSION_LINE.sub(plan.line, text)
    octets = with_result(sheet, cell, plan.line.encode()) or text_cell(1, number, cell.style, new)
    return number, changed_row(sheet, row, {1: octets})


def _history(sheet: SheetText) -> list[RowText]:
    """Return the rows of the versions, from the first to the last that anything stands in."""
    rows = iter(sheet.rows)
    for row in rows:
        headings = zip_longest((sheet.text(row, column) for column in (1, 2, 3)), _HEADINGS, fillvalue="")
        if all(text.startswith(heading) for text, heading in headings):
            break
    found = list(rows)
    while found and not sheet.filled(found[-1]):
        found.pop()
    if not found:
        raise sheet.refused(f"it has no versions below the headings '{_HEADINGS[0]}', '{_HEADINGS[1]}', ...")
    return found


def _row(sheet: SheetText, rows: list[RowText], plan: ReleasePlan, date_styles: frozenset[int]) -> bytes:
    """Return the new row, in the formats that most rows have: the first and the last may bear the table's frame."""
    formats = Counter(tuple(cell.style for _, cell in sheet.cells(row))[: len(_HEADINGS)] for row in rows)
    usual = next((one for one, _ in formats.most_common() if len(one) == len(_HEADINGS)), None)
    if usual is None:
        raise sheet.refused("none of its versions has a number, a date and its changes")
    number, day = rows[-1].number + 1, f"{plan.issued:%d/%m/%Y}"
    log = checked("\n".join(plan.log), f"The row of version {plan.version} in the tab '{sheet.name}'")
    serial, style = day_of(day), usual[1]
    dated = serial is not None and style is not None and style in date_styles
    cells = (
        text_cell(1, number, usual[0], plan.version),
        day_cell(2, number, style or 0, serial or 0) if dated else text_cell(2, number, style, day),
        text_cell(3, number, usual[2], log),
    )
    lines = sum(max(1, ceil(len(line) / _LINE_LENGTH)) for line in log.splitlines() or [""])
    height = f"{min(lines * _LINE_HEIGHT, _TALLEST):g}"
    return b"".join((f'<row r="{number}" ht="{height}">'.encode(), *cells, b"</row>"))
