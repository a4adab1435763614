"""``pipeline run``: the worker, as a service or for one round."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import structlog
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from pipeline.cli.opening import mailbox_opener, opened, transport_opener, watch_opener
from pipeline.cli.settings import ConfigOption, config_file
from pipeline.cli.summary import summary
from pipeline.config import Config, load
from pipeline.monitor import Figures, Pinger, Rounds, TokenEnds, listening
from pipeline.promises import Progress as Tell
from pipeline.promises import Round
from pipeline.schedule import notifier, only_one, run_until_stopped
from pipeline.trouble import Unavailable
from pipeline.worker import Worker

app = typer.Typer(rich_markup_mode=None)
log = structlog.get_logger()


@app.command()
def run(
    once: Annotated[bool, typer.Option("--once", help="Do one round and end.")] = False,
    config: ConfigOption = None,
) -> None:
    """Read the mailbox and draft the replies, until stopped.

    SIGTERM or Ctrl-C stops it after the mail at hand. One worker at a time can use a data folder.
    """
    settings = load(config_file(config))
    notify = notifier()
    with only_one(settings.data), opened(settings, threads=True) as found, _progress() as tell:
        for section, told in summary(settings):
            log.info("settings", step="start", section=section, **told)

        def alive(step: str, position: int, total: int) -> None:
            notify("WATCHDOG=1")
            tell(step, position, total)

        ends = TokenEnds(found.clock)
        worker = Worker(
            found,
            mailbox_opener(settings, ends.of("mailbox")),
            alive,
            transport=transport_opener(settings, ends.of("smtp")),
            owner=f"{socket.gethostname()}:{os.getpid()}",
        )
        rounds = Rounds()
        work = rounds.watched(worker.run_once)
        if settings.monitor.ping:
            work = Pinger(found, settings.monitor.ping).after(work)
        if not once:
            with _monitor(settings, Figures(found, rounds, ends)):
                run_until_stopped(worker, settings.worker.poll_seconds, notify, work, watch_opener(settings))
            return
        done = work()
    typer.echo(words(done))
    if done.unreachable:
        raise Unavailable(f"the mailbox could not be used: {done.unreachable}")


def words(done: Round) -> str:
    """Return what a round did in one line."""
    if done.elsewhere:
        return f"Nothing was done: {done.elsewhere}. If none is, one died a moment ago: try again in five minutes."
    told = (
        f"{done.fetched} new mails, {done.concluded} concluded, {done.drafted} drafts put, {done.filed} mails filed, "
        f"{done.set_aside} set aside, {done.failed} to be tried again."
    )
    if done.reminded:
        told += f" {done.reminded} reminders promised."
    if done.sent:
        told += f" {done.sent} mails sent."
    if done.unsure:
        told += (
            f" {done.unsure} MAILS MAY OR MAY NOT HAVE BEEN SENT: look with 'pipeline doctor', then 'pipeline retry'."
        )
    return told


@contextmanager
def _monitor(settings: Config, figures: Figures) -> Iterator[None]:
    """Answer whoever asks how the worker is, where the settings say at which address."""
    if not settings.monitor.listen:
        yield
        return
    with listening(settings.monitor.listen, figures) as address:
        log.info("monitor listens", step="start", listen=address)
        yield


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
