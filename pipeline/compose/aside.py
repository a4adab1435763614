"""The note beside a mail that could not be judged: to the people who use the mailbox, and to nobody else."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pipeline.compose.envelope import Sender, envelope
from pipeline.compose.headers import SUBJECT_LIMIT, one_line
from pipeline.compose.templates import Templates
from pipeline.compose.wording import VALUE_LIMIT, sentence
from pipeline.domain.draft import Draft

ASIDE = "set-aside"
_WHY_LIMIT = 600


@dataclass(frozen=True, slots=True)
class SetAside:
    """What is known of a mail that was set aside. number: how ``pipeline cases`` calls it. size: octets.

    received: RFC 3339. folder: where it is moved to; empty for one that stays where it is, as it was never fetched.
    """

    number: str
    received: str
    size: int
    subject: str
    why: str
    folder: str


def aside_note(mail: SetAside, seed: str, *, sender: Sender, now: datetime, templates: Templates) -> Draft:
    """Return the note as a mail from ourselves to ourselves. seed: what the Message-ID is made of.

    Raises TemplatesBroken, and ValueError for a ``now`` without a time zone.
    """
    digest = hashlib.sha256(seed.encode("utf-8", "replace")).hexdigest()[:32]
    message_id = f"<{digest}.{ASIDE}@{sender.domain}>"
    values = {
        "number": one_line(mail.number, 40),
        "received": one_line(mail.received, 40),
        "size": f"{mail.size:,}",
        "subject": sentence(mail.subject, VALUE_LIMIT),
        "why": sentence(mail.why, _WHY_LIMIT),
        "folder": sentence(mail.folder, VALUE_LIMIT),
        "moved": bool(mail.folder),
        "sender": sender.shown(),
    }
    subject = one_line(templates.subject(ASIDE, values), SUBJECT_LIMIT)
    note = envelope(
        templates.bodies(ASIDE, values),
        sender=sender,
        to=sender.addr,
        subject=subject,
        now=now,
        message_id=message_id,
        digest=digest,
    )
    note["Content-Language"] = "en-GB"
    note["Auto-Submitted"] = "auto-generated"
    note["X-Auto-Response-Suppress"] = "All"
    note["X-CPL-Pipeline"] = ASIDE
    return Draft(kind=ASIDE, message_id=message_id, to=sender.addr, subject=subject, raw=note.as_bytes())


def aside_samples(number: str) -> Iterator[tuple[str, SetAside]]:
    """Yield mails set aside, each with its label: moved and not, with a subject and without."""
    why = "3 attempts at it ended badly: look for it in the log."
    at = "2026-11-23T09:30:00Z"
    yield "a mail that was moved", SetAside(number, at, 1_234_567, "A <new> meter & its certificate", why, "Quarantine")
    yield "a mail without a subject", SetAside(number, at, 12, "", why, "Team's Quarantine")
    yield "a mail that stays", SetAside(number, at, 99_000_000, "", "It has 99,000,000 octets.", "")
