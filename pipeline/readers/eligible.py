"""The SMETS1 Eligible Products Combination List (EPCL) as Device Models: a CSV or Excel file with named columns.

No layout of the EPCL is published with the guidance, so columns are found by the names of the five Data Attributes,
with or without the group in front, in the first row that has all five. Values may lack their colons, as in the CSV of
the CPL, and the zeros in front that a spreadsheet takes from a number.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping

from pipeline.domain.product import DEVICE_MODEL, DeviceModel
from pipeline.readers.package import Unreadable, open_package
from pipeline.readers.sheet import Workbook

_ZIP = b"PK\x03\x04"
_OCTETS = (2, 2, 1, 1, 4)
"""Of the five Data Attributes, in form order."""
_DIGITS = re.compile(r"[0-9A-F]+")


def read_eligible(data: bytes) -> frozenset[DeviceModel]:
    """Return the Device Models of an EPCL file; Unreadable says why it cannot be used."""
    wanted = [name.split(".", 1)[1] for name in DEVICE_MODEL]
    columns: list[int] = []
    found: set[DeviceModel] = set()
    for row in _workbook(data) if data.startswith(_ZIP) else _csv(data):
        if not columns:
            places = {text.removeprefix("Device_Model."): column for column, text in reversed([*row.items()])}
            columns = [places[name] for name in wanted] if places.keys() >= set(wanted) else []
        elif row.get(columns[0]):
            texts = [row.get(column, "") for column in columns]
            found.add(DeviceModel(*(_written(text, octets) for text, octets in zip(texts, _OCTETS, strict=True))))
    if not columns:
        raise Unreadable("unsupported", "the EPCL file has no row with the five Device_Model columns")
    return frozenset(found)


def _written(text: str, octets: int) -> str:
    """Write a value as the form does, upper-case pairs joined by colons; as it is where it cannot be meant so."""
    upper = text.upper()
    digits = upper.zfill(2 * octets) if upper.isdecimal() else upper
    if not _DIGITS.fullmatch(digits) or len(digits) != 2 * octets:
        return upper
    return ":".join(digits[place : place + 2] for place in range(0, len(digits), 2))


def _workbook(data: bytes) -> Iterator[Mapping[int, str]]:
    """Yield the rows of every tab by column number."""
    book = Workbook(open_package(data))
    for tab in book.tabs:
        for row in book.rows(tab):
            yield {column: cell.text.strip() for column, cell in sorted(row.cells.items())}


def _csv(data: bytes) -> Iterator[Mapping[int, str]]:
    try:
        for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")):
            yield {column: cell.strip() for column, cell in enumerate(row)}
    except UnicodeDecodeError as error:
        raise Unreadable("damaged", "the EPCL file is neither an Excel workbook nor UTF-8 text") from error
    except csv.Error as error:
        raise Unreadable("damaged", f"the EPCL file cannot be read as CSV ({error})") from error
