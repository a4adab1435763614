"""Case files of tests/corpus: one circumstance of one Submission each, and what the check of the folder's name says.

A case is a good submission with one thing changed. Its keys are the fields of ``Case``; an unknown one is refused.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from pipeline.checks.matter import Matter, device_model
from pipeline.domain import form as domain_form
from pipeline.domain.certificate import CertificateReading
from pipeline.domain.finding import Status
from pipeline.domain.form import Submission, Template
from pipeline.domain.judgement import Circumstances, Pending
from pipeline.domain.message import Address, Attachment, Authentication, Message, Problem
from pipeline.domain.product import DEVICE_MODEL, DeviceModel, Product, ProductList
from pipeline.domain.signature import TrustMaterial
from pipeline.judge import look_closer
from pipeline.readers.cpl import read_cpl
from pipeline.readers.form import read_form
from pipeline.readers.submission import CloserLook, assemble
from pipeline.rulebook import Rulebook
from pipeline.rulebook.alignment import Convention
from pipeline.rulebook.signers import Authorisation, OfficialMacro
from tests import builders
from tests.readings import good_readings, reading
from tests.signing import Direct, Signing, attack, holder, known, moment, signed

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "tests" / "corpus"
RULES = Rulebook.load(ROOT / "rules")
_NOTHING = Submission("", "", domain_form.Form("", (), "", (), "", macro_enabled=False, signatures=0), {})
SUBMITTER = Address("Ottilie Brandreth", "ottilie.brandreth@quillmoor.example")


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of every part of a case file."""


class Form(_Part, frozen=True):
    """A workbook. device, smets1 and image: arguments of good_answers; answers: what differs from them.

    faults: names of tests.builders with their arguments, applied in order. workbook: a hostile one in place of it.
    sign: who signs it, none for nobody; null when nobody has looked for a signature. attack: a workbook of
    tests/attacks.py in place of it. tampered: faults applied after signing.
    """

    device: str = "Gas Smart Meter"
    smets1: bool = False
    image: bool = False
    answers: dict[str, Any] = {}
    faults: tuple[tuple[Any, ...], ...] = ()
    workbook: str = ""
    file: str = "form.xlsm"
    sign: tuple[Signing, ...] | None = None
    attack: str = ""
    tampered: tuple[tuple[Any, ...], ...] = ()


class Entry(_Part, frozen=True):
    """An entry on the list for the same Device Model, but for the answers given here."""

    number: str
    status: str = "Current"
    answers: dict[str, str] = {}


class Paper(_Part, frozen=True):
    """A certificate or letter as read: a good one of its kind with single texts changed, as tests.readings.reading.

    answers: what it agrees with in the place of the form's own answers. Of problems, kind and text.
    """

    kind: str
    answers: dict[str, Any] = {}
    values: dict[str, str | None] = {}
    device: dict[str, str | None] = {}
    devices: tuple[dict[str, str | None], ...] | None = None
    unconfirmed: tuple[str, ...] = ()
    file: str = ""
    artefact: str = ""
    source: str = "text"
    unseen: tuple[tuple[str, str], ...] = ()
    revisions: int = 1
    changed_after_signing: bool = False
    problems: tuple[tuple[str, str], ...] = ()
    missed: tuple[tuple[str, tuple[str, ...]], ...] = ()


class Declared(_Part, frozen=True):
    """A line of rules/conventions.csv for the form's manufacturer."""

    rule: str
    start: date = date(2026, 1, 1)


class Stamp(_Part, frozen=True):
    """An Authentication-Results header: by whom (empty: nobody), its DMARC results, and the hosts above it."""

    by: str = "mx.secas.example"
    dmarc: tuple[tuple[str, str], ...] = (("pass", "quillmoor.example"),)
    above: tuple[str, ...] = ()


class Mail(_Part, frozen=True):
    """The mail around it. senders: bare addresses. name: as displayed. problems: kind, text and where of what its
    reader met. stamps: its Authentication-Results, topmost first. mails: names of mails attached to it.
    """

    senders: tuple[str, ...] = (SUBMITTER.addr,)
    name: str = ""
    problems: tuple[tuple[str, str, str], ...] = ()
    stamps: tuple[Stamp, ...] = ()
    subject: str = "CPL submission"
    mails: tuple[str, ...] = ()


class Authorised(_Part, frozen=True):
    """An existing authorisation of the first signer's certificate, from a day until before another.

    creator: whom it speaks for, the creator of the form when left out.
    """

    start: date
    until: date
    creator: str = ""


class Case(Form, frozen=True, kw_only=True):
    """One case file. why: what is special about it, and that only that is.

    expect, subject: the status and subject of the Finding. also: ids of other checks that fail too, for cases about
    what a check does then. on: the day of receipt. mail: null for a workbook judged by itself. attached: false for
    a mail without a workbook. cpl: false for no CPL in force. cpl_version, drop_downs: what the CPL in force says
    otherwise than the sample. listed: entries on the list besides. register, dcc: known addresses. border: whose
    Authentication-Results are believed. pending: open Cases with the same Device Model. seen: the Case that had the
    very same bytes. batch: other forms in front of it in the mail. eligible: the EPCL as changes to the Device
    Model's answers, null for no EPCL. authorised: an authorisation in rules/signers.yaml. aliases: further names of
    one manufacturer. earlier_macro: the version whose macro it has. documents: certificates and letters beside the
    good ones, each in the place of a good one of its kind; without: kinds that are not attached at all. known: what
    an earlier mail said, certificate key to artefact and summary. declared: what the manufacturer has declared.
    makers: manufacturer identifier to the names registered for it.
    """

    why: str
    expect: Status
    subject: str = ""
    also: tuple[str, ...] = ()
    on: date = date(2026, 11, 21)
    mail: Mail | None = Mail()
    attached: bool = True
    cpl: bool = True
    cpl_version: str = "3.000"
    drop_downs: dict[str, tuple[str, ...]] = {}
    listed: tuple[Entry, ...] = ()
    register: tuple[str, ...] = ()
    dcc: tuple[str, ...] = ()
    border: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    seen: str = ""
    batch: tuple[Form, ...] = ()
    eligible: tuple[dict[str, str], ...] | None = None
    authorised: Authorised | None = None
    aliases: tuple[str, ...] = ()
    earlier_macro: str = ""
    documents: tuple[Paper, ...] = ()
    without: tuple[str, ...] = ()
    known: dict[str, tuple[str, str]] = {}
    declared: Declared | None = None
    makers: dict[str, tuple[str, ...]] = {}


def load(path: Path) -> Case:
    """Read one case file."""
    return msgspec.convert(yaml.safe_load(path.read_text("utf-8")), type=Case)


@cache
def in_force() -> tuple[Template, ProductList]:
    """The sample list as the CPL in force."""
    reading = read_cpl(builders.sample_cpl())
    assert reading.template is not None, reading.problems
    template = reading.template
    return template, ProductList(template.artefact, template.version, reading.products)


def answers_of(form: Form) -> dict[str, builders.Value]:
    """The answers of a form: good ones with the case's own in their place."""
    return {**builders.good_answers(form.device, smets1=form.smets1, image=form.image), **form.answers}


def _artefact(name: str) -> str:
    return (name.encode().hex() + "0" * 64)[:64]


def submission(form: Form, template: Template | None, on: date = date(2026, 11, 21)) -> Submission:
    """Build the workbook, read it with the real readers and make the Submission of it."""
    trust = TrustMaterial()
    if form.attack:
        data, trust = attack(form.attack)
    elif form.workbook:
        data = builders.HOSTILE[form.workbook]()
    else:
        data = builders.spoil(builders.new_entry_form(answers_of(form)), *_faults(form.faults))
    if form.sign:
        at, creator = moment(on), _creator(form)
        data = builders.spoil(signed(data, form.sign, at, creator), *_faults(form.tampered))
        trust = known(form.sign, at, creator)
    read = read_form(data)
    closer = _closer(form, read, data, template, trust, on)
    return assemble(form.file, _artefact(form.file), read, rules=RULES, template=template, closer=closer)


def _faults(names: tuple[tuple[Any, ...], ...]) -> list[builders.Fault]:
    return [getattr(builders, str(name))(*rest) for name, *rest in names]


def _creator(form: Form) -> str:
    return str(answers_of(form).get("Manufacturer_Image.creator") or "Nobody")


def _closer(  # noqa: PLR0917 - what a closer look needs
    form: Form, read: domain_form.Form, data: bytes, template: Template | None, trust: TrustMaterial, on: date
) -> CloserLook:
    asked = form.sign is not None or bool(form.attack)
    rows = read.rows if asked else ()  # without a hash there is no look at the signature
    return look_closer(replace(read, rows=rows), data, Direct(), template, trust, moment(on).isoformat())


def _rules(case: Case, this: Submission) -> Rulebook:
    """The rulebook with what a case adds to rules/signers.yaml and rules/manufacturers.csv."""
    signers, manufacturers = RULES.signers, dict(RULES.manufacturers)
    if case.authorised and case.sign:
        granted = case.authorised
        certificate = hashlib.sha256(holder(case.sign[0], moment(case.on), _creator(case)).der).hexdigest()
        item = Authorisation(
            creator=granted.creator or _creator(case),
            certificate=certificate,
            start=granted.start,
            until=granted.until,
            why="a test",
        )
        signers = msgspec.structs.replace(signers, authorisations=(item,))
    if case.earlier_macro:
        official = OfficialMacro(version=case.earlier_macro, sha256=this.form.macro)
        signers = msgspec.structs.replace(signers, macros=(official,))
    if case.aliases:
        manufacturers["99:99"] = case.aliases
    manufacturers |= case.makers
    rules = replace(RULES, signers=signers, manufacturers=manufacturers)
    if case.declared is None:
        return rules
    code = this.text(DEVICE_MODEL[0])
    declared = Convention(code, case.declared.rule, case.declared.start, "a letter of the maker", 99)
    return replace(rules, conventions={**rules.conventions, code: (declared,)})


def papers_of(case: Case, this: Submission) -> tuple[CertificateReading, ...]:
    """The documents of a case: good ones for what the form gives, or should give, and the case's own."""
    given = {name: answer for name, answer in case.answers.items() if answer is not None}
    if case.attack:
        given = {name: answer.text for name, answer in this.answers.items()}
    answers = builders.good_answers(case.device, smets1=case.smets1, image=case.image) | given
    own = tuple(_paper(paper, answers) for paper in case.documents)
    replaced = {*case.without, *(paper.kind for paper in case.documents)}
    if "trial" in replaced:
        replaced.add("cpa")
    return (*(good for good in good_readings(answers) if good.kind not in replaced), *own)


def _paper(paper: Paper, answers: Mapping[str, builders.Value]) -> CertificateReading:
    changed = msgspec.structs.asdict(paper)
    return reading(changed.pop("kind"), {**answers, **changed.pop("answers")}, **changed)


def _message(mail: Mail, artefact: str) -> Message:
    return Message(
        sha256="c" * 64,
        message_id="<one@quillmoor.example>",
        subject=mail.subject,
        senders=tuple(Address(mail.name, addr) for addr in mail.senders),
        reply_to=(),
        sent="Sat, 21 Nov 2026 09:00:00 +0000",
        in_reply_to="",
        references=(),
        automatic=(),
        body=artefact,
        attachments=tuple(Attachment(name, name, "mail", "message/rfc822", _artefact(name), 1) for name in mail.mails),
        problems=tuple(Problem(*problem) for problem in mail.problems),
        authentication=tuple(Authentication(s.by, s.above, s.dmarc, f"{s.by}; dmarc") for s in mail.stamps),
    )


def _product(entry: Entry, case: Case, row: int) -> Product:
    values = {name: str(value) for name, value in (answers_of(case) | entry.answers).items() if value}
    model = DeviceModel(*(values[name] for name in DEVICE_MODEL))
    return Product(entry.number, entry.status, model, values, row)


def matter_of(case: Case) -> Matter:
    """Put a case before the checks."""
    template, products = in_force()
    template = replace(template, version=case.cpl_version, lists={**template.lists, **case.drop_downs})
    more = tuple(_product(entry, case, 100 + n) for n, entry in enumerate(case.listed))
    products = ProductList(products.artefact, case.cpl_version, (*products.products, *more))
    given = template if case.cpl else None
    this = submission(case, given, case.on) if case.attached else _NOTHING
    this = replace(this, certificates=papers_of(case, this))
    model = device_model(this)
    return Matter(
        submission=this,
        rules=_rules(case, this),
        circumstances=Circumstances(
            on=case.on,
            at=moment(case.on).isoformat(),
            cpl=products.artefact if case.cpl else "",
            pending=tuple(Pending(number, "other.xlsm", "d" * 64, model) for number in case.pending if model),
            submitters=case.register,
            dcc=case.dcc,
            border=case.border,
            seen={this.artefact: case.seen} if case.seen else None,
            known_certificates=case.known,
        ),
        template=given,
        products=products if case.cpl else ProductList("", "", ()),
        message=_message(case.mail, this.artefact) if case.mail else None,
        first=not case.batch,
        batch=(*(submission(form, given) for form in case.batch), this),
        eligible=None if case.eligible is None else frozenset(_model(case, change) for change in case.eligible),
    )


def _model(case: Case, change: dict[str, str]) -> DeviceModel:
    answers = answers_of(case) | change
    return DeviceModel(*(str(answers[name]) for name in DEVICE_MODEL))
