"""Every kind of amendment in several wordings: what is proposed, and that nothing is left open where all is said."""

import pytest

from pipeline.domain.product import IMAGE_HASH
from pipeline.domain.release import AmendmentKind
from tests.asking import RULES, SSC, ask, one

PATH = "Firmware_Upgrade.Path"
NOTES = "FIR Release Notes.Description"
VENDOR, VERSION = (f"Device_ZigBee_Information_Repository.Stack_{part}" for part in ("Vendor", "Version"))
HASH = "0123456789abcdef" * 4
PAIRS = ":".join(HASH[i : i + 2] for i in range(0, 64, 2)).upper()
DZIR = {VENDOR: "Zzyzx Radio", VERSION: "Q7.1"}

BY_SSC = [
    ("removal", "The SSC has determined that entry 000001 shall be removed from the CPL.", "000001", ""),
    ("removal", "Please remove entries 1, 2 and 4 from the Central Products List.", "000001 000002 000004", ""),
    (
        "removal",
        "SSC decision: the following entries are to be removed from the CPL:\n000009\n000010",
        "000009 000010",
        "",
    ),
    ("removal", "We request the removal of CPL entries 000006 - 000008, as agreed.", "000006 000007 000008", ""),
    ("restoration", "The SSC has decided to restore entry 000012 on the CPL.", "000012", ""),
    ("restoration", "Please set entries 000003 and 000012 back to Current.", "000003 000012", ""),
    ("restoration", "We request the reinstatement of CPL entry number 3.", "000003", ""),
    (
        "remedial-plan",
        "The SSC has agreed a remedial plan for entries 9 and 10 until 31 March 2027.",
        "000009 000010",
        "2027-03-31",
    ),
    ("remedial-plan", "Please record a remedial plan for 000001, ending on 30/06/2027.", "000001", "2027-06-30"),
    (
        "remedial-plan",
        "The SSC decided that a remedial plan is sufficient.\n\nEntry: 000016\nEnd date: 1 May 2027",
        "000016",
        "2027-05-01",
    ),
]

BY_SUBMITTER = [
    ("upgrade-path", "Please update the firmware upgrade path of entry 000010 to 000009.", "000010", {PATH: "000009"}),
    (
        "upgrade-path",
        "The upgrade path for CPL entry 000024 should read 000009; 000010.",
        "000024",
        {PATH: "000009; 000010"},
    ),
    (
        "upgrade-path",
        "Could you set the upgrade path to 000009 and 000010 for entry 000024?",
        "000024",
        {PATH: "000009; 000010"},
    ),
    (
        "upgrade-path",
        "Please add the following upgrade path.\n\nEntry: 000010\nUpgrade path: NA",
        "000010",
        {PATH: "NA"},
    ),
    ("upgrade-path", "Please amend the upgrade path of 000004: N/A", "000004", {PATH: "NA"}),
    (
        "dzir",
        "Please update the DZIR for entry 000010.\nStack Vendor: Zzyzx Radio\nStack Version: Q7.1",
        "000010",
        DZIR,
    ),
    (
        "dzir",
        "Please set the ZigBee stack of 000010: the stack vendor is Zzyzx Radio and the stack version is Q7.1.",
        "000010",
        DZIR,
    ),
    (
        "dzir",
        "We want to add ZigBee information: entries 9 and 10.\n\nStack Vendor = Zzyzx Radio\nStack version = Q7.1",
        "000009 000010",
        DZIR,
    ),
    (
        "fir",
        "Please update the FIR of 000010: the release notes are now at https://quillmoor.example/n.",
        "000010",
        {NOTES: "https://quillmoor.example/n"},
    ),
    (
        "fir",
        "Please amend the Firmware Information Repository for 000009.\nRelease notes: General Release",
        "000009",
        {NOTES: "General Release"},
    ),
    (
        "fir",
        "Could you change the FIR release notes of 000009 to 000010?\n\nRelease notes: General release; with notes",
        "000009 000010",
        {NOTES: "General release; with notes"},
    ),
    ("correction", f"The hash of entry 000010 is wrong. The correct hash is {HASH}.", "000010", {IMAGE_HASH: PAIRS}),
    (
        "correction",
        f"Please correct the image hash of 000010 because of a typo.\n\n{PAIRS}",
        "000010",
        {IMAGE_HASH: PAIRS},
    ),
    (
        "correction",
        "Please correct the firmware version of entry 10.\nFirmware version: 0c:01:0c:22",
        "000010",
        {"Device_Model.firmware_version": "0C:01:0C:22"},
    ),
    (
        "correction",
        "There is a mistake in entry 000010 on the CPL.\n\nDLMS certificate number: 7011",
        "000010",
        {"DLMS_Certificate.identification_number": "7011"},
    ),
]
UNSIGNED = "nobody signed"


@pytest.mark.parametrize(("kind", "body", "entries", "until"), BY_SSC)
def test_what_the_ssc_asks_for(kind, body, entries, until):
    found = one(body, sender=SSC)
    assert (found.kind.value, " ".join(found.entries), dict(found.values), found.until) == (kind, entries, {}, until)
    assert found.doubts == ()
    assert found.evidence


@pytest.mark.parametrize(("kind", "body", "entries", "until"), BY_SSC)
def test_from_anybody_else_it_is_left_to_a_person(kind, body, entries, until):
    found = one(body)
    assert (found.kind.value, " ".join(found.entries), found.until) == (kind, entries, until)
    assert [text for text in found.doubts if "Only the SSC can decide this" in text]


@pytest.mark.parametrize(("kind", "body", "entries", "values"), BY_SUBMITTER)
def test_what_a_submitter_asks_for(kind, body, entries, values):
    found = one(body)
    assert (found.kind.value, " ".join(found.entries), dict(found.values)) == (kind, entries, values)
    assert [text for text in found.doubts if UNSIGNED not in text] == []
    assert bool(found.doubts) == (IMAGE_HASH in values)
    assert found.evidence


@pytest.mark.parametrize(("kind", "body", "entries", "values"), BY_SUBMITTER)
def test_a_sender_who_is_not_in_the_register_is_told_of(kind, body, entries, values):
    found = one(body, sender="someone@else.example")
    assert "The sender is not in the register of submitters." in found.doubts


def test_each_kind_has_three_wordings_at_least():
    counted = [kind for kind, *_ in (*BY_SSC, *BY_SUBMITTER)]
    others = {kind.value for kind in AmendmentKind} - {"certificate-update"}  # which has a module of its own
    assert set(counted) == others
    assert min(counted.count(kind) for kind in others) >= 3


def test_every_kind_has_a_rule():
    assert {rule.kind for rule in RULES.requests.requests} == set(AmendmentKind)


def test_two_requests_in_one_mail_keep_their_entries_apart():
    body = "Please remove entry 000001 from the CPL.\n\nPlease also change the upgrade path of 000024 to 000010.\n"
    path, removal = ask(body, sender=SSC).proposals
    assert (removal.kind.value, removal.entries) == ("removal", ("000001",))
    assert (path.kind.value, path.entries, path.values) == ("upgrade-path", ("000024",), {PATH: "000010"})


def test_two_paths_in_one_mail_are_two_proposals():
    body = (
        "Please update these.\nThe upgrade path of 000010 must be 000009.\nThe upgrade path of 000024 must be 000010."
    )
    assert [(p.entries, p.values) for p in ask(body).proposals] == [
        (("000010",), {PATH: "000009"}),
        (("000024",), {PATH: "000010"}),
    ]


def test_the_reason_of_the_mail_is_kept():
    found = one("Please remove entry 000001 from the CPL because the trial has ended.", sender=SSC)
    assert found.why.endswith("Its reason: the trial has ended.")


def test_entries_may_be_named_by_their_certificate_or_their_device_model():
    certificate = one("Please remove the entry that carries NCSC-7300000001-1010 from the CPL.", sender=SSC)
    model = one("Please remove this Device Model from the CPL: E1:01 00:0A 01 02 0C:01:0C:21", sender=SSC)
    assert (certificate.entries, certificate.doubts) == (("000010",), ())
    assert (model.entries, model.doubts) == (("000010",), ())


def test_the_subject_counts_unless_it_is_of_a_reply():
    found = one("Details as discussed.", "Removal of entry 000001 from the CPL", sender=SSC)
    assert found.entries == ("000001",)
    assert [e.where for e in found.evidence] == ["header Subject"]
    for subject in (
        "RE: Please remove entry 000001 from the CPL",
        "[EXT] Fwd: Please remove entry 000001 from the CPL",
    ):
        assert ask("Details as discussed.", subject, sender=SSC).proposals == ()


def test_evidence_says_the_line():
    found = one("Dear all,\n\nas agreed:\nplease remove entry 000001\nfrom the CPL.", sender=SSC)
    assert [(e.artefact, e.where) for e in found.evidence] == [("a" * 64, "line 3 of the text")]
