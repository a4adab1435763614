"""The command ``pipeline``: its general options, and every way in which a command can end."""

import importlib
import io
import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, NoReturn

import typer
from typer.main import get_command

from pipeline import __version__
from pipeline.cli.commands import Commands
from pipeline.cli.report import printable

OWN_FAULT, USAGE = 1, 2

_LOG_NOTHING = {"certificate", "check", "diff", "rules", "signature"}
"""Commands that write no log: they are spared the logging library."""

app = typer.Typer(name="pipeline", cls=Commands, rich_markup_mode=None)


class Level(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _version(show: bool) -> None:
    if show:
        typer.echo(f"pipeline {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _options(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_version, is_eager=True)
    ] = False,
    log_level: Annotated[Level, typer.Option(help="How much is logged on standard error.")] = Level.INFO,
) -> None:
    """Read CPL submissions from the helpdesk mailbox, check them against the guidance, and draft the reply.

    Start with `pipeline demo`: it builds a sample mailbox and runs the whole job on it once.

    Every command ends with exit code 0 when it did what was asked, 2 when it was asked wrongly, and 1 when something
    of our own is in the way; one line on standard error then says what and where. `pipeline check` ends with 0 for
    accept, 10 for reject and 20 for clarify.
    """
    del version
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help(), err=True)
        raise typer.Exit(USAGE)
    if ctx.invoked_subcommand not in _LOG_NOTHING:
        logs: Any = importlib.import_module("pipeline.cli.logs")
        logs.set_up_logs(log_level.value)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit. A failure is one line on standard error, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows no '›' gets '\u203a'
    try:
        code = get_command(app).main(arguments, prog_name="pipeline", standalone_mode=False)
    except typer.TyperException as error:
        _end(f"{error.format_message()}{_hint(error)}", error.exit_code)
    except typer.Abort:
        _end("stopped.", OWN_FAULT)
    except Exception as error:  # noqa: BLE001 - whatever it was, the caller gets one line and an exit code
        trouble: Any = importlib.import_module("pipeline.cli.trouble")
        _end(trouble.in_words(error), OWN_FAULT)
    sys.exit(code or 0)


def _hint(error: typer.TyperException) -> str:
    context: typer.Context | None = getattr(error, "ctx", None)
    return f" Try '{context.command_path} --help'." if context else ""


def _end(text: str, code: int) -> NoReturn:
    typer.echo(f"pipeline: {printable(text)}", err=True)
    try:
        sys.stdout.flush()
    except OSError:  # a full disk: what could not be written must not fail once more at exit, with a code of its own
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
