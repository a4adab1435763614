"""``pipeline check``: judge a mail, or a workbook with its documents, without any mailbox."""

import hashlib
import json
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from pipeline import decide, judge
from pipeline.checks.matter import Matter
from pipeline.cli.opening import config_file, opened, present, rulebook
from pipeline.cli.report import as_json, as_text
from pipeline.config import load
from pipeline.domain.judgement import Circumstances, Decision, Judged, Outcome
from pipeline.domain.message import Message, Problem
from pipeline.domain.product import ProductList
from pipeline.judge import NEW_ENTRY, ListInForce
from pipeline.office import Unavailable
from pipeline.readers.child import Forked
from pipeline.readers.eligible import read_eligible
from pipeline.readers.package import Unreadable
from pipeline.readers.submission import assemble
from pipeline.rulebook import Rulebook

app = typer.Typer()

ACCEPT, OWN_FAULT, USAGE, REJECT, CLARIFY = 0, 1, 2, 10, 20
_EXIT = {Outcome.ACCEPT: ACCEPT, Outcome.REJECT: REJECT, Outcome.CLARIFY: CLARIFY}
_LONDON = ZoneInfo("Europe/London")


@app.command()
def check(
    paths: Annotated[list[Path], typer.Argument(help="One .eml, or workbooks with the PDFs that belong to them.")],
    cpl: Annotated[Path | None, typer.Option(help="The CPL in force (.xlsm); else the one imported.")] = None,
    epcl: Annotated[Path | None, typer.Option(help="The SMETS1 EPCL (.csv or .xlsx).")] = None,
    on: Annotated[str, typer.Option(help="Day of receipt, YYYY-MM-DD or RFC 3339; else today.")] = "",
    trust: Annotated[
        Path | None, typer.Option(help="Folder of trust material for signatures (used from version 0.2 on).")
    ] = None,
    as_object: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    config: Annotated[Path | None, typer.Option(help="Settings file, for the imported CPL.")] = None,
) -> None:
    """Judge a mail, or a workbook with its PDFs. Exit: 0 accept, 10 reject, 20 clarify, 2 usage, 1 our own fault."""
    del trust
    rules = rulebook()
    for path in paths:
        if not path.is_file():
            raise typer.BadParameter(f"{path}: there is no such file", param_hint="PATH")
    circumstances, in_force = _circumstances(cpl, epcl, on, config)
    mails = [path for path in paths if path.suffix.lower() in {".eml", ".msg"}]
    if mails and len(paths) > 1:
        raise typer.BadParameter("give one mail, or workbooks with their documents, not both", param_hint="PATH")
    kind, why, message = NEW_ENTRY, "", None
    if mails:
        kind, why, message, judged, decision = _mail(mails[0], rules, circumstances, in_force)
    else:
        judged = _workbooks(paths, rules, circumstances, in_force)
        decision = decide.decide_mail(judged, rules)[0]
    if as_object:
        typer.echo(json.dumps(as_json(kind, rules.fingerprint, message, judged, decision), ensure_ascii=False))
    else:
        for line in as_text(judged, decision) if decision else [f"Not judged ({kind}): {why}"]:
            typer.echo(line)
    raise typer.Exit(_EXIT[decision.outcome] if decision else CLARIFY)


def _circumstances(
    cpl: Path | None, epcl: Path | None, on: str, config: Path | None
) -> tuple[Circumstances, ListInForce]:
    day = _day(on)
    artefact, list_bytes = "", b""
    if cpl:
        list_bytes = _bytes(cpl)
    elif config_file(config).is_file():
        with opened(load(config_file(config))) as office:
            artefact = office.in_force()[0]
            list_bytes = office.artefacts.get(artefact) if artefact else b""
    template, products = None, ProductList("", "", ())
    if list_bytes:
        reading = Forked().cpl(list_bytes)
        if isinstance(reading, Problem) or reading.template is None:
            text = reading.text if isinstance(reading, Problem) else reading.problems[0].text
            raise typer.BadParameter(f"{cpl or 'the imported CPL'}: {text}", param_hint="--cpl")
        template = reading.template
        products = ProductList(template.artefact, template.version, reading.products)
    try:
        eligible = read_eligible(_bytes(epcl)) if epcl else None
    except Unreadable as error:
        raise typer.BadParameter(f"{epcl}: {error.text}", param_hint="--epcl") from error
    return Circumstances(on=day, cpl=products.artefact), ListInForce(template, products, eligible)


def _day(on: str) -> date:
    try:
        if not on:
            return present().astimezone(_LONDON).date()
        moment = datetime.fromisoformat(on)
    except ValueError:
        raise typer.BadParameter(f"'{on}' is not YYYY-MM-DD or RFC 3339", param_hint="--on") from None
    return moment.astimezone(_LONDON).date() if moment.tzinfo else moment.date()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}", param_hint="PATH") from error


def _mail(
    path: Path, rules: Rulebook, circumstances: Circumstances, in_force: ListInForce
) -> tuple[str, str, Message, Sequence[Judged], Decision | None]:
    if path.suffix.lower() == ".msg":
        raise typer.BadParameter(f"{path}: save the mail as .eml; .msg files are not read yet", param_hint="PATH")
    readers = Forked()
    read = readers.message(_bytes(path))
    if isinstance(read, Problem):
        raise Unavailable(f"{path}: the mail could not be read: {read.text}")
    books = judge.read_workbooks(read.message, read.contents, readers)
    kind, why = judge.recognise(read.message, books, rules)
    if kind != NEW_ENTRY:
        return kind, why, read.message, (), None
    outcome = judge.judge_mail(read.message, books, rules, circumstances, in_force)
    return kind, why, read.message, outcome.judged, outcome.decision


def _workbooks(
    paths: Sequence[Path], rules: Rulebook, circumstances: Circumstances, in_force: ListInForce
) -> tuple[Judged, ...]:
    files = {path: _bytes(path) for path in paths}
    books = [path for path, data in files.items() if not data[:1024].lstrip().startswith(b"%PDF")]
    if not books:
        raise typer.BadParameter("there is no workbook among the files", param_hint="PATH")
    documents = [hashlib.sha256(data).hexdigest() for path, data in files.items() if path not in books]
    readers = Forked()
    batch = tuple(
        assemble(
            path.name,
            hashlib.sha256(files[path]).hexdigest(),
            judge.read_workbook(files[path], readers),
            rules=rules,
            template=in_force.template,
            documents=documents,
        )
        for path in books
    )
    return tuple(
        judge.judge_submission(
            Matter(
                submission=submission,
                rules=rules,
                circumstances=circumstances,
                template=in_force.template,
                products=in_force.products,
                first=index == 0,
                batch=batch,
                eligible=in_force.eligible,
            )
        )
        for index, submission in enumerate(batch)
    )
