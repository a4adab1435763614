"""What follows the last row of a table grows with it, merged cells apart; and the entries of the ZIP file stay put."""

import re
import struct
import zlib

import pytest

from pipeline.publish.grow import Growth, dimension
from pipeline.publish.guard import compare
from pipeline.publish.refused import ListNotEditable
from pipeline.publish.workbook import write_cpl
from pipeline.publish.zip_copy import copy_with
from pipeline.readers.package import Unreadable
from pipeline.readers.zip_directory import read_directory
from tests.builders import Package, sample_cpl
from tests.plans import CSV, HISTORY, LIST, listed, plan, with_part

NEW = [{}, {}]
WORKBOOK = "xl/workbook.xml"
AFTER_ROWS = "</sheetData>"


def grown(old: str, new: str, part: str = LIST, at: str = AFTER_ROWS) -> None:
    """Hold that something with one range, put into a part, ends with another; and that the guard agrees."""
    before = with_part(sample_cpl(), part, at, at + old)
    order = plan(listed(before), new=NEW)
    after = write_cpl(before, order)
    assert new in Package.read(after).part(part).decode()
    assert compare(before, after, order) == ()


FORMATS = """<conditionalFormatting sqref="C8:V28 C28 B3:B28"><cfRule type="expression" priority="1"><formula>$C8=28\
</formula></cfRule></conditionalFormatting>"""
DROP_DOWN = """<dataValidations count="1"><dataValidation type="list" sqref="C8:C28"><formula1>$C$8:$C$28</formula1>\
</dataValidation></dataValidations>"""
IGNORED = '<ignoredErrors><ignoredError sqref="B8:B28 D28:E28" numberStoredAsText="1"/></ignoredErrors>'
EXTENSION = """<extLst><ext uri="{78C0D931-6437-407d-A8EE-F0AAD7539E65}" \
xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main"><xm:sqref>C8:C28</xm:sqref></ext></extLst>"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('<autoFilter ref="A2:V28"/>', '<autoFilter ref="A2:V30"/>'),
        ('<autoFilter ref="A2:V2"/>', '<autoFilter ref="A2:V2"/>'),
        (FORMATS, FORMATS.replace("C8:V28 C28 B3:B28", "C8:V30 C28 B3:B30")),
        (DROP_DOWN, DROP_DOWN.replace('"C8:C28"', '"C8:C30"')),
        ('<mergeCells count="1"><mergeCell ref="A27:A28"/></mergeCells>', '<mergeCell ref="A27:A28"/>'),
        (IGNORED, 'sqref="B8:B30 D28:E28"'),
        (EXTENSION, "<xm:sqref>C8:C30</xm:sqref>"),
    ],
)
def test_what_ended_on_the_last_row_reaches_the_new_ones(old, new):
    grown(old, new)


def test_the_used_range_grows_and_never_shrinks():
    assert dimension(b'<dimension ref="A1:U736"/>', 739, 22) == b'<dimension ref="A1:V739"/>'
    assert dimension(b'<dimension ref="B2:AA900"/>', 739, 22) == b'<dimension ref="B2:AA900"/>'
    assert dimension(b'<dimension ref="A1"/>', 3, 2) == b'<dimension ref="A1:B3"/>'
    assert dimension(b"<cols/>", 3, 2) == b"<cols/>"


def test_a_table_of_one_row_grows():
    assert Growth(8, 8, 9).ranges(b"C8:U8 A2:U2") == b"C8:U9 A2:U2"


def test_defined_names_of_the_tab_grow():
    names = (
        '<definedNames><definedName name="_xlnm._FilterDatabase" localSheetId="2" hidden="1">\'Central Products List\'!'
        "$A$2:$V$28</definedName><definedName name=\"other\">'Version Control'!$A$2:$V$28</definedName></definedNames>"
    )
    before = with_part(sample_cpl(), WORKBOOK, "</sheets>", "</sheets>" + names)
    order = plan(listed(before), new=NEW)
    after = write_cpl(before, order)
    said = re.findall(r"'!([^<]*)<", Package.read(after).part(WORKBOOK).decode())
    assert said == ["$A$2:$V$30", "$A$2:$V$28"]
    assert compare(before, after, order) == ()


def test_an_excel_table_grows():
    table = b'<table xmlns="x" id="1" name="t" displayName="t" ref="B2:V28"><autoFilter ref="B2:V28"/></table>'
    relation = (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
        b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/table" Target="../tables/t.xml"/>'
        b"</Relationships>"
    )
    package = Package.read(sample_cpl()).put("xl/tables/t.xml", table)
    before = package.put("xl/worksheets/_rels/sheet3.xml.rels", relation).to_bytes()
    order = plan(listed(before), new=NEW)
    after = write_cpl(before, order)
    assert Package.read(after).part("xl/tables/t.xml") == table.replace(b"28", b"30")
    assert compare(before, after, order) == ()


@pytest.mark.parametrize("merged", ["A28:A29", "B29:C29", "A30:A40"])
def test_a_merged_cell_that_would_hide_a_new_row_is_refused(merged):
    before = with_part(
        sample_cpl(), LIST, AFTER_ROWS, f'{AFTER_ROWS}<mergeCells><mergeCell ref="{merged}"/></mergeCells>'
    )
    with pytest.raises(ListNotEditable, match="merged below row 28"):
        write_cpl(before, plan(listed(before), new=NEW))


def test_a_merged_cell_elsewhere_is_left_alone():
    grown('<mergeCells><mergeCell ref="A27:A28"/><mergeCell ref="A40:B41"/></mergeCells>', 'ref="A27:A28"', HISTORY)


def test_nothing_grows_where_no_row_is_added():
    before = with_part(sample_cpl(), CSV, AFTER_ROWS, f'{AFTER_ROWS}<autoFilter ref="A1:M22"/>')
    after = write_cpl(before, plan(listed(before), {"000004": {"Entry.status": "Removed"}}))
    assert b'<autoFilter ref="A1:M22"/>' in Package.read(after).part(CSV)


def streamed(name: bytes, data: bytes) -> bytes:
    """Return an entry whose sizes follow its data (flag bit 3), with an extra field, and its directory record."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    raw = packer.compress(data) + packer.flush()
    extra = b"\xca\xfe\x02\x00ab"
    crc = zlib.crc32(data)
    local = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 8, 8, 1, 2, 0, 0, 0, len(name), len(extra)) + name + extra + raw
    return local + b"PK\7\x08" + struct.pack("<III", crc, len(raw), len(data)), struct.pack(
        "<4sBBHHHHHIIIHHHHHI", b"PK\1\2", 20, 3, 20, 8, 8, 1, 2, crc, len(raw), len(data), len(name), 0, 0, 0, 0, 7
    )  # fmt: skip


def archive() -> tuple[bytes, list[bytes]]:
    made = [(name, *streamed(name, data)) for name, data in ((b"one", b"1" * 99), (b"two", b"2"), (b"three", b"3"))]
    body, directory, at = b"", [], 0
    for name, local, record in made:
        directory.append(record + struct.pack("<I", at) + name)
        body, at = body + local, at + len(local)
    listing = b"".join(reversed(directory))  # the directory need not have the order of the data
    return body + listing + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 3, 3, len(listing), at, 0), [m[1] for m in made]


def test_what_is_not_written_anew_keeps_its_octets_and_place():
    data, locals_ = archive()
    new = copy_with(data, {"two": [b"22", memoryview(b"22")]})
    assert set(read_directory(new)) == {"one", "two", "three"}
    assert new.startswith(locals_[0])
    assert locals_[2] in new
    assert locals_[1] not in new
    package = Package.read(new)
    assert package.names() == ("three", "two", "one")
    assert (package.part("one"), package.part("two"), package.part("three")) == (b"1" * 99, b"2222", b"3")
    assert copy_with(data, {}) == data


def test_a_name_that_is_not_there_is_an_error_of_ours():
    with pytest.raises(KeyError, match="four"):
        copy_with(archive()[0], {"four": []})
    with pytest.raises(Unreadable):
        copy_with(b"PK", {})
