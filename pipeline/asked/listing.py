"""The list in force with the questions that a request asks of it, each answered from an index."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from pipeline.domain.product import DeviceModel, Product, ProductList
from pipeline.products import CPA_NUMBER, certificate_key, entries

_MOST_SHOWN = 20


@dataclass(frozen=True)
class Listing:
    """One ProductList, indexed by CPA certificate and by the order of the entry numbers once somebody asks."""

    products: ProductList

    @cached_property
    def _carriers(self) -> dict[tuple[bool, str], list[Product]]:
        found: dict[tuple[bool, str], list[Product]] = {}
        for product in self.products.products:
            key = certificate_key(product.values.get(CPA_NUMBER, ""))
            if key is not None:
                found.setdefault(key, []).append(product)
        return found

    @cached_property
    def _numbers(self) -> list[str]:
        return sorted({product.number for product in self.products.products})

    def carrying(self, number: str) -> tuple[Product, ...]:
        """Return every entry that carries a CPA certificate, however its number is written there."""
        key = certificate_key(number)
        return tuple(self._carriers.get(key, ())) if key else ()

    def holds(self, number: str) -> bool:
        """Say whether an entry of that number is on the list."""
        return self.products.with_number(number) is not None

    def among(self, numbers: Iterable[str]) -> tuple[Product, ...]:
        """Return the entries of those numbers that are on the list."""
        return tuple(product for number in numbers if (product := self.products.with_number(number)))

    def between(self, first: str, last: str) -> Sequence[str]:
        """Return the numbers on the list from a first to a last one."""
        return self._numbers[bisect_left(self._numbers, first) : bisect_right(self._numbers, last)]

    def with_model(self, model: DeviceModel) -> tuple[Product, ...]:
        """Return the entries of that Device Model."""
        return tuple(self.products.with_model(model))


def in_words(numbers: Iterable[str]) -> str:
    """Return entry numbers in words, in order, no more than a sentence can hold."""
    every = sorted(set(numbers))
    more = len(every) - _MOST_SHOWN
    return entries(every[:_MOST_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
