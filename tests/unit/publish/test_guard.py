"""The guard: silent on what the writer makes, and loud on every sabotage of it."""

import re
import shutil
from dataclasses import replace

import pytest

from pipeline.demo.package import entry as packed
from pipeline.publish.guard import compare
from pipeline.publish.guard.office import NoConversion, office_rows
from pipeline.publish.guard.orders import orders
from pipeline.publish.workbook import write_cpl
from tests.builders import Package, cpl_workbook, sample_cpl
from tests.plans import (
    CERTIFICATE,
    CSV,
    FORM,
    HISTORY,
    LIST,
    REAL,
    entry,
    listed,
    plan,
    renumbered,
    rows_of,
    three_things,
    with_part,
)

MACRO, STYLES = "xl/vbaProject.bin", "xl/styles.xml"
SOFFICE = shutil.which("soffice")
LINE = "Version 3.001 Issued on 21-11-2026"


@pytest.fixture(scope="module")
def before() -> bytes:
    return sample_cpl()


@pytest.fixture(scope="module")
def order(before):
    return three_things(listed(before))


@pytest.fixture(scope="module")
def after(before, order) -> bytes:
    return write_cpl(before, order)


def edited(data: bytes, part: str, pattern: str, new: str) -> bytes:
    """Return the workbook with the first match of a pattern in a part replaced; it must be there and differ."""
    package = Package.read(data)
    text = package.part(part)
    changed, count = re.subn(pattern.encode(), new.encode(), text, count=1, flags=re.DOTALL)
    assert count == 1
    assert changed != text
    return package.put(part, changed).to_bytes()


def last(data: bytes, part: str) -> int:
    return max(rows_of(data, part))


def test_what_the_writer_makes_passes(before, after, order):
    assert compare(before, after, order) == ()


SABOTAGES = {
    "an old row has another value": (LIST, r'(<c r="D9" s="0" t="s"><v>)\d+', r"\g<1>0", "cell D9 "),
    "an old row has another format": (LIST, r'<c r="D9" s="0"', '<c r="D9" s="1"', "cell D9 "),
    "an old row is hidden": (LIST, '<row r="9"', '<row r="9" hidden="1"', "row 9 .* other properties"),
    "an old row is lost": (LIST, '<row r="9".*?</row>', "", "row 9 .* not where it was"),
    "an old row has lost a cell": (LIST, r'<c r="V9" s="0"/>', "", "row 9 .* lost cells"),
    "an old row stands elsewhere": (LIST, '<row r="9"', '<row r="10"', "not where it was|cannot be told apart"),
    "a new row is lost": (LIST, '<row r="31".*?</row>', "", "has 2 new rows where 3 are due"),
    "a new row is hidden": (LIST, '<row r="31"', '<row r="31" hidden="1"', "row 31 .* hidden"),
    "a row too many": (LIST, "</sheetData>", '<row r="32"><c r="A32"><v>1</v></c></row></sheetData>', "nobody ordered"),
    "a number for the text 00": (
        LIST,
        r'(<c r="G31" s="0") t="inlineStr"><is><t>00</t></is>',
        r"\1><v>0</v>",
        "0.*'00'",
    ),
    "a text for a day": (LIST, r'<c r="N31" s="6"><v>\d+</v>', '<c r="N31" s="6" t="str"><v>02/03/2030</v>', "N31"),
    "a day for a code": (
        LIST,
        r'<c r="H31" s="0" t="inlineStr"><is><t>1E</t></is>',
        '<c r="H31" s="6"><v>9</v>',
        "H31",
    ),
    "a shifted column": (LIST, r'<c r="U31"(.*?)</c><c r="V31"(.*?)(?=</row>)', r'<c r="U31"\2<c r="V31"\1</c>', "U31"),
    "a formula for a text": (
        LIST,
        r'<c r="S31".*?</c>',
        '<c r="S31" t="str"><f>A1</f><v>=A &amp; &lt;B&gt;</v></c>',
        "S",
    ),
    "an unordered value": (
        LIST,
        r'<c r="A31" s="0"/>',
        '<c r="A31" t="inlineStr"><is><t>note</t></is></c>',
        "column A",
    ),
    "a certificate left as it was": (LIST, "NCSC-1000000001-0001", "NCSC-1000000001-0002", "NCSC-1000000001-0001"),
    "no row in the CSV tab": (CSV, '<row r="25".*?</row>', "", "has 2 new rows where 3 are due"),
    "a colon in the CSV tab": (CSV, r"(<c r=\"J25\".*?)0001E502", r"\g<1>00:01:E5:02", "J25"),
    "an old version in the CSV tab": (CSV, r'(<c r="A9".*?)3\.001', r"\g<1>3.000", "A9"),
    "another log": (HISTORY, "Three new", "Four new", "C13"),
    "another date of issue": (HISTORY, "21/11/2026", "20/11/2026", "B13"),
    "another version of the form": (FORM, "Version 3.001", "Version 3.002", "A2"),
    "a drop-down of the form is lost": (FORM, "<dataValidation .*?</dataValidation>", "", "behind the rows"),
    "no protection": (LIST, "<sheetProtection[^>]*>", "", "behind the rows"),
    "another column width": (LIST, 'width="20"', 'width="21"', "before the rows"),
    "a used range that ends too early": (LIST, "A1:V31", "A1:V28", "last row is 28"),
    "another format of every cell": (STYLES, 'numFmtId="14"', 'numFmtId="0"', "xl/styles.xml is not what it was"),
    "another workbook part": ("xl/workbook.xml", "windowWidth", "windowHeight2", "xl/workbook.xml"),
    "a document type": (LIST, "<worksheet ", "<!DOCTYPE x><worksheet ", "document type"),
    "broken XML": (LIST, "</sheetData>", "</sheetDate>", "cannot be"),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_sabotage_of_a_part(before, after, order, name):
    part, pattern, new, told = SABOTAGES[name]
    faults = compare(before, edited(after, part, pattern, new), order)
    assert any(re.search(told, fault) for fault in faults), faults


def test_sabotage_of_the_package(before, after, order):
    package = Package.read(after)
    repacked = packed(MACRO, package.part(MACRO), level=9)
    others = {
        "the part xl/theme/theme1.xml is lost": package.drop(["xl/theme/theme1.xml"]),
        "the part note.txt is new": package.put("note.txt", b"x"),
        "the parts stand in another order": Package((*package.entries[1:], package.entries[0])),
        f"the part {MACRO} is not what it was": package.put(MACRO, package.part(MACRO)[:-1] + b"\0"),
        f"the part {MACRO} is not": Package(tuple(repacked if one.name == MACRO else one for one in package.entries)),
    }
    for told, spoilt in others.items():
        assert any(told in fault for fault in compare(before, spoilt.to_bytes(), order)), told


def test_a_range_that_does_not_follow(order):
    before = with_part(sample_cpl(), LIST, "</sheetData>", '</sheetData><autoFilter ref="A2:V28"/>')
    after = write_cpl(before, order)
    assert compare(before, after, order) == ()
    assert any("does not reach" in fault for fault in compare(before, edited(after, LIST, "A2:V31", "A2:V28"), order))
    assert any("behind the rows" in fault for fault in compare(before, edited(after, LIST, "A2:V31", "A2:V40"), order))
    wider = edited(after, LIST, "A2:V31", "A3:V31")
    assert any("behind the rows" in fault for fault in compare(before, wider, order))


def test_a_merged_cell_that_grew(order):
    merged = '</sheetData><mergeCells><mergeCell ref="A27:A28"/></mergeCells>'
    before = with_part(sample_cpl(), LIST, "</sheetData>", merged)
    after = write_cpl(before, order)
    assert compare(before, after, order) == ()
    assert any("behind" in fault for fault in compare(before, edited(after, LIST, "A27:A28", "A27:A31"), order))


def test_files_that_are_no_workbook(before, after, order):
    assert compare(before, b"", order)
    assert compare(before, after[:-40], order)
    assert compare(b"", after, order)
    assert compare(before, before, order)


def test_an_old_workbook_that_the_plan_was_not_made_from(before, order):
    other = before
    for old, new in (("Fennbrook", "Fennbroke"),):
        other = with_part(other, "xl/sharedStrings.xml", old, new, -1)
    order = plan(listed(before), {"000006": {CERTIFICATE: "[R] 2"}})
    assert any("not what the plan was made from" in one for one in compare(other, write_cpl(other, order), order))


def test_a_plan_that_contradicts_itself(before, order):
    (change,) = plan(listed(before), {"000004": {CERTIFICATE: "[R] 2"}}).difference.changes
    forgot = replace(change, values=())
    bent = replace(order, difference=replace(order.difference, changes=(forgot,)))
    assert any("not the planned ones: 000004" in fault for fault in compare(before, write_cpl(before, bent), bent))


def test_a_new_entry_that_nobody_planned(before, after, order):
    *rest, one = order.difference.changes
    other = replace(order, difference=replace(order.difference, changes=tuple(rest)))
    assert compare(before, after, other)
    shifted = replace(one, number="000099", after=renumbered(one.after, "000099"))
    other = replace(order, difference=replace(order.difference, changes=(*rest, shifted)))
    assert any("'000099' is due" in fault for fault in compare(before, after, other))


def test_only_so_many_faults_are_told(before, order):
    other = cpl_workbook([{**one.values, "Device_Type.name": "x"} for one in listed(before).products])
    assert len(compare(before, other, order)) == 20


def test_an_office_that_does_not_work(before, after, order, tmp_path):
    missing = str(tmp_path / "soffice")
    assert compare(before, after, order, office=missing) == (
        "LibreOffice cannot read the new workbook (NoConversion: it cannot be started (No such file or directory))",
    )
    idle = tmp_path / "idle"
    idle.write_text("#!/bin/sh\necho sorry; exit 3\n")
    idle.chmod(0o755)
    assert "it wrote nothing and said: sorry" in compare(before, after, order, office=str(idle))[0]
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nsleep 60 & wait\n")
    slow.chmod(0o755)
    with pytest.raises(NoConversion, match=r"not done after 0\.1 seconds"):
        list(office_rows(str(slow), after, (), seconds=0.1))


needs_office = pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed (libreoffice-calc-nogui)")


@needs_office
@pytest.mark.slow
def test_libreoffice_agrees_and_sees_sabotage(before, after, order):
    assert compare(before, after, order, office=SOFFICE) == ()
    number = edited(after, LIST, r'(<c r="G31" s="0") t="inlineStr"><is><t>00</t></is>', r"\1><v>0</v>")
    assert any(fault.startswith("LibreOffice reads") for fault in compare(before, number, order, office=SOFFICE))


@needs_office
@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize("name", ["Central-Products-List_2.051.xlsm", "CPL_3.000_derived.xlsm"])
def test_libreoffice_agrees_on_the_real_list(name):
    path = REAL / name
    if not path.is_file():
        pytest.skip(f"the real list {name} is not beside the checkout")
    before = path.read_bytes()
    order = three_things(listed(before))
    assert compare(before, write_cpl(before, order), order, office=SOFFICE) == ()


def test_every_tab_has_its_orders(before, order):
    found = {tab.name: (tab.last, tab.added) for tab in orders(before, order)}
    assert found["Central Products List"] == (28, 3)
    assert found["CPL - saveable in CSV"] == (22, 3)
    assert found["Version Control"] == (12, 1)
    assert found["CPL - New Entry"][1] == 0


def test_a_new_row_in_an_entry_of_its_own(before):
    order = plan(listed(before), new=[{"Manufacturer_Image.creator": ""}])
    after = write_cpl(before, order)
    assert compare(before, after, order) == ()
    values = dict(order.difference.changes[0].after.values)
    assert entry(values) == replace(order.difference.changes[0].after, row=0)
