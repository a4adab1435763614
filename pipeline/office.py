"""What the worker and the helpdesk share: rules, templates, ledger, stored bytes, and the list in force.

Everything that could differ between two runs (the time, the bytes, the settings) comes in from outside.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

from pipeline import __version__, judge
from pipeline.compose import Sender, Templates, reply
from pipeline.config import Config
from pipeline.domain.draft import Draft
from pipeline.domain.judgement import Circumstances, Decision, Judged
from pipeline.domain.message import Message, Problem
from pipeline.domain.product import ProductList
from pipeline.judge import ListInForce
from pipeline.ledger.artefacts import Artefacts
from pipeline.ledger.records import Judgement, NewEffect
from pipeline.ledger.store import Ledger
from pipeline.readers.child import Readers
from pipeline.readers.cpl import CplReading
from pipeline.readers.eligible import read_eligible
from pipeline.readers.message import ReadMail
from pipeline.rulebook import Rulebook
from pipeline.workdays import due_day

CPL, EPCL = "cpl", "epcl"
_CASE_NUMBER = re.compile(r"\bCPL-\d{4}-\d{5,}\b")

log = structlog.get_logger()


class Unavailable(Exception):  # noqa: N818 - named for the fact
    """Something of our own that the work needs is missing or unusable. The text says what to do about it."""


def stamp(moment: datetime) -> str:
    """Return a moment as the ledger keeps it: RFC 3339 in UTC, whole seconds."""
    return moment.astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_of(text: str) -> datetime:
    """Return the aware moment of a stamp."""
    return datetime.fromisoformat(text)


@dataclass
class Office:
    """The shared tools of one process. clock: returns the present moment, aware; asked nowhere below this floor."""

    config: Config
    rules: Rulebook
    templates: Templates
    ledger: Ledger
    artefacts: Artefacts
    readers: Readers
    clock: Callable[[], datetime]
    _lists: dict[tuple[str, str], ListInForce] = field(default_factory=dict)

    def now(self) -> str:
        """Return the present moment as a stamp."""
        return stamp(self.clock())

    # ---- the list in force

    def in_force(self) -> tuple[str, str]:
        """Return the sha256 of the CPL and of the EPCL in force; empty where none was imported."""
        cpl, epcl = self.ledger.in_force(CPL), self.ledger.in_force(EPCL)
        return (cpl.artefact if cpl else "", epcl.artefact if epcl else "")

    def list_of(self, cpl: str, epcl: str) -> ListInForce:
        """Return the CPL and EPCL of these sha256, read once in a process."""
        if (cpl, epcl) not in self._lists:
            template, products = None, ProductList("", "", ())
            if cpl:
                reading = self.read_list(self.artefacts.get(cpl))
                template = reading.template
                products = ProductList(cpl, template.version if template else "", reading.products)
            eligible = read_eligible(self.artefacts.get(epcl)) if epcl else None
            self._lists = {(cpl, epcl): ListInForce(template, products, eligible)}
        return self._lists[cpl, epcl]

    def read_list(self, data: bytes) -> CplReading:
        """Read a CPL workbook in the capped child; Unavailable says why it is none."""
        reading = self.readers.cpl(data)
        if isinstance(reading, Problem):
            raise Unavailable(f"The CPL workbook could not be read: {reading.text}")
        if reading.problems:
            raise Unavailable(f"The CPL workbook could not be read: {reading.problems[0].text}.")
        return reading

    # ---- judging

    def circumstances(self, received: str, case: str, workbooks: Sequence[str]) -> Circumstances:
        """Gather what a judgement depends on besides the mail's bytes."""
        cpl, epcl = self.in_force()
        seen = {sha: known for sha, known in self.ledger.earlier_same(workbooks).items() if known != case}
        return Circumstances(
            on=moment_of(received).astimezone(ZoneInfo(self.config.calendar.zone)).date(),
            cpl=cpl,
            epcl=epcl,
            pending=self.ledger.pending_submissions(case),
            submitters=self.config.people.submitters,
            dcc=self.config.people.dcc,
            seen=seen,
        )

    def read_mail(self, sha256: str) -> ReadMail | Problem:
        """Read a stored mail in the capped child."""
        return self.readers.message(self.artefacts.get(sha256))

    def judge(self, read: ReadMail, circumstances: Circumstances, rules: Rulebook | None = None) -> judge.Outcome:
        """Judge a mail of the kind ``new-entry``."""
        return judge.judge_mail(
            read.message,
            judge.read_workbooks(read.message, read.contents, self.readers),
            rules or self.rules,
            circumstances,
            self.list_of(circumstances.cpl, circumstances.epcl),
        )

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

    def draft(
        self, template: str, message: Message, judged: Sequence[Judged], decision: Decision, *, case: str, due: str
    ) -> Draft:
        """Word the reply to a mail and store its bytes; nothing reaches the mailbox yet."""
        settings = self.config.reply
        draft = reply(
            template,
            message=message,
            judged=judged,
            decision=decision,
            case=case,
            correspondent=self.correspondent(message),
            due=due,
            sender=Sender(settings.name, settings.address, settings.telephone, settings.signature),
            now=self.clock(),
            field_order=tuple(self.rules.fields),
            templates=self.templates,
        )
        self.artefacts.put(draft.raw)
        return draft

    def correspondent(self, message: Message) -> str:
        """Return the address that is answered: Reply-To, else From; never our own."""
        own = self.config.reply.address.casefold()
        candidates = [*message.reply_to[:1], *message.senders[:1]]
        return next((a.addr for a in candidates if a.addr and a.addr.casefold() != own), "")

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


def case_number_in(subject: str) -> str:
    """Return the Case number that stands in a subject; empty where there is none."""
    match = _CASE_NUMBER.search(subject)
    return match[0] if match else ""
