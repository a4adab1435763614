"""``pipeline remind`` and ``pipeline calendar``: which certificates end, who is told, and what became of it."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.opening import office
from pipeline.cli.report import printable
from pipeline.cli.settings import ConfigOption
from pipeline.ledger.records import EffectState
from pipeline.ledger.reminder_records import BounceRecord, Promised
from pipeline.office import Office
from pipeline.releasing import SEND
from pipeline.remind import Calendar, ics, png, svg
from pipeline.remind.calendar import MONTHS, Row, State
from pipeline.reminding import NO_CONTACT, REMINDERS, Asked, Outlook, Reminding
from pipeline.trouble import Unavailable

app = typer.Typer(rich_markup_mode=None)

OnOption = Annotated[str, typer.Option(help="The day, YYYY-MM-DD; else today.")]

_Line = tuple[str, ...]
_PICTURES = {".svg": svg, ".png": png}
_STATES = {
    EffectState.PENDING: "promised",
    EffectState.SENDING: "being sent",
    EffectState.UNKNOWN: "UNKNOWN",
    EffectState.HELD: "HELD",
}


@app.command()
def remind(
    on: OnOption = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what is due; promise nothing.")] = False,
    config: ConfigOption = None,
) -> None:
    """Promise the reminders of certificates that are due.

    A Case is opened for each certificate whose date has passed. The mails wait in Drafts, or are sent where the
    settings say so, at the worker's next round, which does the same by itself. Given twice, each is promised once. Any
    day can be looked at with --dry-run.
    """
    with office(config) as found:
        reminding = Reminding(found)
        day = _day(on, reminding.today())
        if day != reminding.today() and not dry_run:
            raise typer.BadParameter(
                "reminders are promised for today alone, as each is sent once for ever; look with --dry-run",
                param_hint="--on",
            )
        outlook = _outlook(reminding)
        asked = reminding.asked(outlook, day)
        lines = list(_told(found, outlook, asked))
        opened = () if dry_run else reminding.promise(outlook, asked)
    _draw(("what", "date", "months", "certificate", "entries", "to whom, or why"), lines)
    typer.echo(
        f"{day.isoformat()}: {len(asked.reminders)} reminders due, {len(asked.without_contact)} without a contact, "
        f"{len(asked.expired)} certificates whose date has passed."
    )
    if dry_run:
        typer.echo("Nothing was promised: this was a dry run.")
    for case in opened:
        typer.echo(f"{case} is opened.")


@app.command()
def calendar(
    months: Annotated[int, typer.Option(min=1, max=1200, help="How many months, the present one counted.")] = MONTHS,
    on: OnOption = "",
    ics_file: Annotated[
        Path | None, typer.Option("--ics", help="Write the calendar for Outlook (.ics).", dir_okay=False)
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw what ends in which month (.svg or .png).", dir_okay=False)
    ] = None,
    as_object: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    config: ConfigOption = None,
) -> None:
    """Show which certificates end, and who is reminded.

    For each of the coming months: the certificates, and what became of every reminder. Below stand the entries that
    nobody can be reminded of, and why.
    """
    if plot and plot.suffix.lower() not in _PICTURES:
        raise typer.BadParameter(f"{plot}: a picture is a file that ends in .svg or .png", param_hint="--plot")
    with office(config) as found:
        reminding = Reminding(found)
        outlook = _outlook(reminding)
        shown = reminding.calendar(outlook, _day(on, reminding.today()), months)
        came_back = _came_back(found)
        now = found.clock()
    if ics_file:
        _write(ics_file, ics(shown, now))
    if plot:
        _write(plot, _PICTURES[plot.suffix.lower()](shown))
    if as_object:
        typer.echo(json.dumps(_as_object(shown, came_back)))
        return
    rows = [("PASSED", *_row(row)) for row in shown.expired]
    rows += [(f"{month.first:%Y-%m}", *_row(row)) for month in shown.months for row in month.rows]
    _draw(("month", "date", "kind", "certificate", "entries", "reminders, by months before"), rows)
    _draw(("what", "date", "months", "certificate", "entries", "to whom, or why"), _beside(outlook, came_back))
    typer.echo(f"{len(shown.rows)} certificates end in {months} months; the date of {len(shown.expired)} has passed.")


def _day(given: str, today: date) -> date:
    try:
        return date.fromisoformat(given) if given else today
    except ValueError:
        raise typer.BadParameter(f"'{given}' is no day such as 2026-11-21", param_hint="--on") from None


def _outlook(reminding: Reminding) -> Outlook:
    outlook = reminding.outlook()
    if outlook is None:
        raise Unavailable("No CPL is in force: take over the last one with 'pipeline import'.")
    return outlook


def _came_back(found: Office) -> list[BounceRecord]:
    return [came for came in found.ledger.bounces() if came.key.startswith(REMINDERS)]


def _write(file: Path, data: bytes) -> None:
    try:
        file.write_bytes(data)
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}") from error
    typer.echo(f"{printable(str(file))} is written.", err=True)


# ---- remind


def _told(found: Office, outlook: Outlook, asked: Asked) -> Iterator[_Line]:
    """Yield what is due, then what was promised before and counts on that day, then what the helpdesk should see."""
    sends = found.config.notices.send and found.config.smtp is not None
    for due in asked.reminders:
        entries, whom = _numbers(entry.number for entry in due.entries), f"{due.to.addr} ({due.audience})"
        about = (due.certificate.day.isoformat(), str(due.window.months), due.certificate.numbers[0], entries, whom)
        yield ("to send" if sends else "to draft", *about)
    for missing in asked.without_contact:
        entries, day = _numbers(entry.number for entry in missing.entries), missing.certificate.day.isoformat()
        yield "NO CONTACT", day, str(missing.window.months), missing.certificate.numbers[0], entries, missing.why
    for promised in found.ledger.promised(REMINDERS):
        if promised.key in asked.withdrawn:
            yield _before("taken back", promised, asked.withdrawn[promised.key])
        elif promised.state is EffectState.UNKNOWN or promised.payload["until"] >= asked.on.isoformat():
            yield _standing(promised)
    for over in asked.expired:
        entries = _numbers(entry.number for entry in over.certificate.entries)
        yield (
            "PASSED",
            over.certificate.day.isoformat(),
            "",
            over.certificate.numbers[0],
            entries,
            f"asks: {over.asked}",
        )
    for audience in asked.unaddressed:
        yield "NO ADDRESS", "", "", "", "", f"The settings name no address of the {audience}: reminders.{audience}."
    yield from _beside(outlook, _came_back(found))


def _standing(promised: Promised) -> _Line:
    """Say how a promise stands; with its key where 'pipeline retry' is what a person may want."""
    if promised.kind == NO_CONTACT and promised.state is EffectState.HELD:
        return _before("NO CONTACT", promised, promised.error)
    whom = promised.payload.get("to", "")
    if promised.state is EffectState.DONE:
        return _before("sent" if promised.kind == SEND else "in Drafts", promised, f"{promised.done[:10]} {whom}")
    if promised.state is EffectState.WITHDRAWN:
        return _before("taken back", promised, promised.note)
    why = f"{whom} {promised.error}".rstrip()
    if promised.state in {EffectState.HELD, EffectState.UNKNOWN}:
        why += f" To send it again: pipeline retry {promised.key} --why '...'"
    return _before(_STATES[promised.state], promised, why)


def _before(what: str, promised: Promised, why: str) -> _Line:
    day, months, _ = promised.key.rsplit(":", 2)
    return what, day.rpartition(":")[2], months, promised.payload["certificate"], promised.payload["entries"], why


def _beside(outlook: Outlook, came_back: Iterable[BounceRecord]) -> Iterator[_Line]:
    """Yield what no reminder can be computed for, what is odd, and what came back."""
    for untracked in outlook.tracking.untracked:
        yield "NOT READ", "", "", "", untracked.entry.number, untracked.why
    for remark in outlook.tracking.remarks:
        yield "remark", "", "", "", _numbers(remark.entries), remark.text
    for came in came_back:
        day, months, _ = came.key.rsplit(":", 2)
        why = f"{came.recipient}: {came.status} {came.text}"
        yield "CAME BACK", day.rpartition(":")[2], months, day.rpartition(":")[0].removeprefix(REMINDERS), "", why


def _numbers(numbers: Iterable[str]) -> str:
    return " ".join(numbers)


# ---- calendar


def _row(row: Row) -> _Line:
    certificate = row.certificate
    known = [one for one in row.windows if one.state is not State.PASSED_OVER]
    windows = "; ".join(
        f"{one.window.months} before ({one.window.day.isoformat()}): {one.state}" + (f", {one.why}" if one.why else "")
        for one in known
    )
    entries = str(len(certificate.entries))
    return (
        certificate.day.isoformat(),
        certificate.kind.value,
        certificate.numbers[0],
        entries,
        windows or "none was sent",
    )


def _as_object(shown: Calendar, came_back: Sequence[BounceRecord]) -> dict[str, Any]:
    return {
        "schema": 1,
        "on": shown.on.isoformat(),
        "months": [
            {"month": f"{month.first:%Y-%m}", "certificates": [_certificate(row) for row in month.rows]}
            for month in shown.months
        ],
        "expired": [_certificate(row) for row in shown.expired],
        "untracked": [{"entry": one.entry.number, "why": one.why} for one in shown.untracked],
        "remarks": [{"text": one.text, "entries": list(one.entries)} for one in shown.remarks],
        "came_back": [
            {"reminder": one.key, "at": one.at, "to": one.recipient, "status": one.status, "permanent": one.permanent}
            for one in came_back
        ],
    }


def _certificate(row: Row) -> dict[str, Any]:
    certificate = row.certificate
    return {
        "certificate": certificate.key,
        "numbers": list(certificate.numbers),
        "kind": certificate.kind.value,
        "date": certificate.day.isoformat(),
        "entries": [entry.number for entry in certificate.entries],
        "windows": [
            {"months": one.window.months, "from": one.window.day.isoformat(), "state": one.state.value, "why": one.why}
            for one in row.windows
        ],
    }


# ---- both


def _draw(headings: Sequence[str], lines: Iterable[_Line]) -> None:
    """Print a table as wide as a terminal; elsewhere a line a row, for other tools. Nothing for no rows."""
    shown = [tuple(map(printable, line)) for line in lines]
    if not shown:
        return
    if not sys.stdout.isatty():
        for line in shown:
            typer.echo("  ".join(filter(None, line)))
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.table import Table  # noqa: PLC0415 - the same
    from rich.text import Text  # noqa: PLC0415 - the same

    table = Table()
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for line in shown:
        table.add_row(*map(Text, line))  # as Text, so that nothing in a list counts as markup
    console = Console()
    with console.capture() as drawn:
        console.print(table)
    typer.echo(drawn.get(), nl=False)
