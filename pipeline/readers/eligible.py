"""The SMETS1 Eligible Products Combination List (EPCL) as Device Models: a CSV or Excel file with named columns.

No layout of the EPCL is published with the guidance, so columns are found by the names of the five Data Attributes,
with or without the group in front, in the first row that has all five.
"""

import csv
import io
from collections.abc import Iterable, Sequence

from python_calamine import CalamineError, CalamineWorkbook

from pipeline.domain.product import DEVICE_MODEL, DeviceModel
from pipeline.readers.package import Unreadable, open_package

_ZIP = b"PK\x03\x04"


def read_eligible(data: bytes) -> frozenset[DeviceModel]:
    """Return the Device Models of an EPCL file; Unreadable says why it cannot be used."""
    rows = _table(data)
    wanted = [name.split(".", 1)[1] for name in DEVICE_MODEL]
    columns: list[int] = []
    found: set[DeviceModel] = set()
    for row in rows:
        if not columns:
            names = [cell.removeprefix("Device_Model.") for cell in row]
            if all(name in names for name in wanted):
                columns = [names.index(name) for name in wanted]
        elif max(columns) < len(row) and row[columns[0]]:
            found.add(DeviceModel(*(row[column].upper() for column in columns)))
    if not columns:
        raise Unreadable("unsupported", "the EPCL file has no row with the five Device_Model columns")
    return frozenset(found)


def _table(data: bytes) -> Iterable[Sequence[str]]:
    if data.startswith(_ZIP):
        open_package(data)
        try:
            book = CalamineWorkbook.from_filelike(io.BytesIO(data))
            return [
                [str(int(c)) if isinstance(c, float) and c.is_integer() else str(c).strip() for c in row]
                for name in book.sheet_names
                for row in book.get_sheet_by_name(name).to_python()
            ]
        except (CalamineError, OSError, ValueError) as error:
            raise Unreadable("damaged", f"the EPCL file cannot be read ({error})") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable("damaged", "the EPCL file is neither an Excel workbook nor UTF-8 text") from error
    return [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text))]
