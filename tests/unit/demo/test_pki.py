"""The invented authorities hold up under the judgement of other programs: cryptography's own verifier and OpenSSL."""

import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from shutil import which

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from pipeline.demo.pki import EMAIL, TIME_STAMPING, Profile, authority, ec_key, root, rsa_key
from pipeline.demo.timestamp import timestamp_token
from pipeline.demo.trust import sample_trust
from pipeline.domain.signature import TrustPath
from tests.trust_matrix import STAMPED, Hierarchy, good, stamp_matrix, trust_matrix

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
needs_openssl = pytest.mark.skipif(which("openssl") is None, reason="OpenSSL's program is not installed")


def openssl(*arguments: str) -> str:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False, timeout=30)
    return done.stdout + done.stderr


def verify(leaf, intermediates, roots, at=AT):
    verifier = PolicyBuilder().store(Store(roots)).time(at).build_client_verifier()
    return verifier.verify(leaf, list(intermediates))


def test_the_same_names_give_the_same_bytes_and_other_names_others():
    assert Hierarchy(AT).leaf("one").der == Hierarchy(AT).leaf("one").der
    assert Hierarchy(AT).root.crl(AT, AT + DAY) == Hierarchy(AT).root.crl(AT, AT + DAY)
    assert ec_key("one").public_key() != ec_key("two").public_key()
    assert rsa_key("matrix leaf") is rsa_key("matrix leaf")


def test_serial_numbers_tell_certificates_apart():
    pki = Hierarchy(AT)
    profiles = (
        good(AT),
        good(AT, usage=frozenset({"content_commitment"})),
        good(AT, not_after=AT),
        good(AT, purposes=()),
    )
    serials = {pki.leaf("same key", profile).certificate.serial_number for profile in profiles}
    assert len(serials | {pki.leaf("other key").certificate.serial_number}) == 5


@pytest.mark.parametrize("rsa", [False, True])
def test_a_good_leaf_verifies_under_its_root_and_under_no_other(rsa):
    pki, rogue = Hierarchy(AT), Hierarchy(AT, key="rogue")
    leaf = pki.leaf(
        "verified",
        good(AT, email="ottilie@quillmoor.example", purposes=(EMAIL, ExtendedKeyUsageOID.CLIENT_AUTH)),
        rsa=rsa,
    )
    assert verify(leaf.certificate, leaf.chain, [pki.root.certificate]).subjects is not None
    assert rogue.root.certificate.subject == pki.root.certificate.subject
    with pytest.raises(VerificationError):
        verify(leaf.certificate, leaf.chain, [rogue.root.certificate])
    with pytest.raises(VerificationError):
        verify(leaf.certificate, leaf.chain, [pki.root.certificate], at=AT + timedelta(days=400))


def test_a_profile_shows_in_the_certificate():
    profile = good(
        AT,
        crl_url="http://crl.larkholme.example/",
        ocsp_url="http://ocsp.larkholme.example/",
        issuer_url="http://ca.larkholme.example/",
        policies=(x509.ObjectIdentifier("1.2.3"),),
        critical_policies=True,
    )
    extensions = Hierarchy(AT).leaf("all", profile).certificate.extensions
    access = extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    assert [one.access_location.value for one in access] == [profile.ocsp_url, profile.issuer_url]
    points = extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert points[0].full_name[0].value == profile.crl_url
    assert extensions.get_extension_for_class(x509.CertificatePolicies).critical
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert usage.content_commitment
    assert not usage.key_cert_sign


def test_a_revocation_list_names_the_revoked_and_its_times():
    pki = Hierarchy(AT)
    serial = pki.leaf("revoked").certificate.serial_number
    crl = x509.load_der_x509_crl(pki.issuing.crl(AT, AT + DAY, {serial: AT - DAY}))
    assert crl.is_signature_valid(pki.issuing.key.public_key())
    assert crl.get_revoked_certificate_by_serial_number(serial).revocation_date_utc == AT - DAY
    assert crl.get_revoked_certificate_by_serial_number(serial + 2) is None
    assert (crl.last_update_utc, crl.next_update_utc) == (AT, AT + DAY)


@pytest.mark.parametrize(("revoked", "status"), [(None, "GOOD"), (AT - DAY, "REVOKED")])
def test_an_ocsp_response_speaks_about_one_certificate(revoked, status):
    pki = Hierarchy(AT)
    leaf = pki.leaf("asked")
    answer = ocsp.load_der_ocsp_response(pki.issuing.ocsp(leaf, AT, AT + DAY, revoked=revoked))
    assert answer.certificate_status.name == status
    assert answer.serial_number == leaf.certificate.serial_number
    assert answer.next_update_utc == AT + DAY
    key = pki.issuing.key.public_key()
    key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(answer.signature_hash_algorithm))


def test_a_delegated_responder_puts_its_certificate_into_the_answer():
    pki = Hierarchy(AT)
    responder = pki.leaf("responder", good(AT, purposes=(ExtendedKeyUsageOID.OCSP_SIGNING,)))
    answer = ocsp.load_der_ocsp_response(pki.issuing.ocsp(pki.leaf("asked"), AT, AT + DAY, responder=responder))
    assert answer.certificates == [responder.certificate]
    assert answer.responder_key_hash == x509.SubjectKeyIdentifier.from_public_key(responder.key.public_key()).digest


@needs_openssl
def test_openssl_agrees_on_path_list_answer_and_timestamp(tmp_path):
    pki = Hierarchy(AT)
    leaf = pki.leaf("openssl")
    tsa = replace(good(AT), usage=frozenset({"digital_signature"}), purposes=(TIME_STAMPING,), critical_purposes=True)
    clock = pki.issuing.issue(tsa, ec_key("openssl clock"))
    files = {
        "root.pem": pki.root.pem,
        "issuing.pem": pki.issuing.pem,
        "leaf.pem": leaf.pem,
        "issuing.crl": pki.issuing.crl(AT - DAY, AT + DAY, {leaf.certificate.serial_number: AT - DAY}),
        "good.ocsp": pki.issuing.ocsp(leaf, AT - DAY, AT + DAY),
        "token": timestamp_token(STAMPED, clock, AT),
        "data": STAMPED,
        "other": STAMPED + b" ",
    }
    at = {}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        at[name] = str(tmp_path / name)
    when = ("-attime", str(int(AT.timestamp())), "-CAfile", at["root.pem"])
    path = (*when, "-untrusted", at["issuing.pem"])
    assert openssl("verify", *path, "-purpose", "smimesign", at["leaf.pem"]).endswith("leaf.pem: OK\n")
    revoked = openssl("verify", *path, "-crl_check", "-CRLfile", at["issuing.crl"], at["leaf.pem"])
    assert "certificate revoked" in revoked
    answer = ("-respin", at["good.ocsp"], "-issuer", at["issuing.pem"], "-cert", at["leaf.pem"])
    said = openssl("ocsp", *when, *answer, "-no_nonce")
    assert "Response verify OK" in said
    assert "good\n" in said  # without the file's name: OpenSSL asks the clock about the times and warns in between
    token = ("-in", at["token"], "-token_in")
    assert "Verification: OK" in openssl("ts", "-verify", "-data", at["data"], *token, *when)
    assert "imprint" in openssl("ts", "-verify", "-data", at["other"], *token, *when)


def test_the_matrix_has_every_row_the_reader_must_tell_apart():
    cases = trust_matrix(AT)
    codes = {code for one in cases.values() for code in one.codes}
    said = TrustPath.__doc__ or ""
    assert codes - {""} <= {code for code in codes if f"``{code}``" in said}
    assert codes >= {"", "expired", "not-yet-valid", "revoked", "no-revocation", "stale-revocation", "purpose"}
    assert codes >= {"self-signed", "unknown-issuer", "missing-intermediate", "name-constraints", "bad-chain"}
    assert len({(one.certificate, one.embedded, one.trust, one.stamped_at) for one in cases.values()}) == len(cases)
    assert [name for name, one in stamp_matrix(AT).items() if one.stamped_at] == ["valid", "valid-rsa-sha512"]


def test_the_sample_trust_belongs_to_its_day_and_its_organisation():
    trust = sample_trust(AT)
    assert trust.files() == sample_trust(AT + timedelta(hours=5)).files()
    assert set(trust.files()) == {"root.pem", "root.crl", "issuing.crl"}
    organisation = trust.signer.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    assert [one.value for one in organisation] == ["Quillmoor Metering Ltd"]
    for crl, issuer in zip(trust.crls, (trust.root, trust.issuing), strict=True):
        listed = x509.load_der_x509_crl(crl)
        assert listed.is_signature_valid(issuer.key.public_key())
        assert listed.last_update_utc < AT - DAY
        assert listed.next_update_utc > AT + 300 * DAY


def test_a_certificate_of_ones_own_has_no_issuers():
    own = root(Profile("Nobody", AT - DAY, AT + DAY), ec_key("nobody"))
    assert own.issuers == own.chain == ()
    top = root(authority("Root", "Org", AT - DAY, AT + DAY), ec_key("top"))
    assert top.issue(good(AT), ec_key("leaf")).chain == ()
