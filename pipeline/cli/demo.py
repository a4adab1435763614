"""``pipeline demo``: the whole job once, on a sample mailbox and a sample CPL of invented names."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import typer

from pipeline import desk
from pipeline.cli.opening import mailbox_opener, opened, present
from pipeline.cli.report import finding_lines, printable, sentence
from pipeline.compose import bodies
from pipeline.config import load
from pipeline.demo.mail import sample_mailbox
from pipeline.demo.workbook import cpl_workbook
from pipeline.domain.finding import Status
from pipeline.ledger.records import CaseRecord
from pipeline.mailbox.maildir import Maildir
from pipeline.office import CPL, Office
from pipeline.worker import Worker

_SETTINGS = """\
# Made by `pipeline demo`. Try: pipeline cases --config {file}
data = "data"

[mailbox]
kind = "maildir"
path = "mail"

[reply]
address = "helpdesk@secas.example"
name = "SECAS Helpdesk (demo)"
"""
_MARK = "made by pipeline demo\n"


def show_demo(folder: Path) -> None:
    """Build the sample in ``folder``, run the worker once, and show what came of it."""
    _clear(folder)
    now = present()
    cpl = cpl_workbook(issued=f"{now - timedelta(days=14):%d-%m-%Y}")
    (folder / "cpl.xlsm").write_bytes(cpl)
    file = folder / "pipeline.toml"
    file.write_text(_SETTINGS.format(file=file), "utf-8")
    mailbox = Maildir(folder / "mail")
    for raw in sample_mailbox(now, cpl):
        mailbox.deliver(raw)
    config = load(file)
    with opened(config) as office:
        desk.take_over(office, CPL, cpl, by="pipeline demo")
        done = Worker(office, mailbox_opener(config)).run_once()
        typer.echo(f"{done.fetched} mails read, {done.drafted} replies drafted, {done.filed} mails filed away.\n")
        for line in _told(office, now):
            typer.echo(line)
    for line in _where(folder, file):
        typer.echo(line)


def _clear(folder: Path) -> None:
    """Make the folder anew; one that the demo did not make is left alone."""
    mark = folder / ".demo"
    if folder.exists() and any(folder.iterdir()) and not mark.is_file():
        raise typer.BadParameter(f"{folder} has something in it that the demo did not make", param_hint="--folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    mark.write_text(_MARK, "utf-8")


def _told(office: Office, now: datetime) -> Iterator[str]:
    del now
    for summary in office.ledger.cases():
        case = office.ledger.case(summary.number)
        yield f"== {case.number}: {printable(case.subject)}, from {printable(case.correspondent)}"
        yield from _judged(case)
        for draft in case.drafts:
            yield f"   drafted, not sent ({draft.kind}):"
            yield from (f"   | {line}" for line in bodies(draft.raw)[0].splitlines())
        yield ""


def _judged(case: CaseRecord) -> Iterator[str]:
    if not case.judgements:
        return
    newest = case.judgements[-1]
    yield f"   {sentence(newest.decision)}"
    if not case.drafts:
        waiting = [f for item in newest.judged for f in item.findings if f.status is Status.UNCLEAR]
        yield f"   {len(waiting)} points for a person to look at, none is drafted before that:"
        for finding in waiting:
            yield from (f"   {line}" for line in finding_lines(finding))


def _where(folder: Path, file: Path) -> Iterator[str]:
    yield f"The mailbox       {folder / 'mail'} (Maildir; drafts in {folder / 'mail' / '.Drafts'})"
    yield f"The sample CPL    {folder / 'cpl.xlsm'}"
    yield f"Its cases         pipeline cases --config {file}"
    yield f"One of them       pipeline case 1 --config {file}"
    yield f"Settle a point    pipeline confirm 1 signature.present pass --why 'Looked at it in Excel' --config {file}"
