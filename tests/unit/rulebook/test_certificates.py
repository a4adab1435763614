"""The kinds of certificate as data: the files fit one another and the form, and what does not fit is refused."""

from datetime import date
from pathlib import Path

import msgspec
import pytest

from pipeline.rulebook import Rulebook, RulesBroken
from pipeline.rulebook.certificates import SHARED, certificate_kinds, label_key
from pipeline.rulebook.notation import day_of, is_octets

RULES = Path(__file__).resolve().parents[3] / "rules"
BOOK = Rulebook.load(RULES)
KINDS = certificate_kinds(BOOK.files)
ZSE = "certificates/zse.yaml"


def with_change(name: str, old: str, new: str) -> dict[str, str]:
    text = BOOK.files[name]
    assert old in text
    return dict(BOOK.files) | {name: text.replace(old, new, 1)}


def test_the_kinds_come_most_specific_first():
    assert [*KINDS] == [
        "release-notes",
        "test-lab-letter",
        "ssc-letter",
        "ncsc-letter",
        "dlms-confirmation",
        "trial",
        "cpa",
        "zse",
        "dlms",
    ]
    assert {kind.kind for kind in KINDS.values() if kind.role == "certificate"} == {"cpa", "trial", "zse", "dlms"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_that_is_compared_is_a_field_of_the_form(kind):
    matched = {field.matches for field in KINDS[kind].fields.values() if field.matches}
    assert matched <= BOOK.fields.keys()
    assert {f"Device_Model.{name}" for name in KINDS[kind].fields if f"Device_Model.{name}" in BOOK.fields} <= matched


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_reads_the_device_model(kind):
    fields = KINDS[kind].fields
    assert {name for name, field in fields.items() if field.compare == "exact-hex"} == {
        "manufacturer_identifier",
        "model_identifier",
        "hardware_version.version",
        "hardware_version.revision",
        "firmware_version",
    }


@pytest.mark.parametrize(
    ("kind", "label", "field"),
    [
        ("zse", "Type of Device", "device_type"),
        ("zse", "Manufacturer", "manufacturer"),
        ("zse", "Model Identification", "model_identifier"),
        ("zse", "Hardware Version", "hardware_version.version"),
        ("zse", "Firmware Version", "firmware_version"),
        ("zse", "Certification Date", "award_date"),
        ("zse", "Certification ID Number", "number"),
        ("cpa", "Version", "firmware_version"),
        ("dlms", "Type designation", "type_designation"),
        ("trial", "Identifier code", "number"),
        ("ncsc-letter", "Next Risk Review", "risk_review_date"),
    ],
)
def test_the_labels_that_the_guidance_names_are_known(kind, label, field):
    assert label_key(label) in {label_key(known) for known in KINDS[kind].fields[field].labels}


def test_every_device_type_that_a_wording_may_mean_is_on_the_form():
    offered = set(BOOK.fields["Device_Type.name"].format.values)
    meant = {name for names in KINDS["zse"].device_types.values() for name in names}
    assert meant == offered


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        (ZSE, "kind: zse", "kind: zigbee", "the two must be the same"),
        (ZSE, "order: 80", "order: 90", "same 'order'"),
        (ZSE, "Certification Date,", "Certification Date, Standard,", "the label 'Standard' stands for"),
        (ZSE, "  number:", "  model_identifier: {type: name, labels: [X]}\n  number:", "further labels under 'also'"),
        ("certificates/cpa.yaml", "  firmware_version:", "  firmware:", "'also' names firmware"),
    ],
)
def test_files_that_do_not_fit_each_other_are_refused(name, old, new, words):
    files = with_change(name, old, new)
    with pytest.raises(ValueError, match=words):
        certificate_kinds(files)
    with pytest.raises(RulesBroken, match=words):
        Rulebook.from_files(files)


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        (ZSE, "role: certificate", "role: paper", "role|paper"),
        (ZSE, "compare: certificate-number", "compare: by-eye", "by-eye"),
        (ZSE, "compare: certificate-number", "compare: none", "says how they compare"),
        (ZSE, "type: number", "type: picture", "picture"),
        (ZSE, "type: number", "type: octets", "says how many"),
        (ZSE, "type: number", "type: phrase", "'values'"),
        (ZSE, r"/ZIG\d{5}", "/ZIG(", "not a regular expression"),
        (ZSE, "not_with:", "never_with:", "never_with"),
        (ZSE, "order: 80", "order: first", "order|int"),
        (SHARED, "octets: 2", "octets: 99", "99|<= 8"),
    ],
)
def test_a_file_that_is_wrong_in_itself_is_refused(name, old, new, words):
    files = with_change(name, old, new)
    with pytest.raises(msgspec.ValidationError, match=words):
        certificate_kinds(files)
    with pytest.raises(RulesBroken, match=name):
        Rulebook.from_files(files)


def test_a_new_kind_is_one_more_file():
    text = BOOK.files["certificates/trial.yaml"].replace("kind: trial", "kind: other").replace("order: 60", "order: 61")
    kinds = certificate_kinds(dict(BOOK.files) | {"certificates/other.yaml": text})
    assert [*kinds][6] == "other"
    assert kinds["other"].fields["firmware_version"].labels[-1] == "Device Version"


@pytest.mark.parametrize(
    "text",
    [
        "25/10/2026",
        "25.10.2026",
        "25-10-2026",
        "2026-10-25",
        "25 October 2026",
        "25th October, 2026",
        "25 Oct 2026",
        "25-Oct-2026",
        "October 25, 2026",
        "Oct. 25 2026",
        "the 25th day of October 2026 at noon",
        "99/99/2026, that is 25 October 2026",
    ],
)
def test_days(text):
    assert day_of(text) == date(2026, 10, 25)


@pytest.mark.parametrize(
    "text", ["", "10/25/2026", "31/02/2026", "25/10/26", "October 2026", "1.2.2026.4", "0C:03:0C:22", "0000-00-00"]
)
def test_what_is_no_day(text):
    assert day_of(text) is None


@pytest.mark.parametrize(
    "text", ["0C:03:0C:22", "0c030c22", "0x0C030C22", "0C 03 0C 22", " 0C-03-0C-22", "0C_03_0C_22"]
)
def test_octets_in_any_notation(text):
    assert is_octets(text, 4)


@pytest.mark.parametrize("text", ["", "0C:03:0C", "0C:03:0C:2", "0C:03-0C:22", "12.3", "0C:03:0C:22:11", "0C030C2G"])
def test_what_is_no_octets(text):
    assert not is_octets(text, 4)
