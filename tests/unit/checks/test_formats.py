"""Comparing one value with its format: limits, hints, and that no text at all can break it."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.checks.formats import Fault, Setting, judge_value
from pipeline.domain.finding import Status
from tests.corpus_cases import RULES

DAY = date(2026, 11, 21)
FIRMWARE, HASH = "Device_Model.firmware_version", "Manufacturer_Image.hash"
EXPIRY, PATH = "CPA_Certificate.expiry_date", "Firmware_Upgrade.Path"
GBCS = "GBCS Version.version_number"


def judge(
    field: str, text: str, *, on: date = DAY, prefix: str = "", offered: tuple[str, ...] | None = None
) -> Fault | None:
    return judge_value(RULES.fields[field], text, Setting(on, prefix, offered))


def fault(field: str, text: str, **setting: object) -> Fault:
    found = judge(field, text, **setting)  # type: ignore[arg-type]
    assert found is not None, text
    return found


@pytest.mark.parametrize("text", ["0C030C22", "0C 03 0C 22", "0C-03-0C-22", "0X0C030C22", "0C.03.0C.22"])
def test_the_octets_that_are_meant_are_written_out(text):
    found = fault(FIRMWARE, text)
    assert (found.check, found.remedy) == ("form.format", "If 0C:03:0C:22 is meant, write it so.")


@pytest.mark.parametrize("text", ["0C030C2", "0C:03:0C", "v1.0", "0C:03:0C:2G", "12.3 (STACK 12.34)"])
def test_what_is_meant_is_not_guessed(text):
    found = fault(FIRMWARE, text)
    assert "meant" not in found.remedy
    assert found.expected == "XX:XX:XX:XX, where each X is one of 0 to 9 or A to F"


def test_a_hash_is_told_what_it_lacks():
    assert "colon between two pairs" in fault(HASH, "0F" * 32).remedy
    assert "It has 62 digits where a SHA-256 hash has 64" in fault(HASH, ":".join(["0F"] * 31)).remedy


@pytest.mark.parametrize("octet", ["00", "FF", "AB"])
def test_one_octet_all_along_is_no_hash(octet):
    assert fault(HASH, ":".join([octet] * 32)).check == "image.hash"


@pytest.mark.parametrize(
    ("on", "prefix", "text", "well"),
    [
        (DAY, "[E] ", "21/11/2026", True),
        (DAY, "[E] ", "20/11/2026", False),
        (DAY, "[E] ", "21/11/2032", True),
        (DAY, "[E] ", "22/11/2032", False),
        (date(2024, 2, 29), "[E] ", "28/02/2030", True),
        (date(2024, 2, 29), "[E] ", "01/03/2030", False),
        (DAY, "[T] ", "20/11/2026", False),
        (DAY, "[T] ", "22/11/2032", True),
        (DAY, "[R] ", "20/11/2026", True),
        (DAY, "", "20/11/2026", True),
        (DAY, "[R] ", "31/12/2011", False),
        (DAY, "[R] ", "01/01/2012", True),
        (DAY, "[R] ", "31/12/2051", True),
        (DAY, "[R] ", "01/01/2052", False),
        (DAY, "[R] ", "25/10/2029 12:00:00", True),
        (DAY, "[R] ", "٢٥/١٠/٢٠٢٩", False),
        (DAY, "[R] ", "00/00/0000", False),
        (DAY, "[R] ", "2/1/2029", False),
    ],
)
def test_a_date_by_the_mark_of_its_certificate(on, prefix, text, well):
    assert (judge(EXPIRY, text, on=on, prefix=prefix) is None) is well


@pytest.mark.parametrize(
    ("text", "offered", "status"),
    [
        ("GBCS Version 4.1", None, None),
        ("GBCS Version 4.1", ("GBCS Version 4.1",), None),
        ("GBCS Version 4.1", ("GBCS Version 4.2",), Status.UNCLEAR),
        ("GBCS Version 4.2", ("GBCS Version 4.2",), Status.ADVICE),
        ("GBCS Version 4.2", ("GBCS Version 4.1",), Status.UNCLEAR),
        ("GBCS Version 4.2", None, Status.UNCLEAR),
        ("GBCS Version 1.0", ("GBCS Version 1.0",), Status.ADVICE),
        ("GBCS Version 1.0", None, Status.FAIL),
        ("GBCS Version four", None, Status.FAIL),
        ("GBCS Version 4.2 or so", None, Status.FAIL),
    ],
)
def test_a_list_is_what_the_rulebook_and_the_cpl_in_force_say(text, offered, status):
    found = judge(GBCS, text, offered=offered)
    assert (found.status if found else None) is status


def test_the_values_that_may_be_chosen_are_named():
    assert "GBCS Version 4.1" in fault(GBCS, "four").expected
    assert "GBCS Version 1.0" not in fault(GBCS, "four").expected
    bands = "ZigBee_Properties.Bands_Join"
    assert fault(bands, "both", offered=("Dual Band", "Single Band")).expected == "one of: Dual Band, Single Band"


def test_a_type_that_is_entered_otherwise_is_told_how():
    remedy = fault("Device_Type.name", "Standalone Auxiliary Proportional Controller").remedy
    assert remedy == "An SAPC is entered as 'Single Element Electricity Metering Equipment'."
    assert "needs no submission" in fault("Device_Type.name", "Consumer Access Device").remedy


@pytest.mark.parametrize("text", ["٠٠٠٦٢٦", "0006 26", "000626;", "NA; 000626", "000626,000630", "1000000"])
def test_what_is_no_list_of_entries(text):
    assert fault(PATH, text).check == "image.upgrade-path"


@pytest.mark.parametrize("field", [name for name, rule in RULES.fields.items() if rule.max_octets])
def test_a_value_of_many_octets_is_refused_whatever_it_is(field):
    found = fault(field, "a" * 32_767)
    assert found.status is Status.FAIL
    assert found.check in {"form.length", "form.value"}


@given(field=st.sampled_from(sorted(RULES.fields)), text=st.text(min_size=1, max_size=600), prefix=st.text(max_size=4))
def test_any_text_is_judged(field, text, prefix):
    found = judge(field, text, prefix=prefix)
    assert found is None or (found.problem and (found.settle is not None) == (found.status is Status.UNCLEAR))


@given(text=st.text(alphabet="\x00\x01\x1b\x7f\x85\u200b\u202e\ufeff ", min_size=1, max_size=40))
def test_text_that_nobody_can_see_is_no_answer(text):
    assert fault("Manufacturer_Image.creator", text).check == "form.format"
