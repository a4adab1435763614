"""What keeps the work going and answerable: retry, the lists in force, polls, health, the trail of people's acts."""

import re

from sqlalchemy import Connection, false, func, select, update

from pipeline.ledger import leases
from pipeline.ledger.codec import decode, encode
from pipeline.ledger.errors import NoSuchCase
from pipeline.ledger.instants import microseconds, seconds_between
from pipeline.ledger.records import SENT, EffectState, InForce, MessageState
from pipeline.ledger.tables import audit, cases, effects, in_force, messages, polls, releases
from pipeline.ledger.views import AuditEntry, Health, Poll

_SHA256_PREFIX = re.compile(r"[0-9a-f]{6,64}")
_UNKEPT = (EffectState.PENDING, EffectState.SENDING)
_HELD = (EffectState.HELD, EffectState.UNKNOWN)
_NOBODY_KEEPS = ("no-contact",)
"""Kinds of effects that wait for a person and that no worker can keep."""


_CONCLUDED = (
    select(messages.c.kind, func.count().label("number"))
    .where(messages.c.state == MessageState.CONCLUDED)
    .group_by(messages.c.kind)
    .order_by(messages.c.kind)
)


def retry(connection: Connection, what: str, *, at: str, by: str, why: str) -> int:
    """Put set-aside mails and held or unknown effects of a Case, a Release or a mail, or one effect, back to work."""
    if connection.execute(select(cases.c.number).where(cases.c.number == what)).first() is not None:
        of_mails, of_effects = messages.c.case_number == what, effects.c.case_number == what
    elif connection.execute(select(releases.c.version).where(releases.c.version == what)).first() is not None:
        of_mails, of_effects = false(), effects.c.release_version == what
    elif connection.execute(select(effects.c.key).where(effects.c.key == what)).first() is not None:
        of_mails, of_effects = false(), effects.c.key == what
    else:
        sha256 = _mail_called(connection, what)
        of_mails, of_effects = messages.c.sha256 == sha256, effects.c.message == sha256
    again = connection.execute(
        update(messages)
        .where(of_mails, messages.c.state == MessageState.SET_ASIDE)
        .values(state=MessageState.RECEIVED, attempts=0, finished="", note="")
    ).rowcount
    again += connection.execute(
        update(effects)
        .where(of_effects, effects.c.state.in_(_HELD), effects.c.kind.not_in((*_NOBODY_KEEPS, SENT)))
        .values(state=EffectState.PENDING, attempts=0, due=at, due_us=microseconds(at))
    ).rowcount
    note(connection, at=at, who=by, what="retry", target=what, why=why)
    return again


def put_in_force(connection: Connection, document: InForce) -> None:
    """Write down a document taken over or released; the newest of its kind is in force."""
    microseconds(document.at)
    connection.execute(
        in_force.insert().values(
            kind=document.kind,
            artefact=document.artefact,
            version=document.version,
            at=document.at,
            facts=encode(document.facts),
        )
    )


def take_over(connection: Connection, document: InForce, *, by: str, why: str) -> None:
    """Put in force a document that a person gave."""
    put_in_force(connection, document)
    note(connection, at=document.at, who=by, what=f"import: {document.kind}", target=document.artefact, why=why)


def history(connection: Connection, kind: str) -> tuple[InForce, ...]:
    """Return every document of a kind that was ever in force, oldest first."""
    rows = connection.execute(select(in_force).where(in_force.c.kind == kind).order_by(in_force.c.seq))
    return tuple(
        InForce(
            kind=row.kind,
            artefact=row.artefact,
            version=row.version,
            at=row.at,
            facts=decode(row.facts, dict[str, str]),
        )
        for row in rows
    )


def note_poll(connection: Connection, mailbox: str, *, at: str, ok: bool, text: str) -> None:
    """Keep the last visit to a mailbox, and when one last went well."""
    microseconds(at)
    visit = {"at": at, "ok": ok, "text": text} | ({"last_good": at} if ok else {})
    changed = connection.execute(update(polls).where(polls.c.mailbox == mailbox).values(visit))
    if not changed.rowcount:
        connection.execute(polls.insert().values({"mailbox": mailbox, "last_good": ""} | visit))


def health(connection: Connection, at: str) -> Health:
    """Return how the work stands at that moment."""
    oldest = connection.execute(
        select(messages.c.received)
        .where(messages.c.state == MessageState.RECEIVED)
        .order_by(messages.c.received_us)
        .limit(1)
    ).scalar()
    promise = connection.execute(
        select(effects.c.promised).where(effects.c.state.in_(_UNKEPT)).order_by(effects.c.seq).limit(1)
    ).scalar()
    rows = connection.execute(select(polls).order_by(polls.c.mailbox))
    mail_count, effect_count = select(func.count()).select_from(messages), select(func.count()).select_from(effects)
    return Health(
        at=at,
        unfinished=connection.execute(mail_count.where(messages.c.state == MessageState.RECEIVED)).scalar_one(),
        oldest_unfinished=oldest or "",
        oldest_unfinished_seconds=seconds_between(oldest, at) if oldest else 0,
        backlog=connection.execute(effect_count.where(effects.c.state.in_(_UNKEPT))).scalar_one(),
        oldest_promise=promise or "",
        oldest_promise_seconds=seconds_between(promise, at) if promise else 0,
        held=connection.execute(
            effect_count.where(effects.c.state.in_(_HELD), effects.c.kind.not_in(_NOBODY_KEEPS))
        ).scalar_one(),
        set_aside=connection.execute(mail_count.where(messages.c.state == MessageState.SET_ASIDE)).scalar_one(),
        polls=tuple(
            Poll(mailbox=row.mailbox, at=row.at, ok=row.ok, text=row.text, last_good=row.last_good) for row in rows
        ),
        leases=leases.held(connection, at),
        by_kind={row.kind: row.number for row in connection.execute(_CONCLUDED)},
    )


def note(connection: Connection, *, at: str, who: str, what: str, target: str, why: str) -> None:
    """Add one act of a person to the trail."""
    microseconds(at)
    connection.execute(audit.insert().values(at=at, who=who, what=what, target=target, why=why))


def trail(connection: Connection) -> tuple[AuditEntry, ...]:
    """Return what people changed, oldest first."""
    rows = connection.execute(select(audit).order_by(audit.c.seq))
    return tuple(AuditEntry(at=row.at, who=row.who, what=row.what, target=row.target, why=row.why) for row in rows)


def _mail_called(connection: Connection, what: str) -> str:
    """Return the sha256 of the one mail whose sha256 begins so."""
    begins = what.lower()
    found: list[str] = []
    if _SHA256_PREFIX.fullmatch(begins):
        found = list(
            connection.execute(select(messages.c.sha256).where(messages.c.sha256.startswith(begins)).limit(2)).scalars()
        )
    if not found:
        raise NoSuchCase(
            f"The ledger has no Case, Release or promise {what}, and no mail whose sha256 begins so (6 digits or more)."
        )
    if len(found) > 1:
        raise NoSuchCase(f"More than one mail's sha256 begins with {what}: give more of its digits.")
    return found[0]
