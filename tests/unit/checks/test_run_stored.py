"""Rules of an earlier day know fewer checks: a replay runs what they knew; rules of today must know them all."""

import json
from dataclasses import replace

import pytest

from pipeline.checks.run import run_all
from pipeline.domain.finding import Status
from pipeline.rulebook import Rulebook, RulesBroken
from tests.corpus_cases import RULES, Case, matter_of

NEWER = "intake.authentic"


def without(rules: Rulebook, check: str) -> bytes:
    """The bundle as it was before a check was written."""
    files = json.loads(rules.bundle)
    lines = files["checks.yaml"].splitlines(keepends=True)
    kept = [line for line in lines if f"id: {check}," not in line]
    assert len(kept) == len(lines) - 1
    return json.dumps({**files, "checks.yaml": "".join(kept)}).encode()


def test_a_check_that_stored_rules_do_not_know_is_left_out():
    matter = matter_of(Case(why="stored", expect=Status.PASS))
    now = {finding.check for finding in run_all(matter)}
    then = replace(matter, rules=Rulebook.from_bundle(without(RULES, NEWER)))
    assert now - {finding.check for finding in run_all(then)} == {NEWER}


def test_a_check_that_rules_of_today_do_not_know_is_our_own_fault():
    files = json.loads(without(RULES, NEWER))
    with pytest.raises((KeyError, RulesBroken), match=NEWER):
        run_all(replace(matter_of(Case(why="live", expect=Status.PASS)), rules=Rulebook.from_files(files)))
