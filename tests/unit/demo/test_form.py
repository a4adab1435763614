import io
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from tests.builders import FORM_FIELDS, FORM_TAB, Package, Value, good_answers, new_entry_form, sample_cpl

REAL = Path(__file__).resolve().parents[3].parent / "shared" / "real" / "CPL_3.000_derived.xlsm"
FIRMWARE = "Device_Model.firmware_version"
EXPIRY = "CPA_Certificate.expiry_date"


def read(data: bytes) -> dict[str, object]:
    book = openpyxl.load_workbook(io.BytesIO(data), keep_vba=True)
    return {f"{row[0]}.{row[1]}": row[6] for row in book[FORM_TAB].iter_rows(min_row=7, max_col=7, values_only=True)}


@pytest.fixture(params=["sample", pytest.param("real", marks=pytest.mark.real)])
def base(request) -> bytes:
    if request.param == "sample":
        return sample_cpl()
    if not REAL.exists():
        pytest.skip(f"the evidence {REAL.name} is not beside this checkout (../shared/real)")
    return REAL.read_bytes()


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("keep_list", [False, True])
def test_the_answers_stand_in_column_g(base, keep_list, shared):
    answers = good_answers(image=True)
    data = new_entry_form(answers, base, keep_list=keep_list, shared=shared)
    got = read(data)
    assert {field: got[field] for field in answers} == answers
    assert set(got) == {field.name for field in FORM_FIELDS}
    names = CalamineWorkbook.from_filelike(io.BytesIO(data)).sheet_names
    assert names == [FORM_TAB] if not keep_list else len(names) == 4


def test_only_the_sheet_of_the_form_is_written_anew(base):
    before, after = Package.read(base), Package.read(new_entry_form(good_answers(), base, keep_list=True))
    assert before.names() == after.names()
    changed = [a.name for b, a in zip(before.entries, after.entries, strict=True) if (b.raw, b.crc) != (a.raw, a.crc)]
    assert changed == ["xl/worksheets/sheet2.xml"]


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("00", "00"),
        ("1E5", "1E5"),
        (12, 12),
        (1.5, 1.5),
        (True, True),
        (None, None),
        (date(2029, 10, 25), datetime(2029, 10, 25)),  # noqa: DTZ001 - openpyxl knows no time zones
        (datetime(2029, 10, 25, 12, tzinfo=UTC), datetime(2029, 10, 25, 12)),  # noqa: DTZ001 - the same
        (" Quillmoor & <Sons> \n", " Quillmoor & <Sons> \n"),
        ("Østermarker ≤ 5", "Østermarker ≤ 5"),
    ],
    ids=repr,
)
def test_values_are_stored_as_what_they_are(base, value: Value, stored):
    assert read(new_entry_form({EXPIRY: value}, base))[EXPIRY] == stored


@pytest.mark.parametrize("text", ["line\rend", "a\x01b", "_x0041_"])
def test_what_xml_cannot_carry_is_written_the_spreadsheet_way(text):
    data = new_entry_form({FIRMWARE: text})
    rows = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name(FORM_TAB).to_python()
    assert [row[6] for row in rows if row[1] == "firmware_version"] == [text]


def test_a_field_without_a_row_is_named():
    with pytest.raises(ValueError, match=r"no row for Device_Model\.firmware$"):
        new_entry_form({"Device_Model.firmware": "00"})


def test_the_same_answers_give_the_same_bytes():
    assert new_entry_form(good_answers()) == new_entry_form(good_answers())
