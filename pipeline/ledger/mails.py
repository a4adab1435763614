"""Mails as they come: seen, waiting, begun, set aside. Each function works inside the caller's transaction."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

from sqlalchemy import Connection, Row, false, func, not_, or_, select, update

from pipeline.ledger import upkeep
from pipeline.ledger.errors import LedgerConflict
from pipeline.ledger.instants import microseconds
from pipeline.ledger.records import Arrival, MessageRecord, MessageState
from pipeline.ledger.tables import drafts, messages, sightings

Place = tuple[str, str, str]
"""Where a mail was seen in its mailbox: folder, generation (IMAP UIDVALIDITY), uid."""

_SOMEBODY = "a person at the mailbox"
_AT_ONCE = 500
"""Values asked for in one statement: SQLite and PostgreSQL both have a limit, and a mailbox may hold 40,000 mails."""


def known(connection: Connection, mailbox: str, places: Sequence[Place]) -> set[Place]:
    """Return those of the places where a mail was recorded before, and was not moved away from by us."""
    found: set[Place] = set()
    for (folder, generation), same in groupby(sorted(places), key=lambda place: place[:2]):
        for uids in _portions([uid for _, _, uid in same]):
            rows = connection.execute(
                select(sightings.c.uid)
                .join(messages, messages.c.sha256 == sightings.c.message)
                .where(
                    or_(messages.c.folder == sightings.c.folder, messages.c.mailbox != sightings.c.mailbox),
                    sightings.c.mailbox == mailbox,
                    sightings.c.folder == folder,
                    sightings.c.generation == generation,
                    sightings.c.uid.in_(uids),
                )
            )
            found.update((folder, generation, uid) for uid in rows.scalars())
    return found


def arrive(connection: Connection, arrival: Arrival) -> bool:
    """Record where a mail was seen and, when its bytes are new, the mail. True when they are new.

    One that was set aside into another folder of the mailbox is here again because a person brought it back: it waits
    to be judged, as if they had said ``retry``.
    """
    place = {
        "mailbox": arrival.mailbox,
        "folder": arrival.folder,
        "generation": arrival.generation,
        "uid": arrival.uid,
    }
    _brought_back(connection, arrival)
    moved = connection.execute(update(messages).where(messages.c.sha256 == arrival.sha256).values(place))
    new = moved.rowcount == 0
    if new:
        connection.execute(
            messages.insert().values(
                **place,
                sha256=arrival.sha256,
                size=arrival.size,
                received=arrival.at,
                received_us=microseconds(arrival.at),
                state=MessageState.RECEIVED,
                attempts=0,
                **dict.fromkeys(("last_attempt", "finished", "kind", "message_id", "subject", "sender", "note"), ""),
                refs="[]",
            )
        )
    seen_there = select(sightings.c.seq).filter_by(**place, message=arrival.sha256)
    if connection.execute(seen_there).first() is None:
        connection.execute(sightings.insert().values(**place, message=arrival.sha256, at=arrival.at))
    return new


def _brought_back(connection: Connection, arrival: Arrival) -> None:
    changed = connection.execute(
        update(messages)
        .where(
            messages.c.sha256 == arrival.sha256,
            messages.c.state == MessageState.SET_ASIDE,
            messages.c.mailbox == arrival.mailbox,
            messages.c.folder != arrival.folder,
        )
        .values(state=MessageState.RECEIVED, attempts=0, finished="", note="")
    )
    if changed.rowcount:
        why = f"It was found in {arrival.folder} again."
        upkeep.note(connection, at=arrival.at, who=_SOMEBODY, what="brought back", target=arrival.sha256, why=why)


def lies_in(connection: Connection, sha256: str, folder: str) -> None:
    """Note that we moved a mail to that folder of its mailbox."""
    connection.execute(update(messages).where(messages.c.sha256 == sha256).values(folder=folder))


def waiting(connection: Connection) -> tuple[MessageRecord, ...]:
    """Return the mails to be judged, oldest first."""
    return _in_state(connection, MessageState.RECEIVED)


def set_aside_messages(connection: Connection) -> tuple[MessageRecord, ...]:
    """Return the mails that wait for a person, oldest first."""
    return _in_state(connection, MessageState.SET_ASIDE)


def message(connection: Connection, sha256: str) -> MessageRecord | None:
    """Return the mail of those bytes, if it was ever recorded."""
    row = connection.execute(select(messages).where(messages.c.sha256 == sha256)).first()
    return record(row) if row else None


def copies(connection: Connection, sha256: str) -> tuple[Place, ...]:
    """Return the other places of its folder at which a mail of those bytes was seen."""
    here = (messages.c.mailbox == sightings.c.mailbox) & (messages.c.folder == sightings.c.folder)
    same = (messages.c.generation == sightings.c.generation) & (messages.c.uid == sightings.c.uid)
    rows = connection.execute(
        select(sightings.c.folder, sightings.c.generation, sightings.c.uid)
        .join(messages, messages.c.sha256 == sightings.c.message)
        .where(sightings.c.message == sha256, here, not_(same))
        .order_by(sightings.c.seq)
    )
    return tuple((row.folder, row.generation, row.uid) for row in rows)


def begin(connection: Connection, sha256: str, at: str) -> int:
    """Count one more attempt at a waiting mail, before anything dangerous is done with it."""
    microseconds(at)
    attempts: int | None = connection.execute(
        update(messages)
        .where(messages.c.sha256 == sha256, messages.c.state == MessageState.RECEIVED)
        .values(attempts=messages.c.attempts + 1, last_attempt=at, note="")
        .returning(messages.c.attempts)
    ).scalar()
    if attempts is None:
        raise not_waiting(connection, sha256)
    return attempts


def met_trouble(connection: Connection, sha256: str, why: str) -> None:
    """Note of a waiting mail what trouble of our own its last attempt met; the next one clears it."""
    waits = (messages.c.sha256 == sha256) & (messages.c.state == MessageState.RECEIVED)
    connection.execute(update(messages).where(waits).values(note=why))


def set_aside(connection: Connection, sha256: str, at: str, why: str) -> None:
    """Take a waiting mail out of the queue until a person says ``retry``."""
    microseconds(at)
    changed = connection.execute(
        update(messages)
        .where(messages.c.sha256 == sha256, messages.c.state == MessageState.RECEIVED)
        .values(state=MessageState.SET_ASIDE, finished=at, note=why)
    )
    if not changed.rowcount:
        raise not_waiting(connection, sha256)


def drafted_since(connection: Connection, since: str, sender: str, case: str) -> tuple[int, int]:
    """Return how many drafts were made from that moment on: for mails of this sender, and in this Case.

    sender: an address, whatever its case. Empty text counts nothing.
    """
    start = microseconds(since)
    of_sender = (func.lower(messages.c.sender) == sender.lower()) if sender else false()
    of_case = (drafts.c.case_number == case) if case else false()
    rows = connection.execute(
        select(drafts.c.at, of_sender.label("of_sender"), of_case.label("of_case"))
        .join(messages, messages.c.sha256 == drafts.c.message)
        # The text of a moment may have any offset, so the day before may still be meant; the exact test follows.
        .where(or_(of_sender, of_case), drafts.c.at >= _day_before(since))
    )
    counted = [(row.of_sender, row.of_case) for row in rows if microseconds(row.at) >= start]
    return sum(bool(one) for one, _ in counted), sum(bool(one) for _, one in counted)


def _day_before(since: str) -> str:
    return (datetime.fromisoformat(since).astimezone(UTC) - timedelta(days=1)).date().isoformat()


def not_waiting(connection: Connection, sha256: str) -> LedgerConflict:
    """Return the words for a mail that is not among the waiting ones."""
    there = message(connection, sha256)
    if there is None:
        return LedgerConflict(f"The ledger knows no mail {sha256}: record its arrival first.")
    return LedgerConflict(
        f"The mail {sha256} is {there.state.value}, not waiting to be judged: leave it, or use 'pipeline retry'."
    )


def record(row: Row[tuple[object, ...]]) -> MessageRecord:
    """Return a row of ``messages`` as the value it stands for."""
    mail = row._mapping  # noqa: SLF001 - SQLAlchemy's documented name for a row's columns
    return MessageRecord(
        sha256=mail["sha256"],
        mailbox=mail["mailbox"],
        folder=mail["folder"],
        generation=mail["generation"],
        uid=mail["uid"],
        received=mail["received"],
        state=MessageState(mail["state"]),
        attempts=mail["attempts"],
        size=mail["size"],
        kind=mail["kind"],
        case=mail["case_number"] or "",
        message_id=mail["message_id"],
        subject=mail["subject"],
        sender=mail["sender"],
        note=mail["note"],
    )


def _in_state(connection: Connection, state: MessageState) -> tuple[MessageRecord, ...]:
    rows = connection.execute(
        select(messages).where(messages.c.state == state).order_by(messages.c.received_us, messages.c.seq)
    )
    return tuple(record(row) for row in rows)


def _portions(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
