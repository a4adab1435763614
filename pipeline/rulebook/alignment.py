"""The shapes of rules/alignment.yaml and rules/conventions.csv: what becomes of a certificate's way of naming a Device.

Guidance V6.0, 7.2.2 and Appendix 4; certificate alignment guidance V2.1, sections 4 and 5.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal

import msgspec

Slot = Literal["zse", "cpa", "dlms"]
"""A column of Table 6; a Trial Device Certificate stands in the column ``cpa``."""


class Verdict(StrEnum):
    """How one value of a certificate relates to the form's octets."""

    EXACT = "exact"
    IN_LIST = "exact-in-list"
    NOTATION = "exact-notation"
    """The same octets in another notation: 0C030C22, 0x0C030C22, with blanks, hyphens or underscores, in lower case."""
    NAMED = "named"
    """A manufacturer by a name that rules/manufacturers.csv gives to this code and to no other."""
    DECLARED = "derived-declared"
    """The octets follow from the text under the convention that the manufacturer has declared."""
    DERIVED = "derived"
    """They are the only ones that follow from the text under any rule we know."""
    AMBIGUOUS = "ambiguous"
    """They follow from the text under one rule, and others under another."""
    CONTRADICTED = "contradicted"
    """Other octets stand there."""
    NOT_ESTABLISHED = "not-established"
    """No rule leads from the text to the octets."""
    NOT_FOUND = "not-found"
    """Nothing was read for this field."""
    UNCONFIRMED = "unconfirmed"
    """Read by one reader only, or from a picture: whatever it says, it settles nothing."""
    CARRIED = "carried"
    """A document names the whole Device Model and this certificate by its number."""
    CARRIED_IN_PART = "carried-in-part"
    """A document names only one of the two, or the Device Model only in part."""


NEVER_PASS = frozenset(
    {
        Verdict.AMBIGUOUS,
        Verdict.CARRIED_IN_PART,
        Verdict.CONTRADICTED,
        Verdict.NOT_ESTABLISHED,
        Verdict.NOT_FOUND,
        Verdict.UNCONFIRMED,
    }
)
"""No edit of the rules may accept these."""

LAYOUTS = ("application-stack", "packed-stack", "four-numbers", "left", "right")
"""How a plain version is laid out in the four octets of a firmware version.

``application-stack``: ``a.b (Stack c.d)``, one number an octet. ``packed-stack``: ``a.b (Stack w.x.y.z)``, the four
one-digit numbers of the stack two to an octet. ``four-numbers``: ``a.b.c.d``. ``left``: ``a.b`` and two zero octets;
``right``: two zero octets and ``a.b``.
"""
CODINGS = ("decimal", "bcd", "hexadecimal")
"""How a number becomes an octet. ``decimal``: 12 is 0C; ``bcd``: 12 is 12, 99 at most; ``hexadecimal``: as printed."""
CONVENTIONS = tuple(
    f"{layout} {coding}" for layout in LAYOUTS for coding in CODINGS if layout != "packed-stack" or coding == "bcd"
)
"""Every rule that leads from a plain version to octets; a stack packed two digits to an octet is BCD by nature."""


class AlignmentFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """rules/alignment.yaml.

    leads_to: every Verdict with what it comes to. carriers: for each column of Table 6 the kinds of document that may
    carry a Device Model onto a certificate, each with the statement (a field of rules/certificates/) that it must
    make, or nothing.
    """

    leads_to: dict[Verdict, Literal["pass", "unclear", "fail"]]
    carriers: dict[Slot, dict[str, str]]

    def __post_init__(self) -> None:
        """Refuse a table with gaps, and one that accepts what nothing speaks for."""
        missing = [verdict.value for verdict in Verdict if verdict not in self.leads_to]
        if missing:
            raise ValueError(f"leads_to says nothing of: {', '.join(missing)}")
        passed = sorted(verdict.value for verdict in NEVER_PASS if self.leads_to[verdict] == "pass")
        if passed:
            raise ValueError(f"leads_to may not let pass: {', '.join(passed)}")


@dataclass(frozen=True, slots=True)
class Convention:
    """What one manufacturer has declared. rule: one of CONVENTIONS. source: the letter that says so, and its date."""

    manufacturer: str
    rule: str
    start: date
    source: str
    line: int


COLUMNS = ("manufacturer_identifier", "layout", "coding", "from", "source")


def conventions(text: str) -> Mapping[str, tuple[Convention, ...]]:
    """Read rules/conventions.csv: manufacturer identifier to its Conventions, the newest first.

    Lines that begin with ``#`` are comments. ValueError names the line that cannot be used.
    """
    found: dict[str, list[Convention]] = {}
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip() and not line.startswith("#")]
    rows = list(zip([n for n, _ in lines], csv.reader(line for _, line in lines), strict=True))
    if not rows or tuple(rows[0][1]) != COLUMNS:
        raise ValueError(f"the first line that is no comment must be {','.join(COLUMNS)}")
    for number, row in rows[1:]:
        if len(row) != len(COLUMNS) or not row[4].strip():
            raise ValueError(f"line {number}: it needs {len(COLUMNS)} values, and a source")
        rule = f"{row[1]} {row[2]}"
        if rule not in CONVENTIONS:
            raise ValueError(f"line {number}: '{rule}' is none of: {', '.join(CONVENTIONS)}")
        try:
            start = date.fromisoformat(row[3])
        except ValueError:
            raise ValueError(f"line {number}: '{row[3]}' is no date such as 2026-11-21") from None
        found.setdefault(row[0], []).append(Convention(row[0], rule, start, row[4], number))
    return {code: tuple(sorted(rules, key=lambda rule: rule.start, reverse=True)) for code, rules in found.items()}


def in_force(declared: Mapping[str, tuple[Convention, ...]], manufacturer: str, day: date) -> Convention | None:
    """Return the Convention of a manufacturer that holds on the day of receipt, if one does."""
    return next((rule for rule in declared.get(manufacturer, ()) if rule.start <= day), None)
