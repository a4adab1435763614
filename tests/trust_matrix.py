"""Every way in which a signing certificate or a timestamp is or is not to be trusted, built by the project's own code.

The cases are judged at one moment, ``at``; a case's codes are those of ``TrustPath.code`` that may be given for it, the
empty one for a path that holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pipeline.demo.pki import (
    DOCUMENT_SIGNING,
    SERVER,
    SIGNING,
    TIME_STAMPING,
    Holder,
    Profile,
    authority,
    ec_key,
    root,
    rsa_key,
)
from pipeline.demo.signature_xml import utc
from pipeline.demo.timestamp import timestamp_token
from pipeline.domain.signature import TrustMaterial, TrustSet

STAMPED = b"<SignatureValue>what the timestamps are about</SignatureValue>"
_DAY = timedelta(days=1)
_YEAR = 365 * _DAY
_MAKER = "Quillmoor Metering Ltd"
_POLICY = x509.ObjectIdentifier("1.3.6.1.4.1.55555.7")


@dataclass(frozen=True, slots=True)
class TrustCase:
    """A certificate, and what is known when it is judged. embedded: DER, in the signature. at, stamped_at: RFC 3339."""

    certificate: bytes
    embedded: tuple[bytes, ...]
    trust: TrustMaterial
    at: str
    codes: frozenset[str]
    stamped_at: str = ""


@dataclass(frozen=True, slots=True)
class StampCase:
    """One timestamp token about STAMPED. stamped_at: the time it proves, or empty when it proves none."""

    token: bytes
    trust: TrustMaterial
    at: str
    stamped_at: str


class Hierarchy:
    """A root, an authority below it, and their revocation lists at a moment."""

    def __init__(self, at: datetime, name: str = "Larkholme", *, key: str = "", issuing: Profile | None = None) -> None:
        self.at = at
        start, end = at - 5 * _YEAR, at + 10 * _YEAR
        self.root = root(authority(f"{name} Root CA", name, start, end), ec_key(f"{name} root {key}"))
        below = issuing or authority(f"{name} Document CA", name, start, end)
        self.issuing = self.root.issue(below, ec_key(f"{name} issuing {key}"))

    def leaf(self, name: str, profile: Profile | None = None, *, rsa: bool = False) -> Holder:
        """Return a signer's certificate; a good one when no profile is given."""
        return self.issuing.issue(profile or good(self.at), rsa_key("matrix leaf") if rsa else ec_key(f"leaf {name}"))

    def trust(self, **changes: object) -> TrustMaterial:
        """Return what a reader knows: the root pinned, both lists in force, unless changed."""
        since, until = self.at - _DAY, self.at + 7 * _DAY
        known = TrustMaterial(
            sets=(TrustSet("commercial", (self.root.der,)),),
            crls=(self.root.crl(since, until), self.issuing.crl(since, until)),
        )
        return replace(known, **changes)  # type: ignore[arg-type]  # a test's own changes


def good(at: datetime, **changes: object) -> Profile:
    """Return the profile of a signer's certificate that holds, but for the changes."""
    made = Profile("Ottilie Brandreth", at - _YEAR, at + _YEAR, organisations=(_MAKER,))
    return replace(made, **changes)  # type: ignore[arg-type]  # a test's own changes


def case(holder: Holder, trust: TrustMaterial, at: datetime, *codes: str, stamped_at: str = "") -> TrustCase:
    """Return a case in which the signature carries the intermediates along. codes: none for a path that holds."""
    embedded = tuple(one.public_bytes(Encoding.DER) for one in holder.chain)
    return TrustCase(holder.der, embedded, trust, utc(at), frozenset(codes or ("",)), stamped_at)


def trust_matrix(at: datetime) -> Mapping[str, TrustCase]:
    """Return every case by name, as judged at that moment (with an offset)."""
    pki = Hierarchy(at)
    trust = pki.trust()

    def plain(name: str, *codes: str, rsa: bool = False, **changes: object) -> TrustCase:
        return case(pki.leaf(name, good(at, **changes), rsa=rsa), trust, at, *codes)

    return {
        "good-rsa": plain("rsa", rsa=True),
        "good-p256": plain("p256"),
        "good-document-signing": plain("document", purposes=(DOCUMENT_SIGNING,)),
        "good-no-purposes": plain("none", purposes=()),
        "good-non-repudiation-only": plain("nr", usage=frozenset({"content_commitment"})),
        "good-critical-policies": plain("policies", policies=(_POLICY,), critical_policies=True),
        "expired": plain("expired", "expired", not_after=at - _DAY),
        "not-yet-valid": plain("early", "not-yet-valid", not_before=at + _DAY),
        "purpose-server": plain("server", "purpose", purposes=(SERVER,)),
        "purpose-encipherment": plain("cipher", "purpose", usage=frozenset({"key_encipherment"})),
        **_revocation(pki),
        **_issuers(pki),
        **_constraints(at),
    }


def _revocation(pki: Hierarchy) -> Mapping[str, TrustCase]:
    """Return the cases of revocation: by list and by answer, missing and stale."""
    at = pki.at
    since, until, then = at - _DAY, at + 7 * _DAY, at - 30 * _DAY
    leaf = pki.leaf("revocation", good(at, ocsp_url="http://ocsp.larkholme.example/"))
    serial = leaf.certificate.serial_number
    top = pki.root.crl(since, until)

    def ocsp(start: datetime, end: datetime, revoked: datetime | None = None) -> TrustMaterial:
        return pki.trust(crls=(top,), ocsps=(pki.issuing.ocsp(leaf, start, end, revoked=revoked),))

    crl = pki.issuing.crl
    short = pki.leaf("stamped", good(at, not_after=at - 2 * _DAY))
    while_valid = pki.trust(crls=(top, crl(at - 2.5 * _DAY, until)))
    return {
        "good-ocsp": case(leaf, ocsp(since, until), at),
        "revoked-crl": case(leaf, pki.trust(crls=(top, crl(since, until, {serial: then}))), at, "revoked"),
        "revoked-ocsp": case(leaf, ocsp(since, until, then), at, "revoked"),
        "revoked-intermediate": case(
            leaf,
            pki.trust(
                crls=(
                    pki.root.crl(since, until, {pki.issuing.certificate.serial_number: then}),
                    crl(since, until),
                )
            ),
            at,
            "revoked",
        ),
        "no-revocation": case(leaf, pki.trust(crls=()), at, "no-revocation"),
        "no-revocation-of-leaf": case(leaf, pki.trust(crls=(top,)), at, "no-revocation"),
        "stale-crl": case(leaf, pki.trust(crls=(top, crl(then, then + _DAY))), at, "stale-revocation"),
        "stale-ocsp": case(leaf, ocsp(then, then + _DAY), at, "stale-revocation"),
        "timestamped-then-expired": case(short, while_valid, at, stamped_at=utc(at - 3 * _DAY)),
        # a list made after a certificate has expired need not name it any more (RFC 5280, 5)
        "timestamped-list-after-expiry": case(short, pki.trust(), at, "no-revocation", stamped_at=utc(at - 3 * _DAY)),
        "timestamped-after-expiry": case(short, pki.trust(), at, "expired", stamped_at=utc(at - _DAY)),
    }


def _issuers(pki: Hierarchy) -> Mapping[str, TrustCase]:
    """Return the cases of issuers: none, unknown, missing, forged, or not allowed to issue."""
    at, trust = pki.at, pki.trust()
    internal = Hierarchy(at, "Quillmoor IT")
    rogue = Hierarchy(at, key="rogue")
    own = root(good(at), ec_key("own word"))
    leaf = pki.leaf("issuers")
    below = pki.leaf("issuers").issue(good(at, common_name="Below a signer"), ec_key("below a signer"))
    bare = case(leaf, trust, at, "missing-intermediate")
    rogue_leaf = rogue.leaf("rogue")
    forged = case(rogue_leaf, trust, at, "unknown-issuer", "bad-chain")
    return {
        "self-signed": case(own, trust, at, "self-signed"),
        "internal-ca": case(internal.leaf("internal"), trust, at, "unknown-issuer"),
        "missing-intermediate": replace(bare, embedded=()),
        "known-intermediate": replace(
            case(leaf, pki.trust(intermediates=(pki.issuing.der,)), at),
            embedded=(),
        ),
        "rogue-root-same-name": replace(forged, embedded=(*forged.embedded, rogue.root.der)),
        "leaf-issues-leaf": case(below, trust, at, "bad-chain"),
    }


def _constraints(at: datetime) -> Mapping[str, TrustCase]:
    """Return the cases of an authority that may name one organisation only (RFC 5280, 4.2.1.10)."""
    inside = good(at).subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    country = good(at).subject.get_attributes_for_oid(NameOID.COUNTRY_NAME)
    permitted = (x509.DirectoryName(x509.Name([*country, *inside])),)
    start, end = at - 5 * _YEAR, at + 10 * _YEAR
    issuing = replace(authority("Larkholme Bound CA", "Larkholme", start, end), permitted=permitted)
    pki = Hierarchy(at, key="bound", issuing=issuing)
    outside = good(at, organisations=("Gallowmere Devices Ltd",))
    return {
        "name-constraints-inside": case(pki.leaf("inside"), pki.trust(), at),
        "name-constraints-outside": case(pki.leaf("outside", outside), pki.trust(), at, "name-constraints"),
    }


def stamp_matrix(at: datetime) -> Mapping[str, StampCase]:
    """Return the timestamp cases by name. at: when they are judged; the good ones were stamped a day before."""
    pki = Hierarchy(at)
    other = Hierarchy(at, "Nobody's Clock")
    stamped = at - _DAY
    tsa = good(at, common_name="Clock", usage=frozenset({"digital_signature"}), purposes=(TIME_STAMPING,))
    tsa = replace(tsa, critical_purposes=True)
    trusted, untrusted = (one.issuing.issue(tsa, ec_key("clock")) for one in (pki, other))
    signer = pki.issuing.issue(good(at, usage=SIGNING), ec_key("no clock"))
    rsa = pki.issuing.issue(tsa, rsa_key("matrix leaf"))
    expired = pki.issuing.issue(replace(tsa, not_after=at - 2 * _DAY), ec_key("old clock"))

    def stamp(token: bytes, stamped_at: str = "") -> StampCase:
        return StampCase(token, pki.trust(), utc(at), stamped_at)

    token = timestamp_token(STAMPED, trusted, stamped)
    return {
        "valid": stamp(token, utc(stamped)),
        "valid-rsa-sha512": stamp(timestamp_token(STAMPED, rsa, stamped, digest="sha512"), utc(stamped)),
        "wrong-imprint": stamp(timestamp_token(b"something else", trusted, stamped)),
        "untrusted-authority": stamp(timestamp_token(STAMPED, untrusted, stamped)),
        "not-a-timestamp-authority": stamp(timestamp_token(STAMPED, signer, stamped)),
        "authority-expired-when-stamping": stamp(timestamp_token(STAMPED, expired, stamped)),
        "from-the-future": stamp(timestamp_token(STAMPED, trusted, at + _DAY)),
        "altered": stamp(token[:-1] + bytes([token[-1] ^ 1])),
        "cut": stamp(token[:-100]),
        "empty": stamp(b""),
    }
