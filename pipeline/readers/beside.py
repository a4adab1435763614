"""Where a label stands alone, its value stands beside or below it: which block that is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.readers.blocks import Block, Row, overlap
from pipeline.readers.labels import Label, Labels
from pipeline.readers.listing import Labelled, concatenations, value_of

_STEP = 2.2  # heights of a line between a label and the value below it
_WORDS = 12
_EXACT = {"date", "number"}
"""Types whose values are told from any other figures below a heading by their shape alone."""
_SHAPED = {"octets", "hardware", "date", "number"}


@dataclass(frozen=True, slots=True)
class Spot:
    """Where the value of a label stands: the number of its row, and of its block there.

    column: left edge of what stands above one another with it, in points.
    """

    row: int
    block: int
    column: float


def beside(rows: Sequence[Row], at: tuple[int, int], label: Label, labels: Labels) -> list[Spot]:
    """Return where the values of a label stand that ends the block ``at`` (row, block): to the right, or else below.

    Several blocks to the right that all have the shape of the field are values of as many Device Models, side by side.
    """
    number, place = at
    blocks = rows[number].blocks
    left = blocks[place].box.left
    right = list(_right(blocks, place, label, labels))
    if len(right) > 1 and all(labels.strict(label.field, blocks[n].text) for n in right):
        return [Spot(number, n, blocks[n].box.left) for n in right]
    if right:
        return [Spot(number, right[0], left)]
    return [Spot(row, n, left) for row, n in _below(rows, at, label, labels)]


def read_spot(rows: Sequence[Row], spot: Spot, label: Label, labels: Labels) -> list[Labelled]:
    """Return what a block says as the value of a label; a Device Model written in one is read as such elsewhere."""
    block = rows[spot.row].blocks[spot.block]
    if not labels.rule(label.field).many and next(concatenations(block.text), None):
        return []
    others = (other.start for other in labels.find(block.text) if other.start and other.field != label.field)
    pieces = labels.whole(label.field, block.text, 0, next(others, len(block.text)))
    return [Labelled(value_of(block, piece, "label", label.text), spot.column) for piece in pieces]


def _right(blocks: Sequence[Block], place: int, label: Label, labels: Labels) -> Iterator[int]:
    """Yield the blocks to the right, up to the next label; none where the cell beside is empty."""
    for n, block in enumerate(blocks[place + 1 :], start=place + 1):
        if not block.words or labels.opens(block.text, label.field):
            return
        yield n


def _below(rows: Sequence[Row], at: tuple[int, int], label: Label, labels: Labels) -> Iterator[tuple[int, int]]:
    """Yield the block below, and for a field with many values those below it in turn."""
    rule = labels.rule(label.field)
    block = rows[at[0]].blocks[at[1]]
    above = block
    for number in range(at[0] + 1, len(rows)):
        row = rows[number]
        if row.page != block.page or row.top - above.box.bottom > _STEP * block.height:
            return
        place = next((n for n, other in enumerate(row.blocks) if other.words and overlap(block, other)), None)
        if place is None:
            continue
        under = row.blocks[place]
        shaped = rule.type not in _SHAPED or any(sign.isdigit() for sign in under.text)
        shaped = shaped and (rule.type not in _EXACT or bool(labels.strict(label.field, under.text)))
        if labels.opens(under.text, label.field) or not shaped or len(under.words) > _WORDS:
            return
        yield number, place
        if not rule.many:
            return
        above = under
