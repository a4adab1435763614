import hashlib
import io
from datetime import datetime

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from tests.builders import (
    ALLOCATED,
    CSV_TAB,
    DEVICE_TYPES,
    FORM_FIELDS,
    FORM_TAB,
    LIST_COLUMNS,
    LIST_TAB,
    VERSION_TAB,
    Package,
    cpl_workbook,
    many_entries,
    sample_cpl,
    sample_entries,
)

LINE = "Version 3.000 Issued on 07-11-2024"


def table(data: bytes, tab: str) -> list[list[object]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name(tab).to_python()


@pytest.fixture(scope="module")
def book():
    return openpyxl.load_workbook(io.BytesIO(sample_cpl()), keep_vba=True)


def test_the_tabs_and_the_version_line_stand_where_the_real_list_has_them(book):
    assert book.sheetnames == [VERSION_TAB, FORM_TAB, LIST_TAB, CSV_TAB]
    assert book[VERSION_TAB]["A3"].value == book[FORM_TAB]["A2"].value == book[CSV_TAB]["A2"].value == LINE
    assert all(sheet.protection.sheet for sheet in book)


def test_the_form_has_every_field_in_order_with_empty_unlocked_answers(book):
    rows = list(book[FORM_TAB].iter_rows(min_row=7, max_col=7))
    assert [(row[0].value, row[1].value) for row in rows] == [(f.group, f.attribute) for f in FORM_FIELDS]
    assert all(cell.value for row in rows for cell in row[:6])
    assert [row[6].value for row in rows] == [ALLOCATED] * 2 + [None] * (len(rows) - 2)
    assert [row[6].protection.locked for row in rows] == [True] * 2 + [False] * (len(rows) - 2)


def test_the_drop_downs_stand_on_their_fields(book):
    lists = {str(one.sqref): one.formula1 for one in book[FORM_TAB].data_validations.dataValidation}
    assert sorted(lists) == ["G15", "G16", "G18", "G21", "G23", "G41", "G9"]
    assert lists["G9"] == f'"{",".join(DEVICE_TYPES)}"'
    assert all(len(formula) <= 257 for formula in lists.values())  # Excel takes at most 255 characters in quotes


def test_the_list_says_every_entry_and_keeps_dates_as_dates(book):
    rows = list(book[LIST_TAB].iter_rows(values_only=True))
    assert [row[0] for row in rows[:7]][::6] == ["Data Group", "Valid values"]
    for row, entry in zip(rows[7:], sample_entries(), strict=True):
        shown = {
            column.field: value.strftime("%d/%m/%Y") if isinstance(value, datetime) else value
            for column, value in zip(LIST_COLUMNS, row[1:], strict=True)
            if value is not None
        }
        assert shown == entry
    kinds = {type(row[13]) for row in rows[7:]}
    assert kinds == {datetime, str, type(None)}


def test_the_csv_tab_has_thirteen_columns_without_colons():
    rows = table(sample_cpl(), CSV_TAB)
    assert len(rows) == 1 + len(sample_entries())
    assert rows[1][:11] == [
        LINE,
        "000001",
        "Current",
        "Communications Hub",
        "E101",
        "4310",
        "01",
        "0A",
        "4310010A",
        "01000010",
        "CHTS V1.0",
    ]
    assert {len(row) for row in rows} == {13}
    assert not any(":" in str(value) for row in rows for value in row)


def test_the_entries_cover_what_the_real_list_holds():
    entries = sample_entries()
    numbers = [entry["Entry.number"] for entry in entries]
    assert {entry["Device_Type.name"] for entry in entries} == set(DEVICE_TYPES)
    assert {entry["Entry.status"] for entry in entries} == {"Current", "Removed"}
    assert any(entry["GBCS Version.version_number"] == "GBCS Version 0.0" for entry in entries)
    assert numbers == sorted(set(numbers))
    assert int(numbers[-1]) > len(numbers)
    assert len({entry["Device_Model.manufacturer_identifier"] for entry in entries}) == 4


def test_the_macro_is_in_the_package_and_can_be_another():
    project = Package.read(sample_cpl()).part("xl/vbaProject.bin")
    assert (
        hashlib.sha256(project).digest()
        == hashlib.sha256(Package.read(cpl_workbook()).part("xl/vbaProject.bin")).digest()
    )
    assert Package.read(cpl_workbook(macro=b"other")).part("xl/vbaProject.bin") == b"other"


def test_the_same_arguments_give_the_same_bytes():
    assert cpl_workbook() == sample_cpl()
    assert cpl_workbook(version="3.001", issued="14-11-2024") != sample_cpl()


def test_a_list_can_have_as_many_entries_as_wanted():
    entries = many_entries(1000)
    rows = table(cpl_workbook(entries), LIST_TAB)
    assert len(rows) == 7 + 1000
    models = {tuple(entry[column.field] for column in LIST_COLUMNS[3:8]) for entry in entries}
    assert len(models) == 1000
    assert entries[: len(sample_entries())] == sample_entries()
