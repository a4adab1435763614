"""The worker's commands: run, import, doctor, demo."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from pipeline import desk
from pipeline.cli.cases import By, ConfigOption, person
from pipeline.cli.demo import show_demo
from pipeline.cli.doctor import examine
from pipeline.cli.opening import config_file, mailbox_opener, office, opened
from pipeline.config import load
from pipeline.office import CPL, EPCL
from pipeline.schedule import notifier, only_one, run_until_stopped
from pipeline.worker import Progress as Tell
from pipeline.worker import Round, Worker

app = typer.Typer()


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where to build the sample; made anew each time.")] = Path("var/demo"),
) -> None:
    """Build a sample mailbox and CPL, run the whole job on it once, and say where to look."""
    show_demo(folder)


@app.command()
def run(
    once: Annotated[bool, typer.Option("--once", help="Do one round and end.")] = False,
    config: ConfigOption = None,
) -> None:
    """Read the mailbox every so often and draft the replies, until stopped (SIGTERM, Ctrl-C)."""
    settings = load(config_file(config))
    notify = notifier()
    with only_one(settings.data), opened(settings, threads=True) as found, _progress() as tell:

        def alive(step: str, position: int, total: int) -> None:
            notify("WATCHDOG=1")
            tell(step, position, total)

        worker = Worker(found, mailbox_opener(settings), alive)
        if not once:
            run_until_stopped(worker, settings.worker.poll_seconds, notify)
            return
        done = worker.run_once()
    typer.echo(words(done))
    if done.unreachable:
        typer.echo(f"pipeline: the mailbox could not be used: {done.unreachable}", err=True)
        raise typer.Exit(1)


def words(done: Round) -> str:
    """Return what a round did in one line."""
    return (
        f"{done.fetched} new mails, {done.concluded} concluded, {done.drafted} drafts put, {done.filed} mails filed, "
        f"{done.set_aside} set aside, {done.failed} to be tried again."
    )


@contextmanager
def _progress() -> Iterator[Tell]:
    """Show how far a round is, on a terminal only; in a service the log says it."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    columns = (TextColumn("{task.description:6}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(step: str, position: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=position, total=total)

        yield tell


@app.command("import")
def take_over(
    cpl: Annotated[Path, typer.Argument(help="The CPL workbook (.xlsm) to take over as the one in force.")],
    epcl: Annotated[Path | None, typer.Option(help="The SMETS1 EPCL (.csv or .xlsx).")] = None,
    fir: Annotated[Path | None, typer.Option(help="The FIR (.xlsx), kept for the release.")] = None,
    dzir: Annotated[Path | None, typer.Option(help="The DZIR (.xlsx), kept for the release. RED.")] = None,
    contacts: Annotated[Path | None, typer.Option(help="Contacts for reminders (.csv), kept for them.")] = None,
    by: By = "",
    config: ConfigOption = None,
) -> None:
    """Take over an existing list: from now on it is the template of the form and what duplicates are looked for in."""
    given = {CPL: cpl, EPCL: epcl, "fir": fir, "dzir": dzir, "contacts": contacts}
    files = {kind: path for kind, path in given.items() if path}
    for path in files.values():
        if not path.is_file():
            raise typer.BadParameter(f"{path}: there is no such file")
    with office(config) as found:
        for kind, path in files.items():
            document = desk.take_over(found, kind, path.read_bytes(), by=person(by))
            facts = ", ".join(f"{name} {value}" for name, value in document.facts.items() if name != "macro")
            version = f" version {document.version}" if document.version else ""
            typer.echo(f"{kind.upper()}{version} is in force: {path.name}{f' ({facts})' if facts else ''}.")


@app.command()
def doctor(config: ConfigOption = None) -> None:
    """Log in, list folders, render every template, read the CPL; say what is wrong and how to mend it."""
    well = True
    for good, line in examine(config_file(config)):
        typer.echo(f"{'ok ' if good else '!! '} {line}")
        well = well and good
    if not well:
        raise typer.Exit(1)
