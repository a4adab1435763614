"""The helpdesk's work without the web desk: cases, case, confirm, decide, replay, retry."""

import getpass
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from pipeline import desk
from pipeline.cli.opening import office
from pipeline.cli.report import as_text, finding_lines, printable, sentence
from pipeline.domain.finding import Status
from pipeline.domain.judgement import Outcome
from pipeline.ledger.codec import encode
from pipeline.ledger.records import CaseRecord

app = typer.Typer()

Number = Annotated[str, typer.Argument(help="Case number, CPL-2026-00042, or its last digits of this year's.")]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="Settings file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Why = Annotated[str, typer.Option(help="The reason, in a sentence; it is kept, and a refusal tells it.")]
By = Annotated[str, typer.Option(help="Who says so; else the user of this machine.")]


def person(given: str) -> str:
    """Return who asks: the name given, or the user of this machine."""
    return given.strip() or getpass.getuser()


def _reason(why: str) -> str:
    if not why.strip():
        raise typer.BadParameter("say why, in a sentence", param_hint="--why")
    return why.strip()


@app.command()
def cases(
    state: Annotated[str, typer.Option(help="open or closed.")] = "open",
    as_object: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """List the Cases, those due first first; mails that were set aside stand on top."""
    with office(config) as found:
        aside = found.ledger.set_aside_messages()
        summaries = found.ledger.cases(state)
    if as_object:
        tree = {"set_aside": json.loads(encode(aside)), "cases": json.loads(encode(summaries))}
        typer.echo(json.dumps(tree, ensure_ascii=False))
        return
    console = Console()
    for record in aside:
        console.print(f"[bold red]set aside[/] {record.sha256[:12]} {record.received}: {printable(record.note)}")
    table = Table("case", "due", "from", "subject", "decision", "waits for", "fails", "open", title=f"{state} cases")
    for line in summaries:
        table.add_row(
            line.number,
            line.due,
            printable(line.correspondent),
            printable(line.subject)[:60],
            line.outcome or "-",
            line.waits_for or "-",
            str(line.fails),
            str(line.unclears),
        )
    console.print(table)


@app.command()
def case(number: Number, as_object: JsonOption = False, config: ConfigOption = None) -> None:
    """Show one Case: its mails, what was found and where, what was decided, drafted and done."""
    with office(config) as found:
        record = found.ledger.case(_full(number, found.clock().year))
    if as_object:
        typer.echo(json.dumps(_as_object(record), ensure_ascii=False))
        return
    for line in _lines(record):
        typer.echo(line)


def _full(number: str, year: int) -> str:
    return f"CPL-{year}-{int(number):05}" if number.isdecimal() and number.isascii() else number.upper()


def _as_object(record: CaseRecord) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(encode(record))
    for draft in tree["drafts"]:
        draft.pop("raw")
    return tree


def _lines(record: CaseRecord) -> list[str]:
    lines = [
        f"{record.number}  {record.state}  opened {record.opened}  due {record.due}",
        f"from {printable(record.correspondent)}: {printable(record.subject)}",
        "",
    ]
    lines += [f"mail   {m.received}  {m.kind:12} {m.sha256[:12]}  {printable(m.note)}" for m in record.messages]
    if record.judgements:
        newest = record.judgements[-1]
        lines += ["", f"judged {newest.at} under the rules {newest.rules[:12]}, receipt {newest.circumstances.on}", ""]
        lines += as_text(newest.judged, newest.decision)
        waiting = [f for item in newest.judged for f in item.findings if f.status is Status.UNCLEAR]
        if waiting:
            example = waiting[0]
            lines.append(f"To settle a point: pipeline confirm {record.number} {example.check} pass|fail --why '...'")
    lines += [
        f"word   {v.at}  {v.by}: {v.check} {'pass' if v.passed else 'fail'}, {printable(v.why)}"
        for v in record.verdicts
    ]
    lines += [f"draft  {d.kind:10} to {printable(d.to) or 'nobody'}  {d.message_id}" for d in record.drafts]
    lines += [f"effect {e.kind:6} {e.state.value:8} {printable(e.error)}" for e in record.effects]
    return lines


@app.command()
def confirm(
    number: Number,
    check: Annotated[str, typer.Argument(help="The check whose open point is settled.")],
    word: Annotated[str, typer.Argument(help="pass or fail.")],
    why: Why = "",
    by: By = "",
    submission: Annotated[str, typer.Option(help="The workbook, where the case has several.")] = "",
    subject: Annotated[str, typer.Option(help="The field, where the check has several open points.")] = "",
    config: ConfigOption = None,
) -> None:
    """Settle an open point of a Case with your name; the Decision is derived again."""
    if word not in {"pass", "fail"}:
        raise typer.BadParameter("say pass or fail", param_hint="WORD")
    reason, name = _reason(why), person(by)
    with office(config) as found:
        again = desk.confirm(
            found,
            _full(number, found.clock().year),
            check,
            passed=word == "pass",
            why=reason,
            by=name,
            submission=submission,
            subject=subject,
        )
    left = [f for item in again.judged for f in item.findings if f.status is Status.UNCLEAR]
    for finding in left:
        for line in finding_lines(finding):
            typer.echo(line)
    typer.echo(f"Decision: {sentence(again.decision)}")


@app.command()
def decide(
    number: Number,
    word: Annotated[Outcome, typer.Argument(help="accept, reject or clarify.")],
    why: Why = "",
    by: By = "",
    config: ConfigOption = None,
) -> None:
    """Decide about a whole Case by hand, whatever the checks said, and draft the reply."""
    reason, name = _reason(why), person(by)
    with office(config) as found:
        again = desk.decide_by_hand(found, _full(number, found.clock().year), word, why=reason, by=name)
    typer.echo(f"Decision: {sentence(again.decision)} The reply is drafted at the worker's next round.")


@app.command()
def replay(number: Number, config: ConfigOption = None) -> None:
    """Derive every judgement of a Case again from stored bytes; exit 1 where the findings differ."""
    with office(config) as found:
        results = desk.replay(found, _full(number, found.clock().year))
    for result in results:
        same = "the same findings, octet for octet" if result.same else "OTHER FINDINGS"
        note = f" ({result.note})" if result.note else ""
        typer.echo(f"{result.judgement.at}  rules {result.judgement.rules[:12]}: {same}{note}")
        for line in result.differences:
            typer.echo(f"  {printable(line)}")
    if not all(result.same for result in results):
        raise typer.Exit(1)


@app.command()
def retry(
    what: Annotated[str, typer.Argument(help="Case number, or the first digits of a set-aside mail's sha256.")],
    why: Why = "",
    by: By = "",
    config: ConfigOption = None,
) -> None:
    """Put set-aside mails and held effects back to work."""
    reason, name = _reason(why), person(by)
    with office(config) as found:
        name = _full(what, found.clock().year) if len(what) <= 5 or what.upper().startswith("CPL-") else what  # noqa: PLR2004 - a Case's serial has five digits
        count = found.ledger.retry(name, found.now(), by=name, why=reason)
    typer.echo(f"{count} put back to work; they are done at the worker's next round.")
