"""``pipeline rules``: the rulebook as people read it, and the proof that rules, code and cases agree."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pipeline.checks.proof import prove
from pipeline.cli.settings import rulebook
from pipeline.rulebook import Rulebook

app = typer.Typer(rich_markup_mode=None)


@app.command()
def rules(
    verify: Annotated[bool, typer.Option("--verify", help="Prove that rules, code and cases agree.")] = False,
    as_object: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    folder: Annotated[
        Path | None, typer.Option(help="A rules folder; else the one that comes along.", exists=True, file_okay=False)
    ] = None,
) -> None:
    """Show every check, or prove that all agree."""
    book = Rulebook.load(folder) if folder else rulebook()
    if verify:
        _verify(book)
        return
    if as_object:
        rows = [{"id": c.id, "title": c.title, "clause": c.clause, "worst": c.worst} for c in book.checks.values()]
        typer.echo(json.dumps({"fingerprint": book.fingerprint, "checks": rows}))
        return
    for check in book.checks.values():
        typer.echo(f"{check.id} (worst: {check.worst})\n    {check.title}\n    {check.clause}")
    typer.echo(f"{len(book.checks)} checks, rules {book.fingerprint[:12]}")


def _verify(book: Rulebook) -> None:
    cases = Path(__file__).resolve().parents[2] / "tests" / "corpus"
    troubles = prove(book, cases if cases.is_dir() else None)
    for trouble in troubles:
        typer.echo(trouble)
    examples = sum(len(rule.good) + len(rule.bad) for rule in book.fields.values())
    shown = f"{len(book.checks)} checks, {len(book.fields)} fields, {examples} examples"
    if troubles:
        typer.echo(f"{len(troubles)} disagreements in {shown}.", err=True)
        raise typer.Exit(1)
    beside = "" if cases.is_dir() else " (the test cases are not beside this installation and were not looked at)"
    typer.echo(f"Rules, code and cases agree: {shown}{beside}.")
