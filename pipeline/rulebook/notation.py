"""How the values of certificates are written: dates, octets, certificate numbers, versions. Shapes, no verdicts."""

import re
from datetime import date

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?"
    r"|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
DAY = re.compile(
    rf"""(?<![\w/.-])(?:
        (?P<y1>\d{{4}})-(?P<m1>\d{{1,2}})-(?P<d1>\d{{1,2}})
      | (?P<d2>\d{{1,2}})\s?(?P<sep>[/.-])\s?(?P<m2>\d{{1,2}})\s?(?P=sep)\s?(?P<y2>\d{{4}})
      | (?P<d3>\d{{1,2}})(?:st|nd|rd|th)?(?:\s*-\s*|\s+(?:day\s+)?(?:of\s+)?)
        (?P<m3>{_MONTH}),?(?:\s*-\s*|\s+)(?P<y3>\d{{4}})
      | (?P<m4>{_MONTH})\s+(?P<d4>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y4>\d{{4}})
    )(?![\w/-]|\.\d)""",
    re.IGNORECASE | re.VERBOSE,
)
"""A calendar day in running text: 25/10/2026, 25.10.2026, 2026-10-25, 25 October 2026, 25th Oct 2026, Oct 25, 2026."""


def day_of(text: str) -> date | None:
    """Return the first calendar day a text holds; None where there is none.

    Numbers alone are day first, as the form writes them (guidance 7.2.4); a month over 12 makes no day. Years have
    four digits.
    """
    for found in DAY.finditer(text):
        for form in "1234":
            if found[f"y{form}"]:
                try:
                    return date(int(found[f"y{form}"]), _month(found[f"m{form}"]), int(found[f"d{form}"]))
                except ValueError:
                    break
    return None


def _month(text: str) -> int:
    return int(text) if text.isdigit() else _MONTHS.index(text[:3].casefold()) + 1


_HEX = "[0-9A-Fa-f]{2}"


def octets_pattern(count: int, *, blanks: bool = False) -> str:
    """Return a regular expression for so many octets: ``0C:03:0C:22``, ``0C-03-0C-22``, ``0x0C030C22``, ``0C030C22``.

    blanks: also ``0C 03 0C 22``, which only a label or a column can tell from single octets in a row.
    """
    between = "[:_-]" if not blanks else "[:_ -]"
    joined = "".join(f"(?P=sep{count}){_HEX}" for _ in range(count - 2))
    apart = rf"{_HEX}(?P<sep{count}>{between}){_HEX}{joined}" if count > 1 else _HEX
    return rf"(?:{apart}|(?:0[xX])?(?:{_HEX}){{{count}}})"


def is_octets(text: str, count: int) -> bool:
    """Say whether a text is so many octets and nothing else, in one of the notations."""
    return re.fullmatch(octets_pattern(count, blanks=True), text.strip()) is not None


PAIR = re.compile(
    rf"(?:0[xX])?(?P<version>{_HEX})\s*[_:/\- ]\s*(?:0[xX])?(?P<revision>{_HEX})"
    rf"|(?:0[xX])?(?P<joined_version>{_HEX})(?P<joined_revision>{_HEX})"
)
"""Hardware version and revision written together: ``01_02``, ``01:02``, ``01 / 02``, ``0102`` (certificate alignment
guidance V2.1, section 3). A point is not among the signs: 10.12 may be two numbers in decimal."""

MANUFACTURER_CODE = re.compile(r"(?<![\w:.-])(?:0[xX][0-9A-Fa-f]{4}|[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2})(?![\w:-])")
"""A manufacturer code beside a name: ``10:63`` or ``0x1063``."""

_GAP = r"(?:\s*[_/,;|\u2013-]\s*|\s+)"
CONCATENATION = re.compile(
    rf"""(?<![A-Za-z0-9:.])
    (?:(?P<manufacturer_identifier>{_HEX}:{_HEX}|(?:0x)?(?:{_HEX}){{2}}){_GAP})?
    (?P<model_identifier>{_HEX}:{_HEX}|(?:0x)?(?:{_HEX}){{2}}){_GAP}
    (?P<version>{_HEX})(?P<between>{_GAP}|[:.])(?P<revision>{_HEX}){_GAP}
    (?P<firmware_version>{_HEX}(?::{_HEX}){{3}}|(?:0x)?(?:{_HEX}){{4}})
    (?![A-Za-z0-9:])""",
    re.VERBOSE,
)
"""A Device Model written in one: ``10:63 00:0A 01 02 0C:03:0C:22``, with blanks or ``_``, ``/``, ``-`` between, with or
without the manufacturer code before it."""

VERSION = re.compile(r"(?:[A-Z][\w/-]*\s+|[Vv]ersion\s+){0,6}[vV]?\d[\w.]*(?<=[\w])(?:\s\([^()]{1,40}\))?")
"""A version, with the name of the thing before it where it is capitalised: ``ZigBee Smart Energy Standard 1.4``."""

NUMBER = re.compile(r"(?<![\w/-])(?:\[[RET]\]\s?)?[A-Z]{0,8}[-/ ]?\d[\w/-]*(?<=\w)")
"""A certificate number: letters or none, then digits: ``NCSC-1433053936-3918``, ``ZIG21023ZSE13012-24``, ``2721``."""

NAME = re.compile(
    r"[A-Z0-9][\w&+'\u2019/-]*(?:\s+(?:[A-Z0-9&][\w&+'\u2019/-]*|\([A-Z][A-Za-z]*\)|of|and|the(?=\s[A-Z])))*\.?"
)
"""A name in running text: capitalised words; it ends before the first word that is not one."""
