"""From a certificate to a pinned root: which chains there are, and what is missing where there is none.

The search follows signatures, not names alone, and visits every certificate once. So it ends soon whatever a mail
brings along; a search by names can be made to try every order of a handful of certificates of one name.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cryptography.x509.oid import NameOID

from pipeline.domain.signature import PathState, TrustMaterial, TrustPath
from pipeline.readers.certificates import Certificate, issuer_addresses, load, name_text

Chain = tuple[Certificate, ...]
"""Certificates from the leaf up; a complete one ends with a pinned root."""

_LONGEST = 8  # certificates; Office's signers have two to four
_MOST_VISITED = 40


@dataclass(frozen=True, slots=True)
class Search:
    """What was found. chains: complete ones, short before long. furthest: the longest that came to no root.

    impostor: a pinned root bears the name of the issuer that was looked for, but its key made no such signature.
    """

    chains: tuple[Chain, ...]
    furthest: Chain
    impostor: bool


def search(leaf: Certificate, pool: Sequence[bytes], roots: Sequence[bytes]) -> Search:
    """Look for chains from the leaf over certificates of the pool to one of the roots (all DER)."""
    waiting: list[Chain] = [(leaf,)]
    seen = {leaf.der}
    found: list[Chain] = []
    impostor = False
    for chain in waiting:  # grows while it is worked through: breadth first
        last = chain[-1]
        named = [root for root in _named(last.issuer, roots) if root.der != last.der]
        issuers = [root for root in named if root.issued(last)]
        found += [(*chain, root) for root in issuers]
        impostor = impostor or (bool(named) and not issuers)
        if len(chain) < _LONGEST:
            for issuer in _named(last.issuer, pool):
                if issuer.der not in seen and len(seen) < _MOST_VISITED and issuer.issued(last):
                    seen.add(issuer.der)
                    waiting.append((*chain, issuer))
    return Search(tuple(found), waiting[-1], impostor)


def without_root(leaf: Certificate, furthest: Chain, impostor: bool, trust: TrustMaterial) -> TrustPath:
    """Say what a certificate is that leads to no pinned root."""
    last = furthest[-1]
    issuer = name_text(last.parsed.issuer)
    names = tuple(name_text(one.parsed.subject) for one in furthest)
    if leaf.self_signed:
        text = f"The certificate of {leaf.name} is self-signed: nobody but its holder vouches for it"
        return TrustPath(PathState.REFUSED, "", "self-signed", text, names)
    if last.weak_digest and not last.self_signed:
        text = f"The certificate of {last.name} is signed by {issuer} with {last.weak_digest}, which is no longer safe"
        return TrustPath(PathState.REFUSED, "", "bad-chain", text, names)
    if impostor:
        text = f"The certificate of {leaf.name} names {issuer} as its issuer, but the trusted {issuer} did not sign it"
        return TrustPath(PathState.REFUSED, "", "bad-chain", text, names)
    addresses = issuer_addresses(last)
    if not last.self_signed and (addresses or _kin(last, trust)):
        text = f"The chain of the certificate of {leaf.name} is incomplete: the certificate of {issuer} is missing"
        return TrustPath(PathState.UNDECIDED, "", "missing-intermediate", text, names, fetch=addresses)
    text = (
        f"The certificate of {leaf.name} was issued by {issuer}, which is not a recognised Certification Authority "
        "but an internal or unknown one"
    )
    return TrustPath(PathState.REFUSED, "", "unknown-issuer", text, names)


def _named(subject: bytes, ders: Sequence[bytes]) -> Iterator[Certificate]:
    """Read the certificates of that subject, which must be encoded the same (RFC 5280, 4.1.2.6); junk is passed by.

    Most are told apart by their bytes alone, unread: a hundred and more roots cost some microseconds.
    """
    for der in ders:
        if subject in der:
            try:
                certificate = load(der)
            except ValueError:
                continue
            if certificate.subject == subject:
                yield certificate


def _kin(last: Certificate, trust: TrustMaterial) -> bool:
    """Say whether the issuer that is missing bears the organisation of a pinned root."""
    attributes = last.parsed.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    wanted = {str(attribute.value) for attribute in attributes}
    for der in (root for group in trust.sets for root in group.roots):
        if any(name.encode() in der for name in wanted) and wanted & set(load(der).organisations):
            return True
    return False
