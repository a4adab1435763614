"""Which certificates of the list end, and when: one Tracked for each certificate and date, and what cannot be tracked.

The number of one certificate is written in several ways, and its rows do not always have the same date.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from pipeline.checks.matter import quoted
from pipeline.checks.papers import EXPIRY, NUMBERS, TRIAL, key_of
from pipeline.domain.product import GBCS, SMETS_CHTS, Product, ProductList
from pipeline.domain.release import CURRENT, REMOVED
from pipeline.domain.reminder import Remark, ReminderKind, Tracked, Untracked
from pipeline.rulebook import Rulebook
from pipeline.rulebook.alignment import Slot
from pipeline.rulebook.notation import DAY, day_of
from pipeline.rulebook.reminders import RemindersFile

CPA: Slot = "cpa"
_YEARS = range(2000, 2200)
"""Years that the date of a certificate can lie in; the first CPA Certificates are of 2016."""
_KEY_LIMIT = 40
_PLAIN = re.compile("[0-9]{2}/[0-9]{2}/[0-9]{4}")


@dataclass(frozen=True, slots=True)
class Tracking:
    """The certificates of a list. tracked: by date, then key. untracked, remarks: for the helpdesk, in list order."""

    tracked: tuple[Tracked, ...]
    untracked: tuple[Untracked, ...]
    remarks: tuple[Remark, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """One entry with a certificate and a date. kind: None where the number has no mark."""

    entry: Product
    key: str
    number: str
    kind: ReminderKind | None
    day: date


def certificates_of(products: ProductList, rules: Rulebook) -> Tracking:
    """Return every CPA and Trial certificate of Current entries, however its number is written in each row.

    SMETS1 entries have none and are passed over, and so are entries that need none and have none. Raises ValueError
    for rules that say nothing of reminders (stored before there were any).
    """
    if rules.reminders is None:
        raise ValueError("These rules are older than reminders.yaml: use the rules in force.")
    rows: list[_Row] = []
    untracked: list[Untracked] = []
    for product in products.products:
        match _row(product, rules, rules.reminders):
            case _Row() as row:
                rows.append(row)
            case str(why):
                untracked.append(Untracked(product, why))
    groups: dict[tuple[date, str], list[_Row]] = {}
    for row in rows:
        groups.setdefault((row.day, row.key), []).append(row)
    tracked = tuple(_tracked(key, day, group) for (day, key), group in sorted(groups.items(), key=lambda one: one[0]))
    return Tracking(tracked, tuple(untracked), tuple(_remarks(rows)))


def _row(product: Product, rules: Rulebook, reminders: RemindersFile) -> _Row | str | None:
    """Return the entry's certificate and date, why there is none, or None for an entry that has nothing to tell."""
    values = product.values
    if product.status == REMOVED or rules.family(values.get(SMETS_CHTS, ""), values.get(GBCS, "")) == "smets1":
        return None
    number, text = values.get(NUMBERS[CPA], "").strip(), values.get(EXPIRY, "").strip()
    kind = next((rule.kind for rule in reminders.kinds if number.startswith(rule.mark)), None)
    key, day = _key(number, kind), _day(text)
    if not key and day is None and not _needed(product, rules):
        return None
    if product.status != CURRENT:
        return f"Its status is {quoted(product.status)}, which is neither {CURRENT} nor {REMOVED}."
    if not key:
        return _no_number(number)
    if not text:
        return f"Its certificate {quoted(number)} has no date."
    if day is None:
        return f"Its date {quoted(text)} cannot be read; write it as dd/mm/yyyy."
    if day.year not in _YEARS:
        return f"Its date {quoted(text)} cannot be the date of a certificate."
    return _Row(product, key, number, kind, day)


def _no_number(number: str) -> str:
    if number:
        return f"Its certificate number {quoted(number)} holds no digit, so it cannot be told from others."
    return "It has no certificate number, although its Device Type needs a certificate or it has a date."


@lru_cache(maxsize=8192)
def _key(number: str, kind: ReminderKind | None) -> str:
    """Return what stays the same however the number is written, with its slot before it; empty for no number.

    A trial's identifier is compared with those of other trials only, and keeps its letters.
    """
    trial = kind is ReminderKind.TRIAL
    key = key_of(CPA, number, trial=trial)
    if not any(sign.isdigit() for sign in key):
        return ""
    if len(key) > _KEY_LIMIT:  # a cell may hold 32,767 characters, and the key stands in every promise
        key = hashlib.sha256(key.encode()).hexdigest()[:_KEY_LIMIT]
    return f"{TRIAL if trial else CPA}:{key}"


@lru_cache(maxsize=8192)
def _day(text: str) -> date | None:
    """Return the date a cell holds where it holds nothing else: a sentence may name several."""
    return day_of(text) if DAY.fullmatch(text) else None


def _needed(product: Product, rules: Rulebook) -> bool:
    """Say whether Table 6 asks the entry for a CPA or Trial certificate."""
    asked = (kind.required for kind in rules.assurance.certificates if kind.kind == CPA)
    return any(rules.holds(condition, product.kind[0], "smets2") for condition in asked)


def _tracked(key: str, day: date, rows: list[_Row]) -> Tracked:
    spelt = Counter(row.number for row in rows)
    kinds = {row.kind or ReminderKind.EXPIRY for row in rows}
    # Rows marked [E] and [R] at once: that it may lapse is the more serious of the two.
    kind = ReminderKind.EXPIRY if ReminderKind.EXPIRY in kinds else kinds.pop()
    numbers = sorted(spelt, key=lambda number: (-spelt[number], number))
    return Tracked(key, kind, tuple(numbers), day, tuple(row.entry for row in rows))


def _remarks(rows: list[_Row]) -> Iterator[Remark]:
    by_key: dict[str, list[_Row]] = {}
    for row in rows:
        by_key.setdefault(row.key, []).append(row)
    for group in by_key.values():
        number, entries = quoted(group[0].number), tuple(row.entry.number for row in group)
        if len({row.day for row in group}) > 1:
            told = Counter(row.day for row in sorted(group, key=lambda row: row.day))
            dates = ", ".join(f"{day:%d/%m/%Y} ({_entries(times)})" for day, times in told.items())
            yield Remark(f"The certificate {number} stands with several dates: {dates}. Each is reminded of.", entries)
        if len({row.kind for row in group} - {None}) > 1:
            yield Remark(f"The certificate {number} is marked [E] in some rows and [R] in others.", entries)
    unmarked = tuple(row.entry.number for row in rows if row.kind is None)
    if unmarked:
        yield Remark("The certificate number has no mark; it is taken for an expiring certificate, [E].", unmarked)
    for row in rows:
        text = row.entry.values[EXPIRY].strip()
        if not _PLAIN.fullmatch(text):
            said = f"The date {quoted(text)} is taken, day first, for {row.day:%d/%m/%Y}; write it so."
            yield Remark(said, (row.entry.number,))


def _entries(times: int) -> str:
    return "1 entry" if times == 1 else f"{times} entries"
