"""What becomes of accepted submissions and amendments: the next version of the CPL, as values (guidance section 9)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from pipeline.domain.evidence import Evidence
from pipeline.domain.product import Product

CURRENT, REMOVED = "Current", "Removed"
"""The two values of Entry.status."""


class ChangeKind(StrEnum):
    """What happened to an entry between two lists."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    """Its status went from Current to Removed; the row stays (guidance 5.2)."""
    RESTORED = "restored"
    """Its status went from Removed back to Current."""
    GONE = "gone"
    """Its row is no longer there: never done by a Release, only found after a change by hand."""


@dataclass(frozen=True, slots=True)
class ValueChange:
    """One cell that differs. Texts as Product.values has them; empty: no value."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class EntryChange:
    """One entry that differs between two lists. before is None for one that was added, after for one that is gone."""

    kind: ChangeKind
    number: str
    before: Product | None
    after: Product | None
    values: tuple[ValueChange, ...] = ()


@dataclass(frozen=True, slots=True)
class ListDifference:
    """What changed from one list to another, in the order of the entry numbers. Versions as ``3.000``."""

    old: str
    new: str
    changes: tuple[EntryChange, ...] = ()


class AmendmentKind(StrEnum):
    """A change to entries already on the list, for which there is no form."""

    CERTIFICATE = "certificate-update"
    """A new CPA certificate, a changed expiry or renewal date, ``[E]`` to ``[R]`` (guidance Appendices 3 and 5)."""
    FIR = "fir"
    DZIR = "dzir"
    UPGRADE_PATH = "upgrade-path"
    CORRECTION = "correction"
    REMOVAL = "removal"
    RESTORATION = "restoration"
    REMEDIAL_PLAN = "remedial-plan"


@dataclass(frozen=True, slots=True)
class Amendment:
    """One change to one or more entries. number: ``A-2026-00001``. values: form field name to its new text.

    by, why: the person who ordered it and the reason given. evidence: where it was read. case: its Case, or empty.
    until: the day (YYYY-MM-DD) a remedial plan ends, or empty. doubts: what a person must settle before they order it.
    """

    number: str
    kind: AmendmentKind
    entries: tuple[str, ...]
    values: Mapping[str, str] = field(repr=False)  # a DZIR amendment holds what is RED (law 8)
    why: str
    by: str
    at: str
    case: str = ""
    until: str = ""
    evidence: tuple[Evidence, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An accepted Submission that is to be listed. submission: the ledger's number of it. values: of the whole form."""

    submission: int
    case: str
    file: str
    artefact: str
    values: Mapping[str, str] = field(repr=False)  # the form holds what is RED (law 8)


@dataclass(frozen=True, slots=True)
class RepositoryRow:
    """What the FIR, the DZIR or the contacts hold of one entry. values: form field name to text."""

    number: str
    values: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReleasePlan:
    """One new version of the CPL before it is written.

    version: ``3.001``. issued: its Date Of Issue. log: the lines of its Version Control row. numbered: entry number to
    the NewEntry listed under it. fir, dzir, contacts: whole, after the changes.
    """

    base: str
    version: str
    issued: date
    difference: ListDifference
    log: tuple[str, ...]
    numbered: Mapping[str, NewEntry]
    amendments: tuple[Amendment, ...] = ()
    fir: tuple[RepositoryRow, ...] = ()
    dzir: tuple[RepositoryRow, ...] = ()
    contacts: tuple[RepositoryRow, ...] = ()

    @property
    def line(self) -> str:
        """The version as A2 of the form and column A of the CSV tab say it: ``Version 3.001 Issued on 21-11-2026``."""
        return f"Version {self.version} Issued on {self.issued:%d-%m-%Y}"
