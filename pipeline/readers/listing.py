"""Device Models in lists and tables: written in one, or a row each under headings, on one page or many."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.domain.certificate import ReadDevice, ReadValue
from pipeline.readers.blocks import Block, Row, overlap
from pipeline.readers.labels import Labels, Piece
from pipeline.rulebook.notation import CONCATENATION, is_octets, octets_pattern

DEVICE_FIELDS = (
    "manufacturer_identifier",
    "model_identifier",
    "hardware_version.version",
    "hardware_version.revision",
    "firmware_version",
)
"""The five Data Attributes of a Device Model (guidance 7.2.2), as the kinds name them."""

_OCTETS = dict(zip(DEVICE_FIELDS, (2, 2, 1, 1, 4), strict=True))

MAKER = "manufacturer"
"""The manufacturer's name, which goes with a Device Model where it is read and tells none apart."""

_PARTS = {"version": "hardware_version.version", "revision": "hardware_version.revision"}
_LEAST_COLUMNS = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: the field its heading names, the heading, and where it stands."""

    field: str
    label: str
    left: float
    right: float


def concatenations(text: str) -> Iterator[tuple[Piece, ...]]:
    """Return the Device Models that a text writes in one, each as its pieces.

    Digits alone, without a colon or an underscore among them, may be anything. Four values where the hardware is
    written 01:02 could be manufacturer, model and firmware, so they count only with all five.
    """
    for found in CONCATENATION.finditer(text):
        whole = found["manufacturer_identifier"] is not None
        if not re.search("[:_]", found[0]) or (not whole and not re.fullmatch(r"\s*[_/ ,;|-]\s*", found["between"])):
            continue
        yield tuple(
            Piece(_PARTS.get(name, name), found[name], found.start(name), found.end(name))
            for name in ("manufacturer_identifier", "model_identifier", "version", "revision", "firmware_version")
            if found[name] is not None
        )


def value_of(block: Block, piece: Piece, how: str, label: str = "") -> ReadValue:
    """Return a piece of a block as a value with its place."""
    return ReadValue(piece.field, piece.text, block.place(piece.start, piece.end), how, label)


def listed_devices(block: Block, how: str = "list", label: str = "") -> list[ReadDevice]:
    """Return the Device Models that a block writes in one."""
    return [
        ReadDevice(tuple(value_of(block, piece, how, label) for piece in pieces))
        for pieces in concatenations(block.text)
    ]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: the numbers of its rows among all rows, headings first, and its columns."""

    columns: tuple[Column, ...]
    heading: int
    rows: tuple[int, ...]
    ruled: bool


def tables(rows: Sequence[Row], labels: Labels) -> list[Table]:
    """Return the tables with a heading row and a row of values below it; one goes on over the end of a page."""
    found: list[Table] = []
    open_table: Table | None = None
    for number, row in enumerate(rows):
        columns = _heading_over_lines(rows, number, labels) or heading(row, labels)
        if columns:
            if open_table and open_table.rows:
                found.append(open_table)
            open_table = Table(columns, number, (), row.ruled)
        elif open_table and row.ruled == open_table.ruled and _fits(open_table, row, labels):
            open_table = Table(open_table.columns, open_table.heading, (*open_table.rows, number), open_table.ruled)
    if open_table and open_table.rows:
        found.append(open_table)
    return found


def heading(row: Row, labels: Labels) -> tuple[Column, ...]:
    """Return the columns that a row names; none where the row is no heading.

    In a heading two fields stand side by side with no value between, and nothing in it looks like a value.
    """
    columns: list[Column] = []
    beside = False
    before = False
    for block in row.blocks:
        label = labels.alone(block.text) if block.words else None
        if label is None and re.search(r"\d", block.text):
            return ()
        beside = beside or (before and label is not None)
        before = label is not None
        name = label.field if label else ""
        columns.append(Column(name, label.text if label else block.text, block.box.left, block.box.right))
    named = [column for column in columns if column.field]
    return tuple(columns) if beside and len(named) >= _LEAST_COLUMNS else ()


def _heading_over_lines(rows: Sequence[Row], number: int, labels: Labels) -> tuple[Column, ...]:
    """Return the columns that a row names together with the one right above: 'Hardware' over 'Version'."""
    if not number:
        return ()
    above, row = rows[number - 1], rows[number]
    near = above.page == row.page and row.top - above.bottom < row.blocks[0].height
    if not near or above.ruled or row.ruled or any(sign.isdigit() for block in row.blocks for sign in block.text):
        return ()
    joined = []
    for block in above.blocks:
        below = [word for other in row.blocks if overlap(block, other) for word in other.words]
        joined.append(Block.build(row.page, (*block.words, *below)))
    covered = all(any(overlap(block, other) for block in above.blocks) for other in row.blocks)
    return heading(Row(row.page, tuple(joined)), labels) if covered else ()


def cells(table: Table, row: Row) -> list[tuple[Column, Block]]:
    """Return the cells of a row under the columns they stand in."""
    if row.ruled and len(row.blocks) == len(table.columns):
        return [(column, block) for column, block in zip(table.columns, row.blocks, strict=True) if block.words]
    placed: dict[int, list[Block]] = {}
    for block in row.blocks:
        over = [n for n, column in enumerate(table.columns) if _gap(column, block) < 0]
        if len(over) > 1:  # two cells with less than a gap between them: word by word
            for word in block.words:
                part = Block.build(row.page, (word,))
                placed.setdefault(_nearest(table.columns, part), []).append(part)
        elif block.words:
            placed.setdefault(_nearest(table.columns, block), []).append(block)
    return [
        (table.columns[n], Block.build(row.page, [word for block in parts for word in block.words]))
        for n, parts in sorted(placed.items())
    ]


def _gap(column: Column, block: Block) -> float:
    """Return how far a block stands from a column across the page, negative where they overlap."""
    return max(column.left, block.box.left) - min(column.right, block.box.right)


def _nearest(columns: Sequence[Column], block: Block) -> int:
    return min(range(len(columns)), key=lambda n: (_gap(columns[n], block), n))


def _fits(table: Table, row: Row, labels: Labels) -> bool:
    """Say whether a row holds values of the table: what stands under a heading has the shape of its field."""
    if row.ruled and len(row.blocks) != len(table.columns):
        return False
    under = [(column, block) for column, block in cells(table, row) if column.field]
    if len(under) < _LEAST_COLUMNS or any(labels.leading(block.text) for block in row.blocks if block.words):
        return False
    shaped = [labels.strict(column.field, block.text) for column, block in under]
    known = [fits for fits in shaped if fits is not None]
    if not known:
        return len(under) == sum(1 for column in table.columns if column.field)
    return sum(known) * 2 >= len(known)


def row_values(table: Table, row: Row, labels: Labels, how: str) -> tuple[ReadValue, ...]:
    """Return the values of one row of a table."""
    values: list[ReadValue] = []
    for column, block in cells(table, row):
        if column.field:
            pieces = labels.whole(column.field, block.text, 0, len(block.text))
            values += [value_of(block, piece, how, column.label) for piece in pieces]
    return tuple(values)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A value found by its label, and the left edge of what stands above one another with it."""

    value: ReadValue
    column: float


def grouped(found: Sequence[Labelled]) -> list[ReadDevice]:
    """Return the Device Models that single labels describe, in reading order.

    One, unless a field has two values: then each column of labels stands for itself where the same field stands in
    two of them, and a field that comes again starts the next Device Model.
    """
    items = _shaped([item for item in found if item.value.field in DEVICE_FIELDS])
    if not items:
        return []
    if all(len(said) == 1 for said in _said(items).values()):
        return [_device(items)]
    columns: dict[int, list[Labelled]] = {}
    for item in items:
        near = next((key for key in columns if abs(key - item.column) <= 20), round(item.column))  # noqa: PLR2004 - points
        columns.setdefault(near, []).append(item)
    fields = [name for part in columns.values() for name in {item.value.field for item in part}]
    sequences = list(columns.values()) if len(set(fields)) < len(fields) else [items]
    devices = [device for sequence in sequences for device in _cycles(sequence)]
    return [device for n, device in enumerate(devices) if not _repeats(device, devices, n)]


def _shaped(items: Sequence[Labelled]) -> list[Labelled]:
    """Leave out words where the same field also has octets: 'Model: Kestrel' beside 'Model Identifier: 00:0A'."""
    octets = {item.value.field for item in items if _holds_octets(item.value)}
    return [item for item in items if item.value.field not in octets or _holds_octets(item.value)]


def _holds_octets(value: ReadValue) -> bool:
    count = _OCTETS[value.field]
    return is_octets(value.text, count) or (count > 1 and bool(re.search(octets_pattern(count), value.text)))


def _said(items: Sequence[Labelled]) -> dict[str, set[str]]:
    said: dict[str, set[str]] = {}
    for item in items:
        said.setdefault(item.value.field, set()).add(bare(item.value.text))
    return said


def bare(text: str) -> str:
    """Return a text as two writings of one value are told from two values: without case, signs and blanks."""
    return re.sub(r"[\W_]", "", text.casefold())


def _device(items: Sequence[Labelled]) -> ReadDevice:
    """Return one Device Model of values that do not contradict each other: the first of each field."""
    kept: dict[str, ReadValue] = {}
    for item in items:
        kept.setdefault(item.value.field, item.value)
    return ReadDevice(tuple(kept[name] for name in DEVICE_FIELDS if name in kept))


def _cycles(items: Sequence[Labelled]) -> Iterator[ReadDevice]:
    """Start a new Device Model where a field comes again."""
    part: list[Labelled] = []
    for item in items:
        if any(item.value.field == other.value.field for other in part):
            yield _device(part)
            part = []
        part.append(item)
    yield _device(part)


def _repeats(device: ReadDevice, devices: Sequence[ReadDevice], place: int) -> bool:
    """Say whether a Device Model says nothing that another does not say too."""
    said = {(value.field, bare(value.text)) for value in device.values}
    for n, other in enumerate(devices):
        more = {(value.field, bare(value.text)) for value in other.values}
        if n != place and said <= more and (len(said) < len(more) or n < place):
            return True
    return False
