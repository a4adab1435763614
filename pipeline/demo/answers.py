"""Complete and correct answers for the 'CPL - New Entry' form, for every Device Type (guidance sections 6 and 7)."""

from collections.abc import Mapping
from datetime import date

from pipeline.demo.products import (
    ELECTRICITY,
    ESME,
    FENNBROOK,
    GSME,
    HCALCS,
    HUB,
    POLYPHASE,
    PPMID,
    QUILLMOOR,
    SKERROW,
    SMETS1,
    SMETS1_TYPES,
    TWIN,
    VARDLE,
    VERSIONS,
    Manufacturer,
    image_hash,
)

Value = str | int | float | date | None
"""What may be written into a cell: text, a number, True or False, a date; None leaves the cell empty."""

SAPC = "Standalone Auxiliary Proportional Controller"
"""Not a Device Type of the CPL: it is entered as Single Element Electricity Metering Equipment (guidance 7.2.1)."""

_MODELS: Mapping[str, tuple[Manufacturer, tuple[str, str, str, str]]] = {
    HUB: (QUILLMOOR, ("43:11", "01", "0B", "02:01:00:14")),
    GSME: (FENNBROOK, ("00:22", "00", "1F", "04:01:12:00")),
    HCALCS: (VARDLE, ("20:01", "00", "00", "01:01:00:00")),
    POLYPHASE: (QUILLMOOR, ("00:0C", "03", "37", "0C:03:0C:22")),
    PPMID: (SKERROW, ("00:06", "01", "01", "01:26:00:00")),
    ESME: (QUILLMOOR, ("00:0A", "01", "02", "0C:03:0C:22")),
    TWIN: (QUILLMOOR, ("00:0B", "01", "02", "0C:03:0C:22")),
    SAPC: (QUILLMOOR, ("00:0D", "01", "02", "0C:03:0C:22")),
}
"""Device Models that are not on the sample list: image type, hardware version and revision, firmware version."""

_NUMBERED = (GSME, *(device for device in _MODELS if device != GSME))
"""The Device Models in the order of their certificates' numbers."""

_SMETS1_MODELS: Mapping[str, tuple[Manufacturer, tuple[str, str, str, str]]] = {
    HUB: (VARDLE, ("30:01", "00", "09", "05:06:00:00")),
    GSME: (FENNBROOK, ("10:02", "02", "05", "10:20:30:51")),
    PPMID: (SKERROW, ("00:16", "01", "01", "00:0A:00:00")),
    ESME: (FENNBROOK, ("10:01", "02", "05", "10:20:30:50")),
    TWIN: (FENNBROOK, ("10:03", "02", "05", "10:20:30:50")),
}

_PATHS = {
    HUB: "000004",
    GSME: "000007; 000008",
    HCALCS: "000017",
    POLYPHASE: "000016",
    PPMID: "000019",
    ESME: "000010; 000024",
    TWIN: "000015",
    SAPC: "NA",
}
"""Entries of the sample list that can be upgraded to the Device Model: same maker, same Device Type."""

_SMETS1_PATHS = {HUB: "000023", GSME: "000021", PPMID: "000022", ESME: "000020", TWIN: "NA"}


def good_answers(
    device: str = ESME, *, smets1: bool = False, image: bool = False, **changes: Value
) -> dict[str, Value]:
    """Return answers that break no rule, field name to value, for a Device Model that is not on the sample list.

    device: one of the seven Device Types, or SAPC. smets1: a SMETS1 Device Model. image: with a Manufacturer Image
    hash and an upgrade path. changes: values for single fields, by name: ``**{"Device_Model.firmware_version": ""}``.
    The certificate is an expiring one until 25/10/2029, which suits lists issued from 26-10-2023 to 25-10-2029.
    Raises ValueError for a Device Type that does not exist, or not as SMETS1.
    """
    if device not in (SMETS1_TYPES if smets1 else _MODELS):
        raise ValueError(f"there is no {'SMETS1' if smets1 else 'SMETS2+'} Device Type {device!r}")
    maker, model = (_SMETS1_MODELS if smets1 else _MODELS)[device]
    path = (_SMETS1_PATHS if smets1 else _PATHS)[device] if image else "NA"
    kind = ESME if device == SAPC else device
    answers: dict[str, Value] = {
        "Device_Type.name": kind,
        "Device_Model.manufacturer_identifier": maker.code,
        "Device_Model.model_identifier": model[0],
        "Device_Model.hardware_version.version": model[1],
        "Device_Model.hardware_version.revision": model[2],
        "Device_Model.firmware_version": model[3],
        **_versions(SMETS1 if smets1 else VERSIONS[kind]),
        **({} if smets1 else _certificates(device, kind, maker)),
        **(_image(maker, model) if image else {}),
        **_repository(maker),
        "Firmware_Upgrade.Path": path,
        "ZigBee_Properties.Bands_Join": "Single Band (2.4 GHz)",
        "Device_ZigBee_Information_Repository.Stack_Vendor": "Larkspur Radio Software",
        "Device_ZigBee_Information_Repository.Stack_Version": "3.4.11.12",
    }
    return answers | changes


def _versions(pair: tuple[str, str]) -> dict[str, Value]:
    """Return the SMETS/CHTS and GBCS version."""
    return {"SMETS/CHTS Version.Version_number": pair[0], "GBCS Version.version_number": pair[1]}


def _certificates(device: str, kind: str, maker: Manufacturer) -> dict[str, Value]:
    """Return what SMETS2+ asks for beside the Device Model: certificates and the contact for them (Table 2).

    No two of these Device Models share a certificate: a number seen with other content is a point for the reviewer.
    """
    own = _NUMBERED.index(device)
    answers: dict[str, Value] = {
        "CPA_Certificate.security_characteristics_version": "Not Relevant",
        "ZSE_Certificate.identification_number": f"ZIG25117ZSE{24117 + own}-24",
        "ZSE_Certificate.ZSE_version": "ZigBee Smart Energy Standard 1.4",
    }
    if kind != PPMID:
        answers |= {
            "CPA_Certificate.identification_number": f"[E] NCSC-7300000001-{4101 + own}",
            "CPA_Certificate.security_characteristics_version": "Security Characteristics version 1.3",
            "CPA_Certificate.expiry_date": "25/10/2029",
            "Contact-CPA.Contact.contact name": "Ottilie Brandreth",
            "Contact-CPA.Contact.contact telephone": "+44 1632 960117",
            "Contact-CPA.Contact.contact email": f"ottilie.brandreth@{maker.domain}",
        }
    if kind in ELECTRICITY:
        answers |= {
            "DLMS_Certificate.identification_number": f"{7741 + own}",
            "DLMS_Certificate.DLMS_version": "CTT 4.2",
        }
    return answers


def _image(maker: Manufacturer, model: tuple[str, str, str, str]) -> dict[str, Value]:
    """Return the three Manufacturer_Image answers."""
    return {
        "Manufacturer_Image.creator": maker.name,
        "Manufacturer_Image.hash": image_hash(f"{maker.code} {model}"),
        "Manufacturer_Image.descriptor": "Complete image; Single Band (2.4 GHz)",
    }


def _repository(maker: Manufacturer) -> dict[str, Value]:
    """Return the Firmware Information Repository answers, needed for all Devices (guidance 7.2.9)."""
    return {
        "Manufacturer Contact FIR.Company Name": maker.name,
        "Manufacturer Contact FIR.House Number": "12a",
        "Manufacturer Contact FIR.Street": "Tenterhook Lane",
        "Manufacturer Contact FIR.City": "Upper Sallow",
        "Manufacturer Contact FIR.Post Code": "ZZ99 9ZZ",
        "Manufacturer Contact FIR.Country": "United Kingdom",
        "Manufacturer Contact FIR.Telephone Number": "+44 1632 960110",
        "Manufacturer Contact FIR.Website": f"https://www.{maker.domain}/firmware",
        "Manufacturer Contact FIR.Email Address": f"firmware@{maker.domain}",
        "FIR Release Notes.Description": "Maintenance release: starts faster after a power cut.",
    }
