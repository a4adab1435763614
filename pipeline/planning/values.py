"""Which book a field of the form goes into, and its text as that book writes it (guidance 7.2, Appendices 6 and 7)."""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from pipeline.products import listable
from pipeline.rulebook import Rulebook
from pipeline.rulebook.schema import Day, FieldRule, Hex, UpgradePath

_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 (2.2) does not allow in a text, and the controls that it advises against."""
_DAY = re.compile(r"(\d\d/\d\d/\d{4})(?: \d\d:\d\d:\d\d)?", re.ASCII)


class PlanRefused(Exception):  # noqa: N818 - named for the fact
    """No Release can be planned from this. The text says what is in the way and what to do; it quotes nothing RED."""


class Book(StrEnum):
    """Where the data items of the form are kept once the entry is listed."""

    CPL = "CPL"
    FIR = "FIR"
    DZIR = "DZIR"
    """RED (law 8)."""
    CONTACTS = "contacts"
    """Personal data: for reminders, never published."""


_BY_AUDIENCE = {"red": Book.DZIR, "personal": Book.CONTACTS}


def book_of(rule: FieldRule) -> Book:
    """Return the one book that a field is kept in."""
    return _BY_AUDIENCE.get(rule.audience, Book.CPL if listable(rule.field) else Book.FIR)


def sorted_into_books(values: Mapping[str, str], rules: Rulebook, where: str) -> dict[Book, dict[str, str]]:
    """Return the values of a whole form by book, as the books write them.

    where: named in a refusal. What SECAS allocates or the rulebook does not know is in no book. Raises PlanRefused.
    """
    books: dict[Book, dict[str, str]] = {book: {} for book in Book}
    for name, rule in rules.fields.items():
        text = as_written(rule, values.get(name, ""), where)
        if text:
            books[book_of(rule)][name] = text
    return books


def as_written(rule: FieldRule, text: str, where: str) -> str:
    """Return a value as its book writes it: no outer blanks, hexadecimal in upper case, days as dd/mm/yyyy, ``A; B``.

    Raises PlanRefused where the column cannot hold it.
    """
    text = text.strip()
    if isinstance(rule.format, Hex):
        text = text.upper()
    elif isinstance(rule.format, Day) and (day := _DAY.fullmatch(text)):
        text = day[1]
    elif isinstance(rule.format, UpgradePath):
        text = "; ".join(part.strip() for part in text.split(";"))
    fault = _fault(rule, text) if text else ""
    if fault:
        shown = f" '{text}'" if book_of(rule) is Book.CPL else ""
        raise PlanRefused(f"{where}: the value{shown} for {rule.field} cannot be written, as it {fault}")
    return text


def _fault(rule: FieldRule, text: str) -> str:
    form, octets = rule.format, len(text.encode("utf-8", "surrogatepass"))
    if rule.max_octets is not None and octets > rule.max_octets:
        return f"has {octets} octets where the column holds {rule.max_octets}"
    if _UNWRITABLE.search(text):
        return "has a character that no workbook can hold"
    if isinstance(form, Hex) and not re.fullmatch(":".join(["[0-9A-F]{2}"] * form.octets), text):
        return f"is not {form.octets} {'pair' if form.octets == 1 else 'pairs'} of hexadecimal digits joined by colons"
    if isinstance(form, Day) and not _is_day(text):
        return "is no day of the calendar written dd/mm/yyyy"
    if isinstance(form, UpgradePath) and text != form.none:
        path = text.split("; ")
        if len(path) > form.most or not all(re.fullmatch("[0-9]{6}", number) for number in path):
            return f"is neither {form.none} nor up to {form.most} six-digit entry numbers joined by '; '"
    return ""


def _is_day(text: str) -> bool:
    try:
        datetime.strptime(text, "%d/%m/%Y")  # noqa: DTZ007 - a calendar day has no zone
    except ValueError:
        return False
    return _DAY.fullmatch(text) is not None
