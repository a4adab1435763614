"""One signature part as an XML signature: form, algorithms and value (W3C XML Signature; [MS-OFFCRYPTO] 2.5).

The form is an allow list of what Office writes, held before signxml is asked, because signxml skips transforms that it
does not know and would follow any reference. After that only what signxml returns as signed is read, never the part.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidDigest, SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from pipeline.domain.signature import SignatureFault
from pipeline.readers.certificates import Certificate, load
from pipeline.readers.package import parse_xml, shown
from pipeline.readers.unreadable import Unreadable

DS = "{http://www.w3.org/2000/09/xmldsig#}"
XADES = "{http://uri.etsi.org/01903/v1.3.2#}"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
"""Canonical XML 1.0 without comments: the only one that Office uses."""
DIGESTS: Mapping[str, str] = {
    "http://www.w3.org/2000/09/xmldsig#sha1": "sha1",
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
"""Digest methods by URI. SHA-1 is checked too, so that it can be said that all holds but for SHA-1."""

_METHODS: Mapping[str, str] = {
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1": "rsa-sha1",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1": "ecdsa-sha1",
} | {
    f"http://www.w3.org/2001/04/xmldsig-more#{kind}-{digest}": f"{kind}-{digest}"
    for kind in ("rsa", "ecdsa")
    for digest in ("sha256", "sha384", "sha512")
}
_LARGEST = 8 << 20
"""A signature part of Office is some ten KB, plus the two pictures of a signature line."""
_PACKAGE_OBJECT = "#idPackageObject"
_OBJECTS = frozenset({_PACKAGE_OBJECT, "#idOfficeObject", "#idValidSigLnImg", "#idInvalidSigLnImg"})
"""What a SignedInfo of Office refers to, besides the signed properties ([MS-OFFCRYPTO] 2.5.1)."""
_SIGNED_PROPERTIES = f"{DS}Object/{XADES}QualifyingProperties/{XADES}SignedProperties"
_LEAST_RSA = 2048
_CURVES = frozenset({"secp256r1", "secp384r1", "secp521r1"})
_XML_ATTRIBUTE = "{http://www.w3.org/XML/1998/namespace}"
_BLANKS = re.compile(r"[ \t\r\n]+")


class SignatureRefused(Exception):  # noqa: N818 - named for the fact
    """A signature part is not one that can hold. Caught by the signature reader and stated as its fault."""

    def __init__(self, fault: SignatureFault) -> None:
        super().__init__(fault.text)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Envelope:
    """A signature part whose form is that of Office; nothing in it is proven yet.

    method: short name of the signature algorithm. certificate: the signer's. others: further certificates, DER.
    references: URI and Type of each reference of the SignedInfo. digests: their algorithms by short name.
    """

    part: str
    root: etree._Element
    method: str
    certificate: Certificate
    others: tuple[bytes, ...]
    references: tuple[tuple[str, str], ...]
    digests: frozenset[str]


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature value that holds has signed, as signxml returned it.

    package: the Object with the Manifest. properties: the XAdES SignedProperties, None where they are not signed.
    """

    package: etree._Element
    properties: etree._Element | None


class _OfficeVerifier(XMLVerifier):
    """signxml, but for how it canonicalises the SignedInfo.

    lxml, asked for the canonical form of an element inside a tree, writes ``xmlns=""`` on grandchildren that inherit a
    default namespace (seen with libxml2 2.13 and 2.14), which Canonical XML does not. signxml works round that for the
    targets of references, by writing them out and reading them again, but not for the SignedInfo; Office's default
    namespace makes every one of its signatures fail without this.
    """

    def _c14n(self, nodes: Any, *arguments: Any, **named: Any) -> Any:
        alone = etree.fromstring(etree.tostring(nodes, with_tail=False))
        return super()._c14n(alone, *arguments, **named)


def strict_base64(text: str | None) -> bytes | None:
    """Return the octets of base64 with blanks; None for anything that is not exactly their encoding (RFC 4648)."""
    packed = _BLANKS.sub("", text or "")
    try:
        octets = base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        return None
    return octets if octets and base64.b64encode(octets).decode() == packed else None


def canonical(element: etree._Element) -> bytes:
    """Return Canonical XML 1.0 of one element, the way ``_OfficeVerifier`` explains."""
    alone = etree.fromstring(etree.tostring(element, with_tail=False))
    return etree.tostring(alone, method="c14n", with_comments=False)


def read_envelope(data: bytes, part: str) -> Envelope:
    """Read a signature part. Raises SignatureRefused or Unreadable where its form is not that of Office."""
    if len(data) > _LARGEST:
        raise Unreadable("limit", f"the signature {shown(part)} is larger than {_LARGEST >> 20} MB", "sig-size", part)
    root = parse_xml(data, part)
    _check_tree(root, part)
    signed_info, value, key_info = root[0], root[1], root[2]
    method = _method(signed_info, part)
    references = tuple(_references(root, signed_info, part))
    if sum(uri == _PACKAGE_OBJECT for uri, _ in references) != 1:
        raise _refused(part, "no-package-object-ref", "does not sign the list of the workbook's parts")
    if strict_base64(value.text) is None:
        raise _refused(part, "base64", "has a value that is not base64")
    found = key_info.findall(f"{DS}X509Data/{DS}X509Certificate")
    certificates = [octets for octets in (strict_base64(one.text) for one in found) if octets]
    if not found or len(found) != len(certificates):
        raise _refused(part, "no-certificate", "carries no readable certificate")
    try:
        certificate = load(certificates[0])
    except ValueError as error:
        raise _refused(part, "no-certificate", f"carries no readable certificate ({error})") from error
    digests = {DIGESTS[one.get("Algorithm", "")] for one in signed_info.iter(f"{DS}DigestMethod")}
    return Envelope(part, root, method, certificate, tuple(certificates[1:]), references, frozenset(digests))


def verify(envelope: Envelope) -> Signed:
    """Check the signature value and the digests of the SignedInfo; SignatureRefused where they do not hold."""
    part = envelope.part
    certificate = envelope.certificate.parsed
    try:
        config = SignatureConfiguration(
            expect_references=True,
            signature_methods=frozenset(SignatureMethod(uri) for uri in _METHODS),
            digest_algorithms=frozenset(DigestAlgorithm(uri) for uri in DIGESTS),
            default_reference_c14n_method=CanonicalizationMethod.CANONICAL_XML_1_0,
            verification_time=certificate.not_valid_before_utc,  # whether it is valid is the matter of its path
        )
        found: Any = _OfficeVerifier().verify(
            envelope.root, x509_cert=certificate, expect_config=config, validate_schema=False
        )
        signed = {uri: one.signed_xml for (uri, _), one in zip(envelope.references, found, strict=True)}
    except InvalidDigest as error:
        raise _refused(part, "signedinfo-digest", "signs something that was changed afterwards") from error
    except (SignXMLException, ValueError, UnsupportedAlgorithm, etree.LxmlError, TypeError, KeyError) as error:
        raise _refused(part, "signature-value", "does not fit its certificate, or was changed") from error
    properties = [uri for uri, _ in envelope.references if uri not in _OBJECTS]
    return Signed(signed[_PACKAGE_OBJECT], signed[properties[0]] if properties else None)


def key_faults(envelope: Envelope) -> Iterator[SignatureFault]:
    """State what is too weak about the signer's key."""
    part = envelope.part
    key: object
    try:
        key = envelope.certificate.parsed.public_key()
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < _LEAST_RSA:
            text = f"is made with an RSA key of {key.key_size} bits; at least {_LEAST_RSA} are needed"
            yield fault(part, "rsa-key-size", text, "algorithm")
    elif not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in _CURVES:
        text = "is made with a key that is neither RSA nor on one of the curves P-256, P-384 and P-521"
        yield fault(part, "key-type", text, "algorithm")


def fault(part: str, code: str, what: str, topic: Any = "integrity", where: str = "") -> SignatureFault:
    """Return a fault whose sentence starts with the signature's name."""
    return SignatureFault(topic, code, f"The signature {shown(part)} {what}.", where or part)


def damage(error: Unreadable, where: str = "") -> SignatureFault:
    """Return what could not be read as a fault of integrity. where: the part, where the error names none."""
    return SignatureFault("integrity", error.code, f"{error.text[:1].upper()}{error.text[1:]}.", error.where or where)


def _refused(part: str, code: str, what: str, topic: str = "integrity") -> SignatureRefused:
    return SignatureRefused(fault(part, code, what, topic))


def _check_tree(root: etree._Element, part: str) -> None:
    """Refuse what could make two readers of one signature see two different things signed."""
    if root.tag != f"{DS}Signature":
        raise _refused(part, "sig-root", "is no XML signature")
    idents: set[str] = set()
    for element in root.iter():
        for name, value in element.attrib.items():
            if etree.QName(name).localname.lower() == "id":
                if value in idents:
                    raise _refused(part, "sig-duplicate-id", f"has two elements with the Id '{shown(str(value))}'")
                idents.add(str(value))
            if str(name).startswith(_XML_ATTRIBUTE):
                raise _refused(part, "sig-xml-attribute", "has an attribute of the xml namespace")
    if sum(1 for _ in root.iter(f"{DS}Manifest")) != 1:
        raise _refused(part, "sig-manifest-count", "does not hold exactly one list of the workbook's parts")
    nested = sum(1 for _ in root.iter(f"{DS}Signature", f"{DS}SignedInfo"))
    tags = [str(child.tag) for child in root]
    form = [f"{DS}SignedInfo", f"{DS}SignatureValue", f"{DS}KeyInfo"]
    if nested != 2 or tags[:3] != form or set(tags[3:]) != {f"{DS}Object"}:  # noqa: PLR2004 - itself and its SignedInfo
        raise _refused(part, "sig-structure", "is not built as Office builds signatures")


def _method(signed_info: etree._Element, part: str) -> str:
    """Check the SignedInfo's own algorithms and return the signature's by its short name."""
    tags = [str(child.tag) for child in signed_info]
    form = [f"{DS}CanonicalizationMethod", f"{DS}SignatureMethod"]
    if tags[:2] != form or set(tags[2:]) != {f"{DS}Reference"} or any(len(one) for one in signed_info[:2]):
        raise _refused(part, "signedinfo-structure", "is not built as Office builds signatures")
    if signed_info[0].get("Algorithm") != C14N:
        raise _refused(part, "signedinfo-c14n", "is canonicalised in a way that Office never uses")
    uri = signed_info[1].get("Algorithm", "")
    if uri not in _METHODS:
        code = "hmac" if "hmac" in uri.lower() else "signature-method"
        raise _refused(part, code, f"is made by a method that is not accepted ({shown(uri)})", "algorithm")
    return _METHODS[uri]


def _references(root: etree._Element, signed_info: etree._Element, part: str) -> Iterator[tuple[str, str]]:
    """Yield URI and Type of the references, each held against what Office refers to."""
    objects = {f"#{one.get('Id', '')}" for one in root.findall(f"{DS}Object")}
    properties = {f"#{one.get('Id', '')}" for one in root.findall(_SIGNED_PROPERTIES)}
    seen: set[str] = set()
    for element in signed_info[2:]:
        uri = element.get("URI", "")
        if not uri.startswith("#"):
            text = f"refers to something outside itself ({shown(uri)})"
            raise _refused(part, "signedinfo-external-ref", text)
        known = uri in _OBJECTS & objects or (len(properties) == 1 and uri in properties)
        if not known or uri in seen:
            raise _refused(part, "signedinfo-reference", f"refers to something Office never signs ({shown(uri)})")
        seen.add(uri)
        if list(transforms(element)) not in ([], [C14N]):
            raise _refused(
                part, "signedinfo-transform", f"changes {shown(uri)} before signing in a way Office never does"
            )
        digest_of(element, part)
        yield uri, element.get("Type", "")


def transforms(reference: etree._Element) -> Sequence[str]:
    """Return the algorithms of a reference's transforms, in order."""
    return [one.get("Algorithm", "") for one in reference.iterfind(f"{DS}Transforms/*")]


def digest_of(reference: etree._Element, part: str) -> tuple[str, bytes]:
    """Return algorithm and value of a reference's digest. Raises SignatureRefused where the form is not that of one."""
    tags = [str(child.tag) for child in reference]
    if tags not in ([f"{DS}Transforms", *_DIGEST], _DIGEST):
        raise _refused(part, "reference-structure", "is not built as Office builds signatures")
    uri = reference[-2].get("Algorithm", "")
    if uri not in DIGESTS:
        raise _refused(part, "digest-method", f"has a digest method that is not accepted ({shown(uri)})", "algorithm")
    value = strict_base64(reference[-1].text)
    if value is None:
        raise _refused(part, "base64", "has a digest that is not base64")
    return DIGESTS[uri], value


_DIGEST = [f"{DS}DigestMethod", f"{DS}DigestValue"]
