"""The next Release as values: numbers, version, books, amendments, what is refused, and the Version Control row."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pipeline.demo.answers import good_answers
from pipeline.demo.products import GSME, PPMID
from pipeline.domain.release import Amendment, AmendmentKind, ChangeKind, NewEntry, RepositoryRow
from pipeline.planning import PlanRefused, plan
from pipeline.products import apply
from pipeline.rulebook import Rulebook
from tests.lists import product_list, sample_list, with_values

ROOT = Path(__file__).resolve().parents[2]
RULES = Rulebook.load(ROOT / "rules")
LIST = sample_list("3.009")
DAY = date(2026, 11, 20)
CPA, EXPIRY = "CPA_Certificate.identification_number", "CPA_Certificate.expiry_date"
CREATOR, HASH = "Manufacturer_Image.creator", "Manufacturer_Image.hash"
FIRMWARE, HARDWARE = "Device_Model.firmware_version", "Device_Model.hardware_version.version"
PATH, NOTES = "Firmware_Upgrade.Path", "FIR Release Notes.Description"
VENDOR, STACK = (f"Device_ZigBee_Information_Repository.Stack_{name}" for name in ("Vendor", "Version"))
RED = "Qwfpvendor"


def entry(submission=1, device="", **changes):
    answers = good_answers(*filter(None, [device]), image=True, **changes)
    values = {name: str(text) for name, text in answers.items() if text}
    return NewEntry(submission, f"CPL-2026-{submission:05}", f"form-{submission}.xlsm", "0" * 64, values)


def amend(kind, entries, why="The reason", number=1, **values):
    named = {name.replace("__", "."): text for name, text in values.items()}
    return Amendment(f"A-2026-{number:05}", kind, tuple(entries), named, why, "Ada Clerk", "2026-11-20T10:00:00Z")


def correct(number, why="The reason", serial=1, **values):
    return amend(AmendmentKind.CORRECTION, [number], why, serial, **values)


def planned(*amendments, new=(), products=LIST, highest=0, **more):
    books = {"fir": (), "dzir": (), "contacts": ()} | more
    return plan(products, highest=highest, new=new, amendments=amendments, on=DAY, rules=RULES, **books)


def refused(*amendments, **more):
    with pytest.raises(PlanRefused) as refusal:
        planned(*amendments, **more)
    return str(refusal.value)


def after(made, number):
    return apply(LIST, made.difference).with_number(number)


# ---- new entries


def test_a_new_entry_goes_into_the_four_books_and_nowhere_else():
    made = planned(new=[entry(device=GSME)])
    assert (made.base, made.version, made.issued, made.line) == (
        "3.009", "3.010", DAY, "Version 3.010 Issued on 20-11-2026",
    )  # fmt: skip
    (change,) = made.difference.changes
    assert (change.kind, change.number) == (ChangeKind.ADDED, "000025")
    listed = change.after
    assert (listed.status, listed.row) == ("Current", LIST.products[-1].row + 1)
    assert str(listed.model) == "E1:02 00:22 00 1F 04:01:12:00"
    assert listed.values["Entry.number"] == "000025"
    assert listed.values[HARDWARE] == "00"
    assert listed.values["ZigBee_Properties.Bands_Join"] == "Single Band (2.4 GHz)"
    groups = {name.partition(".")[0] for name in listed.values}
    assert not groups & {
        "Contact-CPA", "Manufacturer Contact FIR", "FIR Release Notes", "Firmware_Upgrade",
        "Device_ZigBee_Information_Repository",
    }  # fmt: skip
    (fir,), (dzir,), (contact,) = made.fir, made.dzir, made.contacts
    assert {row.number for row in (fir, dzir, contact)} == {"000025"}
    assert len(fir.values) == 11
    assert fir.values[PATH] == "000007; 000008"
    assert set(dzir.values) == {VENDOR, STACK}
    assert {name.partition(".")[0] for name in contact.values} == {"Contact-CPA"}
    everything = {**listed.values, **fir.values, **dzir.values, **contact.values}
    assert {n: t for n, t in everything.items() if not n.startswith("Entry.")} == dict(entry(device=GSME).values)


def test_numbers_follow_the_highest_ever_used_in_the_order_given():
    two = [entry(7), entry(3, GSME)]
    assert list(planned(new=two, highest=31).numbered) == ["000032", "000033"]
    assert [item.submission for item in planned(new=two, highest=31).numbered.values()] == [7, 3]
    assert list(planned(new=two, highest=5).numbered) == ["000025", "000026"]
    assert list(planned(new=two, products=product_list([], "3.000")).numbered) == ["000001", "000002"]
    assert list(planned(new=two[:1], highest=999_998).numbered) == ["999999"]
    assert "six digits" in refused(new=two, highest=999_998)


def test_a_gap_or_the_number_of_a_removed_entry_is_never_used_again():
    removed = with_values(LIST, "000024", Entry__status="Removed")
    assert list(planned(new=[entry()], products=removed).numbered) == ["000025"]


@pytest.mark.parametrize(
    ("version", "principal", "expected"),
    [
        ("3.009", False, "3.010"),
        ("3.000", False, "3.001"),
        ("2.998", False, "2.999"),
        ("3.999", True, "4.000"),
        ("3.009", True, "4.000"),
        ("9.000", True, "10.000"),
    ],
)
def test_the_version_after_this_one(version, principal, expected):
    assert planned(new=[entry()], products=sample_list(version), principal=principal).version == expected


def test_the_principal_version_is_raised_by_order_only():
    assert "order a principal version" in refused(new=[entry()], products=sample_list("3.999"))
    assert "not of the form X.YYY" in refused(new=[entry()], products=sample_list("three"))


def test_values_as_the_list_writes_them():
    odd = entry(
        device=GSME,
        **{
            FIRMWARE: "0c:0e:1e:05 ", HARDWARE: "1e", CREATOR: " 1E5 ", EXPIRY: "25/10/2029 00:00:00",
            "DLMS_Certificate.identification_number": "000733", PATH: "000007;000008 ",
            "ZSE_Certificate.ZSE_version": " ",
        },
    )  # fmt: skip
    made = planned(new=[odd])
    values = made.difference.changes[0].after.values
    assert (values[FIRMWARE], values[HARDWARE], values[CREATOR]) == ("0C:0E:1E:05", "1E", "1E5")
    assert (values[EXPIRY], values["DLMS_Certificate.identification_number"]) == ("25/10/2029", "000733")
    assert made.fir[0].values[PATH] == "000007; 000008"
    assert "ZSE_Certificate.ZSE_version" not in values


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        (CREATOR, "x" * 101, "has 101 octets where the column holds 100"),
        (CREATOR, "Ring\x07", "no workbook can hold"),
        (CREATOR, "half \ud800", "no workbook can hold"),
        (CREATOR, "not \uffff", "no workbook can hold"),
        (HASH, "AB:CD", "is not 32 pairs of hexadecimal digits"),
        (HARDWARE, "1", "is not 1 pair of hexadecimal digits"),
        (EXPIRY, "31/02/2029", "is no day of the calendar"),
        (EXPIRY, "1/2/2029", "is no day of the calendar"),
        (PATH, "7; 8", "six-digit entry numbers"),
        (PATH, "; ".join(["000007"] * 16), "up to 15 six-digit"),
    ],
)
def test_what_a_column_cannot_hold_is_refused(field, text, words):
    said = refused(new=[entry(**{field: text})])
    assert said.startswith("form-1.xlsm of case CPL-2026-00001: ")
    assert field in said
    assert words in said


@pytest.mark.parametrize("field", [VENDOR, "Contact-CPA.Contact.contact name", NOTES])
def test_a_refusal_quotes_nothing_that_is_not_of_the_list(field):
    said = refused(new=[entry(**{field: RED + "x" * 600})])
    assert field in said
    assert RED not in said


@pytest.mark.parametrize("field", [FIRMWARE, "Device_Type.name", "GBCS Version.version_number"])
def test_an_entry_without_what_identifies_it_is_refused(field):
    assert f"it has no {field}" in refused(new=[entry(**{field: ""})])


def test_a_duplicate_of_a_listed_entry_is_refused_removed_ones_too():
    hub = LIST.with_number("000003")
    same = {n: t for n, t in hub.values.items() if n.startswith(("Device_", "SMETS", "GBCS"))}
    said = refused(new=[entry(**same)])
    assert said == (
        "form-1.xlsm of case CPL-2026-00001 has the Device Model E1:01 43:11 01 0B 01:02:00:10, "
        "and so has entry 000003 (Removed): leave one out"
    )
    other_case = {**same, "GBCS Version.version_number": "gbcs version 2.1"}
    assert "000003" in refused(new=[entry(**other_case)])
    other_version = {**same, "GBCS Version.version_number": "GBCS Version 3.2"}
    assert list(planned(new=[entry(**other_version)]).numbered) == ["000025"]


def test_two_new_entries_may_not_be_the_same():
    assert "and so has form-1.xlsm of case CPL-2026-00001" in refused(new=[entry(1), entry(2, GSME), entry(3)])


def test_an_empty_plan_is_refused():
    assert "there is none to make" in refused()
    assert "there is none to make" in refused(amend(AmendmentKind.REMEDIAL_PLAN, ["000008"]))
    unchanged = {HASH.replace(".", "__"): LIST.with_number("000008").values[HASH]}
    assert "there is none to make" in refused(correct("000008", **unchanged))


def test_what_was_given_is_left_as_it_was():
    fir = [RepositoryRow("000008", {NOTES: "Old"})]
    planned(amend(AmendmentKind.FIR, ["000008"], **{NOTES: "New"}), new=[entry()], fir=fir)
    assert fir == [RepositoryRow("000008", {NOTES: "Old"})]
    assert sample_list("3.009") == LIST


# ---- amendments


def test_a_certificate_update_changes_every_entry_that_carries_it():
    products = LIST
    spellings = {
        "000006": "[E] NCSC-7399999999-1497",
        "000008": "[E] 7399999999-1497",
        "000012": "[E] NCSC7399999999-1497",
    }
    for number, text in spellings.items():
        products = with_values(products, number, **{CPA: text})
    update = {CPA: "[R] NCSC-7399999999-3917", EXPIRY: "30/08/2031"}
    made = planned(amend(AmendmentKind.CERTIFICATE, ["000008"], **update), products=products)
    assert [item.number for item in made.difference.changes] == ["000006", "000008", "000012"]
    for item in made.difference.changes:
        assert item.after.values == {**item.before.values, **update}
    once_more = amend(AmendmentKind.CERTIFICATE, ["000006"], number=2, **{EXPIRY: "30/08/2032"})
    twice = planned(amend(AmendmentKind.CERTIFICATE, ["000008"], **update), once_more, products=products)
    assert {item.after.values[EXPIRY] for item in twice.difference.changes} == {"30/08/2032"}
    assert len(twice.difference.changes) == 3


def test_an_entry_without_a_certificate_brings_no_other_along():
    given = amend(AmendmentKind.CERTIFICATE, ["000018"], **{CPA: "[E] 7300000001-9999"})
    assert [item.number for item in planned(given).difference.changes] == ["000018"]


def test_removal_sets_the_status_and_nothing_else_and_restoration_sets_it_back():
    made = planned(amend(AmendmentKind.REMOVAL, ["000008", "000003"]), amend(AmendmentKind.RESTORATION, ["000012"]))
    assert [(i.kind, i.number) for i in made.difference.changes] == [
        (ChangeKind.REMOVED, "000008"),
        (ChangeKind.RESTORED, "000012"),
    ]
    assert after(made, "000008").values == {**LIST.with_number("000008").values, "Entry.status": "Removed"}
    assert after(made, "000012").status == after(made, "000012").values["Entry.status"] == "Current"
    assert [a.kind for a in made.amendments] == [AmendmentKind.REMOVAL, AmendmentKind.RESTORATION]


def test_a_correction_changes_the_list_or_the_fir():
    made = planned(correct("000008", **{FIRMWARE: "04:00:12:0a", NOTES: "Now right", CREATOR: ""}))
    (item,) = made.difference.changes
    assert {(c.field, c.before, c.after) for c in item.values} == {
        (FIRMWARE, "04:00:12:00", "04:00:12:0A"),
        (CREATOR, "Fennbrook & Daughters Energy Devices Ltd", ""),
    }
    assert item.after.model == replace(item.before.model, firmware_version="04:00:12:0A")
    assert CREATOR not in item.after.values
    assert made.fir == (RepositoryRow("000008", {NOTES: "Now right"}),)


def test_a_correction_may_not_make_two_entries_alike():
    one, other = LIST.with_number("000010"), LIST.with_number("000024")
    same = {FIRMWARE: other.values[FIRMWARE]}
    assert one.model.hardware == other.model.hardware
    assert "would give entries 000010 and 000024 the same Device Model" in refused(correct("000010", **same))
    swapped = correct("000024", serial=2, **{FIRMWARE: one.values[FIRMWARE]})
    assert len(planned(correct("000010", **same), swapped).difference.changes) == 2
    assert "and so has entry 000010" in refused(correct("000010", **{FIRMWARE: "0C:03:0C:22"}), new=[entry()])


def test_repositories_are_whole_after_their_amendments_and_in_order():
    fir = [RepositoryRow("000010", {NOTES: "Ten", PATH: "NA"}), RepositoryRow("000008", {NOTES: "Eight"})]
    dzir = [RepositoryRow("000010", {VENDOR: "Old", STACK: "R21"})]
    made = planned(
        amend(AmendmentKind.FIR, ["000008"], **{NOTES: "New"}),
        amend(AmendmentKind.UPGRADE_PATH, ["000010"], **{PATH: "000009; 000024"}),
        amend(AmendmentKind.DZIR, ["000010", "000024"], **{STACK: "R22"}),
        fir=fir, dzir=dzir, new=[entry()],
    )  # fmt: skip
    assert [row.number for row in made.fir] == ["000008", "000010", "000025"]
    assert [row.values for row in made.fir[:2]] == [{NOTES: "New"}, {NOTES: "Ten", PATH: "000009; 000024"}]
    assert [(row.number, row.values) for row in made.dzir[:2]] == [
        ("000010", {VENDOR: "Old", STACK: "R22"}),
        ("000024", {STACK: "R22"}),
    ]
    assert [item.number for item in made.difference.changes] == ["000025"]


def test_a_release_may_change_the_repositories_only():
    made = planned(amend(AmendmentKind.DZIR, ["000008"], RED, **{VENDOR: "Another"}))
    assert made.difference.changes == ()
    assert made.log == ("Device ZigBee Information Repository updated for entry 000008.",)


K = AmendmentKind


@pytest.mark.parametrize(
    ("amendment", "words"),
    [
        (amend(K.REMOVAL, ["000005"]), "A-2026-00001 (removal) names entry 000005, which is not on the list"),
        (amend(K.REMOVAL, []), "names no entry"),
        (amend(K.REMOVAL, ["000008"], **{EXPIRY: "01/01/2030"}), "its kind changes none"),
        (amend(K.REMEDIAL_PLAN, ["000005"]), "entry 000005, which is not on the list"),
        (amend(K.CORRECTION, ["000008"]), "gives no new value"),
        (amend(K.CORRECTION, ["000008"], **{FIRMWARE: ""}), f"empties {FIRMWARE}"),
        (amend(K.CORRECTION, ["000008"], **{HASH: "AB"}), "the value 'AB' for Manufacturer_Image.hash cannot"),
        (amend(K.CORRECTION, ["000008"], **{"No such.field": "x"}), "changes No such.field, which"),
        (amend(K.CORRECTION, ["000008"], **{"Entry.status": "Removed"}), "changes Entry.status, which"),
        (amend(K.CORRECTION, ["000008"], **{VENDOR: RED}), f"changes {VENDOR}, which"),
        (amend(K.CORRECTION, ["000008"], **{"Contact-CPA.Contact.contact name": RED}), "contact name, which"),
        (amend(K.CERTIFICATE, ["000008"], **{HASH: "AB"}), f"changes {HASH}, which"),
        (amend(K.FIR, ["000008"], **{EXPIRY: "01/01/2030"}), f"changes {EXPIRY}, which"),
        (amend(K.DZIR, ["000008"], **{NOTES: "x"}), f"changes {NOTES}, which"),
        (amend(K.DZIR, ["000008"], **{VENDOR: RED + "x" * 50}), f"the value for {VENDOR} cannot be written"),
        (amend(K.UPGRADE_PATH, ["000008"], **{NOTES: "x"}), f"changes {NOTES}, which"),
        (amend(K.UPGRADE_PATH, ["000008"], **{PATH: "000007; 000005"}), "upgrade path names entry 000005"),
    ],
)  # fmt: skip
def test_an_amendment_that_cannot_be_done_is_refused(amendment, words):
    said = refused(amendment, new=[entry()])
    assert said.startswith("Amendment A-2026-00001 (")
    assert words in said
    assert RED not in said


def test_an_entry_that_stands_twice_is_not_amended():
    twice = product_list([*(p.values for p in LIST.products), LIST.products[0].values], "3.009")
    assert "stands 2 times" in refused(amend(K.REMOVAL, ["000001"]), products=twice)


# ---- the Version Control row


def test_the_log_tells_additions_as_the_list_does():
    smets1 = {name: str(text) for name, text in good_answers(PPMID, smets1=True).items() if text}
    old = NewEntry(3, "CPL-2026-00003", "three.xlsm", "0" * 64, smets1)
    made = planned(new=[entry(1), old, entry(2, GSME)])
    assert made.log == (
        "Two new SMETS2 device models added:",
        "000025 - Quillmoor Metering Ltd ESME 00:0A 0102 0C:03:0C:22",
        "000027 - Fennbrook & Daughters Energy Devices Ltd GSME 00:22 001F 04:01:12:00",
        "",
        "One new SMETS1 device model added:",
        "000026 - Manufacturer E1:04 PPMID 00:16 0101 00:0A:00:00",
    )
    known = entry(**{"Device_Model.manufacturer_identifier": "10:63"})
    assert planned(new=[known]).log[1] == "000025 - Landis+Gyr ESME 00:0A 0102 0C:03:0C:22"


def test_the_log_counts_in_words_up_to_twenty():
    def of(count):
        return [entry(i, **{FIRMWARE: f"0C:04:00:{i:02X}"}) for i in range(1, count + 1)]

    assert planned(new=of(20)).log[0] == "Twenty new SMETS2 device models added:"
    assert planned(new=of(21)).log[0] == "21 new SMETS2 device models added:"


def test_the_log_says_what_changed_from_what_to_what_and_why():
    products = LIST
    for number in ("000006", "000007", "000008", "000009"):
        products = with_values(products, number, **{CPA: "[E] SMCH7399", EXPIRY: "30/08/2027"})
    update = {CPA: "[R] NCSC-7399-1", EXPIRY: "30/08/2033"}
    made = planned(
        amend(K.CERTIFICATE, ["000007"], "NCSC has granted\n a new certificate", **update),
        amend(K.REMOVAL, ["000010"], "Determined by the SSC."),
        correct("000011", "", 3, **{CREATOR: "Vardle Oake plc"}),
        amend(K.RESTORATION, ["000012", "000003"], "Original entries valid"),
        amend(K.RESTORATION, ["000001"], "It was never removed"),
        products=products, new=[entry()],
    )  # fmt: skip
    certificate = (
        "CPA certificate number from '[E] SMCH7399' to '[R] NCSC-7399-1'; "
        "CPA expiry or renewal date from '30/08/2027' to '30/08/2033'"
    )
    creator = "creator of the image from 'Vardle Oake Controls plc' to 'Vardle Oake plc'"
    assert made.log == (
        "Four entries updated with new CPA certificate details:",
        f"Entries 000006 to 000009: {certificate}",
        "Reason: NCSC has granted a new certificate.",
        "",
        "One device model removed:",
        "000010 - Quillmoor Metering Ltd ESME 00:0A 0102 0C:01:0C:21",
        "Reason: Determined by the SSC.",
        "",
        "One entry corrected:",
        f"000011 - Vardle Oake plc ESME 1E:51 10E0 00:01:00:00: {creator}",
        "",
        "Two device models, status changed back to 'Current':",
        "000012 - Vardle Oake Controls plc ESME 1E:51 10E0 00:01:00:01",
        "000003 - Manufacturer E1:01 Communications Hub 43:11 010B 01:02:00:10",
        "Reason: Original entries valid.",
        "",
        "One new SMETS2 device model added:",
        "000025 - Quillmoor Metering Ltd ESME 00:0A 0102 0C:03:0C:22",
    )  # fmt: skip


def test_two_amendments_of_one_cell_the_later_wins_and_both_are_told():
    made = planned(correct("000008", "First", **{CREATOR: "One"}), correct("000008", "Then", 2, **{CREATOR: "Two"}))
    assert after(made, "000008").values[CREATOR] == "Two"
    (item,) = made.difference.changes
    assert [(c.before, c.after) for c in item.values] == [("Fennbrook & Daughters Energy Devices Ltd", "Two")]
    text = "\n".join(made.log)
    assert "from 'Fennbrook & Daughters Energy Devices Ltd' to 'One'\nReason: First." in text
    assert "from 'One' to 'Two'\nReason: Then." in text


def test_the_log_has_to_fit_into_one_cell():
    assert "publish fewer" in refused(correct("000008", "why " * 8_200, **{CREATOR: "One"}))


def test_the_log_of_the_repositories_tells_no_value_and_no_reason():
    made = planned(
        amend(K.FIR, ["000008"], "Telephone now 0117", **{NOTES: "Green note"}),
        amend(K.UPGRADE_PATH, ["000007", "000006"], **{PATH: "NA"}),
        amend(K.DZIR, ["000008"], f"Vendor is {RED}", **{VENDOR: RED}),
    )
    assert made.log == (
        "Firmware Information Repository updated for entry 000008.",
        "",
        "Firmware Information Repository updated for entries 000006 and 000007.",
        "",
        "Device ZigBee Information Repository updated for entry 000008.",
    )


# ---- RED stays RED (law 8)


def test_red_and_personal_values_reach_their_own_book_only():
    personal = "Zzyzxperson"
    made = planned(
        amend(K.DZIR, ["000008"], **{VENDOR: RED}),
        new=[entry(**{VENDOR: RED, STACK: f"{RED}2", "Contact-CPA.Contact.contact name": personal})],
    )
    assert [RED in repr(dict(row.values)) for row in made.dzir] == [True, True]
    elsewhere = [repr(made), *made.log, *(repr(dict(row.values)) for row in made.fir)]
    elsewhere += [repr(dict(item.after.values)) for item in made.difference.changes if item.after]
    assert not [text for text in elsewhere if RED in text or personal in text]
    assert personal in repr([dict(row.values) for row in made.contacts])
    assert RED not in repr([dict(row.values) for row in made.contacts])


@pytest.mark.parametrize("text", [RED, RED.lower(), f"the vendor ({RED})"])
def test_a_reason_that_repeats_a_red_value_is_refused(text):
    dzir = [RepositoryRow("000008", {VENDOR: RED, STACK: "1"})]
    said = refused(correct("000008", f"Mended, see {text}, 1", **{CREATOR: "One"}), dzir=dzir)
    assert "repeats what the DZIR holds" in said
    assert RED.lower() not in said.lower()
    moved = amend(K.DZIR, ["000008"], **{VENDOR: RED}), amend(K.DZIR, ["000008"], number=2, **{VENDOR: "Another"})
    assert "repeats" in refused(*moved, correct("000008", text, 3, **{CREATOR: "One"}))
    assert planned(correct("000010", text, **{CREATOR: "One"}), dzir=dzir).log
    assert planned(correct("000008", f"{RED}s at version 1", **{CREATOR: "One"}), dzir=dzir).log
