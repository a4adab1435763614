"""``pipeline demo``: the whole job once, on a sample mailbox and a sample CPL of invented names."""

import shlex
import shutil
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from pipeline import desk
from pipeline.cli.opening import mailbox_opener, opened
from pipeline.cli.report import confirming, finding_lines, open_points, printable, sentence
from pipeline.cli.settings import present
from pipeline.compose import bodies
from pipeline.config import load
from pipeline.demo.mail import sample_mailbox
from pipeline.demo.trust import sample_trust
from pipeline.demo.workbook import cpl_workbook
from pipeline.domain.judgement import Outcome
from pipeline.ledger.records import CaseRecord
from pipeline.mailbox.maildir import Maildir
from pipeline.office import CPL
from pipeline.worker import Worker

app = typer.Typer(rich_markup_mode=None)

_SETTINGS = """\
# Made by `pipeline demo`. Try: pipeline cases --config {file}
data = "data"

[mailbox]
kind = "maildir"
path = "mail"

[reply]
address = "helpdesk@secas.example"
name = "SECAS Helpdesk (demo)"

[trust]
folder = "trust"
"""
_MARK = "made by pipeline demo\n"


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where to build the sample; made anew each time.")] = Path("var/demo"),
) -> None:
    """Build a sample mailbox and do the whole job once.

    The names in it are invented. The replies that were drafted are shown, and where to look for everything.
    """
    _clear(folder)
    now = present()
    cpl = cpl_workbook(issued=f"{now - timedelta(days=14):%d-%m-%Y}")
    (folder / "cpl.xlsm").write_bytes(cpl)
    (folder / "trust" / "commercial").mkdir(parents=True)
    for name, data in sample_trust(now).files().items():
        (folder / "trust" / "commercial" / name).write_bytes(data)
    file = folder / "pipeline.toml"
    file.write_text(_SETTINGS.format(file=printable(str(file))), "utf-8")
    mailbox = Maildir(folder / "mail")
    for raw in sample_mailbox(now, cpl):
        mailbox.deliver(raw)
    config = load(file)
    with opened(config) as office:
        desk.take_over(office, CPL, cpl, by="pipeline demo")
        done = Worker(office, mailbox_opener(config)).run_once()
        typer.echo(f"{done.fetched} mails read, {done.drafted} replies drafted, {done.filed} mails filed away.\n")
        cases = [office.ledger.case(summary.number) for summary in office.ledger.cases()]
    for line in (*_told(cases), *_where(folder, file, cases)):
        typer.echo(line)


def _clear(folder: Path) -> None:
    """Make the folder anew; one that the demo did not make is left alone."""
    mark = folder / ".demo"
    if folder.exists() and not folder.is_dir():
        raise typer.BadParameter(f"{folder} is a file", param_hint="--folder")
    if folder.exists() and any(folder.iterdir()) and not mark.is_file():
        raise typer.BadParameter(f"{folder} has something in it that the demo did not make", param_hint="--folder")
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    mark.write_text(_MARK, "utf-8")


def _told(cases: Sequence[CaseRecord]) -> Iterator[str]:
    for case in cases:
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
        points = open_points(newest.judged)
        yield f"   {len(points)} points for a person to look at, none is drafted before that:"
        for _, finding in points:
            yield from (f"   {line}" for line in finding_lines(finding))


def _where(folder: Path, file: Path, cases: Sequence[CaseRecord]) -> Iterator[str]:
    here = f"--config {shlex.quote(str(file))}"
    yield f"The mailbox       {folder / 'mail'} (Maildir; drafts in {folder / 'mail' / '.Drafts'})"
    yield f"The sample CPL    {folder / 'cpl.xlsm'}"
    yield f"Who is trusted    {folder / 'trust'} (the root of the signed submission, and revocation lists)"
    yield f"Its cases         pipeline cases {here}"
    waiting = next((case for case in cases if case.judgements and not case.drafts), None)
    if waiting:
        yield f"One of them       pipeline case {waiting.number} {here}"
        yield f"Settle a point    {confirming(waiting.number, waiting.judgements[-1].judged)} {here}"
    good = next((case for case in cases if case.decision and case.decision.outcome is Outcome.ACCEPT), None)
    if good:
        yield f"Accept one        pipeline decide {good.number} accept --why 'Everything agrees.' {here}"
        yield f"Publish it        pipeline publish {here}"
