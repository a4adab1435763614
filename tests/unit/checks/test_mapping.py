"""How a text on a certificate relates to the form's octets: every verdict, the four rows of the older guidance, and
thousands of wrong pairs of which none may pass."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.checks.mapping import align, derive
from pipeline.rulebook.alignment import CONVENTIONS, Verdict

FIRMWARE = "0C:03:0C:22"
PASSING = {Verdict.EXACT, Verdict.IN_LIST, Verdict.NOTATION, Verdict.DECLARED}


@pytest.mark.parametrize(
    ("text", "octets", "verdict"),
    [
        (FIRMWARE, FIRMWARE, Verdict.EXACT),
        (f"v{FIRMWARE}.", FIRMWARE, Verdict.EXACT),
        (f"Release four ({FIRMWARE})", FIRMWARE, Verdict.EXACT),
        (f"{FIRMWARE} 12.3 (Stack 12.34)", FIRMWARE, Verdict.EXACT),
        ("Example Metering Ltd (10:63)", "10:63", Verdict.EXACT),
        ("01_AC", "01:AC", Verdict.EXACT),
        ("1F", "1F", Verdict.EXACT),
        (f"0C:03:0C:21, {FIRMWARE}", FIRMWARE, Verdict.IN_LIST),
        (f"{FIRMWARE} / 0C:03:0C:23", FIRMWARE, Verdict.IN_LIST),
        ("0C030C22", FIRMWARE, Verdict.NOTATION),
        ("0x0C030C22", FIRMWARE, Verdict.NOTATION),
        ("0x0C 0x03 0x0C 0x22", FIRMWARE, Verdict.NOTATION),
        ("0C 03 0C 22", FIRMWARE, Verdict.NOTATION),
        ("0C_03_0C_22", FIRMWARE, Verdict.NOTATION),
        ("0C-03-0C-22", FIRMWARE, Verdict.NOTATION),
        ("0c:03:0c:22", FIRMWARE, Verdict.NOTATION),
        ("01AC", "01:AC", Verdict.NOTATION),
        ("0C:03:0C:21", FIRMWARE, Verdict.CONTRADICTED),
        ("0C030C21", FIRMWARE, Verdict.CONTRADICTED),
        ("0x0C030C21 of the maker", FIRMWARE, Verdict.CONTRADICTED),
        ("10:6C", "10:63", Verdict.CONTRADICTED),
        ("Version 1.2.5.6", "01:02:05:06", Verdict.DERIVED),
        ("1.2", "01:02", Verdict.DERIVED),
        ("1", "01", Verdict.DERIVED),
        ("1.12", "01:0C", Verdict.AMBIGUOUS),
        (f"{FIRMWARE}_beta", FIRMWARE, Verdict.AMBIGUOUS),
        (f"{FIRMWARE}:00", FIRMWARE, Verdict.AMBIGUOUS),
        (f"not {FIRMWARE}", FIRMWARE, Verdict.AMBIGUOUS),
        (f"all versions before {FIRMWARE}", FIRMWARE, Verdict.AMBIGUOUS),
        ("0C:03:0C:21 (0C030C22)", FIRMWARE, Verdict.AMBIGUOUS),
        ("GSM22 12.3", "0C:03:00:00", Verdict.AMBIGUOUS),
        ("v1.0", "00:00:10:00", Verdict.NOT_ESTABLISHED),
        ("12.3 of 14.7", "0C:03:00:00", Verdict.NOT_ESTABLISHED),
        ("12.03.2026", "0C:03:00:00", Verdict.NOT_ESTABLISHED),
        ("the newest", FIRMWARE, Verdict.NOT_ESTABLISHED),
        ("", FIRMWARE, Verdict.NOT_ESTABLISHED),
    ],
)
def test_verdicts(text, octets, verdict):
    assert align(text, octets).verdict is verdict


@pytest.mark.parametrize(
    ("text", "octets", "verdict", "rule"),
    [
        ("12.3 (Stack 1.2.3.4)", "12:03:12:34", Verdict.DERIVED, "packed-stack bcd"),
        ("12.3 (Stack 12.34)", "0C:03:0C:22", Verdict.AMBIGUOUS, "application-stack decimal"),
        ("7.8D Other String", "00:00:07:8D", Verdict.AMBIGUOUS, "right hexadecimal"),
    ],
)
def test_rows_of_the_alignment_guidance_are_explained(text, octets, verdict, rule):
    said = align(text, octets)
    assert said.verdict is verdict
    assert said.derivations[0].octets == octets
    assert rule in said.derivations[0].rules
    assert align(text, octets, rule).verdict is Verdict.DECLARED


def test_row_three_never_passes():
    text, octets = "Some String (14.7)", "0D:07:00:00"
    assert octets not in derive(text, 4).values()
    for convention in (None, *CONVENTIONS):
        assert align(text, octets, convention).verdict is Verdict.NOT_ESTABLISHED
    assert align(text, "0E:07:00:00", "left decimal").verdict is Verdict.DECLARED


def test_rivals_are_named():
    said = align("12.3 (Stack 12.34)", "0C:03:0C:22")
    assert [item.octets for item in said.derivations] == ["0C:03:0C:22", "12:03:12:34"]


def test_what_was_declared_counts_against_another_reading():
    said = align("12.3 (Stack 12.34)", "12:03:12:34", "application-stack decimal")
    assert said.verdict is Verdict.NOT_ESTABLISHED
    assert "0C:03:0C:22" in said.hint


@pytest.mark.parametrize(
    "text", ["12.3 build 7", "12.3 except 12.4", "before 12.3", "12.3-rc1", "12.3_beta", "R2 12.3"]
)
def test_a_declared_convention_explains_the_whole_text_or_nothing(text):
    assert align(text, "0C:03:00:00", "left decimal").verdict not in PASSING


@pytest.mark.parametrize(
    ("text", "octets", "word"),
    [
        ("6C:10", "10:6C", "reversed"),
        ("22:0C:03:0C", "0C:03:0C:22", "reversed"),
        ("O1_AC", "01:AC", "letter"),
        ("0C:03:OC:22", FIRMWARE, "letter"),
        ("4204", "10:6C", "decimal"),
        ("12", "0C", "decimal"),
        ("12:03:12:34", FIRMWARE, "decimal"),
        ("0C:03", "12:03", "decimal"),
    ],
)
def test_usual_slips_are_named(text, octets, word):
    said = align(text, octets)
    assert said.verdict in {Verdict.CONTRADICTED, Verdict.NOT_ESTABLISHED}
    assert word in said.hint


def test_another_value_is_not_called_a_slip():
    assert align("0C:03:0C:21", FIRMWARE).hint == ""


octets_strategy = st.lists(st.integers(0, 255), min_size=4, max_size=4).map(lambda o: ":".join(f"{n:02X}" for n in o))


@given(text=st.text(alphabet="0123456789ABCDEFabcdef:._- xXvV()StackO", max_size=60), octets=octets_strategy)
def test_nothing_passes_that_does_not_hold_the_digits(text, octets):
    said = align(text, octets)
    if said.verdict in PASSING:
        digits = re.sub("[^0-9A-F]", "", re.sub("0X", "", text.upper()))
        assert octets.replace(":", "") in digits


@given(text=st.text(max_size=200), octets=octets_strategy, convention=st.sampled_from((None, *CONVENTIONS)))
def test_any_text_gets_a_verdict(text, octets, convention):
    assert align(text, octets, convention).verdict in Verdict
    assert align(text, octets[:5], convention).verdict in Verdict
    assert align(text, octets[:2], convention).verdict in Verdict


def test_no_wrong_pair_passes(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[3] / "benchmarks")
    import mapping as brute_force

    found = brute_force.counted(20_000, seed=11)
    assert sum(counts["pairs"] for counts in found.values()) >= 20_000
    assert sum(counts["any rule"] for counts in found.values()) > 0, "some wrong pairs do follow from a rule"
    assert sum(counts["passed, nothing declared"] + counts["passed, declared"] for counts in found.values()) == 0


def test_the_brute_force_writes_octets_as_the_rules_do(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[3] / "benchmarks")
    import mapping as brute_force

    right = brute_force.true_pairs(1_040, seed=5)
    assert right["with the convention declared"] > 1_000
    assert right["contradicted"] == 0
