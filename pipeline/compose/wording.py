"""Makes hostile text safe to read: nothing invisible, nothing endless, nothing that pretends to be something else."""

import re
import unicodedata
from datetime import date

from pipeline.domain.evidence import Evidence

VALUE_LIMIT = 200
"""Characters of a value that are shown; the rest is named by its length."""

SENTENCE_LIMIT = 1_000
"""Characters of a check's sentence. A list of valid values fits; a whole cell of 32,767 characters does not."""

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
_BLANKS = re.compile(r"[ \t\r\n]+")
_CELL = re.compile(r"(?P<tab>.+)!(?P<ref>[A-Z]{1,3}[0-9]{1,7}(?P<range>:[A-Z]{1,3}[0-9]{1,7})?)", re.DOTALL)
_PAGE = re.compile(r"(?P<page>page [0-9]{1,5})(?: \[[-0-9., ]*\])?")
_MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905 - read as one line
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def visible(text: str) -> str:
    r"""Return the text with every control, format, unassigned or odd blank character as a ``\u`` escape.

    The plain blank stays. Right-to-left overrides, zero-width characters, no-break blanks and lone surrogates are
    what a person cannot see and a form must not hold, so they are shown.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character if character == " " or unicodedata.category(character) not in _INVISIBLE else _escape(character)
        for character in text
    )


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - the last code of four digits


def sentence(text: str, limit: int = SENTENCE_LIMIT) -> str:
    """Return a check's prose on one line, visible and capped. Line ends and tabs become single blanks."""
    line = visible(_BLANKS.sub(" ", text[: limit * 2]).strip())
    return line if len(line) <= limit and len(text) <= limit * 2 else line[: limit - 1].rstrip() + "…"


def quoted(value: str) -> str:
    """Return a value as it is shown to a person: in quotes, ``(empty)``, or cut with its length said."""
    if not value:
        return "(empty)"
    if len(value) <= VALUE_LIMIT:
        return f'"{visible(value)}"'
    return f'"{visible(value[:VALUE_LIMIT])}…" (the first {VALUE_LIMIT} of {len(value):,} characters)'


def cell_of(where: str) -> str:
    """Return the cell reference in an Evidence's place, ``G14`` of ``CPL - New Entry!G14``, or an empty text."""
    match = _CELL.fullmatch(where)
    return match["ref"] if match else ""


def place(evidence: Evidence, workbook: str) -> str:
    """Return where a value was read, in words: the file is named unless it is the Submission's own workbook."""
    where = evidence.where
    if match := _CELL.fullmatch(where):
        noun = "cells" if match["range"] else "cell"
        spot = f"{noun} {match['ref']} of the tab '{sentence(match['tab'], VALUE_LIMIT)}'"
    elif match := _PAGE.fullmatch(where):
        spot = match["page"]
    else:
        spot = sentence(where, VALUE_LIMIT)
    file = "" if evidence.file == workbook and spot else sentence(evidence.file, VALUE_LIMIT)
    return ", ".join(part for part in (file, spot) if part)


def bare_place(evidence: Evidence, workbook: str) -> str:
    """Return where a value was read without any name that the mail gave: ``cell G14``, ``page 1 of a document``."""
    if match := _CELL.fullmatch(evidence.where):
        return f"{'cells' if match['range'] else 'cell'} {match['ref']}"
    if match := _PAGE.fullmatch(evidence.where):
        return f"{match['page']} of a document"
    if not evidence.file:
        return "your e-mail"
    return "the workbook" if evidence.file == workbook else "a document"


def day(due: str) -> str:
    """Return ``2026-11-24`` as ``Tuesday 24 November 2026``; empty where it is no date."""
    try:
        moment = date.fromisoformat(due)
    except ValueError:
        return ""
    return f"{_DAYS[moment.weekday()]} {moment.day} {_MONTHS[moment.month - 1]} {moment.year}"
