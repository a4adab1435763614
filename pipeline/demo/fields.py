"""The fields of the sample 'CPL - New Entry' form and the columns of its product list.

Data Groups, Data Attributes, column headings and drop-down values are those of the CPL workbook; the sentences beside
them are this project's own and shorter.
"""

from dataclasses import dataclass

DEVICE_TYPES = (
    "Communications Hub",
    "Gas Smart Meter",
    "HAN Connected Auxiliary Load Control Switch",
    "Polyphase Electricity Metering Equipment",
    "Pre-Payment Interface Device",
    "Single Element Electricity Metering Equipment",
    "Twin Element Electricity Metering Equipment",
)
"""The Device Types that the CPL lists (guidance 7.2.1)."""

ALLOCATED = "This value is allocated by SECAS"
"""What stands in column G of the two Entry rows: the one answer that is not the submitter's."""

FORM_HEADER_ROW = 6
FORM_HEADINGS = ("Data Group", "Data Attribute", "Notes", "Conditionality rule", "Format", "Valid values")
ANSWER_HEADING = "New Entry's Details"


@dataclass(frozen=True, slots=True)
class FormField:
    """One row of the form. options: the values of its drop-down, none where it has none. image: a yellow cell."""

    group: str
    attribute: str
    notes: str
    conditionality: str
    format: str
    valid: str
    options: tuple[str, ...] = ()
    image: bool = False

    @property
    def name(self) -> str:
        """The pair that identifies the data item: ``Device_Model.firmware_version``."""
        return f"{self.group}.{self.attribute}"


_ALWAYS = "Needed for every Device Model."
_NOT_PPMID = "SMETS2+: needed, except for a Pre-Payment Interface Device. SMETS1: leave empty."
_ESME = "SMETS2+: needed for electricity metering equipment. Otherwise leave empty."
_SMETS2 = "SMETS2+: needed. SMETS1: leave empty."
_IMAGE = "Give the creator, the hash and the descriptor together, or none of them."
_HEX = "Hexadecimal digits 0 to 9 and A to F"


def _choice(options: tuple[str, ...]) -> str:
    """Return the Valid values text of a drop-down."""
    return "One of:\n" + "\n".join(f"- {option}" for option in options)


_SMETS = tuple(f"CHTS V{v}" for v in ("1.0", "1.1", "1.3", "1.4", "1.5")) + tuple(
    f"SMETS V{v}" for v in ("1.2", "2.0", "3.1", "4.2", "4.3", "4.4", "5.0", "5.1")
)
_GBCS = tuple(f"GBCS Version {v}" for v in ("0.0", "1.1", "2.0", "2.1", "3.2", "4.0", "4.1"))
_CHARACTERISTICS = ("Not Relevant", "Security Characteristics version 1.2", "Security Characteristics version 1.3")
_DLMS = ("CTT 3.1", "CTT 4.0", "CTT 4.1", "CTT 4.2")
_ZSE = tuple(f"ZigBee Smart Energy Standard {v}" for v in ("1.2a", "1.2b", "1.4"))
_BANDS = ("Single Band (2.4 GHz)", "Single Band (Sub-GHz)", "Dual Band - 2.4 GHz first", "Dual Band - Sub-GHz first")


def _text(group: str, attribute: str, notes: str, conditionality: str, octets: int) -> FormField:
    return FormField(group, attribute, notes, conditionality, f"Text, at most {octets} octets", "Any text")


def _listed(group: str, attribute: str, notes: str, conditionality: str, options: tuple[str, ...]) -> FormField:
    return FormField(group, attribute, notes, conditionality, "Text from the list", _choice(options), options)


def _hex(attribute: str, notes: str, shape: str, valid: str) -> FormField:
    return FormField("Device_Model", attribute, notes, _ALWAYS, f"{_HEX}, written {shape}", valid)


def _fir(attribute: str, octets: int) -> FormField:
    notes = f"{attribute} for the Firmware Information Repository; not shown on the list."
    return _text("Manufacturer Contact FIR", attribute, notes, _ALWAYS, octets)


FORM_FIELDS: tuple[FormField, ...] = (
    FormField("Entry", "number", "Serial number of the entry.", _ALWAYS, "Six digits", "000001 to 999999"),
    FormField("Entry", "status", "Whether the entry is in use.", _ALWAYS, "Text", _choice(("Current", "Removed"))),
    _listed("Device_Type", "name", "What kind of Device this is.", _ALWAYS, DEVICE_TYPES),
    _hex("manufacturer_identifier", "ZigBee manufacturer code.", "XX:XX", "00:00 to FF:FE"),
    _hex("model_identifier", "Image type in the OTA header.", "XX:XX", "00:00 to FF:BF"),
    _hex("hardware_version.version", "Hardware version, first octet.", "XX", "00 to FF"),
    _hex("hardware_version.revision", "Hardware version, second octet.", "XX", "00 to FF"),
    _hex("firmware_version", "File version in the OTA header.", "XX:XX:XX:XX", "00:00:00:00 to FF:FF:FF:FF"),
    _listed("SMETS/CHTS Version", "Version_number", "Specification it was assured against.", _ALWAYS, _SMETS),
    _listed("GBCS Version", "version_number", "GBCS version that goes with it.", _ALWAYS, _GBCS),
    FormField(
        "CPA_Certificate",
        "identification_number",
        "Number of the CPA or Trial Device Certificate.",
        _NOT_PPMID,
        "Text, at most 24 octets, beginning with [E], [R] or [T] and a blank",
        "The number on the certificate",
    ),
    _listed(
        "CPA_Certificate",
        "security_characteristics_version",
        "Security Characteristics the certificate was awarded against.",
        "SMETS2+: needed; 'Not Relevant' for a Pre-Payment Interface Device. SMETS1: leave empty.",
        _CHARACTERISTICS,
    ),
    FormField(
        "CPA_Certificate",
        "expiry_date",
        "Day the certificate expires or is due for review.",
        _NOT_PPMID,
        "dd/mm/yyyy",
        "A date; for [E] at most six years after this list was issued",
    ),
    _text("DLMS_Certificate", "identification_number", "Number of the DLMS certificate.", _ESME, 10),
    _listed("DLMS_Certificate", "DLMS_version", "Conformance test tool that was used.", _ESME, _DLMS),
    _text("ZSE_Certificate", "identification_number", "Number of the ZigBee certificate.", _SMETS2, 40),
    _listed("ZSE_Certificate", "ZSE_version", "ZigBee Smart Energy version.", _SMETS2, _ZSE),
    FormField("Manufacturer_Image", "creator", "Who made the image.", _IMAGE, "Text, at most 100 octets", "Any text"),
    FormField(
        "Manufacturer_Image",
        "hash",
        "SHA-256 of the image.",
        _IMAGE,
        f"{_HEX}, 32 pairs joined by colons",
        "32 octets",
        image=True,
    ),
    FormField(
        "Manufacturer_Image",
        "descriptor",
        "Whole image or which part of it, and the radio bands.",
        _IMAGE,
        "Text, at most 100 octets",
        "Any text",
        image=True,
    ),
    _text("Contact-CPA", "Contact.contact name", "Who answers questions; not shown on the list.", _NOT_PPMID, 400),
    _text("Contact-CPA", "Contact.contact telephone", "Their telephone; not shown on the list.", _NOT_PPMID, 100),
    _text("Contact-CPA", "Contact.contact email", "Their mail address; not shown on the list.", _NOT_PPMID, 400),
    _fir("Company Name", 45),
    _fir("House Number", 45),
    _fir("Street", 45),
    _fir("City", 45),
    _fir("Post Code", 8),
    _fir("Country", 45),
    _fir("Telephone Number", 45),
    _fir("Website", 100),
    _fir("Email Address", 100),
    _text("FIR Release Notes", "Description", "What is new, or a public web address that says it.", _ALWAYS, 500),
    FormField(
        "Firmware_Upgrade",
        "Path",
        "Entries that can be upgraded directly to this Device Model.",
        _ALWAYS,
        "Up to 15 entry numbers with ; between them, or NA",
        "Numbers on the list, or NA",
    ),
    _listed("ZigBee_Properties", "Bands_Join", "Radio bands, and which is tried first.", _ALWAYS, _BANDS),
    _text("Device_ZigBee_Information_Repository", "Stack_Vendor", "Maker of the ZigBee stack.", _ALWAYS, 45),
    _text("Device_ZigBee_Information_Repository", "Stack_Version", "Version of the ZigBee stack.", _ALWAYS, 45),
)
"""Every row of the form of CPL 3.000, in its order."""

LIST_LABELS = (*FORM_HEADINGS[:4], "Source of definition", *FORM_HEADINGS[4:])
"""Column A of the list, rows 1 to 7: the headings stand on their side there."""


@dataclass(frozen=True, slots=True)
class ListColumn:
    """One column of the 'Central Products List' tab, from B on: its own heading, and the form field it shows."""

    group: str
    attribute: str
    field: str


def _columns() -> tuple[ListColumn, ...]:
    """Return the form fields that are published, under the names the list gives them."""
    hidden = {"Contact-CPA", "Manufacturer Contact FIR", "FIR Release Notes", "Firmware_Upgrade"}
    hidden |= {"Device_ZigBee_Information_Repository"}
    groups = {"SMETS/CHTS Version": "SMETS_CHTS Version", "ZigBee_Properties": "Zigbee_Properties"}
    attributes = {"Version_number": "Version_number_and_effective_date"}
    return tuple(
        ListColumn(groups.get(f.group, f.group), attributes.get(f.attribute, f.attribute), f.name)
        for f in FORM_FIELDS
        if f.group not in hidden
    )


LIST_COLUMNS = _columns()
"""Columns B to V of the list."""

CSV_CONCATENATED = "Device_Model.model_identifier_concatenated_with_hardware_version"
"""The one column of the CSV tab that is made of others: image type and both hardware octets, without colons."""


def _csv() -> tuple[tuple[str, str], ...]:
    """Return the columns of the list that the CSV tab repeats, with the concatenated one put in its place."""
    kept = [c for c in LIST_COLUMNS if c.group not in {"CPA_Certificate", "DLMS_Certificate", "ZSE_Certificate"}]
    pairs = [(f"{c.group}.{c.attribute}", c.field) for c in kept if c.group != "Zigbee_Properties"]
    pairs = [pair for pair in pairs if not pair[1].endswith((".creator", ".descriptor"))]
    after = [field for _, field in pairs].index("Device_Model.hardware_version.revision") + 1
    return (*pairs[:after], (CSV_CONCATENATED, CSV_CONCATENATED), *pairs[after:])


CSV_COLUMNS = _csv()
"""Columns B to M of the CSV tab: heading and form field. Column A is the version line."""
