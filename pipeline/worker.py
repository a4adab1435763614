"""The worker: one visit to the mailbox and everything that follows from it, top to bottom.

    1. fetch   what people did themselves is noted (pipeline/hand.py), and every unread mail that was not seen before
               goes to the spool (pipeline/fetching.py);
    2. (the mailbox is let go of)
    3. judge   each waiting mail by itself: read, recognise, check, decide, word, promise; one commit;
    4. remind  of the certificates whose date comes near or has passed, as promises (pipeline/reminding.py);
    5. keep    the promises: drafts first, then move the mail away; note each one (pipeline/promises.py);
    6. send    what may be sent, and put Releases into their folder (pipeline/dispatch.py).

Killed anywhere, the next run goes on where this one stopped: bytes are stored by their digest, rows are unique, a
promise is looked for in the mailbox before it is kept, and a mail leaves the inbox only after its effect is noted.
Of several workers on one ledger one does a round at a time (pipeline/turn.py).
One bad mail or one bad promise never stops the next; trouble of our own that all of them would meet ends the round.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import closing, suppress

import structlog

from pipeline.asked import AMENDMENT, Asked
from pipeline.checks.papers import memory
from pipeline.dispatch import Dispatch, OpenTransport
from pipeline.domain.draft import Draft
from pipeline.domain.message import Message, Problem
from pipeline.domain.release import Amendment
from pipeline.doubles import Doubles
from pipeline.fetching import REPEAT, Fetching, set_aside
from pipeline.hand import Hand
from pipeline.judge import AUTOMATIC, FOR_A_PERSON, NEW_ENTRY, NOT_OURS, Workbook, recognise
from pipeline.ledger.records import Conclusion, MessageRecord, NewEffect, SeenCertificate
from pipeline.mailbox.port import Mailbox, MailboxRefused, MailboxUnavailable
from pipeline.office import Office, case_number_in, log_scan, references_of
from pipeline.promises import Progress, Promises, Round
from pipeline.readers.message import ReadMail
from pipeline.reminding import Reminding
from pipeline.requesting import answer, asked_of, proposed
from pipeline.trouble import OWN_TROUBLE, in_words
from pipeline.turn import Turn, TurnLost

log = structlog.get_logger()


class Worker:
    """Does the rounds over one mailbox. open_mailbox: makes a fresh visit to it. transport, owner: as in Dispatch."""

    def __init__(
        self,
        office: Office,
        open_mailbox: Callable[[], Mailbox],
        progress: Progress = lambda *_: None,
        *,
        transport: OpenTransport | None = None,
        owner: str = "worker",
    ) -> None:
        self.office = office
        self._open = open_mailbox
        self._name = ""
        self._stopping = threading.Event()
        self.turn = Turn(office, owner)
        self._progress = progress = self.turn.kept_while(progress)
        self.hand = Hand(office, progress, self._ends)
        self.doubles = Doubles(office)
        self.fetching = Fetching(office, progress, self._ends)
        self.reminding = Reminding(office)
        self.promises = Promises(office, progress, self._ends, self.turn)
        self.dispatch = Dispatch(office, transport, progress, self._ends, owner)

    def stop(self) -> None:
        """End the round after the mail or the promise at hand. Called from another thread."""
        self._stopping.set()

    def _ends(self) -> bool:
        return self._stopping.is_set() or bool(self.turn.lost)

    def run_once(self) -> Round:
        """Do one round. Trouble with the mailbox is noted and leaves what is spooled to be judged all the same.

        Where another worker of this ledger has its turn, nothing is done. Raises one of OWN_TROUBLE, when what can be
        done without it has been done; the next round goes on.
        """
        done = Round()
        with self.turn.taken() as ours, suppress(TurnLost):
            if ours:
                self._round(done)
        done.elsewhere = self.turn.lost
        log.info("round done", step="round", **{k: v for k, v in vars(done).items() if v})
        return done

    def _round(self, done: Round) -> None:
        reached = self._visit(self._look, done)
        try:
            self.judge(done)
            if not self._ends():
                done.reminded = self.reminding.keep()
        finally:
            # A mailbox that was away a moment ago is left in peace: nothing is held up or put on hold for it.
            if reached and not self._ends() and self.promises.open():
                self._visit(self.promises.keep, done)
            if not self._ends():
                self.dispatch.keep(done)

    def _look(self, mailbox: Mailbox, done: Round) -> None:
        """See what people did, then what came in: what they sent, they sent without knowing of it.

        Trouble with what they did keeps no mail from being fetched; a server that is away says so again.
        """
        try:
            done.answered = self.hand.look(mailbox)
            self.doubles.sweep(mailbox)
        except MailboxUnavailable as error:
            log.warning("not seen what people did", step="hand", error=str(error))
        self.fetching.fetch(mailbox, done)

    def _visit(self, step: Callable[[Mailbox, Round], None], done: Round) -> bool:
        """Say whether the mailbox could be used."""
        try:
            with closing(self._open()) as mailbox:
                self._name = mailbox.name
                step(mailbox, done)
        except (MailboxUnavailable, MailboxRefused) as error:
            done.unreachable = str(error)
            log.warning("mailbox unreachable", step="visit", mailbox=self._name, error=str(error))
            if self._name:  # it is not known before the first visit
                self.office.ledger.note_poll(self._name, self.office.now(), False, str(error))
            return False
        return True

    # ---- 3. judge

    def judge(self, done: Round) -> None:
        """Judge every waiting mail; one that fails is tried again later, and set aside after its last attempt."""
        office = self.office
        most = office.config.worker.attempts
        # The first to come is judged first, but one that cannot get on keeps no other back.
        waiting = sorted(office.ledger.waiting(), key=lambda record: record.attempts >= most)
        if waiting:
            office.ready()  # where it is not, no mail is begun and no attempt counted
        for position, record in enumerate(waiting, start=1):
            if self._ends():
                return
            self._progress("judge", position, len(waiting))
            structlog.contextvars.bind_contextvars(mail=record.sha256[:12], rules=office.rules.fingerprint[:12])
            try:
                self._attempt(record, done)
            except (TurnLost, *OWN_TROUBLE):
                raise
            except Exception as error:  # noqa: BLE001 - one bad mail never stops the next (law 6)
                # Its attempts are counted, so it cannot loop. Where another worker has taken over, it is theirs.
                self.turn.goes_on()
                done.failed += 1
                log.critical("mail failed", step="judge", **in_words(error))
            finally:
                structlog.contextvars.unbind_contextvars("mail", "rules", "case")

    def _attempt(self, record: MessageRecord, done: Round) -> None:
        office, most = self.office, self.office.config.worker.attempts
        if not office.artefacts.has(record.sha256):
            if not done.unreachable:  # otherwise it may be fetched at the next round
                set_aside(office, record.sha256, "Its bytes are not here, and it is not unread in the mailbox.", done)
            return
        attempt = office.ledger.begin(record.sha256, office.now())
        if attempt > most and not record.note:
            why = f"{most} attempts at it ended badly: look for {record.sha256[:12]} in the log."
            set_aside(office, record.sha256, why, done)
            return
        try:
            read = office.read_mail(record.sha256)
            if not isinstance(read, Problem):
                self._judge_one(record, read, done)
            elif attempt >= most:
                set_aside(office, record.sha256, read.text, done)
            else:
                done.failed += 1
                log.warning("mail not read", step="judge", problem=read.kind, attempt=attempt)
        except OWN_TROUBLE as error:
            with suppress(*OWN_TROUBLE):  # a disk that is full for an hour sets no mail aside
                office.ledger.met_trouble(record.sha256, str(error))
            raise

    def _judge_one(self, record: MessageRecord, read: ReadMail, done: Round) -> None:
        office = self.office
        message = read.message
        case = office.ledger.case_of(references_of(message), case_number_in(message.subject))
        books = office.read_workbooks(read)
        kind, why = recognise(message, books, office.rules, known_case=bool(case))
        if kind != NEW_ENTRY and read.may_be_bounce:
            self._look_for_bounces(record)
        proposals: tuple[Amendment, ...] = ()
        repeated = office.sent_before(read, books) if kind == NEW_ENTRY and books else ""
        if repeated:
            conclusion = self._repeat(record, message, repeated)
        elif kind == NEW_ENTRY and (looping := office.looping(message, case)):
            conclusion = self._other(record, message, FOR_A_PERSON, looping, case)
        elif kind == NEW_ENTRY:
            conclusion = self._new_entry(record, read, books, case)
        else:
            conclusion, proposals = self._without_form(record, read, kind, why, case)
        structlog.contextvars.bind_contextvars(case=conclusion.case)
        office.ledger.conclude(conclusion, proposals)
        done.concluded += 1
        decision = conclusion.judgement.decision.outcome.value if conclusion.judgement else "none"
        log.info("mail concluded", step="judge", kind=conclusion.kind, decision=decision)

    def _new_entry(self, record: MessageRecord, read: ReadMail, books: Sequence[Workbook], case: str) -> Conclusion:
        office, message = self.office, read.message
        papers = office.read_papers(read, progress=self._scanning)
        circumstances = office.circumstances(record, case, [book.artefact for book in books], papers)
        circumstances = office.with_fetched(read, books, circumstances)
        outcome = office.judge(read, books, papers, circumstances)
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
            certificates=tuple(SeenCertificate(key, *said) for paper in papers for key, said in memory(paper)),
            drafts=drafts,
            effects=(
                *(office.promise_draft(draft) for draft in drafts),
                office.promise_filing(record.sha256, message.message_id),
            ),
        )

    def _without_form(
        self, record: MessageRecord, read: ReadMail, kind: str, why: str, case: str
    ) -> tuple[Conclusion, tuple[Amendment, ...]]:
        if not case and kind in {FOR_A_PERSON, NOT_OURS}:
            asked = asked_of(self.office, read, self._scanning, ours=kind == FOR_A_PERSON)
            if asked.proposals and (looping := self.office.looping(read.message, case)):
                return self._other(record, read.message, FOR_A_PERSON, looping, case), ()
            if asked.proposals:
                return self._amendment(record, read.message, asked)
        return self._other(record, read.message, kind, why, case), ()

    def _amendment(
        self, record: MessageRecord, message: Message, asked: Asked
    ) -> tuple[Conclusion, tuple[Amendment, ...]]:
        """A request for a change to listed entries, which has no form: a person orders what is proposed, or not."""
        office = self.office
        number = office.ledger.next_case_number(office.day_of(record.received).year)
        due = office.due(record.received)
        proposals = proposed(office, asked, record, message, number)
        draft = answer(office, message, proposals, case=number, due=due)
        numbers = ", ".join(one.number for one in proposals)
        conclusion = self._conclusion(
            record,
            message,
            kind=AMENDMENT,
            case=number,
            opens=True,
            due=due,
            note=f"It asks for a change to listed entries: {numbers}, see 'pipeline amend --list'.",
            drafts=(draft,),
            effects=(office.promise_draft(draft), office.promise_filing(record.sha256, message.message_id)),
        )
        return conclusion, proposals

    def _look_for_bounces(self, record: MessageRecord) -> None:
        """Note what a mail says of mails of ours that came back: to be shown, and nothing else follows."""
        told = self.office.readers.bounces(self.office.artefacts.get(record.sha256))
        found = () if isinstance(told, Problem) else told.found
        if found and self.office.ledger.note_bounces(record.sha256, found, self.office.now()):
            log.warning("a mail of ours came back", step="judge", recipients=len(found))

    def _scanning(self, file: str, page: int, pages: int) -> None:
        """Tell that a scanned page is read now: each takes seconds, and whoever watches must not think us dead."""
        log_scan(file, page, pages)
        self._progress("scan", page, pages)

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
            number = self.office.ledger.next_case_number(self.office.day_of(record.received).year)
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
        note: str = "",
        effects: tuple[NewEffect, ...] = (),
        **more: object,
    ) -> Conclusion:
        why = self.office.correspondent(message).why if kind in {NEW_ENTRY, AMENDMENT, FOR_A_PERSON} else ""
        return Conclusion(
            message=record.sha256,
            at=self.office.now(),
            kind=kind,
            message_id=message.message_id,
            subject=message.subject,
            sender=message.senders[0].addr if message.senders else "",
            # Whose Case it is, should they be who they say: nothing is accepted before that is settled.
            correspondent=self.office.correspondent(message, confirmed=True).addr,
            note=" ".join(filter(None, (note, why))),
            references=references_of(message),
            effects=effects,
            **more,  # type: ignore[arg-type]  # the callers above name fields of Conclusion
        )
