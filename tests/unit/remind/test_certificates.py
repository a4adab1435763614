"""Which certificates are tracked, however their number is written, and which entries a person must look at."""

import msgspec
import pytest

from pipeline.domain.reminder import ReminderKind
from pipeline.remind import certificates_of
from pipeline.rulebook import Rulebook
from tests.certificates import DAY, GAS, HUB, PPMID, RULES, entry, listed


def found(*entries):
    return certificates_of(listed(*entries), RULES)


@pytest.mark.parametrize(
    "spellings",
    [
        ("[E] 1433053936-1497", "[E] NCSC-1433053936-1497", "[E] NCSC1433053936-1497"),
        ("[E] 1433053936-1943", "[E] GSME1433053936-1943", " [E]  1433053936‐1943"),
        ("[T] SSC-T12", "[T] SSC T12", "[T]ssct12"),
    ],
)
def test_one_certificate_in_several_spellings_is_one(spellings):
    (only,) = found(*(entry(n, text) for n, text in enumerate(spellings, 1)), entry(9, spellings[2])).tracked
    assert [one.number for one in only.entries] == ["000001", "000002", "000003", "000009"]
    assert only.numbers[0] == spellings[2].strip()
    assert set(only.numbers) == {text.strip() for text in spellings}
    assert only.day == DAY


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[E] 1433053936-1497", "[E] 1433053936-1498"),
        ("[T] 1433053936-1497", "[E] 1433053936-1497"),
        ("[T] A12", "[T] B12"),
        (f"[E] 1{'0' * 9000}", f"[E] 1{'0' * 9001}"),
    ],
)
def test_others_are_others(one, other):
    keys = [tracked.key for tracked in found(entry(1, one), entry(2, other)).tracked]
    assert len(set(keys)) == 2
    assert max(map(len, keys)) <= 50


@pytest.mark.parametrize(
    ("number", "kind", "key"),
    [
        ("[E] NCSC-12-3", ReminderKind.EXPIRY, "cpa:123"),
        ("[R] NCSC-12-3", ReminderKind.RENEWAL, "cpa:123"),
        ("[T] NCSC-12-3", ReminderKind.TRIAL, "trial:NCSC123"),
        ("12-3", ReminderKind.EXPIRY, "cpa:123"),
    ],
)
def test_the_mark_says_the_kind(number, kind, key):
    tracking = found(entry(1, number))
    assert [(one.kind, one.key) for one in tracking.tracked] == [(kind, key)]
    assert [one.entries for one in tracking.remarks] == ([] if number.startswith("[") else [("000001",)])


def test_rows_of_one_certificate_with_other_dates_are_told_and_each_is_tracked():
    later = DAY.replace(month=9)
    tracking = found(entry(1), entry(2, "[E] NCSC1433053936-1497", later), entry(3))
    assert [(one.day, [p.number for p in one.entries]) for one in tracking.tracked] == [
        (DAY, ["000001", "000003"]),
        (later, ["000002"]),
    ]
    (remark,) = tracking.remarks
    assert "several dates: 30/08/2027 (2 entries), 30/09/2027 (1 entry)" in remark.text
    assert remark.entries == ("000001", "000002", "000003")


def test_rows_marked_for_expiry_and_for_renewal_are_told_and_taken_for_expiry():
    tracking = found(entry(1, "[R] 12"), entry(2, "[E] 12"), entry(3, "[R] 12"))
    assert [one.kind for one in tracking.tracked] == [ReminderKind.EXPIRY]
    assert "[E] in some rows and [R] in others" in tracking.remarks[0].text


@pytest.mark.parametrize(
    "silent",
    [
        entry(1, status="Removed"),
        entry(1, smets="SMETS V1.2", gbcs="GBCS Version 0.0"),
        entry(1, "", "", smets="SMETS V1.2", gbcs="GBCS Version 0.0"),
        entry(1, "", "", device=PPMID),
        entry(1, "Not Relevant", "Not Relevant", device=PPMID),
        entry(1, "NA", "", device=PPMID, status="odd"),
    ],
)
def test_entries_that_need_no_certificate_are_passed_over(silent):
    tracking = found(silent)
    assert (tracking.tracked, tracking.untracked, tracking.remarks) == ((), (), ())


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (entry(1, "", ""), "no certificate number"),
        (entry(1, "", device=HUB), "no certificate number"),
        (entry(1, "", device=PPMID), "no certificate number"),
        (entry(1, "[E] tbc"), '"[E] tbc" holds no digit'),
        (entry(1, "[E] ²³"), "holds no digit"),
        (entry(1, day=""), "has no date"),
        (entry(1, day="see letter"), '"see letter" cannot be read'),
        (entry(1, day="30/02/2027"), "cannot be read"),
        (entry(1, day="02-19-2026"), "cannot be read"),
        (entry(1, day="from 01/02/2026 to 01/02/2027"), "cannot be read"),
        (entry(1, day="30/08/0027"), "cannot be the date"),
        (entry(1, day="30/08/9999"), "cannot be the date"),
        (entry(1, status="current"), 'status is "current"'),
        (entry(1, status=""), "neither Current nor Removed"),
        (entry(1, "", "", device="Something new"), "no certificate number"),
        (entry(1, "x" * 40_000), "holds no digit"),
    ],
)
def test_entries_that_cannot_be_reminded_of_are_listed_with_the_reason(odd, why):
    tracking = found(odd, entry(2))
    assert [one.entry for one in tracking.untracked] == [odd]
    assert why in tracking.untracked[0].why
    assert len(tracking.untracked[0].why) < 300
    assert [p.number for one in tracking.tracked for p in one.entries] == ["000002"]


@pytest.mark.parametrize("text", ["30-08-2027", "30.8.2027", "2027-08-30", "30 August 2027"])
def test_a_date_in_another_writing_is_read_and_told(text):
    tracking = found(entry(1), entry(2, day=text))
    assert [len(one.entries) for one in tracking.tracked] == [2]
    (remark,) = tracking.remarks
    assert (remark.entries, text in remark.text) == (("000002",), True)


def test_a_trial_of_any_device_is_tracked_with_its_entries_in_list_order():
    tracking = found(entry(5, "[T] S-1"), entry(2, "[T] S-1", device=HUB), entry(3, "[T] S-1", device=GAS))
    assert [p.number for p in tracking.tracked[0].entries] == ["000005", "000002", "000003"]


def test_rules_from_before_there_were_reminders_still_load_and_remind_of_nothing():
    old = {name: text for name, text in RULES.files.items() if name != "reminders.yaml"}
    stored = Rulebook.from_bundle(msgspec.json.encode(old))
    assert stored.reminders is None
    assert stored.files == old
    with pytest.raises(ValueError, match="use the rules in force"):
        certificates_of(listed(entry(1)), stored)
