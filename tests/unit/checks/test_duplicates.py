"""Duplicates: on the list, in one mail, in other open cases; and what of others is said in passing."""

from dataclasses import replace

import pytest

from pipeline.checks.matter import Matter
from pipeline.checks.run import run_all
from pipeline.domain.finding import Finding, Settler, Status
from pipeline.domain.judgement import Pending
from pipeline.domain.product import DeviceModel
from tests.corpus_cases import Case, Entry, Form, matter_of

SMETS, GBCS = "SMETS/CHTS Version.Version_number", "GBCS Version.version_number"
FIRMWARE = "Device_Model.firmware_version"
OLDER = {SMETS: "SMETS V4.2", GBCS: "GBCS Version 3.2"}
OPEN = {Status.FAIL, Status.UNCLEAR, Status.ADVICE}


def matter(**keys: object) -> Matter:
    return matter_of(Case(why="what the test changes", expect=Status.PASS, **keys))  # type: ignore[arg-type]


def said(name: str, of: Matter) -> Finding:
    (found,) = [f for f in run_all(of) if f.check == name]
    return found


@pytest.mark.parametrize(
    "change",
    [{SMETS: "SMETS V4.2", GBCS: "GBCS Version 3.2"}, {GBCS: "GBCS Version 4.0"}, {SMETS: "SMETS V3.1"}],
)
@pytest.mark.parametrize("status", ["Current", "Removed"])
def test_a_pair_with_other_versions_may_be_right(change, status):
    found = said("duplicate.list", matter(listed=(Entry(number="000700", status=status, answers=change),)))
    assert (found.status, found.settle) == (Status.UNCLEAR, Settler.REVIEWER)
    assert "as entry 000700" in found.message


def test_the_entry_with_all_eight_values_counts_among_several():
    listed = (Entry(number="000700", answers=OLDER), Entry(number="000701"))
    found = said("duplicate.list", matter(listed=listed))
    assert found.status is Status.FAIL
    assert "as entry 000701 (Current)" in found.message
    assert {"000700", "000701"} <= {e.text.partition(" ")[0] for e in found.evidence}


def test_versions_are_compared_as_people_read_them():
    lower = {GBCS: "gbcs version 4.1"}
    assert said("duplicate.list", matter(listed=(Entry(number="000700", answers=lower),))).status is Status.FAIL
    assert said("duplicate.list", matter(answers=lower, listed=(Entry(number="000700"),))).status is Status.FAIL


def test_a_code_in_lower_case_is_the_same_code():
    listed = (Entry(number="000700", answers={FIRMWARE: "04:01:1A:00"}),)
    assert said("duplicate.list", matter(answers={FIRMWARE: "04:01:1a:00"}, listed=listed)).status is Status.FAIL


def batch(*forms: Form) -> list[Status]:
    """What duplicate.batch says of each form of one mail, in order."""
    last = matter(**{**_keys(forms[-1]), "batch": forms[:-1]})
    every = [replace(last, submission=one, first=index == 0) for index, one in enumerate(last.batch)]
    return [said("duplicate.batch", one).status for one in every]


def _keys(form: Form) -> dict[str, object]:
    return {name: getattr(form, name) for name in ("device", "answers", "file", "faults")}


def test_of_two_that_say_the_same_the_second_is_too_many():
    assert batch(Form(file="1.xlsm"), Form(file="2.xlsm")) == [Status.PASS, Status.FAIL]


def test_of_three_that_say_the_same_the_first_stands():
    forms = [Form(file=f"{n}.xlsm") for n in range(3)]
    assert batch(*forms) == [Status.PASS, Status.FAIL, Status.FAIL]


def test_of_two_with_other_details_nobody_knows_which_is_right():
    other = Form(file="2.xlsm", answers={"FIR Release Notes.Description": "Other notes."})
    assert batch(Form(file="1.xlsm"), other) == [Status.FAIL, Status.FAIL]


def test_two_with_other_versions_are_looked_at():
    assert batch(Form(file="1.xlsm"), Form(file="2.xlsm", answers=OLDER)) == [Status.UNCLEAR, Status.UNCLEAR]


def test_two_device_models_have_nothing_to_do_with_each_other():
    assert batch(Form(file="1.xlsm"), Form(file="2.xlsm", device="Communications Hub")) == [Status.PASS, Status.PASS]


def test_codes_that_differ_in_case_only_are_the_same_device_model():
    forms = (
        Form(file="1.xlsm", answers={FIRMWARE: "0a:00:00:00"}),
        Form(file="2.xlsm", answers={FIRMWARE: "0A:00:00:00"}),
    )
    assert batch(*forms) == [Status.PASS, Status.FAIL]


def test_an_open_case_with_another_device_model_is_nothing_to_us():
    of = matter()
    pending = Pending(
        "CPL-2026-00007", "other.xlsm", "d" * 64, DeviceModel("10:63", "00:0A", "01", "02", "00:00:00:01")
    )
    of = replace(of, circumstances=replace(of.circumstances, pending=(pending,)))
    assert said("duplicate.batch", of).status is Status.PASS


def test_no_sentence_holds_what_another_manufacturer_sent():
    of = matter(image=True, listed=(Entry(number="000700", answers=OLDER),))
    model = DeviceModel("E1:02", "00:22", "00", "1F", "04:01:12:00")
    secret = "Secret Plan of Fennbrook.xlsm"  # noqa: S105 - a file name that must not be told
    pending = (Pending("CPL-2026-00007", secret, "d" * 64, model),)
    of = replace(of, circumstances=replace(of.circumstances, pending=pending))
    told = [f for f in run_all(of) if f.status in OPEN]
    assert "duplicate.batch" in {f.check for f in told}
    for found in told:
        prose = f"{found.message} {found.expected} {found.why} {found.remedy}"
        assert secret not in prose
        assert "d" * 64 not in prose
    # The reviewer needs to find the other file; composing a reply leaves out what is not the submitter's own.
    (duplicate,) = [f for f in told if f.check == "duplicate.batch"]
    assert secret in {e.file for e in duplicate.evidence}


def test_only_the_public_list_is_spoken_of_where_entries_are_named():
    others = {"Manufacturer_Image.creator": "Xyzzymark Ltd", FIRMWARE: "04:01:12:99"}
    of = matter(image=True, listed=(Entry(number="000700", answers=others),))
    found = said("image.hash-reused", of)
    assert "000700 (04:01:12:99)" in found.message
    assert "Xyzzymark" not in repr(run_all(of))
