"""From a mail's bytes to its judgement: read, recognise, check, decide. No mailbox and no database here.

The numbered procedure:
    1. read the mail in the capped child;
    2. read every workbook in it in the capped child, once for equal bytes;
    3. recognise what kind of mail it is (rules/kinds.yaml);
    4. read every other document of a submission as a certificate or a letter, in the capped child, scans by OCR;
    5. make a Submission of every form;
    6. run every check on every Submission;
    7. decide about each, and about the mail.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from pipeline import decide
from pipeline.checks.matter import Matter, device_model
from pipeline.checks.run import run_all
from pipeline.domain.certificate import CertificateReading
from pipeline.domain.form import Form, Submission, Template
from pipeline.domain.judgement import Circumstances, Decision, Judged, Verdict
from pipeline.domain.macro import MacroReading, differences
from pipeline.domain.message import Attachment, Message, Problem
from pipeline.domain.product import DEVICE_TYPE, IMAGE_HASH, DeviceModel, ProductList
from pipeline.domain.signature import SignatureQuestion, SignatureReading, TrustMaterial
from pipeline.readers import ocr
from pipeline.readers.content import is_outlook_item, is_zip
from pipeline.readers.paper_request import PaperQuestion
from pipeline.readers.submission import CloserLook, assemble
from pipeline.rulebook import Rulebook

NEW_ENTRY, REPLY, FOR_A_PERSON, AUTOMATIC, NOT_OURS = "new-entry", "reply", "for-a-person", "automatic", "not-ours"
_STOPPED = {"limit", "memory", "crash"}
"""Kinds of Problem that ended the reading of a mail, where they name no part of it."""

_WORKBOOK_NAMES = (".xlsm", ".xlsx", ".xls", ".xlsb", ".xltm")


class BookReader(Protocol):
    """Reads a workbook in a capped child; a Problem when the child did not come back with a reading."""

    def form(self, data: bytes) -> Form | Problem:
        """Read the New Entry form of a workbook."""
        ...

    def signature(self, question: SignatureQuestion) -> SignatureReading | Problem:
        """Read the digital signatures of a workbook."""
        ...

    def macro(self, workbook: bytes) -> MacroReading | Problem:
        """Read the modules of a workbook's macro."""
        ...


@dataclass(frozen=True, slots=True)
class ListInForce:
    """The CPL that a judgement goes by, read and indexed; and the EPCL, where one is given."""

    template: Template | None
    products: ProductList
    eligible: frozenset[DeviceModel] | None = None


NO_LIST = ListInForce(None, ProductList("", "", ()))


@dataclass(frozen=True, slots=True)
class Workbook:
    """A workbook found in a mail, with its reading. closer: of its signature and macro, once somebody has looked."""

    file: str
    artefact: str
    form: Form
    closer: CloserLook = field(default_factory=CloserLook)

    @property
    def readable(self) -> bool:
        """Whether a New Entry form, or a tab laid out like one, was read in it."""
        return bool(self.form.rows) and not self.form.problems


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one mail. kind: see rules/kinds.yaml and the constants of this module. why: in words."""

    kind: str
    why: str
    judged: tuple[Judged, ...] = ()
    decision: Decision | None = None
    template: str = ""
    workbooks: tuple[str, ...] = ()


def read_workbooks(message: Message, contents: Mapping[str, bytes], reader: BookReader) -> tuple[Workbook, ...]:
    """Read every file of a mail that is, or by its name claims to be, a workbook."""
    forms: dict[str, Form] = {}
    found = []
    for attachment in message.attachments:
        if not _is_workbook(attachment) or attachment.sha256 not in contents:
            continue
        if attachment.sha256 not in forms:
            forms[attachment.sha256] = read_workbook(contents[attachment.sha256], reader)
        found.append(Workbook(attachment.path, attachment.sha256, forms[attachment.sha256]))
    return tuple(found)


def read_workbook(data: bytes, reader: BookReader) -> Form:
    """Read one workbook; a child that did not come back is a Problem of the form like any other."""
    form = reader.form(data)
    if isinstance(form, Problem):
        return Form("", (), "", (), "", macro_enabled=False, signatures=0, problems=(form,))
    return form


def read_papers(
    message: Message,
    contents: Mapping[str, bytes],
    reader: ocr.PaperScanner,
    rules: Rulebook,
    progress: ocr.Progress = ocr.untold,
) -> tuple[CertificateReading, ...]:
    """Read every file of a mail that is no workbook and may be a certificate or a letter, once for equal bytes.

    Scanned pages and pictures are read by OCR, which takes seconds a page. progress: told before each of them.
    """
    return ocr.read_papers(_papers(message, contents, rules), reader, progress)


def _papers(message: Message, contents: Mapping[str, bytes], rules: Rulebook) -> Iterator[PaperQuestion]:
    kinds = tuple(rules.certificates.values())
    met: set[str] = set()
    for attachment in message.attachments:
        data = contents.get(attachment.sha256)
        if data is not None and attachment.sha256 not in met and _is_paper(attachment, data):
            met.add(attachment.sha256)
            yield PaperQuestion(attachment.path, attachment.sha256, data, kinds)


def _is_paper(attachment: Attachment, data: bytes) -> bool:
    """A PDF wherever it stands, a picture that is not part of the text, a Word file. Archives are told elsewhere."""
    if attachment.kind == "pdf":
        return True
    if attachment.kind == "image":
        return not attachment.inline
    if attachment.kind == "ole":
        return not _is_workbook(attachment) and not is_outlook_item(data)
    return attachment.kind == "other" and is_zip(data)


def look_closer(  # noqa: PLR0917 - a reading needs the bytes, the reader and what it is compared with
    form: Form, data: bytes, reader: BookReader, template: Template | None, trust: TrustMaterial, at: str
) -> CloserLook:
    """Read the signature of a workbook that gives a hash, and its macro where it is not the published one."""
    signature: SignatureReading | None = None
    if any(row.field == IMAGE_HASH and row.answer.text.strip() for row in form.rows):
        found = reader.signature(SignatureQuestion(data, trust, at))
        signature = SignatureReading((), (), (), problems=(found,)) if isinstance(found, Problem) else found
    differs: tuple[str, ...] = ()
    if template and form.macro and form.macro != template.macro:
        macro = reader.macro(data)
        macro = MacroReading(problems=(macro,)) if isinstance(macro, Problem) else macro
        differs = differences(template.modules, macro)
    return CloserLook(signature, differs)


def _is_workbook(attachment: Attachment) -> bool:
    """A workbook by its content, or a file of no other known kind by its name. An OLE file may be a Word document."""
    named = attachment.name.lower().endswith(_WORKBOOK_NAMES)
    return attachment.kind == "workbook" or (named and attachment.kind not in {"pdf", "mail", "image"})


def recognise(
    message: Message, workbooks: Sequence[Workbook], rules: Rulebook, *, known_case: bool = False
) -> tuple[str, str]:
    """Tell what kind of mail it is, and why. known_case: it belongs to a Case by its headers or its subject."""
    forms = any(book.readable for book in workbooks)
    if message.automatic:
        words = ", ".join(message.automatic)
        if forms:
            return FOR_A_PERSON, f"It brings a New Entry form but looks like a machine's mail ({words})."
        return AUTOMATIC, f"It looks like a machine's mail ({words})."
    if forms:
        return NEW_ENTRY, "It brings a workbook with a New Entry form."
    kind, why = _by_phrases(message, rules)
    if any(book.form.problems and (kind != NOT_OURS or known_case or book.form.tab) for book in workbooks):
        return NEW_ENTRY, "It brings a workbook that could not be read."
    if known_case:
        return REPLY, "It belongs to a case and brings no new form."
    if kind == NOT_OURS and (unread := _not_taken_apart(message)):
        return FOR_A_PERSON, f"Nobody can say what it brings. {unread}"
    return kind, why


def _not_taken_apart(message: Message) -> str:
    """Return why the mail as a whole could not be read; empty where it was. What is wrong with a part names it."""
    stopped = (problem.text for problem in message.problems if not problem.where and problem.kind in _STOPPED)
    return next(stopped, "")


def _by_phrases(message: Message, rules: Rulebook) -> tuple[str, str]:
    names = " ".join(attachment.name for attachment in message.attachments)
    text = " ".join(f" {message.subject} {names} {message.body} ".casefold().split())
    padded = f" {text} "
    for rule in rules.kinds.kinds:
        phrase = next((phrase for phrase in rule.phrases if phrase.casefold() in padded), None)
        if phrase is not None:
            return rule.id, f"{rule.why} It says '{phrase.strip()}'."
    return NOT_OURS, "It brings no New Entry form and does not speak of the CPL."


def judge_mail(
    message: Message,
    workbooks: Sequence[Workbook],
    rules: Rulebook,
    circumstances: Circumstances,
    in_force: ListInForce,
    *,
    papers: tuple[CertificateReading, ...] = (),
) -> Outcome:
    """Judge a mail of the kind ``new-entry``: steps 5 to 7 of the procedure. papers: as ``read_papers`` gives them."""
    # A workbook that could not be read beside one that could may be the second submission: it is judged too.
    first_of = {book.artefact: book for book in reversed(workbooks)}  # equal bytes are one Submission
    once = [book for book in workbooks if book is first_of[book.artefact]]
    readable = [book for book in once if book.readable]
    # An old .xls or another Office file beside a form is a document that belongs to it, not a second submission.
    chosen = [*readable, *(b for b in once if b.form.problems and not (readable and _other_format(b.form)))]
    taken = {book.artefact for book in chosen}
    documents = tuple(a.sha256 for a in message.attachments if a.sha256 not in taken and not a.inline)
    batch = tuple(
        assemble(
            b.file,
            b.artefact,
            b.form,
            rules=rules,
            template=in_force.template,
            documents=documents,
            closer=b.closer,
            certificates=papers,
        )
        for b in chosen or (_NOTHING,)
    )
    judged = tuple(
        judge_submission(
            Matter(
                submission=submission,
                rules=rules,
                circumstances=circumstances,
                template=in_force.template,
                products=in_force.products,
                message=message,
                first=index == 0,
                batch=batch,
                eligible=in_force.eligible,
            )
        )
        for index, submission in enumerate(batch)
    )
    decision, template = decide.decide_mail(judged, rules)
    return Outcome(NEW_ENTRY, "", judged, decision, template, tuple(s.artefact for s in batch if s.artefact))


def _other_format(form: Form) -> bool:
    return all(problem.kind == "unsupported" for problem in form.problems)


_NOTHING = Workbook("", "", Form("", (), "", (), "", macro_enabled=False, signatures=0))
"""What a mail without any workbook is judged as."""


def judge_submission(matter: Matter) -> Judged:
    """Run the checks on one Submission and conclude."""
    findings = run_all(matter)
    submission: Submission = matter.submission
    return Judged(
        file=submission.file,
        artefact=submission.artefact,
        device_type=submission.text(DEVICE_TYPE),
        model=device_model(submission),
        findings=findings,
        decision=decide.decide_submission(findings, matter.rules),
    )


def rederive(judged: Sequence[Judged], verdicts: Sequence[Verdict], rules: Rulebook) -> Outcome:
    """Conclude again after a person's Verdicts; the Findings of the checks themselves stay as they are."""
    again = []
    for item in judged:
        findings = decide.settle(item.findings, verdicts, item.file)
        again.append(replace(item, findings=findings, decision=decide.decide_submission(findings, rules)))
    decision, template = decide.decide_mail(again, rules)
    return Outcome(NEW_ENTRY, "", tuple(again), decision, template)
