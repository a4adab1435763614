"""What the ledger shows of itself to the command line and the console. Times are RFC 3339 text, as they were given."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CaseSummary:
    """One line of ``pipeline cases``, from the newest judgement of the Case.

    outcome and waits_for: of its decision, empty where nothing was judged. fails: ``fail`` Findings. unclears:
    ``unclear`` and ``broken`` ones. worst: the message of the first ``fail``, else of the first ``broken``, else of
    the first ``unclear``. overdue: it is open, and the day it was due lies before the day that was asked about.
    """

    number: str
    subject: str
    correspondent: str
    opened: str
    due: str
    state: str
    outcome: str
    waits_for: str
    fails: int
    unclears: int
    worst: str
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class Poll:
    """The last visit to one mailbox. last_good: when one last went well, empty for never. text: what was said."""

    mailbox: str
    at: str
    ok: bool
    text: str
    last_good: str


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that somebody holds. owner: names the process, for people to read. until: RFC 3339, when it runs out."""

    name: str
    owner: str
    until: str


@dataclass(frozen=True, slots=True)
class Health:
    """How the work stands at one moment, from the ledger alone.

    unfinished: mails received and not concluded; oldest_unfinished: when the oldest of them was received, and its
    age in seconds. backlog: promises not yet kept; oldest_promise: when the oldest was made, and its age in seconds.
    held and set_aside: effects (those of unknown outcome too, without the reminders that lack a contact) and mails that
    wait for a person. leases: those that have not run out. by_kind: mails ever concluded, by their kind. Empty text and
    0 where there is none.
    """

    at: str
    unfinished: int
    oldest_unfinished: str
    oldest_unfinished_seconds: int
    backlog: int
    oldest_promise: str
    oldest_promise_seconds: int
    held: int
    set_aside: int
    polls: tuple[Poll, ...]
    leases: tuple[Lease, ...] = ()
    by_kind: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change by a person, or what followed from it.

    what: ``verdict: pass``, ``decision: reject``, ``retry``, ``import: cpl``, ``amendment: ordered``, ``release``,
    ``closed``, ``opened again``. who: ``pipeline`` where a mail did it. target: the Case (with the check, for a
    verdict), the mail's sha256, the artefact taken over, the Amendment, or the version of the CPL.
    """

    at: str
    who: str
    what: str
    target: str
    why: str
