"""Leases with fencing tokens: which of several workers on one database may act, and proof that it still may.

A lease that ran out can be had by another worker while its first holder, paused or cut off, believes to have it. Each
grant has a higher token than any before, and a step that names an older one is refused.
"""

from sqlalchemy import Connection, Select, func, select, update

from pipeline.ledger.errors import LedgerConflict
from pipeline.ledger.instants import microseconds, text_of
from pipeline.ledger.tables import leases
from pipeline.ledger.views import Lease

_NOBODY = ""


def living(at: str) -> Select[tuple[int]]:
    """Return a query for the tokens whose holders may act at that time."""
    return select(leases.c.token).where(leases.c.owner != _NOBODY, leases.c.expires_us > microseconds(at))


def held(connection: Connection, at: str) -> tuple[Lease, ...]:
    """Return the leases that are held at that time, by name."""
    rows = connection.execute(
        select(leases).where(leases.c.owner != _NOBODY, leases.c.expires_us > microseconds(at)).order_by(leases.c.name)
    )
    return tuple(Lease(row.name, row.owner, text_of(row.expires_us)) for row in rows)


def take(connection: Connection, name: str, owner: str, at: str, seconds: int) -> int | None:
    """Grant the lease and return its token; None while anybody, that owner too, holds it and it has not run out.

    One that runs out later than two such terms from now was taken before the clock was set back, and counts as run out.
    """
    if not owner or seconds <= 0:
        raise ValueError("A lease has an owner and lasts at least a second.")
    held = connection.execute(select(leases).where(leases.c.name == name)).first()
    if held is not None and held.owner != _NOBODY and microseconds(at) < held.expires_us <= _end(at, 2 * seconds):
        return None
    token: int = (connection.execute(select(func.max(leases.c.token))).scalar() or 0) + 1
    granted = {"owner": owner, "token": token, "expires_us": _end(at, seconds)}
    if held is None:
        connection.execute(leases.insert().values(name=name, **granted))
    else:
        connection.execute(update(leases).where(leases.c.name == name).values(granted))
    return token


def renew(connection: Connection, token: int, at: str, seconds: int) -> None:
    """Let the lease run on from ``at``, also where it ran out and nobody took it. LedgerConflict where somebody did."""
    check(connection, token)
    connection.execute(update(leases).where(leases.c.token == token).values(expires_us=_end(at, seconds)))


def give_back(connection: Connection, token: int) -> None:
    """Give the lease back. Harmless where another worker has it by now."""
    connection.execute(update(leases).where(leases.c.token == token).values(owner=_NOBODY))


def check(connection: Connection, token: int | None) -> None:
    """Raise LedgerConflict unless the token is the newest of a lease that was not given back; None is never checked."""
    if token is None:
        return
    held = select(leases.c.name).where(leases.c.token == token, leases.c.owner != _NOBODY)
    if connection.execute(held).first() is None:
        raise LedgerConflict(f"The lease with the token {token} was given back, or another worker has it by now.")


def _end(at: str, seconds: int) -> int:
    return microseconds(at) + seconds * 1_000_000
