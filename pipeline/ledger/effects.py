"""The outbox (law 7): promises made with a decision, kept once, or visibly not kept."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import ColumnElement, Connection, Row, and_, not_, or_, select, update

from pipeline.ledger import leases
from pipeline.ledger.codec import decode, encode
from pipeline.ledger.errors import LedgerConflict
from pipeline.ledger.instants import microseconds
from pipeline.ledger.records import SENT, Effect, EffectState, NewEffect
from pipeline.ledger.reminder_records import Promised
from pipeline.ledger.tables import effects

_OPEN = (EffectState.PENDING, EffectState.SENDING, EffectState.UNKNOWN)
_UNBEGUN = (EffectState.PENDING, EffectState.HELD)
"""Those of which it is certain that nothing is being done about them just now."""


_FURTHEST = 2 * 3600 * 1_000_000
"""Microseconds; twice the longest time between two attempts (promises.retry_at), for clocks that differ."""


def promise(
    connection: Connection, new: Iterable[NewEffect], *, at: str, message: str = "", case: str = "", release: str = ""
) -> None:
    """Write down effects, due at once. A key that was promised before, or twice here, stays as it was first.

    One that was withdrawn before anybody began to keep it is promised anew. message, case, release: what they belong
    to; empty for none.
    """
    wanted = {effect.key: effect for effect in reversed(tuple(new))}
    for key in _standing(connection, wanted):
        del wanted[key]
    for effect in reversed(wanted.values()):
        values = {
            "message": message or None,
            "case_number": case or None,
            "release_version": release or None,
            "kind": effect.kind,
            "payload": encode(effect.payload),
            "state": effect.state,
            "attempts": 0,
            "promised": at,
            "due": at,
            "due_us": microseconds(at),
            "begun": "",
            "done": at if effect.state is EffectState.DONE else "",
            "error": effect.why if effect.state is EffectState.HELD else "",
            "note": effect.why if effect.state is EffectState.DONE else "",
        }
        again = connection.execute(update(effects).where(effects.c.key == effect.key).values(values))
        if not again.rowcount:
            connection.execute(effects.insert().values(key=effect.key, **values))


def _standing(connection: Connection, keys: Iterable[str]) -> tuple[str, ...]:
    """Return those keys that were promised, without what was withdrawn before it was begun."""
    unused = and_(effects.c.state == EffectState.WITHDRAWN, effects.c.begun == "")
    wanted = list(keys)
    found: list[str] = []
    for start in range(0, len(wanted), _AT_ONCE):
        among = effects.c.key.in_(wanted[start : start + _AT_ONCE])
        found += connection.execute(select(effects.c.key).where(among, not_(unused))).scalars()
    return tuple(found)


_AT_ONCE = 500
"""Keys in one question: databases take a limited number of parameters."""


def promised(connection: Connection, prefix: str) -> tuple[Promised, ...]:
    """Return the promises whose key begins so, in the order they were made."""
    rows = connection.execute(
        select(effects).where(effects.c.key.startswith(prefix, autoescape=True)).order_by(effects.c.seq)
    )
    return tuple(
        Promised(
            key=row.key,
            kind=row.kind,
            payload=decode(row.payload, dict[str, str]),
            state=EffectState(row.state),
            promised=row.promised,
            begun=row.begun,
            done=row.done,
            error=row.error,
            note=row.note,
            case=row.case_number or "",
        )
        for row in rows
    )


def withdraw(connection: Connection, why: Mapping[str, str]) -> None:
    """Take promises back, each with its reason; one that is being kept, or was, stays as it is."""
    for key, reason in why.items():
        connection.execute(
            update(effects)
            .where(effects.c.key == key, effects.c.state.in_(_UNBEGUN))
            .values(state=EffectState.WITHDRAWN, note=reason)
        )


def reword(connection: Connection, changed: Iterable[NewEffect]) -> None:
    """Give promises that nobody keeps just now another payload; whether they are held stays as it is."""
    for effect in changed:
        connection.execute(
            update(effects)
            .where(effects.c.key == effect.key, effects.c.state.in_(_UNBEGUN))
            .values(payload=encode(effect.payload))
        )


def due(connection: Connection, at: str) -> tuple[Effect, ...]:
    """Return the promises to be kept now, in the order they were made.

    One that is due further off than any is ever put off was noted by a clock that was ahead: it is due now.
    """
    now = microseconds(at)
    ripe = or_(effects.c.due_us <= now, effects.c.due_us > now + _FURTHEST)
    return _all(connection, and_(effects.c.state == EffectState.PENDING, ripe))


def of_case(connection: Connection, number: str) -> tuple[Effect, ...]:
    """Return the promises of a Case, in the order they were made."""
    return _all(connection, effects.c.case_number == number)


def of_release(connection: Connection, version: str) -> tuple[Effect, ...]:
    """Return the promises of a Release, in the order they were made."""
    return _all(connection, effects.c.release_version == version)


def begins(connection: Connection, key: str, at: str, token: int | None) -> None:
    """Note that a promise is about to be kept, so that a death in the middle of it is seen. Only a pending one can."""
    microseconds(at)
    leases.check(connection, token)
    _change(connection, key, (EffectState.PENDING,), {"state": EffectState.SENDING, "begun": at, "token": token})


def unsure(connection: Connection, key: str, at: str, error: str, token: int | None) -> None:
    """Note that nobody can say whether a promise that was begun has been kept."""
    microseconds(at)
    leases.check(connection, token)
    _change(connection, key, (EffectState.SENDING,), {"state": EffectState.UNKNOWN, "error": error})


def stranded(connection: Connection, at: str) -> tuple[Effect, ...]:
    """Make ``unknown`` what was begun by a process that is gone, and return everything whose outcome is unknown.

    Gone: it had no lease, or one that at that time has run out, was given back, or is another worker's.
    """
    begun = select(effects.c.seq, effects.c.begun).where(
        effects.c.state == EffectState.SENDING,
        or_(effects.c.token.is_(None), effects.c.token.not_in(leases.living(at))),
    )
    for row in connection.execute(begun).all():
        error = f"It was begun at {row.begun}, and how it ended was never noted (found at {at})."
        connection.execute(
            update(effects).where(effects.c.seq == row.seq).values(state=EffectState.UNKNOWN, error=error)
        )
    return _all(connection, effects.c.state == EffectState.UNKNOWN)


def message_of(connection: Connection, key: str) -> str:
    """Return the sha256 of the mail that a promise is about, or empty text."""
    return connection.execute(select(effects.c.message).where(effects.c.key == key)).scalar() or ""


def done(connection: Connection, key: str, at: str, note: str, token: int | None) -> None:
    """Note that a promise was kept, and how. Noted before, it stays as it was."""
    microseconds(at)
    leases.check(connection, token)
    changed = connection.execute(
        update(effects)
        .where(effects.c.key == key, effects.c.state != EffectState.DONE)
        .values(state=EffectState.DONE, attempts=effects.c.attempts + 1, done=at, note=note, error="")
    )
    if not changed.rowcount and connection.execute(select(effects.c.seq).where(effects.c.key == key)).first() is None:
        raise LedgerConflict(f"The ledger holds no promise {key!r}.")


def answered(connection: Connection, case: str, at: str, by: str) -> None:
    """Note that a person has said what they decided, where it was asked of them for a reply that they sent."""
    connection.execute(
        update(effects)
        .where(effects.c.case_number == case, effects.c.kind == SENT, effects.c.state == EffectState.HELD)
        .values(state=EffectState.DONE, done=at, note=effects.c.error + f" {by} has said it.", error="")
    )


def failed(connection: Connection, key: str, at: str, error: str, *, retry_at: str | None, token: int | None) -> None:
    """Note that a promise could not be kept: due again at ``retry_at``, or held for a person where that is None."""
    microseconds(at)
    leases.check(connection, token)
    changes: dict[str, object] = {"attempts": effects.c.attempts + 1, "error": error}
    if retry_at is None:
        changes["state"] = EffectState.HELD
    else:
        changes |= {"state": EffectState.PENDING, "due": retry_at, "due_us": microseconds(retry_at)}
    _change(connection, key, _OPEN, changes)


def _change(connection: Connection, key: str, before: Sequence[EffectState], changes: dict[str, object]) -> None:
    changed = connection.execute(
        update(effects).where(effects.c.key == key, effects.c.state.in_(before)).values(changes)
    )
    if changed.rowcount:
        return
    state = connection.execute(select(effects.c.state).where(effects.c.key == key)).scalar()
    if state is None:
        raise LedgerConflict(f"The ledger holds no promise {key!r}.")
    raise LedgerConflict(f"The promise {key!r} is {state} by now: another step came before this one.")


def _all(connection: Connection, condition: ColumnElement[bool]) -> tuple[Effect, ...]:
    rows = connection.execute(select(effects).where(condition).order_by(effects.c.seq))
    return tuple(_effect(row) for row in rows)


def _effect(row: Row[tuple[object, ...]]) -> Effect:
    return Effect(
        key=row.key,
        kind=row.kind,
        payload=decode(row.payload, dict[str, str]),
        state=EffectState(row.state),
        attempts=row.attempts,
        due=row.due,
        case=row.case_number or "",
        error=row.error,
        begun=row.begun,
    )
