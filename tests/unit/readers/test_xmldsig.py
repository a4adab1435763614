"""One signature part: the form that Office gives it, its value, and what XAdES binds to it."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree
from signxml.exceptions import InvalidSignature
from signxml.verifier import SignatureConfiguration, XMLVerifier

from pipeline.demo.pki import Profile, ec_key, rsa_key
from pipeline.demo.signature_xml import Signer, office_object, package_object, signature_part
from pipeline.readers.unreadable import Unreadable
from pipeline.readers.xades import SIGNED_PROPERTIES, moment, read_binding, read_embedded
from pipeline.readers.xmldsig import (
    DS,
    XADES,
    SignatureRefused,
    canonical,
    key_faults,
    read_envelope,
    strict_base64,
    verify,
)
from tests.attacked import SIGNED, trust

PART = "_xmlsignatures/sig1.xml"
C14N = b"http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
MORE = b"http://www.w3.org/2001/04/xmldsig-more#"


def signature() -> bytes:
    holder = trust().signer
    objects = [package_object("", SIGNED), office_object()]
    return signature_part(Signer(holder.key, holder.certificate, holder.chain), objects, SIGNED)


GOOD = signature()
DER = trust().signer.der


def swapped(old: bytes, new: bytes, count: int = 1) -> bytes:
    assert old in GOOD
    return GOOD.replace(old, new, count)


def refusal(data: bytes) -> str:
    with pytest.raises((SignatureRefused, Unreadable)) as caught:
        verify(read_envelope(data, PART))
    error = caught.value
    return error.fault.code if isinstance(error, SignatureRefused) else error.code


def test_a_signature_of_office_holds_and_returns_what_it_signed():
    envelope = read_envelope(GOOD, PART)
    assert envelope.method == "ecdsa-sha256"
    assert (envelope.certificate.der, envelope.others) == (DER, ())
    assert [uri for uri, _ in envelope.references] == ["#idPackageObject", "#idOfficeObject", "#idSignedProperties"]
    assert envelope.digests == {"sha256"}
    signed = verify(envelope)
    assert signed.package.get("Id") == "idPackageObject"
    assert signed.properties is not None
    assert signed.properties.tag == f"{XADES}SignedProperties"
    assert list(key_faults(envelope)) == []


def test_signxml_alone_refuses_every_signature_of_office():
    # Why there is a subclass: when this fails, signxml or lxml has been mended and the subclass can go.
    config = SignatureConfiguration(expect_references=True, verification_time=SIGNED)
    certificate = x509.load_der_x509_certificate(DER)
    with pytest.raises(InvalidSignature):
        XMLVerifier().verify(GOOD, x509_cert=certificate, expect_config=config, validate_schema=False)


def test_a_certificate_that_has_expired_is_a_matter_of_its_path():
    profile = Profile("Long Ago", datetime(2001, 1, 1, tzinfo=UTC), datetime(2002, 1, 1, tzinfo=UTC))
    holder = trust().issuing.issue(profile, ec_key("long ago"))
    data = signature_part(Signer(holder.key, holder.certificate), [package_object("", SIGNED)], SIGNED)
    assert verify(read_envelope(data, PART)).package is not None


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"<Signature ", b"<!DOCTYPE Signature><Signature ", "xml-dtd"),
        (b"</Signature>", b"", "xml-syntax"),
        (b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"', b'<Signature xmlns="urn:other"', "sig-root"),
        (b'Id="idOfficeV1Details"', b'Id="idSignatureTime"', "sig-duplicate-id"),
        (b'Id="idOfficeV1Details"', b'ID="idSignatureTime"', "sig-duplicate-id"),
        (b'Id="idOfficeV1Details"', b'xml:id="idSignatureTime"', "sig-duplicate-id"),
        (b'Id="idOfficeV1Details"', b'xml:lang="en"', "sig-xml-attribute"),
        (b"<Manifest>", b"<Manifest/><Manifest>", "sig-manifest-count"),
        (b"</KeyInfo>", b"</KeyInfo><Object><Signature/></Object>", "sig-structure"),
        (b"</KeyInfo>", b"</KeyInfo><SignatureValue>AAAA</SignatureValue>", "sig-structure"),
        (b"<SignatureValue>", b"<Object/><SignatureValue>", "sig-structure"),
        (b"<SignatureMethod ", b"<Extra/><SignatureMethod ", "signedinfo-structure"),
        (C14N, b"http://www.w3.org/2001/10/xml-exc-c14n#", "signedinfo-c14n"),
        (b"ecdsa-sha256", b"hmac-sha256", "hmac"),
        (MORE + b"ecdsa-sha256", b"http://www.w3.org/2009/xmldsig11#dsa-sha256", "signature-method"),
        (b'URI="#idPackageObject"', b'URI="#idOfficeV1Details"', "signedinfo-reference"),
        (b'URI="#idPackageObject"', b'URI=""', "signedinfo-external-ref"),
        (b'URI="#idPackageObject"', b'URI="xl/workbook.xml"', "signedinfo-external-ref"),
        (b'URI="#idPackageObject"', b'URI="##idPackageObject"', "signedinfo-reference"),
        (b'URI="#idOfficeObject"', b'URI="#idPackageObject"', "signedinfo-reference"),
        (b'<Transform Algorithm="' + C14N, b'<Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116', "*"),
        (b"<DigestMethod ", b"<Extra/><DigestMethod ", "reference-structure"),
        (b"http://www.w3.org/2001/04/xmlenc#sha256", b"http://www.w3.org/2001/04/xmldsig-more#md5", "digest-method"),
        (b"<DigestValue>", b"<DigestValue>{", "base64"),
        (b"<SignatureValue>", b"<SignatureValue>{", "base64"),
        (b"<X509Certificate>", b"<X509Certificate>{", "no-certificate"),
        (b"<X509Certificate>", b"<X509Certificate>AAAA", "no-certificate"),
        (b"<SignatureValue>", b"<SignatureValue>AAAA", "signature-value"),
        (b"ecdsa-sha256", b"rsa-sha256", "signature-value"),
        (b"CPL submission", b"another purpose", "signedinfo-digest"),
    ],
)
def test_a_part_that_is_not_what_office_signs(old, new, code):
    assert refusal(swapped(old, new)) == ("signedinfo-transform" if code == "*" else code)


def test_a_part_of_many_megabytes_is_not_parsed():
    assert refusal(GOOD + b" " * (8 << 20)) == "sig-size"


def test_without_a_reference_to_the_list_of_parts_nothing_is_signed():
    holder = trust().signer
    data = signature_part(Signer(holder.key, holder.certificate), [office_object()], SIGNED)
    grafted = data.replace(b"</KeyInfo>", b"</KeyInfo>" + package_object("", SIGNED).encode())
    assert refusal(grafted) == "no-package-object-ref"


@pytest.mark.parametrize(
    ("key", "code"), [(rsa_key("short", 1024), "rsa-key-size"), (ec_key("signer"), ""), (rsa_key("signer"), "")]
)
def test_what_is_too_weak_about_a_key(key, code):
    holder = trust().issuing.issue(Profile("Any", SIGNED, SIGNED + timedelta(1)), key)
    data = signature_part(Signer(key, holder.certificate), [package_object("", SIGNED)], SIGNED)
    assert [fault.code for fault in key_faults(read_envelope(data, PART))] == ([code] if code else [])


def test_a_key_of_another_kind_is_named():
    key = ec.generate_private_key(ec.SECP256K1())
    holder = trust().issuing.issue(Profile("Any", SIGNED, SIGNED + timedelta(1)), key)
    data = signature_part(Signer(key, holder.certificate), [package_object("", SIGNED)], SIGNED)
    assert [fault.code for fault in key_faults(read_envelope(data, PART))] == ["key-type"]


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("AAEC", b"\0\1\2"),
        (" AA\r\n\tEC ", b"\0\1\2"),
        ("AAE=", b"\0\1"),
        ("AAF=", None),
        ("AAE", None),
        ("AA{EC", None),
        ("AAEC=", None),
        ("AA\u00a0EC", None),
        ("", None),
        (None, None),
    ],
)
def test_base64_has_one_form(text, octets):
    assert strict_base64(text) == octets


def test_a_part_of_a_tree_is_canonical_without_what_lxml_adds():
    root = etree.fromstring(b'<a xmlns="urn:a"><b><c><d/></c></b>tail</a>')
    assert canonical(root[0]) == b'<b xmlns="urn:a"><c><d></d></c></b>'


def properties(old: str = "", new: str = "") -> etree._Element:
    """Return the signed properties of the good signature, with something exchanged."""
    found = etree.fromstring(GOOD).find(f".//{XADES}SignedProperties")
    assert found is not None
    text = etree.tostring(found, encoding="unicode")
    assert old in text
    return etree.fromstring(text.replace(old, new))


def bound(element: etree._Element | None, certificate: bytes = DER, at: datetime = SIGNED) -> tuple[str, list[str]]:
    read = read_binding(element, certificate, PART, at)
    return read.claimed_at, [fault.code for fault in read.faults]


def test_time_and_certificate_are_bound():
    assert bound(properties()) == (SIGNED.strftime("%Y-%m-%dT%H:%M:%SZ"), [])
    assert read_binding(properties(), DER, PART, SIGNED).digests == {"sha256"}
    assert ("#idSignedProperties", SIGNED_PROPERTIES) in read_envelope(GOOD, PART).references


def test_a_signing_time_in_another_zone_is_stated_in_utc():
    text = SIGNED.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert bound(properties(text, "2026-11-19T01:30:00+02:00")) == ("2026-11-18T23:30:00Z", [])


@pytest.mark.parametrize(
    ("element", "codes"),
    [
        (None, ["no-xades"]),
        (properties("SigningCertificate>", "Other>"), ["no-xades"]),
        (properties("SigningTime>", "Other>"), ["xades-time"]),
        (properties(SIGNED.strftime("%Y-%m-%dT%H:%M:%SZ"), "2026-11-19T01:30:00"), ["xades-time"]),
        (properties(SIGNED.strftime("%Y-%m-%dT%H:%M:%SZ"), "0001-01-01T00:00:00+23:59"), ["xades-time"]),
        (properties(SIGNED.strftime("%Y-%m-%d"), "2199-01-01"), ["xades-time-future"]),
        (properties("xmlenc#sha256", "xmlenc#ripemd160"), ["xades-cert-mismatch"]),
        (properties("<DigestValue>", "<DigestValue>AAAA"), ["xades-cert-mismatch"]),
        (properties("DigestValue>", "Other>"), ["xades-cert-mismatch"]),
    ],
)
def test_what_is_not_bound(element, codes):
    assert bound(element)[1] == codes


def test_another_certificate_of_the_same_key_is_not_the_bound_one():
    assert bound(properties(), trust().issuing.der)[1] == ["xades-cert-mismatch"]


def test_the_newer_form_of_the_binding_counts_as_well():
    assert bound(properties("SigningCertificate>", "SigningCertificateV2>"))[1] == []


def test_a_moment_has_a_zone():
    assert moment("2026-11-19T10:00:00+01:00") == datetime(2026, 11, 19, 9, tzinfo=UTC)
    with pytest.raises(ValueError, match="time zone"):
        moment("2026-11-19T10:00:00")


def test_what_a_signature_brings_along_is_collected_and_junk_left_out():
    holder = trust().signer
    signer = Signer(holder.key, holder.certificate, holder.chain)
    objects = [package_object("", SIGNED)]
    data = signature_part(signer, objects, SIGNED, stamp=lambda octets: b"token of " + octets[:16])
    root = etree.fromstring(data)
    found = read_embedded(root, (b"from the KeyInfo",))
    assert found.certificates == (b"from the KeyInfo", *(trust().issuing.der, trust().root.der)[: len(holder.chain)])
    assert found.tokens == (b"token of <SignatureValue ",)
    assert found.stamped == canonical(root[1])
    assert (found.crls, found.ocsps) == ((), ())
    spoilt = data.replace(b"EncapsulatedX509Certificate>", b"EncapsulatedX509Certificate>{", 1)
    assert len(read_embedded(etree.fromstring(spoilt), ()).certificates) == len(holder.chain) - 1


def test_a_timestamp_of_another_canonical_form_is_not_ours_to_check():
    holder = trust().signer
    signer = Signer(holder.key, holder.certificate)
    data = signature_part(signer, [package_object("", SIGNED)], SIGNED, stamp=lambda _: b"token")
    other = data.replace(
        b'SignatureTimeStamp><CanonicalizationMethod Algorithm="' + C14N,
        b'SignatureTimeStamp><CanonicalizationMethod Algorithm="urn:x',
    )
    assert other != data
    assert read_embedded(etree.fromstring(data), ()).tokens == (b"token",)
    assert read_embedded(etree.fromstring(other), ()).tokens == ()


def test_revocation_information_inside_is_collected():
    inside = (
        b"<xd:RevocationValues><xd:CRLValues><xd:EncapsulatedCRLValue>AAEC</xd:EncapsulatedCRLValue></xd:CRLValues>"
        b"<xd:OCSPValues><xd:EncapsulatedOCSPValue>AwQF</xd:EncapsulatedOCSPValue></xd:OCSPValues></xd:RevocationValues>"
    )
    data = GOOD.replace(b"</xd:UnsignedSignatureProperties>", inside + b"</xd:UnsignedSignatureProperties>")
    assert data != GOOD
    found = read_embedded(etree.fromstring(data), ())
    assert (found.crls, found.ocsps) == ((b"\0\1\2",), (b"\3\4\5",))
    assert etree.fromstring(data).find(f"{DS}SignatureValue") is not None
