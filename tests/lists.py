"""Lists made in memory: entries of the demo's sample list, changed as a test wants them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pipeline.demo.products import sample_entries
from pipeline.domain.product import DEVICE_MODEL, DeviceModel, Product, ProductList

FIRST_ROW = 8


def product(values: Mapping[str, str], row: int) -> Product:
    """An entry as the reader makes it of its cells."""
    model = DeviceModel(*(values[name] for name in DEVICE_MODEL))
    return Product(values["Entry.number"], values.get("Entry.status", ""), model, dict(values), row)


def product_list(entries: Iterable[Mapping[str, str]], version: str = "3.000") -> ProductList:
    """A list without gaps between its rows."""
    return ProductList("", version, tuple(product(values, row) for row, values in enumerate(entries, FIRST_ROW)))


def sample_list(version: str = "3.000") -> ProductList:
    """The 21 entries of the demo's list: 000001 to 000024 with gaps."""
    return product_list(sample_entries(), version)


def with_values(products: ProductList, number: str, version: str = "", **values: str) -> ProductList:
    """The list with other values in one entry; ``Entry__status`` stands for ``Entry.status``, '' for no value."""
    named = {name.replace("__", "."): text for name, text in values.items()}
    changed = tuple(
        product({k: v for k, v in {**p.values, **named}.items() if v}, p.row) if p.number == number else p
        for p in products.products
    )
    return replace(products, version=version or products.version, products=changed)


def without(products: ProductList, *numbers: str) -> ProductList:
    """The list without some entries; the others stay in their rows."""
    return replace(products, products=tuple(p for p in products.products if p.number not in numbers))
