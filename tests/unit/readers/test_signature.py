"""The signatures of a workbook as a whole: every published attack, every kind of damage, and whatever else comes."""

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.demo.pki import Profile, ec_key, rsa_key
from pipeline.demo.signer import sign
from pipeline.domain.message import Problem
from pipeline.domain.signature import (
    PathState,
    SignatureFault,
    SignatureQuestion,
    SignatureReading,
    TrustMaterial,
    TrustSet,
)
from pipeline.readers.child import Forked
from pipeline.readers.coverage import OPEN, ORIGIN
from pipeline.readers.package import open_package
from pipeline.readers.signature import read_signature, read_signature_bytes
from tests.attacked import RECEIVED, SIGNED, Expected, base, signed, signed_workbook, swap, trust, unsigned_workbook
from tests.attacks import ATTACKS

AT = RECEIVED.isoformat()
SHARED = Path(__file__).parents[3].parent / "shared"
CORPUS, REAL = SHARED / "corpus" / "signed", SHARED / "real"
SIGNATURE_PART = "_xmlsignatures/sig1.xml"
PROFILE = Profile("Ottilie Brandreth", SIGNED - timedelta(days=300), SIGNED + timedelta(days=300))


def material() -> TrustMaterial:
    """The sample's root and revocation lists, as a trust folder would give them."""
    sample = trust()
    return TrustMaterial(sets=(TrustSet("sample", (sample.root.der,)),), crls=sample.crls)


def reading(data: bytes, trusted: TrustMaterial | None = None, at: str = AT) -> SignatureReading:
    return read_signature(SignatureQuestion(data, trusted or TrustMaterial(), at))


def faults(read: SignatureReading) -> list[SignatureFault]:
    return [*read.faults, *(fault for signature in read.signatures for fault in signature.faults)]


def codes(data: bytes) -> set[str]:
    return {fault.code for fault in faults(reading(data))}


def accepted(read: SignatureReading) -> bool:
    return bool(read.signatures) and not faults(read) and not read.problems


def test_a_good_signature_is_stated_with_signer_time_and_what_it_covers():
    read = reading(signed_workbook())
    assert accepted(read)
    (one,) = read.signatures
    assert one.part == SIGNATURE_PART
    assert one.method == "ecdsa-sha256"
    assert one.claimed_at == SIGNED.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert one.certificate is not None
    assert one.certificate.organisations == ("Quillmoor Metering Ltd",)
    assert "xl/workbook.xml" in read.covered
    assert "xl/vbaProject.bin" in read.covered
    assert {"docProps/app.xml", "docProps/core.xml"} <= set(read.left_open)
    assert {name.partition("/")[0] for name in read.left_open} <= {"docProps", "customXml"}
    everything = {n for n in base().names() if not n.startswith("_xmlsig") and not n.endswith(".rels")}
    assert everything == {*read.covered, *read.left_open, "[Content_Types].xml"}
    assert not read.vba_signed


def test_the_path_is_that_of_the_signers_certificate():
    (one,) = reading(signed_workbook(), material()).signatures
    assert one.path is not None
    assert one.path.state is PathState.TRUSTED, one.path
    (stranger,) = reading(signed_workbook()).signatures
    assert stranger.path is not None
    assert stranger.path.state is PathState.REFUSED


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_attack(attack):
    read = reading(attack.build())
    found = {fault.code for fault in faults(read)}
    assert not read.problems
    if attack.expected is Expected.ACCEPTED:
        assert accepted(read)
    elif attack.expected is Expected.UNSIGNED:
        assert (read.signatures, read.faults, read.covered) == ((), (), ())
    else:
        assert found & attack.codes, found
    assert "unverifiable" not in found


def test_a_signature_of_the_macro_is_stated_as_such():
    assert reading(ATTACKS["30-vba-signature-only"].build()).vba_signed


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_every_accepted_algorithm_holds(digest, kind):
    key = rsa_key("signer") if kind == "rsa" else ec_key("signer")
    holder = trust().issuing.issue(PROFILE, key)
    read = reading(sign(unsigned_workbook(), key, holder.certificate, at=SIGNED, digest=digest))
    assert accepted(read), faults(read)
    assert read.signatures[0].method == f"{'rsa' if kind == 'rsa' else 'ecdsa'}-{digest}"


@pytest.mark.parametrize(
    ("part", "old", "new", "code"),
    [
        ("_rels/.rels", b"_xmlsignatures/origin.sigs", b"xl/workbook.xml", "sig-part-type"),
        ("_xmlsignatures/_rels/origin.sigs.rels", b'"sig1.xml"', b'"sig9.xml"', "sig-part-type"),
        ("_xmlsignatures/_rels/origin.sigs.rels", b"digital-signature/signature", b"other", "stray-signature-part"),
        ("_rels/.rels", b"digital-signature/origin", b"other", "stray-signature-part"),
        ("[Content_Types].xml", b"digital-signature-xmlsignature+xml", b"other+xml", "sig-part-type"),
    ],
)
def test_signatures_are_found_by_relationships_of_the_right_kind_only(part, old, new, code):
    assert codes(swap(base(), part, old, new).to_bytes()) == {code}


def test_a_signature_named_many_times_is_refused():
    part = "_xmlsignatures/_rels/origin.sigs.rels"
    kind = b"http://schemas.openxmlformats.org/package/2006/relationships/digital-signature/signature"
    again = b'<Relationship Id="again" Type="' + kind + b'" Target="sig1.xml"/></Relationships>'
    assert codes(swap(base(), part, b"</Relationships>", again).to_bytes()) == {"sig-count"}


def test_a_workbook_whose_signatures_were_taken_out_is_unsigned():
    package = (
        base()
        .drop({SIGNATURE_PART})
        .put(
            "_xmlsignatures/_rels/origin.sigs.rels",
            b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"/>',
        )
    )
    read = reading(package.to_bytes())
    assert (read.signatures, read.faults, read.problems) == ((), (), ())


def test_a_short_rsa_key_is_named_and_everything_else_said_as_well():
    key = rsa_key("short", 1024)
    holder = trust().issuing.issue(PROFILE, key)
    read = reading(sign(unsigned_workbook(), key, holder.certificate, at=SIGNED))
    assert [(fault.topic, fault.code) for fault in faults(read)] == [("algorithm", "rsa-key-size")]
    assert "1024 bits" in faults(read)[0].text
    assert read.covered


def test_sha1_is_the_only_thing_wrong_with_a_signature_that_else_holds():
    read = reading(ATTACKS["29-sha1"].build())
    assert [(fault.topic, fault.code) for fault in faults(read)] == [("algorithm", "sha1")]


def test_co_signers_are_each_reported_and_each_must_hold():
    holder = trust().issuing.issue(PROFILE, ec_key("second signer"))
    twice = sign(signed_workbook(), holder.key, holder.certificate, at=SIGNED, co_sign=True)
    read = reading(twice)
    assert accepted(read), faults(read)
    assert [one.part for one in read.signatures] == [SIGNATURE_PART, "_xmlsignatures/sig2.xml"]
    assert read.covered == reading(signed_workbook()).covered
    partial = signed(unsigned_workbook(), leave_out={"xl/styles.xml"})
    read = reading(sign(partial, holder.key, holder.certificate, at=SIGNED, co_sign=True))
    first, second = read.signatures
    assert {fault.code for fault in first.faults} >= {"unsigned-relationship"}
    assert second.faults == ()
    assert "xl/styles.xml" not in read.covered


@pytest.mark.parametrize(
    ("ahead", "code"), [(timedelta(days=1, seconds=1), {"xades-time-future"}), (timedelta(1), set())]
)
def test_a_signing_time_a_day_ahead_of_us_may_be_a_clock_and_more_is_not(ahead, code):
    assert {fault.code for fault in faults(reading(signed_workbook(), at=(SIGNED - ahead).isoformat()))} == code


def test_the_moment_of_judgement_must_say_its_zone():
    with pytest.raises(ValueError, match="time zone"):
        reading(signed_workbook(), at="2026-11-20")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "unsupported"),
        (b"", ""),
        (b"PK\5\6" + bytes(18), "unsupported"),
    ],
)
def test_what_is_no_workbook_is_a_problem_or_a_fault(data, kind):
    read = reading(data)
    assert [problem.kind for problem in read.problems] == ([kind] if kind else [])
    assert bool(read.faults) != bool(read.problems)
    assert not read.signatures


def test_the_child_answers_the_same_question():
    question = SignatureQuestion(signed_workbook(), TrustMaterial(), AT)
    assert read_signature_bytes(msgspec.msgpack.encode(question)) == read_signature(question)
    assert Forked().signature(question) == read_signature(question)
    broken = Forked().signature(replace(question, data=b"PK"))
    assert not isinstance(broken, Problem)
    assert broken.faults[0].code == "zip-incomplete"


@cache
def covered_names() -> tuple[str, ...]:
    return reading(signed_workbook()).covered


def seen(data: bytes) -> object:
    """What a program that opens the file sees, but for what Office leaves unsigned."""
    package = open_package(data)
    names = ("", *covered_names())
    parts = {n: (package.read(n), package.content_type(n)) for n in covered_names()}
    ways = {
        n: [(r.ident, r.type, r.target) for r in package.relationships(n) if r.type not in {*OPEN, ORIGIN}]
        for n in names
    }
    return parts, ways


@cache
def original() -> object:
    return seen(signed_workbook())


def mutants(count: int, seed: int = 7):
    """Yield copies of the signed workbook with one octet changed: of the zip file, or of a part packed anew."""
    generator = random.Random(seed)
    data, package = signed_workbook(), base()
    names = [one.name for one in package.entries if one.size]
    for number in range(count):
        if number % 2:
            spoilt = bytearray(data)
            spoilt[generator.randrange(len(spoilt))] ^= generator.randrange(1, 256)
            yield "the file", bytes(spoilt)
            continue
        name = generator.choice(names)
        part = bytearray(package.part(name))
        part[generator.randrange(len(part))] ^= generator.randrange(1, 256)
        yield name, package.put(name, bytes(part)).to_bytes()


def survey(count: int) -> Counter[tuple[bool, str]]:
    """Judge mutants. An accepted one must show the same workbook, by the same signer at the same time."""
    found: Counter[tuple[bool, str]] = Counter()
    (good,) = reading(signed_workbook()).signatures
    for where, data in mutants(count):
        read = reading(data)
        said = faults(read)
        assert not any(fault.code == "unverifiable" for fault in said), (where, said)
        if accepted(read):
            assert seen(data) == original(), where
            (one,) = read.signatures
            assert (one.certificate, one.claimed_at) == (good.certificate, good.claimed_at)
        found[accepted(read), where] += 1
    return found


def test_one_changed_octet_is_refused_or_changes_nothing_that_counts():
    found = survey(300)
    open_parts = set(reading(signed_workbook()).left_open)
    relations = {name for name in base().names() if name.endswith(".rels")}
    unsigned = {"the file", "[Content_Types].xml", SIGNATURE_PART} | open_parts | relations
    assert {where for good, where in found if good} <= unsigned
    assert sum(count for (good, _), count in found.items() if not good) > 200


def parts() -> list[str]:
    return [name for name in covered_names() if not name.endswith(".rels")]


@pytest.mark.parametrize("what", ["deleted", "duplicated", "renamed", "emptied", "retargeted"])
def test_no_part_can_be(what):
    package = base()
    for name in parts():
        if what == "deleted":
            data = package.drop({name})
        elif what == "duplicated":
            data = replace(package, entries=(*package.entries, *(e for e in package.entries if e.name == name)))
        elif what == "renamed":
            data = package.rename(name, name.replace(".", "2."))
        elif what == "emptied":
            data = package.put(name, b"")
        else:
            other = next(one for one in parts() if one != name)
            data = package.put(name, package.part(other))
        assert not accepted(reading(data.to_bytes())), name


def test_no_relationship_can_be_left_out_renamed_or_led_elsewhere():
    package = base()
    tried = 0
    for part in (name for name in package.names() if name.endswith(".rels") and not name.startswith("_xml")):
        for one in open_package(signed_workbook()).relationships(_source(part)):
            if one.type in OPEN or one.type == ORIGIN:
                continue
            for old, new in (
                (f'Id="{one.ident}"', f'Id="{one.ident}x"'),
                (f'Type="{one.type}"', f'Type="{one.type}x"'),
                (f'Target="{one.target}"', f'Target="{one.target}x"'),
                (f'Id="{one.ident}"', f'TargetMode="External" Id="{one.ident}"'),
            ):
                assert not accepted(reading(swap(package, part, old.encode(), new.encode()).to_bytes())), (one, new)
                tried += 1
    assert tried > 20


def _source(rels: str) -> str:
    folder, _, name = rels.rpartition("/")
    return f"{folder.removesuffix('_rels')}{name.removesuffix('.rels')}"


@given(st.binary(max_size=400))
def test_arbitrary_octets_never_raise(data):
    assert not accepted(reading(data))


@given(st.sampled_from(sorted(base().names())), st.binary(max_size=300), st.integers(0, 2**16))
@settings(deadline=None, max_examples=60)
def test_arbitrary_octets_inside_a_part_never_raise(name, octets, at):
    data = base().part(name)
    at = at % (len(data) + 1)
    read = reading(base().put(name, data[:at] + octets + data[at + len(octets) :]).to_bytes())
    assert not any(fault.code == "unverifiable" for fault in faults(read))


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bad.docx", {"manifest-digest"}),
        ("multi.docx", set()),
        ("partial.docx", set()),
        ("signatureline.docx", {"sha1"}),
        ("PPT2016withComment.pptx", {"sha1", "rsa-key-size"}),
        ("hello-world-office-2010-technical-preview.docx", {"sha1", "rsa-key-size", "no-xades"}),
    ],
)
def test_files_that_office_signed(name, expected):
    if not CORPUS.is_dir():
        pytest.skip(f"the files that others signed are not at {CORPUS}")
    read = reading((CORPUS / name).read_bytes())
    found = {fault.code for fault in faults(read)}
    assert found == expected | {"not-a-workbook"}
    assert len(read.signatures) == (2 if name == "multi.docx" else 1)
    assert {"docProps/app.xml", "docProps/core.xml"} <= set(read.left_open)
    assert not read.faults


@pytest.mark.real
def test_the_published_workbook_signed_is_accepted_with_sharepoints_data_open():
    published = REAL / "Central-Products-List_2.051.xlsm"
    if not published.is_file():
        pytest.skip(f"the published list is not at {published}")
    read = reading(signed(published.read_bytes()))
    assert accepted(read), faults(read)
    data = {f"customXml/{kind}{number}.xml" for kind in ("item", "itemProps") for number in (1, 2, 3)}
    assert set(read.left_open) == data | {"docProps/app.xml", "docProps/core.xml", "docProps/custom.xml"}
    assert {"xl/vbaProject.bin", "xl/ctrlProps/ctrlProp1.xml", "xl/worksheets/sheet4.xml"} <= set(read.covered)
