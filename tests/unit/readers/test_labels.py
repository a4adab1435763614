"""Values by their label: where a value may stand, where it ends, and what is not one."""

import pytest

from tests.papers import models, read, said

ZSE = "Connectivity Standards Alliance: Smart Energy Certificate\n\n"
CPA = "Commercial Product Assurance, NCSC Certificate, Foundation Grade\n\n"
LETTER = "Dear colleague, the NCSC writes about the CPA scheme, Risk Review.\n\n"


@pytest.mark.parametrize(
    "drawn",
    [
        "Firmware Version: 0C:03:0C:22",
        "Firmware Version 0C:03:0C:22",
        "FIRMWARE VERSION:0C:03:0C:22",
        "Firmware Version = 0C:03:0C:22",
        "Firmware Version .......... 0C:03:0C:22",
        "Firmware Version (hexadecimal): 0C:03:0C:22",
        "3. Firmware Version:   0C:03:0C:22",
        "b) Firmware Version   0C:03:0C:22",
        "Firmware Version      0C:03:0C:22",
        "Firmware Version\n0C:03:0C:22",
        "Firmware Version:\n\n0C:03:0C:22",
        "| Firmware Version | 0C:03:0C:22 |",
        "| Firmware Version* | 0C:03:0C:22 |",
        "Firmware Version | 0C:03:0C:22",
        "Hardware Version: 01_02, Firmware Version: 0C:03:0C:22, Remarks: none",
        "The device runs firmware version 0C:03:0C:22 and nothing else was tested in this campaign.",
        "The firmware version of it is 0C:03:0C:22.",
        "firmware_version: 0C:03:0C:22",
        "Device_Model.firmware_version   0C:03:0C:22",
        "• FW: 0C:03:0C:22",
        "F/W Version:  0C:03:0C:22",
    ],
)
def test_a_value_is_found_by_its_label(drawn):
    assert said(read(ZSE + drawn), "firmware_version") == ["0C:03:0C:22"]


@pytest.mark.parametrize(
    "text", ["0C:03:0C:22", "0C030C22", "0x0C030C22", "0C 03 0C 22", "0c-03-0c-22", "12.3 (Stack 12.34)", "v7.8D beta"]
)
def test_whatever_stands_alone_under_a_label_is_taken_as_it_stands(text):
    drawn = f"| Firmware Version | {text} |"
    assert said(read(ZSE + drawn), "firmware_version") == [text]


@pytest.mark.parametrize(
    "drawn",
    [
        "Previous Firmware Version: 0C:03:0C:22",
        "The firmware version was tested twice, in 2024 and 2025.",
        "Firmware Version:\nHardware Version: 01_02",
        "Firmware Version     Hardware Version: 01_02",
        "| Firmware Version |  |\n| Hardware Version | 01_02 |",
        "Bootloader Version: 0C:03:0C:22",
        "Model-Firmware 0C:03:0C:22",
        "0C:03:0C:22",
        "Serial Number   0C:03:0C:22",
    ],
)
def test_nothing_is_read_that_the_label_does_not_lead_to(drawn):
    assert said(read(ZSE + drawn), "firmware_version") == []


def test_two_digits_are_read_by_label_only():
    reading = read(ZSE + "Items 01 to 02 were tested in room 0C. Hardware Version: 1F_AC")
    assert models(reading) == [("-", "-", "1F", "AC", "-")]


@pytest.mark.parametrize(
    ("drawn", "version", "revision"),
    [
        ("Hardware Version: 01_AC", "01", "AC"),
        ("Hardware Version: 01:AC", "01", "AC"),
        ("Hardware Version: 01 / AC", "01", "AC"),
        ("Hardware Version: 01AC", "01", "AC"),
        ("Hardware Version: 0x01 0xAC", "01", "AC"),
        ("Hardware Version: 01 Hardware Revision: AC", "01", "AC"),
        ("Hardware Version: 01, Revision: AC", "01", "AC"),
        ("The hardware version 01 and revision AC were seen.", "01", "AC"),
        ("The unit with hardware version 01_AC was seen.", "01", "AC"),
        ("Hardware Version (VV_RR)   01_AC", "01", "AC"),
        ("| Hardware Version | 01_AC (VV_RR) |", "01", "AC"),
        ("Hardware Version: 01", "01", "-"),
        ("Hardware Version: 10.12", "10.12", "-"),
        ("Hardware Version: V1.0", "V1.0", "-"),
    ],
)
def test_hardware_version_and_revision(drawn, version, revision):
    assert models(read(ZSE + drawn)) == [("-", "-", version, revision, "-")]


@pytest.mark.parametrize(
    ("text", "name", "code"),
    [
        ("Quillmoor Metering Ltd", "Quillmoor Metering Ltd", None),
        ("Quillmoor Metering Ltd (10:63)", "Quillmoor Metering Ltd", "10:63"),
        ("Quillmoor Metering Ltd, 0x1063", "Quillmoor Metering Ltd", "0x1063"),
        ("10:63 Quillmoor Metering", "Quillmoor Metering", "10:63"),
        ("10:63", None, "10:63"),
        ("1063", None, "1063"),
        ("Dace", "Dace", None),
    ],
)
def test_a_manufacturer_is_a_name_a_code_or_both(text, name, code):
    reading = read(f"{ZSE}Manufacturer:   {text}\n\n")
    assert said(reading, "manufacturer") == ([name] if name else [])
    assert said(reading, "manufacturer_identifier") == ([code] if code else [])


def test_a_manufacturer_in_running_text_ends_with_its_name():
    reading = read(CPA + "It is manufactured by Quillmoor Metering Ltd (10:63) of Upper Sallow since the year 2019.")
    assert said(reading, "manufacturer") == ["Quillmoor Metering Ltd"]
    assert said(reading, "manufacturer_identifier") == ["10:63"]


@pytest.mark.parametrize(
    "drawn",
    [
        "The next Risk Review must be completed no later than 25 October 2026.",
        "Next Risk Review: 25 October 2026",
        "Next Risk Review due    25 October 2026",
        "The date of the next Risk Review is 25 October 2026, as agreed.",
        "Date of next Risk Review\n25 October 2026",
    ],
)
def test_the_date_of_a_letter(drawn):
    assert said(read(LETTER + drawn), "risk_review_date") == ["25 October 2026"]


def test_the_date_that_was_extended_is_not_the_new_one():
    reading = read(LETTER + "Previous expiry date: 25/10/2026\nNew expiry date: 25/10/2029")
    assert said(reading, "expiry_date") == ["25/10/2029"]


@pytest.mark.parametrize(
    ("drawn", "numbers"),
    [
        ("Certificate Number: NCSC-7300000001-4101", ["NCSC-7300000001-4101"]),
        ("Certificate Number: trial-0042", ["trial-0042"]),
        ("Certificate Number: pending", []),
        ("CPA Certificate\n\nCommercial Product Assurance 2023", []),
        ("Certificate Number: NCSC-73-41, issued with letter 17 to the maker", ["NCSC-73-41"]),
        ("Certificate No. 7300000001-4101", ["7300000001-4101"]),
        ("CPA Certificate GSME7300000001-4101 was awarded.", ["GSME7300000001-4101"]),
        ("Certificate Number    CPA Certificate NCSC-73-41", ["NCSC-73-41"]),
        ("This replaces certificate number NCSC-73-41.", []),
        ("Superseded Certificate Number: NCSC-73-41", []),
        ("Certificate Number: A-1\n\nCertificate Number: A-1", ["A-1", "A-1"]),
    ],
)
def test_certificate_numbers(drawn, numbers):
    assert said(read(CPA + drawn), "number") == numbers


def test_a_wording_before_the_version_belongs_to_the_value():
    reading = read(CPA + "Assured against:   Security Characteristics version 1.3")
    assert said(reading, "security_characteristics") == ["Security Characteristics version 1.3"]


def test_a_value_that_goes_on_below_is_read_whole():
    drawn = "Type of Device    Single Element Electricity\n                  Metering Equipment"
    assert said(read(ZSE + drawn), "device_type") == ["Single Element Electricity Metering Equipment"]


def test_octets_broken_at_the_end_of_a_line_are_one_value():
    drawn = "| Firmware Version | 0C:03: |"
    assert said(read(f"{ZSE}{drawn}\n"), "firmware_version") == ["0C:03"]
    broken = "Firmware Version    0C:03:\n                    0C:22"
    assert said(read(ZSE + broken), "firmware_version") == ["0C:03:0C:22"]


def test_two_columns_of_labels_and_values():
    drawn = """
Manufacturer Code:  10:63       Hardware Version:  01_02

Model Identifier:   00:0A       Firmware Version:  0C:03:0C:22
"""
    assert models(read(ZSE + drawn)) == [("10:63", "00:0A", "01", "02", "0C:03:0C:22")]


def test_running_text_over_lines_keeps_label_and_value_together():
    drawn = """
The Device Model has the manufacturer identifier 10:63 and the model identifier
00:0A with the hardware version 01_02 and, when it was tested, the firmware version
0C:03:0C:22 was installed on each of the samples that were looked at.
"""
    assert models(read(ZSE + drawn)) == [("10:63", "00:0A", "01", "02", "0C:03:0C:22")]


def test_a_value_has_its_place_and_readers():
    reading = read(ZSE + "Firmware Version:  0C:03:0C:22\nModel Identifier:  ?00:0A")
    firmware, model = reading.all("firmware_version")[0], reading.all("model_identifier")[0]
    assert (firmware.label, firmware.how) == ("Firmware Version", "label")
    assert firmware.place.where == "page 1 [164.0, 96.0, 230.0, 105.0]"
    assert (firmware.place.text, firmware.place.readers) == ("0C:03:0C:22", ("pdfium", "pdfplumber"))
    assert firmware.place.confirmed
    assert not model.place.confirmed
    assert model.place.readers == ("pdfium",)


def test_a_value_of_several_words_is_confirmed_only_when_all_are():
    value = read(ZSE + "Type of Device:  Gas ?Smart Meter").all("device_type")[0]
    assert (value.text, value.place.confirmed, value.place.readers) == ("Gas Smart Meter", False, ("pdfium",))


def test_every_occurrence_is_kept_in_reading_order():
    reading = read(ZSE + "Firmware Version: 0C:03:0C:22", "Firmware Version: 0C:03:0C:23\n\nFW: 0C:03:0C:22")
    assert said(reading, "firmware_version") == ["0C:03:0C:22", "0C:03:0C:23", "0C:03:0C:22"]
    assert [value.place.page for value in reading.all("firmware_version")] == [1, 2, 2]


@pytest.mark.parametrize(
    ("sentence", "statement"),
    [
        ("We confirm that there is no security impact.", ["no security impact"]),
        ("The changes do not significantly impact the security functions.", 1),
        ("We cannot confirm that there is no security impact.", []),
        ("It was asked whether there is no security impact.", []),
        ("We cannot say how long it takes. There is no security impact.", ["no security impact"]),
        ("There is a security impact.", []),
    ],
)
def test_a_statement_counts_unless_its_sentence_takes_it_back(sentence, statement):
    reading = read(f"Dear colleague,\n\nthe CPA Certificate was assessed by KPMG for its security impact. {sentence}")
    assert reading.kind == "test-lab-letter"
    found = said(reading, "no_security_impact")
    assert found == statement if isinstance(statement, list) else len(found) == statement


def test_a_type_designation_may_be_a_list():
    drawn = """
DLMS User Association, Conformance Test, Certificate

Type designation:   QM-300 00:0A 01_02 0C:03:0C:22
                    QM-301 00:0B 01_02 0C:03:0C:22
Certificate Number: 7741
"""
    reading = read(drawn)
    assert said(reading, "type_designation") == ["QM-300 00:0A 01_02 0C:03:0C:22", "QM-301 00:0B 01_02 0C:03:0C:22"]
    assert models(reading) == [("-", "00:0A", "01", "02", "0C:03:0C:22"), ("-", "00:0B", "01", "02", "0C:03:0C:22")]
    assert said(reading, "number") == ["7741"]


@pytest.mark.parametrize(
    ("field", "drawn"),
    [
        ("hardware_version.revision", "Revision: 02\n\nFirmware Version: 0C:03:0C:22"),
        ("hardware_version.revision", "Document Rev: 02"),
        ("firmware_version", "ZigBee Firmware Version: 0C:03:0C:22"),
        ("firmware_version", "Document Version: 1.0"),
        ("award_date", "Certification Date: not applicable"),
        ("number", "Certificate Number\n14 August 2025"),
        ("number", "Certification ID\n\nIssued in 2025 to all"),
        ("manufacturer", "Supplier: Brightwater Energy"),
    ],
)
def test_what_only_looks_like_a_field(field, drawn):
    assert said(read(ZSE + drawn), field) == []
