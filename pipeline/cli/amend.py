"""``pipeline amend``, ``remove`` and ``certificate-update``: changes to entries already on the list."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipeline import orders
from pipeline.cli.files import EXISTING, read_file
from pipeline.cli.opening import office
from pipeline.cli.people import By, Why, person, reason
from pipeline.cli.report import printable
from pipeline.cli.settings import ConfigOption
from pipeline.domain.release import Amendment, AmendmentKind
from pipeline.ledger.release_records import AmendmentState
from pipeline.office import Office
from pipeline.products import entries as entries_in_words
from pipeline.products import in_words
from pipeline.rulebook import Rulebook

app = typer.Typer(rich_markup_mode=None)

_DIGITS = 6


class Kind(StrEnum):
    """What is amended; removals and certificate updates have commands of their own."""

    CORRECTION = "correction"
    FIR = "fir"
    DZIR = "dzir"
    UPGRADE_PATH = "upgrade-path"
    REMEDIAL_PLAN = "remedial-plan"


Entries = Annotated[list[str] | None, typer.Argument(help="Entry numbers: 000626, or 626.")]
EvidenceOption = Annotated[
    list[Path] | None, typer.Option("--evidence", help="A file that shows it; may be given again.", **EXISTING)
]
CaseOption = Annotated[str, typer.Option("--case", help="The Case it belongs to, if any.")]
Until = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day the remedial plan ends.")]


@app.command()
def amend(
    entries: Entries = None,
    kind: Annotated[Kind, typer.Option(help="What is amended.")] = Kind.CORRECTION,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="FIELD=VALUE, or FIELD=@FILE for a value that others must not see."),
    ] = None,
    why: Why = "",
    by: By = "",
    evidence: EvidenceOption = None,
    case: CaseOption = "",
    until: Until = None,
    accept: Annotated[str, typer.Option(help="Order a proposed amendment: A-2026-00001.")] = "",
    withdraw: Annotated[str, typer.Option(help="Take back a proposed or ordered one.")] = "",
    listed: Annotated[bool, typer.Option("--list", help="Show what is proposed and what is ordered.")] = False,
    config: ConfigOption = None,
) -> None:
    """Change entries already on the list, without a form.

    The next 'pipeline publish' carries it out. What a mail asks for is proposed, and waits for --accept; entries and
    --set given with it fill in or correct what the mail left open.
    """
    with office(config) as found:
        if listed:
            _show(found)
        elif accept:
            values = _values(set_ or [], found.rules)
            numbers = _numbers(entries) if entries else []
            name = person(by)
            _told(orders.accept(found, accept.upper(), by=name, why=why.strip(), entries=numbers, values=values))
        elif withdraw:
            words, name = reason(why), person(by)
            found.ledger.withdraw_amendment(withdraw.upper(), found.now(), by=name, why=words)
            typer.echo(f"{withdraw.upper()} is withdrawn.")
        else:
            given = orders.order(
                found,
                AmendmentKind(kind.value),
                _numbers(entries),
                _values(set_ or [], found.rules),
                why=reason(why),
                by=person(by),
                evidence=_files(evidence),
                case=case,
                until=until.date() if until else None,
            )
            _told(given)


@app.command()
def remove(
    entries: Entries = None,
    back: Annotated[bool, typer.Option("--back", help="Put removed entries back to 'Current'.")] = False,
    why: Why = "",
    by: By = "",
    evidence: EvidenceOption = None,
    case: CaseOption = "",
    config: ConfigOption = None,
) -> None:
    """Set entries to 'Removed', or back.

    The determination of the SSC is given with --evidence. The rows stay, and their numbers are never used again.
    """
    words, files = reason(why), _files(evidence)
    if not files:
        raise typer.BadParameter("give the SSC's determination as a file", param_hint="--evidence")
    kind = AmendmentKind.RESTORATION if back else AmendmentKind.REMOVAL
    with office(config) as found:
        _told(
            orders.order(found, kind, _numbers(entries), {}, why=words, by=person(by), evidence=files, case=case)
        )  # fmt: skip


@app.command("certificate-update")
def certificate_update(
    certificate: Annotated[str, typer.Argument(help="The CPA Certificate's number, as any entry writes it.")],
    number: Annotated[str, typer.Option(help="Its new number: '[R] NCSC-1433053936-1497'.")] = "",
    expiry: Annotated[str, typer.Option(help="Its new expiry or renewal date, dd/mm/yyyy.")] = "",
    why: Why = "",
    by: By = "",
    evidence: EvidenceOption = None,
    case: CaseOption = "",
    config: ConfigOption = None,
) -> None:
    """Update a CPA Certificate on all its rows.

    Every entry that carries it gets the new number or date, however it is written there. The certificate or letter is
    given with --evidence, and is read.
    """
    words, files = reason(why), _files(evidence)
    if not files:
        raise typer.BadParameter("give the new certificate or the letter as a file", param_hint="--evidence")
    with office(config) as found:
        given = orders.update_certificate(
            found, certificate, number=number, expiry=expiry, why=words, by=person(by), evidence=files, case=case
        )
        _told(given)


def _numbers(given: list[str] | None) -> list[str]:
    if not given:
        raise typer.BadParameter("name at least one entry", param_hint="ENTRIES")
    for text in given:
        if not (text.isdecimal() and text.isascii() and len(text) <= _DIGITS):
            raise typer.BadParameter(f"{text!r} is no entry number of up to six digits", param_hint="ENTRIES")
    return [text.zfill(_DIGITS) for text in given]


def _values(given: list[str], rules: Rulebook) -> dict[str, str]:
    """Return field to value. What is RED or personal comes from a file: a command line is seen by others (law 8)."""
    values: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or name not in rules.fields:
            raise typer.BadParameter(f"'{name}' is no field of the form: write FIELD=VALUE", param_hint="--set")
        if value.startswith("@"):
            value = _text_of(Path(value[1:]))
        elif rules.fields[name].audience in {"red", "personal"}:
            raise typer.BadParameter(
                f"{name} is restricted: put the value into a file and write {name}=@FILE", param_hint="--set"
            )
        values[name] = value
    return values


def _text_of(file: Path) -> str:
    """Return a value from a file; nothing of it is repeated where it is no text (law 8)."""
    try:
        return read_file(file).decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{file} is not UTF-8 text: save it as such", param_hint="--set") from None


def _files(given: list[Path] | None) -> list[orders.Given]:
    return [orders.Given(path.name, read_file(path)) for path in given or []]


def _told(given: orders.Ordered) -> None:
    typer.echo(printable(f"{given.amendment.number} is ordered: {_line(given.amendment)}"))
    for line in given.told:
        typer.echo(printable(line))
    if given.plan:
        typer.echo(f"The next Release, version {given.plan.version}, would be:")
        for line in in_words(given.plan.difference):
            typer.echo(printable(line))
    typer.echo("It is carried out by the next 'pipeline publish'.")


def _show(found: Office) -> None:
    shown = 0
    for state in (AmendmentState.PROPOSED, AmendmentState.ORDERED):
        for one in found.ledger.amendments(state):
            shown += 1
            typer.echo(printable(f"{one.number}  {state.value:9} {_line(one)}"))
            for name, value in one.values.items():
                typer.echo(f"    {printable(f'{name}: {_shown(found.rules, name, value)}')}")
            for doubt in one.doubts:
                typer.echo(f"    look: {printable(doubt)}")
            for place in one.evidence:
                typer.echo(f"    seen in {printable(f'{place.file} {place.where} ({place.artefact[:12]})')}")
    typer.echo(f"{shown} proposed or ordered")


def _shown(rules: Rulebook, name: str, value: str) -> str:
    rule = rules.fields.get(name)
    return "(not shown: restricted)" if rule is None or rule.audience in {"red", "personal"} else f"'{value}'"


def _line(one: Amendment) -> str:
    what = entries_in_words(one.entries) if one.entries else "no entry yet"
    until = f" until {one.until}" if one.until else ""
    return f"{one.kind.value} of {what}{until}, by {one.by}: {one.why}"
