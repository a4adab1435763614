"""What the worker and the helpdesk share: rules, templates, ledger, stored bytes, and the list in force.

Everything that could differ between two runs (the time, the bytes, the settings) comes in from outside.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from pipeline import __version__, judge
from pipeline.checks.papers import memory
from pipeline.compose import (
    Correspondent,
    Register,
    Sender,
    SetAside,
    Templates,
    aside_note,
    correspondent_of,
    own_marked,
    reply,
    sender_confirmed,
)
from pipeline.config import Config
from pipeline.domain.certificate import CertificateReading
from pipeline.domain.draft import Draft
from pipeline.domain.judgement import Circumstances, Decision, Judged
from pipeline.domain.message import Message, Problem
from pipeline.domain.product import ProductList
from pipeline.domain.signature import TrustMaterial
from pipeline.judge import ListInForce, Workbook
from pipeline.ledger.artefacts import ArtefactDamaged, ArtefactMissing, Artefacts
from pipeline.ledger.records import ASIDE, Judgement, MessageRecord, NewEffect
from pipeline.ledger.store import Ledger
from pipeline.mailbox.headers import message_id_of, subject_in
from pipeline.readers.child import Readers
from pipeline.readers.cpl import CplReading
from pipeline.readers.eligible import read_eligible
from pipeline.readers.message import ReadMail
from pipeline.readers.ocr import Progress, engines_of
from pipeline.readers.package import Unreadable
from pipeline.rulebook import Rulebook
from pipeline.trouble import Unavailable
from pipeline.trust import Fetch, Trust
from pipeline.workdays import due_day

CPL, EPCL = "cpl", "epcl"
_CASE_NUMBER = re.compile(r"\bCPL-\d{4}-\d{5,}\b")

log = structlog.get_logger()


def log_scan(_file: str, page: int, pages: int) -> None:
    """Note that a scanned page is about to be read, which takes seconds. The file's name is the sender's: left out."""
    log.info("reading a scanned page", step="ocr", page=page, pages=pages)


def stamp(moment: datetime) -> str:
    """Return a moment as the ledger keeps it: RFC 3339 in UTC, whole seconds."""
    return moment.astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_of(text: str) -> datetime:
    """Return the aware moment of a stamp."""
    return datetime.fromisoformat(text)


@dataclass
class Office:
    """The shared tools of one process. clock: returns the present moment, aware; asked nowhere below this floor.

    fetch: returns what an address holds or raises NotFetched; None where the settings do not allow to ask.
    """

    config: Config
    rules: Rulebook
    templates: Templates
    ledger: Ledger
    artefacts: Artefacts
    readers: Readers
    clock: Callable[[], datetime]
    fetch: Fetch | None = None
    trust: Trust = field(init=False)
    _lists: dict[tuple[str, str], ListInForce] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Look after the trust material of these settings."""
        self.trust = Trust(self.rules.signers.sets, self.config.trust.folder, self.artefacts)

    def now(self) -> str:
        """Return the present moment as a stamp."""
        return stamp(self.clock())

    # ---- the list in force

    def in_force(self) -> tuple[str, str]:
        """Return the sha256 of the CPL and of the EPCL in force; empty where none was imported."""
        cpl, epcl = self.ledger.in_force(CPL), self.ledger.in_force(EPCL)
        return (cpl.artefact if cpl else "", epcl.artefact if epcl else "")

    def ready(self) -> None:
        """Make sure of what every mail needs: the lists and the trust material. Unavailable says what is not there."""
        self.list_of(*self.in_force())
        self.trust.in_force()

    def list_of(self, cpl: str, epcl: str) -> ListInForce:
        """Return the CPL and EPCL of these sha256, read once in a process. Unavailable where one cannot be read."""
        if (cpl, epcl) not in self._lists:
            try:
                self._lists = {(cpl, epcl): self._read_lists(cpl, epcl)}
            except (ArtefactMissing, ArtefactDamaged) as error:
                raise Unavailable(f"The list in force cannot be used: {error} Or import the list anew.") from error
            except Unreadable as error:
                raise Unavailable(f"The EPCL in force cannot be used: {error.text}. Import it anew.") from error
        return self._lists[cpl, epcl]

    def _read_lists(self, cpl: str, epcl: str) -> ListInForce:
        template, products = None, ProductList("", "", ())
        if cpl:
            reading = self.read_list(self.artefacts.get(cpl))
            template = reading.template
            products = ProductList(cpl, template.version if template else "", reading.products)
        return ListInForce(template, products, read_eligible(self.artefacts.get(epcl)) if epcl else None)

    def read_list(self, data: bytes) -> CplReading:
        """Read a CPL workbook in the capped child; Unavailable says why it is none."""
        reading = self.readers.cpl(data)
        if isinstance(reading, Problem):
            raise Unavailable(f"The CPL workbook could not be read: {reading.text}")
        if reading.problems:
            raise Unavailable(f"The CPL workbook could not be read: {reading.problems[0].text}.")
        return reading

    # ---- judging

    def circumstances(
        self, record: MessageRecord, case: str, workbooks: Sequence[str], papers: Sequence[CertificateReading]
    ) -> Circumstances:
        """Gather what a judgement depends on besides the mail's bytes."""
        received = record.received
        keys = [key for paper in papers for key, _ in memory(paper)]
        cpl, epcl = self.in_force()
        seen = {sha: known for sha, known in self.ledger.earlier_same(workbooks).items() if known != case}
        return Circumstances(
            on=self.day_of(received),
            at=received,
            trust=self.trust.in_force(),
            cpl=cpl,
            epcl=epcl,
            pending=self.ledger.pending_submissions(case),
            submitters=self.config.people.submitters,
            dcc=self.config.people.dcc,
            seen=seen,
            known_certificates=self.ledger.known_certificates(keys, record.sha256),
            ocr=engines_of(papers),
            border=self.config.people.border,
        )

    def day_of(self, received: str) -> date:
        """Return the day of a moment where the office is."""
        return moment_of(received).astimezone(ZoneInfo(self.config.calendar.zone)).date()

    def read_mail(self, sha256: str) -> ReadMail | Problem:
        """Read a stored mail in the capped child. One that came from ourselves is marked as ``own``."""
        read = self.readers.message(self.artefacts.get(sha256))
        if isinstance(read, Problem):
            return read
        return replace(read, message=own_marked(read.message, self.config.reply.address))

    def read_workbooks(self, read: ReadMail) -> tuple[Workbook, ...]:
        """Read every workbook of a mail, each in the capped child."""
        return judge.read_workbooks(read.message, read.contents, self.readers)

    def sent_before(self, read: ReadMail, workbooks: Sequence[Workbook]) -> str:
        """Return the Case of an earlier submission with the very same files; empty where there is none."""
        files = _files(read.message)
        for number in sorted(set(self.ledger.earlier_same([book.artefact for book in workbooks]).values())):
            for earlier in self.ledger.case(number).messages:
                other = self.read_mail(earlier.sha256) if earlier.kind == judge.NEW_ENTRY else None
                if isinstance(other, ReadMail) and _files(other.message) == files:
                    return number
        return ""

    def read_papers(
        self, read: ReadMail, rules: Rulebook | None = None, progress: Progress = log_scan
    ) -> tuple[CertificateReading, ...]:
        """Read every certificate and letter of a mail, each in the capped child. rules: as for ``judge``."""
        return judge.read_papers(read.message, read.contents, self.readers, rules or self.rules, progress)

    def judge(
        self,
        read: ReadMail,
        workbooks: Sequence[Workbook],
        papers: tuple[CertificateReading, ...],
        circumstances: Circumstances,
        rules: Rulebook | None = None,
    ) -> judge.Outcome:
        """Judge a mail of the kind ``new-entry``. rules: those of this process when left out."""
        in_force = self.list_of(circumstances.cpl, circumstances.epcl)
        books = self._looked_at(read, workbooks, circumstances, self.trust.of(circumstances.trust))
        return judge.judge_mail(read.message, books, rules or self.rules, circumstances, in_force, papers=papers)

    def with_fetched(self, read: ReadMail, workbooks: Sequence[Workbook], found: Circumstances) -> Circumstances:
        """Fetch what the paths of the signers lack, where the settings allow it, and name the material with it."""
        if self.fetch is None:
            return found

        def look(trust: TrustMaterial) -> Sequence[Workbook]:
            return self._looked_at(read, workbooks, found, trust)

        return replace(found, trust=self.trust.completed(found.trust, look, self.fetch))

    def _looked_at(
        self, read: ReadMail, workbooks: Sequence[Workbook], circumstances: Circumstances, trust: TrustMaterial
    ) -> list[Workbook]:
        """Read the signature and the macro of every workbook that has a form."""
        template = self.list_of(circumstances.cpl, circumstances.epcl).template
        at = circumstances.at
        return [
            replace(
                book,
                closer=judge.look_closer(book.form, read.contents[book.artefact], self.readers, template, trust, at),
            )
            if book.readable
            else book
            for book in workbooks
        ]

    def judgement(
        self, message: str, circumstances: Circumstances, judged: tuple[Judged, ...], decision: Decision
    ) -> Judgement:
        """Return the record of a judgement under the rules of this process, whose bundle is stored with it."""
        return Judgement(
            message=message,
            at=self.now(),
            rules=self.artefacts.put(self.rules.bundle),
            version=__version__,
            circumstances=circumstances,
            judged=judged,
            decision=decision,
        )

    # ---- replies

    @property
    def sender(self) -> Sender:
        """Who every mail comes from."""
        settings = self.config.reply
        return Sender(settings.name, settings.address, settings.telephone, settings.signature)

    def draft(
        self, template: str, message: Message, judged: Sequence[Judged], decision: Decision, *, case: str, due: str
    ) -> Draft:
        """Word the reply to a mail and store its bytes; nothing reaches the mailbox yet."""
        to = self.correspondent(message, confirmed=sender_confirmed(judged))
        draft = reply(
            template,
            message=message,
            judged=judged,
            decision=decision,
            case=case,
            correspondent=to.addr,
            due=due,
            sender=self.sender,
            now=self.clock(),
            field_order=tuple(self.rules.fields),
            templates=self.templates,
            stranger=None if to.known else {rule.id: rule.title for rule in self.rules.checks.values()},
        )
        self.artefacts.put(draft.raw)
        return draft

    def correspondent(self, message: Message, *, confirmed: bool = False) -> Correspondent:
        """Return who is answered, and what staff should know of it. confirmed: a reviewer knows who sent the mail."""
        people = self.config.people
        others = (*people.dcc, *self.config.notices.ssc)
        register = Register(self.config.reply.address, people.submitters, others, people.contacts)
        return correspondent_of(message, register, people.border, confirmed=confirmed)

    def looping(self, message: Message, case: str) -> str:
        """Return why no more is drafted today for this sender, or in this Case; empty where it may be."""
        limits = self.config.worker
        sender = message.senders[0].addr if message.senders else ""
        since = stamp(self.clock() - timedelta(days=1))
        of_sender, of_case = self.ledger.drafted_since(since, sender=sender, case=case)
        if of_sender >= limits.per_sender:
            return f"{of_sender} drafts for mails of {sender} were made within 24 hours: two machines may be at it."
        if of_case >= limits.per_thread:
            return f"{of_case} drafts were made in {case} within 24 hours: two machines may be at it."
        return ""

    def due(self, received: str) -> str:
        """Return the day a Case is due, YYYY-MM-DD."""
        return due_day(moment_of(received), self.config.calendar).isoformat()

    def promise_draft(self, draft: Draft) -> NewEffect:
        """Return the promise to put a draft into the mailbox."""
        payload = {"artefact": self.artefacts.put(draft.raw), "message_id": draft.message_id}
        return NewEffect(f"draft:{draft.message_id}", "draft", payload)

    def promise_filing(self, sha256: str, message_id: str) -> NewEffect:
        """Return the promise to mark a mail read and move it away."""
        payload = {"sha256": sha256, "message_id": message_id, "target": self.config.folders.processed}
        return NewEffect(f"file:{sha256}", "file", payload)

    def promise_aside(self, record: MessageRecord, why: str) -> NewEffect:
        """Return the promise to move a mail that could not be judged to where people see it, with a note.

        One whose bytes are not here stays where it is: nobody can say what would be moved.
        """
        try:
            raw = self.artefacts.get(record.sha256)
        except (ArtefactMissing, ArtefactDamaged):
            raw = b""
        folder = self.config.folders.quarantine
        times = len(self.ledger.promised(f"aside:{record.sha256}:"))
        key = f"aside:{record.sha256}:{times + 1}"
        told = SetAside(record.sha256[:12], record.received, record.size, subject_in(raw), why, folder if raw else "")
        note = aside_note(told, key, sender=self.sender, now=self.clock(), templates=self.templates)
        payload = {
            "sha256": record.sha256 if raw else "",
            "message_id": message_id_of(raw),
            "target": folder,
            "artefact": self.artefacts.put(note.raw),
            "note": note.message_id,
        }
        return NewEffect(key, ASIDE, payload)


def case_number_in(subject: str) -> str:
    """Return the Case number that stands in a subject; empty where there is none."""
    match = _CASE_NUMBER.search(subject)
    return match[0] if match else ""


def references_of(message: Message) -> tuple[str, ...]:
    """Return the Message-IDs a mail refers to, oldest first, In-Reply-To last."""
    return (*message.references, message.in_reply_to) if message.in_reply_to else message.references


def _files(message: Message) -> set[str]:
    return {attachment.sha256 for attachment in message.attachments if not attachment.inline}
