"""What mails that came back say of mails of ours. A bounce is a stranger's claim: it is kept to be shown."""

from collections.abc import Sequence

from sqlalchemy import Connection, or_, select

from pipeline.domain.bounce import Bounce
from pipeline.ledger.codec import decode, encode, storable
from pipeline.ledger.reminder_records import BounceRecord
from pipeline.ledger.tables import bounces, effects


def note(connection: Connection, message: str, found: Sequence[Bounce], at: str) -> int:
    """Write down those that name a mail of ours, once for a recipient; how many name one."""
    ours = 0
    for bounce in found:
        key = _key_of(connection, bounce.message_id)
        if not key:
            continue
        ours += 1
        recipient = storable(bounce.recipient)
        noted = connection.execute(
            select(bounces.c.seq).where(
                bounces.c.effect_key == key, bounces.c.message == message, bounces.c.recipient == recipient
            )
        ).first()
        if noted is None:
            connection.execute(
                bounces.insert().values(
                    effect_key=key,
                    message=message,
                    at=at,
                    recipient=recipient,
                    status=bounce.status,
                    permanent=bounce.permanent,
                    text=bounce.text,
                )
            )
    return ours


def all_of_them(connection: Connection) -> tuple[BounceRecord, ...]:
    """Return what came back, oldest first."""
    rows = connection.execute(
        select(bounces, effects.c.case_number)
        .join(effects, effects.c.key == bounces.c.effect_key)
        .order_by(bounces.c.seq)
    )
    return tuple(
        BounceRecord(
            key=row.effect_key,
            case=row.case_number or "",
            message=row.message,
            at=row.at,
            recipient=row.recipient,
            status=row.status,
            permanent=row.permanent,
            text=row.text,
        )
        for row in rows
    )


def _key_of(connection: Connection, message_id: str) -> str:
    """Return the key of the promise to send, or to draft, the mail of that Message-ID; empty where there is none."""
    if not message_id:
        return ""
    said = encode({"message_id": message_id})[1:-1]  # as it stands among the others of a payload
    rows = connection.execute(
        select(effects.c.key, effects.c.payload)
        .where(
            effects.c.kind.in_(("send", "draft")),
            or_(effects.c.key == storable(f"send:{message_id}"), effects.c.payload.contains(said, autoescape=True)),
        )
        .order_by(effects.c.seq)
    )
    for row in rows:
        if message_id in {decode(row.payload, dict[str, str]).get("message_id"), row.key.partition(":")[2]}:
            return str(row.key)
    return ""
