"""The Firmware Information Repository: which manufacturer to ask about an entry's firmware (guidance Appendix 6)."""

import re
from collections.abc import Sequence

from pipeline.domain.product import ProductList
from pipeline.domain.release import RepositoryRow
from pipeline.publish.repository import RepositoryRefused, Table, write_table
from pipeline.readers.repository import CONTACT_DETAILS, FIR_HEADINGS, UPGRADE_PATH

_GROUP = "Manufacturer Contact FIR."
CONTACT_LINES = (
    ("House Number", "Street"),
    ("City", "Post Code"),
    ("Country",),
    ("Telephone Number",),
    ("Website",),
    ("Email Address",),
)
"""Attributes of 'Manufacturer Contact FIR' that make the text 'Contact Details', line by line (guidance Figure 4)."""

_ATTRIBUTES = frozenset(f"{_GROUP}{attribute}" for line in CONTACT_LINES for attribute in line)
_NUMBER = re.compile(r"[0-9]{1,6}")

_CLASSIFICATION = (
    "This document is classified as <b>Green</b>. Information can be shared with other SEC Parties and SMIP "
    "stakeholders at large, but not published (including publication online)."
)
_PURPOSE = (
    "The following table provides information to allow a gaining Supplier to easily identify which Manufacturer to "
    "contact, with regards to the latest firmware on a device following an update to the CPL. All entries to the "
    "Firmware Information Repository have been vetted by a SECAS security expert prior to publication."
)
_WARNING = (
    "Before carrying out any Device upgrades, the relevant Release Notes must be referred to. These are available "
    "from the Meter Asset Provider or Manufacturer as appropriate. Manufacturers and Suppliers will not be held "
    "responsible for any misuse or incorrect information contained within the Firmware Information Repository."
)

FIR = Table(
    tab="FIR",
    notices=(_CLASSIFICATION, _PURPOSE, _WARNING),
    title="CPL Firmware Information Repository",
    columns=FIR_HEADINGS,
    widths=(22, 40, 40, 50, 40),
)
"""Texts and columns of guidance Figure 4."""


def write_fir(rows: Sequence[RepositoryRow], products: ProductList, line: str) -> bytes:
    """Return the FIR (.xlsx, Green), as ``write_table`` makes it. rows: as the form has them, or as ``fir_row``."""
    return write_table(FIR, tuple(map(fir_row, rows)), products, line)


def fir_row(row: RepositoryRow) -> RepositoryRow:
    """Return a row as the FIR keeps it: the four fields of its columns, and nothing else that the row may hold.

    The attributes of the form are put together to CONTACT_DETAILS. A row that came out of an older FIR has these as one
    text; RepositoryRefused where some attributes, but not all, were given to replace it.
    """
    values = {field: row.values[field] for field in FIR_HEADINGS if row.values.get(field, "").strip()}
    given = {field for field in _ATTRIBUTES if row.values.get(field, "").strip()}
    if given:
        missing = sorted(field.removeprefix(_GROUP) for field in _ATTRIBUTES - given)
        if missing and CONTACT_DETAILS in values:
            raise RepositoryRefused(
                f"Entry {row.number}: the FIR holds its contact details as one text, so a part of them cannot be "
                f"replaced. Give these as well: {', '.join(missing)}; or give '{CONTACT_DETAILS}' whole."
            )
        values[CONTACT_DETAILS] = _contact_details(row)
    if UPGRADE_PATH in values:
        values[UPGRADE_PATH] = _path(values[UPGRADE_PATH])
    return RepositoryRow(row.number, values)


def _contact_details(row: RepositoryRow) -> str:
    lines = []
    for attributes in CONTACT_LINES:
        texts = (" ".join(row.values.get(f"{_GROUP}{attribute}", "").split()) for attribute in attributes)
        lines.append(", ".join(filter(None, texts)))
    return "\n".join(filter(None, lines))


def _path(text: str) -> str:
    """Return the entry numbers of a path as '000626; 000630'; another text, such as 'NA', as it is."""
    numbers = re.split(r"[;,\s]+", text.strip(" ;,\t\r\n"))
    return "; ".join(number.zfill(6) for number in numbers) if all(map(_NUMBER.fullmatch, numbers)) else text
