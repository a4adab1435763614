"""From the list in force to the reminders of a day (guidance V6.0, Appendix 5.4), and to what follows an expiry.

The numbered procedure:
    1. look     at the list and the contacts in force: its certificates and their windows, once for each list;
    2. ask      what the day asks for (pipeline/remind), beside every key that was ever promised;
    3. word     each mail, and store its bytes;
    4. promise  all of it in one commit: to send where that is allowed, else to draft; a Case for each expiry; and take
                back what is promised, not kept, and no longer true.

The key of a reminder is the key of its promise, which is made once and for ever: killed anywhere, the next round
promises what is missing. Before a mail goes, ``is_current`` is asked once more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial

import structlog

from pipeline.compose.reminders import expired_notice, reminder
from pipeline.domain.draft import Draft
from pipeline.domain.reminder import Audience, Contact, Expired, NoContact, Reminder, ReminderKind, Tracked, Window
from pipeline.ledger.records import EffectState, NewEffect
from pipeline.ledger.reminder_records import NewCase, Promised
from pipeline.office import CPL, Office
from pipeline.readers.repository import CONTACT_EMAIL, CONTACT_NAME
from pipeline.releasing import CONTACTS, SEND, book
from pipeline.remind import (
    Calendar,
    Parties,
    Schedule,
    Tracking,
    calendar,
    certificates_of,
    due,
    expired,
    months_before,
    schedule,
)
from pipeline.rulebook.reminders import RemindersFile

REMINDERS, EXPIRIES = "remind:", "expired:"
"""How the keys begin."""
NO_CONTACT, EXPIRED = "no-contact", "expired"
"""Kinds of promises besides mails: what only a person can do, and what the commit itself does."""

_LONG_AGO = timedelta(days=31)
_OPEN = (EffectState.PENDING, EffectState.HELD)
_NUMBERS_LIMIT = 200
_ENDED = {
    ReminderKind.EXPIRY: "expired",
    ReminderKind.RENEWAL: "was to be renewed",
    ReminderKind.TRIAL: "(a trial) ended",
}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Outlook:
    """A list with its certificates, and who is reminded of them. cpl: its sha256."""

    cpl: str
    tracking: Tracking
    schedule: Schedule
    contacts: Mapping[str, tuple[Contact, ...]]
    parties: Parties


@dataclass(frozen=True, slots=True)
class Asked:
    """What a day asks for beside what was promised before; nothing of it is committed.

    reminders, without_contact, expired: not promised yet. withdrawn: key to why it is not kept any more. changed:
    promised and not kept, still due, and not as it would be promised now. first: nothing was ever promised or noted.
    """

    on: date
    reminders: tuple[Reminder, ...]
    without_contact: tuple[NoContact, ...]
    expired: tuple[Expired, ...]
    withdrawn: Mapping[str, str]
    changed: Mapping[str, tuple[Promised, Reminder | NoContact]]
    unaddressed: tuple[Audience, ...]
    first: bool

    @property
    def quiet(self) -> bool:
        """Whether there is nothing to commit."""
        return not (self.reminders or self.without_contact or self.expired or self.withdrawn or self.changed)


class Reminding:
    """Asks and promises, for one process: a list is looked at once, and a day once for each list."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self._looked: tuple[tuple[str, str], Outlook] | None = None
        self._kept: tuple[date, tuple[str, str]] | None = None

    def keep(self) -> int:
        """Promise what today asks for, once a day and list; how many mails. Unavailable where a list is unreadable."""
        on, books = self.today(), self._books()
        if self._kept == (on, books):
            return 0
        outlook = self.outlook()
        asked = self.asked(outlook, on) if outlook else None
        if outlook and asked and not asked.quiet:
            opened = self.promise(outlook, asked)
            log.info("reminders promised", step="remind", reminders=len(asked.reminders), cases=len(opened))
        self._kept = (on, books)
        return len(asked.reminders) if asked else 0

    def today(self) -> date:
        """Return the present day where the office is."""
        return self.office.day_of(self.office.now())

    # ---- 1. look

    def outlook(self) -> Outlook | None:
        """Return the list in force as reminders see it; None where none was imported, or the rules have no reminders.

        Unavailable where the list or the contacts cannot be read.
        """
        office, rules, books = self.office, self.office.rules, self._books()
        if not books[0] or rules.reminders is None:
            return None
        if self._looked is None or self._looked[0] != books:
            products = office.list_of(*office.in_force()).products
            tracking = certificates_of(products, rules)
            addresses = office.config.reminders
            outlook = Outlook(
                books[0],
                tracking,
                schedule(tracking.tracked, rules.reminders),
                _contacts(office),
                Parties(addresses.suppliers, addresses.dcc),
            )
            self._looked = (books, outlook)
        return self._looked[1]

    def _books(self) -> tuple[str, str]:
        """Return the sha256 of the list and of the contacts in force; empty for none."""
        found = (self.office.ledger.in_force(kind) for kind in (CPL, CONTACTS))
        cpl, contacts = (document.artefact if document else "" for document in found)
        return cpl, contacts

    # ---- 2. ask

    def asked(self, outlook: Outlook, on: date) -> Asked:
        """Return what a day asks for beside the ledger."""
        promised = {one.key: one for one in self.office.ledger.promised(REMINDERS)}
        noted = {one.key for one in self.office.ledger.promised(EXPIRIES)}
        whole = due(outlook.schedule, (), on, outlook.contacts, outlook.parties)
        used = {key for key, one in promised.items() if not one.unused}
        holds: dict[str, Reminder | NoContact] = {one.key: one for one in whole.reminders}
        holds |= {one.key: one for one in whole.without_contact}
        waiting = {key: one for key, one in promised.items() if one.state in _OPEN}
        return Asked(
            on=on,
            reminders=tuple(one for one in whole.reminders if one.key not in used),
            without_contact=tuple(one for one in whole.without_contact if one.key not in used),
            expired=expired(outlook.schedule, noted, on),
            withdrawn={key: _why_over(one, outlook, on) for key, one in waiting.items() if key not in holds},
            changed={
                key: (one, holds[key])
                for key, one in waiting.items()
                if key in holds and _facts(outlook, holds[key]).items() - one.payload.items()
            },
            unaddressed=whole.unaddressed,
            first=not promised and not noted,
        )

    # ---- 3. and 4.

    def promise(self, outlook: Outlook, asked: Asked) -> tuple[str, ...]:
        """Commit what a day asks for; return the Cases that were opened."""
        office = self.office
        return office.ledger.promise(
            (
                *(self._mail(outlook, one) for one in asked.reminders),
                *(self._without_contact(outlook, one) for one in asked.without_contact),
            ),
            office.now(),
            cases_of=self._cases(asked),
            withdrawn=asked.withdrawn,
            reworded=[self._again(outlook, *both) for both in asked.changed.values()],
        )

    def _mail(self, outlook: Outlook, told: Reminder) -> NewEffect:
        """Return the promise to send a reminder where that is allowed, else to put it into Drafts."""
        office = self.office
        mail = reminder(told, sender=office.sender, now=office.clock(), templates=office.templates)
        facts = {**_facts(outlook, told), "to": mail.to}
        draft = office.promise_draft(mail)
        sends = office.config.notices.send and office.config.smtp is not None
        return NewEffect(told.key, SEND if sends else draft.kind, {**draft.payload, **facts})

    def _without_contact(self, outlook: Outlook, told: NoContact) -> NewEffect:
        return NewEffect(told.key, NO_CONTACT, _facts(outlook, told), EffectState.HELD, told.why)

    def _again(self, outlook: Outlook, before: Promised, told: Reminder | NoContact) -> NewEffect:
        """Return a promise with what holds under this list; the same mail where it names the same entries."""
        facts = _facts(outlook, told)
        if isinstance(told, Reminder) and before.payload["entries"] != facts["entries"]:
            return replace(self._mail(outlook, told), kind=before.kind)
        return NewEffect(before.key, before.kind, {**before.payload, **facts})

    def _cases(self, asked: Asked) -> list[NewCase]:
        """Return a Case for each expiry; one for all that were over long before the pipeline first looked."""
        old = [one for one in asked.expired if asked.first and asked.on - one.certificate.day > _LONG_AGO]
        cases = [self._expiry(one) for one in asked.expired if one not in old]
        if old:
            entries = sum(len(one.certificate.entries) for one in old)
            subject = f"Certificates whose date passed before the pipeline looked after them: {len(old)}, {entries}"
            why = (
                f"Not drafted, as it was over more than {_LONG_AGO.days} days before. Tell the SSC where it must know."
            )
            marks = tuple(_mark(one, why) for one in old)
            cases.insert(0, self._case(f"{subject} entries are still Current", marks))
        return cases

    def _expiry(self, one: Expired) -> NewCase:
        office, certificate = self.office, one.certificate
        write = partial(expired_notice, one, sender=office.sender, now=office.clock(), templates=office.templates)
        drafts: tuple[Draft, ...] = tuple(write(address) for address in office.config.notices.ssc)
        told = ", ".join(draft.to for draft in drafts)
        why = f"Drafted to {told}." if told else "Not drafted, as the settings name no address of the SSC: notices.ssc."
        subject = (
            f"{_numbers(certificate)} {_ENDED[certificate.kind]} on {certificate.day:%d/%m/%Y}, "
            f"and entries that carry it are still Current: {len(certificate.entries)}"
        )
        effects = (_mark(one, why), *(office.promise_draft(draft) for draft in drafts))
        return self._case(subject, effects, tuple(draft.message_id for draft in drafts))

    def _case(self, subject: str, effects: tuple[NewEffect, ...], message_ids: tuple[str, ...] = ()) -> NewCase:
        now = self.office.now()
        return NewCase(self.office.day_of(now).year, subject, self.office.due(now), effects, message_ids)

    # ---- what people look at

    def calendar(self, outlook: Outlook, on: date, months: int) -> Calendar:
        """Return the months to come, with what the ledger knows of each window. ValueError as ``remind.calendar``."""
        office = self.office
        promised = office.ledger.promised(REMINDERS)
        kept = {one.key: (one.kind, office.day_of(one.done)) for one in promised if one.state is EffectState.DONE}
        held = {one.key: one.error for one in promised if one.state in {EffectState.HELD, EffectState.UNKNOWN}}
        for came in office.ledger.bounces():
            if came.key.startswith(REMINDERS):
                held[came.key] = f"came back from {came.recipient or 'somebody'}: {came.status} {came.text}"
        return calendar(
            outlook.schedule,
            {key: day for key, (kind, day) in kept.items() if kind == SEND},
            held,
            on,
            drafted={key: day for key, (kind, day) in kept.items() if kind != SEND},
            months=months,
            untracked=outlook.tracking.untracked,
            remarks=outlook.tracking.remarks,
        )


def is_current(office: Office, payload: Mapping[str, str]) -> bool:
    """Say whether a promise may still be kept now: a reminder only under the list, and up to the day, it is right for.

    True for whatever is no reminder. One that is not current is looked at again by the next round, before it goes.
    """
    if "until" not in payload:
        return True
    today = office.day_of(office.now()).isoformat()
    return today <= payload["until"] and payload["list"] == office.in_force()[0]


def _contacts(office: Office) -> dict[str, tuple[Contact, ...]]:
    """Return entry number to whoever is reminded of it. A cell may hold several addresses."""
    found = {}
    for row in book(office, CONTACTS):
        name = row.values.get(CONTACT_NAME, "")
        addresses = row.values.get(CONTACT_EMAIL, "").replace(",", ";").split(";")
        found[row.number] = tuple(Contact(address.strip(), name) for address in addresses if address.strip())
    return found


def _facts(outlook: Outlook, told: Reminder | NoContact) -> dict[str, str]:
    """Return what a promise keeps of a reminder, to be shown and to be compared with the next list."""
    return {
        "list": outlook.cpl,
        "until": until(told.certificate, told.window, outlook.schedule.rules).isoformat(),
        "entries": " ".join(entry.number for entry in told.entries),
        "certificate": _numbers(told.certificate),
    }


def until(certificate: Tracked, window: Window, rules: RemindersFile) -> date:
    """Return the last day on which a window is the nearest: the date itself, or the day before the next one begins."""
    later = [one.months for one in rules.rule(certificate.kind).windows if one.months < window.months]
    return months_before(certificate.day, max(later)) - timedelta(days=1) if later else certificate.day


def _mark(one: Expired, why: str) -> NewEffect:
    """Return what notes an expiry for ever; it is done with the commit that opens its Case."""
    certificate = one.certificate
    payload = {
        "certificate": _numbers(certificate),
        "day": certificate.day.isoformat(),
        "entries": " ".join(entry.number for entry in certificate.entries),
        "asked": one.asked.value,
        "notice": why,
    }
    return NewEffect(one.key, EXPIRED, payload, EffectState.DONE, "noted for the helpdesk")


def _numbers(certificate: Tracked) -> str:
    """Return the number as most rows write it."""
    return " ".join(certificate.numbers[0].split())[:_NUMBERS_LIMIT]


def _why_over(promised: Promised, outlook: Outlook, on: date) -> str:
    """Say why a promise that was not kept is not to be kept any more."""
    dated = promised.key.removeprefix(REMINDERS).rsplit(":", 2)[0]
    if all(one.certificate.dated != dated for one in outlook.schedule.planned):
        return "Not sent: no Current entry of the list carries that certificate with that date any more."
    if on.isoformat() > promised.payload["until"]:
        return "Not sent: its window was over before it could be sent."
    if promised.kind == NO_CONTACT:
        return "A contact is known by now."
    return "Not sent: by the list, the contacts and the settings of now it goes to somebody else, or it is not due yet."
