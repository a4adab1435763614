"""Existing FIR, DZIR and contacts: columns by their headings, numbers with their zeros, and no value in any Problem."""

import io

import pytest
from openpyxl import Workbook

from pipeline.demo.compound import compound_file
from pipeline.readers.child import Forked
from pipeline.readers.repository import HISTORIC, read_contacts, read_dzir, read_fir
from tests.sheets import sheet_workbook

FIR_HEAD = (
    "CPL Reference",
    "Manufacturer",
    "Contact Details",
    "Manufacturer Firmware Description / Information",
    "Firmware Upgrade Path",
)
DZIR_HEAD = ("CPL Reference", "ZigBee Stack Vendor", "ZigBee Stack Version")
QUOTED = "Zzyzxvendor"


def workbook(*rows, before=()):
    """Return a workbook with the rows in its last tab; before: those of a tab in front."""
    book = Workbook()
    for row in before:
        book.active.append(row)
    sheet = book.create_sheet("data")
    for row in rows:
        sheet.append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def held(reading):
    return [(row.number, dict(row.values)) for row in reading.rows]


def texts(reading):
    return [problem.text for problem in reading.problems]


def test_a_fir_as_the_guidance_shows_it():
    notice = ("This document is classified as Green.",)
    row = ("000633", "Example Name", "36, Example Street\nUK", "General release", "000626; 000630")
    reading = read_fir(workbook(notice, (), ("CPL Firmware Information Repository",), FIR_HEAD, row))
    assert reading.problems == ()
    assert held(reading) == [
        (
            "000633",
            {
                "Manufacturer Contact FIR.Company Name": "Example Name",
                "Manufacturer Contact FIR.Contact Details": "36, Example Street\nUK",
                "FIR Release Notes.Description": "General release",
                "Firmware_Upgrade.Path": "000626; 000630",
            },
        )
    ]


def test_columns_stand_anywhere_under_headings_written_a_little_otherwise():
    head = ("zigbee stack VERSION", "note", "CPL\nReference ", "ZigBee Stack  Vendor")
    reading = read_dzir(workbook(("", "", "", ""), head, ("R22", "x", 635, "NXP"), before=[["a list"], ["of things"]]))
    assert held(reading) == [
        (
            "000635",
            {
                "Device_ZigBee_Information_Repository.Stack_Vendor": "NXP",
                "Device_ZigBee_Information_Repository.Stack_Version": "R22",
            },
        )
    ]
    assert texts(reading) == ["the DZIR has no field for column B, headed in row 2"]


def test_a_fir_from_before_upgrade_paths():
    reading = read_fir(workbook(FIR_HEAD[:-1], ("000633", "Example Name", "UK", "General release")))
    assert reading.problems == ()
    assert "Firmware_Upgrade.Path" not in reading.rows[0].values


def test_numbers_dates_and_truths_that_a_spreadsheet_made_of_texts():
    from datetime import UTC, datetime

    moment = datetime(2026, 2, 1, tzinfo=UTC).replace(tzinfo=None)
    reading = read_dzir(workbook(DZIR_HEAD, (1, 22, 1.25), ("2", True, moment), ("000003", " a\r\nb ", "")))
    values = [tuple(row.values.values()) for row in reading.rows]
    assert [row.number for row in reading.rows] == ["000001", "000002", "000003"]
    assert values == [("22", "1.25"), ("TRUE", "01/02/2026"), ("a\nb",)]


def test_marks_and_empty_rows_say_nothing():
    rows = (("000001", HISTORIC, HISTORIC), ("", "", ""), ("000002", "NXP", HISTORIC), ("000003",))
    assert held(read_dzir(workbook(DZIR_HEAD, *rows))) == [
        ("000002", {"Device_ZigBee_Information_Repository.Stack_Vendor": "NXP"})
    ]


def test_rows_that_cannot_be_used_are_named_and_the_others_read():
    rows = (("000001", "a", "b"), ("1", QUOTED, "c"), (QUOTED, "d", "e"), ("", QUOTED, ""), ("0000002", "f", "g"))
    reading = read_dzir(workbook((), DZIR_HEAD, *rows))
    assert [row.number for row in reading.rows] == ["000001"]
    assert texts(reading) == [
        "entry 000001 stands twice in the DZIR, in rows 3 and 4",
        "row 5 of the DZIR has no CPL entry number of up to six digits",
        "row 6 of the DZIR has no CPL entry number of up to six digits",
        "row 7 of the DZIR has no CPL entry number of up to six digits",
    ]


def test_a_row_of_the_historic_mark_counts_when_a_number_stands_twice():
    reading = read_dzir(workbook(DZIR_HEAD, ("000001", HISTORIC, HISTORIC), ("000001", "NXP", "R22")))
    assert (reading.rows, len(reading.problems)) == ((), 1)


def test_problems_without_end_are_counted():
    reading = read_dzir(workbook(DZIR_HEAD, *((f"x{n}", "a", "b") for n in range(50))))
    assert len(reading.problems) == 21
    assert reading.problems[-1].text == "30 more rows of the DZIR could not be used"


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (DZIR_HEAD[:2], "has no row with the headings 'CPL Reference', 'ZigBee Stack Vendor', 'ZigBee Stack Version'"),
        ((*DZIR_HEAD, "CPL reference"), "once each"),
        ((*DZIR_HEAD, DZIR_HEAD[2]), "once each"),
    ],
)
def test_headings_that_are_missing_or_repeated(head, words):
    reading = read_dzir(workbook(head, ("000001", QUOTED, QUOTED)))
    assert reading.rows == ()
    assert words in reading.problems[0].text
    assert QUOTED not in repr(reading)


@pytest.mark.parametrize("read", [read_fir, read_dzir])
@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"", "damaged", "is damaged"),
        (QUOTED.encode(), "damaged", "is damaged"),
        (workbook(DZIR_HEAD)[:-40], "damaged", "is damaged"),
        (compound_file({"EncryptedPackage": b"x"}), "encrypted", "password"),
        (compound_file({"Workbook": QUOTED.encode()}), "unsupported", "not an Excel workbook"),
        (sheet_workbook(f'<row r="1"><c r="A1" t="{QUOTED}"><v>1</v></c></row>'), "damaged", "cannot be read"),
        (sheet_workbook("", sheet=f"<worksheet><{QUOTED}></worksheet>"), "", ""),
    ],
    ids=["empty", "text", "cut", "encrypted", "xls", "unknown-type", "no-xml"],
)
def test_what_is_no_repository_is_said_without_its_content(read, data, kind, words):
    reading = read(data)
    (problem,) = reading.problems
    assert reading.rows == ()
    assert words in problem.text
    assert not kind or problem.kind == kind
    assert QUOTED not in repr(reading)


CONTACT = {
    "Contact-CPA.Contact.contact name": "Zoë Müller",
    "Contact-CPA.Contact.contact telephone": "+44 20 7946 0000",
    "Contact-CPA.Contact.contact email": "z@example.com; y@example.org",
}
LINE = "000007,Zoë Müller,+44 20 7946 0000,z@example.com; y@example.org\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize(
    "head",
    [
        "Entry number,Name,Telephone,Email",
        "Entry.number,Contact name,Contact telephone,Contact email",
        "CPL Reference,NAME,telephone,E-mail",
        ",".join(("Entry.number", *CONTACT)),
    ],
)
def test_contacts_as_csv(head, encoding):
    reading = read_contacts(f"{head}\r\n{LINE}".encode(encoding))
    assert reading.problems == ()
    assert held(reading) == [("000007", CONTACT)]
    assert "Zo" not in repr(reading)


def test_contacts_as_a_workbook_with_more_columns():
    head = ("Company", "Entry number", "Name", "Telephone", "Email")
    reading = read_contacts(workbook(head, ("Quillmoor", 7, *CONTACT.values())))
    assert (reading.problems, held(reading)) == ((), [("000007", CONTACT)])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no row with the headings 'Entry number', 'Name', 'Telephone', 'Email'"),
        (b"Entry number,Name,Telephone,Email\n\x81\x8d", "neither an Excel workbook nor CSV text"),
        (b'Entry number,Name,Telephone,Email\n1,"' + b"x" * 200_000 + b'",,\n', "cannot be read as CSV"),
    ],
)
def test_contacts_that_cannot_be_read(data, words):
    reading = read_contacts(data)
    assert reading.rows == ()
    assert words in reading.problems[0].text


def test_they_are_read_behind_the_wall():
    readers = Forked()
    assert held(readers.contacts(f"Entry number,Name,Telephone,Email\n{LINE}".encode())) == [("000007", CONTACT)]
    assert held(readers.dzir(workbook(DZIR_HEAD, ("000001", "NXP", "R22"))))[0][0] == "000001"
    assert held(readers.fir(workbook(FIR_HEAD, ("000001", "Name", "", "", "NA"))))[0][0] == "000001"


def test_a_far_cell_ends_in_a_problem_behind_the_wall():
    reading = Forked().dzir(
        sheet_workbook('<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')
    )
    assert getattr(reading, "kind", "") in {"crash", "memory"}
