"""The CSV of the CPL for the DCC: what the tab 'CPL - saveable in CSV' holds, as Excel would save it (guidance 5).

Excel's 'CSV (Comma delimited)': lines end with CR LF, a value is quoted only where a comma or a quotation mark stands
in it, and every line has every comma. Its code page does not matter: a value that is not printable ASCII is refused,
since the DCC's systems could read it in more than one way.
"""

import csv
import io
import re
from collections.abc import Sequence
from itertools import zip_longest

from python_calamine import CalamineError, CalamineWorkbook

from pipeline.domain.product import DEVICE_TYPE, GBCS, IMAGE_HASH, SMETS_CHTS, Product, ProductList

CSV_TAB = "CPL - saveable in CSV"

CSV_HEADER = (
    "Version",
    "Entry.number",
    "Entry.status",
    "Device_Type.name",
    "Device_Model.manufacturer_identifier",
    "Device_Model.model_identifier",
    "Device_Model.hardware_version.version",
    "Device_Model.hardware_version.revision",
    "Device_Model.model_identifier_concatenated_with_hardware_version",
    "Device_Model.firmware_version",
    "SMETS_CHTS Version.Version_number_and_effective_date",
    "GBCS Version.version_number",
    "Manufacturer_Image.hash",
)
"""The header row of the tab, and so of the file (CPL 2.051; the guidance does not print it)."""

_PRINTABLE = re.compile(r"[ -~]*")

CsvRow = tuple[str, ...]
"""One row: a text for each column of CSV_HEADER, empty where the entry has no such value."""


class CsvRefused(Exception):  # noqa: N818 - named for the fact
    """The CSV cannot be made. The text names the row, the column, what is wrong and what to do."""


def csv_rows(products: ProductList, line: str) -> tuple[CsvRow, ...]:
    """Return the rows of the tab, header first, then every entry in the order of the list, Removed ones included.

    line: the version as column A says it, ``Version 3.001 Issued on 21-11-2026`` (ReleasePlan.line).
    """
    return (CSV_HEADER, *(_row(product, line) for product in products.products))


def _row(product: Product, line: str) -> CsvRow:
    model = product.model
    values = product.values
    row = (
        product.number,
        product.status,
        values.get(DEVICE_TYPE, ""),
        model.manufacturer_identifier,
        model.model_identifier,
        model.hardware_version,
        model.hardware_revision,
        model.model_identifier + model.hardware_version + model.hardware_revision,
        model.firmware_version,
        values.get(SMETS_CHTS, ""),
        values.get(GBCS, ""),
        values.get(IMAGE_HASH, ""),
    )
    return (line, *(_plain(name, text) for name, text in zip(CSV_HEADER[1:], row, strict=True)))


def _plain(name: str, text: str) -> str:
    """Strip the colons of octets; no other column has any."""
    return text.replace(":", "") if name.startswith("Device_Model.") or name == IMAGE_HASH else text


def csv_bytes(rows: Sequence[CsvRow]) -> bytes:
    """Return the rows as the bytes of the file. CsvRefused where a value is not printable ASCII."""
    for number, row in enumerate(rows, 1):
        for name, text in zip(CSV_HEADER, row, strict=True):
            if not _PRINTABLE.fullmatch(text):
                raise CsvRefused(
                    f"Row {number} of the CSV, column '{name}': {text!r} is not printable ASCII, so the DCC's systems "
                    "may read it wrongly. Correct the entry on the list."
                )
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue().encode("ascii")


def released_csv(workbook: bytes, products: ProductList, line: str) -> bytes:
    """Return the CSV that goes with a released CPL workbook: its own tab to the letter, once it agrees with its list.

    Many old rows of the real tab end in a blank that the DCC has always been sent ('CHTS V1.0 '); they are left so.
    CsvRefused names the first row that says anything else than the list; nothing but our own workbook is read here.
    """
    found = tab_rows(workbook)
    for number, (stands, due) in enumerate(zip_longest(found, csv_rows(products, line)), 1):
        if stands is None or due is None:
            has = "no such row" if stands is None else "a row too many"
            raise CsvRefused(f"The tab '{CSV_TAB}' has {has} {number}: its rows are not those of the list.")
        for name, text, wanted in zip(CSV_HEADER, stands, due, strict=True):
            if text.strip() != wanted:
                raise CsvRefused(
                    f"Row {number} of the tab '{CSV_TAB}', column '{name}', has {text!r} where the list has "
                    f"{wanted!r}: correct whichever is wrong before the release."
                )
    return csv_bytes(found)


def tab_rows(workbook: bytes) -> tuple[CsvRow, ...]:
    """Return the rows of the workbook's CSV tab, as they stand. CsvRefused where there is no such tab."""
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(workbook))
        name = next((name for name in book.sheet_names if name.casefold() == CSV_TAB.casefold()), CSV_TAB)
        rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except (CalamineError, OSError, ValueError, KeyError) as error:
        raise CsvRefused(f"The tab '{CSV_TAB}' cannot be read ({error}).") from error
    found = [tuple(map(str, row)) for row in rows]
    if not found or found[0][: len(CSV_HEADER)] != CSV_HEADER or any(any(row[len(CSV_HEADER) :]) for row in found):
        raise CsvRefused(f"The tab '{CSV_TAB}' has other columns than those the DCC is sent.")
    return tuple(row[: len(CSV_HEADER)] for row in found if any(row))
