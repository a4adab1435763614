"""The next version of the CPL workbook: what is ordered is there, and every other octet is where it was."""

import io
import re
import zipfile
from datetime import date
from itertools import pairwise

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from pipeline.publish.cells import text_cell
from pipeline.publish.guard import compare
from pipeline.publish.workbook import write_cpl
from pipeline.readers.cpl import read_cpl
from tests.builders import CSV_TAB, LIST_TAB, VERSION_TAB, Package, cpl_workbook, sample_cpl
from tests.plans import (
    CERTIFICATE,
    CSV,
    EXPIRY,
    FORM,
    HISTORY,
    LIST,
    REAL,
    listed,
    plan,
    rows_of,
    three_things,
    with_part,
)

LINE = "Version 3.001 Issued on 21-11-2026"
TABS = [HISTORY, FORM, LIST, CSV]


def stored(data: bytes) -> list[tuple[str, int, bytes]]:
    return [(one.name, one.method, one.raw) for one in Package.read(data).entries]


def changed_parts(before: bytes, after: bytes) -> list[str]:
    old, new = stored(before), stored(after)
    assert [name for name, *_ in old] == [name for name, *_ in new]
    return [then[0] for then, now in zip(old, new, strict=True) if then != now]


def grid(data: bytes, tab: str) -> list[list[object]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name(tab).to_python(skip_empty_area=False)


@pytest.fixture(scope="module")
def before() -> bytes:
    return sample_cpl()


@pytest.fixture(scope="module")
def after(before) -> bytes:
    return write_cpl(before, three_things(listed(before)))


def test_only_the_four_tabs_change(before, after):
    assert changed_parts(before, after) == TABS
    assert zipfile.ZipFile(io.BytesIO(after)).testzip() is None


def test_publish_then_import_is_the_plan(before, after):
    products = {one.number: one for one in listed(before).products}
    for change in three_things(listed(before)).difference.changes:
        products[change.number] = change.after
    assert listed(after).products == tuple(products.values())
    assert listed(after).version == "3.001"


def test_the_same_order_gives_the_same_octets(before, after):
    assert write_cpl(before, three_things(listed(before))) == after
    assert Package.read(after).to_bytes() == after  # no time stamp but the one there was


def test_texts_are_texts_and_days_are_days(after):
    row = grid(after, LIST_TAB)[-1]
    names = grid(after, LIST_TAB)[1]
    value = dict(zip(names, row, strict=True))
    assert (value["hardware_version.version"], value["hardware_version.revision"]) == ("00", "1E")
    assert (value["expiry_date"], value["creator"]) == (date(2030, 3, 2), "=A & <B>")
    book = openpyxl.load_workbook(io.BytesIO(after))
    column = list(names).index("expiry_date")
    assert book[LIST_TAB].cell(len(grid(after, LIST_TAB)), column + 1).is_date


def test_new_rows_look_like_the_rows_above(before, after):
    old, new = rows_of(before, LIST), rows_of(after, LIST)
    last = max(old)
    styles = [re.findall(rb'<c r="([A-Z]+)\d+" s="(\d+)"', row) for row in (old[last], new[last + 1], new[last + 3])]
    assert styles[0] == styles[1] == styles[2]
    assert max(new) == last + 3


def test_untouched_rows_keep_their_octets(before, after):
    numbers = {one.number for one in three_things(listed(before)).difference.changes}
    touched = {one.row for one in listed(before).products if one.number in numbers}
    old, new = rows_of(before, LIST), rows_of(after, LIST)
    assert {number for number in old if old[number] != new[number]} == touched
    assert [number for number, row in rows_of(before, HISTORY).items() if rows_of(after, HISTORY)[number] != row] == [3]
    assert [number for number, row in rows_of(before, FORM).items() if rows_of(after, FORM)[number] != row] == [2]


def test_an_amendment_changes_one_cell_in_both_tabs(before):
    old = listed(before)
    order = plan(old, {"000004": {"Device_Model.model_identifier": "43:FF"}})
    after = write_cpl(before, order)
    assert changed_parts(before, after) == TABS
    for part, cells in ((LIST, {"F"}), (CSV, {"A", "F", "I"})):
        row = next(
            n for n, text in enumerate(grid(after, LIST_TAB if part == LIST else CSV_TAB), 1) if "000004" in text
        )
        assert changed_cells(rows_of(before, part)[row], rows_of(after, part)[row]) == cells
    assert [row[8] for row in grid(after, CSV_TAB) if row[1] == "000004"] == ["43FF010B"]
    assert compare(before, after, order) == ()


def changed_cells(old: bytes, new: bytes) -> set[str]:
    then, now = (dict(re.findall(rb'(<c r="[A-Z]+)(\d+".*?(?=<c |</row>))', row)) for row in (old, new))
    assert list(then) == list(now)
    return {name.decode()[len('<c r="') :] for name in then if then[name] != now[name]}


def test_removal_changes_the_status_and_nothing_else(before):
    order = plan(listed(before), {"000004": {"Entry.status": "Removed"}})
    after = write_cpl(before, order)
    row = next(one.row for one in listed(before).products if one.number == "000004")
    assert changed_cells(rows_of(before, LIST)[row], rows_of(after, LIST)[row]) == {"C"}
    assert compare(before, after, order) == ()


def test_a_value_taken_away_leaves_an_empty_cell_and_one_put_in_fills_it(before):
    order = plan(listed(before), {"000004": {EXPIRY: ""}, "000017": {EXPIRY: "29/02/2028"}, "000018": {EXPIRY: "NA"}})
    after = write_cpl(before, order)
    found = {one.number: one.values.get(EXPIRY) for one in listed(after).products}
    assert (found["000004"], found["000017"], found["000018"]) == (None, "29/02/2028", "NA")
    assert [row[14] for row in grid(after, LIST_TAB) if "000017" in row] == [""]  # its neighbour
    assert compare(before, after, order) == ()


def test_every_row_of_the_csv_tab_says_the_new_version(before, after):
    assert {row[0] for row in grid(after, CSV_TAB)[1:]} == {LINE}
    assert len(grid(after, CSV_TAB)) == len(grid(before, CSV_TAB)) + 3


def test_the_history_goes_on_below(before, after):
    then, now = grid(before, VERSION_TAB), grid(after, VERSION_TAB)
    assert now[2][0] == LINE
    assert now[-1] == ["3.001", "21/11/2026", "\n".join(three_things(listed(before)).log)]
    assert now[3:-1] == then[3:]
    assert rows_of(after, HISTORY)[13].startswith(b'<row r="13" ht="29"><c r="A13" s="3" t="inlineStr">')


def test_the_form_says_the_new_version(after):
    assert read_cpl(after).template.version == "3.001"
    assert grid(after, "CPL - New Entry")[1][0] == LINE


def test_a_formula_for_the_version_stays_and_its_result_is_set(before):
    found = re.search(rb'<c r="A2"[^>]*>.*?</c>', Package.read(before).part(FORM))[0].decode()
    formula = "<f>'Version Control'!A3</f>"
    fetched = f'<c r="A2" s="0" t="str">{formula}<v>Version 3.000 Issued on 07-11-2024</v></c>'
    before = with_part(before, FORM, found, fetched)
    order = three_things(listed(before))
    after = write_cpl(before, order)
    assert f"{formula}<v>{LINE}</v>".encode() in rows_of(after, FORM)[2]
    assert compare(before, after, order) == ()


def test_a_form_without_a_version_stays_as_it_is(before):
    found = re.search(rb'<row r="2".*?</row>', Package.read(before).part(FORM))[0].decode()
    before = with_part(before, FORM, found, "")
    order = three_things(listed(before))
    after = write_cpl(before, order)
    assert changed_parts(before, after) == [HISTORY, LIST, CSV]
    assert compare(before, after, order) == ()


def test_rows_prepared_below_the_table_make_room(before):
    empty = '<row r="13" ht="14.5"/><row r="20"><c r="A20" s="3"/></row></sheetData>'
    before = with_part(before, HISTORY, "</sheetData>", empty)
    order = plan(listed(before), new=[{}])
    after = write_cpl(before, order)
    rows = rows_of(after, HISTORY)
    assert list(rows)[-2:] == [13, 20]
    assert b"3.001" in rows[13]
    assert compare(before, after, order) == ()


def test_new_rows_are_never_hidden(before):
    last = max(rows_of(before, LIST))
    before = with_part(before, LIST, f'<row r="{last}"', f'<row r="{last}" ht="10.25" hidden="1" outlineLevel="1"')
    after = write_cpl(before, plan(listed(before), new=[{}]))
    assert rows_of(after, LIST)[last + 1].startswith(f'<row r="{last + 1}" ht="10.25"><c '.encode())


def test_the_columns_that_a_row_fills_widen(before):
    row = next(one.row for one in listed(before).products if one.number == "000004")
    cells = rows_of(before, LIST)[row].decode()
    short = re.sub(r'<c r="V.*?(/>|</c>)', "", cells.replace(f'<row r="{row}"', f'<row r="{row}" spans="1:21"'))
    before = with_part(before, LIST, cells, short)
    after = write_cpl(before, plan(listed(before), {"000004": {"ZigBee_Properties.Bands_Join": "Dual Band"}}))
    assert f'<row r="{row}" spans="1:22"'.encode() in rows_of(after, LIST)[row]
    assert rows_of(after, LIST)[row].endswith(
        f'<c r="V{row}" s="0" t="inlineStr"><is><t>Dual Band</t></is></c></row>'.encode()
    )


def test_a_cell_that_was_not_there_stands_between_its_neighbours(before):
    row = next(one.row for one in listed(before).products if one.number == "000004")
    cells = rows_of(before, LIST)[row].decode()
    without = re.sub(rf'<c r="[MP]{row}".*?(?:/>|</c>)', "", cells)
    before = with_part(before, LIST, cells, without)
    changes = {"DLMS_Certificate.DLMS_version": "CTT 4.2", "CPA_Certificate.security_characteristics_version": "1.3"}
    order = plan(listed(before), {"000004": changes})
    after = write_cpl(before, order)
    columns = re.findall(rb'<c r="([A-Z]+)', rows_of(after, LIST)[row])
    assert columns == re.findall(rb'<c r="([A-Z]+)', cells.encode())
    assert compare(before, after, order) == ()


def test_a_changed_cell_keeps_its_own_format(before):
    row = next(one.row for one in listed(before).products if one.number == "000004")
    before = with_part(before, LIST, f'<c r="C{row}" s="0"', f'<c r="C{row}" s="3"')
    after = write_cpl(before, plan(listed(before), {"000004": {"Entry.status": "Removed"}}))
    assert f'<c r="C{row}" s="3" t="inlineStr"><is><t>Removed</t></is></c>'.encode() in rows_of(after, LIST)[row]


def test_the_new_version_looks_like_most_versions(before):
    frame = [f'<row r="{n}">{"".join(f"""<c r="{c}{n}" s="{s}"><v>1</v></c>""" for c in "ABC")}</row>' for n, s in
             ((13, 3), (14, 2))]  # fmt: skip
    ended = "".join(frame).replace('<c r="A14" s="2"><v>1</v>', '<c r="A14" s="2" t="str"><v>3.000</v>')
    before = with_part(before, HISTORY, "</sheetData>", f"{ended}</sheetData>")
    after = write_cpl(before, plan(listed(before), new=[{}]))
    assert re.findall(rb'<c r="[ABC]15" s="(\d)"', rows_of(after, HISTORY)[15]) == [b"3"] * 3


def test_line_breaks_and_blanks_are_kept():
    assert text_cell(3, 13, None, "a\nb") == b'<c r="C13" t="inlineStr"><is><t xml:space="preserve">a\nb</t></is></c>'
    assert text_cell(3, 13, 0, "a") == b'<c r="C13" s="0" t="inlineStr"><is><t>a</t></is></c>'


def test_a_longer_log_has_a_taller_row(before):
    old = listed(before)
    heights = []
    for log in (("short",), ("x" * 96,), ("a", "b", "c"), ("line",) * 400):
        after = write_cpl(before, plan(old, new=[{}], log=log))
        heights.append(float(re.search(rb'ht="([^"]*)"', rows_of(after, HISTORY)[13])[1]))
    assert heights == [14.5, 29.0, 43.5, 409.5]


def test_the_second_version_follows_the_first(before, after):
    order = plan(listed(after), {"000004": {CERTIFICATE: "[R] 1"}}, [{}])
    second = write_cpl(after, order)
    assert listed(second).version == "3.002"
    assert compare(after, second, order) == ()
    assert [row[0] for row in grid(second, VERSION_TAB)[-3:]] == ["3.000", "3.001", "3.002"]


def test_a_date_column_without_a_date_format_gets_text(before):
    package = Package.read(before)
    part = package.part(LIST)
    plain = re.sub(rb'(<c r="N\d+") s="6"', rb'\1 s="0"', part)
    assert plain != part
    before = package.put(LIST, plain).to_bytes()
    order = plan(listed(before), new=[{EXPIRY: "02/03/2030"}])
    after = write_cpl(before, order)
    assert grid(after, LIST_TAB)[-1][13] == "02/03/2030"


def test_an_empty_column_takes_the_format_of_the_column(before):
    part = Package.read(before).part(LIST)
    without = re.sub(rb'<c r="N(?!1"|2")\d+"[^>]*?(?:/>|>.*?</c>)', b"", part)
    own = without.replace(b'<col min="14" max="14" width="24"', b'<col min="14" max="14" width="24" style="6"')
    assert own != without != part
    before = Package.read(before).put(LIST, own).to_bytes()
    order = plan(listed(before), new=[{EXPIRY: "02/03/2030"}])
    after = write_cpl(before, order)
    assert grid(after, LIST_TAB)[-1][13] == date(2030, 3, 2)


def test_entries_are_counted_one_after_another():
    many = cpl_workbook([{**one.values} for one in listed(sample_cpl()).products[:3]])
    after = write_cpl(many, plan(listed(many), new=[{}] * 12))
    rows = [one.row for one in listed(after).products]
    assert all(two == one + 1 for one, two in pairwise(rows))
    assert len(rows) == 15


@pytest.mark.real
@pytest.mark.parametrize("name", ["Central-Products-List_2.051.xlsm", "CPL_3.000_derived.xlsm"])
def test_the_real_list(name):
    path = REAL / name
    if not path.is_file():
        pytest.skip(f"the real list {name} is not beside the checkout")
    before = path.read_bytes()
    order = three_things(listed(before))
    after = write_cpl(before, order)
    has_line = not name.startswith("Central")
    assert changed_parts(before, after) == (TABS if has_line else [HISTORY, LIST, CSV])
    touched = {one.before.row for one in order.difference.changes if one.before}
    assert len(touched) > 20
    old, new = rows_of(before, LIST), rows_of(after, LIST)
    assert {number for number in old if old[number] != new[number]} == touched
    assert len(new) == len(old) + 3
    history = rows_of(before, HISTORY)
    assert [number for number, row in history.items() if rows_of(after, HISTORY)[number] != row] in ([3], [3, 357])
    assert compare(before, after, order) == ()
    assert listed(after).products[-1] == order.difference.changes[-1].after
