"""Field by field: at most one fault, what is said of it, and what the combination of three fields says."""

import pytest

from pipeline.checks.run import run_all
from pipeline.domain.finding import Finding, Settler, Status
from tests.corpus_cases import RULES, Case, matter_of

TYPE, SMETS, GBCS = "Device_Type.name", "SMETS/CHTS Version.Version_number", "GBCS Version.version_number"
FIRMWARE, CPA = "Device_Model.firmware_version", "CPA_Certificate.identification_number"
ESME, PPMID = "Single Element Electricity Metering Equipment", "Pre-Payment Interface Device"


def findings(**keys: object) -> list[Finding]:
    case = Case(why="what the test changes", expect=Status.PASS, **keys)  # type: ignore[arg-type]
    return [f for f in run_all(matter_of(case)) if f.status not in {Status.PASS, Status.NOT_APPLICABLE}]


def about(field: str, **keys: object) -> list[Finding]:
    return [f for f in findings(**keys) if f.subject == field]


def test_a_finding_says_what_why_and_what_to_do():
    (found,) = about(FIRMWARE, answers={FIRMWARE: "0C030C22"})
    assert found.message == f'{FIRMWARE} is "0C030C22", which is not in the field\'s format.'
    assert found.expected == "XX:XX:XX:XX, where each X is one of 0 to 9 or A to F"
    assert found.remedy == "If 0C:03:0C:22 is meant, write it so."
    assert (found.why, found.clause) == (RULES.fields[FIRMWARE].why, RULES.fields[FIRMWARE].clause)
    (evidence,) = found.evidence
    assert (evidence.file, evidence.where, evidence.text) == ("form.xlsm", "CPL - New Entry!G14", "0C030C22")


def test_a_missing_answer_says_what_one_looks_like():
    (found,) = about(FIRMWARE, answers={FIRMWARE: None})
    assert (found.message, found.expected) == (f"{FIRMWARE} is empty.", "a value, for example 00:00:00:00")


def test_a_long_value_is_not_repeated_whole():
    (found,) = about("FIR Release Notes.Description", answers={"FIR Release Notes.Description": "a" * 20_000})
    assert len(found.message) < 300
    assert "(20000 characters)" in found.message


def test_a_field_has_one_fault_at_most_and_the_first_thing_to_mend():
    (found,) = about(CPA, device=PPMID, faults=(("formula", CPA, '"x"', "no number at all"),))
    assert found.check == "form.formula"


def test_advice_stands_beside_a_value_that_is_right():
    told = about(FIRMWARE, answers={FIRMWARE: " 04:01:1a:00 "})
    assert [(f.check, f.status) for f in told] == [("form.blanks", Status.ADVICE), ("form.case", Status.ADVICE)]


def test_fields_are_spoken_of_in_form_order():
    wrong = {"FIR Release Notes.Description": None, CPA: "1", FIRMWARE: "1", "Manufacturer Contact FIR.City": None}
    order = list(RULES.fields)
    for check in ("form.format", "fir.complete"):
        told = [order.index(f.subject) for f in findings(answers=wrong) if f.check == check]
        assert len(told) == 2
        assert told == sorted(told)


def test_a_fault_silences_the_advice():
    assert [f.check for f in about(FIRMWARE, answers={FIRMWARE: " 1a "})] == ["form.format"]


def test_a_placeholder_of_the_blank_form_is_no_answer():
    (found,) = about("Entry.number", answers={"Entry.number": "000999"})
    assert found.status is Status.ADVICE
    assert not about("Entry.number")


@pytest.mark.parametrize(("device", "smets1"), [(ESME, False), (PPMID, False), (ESME, True)])
def test_a_type_that_is_not_known_makes_no_field_missing_or_forbidden(device, smets1):
    faults = [f for f in findings(device=device, smets1=smets1, answers={TYPE: "Meter"}) if f.status is Status.FAIL]
    assert [(f.check, f.subject) for f in faults] == [("form.value", TYPE)]


def test_versions_that_contradict_each_other_ask_for_no_certificate_and_forbid_none():
    for smets1 in (False, True):
        answers = {GBCS: "GBCS Version 4.1" if smets1 else "GBCS Version 0.0"}
        faults = [f for f in findings(device=ESME, smets1=smets1, answers=answers) if f.status is Status.FAIL]
        assert [f.check for f in faults] == ["form.combination"]


def test_what_the_cpl_offers_in_other_words_is_what_the_field_may_hold():
    bands = "ZigBee_Properties.Bands_Join"
    (found,) = about(bands, answers={bands: "Both"}, drop_downs={bands: ("Dual Band", "Single Band")})
    assert found.expected == "one of: Dual Band, Single Band"
    assert not about(bands, answers={bands: "dual band"}, drop_downs={bands: ("dual band",)})


def test_the_disputed_repository_fields_are_a_reviewer_s_to_settle():
    told = findings(device=PPMID, answers={"Manufacturer Contact FIR.City": None})
    (found,) = [f for f in told if f.check == "fir.complete"]
    assert (found.status, found.settle) == (Status.UNCLEAR, Settler.REVIEWER)


def test_a_mark_and_characteristics_that_do_not_go_together():
    field = "CPA_Certificate.security_characteristics_version"
    (trial,) = about(field, answers={CPA: "[T] GKL123456789"})
    assert (trial.check, trial.expected) == ("form.value", "Not Relevant")
    (expiring,) = about(field, answers={field: "Not Relevant"})
    assert "a certificate that is not marked [T]" in expiring.message
    assert not about(field, answers={field: "Not Relevant", CPA: "[T] GKL123456789"})


def test_a_number_without_its_mark_is_the_only_fault():
    faults = [f for f in findings(answers={CPA: "GKL123456789"}) if f.status is Status.FAIL]
    assert [(f.check, f.subject) for f in faults] == [("form.format", CPA)]


def test_a_combination_names_the_partners_that_are_offered():
    (found,) = [f for f in findings(device=PPMID, answers={SMETS: "SMETS V5.1"}) if f.check == "form.combination"]
    offered = {f"{s} with {g}" for (d, s, g), yes in RULES.combinations.items() if d == PPMID and yes}
    withdrawn = {f"{s} with {g}" for (d, s, g), yes in RULES.combinations.items() if d == PPMID and not yes}
    assert withdrawn
    assert set(found.expected.removeprefix(f"for {PPMID}: ").split("; ")) == offered
    assert [e.where for e in found.evidence] == [f"CPL - New Entry!G{row}" for row in (9, 15, 16)]


def test_every_combination_that_is_offered_passes_and_no_other():
    for (device, smets, gbcs), offered in RULES.combinations.items():
        if gbcs == "GBCS Version 1.0":
            continue  # refused as a value, before its combination is looked at
        answers = {TYPE: device, SMETS: smets, GBCS: gbcs}
        failed = [f.check for f in findings(device=ESME, answers=answers) if f.check == "form.combination"]
        assert bool(failed) is not offered, (device, smets, gbcs)
