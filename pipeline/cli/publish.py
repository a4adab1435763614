"""``pipeline publish``: the next version of the CPL, with everything that goes with it."""

import shutil
from typing import Annotated

import typer

from pipeline import releasing
from pipeline.cli.opening import office
from pipeline.cli.people import By, person
from pipeline.cli.report import printable
from pipeline.cli.settings import ConfigOption
from pipeline.domain.release import ReleasePlan
from pipeline.ledger.release_records import AmendmentState
from pipeline.office import Office
from pipeline.products import cells_in_words, in_words
from pipeline.publish.shelf import ShelfConflict, ShelfUnavailable

app = typer.Typer(rich_markup_mode=None)


@app.command()
def publish(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be released; write nothing.")] = False,
    principal: Annotated[bool, typer.Option("--principal", help="Raise the principal version: 4.000.")] = False,
    by: By = "",
    config: ConfigOption = None,
) -> None:
    """Make the next Release from what was accepted.

    The workbook, its CSV, the FIR and the DZIR are put into the folder of Releases; the notices wait in Drafts, or are
    sent where the settings say so, at the worker's next round. Given twice, it makes one Release.
    """
    name = person(by)
    with office(config) as found:
        if not dry_run:
            _finish(found)
        ordered = releasing.planned(found, principal=principal)
        for line in _waiting(found):
            typer.echo(line)
        if ordered is None:
            typer.echo("Nothing has been accepted or ordered since the last Release: there is none to make.")
            return
        for line in _told(ordered):
            typer.echo(printable(line))
        prepared = releasing.prepare(found, ordered, soffice=libreoffice())
        for file in prepared.files:
            typer.echo(f"file   {file.audience:5}  {file.name}  {len(file.data):,} octets")
        for notice in prepared.notices:
            sent = found.config.notices.send and notice.to
            typer.echo(
                f"notice {'to send ' if sent else 'to draft'}  {notice.kind}: {printable(notice.to) or 'nobody'}"
            )
        if not prepared.notices:
            typer.echo("notice nobody is named in [notices] of the settings: nobody is told by us")
        if dry_run:
            typer.echo("Nothing was written: this was a dry run.")
            return
        record, closed = releasing.commit(found, prepared, by=name)
        typer.echo(f"Version {record.version} is in force.")
        for case in closed:
            typer.echo(f"{case} is closed.")
        _finish(found)


def libreoffice() -> str:
    """Return LibreOffice's program where it is installed: it reads the new workbook too, which takes seconds."""
    return shutil.which("soffice") or ""


def _finish(found: Office) -> None:
    """Keep the promise to shelve, of this Release or of one that was killed before it could."""
    for effect in releasing.unshelved(found):
        try:
            folder = releasing.put_on_shelf(found, effect.payload["release"])
        except (ShelfConflict, ShelfUnavailable) as error:
            found.ledger.effect_failed(effect.key, found.now(), str(error), found.now())
            raise
        found.ledger.effect_done(effect.key, found.now(), f"in {folder}")
        typer.echo(f"The files of version {effect.payload['release']} stand in {printable(str(folder))}.")


def _told(ordered: ReleasePlan) -> list[str]:
    """Say what a Release does: in words, cell by cell, and as its Version Control row will have it."""
    lines = [f"{ordered.line}, made from version {ordered.base}.", *in_words(ordered.difference)]
    for change in ordered.difference.changes:
        cells = f": {cells_in_words(change.values)}" if change.before and change.after else ""
        lines.append(f"entry  {change.number}  {change.kind.value}{cells}")
    lines += [f"log    {line}" for line in ordered.log]
    for kind, rows in (("FIR", ordered.fir), ("DZIR", ordered.dzir)):
        lines.append(f"{kind:6} {len(rows)} entries with values")
    return lines


def _waiting(found: Office) -> list[str]:
    """Say what is not published because a person has yet to decide."""
    lines = [
        f"waits  {item.case}: {printable(item.file)} is accepted by the checks. If you agree: "
        f"pipeline decide {item.case} accept --why '...'"
        for item in found.ledger.awaiting()
    ]
    lines += [
        f"waits  {one.number}: {one.kind.value} of {len(one.entries)} entries, proposed by "
        f"{printable(one.by)}. See: pipeline amend --list"
        for one in found.ledger.amendments(AmendmentState.PROPOSED)
    ]
    return lines
