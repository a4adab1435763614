"""Who a rule applies to, and when a check is in force: Table 2 and Table 6 of the guidance, row by row."""

from datetime import date
from pathlib import Path

import pytest

from pipeline.rulebook import Rulebook
from pipeline.rulebook.schema import CheckRule, Condition, FieldRule
from tests.builders import DEVICE_TYPES, SAPC

RULES = Rulebook.load(Path(__file__).parents[3] / "rules")
HUB, GSME, HCALCS, POLYPHASE, PPMID, ESME, TWIN = DEVICE_TYPES
NEVER, ELECTRICITY = (), (POLYPHASE, ESME, TWIN)
NOT_PPMID = (HUB, GSME, HCALCS, *ELECTRICITY)

TABLE_2 = {
    "Device_Type": (DEVICE_TYPES, DEVICE_TYPES),
    "Device_Model": (DEVICE_TYPES, DEVICE_TYPES),
    "SMETS/CHTS Version": (DEVICE_TYPES, DEVICE_TYPES),
    "GBCS Version": (DEVICE_TYPES, DEVICE_TYPES),
    "CPA_Certificate": (NOT_PPMID, NEVER),
    "DLMS_Certificate": (ELECTRICITY, NEVER),
    "ZSE_Certificate": (DEVICE_TYPES, NEVER),
    "Manufacturer_Image": (NEVER, NEVER),
    "Contact-CPA": (NOT_PPMID, NEVER),
    "Manufacturer Contact FIR": (DEVICE_TYPES, DEVICE_TYPES),
    "FIR Release Notes": (DEVICE_TYPES, DEVICE_TYPES),
    "Firmware_Upgrade": (DEVICE_TYPES, DEVICE_TYPES),
    "ZigBee_Properties": (DEVICE_TYPES, DEVICE_TYPES),
    "Device_ZigBee_Information_Repository": (DEVICE_TYPES, DEVICE_TYPES),
}
"""Data Group to the Device Types that must fill it, as SMETS2+ and as SMETS1 (Table 2, and 7.2.9 to 7.2.12).

The groups of a Manufacturer Image go with the hash and not with the Device: image.complete asks for them.
"""

TABLE_6 = {"zse": DEVICE_TYPES, "cpa": NOT_PPMID, "dlms": ELECTRICITY}

FORBIDDEN = {"CPA_Certificate": (PPMID,), "Contact-CPA": (PPMID,)}
"""Data Group to the SMETS2+ Device Types that must leave it empty. A SMETS1 Device leaves all certificates empty."""


@pytest.mark.parametrize("family", ["smets2", "smets1"])
@pytest.mark.parametrize("device", DEVICE_TYPES)
def test_which_fields_a_device_must_fill(device, family):
    must = {rule.group for rule in RULES.fields.values() if RULES.holds(rule.required, device, family)}
    asked = {group for group, who in TABLE_2.items() if device in who[family == "smets1"]}
    assert must == asked


@pytest.mark.parametrize("rule", RULES.fields.values(), ids=lambda rule: rule.field)
def test_the_fields_of_a_group_go_together(rule: FieldRule):
    others = [other for other in RULES.fields.values() if other.group == rule.group]
    assert {other.required for other in others} == {rule.required}
    assert {other.forbidden for other in others} == {rule.forbidden}


@pytest.mark.parametrize("device", DEVICE_TYPES)
def test_which_fields_a_device_must_leave_empty(device):
    def empty(family: str) -> set[str]:
        rules = RULES.fields.values()
        return {r.group for r in rules if any(RULES.holds(condition, device, family) for condition in r.forbidden)}

    assert empty("smets2") == {group for group, who in FORBIDDEN.items() if device in who}
    assert empty("smets1") == {"CPA_Certificate", "DLMS_Certificate", "ZSE_Certificate", "Contact-CPA"}


def test_nothing_is_asked_and_forbidden_at_once():
    for rule in RULES.fields.values():
        for device in DEVICE_TYPES:
            for family in ("smets1", "smets2"):
                banned = any(RULES.holds(condition, device, family) for condition in rule.forbidden)
                assert not (banned and RULES.holds(rule.required, device, family)), (rule.field, device, family)


@pytest.mark.parametrize("device", DEVICE_TYPES)
def test_which_certificates_a_device_needs(device):
    for kind in RULES.assurance.certificates:
        assert RULES.holds(kind.required, device, "smets2") is (device in TABLE_6[kind.kind])
        assert RULES.holds(kind.required, device, "smets1") is False


def test_the_kinds_of_certificate_are_those_of_table_6():
    assert [kind.kind for kind in RULES.assurance.certificates] == list(TABLE_6)


def test_an_sapc_is_entered_as_single_element_equipment():
    notes = getattr(RULES.fields["Device_Type.name"].format, "notes", {})
    assert ESME in notes[SAPC]
    assert SAPC not in getattr(RULES.fields["Device_Type.name"].format, "values", ())


@pytest.mark.parametrize(
    ("smets", "gbcs", "family"),
    [
        ("SMETS V1.2", "GBCS Version 0.0", "smets1"),
        ("SMETS V5.1", "GBCS Version 4.1", "smets2"),
        ("CHTS V1.5", "GBCS Version 4.1", "smets2"),
        ("SMETS V1.2", "", "smets1"),
        ("", "GBCS Version 0.0", "smets1"),
        ("", "GBCS Version 4.1", "smets2"),
        ("SMETS V1.2", "GBCS Version 4.1", ""),
        ("SMETS V5.1", "GBCS Version 0.0", ""),
        ("", "", ""),
    ],
)
def test_the_two_versions_say_which_family_a_device_is_of(smets, gbcs, family):
    assert RULES.family(smets, gbcs) == family


def test_no_smets1_combination_but_with_gbcs_0():
    for device, smets, gbcs in RULES.combinations:
        assert (smets == "SMETS V1.2") == (gbcs == "GBCS Version 0.0"), device
    smets1 = {device for device, smets, _ in RULES.combinations if smets == "SMETS V1.2"}
    assert smets1 == {HUB, GSME, PPMID, ESME, TWIN}


@pytest.mark.parametrize(
    ("condition", "device", "family", "holds"),
    [
        (Condition(), GSME, "smets1", True),
        (Condition(), "", "", True),
        (Condition(family="smets1"), GSME, "smets2", False),
        (Condition(family="smets1"), GSME, "", False),
        (Condition(types=(GSME,)), GSME, "smets1", True),
        (Condition(types=(GSME,)), HUB, "smets1", False),
        (Condition(types=(GSME,)), "", "smets1", False),
        (Condition(not_types=(GSME,)), GSME, "smets1", False),
        (Condition(not_types=(GSME,)), HUB, "smets1", True),
        (Condition(family="smets2", types=(GSME, HUB), not_types=(HUB,)), HUB, "smets2", False),
    ],
)
def test_every_part_of_a_condition_must_hold(condition, device, family, holds):
    assert condition.holds(device, family) is holds


def test_the_empty_name_is_no_condition():
    assert RULES.holds("", GSME, "smets2") is False


@pytest.mark.parametrize(
    ("start", "until", "day", "in_force"),
    [
        (None, None, date(2026, 1, 1), True),
        (date(2026, 1, 2), None, date(2026, 1, 1), False),
        (date(2026, 1, 1), None, date(2026, 1, 1), True),
        (None, date(2026, 1, 1), date(2025, 12, 31), True),
        (None, date(2026, 1, 1), date(2026, 1, 1), False),
    ],
)
def test_a_check_is_in_force_from_a_day_until_the_day_before_another(start, until, day, in_force):
    rule = CheckRule(id="a.b", title="t", clause="c", worst="fail", start=start, until=until)
    assert rule.in_force(day) is in_force
