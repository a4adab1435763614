"""The plan of a Release: the next version of the list and of everything that goes with it (guidance section 9)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from pipeline.domain.product import DEVICE_MODEL, DEVICE_TYPE, GBCS, SMETS_CHTS, DeviceModel, Product, ProductList
from pipeline.domain.release import Amendment, AmendmentKind, NewEntry, ReleasePlan, RepositoryRow
from pipeline.planning.amending import Carried, carry_out
from pipeline.planning.books import Books, opened
from pipeline.planning.log import log_lines
from pipeline.planning.values import Book, PlanRefused, sorted_into_books
from pipeline.products import difference
from pipeline.rulebook import Rulebook

_VERSION = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})")
_LAST_SUB_VERSION, _LAST_NUMBER = 999, 999_999
_MOST_IN_A_CELL = 32_767
"""UTF-16 units that a cell of Excel holds: the Version Control row is one."""
_SHORTEST_SECRET = 3
"""Characters from which on a RED value is looked for in a reason; a shorter one stands in any text."""

_Key = tuple[DeviceModel, tuple[str, ...]]


def plan(
    products: ProductList,
    *,
    highest: int,
    new: Sequence[NewEntry],
    amendments: Sequence[Amendment],
    fir: Sequence[RepositoryRow],
    dzir: Sequence[RepositoryRow],
    contacts: Sequence[RepositoryRow],
    on: date,
    rules: Rulebook,
    principal: bool = False,
) -> ReleasePlan:
    """Return the next Release of a list: amendments carried out in their order, then new entries listed in theirs.

    highest: the highest entry number ever used, also one that no longer stands on the list; 0 where none was.
    on: the Date Of Issue. principal: raise the principal version, which is done by explicit order only (guidance 5.1).
    Raises PlanRefused, in words for the person who publishes, and changes nothing that it was given.
    """
    version = next_version(products.version, principal=principal)
    books = opened(products, fir, dzir, contacts)
    carried = [carry_out(amendment, books, rules) for amendment in amendments]
    _no_two_alike(carried, books)
    numbered = _list_all(new, books, _first_free(highest, products), rules)
    after = books.product_list(version)
    changes = difference(products, after)
    if not changes.changes and not any(numbers for item in carried for numbers in item.books.values()):
        raise PlanRefused("Nothing has been accepted or amended since the last Release, so there is none to make")
    _keep_red_out(carried, dzir)
    listed = [item.after for item in changes.changes if item.number in numbered and item.after]
    return ReleasePlan(
        base=products.version,
        version=version,
        issued=on,
        difference=changes,
        log=_fitting(log_lines(carried, listed, rules)),
        numbered=numbered,
        amendments=tuple(amendments),
        fir=books.rows(Book.FIR),
        dzir=books.rows(Book.DZIR),
        contacts=books.rows(Book.CONTACTS),
    )


def next_version(version: str, *, principal: bool = False) -> str:
    """Return the version after this one: ``3.010`` after ``3.009``, or ``4.000`` where the principal one is raised.

    Raises PlanRefused after ``X.999``: the principal version is raised by explicit order only.
    """
    match = _VERSION.fullmatch(version)
    if match is None:
        raise PlanRefused(f"The list in force says that it is version '{version}', which is not of the form X.YYY")
    major, sub = int(match[1]), int(match[2])
    if principal:
        return f"{major + 1}.000"
    if sub >= _LAST_SUB_VERSION:
        raise PlanRefused(f"After version {version} there is no sub-version left: order a principal version")
    return f"{major}.{sub + 1:03}"


def _first_free(highest: int, products: ProductList) -> int:
    return 1 + max((highest, *(int(product.number) for product in products.products)))


def _list_all(new: Sequence[NewEntry], books: Books, number: int, rules: Rulebook) -> Mapping[str, NewEntry]:
    """Put every new entry on the list under the next number; PlanRefused where one duplicates another."""
    numbered: dict[str, NewEntry] = {}
    taken = {_key(product): product for product in reversed(books.products)}
    for serial, entry in enumerate(new, start=number):
        where = f"{entry.file} of case {entry.case}"
        if serial > _LAST_NUMBER:
            raise PlanRefused(f"{where} cannot be listed: entry numbers have six digits, and all are used")
        values = sorted_into_books(entry.values, rules, where)
        if missing := [name for name in (*DEVICE_MODEL, DEVICE_TYPE, SMETS_CHTS, GBCS) if name not in values[Book.CPL]]:
            raise PlanRefused(f"{where} cannot be listed: it has no {missing[0]}")
        product = books.add(f"{serial:06}", values)
        twin = taken.setdefault(_key(product), product)
        if twin is not product:
            first = numbered.get(twin.number)
            there = f"{first.file} of case {first.case}" if first else f"entry {twin.number} ({twin.status})"
            raise PlanRefused(f"{where} has the Device Model {product.model}, and so has {there}: leave one out")
        numbered[product.number] = entry
    return numbered


def _key(product: Product) -> _Key:
    """Return what no two entries share (guidance section 8(4)), compared as the duplicate checks do."""
    return product.model, tuple(part.casefold() for part in product.kind)


def _no_two_alike(carried: Iterable[Carried], books: Books) -> None:
    """Refuse a correction that makes an entry the duplicate of another."""
    moved = {
        item.number
        for one in carried
        for item in one.entries
        if item.before and item.after and _key(item.before) != _key(item.after)
    }
    if not moved:
        return
    seen: dict[_Key, str] = {}
    for product in books.products:
        other = seen.setdefault(_key(product), product.number)
        if other != product.number and {other, product.number} & moved:
            raise PlanRefused(
                f"The amendments would give entries {other} and {product.number} the same Device Model, Device Type "
                "and versions: withdraw the one that does"
            )


def _keep_red_out(carried: Iterable[Carried], dzir: Iterable[RepositoryRow]) -> None:
    """Refuse a reason that would be published and repeats what the DZIR holds of its entries (law 8)."""
    carried = tuple(carried)
    secrets: dict[str, set[str]] = {}
    orders = [item.amendment for item in carried if item.amendment.kind is AmendmentKind.DZIR]
    held = [(row.number, row.values) for row in dzir]
    for number, values in (*held, *((number, order.values) for order in orders for number in order.entries)):
        secrets.setdefault(number, set()).update(text for text in values.values() if len(text) >= _SHORTEST_SECRET)
    for item in carried:
        for text in set().union(*(secrets.get(change.number, ()) for change in item.entries)):
            if re.search(rf"(?<!\w){re.escape(text.strip())}(?!\w)", item.amendment.why, re.IGNORECASE):
                raise PlanRefused(
                    f"The reason of amendment {item.amendment.number} repeats what the DZIR holds of its entries, "
                    "which is RED, and reasons are published: order it again with another wording"
                )


def _fitting(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return the lines if one cell holds them, joined by line ends."""
    units = len("\n".join(lines).encode("utf-16-le", "surrogatepass")) // 2
    if units > _MOST_IN_A_CELL:
        raise PlanRefused(
            f"The Version Control row would have {units:,} characters where a cell holds {_MOST_IN_A_CELL:,}: "
            "publish fewer entries and amendments at once"
        )
    return lines
