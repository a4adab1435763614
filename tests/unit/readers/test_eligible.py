"""The EPCL, a file without a published layout: columns by their names, values with or without colons and zeros."""

import pytest

from pipeline.domain.product import DEVICE_MODEL, DeviceModel
from pipeline.readers.eligible import read_eligible
from pipeline.readers.package import Unreadable
from tests.sheets import sheet_workbook

SHORT = "manufacturer_identifier,model_identifier,hardware_version.version,hardware_version.revision,firmware_version"
LONG = ",".join(DEVICE_MODEL)
METER = DeviceModel("10:63", "00:0A", "01", "0C", "0C:03:0C:22")


@pytest.mark.parametrize(
    "text",
    [
        f"{SHORT}\n10:63,00:0A,01,0C,0C:03:0C:22\n",
        f"\ufeff{LONG}\r\n10:63, 00:0a ,01,0c,0C:03:0C:22\r\n",
        f"EPCL of today\n\nsupplier,{SHORT}\nnobody,1063,000A,1,0C,0C030C22\n,,,,,\n",
        f'note,{LONG}\n"two\nlines","10:63","00:0A","01","0C","0C:03:0C:22"\n',
    ],
)
def test_a_csv_however_its_values_are_written(text):
    assert read_eligible(text.encode()) == {METER}


def test_numbers_that_lost_their_zeros():
    assert read_eligible(f"{SHORT}\n1063,6,0,7,9000\n".encode()) == {
        DeviceModel("10:63", "00:06", "00", "07", "00:00:90:00")
    }


def test_what_is_no_octet_string_stays_as_it_is():
    assert read_eligible(f"{SHORT}\nwho knows,00:0A,01,123,v1\n".encode()) == {
        DeviceModel("WHO KNOWS", "00:0A", "01", "123", "V1")
    }


def test_short_rows_and_repeated_columns():
    found = read_eligible(f"{SHORT},firmware_version\n10:63,00:0A,01\n10:63,00:0A,01,0C,0C:03:0C:22,later\n".encode())
    assert found == {DeviceModel("10:63", "00:0A", "01", "", ""), METER}


def test_a_workbook_with_texts_and_numbers():
    names = "".join(f'<c t="str"><v>{name}</v></c>' for name in SHORT.split(","))
    values = '<c t="str"><v>10:63</v></c><c t="str"><v>00:0A</v></c><c><v>1</v></c><c t="str"><v>0C</v></c>'
    data = sheet_workbook(f'<row r="3">{names}</row><row>{values}<c t="str"><v>0C:03:0C:22</v></c></row>')
    assert read_eligible(data) == {METER}


def test_a_workbook_with_a_far_cell_is_no_trouble():
    names = "".join(f'<c t="str"><v>{name}</v></c>' for name in SHORT.split(","))
    rows = f'<row>{names}</row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    assert read_eligible(sheet_workbook(rows)) == frozenset()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no row with the five Device_Model columns"),
        (b"a,b,c\n1,2,3\n", "no row with the five"),
        (SHORT.encode("utf-16"), "neither an Excel workbook nor UTF-8 text"),
        (b'"' + b"x" * 200_000 + b'"', "cannot be read as CSV"),
        (b"PK\x03\x04", "not an Excel workbook"),
        (sheet_workbook("<row><foo/></row>"), "between its cells"),
    ],
)
def test_what_is_no_epcl_says_why(data, words):
    with pytest.raises(Unreadable) as caught:
        read_eligible(data)
    assert words in caught.value.text
