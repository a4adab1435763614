"""The list as values: what changed from one list to another, and who carries a certificate (guidance section 5).

Entry numbers are the identity of an entry: they are given once and never again. Where its row stands is not what an
entry says, so rows that only moved are no difference.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, zip_longest

from pipeline.checks.papers import NUMBERS, TRIAL_MARK, bare, key_of
from pipeline.domain.product import GBCS, IMAGE_HASH, SMETS_CHTS, Product, ProductList
from pipeline.domain.release import CURRENT, REMOVED, ChangeKind, EntryChange, ListDifference, ValueChange

STATUS = "Entry.status"
CPA_NUMBER = NUMBERS["cpa"]

_NEVER_LISTED = {
    "device_zigbee_information_repository",  # RED: the DZIR and nothing else (guidance 7.2.12)
    "contact-cpa",  # personal data (7.2.8)
    "manufacturer contact fir",  # Green: the FIR (7.2.9)
    "fir release notes",
    "firmware_upgrade",  # extracted to the FIR (7.2.10)
}
"""Data Groups of the form that the list does not publish, in lower case."""

_IN_WORDS = {
    STATUS: "status",
    "Device_Type.name": "Device Type",
    "Device_Model.manufacturer_identifier": "manufacturer identifier",
    "Device_Model.model_identifier": "model identifier",
    "Device_Model.hardware_version.version": "hardware version",
    "Device_Model.hardware_version.revision": "hardware revision",
    "Device_Model.firmware_version": "firmware version",
    SMETS_CHTS: "SMETS/CHTS version",
    GBCS: "GBCS version",
    CPA_NUMBER: "CPA certificate number",
    "CPA_Certificate.security_characteristics_version": "Security Characteristics version",
    "CPA_Certificate.expiry_date": "CPA expiry or renewal date",
    "DLMS_Certificate.identification_number": "DLMS certificate number",
    "DLMS_Certificate.DLMS_version": "DLMS version",
    "ZSE_Certificate.identification_number": "ZigBee certificate number",
    "ZSE_Certificate.ZSE_version": "ZigBee Smart Energy version",
    "Manufacturer_Image.creator": "creator of the image",
    IMAGE_HASH: "hash of the image",
    "Manufacturer_Image.descriptor": "descriptor of the image",
    "ZigBee_Properties.Bands_Join": "ZigBee bands",
}
"""What a column is called in a sentence; any other column by its field name."""


class DoesNotFit(Exception):  # noqa: N818 - named for the fact
    """A difference was applied to a list that it was not taken from. The text names the version or the entry."""


def listable(name: str) -> bool:
    """Say whether a field of the form may stand on the list; what is RED, personal or of the FIR never does."""
    return name.partition(".")[0].casefold() not in _NEVER_LISTED


def difference(old: ProductList, new: ProductList) -> ListDifference:
    """Return what changed, entry by entry in the order of the numbers, and cell by cell.

    A number that stands several times is compared occurrence by occurrence, in the order of the rows; one occurrence
    too many is added, one too few is gone. Fields that may not stand on a list are not looked at (law 8).
    """
    then, now = _by_number(old.products), _by_number(new.products)
    changes = (
        change
        for number in sorted(then.keys() | now.keys())
        for change in _changes(number, then.get(number, []), now.get(number, []))
    )
    return ListDifference(old.version, new.version, tuple(changes))


def _by_number(products: Iterable[Product]) -> dict[str, list[Product]]:
    found: dict[str, list[Product]] = {}
    for product in products:
        found.setdefault(product.number, []).append(product)
    return found


def _changes(number: str, then: Sequence[Product], now: Sequence[Product]) -> Iterator[EntryChange]:
    """Leave out what is the same from the front and from the end, and pair what is left between."""
    first, last = 0, 0
    shorter = min(len(then), len(now))
    while first < shorter and not cells_between(then[first], now[first]):
        first += 1
    while last < shorter - first and not cells_between(then[-1 - last], now[-1 - last]):
        last += 1
    for before, after in zip_longest(then[first : len(then) - last], now[first : len(now) - last]):
        if before is None or after is None or cells_between(before, after):
            yield change_of(number, before, after)


def change_of(number: str, before: Product | None, after: Product | None) -> EntryChange:
    """Return the change from one state of an entry to another; None: it is not on that list."""
    if before is None or after is None:
        return EntryChange(ChangeKind.GONE if after is None else ChangeKind.ADDED, number, before, after)
    return EntryChange(_kind(before.status, after.status), number, before, after, cells_between(before, after))


def _kind(before: str, after: str) -> ChangeKind:
    if before != after == REMOVED:
        return ChangeKind.REMOVED
    if before == REMOVED and after == CURRENT:
        return ChangeKind.RESTORED
    return ChangeKind.CHANGED


def cells_between(before: Product, after: Product) -> tuple[ValueChange, ...]:
    """Return the cells that differ between two states of an entry."""
    then, now = before.values, after.values
    if then == now:
        return ()
    return tuple(
        ValueChange(name, then.get(name, ""), now.get(name, ""))
        for name in dict.fromkeys((*then, *now))
        if then.get(name, "") != now.get(name, "") and listable(name)
    )


def apply(products: ProductList, change: ListDifference) -> ProductList:
    """Return the list after a difference, in the order of its rows: ``apply(old, difference(old, new)) == new``.

    It holds for lists whose unchanged entries keep their rows, as those of two Releases do; otherwise the entries are
    those of ``new`` in the rows of ``old``. Raises DoesNotFit where the difference was not taken from this list.
    """
    if products.version != change.old:
        raise DoesNotFit(f"the difference was taken from version {change.old} and the list is {products.version}")
    waiting: dict[str, list[EntryChange]] = {}
    after = []
    for item in change.changes:
        if item.before is not None:
            waiting.setdefault(item.number, []).append(item)
        elif item.after is not None:
            after.append(item.after)
    for product in products.products:
        due = waiting.get(product.number, [])
        meant = next((item for item in due if item.before == product), None)
        if meant is None:
            after.append(product)
            continue
        due.remove(meant)
        if meant.after is not None:
            after.append(meant.after)
    if left := sorted(number for number, due in waiting.items() if due):
        raise DoesNotFit(f"{entries(left)} {_be(left)} not on the list as the difference says")
    return ProductList("", change.new, tuple(sorted(after, key=lambda product: product.row)))


def changed_by_hand(last_release: ProductList, imported: ProductList) -> ListDifference | None:
    """Return what somebody changed in the workbook since our last Release; None where it says the same.

    Only what the list says is compared: a workbook that differs in its formatting alone gives None.
    """
    found = difference(last_release, imported)
    return found if found.changes or found.old != found.new else None


def repeated(products: ProductList) -> tuple[str, ...]:
    """Return the entry numbers that stand more than once, which no list should have."""
    counted = Counter(product.number for product in products.products)
    return tuple(sorted(number for number, times in counted.items() if times > 1))


def certificate_key(number: str) -> tuple[bool, str] | None:
    """Return what stays the same however a CPA certificate's number is written; None for what is no number.

    ``[E] 1433053936-1497``, ``[R] NCSC-1433053936-1497`` and ``1433053936-1497`` are one; a trial's identifier,
    marked ``[T]``, is compared with other trials only and keeps its letters.
    """
    trial = number.strip().startswith(TRIAL_MARK)
    key = key_of("cpa", number, trial=trial)
    return (trial, key) if any(sign.isdigit() for sign in bare(number)) else None


def entries_with_certificate(products: ProductList, number: str) -> tuple[Product, ...]:
    """Return every entry that carries a CPA certificate, however its number is written there, Removed ones included."""
    key = certificate_key(number)
    if key is None:
        return ()
    return tuple(p for p in products.products if certificate_key(p.values.get(CPA_NUMBER, "")) == key)


def in_words(change: ListDifference) -> tuple[str, ...]:
    """Return a difference as sentences: how many, then each entry; entries with the same changed cells together."""
    if not change.changes:
        return (f"The entries of version {change.old} and version {change.new} say the same.",)
    counted = Counter(item.kind for item in change.changes)
    parts = ", ".join(f"{counted[kind]} {kind.value}" for kind in ChangeKind if counted[kind])
    return (f"From version {change.old} to version {change.new}: {parts}.", *_sentences(change.changes))


def _sentences(changes: Sequence[EntryChange]) -> Iterator[str]:
    same: dict[tuple[ChangeKind, tuple[ValueChange, ...]], list[str]] = {}
    for item in changes:
        if item.before is None or item.after is None:
            verb = "gone, which no Release does" if item.after is None else "added"
            yield f"Entry {item.number} is {verb}: {_device(item.after or item.before)}."
        else:
            same.setdefault((item.kind, item.values), []).append(item.number)
    for (kind, cells), numbers in same.items():
        yield f"{entries(numbers).capitalize()} {_be(numbers)} {kind.value}: {cells_in_words(cells)}."


def _device(product: Product | None) -> str:
    if product is None:
        return "nothing is known of it"
    return ", ".join(filter(None, (product.kind[0], f"Device Model {product.model}", *product.kind[1:])))


def cells_in_words(cells: Sequence[ValueChange]) -> str:
    """Return changed cells in words: ``firmware version from '01' to '02'; status from ...``."""
    return "; ".join(f"{cell_name(c.field)} from {_shown(c.before)} to {_shown(c.after)}" for c in cells)


def cell_name(name: str) -> str:
    """Return what a column is called in a sentence."""
    return _IN_WORDS.get(name, name)


def _shown(text: str) -> str:
    return f"'{text}'" if text else "empty"


def entries(numbers: Sequence[str]) -> str:
    """Return entry numbers in words: ``entry 000001`` or ``entries 000001 to 000004 and 000009``."""
    if len(numbers) == 1:
        return f"entry {numbers[0]}"
    *most, last = _runs(numbers)
    return f"entries {', '.join(most)} and {last}" if most else f"entries {last}"


def _runs(numbers: Iterable[str]) -> Iterator[str]:
    """Yield numbers in order, those that follow one another as ``000001 to 000004``."""
    for _, run in groupby(enumerate(sorted(set(numbers))), lambda item: int(item[1]) - item[0]):
        first, *rest = (number for _, number in run)
        yield from (first, *rest) if len(rest) < 2 else (f"{first} to {rest[-1]}",)  # noqa: PLR2004 - two need no range


def _be(numbers: Sequence[str]) -> str:
    return "is" if len(numbers) == 1 else "are"
