"""Rows of a worksheet changed in place or added at its end; every other octet is passed on as it is."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pipeline.publish.cells import style_attribute
from pipeline.publish.grow import Growth, dimension
from pipeline.publish.sheet_text import LAST_ROW, CellText, RowText, SheetText
from pipeline.publish.zip_copy import Octets

_SPANS = re.compile(rb'(\sspans=")([0-9]+):([0-9]+)(")')
_FORMULA = re.compile(rb"<f(?:\s[^<>]*)?(?:/>|>[^<]*</f>)")
_ROW_END = len(b"</row>")


def in_place(new: Mapping[int, bytes]) -> Callable[[RowText], bytes | None]:
    """Return the change that puts new octets in the place of some rows; new: by row number."""
    return lambda row: new.get(row.number)


@dataclass(frozen=True, slots=True)
class Splice:
    """One sheet as it is to be written.

    change: gives a row's new octets, or None to leave it. new: rows to be added right below growth.last, where only
    empty rows may stand. width: the last column that they fill.
    """

    sheet: SheetText
    change: Callable[[RowText], bytes | None]
    growth: Growth | None = None
    new: tuple[bytes, ...] = ()
    width: int = 0

    def __post_init__(self) -> None:
        """Refuse what would lose or hide a row."""
        growth = self.growth
        if growth is None:
            return
        if growth.to > LAST_ROW:
            raise self.sheet.refused(f"a worksheet ends at row {LAST_ROW:,}, and the new rows would not")
        if growth.merged(self.sheet.tail):
            raise self.sheet.refused(f"cells are merged below row {growth.last} and would hide the new rows")

    def pieces(self) -> Iterator[Octets]:
        """Yield the part, piece by piece."""
        sheet, growth = self.sheet, self.growth
        view = memoryview(sheet.data)
        added = growth is not None and bool(self.new)
        at, end = sheet.ends
        yield dimension(sheet.head, growth.to, self.width) if growth and added else sheet.head
        for row in sheet.rows:
            if growth and added and row.number > growth.last:
                yield view[at : row.start]
                yield from self.new
                at, added = row.start, False
            if growth and self.new and growth.last < row.number <= growth.to:
                at = row.end
                continue
            octets = self.change(row)
            if octets is not None:
                yield view[at : row.start]
                yield octets
                at = row.end
        yield view[at:end]
        if added:
            yield from self.new
        yield growth.elements(sheet.tail) if growth and self.new else sheet.tail


def changed_row(sheet: SheetText, row: RowText, new: Mapping[int, bytes]) -> bytes:
    """Return the octets of a row with some cells replaced or put in; new: by column number."""
    data, at = sheet.data, row.start
    pieces: list[bytes] = []
    due = sorted(new)
    for column, cell in sheet.cells(row):
        while due and due[0] <= column:
            pieces += [data[at : cell.start], new[due[0]]]
            at = cell.end if due.pop(0) == column else cell.start
        if not due:
            break
    if due:
        pieces += [data[at : row.end - _ROW_END], *(new[column] for column in due)]
        at = row.end - _ROW_END
    return _SPANS.sub(lambda found: _spanning(found, new), b"".join((*pieces, data[at : row.end])), count=1)


def _spanning(found: re.Match[bytes], new: Mapping[int, bytes]) -> bytes:
    """Widen the columns that a row says it fills (18.3.1.73): Excel reads no further than that."""
    left, right = min(int(found[2]), *new), max(int(found[3]), *new)
    return found[1] + f"{left}:{right}".encode() + found[4]


def with_result(sheet: SheetText, cell: CellText, text: bytes) -> bytes | None:
    """Return a formula's cell with another stored result; None where the cell has no formula."""
    formula = _FORMULA.search(sheet.data, cell.start, cell.end)
    if formula is None:
        return None
    start = f'<c r="{cell.ref}"{style_attribute(cell.style)} t="str">'.encode()
    return start + formula[0] + b"<v>" + text + b"</v></c>"
