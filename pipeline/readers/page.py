"""From characters to words and lines: how a page reads.

A word is a run of characters without a blank. Words whose middles stand at the same height are one line, from left to
right, and lines are numbered from the top; so a label and its value, or the cells of a table row, share a line, and
the gap between them shows in the boxes. Where running text stands in columns (a gutter through four lines or more,
with four words or more to each side on average), the lines of each column follow one another, numbered on. Text that
runs up or down the page comes last, a line to each word.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import mean

from pipeline.domain.document import Box, Unseen
from pipeline.readers.glyphs import Edges, Glyph, union

_FIGURE_DASHES = "\u2010\u2011"  # hyphen and no-break hyphen: NFKC makes one of them, a person sees neither apart
_LIGATURES = ("ff", "fi", "fl", "st", "ij", "IJ", "Th", "ae", "oe")
_STACKED = 0.15  # of a character's size: the middles of 'rf' in italics are further apart
_LONGEST = 500
_GUTTER = 1.2  # heights of a line: wider than any blank of justified text
_PARAGRAPH = 1.5  # heights of a line
_LEVEL = 0.45  # of a line's height
_COLUMN_LINES = 4
_COLUMN_WORDS = 4.0


@dataclass(frozen=True, slots=True)
class Run:
    """A word before it has a line. why: empty where it is seen.

    doubtful: its characters lie over one another, or it goes on in something that is not seen.
    """

    text: str
    box: Edges
    why: str = ""
    doubtful: bool = False


def normal(text: str) -> str:
    """Return text in the form in which words are compared: NFKC, without blanks and without what has no shape."""
    folded = unicodedata.normalize("NFKC", text).translate(dict.fromkeys(map(ord, _FIGURE_DASHES), "-"))
    if folded.isascii() and folded.isprintable() and " " not in folded:
        return folded
    return "".join(kept for kept in map(_shape, folded) if kept)


def _shape(character: str) -> str:
    """Return a character, nothing for a blank or a format character, or U+FFFD for one without a meaning."""
    category = unicodedata.category(character)
    if category == "Cf" or character.isspace():
        return ""
    return "\ufffd" if category in {"Cc", "Cs"} else character


def runs_of(glyphs: Sequence[Glyph], why: Sequence[str]) -> list[Run]:
    """Join characters to words. A word ends where one is seen and the next is not, so nothing hidden gets into it."""
    found = []
    for start, end in _spans(glyphs, why):
        torn = _torn(glyphs, why, start) or _torn(glyphs, why, end)
        run = _run(glyphs[start:end], why[start], torn=torn)
        if run.text:
            found.append(run)
    return found


def _spans(glyphs: Sequence[Glyph], why: Sequence[str]) -> Iterator[tuple[int, int]]:
    start = 0
    for index, glyph in enumerate(glyphs):
        blank = _is_blank(glyph)
        if start < index and (blank or why[index] != why[start] or _apart(glyphs[index - 1].box, glyph.box)):
            yield start, index
            start = index
        if blank:
            start = index + 1
        elif glyph.ends_line:
            yield start, index + 1
            start = index + 1
    if start < len(glyphs):
        yield start, len(glyphs)


def _torn(glyphs: Sequence[Glyph], why: Sequence[str], at: int) -> bool:
    """Say whether a word ends at a place only because what follows on it is hidden, or the other way about."""
    if not 0 < at < len(glyphs):
        return False
    before, after = glyphs[at - 1], glyphs[at]
    joined = not (_is_blank(before) or _is_blank(after) or before.ends_line or _apart(before.box, after.box))
    return joined and why[at - 1] != why[at]


def _is_blank(glyph: Glyph) -> bool:
    return not glyph.drawn_by or glyph.text.isspace()


def _apart(one: Edges, other: Edges) -> bool:
    """Say whether two characters in sequence are too far from one another to be of one word."""
    reach = 0.6 * max(one[3] - one[1], other[3] - other[1], one[2] - one[0], other[2] - other[0])
    across = max(one[0], other[0]) - min(one[2], other[2])
    down = max(one[1], other[1]) - min(one[3], other[3])
    return across > reach or down > reach / 4


def _run(glyphs: Sequence[Glyph], why: str, *, torn: bool) -> Run:
    box = glyphs[0].box
    doubtful = torn
    for before, glyph in pairwise(glyphs):
        box = union(box, glyph.box)
        doubtful = doubtful or (before.text.isalnum() and glyph.text.isalnum() and _stacked(before, glyph))
    return Run(normal("".join(glyph.text for glyph in glyphs)), box, why, doubtful)


def _stacked(before: Glyph, glyph: Glyph) -> bool:
    """Say whether two letters or digits lie over one another, as those of a ligature, drawn as one, do by right."""
    if before.text + glyph.text in _LIGATURES and before.ink == glyph.ink:
        return False
    one, other = before.ink, glyph.ink
    apart = max(abs(one[side] + one[side + 2] - other[side] - other[side + 2]) / 2 for side in (0, 1))
    size = max(one[2] - one[0], one[3] - one[1], other[2] - other[0], other[3] - other[1])
    return apart < _STACKED * size


def unseen_of(runs: Sequence[Run], page: int) -> tuple[Unseen, ...]:
    """Return the words that are not seen, neighbours on a line joined."""
    joined: list[Run] = []
    for run in (run for run in runs if run.why):
        last = joined[-1] if joined else None
        if last and last.why == run.why and _level(last.box, run.box):
            joined[-1] = Run(f"{last.text} {run.text}", union(last.box, run.box), run.why)
        else:
            joined.append(run)
    return tuple(Unseen(page, run.text[:_LONGEST], Box(*run.box), run.why) for run in joined)


def _level(one: Edges, other: Edges) -> bool:
    return min(one[3], other[3]) - max(one[1], other[1]) > 0.5 * min(one[3] - one[1], other[3] - other[1])


def lines_of(runs: Sequence[Run]) -> list[list[Run]]:
    """Put words into lines, and lines into reading order."""
    upright = [run for run in runs if not _runs_down(run)]
    rows = _rows(upright)
    down = sorted((run for run in runs if _runs_down(run)), key=lambda run: (run.box[0], run.box[1]))
    return [*_by_column(rows), *([run] for run in down)]


def _runs_down(run: Run) -> bool:
    left, top, right, bottom = run.box
    return len(run.text) > 2 and bottom - top > 1.5 * (right - left)  # noqa: PLR2004 - 'l1' is taller than wide


def _rows(runs: Sequence[Run]) -> list[list[Run]]:
    rows: list[list[Run]] = []
    for run in sorted(runs, key=lambda run: run.box[1] + run.box[3]):
        if rows and _beside(max(rows[-1], key=_height), run):
            rows[-1].append(run)
        else:
            rows.append([run])
    return [sorted(row, key=lambda run: run.box[0]) for row in rows]


def _beside(one: Run, other: Run) -> bool:
    """Say whether two words are of one line: raised and small letters are, two lines beside a tall letter are not."""
    small, large = sorted((_height(one), _height(other)))
    apart = abs(one.box[1] + one.box[3] - other.box[1] - other.box[3]) / 2
    return apart < _LEVEL * (small if large > 2 * small else large)


def _height(run: Run) -> float:
    return run.box[3] - run.box[1]


def _by_column(rows: Sequence[list[Run]]) -> Iterator[list[Run]]:
    """Yield rows, those of running text in columns column by column."""
    start = 0
    while start < len(rows):
        end, gutter = _column_block(rows, start)
        if gutter is None:
            yield rows[start]
            start += 1
            continue
        block = rows[start:end]
        for side in (_left_of, _right_of):
            yield from _by_column([part for row in block if (part := side(row, gutter))])
        start = end


def _column_block(rows: Sequence[list[Run]], start: int) -> tuple[int, float | None]:
    """Return where the block of columns that begins at a row ends, and the middle of its first gutter."""
    for gutter in _gutters(rows[start]):
        free, end = gutter, start + 1
        while end < len(rows) and _next(rows[end - 1], rows[end]) and (narrowed := _free(rows[end], *free)):
            free = narrowed
            end += 1
        middle = sum(free) / 2
        before = [len(_stretches(part)[-1]) for row in rows[start:end] if (part := _left_of(row, middle))]
        after = [len(_stretches(part)[0]) for row in rows[start:end] if (part := _right_of(row, middle))]
        enough = min(len(before), len(after)) >= _COLUMN_LINES
        if enough and min(mean(before), mean(after)) >= _COLUMN_WORDS:
            return end, middle
    return start + 1, None


def _gutters(row: Sequence[Run]) -> list[tuple[float, float]]:
    """Return the gaps of a row that have running text to either side; cells of a table seldom do."""
    stretches = _stretches(row)
    return [
        (one[-1].box[2], other[0].box[0])
        for one, other in pairwise(stretches)
        if min(len(one), len(other)) >= _COLUMN_WORDS - 1
    ]


def _stretches(row: Sequence[Run]) -> list[list[Run]]:
    """Split a row where there is a wider gap than a blank."""
    parts = [[row[0]]]
    for run in row[1:]:
        last = parts[-1][-1].box
        if run.box[0] - last[2] > _GUTTER * (last[3] - last[1]):
            parts.append([run])
        else:
            parts[-1].append(run)
    return parts


def _next(row: Sequence[Run], other: Sequence[Run]) -> bool:
    """Say whether a row follows another within a paragraph's distance, and does not begin something new below it."""
    bottom, top = max(run.box[3] for run in row), min(run.box[1] for run in other)
    return top - bottom < _PARAGRAPH * max(map(_height, row))


def _free(row: Sequence[Run], low: float, high: float) -> tuple[float, float] | None:
    """Return what of a vertical band no word of the row stands in, where that is still a gutter."""
    for run in row:
        if run.box[2] <= low or run.box[0] >= high:
            continue
        if run.box[0] > (low + high) / 2:
            high = run.box[0]
        elif run.box[2] < (low + high) / 2:
            low = run.box[2]
        else:
            return None
    height = _height(row[0])
    return (low, high) if high - low > _GUTTER * height else None


def _left_of(row: Sequence[Run], edge: float) -> list[Run]:
    return [run for run in row if run.box[2] <= edge]


def _right_of(row: Sequence[Run], edge: float) -> list[Run]:
    return [run for run in row if run.box[2] > edge]
