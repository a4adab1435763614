"""The Central Products List as values: its entries, and the index every check asks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

DEVICE_MODEL = (
    "Device_Model.manufacturer_identifier",
    "Device_Model.model_identifier",
    "Device_Model.hardware_version.version",
    "Device_Model.hardware_version.revision",
    "Device_Model.firmware_version",
)
"""The five Data Attributes that make a Device Model (guidance 7.2.2), as field names, in form order."""

DEVICE_TYPE = "Device_Type.name"
SMETS_CHTS = "SMETS/CHTS Version.Version_number"
GBCS = "GBCS Version.version_number"
IMAGE_HASH = "Manufacturer_Image.hash"


@dataclass(frozen=True, slots=True, order=True)
class DeviceModel:
    """The five identifying values, upper-case hexadecimal octets joined by ``:`` as the CPL writes them."""

    manufacturer_identifier: str
    model_identifier: str
    hardware_version: str
    hardware_revision: str
    firmware_version: str

    @property
    def hardware(self) -> tuple[str, str, str, str]:
        """The four values that stay when only the firmware changes."""
        return self.manufacturer_identifier, self.model_identifier, self.hardware_version, self.hardware_revision

    def __str__(self) -> str:
        """Return the five values in form order, separated by blanks."""
        return " ".join(  # noqa: FLY002 - five names in one f-string do not fit a line
            (
                self.manufacturer_identifier,
                self.model_identifier,
                self.hardware_version,
                self.hardware_revision,
                self.firmware_version,
            )
        )


@dataclass(frozen=True, slots=True)
class Product:
    """One entry of the list. values: form field name to text, trimmed; dates as dd/mm/yyyy. row: in the tab, from 1."""

    number: str
    status: str
    model: DeviceModel
    values: Mapping[str, str]
    row: int

    @property
    def kind(self) -> tuple[str, str, str]:
        """Device type, SMETS/CHTS version and GBCS version: with the Device Model the key of an entry."""
        return (
            self.values.get(DEVICE_TYPE, ""),
            self.values.get(SMETS_CHTS, ""),
            self.values.get(GBCS, ""),
        )


@dataclass(frozen=True)
class ProductList:
    """All entries of one CPL version, Removed ones included, indexed for constant-time questions.

    artefact: sha256 of the workbook it was read from, empty for a list made in memory. version: ``3.000``.
    """

    artefact: str
    version: str
    products: tuple[Product, ...]
    _by_model: dict[DeviceModel, list[Product]] = field(init=False, repr=False, compare=False)
    _by_hardware: dict[tuple[str, ...], list[Product]] = field(init=False, repr=False, compare=False)
    _by_number: dict[str, Product] = field(init=False, repr=False, compare=False)
    _by_hash: dict[str, list[Product]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Build the four indexes once."""
        by_model: dict[DeviceModel, list[Product]] = {}
        by_hardware: dict[tuple[str, ...], list[Product]] = {}
        by_number: dict[str, Product] = {}
        by_hash: dict[str, list[Product]] = {}
        for product in self.products:
            by_model.setdefault(product.model, []).append(product)
            by_hardware.setdefault(product.model.hardware, []).append(product)
            by_number.setdefault(product.number, product)
            image = product.values.get(IMAGE_HASH, "")
            if image:
                by_hash.setdefault(image.upper(), []).append(product)
        object.__setattr__(self, "_by_model", by_model)
        object.__setattr__(self, "_by_hardware", by_hardware)
        object.__setattr__(self, "_by_number", by_number)
        object.__setattr__(self, "_by_hash", by_hash)

    def with_model(self, model: DeviceModel) -> Iterable[Product]:
        """Entries whose five fields equal the given Device Model."""
        return tuple(self._by_model.get(model, ()))

    def with_hardware(self, model: DeviceModel) -> Iterable[Product]:
        """Entries of the same hardware, whatever their firmware."""
        return tuple(self._by_hardware.get(model.hardware, ()))

    def with_number(self, number: str) -> Product | None:
        """Return the entry of that six-digit number, if it is on the list."""
        return self._by_number.get(number)

    def with_hash(self, image: str) -> Iterable[Product]:
        """Entries that carry that Manufacturer Image hash."""
        return tuple(self._by_hash.get(image.upper(), ()))
