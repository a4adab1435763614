"""Certificates (RFC 5280): what one says, what its key may be used for, and where its status is told.

Every certificate is read twice and lazily: by cryptography, for names, keys and signatures, and by asn1crypto, which
keeps the bytes as they stand and is what the path validation works on.
"""

import hashlib
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from pipeline.domain.signature import SigningCertificate

MOST_BYTES = 64 << 10
"""Largest certificate that is read; real ones have one to three thousand octets."""

SIGNING_PURPOSES = frozenset({
    "1.3.6.1.5.5.7.3.36",  # id-kp-documentSigning (RFC 9336)
    "1.3.6.1.4.1.311.10.3.12",  # szOID_KP_DOCUMENT_SIGNING, which Office certificates carry
    "1.3.6.1.5.5.7.3.4",  # id-kp-emailProtection (RFC 5280, 4.2.1.12): what most S/MIME certificates carry
    "2.5.29.37.0",  # anyExtendedKeyUsage
})  # fmt: skip
"""Extended key usages that fit a signature of a document; rules/signers.yaml says so to its readers."""

STAMPING_PURPOSE = "1.3.6.1.5.5.7.3.8"
"""id-kp-timeStamping (RFC 3161, 2.3)."""

READING_ERRORS = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the two libraries raise for octets that are no certificate, list or response."""

_Kind = TypeVar("_Kind", bound=x509.ExtensionType)

_WEAK = {"sha1": "SHA-1", "md5": "MD5", "md2": "MD2"}
_LONGEST_NAME = 200  # characters; RFC 5280 allows a common name 64
_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate, read. subject, issuer: the names' DER, as they stand in it."""

    der: bytes
    parsed: x509.Certificate
    raw: asn1.Certificate
    subject: bytes
    issuer: bytes

    @property
    def name(self) -> str:
        """The subject as text for people: its common name, else the whole; shortened where it is no name any more."""
        names = _values(self.parsed.subject, NameOID.COMMON_NAME)
        return (names[0] if names else name_text(self.parsed.subject))[:_LONGEST_NAME]

    @property
    def organisations(self) -> tuple[str, ...]:
        """Every O attribute of the subject."""
        return _values(self.parsed.subject, NameOID.ORGANIZATION_NAME)

    @property
    def is_ca(self) -> bool:
        """Whether it says that it may issue certificates (4.2.1.9)."""
        basic = _extension(self.parsed, x509.BasicConstraints)
        return basic is not None and basic.ca

    @property
    def weak_digest(self) -> str:
        """The digest of its issuer's signature where it is too weak to be checked, as a word for people; else empty."""
        digest = self.parsed.signature_hash_algorithm
        return _WEAK.get(digest.name, "") if digest else ""

    @property
    def self_signed(self) -> bool:
        """Whether it vouches for itself. Old roots are signed with SHA-1, on which nothing rests: key ids tell then."""
        if self.issued(self):
            return True
        issuer = _extension(self.parsed, x509.AuthorityKeyIdentifier)
        subject = _extension(self.parsed, x509.SubjectKeyIdentifier)
        same = issuer is None or issuer.key_identifier is None or (subject and issuer.key_identifier == subject.digest)
        return bool(self.weak_digest and self.subject == self.issuer and same)

    def issued(self, other: "Certificate") -> bool:
        """Say whether this certificate's key made the other one's signature, and its subject is named as issuer."""
        if self.subject != other.issuer:
            return False
        try:
            other.parsed.verify_directly_issued_by(self.parsed)
        except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
            return False
        return True


def load(der: bytes) -> Certificate:
    """Read a certificate. ValueError says in words why it is none."""
    if len(der) > MOST_BYTES:
        raise ValueError(f"the certificate is larger than {MOST_BYTES >> 10} KiB")
    try:
        with warnings.catch_warnings():  # some pinned roots have a serial number of 0, of which cryptography warns
            warnings.simplefilter("ignore")
            parsed = x509.load_der_x509_certificate(der)
            parsed.subject, parsed.issuer, parsed.extensions, parsed.not_valid_after_utc  # noqa: B018 - read lazily
            parsed.public_key()
        raw = asn1.Certificate.load(der, strict=True)
        tbs = raw["tbs_certificate"]
        return Certificate(der, parsed, raw, tbs["subject"].dump(), tbs["issuer"].dump())
    except UnsupportedAlgorithm as error:
        raise ValueError("the certificate's key is of a kind that is not supported; use RSA or ECDSA P-256") from error
    except READING_ERRORS as error:
        raise ValueError("the certificate cannot be read: it is not a certificate in DER as RFC 5280 says") from error


def certificate_of(der: bytes) -> SigningCertificate:
    """Return what a certificate says of itself. ValueError says in words why it cannot be read."""
    certificate = load(der)
    parsed = certificate.parsed
    return SigningCertificate(
        sha256=hashlib.sha256(der).hexdigest(),
        subject=name_text(parsed.subject),
        organisations=certificate.organisations,
        common_name=next(iter(_values(parsed.subject, NameOID.COMMON_NAME)), ""),
        issuer=name_text(parsed.issuer),
        serial=f"{parsed.serial_number:x}",
        not_before=stamp_text(parsed.not_valid_before_utc),
        not_after=stamp_text(parsed.not_valid_after_utc),
        key=_key_text(parsed),
        self_signed=certificate.self_signed,
    )


def name_text(name: x509.Name) -> str:
    """Return a distinguished name as text (RFC 4514), without characters that would disturb a screen."""
    return _clean(name.rfc4514_string())


def stamp_text(moment: datetime) -> str:
    """Return a moment as RFC 3339 in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def usage_fault(certificate: Certificate, purposes: Collection[str]) -> str:
    """Say why the certificate is not for signing (RFC 5280, 4.2.1.3 and 4.2.1.12); empty where it is.

    The key usage must be digitalSignature or nonRepudiation, and the extended key usage one of the purposes; an
    extension that is absent restricts nothing.
    """
    usage = _extension(certificate.parsed, x509.KeyUsage)
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        return "its key usage is neither digital signature nor non-repudiation"
    if not _allows(certificate, purposes):
        return "its extended key usage names other purposes"
    if certificate.is_ca:
        return "it is the certificate of a Certification Authority, not of a signer"
    return ""


def issuing_fault(certificate: Certificate, purposes: Collection[str]) -> str:
    """Say why a Certification Authority's certificate does not reach to the purposes; empty where it does.

    An extended key usage in it restricts what is issued below, as the big root programmes have it.
    """
    return "" if _allows(certificate, purposes) else "its extended key usage does not extend to signing"


def stamping_fault(certificate: Certificate) -> str:
    """Say why the certificate is not a timestamping authority's (RFC 3161, 2.3); empty where it is."""
    try:
        purposes = certificate.parsed.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return "it has no extended key usage"
    if not purposes.critical or [one.dotted_string for one in purposes.value] != [STAMPING_PURPOSE]:
        return "its extended key usage is not timestamping alone, marked critical"
    return ""


def status_addresses(certificate: Certificate) -> tuple[str, ...]:
    """Return the http addresses of revocation lists (4.2.1.13) and OCSP responders (4.2.2.1) that it names."""
    points = _extension(certificate.parsed, x509.CRLDistributionPoints) or ()
    lists = [name for point in points for name in point.full_name or ()]
    return _http([*_access(certificate, AuthorityInformationAccessOID.OCSP), *lists])


def issuer_addresses(certificate: Certificate) -> tuple[str, ...]:
    """Return the http addresses where it says its issuer's certificate is (4.2.2.1, caIssuers)."""
    return _http(_access(certificate, AuthorityInformationAccessOID.CA_ISSUERS))


def _allows(certificate: Certificate, purposes: Collection[str]) -> bool:
    extended = _extension(certificate.parsed, x509.ExtendedKeyUsage)
    any_purpose = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE.dotted_string
    return extended is None or any(one.dotted_string in {*purposes, any_purpose} for one in extended)


def _access(certificate: Certificate, method: x509.ObjectIdentifier) -> Iterator[x509.GeneralName]:
    access = _extension(certificate.parsed, x509.AuthorityInformationAccess) or ()
    return (place.access_location for place in access if place.access_method == method)


def _http(names: list[x509.GeneralName] | Iterator[x509.GeneralName]) -> tuple[str, ...]:
    urls = [_clean(name.value) for name in names if isinstance(name, x509.UniformResourceIdentifier)]
    return tuple(dict.fromkeys(url for url in urls if url.lower().startswith(("http://", "https://"))))


def _extension(parsed: x509.Certificate, kind: type[_Kind]) -> _Kind | None:
    try:
        return parsed.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _values(name: x509.Name, attribute: x509.ObjectIdentifier) -> tuple[str, ...]:
    return tuple(_clean(str(one.value)) for one in name.get_attributes_for_oid(attribute))


def _clean(text: str) -> str:
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _key_text(parsed: x509.Certificate) -> str:
    key = parsed.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {_CURVES.get(key.curve.name, key.curve.name)}"
    return type(key).__name__.removeprefix("_").removesuffix("PublicKey")
