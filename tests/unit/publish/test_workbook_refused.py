"""Where an edit would take a guess, the list is refused in words that name the place."""

import re
from dataclasses import replace

import pytest

from pipeline.domain.release import ChangeKind, EntryChange
from pipeline.publish.refused import ListNotEditable
from pipeline.publish.workbook import write_cpl
from tests.builders import Package, sample_cpl
from tests.plans import CSV, EXPIRY, FORM, HISTORY, LIST, listed, plan, rows_of, three_things, with_part

STRINGS, WORKBOOK = "xl/sharedStrings.xml", "xl/workbook.xml"
STATUS = {"000004": {"Entry.status": "Removed"}}


def refusal(before: bytes, order=None) -> str:
    with pytest.raises(ListNotEditable) as told:
        write_cpl(before, order or three_things(listed(sample_cpl())))
    assert "<" not in str(told.value).replace("<creator>", "")
    return str(told.value)


def row_of(part: str, number: str) -> int:
    row = next(one.row for one in listed(sample_cpl()).products if one.number == number)
    return row if part == LIST else row - 6


@pytest.mark.parametrize(
    ("part", "old", "new", "why"),
    [
        (LIST, "sheetData", "x:sheetData", "its rows are not where Excel writes them"),
        (CSV, "<sheetData>", "<sheetData/><sheetData>", "its rows are not where Excel writes them"),
        (LIST, "</sheetData>", "</sheetData><!-- -->", "comment"),
        (LIST, "<sheetData>", "<sheetData><?x?>", "instruction"),
        (LIST, "<worksheet ", "<x:worksheet ", "not a worksheet in UTF-8 without prefixes"),
        (LIST, 'encoding="UTF-8"', 'encoding="UTF-16"', "not a worksheet in UTF-8"),
        (LIST, '<row r="9"', '<row r="8"', "the row after row 8 is numbered 8"),
        (LIST, '<row r="28"', '<row r="2000000"', "the row after row 27 is numbered 2000000"),
        (LIST, '<row r="9">', "<row>", "something else than a row follows row 8"),
        (LIST, '<row r="9">', '<x r="9">', "something else than a row follows row 8"),
        (LIST, '<c r="B9"', '<c r="B8"', "the cells of row 9 do not say in order"),
        (LIST, '<c r="B9"', '<d r="B9"', "row 9 holds something else than cells"),
        (HISTORY, "</sheetData>", '<row r="1048576"><c r="A1048576"><v>3.000</v></c></row></sheetData>', "version '3'"),
        (HISTORY, '<row r="10">', '<row r="10" s="1"><c r="A10"/></row><row r="11">', "no versions below|numbered 11"),
    ],
)
def test_a_sheet_that_excel_does_not_write(part, old, new, why):
    count = -1 if old == "sheetData" else 1
    assert re.search(why, refusal(with_part(sample_cpl(), part, old, new, count)))


def with_text(old: str, new: str) -> bytes:
    """Return the sample list with one of its texts replaced wherever it stands."""
    return with_part(sample_cpl(), STRINGS, f">{old}<", f">{new}<")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("Data Attribute", "Attribute", "no rows 'Data Group' and 'Data Attribute'"),
        ("number", "no", "'Entry.number'"),
        (
            "hardware_version.revision",
            "hardware_version.version",
            "two columns 'Device_Model.hardware_version.version'",
        ),
        ("Entry.status", "Status", "a column 'Status', of which is not known"),
        ("Version Number", "Number", "no versions below the headings"),
        ("Version 3.000 Issued on 07-11-2024", "Version 3.000", "A3 does not say 'Version"),
        ("Version 3.000 Issued on 07-11-2024", "Version 2.999 Issued on 07-11-2024", "A\\d says version 2.999"),
        ("000012", "000011", "entry 000011 stands in row"),
        ("3.000", "3.0", "its last row is version '3.0'"),
        ("1.0", "3.001", "already has a row for version 3.001"),
    ],
)
def test_a_list_that_is_laid_out_otherwise(old, new, why):
    assert re.search(why, refusal(with_text(old, new)))


def test_an_entry_that_only_one_tab_has():
    row = rows_of(sample_cpl(), CSV)[row_of(CSV, "000012")].decode()
    assert "entry 000012 is missing from it" in refusal(with_part(sample_cpl(), CSV, row, ""))
    row = rows_of(sample_cpl(), LIST)[row_of(LIST, "000012")].decode()
    assert "'Central Products List'" in refusal(with_part(sample_cpl(), LIST, row, ""))


@pytest.mark.parametrize("where", ["below", "among"])
def test_a_row_that_is_no_entry(where):
    stray = '<row r="{}"><c r="C{}" t="inlineStr"><is><t>note</t></is></c></row>'
    if where == "below":
        before = with_part(sample_cpl(), LIST, "</sheetData>", stray.format(40, 40) + "</sheetData>")
        assert "row 40 stands below the entries" in refusal(before)
    else:
        row = row_of(LIST, "000012")
        text = rows_of(sample_cpl(), LIST)[row].decode()
        before = with_part(sample_cpl(), LIST, text, stray.format(row, row))
        assert f"row {row} stands among the entries" in refusal(before)


def test_an_empty_list():
    part = Package.read(sample_cpl()).part(LIST)
    empty = re.sub(rb'(<row r="7".*?</row>).*?</sheetData>', rb"\1</sheetData>", part, flags=re.DOTALL)
    assert "it has no entries" in refusal(Package.read(sample_cpl()).put(LIST, empty).to_bytes())


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"Manufacturer_Image.creator": "a\x07b"}, "programs read in different ways"),
        ({"Manufacturer_Image.creator": "a\rb"}, "programs read in different ways"),
        ({"Manufacturer_Image.creator": "a\ud800b"}, "programs read in different ways"),
        ({"Manufacturer_Image.creator": "a_x0041_b"}, "programs read in different ways"),
        ({"Manufacturer_Image.creator": "a" * 32_768}, "more than the 32,767 characters"),
        ({"Manufacturer_Image.creator": " a"}, "blanks around its text"),
        ({"Device_ZigBee_Information_Repository.Stack_Vendor": "Zz"}, "no column 'Device_ZigBee"),
    ],
)  # fmt: skip
def test_a_value_that_no_cell_can_hold(values, why):
    old = listed(sample_cpl())
    order = plan(old, new=[{}])
    *rest, new = order.difference.changes
    new = replace(new, after=replace(new.after, values={**new.after.values, **values}))
    told = refusal(sample_cpl(), replace(order, difference=replace(order.difference, changes=(*rest, new))))
    assert why in told
    assert "Zz" not in told


def test_a_log_that_no_cell_can_hold():
    assert "The row of version 3.001" in refusal(sample_cpl(), plan(listed(sample_cpl()), STATUS, log=("a\0",)))


def ordered(*changes: EntryChange):
    order = three_things(listed(sample_cpl()))
    return replace(order, difference=replace(order.difference, changes=changes))


def test_a_plan_that_does_not_fit_the_list():
    first, second, *_ = listed(sample_cpl()).products
    (change,) = plan(listed(sample_cpl()), {"000001": {EXPIRY: ""}}).difference.changes
    gone = EntryChange(ChangeKind.GONE, first.number, first, None)
    assert "can neither lose its row" in refusal(sample_cpl(), ordered(gone))
    assert "two changes to entry 000001" in refusal(sample_cpl(), ordered(change, change))
    assert "000777, which is to be changed, is not there" in refusal(
        sample_cpl(), ordered(replace(change, number="000777"))
    )
    again = EntryChange(ChangeKind.ADDED, second.number, None, second)
    assert "000002, which is to be added, is there already" in refusal(sample_cpl(), ordered(again))


def test_a_plan_for_another_version():
    order = three_things(listed(sample_cpl()))
    other = replace(order, difference=replace(order.difference, old="2.999"))
    assert "the release follows version 2.999" in refusal(sample_cpl(), other)


def test_a_formula_is_never_overwritten():
    row = row_of(LIST, "000004")
    cell = re.search(rb'<c r="C%d".*?</c>' % row, rows_of(sample_cpl(), LIST)[row])[0].decode()
    before = with_part(sample_cpl(), LIST, cell, f'<c r="C{row}" t="str"><f>A1</f><v>Current</v></c>')
    assert f"the cell C{row}, which the release changes, holds a formula" in refusal(
        before, plan(listed(before), STATUS)
    )
    before = with_part(sample_cpl(), LIST, '<c r="A28" s="0"/>', '<c r="A28" s="0"><f>A1</f></c>')
    assert "row 28, which the new rows are made after, holds a formula" in refusal(before)


def test_a_signed_list():
    before = Package.read(sample_cpl()).put("_xmlsignatures/sig1.xml", b"<x/>").to_bytes()
    assert "digital signature" in refusal(before)


def test_a_list_that_counts_from_1904():
    before = with_part(sample_cpl(), WORKBOOK, "<workbookPr ", '<workbookPr date1904="1" ')
    assert "from 1904" in refusal(before)


@pytest.mark.parametrize(
    "name", ["Version Control", "CPL - New Entry", "Central Products List", "CPL - saveable in CSV"]
)
def test_a_tab_that_is_missing(name):
    before = with_part(sample_cpl(), WORKBOOK, f'name="{name}"', 'name="Other"')
    assert f"0 tabs '{name}'" in refusal(before)


@pytest.mark.parametrize("data", [b"", b"PK", sample_cpl()[:-9], b"x" + sample_cpl()])
def test_no_workbook(data):
    assert refusal(data).startswith("The list in force cannot be read: ")


def test_shared_texts_that_excel_does_not_write():
    assert "shared texts" in refusal(with_part(sample_cpl(), STRINGS, "<si>", "<!-- --><si>"))
    before = with_part(sample_cpl(), STRINGS, "<si><t", "<si><u/><t")
    assert write_cpl(before, three_things(listed(sample_cpl())))  # an item no edit asks for may hold what it likes


def test_entry_numbers_are_found_however_they_are_stored():
    row = row_of(LIST, "000004")
    cell = re.search(rb'<c r="B%d".*?</c>' % row, rows_of(sample_cpl(), LIST)[row])[0].decode()
    rich = f'<c r="B{row}" t="inlineStr"><is><r><t>0000</t></r><r><t>04 </t></r></is></c>'
    for stored in (f'<c r="B{row}"><v>4</v></c>', rich):
        before = with_part(sample_cpl(), LIST, cell, stored)
        after = write_cpl(before, plan(listed(before), STATUS))
        assert {one.number: one.status for one in listed(after).products}["000004"] == "Removed"
    entity = with_part(sample_cpl(), STRINGS, ">000004<", ">00000&#52;<")
    assert listed(write_cpl(entity, plan(listed(entity), STATUS))).products[3].status == "Removed"


def test_the_form_tab_may_say_another_version_than_the_history():
    before = with_part(sample_cpl(), FORM, "A2", "A2")
    cell = re.search(rb'<c r="A2".*?</c>', rows_of(before, FORM)[2])[0].decode()
    other = '<c r="A2" t="inlineStr"><is><t>Version 2.051 Issued on 21-09-2022</t></is></c>'
    told = refusal(with_part(before, FORM, cell, other))
    assert "A2 says version 2.051" in told
