"""From words to blocks: what stands together on a page, in rows, each with the place of every character.

A block is a cell of a ruled table, a stretch of a line with no wide gap in it, or running text over several lines.
Blocks of one line, or of one row of a table, are a row; label and value, and the columns of a table, are told by it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from statistics import median

from pipeline.domain.certificate import Place
from pipeline.domain.document import Box, Document, Page, Word

_WIDE = 1.2  # heights of a line: wider than any blank of justified text
_LINE_STEP = 1.9  # heights from the top of a line of running text to that of the next
_RUNNING_WORDS = 4
_CELL_WORDS = 80
_ALIGNED = 3.0  # points

_BROKEN = re.compile(r"(?:[0-9A-Fa-f]{2}:)+")
_HEX_START = re.compile(r"[0-9A-Fa-f]{2}(?![0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Words in a row with their text: joined by blanks, and by line ends where a line ends.

    ends: for each word, how many characters stand before the one after its last.
    """

    page: int
    words: tuple[Word, ...]
    text: str
    ends: tuple[int, ...]

    @classmethod
    def of(cls, page: int, words: Sequence[Word]) -> "Stretch":
        """Join words of one page. Octets broken at a line end (``0C:03:`` and ``0C:22``) are put together again."""
        text, ends = "", []
        for number, word in enumerate(words):
            if number:
                before = words[number - 1]
                if before.line == word.line:
                    text += " "
                elif not (_BROKEN.fullmatch(before.text) and _HEX_START.match(word.text)):
                    text += "\n"
            text += word.text
            ends.append(len(text))
        return cls(page, tuple(words), text, tuple(ends))

    def words_in(self, start: int, end: int) -> tuple[Word, ...]:
        """Return the words that have a character between two places of the text."""
        starts = (0, *self.ends[:-1])
        return tuple(
            word
            for word, first, last in zip(self.words, starts, self.ends, strict=True)
            if last > start and first < end and min(last, end) - max(first, start) > 0
        )

    def place(self, start: int, end: int) -> Place:
        """Return where a part of the text stands: the box round its words, and who read all of them."""
        words = self.words_in(start, end)
        return Place(
            page=self.page,
            box=box_of(words),
            text=" ".join(word.text for word in words),
            readers=_readers(words),
            confirmed=all(word.confirmed for word in words),
        )


@dataclass(frozen=True, slots=True)
class Block(Stretch):
    """One block. cell: it is a cell of a ruled table."""

    box: Box = field(default=Box(0, 0, 0, 0))
    cell: bool = False

    @classmethod
    def build(cls, page: int, words: Sequence[Word], *, cell: bool = False) -> "Block":
        """Return a block of words of one page; of none, an empty cell."""
        joined = Stretch.of(page, words)
        return cls(page, joined.words, joined.text, joined.ends, box_of(words), cell)

    @property
    def height(self) -> float:
        """Height of a line of it in points."""
        return median(word.box.bottom - word.box.top for word in self.words) if self.words else 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """Blocks side by side, from left to right. ruled: cells of a table, empty ones among them."""

    page: int
    blocks: tuple[Block, ...]
    ruled: bool = False

    @property
    def top(self) -> float:
        """Upper edge in points."""
        return min((block.box.top for block in self.blocks if block.words), default=0.0)

    @property
    def bottom(self) -> float:
        """Lower edge in points."""
        return max((block.box.bottom for block in self.blocks if block.words), default=0.0)


def box_of(words: Sequence[Word]) -> Box:
    """Return the rectangle round some words; all zero round none."""
    if not words:
        return Box(0, 0, 0, 0)
    return Box(
        min(word.box.left for word in words),
        min(word.box.top for word in words),
        max(word.box.right for word in words),
        max(word.box.bottom for word in words),
    )


def _readers(words: Sequence[Word]) -> tuple[str, ...]:
    """Return who read every one of the words; where nobody did, all who read one."""
    named = tuple(dict.fromkeys(reader for word in words for reader in word.readers))
    every = tuple(reader for reader in named if all(reader in word.readers for word in words))
    return every or named


def rows_of(document: Document) -> tuple[Row, ...]:
    """Return the rows of all pages, from top to bottom."""
    return tuple(row for page in document.pages for row in _page_rows(page))


def _page_rows(page: Page) -> list[Row]:
    ruled, taken = _ruled(page)
    loose = [word for place, word in enumerate(page.words) if place not in taken]
    lines = [
        Row(page.number, tuple(Block.build(page.number, part) for part in _parts(tuple(words))))
        for _, words in groupby(loose, key=lambda word: word.line)
    ]
    rows = _joined(lines)
    for row in ruled:  # tables among the lines by their height; the order of the lines is kept
        after = next((place for place, other in enumerate(rows) if not other.ruled and other.top > row.top), len(rows))
        rows.insert(after, row)
    return rows


def _ruled(page: Page) -> tuple[list[Row], set[int]]:
    """Return rows of tables and the words in them. A frame round a text, or a text in a cell, is no table."""
    rows: list[Row] = []
    taken: set[int] = set()
    for cells in page.rows:
        places = [place for cell in cells for place in cell]
        fits = all(0 <= place < len(page.words) for place in places) and taken.isdisjoint(places)
        if len(cells) > 1 and places and fits and max(map(len, cells)) <= _CELL_WORDS:
            blocks = tuple(Block.build(page.number, [page.words[n] for n in cell], cell=True) for cell in cells)
            rows.append(Row(page.number, blocks, ruled=True))
            taken.update(places)
    return rows, taken


def _parts(line: Sequence[Word]) -> Iterator[list[Word]]:
    """Split a line where there is a wider gap than a blank."""
    tall = median(word.box.bottom - word.box.top for word in line)
    part: list[Word] = []
    for word in sorted(line, key=lambda word: word.box.left):
        if part and word.box.left - part[-1].box.right > _WIDE * tall:
            yield part
            part = []
        part.append(word)
    yield part


def _joined(lines: Sequence[Row]) -> list[Row]:
    """Join the lines of running text, and the lines of a value that goes on below it."""
    rows: list[Row] = []
    for line in lines:
        if rows and _close(rows[-1], line):
            if _runs_on(rows[-1], line):
                rows[-1] = _with(rows[-1], 0, line.blocks[0])
                continue
            if under := _values_above(rows[-1], line):
                for place, block in under:
                    rows[-1] = _with(rows[-1], place, block)
                continue
        rows.append(line)
    return rows


def _with(row: Row, place: int, more: Block) -> Row:
    grown = Block.build(row.page, (*row.blocks[place].words, *more.words))
    return Row(row.page, (*row.blocks[:place], grown, *row.blocks[place + 1 :]))


def _last_line(block: Block) -> list[Word]:
    return [word for word in block.words if word.line == block.words[-1].line]


def _close(above: Row, below: Row) -> bool:
    """Say whether a line follows the row above as lines of one text do."""
    height = max(block.height for block in below.blocks)
    last = max(_last_line(block)[0].box.top for block in above.blocks)
    return 0 < below.top - last < _LINE_STEP * height


def _runs_on(above: Row, below: Row) -> bool:
    """Say whether a line goes on with the text above: no room was left there for its first word."""
    if len(above.blocks) != 1 or len(below.blocks) != 1:
        return False
    one, other = above.blocks[0], below.blocks[0]
    last = _last_line(one)
    if len(last) < _RUNNING_WORDS or abs(last[0].box.left - other.box.left) > _ALIGNED:
        return False
    first = other.words[0].box
    widest = max(one.box.right, other.box.right)
    return last[-1].box.right + (first.right - first.left) + one.height / 4 > widest


def _values_above(above: Row, below: Row) -> list[tuple[int, Block]]:
    """Return which block of the row above, not its first, each block goes on with; none where one goes on with none.

    Several side by side only where they are words: figures would be the next row of a table.
    """
    if len(below.blocks) > 1 and any(sign.isdigit() for block in below.blocks for sign in block.text):
        return []
    found = []
    for block in below.blocks:
        place = next((n for n, other in enumerate(above.blocks) if n and _aligned(other, block)), 0)
        if not place:
            return []
        found.append((place, block))
    return found


def _aligned(one: Block, other: Block) -> bool:
    return abs(one.box.left - other.box.left) <= _ALIGNED


def overlap(one: Block, other: Block) -> bool:
    """Say whether two blocks stand above one another, at least in part."""
    return min(one.box.right, other.box.right) > max(one.box.left, other.box.left)
