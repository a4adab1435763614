"""The proof finds nothing wrong with the project's own rules, and finds each thing that could be."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import msgspec
import pytest

from pipeline.checks import run
from pipeline.checks.proof import prove, written_out
from pipeline.rulebook import Rulebook
from pipeline.rulebook.schema import BadExample, CheckRule, FieldRule
from tests.corpus_cases import FOLDER, RULES

FIRMWARE = "Device_Model.firmware_version"
CHARACTERISTICS = "CPA_Certificate.security_characteristics_version"
EXPIRY = "CPA_Certificate.expiry_date"


def changed(name: str, **keys: object) -> Rulebook:
    """The rulebook with keys of one field's rule replaced."""
    rule = cast("FieldRule", msgspec.structs.replace(RULES.fields[name], **keys))
    return replace(RULES, fields={**RULES.fields, name: rule})


def test_rules_code_and_cases_agree():
    assert prove(RULES, FOLDER) == ()


def test_the_cases_need_not_be_at_hand():
    assert prove(RULES, None) == ()


def _without_field() -> Rulebook:
    return replace(RULES, fields={name: rule for name, rule in RULES.fields.items() if name != FIRMWARE})


def _without_check() -> Rulebook:
    return replace(RULES, checks={name: rule for name, rule in RULES.checks.items() if name != "fir.url"})


def _with_check() -> Rulebook:
    rule = CheckRule(id="form.colour", title="It is blue", clause="none", worst="fail")
    return replace(RULES, checks={**RULES.checks, rule.id: rule})


def _with_combination() -> Rulebook:
    return replace(RULES, combinations={**RULES.combinations, ("Gas Smart Meter", "SMETS V9.9", "GBCS"): True})


def _without_condition() -> Rulebook:
    return replace(RULES, conditions={n: c for n, c in RULES.conditions.items() if n != "esme-gsme"})


def _other_mark() -> Rulebook:
    link = RULES.fields[CHARACTERISTICS].goes_with
    assert link is not None
    return changed(CHARACTERISTICS, goes_with=msgspec.structs.replace(link, prefix="[X] ", only=("Nothing",)))


def _other_bound() -> Rulebook:
    form = RULES.fields[EXPIRY].format
    return changed(EXPIRY, format=msgspec.structs.replace(form, bounds={"[X] ": {}}))


def _lost_fault() -> Rulebook:
    return changed(FIRMWARE, format=msgspec.structs.replace(RULES.fields[FIRMWARE].format, check="duplicate.list"))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_without_field, "The code speaks of the field Device_Model.firmware_version"),
        (_without_check, "fir.url is judged by code, but has no row"),
        (_with_check, "form.colour stands in rules/checks.yaml, but no code judges it"),
        (_with_combination, "has the SMETS/CHTS Version.Version_number 'SMETS V9.9'"),
        (_without_condition, "The code speaks of the condition esme-gsme"),
        (_other_mark, "no CPA certificate number begins with '[X] '"),
        (_other_mark, "goes_with names 'Nothing'"),
        (_other_bound, "no CPA certificate number begins with '[X] '"),
        (_lost_fault, "faults with the id duplicate.list are told by no check"),
        (lambda: changed(FIRMWARE, good=("12.3",)), "the good example '12.3' is refused by form.format"),
        (lambda: changed(FIRMWARE, missing="form.value"), ""),
        (lambda: changed(FIRMWARE, missing="intake.sender"), "faults with the id intake.sender are told by no check"),
        (
            lambda: changed(FIRMWARE, bad=(BadExample(value="00:00:00:00", check="form.format"),)),
            "should be refused by form.format, but is met by nothing",
        ),
        (
            lambda: changed(FIRMWARE, bad=(BadExample(value="12.3", check="form.value"),)),
            "should be refused by form.value, but is met by form.format as fail",
        ),
    ],
)
def test_what_does_not_agree_is_said(make: Callable[[], Rulebook], words: str):
    troubles = prove(make(), None)
    assert any(words in trouble for trouble in troubles) if words else troubles == ()
    assert all(trouble.endswith(".") for trouble in troubles)


def test_an_id_has_one_function(monkeypatch):
    monkeypatch.setattr("pipeline.checks.proof.CHECKS", (*run.CHECKS, run.CHECKS[0]))
    assert prove(RULES, None) == (f"{run.CHECKS[0].id} is judged by 2 functions: an id has one.",)


def test_an_id_of_a_person_needs_no_function_and_no_cases():
    persons = [rule.id for rule in RULES.checks.values() if rule.person]
    assert persons
    assert not [name for name in persons if (FOLDER / name).exists()]


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ("form.tab/fail-*.yaml", "form.tab has no case corpus/form.tab/fail-*.yaml"),
        ("form.tab/pass-*.yaml", "form.tab has no case corpus/form.tab/pass-*.yaml"),
        ("intake.repeat/advice-*.yaml", "intake.repeat has no case corpus/intake.repeat/advice-*.yaml"),
        ("fir.url/not-applicable-*.yaml", "fir.url has no case corpus/fir.url/not-applicable-*.yaml"),
    ],
)
def test_a_missing_case_is_said(tmp_path, gone, words):
    folder = tmp_path / "corpus"
    shutil.copytree(FOLDER, folder)
    for case in list(folder.glob(gone)):
        case.unlink()
    assert prove(RULES, folder) == (f"{words}: write one.",)


def test_cases_of_no_check_are_said(tmp_path):
    folder = tmp_path / "corpus"
    shutil.copytree(FOLDER, folder)
    (folder / "form.colour").mkdir()
    (trouble,) = prove(RULES, folder)
    assert "corpus/form.colour holds cases of a check that does not exist" in trouble


def test_repeat_writes_a_value_out():
    text, octets = RULES.fields["Manufacturer_Image.creator"], RULES.fields["Manufacturer_Image.hash"]
    assert written_out("repeat:ö:3", text) == "ööö"
    assert written_out("repeat:00:3", octets) == "00:00:00"
    assert written_out("repeat::::2", text) == "::::"
    assert written_out("10:63", octets) == "10:63"
