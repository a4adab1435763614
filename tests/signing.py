"""Signs the workbooks of tests with certificates of every kind, and what a reader knows when it judges them."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Literal

import msgspec

from pipeline.demo.pki import SERVER, Holder, ec_key, root
from pipeline.demo.signer import sign
from pipeline.domain.form import Form
from pipeline.domain.macro import MacroReading
from pipeline.domain.message import Problem
from pipeline.domain.signature import SignatureQuestion, SignatureReading, TrustMaterial, TrustSet
from pipeline.readers.form import read_form
from pipeline.readers.macro import read_macro
from pipeline.readers.signature import read_signature
from tests import attacked
from tests.attacks import ATTACKS
from tests.trust_matrix import Hierarchy, good

Kind = Literal[
    "good",
    "expired",
    "not-yet-valid",
    "for-servers",
    "revoked",
    "no-revocation",
    "stale",
    "self-signed",
    "internal",
    "missing-intermediate",
]
_DAY = timedelta(days=1)


class Signing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One signature. organisations: of its certificate's subject, the creator's when null. leave_out: parts."""

    certificate: Kind = "good"
    organisations: tuple[str, ...] | None = None
    digest: str = "sha256"
    leave_out: tuple[str, ...] = ()


class Direct:
    """Reads workbooks in this process, as the capped child does."""

    def form(self, data: bytes) -> Form | Problem:
        return read_form(data)

    def signature(self, question: SignatureQuestion) -> SignatureReading | Problem:
        return read_signature(question)

    def macro(self, workbook: bytes) -> MacroReading | Problem:
        return read_macro(workbook)


def moment(day: date) -> datetime:
    """The moment of receipt on a day."""
    return datetime.combine(day, time(9, 30), UTC)


@cache
def _pki(at: datetime) -> Hierarchy:
    return Hierarchy(at)


def holder(signing: Signing, at: datetime, creator: str) -> Holder:
    """The signer's certificate with its key."""
    organisations = (creator,) if signing.organisations is None else signing.organisations
    profile = good(at, organisations=organisations)
    key = ec_key(f"signs as {signing.certificate} for {organisations}")
    if signing.certificate == "self-signed":
        return root(profile, key)
    if signing.certificate == "expired":
        profile = replace(profile, not_after=at - _DAY)
    elif signing.certificate == "not-yet-valid":
        profile = replace(profile, not_before=at + _DAY)
    elif signing.certificate == "for-servers":
        profile = replace(profile, purposes=(SERVER,))
    pki = Hierarchy(at, f"{creator} IT") if signing.certificate == "internal" else _pki(at)
    return pki.issuing.issue(profile, key)


def signed(workbook: bytes, signings: tuple[Signing, ...], at: datetime, creator: str) -> bytes:
    """Return the workbook signed by each in turn, an hour before it is received."""
    for number, signing in enumerate(signings):
        who = holder(signing, at, creator)
        workbook = sign(
            workbook,
            who.key,
            who.certificate,
            chain=() if signing.certificate == "missing-intermediate" else who.chain,
            at=at - timedelta(hours=1),
            digest=signing.digest,
            leave_out=signing.leave_out,
            co_sign=number > 0,
        )
    return workbook


def known(signings: tuple[Signing, ...], at: datetime, creator: str) -> TrustMaterial:
    """Return what the reader knows: the root and its lists, of which some signings lack one or are on one."""
    pki = _pki(at)
    top = pki.root.crl(at - _DAY, at + _DAY)
    kinds = {signing.certificate for signing in signings}
    if "no-revocation" in kinds:
        return pki.trust(crls=(top,))
    if "stale" in kinds:
        return pki.trust(crls=(top, pki.issuing.crl(at - 9 * _DAY, at - 2 * _DAY)))
    revoked = [holder(one, at, creator).certificate.serial_number for one in signings if one.certificate == "revoked"]
    listed = dict.fromkeys(revoked, at - 2 * _DAY)
    return pki.trust(crls=(top, pki.issuing.crl(at - _DAY, at + _DAY, listed)))


def attack(name: str) -> tuple[bytes, TrustMaterial]:
    """Return an attacked workbook, and the trust material that vouches for its signer."""
    sample = attacked.trust()
    return ATTACKS[name].build(), TrustMaterial((TrustSet("commercial", (sample.root.der,)),), crls=sample.crls)
