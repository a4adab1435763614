"""What a mail asks for, as values: proposals, and what nobody but a person can settle."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.domain.evidence import Evidence
from pipeline.domain.release import AmendmentKind


@dataclass(frozen=True, slots=True)
class Askers:
    """Registers of mail addresses and domains (``[people]`` and ``[notices]`` of the settings). Empty: none is kept."""

    submitters: tuple[str, ...] = ()
    ssc: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """One Amendment that a mail asks for, as far as it is established; a person accepts, mends or withdraws it.

    entries, values, until: as in domain.release.Amendment, empty where the mail leaves them open or contradicts itself.
    why: the reason in words. evidence: where it was read, at least one place. doubts: sentences that say what a person
    must look at or fill in; empty only where nothing is open. Only ``values`` may hold what is RED (law 8).
    """

    kind: AmendmentKind
    entries: tuple[str, ...]
    values: Mapping[str, str] = field(repr=False)
    why: str
    until: str = ""
    evidence: tuple[Evidence, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything that a mail asks for. unclear: sentences about the mail as a whole that a person must know.

    A mail without proposals is no request for an amendment, whatever else it may be.
    """

    proposals: tuple[Proposal, ...] = ()
    unclear: tuple[str, ...] = ()
