"""The Version Control row of a Release, in the list's own manner and in plain English (guidance 5.1).

It is published with the list: entries, Devices and manufacturers stand in it, and of the FIR and the DZIR only that
they were updated, never a value.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pipeline.domain.product import DEVICE_TYPE, GBCS, SMETS_CHTS, Product
from pipeline.domain.release import Amendment, AmendmentKind, EntryChange, ValueChange
from pipeline.planning.amending import Carried
from pipeline.planning.values import Book
from pipeline.products import cells_in_words, entries
from pipeline.rulebook import Rulebook

_NUMBERS = (
    "No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve", "Thirteen",
    "Fourteen", "Fifteen", "Sixteen", "Seventeen", "Eighteen", "Nineteen", "Twenty",
)  # fmt: skip
_SHORT_TYPES = {
    "Gas Smart Meter": "GSME",
    "HAN Connected Auxiliary Load Control Switch": "HCALCS",
    "Polyphase Electricity Metering Equipment": "Polyphase ESME",
    "Pre-Payment Interface Device": "PPMID",
    "Single Element Electricity Metering Equipment": "ESME",
    "Twin Element Electricity Metering Equipment": "Twin ESME",
}
"""What the list's log calls a Device Type; any other by its name."""
_FAMILIES = {"smets1": "SMETS1 ", "smets2": "SMETS2 "}
_HEADINGS = {
    AmendmentKind.REMOVAL: "{} removed:",
    AmendmentKind.RESTORATION: "{}, status changed back to 'Current':",
}
_STATUS_KINDS = frozenset(_HEADINGS)
_REPOSITORIES = {Book.FIR: "Firmware Information Repository", Book.DZIR: "Device ZigBee Information Repository"}
_SEVERAL = 3
"""From so many entries on, those with the same change share a line."""


def log_lines(carried: Iterable[Carried], added: Sequence[Product], rules: Rulebook) -> tuple[str, ...]:
    """Return the lines of the row: amendments in their order, then what was added; an empty line between two parts."""
    parts = [*(tuple(_amended(item, rules)) for item in carried), *_added(added, rules)]
    lines = [line for part in parts if part for line in ("", *part)]
    return tuple(lines[1:])


def _added(products: Sequence[Product], rules: Rulebook) -> Iterator[tuple[str, ...]]:
    """Yield a heading and a line an entry, SMETS1 and SMETS2 apart, as the DCC and the Suppliers look for them."""
    families: dict[str, list[Product]] = {}
    for product in products:
        family = rules.family(product.values.get(SMETS_CHTS, ""), product.values.get(GBCS, ""))
        families.setdefault(_FAMILIES.get(family, ""), []).append(product)
    for family, members in families.items():
        heading = f"{_count(len(members))} new {family}device model{_s(members)} added:"
        yield (heading, *(described(product, rules) for product in members))


def _amended(carried: Carried, rules: Rulebook) -> Iterator[str]:
    kind, changes = carried.amendment.kind, carried.entries
    if changes and kind in _STATUS_KINDS:
        yield _HEADINGS[kind].format(f"{_count(len(changes))} device model{_s(changes)}")
        yield from (described(item.after, rules) for item in changes if item.after)
    elif changes:
        what = "updated with new CPA certificate details" if kind is AmendmentKind.CERTIFICATE else "corrected"
        yield f"{_count(len(changes))} entr{'y' if len(changes) == 1 else 'ies'} {what}:"
        yield from _cells(changes, rules)
    for book, numbers in carried.books.items():
        if numbers:
            yield f"{_REPOSITORIES[book]} updated for {entries(numbers)}."
    if changes:
        yield from _reason(carried.amendment)


def _cells(changes: Sequence[EntryChange], rules: Rulebook) -> Iterator[str]:
    same: dict[tuple[ValueChange, ...], list[EntryChange]] = {}
    for item in changes:
        same.setdefault(item.values, []).append(item)
    for cells, members in same.items():
        if len(members) >= _SEVERAL:
            yield f"{_from(members)}: {cells_in_words(cells)}"
        else:
            yield from (f"{described(m.after, rules)}: {cells_in_words(cells)}" for m in members if m.after)


def _from(members: Sequence[EntryChange]) -> str:
    return entries([item.number for item in members]).capitalize()


def _reason(amendment: Amendment) -> Iterator[str]:
    """Yield why. It is told for what is on the list only: of a repository, the reason might repeat what it holds."""
    if why := " ".join(amendment.why.split()):
        yield f"Reason: {why}{'' if why.endswith(('.', '!', '?')) else '.'}"


def described(product: Product, rules: Rulebook) -> str:
    """Return an entry as the log names it: ``000731 - Example Metering GSME 11:11 1111 01:CA:00:D1``.

    After the manufacturer and the Device Type: model identifier, hardware version and revision, firmware version.
    """
    model = product.model
    kind = product.values.get(DEVICE_TYPE, "")
    name = _manufacturer(model.manufacturer_identifier, rules.manufacturers, product.values)
    hardware = f"{model.model_identifier} {model.hardware_version}{model.hardware_revision}"
    return f"{product.number} - {name} {_SHORT_TYPES.get(kind, kind)} {hardware} {model.firmware_version}"


def _manufacturer(code: str, known: Mapping[str, tuple[str, ...]], values: Mapping[str, str]) -> str:
    """Return a manufacturer's name: of the rulebook, or of the image's creator. The FIR's is not for the public."""
    return known[code][0] if code in known else values.get("Manufacturer_Image.creator", f"Manufacturer {code}")


def _count(number: int) -> str:
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)


def _s(things: Sequence[object]) -> str:
    return "" if len(things) == 1 else "s"
