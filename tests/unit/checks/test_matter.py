"""What a check is told of a Submission: what kind of Device it is, and what may be said of its values."""

import pytest

from pipeline.checks.matter import device_model, quoted
from pipeline.checks.smets1 import listed
from pipeline.domain.finding import Status
from pipeline.domain.message import Address
from tests.corpus_cases import Case, Matter, matter_of

SMETS, GBCS = "SMETS/CHTS Version.Version_number", "GBCS Version.version_number"


def matter(**keys: object) -> Matter:
    return matter_of(Case(why="what the test changes", expect=Status.PASS, **keys))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("smets", "gbcs", "family"),
    [
        ("SMETS V1.2", "GBCS Version 0.0", "smets1"),
        ("SMETS V5.1", "GBCS Version 4.1", "smets2"),
        ("CHTS V1.5", "GBCS Version 4.1", "smets2"),
        ("SMETS V1.2", None, "smets1"),
        (None, "GBCS Version 0.0", "smets1"),
        (None, "GBCS Version 4.1", "smets2"),
        ("SMETS1", "GBCS Version 0.0", "smets1"),
        ("SMETS V1.2", "none", "smets1"),
        ("SMETS V3.0", "nonsense", "smets2"),
        ("SMETS V9.9", "GBCS Version 0.0", "smets1"),
        ("SMETS V9.9", "GBCS Version 9.9", "smets2"),
        ("SMETS V5.1", "GBCS Version 0.0", ""),
        ("SMETS V1.2", "GBCS Version 4.1", ""),
        ("nonsense", "nonsense", ""),
        (None, None, ""),
    ],
)
def test_the_family_is_what_the_versions_that_are_known_agree_on(smets, gbcs, family):
    assert matter(answers={SMETS: smets, GBCS: gbcs}).family == family


def test_a_type_that_the_cpl_in_force_offers_is_known():
    offered = {"Device_Type.name": ("Gas Smart Meter", "Hydrogen Smart Meter")}
    answers = {"Device_Type.name": "Hydrogen Smart Meter"}
    assert matter(answers=answers).device_type == ""
    assert matter(answers=answers, drop_downs=offered).device_type == "Hydrogen Smart Meter"


@pytest.mark.parametrize(
    ("condition", "answers", "undecided"),
    [
        ("every-device", {"Device_Type.name": None, SMETS: None, GBCS: None}, False),
        ("smets2", {"Device_Type.name": None}, False),
        ("smets2", {SMETS: None, GBCS: None}, True),
        ("smets2-except-ppmid", {"Device_Type.name": None}, True),
        ("smets2-esme", {GBCS: "GBCS Version 0.0"}, True),
        ("esme-gsme", {GBCS: "GBCS Version 0.0"}, False),
        ("no such condition", {}, False),
    ],
)
def test_a_rule_waits_for_what_it_depends_on(condition, answers, undecided):
    assert matter(answers=answers).undecided(condition) is undecided


def test_a_device_model_has_all_five_values():
    assert str(device_model(matter().submission)) == "E1:02 00:22 00 1F 04:01:12:00"
    assert device_model(matter(answers={"Device_Model.hardware_version.version": None}).submission) is None


def test_evidence_points_at_the_cell_as_it_was_stored():
    (evidence,) = matter(answers={GBCS: "gbcs version 4.1 "}).evidence(GBCS)
    assert (evidence.where, evidence.text) == ("CPL - New Entry!G16", "gbcs version 4.1 ")
    assert matter(faults=(("drop_row", GBCS),)).evidence(GBCS) == ()


@pytest.mark.parametrize(
    "field", ["Contact-CPA.Contact.contact email", "Device_ZigBee_Information_Repository.Stack_Vendor"]
)
def test_evidence_of_what_is_not_public_has_no_text(field):
    (evidence,) = matter().evidence(field)
    assert evidence.where.startswith("CPL - New Entry!G")
    assert evidence.text == ""


def test_a_long_value_is_cut_and_its_length_said():
    assert quoted("a" * 120) == f'"{"a" * 120}"'
    assert quoted("a" * 121) == f'"{"a" * 120}…" (121 characters)'


@pytest.mark.parametrize(
    ("address", "register", "known"),
    [
        ("a@maker.example", ("maker.example",), True),
        ("A@Maker.Example", ("maker.example",), True),
        ("a@maker.example", ("@maker.example",), True),
        ("a@maker.example", ("a@maker.example",), True),
        ("b@maker.example", ("a@maker.example",), False),
        ("a@post.maker.example", ("maker.example",), True),
        ("a@notmaker.example", ("maker.example",), False),
        ("a@maker.example.attacker.test", ("maker.example",), False),
        ("maker.example", ("maker.example",), True),
        ("a@maker.example", ("example",), False),
        ("", ("", "@", " "), False),
        ("a@maker.example", (" maker.example ",), True),
        ("a@maker.example", (), False),
    ],
)
def test_a_register_knows_addresses_and_domains(address, register, known):
    assert listed(Address("", address), register) is known
