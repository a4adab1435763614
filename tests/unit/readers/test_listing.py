"""Device Models in lists and tables, and which values belong to which of them."""

import pytest

from pipeline.readers.listing import concatenations
from tests.papers import models, read, said

LETTER = """
Dear colleague,

NCC Group confirms that there is no security impact on CPA Certificate NCSC-73-41.

"""
FIRST = ("10:63", "00:0A", "01", "02", "0C:03:0C:22")
SECOND = ("10:63", "00:0A", "01", "03", "0C:03:0C:23")
BOTH = [FIRST, SECOND]


@pytest.mark.parametrize(
    "text",
    [
        "10:63 00:0A 01 02 0C:03:0C:22",
        "10:63 00:0A 01 02 0C:03:0C:22.",
        "10:63_00:0A_01_02_0C:03:0C:22",
        "10:63/00:0A/01/02/0C:03:0C:22",
        "10:63-00:0A-01-02-0C:03:0C:22",
        "10:63 - 00:0A - 01_02 - 0C:03:0C:22",
        "10:63, 00:0A, 01, 02, 0C:03:0C:22",
        "1063_000A_01_02_0C030C22",
        "10:63 00:0A 01:02 0C:03:0C:22",
        "QM-300_10:63_00:0A_01_02_0C:03:0C:22",
        "(10:63 00:0A 01 02\n0C:03:0C:22)",
    ],
)
def test_a_device_model_written_in_one(text):
    digits = [
        "".join(sign for sign in piece.text if sign != ":") for pieces in concatenations(text) for piece in pieces
    ]
    assert digits == ["1063", "000A", "01", "02", "0C030C22"]


@pytest.mark.parametrize(
    "text",
    [
        "10:63 00:0A 0C:03:0C:22",
        "00:0A 01:02 0C:03:0C:22",
        "10:63 00:0A 01 0C:03:0C:22",
        "10:63 00:0A 01 02 0C:03:0C:22:11",
        "1163 2960 11 01 12345678",
        "10:63 00:0A 01 02 0C:03:0C:2",
        "FF:10:63 01 02 0C:03:0C:22",
        "10:63 00:0A 01 02 03 0C:03:0C:22",
    ],
)
def test_what_is_no_device_model_in_one(text):
    assert list(concatenations(text)) == []


def test_a_list_of_device_models():
    drawn = "1. 10:63 00:0A 01 02 0C:03:0C:22\n2. 10:63_00:0A_01_03_0C:03:0C:23\n"
    reading = read(LETTER + drawn)
    assert models(reading) == BOTH
    assert {value.how for device in reading.devices for value in device.values} == {"list"}
    assert said(reading, "firmware_version") == ["0C:03:0C:22", "0C:03:0C:23"]


def test_list_lines_with_labels():
    drawn = """
Device 1: manufacturer code 10:63, model 00:0A, hardware 01_02, firmware 0C:03:0C:22
Device 2: manufacturer code 10:63, model 00:0A, hardware 01_03, firmware 0C:03:0C:23
"""
    assert models(read(LETTER + drawn)) == BOTH


RULED = """
| Item | Manufacturer Code | Model Identifier | Hardware Version | Hardware Revision | Firmware Version | Remarks |
| 1    | 10:63             | 00:0A            | 01               | 02                | 0C:03:0C:22      | new     |
| 2    | 10:63             | 00:0A            | 01               | 03                | 0C:03:0C:23      |         |
"""


@pytest.mark.parametrize("table", [RULED, RULED.replace("|", " ")], ids=["ruled", "open"])
def test_a_table_has_a_device_model_in_each_row(table):
    reading = read(LETTER + table)
    assert models(reading) == BOTH
    assert {value.how for value in reading.all("firmware_version")} == {"row"}
    assert [value.label for value in reading.all("hardware_version.revision")] == ["Hardware Revision"] * 2


@pytest.mark.parametrize("table", [RULED, RULED.replace("|", " ")], ids=["ruled", "open"])
def test_a_table_goes_on_over_the_end_of_a_page(table):
    head, first, second = table.strip("\n").splitlines()
    assert models(read(LETTER + head + "\n" + first, second)) == BOTH
    assert models(read(LETTER + head + "\n" + first, f"Page 2\n\n{head}\n{second}\n\nYours sincerely")) == BOTH


def test_an_empty_cell_moves_nothing_into_another_column():
    drawn = """
| Manufacturer Code | Model Identifier | Hardware Version | Firmware Version |
| 10:63             | 00:0A            | 01_02            | 0C:03:0C:22      |
| 10:63             |                  | 01_03            | 0C:03:0C:23      |
"""
    for table in (drawn, drawn.replace("|", " ")):
        assert models(read(LETTER + table)) == [FIRST, ("10:63", "-", "01", "03", "0C:03:0C:23")]


def test_headings_with_one_row_below_them_are_labels():
    drawn = """
Manufacturer Code      Model Identifier
10:63                  00:0A

Hardware Version       Firmware Version
01_02                  0C:03:0C:22
"""
    assert models(read(LETTER + drawn)) == [FIRST]


def test_device_models_side_by_side():
    drawn = """
| Manufacturer Code | 10:63       | 10:63       |
| Model Identifier  | 00:0A       | 00:0A       |
| Hardware Version  | 01_02       | 01_03       |
| Firmware Version  | 0C:03:0C:22 | 0C:03:0C:23 |
"""
    assert models(read(LETTER + drawn)) == BOTH


def test_groups_of_labels_below_one_another():
    drawn = """
Manufacturer Code   10:63
Model Identifier    00:0A
Hardware Version    01_02
Firmware Version    0C:03:0C:22

Manufacturer Code   10:63
Model Identifier    00:0A
Hardware Version    01_03
Firmware Version    0C:03:0C:23
"""
    assert models(read(LETTER + drawn)) == BOTH


def test_groups_of_labels_side_by_side_are_not_mixed():
    drawn = """
Manufacturer Code   10:63            Manufacturer Code   10:63
Model Identifier    00:0A            Model Identifier    00:0A
Hardware Version    01_02            Hardware Version    01_03
Firmware Version    0C:03:0C:22      Firmware Version    0C:03:0C:23
"""
    assert models(read(LETTER + drawn)) == BOTH


def test_what_is_said_once_holds_for_every_row():
    drawn = """
Manufacturer: Quillmoor Metering Ltd (10:63)

Model Identifier: 00:0A

| Hardware Version | Firmware Version |
| 01_02            | 0C:03:0C:22      |
| 01_03            | 0C:03:0C:23      |
"""
    reading = read(LETTER + drawn)
    assert models(reading) == BOTH
    assert {device.value("manufacturer").text for device in reading.devices} == {"Quillmoor Metering Ltd"}


def test_what_is_said_twice_holds_for_no_row():
    drawn = """
Model Identifier: 00:0A

Model Identifier: 00:0B

| Hardware Version | Firmware Version |
| 01_02            | 0C:03:0C:22      |
| 01_03            | 0C:03:0C:23      |
"""
    rows = [("-", "-", "01", "02", "0C:03:0C:22"), ("-", "-", "01", "03", "0C:03:0C:23")]
    assert models(read(LETTER + drawn))[:2] == rows


def test_a_value_that_stands_twice_makes_no_second_device_model():
    drawn = """
Manufacturer Code   10:63
Model Identifier    00:0A
Hardware Version    01_02
Firmware Version    0C:03:0C:22

The letter holds for firmware version 0C:03:0C:22 of model identifier 00:0A.
"""
    reading = read(LETTER + drawn, "Model Identifier:  00:0A")
    assert models(reading) == [FIRST]
    assert len(reading.all("model_identifier")) == 3


def test_ninety_device_models():
    lines = [f"{n}. 10:63 00:0A 01 {n:02X} 0C:03:0C:{n:02X}" for n in range(1, 91)]
    reading = read(LETTER + "\n".join(lines[:40]), "\n".join(lines[40:]))
    assert models(reading) == [("10:63", "00:0A", "01", f"{n:02X}", f"0C:03:0C:{n:02X}") for n in range(1, 91)]


def test_headings_over_two_lines():
    drawn = """
Manufacturer   Model        Hardware   Firmware
Code           Identifier   Version    Version
10:63          00:0A        01_02      0C:03:0C:22
10:63          00:0A        01_03      0C:03:0C:23
"""
    assert models(read(LETTER + drawn)) == BOTH
    cpa = "Commercial Product Assurance Certificate of the NCSC\n\n"
    assert models(read(cpa + drawn)) == BOTH


def test_a_name_for_the_market_makes_no_second_device_model():
    drawn = """
Manufacturer Code   10:63
Model               Kestrel 300
Model Identifier    00:0A
Hardware Version    01_02
Firmware Version    0C:03:0C:22
"""
    reading = read(LETTER + drawn)
    assert models(reading) == [FIRST]
    assert said(reading, "model_identifier") == ["Kestrel 300", "00:0A"]
