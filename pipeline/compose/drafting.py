"""Makes the Draft: the same arguments give the same bytes, on every machine and in every year."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from pipeline.compose.headers import (
    SUBJECT_LIMIT,
    MessageIds,
    UnicodeLine,
    bare_subject,
    is_plain_address,
    named_address,
    one_line,
    thread,
)
from pipeline.compose.points import account
from pipeline.compose.templates import Rendered, Templates
from pipeline.compose.wording import VALUE_LIMIT, day, sentence
from pipeline.domain.draft import Draft
from pipeline.domain.judgement import Decision, Judged
from pipeline.domain.message import Message

GUIDANCE = "the SECAS Guidance Document 'Central Products List (CPL)', Version 6.0, on the SEC website"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who the reply comes from: the mailbox's own name and address, and how it signs.

    addr: one bare ASCII address. signature: lines under the greeting, in place of ``name`` where given.
    guidance: where the submitter finds the guidance, as the end of "The rules are in ...".
    """

    name: str
    addr: str
    phone: str = ""
    signature: tuple[str, ...] = ()
    guidance: str = GUIDANCE

    def __post_init__(self) -> None:
        """Refuse an address that no mail could come from: the settings are wrong, a person must mend them."""
        if not is_plain_address(self.addr):
            raise ValueError(f"The sender's address {self.addr!r} is not one bare address: set it as name@domain.")


def reply(
    kind: str,
    *,
    message: Message,
    judged: Sequence[Judged],
    decision: Decision,
    case: str,
    correspondent: str,
    due: str,
    sender: Sender,
    now: datetime,
    field_order: Sequence[str],
    templates: Templates,
) -> Draft:
    """Return the reply to a mail, ready for a person to read and send.

    kind: a folder of templates/. correspondent: one bare address; where it is not one, the draft has no To and the
    person fills it in. due: YYYY-MM-DD, or empty. now: aware; the Date. field_order: field names as the form has them.
    Raises TemplatesBroken, and ValueError for a ``now`` without a time zone.
    """
    if now.tzinfo is None:
        raise ValueError("The reply's date needs a time zone: pass an aware datetime.")
    to = correspondent if is_plain_address(correspondent) else ""
    number = one_line(case, 40)
    digest = _digest(kind, message=message, judged=judged, decision=decision, case=number, templates=templates)
    message_id = f"<{digest}.{_token(kind)}@{sender.addr.rpartition('@')[2]}>"
    values = _values(message=message, judged=judged, case=number, due=due, sender=sender, field_order=field_order)
    subject = _subject(kind, values, message, number, templates)
    mail = _mail(templates.bodies(kind, values), boundary=f"=_cpl_{digest}")
    mail["From"] = named_address(sender.name, sender.addr)
    if to:
        mail["To"] = named_address("", to)
    mail["Subject"] = UnicodeLine("Subject", subject)
    mail["Date"] = now
    mail["Message-ID"] = message_id
    if references := thread(message.message_id, message.in_reply_to, message.references):
        mail["In-Reply-To"] = MessageIds("In-Reply-To", references[-1:])
        mail["References"] = MessageIds("References", references)
    mail["Content-Language"] = "en-GB"
    # "OOF, AutoReply" and not "All", which would also suppress the bounces that the helpdesk wants to see.
    mail["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    # Outlook gives a sent draft another Message-ID; these two still tell our own mail.
    mail["X-CPL-Pipeline"] = number
    mail["X-CPL-Decision"] = f"{decision.outcome.value}; row={_token(decision.row)}; id={digest}"
    return Draft(kind=kind, message_id=message_id, to=to, subject=subject, raw=mail.as_bytes())


def _digest(
    kind: str,
    *,
    message: Message,
    judged: Sequence[Judged],
    decision: Decision,
    case: str,
    templates: Templates,
) -> str:
    """Return 32 hex digits that are the same exactly when the same is said about the same mail in the same words."""
    said = {
        "case": case,
        "message": message.sha256,
        "kind": kind,
        "decision": [decision.outcome.value, decision.row],
        "judged": [asdict(one) for one in judged],
        "templates": templates.fingerprint,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=True).encode("ascii")).hexdigest()[:32]


def _token(text: str) -> str:
    """Return text as an RFC 5322 atom, for a place in a header where nothing else may stand."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in text[:60]) or "none"


def _values(
    *,
    message: Message,
    judged: Sequence[Judged],
    case: str,
    due: str,
    sender: Sender,
    field_order: Sequence[str],
) -> dict[str, Any]:
    """Return what every template of every kind may use."""
    return {
        "case": case,
        "account": account(judged, message, case, field_order),
        "problems": tuple(_problem(p.text, p.where) for p in message.problems[:20]),
        "original": {"subject": sentence(message.subject, VALUE_LIMIT), "sent": sentence(message.sent, 60)},
        "due": day(due),
        "sender": {
            "name": sentence(sender.name, VALUE_LIMIT),
            "addr": sender.addr,
            "phone": sentence(sender.phone, 60),
            "signature": tuple(sentence(line, VALUE_LIMIT) for line in sender.signature or (sender.name,)),
            "guidance": sentence(sender.guidance),
        },
    }


def _problem(text: str, where: str) -> str:
    return f"{sentence(where, VALUE_LIMIT)}: {sentence(text)}" if where else sentence(text)


def _subject(kind: str, values: dict[str, Any], message: Message, case: str, templates: Templates) -> str:
    """Render the subject around as much of the correspondent's own as leaves the Case number its place."""
    frame = templates.subject(kind, {**values, "subject": "-"})
    bare = bare_subject(message.subject, case, SUBJECT_LIMIT - len(frame) + 1)
    return one_line(templates.subject(kind, {**values, "subject": bare}), SUBJECT_LIMIT)


def _mail(bodies: Rendered, boundary: str) -> EmailMessage:
    """Return multipart/alternative, text first. ``=_`` can stand in no quoted-printable line: the boundary is safe."""
    mail = EmailMessage(policy=SMTP)
    mail.set_content(bodies.text, cte="quoted-printable")
    mail.add_alternative(bodies.html, subtype="html", cte="quoted-printable")
    mail.set_boundary(boundary)
    return mail
