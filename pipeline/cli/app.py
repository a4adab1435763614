"""Puts the commands together, and turns our own trouble into one clear line and exit code 1."""

import sys
from typing import Annotated

import typer

from pipeline import __version__
from pipeline.cli.cases import app as cases
from pipeline.cli.check import app as check
from pipeline.cli.opening import set_up_logs
from pipeline.cli.rules import app as rules
from pipeline.cli.run import app as run
from pipeline.compose import TemplatesBroken
from pipeline.config import ConfigRefused
from pipeline.desk import NotPossible
from pipeline.ledger.artefacts import ArtefactDamaged, ArtefactMissing, ArtefactsUnavailable
from pipeline.ledger.errors import LedgerBusy, LedgerConflict, LedgerRefused, NoSuchCase
from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable
from pipeline.office import Unavailable
from pipeline.readers.child import ReadersUnavailable
from pipeline.rulebook import RulesBroken

app = typer.Typer(
    name="pipeline",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Read CPL submissions from the helpdesk mailbox, check them against the guidance, and draft the reply.\n\n"
    "Start with `pipeline demo`. A settings file is found by --config, by PIPELINE_CONFIG, or as pipeline.toml here.",
)
for part in (run, check, cases, rules):
    app.add_typer(part)

_OWN_TROUBLE = (
    ArtefactDamaged,
    ArtefactMissing,
    ArtefactsUnavailable,
    ConfigRefused,
    LedgerBusy,
    LedgerConflict,
    LedgerRefused,
    MailboxRefused,
    MailboxUnavailable,
    NoSuchCase,
    NotPossible,
    ReadersUnavailable,
    RulesBroken,
    TemplatesBroken,
    Unavailable,
)


def _version(show: bool) -> None:
    if show:
        typer.echo(f"pipeline {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_version, is_eager=True)
    ] = False,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    del version
    if log_level not in {"debug", "info", "warning", "error"}:
        raise typer.BadParameter("choose debug, info, warning or error", param_hint="--log-level")
    set_up_logs(log_level)


def main() -> None:
    """Run the command line; our own trouble is one line on standard error and exit code 1, never a traceback."""
    try:
        app()
    except _OWN_TROUBLE as error:
        typer.echo(f"pipeline: {error}", err=True)
        sys.exit(1)
