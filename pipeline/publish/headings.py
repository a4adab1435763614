"""How the columns of the two tabs with entries are headed."""

CONCATENATED = "Device_Model.model_identifier_concatenated_with_hardware_version"
"""The column of the CSV tab that is made of three others, without their colons."""

_OTHERWISE = {
    "SMETS_CHTS Version.Version_number_and_effective_date": "SMETS/CHTS Version.Version_number",
    "Zigbee_Properties.Bands_Join": "ZigBee_Properties.Bands_Join",
}
"""Columns of the list that are headed otherwise than the form's field (CPL 2.051; guidance 7.2.11)."""


def field_of(heading: str) -> str:
    """Return the form field that a column of the list shows; heading: Data Group and Data Attribute with a dot."""
    return _OTHERWISE.get(heading, heading)
