"""The rules are read whole or refused with file and place; their fingerprint names their bytes."""

import json
from pathlib import Path

import pytest

from pipeline.domain.product import DEVICE_TYPE
from pipeline.rulebook import Rulebook, RulesBroken
from pipeline.rulebook.schema import CertificateNumber, Day

FOLDER = Path(__file__).parents[3] / "rules"
FILES = {
    path.relative_to(FOLDER).as_posix(): path.read_text("utf-8")
    for path in FOLDER.rglob("*")
    if path.suffix in {".yaml", ".csv"}
}
RULES = Rulebook.from_files(FILES)


def with_change(name: str, old: str, new: str) -> dict[str, str]:
    assert old in FILES[name]
    return FILES | {name: FILES[name].replace(old, new, 1)}


def refusal(files: dict[str, str]) -> str:
    with pytest.raises(RulesBroken) as caught:
        Rulebook.from_files(files)
    return str(caught.value)


def test_the_shipped_rules_are_read_from_their_folder():
    found = Rulebook.load(FOLDER)
    assert found.files == FILES
    assert found.fingerprint == RULES.fingerprint
    assert (found.version, found.earliest) == ("3.000", "3.000")
    assert len(found.fields) == 35
    assert next(iter(found.fields)) == DEVICE_TYPE
    assert sum(found.combinations.values()) == 49
    assert len(found.combinations) == 54
    assert found.manufacturers["10:63"] == ("Landis+Gyr", "Landis + Gyr")
    assert found.manufacturers["10:C7"] == ("Trilliant",)


@pytest.mark.parametrize(
    "name",
    [
        "assurance.yaml",
        "checks.yaml",
        "decision.yaml",
        "device_level_versions.csv",
        "form.yaml",
        "kinds.yaml",
        "manufacturers.csv",
    ],
)
def test_no_file_can_be_missing(name):
    assert refusal({other: text for other, text in FILES.items() if other != name}) == f"rules/{name} is missing"


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("form.yaml", "allocated:", "alocated:", ["rules/form.yaml", "unknown field `alocated`"]),
        ("form.yaml", "    max_octets: 50", "    max_octetts: 50", ["rules/form.yaml", "max_octetts", "$.fields[0]"]),
        ("form.yaml", "max_octets: 50", "max_octets: fifty", ["Expected `int", "$.fields[0].max_octets"]),
        ("form.yaml", "kind: hex", "kind: hexa", ["Invalid value 'hexa'", "$.fields[1].format"]),
        ("form.yaml", "version:", "version: {", ["rules/form.yaml", "line"]),
        ("form.yaml", "version:", 'version: "2.0"\nversion:', ["'version' stands twice", "line"]),
        ("form.yaml", "    why: The Device", "    max_octets: 60\n    why: The Device", ["'max_octets' stands twice"]),
        ("form.yaml", "smets1: {family: smets1}", "smets1: {family: smets3}", ["smets3"]),
        (
            "form.yaml",
            "attribute: model_identifier",
            "attribute: manufacturer_identifier",
            ["manufacturer_identifier' stands twice"],
        ),
        ("form.yaml", "required: smets2-esme", "required: smets2-emse", ["condition smets2-emse"]),
        (
            "form.yaml",
            "types: [Pre-Payment Interface Device]",
            "types: [Pre-Payment Device]",
            ["Device_Type Pre-Payment Device"],
        ),
        ("form.yaml", "missing: fir.complete", "missing: fir.all", ["check fir.all"]),
        ("form.yaml", "check: form.format}", "check: form.formats}", ["check form.formats"]),
        ("form.yaml", r"newer: 'CTT \d", r"newer: 'CTT (\d", ["rules/form.yaml", "not a regular expression"]),
        (
            "form-3.000.yaml",
            "field: CPA_Certificate.expiry_date",
            "field: CPA_Certificate.expiry",
            ["unknown field 'CPA_Certificate.expiry'"],
        ),
        ("form-3.000.yaml", '    why: "The prefix', '    whi: "The prefix', ["rules/form-3.000.yaml", "whi"]),
        ("form-3.000.yaml", 'version: "3.000"', 'version: "3.001"', ["describes version '3.001'"]),
        (
            "form-3.000.yaml",
            "  - field: CPA_Certificate.expiry_date",
            "  - field: CPA_Certificate.expiry_date\n    group: CPA",
            ["cannot change"],
        ),
        ("form-3.000.yaml", "attribute: Stack_Version", "attribute: Stack_Vendor", ["Stack_Vendor' stands twice"]),
        (
            "form-3.000.yaml",
            "      field: CPA_Certificate.identification_number",
            "      field: CPA.number",
            ["field CPA.number"],
        ),
        ("checks.yaml", "id: intake.encrypted", "id: intake.workbook", ["rules/checks.yaml", "stands twice"]),
        ("checks.yaml", "worst: unclear", "worst: maybe", ["maybe"]),
        (
            "checks.yaml",
            "id: certificate.present.zse",
            "id: certificate.present.zigbee",
            ["check certificate.present.zse"],
        ),
        ("assurance.yaml", "required: smets2}", "required: smets3}", ["assurance zse: condition smets3"]),
        ("kinds.yaml", "id: new-entry", "id: new", ["rules/kinds.yaml", "'new'"]),
        ("device_level_versions.csv", "device_type,", "type,", ["first line must be device_type,smets_chts_version"]),
        (
            "device_level_versions.csv",
            ",GBCS Version 1.1,yes",
            ",GBCS Version 1.1,perhaps",
            ["line 2", "not yes or no"],
        ),
        ("device_level_versions.csv", ",GBCS Version 1.1,yes", ",GBCS Version 1.1", ["line 2: 3 values instead of 4"]),
        ("manufacturers.csv", "10:28,Itron,", "10:28,", ["rules/manufacturers.csv, line 2: 2 values"]),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(name, old, new, words):
    text = refusal(with_change(name, old, new))
    for word in words:
        assert word in text


def test_a_combination_can_stand_once_only():
    name = "device_level_versions.csv"
    row = FILES[name].splitlines()[1]
    assert "line 56: stands twice" in refusal(FILES | {name: f"{FILES[name]}{row}\n"})


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "{otherwise: true}, outcome: accept, reason: Every check",
            "{any: pass}, outcome: accept, reason: Every check",
            "the last row must be the one that always holds",
        ),
        (
            "id: fault, when: {any: fail}, outcome: reject",
            "id: fault, when: {any: fail}, outcome: accept",
            "only the last row may accept, not 'fault'",
        ),
        ("id: fault, when: {any: fail}", "id: fault, when: {any: advice}", "no row of its own for: fail"),
        ("when: {any: broken}", "when: {any: pass}", "no row of its own for: broken"),
        ("settle: reviewer", "settle: submitter", "no row of its own for: unclear"),
        ("when: {none: true}", "when: {any: pass}", "no row of its own for: no Findings at all"),
        ("id: look", "id: question", "'submission': an id stands twice"),
        ("any: fail", "any: failed", "Invalid enum value 'failed'"),
        ("outcome: clarify", "outcome: wait", "Invalid enum value 'wait'"),
    ],
)
def test_no_decision_table_can_accept_what_is_not_settled(old, new, words):
    assert words in refusal(with_change("decision.yaml", old, new))


def test_one_row_may_speak_for_every_open_point():
    text = FILES["decision.yaml"].replace("{any: unclear, settle: reviewer}", "{any: unclear}")
    assert Rulebook.from_files(FILES | {"decision.yaml": text}).decision.submission[4].when.settle is None


def test_an_empty_folder_holds_no_rules(tmp_path):
    with pytest.raises(RulesBroken, match="no rules files here"):
        Rulebook.load(tmp_path)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "form.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(RulesBroken, match="utf-8"):
        Rulebook.load(tmp_path)


@pytest.mark.parametrize("tree", ["", "[]", "just words", "42", "!!python/object/apply:os.getcwd []", "{[1]: 2}"])
def test_other_yaml_than_a_mapping_is_refused(tree):
    assert refusal(FILES | {"kinds.yaml": tree}).startswith("rules/kinds.yaml: ")


def test_the_fingerprint_is_that_of_the_bytes():
    assert len(RULES.fingerprint) == 64
    assert Rulebook.from_files(dict(reversed(FILES.items()))).fingerprint == RULES.fingerprint
    changed = {RULES.fingerprint}
    for name, text in FILES.items():
        other = f"{text}\n" if name.endswith(".yaml") else text.replace("\n", "\r\n", 1)
        changed.add(Rulebook.from_files(FILES | {name: other}).fingerprint)
    assert len(changed) == 1 + len(FILES)


def test_rules_come_back_from_their_bundle():
    again = Rulebook.from_bundle(RULES.bundle)
    assert again.bundle == RULES.bundle
    assert again.fingerprint == RULES.fingerprint
    assert again == RULES


@pytest.mark.parametrize("bundle", [b"", b"[]", b'{"form.yaml": 1}', b"\xff"])
def test_a_damaged_bundle_is_refused(bundle):
    with pytest.raises(RulesBroken, match="the stored rules are damaged"):
        Rulebook.from_bundle(bundle)


def test_a_bundle_that_lacks_a_file_is_refused():
    with pytest.raises(RulesBroken, match=r"rules/kinds\.yaml is missing"):
        Rulebook.from_bundle(json.dumps({n: t for n, t in FILES.items() if n != "kinds.yaml"}).encode())


def test_the_two_versions_of_the_form():
    before = Rulebook.from_files({name: text for name, text in FILES.items() if not name.startswith("form-")})
    assert (before.version, before.earliest, len(before.fields)) == ("2.051", "2.051", 31)
    assert list(RULES.fields)[:31] == list(before.fields)
    assert list(RULES.fields)[31:] == [
        "Firmware_Upgrade.Path",
        "ZigBee_Properties.Bands_Join",
        "Device_ZigBee_Information_Repository.Stack_Vendor",
        "Device_ZigBee_Information_Repository.Stack_Version",
    ]
    number = "CPA_Certificate.identification_number"
    formats = [book.fields[number].format for book in (before, RULES)]
    assert [f.prefixes for f in formats if isinstance(f, CertificateNumber)] == [
        ("[E] ", "[R] "),
        ("[E] ", "[R] ", "[T] "),
    ]
    dates = [book.fields["CPA_Certificate.expiry_date"].format for book in (before, RULES)]
    assert [sorted(f.bounds) for f in dates if isinstance(f, Day)] == [["[E] "], ["[E] ", "[T] "]]
    changed = {name for name in before.fields if before.fields[name] != RULES.fields[name]}
    assert changed == {number, "CPA_Certificate.security_characteristics_version", "CPA_Certificate.expiry_date"}


def test_later_versions_are_applied_in_their_order():
    later = 'version: "%s"\nchange: [{field: Firmware_Upgrade.Path, why: Because of %s.}]\n'
    files = FILES | {f"form-{number}.yaml": later % (number, number) for number in ("10.000", "3.002", "3.010")}
    book = Rulebook.from_files(files)
    assert book.version == "10.000"
    assert book.earliest == "3.000"
    assert book.fields["Firmware_Upgrade.Path"].why == "Because of 10.000."
