"""Plans of a release, made from a list and what is to become of its entries; and the rows of a part, as text."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from pipeline.domain.product import DEVICE_MODEL, DeviceModel, Product, ProductList
from pipeline.domain.release import ReleasePlan
from pipeline.products import difference
from pipeline.readers.cpl import read_cpl
from tests.builders import Package

REAL = Path(__file__).parents[2] / "shared" / "real"
HISTORY, FORM, LIST, CSV = (f"xl/worksheets/sheet{number}.xml" for number in (1, 2, 3, 4))
"""The parts of the four tabs, in the sample list as in the real ones."""
ISSUED = date(2026, 11, 21)
LOG = ("Three new SMETS2 device models added:", "000025 - Quillmoor & Sons <ESME> 00:00:00:01")
CERTIFICATE = "CPA_Certificate.identification_number"
EXPIRY = "CPA_Certificate.expiry_date"


def listed(data: bytes) -> ProductList:
    """Return the entries of a workbook."""
    reading = read_cpl(data)
    assert reading.problems == ()
    assert reading.template is not None
    return ProductList("", reading.template.version, reading.products)


def entry(values: Mapping[str, str], row: int = 0) -> Product:
    """Return an entry; values that are empty are none."""
    model = DeviceModel(*(values[name] for name in DEVICE_MODEL))
    kept = {name: text for name, text in values.items() if text}
    return Product(values["Entry.number"], values["Entry.status"], model, kept, row)


def plan(
    old: ProductList,
    changes: Mapping[str, Mapping[str, str]] | None = None,
    new: Iterable[Mapping[str, str]] = (),
    log: tuple[str, ...] = LOG,
) -> ReleasePlan:
    """Return the plan of the next version. changes: by Entry.number; new: what differs from the last entry."""
    changes = changes or {}
    products = [entry({**one.values, **changes.get(one.number, {})}, one.row) for one in old.products]
    for count, values in enumerate(new, 1):
        number = f"{int(old.products[-1].number) + count:06}"
        like = {**old.products[-1].values, "Entry.number": number, "Entry.status": "Current"}
        products.append(entry({**like, **values}, old.products[-1].row + count))
    version = f"{old.version[:2]}{int(old.version[2:]) + 1:03}"
    after = ProductList("", version, tuple(products))
    return ReleasePlan("", version, ISSUED, difference(old, after), log, {})


def three_things(old: ProductList) -> ReleasePlan:
    """Return a plan that adds three entries, changes a certificate on all its rows and removes one entry."""
    held = max((one.values.get(CERTIFICATE, "") for one in old.products), key=[
        one.values.get(CERTIFICATE, "") for one in old.products if one.values.get(CERTIFICATE)
    ].count)  # fmt: skip
    carrying = [one.number for one in old.products if one.values.get(CERTIFICATE) == held]
    changes = {number: {CERTIFICATE: "[R] NCSC-1000000001-0001", EXPIRY: "03/04/2031"} for number in carrying}
    gone = next(one.number for one in old.products if one.status == "Current" and one.number not in carrying)
    new = [
        {"Device_Model.firmware_version": f"00:01:E5:0{count}", "Device_Model.hardware_version.version": "00",
         "Device_Model.hardware_version.revision": "1E", "Manufacturer_Image.creator": "=A & <B>", EXPIRY: "02/03/2030"}
        for count in range(3)
    ]  # fmt: skip
    return plan(old, {**changes, gone: {"Entry.status": "Removed"}}, new)


def rows_of(data: bytes, part: str) -> dict[int, bytes]:
    """Return the rows of a worksheet part as they are stored."""
    text = Package.read(data).part(part)
    return {
        int(found[1]): found[0] for found in re.finditer(rb'<row r="(\d+)"[^>]*?(?:/>|>.*?</row>)', text, re.DOTALL)
    }


def with_part(data: bytes, part: str, old: str, new: str, count: int = 1) -> bytes:
    """Return a workbook with some text of a part replaced, which must be there."""
    package = Package.read(data)
    before = package.part(part)
    assert old.encode() in before
    return package.put(part, before.replace(old.encode(), new.encode(), count)).to_bytes()


def renumbered(one: Product, number: str) -> Product:
    """Return an entry under another number."""
    return replace(one, number=number, values={**one.values, "Entry.number": number})
