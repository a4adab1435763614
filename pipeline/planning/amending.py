"""Amendments carried out on the books, one after the other, each with what it changed (guidance 7.2.4, Appendix 5)."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.domain.release import CURRENT, REMOVED, Amendment, AmendmentKind, EntryChange
from pipeline.planning.books import Books
from pipeline.planning.values import Book, PlanRefused, as_written, book_of
from pipeline.products import STATUS, change_of
from pipeline.rulebook import Rulebook
from pipeline.rulebook.schema import FieldRule, UpgradePath

_CPA_GROUP = "CPA_Certificate"
_BOOKS: Mapping[AmendmentKind, tuple[Book, ...]] = {
    AmendmentKind.CERTIFICATE: (Book.CPL,),
    AmendmentKind.FIR: (Book.FIR,),
    AmendmentKind.DZIR: (Book.DZIR,),
    AmendmentKind.UPGRADE_PATH: (Book.FIR,),
    AmendmentKind.CORRECTION: (Book.CPL, Book.FIR),
}
"""The books whose fields an amendment of a kind may change; a kind that is not here changes no fields."""
_STATUS_AFTER = {AmendmentKind.REMOVAL: REMOVED, AmendmentKind.RESTORATION: CURRENT}


@dataclass(frozen=True, slots=True)
class Carried:
    """An amendment that has been carried out. entries: what it changed on the list. books: which others, for whom."""

    amendment: Amendment
    entries: tuple[EntryChange, ...]
    books: Mapping[Book, tuple[str, ...]]


def carry_out(amendment: Amendment, books: Books, rules: Rulebook) -> Carried:
    """Change the books as an amendment says; PlanRefused where it cannot be done as it stands.

    A certificate update changes every entry that carries the certificate of a named one (Appendix 5.1). One that finds
    everything as it wants it changes nothing, which is no fault: two people may have ordered the same.
    """
    asker = f"Amendment {amendment.number} ({amendment.kind.value})"
    if not amendment.entries:
        raise PlanRefused(f"{asker} names no entry: withdraw it, or mend it")
    values = _values(amendment, rules, asker)
    if path := next((values[book][n] for book in values for n in values[book] if _is_path(rules.fields.get(n))), ""):
        _look_up(path, books, asker)
    numbers = tuple(dict.fromkeys(amendment.entries))
    if amendment.kind is AmendmentKind.CERTIFICATE:
        numbers = books.carriers(numbers, asker)
    changed = tuple(change_of(number, *books.change(number, values.get(Book.CPL, {}), asker)) for number in numbers)
    updated: dict[Book, tuple[str, ...]] = {
        book: tuple(number for number in numbers if books.update(book, number, values[book]))
        for book in values
        if book is not Book.CPL
    }
    return Carried(amendment, tuple(item for item in changed if item.values), updated)


def _values(amendment: Amendment, rules: Rulebook, asker: str) -> dict[Book, dict[str, str]]:
    """Return the new values by book, as the books write them."""
    if amendment.kind not in _BOOKS:
        if amendment.values:
            raise PlanRefused(f"{asker} gives values for fields, and its kind changes none: order them as a correction")
        status = _STATUS_AFTER.get(amendment.kind)
        return {Book.CPL: {STATUS: status}} if status else {}
    if not amendment.values:
        raise PlanRefused(f"{asker} gives no new value: withdraw it, or mend it")
    found: dict[Book, dict[str, str]] = {}
    for name, text in amendment.values.items():
        rule = rules.fields.get(name)
        if rule is None or not _may_change(amendment.kind, rule):
            raise PlanRefused(f"{asker} changes {name}, which an amendment of this kind cannot: order another kind")
        found.setdefault(book_of(rule), {})[name] = as_written(rule, text, asker)
    return found


def _may_change(kind: AmendmentKind, rule: FieldRule) -> bool:
    if kind is AmendmentKind.CERTIFICATE and rule.group != _CPA_GROUP:
        return False
    if kind is AmendmentKind.UPGRADE_PATH and not _is_path(rule):
        return False
    return book_of(rule) in _BOOKS[kind]


def _is_path(rule: FieldRule | None) -> bool:
    return rule is not None and isinstance(rule.format, UpgradePath)


def _look_up(path: str, books: Books, asker: str) -> None:
    """Make sure that every entry that a new upgrade path names is on the list (guidance 7.2.10)."""
    for number in path.split("; "):
        if number.isdecimal():
            books.entry(number, f"{asker}: its upgrade path")
