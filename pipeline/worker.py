"""The worker: one visit to the mailbox and everything that follows from it, top to bottom.

    1. fetch   every unread mail that was not seen before goes to the spool: bytes, then the ledger's row;
    2. (the mailbox is let go of)
    3. judge   each waiting mail by itself: read, recognise, check, decide, word, promise; one commit;
    4. act     keep the promises: drafts first, then move the mail away; note each one.

Killed anywhere, the next run goes on where this one stopped: bytes are stored by their digest, rows are unique, a
promise is looked for in the mailbox before it is kept, and a mail leaves the inbox only after its effect is noted.
"""

import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256 as digest
from pathlib import Path

import structlog

from pipeline import judge
from pipeline.domain.draft import Draft
from pipeline.domain.judgement import Decision
from pipeline.domain.message import Message, Problem
from pipeline.judge import AUTOMATIC, FOR_A_PERSON, NEW_ENTRY, NOT_OURS
from pipeline.ledger.errors import LedgerBusy, LedgerConflict, NoSuchCase
from pipeline.ledger.records import Arrival, Conclusion, Effect, EffectState, MessageRecord, NewEffect
from pipeline.mailbox.port import Filed, Mailbox, MailboxRefused, MailboxUnavailable, Ref
from pipeline.mailbox.trouble import MailGone, MailTooLarge
from pipeline.office import Office, case_number_in, moment_of, stamp
from pipeline.readers.message import ReadMail

REPEAT = "repeat"
_LONGEST_WAIT = timedelta(hours=1)

log = structlog.get_logger()

Progress = Callable[[str, int, int], None]
"""Called with a step's name, how far it is, and how much there is to do."""


@dataclass
class Round:
    """What one run did; counts for the log and the terminal."""

    fetched: int = 0
    concluded: int = 0
    set_aside: int = 0
    failed: int = 0
    drafted: int = 0
    filed: int = 0
    unreachable: str = ""


class Worker:
    """Does the rounds over one mailbox. open_mailbox: makes a fresh visit to it."""

    def __init__(
        self, office: Office, open_mailbox: Callable[[], Mailbox], progress: Progress = lambda *_: None
    ) -> None:
        self.office = office
        self._open = open_mailbox
        self._progress = progress
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End the round after the mail or the promise at hand. Safe to call from a signal handler."""
        self._stopping.set()

    def run_once(self) -> Round:
        """Do one round. Trouble with the mailbox is noted and leaves what is spooled to be judged all the same."""
        done = Round()
        self._visit(self.fetch, done)
        self.judge(done)
        if self.office.ledger.effects_due(self.office.now()):
            self._visit(self.act, done)
        log.info("round done", step="round", **{k: v for k, v in vars(done).items() if v})
        return done

    def _visit(self, step: Callable[[Mailbox, Round], None], done: Round) -> None:
        try:
            mailbox = self._open()
        except (MailboxUnavailable, MailboxRefused) as error:
            self._unreachable("mailbox", error, done)
            return
        try:
            step(mailbox, done)
        except (MailboxUnavailable, MailboxRefused) as error:
            self._unreachable(mailbox.name, error, done)
        finally:
            mailbox.close()

    def _unreachable(self, name: str, error: Exception, done: Round) -> None:
        done.unreachable = str(error)
        log.warning("mailbox unreachable", step="visit", mailbox=name, error=str(error))
        self.office.ledger.note_poll(name, self.office.now(), False, str(error))

    # ---- 1. fetch

    def fetch(self, mailbox: Mailbox, done: Round) -> None:
        """Bring every unread mail that is not known yet to the spool."""
        office = self.office
        listed = mailbox.unread()
        known = office.ledger.known(mailbox.name, [(m.ref.folder, m.ref.generation, m.ref.uid) for m in listed])
        new = [m for m in listed if (m.ref.folder, m.ref.generation, m.ref.uid) not in known]
        for position, mail in enumerate(new, start=1):
            if self._stopping.is_set():
                return
            self._progress("fetch", position, len(new))
            try:
                raw = mailbox.fetch(mail.ref)
            except MailGone:
                continue
            except MailTooLarge as error:
                self._too_large(mailbox.name, mail.ref, mail.size, error, done)
                continue
            sha256 = office.artefacts.put(raw)
            if office.ledger.arrive(self._arrival(mailbox.name, mail.ref, sha256, len(raw))):
                done.fetched += 1
        office.ledger.note_poll(mailbox.name, office.now(), True, f"{len(listed)} unread, {len(new)} new")

    def _arrival(self, name: str, ref: Ref, sha256: str, size: int) -> Arrival:
        return Arrival(name, ref.folder, ref.generation, ref.uid, sha256, size, self.office.now())

    def _too_large(self, name: str, ref: Ref, size: int, error: MailTooLarge, done: Round) -> None:
        """Its bytes were not fetched, so its place stands for them; a person sees it on top of the list."""
        stands_for = digest(f"not fetched: {name} {ref.folder} {ref.generation} {ref.uid}".encode()).hexdigest()
        if self.office.ledger.arrive(self._arrival(name, ref, stands_for, size)):
            self.office.ledger.set_aside(stands_for, self.office.now(), str(error))
            done.set_aside += 1

    # ---- 3. judge

    def judge(self, done: Round) -> None:
        """Judge every waiting mail; one that fails is tried again later, and set aside after its last attempt."""
        office = self.office
        waiting = office.ledger.waiting()
        for position, record in enumerate(waiting, start=1):
            if self._stopping.is_set():
                return
            self._progress("judge", position, len(waiting))
            structlog.contextvars.bind_contextvars(mail=record.sha256[:12], rules=office.rules.fingerprint[:12])
            try:
                attempt = office.ledger.begin(record.sha256, office.now())
                if attempt > office.config.worker.attempts:
                    why = f"Three attempts at it ended badly; look at the log for {record.sha256[:12]}."
                    office.ledger.set_aside(record.sha256, office.now(), why)
                    done.set_aside += 1
                    log.error("mail set aside", step="judge")
                else:
                    self._judge_one(record, done)
            except LedgerBusy as error:
                log.warning("ledger busy", step="judge", error=str(error))
                return
            except Exception as error:  # noqa: BLE001 - one bad mail never stops the next (law 6)
                # Its attempts are counted, so it cannot loop. An exception's text may quote what must stay RED
                # (law 8), so only its kind and place are logged.
                done.failed += 1
                log.critical("mail failed", step="judge", error=type(error).__name__, where=_frames(error))
            finally:
                structlog.contextvars.unbind_contextvars("mail", "rules", "case")

    def _judge_one(self, record: MessageRecord, done: Round) -> None:
        office = self.office
        read = office.read_mail(record.sha256)
        if isinstance(read, Problem):
            office.ledger.set_aside(record.sha256, office.now(), read.text)
            done.set_aside += 1
            return
        message = read.message
        references = [*message.references, *([message.in_reply_to] if message.in_reply_to else [])]
        case = office.ledger.case_of(references, case_number_in(message.subject))
        books = judge.read_workbooks(message, read.contents, office.readers)
        kind, why = judge.recognise(message, books, office.rules, known_case=bool(case))
        workbooks = [book.artefact for book in books]
        repeated = self._repeats(read, workbooks) if kind == NEW_ENTRY and workbooks else ""
        if repeated:
            conclusion = self._repeat(record, message, repeated)
        elif kind == NEW_ENTRY:
            conclusion = self._new_entry(record, read, case, workbooks)
        else:
            conclusion = self._other(record, message, kind, why, case)
        structlog.contextvars.bind_contextvars(case=conclusion.case)
        office.ledger.conclude(conclusion)
        done.concluded += 1
        decision = conclusion.judgement.decision if conclusion.judgement else None
        log.info("mail concluded", step="judge", kind=conclusion.kind, decision=_words(decision))

    def _repeats(self, read: ReadMail, workbooks: list[str]) -> str:
        """Return the Case of an earlier mail with the very same files; empty where there is none."""
        files = {a.sha256 for a in read.message.attachments if not a.inline}
        cases = set(self.office.ledger.earlier_same(workbooks).values())
        for number in sorted(cases):
            for earlier in self.office.ledger.case(number).messages:
                other = self.office.read_mail(earlier.sha256) if earlier.kind == NEW_ENTRY else None
                if (
                    isinstance(other, ReadMail)
                    and {a.sha256 for a in other.message.attachments if not a.inline} == files
                ):
                    return number
        return ""

    def _new_entry(self, record: MessageRecord, read: ReadMail, case: str, workbooks: list[str]) -> Conclusion:
        office = self.office
        message = read.message
        circumstances = office.circumstances(record.received, case, workbooks)
        outcome = office.judge(read, circumstances)
        if outcome.decision is None:
            raise AssertionError("a mail of this kind is always decided about")
        number = case or office.ledger.next_case_number(circumstances.on.year)
        due = office.due(record.received)
        drafts: tuple[Draft, ...] = ()
        if outcome.template:
            drafts = (office.draft(outcome.template, message, outcome.judged, outcome.decision, case=number, due=due),)
        return self._conclusion(
            record,
            message,
            kind=NEW_ENTRY,
            case=number,
            opens=not case,
            due=due,
            judgement=office.judgement(record.sha256, circumstances, outcome.judged, outcome.decision),
            drafts=drafts,
            effects=(
                *(office.promise_draft(draft) for draft in drafts),
                office.promise_filing(record.sha256, message.message_id),
            ),
        )

    def _repeat(self, record: MessageRecord, message: Message, case: str) -> Conclusion:
        return self._conclusion(
            record,
            message,
            kind=REPEAT,
            case=case,
            note=f"The same files were sent before and are handled in {case}.",
            effects=(self.office.promise_filing(record.sha256, message.message_id),),
        )

    def _other(self, record: MessageRecord, message: Message, kind: str, why: str, case: str) -> Conclusion:
        """A mail that is left as it was, unread and where it is. One for a person gets a Case, to be seen."""
        if kind == FOR_A_PERSON and not case:
            number = self.office.ledger.next_case_number(moment_of(record.received).year)
            return self._conclusion(
                record, message, kind=kind, case=number, opens=True, due=self.office.due(record.received), note=why
            )
        belongs = case if kind not in {NOT_OURS, AUTOMATIC} else ""
        return self._conclusion(record, message, kind=kind, case=belongs, note=why)

    def _conclusion(
        self,
        record: MessageRecord,
        message: Message,
        *,
        kind: str,
        effects: tuple[NewEffect, ...] = (),
        **more: object,
    ) -> Conclusion:
        return Conclusion(
            message=record.sha256,
            at=self.office.now(),
            kind=kind,
            message_id=message.message_id,
            subject=message.subject,
            sender=message.senders[0].addr if message.senders else "",
            correspondent=self.office.correspondent(message),
            references=(*message.references, message.in_reply_to) if message.in_reply_to else message.references,
            effects=effects,
            **more,  # type: ignore[arg-type]  # the callers above name fields of Conclusion
        )

    # ---- 4. act

    def act(self, mailbox: Mailbox, done: Round) -> None:
        """Keep the promises that are due. A mail is filed only when the drafts of its Case are in the mailbox."""
        office = self.office
        due = office.ledger.effects_due(office.now())
        for position, effect in enumerate(due, start=1):
            if self._stopping.is_set():
                return
            self._progress("act", position, len(due))
            structlog.contextvars.bind_contextvars(case=effect.case)
            try:
                if effect.kind == "file" and self._drafts_open(effect):
                    continue
                note = self._keep(effect, mailbox, done)
                office.ledger.effect_done(effect.key, office.now(), note)
                log.info("promise kept", step="act", kind=effect.kind, note=note)
            except MailboxUnavailable as error:
                office.ledger.effect_failed(effect.key, office.now(), str(error), self._retry_at(effect))
                raise
            except MailboxRefused as error:
                office.ledger.effect_failed(effect.key, office.now(), str(error), None)
                log.warning("promise refused", step="act", kind=effect.kind, error=str(error))
            finally:
                structlog.contextvars.unbind_contextvars("case")

    def _drafts_open(self, effect: Effect) -> bool:
        try:
            effects = self.office.ledger.case(effect.case).effects
        except NoSuchCase:
            return False
        return any(e.kind == "draft" and e.state is not EffectState.DONE for e in effects)

    def _keep(self, effect: Effect, mailbox: Mailbox, done: Round) -> str:
        if effect.kind == "draft":
            raw = self.office.artefacts.get(effect.payload["artefact"])
            put = mailbox.save_draft(raw, effect.payload["message_id"])
            done.drafted += put
            return "put into Drafts" if put else "was in Drafts already"
        record = self.office.ledger.message(effect.payload["sha256"])
        if record is None:
            raise LedgerConflict(f"{effect.key}: the ledger does not know that mail")
        filed = mailbox.file_away(
            Ref(record.folder, record.generation, record.uid),
            record.sha256,
            effect.payload["message_id"],
            effect.payload["target"],
        )
        done.filed += filed is Filed.DONE
        return f"file away: {filed.value}"

    def _retry_at(self, effect: Effect) -> str:
        wait = timedelta(seconds=self.office.config.worker.retry_seconds) * 2 ** min(effect.attempts, 10)
        return stamp(self.office.clock() + min(wait, _LONGEST_WAIT))


def _frames(error: Exception) -> list[str]:
    """Where it happened, without any value."""
    return [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)[-4:]]


def _words(decision: Decision | None) -> str:
    return decision.outcome.value if decision else "none"
