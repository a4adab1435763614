"""The shape of rules/signers.yaml: whose signature counts (guidance V6.0, 7.5, 8(2) and Appendix 2)."""

from datetime import date
from typing import Annotated, Literal

import msgspec

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
"""A digest in lower-case hexadecimal."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every part of the file: frozen, and an unknown key is an error."""


class TrustSetRule(_Part, frozen=True):
    """One set of pinned roots. ``bundle``: roots that come along; the folder of that name holds all others."""

    name: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9-]*$")]
    title: str
    bundle: Literal["", "certifi"] = ""


class CertificateRule(_Part, frozen=True):
    """What a signer's certificate must be, written out for readers; pipeline/readers holds the same values."""

    usages: tuple[str, ...]
    purposes: dict[str, str]
    rsa_bits: int
    curves: tuple[str, ...]
    digests: tuple[str, ...]


class Authorisation(_Part, frozen=True):
    """An existing authorisation (guidance 7.5), from a day until before another. ``certificate``: its sha256."""

    creator: str
    certificate: Sha256
    start: date = msgspec.field(name="from")
    until: date
    why: str


class OfficialMacro(_Part, frozen=True):
    """The macro of one published CPL. ``sha256``: of xl/vbaProject.bin as published."""

    version: str
    sha256: Sha256
    note: str = ""


class Decided(_Part, frozen=True):
    """A choice that the guidance leaves open, and why it was made so."""

    question: str
    answer: str
    why: str


class SignersFile(_Part, frozen=True):
    """rules/signers.yaml."""

    sets: tuple[TrustSetRule, ...]
    certificate: CertificateRule
    clauses: dict[str, str]
    authorisations: tuple[Authorisation, ...] = ()
    macros: tuple[OfficialMacro, ...] = ()
    decided: tuple[Decided, ...] = ()
