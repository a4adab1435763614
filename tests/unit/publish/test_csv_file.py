"""The CSV for the DCC: the tab's header and columns, Excel's way of writing them, and the real tab row by row."""

import csv
import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.demo.products import sample_entries
from pipeline.demo.workbook import cpl_workbook
from pipeline.domain.product import ProductList
from pipeline.publish.csv_file import CSV_HEADER, CsvRefused, csv_bytes, csv_rows, released_csv, tab_rows
from pipeline.readers.cpl import read_cpl

REAL = Path(__file__).parents[3].parent / "shared" / "real"
LINE = "Version 3.000 Issued on 07-11-2024"
HASH = "Manufacturer_Image.hash"


def listed(data: bytes) -> ProductList:
    reading = read_cpl(data)
    assert reading.problems == ()
    return ProductList("", reading.template.version, reading.products)


def with_values(products: ProductList, number: str, **values: str) -> ProductList:
    changed = tuple(replace(p, values={**p.values, **values}) if p.number == number else p for p in products.products)
    return ProductList("", products.version, changed)


def test_the_rows_of_a_list():
    rows = csv_rows(listed(cpl_workbook()), LINE)
    header = (
        "Version,Entry.number,Entry.status,Device_Type.name,Device_Model.manufacturer_identifier,"
        "Device_Model.model_identifier,Device_Model.hardware_version.version,Device_Model.hardware_version.revision,"
        "Device_Model.model_identifier_concatenated_with_hardware_version,Device_Model.firmware_version,"
        "SMETS_CHTS Version.Version_number_and_effective_date,GBCS Version.version_number,Manufacturer_Image.hash"
    )
    assert ",".join(rows[0]) == header
    by_number = {row[1]: row for row in rows[1:]}
    assert list(by_number) == [entry["Entry.number"] for entry in sample_entries()]
    assert by_number["000012"][2] == "Removed"
    image = by_number["000010"][-1]
    assert by_number["000010"][:-1] == (
        LINE,
        "000010",
        "Current",
        "Single Element Electricity Metering Equipment",
        "E101",
        "000A",
        "01",
        "02",
        "000A0102",
        "0C010C21",
        "SMETS V5.1",
        "GBCS Version 4.1",
    )
    assert len(image) == 64
    assert by_number["000017"][-1] == ""


def test_the_tab_of_the_same_list_says_the_same():
    data = cpl_workbook()
    assert tab_rows(data) == csv_rows(listed(data), LINE)


def test_the_bytes_are_what_excel_saves():
    data = csv_bytes((CSV_HEADER, (LINE, "000001", 'a "b", c', *[""] * 10)))
    assert data == f'{",".join(CSV_HEADER)}\r\n{LINE},000001,"a ""b"", c",,,,,,,,,,\r\n'.encode("ascii")


@pytest.mark.parametrize("text", ["SMETS V5.1\n", "Zähler", "a\tb", "\x00", "\ufeff"])
def test_what_two_programs_could_read_in_two_ways_is_refused(text):
    with pytest.raises(CsvRefused, match=r"Row 2 of the CSV, column 'Device_Type\.name'"):
        csv_bytes((CSV_HEADER, (LINE, "000001", "Current", text, *[""] * 9)))


def test_a_release_is_sent_its_own_tab_to_the_letter():
    data = cpl_workbook()
    found = released_csv(data, listed(data), LINE)
    assert found == csv_bytes(tab_rows(data))
    assert list(csv.reader(io.StringIO(found.decode("ascii"), newline=""))) == [list(row) for row in tab_rows(data)]


def test_blanks_that_always_stood_in_the_tab_are_left():
    entries = [{**e, "SMETS/CHTS Version.Version_number": "CHTS V1.0 "} for e in sample_entries()]
    data = cpl_workbook(entries)
    assert b",CHTS V1.0 ,GBCS" in released_csv(data, listed(data), LINE)


@pytest.mark.parametrize(
    ("products", "line", "words"),
    [
        (listed(cpl_workbook(sample_entries()[:-1])), LINE, "has a row too many 22"),
        (listed(cpl_workbook()), "Version 3.001 Issued on 21-11-2026", r"Row 2 .*column 'Version'"),
        (
            with_values(listed(cpl_workbook()), "000010", **{HASH: "00"}),
            LINE,
            r"Row 10 .*column 'Manufacturer_Image\.hash'",
        ),
        (
            with_values(listed(cpl_workbook()), "000010", **{"GBCS Version.version_number": "GBCS Version 4.10"}),
            LINE,
            r"Row 10 .*column 'GBCS Version\.version_number'",
        ),
    ],
    ids=["missing-entry", "line", "hash", "cut"],
)
def test_a_tab_that_says_otherwise_than_the_list_is_refused(products, line, words):
    with pytest.raises(CsvRefused, match=words):
        released_csv(cpl_workbook(), products, line)


def test_a_tab_without_a_row_of_the_list_is_refused():
    with pytest.raises(CsvRefused, match="has no such row 22"):
        released_csv(cpl_workbook(sample_entries()[:-1]), listed(cpl_workbook()), LINE)


@pytest.mark.parametrize(
    ("data", "words"), [(b"", "cannot be read"), (b"PK\x03\x04", "cannot be read")], ids=["empty", "cut"]
)
def test_a_workbook_without_the_tab(data, words):
    with pytest.raises(CsvRefused, match=words):
        tab_rows(data)


def test_a_tab_with_other_columns():
    from tests.sheets import sheet_workbook

    data = sheet_workbook('<row r="1"><c t="str"><v>Version</v></c></row>', name="CPL - Saveable in CSV")
    with pytest.raises(CsvRefused, match="other columns"):
        tab_rows(data)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("Central-Products-List_2.051.xlsm", "Version 2.051 Issued on 21-09-2022"),
        ("CPL_3.000_derived.xlsm", "Version 3.000 Issued on 07-11-2024"),
    ],
)
def test_the_tab_remade_from_the_real_list_is_the_real_tab(name, line):
    """The only difference: 158 old rows of the tab end their versions in blanks, as their list cells do."""
    if not (REAL / name).is_file():
        pytest.skip(f"{REAL / name} is not here")
    data = (REAL / name).read_bytes()
    products = listed(data)
    remade, real = csv_rows(products, line), tab_rows(data)
    assert len(remade) == len(real) == 730
    differ = [
        (row[1], column, text, stands)
        for row, stood in zip(remade, real, strict=True)
        for column, text, stands in zip(CSV_HEADER, row, stood, strict=True)
        if text != stands
    ]
    assert all(text == stands.rstrip(" ") for *_, text, stands in differ)
    assert len({number for number, *_ in differ}) == 158
    assert Counter(column for _, column, *_ in differ) == {
        "SMETS_CHTS Version.Version_number_and_effective_date": 156,
        "GBCS Version.version_number": 152,
    }
    file = released_csv(data, products, line).decode("ascii")
    assert [tuple(row) for row in csv.reader(io.StringIO(file, newline=""))] == list(real)
    assert file.count("\r\n") == 730
    assert '"' not in file
