"""Timestamps (RFC 3161): what proves a time, what does not, and why."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import cms
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.demo.pki import EMAIL, TIME_STAMPING, ec_key
from pipeline.demo.timestamp import timestamp_token
from pipeline.readers.timestamp import TokenRefused, read_token
from pipeline.readers.trust import examine_stamp, stamp_of
from tests.trust_matrix import STAMPED, Hierarchy, good, stamp_matrix

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
NOW = "2026-11-20T09:30:00Z"
DAY = timedelta(days=1)
MATRIX = stamp_matrix(AT)
PKI = Hierarchy(AT)
CLOCK = replace(good(AT), usage=frozenset({"digital_signature"}), purposes=(TIME_STAMPING,), critical_purposes=True)
REASONS = {
    "wrong-imprint": "another signature",
    "untrusted-authority": "not trusted",
    "not-a-timestamp-authority": "not timestamping alone",
    "authority-expired-when-stamping": "expired",
    "from-the-future": "after the moment",
    "altered": "signature does not hold",
    "cut": "not a timestamp token",
    "empty": "not a timestamp token",
}


@pytest.mark.parametrize("name", sorted(MATRIX))
def test_each_row_of_the_timestamp_matrix(name):
    case = MATRIX[name]
    stamp = examine_stamp(case.token, STAMPED, case.trust, case.at)
    assert stamp.at == case.stamped_at == stamp_of(case.token, STAMPED, case.trust, case.at)
    assert REASONS.get(name, "") in stamp.why
    assert bool(stamp.at) != bool(stamp.why)


def token_of(profile=CLOCK, at=AT - DAY, key="clock"):
    return timestamp_token(STAMPED, PKI.issuing.issue(profile, ec_key(key)), at)


@pytest.mark.parametrize(
    "profile",
    [
        replace(CLOCK, critical_purposes=False),
        replace(CLOCK, purposes=(TIME_STAMPING, EMAIL)),
        replace(CLOCK, purposes=()),
    ],
)
def test_the_authority_is_for_timestamps_alone(profile):
    stamp = examine_stamp(token_of(profile), STAMPED, PKI.trust(), NOW)
    assert (stamp.at, "extended key usage" in stamp.why) == ("", True)


def test_an_authority_that_was_revoked_or_cannot_be_asked_about_proves_nothing():
    clock = PKI.issuing.issue(CLOCK, ec_key("clock"))
    top = PKI.root.crl(AT - DAY, AT + DAY)
    gone = PKI.issuing.crl(AT - DAY, AT + DAY, {clock.certificate.serial_number: AT - DAY})
    assert "revoked" in examine_stamp(token_of(), STAMPED, PKI.trust(crls=(top, gone)), NOW).why
    assert "no revocation information" in examine_stamp(token_of(), STAMPED, PKI.trust(crls=(top,)), NOW).why


def test_a_time_before_the_authority_was_there_is_not_believed():
    stamp = examine_stamp(token_of(at=AT - 4000 * DAY), STAMPED, PKI.trust(), NOW)
    assert (stamp.at, "before its authority" in stamp.why) == ("", True)


def test_what_the_token_brings_along_is_used():
    envelope = cms.ContentInfo.load(token_of())
    lists = [cms.RevocationInfoChoice.load(crl) for crl in PKI.trust().crls]
    envelope["content"]["crls"] = cms.RevocationInfoChoices(lists)
    token = envelope.dump(force=True)
    assert examine_stamp(token, STAMPED, PKI.trust(crls=()), NOW).at == "2026-11-19T09:30:00Z"
    read = read_token(token, STAMPED)
    assert (len(read.crls), read.others) == (2, (PKI.issuing.der,))


def changed(change):
    """Return a token whose signed attributes or envelope were rebuilt otherwise, and signed again by the clock."""
    envelope = cms.ContentInfo.load(token_of())
    signer = envelope["content"]["signer_infos"][0]
    change(envelope["content"], signer)
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    data = signer["signed_attrs"].untag().dump(force=True)
    signer["signature"] = ec_key("clock").sign(data, ec.ECDSA(hashes.SHA256()))
    return envelope.dump(force=True)


def without(kind):
    def change(_, signer):
        kept = [one for one in signer["signed_attrs"] if one["type"].native != kind]
        signer["signed_attrs"] = cms.CMSAttributes(kept)

    return change


def doubled(_, signer):
    signer["signed_attrs"] = cms.CMSAttributes([*signer["signed_attrs"], signer["signed_attrs"][1]])


def by_sha1(_, signer):
    signer["digest_algorithm"] = {"algorithm": "sha1"}


def with_sha1_signature(_, signer):
    signer["signature_algorithm"] = {"algorithm": "sha1_ecdsa"}


def without_certificates(signed, _):
    signed["certificates"] = cms.CertificateSet([])


def two_signers(signed, signer):
    signed["signer_infos"] = cms.SignerInfos([signer, signer])


def other_content(signed, _):
    signed["encap_content_info"]["content_type"] = "data"


def test_a_token_that_was_rebuilt_the_same_holds():
    assert read_token(changed(lambda *_: None), STAMPED).at == AT - DAY


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("signing_certificate_v2"), "name its certificate"),
        (without("message_digest"), "not a timestamp token"),
        (without("content_type"), "not a timestamp token"),
        (doubled, "stands twice"),
        (by_sha1, "sha1"),
        (with_sha1_signature, "SHA-256 or stronger"),
        (without_certificates, "bring the certificate"),
        (two_signers, "one signer"),
        (other_content, "one signer"),
    ],
)
def test_a_token_signed_by_its_authority_but_not_as_the_standard_says_is_refused(change, said):
    with pytest.raises(TokenRefused, match=said):
        read_token(changed(change), STAMPED)


@settings(max_examples=150, deadline=None)
@given(place=st.floats(0, 0.9999), bit=st.integers(0, 7))
def test_a_flipped_bit_proves_no_other_time_and_never_raises(place, bit):
    spoilt = bytearray(MATRIX["valid"].token)
    spoilt[int(place * len(spoilt))] ^= 1 << bit
    stamp = examine_stamp(bytes(spoilt), STAMPED, PKI.trust(), NOW)
    assert stamp.at in {"", "2026-11-19T09:30:00Z"}


@pytest.mark.parametrize("junk", [b"\x30\x80", b"junk" * 1000, bytes(300_000), PKI.root.der])
def test_junk_is_refused_in_words(junk):
    assert examine_stamp(junk, STAMPED, PKI.trust(), NOW).why
