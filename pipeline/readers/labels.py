"""Labels: where one stands in a text, and which value stands after it.

A value has a shape by its type, so that it can be told where it ends in running text. What stands alone after a
colon, in a cell or under a heading is taken whole, whatever its shape: the document says so, and the checks judge it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pipeline.rulebook.certificates import CertificateField, CertificateKind, label_key
from pipeline.rulebook.notation import (
    DAY,
    MANUFACTURER_CODE,
    NAME,
    NUMBER,
    PAIR,
    VERSION,
    is_octets,
    octets_pattern,
)

_BRACKET = re.compile(r"\s*\([^()\n]{0,40}\)(?=\s*(?:[:=\u2013]|$|\n))")
_SIGNS = re.compile(r"[\s:=#\u2013\u2014.\u2026|*_-]*")
_BEFORE = re.compile(r"(?:^|[\n,;|\u2022\u00b7(])[^\w\n]*(?:(?:[A-Za-z]+\s)?[\dA-Za-z]{1,3}\s?[.):]\s*)?$")
_NUMBERING = re.compile(r"\W*(?:[\dA-Za-z]{1,3}\s?[.)]\s*)?")
_FILLERS = re.compile(
    r"""(?:(?:is|was|are|of|on|by|the|a|an|no|later|than|due|to|be|must|completed|before|has|been|given|as|dated|shall
        |set|for|reads|called|code|number|with|value|will|expire|expires|held|until|falls|no\.|takes|place|carried|out
        |it|this|device|meter|product)
        (?=[\s,(])|[,(:"'\u201c\u2018])\s*""",
    re.IGNORECASE | re.VERBOSE,
)
_MOST_FILLERS = 8
_MOST_WORDS = 25
_SHORT = 12
_EDGES = " \t\n,;|.:"
_NEAR = 40  # characters before a label in which numbering may stand
_LINE_END = re.compile(r"[ \t,;|.:]*(?:\n|\Z)")
_SENTENCE = re.compile(r"[.!?](?=\s+[A-Z])|\n")
_DOTTED = re.compile(r"[vV]?\d+(?:\.\w+)+(?:\s\([^()]{1,40}\))?")
_QUOTED = re.compile(r"[\"'\u2018\u201c][^\"\n\u2018\u2019\u201c\u201d]{1,200}[\"'\u2019\u201d]")
_TIGHT_PAIR = re.compile(r"(?P<version>[0-9A-Fa-f]{2})\s?[_:/-]\s?(?P<revision>[0-9A-Fa-f]{2})(?![\w:])")


@dataclass(frozen=True, slots=True)
class Label:
    """A label in a text. field: empty for one that no check asks for. colon: a colon or the like follows it.

    start, end: its place, a note in brackets after it included. leads: it stands at the start of a line or item.
    """

    field: str
    text: str
    start: int
    end: int
    colon: bool
    leads: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """A value in a text: the field, the value, and its place."""

    field: str
    text: str
    start: int
    end: int


class Labels:
    """The labels of one kind, and the values that stand after them."""

    def __init__(self, kind: CertificateKind) -> None:
        self._fields = kind.fields
        self._by_key = {label_key(label): "" for label in kind.other_labels}
        self._by_key |= {label_key(label): name for name, rule in kind.fields.items() for label in rule.labels}
        self._pattern = _pattern(tuple(sorted(self._by_key, key=lambda key: (-len(key), key))))
        self._found: dict[str, list[Label]] = {}
        self._types = re.compile(_any_of(sorted(kind.device_types, key=lambda name: (-len(name), name))), re.IGNORECASE)

    def rule(self, field: str) -> CertificateField:
        """Return what the rules say of a field."""
        return self._fields[field]

    def find(self, text: str) -> list[Label]:
        """Return the labels of a text in order. One word is a label only where it leads, or a value is certain."""
        known = self._found.get(text)
        if known is not None:
            return known
        found: list[Label] = []
        for label in self._all(text):
            # 'Assured against: Security Characteristics version 1.3': the second is part of the value.
            again = (
                found and found[-1].field == label.field and not text[found[-1].end : label.start].strip(_EDGES + "=")
            )
            if not again and self._counts(label, text):
                found.append(label)
        self._found[text] = found
        return found

    def _all(self, text: str) -> Iterator[Label]:
        for found in self._pattern.finditer(text):
            bracket = _BRACKET.match(text, found.end())
            end = bracket.end() if bracket else found.end()
            signs = found_signs[0] if (found_signs := _SIGNS.match(text, end)) else ""
            colon = any(sign in signs for sign in (":", "=", "\u2026", ".."))
            leads = _BEFORE.search(text, max(0, found.start() - _NEAR), found.start()) is not None
            name = self._by_key[label_key(found[0])]
            yield Label(name, found[0], found.start(), end, colon, leads)

    def _counts(self, label: Label, text: str) -> bool:
        if len(label.text.split()) > 1 or "_" in label.text or "." in label.text:
            return True
        if label.leads and (label.colon or _LINE_END.match(text, label.end)):
            return True
        if not label.field:
            return False
        certain = self.rule(label.field).type in {"octets", "hardware", "date"} or label.leads
        return certain and bool(self.prose(label.field, text, label.end, len(text)))

    def alone(self, text: str) -> Label | None:
        """Return the label that a text is, where it is nothing else."""
        label = self.leading(text)
        return label if label and not text[label.end :].strip(_EDGES + "=*#") else None

    def leading(self, text: str) -> Label | None:
        """Return the label that a text begins with, save for numbering before it."""
        numbering = _NUMBERING.match(text)
        first = next(iter(self.find(text)), None)
        starts = first is not None and (first.start == 0 or (numbering is not None and first.start <= numbering.end()))
        return first if starts else None

    def opens(self, text: str, field: str) -> bool:
        """Say whether a text that stands where a value of a field may be begins with a label of its own."""
        label = self.leading(text)
        return label is not None and (label.field != field or label.colon or self.alone(text) is not None)

    def whole(self, field: str, text: str, start: int, end: int) -> list[Piece]:
        """Return the values of a part of a text that is the value: after a colon, in a cell, under a heading."""
        rule = self.rule(field)
        if rule.many:
            return [piece for part in _listed(text, start, end) for piece in self._one(field, text, *part)]
        return self._one(field, text, *_trimmed(text, start, end))

    def _one(self, field: str, text: str, start: int, end: int) -> list[Piece]:
        part = text[start:end]
        kind = self.rule(field).type
        if not part or (kind in {"date", "number"} and not any(sign.isdigit() for sign in part)):
            return []  # 'not applicable' is no date, 'pending' no number
        match kind:
            case "maker":
                return _maker(field, text, start, end)
            case "hardware" if (pair := PAIR.match(part)) and not part[pair.end() : pair.end() + 1].isalnum():
                return _hardware(field, start, pair)
            case "date" | "number" if len(part.split()) > 1:
                day = DAY.search(part)
                found = day if kind == "date" else None if day else NUMBER.search(part)
                return [Piece(field, found[0], start + found.start(), start + found.end())] if found else []
        words = len(part.split())
        if words > (_MOST_WORDS if kind in {"text", "name", "device-type"} else _SHORT):
            return self.prose(field, text, start, end)
        stop = _SENTENCE.search(part) if words > _SHORT else None
        return [_piece(field, text, start, start + stop.start() if stop else end)]

    def strict(self, field: str, text: str) -> bool | None:
        """Say whether a text has the shape of the field's type; None for types that have none."""
        rule = self.rule(field)
        part = text.strip(_EDGES)
        match rule.type:
            case "octets":
                return is_octets(part, rule.octets)
            case "hardware":
                return PAIR.fullmatch(part) is not None or is_octets(part, 1)
            case "date":
                return DAY.fullmatch(part) is not None
            case "number":
                return NUMBER.fullmatch(part) is not None
        return None

    def prose(self, field: str, text: str, start: int, end: int) -> list[Piece]:
        """Return the values right after a label in running text, a few small words between allowed."""
        signs = _SIGNS.match(text, start, end)
        at = signs.end() if signs else start
        for _ in range(_MOST_FILLERS):
            if found := self._shaped(field, text, at, end):
                return found
            filler = _FILLERS.match(text, at, end)
            if filler is None:
                break
            at = filler.end()
        return []

    def _shaped(self, field: str, text: str, start: int, end: int) -> list[Piece]:
        """Return the values that a text has at a place by the shape of the field's type."""
        rule = self.rule(field)
        found: re.Match[str] | None
        match rule.type:
            case "hardware":
                pair = _TIGHT_PAIR.match(text, start, end)
                if pair:
                    return _hardware(field, 0, pair)
                found = _octets(1).match(text, start, end)
            case "octets":
                found = _octets(rule.octets).match(text, start, end)
                if found and found[0].isdigit() and rule.octets > 1:
                    return []  # four or eight digits in running text may be a year or a day
                if found is None and rule.octets == 4:  # noqa: PLR2004 - a firmware version may be written 12.3
                    found = _DOTTED.match(text, start, end)
            case "maker":
                found = NAME.match(text, start, end) or MANUFACTURER_CODE.match(text, start, end)
                return _maker(field, text, start, _after_code(text, found.end(), end)) if found else []
            case "phrase":
                return []
            case "text":
                found = _QUOTED.match(text, start, end)
                return [_piece(field, text, start + 1, found.end() - 1)] if found else []
            case kind:
                shape = {"date": DAY, "number": NUMBER, "version": VERSION, "name": NAME, "device-type": self._types}
                found = shape[kind].match(text, start, end)
        if found is None or text[found.end() : found.end() + 1].isalnum():
            return []
        return [_piece(field, text, start, found.end())]


def _piece(field: str, text: str, start: int, end: int) -> Piece:
    start, end = _trimmed(text, start, end)
    return Piece(field, " ".join(text[start:end].split()), start, end)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the part without the signs that lead to a value and those that end it."""
    signs = _SIGNS.match(text, start, end)
    start = signs.end() if signs else start
    while end > start and text[end - 1] in _EDGES + "\u2022\u00b7":
        end -= 1
    return start, end


def _listed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for found in re.compile(r"[^\n;,]+").finditer(text, start, end):
        part = _trimmed(text, found.start(), found.end())
        if part[0] < part[1]:
            yield part


def _hardware(field: str, offset: int, pair: re.Match[str]) -> list[Piece]:
    """Return version and revision written together as the two fields they are."""
    pieces = []
    stem = field.rpartition(".")[0]
    for part in ("version", "revision"):
        name = part if pair.groupdict().get(part) else f"joined_{part}"
        pieces.append(Piece(f"{stem}.{part}", pair[name], offset + pair.start(name), offset + pair.end(name)))
    return pieces


def _maker(field: str, text: str, start: int, end: int) -> list[Piece]:
    """Return name and manufacturer code, whichever of them stand there."""
    part = text[start:end]
    if is_octets(part, 2) and any(sign.isdigit() for sign in part):
        return [Piece(f"{field}_identifier", part.strip(), start, end)]
    code = MANUFACTURER_CODE.search(part)
    pieces = []
    if code:
        pieces.append(Piece(f"{field}_identifier", code[0], start + code.start(), start + code.end()))
        part = part[: code.start()].rstrip(" ([-,\u2013") or part[code.end() :].lstrip(" )]-,\u2013")
    name = " ".join(part.split()).strip(_EDGES.replace(".", ""))
    if name:
        first = text.index(part.split()[0], start)
        pieces.append(Piece(field, name, first, min(end, first + len(part.rstrip()))))
    return pieces


def _after_code(text: str, start: int, end: int) -> int:
    """Return the end of a manufacturer code in brackets after a name, if one stands there."""
    found = re.compile(r"\s?\((?:0x)?[0-9A-Fa-f]{2}:?[0-9A-Fa-f]{2}\)").match(text, start, end)
    return found.end() if found else start


@lru_cache(maxsize=16)
def _octets(count: int) -> re.Pattern[str]:
    return re.compile(rf"{octets_pattern(count)}(?![\w:])")


@lru_cache(maxsize=32)
def _pattern(keys: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w])(?<!\w[-./])(?:{_any_of(keys)})(?:\(s\))?(?![\w])(?![-./]\w)", re.IGNORECASE)


def _any_of(wordings: Sequence[str]) -> str:
    return "|".join(r"\s+".join(map(re.escape, wording.split())) for wording in wordings)
