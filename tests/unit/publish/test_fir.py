"""The FIR: Figure 4's texts and columns, every entry once, and texts that stay texts whatever is in them."""

import io
import tempfile
import zipfile
from dataclasses import replace

import pytest
from openpyxl import load_workbook

from pipeline.demo.workbook import cpl_workbook
from pipeline.domain.product import ProductList
from pipeline.domain.release import RepositoryRow
from pipeline.publish.fir import fir_row, write_fir
from pipeline.publish.repository import RepositoryRefused
from pipeline.readers.cpl import read_cpl
from pipeline.readers.repository import CONTACT_DETAILS, HISTORIC, read_fir

LINE = "Version 3.001 Issued on 21-11-2026"
GROUP = "Manufacturer Contact FIR."
FORM = {
    "Manufacturer Contact FIR.Company Name": "Example Name",
    "Manufacturer Contact FIR.House Number": "36",
    "Manufacturer Contact FIR.Street": "Example Street",
    "Manufacturer Contact FIR.City": "Example City",
    "Manufacturer Contact FIR.Post Code": "1234 ABC",
    "Manufacturer Contact FIR.Country": "UK",
    "Manufacturer Contact FIR.Telephone Number": "0123456789",
    "Manufacturer Contact FIR.Website": "https://www.example.com/",
    "Manufacturer Contact FIR.Email Address": "firmware@example.com",
    "FIR Release Notes.Description": "General release for SMETS2",
    "Firmware_Upgrade.Path": "000006;000007",
}
DETAILS = "36, Example Street\nExample City, 1234 ABC\nUK\n0123456789\nhttps://www.example.com/\nfirmware@example.com"
NOTICES = """
This document is classified as Green. Information can be shared with other SEC Parties and SMIP stakeholders at large, \
but not published (including publication online).
The following table provides information to allow a gaining Supplier to easily identify which Manufacturer to contact, \
with regards to the latest firmware on a device following an update to the CPL. All entries to the Firmware \
Information Repository have been vetted by a SECAS security expert prior to publication.
Before carrying out any Device upgrades, the relevant Release Notes must be referred to. These are available from the \
Meter Asset Provider or Manufacturer as appropriate. Manufacturers and Suppliers will not be held responsible for any \
misuse or incorrect information contained within the Firmware Information Repository.
CPL Firmware Information Repository
""".strip().splitlines()
HEAD = (
    "CPL Reference",
    "Manufacturer",
    "Contact Details",
    "Manufacturer Firmware Description / Information",
    "Firmware Upgrade Path",
)


def products() -> ProductList:
    return ProductList("", "3.001", read_cpl(cpl_workbook()).products)


def written(*rows: RepositoryRow):
    """Return the worksheet of a FIR, as openpyxl reads it."""
    return load_workbook(io.BytesIO(write_fir(rows, products(), LINE)), rich_text=True).worksheets[0]


def unzipped(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return b"\n".join([*(name.encode() for name in package.namelist()), *map(package.read, package.namelist())])


def test_the_texts_and_columns_of_the_guidance():
    sheet = written(RepositoryRow("000008", FORM))
    assert [str(sheet.cell(n, 1).value) for n in range(1, 5)] == NOTICES
    assert [run.text for run in sheet["A1"].value if getattr(run, "font", None) and run.font.b] == ["Green"]
    assert tuple(cell.value for cell in sheet[5]) == HEAD
    assert {str(area) for area in sheet.merged_cells.ranges} == {f"A{n}:E{n}" for n in range(1, 5)}
    assert sheet.freeze_panes == "A6"
    assert sheet.oddFooter.left.text == LINE
    assert sheet.title == "FIR"
    assert (sheet.page_setup.orientation, sheet.page_setup.fitToHeight) == ("landscape", 0)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage


def test_every_entry_once_and_the_historic_ones_marked():
    sheet = written(RepositoryRow("000008", FORM), RepositoryRow("000033", {GROUP + "Company Name": "Gone Ltd"}))
    rows = {row[0].value: row for row in sheet.iter_rows(min_row=6)}
    listed = {product.number for product in products().products}
    assert list(rows) == sorted({*listed, "000033"})
    assert tuple(cell.value for cell in rows["000008"]) == (
        "000008",
        "Example Name",
        DETAILS,
        "General release for SMETS2",
        "000006; 000007",
    )
    assert {cell.value for cell in rows["000006"][1:]} == {HISTORIC}
    assert [sheet.row_dimensions[rows[number][0].row].height for number in ("000006", "000008")] == [15, 15 * 6]
    assert [cell.value for cell in rows["000033"]] == ["000033", "Gone Ltd", HISTORIC, HISTORIC, HISTORIC]
    shown = {number: row[0].number_format for number, row in rows.items()}
    assert {shown.pop(number) for number in ("000003", "000012")} == {'@" (Removed)"'}
    assert shown.pop("000033") == '@" (not on the CPL)"'
    assert set(shown.values()) == {"@"}


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(1)", "=cmd|' /C calc'!A0", "#N/A", "#REF!", "00", "1E5", "000733", "TRUE", "01/02/2026"],
)
def test_texts_stay_texts(text):
    data = write_fir([RepositoryRow("000008", dict.fromkeys(FORM, text))], products(), LINE)
    (row,) = [row for row in load_workbook(io.BytesIO(data)).worksheets[0].iter_rows() if row[0].value == "000008"]
    assert {(cell.value, cell.data_type) for cell in (row[1], row[3])} == {(text, "s")}
    assert {cell.number_format for cell in row} == {"@"}
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        part = package.read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in part
    assert b't="e"' not in part
    assert read_fir(data).rows[0].values["FIR Release Notes.Description"] == text


def test_what_xml_cannot_hold_is_shown_as_lost_and_escapes_are_escaped():
    row = RepositoryRow("000008", {GROUP + "Company Name": "a\x0bb\x00\ud800c\r\nd _x0041_ _x005F_ \uffff"})
    (read,) = read_fir(write_fir([row], products(), LINE)).rows
    assert read.values[GROUP + "Company Name"] == "a\ufffdb\ufffd\ufffdc\nd _x0041_ _x005F_ \ufffd"


def test_the_same_rows_give_the_same_bytes_whenever_they_are_written(monkeypatch):
    rows = [RepositoryRow("000008", FORM), RepositoryRow("000009", {})]
    first = write_fir(rows, products(), LINE)
    monkeypatch.setattr("time.localtime", lambda *_: (2031, 5, 5, 5, 5, 5, 0, 1, 0))
    assert write_fir(rows[::-1], products(), LINE) == first
    with zipfile.ZipFile(io.BytesIO(first)) as package:
        assert {entry.date_time for entry in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert package.testzip() is None
    about = load_workbook(io.BytesIO(first)).properties
    assert {f"{about.created:%Y-%m-%d %H:%M}", f"{about.modified:%Y-%m-%d %H:%M}"} == {"2026-11-21 00:00"}
    assert (about.title, about.subject) == ("CPL Firmware Information Repository", LINE)


def test_nothing_is_left_in_the_systems_folder_for_temporary_files(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a temporary file was asked for")

    monkeypatch.setattr("openpyxl.worksheet._writer.create_temporary_file", refuse)
    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    assert write_fir([RepositoryRow("000008", FORM)], products(), LINE)


def test_only_the_fields_of_the_fir_are_written():
    red = {f"Device_ZigBee_Information_Repository.Stack_{name}": f"Zzyzx{name}" for name in ("Vendor", "Version")}
    personal = {"Contact-CPA.Contact.contact name": "Zzyzx Person"}
    data = write_fir([RepositoryRow("000008", FORM | red | personal)], products(), LINE)
    assert b"Zzyzx" not in data + unzipped(data)
    assert b"Example Name" in unzipped(data)


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("000006; 000007", "000006; 000007"),
        (" 6,000007 ;\n8; ", "000006; 000007; 000008"),
        ("NA", "NA"),
        ("any of 000006", "any of 000006"),
        ("000006", "000006"),
    ],
)
def test_the_upgrade_path(path, kept):
    assert fir_row(RepositoryRow("000008", {"Firmware_Upgrade.Path": path})).values == {"Firmware_Upgrade.Path": kept}


def test_contact_details_without_what_is_not_given():
    row = RepositoryRow("000008", {GROUP + "Street": "Example\n Street", GROUP + "Country": "UK", GROUP + "City": " "})
    assert fir_row(row).values == {CONTACT_DETAILS: "Example Street\nUK"}


def test_a_row_as_the_fir_keeps_it_stays_as_it_is():
    once = fir_row(RepositoryRow("000008", FORM))
    assert once.values[CONTACT_DETAILS] == DETAILS
    assert fir_row(once) == once


def test_a_part_of_details_that_are_one_text_cannot_be_replaced():
    old = {CONTACT_DETAILS: "somewhere", GROUP + "Company Name": "Old Ltd"}
    with pytest.raises(
        RepositoryRefused, match=r"Entry 000008: .*: City, Country, Email Address, House Number"
    ) as told:
        fir_row(RepositoryRow("000008", old | {GROUP + "Telephone Number": "1"}))
    assert "somewhere" not in str(told.value)
    assert fir_row(RepositoryRow("000008", old | FORM)).values[CONTACT_DETAILS] == DETAILS


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([RepositoryRow("8", FORM)], "is of no CPL entry"),
        ([RepositoryRow("000008", FORM), RepositoryRow("000008", {})], "two rows of entry 000008"),
        ([RepositoryRow("000008", {GROUP + "Company Name": "é" * 32_768})], "Entry 000008: .* 32768 characters"),
    ],
)
def test_rows_that_cannot_be_written(rows, words):
    with pytest.raises(RepositoryRefused, match=words) as told:
        write_fir(rows, products(), LINE)
    assert "é" not in str(told.value)
    assert "Example" not in str(told.value)


def test_a_text_that_just_fits_a_cell():
    row = RepositoryRow("000008", {GROUP + "Company Name": "é" * 32_767})
    assert read_fir(write_fir([row], products(), LINE)).rows == (row,)


def test_a_line_that_is_none():
    with pytest.raises(ValueError, match="is no version line"):
        write_fir([], products(), "3.001")


def test_what_a_spreadsheet_of_another_list_holds_is_taken_from_the_list_given():
    shorter = replace(products(), products=products().products[:2])
    data = write_fir([], shorter, LINE)
    sheet = load_workbook(io.BytesIO(data)).worksheets[0]
    assert [sheet.cell(row, 1).value for row in range(6, sheet.max_row + 1)] == ["000001", "000002"]
    assert read_fir(data).rows == ()
