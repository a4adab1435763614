"""``pipeline check``: judge a mail, or a workbook with its documents, without any mailbox.

What only some calls need (the ledger) is imported where it is needed: scripts call this command once a file.
"""

import hashlib
import importlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from pipeline import decide, judge
from pipeline.checks.matter import Matter
from pipeline.cli.files import EXISTING, read_file
from pipeline.cli.progress import scans_shown
from pipeline.cli.report import as_json, as_text, printable
from pipeline.cli.settings import ConfigOption, present, rulebook, settings_if_any, trust_material
from pipeline.config import CalendarConfig, Config, PeopleConfig
from pipeline.domain.form import Form
from pipeline.domain.judgement import Circumstances, Decision, Judged, Outcome
from pipeline.domain.message import Message, Problem
from pipeline.domain.product import ProductList
from pipeline.domain.signature import TrustMaterial
from pipeline.judge import NEW_ENTRY, ListInForce
from pipeline.readers.child import Forked
from pipeline.readers.content import is_mail, is_outlook_item, kind_of
from pipeline.readers.eligible import read_eligible
from pipeline.readers.ocr import read_papers
from pipeline.readers.package import Unreadable
from pipeline.readers.paper_request import PaperQuestion
from pipeline.readers.submission import CloserLook, assemble
from pipeline.readers.trust_folder import TrustFolderRefused
from pipeline.rulebook import Rulebook

app = typer.Typer(rich_markup_mode=None)

ACCEPT, OWN_FAULT, USAGE, REJECT, CLARIFY = 0, 1, 2, 10, 20
_EXIT = {Outcome.ACCEPT: ACCEPT, Outcome.REJECT: REJECT, Outcome.CLARIFY: CLARIFY}
_FILES = "PATH..."
_MOST_PROBLEMS = 3
_WORD = frozenset({".doc", ".docx"})


@dataclass(frozen=True, slots=True)
class _Setting:
    """Everything a judgement goes by besides the files."""

    rules: Rulebook
    circumstances: Circumstances
    in_force: ListInForce
    readers: Forked
    trust: TrustMaterial

    def look_closer(self, form: Form, data: bytes) -> CloserLook:
        """Read the signature and the macro of a workbook whose form could be read."""
        if form.problems or not form.rows:
            return CloserLook()
        return judge.look_closer(form, data, self.readers, self.in_force.template, self.trust, self.circumstances.at)


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What came of the files. decision: None for a mail that is not judged, and why says the reason."""

    kind: str
    why: str
    message: Message | None
    judged: Sequence[Judged]
    decision: Decision | None


@app.command()
def check(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar=_FILES, help="One mail (.eml or .msg), or workbooks with their PDFs.", **EXISTING),
    ],
    cpl: Annotated[
        Path | None, typer.Option(help="The CPL in force (.xlsm); else the one imported, with its EPCL.", **EXISTING)
    ] = None,
    epcl: Annotated[Path | None, typer.Option(help="The SMETS1 EPCL (.csv or .xlsx).", **EXISTING)] = None,
    on: Annotated[str, typer.Option(help="Day of receipt, YYYY-MM-DD or RFC 3339; else today.")] = "",
    trust: Annotated[
        Path | None,
        typer.Option(
            help="Folder of certificates, CRLs and OCSP responses for signatures; replaces the configured roots.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    as_object: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    config: ConfigOption = None,
) -> None:
    """Judge a mail, or a workbook with its PDFs.

    Exit code: 0 accept, 10 reject, 20 clarify, 2 usage, 1 our own fault.

    Neither a mailbox nor a Case is touched, and nothing is drafted. A mail that is not a submission is not judged:
    that is exit 20 as well, with null for its decision in the JSON object.
    """
    settings = settings_if_any(config)
    files = {path: read_file(path) for path in paths}
    in_force = _given_list(cpl, epcl) if cpl or settings is None else _imported_list(settings, epcl)
    rules = rulebook(settings)
    try:
        material = trust_material(trust, settings, rules)
    except TrustFolderRefused as error:
        raise typer.BadParameter(str(error), param_hint="--trust") from error
    circumstances = _circumstances(settings, on, in_force.products.artefact)
    setting = _Setting(rules, circumstances, in_force, Forked(), material)
    mails = [path for path, data in files.items() if _is_mail(path, data)]
    if mails and len(files) > 1:
        raise typer.BadParameter("give one mail, or workbooks with their documents, not both", param_hint=_FILES)
    done = _mail(files[mails[0]], setting) if mails else _workbooks(files, setting)
    if as_object:
        tree = as_json(done.kind, setting.rules.fingerprint, done.message, done.judged, done.decision)
        typer.echo(json.dumps(tree))
    elif done.decision:
        for line in as_text(done.judged, done.decision):
            typer.echo(line)
    else:
        typer.echo(f"Not judged ({done.kind}): {printable(done.why)}")
    raise typer.Exit(exit_code(done.decision))


def exit_code(decision: Decision | None) -> int:
    """Return the exit code that says a Decision; that of ``clarify`` where none was made."""
    return _EXIT[decision.outcome] if decision else CLARIFY


def _circumstances(settings: Config | None, on: str, cpl: str) -> Circumstances:
    people = settings.people if settings else PeopleConfig()
    zone = ZoneInfo((settings.calendar if settings else CalendarConfig()).zone)
    day, at = _moment(on, zone)
    return Circumstances(on=day, cpl=cpl, submitters=people.submitters, dcc=people.dcc, at=at)


def _moment(on: str, zone: ZoneInfo) -> tuple[date, str]:
    """Return the day of receipt and its moment in UTC. A day by itself means its end, so that all of it has passed."""
    try:
        if on and len(on) <= len("2026-11-21"):
            moment = datetime.combine(date.fromisoformat(on), time(23, 59, 59), zone)
        else:
            moment = datetime.fromisoformat(on) if on else present()
            moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        return moment.astimezone(zone).date(), moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"'{on}' is not YYYY-MM-DD or RFC 3339", param_hint="--on") from None


def _given_list(cpl: Path | None, epcl: Path | None) -> ListInForce:
    template, products = None, ProductList("", "", ())
    if cpl:
        reading = Forked().cpl(read_file(cpl))
        if isinstance(reading, Problem) or reading.template is None:
            text = reading.text if isinstance(reading, Problem) else reading.problems[0].text
            raise typer.BadParameter(f"{cpl}: {text}", param_hint="--cpl")
        template = reading.template
        products = ProductList(template.artefact, template.version, reading.products)
    return ListInForce(template, products, _eligible(epcl))


def _imported_list(settings: Config, epcl: Path | None) -> ListInForce:
    opening: Any = importlib.import_module("pipeline.cli.opening")
    with opening.opened(settings) as office:
        found: ListInForce = office.list_of(*office.in_force())
    return ListInForce(found.template, found.products, _eligible(epcl) if epcl else found.eligible)


def _eligible(epcl: Path | None) -> frozenset[Any] | None:
    try:
        return read_eligible(read_file(epcl)) if epcl else None
    except Unreadable as error:
        raise typer.BadParameter(f"{epcl}: {error.text}", param_hint="--epcl") from error


def _mail(raw: bytes, setting: _Setting) -> _Verdict:
    read = setting.readers.message(raw)
    if isinstance(read, Problem):
        return _Verdict(judge.FOR_A_PERSON, f"The mail could not be read: {read.text}", None, (), None)
    books = judge.read_workbooks(read.message, read.contents, setting.readers)
    kind, why = judge.recognise(read.message, books, setting.rules)
    if kind != NEW_ENTRY:
        told = (problem.text for problem in read.message.problems[:_MOST_PROBLEMS])
        return _Verdict(kind, " ".join((why, *told)), read.message, (), None)
    books = tuple(replace(book, closer=setting.look_closer(book.form, read.contents[book.artefact])) for book in books)
    with scans_shown() as tell:
        papers = judge.read_papers(read.message, read.contents, setting.readers, setting.rules, tell)
    outcome = judge.judge_mail(
        read.message, books, setting.rules, setting.circumstances, setting.in_force, papers=papers
    )
    return _Verdict(kind, why, read.message, outcome.judged, outcome.decision)


def _workbooks(files: dict[Path, bytes], setting: _Setting) -> _Verdict:
    books = [path for path, data in files.items() if not _is_document(path, data)]
    if not books:
        raise typer.BadParameter("there is no workbook among the files", param_hint=_FILES)
    documents = {_sha256(data): path for path, data in files.items() if path not in books}
    forms = {path: judge.read_workbook(files[path], setting.readers) for path in books}
    kinds = tuple(setting.rules.certificates.values())
    questions = [PaperQuestion(_name(path), artefact, files[path], kinds) for artefact, path in documents.items()]
    with scans_shown() as tell:
        papers = read_papers(questions, setting.readers, tell)
    batch = tuple(
        assemble(
            _name(path),
            _sha256(files[path]),
            form,
            rules=setting.rules,
            template=setting.in_force.template,
            documents=documents,
            closer=setting.look_closer(form, files[path]),
            certificates=papers,
        )
        for path, form in forms.items()
    )
    judged = tuple(
        judge.judge_submission(
            Matter(
                submission=submission,
                rules=setting.rules,
                circumstances=setting.circumstances,
                template=setting.in_force.template,
                products=setting.in_force.products,
                first=index == 0,
                batch=batch,
                eligible=setting.in_force.eligible,
            )
        )
        for index, submission in enumerate(batch)
    )
    return _Verdict(NEW_ENTRY, "", None, judged, decide.decide_mail(judged, setting.rules)[0])


def _is_mail(path: Path, data: bytes) -> bool:
    """Tell a mail by its content; one that is damaged by its name."""
    if path.suffix.lower() == ".msg" and not is_outlook_item(data):
        raise typer.BadParameter(f"{path} is no mail saved by Outlook; save it again", param_hint=_FILES)
    return path.suffix.lower() == ".eml" or is_mail(data) or is_outlook_item(data)


def _is_document(path: Path, data: bytes) -> bool:
    """Tell a certificate or a letter from a workbook, by content; an old or encrypted Word file by its name."""
    kind = kind_of(data, None)
    return kind in {"pdf", "image"} or path.suffix.lower() in _WORD


def _name(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "replace")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
