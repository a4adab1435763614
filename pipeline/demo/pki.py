"""Certification authorities of invented names, for the demonstration and the tests: they certify nothing.

EC keys are derived from their names, so that the same arguments give the same bytes. Everybody can derive them:
a root made here must never be trusted outside a demonstration.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from pipeline.demo.signature_xml import PrivateKey

EMAIL = ExtendedKeyUsageOID.EMAIL_PROTECTION
DOCUMENT_SIGNING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
SERVER = ExtendedKeyUsageOID.SERVER_AUTH
OCSP_SIGNING = ExtendedKeyUsageOID.OCSP_SIGNING
TIME_STAMPING = ExtendedKeyUsageOID.TIME_STAMPING

SIGNING = frozenset({"digital_signature", "content_commitment"})
"""Key usage of a certificate for signing documents (RFC 5280, 4.2.1.3)."""
_CA_USAGE = frozenset({"key_cert_sign", "crl_sign"})
_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    """Return the P-256 key of that name, always the same."""
    number = int.from_bytes(sha256(f"key {name}".encode()).digest(), "big")
    return ec.derive_private_key(number >> 1, ec.SECP256R1())  # halved, to be below the order of the curve


@cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return an RSA key of that name; a new one in every process, where it takes a tenth of a second once."""
    del name
    return rsa.generate_private_key(65537, bits)


@dataclass(frozen=True, slots=True)
class Profile:
    """What a certificate says. Times with an offset.

    organisations: O attributes of the subject. usage: names of key usage bits. purposes: extended key usage, none
    leaves the extension out. crl_url, ocsp_url, issuer_url: where revocation lists, answers and the issuer are said
    to be. policies: certificate policies, critical or not. permitted: name constraints, critical. ca: may issue.
    """

    common_name: str
    not_before: datetime
    not_after: datetime
    organisations: tuple[str, ...] = ()
    email: str = ""
    usage: frozenset[str] = SIGNING
    purposes: tuple[x509.ObjectIdentifier, ...] = (EMAIL,)
    critical_purposes: bool = False
    crl_url: str = ""
    ocsp_url: str = ""
    issuer_url: str = ""
    policies: tuple[x509.ObjectIdentifier, ...] = ()
    critical_policies: bool = False
    permitted: tuple[x509.GeneralName, ...] = ()
    ca: bool = False

    @property
    def subject(self) -> x509.Name:
        """The subject's distinguished name."""
        names = [x509.NameAttribute(NameOID.COUNTRY_NAME, "GB")]
        names += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, one) for one in self.organisations]
        return x509.Name([*names, x509.NameAttribute(NameOID.COMMON_NAME, self.common_name)])


def authority(common_name: str, organisation: str, not_before: datetime, not_after: datetime) -> Profile:
    """Return the profile of a certification authority."""
    return Profile(
        common_name, not_before, not_after, organisations=(organisation,), usage=_CA_USAGE, purposes=(), ca=True
    )


@dataclass(frozen=True, slots=True)
class Holder:
    """A certificate with its key. issuers: up to the root, nearest first; empty for a self-signed one."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)
    issuers: tuple[x509.Certificate, ...] = ()

    @property
    def der(self) -> bytes:
        """The certificate, DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        """The certificate, PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The intermediates, which a signature carries along; not the root."""
        return self.issuers[:-1]

    def issue(self, profile: Profile, key: PrivateKey) -> "Holder":
        """Return a certificate for a key, issued by this holder, whatever its certificate allows."""
        return Holder(_certificate(profile, key, self), key, (self.certificate, *self.issuers))

    def crl(self, at: datetime, until: datetime, revoked: Mapping[int, datetime] | None = None) -> bytes:
        """Return this authority's revocation list, DER. at, until: thisUpdate and nextUpdate; revoked: by serial."""
        builder = x509.CertificateRevocationListBuilder(self.certificate.subject, at, until)
        for serial, since in (revoked or {}).items():
            entry = x509.RevokedCertificateBuilder(serial, since)
            reason = x509.CRLReason(x509.ReasonFlags.key_compromise)
            builder = builder.add_revoked_certificate(entry.add_extension(reason, critical=False).build())
        builder = builder.add_extension(x509.CRLNumber(int(at.timestamp())), critical=False)
        builder = builder.add_extension(_authority_key(self.key), critical=False)
        return builder.sign(self.key, hashes.SHA256(), ecdsa_deterministic=_deterministic(self.key)).public_bytes(
            Encoding.DER
        )

    def ocsp(
        self,
        about: "Holder",
        at: datetime,
        until: datetime,
        *,
        revoked: datetime | None = None,
        responder: "Holder | None" = None,
    ) -> bytes:
        """Return this authority's OCSP response about one of its certificates, DER (RFC 6960).

        revoked: since when; good when left out. responder: who answers in its place; itself when left out.
        """
        who = responder or self
        builder = ocsp.OCSPResponseBuilder().add_response(
            about.certificate,
            self.certificate,
            hashes.SHA1(),  # noqa: S303 - names the issuer, as responders do; nothing rests on its strength
            ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
            at,
            until,
            revoked,
            x509.ReasonFlags.key_compromise if revoked else None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, who.certificate)
        if responder:
            builder = builder.certificates([responder.certificate])
        return builder.sign(who.key, hashes.SHA256()).public_bytes(Encoding.DER)


def root(profile: Profile, key: PrivateKey) -> Holder:
    """Return a self-signed certificate: a root, or a signer that nobody vouches for."""
    return Holder(_certificate(profile, key, None), key)


def _deterministic(key: PrivateKey) -> bool | None:
    """Say how to sign: EC keys without randomness (RFC 6979); RSA with PKCS#1 v1.5 has none anyway."""
    return True if isinstance(key, ec.EllipticCurvePrivateKey) else None


def _authority_key(key: PrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _certificate(profile: Profile, key: PrivateKey, issuer: Holder | None) -> x509.Certificate:
    signing_key = issuer.key if issuer else key
    issuer_name = issuer.certificate.subject if issuer else profile.subject
    subject_key = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    identity = (issuer_name, replace(profile, usage=frozenset()), sorted(profile.usage), subject_key.digest)
    builder = (
        x509.CertificateBuilder()
        .subject_name(profile.subject)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(sha256(repr(identity).encode()).digest()[:15], "big") | 1)
        .not_valid_before(profile.not_before)
        .not_valid_after(profile.not_after)
        .add_extension(x509.BasicConstraints(ca=profile.ca, path_length=None), critical=True)
        .add_extension(subject_key, critical=False)
        .add_extension(_authority_key(signing_key), critical=False)
    )
    for extension, critical in _extensions(profile):
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signing_key, hashes.SHA256(), ecdsa_deterministic=_deterministic(signing_key))


def _extensions(profile: Profile) -> list[tuple[x509.ExtensionType, bool]]:
    """Return the extensions that a profile asks for, each with whether it is critical."""
    found: list[tuple[x509.ExtensionType, bool]] = []
    if profile.usage:
        found.append((x509.KeyUsage(**{name: name in profile.usage for name in _USAGES}), True))
    if profile.purposes:
        found.append((x509.ExtendedKeyUsage(profile.purposes), profile.critical_purposes))
    if profile.email:
        found.append((x509.SubjectAlternativeName([x509.RFC822Name(profile.email)]), False))
    if profile.crl_url:
        place = x509.UniformResourceIdentifier(profile.crl_url)
        found.append((x509.CRLDistributionPoints([x509.DistributionPoint([place], None, None, None)]), False))
    access = (
        (AuthorityInformationAccessOID.OCSP, profile.ocsp_url),
        (AuthorityInformationAccessOID.CA_ISSUERS, profile.issuer_url),
    )
    places = [x509.AccessDescription(kind, x509.UniformResourceIdentifier(url)) for kind, url in access if url]
    if places:
        found.append((x509.AuthorityInformationAccess(places), False))
    if profile.policies:
        policies = [x509.PolicyInformation(one, None) for one in profile.policies]
        found.append((x509.CertificatePolicies(policies), profile.critical_policies))
    if profile.permitted:
        found.append((x509.NameConstraints(profile.permitted, None), True))
    return found
