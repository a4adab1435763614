"""Trust material from folders: roots, intermediates, revocation lists and OCSP responses, told apart by content.

These files are the operator's own, not a mail's: what cannot be used is refused by name, so that nobody believes in a
root that was never read.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import certifi
from asn1crypto import pem
from cryptography import x509
from cryptography.x509 import ocsp

from pipeline.domain.signature import TrustMaterial, TrustSet
from pipeline.readers.certificates import MOST_BYTES, READING_ERRORS, Certificate, load, stamp_text
from pipeline.rulebook.signers import TrustSetRule

_MOST_FILE_BYTES = 64 << 20  # the largest public revocation lists have some ten megabytes
_CERTIFICATE, _CRL = "CERTIFICATE", "X509 CRL"


class TrustFolderRefused(Exception):  # noqa: N818 - named for the fact
    """Trust material cannot be used. The text names the file, what is wrong with it and what to do."""


@dataclass(frozen=True, slots=True)
class RootExpiry:
    """A pinned root that expires soon or has expired. not_after: RFC 3339 in UTC; days_left: negative once past."""

    trust_set: str
    name: str
    not_after: str
    days_left: int


def read_trust_folder(folder: Path, name: str) -> TrustMaterial:
    """Read all material of one folder; its roots form the trust set of that name. TrustFolderRefused names a bad file.

    Hidden files and READMEs are passed by. A folder without roots gives no trust set.
    """
    roots: list[bytes] = []
    intermediates: list[bytes] = []
    crls: list[bytes] = []
    ocsps: list[bytes] = []
    for file in _files(folder):
        for kind, der in _pieces(file):
            if kind == _CRL:
                crls.append(der)
            elif kind == _CERTIFICATE:
                (roots if _is_root(file, der) else intermediates).append(der)
            else:
                ocsps.append(der)
    sets = (TrustSet(name, tuple(dict.fromkeys(roots))),) if roots else ()
    return TrustMaterial(sets, tuple(dict.fromkeys(intermediates)), tuple(crls), tuple(ocsps))


def commercial_roots() -> TrustSet:
    """Return the roots of the certifi package (Mozilla's programme) as the trust set ``commercial``."""
    return TrustSet("commercial", tuple(_unarmoured(Path(certifi.where()).read_bytes(), _CERTIFICATE)))


def material_of(rules: Iterable[TrustSetRule], folder: Path) -> TrustMaterial:
    """Combine the trust sets of rules/signers.yaml: built-in roots, and the sub-folder that bears the set's name.

    A folder that is not there is empty. TrustFolderRefused names a file that is no set's, or cannot be used.
    """
    wanted = {rule.name: rule for rule in rules}
    present = {file.name for file in _listed(folder)} if folder.exists() else set()
    for stray in sorted(present - set(wanted)):
        raise TrustFolderRefused(
            f"{folder / stray}: rules/signers.yaml has no trust set '{stray}'; put it into the folder of a set, "
            f"which is one of {', '.join(sorted(wanted))}"
        )
    built_in = [commercial_roots() if rule.bundle == "certifi" else None for rule in wanted.values()]
    read = [read_trust_folder(folder / name, name) if name in present else TrustMaterial() for name in wanted]
    sets = []
    for name, bundle, material in zip(wanted, built_in, read, strict=True):
        roots = [*(bundle.roots if bundle else ()), *(root for group in material.sets for root in group.roots)]
        if roots:
            sets.append(TrustSet(name, tuple(dict.fromkeys(roots))))
    return TrustMaterial(
        tuple(sets),
        tuple(der for material in read for der in material.intermediates),
        tuple(der for material in read for der in material.crls),
        tuple(der for material in read for der in material.ocsps),
    )


def roots_expiring(
    trust: TrustMaterial, at: datetime, within: timedelta = timedelta(days=90)
) -> tuple[RootExpiry, ...]:
    """Return the pinned roots that have expired or will within that time of a moment, the first to expire first."""
    found = []
    for group in trust.sets:
        for root in map(load, group.roots):
            end = root.parsed.not_valid_after_utc
            if end <= at + within:
                found.append(RootExpiry(group.name, root.name, stamp_text(end), (end - at).days))
    return tuple(sorted(found, key=lambda one: (one.not_after, one.name)))


def _listed(folder: Path) -> list[Path]:
    try:
        files = sorted(folder.iterdir())
    except OSError as error:
        raise TrustFolderRefused(f"{folder}: the trust folder cannot be read ({error.strerror})") from error
    return [file for file in files if not file.name.startswith((".", "README"))]


def _files(folder: Path) -> Iterator[Path]:
    for file in _listed(folder):
        if not file.is_file():
            raise TrustFolderRefused(f"{file}: only files belong into a trust folder; move its content up")
        yield file


def _pieces(file: Path) -> Iterator[tuple[str, bytes]]:
    """Yield kind and DER of everything in a file."""
    try:
        if file.stat().st_size > _MOST_FILE_BYTES:
            raise TrustFolderRefused(f"{file}: larger than {_MOST_FILE_BYTES >> 20} MiB; no trust material is")
        data = file.read_bytes()
    except OSError as error:
        raise TrustFolderRefused(f"{file}: cannot be read ({error.strerror})") from error
    if b"-----BEGIN " not in data:
        yield _kind_of(file, data), data
        return
    try:
        blocks = [(kind, der) for kind, _, der in pem.unarmor(data, multiple=True)]
    except ValueError as error:
        raise TrustFolderRefused(f"{file}: is damaged PEM ({error}); export it again") from error
    for kind, der in blocks:
        if "PRIVATE KEY" in kind:
            raise TrustFolderRefused(f"{file}: holds a private key, which must not be here; remove it at once")
        if kind not in {_CERTIFICATE, _CRL} or _kind_of(file, der) != kind:
            raise TrustFolderRefused(f"{file}: holds '{kind}'; only certificates and revocation lists are read in PEM")
        yield kind, der


def _kind_of(file: Path, der: bytes) -> str:
    if len(der) <= MOST_BYTES:
        try:
            load(der)
        except ValueError:
            pass
        else:
            return _CERTIFICATE
    for kind, reader in ((_CRL, x509.load_der_x509_crl), ("OCSP RESPONSE", ocsp.load_der_ocsp_response)):
        try:
            reader(der)
        except READING_ERRORS:
            continue
        return kind
    raise TrustFolderRefused(
        f"{file}: is neither a certificate, a revocation list nor an OCSP response; remove it or export it anew"
    )


def _is_root(file: Path, der: bytes) -> bool:
    """Say whether a certificate is a trusted root: self-signed, and a Certification Authority's."""
    certificate = load(der)
    if not certificate.self_signed:
        return False
    if not _may_issue(certificate):
        raise TrustFolderRefused(
            f"{file}: the self-signed certificate of {certificate.name} is no Certification Authority's; "
            "list it under authorisations in rules/signers.yaml instead, if its signatures shall count"
        )
    return True


def _may_issue(certificate: Certificate) -> bool:
    """Old roots are of version 1, which could not say so (RFC 5280, 6.1.4 k leaves them to the operator)."""
    return certificate.is_ca or certificate.parsed.version is x509.Version.v1


def _unarmoured(data: bytes, kind: str) -> Iterator[bytes]:
    return (der for found, _, der in pem.unarmor(data, multiple=True) if found == kind)
