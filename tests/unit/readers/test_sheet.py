"""A worksheet as cells: each value as it is stored, and a refusal where programs could read two different values."""

import pytest

from pipeline.demo.package import entry
from pipeline.domain.form import Cell, CellKind
from pipeline.readers.cell import unescape
from pipeline.readers.package import Unreadable, open_package
from pipeline.readers.sheet import Workbook, column_letters, column_number
from tests.builders import Package, sample_cpl
from tests.sheets import STRICT, STRICT_OFFICE, rows_of, sheet_workbook

DATES = (
    '<numFmts><numFmt numFmtId="164" formatCode="dd\\/mm\\/yyyy"/>'
    '<numFmt numFmtId="165" formatCode="[Red]0&quot;days&quot;"/><numFmt numFmtId="14" formatCode="0.00"/></numFmts>'
    '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs>%s</cellXfs>'
)
ONE_DATE = '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'


def cell(content: str, **book: str) -> Cell:
    (row,) = rows_of(sheet_workbook(f'<row r="7">{content}</row>', **book))
    return row.cells.get(7, Cell("G7", CellKind.EMPTY, ""))


def refused(rows: str, **book: str) -> str:
    with pytest.raises(Unreadable) as caught:
        rows_of(sheet_workbook(rows, **book))
    assert caught.value.kind in {"damaged", "limit", "unsupported"}
    return caught.value.text


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        ('<c r="G7" t="inlineStr"><is><t xml:space="preserve"> 0C \n</t></is></c>', CellKind.TEXT, " 0C \n"),
        (
            '<c r="G7" t="inlineStr"><is><r><t>0C:</t></r><r><rPr><b/></rPr><t>03</t></r></is></c>',
            CellKind.TEXT,
            "0C:03",
        ),
        ('<c r="G7" t="inlineStr"><is><t>ab</t><rPh sb="0" eb="1"><t>x</t></rPh></is></c>', CellKind.TEXT, "ab"),
        ('<c r="G7" t="inlineStr"><is/></c>', CellKind.EMPTY, ""),
        ('<c r="G7" t="str"><v>10E0</v></c>', CellKind.TEXT, "10E0"),
        ('<c r="G7" t="str"><v>1_x000D_2</v></c>', CellKind.TEXT, "1\r2"),
        ('<c r="G7" t="s"><v>0</v></c>', CellKind.TEXT, "00"),
        ('<c r="G7" t="s"><v>1</v></c>', CellKind.TEXT, "1E5"),
        ('<c r="G7" t="s"><v>2</v></c>', CellKind.EMPTY, ""),
        ('<c r="G7"><v>12</v></c>', CellKind.NUMBER, "12"),
        ('<c r="G7" t="n"><v>1E5</v></c>', CellKind.NUMBER, "100000"),
        ('<c r="G7"><v>12.30</v></c>', CellKind.NUMBER, "12.3"),
        ('<c r="G7"><v>-.5</v></c>', CellKind.NUMBER, "-0.5"),
        ('<c r="G7"><v>12345678901234567890</v></c>', CellKind.NUMBER, "1.2345678901234567e+19"),
        ('<c r="G7"><v>1e300</v></c>', CellKind.NUMBER, "1e+300"),
        ('<c r="G7" t="b"><v>1</v></c>', CellKind.BOOLEAN, "TRUE"),
        ('<c r="G7" t="b"><v>true</v></c>', CellKind.BOOLEAN, "TRUE"),
        ('<c r="G7" t="b"><v>0</v></c>', CellKind.BOOLEAN, "FALSE"),
        ('<c r="G7" t="e"><v>#N/A</v></c>', CellKind.ERROR, "#N/A"),
        ('<c r="G7" t="d"><v>2029-10-25</v></c>', CellKind.DATE, "25/10/2029"),
        ('<c r="G7" t="d"><v>2029-10-25T09:30:00</v></c>', CellKind.DATE, "25/10/2029 09:30:00"),
        ('<c r="G7" t="d"><v>soon</v></c>', CellKind.DATE, "soon"),
        ('<c r="G7"/>', CellKind.EMPTY, ""),
        ('<c r="G7" s="1"><v/></c>', CellKind.EMPTY, ""),
        ('<c r="G7" t="str"><v>1<!-- hidden -->2</v></c>', CellKind.TEXT, "12"),
        ("<c/><c/><c/><c/><c/><c/><c><v>7</v></c>", CellKind.NUMBER, "7"),
    ],
)
def test_a_value_is_read_as_it_is_stored(content, kind, text):
    strings = "<si><t>00</t></si><si><r><t>1E</t></r><r><t>5</t></r></si><si><t/></si>"
    assert cell(content, strings=strings) == Cell("G7", kind, text)


@pytest.mark.parametrize(
    ("content", "kind", "text"),
    [
        ('<c r="G7" t="str"><f>A1</f><v>0C</v></c>', CellKind.TEXT, "0C"),
        ('<c r="G7"><f>A1</f><v>3</v></c>', CellKind.NUMBER, "3"),
        ('<c r="G7"><f>A1</f></c>', CellKind.EMPTY, ""),
        ('<c r="G7" t="e"><f>A1</f><v>#REF!</v></c>', CellKind.ERROR, "#REF!"),
    ],
)
def test_a_formula_is_seen_with_and_without_its_last_value(content, kind, text):
    assert cell(content) == Cell("G7", kind, text, formula=True)


@pytest.mark.parametrize("kind", ["array", "dataTable"])
def test_what_a_formula_spills_into_is_formula_too(kind):
    spill = f'<row r="7"><c r="G7"><f t="{kind}" ref="G7:G8">A1:A2</f><v>1</v></c></row>'
    rows = rows_of(
        sheet_workbook(
            f'{spill}<row r="8"><c r="F8"><v>2</v></c><c r="G8"><v>3</v></c></row><row r="9"><c r="G9"/></row>'
        )
    )
    assert [(cell.ref, cell.formula) for row in rows for cell in row.cells.values()] == [
        ("G7", True),
        ("F8", False),
        ("G8", True),
    ]


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("47781", "25/10/2030"),
        ("47781.5", "25/10/2030 12:00:00"),
        ("47781.999999999", "26/10/2030"),
        ("47781.0000000001", "25/10/2030"),
        ("1", "01/01/1900"),
        ("61", "01/03/1900"),
        ("2958465", "31/12/9999"),
    ],
)
def test_a_number_under_a_date_format_is_a_date(stored, text):
    assert cell(f'<c r="G7" s="1"><v>{stored}</v></c>', styles=ONE_DATE) == Cell("G7", CellKind.DATE, text)


def test_days_are_counted_from_1904_where_the_workbook_says_so():
    for value in ("1", "true"):
        found = cell('<c r="G7" s="1"><v>1</v></c>', styles=ONE_DATE, properties=f'<workbookPr date1904="{value}"/>')
        assert found == Cell("G7", CellKind.DATE, "02/01/1904")
    foreign = '<x:workbookPr xmlns:x="urn:other" date1904="1"/>'
    assert cell('<c r="G7" s="1"><v>1</v></c>', styles=ONE_DATE, properties=foreign).text == "01/01/1900"


def test_a_day_beyond_the_calendar_is_only_a_number():
    found = cell('<c r="G7" s="1"><v>3000000</v></c>', styles=ONE_DATE)
    assert found == Cell("G7", CellKind.NUMBER, "3000000")


@pytest.mark.parametrize(
    ("number", "dated"),
    [
        ("14", False),
        ("15", True),
        ("22", True),
        ("9", False),
        ("164", True),
        ("165", False),
        ("²", False),
        ("9" * 5000, False),
    ],
)
def test_date_formats_are_told_from_others(number, dated):
    styles = DATES % f'<xf numFmtId="{number}"/>'
    found = cell('<c r="G7" s="0"><v>47781</v></c>', styles=styles)
    assert found.kind is (CellKind.DATE if dated else CellKind.NUMBER)


@pytest.mark.parametrize("style", ["7", "²", "-1", "9" * 5000])
def test_an_unknown_cell_format_shows_a_number(style):
    assert cell(f'<c r="G7" s="{style}"><v>3</v></c>', styles=ONE_DATE).kind is CellKind.NUMBER


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('<c r="G7"><v>1</v></c><c r="G7"><v>2</v></c>', "column 7 after 7 in row 7"),
        ('<c r="G7"><v>1</v></c><c r="A7"><v>2</v></c>', "column 1 after 7"),
        ('<c r="G8"><v>1</v></c>', "cell G8 in row 7"),
        ('<c r="g7"><v>1</v></c>', "cell g7 in row 7"),
        ('<c r="XFE7"><v>1</v></c>', "column 16385"),
        ('<c r="G7"><v>1</v><v>2</v></c>', "Sheet!G7 holds more than one value"),
        ('<c r="G7"><v>1</v><is><t>2</t></is></c>', "more than one value"),
        ('<c r="G7" t="inlineStr"><v>1</v><is><t>2</t></is></c>', "more than one value"),
        ('<c r="G7" t="inlineStr"><v>1</v></c>', "of the kind 'inlineStr' cannot have"),
        ('<c r="G7" t="odd"><v>1</v></c>', "of the kind 'odd' cannot have"),
        ('<c r="G7"><v>1<b/>2</v></c>', "has an element <b> inside its text"),
        ('<c r="G7" t="inlineStr"><is><t>1<b/>2</t></is></c>', "inside its text"),
        ('<c r="G7"><v>twelve</v></c>', "impossible number 'twelve'"),
        ('<c r="G7"><v>1_000</v></c>', "impossible number"),
        ('<c r="G7"><v>١٢</v></c>', "impossible number"),
        ('<c r="G7"><v>nan</v></c>', "impossible number"),
        ('<c r="G7"><v>1e999</v></c>', "impossible number"),
        ('<c r="G7" t="s"><v>0</v></c>', "Sheet!G7 points at a text that is not there"),
        ('<c r="G7" t="s"><v>-1</v></c>', "points at a text"),
        (f'<c r="G7" t="s"><v>{"9" * 5000}</v></c>', "points at a text"),
        (f'<c r="G7" t="str"><v>{"x" * 32_768}</v></c>', "holds 32768 characters; a cell can hold 32767"),
        ("<foo/>", "element <foo> between its cells"),
        ('<x:c xmlns:x="urn:other" r="G7"><v>2</v></x:c>', "between its cells"),
        ('<row r="8"/>', "element <row> between its cells"),
    ],
)
def test_what_programs_could_read_in_two_ways_is_refused(content, words):
    text = refused(f'<row r="7">{content}</row>')
    assert words in text
    assert len(text) < 200


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ('<row r="8"/><row r="7"/>', "row 7 after row 8"),
        ('<row r="7"/><row r="7"/>', "row 7 after row 7"),
        ('<row r="0"/>', "row 0 after row 0"),
        ('<row r="1048577"/>', "row 1048577"),
        ('<row r="²"/>', "a row numbered '²'"),
        (f'<row r="{"9" * 5000}"/>', "a row numbered"),
        ('<c r="A1"/>', "element <c> between its cells"),
    ],
)
def test_rows_have_one_order(rows, words):
    text = refused(rows)
    assert words in text
    assert len(text) < 200


def test_rows_without_numbers_follow_one_another():
    rows = rows_of(
        sheet_workbook('<row><c><v>1</v></c></row><row r="5" hidden="1"><c><v>2</v></c></row><row hidden="true"/>')
    )
    assert [(row.number, row.hidden) for row in rows] == [(1, False), (5, True), (6, True)]


def test_extension_lists_between_cells_are_nothing():
    rows = rows_of(sheet_workbook('<row r="7"><c r="G7"><v>1</v><extLst/></c><extLst><ext/></extLst></row><extLst/>'))
    assert [row.cells[7].text for row in rows] == ["1"]


@pytest.mark.parametrize(
    "sheet",
    [
        '<chartsheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>',
        '<worksheet xmlns="urn:other"><sheetData/></worksheet>',
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>',
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData/><sheetData/></worksheet>',
    ],
)
def test_a_part_that_is_no_worksheet(sheet):
    assert "'Sheet'" in refused("", sheet=sheet)


def test_a_foreign_item_does_not_shift_the_shared_texts():
    strings = '<x:si xmlns:x="urn:other"><t>no</t></x:si><si><t>first</t></si>'
    assert cell('<c r="G7" t="s"><v>0</v></c>', strings=strings).text == "first"


def test_the_strict_kind_of_workbook():
    data = sheet_workbook(
        '<row r="7"><c r="G7" s="1"><v>47781</v></c></row>', main=STRICT, office=STRICT_OFFICE, styles=ONE_DATE
    )
    assert [row.cells[7].text for row in rows_of(data)] == ["25/10/2030"]


def test_a_sheet_larger_than_any_form_is_refused():
    package = Package.read(sheet_workbook(""))
    big = package.part("xl/sheet1.xml").replace(b"<sheetData>", b"<sheetData>" + b"\n" * (16 << 20))
    stored = Package((*package.drop(["xl/sheet1.xml"]).entries, entry("xl/sheet1.xml", big, level=0)))
    with pytest.raises(Unreadable, match="the tab 'Sheet' is larger than 16 MB"):
        rows_of(stored.to_bytes())


@pytest.mark.parametrize(
    ("part", "old", "new", "words"),
    [
        ("_rels/.rels", b"officeDocument", b"other", "not an Excel workbook"),
        ("_rels/.rels", b"xl/workbook.xml", b"xl/workbook.bin", "binary Excel workbook"),
        ("_rels/.rels", b"xl/workbook.xml", b"xl/none.xml", "xl/none.xml is missing"),
        ("xl/workbook.xml", b"workbook", b"document", "not an Excel workbook"),
        ("xl/_rels/workbook.xml.rels", b"/styles", b"/sharedStrings", "2 parts of the kind 'sharedStrings'"),
    ],
)
def test_a_package_that_is_no_workbook(part, old, new, words):
    package = Package.read(sheet_workbook('<row r="1"><c r="A1"><v>1</v></c></row>'))
    with pytest.raises(Unreadable, match=words):
        rows_of(package.put(part, package.part(part).replace(old, new)).to_bytes())


def test_tabs_are_those_below_sheets_only():
    package = Package.read(sheet_workbook(""))
    hidden = b'<extLst><ext><sheet name="CPL - New Entry" sheetId="2" r:id="r0"/></ext></extLst></workbook>'
    data = package.put("xl/workbook.xml", package.part("xl/workbook.xml").replace(b"</workbook>", hidden)).to_bytes()
    assert [tab.name for tab in Workbook(open_package(data)).tabs] == ["Sheet"]


def test_too_many_tabs_are_refused_and_long_names_cut():
    many = "".join(f'<sheet name="{n}" sheetId="{n}" r:id="r0"/>' for n in range(1_001))
    book = Workbook(open_package(sheet_workbook("", properties=f"<sheets>{many}</sheets>")))
    with pytest.raises(Unreadable, match="1002 tabs; at most 1000"):
        book.tabs  # noqa: B018 - reading it is what raises
    named = Workbook(open_package(sheet_workbook("", name="n" * 9_999)))
    assert named.tabs[0].name == "n" * 255


def test_a_tab_without_a_part_is_said_to_be_missing():
    package = Package.read(sheet_workbook(""))
    lost = package.put("xl/workbook.xml", package.part("xl/workbook.xml").replace(b'r:id="r0"', b'r:id="r9"'))
    with pytest.raises(Unreadable, match="is missing"):
        rows_of(lost.to_bytes())


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("plain", "plain"),
        ("a_x000A_b", "a\nb"),
        ("_x005F_x0041_", "_x0041_"),
        ("_xD83D__xDE00_", "\U0001f600"),
        ("_xD800_", "�"),
        ("_x12_", "_x12_"),
    ],
)
def test_escapes_of_spreadsheetml(stored, text):
    assert unescape(stored) == text


@pytest.mark.parametrize(
    ("number", "letters"), [(1, "A"), (26, "Z"), (27, "AA"), (702, "ZZ"), (703, "AAA"), (16_384, "XFD")]
)
def test_columns(number, letters):
    assert column_letters(number) == letters
    assert column_number(letters) == number


def test_the_sample_list_reads_by_tab():
    book = Workbook(open_package(sample_cpl()))
    assert [tab.state for tab in book.tabs] == ["visible"] * 4
    versions = book.rows(book.tabs[0], most=2)
    assert [row.number for row in versions] == [1, 3]
