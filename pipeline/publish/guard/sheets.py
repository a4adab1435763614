"""One tab of the two workbooks held side by side: nothing but the ordered cells and rows may differ."""

from collections.abc import Iterator
from xml.parsers import expat

from pipeline.publish.guard.orders import TabOrders
from pipeline.publish.guard.parts import head_faults, tail_faults
from pipeline.publish.guard.rows import SheetRow, around, cells_of, sheet_rows
from pipeline.readers.sheet import column_letters


def sheet_faults(then: bytes, now: bytes, tab: TabOrders) -> Iterator[str]:
    """Yield what differs between two worksheet parts and was not ordered."""
    old_head, old_tail = around(then)
    new_head, new_tail = around(now)
    yield from head_faults(tab.name, old_head, new_head, tab)
    yield from tail_faults(tab.name, old_tail, new_tail, tab)
    try:
        yield from _row_faults(then, now, tab)
    except (expat.ExpatError, ValueError, KeyError) as error:
        yield f"the rows of the tab '{tab.name}' cannot be told apart ({error})"


def _row_faults(then: bytes, now: bytes, tab: TabOrders) -> Iterator[str]:
    """Hold the rows side by side. An empty row may make room for a new one."""
    added = range(tab.last + 1, tab.last + tab.added + 1)
    fresh = 0
    new = sheet_rows(now)
    row = next(new, None)
    for old in sheet_rows(then):
        if old.number in added and not old.filled:
            continue
        while row and row.number in added:
            yield from _added_faults(row, tab)
            fresh, row = fresh + 1, next(new, None)
        if row is None or row.number != old.number:
            yield f"row {old.number} of the tab '{tab.name}' is not where it was"
            return
        if row.octets.rstrip() != old.octets.rstrip():
            yield from _cell_faults(old, row, tab)
        row = next(new, None)
    while row:
        if row.number not in added:
            yield f"the tab '{tab.name}' has a row {row.number} that nobody ordered"
        yield from _added_faults(row, tab)
        fresh, row = fresh + 1, next(new, None)
    if fresh != tab.added:
        yield f"the tab '{tab.name}' has {fresh} new rows where {tab.added} are due"


def _added_faults(row: SheetRow, tab: TabOrders) -> Iterator[str]:
    tag, cells = cells_of(row)
    if {"hidden", "collapsed", "outlineLevel"} & tag.keys():
        yield f"the new row {row.number} of the tab '{tab.name}' is hidden or grouped"
    due = {column_letters(column) for column in tab.cells.get(row.number, {})}
    for name, (_, octets) in cells.items():
        if b"<f" in octets or (name not in due and (b"<v" in octets or b"<is" in octets)):
            yield f"the new row {row.number} of the tab '{tab.name}' holds something unordered in column {name}"


def _cell_faults(old: SheetRow, new: SheetRow, tab: TabOrders) -> Iterator[str]:
    """Yield what differs in a row beside its ordered cells; those are read by the readers."""
    ordered = {column_letters(column) for column in tab.cells.get(old.number, {})}
    (old_tag, then), (new_tag, now) = cells_of(old), cells_of(new)
    if {**old_tag, "spans": ""} != {**new_tag, "spans": ""}:
        yield f"row {old.number} of the tab '{tab.name}' has other properties"
    if [name for name in now if name in then] != list(then):
        yield f"row {old.number} of the tab '{tab.name}' has lost cells or has them in another order"
    for name, (style, octets) in now.items():
        if name not in ordered and then.get(name, ("", b""))[1] != octets:
            yield f"the cell {name}{old.number} of the tab '{tab.name}' has changed and nobody ordered it"
        elif name in then and then[name][0] != style and b"<is>" in octets:
            yield f"the cell {name}{old.number} of the tab '{tab.name}' has another format"
        elif (b"<f" in then.get(name, ("", b""))[1]) != (b"<f" in octets):
            yield f"the cell {name}{old.number} of the tab '{tab.name}' has lost or gained a formula"
