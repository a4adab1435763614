"""Makes one XML signature with the contents that Office gives it (XML-DSig, XAdES-EPES, [MS-OFFCRYPTO] 2.5).

For the demonstration and the tests only: the pipeline itself signs nothing. Every piece is text, so that what is
digested is what is written.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import new as new_hash
from textwrap import wrap

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from pipeline.demo.cells import PACKAGE, markup

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
Stamp = Callable[[bytes], bytes]
"""From the octets to be stamped to an RFC 3161 TimeStampToken, DER."""

DSIG = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
_LINE = 76
"""Octets of base64 on a line, as Office breaks them."""

PACKAGE_OBJECT = "idPackageObject"
OFFICE_OBJECT = "idOfficeObject"


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A digest with its XML names. uri: of the digest alone; rsa: of RSA PKCS#1 v1.5 with it (RFC 9231)."""

    name: str
    hash: hashes.HashAlgorithm
    uri: str
    rsa: str

    @property
    def ecdsa(self) -> str:
        """The name of ECDSA with it."""
        return f"{_MORE}ecdsa-{self.name}"

    def digest(self, data: bytes) -> str:
        """Return the digest of data in base64."""
        return base64(new_hash(self.name, data, usedforsecurity=False).digest())


ALGORITHMS: Mapping[str, Algorithm] = {
    one.name: one
    for one in (
        Algorithm("sha1", hashes.SHA1(), f"{DSIG}sha1", f"{DSIG}rsa-sha1"),  # noqa: S303 - what older Office wrote
        Algorithm("sha256", hashes.SHA256(), "http://www.w3.org/2001/04/xmlenc#sha256", f"{_MORE}rsa-sha256"),
        Algorithm("sha384", hashes.SHA384(), f"{_MORE}sha384", f"{_MORE}rsa-sha384"),
        Algorithm("sha512", hashes.SHA512(), "http://www.w3.org/2001/04/xmlenc#sha512", f"{_MORE}rsa-sha512"),
    )
}


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs and how. chain: issuers that the signature carries along, nearest first; digest: of ALGORITHMS."""

    key: PrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()
    digest: str = "sha256"

    @property
    def algorithm(self) -> Algorithm:
        """The digest with its names."""
        return ALGORITHMS[self.digest]

    @property
    def method(self) -> str:
        """The name of the signature algorithm."""
        return self.algorithm.rsa if isinstance(self.key, rsa.RSAPrivateKey) else self.algorithm.ecdsa

    def sign(self, data: bytes) -> bytes:
        """Return the signature value: PKCS#1 v1.5, or r and s side by side (RFC 4050). Always the same for a key."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(data, padding.PKCS1v15(), self.algorithm.hash)
        made = self.key.sign(data, ec.ECDSA(self.algorithm.hash, deterministic_signing=True))
        size = (self.key.key_size + 7) // 8
        return b"".join(number.to_bytes(size, "big") for number in decode_dss_signature(made))


def base64(data: bytes) -> str:
    """Return octets in base64 on one line."""
    return b64encode(data).decode()


def utc(at: datetime) -> str:
    """Return a moment as signatures write it: ``2026-11-20T09:30:00Z``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def canonical(fragment: str, ident: str = "") -> bytes:
    """Return the canonical form (C14N 1.0, no comments) of a child of ds:Signature, or of the element of an Id in it.

    The element is written out and read again by itself first: lxml, asked for a part of a larger tree, adds
    ``xmlns=""`` to grandchildren that inherit their namespace, which the standard does not.
    """
    whole = etree.fromstring(f'<Signature xmlns="{DSIG}">{fragment}</Signature>')
    element = next(one for one in whole.iter() if one.get("Id") == ident) if ident else whole[0]
    alone = etree.fromstring(etree.tostring(element, with_tail=False))
    return etree.tostring(alone, method="c14n", with_comments=False)


def reference(uri: str, digest: str, algorithm: Algorithm, *, kind: str = "", transforms: str = "") -> str:
    """Return a ds:Reference. kind: its Type; transforms: the ds:Transform elements, in order."""
    typed = f' Type="{kind}"' if kind else ""
    steps = f"<Transforms>{transforms}</Transforms>" if transforms else ""
    return (
        f'<Reference{typed} URI="{markup(uri)}">{steps}<DigestMethod Algorithm="{algorithm.uri}"/>'
        f"<DigestValue>{digest}</DigestValue></Reference>"
    )


def package_object(references: str, at: datetime) -> str:
    """Return the Object that lists what of the package is signed, and when (ECMA-376 Part 2, 10.5.6 and 10.5.9)."""
    return (
        f'<Object Id="{PACKAGE_OBJECT}"><Manifest>{references}</Manifest><SignatureProperties>'
        '<SignatureProperty Id="idSignatureTime" Target="#idPackageSignature">'
        f'<mdssi:SignatureTime xmlns:mdssi="{PACKAGE}/digital-signature">'
        f"<mdssi:Format>YYYY-MM-DDThh:mm:ssTZD</mdssi:Format><mdssi:Value>{utc(at)}</mdssi:Value>"
        "</mdssi:SignatureTime></SignatureProperty></SignatureProperties></Object>"
    )


def office_object(comments: str = "CPL submission") -> str:
    """Return the Object in which Office says where and what for it signed ([MS-OFFCRYPTO] 2.5.2.5)."""
    return (
        f'<Object Id="{OFFICE_OBJECT}"><SignatureProperties>'
        '<SignatureProperty Id="idOfficeV1Details" Target="#idPackageSignature">'
        '<SignatureInfoV1 xmlns="http://schemas.microsoft.com/office/2006/digsig"><SetupID/><SignatureText/>'
        f"<SignatureImage/><SignatureComments>{markup(comments)}</SignatureComments>"
        "<WindowsVersion>10.0</WindowsVersion><OfficeVersion>16.0</OfficeVersion>"
        "<ApplicationVersion>16.0</ApplicationVersion><Monitors>1</Monitors>"
        "<HorizontalResolution>1920</HorizontalResolution><VerticalResolution>1080</VerticalResolution>"
        "<ColorDepth>32</ColorDepth><SignatureProviderId>{00000000-0000-0000-0000-000000000000}</SignatureProviderId>"
        "<SignatureProviderUrl/><SignatureProviderDetails>9</SignatureProviderDetails>"
        "<SignatureType>1</SignatureType></SignatureInfoV1></SignatureProperty></SignatureProperties></Object>"
    )


def signature_part(
    signer: Signer, objects: Sequence[str], at: datetime, *, xades: bool = True, stamp: Stamp | None = None
) -> bytes:
    """Return a signature part over objects, each ``<Object Id="...">...</Object>``.

    at: the signing time it claims. xades: bind certificate and time (XAdES-EPES). stamp: adds a timestamp of the
    signature value (ETSI TS 101 903, 7.3); needs xades.
    """
    algorithm = signer.algorithm
    references = [_object_reference(one, algorithm) for one in objects]
    if xades:
        digest = algorithm.digest(canonical(_qualifying(signer, at), "idSignedProperties"))
        step = f'<Transform Algorithm="{C14N}"/>'
        references.append(reference("#idSignedProperties", digest, algorithm, kind=_SIGNED_PROPERTIES, transforms=step))
    signed_info = (
        f'<SignedInfo><CanonicalizationMethod Algorithm="{C14N}"/><SignatureMethod Algorithm="{signer.method}"/>'
        f"{''.join(references)}</SignedInfo>"
    )
    lines = "\n".join(wrap(base64(signer.sign(canonical(signed_info))), _LINE))
    value = f"<SignatureValue>{lines}</SignatureValue>"
    token = stamp(canonical(value)) if stamp else b""
    last = _qualifying(signer, at, _unsigned(signer, token)) if xades else ""
    key_info = f"<KeyInfo><X509Data><X509Certificate>{_der(signer.certificate)}</X509Certificate></X509Data></KeyInfo>"
    body = f"{signed_info}{value}{key_info}{''.join(objects)}{last}"
    return f'{_DECLARATION}<Signature xmlns="{DSIG}" Id="idPackageSignature">{body}</Signature>'.encode()


def _object_reference(fragment: str, algorithm: Algorithm) -> str:
    """Return the reference of the SignedInfo to one Object."""
    data = canonical(fragment)
    ident = etree.fromstring(data).get("Id", "")
    return reference(f"#{ident}", algorithm.digest(data), algorithm, kind=f"{DSIG}Object")


def _qualifying(signer: Signer, at: datetime, unsigned: str = "") -> str:
    """Return the Object with the XAdES properties: signed are the time, the certificate and the implied policy."""
    certificate = signer.certificate
    digest = signer.algorithm.digest(certificate.public_bytes(Encoding.DER))
    return (
        f'<Object><xd:QualifyingProperties xmlns:xd="{XADES}" Target="#idPackageSignature">'
        '<xd:SignedProperties Id="idSignedProperties"><xd:SignedSignatureProperties>'
        f"<xd:SigningTime>{utc(at)}</xd:SigningTime><xd:SigningCertificate><xd:Cert><xd:CertDigest>"
        f'<DigestMethod Algorithm="{signer.algorithm.uri}"/><DigestValue>{digest}</DigestValue></xd:CertDigest>'
        f"<xd:IssuerSerial><X509IssuerName>{markup(certificate.issuer.rfc4514_string())}</X509IssuerName>"
        f"<X509SerialNumber>{certificate.serial_number}</X509SerialNumber></xd:IssuerSerial></xd:Cert>"
        "</xd:SigningCertificate><xd:SignaturePolicyIdentifier><xd:SignaturePolicyImplied/>"
        f"</xd:SignaturePolicyIdentifier></xd:SignedSignatureProperties></xd:SignedProperties>{unsigned}"
        "</xd:QualifyingProperties></Object>"
    )


def _unsigned(signer: Signer, token: bytes) -> str:
    """Return the XAdES properties that are not signed: a timestamp, and the issuers' certificates."""
    content = ""
    if token:
        content += (
            f'<xd:SignatureTimeStamp><CanonicalizationMethod Algorithm="{C14N}"/>'
            f"<xd:EncapsulatedTimeStamp>{base64(token)}</xd:EncapsulatedTimeStamp></xd:SignatureTimeStamp>"
        )
    if signer.chain:
        certificates = "".join(
            f"<xd:EncapsulatedX509Certificate>{_der(one)}</xd:EncapsulatedX509Certificate>" for one in signer.chain
        )
        content += f"<xd:CertificateValues>{certificates}</xd:CertificateValues>"
    if not content:
        return ""
    properties = f"<xd:UnsignedSignatureProperties>{content}</xd:UnsignedSignatureProperties>"
    return f"<xd:UnsignedProperties>{properties}</xd:UnsignedProperties>"


def _der(certificate: x509.Certificate) -> str:
    return base64(certificate.public_bytes(Encoding.DER))
