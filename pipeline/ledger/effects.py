"""The outbox (law 7): promises made with a decision, kept once, or visibly not kept."""

from collections.abc import Iterable

from sqlalchemy import Connection, Row, select, update

from pipeline.ledger.codec import decode, encode
from pipeline.ledger.errors import LedgerConflict
from pipeline.ledger.instants import microseconds
from pipeline.ledger.records import Effect, EffectState, NewEffect
from pipeline.ledger.tables import effects


def promise(connection: Connection, new: Iterable[NewEffect], *, message: str, case: str, at: str) -> None:
    """Write down effects, due at once. A key that was promised before, or twice here, stays as it was first."""
    wanted = {effect.key: effect for effect in reversed(tuple(new))}
    promised = connection.execute(select(effects.c.key).where(effects.c.key.in_(wanted))).scalars()
    for key in promised.all():
        del wanted[key]
    for effect in reversed(wanted.values()):
        connection.execute(
            effects.insert().values(
                key=effect.key,
                message=message,
                case_number=case or None,
                kind=effect.kind,
                payload=encode(effect.payload),
                state=EffectState.PENDING,
                attempts=0,
                promised=at,
                due=at,
                due_us=microseconds(at),
                done="",
                error="",
                note="",
            )
        )


def due(connection: Connection, at: str) -> tuple[Effect, ...]:
    """Return the promises to be kept now, in the order they were made."""
    rows = connection.execute(
        select(effects)
        .where(effects.c.state == EffectState.PENDING, effects.c.due_us <= microseconds(at))
        .order_by(effects.c.seq)
    )
    return tuple(_effect(row) for row in rows)


def of_case(connection: Connection, number: str) -> tuple[Effect, ...]:
    """Return the promises of a Case, in the order they were made."""
    rows = connection.execute(select(effects).where(effects.c.case_number == number).order_by(effects.c.seq))
    return tuple(_effect(row) for row in rows)


def done(connection: Connection, key: str, at: str, note: str) -> None:
    """Note that a promise was kept, and how. Noted before, it stays as it was."""
    microseconds(at)
    changed = connection.execute(
        update(effects)
        .where(effects.c.key == key, effects.c.state != EffectState.DONE)
        .values(state=EffectState.DONE, attempts=effects.c.attempts + 1, done=at, note=note, error="")
    )
    if not changed.rowcount and connection.execute(select(effects.c.seq).where(effects.c.key == key)).first() is None:
        raise LedgerConflict(f"The ledger holds no promise {key!r}.")


def failed(connection: Connection, key: str, at: str, error: str, retry_at: str | None) -> None:
    """Note that a promise could not be kept: due again at ``retry_at``, or held for a person where that is None."""
    microseconds(at)
    changes: dict[str, object] = {"attempts": effects.c.attempts + 1, "error": error}
    if retry_at is None:
        changes["state"] = EffectState.HELD
    else:
        changes |= {"due": retry_at, "due_us": microseconds(retry_at)}
    changed = connection.execute(
        update(effects).where(effects.c.key == key, effects.c.state == EffectState.PENDING).values(changes)
    )
    if not changed.rowcount:
        raise LedgerConflict(f"The ledger holds no open promise {key!r}: it was kept, held or never made.")


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
    )
