"""rules/reminders.yaml: what it says, and what is refused before a reminder is computed by it."""

from pathlib import Path

import pytest

from pipeline.compose.reminders import REMINDERS
from pipeline.domain.reminder import AtExpiry, Audience, ReminderKind
from pipeline.rulebook import Rulebook, RulesBroken

FOLDER = Path(__file__).parents[3] / "rules"
RULES = Rulebook.load(FOLDER)
NAME = "reminders.yaml"
WINDOWS = "      - {months: 12, to: [submitter, suppliers, dcc]}\n"


def test_the_shipped_rules_are_those_of_the_guidance():
    rules = RULES.reminders
    assert rules
    assert [(rule.kind, rule.mark, rule.questionnaire, rule.expired) for rule in rules.kinds] == [
        (ReminderKind.EXPIRY, "[E]", True, AtExpiry.DETERMINATION),
        (ReminderKind.RENEWAL, "[R]", True, AtExpiry.DETERMINATION),
        (ReminderKind.TRIAL, "[T]", False, AtExpiry.REMOVAL),
    ]
    for rule in rules.kinds:
        assert [window.months for window in rule.windows] == [12, 6, 1]
        assert all(window.to == tuple(Audience) for window in rule.windows)
    assert {rule.template for rule in rules.kinds} == set(REMINDERS)
    assert (rules.questionnaire.earliest_months, rules.questionnaire.latest_months) == (12, 6)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (WINDOWS, "", None),
        (WINDOWS, WINDOWS * 2, "the longest first, not as"),
        ("{months: 12, to", "{months: 3, to", "the longest first"),
        ("{months: 12, to", "{months: 0, to", ">= 1"),
        ("[submitter, suppliers, dcc]", "[]", "length >= 1"),
        ("[submitter, suppliers, dcc]", "[ofgem]", "ofgem"),
        ("kind: trial", "kind: expiry", "each kind must stand once"),
        ('"[T]"', '"[E]"', "the same mark"),
        ('"[T]"', '"T"', "regex"),
        ("template: reminder-trial", "template: ../accepted", "regex"),
        ("  dcc: {types: [Communications Hub]}\n", "", "each audience must say"),
        ("{types: [Communications Hub]}", "{types: [Comms Hub]}", "Device_Type Comms Hub"),
        ("latest_months: 6", "latest_months: 12", "must be fewer"),
        ("clauses:", "claused: {}\nclauses:", "claused"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(old, new, words):
    text = RULES.files[NAME]
    assert old in text
    files = RULES.files | {NAME: text.replace(old, new, 1)}
    if words is None:
        assert Rulebook.from_files(files).fingerprint != RULES.fingerprint
        return
    with pytest.raises(RulesBroken, match=words):
        Rulebook.from_files(files)


def test_the_file_may_be_missing_from_stored_rules_alone():
    files = {name: text for name, text in RULES.files.items() if name != NAME}
    with pytest.raises(RulesBroken, match=r"rules/reminders\.yaml is missing"):
        Rulebook.from_files(files)
    assert Rulebook.from_files(files, stored=True).reminders is None
