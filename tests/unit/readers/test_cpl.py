"""The list in force: its version, its template and its entries, or a Problem that says why it is no CPL."""

import hashlib
from pathlib import Path

import pytest

from pipeline.domain.product import DeviceModel, ProductList
from pipeline.readers.cpl import CplReading, model_of, read_cpl
from tests import builders as b
from tests.builders import FORM_TAB, LIST_TAB, VERSION_TAB, Package, cpl_workbook, sample_cpl, spoil

REAL = Path(__file__).parents[3].parent / "shared" / "real"
LIST_PART = "xl/worksheets/sheet3.xml"
FORM_PART = "xl/worksheets/sheet2.xml"


def in_part(part: str, old: str, new: str) -> bytes:
    package = Package.read(sample_cpl())
    before = package.part(part)
    after = before.replace(old.encode(), new.encode(), 1)
    assert after != before
    return package.put(part, after).to_bytes()


def why(data: bytes) -> str:
    reading = read_cpl(data)
    assert (reading.template, reading.products) == (None, ())
    (problem,) = reading.problems
    return problem.text


def template(data: bytes):
    reading = read_cpl(data)
    assert reading.problems == ()
    assert reading.template is not None
    return reading.template


def test_the_sample_list():
    data = sample_cpl()
    reading = read_cpl(data)
    found = template(data)
    assert (found.version, found.issued) == ("3.000", "07-11-2024")
    assert found.artefact == hashlib.sha256(data).hexdigest()
    assert found.fields == tuple(field.name for field in b.FORM_FIELDS)
    assert found.texts == {field.name: b.field_texts(field) for field in b.FORM_FIELDS}
    assert found.lists == {field.name: field.options for field in b.FORM_FIELDS if field.options}
    assert found.placeholders == {"Entry.number": b.ALLOCATED, "Entry.status": b.ALLOCATED}
    assert found.macro == hashlib.sha256(Package.read(data).part("xl/vbaProject.bin")).hexdigest()
    assert [product.number for product in reading.products] == [entry["Entry.number"] for entry in b.sample_entries()]


def test_entries_are_what_the_list_says_dates_and_removed_ones_included():
    written = {entry["Entry.number"]: entry for entry in b.sample_entries()}
    products = read_cpl(sample_cpl()).products
    assert {product.number: dict(product.values) for product in products} == written
    assert {product.status for product in products} == {"Current", "Removed"}
    assert [product.row for product in products] == list(range(8, 8 + len(written)))
    first = products[0]
    assert first.model == DeviceModel("E1:01", "43:10", "01", "0A", "01:00:00:10")
    listed = ProductList("", "3.000", products)
    assert [product.number for product in listed.with_model(first.model)] == [first.number]


def test_the_version_may_stand_in_version_control_only():
    found = template(spoil(sample_cpl(), b.version_text(None)))
    assert (found.version, found.issued) == ("3.000", "07-11-2024")


def test_another_version():
    found = template(cpl_workbook([], version="12.017", issued="01-02-2031"))
    assert (found.version, found.issued) == ("12.017", "01-02-2031")
    assert read_cpl(cpl_workbook([])).products == ()


@pytest.mark.parametrize(
    ("old", "new", "listed"),
    [
        ('sqref="G9"', 'sqref="F9:H9"', True),
        ('sqref="G9"', 'sqref="A1 G9"', True),
        ('sqref="G9"', 'sqref="G1:G9999999"', True),
        ('sqref="G9"', 'sqref="H9"', False),
        ('sqref="G9"', 'sqref="G99999999999"', False),
        ('type="list" allowBlank="1" showErrorMessage="1" sqref="G9"', 'type="whole" sqref="G9"', False),
    ],
)
def test_drop_downs_are_found_by_the_area_they_are_on(old, new, listed):
    found = template(in_part(FORM_PART, old, new))
    assert (found.lists.get("Device_Type.name", ()) != ()) is listed


@pytest.mark.parametrize(
    ("formula", "values"),
    [
        ('"one, two ,,""three"""', ("one", "two", '"three"')),
        (f"'{VERSION_TAB}'!$A$11:$A$12", ("1.0", "3.000")),
        ("$B$9:$B$10", ("name", "manufacturer_identifier")),
        ("'No such tab'!$A$1:$A$2", None),
        ("INDIRECT(A1)", None),
        ("$A$1:$A$99999999999", None),
    ],
)
def test_a_drop_down_may_point_at_cells(formula, values):
    package = Package.read(sample_cpl())
    sheet = package.part(FORM_PART).decode()
    head, _, rest = sheet.partition('sqref="G9"><formula1>')
    data = package.put(FORM_PART, f'{head}sqref="G9"><formula1>{formula}<{rest.partition("<")[2]}'.encode()).to_bytes()
    assert template(data).lists.get("Device_Type.name") == values


def test_an_entry_number_that_became_a_number_keeps_its_zeros():
    sheet = Package.read(sample_cpl()).part(LIST_PART).decode()
    cell = sheet[sheet.index('<c r="B8"') :].partition("</c>")[0] + "</c>"
    reading = read_cpl(in_part(LIST_PART, cell, '<c r="B8"><v>1</v></c>'))
    assert reading.products[0].number == "000001"


def test_an_entry_without_a_number_is_never_skipped():
    sheet = Package.read(sample_cpl()).part(LIST_PART).decode()
    cell = sheet[sheet.index('<c r="B9"') :].partition("</c>")[0] + "</c>"
    assert why(in_part(LIST_PART, cell, "")) == (
        "row 9 of the tab 'Central Products List' has a Device Model but no six-digit Entry.number"
    )


def test_hardware_octets_that_became_numbers_get_their_zero_back():
    assert model_of(["e1:01", "00:0a", "7", "0", "0c:03:0c:22"]) == DeviceModel(
        "E1:01", "00:0A", "07", "00", "0C:03:0C:22"
    )
    assert model_of(["", "", "A", "37", ""]) == DeviceModel("", "", "A", "37", "")


def with_column(data: bytes, group: str) -> bytes:
    """The workbook with the last column of its list headed otherwise."""
    package = Package.read(data)
    strings = package.part("xl/sharedStrings.xml")
    assert strings.count(b">Zigbee_Properties<") == 1
    return package.put(
        "xl/sharedStrings.xml", strings.replace(b">Zigbee_Properties<", f">{group}<".encode())
    ).to_bytes()


@pytest.mark.parametrize(
    "group", ["Device_ZigBee_Information_Repository", "DEVICE_ZIGBEE_INFORMATION_REPOSITORY", "Contact-CPA"]
)
def test_a_list_that_publishes_what_is_red_or_personal_is_not_read(group):
    text = why(with_column(sample_cpl(), group))
    assert f"row 28 of the tab '{LIST_TAB}' has a value in the column '{group}.Bands_Join'" in text
    assert "take the column out" in text
    assert "GHz" not in text


def test_such_a_column_without_values_is_no_column():
    entries = [entry for entry in b.sample_entries() if entry["Entry.number"] < "000024"]
    data = with_column(cpl_workbook(entries), "Device_ZigBee_Information_Repository")
    assert [dict(product.values) for product in read_cpl(data).products] == [dict(entry) for entry in entries]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not an Excel workbook"),
        (b.encrypted_workbook(), "password"),
        (spoil(sample_cpl(), b.rename_tab("Form")), f"no readable tab '{FORM_TAB}'"),
        (spoil(sample_cpl(), b.dropped_tabs(FORM_TAB)), f"no readable tab '{FORM_TAB}'"),
        (spoil(sample_cpl(), b.dropped_tabs(LIST_TAB)), f"the tab '{LIST_TAB}' cannot be read"),
        (spoil(sample_cpl(), b.version_text("3.000"), b.dropped_tabs(VERSION_TAB)), "nowhere which version"),
        (in_part("xl/sharedStrings.xml", '<t xml:space="preserve">Data Group</t>', "<t>Group</t>"), "no readable tab"),
        (
            in_part("xl/sharedStrings.xml", ">firmware_version<", ">firmware<"),
            "lacks the Entry or Device_Model columns",
        ),
        (b.truncated(sample_cpl()), "not an Excel workbook"),
        (b.zip_bomb(), "more than 400 times its size"),
    ],
)
def test_what_is_no_cpl_says_why(data, words):
    assert words in why(data)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "version", "fields", "macro"),
    [("CPL_3.000_derived.xlsm", "3.000", 37, 64), ("Central-Products-List_2.051.xlsm", "2.051", 33, 64)],
)
def test_the_real_lists(name, version, fields, macro):
    if not (REAL / name).is_file():
        pytest.skip(f"the real list is not beside this checkout (../shared/real/{name})")
    reading: CplReading = read_cpl((REAL / name).read_bytes())
    assert reading.problems == ()
    assert reading.template is not None
    assert (reading.template.version, len(reading.template.fields)) == (version, fields)
    assert len(reading.template.macro) == macro
    assert len(reading.template.lists) == (7 if version == "3.000" else 6)
    assert len(reading.products) == 729
    assert {len(str(product.model)) for product in reading.products} == {5 + 5 + 2 + 2 + 11 + 4}
    assert [product.number for product in reading.products] == sorted(product.number for product in reading.products)
