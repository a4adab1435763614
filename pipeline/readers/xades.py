"""What XAdES adds to an XML signature: who signed and when, bound by it, and what may help to prove it (TS 101 903)."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lxml import etree

from pipeline.domain.signature import SignatureFault
from pipeline.readers.package import shown
from pipeline.readers.xmldsig import C14N, DIGESTS, DS, XADES, canonical, fault, strict_base64

SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"
_SIGNATURE = f"{XADES}SignedSignatureProperties"
_UNSIGNED = f"{DS}Object/{XADES}QualifyingProperties/{XADES}UnsignedProperties/{XADES}UnsignedSignatureProperties"
_BINDINGS = (f"{XADES}SigningCertificate", f"{XADES}SigningCertificateV2")
_AHEAD = timedelta(days=1)
"""How far the signer's clock may be ahead: the moment of judgement may be the first minute of the day of receipt."""
_MOST = 50
"""Certificates, lists or stamps of one kind that are looked at."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What the signed properties say. claimed_at: RFC 3339 in UTC, empty where it cannot be read."""

    claimed_at: str
    digests: frozenset[str]
    faults: tuple[SignatureFault, ...]


@dataclass(frozen=True, slots=True)
class Embedded:
    """What a signature carries unsigned to help with its proof, all DER. stamped: the octets the tokens stamp."""

    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    ocsps: tuple[bytes, ...]
    tokens: tuple[bytes, ...]
    stamped: bytes


def read_binding(properties: etree._Element | None, certificate: bytes, part: str, at: datetime) -> Binding:
    """Hold the signed properties against the signer's certificate (DER) and the moment of judgement."""
    if properties is None:
        text = "does not say in a signed place whose certificate it is and when it was made (XAdES)"
        return Binding("", frozenset(), (fault(part, "no-xades", text),))
    faults = []
    made = _time(properties.findtext(f"{_SIGNATURE}/{XADES}SigningTime"))
    if made is None:
        faults.append(fault(part, "xades-time", "does not say when it was made"))
    elif made > at + _AHEAD:
        faults.append(fault(part, "xades-time-future", f"says it was made in the future ({_utc(made)})"))
    bindings = [one for name in _BINDINGS for one in properties.iterfind(f"{_SIGNATURE}/{name}/{XADES}Cert[1]")]
    digests = frozenset(
        DIGESTS.get(one.get("Algorithm", ""), "") for binding in bindings for one in binding.iter(f"{DS}DigestMethod")
    )
    if not bindings:
        faults.append(fault(part, "no-xades", "does not say in a signed place whose certificate it is (XAdES)"))
    elif not all(_names(binding, certificate) for binding in bindings):
        faults.append(fault(part, "xades-cert-mismatch", "was made with another certificate than the one it carries"))
    return Binding("" if made is None else _utc(made), digests, tuple(faults))


def read_embedded(root: etree._Element, certificates: tuple[bytes, ...]) -> Embedded:
    """Collect what the unsigned properties carry; what is not base64 there helps nobody and is left out.

    certificates: those of the KeyInfo besides the signer's.
    """
    value = root.find(f"{DS}SignatureValue")
    return Embedded(
        certificates=(*certificates, *_values(root, f"{XADES}CertificateValues/{XADES}EncapsulatedX509Certificate"))[
            :_MOST
        ],
        crls=tuple(_values(root, f"{XADES}RevocationValues/{XADES}CRLValues/{XADES}EncapsulatedCRLValue")),
        ocsps=tuple(_values(root, f"{XADES}RevocationValues/{XADES}OCSPValues/{XADES}EncapsulatedOCSPValue")),
        tokens=tuple(_tokens(root)),
        stamped=b"" if value is None else canonical(value),
    )


def moment(text: str) -> datetime:
    """Return an RFC 3339 time in UTC. Raises ValueError where it is none, or names no offset."""
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        raise ValueError(f"{shown(text)} does not say which time zone it is in")
    return read.astimezone(UTC)


def _time(text: str | None) -> datetime | None:
    try:
        return moment((text or "").strip())
    except (ValueError, OverflowError):
        return None


def _utc(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _names(binding: etree._Element, certificate: bytes) -> bool:
    method = binding.find(f"{XADES}CertDigest/{DS}DigestMethod")
    algorithm = "" if method is None else DIGESTS.get(method.get("Algorithm", ""), "")
    value = strict_base64(binding.findtext(f"{XADES}CertDigest/{DS}DigestValue"))
    return bool(algorithm) and hashlib.new(algorithm, certificate, usedforsecurity=False).digest() == value


def _values(root: etree._Element, path: str) -> Iterator[bytes]:
    for element in root.findall(f"{_UNSIGNED}/{path}")[:_MOST]:
        octets = strict_base64(element.text)
        if octets:
            yield octets


def _tokens(root: etree._Element) -> Iterator[bytes]:
    """Yield the timestamps of the signature value, where it was canonicalised as we do (TS 101 903, 7.3)."""
    for stamp in root.findall(f"{_UNSIGNED}/{XADES}SignatureTimeStamp")[:_MOST]:
        method = stamp.find(f"{DS}CanonicalizationMethod")
        octets = strict_base64(stamp.findtext(f"{XADES}EncapsulatedTimeStamp"))
        if octets and (method is None or method.get("Algorithm") == C14N):
            yield octets
