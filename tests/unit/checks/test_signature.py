"""What is said of a submission's signature: no attack passes, and one wrong thing is one fault that names its place."""

from dataclasses import replace
from datetime import date

import pytest

from pipeline.checks.matter import Matter
from pipeline.checks.run import run_all
from pipeline.checks.signature import CHECKS, CREATOR, folded
from pipeline.demo.package import Package
from pipeline.domain.finding import Finding, Settler, Status
from pipeline.domain.judgement import Outcome
from pipeline.domain.message import Problem
from pipeline.domain.product import IMAGE_HASH
from pipeline.domain.signature import SignatureReading
from pipeline.judge import judge_submission, look_closer
from pipeline.readers.form import read_form
from pipeline.readers.submission import assemble
from tests import attacked
from tests.attacked import Expected, base, signed_workbook
from tests.attacks import ATTACKS
from tests.corpus_cases import RULES, Authorised, Case, in_force, matter_of
from tests.signing import Direct, Kind, Signing, attack

ESME = "Single Element Electricity Metering Equipment"
IDS = [item.id for item in CHECKS]
ATTACHED = ("certificate.", "align.", "letter.")
TOLD = {Status.FAIL, Status.UNCLEAR, Status.BROKEN}
SIGNED_PART = "_xmlsignatures/sig1.xml"


def attacked_case(name: str) -> Case:
    return Case(why=name, expect=Status.FAIL, device=ESME, image=True, attack=name, on=attacked.RECEIVED.date())


def signed_case(*signings: Signing, **more: object) -> Case:
    return Case(why="signed", expect=Status.FAIL, image=True, sign=signings, **more)  # type: ignore[arg-type]


def told(matter: Matter) -> list[Finding]:
    """What is not well, but for the certificates, of which none are attached here."""
    return [f for f in run_all(matter) if f.status in TOLD and not f.check.startswith(ATTACHED)]


def of_signature(matter: Matter) -> dict[str, Status]:
    return {f.check: f.status for f in run_all(matter) if f.check in IDS}


# ---- attacks


@pytest.mark.parametrize("name", [n for n, one in ATTACKS.items() if one.expected is not Expected.ACCEPTED])
def test_an_attack_is_refused_with_its_place(name):
    matter = matter_of(attacked_case(name))
    judged = judge_submission(matter)
    assert judged.decision.outcome is Outcome.REJECT
    assert {f.status for f in judged.findings if f.check in IDS} != {Status.PASS}
    fails = [f for f in judged.findings if f.status is Status.FAIL and not f.check.startswith(ATTACHED)]
    assert all(f.evidence and f.remedy for f in fails)
    assert not [f for f in judged.findings if f.status is Status.BROKEN]
    if ATTACKS[name].expected is Expected.UNSIGNED:
        assert [(f.check, f.subject) for f in fails] == [("signature.present", IMAGE_HASH)]
        assert "is not digitally signed" in fails[0].message
    elif not matter.submission.form.problems:
        assert any(f.check in IDS and f.evidence[0].where for f in fails)
    else:
        assert [f.check for f in fails] == ["intake.unpacked"], "a file that two programs may read in two ways"


def test_attacks_on_the_zip_never_come_as_far_as_the_signature():
    unreadable = {name[:2] for name in ATTACKS if matter_of(attacked_case(name)).submission.form.problems}
    assert {"09", "10", "11", "12", "13", "14", "15"} <= unreadable


def judged_bytes(data: bytes) -> tuple[object, tuple[Finding, ...]]:
    """Answers and Findings of a workbook by the attacked workbooks' signer."""
    template, _ = in_force()
    _, trust = attack("36-docprops-changed")
    form = read_form(data)
    closer = look_closer(form, data, Direct(), template, trust, attacked.RECEIVED.isoformat())
    submission = assemble("form.xlsm", "a" * 64, form, rules=RULES, template=template, closer=closer)
    matter = replace(matter_of(attacked_case("36-docprops-changed")), submission=submission, batch=(submission,))
    return submission.answers, judge_submission(matter).findings


def test_document_properties_are_never_read():
    good = judged_bytes(signed_workbook())
    assert {f.check: f.status for f in good[1] if f.check in IDS} == dict.fromkeys(IDS, Status.PASS)
    assert judged_bytes(attack("36-docprops-changed")[0]) == good
    core, app = "docProps/core.xml", "docProps/app.xml"
    wild = (
        b"<x/>",
        base().part(app),
        b"<a>" + b"66:66:66:66 " * 9000 + b"</a>",
        "<ключ xmlns='urn:x'>东</ключ>".encode(),
    )
    for octets in wild:
        package = base().put(core, octets).put(app, octets)
        assert judged_bytes(package.to_bytes()) == good, octets[:20]
    assert Package.read(signed_workbook()).part(core) not in wild


# ---- one wrong thing is one fault


def with_certificate(kind: Kind) -> Case:
    return signed_case(Signing(certificate=kind))


@pytest.mark.parametrize(
    ("case", "check", "words", "remedy"),
    [
        (signed_case(), "signature.present", "is not digitally signed", "Add a digital signature"),
        (attacked_case("30-vba-signature-only"), "signature.present", "Only its macro is signed", "Add a digital"),
        (
            signed_case(Signing(), tampered=(("answer", "Manufacturer Contact FIR.House Number", "12b"),)),
            "signature.integrity",
            "The part xl/worksheets/sheet2.xml was changed after signing.",
            "every save after signing breaks the signature",
        ),
        (signed_case(Signing(digest="sha1")), "signature.algorithm", "SHA-1", "current version of Office"),
        (with_certificate("expired"), "signature.certificate", "expired on 2026-11-20", "Renew the certificate"),
        (with_certificate("revoked"), "signature.certificate", "was revoked on 2026-11-19", "a new certificate"),
        (with_certificate("self-signed"), "signature.recognised", "is self-signed", "a recognised Certification"),
        (with_certificate("internal"), "signature.recognised", "an internal or unknown one", "a recognised Certif"),
        (
            signed_case(Signing(organisations=("Gallowmere Devices Ltd",))),
            "signature.identity",
            'names "Gallowmere Devices Ltd", and Manufacturer_Image.creator is "Fennbrook & Daughters Energy',
            "have the creator of the image sign",
        ),
    ],
)
def test_one_wrong_thing_is_one_fault(case, check, words, remedy):
    matter = matter_of(case)
    assert [(f.check, f.status) for f in told(matter)] == [(check, Status.FAIL)]
    (found,) = told(matter)
    assert words in found.message
    assert remedy in found.remedy
    assert found.expected
    assert found.evidence
    assert judge_submission(matter).decision.outcome is Outcome.REJECT


@pytest.mark.parametrize("kind", ["no-revocation", "stale", "missing-intermediate"])
def test_what_nobody_can_tell_is_for_the_reviewer(kind):
    matter = matter_of(with_certificate(kind))
    (found,) = told(matter)
    assert (found.status, found.settle) == (Status.UNCLEAR, Settler.REVIEWER)
    assert found.evidence[0].where == SIGNED_PART
    assert judge_submission(matter).decision.outcome is not Outcome.ACCEPT


def test_an_addition_that_is_unsigned_in_many_ways_is_one_fault_with_all_its_places():
    matter = matter_of(attacked_case("05-lwa-legacy-streams"))
    (found,) = told(matter)
    assert found.check == "signature.coverage"
    assert found.message.count(" is not signed") == 5
    assert found.message.endswith("more like these.")
    places = {item.where for item in found.evidence}
    assert {"xl/workbook.xml", "xl/worksheets/sheet2.xml", "xl/vbaProject.bin"} <= places
    assert len(places) > 10


# ---- identity, side by side


def identity(*organisations: str, **more: object) -> Finding:
    matter = matter_of(signed_case(Signing(organisations=organisations), **more))
    (found,) = [f for f in run_all(matter) if f.check == "signature.identity"]
    return found


def test_names_that_differ_in_writing_are_shown_side_by_side():
    found = identity("FENNBROOK AND DAUGHTERS ENERGY DEVICES LIMITED")
    assert found.status is Status.UNCLEAR
    assert '"FENNBROOK AND DAUGHTERS ENERGY DEVICES LIMITED"' in found.message
    assert '"Fennbrook & Daughters Energy Devices Ltd"' in found.message
    assert {item.where for item in found.evidence} == {"CPL - New Entry!G24", SIGNED_PART}
    assert found.subject == CREATOR


def test_several_organisations_in_one_certificate_are_for_the_reviewer():
    found = identity("Gallowmere Devices Ltd", "Fennbrook & Daughters Energy Devices Ltd")
    assert found.status is Status.UNCLEAR
    assert "which of several organisations signed" in found.message


def test_an_alias_of_the_rulebook_is_for_the_reviewer_and_another_makers_is_not():
    aliases = ("Fennbrook & Daughters Energy Devices Ltd", "Sallow Instruments")
    assert identity("SALLOW INSTRUMENTS plc", aliases=aliases).status is Status.UNCLEAR
    assert identity("Sallow Instruments North", aliases=aliases).status is Status.FAIL
    assert identity("Itron", aliases=aliases).status is Status.FAIL


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Landis+Gyr", "LANDIS + GYR", True),
        ("Secure Meters (UK) Limited", "secure meters uk ltd.", True),
        ("Skerrow Øst Displays A/S", "Skerrow Øst Displays", True),
        ("Müller GmbH", "Mu\u0308ller", True),
        ("Smith & Sons", "Smith and Sons S.p.A.", True),
        ("Ltd", "plc", False),
        ("日立", "東芝", False),
        ("Elster", "Elster Solutions", False),
        ("EDMI", "EDM1", False),
    ],
)
def test_what_counts_as_a_difference_in_writing(one, other, alike):
    assert (folded(one) == folded(other)) is alike


def test_names_without_a_letter_are_not_alike():
    assert identity("+++", answers={CREATOR: "***"}).status is Status.FAIL


# ---- several signers, authorisations, nothing to look at


def test_every_signer_must_hold_and_one_must_be_the_creator():
    other = Signing(organisations=("Gallowmere Devices Ltd",))
    assert told(matter_of(signed_case(other, Signing()))) == []
    bad = matter_of(signed_case(Signing(), replace_kind(other, "internal")))
    assert [(f.check, f.subject) for f in told(bad)] == [("signature.recognised", "_xmlsignatures/sig2.xml")]


def replace_kind(signing: Signing, kind: Kind) -> Signing:
    return Signing(certificate=kind, organisations=signing.organisations)


@pytest.mark.parametrize(
    ("start", "until", "holds"),
    [
        (date(2026, 11, 21), date(2026, 11, 22), True),
        (date(2026, 11, 22), date(2027, 11, 22), False),
        (date(2026, 1, 1), date(2026, 11, 21), False),
    ],
)
def test_an_authorisation_counts_from_its_first_day_until_the_day_before_its_end(start, until, holds):
    signing = Signing(certificate="self-signed", organisations=("Gallowmere Devices Ltd",))
    matter = matter_of(signed_case(signing, authorised=Authorised(start, until)))
    assert {f.check for f in told(matter)} == (set() if holds else {"signature.recognised", "signature.identity"})


def test_a_reading_that_did_not_come_back_is_for_the_reviewer():
    matter = matter_of(signed_case(Signing()))
    lost = SignatureReading((), (), (), problems=(Problem("timeout", "Reading it took longer than 20 seconds."),))
    for reading in (lost, None):
        again = replace(matter, submission=replace(matter.submission, signature=reading))
        assert of_signature(again) == dict.fromkeys(IDS, Status.NOT_APPLICABLE) | {"signature.present": Status.UNCLEAR}


def test_without_a_hash_nobody_looks():
    matter = matter_of(Case(why="no hash", expect=Status.PASS, sign=(Signing(),)))
    assert matter.submission.signature is None
    assert of_signature(matter) == dict.fromkeys(IDS, Status.NOT_APPLICABLE)
