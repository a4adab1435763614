"""What a workbook's digital signature is: stated by a reader, judged by a check (guidance V6.0, 7.5, 8(2), Appendix 2).

Office signs the package, not a sheet (ECMA-376 Part 2, clause 10): every signature is an XML signature whose Manifest
lists parts and relationships with their digests.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from pipeline.domain.message import Problem


@dataclass(frozen=True, slots=True)
class SignatureFault:
    """One thing that is wrong with a signature or with the package as something to be signed.

    topic: the check that reports it. code: a stable short name, ``unsigned-relationship``, ``manifest-digest``.
    text: one plain-English sentence naming the thing. where: the part, relationship or algorithm concerned.
    """

    topic: Literal["integrity", "coverage", "algorithm"]
    code: str
    text: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class SigningCertificate:
    """The certificate that the signature is bound to (XAdES SigningCertificate). Names as UTF-8 text.

    organisations: every O attribute of the subject. not_before, not_after: RFC 3339 in UTC. key: ``RSA 2048``,
    ``EC P-256``. serial: hexadecimal. sha256: of the DER bytes.
    """

    sha256: str
    subject: str
    organisations: tuple[str, ...]
    common_name: str
    issuer: str
    serial: str
    not_before: str
    not_after: str
    key: str
    self_signed: bool


class PathState(StrEnum):
    """Whether a path from the certificate to a pinned root holds at the moment of judgement."""

    TRUSTED = "trusted"
    REFUSED = "refused"
    UNDECIDED = "undecided"
    """Something needed to decide (revocation information, most often) was not to be had."""


@dataclass(frozen=True, slots=True)
class TrustPath:
    """The path of one signing certificate (RFC 5280, section 6).

    trust_set: the name of the set of roots it leads to, ``commercial`` or ``iki``, as rules/signers.yaml names them.
    code: empty when trusted, else ``expired``, ``not-yet-valid``, ``revoked``, ``no-revocation``,
    ``stale-revocation``, ``purpose``, ``self-signed``, ``unknown-issuer``, ``missing-intermediate``,
    ``name-constraints``, ``bad-chain`` or ``unreadable``. text: one plain sentence. chain: subjects, leaf first.
    revocation: what showed that it is not revoked, ``CRL`` or ``OCSP``. fetch: addresses of revocation information
    that the certificates name and that was not supplied.
    """

    state: PathState
    trust_set: str
    code: str
    text: str
    chain: tuple[str, ...] = ()
    revocation: str = ""
    fetch: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PackageSignature:
    """One signature part. certificate and path are None where none could be read.

    claimed_at: the XAdES SigningTime, which only the signer vouches for. stamped_at: the time of a valid RFC 3161
    timestamp, or empty. method: signature algorithm by its short name, ``rsa-sha256``.
    """

    part: str
    method: str
    claimed_at: str
    stamped_at: str
    certificate: SigningCertificate | None
    path: TrustPath | None
    faults: tuple[SignatureFault, ...] = ()


@dataclass(frozen=True, slots=True)
class SignatureReading:
    """Everything to be said of a workbook's signatures at one moment.

    signatures: in the order of the origin's relationships; none means unsigned, whatever a VBA signature may say.
    covered: parts that every signature covers. left_open: parts that Office leaves unsigned and nobody reads.
    faults: of the package itself. problems: why nothing could be read.
    """

    signatures: tuple[PackageSignature, ...]
    covered: tuple[str, ...]
    left_open: tuple[str, ...]
    faults: tuple[SignatureFault, ...] = ()
    vba_signed: bool = False
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class TrustSet:
    """A named set of pinned roots, DER."""

    name: str
    roots: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class TrustMaterial:
    """What a path may be built from, all DER: pinned roots by set, intermediates, CRLs and OCSP responses."""

    sets: tuple[TrustSet, ...] = ()
    intermediates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class SignatureQuestion:
    """What the reader is asked: a workbook, the trust material, and the moment (RFC 3339, UTC) to judge it at."""

    data: bytes
    trust: TrustMaterial
    at: str
