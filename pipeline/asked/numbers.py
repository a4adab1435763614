"""Entry numbers, certificate numbers, days and hashes as people write them in a mail. Shapes, no verdicts."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from pipeline.rulebook.notation import DAY, day_of

DIGITS = 6
"""Digits of an entry number (guidance 7.2.10)."""

_TOKEN = re.compile(r"\d+|[^\W\d_]+|\S|_")
_MASKED = re.compile(r"\b(?:https?://|www\.)\S{1,2000}|\S{1,100}@\S{1,200}", re.IGNORECASE)
_BETWEEN = frozenset(
    {",", ";", "&", "/", "+", "and", "also", "entry", "entries", "no", "nos", "number", "numbers", "or"}
)
_RANGE = frozenset({"-", "–", "—", "to", "until", "through", "thru", "up"})
_LABEL = frozenset({"entry", "entries"})
_BESIDE_LABEL = frozenset(
    {"number", "numbers", "no", "nos", "ref", "refs", "reference", "references", "id", "ids", "cpl", "the", "on", "of"}
    | {":", "#", ".", "(", "=", "'", '"', "following", "these", "s", ")"}
)
_CPL_LABEL = frozenset({"number", "numbers", "no", "nos", "ref", "refs", "reference", "references", "id", "ids"})
_MOST_BEFORE = 6
_MOST_BETWEEN = 4

CERTIFICATE = re.compile(
    r"(?<![\w/-])(?:\[[ERT]\]\s?)?(?:[A-Z]{2,8}[- ]?\d{8,10}(?:-\d{3,5})?|\d{8,10}-\d{3,5})(?![\w-])"
)
"""A CPA certificate's number in running text: ``[R] NCSC-1433053936-3918``, ``SMCH60812475``, ``1433053936-2163``."""

_HASH = re.compile(r"(?<![0-9A-Za-z:])[0-9A-Fa-f]{2}(?:[: -]?[0-9A-Fa-f]{2}){31}(?![0-9A-Za-z:])")


@dataclass(frozen=True, slots=True)
class Span:
    """A first and a last entry number; both the same for a single one."""

    first: str
    last: str


@dataclass(frozen=True, slots=True)
class EntryList:
    """Entry numbers that stand together in one place of a text, six digits each."""

    start: int
    end: int
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        return self.text.casefold()


def entry_lists(text: str, *, ranges: bool = True) -> tuple[EntryList, ...]:
    """Return the entry numbers of a text: after the word 'entry', or written with all six digits and leading zeros.

    ranges: '000626 to 000630' is a range; otherwise 'to' and a dash end the list.
    """
    if not any(map(str.isdigit, text)):
        return ()
    tokens = [_Token(found[0], found.start(), found.end()) for found in _TOKEN.finditer(_masked(text))]
    found, position = [], 0
    while position < len(tokens):
        if _starts(tokens, position):
            spans, after = _list_from(tokens, position, ranges=ranges)
            found.append(EntryList(tokens[position].start, tokens[after - 1].end, tuple(spans)))
            position = after
        else:
            position += 1
    return tuple(found)


def _masked(text: str) -> str:
    """Blot out what holds digits and is no entry number, keeping every other character in its place."""
    for pattern in (_MASKED, CERTIFICATE, DAY, _HASH):
        text = pattern.sub(lambda found: "\x01" * len(found[0]), text)
    return text


def _starts(tokens: Sequence[_Token], position: int) -> bool:
    token = tokens[position]
    if not _stands_alone(tokens, position):
        return False
    if len(token.text) == DIGITS and token.text.startswith("00"):
        return True
    cpl = False
    for earlier in reversed(tokens[max(0, position - _MOST_BEFORE) : position]):
        if earlier.word in _LABEL:
            return True
        if cpl and earlier.word == "cpl":
            return True
        if earlier.word not in _BESIDE_LABEL:
            return False
        cpl = cpl or earlier.word in _CPL_LABEL
    return False


def _stands_alone(tokens: Sequence[_Token], position: int, *, joined: bool = False) -> bool:
    """Say whether digits are a number by themselves and no part of a code. joined: a dash before them is a range."""
    token = tokens[position]
    if (
        not token.text.isascii()
        or not token.text.isdigit()
        or not 1 <= len(token.text) <= DIGITS
        or not int(token.text)
    ):
        return False
    before = tokens[position - 1] if position else None
    if (
        before
        and before.end == token.start
        and before.text not in "#('\"[,;="
        and not (joined and before.word in _RANGE)
    ):
        return before.text in {":", "/", "&", "+"} and not _digits_before(tokens, position - 1)
    after = tokens[position + 1] if position + 1 < len(tokens) else None
    if after is None or after.start != token.end or after.text in ")'\"]?!|":
        return True
    if after.text in ",.;:/&+-–—":
        beyond = tokens[position + 2] if position + 2 < len(tokens) else None
        near = beyond is not None and beyond.start == after.end and beyond.text[0].isalnum()
        return not near or (
            beyond is not None and len(beyond.text) == len(token.text) == DIGITS and beyond.text.isdigit()
        )
    return False


def _digits_before(tokens: Sequence[_Token], position: int) -> bool:
    earlier = tokens[position - 1] if position else None
    if earlier is None or earlier.end != tokens[position].start:
        return False
    return earlier.text.isdigit() and len(earlier.text) != DIGITS


def _list_from(tokens: Sequence[_Token], position: int, *, ranges: bool) -> tuple[list[Span], int]:
    """Return the spans from a first number on, and the position after them."""
    first = tokens[position].text.zfill(DIGITS)
    spans, after = [Span(first, first)], position + 1
    least = len(tokens[position].text)
    while (found := _next(tokens, after, least=least, ranges=ranges)) is not None:
        at, ranged = found
        number = tokens[at].text.zfill(DIGITS)
        spans[-1:] = [Span(spans[-1].first, number)] if ranged else [spans[-1], Span(number, number)]
        after = at + 1
    return spans, after


def _next(tokens: Sequence[_Token], position: int, *, least: int, ranges: bool) -> tuple[int, bool] | None:
    """Return the position of the next number of the list, and whether it ends a range; None where the list ends."""
    ranged = separated = False
    for at in range(position, min(len(tokens), position + _MOST_BETWEEN)):
        token = tokens[at]
        if token.word in _RANGE:
            if not ranges:
                return None
            ranged = True
        elif token.word in _BETWEEN:
            separated = True
        else:
            whole = len(token.text) == DIGITS
            # 'entry 626, 3 of them': a number that is much shorter is none of the list.
            fits = whole if least == DIGITS else whole or ((separated or ranged) and len(token.text) >= least - 1)
            alone = fits and _stands_alone(tokens, at, joined=ranged)
            return (at, ranged) if alone else None
    return None


def days(text: str) -> Iterator[date]:
    """Yield every calendar day of a text, in order; numbers are day first."""
    for found in DAY.finditer(text):
        day = day_of(found[0])
        if day is not None:
            yield day


def certificate_numbers(text: str) -> tuple[str, ...]:
    """Return what is written like a CPA certificate's number, in order, each once."""
    return tuple(dict.fromkeys(found[0] for found in CERTIFICATE.finditer(text)))


def hashes(text: str) -> tuple[str, ...]:
    """Return every SHA-256 hash as the list writes one: 32 pairs of upper-case digits joined by colons."""
    digits = (re.sub(r"[: -]", "", found[0]).upper() for found in _HASH.finditer(text))
    return tuple(dict.fromkeys(":".join(h[i : i + 2] for i in range(0, len(h), 2)) for h in digits))
