"""Every case of tests/corpus: the check of the folder's name says what the case expects, and nothing else fails."""

from collections import Counter

import pytest

from pipeline.checks.run import run_all
from pipeline.domain.finding import Status
from tests.corpus_cases import FOLDER, load, matter_of

PATHS = sorted(FOLDER.glob("*/*.yaml"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_case(path):
    case = load(path)
    assert path.name.startswith(f"{case.expect.value}-"), "the file's name begins with the status it expects"
    findings = run_all(matter_of(case))
    own = [finding for finding in findings if finding.check == path.parent.name]
    assert {finding.status for finding in own} == {case.expect}, own
    if case.expect is not Status.PASS:
        assert own[0].subject == case.subject
        assert own[0].message.endswith(".")
    if case.expect is Status.FAIL:
        assert len(own) == 1, "one wrong thing is one fault"
        assert own[0].evidence
        assert own[0].remedy
    others = {finding.check for finding in findings if finding.status is Status.FAIL} - {path.parent.name}
    assert others == set(case.also)
    assert not [finding for finding in findings if finding.status is Status.BROKEN]


def test_every_case_says_why_in_its_own_words():
    reasons = Counter(load(path).why for path in PATHS)
    assert all(len(reason.split()) > 3 for reason in reasons)
    assert not [reason for reason, count in reasons.items() if count > 1]
