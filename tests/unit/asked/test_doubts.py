"""What a mail leaves open, or says in two ways, is told in words and left empty."""

import pytest

from tests.asking import SSC, ask, doubts, one

REMOVE = "Please remove entry 000001 from the CPL"


@pytest.mark.parametrize(
    ("body", "entries", "words"),
    [
        ("Please remove our old hub from the CPL.", "", "Nothing says which entries are meant"),
        ("Please remove entry 000005 from the CPL.", "", "Not on the list: entry 000005"),
        ("Please remove entries 000001 and 000005 from the CPL.", "000001", "Not on the list: entry 000005"),
        ("Please remove entry 000012 from the CPL.", "000012", "as Removed already: entry 000012"),
        ("Please restore entry 000001 on the CPL.", "000001", "as Current already: entry 000001"),
        (f"{REMOVE}, but not 000002.", "", "'but not'"),
        ("Please remove all entries from 000001 to 000004 except 000002 from the CPL.", "", "'except'"),
        (f"{REMOVE}. Entry 000002 was made by the same company.", "", "names entry 000002 elsewhere"),
        ("Please remove entries 000010 to 000001 from the CPL.", "", "runs backwards"),
        (f"{REMOVE} if the SSC agrees.", "000001", "'if'"),
        (f"{REMOVE} on 1 January 2027.", "000001", "01/01/2027"),
        (f"{REMOVE}.\n\nRegards,\nAnn\n\nP.S. Also entry 000002", "000001", "Under the closing words"),
        ("Please remove NCSC-7300000001-9999 from the CPL.", "", "NCSC-7300000001-9999 is on no row"),
        ("Please remove 000001 with certificate NCSC-7300000001-1010 from the CPL.", "", "which are meant?"),
        ("Please remove E1:01 00:0A 01 02 0C:01:0C:99 from the CPL.", "", "is on no rows"),
    ],
)
def test_removal(body, entries, words):
    found = one(body, sender=SSC)
    assert " ".join(found.entries) == entries
    assert words in doubts(found)


def test_gaps_of_a_range_are_no_doubt():
    found = one("Please remove entries 000004 to 000006 from the CPL.", sender=SSC)
    assert (found.entries, found.doubts) == (("000004", "000006"), ())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("Please record a remedial plan for entry 000001, as required.", "does not say on which day"),
        ("Please record a remedial plan for 000001 until 1 May 2027, or until 1 June 2027.", "Several days"),
        ("The SSC decided on a remedial plan for 000001 until 1 May 2026.", "lay in the past"),
    ],
)
def test_remedial_plan(body, words):
    assert words in doubts(one(body, sender=SSC))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("Please update the upgrade path of entry 000010.", "could not be told apart"),
        ("Please update the upgrade path of entry 000010 to 000010.", "names the entry itself"),
        ("Please update the upgrade path of entry 000010 to 000005.", "which the list does not have"),
        ("Please update the upgrade path of entry 000010 to 000006.", "another type"),
        ("Please update the upgrade path of entry 000005 to 000009.", "Not on the list: entry 000005"),
        ("Please change the upgrade path of 000024 from 000009 to 000010.", "could not be told apart"),
        ("Please amend the upgrade path, for 000009 can be upgraded to 000010.", "could not be told apart"),
        (
            "Please amend.\nThe upgrade path of 000024 must be 000009.\nThe upgrade path of 000024 must be 000010.",
            "Two upgrade paths",
        ),
        (
            "Please update the upgrade path of entry 000024 to " + ", ".join(f"{n:06}" for n in range(1, 18)),
            "the list does not have",
        ),
    ],
)
def test_upgrade_path(body, words):
    proposals = ask(body).proposals
    assert [dict(found.values) for found in proposals] == [{}] * len(proposals)
    assert all(words in doubts(found) for found in proposals)
    assert proposals


HASH, OTHER = "0123456789abcdef" * 4, "fedcba9876543210" * 4


@pytest.mark.parametrize(
    ("body", "values", "words"),
    [
        ("The hash of entry 000010 is wrong.", 0, "no hash of 64 digits"),
        (f"The hash of entry 000010 is wrong: {HASH} or {OTHER}.", 0, "several hashes"),
        (f"The hash of entries 9 and 10 is wrong: {HASH}", 0, "for several entries"),
        (f"The hash of entry 000010 is wrong: {HASH}", 1, "nobody signed"),
        ("The hash of entry 000010 is wrong: " + "ab" * 31, 0, "no hash of 64 digits"),
        ("Please correct the firmware version of entry 10.\nFirmware version: 12.3", 0, "does not fit the field"),
        ("Please correct the firmware version of entry 10.\nFirmware version: 0C:01:0C:21", 0, "says so already"),
        ("Please correct the typo in entry 000010 of the CPL.", 0, "No new value was recognised"),
        ("Please correct entry 000010, there is a typo.\nGBCS version: 4.1\nGBCS version: 4.2", 0, "more than once"),
        ("Please correct entry 000010, there is a typo.\nDescriptor: dual instead of single", 0, "begins and ends"),
    ],
)
def test_correction(body, values, words):
    found = one(body)
    assert len(found.values) == values
    assert words in doubts(found)


def test_a_hash_that_stands_elsewhere_is_told():
    from tests.asking import LISTED

    used = LISTED.products[0].values["Manufacturer_Image.hash"]
    assert "The same hash stands on entry 000001" in doubts(one(f"The hash of entry 000010 is wrong: {used}"))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("Please update the FIR of entry 000010.", "No new value was recognised"),
        ("Please update the FIR of entry 000010.\nTelephone: 020 7946 0000", "not given here: House Number"),
        ("Please update the FIR of entry 000010, see https://quillmoor.example/x.", "web address"),
        ("Please update the FIR of entry 000010.\nPost Code: " + "A" * 9, "does not fit the field"),
    ],
)
def test_fir(body, words):
    assert words in doubts(one(body))


def test_telephone_numbers_are_no_entries():
    found = one("Please update the FIR of entry 000010.\nTelephone: 001234 567890")
    assert found.entries == ("000010",)
    assert found.values["Manufacturer Contact FIR.Telephone Number"] == "001234 567890"


def test_a_mail_of_two_senders_and_problems_is_told_of():
    from pipeline.domain.message import Address, Problem

    two = (Address("", SSC), Address("", "x@else.example"))
    found = ask(f"{REMOVE}.", senders=two, problems=(Problem("damaged", "x"),))
    assert found.unclear == (
        "Some of the mail or of its files could not be read: open it.",
        "The mail names 2 senders instead of one.",
    )
    assert "Only the SSC can decide this" in doubts(found.proposals[0])
