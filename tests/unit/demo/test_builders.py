"""Each fault spoils exactly what it says; where openpyxl cannot show it, the XML is looked at."""

import io
import zipfile

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from tests.builders import (
    FORM_TAB,
    LIST_TAB,
    Package,
    add_row,
    add_tab,
    answer,
    as_xlsx,
    column_text,
    date_1904,
    drop_row,
    dropped_tabs,
    en_dash_tab,
    error_cell,
    formula,
    good_answers,
    hide_row,
    move_rows_down,
    new_entry_form,
    other_macro,
    phonetic_text,
    prefixed,
    rename_tab,
    repeat_row,
    reverse_rows,
    rich_text,
    second_form_tab,
    signature_parts,
    spoil,
    stray_cell,
    tab_state,
    version_text,
    without_macro,
    xlsx_content_type,
)

FIELD = "Device_Model.firmware_version"
FORM = new_entry_form(good_answers())
WHOLE = new_entry_form(good_answers(), keep_list=True)
SHEET = "xl/worksheets/sheet2.xml"


def load(data: bytes):
    return openpyxl.load_workbook(io.BytesIO(data), keep_vba="xl/vbaProject.bin" in Package.read(data))


def pairs(data: bytes) -> list[tuple[int, str, object]]:
    rows = load(data)[FORM_TAB].iter_rows(min_row=7, max_col=7)
    return [(row[0].row, f"{row[0].value}.{row[1].value}", row[6].value) for row in rows if row[0].value]


def test_tabs():
    assert load(spoil(WHOLE, rename_tab("Form"))).sheetnames[1] == "Form"
    assert load(spoil(WHOLE, en_dash_tab())).sheetnames[1] == "CPL – New Entry"
    assert load(spoil(WHOLE, tab_state("veryHidden")))[FORM_TAB].sheet_state == "veryHidden"
    assert load(spoil(WHOLE, second_form_tab())).sheetnames[-1] == "CPL - New Entry (2)"
    assert load(spoil(WHOLE, dropped_tabs(FORM_TAB, LIST_TAB))).sheetnames == [
        "Version Control",
        "CPL - saveable in CSV",
    ]
    assert load(spoil(FORM, add_tab("Notes", "mine")))["Notes"]["A1"].value == "mine"
    twice = CalamineWorkbook.from_filelike(io.BytesIO(spoil(FORM, second_form_tab(FORM_TAB))))
    assert twice.sheet_names == [FORM_TAB, FORM_TAB]


def test_rows():
    good = pairs(FORM)
    assert pairs(spoil(FORM, drop_row(FIELD))) == [row for row in good if row[1] != FIELD]
    assert pairs(spoil(FORM, repeat_row(FIELD, "X"))) == [*good, (44, FIELD, "X")]
    assert pairs(spoil(FORM, add_row("Own", "thing", "Y"))) == [*good, (44, "Own.thing", "Y")]
    assert pairs(spoil(FORM, move_rows_down(3))) == [(row[0] + 3, *row[1:]) for row in good]
    assert [row[1:] for row in pairs(spoil(FORM, reverse_rows()))] == [row[1:] for row in reversed(good)]
    assert load(spoil(FORM, hide_row(FIELD)))[FORM_TAB].row_dimensions[14].hidden


def test_cells():
    assert load(spoil(FORM, answer(FIELD, 12)))[FORM_TAB]["G14"].value == 12
    assert load(spoil(FORM, error_cell(FIELD)))[FORM_TAB]["G14"].data_type == "e"
    assert load(spoil(FORM, version_text(None)))[FORM_TAB]["A2"].value is None
    assert load(spoil(FORM, version_text("Version 2.051")))[FORM_TAB]["A2"].value == "Version 2.051"
    assert load(spoil(FORM, column_text(FIELD, "E", "other")))[FORM_TAB]["E14"].value == "other"
    assert load(spoil(FORM, stray_cell("H14", "see G")))[FORM_TAB]["H14"].value == "see G"
    assert load(spoil(FORM, rich_text(FIELD, "0C:", "03:", "0C:22")))[FORM_TAB]["G14"].value == "0C:03:0C:22"
    assert load(spoil(FORM, phonetic_text(FIELD, "0C:03:0C:22")))[FORM_TAB]["G14"].value == "0C:03:0C:22"
    assert "レ" in Package.read(spoil(FORM, phonetic_text(FIELD, "x"))).part(SHEET).decode()
    calculated = spoil(FORM, formula(FIELD, 'CONCATENATE("a")', "a"))
    assert load(calculated)[FORM_TAB]["G14"].value == '=CONCATENATE("a")'
    assert openpyxl.load_workbook(io.BytesIO(calculated), data_only=True)[FORM_TAB]["G14"].value == "a"
    with pytest.raises(ValueError, match="columns A to F"):
        column_text(FIELD, "G", "no")


def test_package():
    plain = Package.read(spoil(FORM, as_xlsx()))
    assert "xl/vbaProject.bin" not in plain
    assert b"macroEnabled" not in plain.part("[Content_Types].xml")
    assert b"vbaProject" not in plain.part("xl/_rels/workbook.xml.rels")
    assert b"macroEnabled" in Package.read(spoil(FORM, without_macro())).part("[Content_Types].xml")
    assert "xl/vbaProject.bin" in Package.read(spoil(FORM, xlsx_content_type()))
    macros = {Package.read(book).part("xl/vbaProject.bin") for book in (FORM, WHOLE, spoil(FORM, other_macro()))}
    assert len(macros) == 2
    signed = Package.read(spoil(FORM, signature_parts(2)))
    assert [name for name in signed.names() if name.endswith(".xml") and "signatures" in name] == [
        "_xmlsignatures/sig1.xml",
        "_xmlsignatures/sig2.xml",
    ]
    assert load(spoil(FORM, signature_parts(2))).sheetnames == [FORM_TAB]
    assert b"<x:sheetData>" in Package.read(spoil(FORM, prefixed())).part(SHEET)
    assert pairs(spoil(FORM, prefixed())) == pairs(FORM)
    assert load(spoil(FORM, date_1904())).epoch.year == 1904


def test_faults_join_and_repeat_to_the_byte():
    faults = (rename_tab("Form"), hide_row(FIELD), answer(FIELD, "00"), as_xlsx())
    once = spoil(FORM, *faults)
    assert once == spoil(FORM, *faults)
    assert load(once)["Form"]["G14"].value == "00"
    with zipfile.ZipFile(io.BytesIO(once)) as archive:
        assert archive.testzip() is None
