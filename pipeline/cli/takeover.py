"""``pipeline import``: take over the documents that the work goes by."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline import desk
from pipeline.cli.files import EXISTING, read_file
from pipeline.cli.opening import office
from pipeline.cli.people import By, person
from pipeline.cli.report import printable
from pipeline.cli.settings import ConfigOption
from pipeline.office import CPL, EPCL

app = typer.Typer(rich_markup_mode=None)


@app.command("import")
def take_over(
    cpl: Annotated[Path, typer.Argument(help="The CPL workbook (.xlsm) to take over as the one in force.", **EXISTING)],
    epcl: Annotated[Path | None, typer.Option(help="The SMETS1 EPCL (.csv or .xlsx).", **EXISTING)] = None,
    fir: Annotated[Path | None, typer.Option(help="The FIR (.xlsx), kept for the release.", **EXISTING)] = None,
    dzir: Annotated[Path | None, typer.Option(help="The DZIR (.xlsx), kept for the release. RED.", **EXISTING)] = None,
    contacts: Annotated[
        Path | None, typer.Option(help="Contacts for reminders (.csv), kept for them.", **EXISTING)
    ] = None,
    by: By = "",
    config: ConfigOption = None,
) -> None:
    """Take over an existing list as the one in force.

    From now on it is the template of the form and what duplicates are looked for in.
    """
    given = {CPL: cpl, EPCL: epcl, "fir": fir, "dzir": dzir, "contacts": contacts}
    files = {kind: (path, read_file(path)) for kind, path in given.items() if path}
    with office(config) as found:
        for kind, (path, data) in files.items():
            taken = desk.take_over(found, kind, data, by=person(by))
            document = taken.document
            facts = ", ".join(f"{name} {value}" for name, value in document.facts.items() if name != "macro")
            version = f" version {document.version}" if document.version else ""
            told = f"{kind.upper()}{version} is in force: {path.name}{f' ({facts})' if facts else ''}."
            for line in (told, *taken.told):
                typer.echo(printable(line))
