"""The Manufacturer Image and the upgrade path: what belongs together, and whose entries may be named."""

import pytest

from pipeline.checks.run import run_all
from pipeline.domain.finding import Finding, Settler, Status
from tests.corpus_cases import Case, Entry, matter_of

PATH, HASH = "Firmware_Upgrade.Path", "Manufacturer_Image.hash"
CREATOR, DESCRIPTOR = "Manufacturer_Image.creator", "Manufacturer_Image.descriptor"
FIRMWARE, TYPE = "Device_Model.firmware_version", "Device_Type.name"


def findings(**keys: object) -> list[Finding]:
    return list(run_all(matter_of(Case(why="the test's own", expect=Status.PASS, **keys))))  # type: ignore[arg-type]


def path(**keys: object) -> Finding:
    (found,) = [f for f in findings(image=True, **keys) if f.check == "image.upgrade-path"]
    return found


def sibling(number: str, **keys: object) -> Entry:
    return Entry(number=number, answers={FIRMWARE: f"04:00:13:{number[-2:]}"}, **keys)  # type: ignore[arg-type]


def test_na_is_asked_about_where_the_hardware_has_other_firmware():
    found = path(answers={PATH: "NA"})
    assert (found.status, found.settle) == (Status.UNCLEAR, Settler.SUBMITTER)
    assert "000008 (04:00:12:00)" in found.message


@pytest.mark.parametrize("spelled", ["na", "Na", " NA "])
def test_na_may_be_spelled_in_lower_case(spelled):
    assert path(answers={PATH: spelled, HASH: None, CREATOR: None, DESCRIPTOR: None}).status is Status.PASS


def test_removed_entries_and_other_hardware_raise_no_question():
    new = {"Device_Model.model_identifier": "00:99", PATH: "NA"}
    removed = sibling("000701", status="Removed")
    other = Entry(number="000702", answers={FIRMWARE: "04:00:13:02", "Device_Model.hardware_version.revision": "2F"})
    assert path(answers=new, listed=(removed, other)).status is Status.PASS
    assert path(answers=new, listed=(removed, other, sibling("000703"))).status is Status.UNCLEAR


def test_an_entry_of_the_same_hardware_under_another_type_raises_no_question():
    new = {"Device_Model.model_identifier": "00:99", PATH: "NA"}
    other = Entry(number="000701", answers={FIRMWARE: "04:00:13:01", TYPE: "Communications Hub"})
    assert path(answers=new, listed=(other,)).status is Status.PASS


def test_few_entries_are_named_and_the_rest_counted():
    listed = tuple(sibling(f"0007{n:02}") for n in range(10))
    message = path(answers={PATH: "NA"}, listed=listed).message
    assert message.count("(") == 6
    assert message.endswith("and 5 more.")


def test_all_entries_that_are_not_on_the_list_are_one_fault():
    found = path(answers={PATH: "000999; 000008; 000998"})
    assert found.message == f"{PATH} names 000999, 000998, which the CPL does not have."


def test_a_removed_entry_may_be_upgraded_too():
    assert path(answers={PATH: "000700"}, listed=(sibling("000700", status="Removed"),)).status is Status.PASS


@pytest.mark.parametrize("written", ["000007;000008", "000007, 000008", "000007 000008", "000007\n000008"])
def test_entries_may_be_separated_as_people_do(written):
    assert path(answers={PATH: written}).status is Status.PASS


@pytest.mark.parametrize(
    ("change", "check", "subject"),
    [
        ({TYPE: "Gas Meter"}, "form.value", TYPE),
        ({"Device_Model.manufacturer_identifier": "FF:FF"}, "form.value", "Device_Model.manufacturer_identifier"),
        ({FIRMWARE: "12.3"}, "form.format", FIRMWARE),
        ({HASH: "0F"}, "image.hash", HASH),
        ({HASH: None}, "image.complete", HASH),
    ],
)
def test_a_fault_elsewhere_is_not_told_again_of_the_path_or_the_hash(change, check, subject):
    about = {"image", "form", "duplicate"}
    told = [f for f in findings(image=True, answers=change) if f.check.partition(".")[0] in about]
    open_ = [f for f in told if f.status in {Status.FAIL, Status.UNCLEAR}]
    assert [(f.check, f.subject) for f in open_] == [(check, subject)]


def test_missing_parts_of_an_image_are_one_fault_with_all_three_cells():
    (found,) = [f for f in findings(image=True, answers={CREATOR: None, DESCRIPTOR: None}) if f.status is Status.FAIL]
    assert found.check == "image.complete"
    assert [e.where for e in found.evidence] == [f"CPL - New Entry!G{row}" for row in (24, 25, 26)]
    assert found.remedy == f"Fill in {CREATOR} and {DESCRIPTOR}, or clear all three fields."


def test_an_image_is_not_missing_what_has_a_fault_of_its_own():
    faults = (("formula", CREATOR, '""', ""),)
    assert [f.check for f in findings(image=True, faults=faults) if f.status is Status.FAIL] == ["form.formula"]


def test_a_smets1_image_is_judged_like_any_other():
    answers = {DESCRIPTOR: None}
    assert [f.check for f in findings(smets1=True, image=True, answers=answers) if f.status is Status.FAIL] == [
        "image.complete"
    ]
