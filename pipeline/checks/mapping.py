"""How the text of one value on a certificate relates to the octets on the form: a pure question, and its answer.

Certificates write octets as the form does (0C:03:0C:22), in another notation (0C030C22), or as a plain version
(12.3). Guidance V6.0, Appendix 4 says of the last that it 'cannot be established'; the older alignment guidance V2.1,
section 4 shows rules by which it can. So a derivation is always named, and so are the other values that the same text
could stand for (docs/adr/0020).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from pipeline.rulebook.alignment import CONVENTIONS, Verdict

_PAIR = "[0-9A-Fa-f]{2}"
_BEFORE, _AFTER = r"(?<![0-9A-Za-z:._\-])[vV]?", r"(?![0-9A-Za-z:_\-]|\.[0-9A-Za-z])"
"""What may not touch a value: anything that could make it a longer one."""
_VERSION = re.compile(rf"{_BEFORE}(?=[A-Fa-f.]*[0-9])([0-9A-Fa-f]{{1,3}}(?:\.[0-9A-Fa-f]{{1,3}})+){_AFTER}")
_NUMBER = re.compile(rf"{_BEFORE}([0-9]{{1,3}}|[0-9A-Fa-f]{{1,2}}){_AFTER}")
_STACK = re.compile(r"\bstack(?:\s+(?:version|ver\.?|release))?\s*[:=]?\s*$", re.IGNORECASE)
_DOUBT = re.compile(
    r"\b(?:not|except|excluding|without|before|prior|previous|older|superseded|supersedes|replaced|replaces|withdrawn)\b",
    re.IGNORECASE,
)
"""Words that may turn the meaning of a value round: then nobody but a person can say what it stands for."""
_LOOKALIKES = str.maketrans({"O": "0", "o": "0", "Q": "0", "I": "1", "l": "1", "|": "1"})
_OCTET, _NIBBLE = 0xFF, 0xF
_FIRMWARE, _HARDWARE, _SINGLE = 4, 2, 1


@dataclass(frozen=True, slots=True)
class Derivation:
    """Octets that follow from a text, and the rules under which they do (rulebook.alignment.CONVENTIONS)."""

    octets: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alignment:
    """What a text says of some octets.

    derivations: every value that follows from the text under some rule, the one asked for first where it is among
    them. hint: what may have gone wrong, for a sentence of its own; empty where nothing suggests itself.
    """

    verdict: Verdict
    derivations: tuple[Derivation, ...] = ()
    hint: str = ""


@lru_cache(maxsize=8192)
def align(text: str, octets: str, convention: str | None = None) -> Alignment:
    """Compare a value as read on a certificate with octets in the form's notation, ``0C:03:0C:22``.

    octets: one, two or four of them, upper case, joined by colons; a hardware version and its revision are two.
    convention: the rule that the manufacturer has declared, one of rulebook.alignment.CONVENTIONS. Never raises.
    """
    text = " ".join(text.split())
    written = tuple(_written(text, octets.count(":") + 1))
    values = {item.octets for item in written}
    if octets in values:
        return _stands_there(text, octets, written)
    if any(item.firm for item in written):
        return Alignment(Verdict.CONTRADICTED, hint=_hint(text, octets, values))
    if octets in text.upper():
        hint = f"{octets} stands within a longer string, which may be another version."
        return Alignment(Verdict.AMBIGUOUS, hint=hint)
    return _derived(text, octets, convention)


@dataclass(frozen=True, slots=True)
class _Written:
    """Octets written out in a text. plain: in the form's own notation. firm: they can hardly be anything else."""

    octets: str
    plain: bool
    firm: bool


@cache
def _notation(width: int) -> re.Pattern[str]:
    more = rf"(?:(?P<gap>[:_ \-]?)(?:0[xX])?{_PAIR}(?:(?P=gap)(?:0[xX])?{_PAIR}){{{width - 2}}})" if width > 1 else ""
    return re.compile(rf"{_BEFORE}(?P<octets>(?:0[xX])?{_PAIR}{more}){_AFTER}")


def _written(text: str, width: int) -> Iterator[_Written]:
    """Yield every run of so many octets, in any notation."""
    for match in _notation(width).finditer(text):
        raw = match["octets"]
        gap = match["gap"] if width > 1 else ""
        if gap == " " and (
            re.search(rf"{_PAIR} $", text[: match.start()]) or re.match(rf" {_PAIR}\b", text[match.end() :])
        ):
            continue  # part of a longer run of pairs, of which nobody knows where it begins
        digits = re.sub(r"0[xX]|[^0-9A-Fa-f]", "", raw)
        octets = ":".join(digits[i : i + 2] for i in range(0, len(digits), 2)).upper()
        whole = raw == text
        plain = raw == octets or (width == _HARDWARE and raw == octets.replace(":", "_"))
        yield _Written(octets, plain, firm=whole or gap == ":" or raw[:2] in {"0x", "0X"} or (plain and width > 1))


def _stands_there(text: str, octets: str, written: tuple[_Written, ...]) -> Alignment:
    others = sorted({item.octets for item in written if item.firm and item.octets != octets})
    ours = [item for item in written if item.octets == octets]
    plain = any(item.plain for item in ours)
    if _DOUBT.search(text):
        return Alignment(Verdict.AMBIGUOUS, hint="The words around the value may turn its meaning round.")
    if others and not plain:
        return Alignment(Verdict.AMBIGUOUS, hint=f"{', '.join(others)} stands there too, in the form's own notation.")
    if others:
        return Alignment(Verdict.IN_LIST)
    return Alignment(Verdict.EXACT if plain else Verdict.NOTATION)


def _derived(text: str, octets: str, convention: str | None) -> Alignment:
    candidates = derive(text, octets.count(":") + 1)
    rules: dict[str, list[str]] = {}
    for rule, value in candidates.items():
        rules.setdefault(value, []).append(rule)
    found = sorted(
        (Derivation(value, tuple(names)) for value, names in rules.items()), key=lambda d: d.octets != octets
    )
    derivations = tuple(found)
    declared = candidates.get(convention or "")
    if declared == octets and not _unexplained(text):
        return Alignment(Verdict.DECLARED, (Derivation(octets, (convention or "",)),))
    if declared is not None and declared != octets:
        hint = f"Under the convention the manufacturer has declared, the text stands for {declared}."
        return Alignment(Verdict.NOT_ESTABLISHED, derivations, hint)
    if octets not in rules:
        return Alignment(Verdict.NOT_ESTABLISHED, derivations, _hint(text, octets, set(rules)))
    alone = len(rules) == 1 and not _unexplained(text)
    return Alignment(Verdict.DERIVED if alone else Verdict.AMBIGUOUS, derivations)


def derive(text: str, width: int) -> Mapping[str, str]:
    """Return every value that follows from a text under a rule: rule to octets.

    width: 4 for a firmware version (the rules are CONVENTIONS), 2 for a hardware version with its revision (``a.b``),
    1 for one of the two. Empty where the text holds no version, or two of which nobody knows which is meant.
    """
    main, stack = _groups(text)
    if width == _SINGLE:
        numbers = _NUMBER.findall(text)
        main = (numbers[0],) if len(numbers) == 1 and not main else None
    if main is None:
        return {}
    if width == _SINGLE or (width == _HARDWARE and len(main) == _HARDWARE and stack is None):
        found = {coding: _octets(main, coding) for coding in ("decimal", "bcd", "hexadecimal")}
    elif width == _FIRMWARE:
        found = {rule: _laid_out(rule, main, stack) for rule in CONVENTIONS}
    else:
        found = {}
    return {rule: ":".join(f"{octet:02X}" for octet in value) for rule, value in found.items() if value is not None}


@lru_cache(maxsize=8192)
def _groups(text: str) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """Return the numbers of the one version in a text and of its one stack version; None for what is not one."""
    main: list[tuple[str, ...]] = []
    stack: list[tuple[str, ...]] = []
    for match in _VERSION.finditer(text):
        labelled = _STACK.search(text[: match.start()])
        (stack if labelled else main).append(tuple(match[1].split(".")))
    if len(main) != 1 or len(stack) > 1:
        return None, None
    return main[0], stack[0] if stack else None


def _laid_out(rule: str, main: tuple[str, ...], stack: tuple[str, ...] | None) -> tuple[int, ...] | None:
    """Lay a version out in four octets; None where it does not have the layout's shape."""
    layout, coding = rule.split()
    shape = (len(main), len(stack) if stack else 0)
    if layout == "four-numbers":
        return _octets(main, coding) if shape == (4, 0) else None
    first = _octets(main, coding) if len(main) == _HARDWARE else None
    if first is None:
        return None
    if layout in {"left", "right"}:
        return None if stack else (*first, 0, 0) if layout == "left" else (0, 0, *first)
    if layout == "packed-stack":
        second = _packed(stack) if stack and shape == (2, 4) else None
    else:
        second = _octets(stack, coding) if stack and shape == (2, 2) else None
    return (*first, *second) if second is not None else None


def _octets(numbers: tuple[str, ...], coding: str) -> tuple[int, ...] | None:
    """Turn every number into an octet under one coding; None where one of them cannot be."""
    if coding != "hexadecimal" and not all(number.isdecimal() for number in numbers):
        return None
    values = tuple(int(number, 10 if coding == "decimal" else 16) for number in numbers)
    return values if all(value <= _OCTET for value in values) else None


def _packed(numbers: tuple[str, ...]) -> tuple[int, ...] | None:
    """Put one-digit numbers into octets, two to each."""
    if not all(len(number) == 1 and number.isdecimal() for number in numbers):
        return None
    nibbles = [int(number) for number in numbers]
    return tuple(high << 4 | low & _NIBBLE for high, low in zip(nibbles[::2], nibbles[1::2], strict=True))


def _unexplained(text: str) -> bool:
    """Say whether digits or doubtful words stand beside the versions of a text: then it may say more than they do."""
    return bool(_DOUBT.search(text) or re.search(r"[0-9]", _VERSION.sub(" ", text))) and not _NUMBER.fullmatch(text)


def _hint(text: str, octets: str, values: set[str]) -> str:
    """Say what is probably the matter, where one of the usual slips would explain it."""
    parts = octets.split(":")
    if len(parts) > 1 and ":".join(reversed(parts)) in values and parts != parts[::-1]:
        return (
            "The order of the octets is reversed: the OTA header stores the lowest octet first, the form the highest."
        )
    clear = text.translate(_LOOKALIKES)
    if clear != text and any(item.octets == octets for item in _written(clear, len(parts))):
        return "A letter seems to stand for a digit (O for 0, I or l for 1)."
    number = int(octets.replace(":", ""), 16)
    decimal = {_as_decimal(value) for value in values} | {_bare(text)}
    if octets in decimal or number in decimal:
        return "The same value seems to be written in decimal."
    hexadecimal = ":".join(f"{int(part):02X}" for part in parts) if all(part.isdecimal() for part in parts) else ""
    if hexadecimal and hexadecimal in values and hexadecimal != octets:
        return "The form seems to write in decimal what the certificate writes in hexadecimal."
    return ""


def _as_decimal(value: str) -> str:
    """Return octets read as decimal numbers, in hexadecimal: 12:03 as 0C:03; empty where they are not decimal."""
    parts = value.split(":")
    return ":".join(f"{int(part):02X}" for part in parts) if all(part.isdecimal() for part in parts) else ""


def _bare(text: str) -> int:
    """Return a text that is nothing but a decimal number of at most ten digits; -1 for any other."""
    return int(text) if re.fullmatch("[0-9]{1,10}", text) else -1
