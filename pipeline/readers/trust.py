"""Whether a signer's certificate can be relied on: its path to a pinned root, its purpose, its validity, its status.

Roots are pinned (RFC 5280, 6.1.1 d), nothing is ever fetched here, and revocation information is needed for every
certificate below the root: without it the answer is that nobody can tell (PathState.UNDECIDED).
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice, pairwise

from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.authority import AuthorityWithCert, TrustAnchor, TrustQualifiers, derive_quals_from_cert
from pyhanko_certvalidator.errors import ValidationError
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import NO_REVOCATION, CertRevTrustPolicy
from pyhanko_certvalidator.validate import async_validate_path

from pipeline.domain.signature import PathState, TrustMaterial, TrustPath
from pipeline.readers.certificates import (
    SIGNING_PURPOSES,
    STAMPING_PURPOSE,
    Certificate,
    certificate_of,
    issuing_fault,
    load,
    name_text,
    stamp_text,
    stamping_fault,
    status_addresses,
    usage_fault,
)
from pipeline.readers.chains import Chain, search, without_root
from pipeline.readers.revocation import Standing, Status, crls_of, finished, ocsps_about, status_of
from pipeline.readers.timestamp import TokenRefused, read_token

__all__ = ["Stamp", "certificate_of", "examine_stamp", "path_of", "stamp_of"]

_MOST_EMBEDDED = 20
_MOST_CHAINS = 8


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a timestamp token proves. at: RFC 3339 in UTC, empty where it proves nothing; why: half a sentence then."""

    at: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Case:
    """What one path is judged on. moment: when it must hold. at: now, after which no information is dated."""

    trust: TrustMaterial
    embedded: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    ocsps: tuple[bytes, ...]
    purposes: Collection[str]
    fault: Callable[[Certificate], str]
    moment: datetime
    at: datetime


def path_of(  # noqa: PLR0917 - the three kinds of embedded material stand in the order of TrustMaterial
    certificate: bytes,
    embedded: Sequence[bytes],
    stamped_at: str,
    trust: TrustMaterial,
    at: str,
    crls: Sequence[bytes] = (),
    ocsps: Sequence[bytes] = (),
) -> TrustPath:
    """Judge the path of a signing certificate. Never raises for any octets of a mail, but MemoryError at the ceiling.

    embedded, crls, ocsps: what the signature brings along, DER; it counts only where a pinned root vouches for it.
    stamped_at: the time of a valid timestamp, or empty: it saves a certificate that has expired since. at: the
    moment of judgement, RFC 3339 with an offset; ValueError where it is not, which is the caller's mistake.
    """
    moment = _moment(at)
    case = _Case(
        trust=trust,
        embedded=tuple(embedded[:_MOST_EMBEDDED]),
        crls=(*trust.crls, *crls[:_MOST_EMBEDDED]),
        ocsps=(*trust.ocsps, *ocsps[:_MOST_EMBEDDED]),
        purposes=SIGNING_PURPOSES,
        fault=lambda leaf: usage_fault(leaf, SIGNING_PURPOSES),
        moment=moment,
        at=moment,
    )
    path = _best(certificate, case)
    if path.code != "expired" or not stamped_at:
        return path
    then = _best(certificate, replace(case, moment=_moment(stamped_at)))
    if then.code in {"expired", "not-yet-valid"}:
        return path
    return replace(then, text=f"{then.text}; it has expired since, and a timestamp proves that it signed before")


def stamp_of(token: bytes, signature_value: bytes, trust: TrustMaterial, at: str) -> str:
    """Return the time that a timestamp token proves, RFC 3339 in UTC; empty where it proves none (examine_stamp)."""
    return examine_stamp(token, signature_value, trust, at).at


def examine_stamp(token: bytes, signature_value: bytes, trust: TrustMaterial, at: str) -> Stamp:
    """Judge a timestamp token (RFC 3161) over the octets of a signature value. Never raises for any octets of a mail.

    The authority must lead to a pinned root at the moment of judgement, as a signer must, and be for stamping alone.
    """
    moment = _moment(at)
    try:
        read = read_token(token, signature_value)
    except TokenRefused as error:
        return Stamp("", str(error))
    if read.at > moment:
        return Stamp("", "it is dated after the moment of judgement")
    case = _Case(
        trust=trust,
        embedded=read.others[:_MOST_EMBEDDED],
        crls=(*trust.crls, *read.crls[:_MOST_EMBEDDED]),
        ocsps=trust.ocsps,
        purposes={STAMPING_PURPOSE},
        fault=stamping_fault,
        moment=moment,
        at=moment,
    )
    path = _best(read.authority, case)
    if path.state is not PathState.TRUSTED:
        return Stamp("", f"its authority is not trusted: {path.text}")
    if load(read.authority).parsed.not_valid_before_utc > read.at:
        return Stamp("", "it is dated before its authority's certificate was valid")
    return Stamp(stamp_text(read.at))


def _best(certificate: bytes, case: _Case) -> TrustPath:
    """Return the first path that is trusted, else what weighs most of why there is none."""
    try:
        leaf = load(certificate)
    except ValueError as error:
        return TrustPath(PathState.REFUSED, "", "unreadable", str(error)[:1].upper() + str(error)[1:])
    try:
        return _weighed(leaf, case)
    except MemoryError:  # the child's ceiling, which is our trouble and no word about the certificate
        raise
    except Exception:  # noqa: BLE001 - the libraries have no closed list of what hostile certificates make them raise
        text = f"The path of the certificate of {leaf.name} cannot be judged: one of its certificates is malformed"
        return TrustPath(PathState.REFUSED, "", "bad-chain", text)


def _weighed(leaf: Certificate, case: _Case) -> TrustPath:
    pool = (*case.embedded, *case.trust.intermediates)
    furthest: Chain = (leaf,)
    impostor = False
    failed: list[TrustPath] = []
    for group in case.trust.sets:
        found = search(leaf, pool, group.roots)
        furthest = max(furthest, found.furthest, key=len)
        impostor = impostor or found.impostor
        for chain in islice(found.chains, _MOST_CHAINS):
            path = _judged(chain, case, group.name)
            if path.state is PathState.TRUSTED:
                return path
            failed.append(path)
    if failed:
        return min(failed, key=lambda path: (path.code != "revoked", path.state is not PathState.UNDECIDED))
    return without_root(leaf, furthest, impostor, case.trust)


def _judged(chain: Chain, case: _Case, group: str) -> TrustPath:
    """Judge one chain: validity, purpose, RFC 5280 section 6, and then the standing of each certificate."""
    leaf = chain[0]
    names = tuple(name_text(one.parsed.subject) for one in chain)

    def refused(code: str, text: str) -> TrustPath:
        return TrustPath(PathState.REFUSED, group, code, text, names)

    for code, text in (*_out_of_time(chain, case.moment), *_out_of_purpose(chain, case)):
        return refused(code, text)
    path = ValidationPath(_anchor(chain[-1]), [one.raw for one in chain[-2:0:-1]], leaf.raw)
    try:
        finished(async_validate_path(_context(chain, case), path))
    except ValidationError as error:
        said = str(error).removeprefix("The path could not be validated because ").rstrip(". ")
        # The validator has one exception for all of section 6; only its words tell which rule it was.
        code = "name-constraints" if "namespace" in said else "bad-chain"
        return refused(code, f"The path of the certificate of {leaf.name} does not hold: {said}")
    status = [(one, _status(one, issuer, path, chain, case)) for one, issuer in pairwise(chain)]
    return _stood(chain, status, group, names)


def _status(one: Certificate, issuer: Certificate, path: ValidationPath, chain: Chain, case: _Case) -> Status:
    """Ask what was supplied about one certificate.

    An authority need not list a certificate any more once it has expired (RFC 5280, 3.3), so what was issued later
    proves nothing.
    """
    until = min(case.at, one.parsed.not_valid_after_utc)
    crls = crls_of(issuer, case.crls, until)
    ocsps = ocsps_about(one, case.ocsps, until)
    return status_of(one.raw, path, _context(chain, case, crls, ocsps))


def _stood(chain: Chain, status: Sequence[tuple[Certificate, Status]], group: str, names: tuple[str, ...]) -> TrustPath:
    """Conclude from the standing of each certificate of a chain that holds otherwise."""
    leaf, root = chain[0], chain[-1]
    for one, found in status:
        if found.standing is Standing.REVOKED:
            since = f" on {found.since:%Y-%m-%d}" if found.since else ""
            text = f"{_whose(one, leaf)} was revoked{since} ({found.by}: {found.reason.lower()})"
            return TrustPath(PathState.REFUSED, group, "revoked", text, names)
    lacking = [(one, found) for one, found in status if found.standing is not Standing.GOOD]
    if not lacking:
        text = f"The certificate of {leaf.name} leads to the trusted root {root.name} and is not revoked"
        return TrustPath(PathState.TRUSTED, group, "", text, names, revocation=status[0][1].by)
    fetch = tuple(dict.fromkeys(url for one, _ in lacking for url in status_addresses(one)))
    for one, found in lacking:
        if found.standing is Standing.UNKNOWN:
            text = f"{_whose(one, leaf)} may be revoked: there is no revocation information about it"
            return TrustPath(PathState.UNDECIDED, group, "no-revocation", text, names, fetch=fetch)
    text = f"{_whose(lacking[0][0], leaf)} may be revoked: the revocation information about it is out of date"
    return TrustPath(PathState.UNDECIDED, group, "stale-revocation", text, names, fetch=fetch)


def _out_of_time(chain: Chain, moment: datetime) -> Iterator[tuple[str, str]]:
    for one in chain:
        if moment < one.parsed.not_valid_before_utc:
            yield (
                "not-yet-valid",
                f"{_whose(one, chain[0])} is not valid before {_day(one.parsed.not_valid_before_utc)}",
            )
        elif moment > one.parsed.not_valid_after_utc:
            yield "expired", f"{_whose(one, chain[0])} expired on {_day(one.parsed.not_valid_after_utc)}"


def _out_of_purpose(chain: Chain, case: _Case) -> Iterator[tuple[str, str]]:
    leaf = chain[0]
    if why := case.fault(leaf):
        yield "purpose", f"The certificate of {leaf.name} is not for signing: {why}"
    for one in chain[1:-1]:
        if why := issuing_fault(one, case.purposes):
            yield "purpose", f"{_whose(one, leaf)} is not for signing: {why}"


def _anchor(root: Certificate) -> TrustAnchor:
    """Return a pinned root with the limits it sets itself: path length and name constraints, but no policies."""
    limits = derive_quals_from_cert(root.raw)
    parameters = limits.standard_parameters
    if parameters is not None:
        parameters = replace(
            parameters, user_initial_policy_set=frozenset({"any_policy"}), initial_explicit_policy=False
        )
    qualifiers = TrustQualifiers(standard_parameters=parameters, max_path_length=limits.max_path_length)
    return TrustAnchor(AuthorityWithCert(root.raw), qualifiers)


def _context(chain: Chain, case: _Case, crls: Sequence[bytes] = (), ocsps: Sequence[bytes] = ()) -> ValidationContext:
    """Return the validator's context for one chain and what was said of it, with no way to fetch more."""
    context = ValidationContext(
        trust_roots=[_anchor(chain[-1])],
        other_certs=[one.raw for one in chain[1:-1]],
        moment=case.moment,
        crls=crls,
        ocsps=ocsps,
        revinfo_policy=CertRevTrustPolicy(NO_REVOCATION, retroactive_revinfo=case.moment < case.at),
        time_tolerance=timedelta(0),
        allow_fetching=False,
    )
    # A revocation counts whatever its date: who lost a key seldom knows the day.
    timing = context.timing_params
    context.timing_params = replace(timing, timing_info=replace(timing.timing_info, point_in_time_validation=False))
    return context


def _whose(one: Certificate, leaf: Certificate) -> str:
    if one is leaf:
        return f"The certificate of {leaf.name}"
    return f"The certificate of {one.name}, on which that of {leaf.name} rests,"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"'{text}' has no offset from UTC")
    return moment
