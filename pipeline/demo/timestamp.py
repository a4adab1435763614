"""Timestamp tokens (RFC 3161) of invented authorities, for the tests of signatures that carry one."""

from datetime import datetime
from hashlib import new as new_hash

from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from pipeline.demo.pki import Holder
from pipeline.demo.signature_xml import Stamp

_POLICY = "1.3.6.1.4.1.55555.1"


def stamper(holder: Holder, at: datetime, *, digest: str = "sha256", instead: bytes | None = None) -> Stamp:
    """Return what stamps octets at a moment. instead: stamp these octets whatever was asked, so that nothing fits."""
    return lambda data: timestamp_token(data if instead is None else instead, holder, at, digest=digest)


def timestamp_token(data: bytes, holder: Holder, at: datetime, *, digest: str = "sha256") -> bytes:
    """Return a TimeStampToken for data, DER: CMS SignedData over a TSTInfo (RFC 3161, 2.4.2).

    holder: the authority that stamps, RSA or EC; its certificate and issuers but the root go into the token. at: the
    time stamped, in whole seconds.
    """
    certificate = asn1_x509.Certificate.load(holder.der)
    content = tsp.TSTInfo(
        {
            "version": "v1",
            "policy": _POLICY,
            "message_imprint": {"hash_algorithm": {"algorithm": digest}, "hashed_message": _hash(digest, data)},
            "serial_number": int(at.timestamp()),
            "gen_time": at.replace(microsecond=0),
        }
    )
    attributes = cms.CMSAttributes(
        [
            cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
            cms.CMSAttribute({"type": "message_digest", "values": [_hash("sha256", content.dump())]}),
            cms.CMSAttribute({"type": "signing_certificate_v2", "values": [_signing_certificate(holder.der)]}),
        ]
    )
    chain = [asn1_x509.Certificate.load(one.public_bytes(Encoding.DER)) for one in holder.chain]
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                "issuer_and_serial_number",
                {"issuer": certificate.issuer, "serial_number": certificate.serial_number},
            ),
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": _method(holder)},
            "signature": _sign(holder, attributes.dump()),
        }
    )
    signed = cms.SignedData(
        {
            "version": "v3",
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(content.dump())},
            "certificates": [certificate, *chain],
            "signer_infos": [signer],
        }
    )
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump())


def _signing_certificate(der: bytes) -> tsp.SigningCertificateV2:
    """Return the attribute that binds the token to its certificate (RFC 5816)."""
    return tsp.SigningCertificateV2({"certs": [{"cert_hash": _hash("sha256", der)}]})


def _hash(name: str, data: bytes) -> bytes:
    return new_hash(name, data, usedforsecurity=False).digest()


def _method(holder: Holder) -> str:
    return "sha256_rsa" if isinstance(holder.key, rsa.RSAPrivateKey) else "sha256_ecdsa"


def _sign(holder: Holder, data: bytes) -> bytes:
    if isinstance(holder.key, rsa.RSAPrivateKey):
        return holder.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return holder.key.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
