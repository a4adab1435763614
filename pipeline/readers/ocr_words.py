"""From what two OCR engines read to the words of a page, confirmed where both read the same in the same place.

No look-alikes are folded: where one engine reads 0 and the other O, the word is not confirmed.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from pipeline.domain.document import Box, Word
from pipeline.readers.glyphs import Edges
from pipeline.readers.page import Run, lines_of

RAPIDOCR, TESSERACT = "rapidocr", "tesseract"
"""The two engines, as ``Word.readers`` names them."""

_SAME_PLACE = 0.4  # of the narrower word's width: neighbours reach into one another by less
_TELLING = 2  # letters and figures: less, seen by Tesseract alone, is dust or the edge of a table
_LONG = 8.0  # heights: a line long enough to show how the page lies
_STEEPEST = 0.2  # about 11 degrees: no scan that went through a feeder


class EngineFailed(Exception):  # noqa: N818 - named for the fact
    """An OCR engine could not read a page; the text is a clause without a full stop, and says nothing of the page."""


class Token(NamedTuple):
    """A word as one engine reads it."""

    text: str
    box: Edges


Line = list[Token]
"""Words side by side, from left to right, that an engine takes for one line."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A word and who read it so; confirmed when there are two."""

    text: str
    box: Edges
    readers: tuple[str, ...]


def words_of(rapid: Sequence[Line], tesseract: Sequence[Line]) -> tuple[Word, ...]:
    """Return the words of a page in reading order.

    rapid, tesseract: the lines of each engine, in points as a person sees the page; empty for one that did not read.
    Where the two differ, RapidOCR's reading stands, unconfirmed.
    """
    slope = slope_of(rapid or tesseract)
    found = _joined([token for line in rapid for token in line], [token for line in tesseract for token in line])
    read = {_levelled(word, slope): word for word in found}
    return tuple(
        Word(read[run].text, Box(*read[run].box), line, len(read[run].readers) > 1, read[run].readers)
        for line, runs in enumerate(lines_of(list(read)), 1)
        for run in runs
    )


def slope_of(lines: Sequence[Line]) -> float:
    """Return how far the lines of a page fall to the right, in points to a point: 0.0 for a page that lies straight."""
    slopes = []
    for line in lines:
        first, last = line[0].box, line[-1].box
        across = (last[0] + last[2] - first[0] - first[2]) / 2
        if across > _LONG * (first[3] - first[1]):
            slopes.append((_middle(line[-1]) - _middle(line[0])) / across)
    slope = median(slopes) if slopes else 0.0
    return slope if abs(slope) < _STEEPEST else 0.0


def _levelled(word: _Read, slope: float) -> Run:
    """Return a word where it would stand if the page lay straight; for telling lines only."""
    left, top, right, bottom = word.box
    down, across = -slope * (left + right) / 2, slope * (top + bottom) / 2
    return Run(word.text, (left + across, top + down, right + across, bottom + down))


def _joined(rapid: Sequence[Token], tesseract: Sequence[Token]) -> Iterator[_Read]:
    """Yield every word once: what stands in one place is compared as a whole, blanks included."""
    for ours, theirs in _places(rapid, tesseract):
        if not ours:
            yield from (
                _Read(token.text, token.box, (TESSERACT,))
                for token in theirs
                if not rapid or sum(map(str.isalnum, token.text)) >= _TELLING
            )
        elif [token.text for token in ours] == [token.text for token in theirs]:
            for one, other in zip(ours, theirs, strict=True):
                box = (other.box[0], one.box[1], other.box[2], one.box[3])  # Tesseract's sides are those of the ink
                yield _Read(one.text, box, (RAPIDOCR, TESSERACT))
        else:
            yield from (_Read(token.text, token.box, (RAPIDOCR,)) for token in ours)


def _places(rapid: Sequence[Token], tesseract: Sequence[Token]) -> Iterator[tuple[list[Token], list[Token]]]:
    """Yield what the engines read in each place where at least one did, from left to right.

    Words that lie over one another are of one place, and so is all that lies over one of those.
    """
    by_height = sorted(tesseract, key=_middle)
    middles = [_middle(token) for token in by_height]
    place_of: dict[int, int] = {}
    places: list[tuple[list[Token], list[Token]]] = []
    for token in rapid:
        near = range(bisect_left(middles, token.box[1]), bisect_right(middles, token.box[3]))
        over = [number for number in near if _over(token.box, by_height[number].box)]
        joined = {place_of[number] for number in over if number in place_of}
        ours, theirs = [token], [by_height[number] for number in over if number not in place_of]
        for place in joined:
            ours += places[place][0]
            theirs += places[place][1]
            places[place] = [], []
        places.append((ours, theirs))
        members = {*over, *(number for number, place in place_of.items() if place in joined)}
        place_of.update(dict.fromkeys(members, len(places) - 1))
    places += [([], [token]) for number, token in enumerate(by_height) if number not in place_of]
    for ours, theirs in places:
        if ours or theirs:
            yield sorted(ours, key=_left), sorted(theirs, key=_left)


def _middle(token: Token) -> float:
    return (token.box[1] + token.box[3]) / 2


def _left(token: Token) -> float:
    return token.box[0]


def _over(one: Edges, other: Edges) -> bool:
    across = min(one[2], other[2]) - max(one[0], other[0])
    return across > _SAME_PLACE * min(one[2] - one[0], other[2] - other[0])
