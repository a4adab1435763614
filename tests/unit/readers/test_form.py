"""The form of a workbook: fields by their pair of names, the tab by its name, answers as they are stored."""

from datetime import date, datetime

import pytest

from pipeline.domain.form import Cell, CellKind, Form
from pipeline.domain.message import Problem
from pipeline.readers.child import Forked
from pipeline.readers.form import is_form_name, read_form
from pipeline.readers.jobs import ChildLimits
from tests import builders as b
from tests.builders import FORM_TAB, HOSTILE, Package, good_answers, new_entry_form, sample_cpl, spoil

FIRMWARE = "Device_Model.firmware_version"
REVISION = "Device_Model.hardware_version.revision"
EXPIRY = "CPA_Certificate.expiry_date"


def read(*faults: b.Fault, **answers: b.Value) -> Form:
    return read_form(spoil(new_entry_form(good_answers(**answers)), *faults))


def cell(form: Form, field: str) -> Cell:
    (row,) = [row for row in form.rows if row.field == field]
    return row.answer


def problem(data: bytes) -> Problem:
    form = read_form(data)
    assert (form.tab, form.tabs, form.rows, form.macro) == ("", (), (), "")
    (found,) = form.problems
    return found


def texts(form: Form) -> dict[str, str]:
    return {row.field: row.answer.text for row in form.rows}


def test_a_good_form():
    answers = good_answers(image=True)
    form = read_form(new_entry_form(answers, keep_list=True))
    assert form.tab == FORM_TAB
    assert [tab.name for tab in form.tabs] == [b.VERSION_TAB, FORM_TAB, b.LIST_TAB, b.CSV_TAB]
    assert form.version == "Version 3.000 Issued on 07-11-2024"
    assert [row.field for row in form.rows] == [field.name for field in b.FORM_FIELDS]
    assert {name: text for name, text in texts(form).items() if not name.startswith("Entry.")} == {
        name: answers.get(name, "") for name in b.fields()
    }
    assert [row.number for row in form.rows] == list(range(7, 7 + len(b.FORM_FIELDS)))
    assert [row.answer.ref for row in form.rows] == [f"G{row.number}" for row in form.rows]
    assert [row.texts for row in form.rows] == [b.field_texts(field) for field in b.FORM_FIELDS]
    assert (form.macro_enabled, form.signatures, form.like, form.problems) == (True, 0, (), ())
    assert not any(row.hidden for row in form.rows)


def test_shared_and_inline_texts_read_alike():
    answers = good_answers()
    assert texts(read_form(new_entry_form(answers, shared=True))) == texts(read_form(new_entry_form(answers)))


@pytest.mark.parametrize("fault", [b.reverse_rows(), b.move_rows_down(40), b.stray_cell("H9", "x"), b.prefixed()])
def test_fields_are_found_by_their_names_wherever_they_stand(fault):
    assert texts(read(fault)) == texts(read())


def test_moved_rows_keep_their_true_numbers():
    form = read(b.move_rows_down(3))
    assert [(row.number, row.answer.ref) for row in form.rows][:2] == [(10, "G10"), (11, "G11")]


def test_rows_that_are_missing_repeated_added_or_hidden():
    form = read(
        b.add_row("Own", "idea", "mine"),
        b.repeat_row(FIRMWARE, "FF:FF:FF:FF"),
        b.hide_row(REVISION),
        b.drop_row("Device_Type.name"),
    )
    named = [row.field for row in form.rows]
    assert "Device_Type.name" not in named
    assert [row.answer.text for row in form.rows if row.field == FIRMWARE] == ["0C:03:0C:22", "FF:FF:FF:FF"]
    assert named[-2:] == ["Own.idea", FIRMWARE]
    assert [row.field for row in form.rows if row.hidden] == [REVISION]


def test_an_answer_beside_no_field_is_a_row_too():
    form = read(b.add_row("", "", "what is this?"))
    assert (form.rows[-1].field, form.rows[-1].answer.text) == (".", "what is this?")


def test_names_of_fields_are_read_without_their_blanks():
    form = read(b.column_text(FIRMWARE, "A", " Device_Model\n"), b.column_text(FIRMWARE, "C", " changed "))
    (row,) = [row for row in form.rows if row.field == FIRMWARE]
    assert row.texts[0] == " changed "


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ("00", CellKind.TEXT, "00"),
        ("1E5", CellKind.TEXT, "1E5"),
        ("10E0", CellKind.TEXT, "10E0"),
        ("0C:03:0C:22 \n", CellKind.TEXT, "0C:03:0C:22 \n"),
        ("a\rb_x0041_", CellKind.TEXT, "a\rb_x0041_"),
        (12, CellKind.NUMBER, "12"),
        (10e0, CellKind.NUMBER, "10"),
        (0.5, CellKind.NUMBER, "0.5"),
        (True, CellKind.BOOLEAN, "TRUE"),
        (date(2029, 10, 25), CellKind.DATE, "25/10/2029"),
        (datetime(2029, 10, 25, 18, 30), CellKind.DATE, "25/10/2029 18:30:00"),  # noqa: DTZ001 - cells have no zone
        (None, CellKind.EMPTY, ""),
        ("", CellKind.EMPTY, ""),
    ],
)
def test_answers_are_what_is_stored(value, kind, text):
    for shared in (False, True):
        form = read_form(new_entry_form({FIRMWARE: value}, shared=shared))
        found = cell(form, FIRMWARE)
        assert (found.kind, found.text, found.formula) == (kind, text, False)


def test_formulas_errors_rich_and_phonetic_texts():
    assert cell(read(b.formula(FIRMWARE)), FIRMWARE) == Cell("G14", CellKind.TEXT, "0C:03:0C:22", formula=True)
    assert cell(read(b.formula(FIRMWARE, cached="")), FIRMWARE) == Cell("G14", CellKind.EMPTY, "", formula=True)
    assert cell(read(b.error_cell(FIRMWARE)), FIRMWARE) == Cell("G14", CellKind.ERROR, "#N/A")
    assert cell(read(b.rich_text(FIRMWARE, "0C:", "03:0C:22")), FIRMWARE).text == "0C:03:0C:22"
    assert cell(read(b.phonetic_text(FIRMWARE, "0C:03:0C:22")), FIRMWARE).text == "0C:03:0C:22"


def test_dates_of_a_workbook_that_counts_from_1904():
    form = read(b.date_1904(), b.answer(EXPIRY, date(2025, 10, 24)))
    assert cell(form, EXPIRY) == Cell("G19", CellKind.DATE, "25/10/2029")


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("CPL - New Entry", True),
        ("CPL – New Entry", True),
        ("CPL — New Entry", True),
        ("CPL-New Entry", True),
        (" CPL  - New\u00a0Entry ", True),
        ("CPL - new entry", False),
        ("CPL New Entry", False),
        ("CPL - New Entry (2)", False),
        ("CPL - New Entry 1", False),
        ("", False),
    ],
)
def test_which_name_the_tab_may_have(name, ours):
    assert is_form_name(name) is ours


def test_a_tab_with_an_en_dash_is_the_form():
    form = read(b.en_dash_tab())
    assert (form.tab, form.like, form.problems) == ("CPL – New Entry", (), ())


def test_a_renamed_tab_is_read_under_its_own_name():
    form = read(b.rename_tab("Sheet1"))
    assert (form.tab, form.like) == ("Sheet1", ())
    assert texts(form) == texts(read())


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_tab_is_told(state):
    assert [(tab.name, tab.state) for tab in read(b.tab_state(state)).tabs] == [(FORM_TAB, state)]


def test_two_tabs_like_a_form_are_both_told():
    assert read(b.second_form_tab()).like == (f"{FORM_TAB} (2)",)
    twice = read(b.second_form_tab(FORM_TAB))
    assert [tab.name for tab in twice.tabs] == [FORM_TAB, FORM_TAB]
    assert twice.like == (FORM_TAB,)
    renamed = read(b.rename_tab("First"), b.second_form_tab("Second"))
    assert (renamed.tab, renamed.like) == ("First", ("Second",))


def test_the_named_tab_wins_over_one_that_only_looks_so():
    form = read(b.second_form_tab("Copy"), b.rename_tab("Other"), b.answer(FIRMWARE, "11:11:11:11"))
    assert form.tab == "Other"
    named = read(b.rename_tab("Other"), b.second_form_tab(FORM_TAB), b.answer(FIRMWARE, "22:22:22:22"))
    assert (named.tab, named.like) == (FORM_TAB, ("Other",))
    assert cell(named, FIRMWARE).text == "22:22:22:22"


def test_other_tabs_are_free():
    form = read(b.add_tab("Notes"), b.add_tab("Data Group"))
    assert [tab.name for tab in form.tabs] == [FORM_TAB, "Notes", "Data Group"]
    assert (form.tab, form.like, form.problems) == (FORM_TAB, (), ())


def test_a_workbook_without_a_form():
    form = read_form(spoil(sample_cpl(), b.dropped_tabs(FORM_TAB)))
    assert (form.tab, form.rows, form.version, form.problems) == ("", (), "", ())
    assert len(form.tabs) == 3


def test_a_tab_of_the_right_name_without_rows_is_a_problem():
    form = read_form(spoil(sample_cpl(), b.dropped_tabs(FORM_TAB), b.add_tab(FORM_TAB)))
    assert (form.tab, form.rows) == (FORM_TAB, ())
    assert form.problems == (
        Problem(
            "damaged", "the tab 'CPL - New Entry' has no rows below the headings 'Data Group' and 'Data Attribute'"
        ),
    )


@pytest.mark.parametrize("text", ["Version 3.001 Issued on 01-02-2025", "", None])
def test_the_version_is_what_a2_says(text):
    assert read(b.version_text(text)).version == (text or "")


def test_the_kind_of_file_and_its_macro():
    published = read()
    assert len(published.macro) == 64
    assert (published.macro_enabled, read(b.xlsx_content_type()).macro_enabled) == (True, False)
    assert read(b.without_macro()).macro == ""
    assert read(b.as_xlsx()).macro_enabled is False
    assert len({published.macro, read(b.other_macro()).macro}) == 2


def test_a_copy_of_the_published_macro_does_not_speak_for_another_one():
    package = Package.read(new_entry_form(good_answers()))
    macro, rels = "xl/vbaProject.bin", "xl/_rels/workbook.xml.rels"
    decoy = package.put("customXml/vbaProject.bin", package.part(macro)).put("xl/other.bin", b"not the published one")
    decoy = decoy.drop([macro]).put(rels, package.part(rels).replace(b"vbaProject.bin", b"other.bin"))
    found = read_form(decoy.to_bytes()).macro
    assert read().macro in found
    assert found != read().macro


@pytest.mark.parametrize("count", [0, 1, 3])
def test_signature_parts_are_counted(count):
    assert read(b.signature_parts(count)).signatures == count


@pytest.mark.parametrize("ref", ["IW7", "XFD7"])
def test_a_value_far_to_the_right_is_met_as_a_limit(ref):
    found = problem(spoil(new_entry_form(good_answers()), b.stray_cell(ref, "x")))
    assert found.kind == "limit"
    assert f"a value in {ref}, far outside the form" in found.text


def test_a_value_far_below_is_met_as_a_limit_and_an_empty_cell_is_not():
    assert read(b.move_rows_down(1_900)).problems == ()
    assert read(b.move_rows_down(1_980)).problems[0].kind == "limit"
    assert read(b.stray_cell("XFD7", None)).problems == ()


def test_a_form_behind_many_empty_rows_is_read_whole():
    package = Package.read(new_entry_form(good_answers()))
    empty = b"".join(b'<row r="%d"/>' % number for number in range(1_000, 9_000))
    for part in package.names():
        if part.startswith("xl/worksheets/sheet"):
            package = package.put(part, package.part(part).replace(b"</sheetData>", empty + b"</sheetData>"))
    assert texts(read_form(package.to_bytes())) == texts(read())


EXPECTED = {
    "billion-laughs": "damaged",
    "deep-nesting": "damaged",
    "duplicate-part": "damaged",
    "empty": "damaged",
    "encrypted": "encrypted",
    "external-entity": "damaged",
    "far-cell": "limit",
    "huge-shared-string": "limit",
    "many-parts": "limit",
    "mismatched-names": "damaged",
    "not-a-workbook": "damaged",
    "traversal-names": "damaged",
    "truncated": "damaged",
    "understated-size": "damaged",
    "zip-bomb": "limit",
}


def test_every_hostile_file_has_an_expectation():
    assert EXPECTED.keys() == HOSTILE.keys()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_workbook_is_one_problem_in_words(name):
    form = Forked(ChildLimits(wall=5.0, memory=256 << 20)).form(HOSTILE[name]())
    assert isinstance(form, Form)
    (found,) = form.problems
    assert found.kind == EXPECTED[name]
    assert 20 < len(found.text) < 250
    assert form.rows == ()
