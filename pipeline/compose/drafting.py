"""Makes the Draft: the same arguments give the same bytes, on every machine and in every year."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from pipeline.compose.envelope import Sender, envelope, token
from pipeline.compose.headers import (
    SUBJECT_LIMIT,
    Bracketed,
    bare_subject,
    is_plain_address,
    one_line,
    thread,
)
from pipeline.compose.points import Account, account
from pipeline.compose.templates import Templates
from pipeline.compose.wording import VALUE_LIMIT, day, sentence
from pipeline.domain.draft import Draft
from pipeline.domain.judgement import Decision, Judged
from pipeline.domain.message import Message


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
    stranger: Mapping[str, str] | None = None,
) -> Draft:
    """Return the reply to a mail, ready for a person to read and send.

    kind: a folder of templates/. correspondent: one bare address; where it is not one, the draft has no To and the
    person fills it in. due: YYYY-MM-DD, or empty. now: aware; the Date. field_order: field names as the form has them.
    stranger: where nobody can say who the correspondent is (``Correspondent.known``), the titles of checks by id; then
    nothing of what the mail holds is repeated.
    Raises TemplatesBroken, and ValueError for a ``now`` without a time zone.
    """
    number = one_line(case, 40)
    said = account(judged, message, number, field_order, stranger)
    shown = message if stranger is None else unrepeated(message)
    values = answer_values(message=shown, said=said, case=number, due=due, sender=sender)
    return answer(
        kind,
        message=shown,
        values=values if stranger is None else {**values, "stranger": True},
        case=number,
        label=f"{decision.outcome.value}; row={token(decision.row)}",
        digest=_digest(
            kind,
            message=message,
            judged=judged,
            decision=decision,
            case=number,
            templates=templates,
            stranger=stranger is not None,
        ),
        correspondent=correspondent,
        sender=sender,
        now=now,
        templates=templates,
    )


def answer(
    kind: str,
    *,
    message: Message,
    values: dict[str, Any],
    case: str,
    label: str,
    digest: str,
    correspondent: str,
    sender: Sender,
    now: datetime,
    templates: Templates,
) -> Draft:
    """Return an answer in the thread of a mail, about one Case, for a person to send.

    values: of ``answer_values`` and what the kind's own templates ask for. case: one line. label: what the header
    X-CPL-Decision says before ``digest``, which the Message-ID is made of.
    """
    to = correspondent if is_plain_address(correspondent) else ""
    message_id = f"<{digest}.{token(kind)}@{sender.domain}>"
    subject = _subject(kind, values, message, case, templates)
    mail = envelope(
        templates.bodies(kind, values),
        sender=sender,
        to=to,
        subject=subject,
        now=now,
        message_id=message_id,
        digest=digest,
    )
    if references := thread(message.message_id, message.in_reply_to, message.references):
        mail["In-Reply-To"] = Bracketed("In-Reply-To", references[-1:])
        mail["References"] = Bracketed("References", references)
    mail["Content-Language"] = "en-GB"
    # "OOF, AutoReply" and not "All", which would also suppress the bounces that the helpdesk wants to see.
    mail["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    # Outlook gives a sent draft another Message-ID; these two still tell our own mail.
    mail["X-CPL-Pipeline"] = case
    mail["X-CPL-Decision"] = f"{label}; id={digest}"
    if values["stranger"]:
        mail["X-CPL-Correspondent"] = "not-verified"
    return Draft(kind=kind, message_id=message_id, to=to, subject=subject, raw=mail.as_bytes())


def answer_values(*, message: Message, said: Account, case: str, due: str, sender: Sender) -> dict[str, Any]:
    """Return what every template of every kind of answer may use."""
    return {
        "case": case,
        "account": said,
        "problems": tuple(_problem(p.text, p.where) for p in message.problems[:20]),
        "original": {"subject": sentence(message.subject, VALUE_LIMIT), "sent": sentence(message.sent, 60)},
        "due": day(due),
        "sender": sender.shown(),
        "stranger": False,
    }


def unrepeated(message: Message) -> Message:
    """Return a mail without what only its sender has said, for a reply to somebody who may not be its sender."""
    return replace(message, subject="", sent="", problems=())


def _digest(
    kind: str,
    *,
    message: Message,
    judged: Sequence[Judged],
    decision: Decision,
    case: str,
    templates: Templates,
    stranger: bool,
) -> str:
    """Return 32 hex digits that are the same exactly when the same is said about the same mail in the same words."""
    said = {
        "case": case,
        "message": message.sha256,
        "kind": kind,
        "decision": [decision.outcome.value, decision.row],
        "judged": [asdict(one) for one in judged],
        "templates": templates.fingerprint,
        # Only where it is so: the ids of all other replies stay what they were.
        **({"stranger": True} if stranger else {}),
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=True).encode("ascii")).hexdigest()[:32]


def _problem(text: str, where: str) -> str:
    return f"{sentence(where, VALUE_LIMIT)}: {sentence(text)}" if where else sentence(text)


def _subject(kind: str, values: dict[str, Any], message: Message, case: str, templates: Templates) -> str:
    """Render the subject around as much of the correspondent's own as leaves the Case number its place."""
    frame = templates.subject(kind, {**values, "subject": "-"})
    bare = bare_subject(message.subject, case, SUBJECT_LIMIT - len(frame) + 1)
    return one_line(templates.subject(kind, {**values, "subject": bare}), SUBJECT_LIMIT)
