"""Entries with certificates, and the schedule of a list of them, as the reminders' tests want them."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from pipeline.domain.product import DeviceModel, Product, ProductList
from pipeline.domain.reminder import Contact
from pipeline.remind import Parties, Schedule, certificates_of, schedule
from pipeline.rulebook import Rulebook

RULES = Rulebook.load(Path(__file__).resolve().parents[1] / "rules")
NUMBER, EXPIRY = "CPA_Certificate.identification_number", "CPA_Certificate.expiry_date"
GAS, HUB, PPMID = "Gas Smart Meter", "Communications Hub", "Pre-Payment Interface Device"
DAY = date(2027, 8, 30)
SUPPLIER, DCC = "cpl@supplier.example", "cpl@dcc.example"
PARTIES = Parties((SUPPLIER,), (DCC,))
ANN = Contact("ann@meters.example", "Ann Example")


def entry(
    number: int,
    certificate: str = "[E] 1433053936-1497",
    day: date | str = DAY,
    *,
    device: str = GAS,
    status: str = "Current",
    smets: str = "SMETS V4.3",
    gbcs: str = "GBCS Version 4.1",
) -> Product:
    """One entry of a list; a day is written as the list does."""
    values = {
        "Device_Type.name": device,
        "SMETS/CHTS Version.Version_number": smets,
        "GBCS Version.version_number": gbcs,
        NUMBER: certificate,
        EXPIRY: f"{day:%d/%m/%Y}" if isinstance(day, date) else day,
    }
    model = DeviceModel("10:63", "00:0A", "01", "02", f"0C:03:0C:{number % 256:02X}")
    return Product(f"{number:06}", status, model, {name: text for name, text in values.items() if text}, number)


def listed(*entries: Product) -> ProductList:
    """A list of these entries."""
    return ProductList("", "3.000", entries)


def planned(*entries: Product) -> Schedule:
    """The schedule of a list of these entries, under the shipped rules."""
    assert RULES.reminders
    return schedule(certificates_of(listed(*entries), RULES).tracked, RULES.reminders)


def contacts(entries: Iterable[Product], *who: Contact) -> dict[str, tuple[Contact, ...]]:
    """The same contacts for every entry."""
    return {one.number: who or (ANN,) for one in entries}
