"""Who acts, and why: what the ledger keeps with every change that a person makes."""

import getpass
from typing import Annotated

import typer

Why = Annotated[str, typer.Option(help="The reason, in a sentence; it is kept, and a refusal tells it.")]
By = Annotated[str, typer.Option(help="Who says so; else the user of this machine.")]


def person(given: str) -> str:
    """Return who asks: the name given, or the user of this machine."""
    try:
        return given.strip() or getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        raise typer.BadParameter("say who you are; this machine has no name for you", param_hint="--by") from None


def reason(why: str) -> str:
    """Return the reason given; BadParameter where there is none."""
    if not why.strip():
        raise typer.BadParameter("say why, in a sentence", param_hint="--why")
    return why.strip()
