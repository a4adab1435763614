"""Amendments: proposed with a mail or ordered by a person, then withdrawn or published. Each step has its audit row.

Their values (and the texts of their evidence) may be RED: nothing here says them, in an audit row or in an error.
"""

import re
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Row, func, select, update

from pipeline.domain.evidence import Evidence
from pipeline.domain.release import Amendment, AmendmentKind
from pipeline.ledger import cases, upkeep
from pipeline.ledger.codec import decode, encode
from pipeline.ledger.errors import LedgerConflict, NoSuchCase
from pipeline.ledger.instants import microseconds
from pipeline.ledger.release_records import AmendmentState
from pipeline.ledger.tables import amendments

_NUMBER = re.compile(r"A-(\d{4})-(\d{5,9})")
_OPEN = (AmendmentState.PROPOSED, AmendmentState.ORDERED)


def next_number(connection: Connection, year: int) -> str:
    """Return the number after the highest of that year: ``A-2026-00042``."""
    highest = connection.execute(select(func.max(amendments.c.serial)).where(amendments.c.year == year)).scalar()
    return f"A-{year:04}-{(highest or 0) + 1:05}"


def add(connection: Connection, amendment: Amendment, state: AmendmentState) -> None:
    """Write a new Amendment. LedgerConflict for a number that is taken or is none; NoSuchCase for its Case."""
    microseconds(amendment.at)
    parts = _NUMBER.fullmatch(amendment.number)
    if parts is None:
        raise LedgerConflict(f"{amendment.number!r} is no Amendment number such as A-2026-00042.")
    taken = select(amendments.c.number).where(amendments.c.number == amendment.number)
    if connection.execute(taken).first() is not None:
        raise LedgerConflict(f"The Amendment {amendment.number} is recorded already: take the next number.")
    if amendment.case and not cases.exists(connection, amendment.case):
        raise NoSuchCase(f"There is no Case {amendment.case} for the Amendment {amendment.number} to belong to.")
    connection.execute(
        amendments.insert().values(
            number=amendment.number,
            year=int(parts[1]),
            serial=int(parts[2]),
            state=state,
            kind=amendment.kind,
            entries=encode(amendment.entries),
            new_values=encode(amendment.values),
            why=amendment.why,
            by=amendment.by,
            at=amendment.at,
            case_number=amendment.case or None,
            until=amendment.until,
            evidence=encode(amendment.evidence),
            doubts=encode(amendment.doubts),
        )
    )
    _note(connection, amendment.number, state, at=amendment.at, by=amendment.by, why=amendment.why)


def in_state(connection: Connection, state: AmendmentState) -> tuple[Amendment, ...]:
    """Return the Amendments in that state, by number."""
    rows = connection.execute(
        select(amendments).where(amendments.c.state == state).order_by(amendments.c.year, amendments.c.serial)
    )
    return tuple(_amendment(row) for row in rows)


def accept(connection: Connection, number: str, *, at: str, by: str, why: str) -> None:
    """Order what a mail proposed: it is now that person's, for their reason where they give one."""
    said = {"why": why} if why else {}
    _change(connection, number, (AmendmentState.PROPOSED,), AmendmentState.ORDERED, {"at": at, "by": by} | said)
    _note(connection, number, AmendmentState.ORDERED, at=at, by=by, why=why)


def withdraw(connection: Connection, number: str, *, at: str, by: str, why: str) -> None:
    """Take back what was proposed or ordered; it stays on record."""
    _change(connection, number, _OPEN, AmendmentState.WITHDRAWN, {})
    _note(connection, number, AmendmentState.WITHDRAWN, at=at, by=by, why=why)


def publish(connection: Connection, numbers: Sequence[str], version: str, *, at: str, by: str) -> None:
    """Note that a Release holds these Amendments. LedgerConflict where one is not ordered (any more)."""
    for number in numbers:
        _change(connection, number, (AmendmentState.ORDERED,), AmendmentState.PUBLISHED, {"release_version": version})
        _note(connection, number, AmendmentState.PUBLISHED, at=at, by=by, why=f"in {version}")


def cases_of(connection: Connection, numbers: Sequence[str]) -> set[str]:
    """Return the Cases that these Amendments belong to."""
    rows = connection.execute(select(amendments.c.case_number).where(amendments.c.number.in_(numbers)))
    return {number for number in rows.scalars() if number}


def open_in(connection: Connection, case: str) -> bool:
    """Say whether a Case has an Amendment that is neither published nor withdrawn."""
    found = select(amendments.c.number).where(amendments.c.case_number == case, amendments.c.state.in_(_OPEN))
    return connection.execute(found).first() is not None


def _change(
    connection: Connection,
    number: str,
    before: Sequence[AmendmentState],
    after: AmendmentState,
    changes: Mapping[str, str],
) -> None:
    changed = connection.execute(
        update(amendments)
        .where(amendments.c.number == number, amendments.c.state.in_(before))
        .values({**changes, "state": after})
    )
    if changed.rowcount:
        return
    state = connection.execute(select(amendments.c.state).where(amendments.c.number == number)).scalar()
    if state is None:
        raise LedgerConflict(f"The ledger holds no Amendment {number}.")
    raise LedgerConflict(f"The Amendment {number} is {state}: only {' or '.join(before)} ones become {after}.")


def _note(connection: Connection, number: str, state: AmendmentState, *, at: str, by: str, why: str) -> None:
    upkeep.note(connection, at=at, who=by, what=f"amendment: {state}", target=number, why=why)


def _amendment(row: Row[tuple[object, ...]]) -> Amendment:
    return Amendment(
        number=row.number,
        kind=AmendmentKind(row.kind),
        entries=decode(row.entries, tuple[str, ...]),
        values=decode(row.new_values, dict[str, str]),
        why=row.why,
        by=row.by,
        at=row.at,
        case=row.case_number or "",
        until=row.until,
        evidence=decode(row.evidence, tuple[Evidence, ...]),
        doubts=decode(row.doubts, tuple[str, ...]),
    )
