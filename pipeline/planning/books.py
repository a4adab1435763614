"""The list, the FIR, the DZIR and the contacts while a Release is being planned."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.domain.product import DEVICE_MODEL, DeviceModel, Product, ProductList
from pipeline.domain.release import CURRENT, RepositoryRow
from pipeline.planning.values import Book, PlanRefused
from pipeline.products import CPA_NUMBER, STATUS, certificate_key

NUMBER = "Entry.number"
_FIRST_ROW = 8
"""Where the entries of a list without any would begin: below the seven rows of headings."""


@dataclass(slots=True)
class Books:
    """What stands in each book now. products: by row. repositories: every book but the list."""

    products: list[Product]
    repositories: dict[Book, list[RepositoryRow]] = field(repr=False)
    _places: dict[str, list[int]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Note where each entry stands."""
        self._places = {}
        for place, product in enumerate(self.products):
            self._places.setdefault(product.number, []).append(place)

    def entry(self, number: str, asker: str) -> Product:
        """Return an entry; PlanRefused where it is not on the list, or there twice. asker: who wants it."""
        places = self._places.get(number, [])
        if not places:
            raise PlanRefused(f"{asker} names entry {number}, which is not on the list: withdraw it, or mend it")
        if len(places) > 1:
            raise PlanRefused(f"{asker} names entry {number}, which stands {len(places)} times: mend the list first")
        return self.products[places[0]]

    def carriers(self, numbers: Sequence[str], asker: str) -> tuple[str, ...]:
        """Return the named entries and every other that carries a CPA certificate of one of them, in list order."""
        named = set(numbers)
        keys = {self._certificate(self.entry(number, asker)) for number in numbers} - {None}
        return tuple(p.number for p in self.products if p.number in named or self._certificate(p) in keys)

    @staticmethod
    def _certificate(product: Product) -> tuple[bool, str] | None:
        return certificate_key(product.values.get(CPA_NUMBER, ""))

    def change(self, number: str, values: Mapping[str, str], asker: str) -> tuple[Product, Product]:
        """Give an entry other values and return it before and after. An empty value takes the old one away."""
        before = self.entry(number, asker)
        if not values:
            return before, before
        if gone := [name for name in DEVICE_MODEL if name in values and not values[name]]:
            raise PlanRefused(f"{asker} empties {gone[0]} of entry {number}, which no entry can be without")
        merged = {name: text for name, text in {**before.values, **values}.items() if text}
        after = replace(before, status=merged.get(STATUS, ""), model=_model_with(before.model, values), values=merged)
        self.products[self._places[number][0]] = after
        return before, after

    def update(self, book: Book, number: str, values: Mapping[str, str]) -> bool:
        """Give an entry other values in a repository, with a new row where it has none. False: nothing changed."""
        rows = self.repositories[book]
        place = next((i for i, row in enumerate(rows) if row.number == number), None)
        old = rows[place].values if place is not None else {}
        merged = {name: text for name, text in {**old, **values}.items() if text}
        if merged == old:
            return False
        if place is None:
            rows.append(RepositoryRow(number, merged))
        else:
            rows[place] = RepositoryRow(number, merged)
        return True

    def add(self, number: str, values: Mapping[Book, Mapping[str, str]]) -> Product:
        """Put a new entry, whose Device Model is complete, under its number into every book that speaks of it."""
        listed = {NUMBER: number, STATUS: CURRENT, **values[Book.CPL]}
        row = self.products[-1].row + 1 if self.products else _FIRST_ROW
        model = DeviceModel(*(listed[name] for name in DEVICE_MODEL))
        self._places[number] = [len(self.products)]
        product = Product(number, listed[STATUS], model, listed, row)
        self.products.append(product)
        for book in self.repositories:
            if values[book]:
                self.repositories[book].append(RepositoryRow(number, values[book]))
        return product

    def rows(self, book: Book) -> tuple[RepositoryRow, ...]:
        """Return a repository in the order of the entry numbers."""
        return tuple(sorted(self.repositories[book], key=lambda row: row.number))

    def product_list(self, version: str) -> ProductList:
        """Return the list as it now is."""
        return ProductList("", version, tuple(self.products))


def _model_with(model: DeviceModel, values: Mapping[str, str]) -> DeviceModel:
    """Return a Device Model with some of its five values replaced."""
    old = (*model.hardware, model.firmware_version)
    return DeviceModel(*(values.get(name, text) for name, text in zip(DEVICE_MODEL, old, strict=True)))


def opened(
    products: ProductList,
    fir: Iterable[RepositoryRow],
    dzir: Iterable[RepositoryRow],
    contacts: Iterable[RepositoryRow],
) -> Books:
    """Return the books as they are before a Release."""
    repositories = {Book.FIR: list(fir), Book.DZIR: list(dzir), Book.CONTACTS: list(contacts)}
    return Books(list(products.products), repositories)
