"""rules/requests.yaml is read whole or refused; rules stored before it existed are read without it."""

import json
from pathlib import Path

import pytest

from pipeline.domain.release import AmendmentKind
from pipeline.rulebook import Rulebook, RulesBroken
from pipeline.rulebook.requests import RequestsFile

RULES = Rulebook.load(Path(__file__).parents[3] / "rules")
NAME = "requests.yaml"


def refusal(text: str) -> str:
    with pytest.raises(RulesBroken) as caught:
        Rulebook.from_files({**RULES.files, NAME: text})
    return str(caught.value)


def changed(old: str, new: str) -> str:
    assert old in RULES.files[NAME]
    return RULES.files[NAME].replace(old, new, 1)


def test_every_kind_is_described_once():
    assert sorted(rule.kind for rule in RULES.requests.requests) == sorted(AmendmentKind)
    found = RULES.requests.rule(AmendmentKind.REMOVAL)
    assert found is not None
    assert (found.asker, found.sets) == ("ssc", {})


def test_who_may_ask():
    ssc = {rule.kind.value for rule in RULES.requests.requests if rule.asker == "ssc"}
    assert ssc == {"removal", "restoration", "remedial-plan"}


def test_only_the_dzir_request_sets_what_is_red():
    red = {name for name, rule in RULES.fields.items() if rule.audience == "red"}
    assert {rule.kind.value for rule in RULES.requests.requests if red & rule.sets.keys()} == {"dzir"}


def test_every_field_that_a_request_sets_is_one_of_the_form():
    assert {name for rule in RULES.requests.requests for name in rule.sets} <= RULES.fields.keys()


def test_stored_rules_without_the_file_are_read():
    old = {name: text for name, text in RULES.files.items() if name != NAME}
    found = Rulebook.from_bundle(json.dumps(old).encode())
    assert found.requests == RequestsFile()
    assert found.requests.rule(AmendmentKind.FIR) is None
    assert Rulebook.from_bundle(RULES.bundle).requests == RULES.requests


def test_a_folder_of_rules_without_the_file_is_refused():
    with pytest.raises(RulesBroken, match=r"rules/requests.yaml is missing"):
        Rulebook.from_files({name: text for name, text in RULES.files.items() if name != NAME})


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("kind: removal", "kind: fir", "stands twice"),
        ("kind: removal", "kind: deletion", "Invalid enum value 'deletion'"),
        ("asker: ssc", "asker: anybody", "Invalid enum value 'anybody'"),
        ("documents: [cpa, ", "documents: [cpb, ", "request certificate-update: cpb"),
        ("documents: [cpa, ncsc-letter, ssc-letter]", "documents: []", "go together"),
        ("questions: ", "question: ", "unknown field `question`"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(old, new, words):
    assert words in refusal(changed(old, new))
