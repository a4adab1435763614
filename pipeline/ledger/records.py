"""The values that go into the ledger and come out of it. Times are RFC 3339 text in UTC, given by the caller."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.domain.draft import Draft
from pipeline.domain.judgement import Circumstances, Decision, Judged, Verdict

ASIDE = "aside"
"""Kind of the effects that move mails which could not be judged to where people see them."""
SENT = "sent"
"""Kind of the effects that stand for replies people sent: done, or held until a person has said what they decided."""


class MessageState(StrEnum):
    """How far a mail has come. Every mail ever seen has a row, also those that are not ours."""

    RECEIVED = "received"
    CONCLUDED = "concluded"
    SET_ASIDE = "set-aside"
    """Three attempts died on it: it stands at the top of the helpdesk's list until ``retry``."""


class EffectState(StrEnum):
    """A promise in the outbox (law 7)."""

    PENDING = "pending"
    SENDING = "sending"
    """Begun, and not to be begun again: a network was or is about to be touched, and the outcome is not noted yet."""
    UNKNOWN = "unknown"
    """Begun, and nobody can say whether it was done: held for a person, or made due again where that is the policy."""
    DONE = "done"
    HELD = "held"
    """Refused by the server in a way trying again will not mend: a person must look, then ``retry``."""
    WITHDRAWN = "withdrawn"
    """Taken back before it was kept, as what it was about has changed: it is not kept any more."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A mail fetched to the spool: its bytes are in the artefact store under ``sha256``."""

    mailbox: str
    folder: str
    generation: str
    uid: str
    sha256: str
    size: int
    at: str


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A mail the ledger knows. The mailbox place is the one it was last seen at."""

    sha256: str
    mailbox: str
    folder: str
    generation: str
    uid: str
    received: str
    state: MessageState
    attempts: int
    size: int = 0
    kind: str = ""
    case: str = ""
    message_id: str = ""
    subject: str = ""
    sender: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class NewEffect:
    """An effect to promise. key: unique for ever; the same key promised twice is one promise.

    kind: ``draft`` (payload: artefact, message_id), ``file`` (payload: sha256, message_id, target) or ``aside``
    (payload: sha256, message_id, target, and artefact and note of the note that tells people; no sha256 where the
    mail stays where it is).
    state: ``held`` for what only a person can keep, ``done`` for what the commit itself does. why: of these two.
    """

    key: str
    kind: str
    payload: Mapping[str, str]
    state: EffectState = EffectState.PENDING
    why: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """A promise as it stands. due: not before this time. begun: when somebody last began to keep it, or empty."""

    key: str
    kind: str
    payload: Mapping[str, str]
    state: EffectState
    attempts: int
    due: str
    case: str = ""
    error: str = ""
    begun: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One time a mail was judged: enough to derive it again from stored bytes (``pipeline replay``).

    rules: fingerprint, also the sha256 of the stored rules bundle. version: of the pipeline.
    """

    message: str
    at: str
    rules: str
    version: str
    circumstances: Circumstances
    judged: tuple[Judged, ...]
    decision: Decision


@dataclass(frozen=True, slots=True)
class SeenCertificate:
    """What a mail said under a certificate's number: key and summary in the words of pipeline/checks/papers.py."""

    key: str
    artefact: str
    summary: str


@dataclass(frozen=True, slots=True)
class Conclusion:
    """Everything that is committed in one transaction when a mail has been judged, its effects included.

    kind: ``new-entry``, ``reply``, ``for-a-person``, ``automatic``, ``repeat`` or ``not-ours``.
    case: the Case's number, new or existing; empty for a mail that opens none. opens: it is a new Case.
    correspondent: the address that is answered. due: the day (YYYY-MM-DD) the Case is due, in Working Days.
    """

    message: str
    at: str
    kind: str
    message_id: str
    subject: str
    sender: str
    note: str = ""
    case: str = ""
    opens: bool = False
    correspondent: str = ""
    due: str = ""
    references: tuple[str, ...] = ()
    judgement: Judgement | None = None
    certificates: tuple[SeenCertificate, ...] = ()
    drafts: tuple[Draft, ...] = ()
    effects: tuple[NewEffect, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """One Case whole: its mails, judgements (oldest first), verdicts, drafts and effects, and what waits for whom.

    decision: the newest. state: ``open`` or ``closed``. decided_by: the person of ``pipeline decide``, or empty.
    """

    number: str
    opened: str
    due: str
    state: str
    subject: str
    correspondent: str
    decision: Decision | None
    decided_by: str
    messages: tuple[MessageRecord, ...]
    judgements: tuple[Judgement, ...]
    verdicts: tuple[Verdict, ...]
    drafts: tuple[Draft, ...]
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Rejudged:
    """A Case judged again because a person gave a Verdict or a decision; committed in one transaction.

    verdict: the person's word, or None. by, why: who asked, and the reason they gave.
    """

    case: str
    at: str
    by: str
    why: str
    judgement: Judgement
    verdict: Verdict | None = None
    by_hand: bool = False
    drafts: tuple[Draft, ...] = ()
    effects: tuple[NewEffect, ...] = ()


@dataclass(frozen=True, slots=True)
class Replied:
    """A reply that a person sent from the mailbox, found among the sent mails; committed in one transaction.

    message_id: of the mail that was sent. effect: key ``sent:...``; done with what it means, or held with what is
    asked. judgement: the decision it is, or None where nothing new was decided. closes: the Case ends with it.
    """

    case: str
    at: str
    by: str
    message_id: str
    effect: NewEffect
    judgement: Judgement | None = None
    closes: bool = False


@dataclass(frozen=True, slots=True)
class InForce:
    """A document taken over by ``pipeline import``. kind: ``cpl``, ``fir``, ``dzir``, ``epcl`` or ``contacts``."""

    kind: str
    artefact: str
    version: str
    at: str
    facts: Mapping[str, str] = field(default_factory=dict)
