"""Which reminders are due on a day, and which dates have passed, beside what was promised before.

A window is used by its key, for ever: (certificate, date, months, recipient). On any day only the window that the day
lies in can be due, so a worker that slept sends the nearest one and never those before it. A changed date is another
key. A clock that ran ahead uses windows too early; they stay used when it is set right, as a second mail would be
worse than an early one, and ``calendar`` shows that they were sent early.
"""

import hashlib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from pipeline.domain.product import Product
from pipeline.domain.reminder import Audience, Contact, Expired, NoContact, Reminder, Window
from pipeline.remind.schedule import Planned, Schedule
from pipeline.rulebook.reminders import RemindersFile

NOBODY = "nobody"
"""Stands for the recipient in the key of entries without a contact."""

Contacts = Mapping[str, Sequence[Contact]]
"""Entry number to whoever is to be reminded of it: Contact-CPA of the form, or what was imported."""


@dataclass(frozen=True, slots=True)
class Parties:
    """Addresses of the Suppliers and of the DCC, from the settings."""

    suppliers: tuple[str, ...] = ()
    dcc: tuple[str, ...] = ()

    def of(self, audience: Audience) -> tuple[str, ...]:
        """Return the addresses of an audience; those of submitters stand with the entries."""
        return {Audience.SUPPLIERS: self.suppliers, Audience.DCC: self.dcc}.get(audience, ())


@dataclass(frozen=True, slots=True)
class Due:
    """What a day asks for. unaddressed: audiences that are concerned and have no usable address in the settings."""

    reminders: tuple[Reminder, ...] = ()
    without_contact: tuple[NoContact, ...] = ()
    unaddressed: tuple[Audience, ...] = ()


@dataclass(slots=True)
class _Recipient:
    """Whom one mail goes to and what it names. The first audience that brought the address words the mail."""

    audience: Audience
    contact: Contact
    entries: dict[tuple[int, str], Product] = field(default_factory=dict)


def due(schedule: Schedule, sent: Container[str], on: date, contacts: Contacts, parties: Parties) -> Due:
    """Return the reminders due on a day, one for each certificate, date, window and recipient, naming all its entries.

    sent: the keys promised before, of reminders and of NoContact, from the first day on. A key in it is never given
    again. Reminders are in the order of the dates; nothing is due before the first window or after the date.
    """
    reminders: list[Reminder] = []
    without: list[NoContact] = []
    unaddressed: dict[Audience, None] = {}
    for planned in schedule.near(on):
        window = planned.window(on)
        if window is None:
            continue
        found, silent, nobody = _recipients(planned, window, schedule.rules, contacts, parties)
        unaddressed.update(dict.fromkeys(silent))
        for addr, recipient in found.items():
            key = window_key(planned, window, digest(addr))
            if key not in sent:
                reminders.append(_reminder(key, planned, window, recipient, on))
        key = window_key(planned, window, NOBODY)
        if nobody and key not in sent:
            without.append(NoContact(key, planned.certificate, window, tuple(nobody), _why(nobody, contacts)))
    return Due(tuple(reminders), tuple(without), tuple(unaddressed))


def expired(schedule: Schedule, noted: Container[str], on: date) -> tuple[Expired, ...]:
    """Return the certificates whose date has passed, by date, without those whose key was noted before.

    Each asks for a case for the helpdesk and a notice to the SSC; the status changes by a person alone.
    """
    return tuple(one for planned in schedule.passed(on) if (one := planned.expired).key not in noted)


def window_key(planned: Planned, window: Window, recipient: str = "") -> str:
    """Return ``remind:cpa:14330539361497:2027-08-30:12:<recipient>``; without a recipient, what all of them share."""
    return f"remind:{planned.certificate.dated}:{window.months}:{recipient}"


@lru_cache(maxsize=8192)
def digest(addr: str) -> str:
    """Return what stands for an address in a key: the first 24 hexadecimal digits of its sha256, case folded."""
    return hashlib.sha256(addr.casefold().encode("utf-8", "replace")).hexdigest()[:24]


def _recipients(
    planned: Planned, window: Window, rules: RemindersFile, contacts: Contacts, parties: Parties
) -> tuple[dict[str, _Recipient], list[Audience], list[Product]]:
    """Return who is written to by folded address, the audiences nobody stands for, and entries without a contact."""
    audiences = next(rule.to for rule in planned.rule.windows if rule.months == window.months)
    found: dict[str, _Recipient] = {}
    silent: list[Audience] = []
    nobody: list[Product] = []
    for audience in audiences:
        condition = rules.audiences[audience]
        concerned = [one for one in planned.certificate.entries if condition.holds(one.kind[0], "smets2")]
        if audience is Audience.SUBMITTER:
            for entry in concerned:
                usable = [contact for contact in contacts.get(entry.number, ()) if contact.usable]
                _write_to(found, audience, usable, [entry])
                if not usable:
                    nobody.append(entry)
        elif concerned:
            usable = [contact for addr in parties.of(audience) if (contact := Contact(addr)).usable]
            _write_to(found, audience, usable, concerned)
            if not usable:
                silent.append(audience)
    return found, silent, nobody


def _write_to(
    found: dict[str, _Recipient], audience: Audience, contacts: Sequence[Contact], entries: Sequence[Product]
) -> None:
    for contact in contacts:
        recipient = found.setdefault(contact.addr.casefold(), _Recipient(audience, contact))
        recipient.entries.update(((entry.row, entry.number), entry) for entry in entries)


def _reminder(key: str, planned: Planned, window: Window, recipient: _Recipient, on: date) -> Reminder:
    return Reminder(
        key=key,
        template=planned.rule.template,
        audience=recipient.audience,
        to=recipient.contact,
        certificate=planned.certificate,
        window=window,
        entries=tuple(recipient.entries[place] for place in sorted(recipient.entries)),
        on=on,
        questionnaire=planned.questionnaire,
    )


def _why(entries: Sequence[Product], contacts: Contacts) -> str:
    odd = [entry.number for entry in entries if contacts.get(entry.number)]
    if odd:
        return f"The contact of {', '.join(odd)} is no address a mail can go to; give one as name@domain."
    return "No contact is known; give the address of whoever submitted it."
