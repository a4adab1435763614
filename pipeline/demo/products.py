"""Invented manufacturers and the entries of the sample Central Products List."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import islice

from pipeline.demo.fields import DEVICE_TYPES

HUB, GSME, HCALCS, POLYPHASE, PPMID, ESME, TWIN = DEVICE_TYPES
SMETS1 = ("SMETS V1.2", "GBCS Version 0.0")
"""The SMETS and GBCS version of every SMETS1 Device Model."""

VERSIONS: Mapping[str, tuple[str, str]] = {
    HUB: ("CHTS V1.5", "GBCS Version 4.1"),
    GSME: ("SMETS V4.3", "GBCS Version 4.1"),
    HCALCS: ("SMETS V5.1", "GBCS Version 4.1"),
    POLYPHASE: ("SMETS V5.1", "GBCS Version 4.1"),
    PPMID: ("SMETS V4.4", "GBCS Version 4.1"),
    ESME: ("SMETS V5.1", "GBCS Version 4.1"),
    TWIN: ("SMETS V5.1", "GBCS Version 4.1"),
}
"""A combination of SMETS/CHTS and GBCS version that each Device Type may carry."""

ELECTRICITY = (POLYPHASE, ESME, TWIN)
SMETS1_TYPES = (HUB, GSME, PPMID, ESME, TWIN)
"""The Device Types that can be SMETS1."""


@dataclass(frozen=True, slots=True)
class Manufacturer:
    """An invented maker of Devices. code: its manufacturer_identifier; domain: its reserved mail domain (RFC 2606)."""

    name: str
    code: str
    domain: str


QUILLMOOR = Manufacturer("Quillmoor Metering Ltd", "E1:01", "quillmoor.example")
FENNBROOK = Manufacturer("Fennbrook & Daughters Energy Devices Ltd", "E1:02", "fennbrook.example")
VARDLE = Manufacturer("Vardle Oake Controls plc", "E1:03", "vardle-oake.example")
SKERROW = Manufacturer("Skerrow Øst Displays A/S", "E1:04", "skerrow.example")
MANUFACTURERS = (QUILLMOOR, FENNBROOK, VARDLE, SKERROW)


_FIRST_WITH_BANDS = 24
"""Entries from this number on say which radio bands they use; the field came with CPL 3.000 (guidance 7.2.11)."""


def image_hash(text: str) -> str:
    """Return a hash as the list writes one: the SHA-256 of text as 32 pairs of upper-case digits with colons."""
    return _pairs(sha256(text.encode()).digest())


def _pairs(octets: bytes) -> str:
    """Return octets as pairs of upper-case hexadecimal digits with colons between."""
    return octets.hex(":").upper()


_ROWS = (
    # number, status, type, maker, image type, hardware, firmware, versions ("" = those of VERSIONS), image
    ("000001", "Current", HUB, QUILLMOOR, "43:10", "01", "0A", "01:00:00:10", "CHTS V1.0/GBCS Version 1.0", True),
    ("000002", "Current", HUB, QUILLMOOR, "43:10", "01", "0A", "01:02:00:10", "CHTS V1.1/GBCS Version 2.1", True),
    ("000003", "Removed", HUB, QUILLMOOR, "43:11", "01", "0B", "01:02:00:10", "CHTS V1.1/GBCS Version 2.1", False),
    ("000004", "Current", HUB, QUILLMOOR, "43:11", "01", "0B", "02:00:00:14", "", True),
    ("000006", "Current", GSME, FENNBROOK, "00:21", "00", "07", "03:01:11:00", "SMETS V2.0/GBCS Version 1.1", True),
    ("000007", "Current", GSME, FENNBROOK, "00:21", "00", "07", "03:02:11:00", "SMETS V4.2/GBCS Version 3.2", True),
    ("000008", "Current", GSME, FENNBROOK, "00:22", "00", "1F", "04:00:12:00", "", True),
    ("000009", "Current", ESME, QUILLMOOR, "00:0A", "01", "02", "0B:03:0C:20", "SMETS V4.2/GBCS Version 3.2", True),
    ("000010", "Current", ESME, QUILLMOOR, "00:0A", "01", "02", "0C:01:0C:21", "", True),
    ("000011", "Current", ESME, VARDLE, "1E:51", "10", "E0", "00:01:00:00", "SMETS V2.0/GBCS Version 1.1", True),
    ("000012", "Removed", ESME, VARDLE, "1E:51", "10", "E0", "00:01:00:01", "SMETS V2.0/GBCS Version 1.1", True),
    ("000015", "Current", TWIN, QUILLMOOR, "00:0B", "01", "02", "0C:01:0C:21", "", True),
    ("000016", "Current", POLYPHASE, QUILLMOOR, "00:0C", "03", "37", "0C:01:0C:21", "", True),
    ("000017", "Current", HCALCS, VARDLE, "20:01", "00", "00", "01:00:00:00", "", False),
    ("000018", "Current", PPMID, SKERROW, "00:06", "01", "01", "01:24:00:00", "SMETS V4.2/GBCS Version 3.2", False),
    ("000019", "Current", PPMID, SKERROW, "00:06", "01", "01", "01:25:00:00", "", False),
    ("000020", "Current", ESME, FENNBROOK, "10:01", "02", "05", "10:20:30:40", "/".join(SMETS1), True),
    ("000021", "Current", GSME, FENNBROOK, "10:02", "02", "05", "10:20:30:41", "/".join(SMETS1), True),
    ("000022", "Current", PPMID, SKERROW, "00:16", "01", "01", "00:09:00:00", "/".join(SMETS1), False),
    ("000023", "Current", HUB, VARDLE, "30:01", "00", "09", "05:05:00:00", "/".join(SMETS1), True),
    ("000024", "Current", ESME, QUILLMOOR, "00:0A", "01", "02", "0C:02:0C:21", "", True),
)


def entry_values(
    number: str,
    status: str,
    device: str,
    maker: Manufacturer,
    *,
    model: tuple[str, str, str, str],
    versions: tuple[str, str],
    image: bool,
) -> dict[str, str]:
    """Return one entry of the list, field name to text; fields that do not apply are left out.

    model: image type, hardware version and revision, and firmware version. versions: SMETS/CHTS and GBCS.
    """
    image_type, version, revision, firmware = model
    serial = int(number)
    values = {
        "Entry.number": number,
        "Entry.status": status,
        "Device_Type.name": device,
        "Device_Model.manufacturer_identifier": maker.code,
        "Device_Model.model_identifier": image_type,
        "Device_Model.hardware_version.version": version,
        "Device_Model.hardware_version.revision": revision,
        "Device_Model.firmware_version": firmware,
        "SMETS/CHTS Version.Version_number": versions[0],
        "GBCS Version.version_number": versions[1],
    }
    smets2 = versions != SMETS1
    if smets2 and device != PPMID:
        kind = "R" if serial % 3 else "E"
        values["CPA_Certificate.identification_number"] = f"[{kind}] NCSC-7300000001-{1000 + serial % 9000}"
        values["CPA_Certificate.security_characteristics_version"] = "Security Characteristics version 1.3"
        values["CPA_Certificate.expiry_date"] = f"{1 + serial % 28:02}/{1 + serial % 12:02}/{2027 + serial % 3}"
    elif smets2:
        values["CPA_Certificate.security_characteristics_version"] = "Not Relevant"
    if smets2 and device in ELECTRICITY:
        values["DLMS_Certificate.identification_number"] = f"{7000 + serial % 2000}"
        values["DLMS_Certificate.DLMS_version"] = "CTT 4.2"
    if smets2:
        values["ZSE_Certificate.identification_number"] = f"ZIG24{100 + serial % 900}ZSE{20000 + serial % 70000}-24"
        values["ZSE_Certificate.ZSE_version"] = "ZigBee Smart Energy Standard 1.4"
    if image:
        values["Manufacturer_Image.creator"] = maker.name
        values["Manufacturer_Image.hash"] = image_hash(f"{maker.code} {model}")
        values["Manufacturer_Image.descriptor"] = "Complete image; Single Band (2.4 GHz)"
    if serial >= _FIRST_WITH_BANDS:
        values["ZigBee_Properties.Bands_Join"] = "Single Band (2.4 GHz)"
    return values


@cache
def sample_entries() -> tuple[Mapping[str, str], ...]:
    """Return the entries of the sample list: all Device Types, SMETS1 and 2+, Removed ones, gaps in the numbering."""
    return tuple(
        entry_values(
            number,
            status,
            device,
            maker,
            model=(image_type, version, revision, firmware),
            versions=_versions(device, versions),
            image=image,
        )
        for number, status, device, maker, image_type, version, revision, firmware, versions, image in _ROWS
    )


def _versions(device: str, text: str) -> tuple[str, str]:
    """Return the pair written in a row, or that of VERSIONS."""
    first, _, second = text.partition("/")
    return (first, second) if text else VERSIONS[device]


def many_entries(count: int) -> tuple[Mapping[str, str], ...]:
    """Return the sample entries and as many made ones as it takes to have count of them, every Device Model once.

    count: 1 to 800,000.
    """
    return tuple(islice(_endless(), count))


def _endless() -> Iterator[Mapping[str, str]]:
    """Yield the sample entries, then one made entry for each number from 001001 on."""
    yield from sample_entries()
    for number in range(1001, 1_000_000):
        device = DEVICE_TYPES[number % len(DEVICE_TYPES)]
        firmware = _pairs(number.to_bytes(4, "big"))
        model = (_pairs((number % 97 + 256).to_bytes(2, "big")), f"{number % 16:02X}", f"{number % 256:02X}", firmware)
        maker = MANUFACTURERS[number % len(MANUFACTURERS)]
        image = device not in {PPMID, HCALCS}
        status = "Current" if number % 20 else "Removed"
        versions = VERSIONS[device]
        yield entry_values(f"{number:06}", status, device, maker, model=model, versions=versions, image=image)
