"""A timestamp token (RFC 3161): CMS SignedData over a TSTInfo, as a signature carries it (XAdES SignatureTimeStamp).

Read here is that the token is whole and made for the octets it stands beside; whether its authority is trusted is
asked in readers/trust.py.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import cms, tsp, x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from pyhanko_certvalidator.sig_validate import DEFAULT_SIGNATURE_VALIDATOR, SignatureValidationContext

_DIGESTS = frozenset({"sha256", "sha384", "sha512"})
_MOST_BYTES = 256 << 10
_MOST_CERTIFICATES = 16


class TokenRefused(ValueError):  # noqa: N818 - named for the fact
    """A timestamp token does not hold. The text is half a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token that holds in itself.

    at: its genTime, in UTC. authority: the certificate that signed it; others, crls: what it brings along. All DER.
    """

    at: datetime
    authority: bytes
    others: tuple[bytes, ...]
    crls: tuple[bytes, ...]


def read_token(token: bytes, stamped: bytes) -> Token:
    """Read a token and hold it against the octets it should stamp. TokenRefused says why it does not do."""
    if len(token) > _MOST_BYTES:
        raise TokenRefused(f"it is larger than {_MOST_BYTES >> 10} KiB")
    try:
        return _read(cms.ContentInfo.load(token, strict=True), stamped)
    except TokenRefused:
        raise
    except Exception as error:  # asn1crypto has no closed list of what hostile octets make it raise
        raise TokenRefused("it is not a timestamp token as RFC 3161 says") from error


def _read(envelope: Any, stamped: bytes) -> Token:
    if envelope["content_type"].native != "signed_data":
        raise TokenRefused("it is not signed data")
    signed = envelope["content"]
    inner = signed["encap_content_info"]
    if inner["content_type"].native != "tst_info" or len(signed["signer_infos"]) != 1:
        raise TokenRefused("it is not a timestamp token with one signer")
    certificates = [
        one.chosen for one in list(signed["certificates"])[:_MOST_CERTIFICATES] if one.name == "certificate"
    ]
    signer = signed["signer_infos"][0]
    authority = _authority(signer["sid"], certificates)
    _check_signature(signer, bytes(inner["content"]), authority)
    info = inner["content"].parsed
    if not isinstance(info, tsp.TSTInfo):
        raise TokenRefused("its content is not a timestamp")
    _check_imprint(info["message_imprint"], stamped)
    crls = [one.chosen.dump() for one in signed["crls"] or () if one.name == "crl"]
    others = [one.dump() for one in certificates if one is not authority]
    return Token(info["gen_time"].native, authority.dump(), tuple(others), tuple(crls))


def _check_imprint(imprint: Any, stamped: bytes) -> None:
    algorithm = imprint["hash_algorithm"]["algorithm"].native
    if algorithm not in _DIGESTS:
        raise TokenRefused(f"it stamps a digest by {algorithm}, where SHA-256 or stronger is needed")
    if not hmac.compare_digest(imprint["hashed_message"].native, hashlib.new(algorithm, stamped).digest()):
        raise TokenRefused("it was made for another signature")


def _authority(identifier: Any, certificates: list[x509.Certificate]) -> x509.Certificate:
    for certificate in certificates:
        if identifier.name == "issuer_and_serial_number":
            wanted = identifier.chosen["issuer"].dump(), identifier.chosen["serial_number"].native
            if wanted == (certificate.issuer.dump(), certificate.serial_number):
                return certificate
        elif identifier.native == certificate.key_identifier:
            return certificate
    raise TokenRefused("it does not bring the certificate of its authority along")


def _check_signature(signer: Any, content: bytes, authority: x509.Certificate) -> None:
    """Hold the signer's signature against its signed attributes, and these against content and certificate."""
    algorithm = signer["digest_algorithm"]["algorithm"].native
    method = signer["signature_algorithm"]
    names_no_digest = method["algorithm"].native == "rsassa_pkcs1v15"
    if algorithm not in _DIGESTS or not (names_no_digest or method.hash_algo in _DIGESTS):
        raise TokenRefused(f"it is signed over a digest by {algorithm}, where SHA-256 or stronger is needed")
    attributes = {one["type"].native: one["values"] for one in signer["signed_attrs"]}
    if any(len(values) != 1 for values in attributes.values()) or len(attributes) != len(signer["signed_attrs"]):
        raise TokenRefused("one of its signed attributes stands twice")
    if attributes["content_type"][0].native != "tst_info":
        raise TokenRefused("its signed attributes speak of another content")
    if not hmac.compare_digest(attributes["message_digest"][0].native, hashlib.new(algorithm, content).digest()):
        raise TokenRefused("its content was changed after it was signed")
    _check_binding(attributes, authority)
    try:
        DEFAULT_SIGNATURE_VALIDATOR.validate_signature(
            signature=signer["signature"].native,
            signed_data=signer["signed_attrs"].untag().dump(),
            public_key_info=authority.public_key,
            signature_algorithm=method,
            context=SignatureValidationContext(contextual_md_algorithm=algorithm),
        )
    except (InvalidSignature, UnsupportedAlgorithm) as error:
        raise TokenRefused("its signature does not hold") from error


def _check_binding(attributes: dict[str, Any], authority: x509.Certificate) -> None:
    """The first certificate named in the signed attributes is the authority's (RFC 3161, 2.4.1; RFC 5816)."""
    if "signing_certificate_v2" in attributes:
        named = attributes["signing_certificate_v2"][0]["certs"][0]
        algorithm = named["hash_algorithm"]["algorithm"].native
    elif "signing_certificate" in attributes:
        named = attributes["signing_certificate"][0]["certs"][0]
        algorithm = "sha1"  # the only one that RFC 2634 knows; the path of the certificate is checked apart
    else:
        raise TokenRefused("it does not name its certificate")
    found = hashlib.new(algorithm, authority.dump(), usedforsecurity=False).digest()
    if not hmac.compare_digest(named["cert_hash"].native, found):
        raise TokenRefused("it names another certificate than the one that signed it")
