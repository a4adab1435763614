"""Mails about a certificate's date: the reminder before it, and the notice to the SSC when it has passed.

Guidance V6.0, Appendix 5.4 says who is reminded and when, Appendices 3.2 and 5.4 what follows. What is said comes
from the published columns of the list; the contact's name stands in the mail to that contact and nowhere else.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pipeline.compose.changes import counted, entry, section
from pipeline.compose.envelope import Sender, envelope
from pipeline.compose.headers import SUBJECT_LIMIT, is_plain_address, one_line
from pipeline.compose.templates import Templates
from pipeline.compose.wording import day, sentence
from pipeline.domain.draft import Draft
from pipeline.domain.product import Product
from pipeline.domain.reminder import AtExpiry, Audience, Expired, Reminder, ReminderKind, Tracked

REMINDERS = ("reminder-expiry", "reminder-renewal", "reminder-trial")
"""The kinds of reminder that rules/reminders.yaml names: folders of templates/."""
EXPIRED = "expired-ssc"
_NUMBER_LIMIT, _NAME_LIMIT, _ALSO_LIMIT = 80, 80, 300


def is_reminder(kind: str) -> bool:
    """Tell whether a folder of templates/ holds a reminder, as every name that rules/reminders.yaml may give does."""
    return kind.startswith("reminder-")


def reminder(told: Reminder, *, sender: Sender, now: datetime, templates: Templates) -> Draft:
    """Return one reminder as a mail. now: aware; the Date.

    The Message-ID is of the reminder's key alone, so the same promise is the same mail, whenever it is written.
    Raises ValueError for a ``now`` without a time zone or an address no mail can go to, and TemplatesBroken.
    """
    span = told.questionnaire
    values = {
        **_about(told.certificate, told.entries, sender),
        "name": sentence(told.to.name, _NAME_LIMIT) if told.audience is Audience.SUBMITTER else "",
        "submitter": told.audience is Audience.SUBMITTER,
        "window": "1 month" if told.window.months == 1 else f"{told.window.months} months",
        "questionnaire": span
        and {
            "first": day(span.first.isoformat()),
            "last": day(span.last.isoformat()),
            "over": told.on > span.last,
        },
    }
    return _mail(told.template, told.key, told.to.addr, values, sender=sender, now=now, templates=templates)


def expired_notice(told: Expired, to: str, *, sender: Sender, now: datetime, templates: Templates) -> Draft:
    """Return the notice to the SSC of a date that has passed, with the entries concerned, for a person to send.

    to: an address of the SSC. The Message-ID is of the key and the address. Raises as ``reminder`` does.
    """
    kind = told.certificate.kind
    values = {
        **_about(told.certificate, told.certificate.entries, sender),
        "name": "",
        "trial": kind is ReminderKind.TRIAL,
        "renewal": kind is ReminderKind.RENEWAL,
        "removal": told.asked is AtExpiry.REMOVAL,
    }
    seed = f"{told.key}\n{to.casefold()}"
    return _mail(EXPIRED, seed, to, values, sender=sender, now=now, templates=templates)


def _about(certificate: Tracked, entries: Sequence[Product], sender: Sender) -> dict[str, Any]:
    number, *also = certificate.numbers
    shown = day(certificate.day.isoformat())
    return {
        "certificate": {
            "number": sentence(number, _NUMBER_LIMIT),
            "also": sentence(", ".join(also), _ALSO_LIMIT),
        },
        "day": shown,
        "date": shown.partition(" ")[2],
        "count": counted(len(entries)),
        "entries": section("", (entry(one.number, one) for one in entries)),
        "sender": sender.shown(),
    }


def _mail(
    kind: str,
    seed: str,
    to: str,
    values: dict[str, Any],
    *,
    sender: Sender,
    now: datetime,
    templates: Templates,
) -> Draft:
    if not is_plain_address(to):
        raise ValueError("A reminder goes to one bare address: list its entries for the helpdesk instead.")
    digest = hashlib.sha256(seed.encode("utf-8", "replace")).hexdigest()[:32]
    message_id = f"<{digest}.certificate@{sender.domain}>"
    subject = one_line(templates.subject(kind, values), SUBJECT_LIMIT)
    mail = envelope(
        templates.bodies(kind, values),
        sender=sender,
        to=to,
        subject=subject,
        now=now,
        message_id=message_id,
        digest=digest,
    )
    mail["Content-Language"] = "en-GB"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    mail["X-CPL-Pipeline"] = kind
    return Draft(kind=kind, message_id=message_id, to=to, subject=subject, raw=mail.as_bytes())
