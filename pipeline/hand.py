"""What people do in the mailbox beside us: the replies that they sent are their decisions (ADR 0027).

Each visit looks through the sent mails of the last days. One that belongs to a Case is kept, and what it means is
noted once: the drafted outcome that stands in it was decided by whoever sent it; of any other reply a person is asked.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from hashlib import sha256

import structlog

from pipeline.compose import outcome_of, stands_in
from pipeline.desk import BY_HAND
from pipeline.domain.draft import Draft
from pipeline.domain.judgement import Outcome
from pipeline.domain.message import Message, Problem
from pipeline.ledger.errors import LedgerConflict
from pipeline.ledger.records import SENT, CaseRecord, EffectState, Judgement, NewEffect, Replied
from pipeline.mailbox.headers import recipients_in
from pipeline.mailbox.port import Mailbox, MailboxRefused, MailboxUnavailable, Ref, SentMail
from pipeline.mailbox.trouble import MailGone, MailTooLarge
from pipeline.office import Office
from pipeline.promises import Progress
from pipeline.trouble import OWN_TROUBLE, in_words

_ASK = "Say what was decided: 'pipeline decide {0} ...', or 'pipeline close {0}' where nothing is left to do."

_OVERLAP = timedelta(days=1)
"""Servers and we may not agree on where a day begins."""

log = structlog.get_logger()


class Hand:
    """Looks for what people did. stopping: whether to end after the mail at hand."""

    def __init__(self, office: Office, progress: Progress, stopping: Callable[[], bool]) -> None:
        self.office = office
        self._progress = progress
        self._stopping = stopping
        self._done: set[Ref] = set()
        self._since: date | None = None

    def look(self, mailbox: Mailbox) -> int:
        """Note every reply that was sent since the last good visit; how many were new.

        A folder of sent mails that we may not read is told in the log, and keeps nothing else from being done.
        """
        since = self._since or self._before_last_visit(mailbox.name)
        self._since = since  # until a look goes well, also where other steps of the visit do
        try:
            found = mailbox.sent(since)
        except MailboxRefused as error:
            log.warning("sent mails not read", step="hand", error=str(error))
            return 0
        noted = 0
        new = [mail for mail in found if mail.ref not in self._done]
        for position, mail in enumerate(new, start=1):
            if self._stopping():
                return noted
            self._progress("hand", position, len(new))
            noted += self._noted(mailbox, mail)
        self._done &= {mail.ref for mail in found}
        self._since = self.office.clock().date() - _OVERLAP
        return noted

    def _noted(self, mailbox: Mailbox, mail: SentMail) -> bool:
        number = self.office.ledger.case_of((*mail.references, mail.message_id), "")
        if not number:
            return False  # the mail it answers may be read later
        try:
            new = self._one(mailbox, mail, number)
        except (MailboxUnavailable, *OWN_TROUBLE):
            raise
        except (MailGone, MailTooLarge, MailboxRefused) as error:
            log.warning("sent mail not read", step="hand", case=number, error=str(error))
            new = False
        except Exception as error:  # noqa: BLE001 - one bad mail never stops the next (law 6)
            log.critical("sent mail failed", step="hand", case=number, **in_words(error))
            new = False
        self._done.add(mail.ref)
        return new

    def _before_last_visit(self, name: str) -> date:
        """Return the day before the last good visit."""
        polls = self.office.ledger.health(self.office.now()).polls
        last = next((poll.last_good for poll in polls if poll.mailbox == name), "") or self.office.now()
        return datetime.fromisoformat(last).date() - _OVERLAP

    def _one(self, mailbox: Mailbox, mail: SentMail, number: str) -> bool:
        ledger = self.office.ledger
        key = f"{SENT}:{sha256(mail.message_id.encode()).hexdigest()}"
        if ledger.promised(key):
            return False
        raw = mailbox.fetch(mail.ref)
        effect = NewEffect(key, SENT, {"sha256": self.office.artefacts.put(raw)}, EffectState.DONE)
        replied = self._meaning(ledger.case(number), mail, raw, effect)
        try:
            ledger.replied(replied)
        except LedgerConflict as error:  # it cannot be closed: something that was accepted would be forgotten
            replied = _asking(replace(replied, judgement=None, closes=False), f"{replied.effect.why} {error}")
            ledger.replied(replied)
        log.info("reply found among the sent mails", step="hand", case=number, state=replied.effect.state)
        return True

    def _meaning(self, record: CaseRecord, mail: SentMail, raw: bytes, effect: NewEffect) -> Replied:
        """Return what a reply says of its Case, and what follows from it."""
        by = self.office.config.reply.address
        plain = Replied(record.number, self.office.now(), by, mail.message_id, effect)
        read = self.office.readers.message(raw)
        if isinstance(read, Problem):
            return _asking(plain, f"A reply was sent that could not be read: {read.text}")
        message = read.message
        plain = replace(plain, by=message.senders[0].addr if message.senders else by)
        if set(message.automatic) - {"own"}:  # a draft that was sent as it stands carries our own mark
            return _told(plain, "Sent by a machine of ours: no decision.")
        drafts = [draft for draft in record.drafts if self._stands(draft, message)]
        newest = record.judgements[-1] if record.judgements else None
        addressed = recipients_in(raw).casefold()
        if not drafts:
            ours = {record.correspondent.casefold(), *(draft.to.casefold() for draft in record.drafts)}
            if not any(addr in addressed for addr in ours):
                return _told(plain, "A mail that concerns the Case was sent to somebody else.")
            return _in_other_words(plain, record, newest)
        if drafts[-1].to.casefold() not in addressed:
            return _asking(plain, "The drafted reply was sent to somebody else than it is for.")
        outcome = outcome_of(drafts[-1])
        if outcome in {None, Outcome.CLARIFY}:
            return _told(plain, "The drafted question or answer was sent.")
        if drafts[-1] != record.drafts[-1] or newest is None or newest.decision.outcome is not outcome:
            return _asking(plain, f"A reply that says '{outcome}' was sent, which is not what was drafted last.")
        return _decided(plain, record, newest)

    def _stands(self, draft: Draft, message: Message) -> bool:
        """Say whether what a Draft decides stands in a mail."""
        signature = self.office.sender.signature or (self.office.sender.name,)
        return stands_in(draft, message.body, signature)


def _decided(plain: Replied, record: CaseRecord, newest: Judgement) -> Replied:
    """The drafted outcome was sent: it is the decision of who sent it, as if they had said ``pipeline decide``."""
    outcome = newest.decision.outcome
    accepts = outcome is Outcome.ACCEPT
    if accepts and record.messages[-1].sha256 != newest.message:
        return _asking(plain, "The drafted acceptance was sent, and another mail of the Case had come in by then.")
    if not accepts and any(item.decision.outcome is Outcome.ACCEPT for item in newest.judged):
        return _asking(plain, "The drafted refusal was sent, which accepts some submissions of the mail.")
    told = _told(plain, "The drafted acceptance was sent." if accepts else "The drafted refusal was sent.")
    closes = not accepts and record.state == "open"
    if newest.decision.row == BY_HAND or record.state != "open":
        return replace(told, closes=closes)
    decision = replace(newest.decision, row=BY_HAND, reason=f"Sent from the mailbox by {plain.by}.", waits_for=None)
    return replace(told, closes=closes, judgement=replace(newest, at=plain.at, decision=decision))


def _in_other_words(plain: Replied, record: CaseRecord, newest: Judgement | None) -> Replied:
    if record.state != "open":
        return _told(plain, "A reply in other words was sent; the Case was closed before.")
    if newest is not None and newest.decision.row == BY_HAND:
        return _told(plain, f"A reply in other words was sent; {record.decided_by} had decided before.")
    if any(effect.kind == SENT and effect.state is EffectState.HELD for effect in record.effects):
        return _told(plain, "A reply was sent that is none of the drafts; of an earlier one it is asked already.")
    return _asking(plain, "A reply was sent that is none of the drafts.")


def _told(plain: Replied, why: str) -> Replied:
    return replace(plain, effect=replace(plain.effect, why=why))


def _asking(plain: Replied, why: str) -> Replied:
    asked = f"{why} {_ASK.format(plain.case)}"
    return replace(plain, effect=replace(plain.effect, state=EffectState.HELD, why=asked))
