"""Our sheet reader beside openpyxl and calamine on made sheets; and no bytes at all make a reader raise."""

import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.cell.rich_text import CellRichText
from python_calamine import CalamineWorkbook

from pipeline.demo.cells import markup
from pipeline.domain.form import Cell, CellKind, Form
from pipeline.readers.child import Forked
from pipeline.readers.cpl import CplReading
from pipeline.readers.eligible import read_eligible
from pipeline.readers.form import read_form
from pipeline.readers.jobs import CPL, ChildLimits
from pipeline.readers.package import Unreadable
from pipeline.readers.sheet import column_letters
from tests.builders import HOSTILE, Package, good_answers, new_entry_form, sample_cpl
from tests.sheets import rows_of, sheet_workbook

Value = str | bool | int | float | date
Grid = dict[tuple[int, int], Value]

STYLES = (
    '<fonts count="1"><font/></fonts><fills count="1"><fill><patternFill/></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
)
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
LETTERS = st.text(st.characters(min_codepoint=32, max_codepoint=0xFFFD, exclude_categories=["Cs", "Cc"]), max_size=20)
TEXTS = LETTERS.filter(lambda text: "_x" not in text) | st.sampled_from(["00", "1E5", "10E0", " 0C ", "a\nb", "NaN"])
NUMBERS = st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False, width=32)
DAYS = st.dates(date(1900, 3, 1), date(2099, 12, 31))
GRIDS = st.dictionaries(
    st.tuples(st.integers(1, 40), st.integers(1, 30)), TEXTS | NUMBERS | st.booleans() | DAYS, min_size=1, max_size=25
)


def xml_of(ref: str, value: Value, shared: list[str] | None) -> str:
    if isinstance(value, bool):
        return f'<c r="{ref}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, date):
        return f'<c r="{ref}" s="1"><v>{(value - date(1899, 12, 30)).days}</v></c>'
    if isinstance(value, str):
        text = f'<t xml:space="preserve">{markup(value)}</t>'
        if shared is None:
            return f'<c r="{ref}" t="inlineStr"><is>{text}</is></c>'
        shared.append(f"<si>{text}</si>")
        return f'<c r="{ref}" t="s"><v>{len(shared) - 1}</v></c>'
    return f'<c r="{ref}"><v>{value!r}</v></c>'


def made(grid: Grid, *, share: bool) -> bytes:
    strings: list[str] | None = [] if share else None
    rows = []
    for number in sorted({row for row, _ in grid}):
        columns = sorted(column for row, column in grid if row == number)
        cells = [xml_of(f"{column_letters(c)}{number}", grid[number, c], strings) for c in columns]
        rows.append(f'<row r="{number}">{"".join(cells)}</row>')
    return sheet_workbook("".join(rows), strings="".join(strings or []), styles=STYLES)


def ours(data: bytes) -> dict[tuple[int, int], Cell]:
    return {(row.number, column): cell for row in rows_of(data) for column, cell in row.cells.items()}


def by_openpyxl(data: bytes) -> dict[tuple[int, int], Value]:
    sheet = load_workbook(io.BytesIO(data), data_only=True).worksheets[0]
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value not in {None, ""}]
    return {(cell.row, cell.column): cell.value for cell in cells if not isinstance(cell.value, CellRichText)}


def by_calamine(data: bytes) -> dict[tuple[int, int], Value]:
    rows = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    return {(r, c): value for r, row in enumerate(rows, 1) for c, value in enumerate(row, 1) if value != ""}


def says(cell: Cell, value: Value) -> bool:
    """Whether a cell of ours says what another library read."""
    if isinstance(value, bool):
        return (cell.kind, cell.text) == (CellKind.BOOLEAN, str(value).upper())
    if isinstance(value, datetime | date):
        return (cell.kind, cell.text) == (CellKind.DATE, f"{value:%d/%m/%Y}")
    if isinstance(value, str):
        return (cell.kind, cell.text) == (CellKind.TEXT, value)
    return cell.kind is CellKind.NUMBER and float(cell.text) == float(value)


@PATIENT
@given(GRIDS, st.booleans())
def test_three_readers_see_the_same_values(grid, share):
    data = made(grid, share=share)
    found = ours(data)
    written = {place: value for place, value in grid.items() if value != ""}
    for others in (written, by_openpyxl(data), by_calamine(data)):
        assert found.keys() == others.keys()
        assert [(found[place], value) for place, value in others.items() if not says(found[place], value)] == []


@PATIENT
@given(st.floats(61, 2_958_465), st.booleans())
def test_moments_are_those_of_openpyxl_to_the_second(days, from_1904):
    properties = f'<workbookPr date1904="{int(from_1904)}"/>'
    days = min(days, 2_957_003) if from_1904 else days
    rows = f'<row r="1"><c r="A1" s="1"><v>{days!r}</v></c></row>'
    data = sheet_workbook(rows, styles=STYLES, properties=properties)
    value = by_openpyxl(data)[1, 1]
    assert isinstance(value, datetime | date)
    moment = datetime(value.year, value.month, value.day) if not isinstance(value, datetime) else value  # noqa: DTZ001 - cells have no zone
    text = ours(data)[1, 1].text
    shown = datetime.strptime(text, "%d/%m/%Y %H:%M:%S" if ":" in text else "%d/%m/%Y")  # noqa: DTZ007 - the same
    assert abs(shown - moment) <= timedelta(seconds=1)


def harmless(read: Callable[[bytes], object], data: bytes) -> None:
    form = read(data)
    assert isinstance(form, Form)
    assert all(problem.text and len(problem.text) < 500 for problem in form.problems)
    assert not (form.problems and form.tabs and form.rows)


@settings(PATIENT, max_examples=200)
@given(st.binary(max_size=400) | st.binary(max_size=200).map(lambda tail: b"PK\x03\x04" + tail))
def test_arbitrary_bytes_never_raise(data):
    harmless(read_form, data)
    with suppress(Unreadable):
        read_eligible(data)


@st.composite
def spoilt_bytes(draw: st.DrawFn) -> bytes:
    """A form with some of its bytes changed, taken out or doubled."""
    data = bytearray(new_entry_form(good_answers()))
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, len(data) - 1))
        match draw(st.sampled_from(["set", "cut", "double"])):
            case "set":
                data[place] = draw(st.integers(0, 255))
            case "cut":
                del data[place : place + draw(st.integers(1, 40))]
            case _:
                data[place:place] = data[place : place + draw(st.integers(1, 40))]
    return bytes(data)


PIECES = (
    *rb"""< </row> r="1" r="G99999999" t="s" <v>99999</v> <f>1</f> <is><t>x</t></is> &#0; &lt; " xmlns="urn:x" <row/>
    _xD800_ ref="A1:G99" t="array" <c/>""".split(),
    b"<!DOCTYPE x>",
    b"\xff\xfe",
    b"\xc2\xb2",
    b"",
)


@st.composite
def spoilt_xml(draw: st.DrawFn, whole: bytes) -> bytes:
    """A workbook with pieces written over one of its XML parts, packed again as a sound archive."""
    package = Package.read(whole)
    part = draw(st.sampled_from([name for name in package.names() if name.endswith((".xml", ".rels"))]))
    data = package.part(part)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data)))
        data = data[:place] + draw(st.sampled_from(PIECES)) + data[place + draw(st.integers(0, 30)) :]
    return package.put(part, data).to_bytes()


@settings(PATIENT, max_examples=150)
@given(spoilt_bytes() | spoilt_xml(new_entry_form(good_answers(), shared=True)))
def test_spoilt_workbooks_never_raise(data):
    harmless(read_form, data)


@settings(PATIENT, max_examples=80)
@given(
    spoilt_xml(sample_cpl()) | st.binary(max_size=200) | st.sampled_from(sorted(HOSTILE)).map(lambda n: HOSTILE[n]())
)
def test_a_spoilt_list_is_a_reading_or_a_problem_in_words(data):
    found = Forked(ChildLimits(wall=10.0, memory=512 << 20)).run(CPL, data)
    # calamine reserves a sheet's whole extent, so a far cell in the list may end the child: a Problem like any other.
    assert isinstance(found, CplReading) or found.kind in {"crash", "memory"}
    if isinstance(found, CplReading):
        assert (found.template is None) == bool(found.problems)


def test_the_made_archives_are_sound():
    data = made({(1, 1): "x"}, share=True)
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
