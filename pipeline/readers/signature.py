"""The digital signatures of a workbook: found, verified, and held against the whole package (guidance V6.0, 7.5).

The steps are those that the published attacks on Office signatures ask for (Rohlmann et al., USENIX Security 2023):
one strict reading of the package, signatures found from the package's relationships only, the signature value, the
list of parts that it signs, the certificate and time bound by it, everything covered, and the certificate's path.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from pipeline.domain.message import Problem
from pipeline.domain.signature import (
    PackageSignature,
    SignatureFault,
    SignatureQuestion,
    SignatureReading,
    TrustPath,
)
from pipeline.readers.coverage import ORIGIN, ORIGIN_TYPE, SIGNATURE, SIGNATURE_TYPE, Coverage, cover
from pipeline.readers.manifest import Manifest, read_manifest
from pipeline.readers.opc import relations_part
from pipeline.readers.package import Package, open_package, shown
from pipeline.readers.trust import certificate_of, path_of, stamp_of
from pipeline.readers.unreadable import Unreadable
from pipeline.readers.xades import SIGNED_PROPERTIES, Embedded, moment, read_binding, read_embedded
from pipeline.readers.xmldsig import Envelope, SignatureRefused, damage, fault, key_faults, read_envelope, verify

_MOST_SIGNATURES = 20
_VBA_SIGNATURE = "application/vnd.ms-office.vbaProjectSignature"


def read_signature_bytes(payload: bytes) -> SignatureReading:
    """Answer a SignatureQuestion that crossed into the capped child as MessagePack."""
    return read_signature(msgspec.msgpack.decode(payload, type=SignatureQuestion))


def read_signature(question: SignatureQuestion) -> SignatureReading:
    """State what is to be said of a workbook's signatures. Never raises for any bytes of the workbook.

    A package that cannot be read in one way only is a fault of integrity; one that cannot be read at all (protected
    by a password, no workbook, over a limit) is a Problem.
    """
    at = moment(question.at)
    try:
        package = open_package(question.data)
        origin, parts = _signature_parts(package)
    except Unreadable as error:
        if error.kind != "damaged":
            return SignatureReading((), (), (), problems=(Problem(error.kind, error.text, error.where),))
        return SignatureReading((), (), (), (damage(error),))
    except SignatureRefused as error:
        return SignatureReading((), (), (), (error.fault,))
    infrastructure = frozenset({origin, *parts})
    found = [_examined(package, part, infrastructure, question, at) for part in parts]
    covered = [coverage.covered for _, coverage in found]
    left_open = [coverage.left_open for _, coverage in found]
    return SignatureReading(
        signatures=tuple(signature for signature, _ in found),
        covered=tuple(sorted(frozenset.intersection(*covered))) if covered else (),
        left_open=tuple(sorted(frozenset.union(*left_open))) if left_open else (),
        vba_signed=any(package.content_type(name).startswith(_VBA_SIGNATURE) for name in package.names),
    )


def _signature_parts(package: Package) -> tuple[str, tuple[str, ...]]:
    """Find origin and signature parts by relationships only; presence of a part proves nothing."""
    origins = [one for one in package.relationships("") if one.type == ORIGIN]
    parts: list[str] = []
    origin = ""
    if len(origins) > 1:
        text = f"The workbook has {len(origins)} signature origins instead of one."
        raise SignatureRefused(SignatureFault("integrity", "sig-origin-count", text, "_rels/.rels"))
    if origins:
        origin = _of_type(package, origins[0].part, ORIGIN_TYPE, "_rels/.rels")
        package.read(origin)  # its content means nothing, but it must not be damaged, as nothing may be
        named = [one.part for one in package.relationships(origin) if one.type == SIGNATURE]
        parts = [_of_type(package, part, SIGNATURE_TYPE, relations_part(origin)) for part in named]
    if len(parts) > _MOST_SIGNATURES or len(set(parts)) != len(parts):
        text = f"The workbook names {len(parts)} signatures; at most {_MOST_SIGNATURES}, each once, are read."
        raise SignatureRefused(SignatureFault("integrity", "sig-count", text, relations_part(origin)))
    strays = [name for name in package.names if package.content_type(name) == SIGNATURE_TYPE and name not in parts]
    if strays:
        text = f"The part {shown(strays[0])} looks like a signature, but is not one of the workbook's."
        raise SignatureRefused(SignatureFault("integrity", "stray-signature-part", text, strays[0]))
    return origin, tuple(parts)


def _of_type(package: Package, part: str, content_type: str, where: str) -> str:
    """Return the name of a part as written, where it is there and of that type."""
    name = package.written(part)
    if not name or package.content_type(name) != content_type:
        text = f"The signature relationship to {shown(part)} does not lead to a part of a signature."
        raise SignatureRefused(SignatureFault("integrity", "sig-part-type", text, where))
    return name


def _examined(
    package: Package, part: str, infrastructure: frozenset[str], question: SignatureQuestion, at: datetime
) -> tuple[PackageSignature, Coverage]:
    """Examine one signature part; whatever goes wrong is a fault of this signature."""
    nothing = Coverage(frozenset(), frozenset(), ())
    try:
        return _read(package, part, infrastructure, question, at)
    except SignatureRefused as error:
        refused = error.fault
    except Unreadable as error:
        refused = damage(error, part)
    except Exception as error:  # noqa: BLE001 - hostile bytes through four libraries: whatever they raise, fail closed
        refused = fault(part, "unverifiable", f"cannot be verified ({type(error).__name__})")
    return PackageSignature(part, "", "", "", None, None, (refused,)), nothing


def _read(
    package: Package, part: str, infrastructure: frozenset[str], question: SignatureQuestion, at: datetime
) -> tuple[PackageSignature, Coverage]:
    envelope = read_envelope(package.read(part), part)
    certificate = certificate_of(envelope.certificate.der)
    try:
        signed = verify(envelope)
    except SignatureRefused as error:
        refused = PackageSignature(part, envelope.method, "", "", certificate, None, (error.fault,))
        return refused, Coverage(frozenset(), frozenset(), ())
    typed = any(kind == SIGNED_PROPERTIES for _, kind in envelope.references)
    binding = read_binding(signed.properties if typed else None, envelope.certificate.der, part, at)
    manifest = read_manifest(package, signed.package, part)
    coverage = cover(package, manifest, infrastructure)
    weak = list(_weak(envelope, manifest, binding.digests))
    embedded = read_embedded(envelope.root, envelope.others)
    stamped_at, path = _trust(envelope, embedded, question)
    signature = PackageSignature(
        part=part,
        method=envelope.method,
        claimed_at=binding.claimed_at,
        stamped_at=stamped_at,
        certificate=certificate,
        path=path,
        faults=(*weak, *binding.faults, *manifest.faults, *coverage.faults),
    )
    return signature, coverage


def _weak(envelope: Envelope, manifest: Manifest, bound: frozenset[str]) -> Iterator[SignatureFault]:
    """State every algorithm that is too weak, once."""
    if envelope.method.endswith("sha1") or "sha1" in envelope.digests | manifest.digests | bound:
        text = "uses SHA-1, which is no longer safe"
        yield fault(envelope.part, "sha1", text, "algorithm")
    yield from key_faults(envelope)


def _trust(envelope: Envelope, embedded: Embedded, question: SignatureQuestion) -> tuple[str, TrustPath]:
    """Return the time of the first timestamp that proves one, and the path of the signer's certificate."""
    times = (stamp_of(token, embedded.stamped, question.trust, question.at) for token in embedded.tokens)
    stamped_at = next((time for time in times if time), "")
    path = path_of(
        envelope.certificate.der,
        embedded.certificates,
        stamped_at,
        question.trust,
        question.at,
        embedded.crls,
        embedded.ocsps,
    )
    return stamped_at, path
