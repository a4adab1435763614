"""Turns what differs between two lists into what mails say of it: entries as table rows, equal edits told once.

Only the columns of the published list are ever told. That is decided here and by name, so that a field which a later
form adds stays untold until somebody has decided that it may be.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.compose.wording import quoted, sentence
from pipeline.domain.product import DEVICE_TYPE, GBCS, SMETS_CHTS, Product
from pipeline.domain.release import ChangeKind, EntryChange

ENTRY_LIMIT = 300
"""Entries one section of a mail lists; the busiest week in six years brought 40."""

STATUS = "Entry.status"

_PUBLISHED = frozenset(
    {
        "entry",
        "device_type",
        "device_model",
        "smets/chts version",
        "gbcs version",
        "cpa_certificate",
        "dlms_certificate",
        "zse_certificate",
        "manufacturer_image",
        "zigbee_properties",
    }
)
"""Data Groups that are columns of the tab 'Central Products List' (its header row; guidance 7.2.11 adds the last)."""

_TITLES: Mapping[ChangeKind, tuple[str, str]] = {
    ChangeKind.ADDED: ("Added", "added"),
    ChangeKind.CHANGED: ("Changed", "changed"),
    ChangeKind.REMOVED: ("Removed", "removed"),
    ChangeKind.RESTORED: ("Back on the list", "put back"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the list as a table row. model: the five values, or a sentence where the entry is not known."""

    number: str
    model: str
    smets_chts: str = ""
    gbcs: str = ""
    device_type: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """All entries that one thing happened to. left_out: how many are over the limit."""

    title: str
    entries: tuple[Entry, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class Edit:
    """One data item and its two values, each as shown to a person."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Block:
    """The same edits of one or more entries. numbers: ``entry 000001`` or ``entries 000001 and 000005``."""

    numbers: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What a mail says of a difference. summary: ``2 entries added and 1 entry removed``."""

    summary: str
    sections: tuple[Section, ...]
    blocks: tuple[Block, ...]


def changes(differing: Sequence[EntryChange]) -> Changes:
    """Return what is told of the entries that differ: in the order of the list, by what happened to them.

    Raises ValueError where a row is gone, which no Release does (guidance 5.2): nobody is told of a broken list.
    """
    by_kind: dict[ChangeKind, list[EntryChange]] = {kind: [] for kind in _TITLES}
    edits: dict[str, tuple[Edit, ...]] = {}
    for change in differing:
        if change.kind not in by_kind:
            raise ValueError(f"Entry {change.number} is gone from the list: put its row back before anyone is told.")
        by_kind[change.kind].append(change)
        edits[change.number] = _edits(change)
    told = {kind: found for kind, found in by_kind.items() if found}
    counts = tuple(f"{counted(len(found))} {_TITLES[kind][1]}" for kind, found in told.items())
    return Changes(
        summary=series(counts) or "no entry of the list itself",
        sections=tuple(section(_TITLES[kind][0], map(_entry, found)) for kind, found in told.items()),
        blocks=blocks(edits),
    )


def section(title: str, entries: Iterable[Entry]) -> Section:
    """Return a table of entries, cut to the limit."""
    rows = tuple(entries)
    return Section(title, rows[:ENTRY_LIMIT], max(0, len(rows) - ENTRY_LIMIT))


def entry(number: str, product: Product | None) -> Entry:
    """Return one entry as a table row; ``product`` is None where the list has no such entry."""
    if product is None:
        return Entry(sentence(number, 40), "(not on the CPL)")
    model, kind = sentence(str(product.model), 80), (DEVICE_TYPE, SMETS_CHTS, GBCS)
    device_type, smets_chts, gbcs = (sentence(product.values.get(name, ""), 80) for name in kind)
    return Entry(sentence(number, 40), model, smets_chts, gbcs, device_type)


def blocks(edits: Mapping[str, tuple[Edit, ...]]) -> tuple[Block, ...]:
    """Return the edits of each entry number, those that are the same for several entries told once."""
    same: dict[tuple[Edit, ...], list[str]] = {}
    for number, found in edits.items():
        if found:
            same.setdefault(found, []).append(number)
    told = list(same.items())[:ENTRY_LIMIT]
    return tuple(Block(named(numbers), found) for found, numbers in told)


def published(field: str) -> bool:
    """Tell whether a form field is a column of the published list."""
    return field.partition(".")[0].casefold() in _PUBLISHED


def named(numbers: Sequence[str]) -> str:
    """Return entry numbers in words: ``entry 000001``, ``entries 000001, 000002 and 000005``."""
    told = [sentence(number, 40) for number in numbers[:ENTRY_LIMIT]]
    more = len(numbers) - len(told)
    return ("entry " if len(numbers) == 1 else "entries ") + series([*told, *([f"{more} more"] if more else [])])


def counted(number: int) -> str:
    """Return ``1 entry`` or ``2 entries``."""
    return f"{number:,} {'entry' if number == 1 else 'entries'}"


def series(items: Sequence[str]) -> str:
    """Return items as a sentence lists them: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(part for part in (", ".join(items[:-1]), *items[-1:]) if part)


def _entry(change: EntryChange) -> Entry:
    return entry(change.number, change.after or change.before)


def _edits(change: EntryChange) -> tuple[Edit, ...]:
    """Return the published values that differ; an added entry differs in all, and its status says what a title says."""
    if change.kind is ChangeKind.ADDED:
        return ()
    status_told = change.kind is not ChangeKind.CHANGED
    return tuple(
        Edit(sentence(value.field, 120), quoted(value.before), quoted(value.after))
        for value in change.values
        if published(value.field) and not (status_told and value.field == STATUS)
    )
