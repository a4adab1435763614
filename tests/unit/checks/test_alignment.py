"""The Device Model against certificates: one whole Device, what carries it, and the rules files behind the verdicts."""

from dataclasses import replace
from datetime import date

import msgspec
import pytest
import yaml

from pipeline.checks import alignment, papers
from pipeline.checks.devices import PARTS
from pipeline.checks.matter import Say
from pipeline.domain.finding import Settler, Status
from pipeline.rulebook.alignment import CONVENTIONS, NEVER_PASS, AlignmentFile, Verdict, conventions, in_force
from tests.corpus_cases import ROOT, RULES, Case, Paper, matter_of

GAS, ESME = "Gas Smart Meter", "Single Element Electricity Metering Equipment"
FIRMWARE = "Device_Model.firmware_version"
TEXT = (ROOT / "rules" / "alignment.yaml").read_text("utf-8")
HEADER = "manufacturer_identifier,layout,coding,from,source\n"


def findings(case, prefix="align.zse"):
    matter = matter_of(case)
    judged = [
        finding
        for item in alignment.CHECKS
        if item.id.startswith(prefix)
        for finding in item.judge(matter, Say(RULES.checks[item.id]))
    ]
    assert len({finding.check for finding in judged}) == len(judged)
    return {finding.check.rpartition(".")[2]: finding for finding in judged}


def case(*documents, device=GAS, **more):
    return Case(why="a test", expect=Status.PASS, device=device, documents=documents, **more)


def zse(**device):
    return Paper(kind="zse", device=device)


@pytest.mark.parametrize("slot", papers.SLOTS)
def test_a_good_certificate_passes_with_its_places(slot):
    found = findings(case(device=ESME), f"align.{slot}")
    assert {finding.status for finding in found.values()} == {Status.PASS}
    for name, finding in found.items():
        on_page, *in_form = finding.evidence
        assert on_page.where.startswith("page 1 [")
        assert on_page.file == f"{slot}.pdf"
        assert len(in_form) == len(PARTS[name])
        assert all(place.where.startswith("CPL - New Entry!G") for place in in_form)


@pytest.mark.parametrize("part", ["manufacturer_identifier", "model_identifier", "hardware_version.version"])
def test_one_altered_octet_is_one_fault(part):
    texts = {"manufacturer_identifier": "E1:03", "model_identifier": "00:23", "hardware_version.version": "00_1E"}
    found = findings(case(zse(**{part: texts[part]})))
    failed = [finding for finding in found.values() if finding.status is Status.FAIL]
    assert len(failed) == 1
    assert failed[0].evidence[0].text == texts[part]
    assert "release notes" in failed[0].remedy


def test_fields_of_two_devices_never_make_one():
    first, second = {"firmware_version": "04:01:11:00"}, {"model_identifier": "00:23"}
    found = findings(case(Paper(kind="zse", devices=(first, second))))
    assert [finding.status for finding in found.values()].count(Status.FAIL) == 1


def test_the_whole_device_among_others_passes():
    others = tuple({"firmware_version": f"04:01:{n:02X}:00"} for n in range(0x20, 0x60))
    found = findings(case(Paper(kind="zse", devices=(*others, {}))))
    assert {finding.status for finding in found.values()} == {Status.PASS}


@pytest.mark.parametrize(
    ("part", "field", "text"),
    [
        ("firmware", "firmware_version", "04:01:13:00"),
        ("model", "model_identifier", "0x0023"),
        ("hardware", "hardware_version.version", "00_1E"),
        ("hardware", "hardware_version.version", "01"),
    ],
)
def test_a_second_value_on_the_same_certificate_is_not_passed_over(part, field, text):
    found = findings(case(Paper(kind="zse", values={field: text})))[part]
    assert (found.status, found.settle) == (Status.UNCLEAR, Settler.REVIEWER)
    assert text in found.message


def test_the_same_value_twice_is_one_value():
    paper = Paper(kind="zse", values={"firmware_version": "04 01 12 00", "hardware_version.version": "00"})
    assert {finding.status for finding in findings(case(paper)).values()} == {Status.PASS}


def test_ocr_never_passes_and_never_refuses():
    for device in ({}, {"firmware_version": "04:01:13:00"}):
        found = findings(case(Paper(kind="zse", source="ocr", device=device)))
        assert {finding.status for finding in found.values()} == {Status.UNCLEAR}


def test_what_carries_the_device_is_part_of_the_evidence():
    found = findings(case(zse(firmware_version="04:01:11:00"), Paper(kind="release-notes")))["firmware"]
    assert found.status is Status.PASS
    carried = [place for place in found.evidence if place.file == "release-notes.pdf"]
    assert {"ZIG25117ZSE24117-24", "04:01:12:00", "00_1F", "00:22", "E1:02"} <= {place.text for place in carried}


@pytest.mark.parametrize(
    ("slot", "kind"), [("zse", "test-lab-letter"), ("zse", "dlms-confirmation"), ("dlms", "ssc-letter")]
)
def test_a_letter_of_another_trade_carries_nothing(slot, kind):
    other = Paper(kind=slot, device={"firmware_version": "0C:03:0C:21"})
    found = findings(case(other, Paper(kind=kind), device=ESME), f"align.{slot}")
    assert found["firmware"].status is Status.FAIL


def test_a_certificate_that_was_withdrawn_is_carried_by_nobody():
    letter = Paper(kind="ncsc-letter", values={"withdrawn": "has been withdrawn"})
    found = findings(case(Paper(kind="cpa", device={"firmware_version": "04:01:11:00"}), letter), "align.cpa")
    assert found["firmware"].status is Status.FAIL


def test_a_field_with_a_fault_of_its_own_is_not_compared():
    matter = matter_of(case(zse(model_identifier="00:23")))
    matter.faulty.add(FIRMWARE)
    fit = alignment.best_fit(matter, "zse")
    assert fit is not None
    assert set(fit.parts) == {"manufacturer", "model", "hardware"}


def test_a_better_certificate_of_the_same_number_is_taken():
    old = Paper(kind="zse", artefact="a" * 64, device={"firmware_version": "04:01:11:00"})
    found = findings(case(old, Paper(kind="zse", artefact="b" * 64)))
    assert {finding.status for finding in found.values()} == {Status.PASS}


def test_declared_conventions_say_where_they_come_from():
    given = case(
        zse(firmware_version="12.3 (Stack 12.34)"),
        answers={FIRMWARE: "0C:03:0C:22"},
        declared=msgspec.convert({"rule": "application-stack decimal"}, type=Case.__annotations__["declared"]),
    )
    found = findings(given)["firmware"]
    assert found.status is Status.PASS
    assert found.evidence[-1].file == "rules/conventions.csv"


@pytest.mark.parametrize("status", ["unclear", "fail"])
def test_what_a_verdict_leads_to_is_data(status):
    matter = matter_of(case(zse(firmware_version="0x04011200")))
    leads_to = {**RULES.alignment.leads_to, Verdict.NOTATION: status}
    rules = replace(matter.rules, alignment=msgspec.structs.replace(RULES.alignment, leads_to=leads_to))
    item = next(item for item in alignment.CHECKS if item.id == "align.zse.firmware")
    (found,) = item.judge(replace(matter, rules=rules), Say(RULES.checks[item.id]))
    assert found.status.value == status


@pytest.mark.parametrize("verdict", sorted(NEVER_PASS))
def test_no_edit_of_the_rules_lets_pass_what_nothing_speaks_for(verdict):
    tree = yaml.safe_load(TEXT)
    tree["leads_to"][verdict.value] = "pass"
    with pytest.raises(msgspec.ValidationError, match=verdict.value):
        msgspec.convert(tree, type=AlignmentFile)


def test_a_verdict_without_a_line_is_refused():
    tree = yaml.safe_load(TEXT)
    del tree["leads_to"]["ambiguous"]
    with pytest.raises(msgspec.ValidationError, match="ambiguous"):
        msgspec.convert(tree, type=AlignmentFile)


def test_every_carrier_is_a_kind_and_makes_its_statement():
    for kinds in RULES.alignment.carriers.values():
        for kind, statement in kinds.items():
            assert kind in RULES.certificates
            assert not statement or statement in RULES.certificates[kind].fields


def test_no_convention_is_shipped():
    assert conventions((ROOT / "rules" / "conventions.csv").read_text("utf-8")) == {}


def test_conventions_are_read_the_newest_first():
    lines = "# a comment\n" + HEADER + "10:63,left,decimal,2026-01-01,letter 1\n10:63,right,bcd,2026-06-01,letter 2\n"
    found = conventions(lines)
    assert [rule.rule for rule in found["10:63"]] == ["right bcd", "left decimal"]
    assert in_force(found, "10:63", date(2025, 12, 31)) is None
    before, after = (in_force(found, "10:63", day) for day in (date(2026, 5, 31), date(2026, 6, 1)))
    assert before is not None
    assert after is not None
    assert (before.rule, before.line, after.rule) == ("left decimal", 3, "right bcd")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "first line"),
        ("code,rule\n", "first line"),
        (HEADER + "10:63,left,decimal,2026-01-01\n", "line 2"),
        (HEADER + "10:63,left,decimal,2026-01-01, \n", "source"),
        (HEADER + "10:63,left,base9,2026-01-01,a letter\n", "base9"),
        (HEADER + "10:63,left,decimal,soon,a letter\n", "soon"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(text, words):
    with pytest.raises(ValueError, match=words):
        conventions(text)


def test_the_conventions_are_thirteen():
    assert len(set(CONVENTIONS)) == 13
