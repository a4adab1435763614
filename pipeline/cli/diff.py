"""``pipeline diff``: what changed between two versions of the CPL, entry by entry and cell by cell."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.files import EXISTING, read_file
from pipeline.cli.report import printable
from pipeline.domain.message import Problem
from pipeline.domain.product import Product, ProductList
from pipeline.domain.release import EntryChange, ListDifference
from pipeline.products import difference, entries, in_words, listable, repeated
from pipeline.readers.child import Forked

app = typer.Typer(rich_markup_mode=None)

OWN_FAULT = 1
_HEADINGS = ("entry", "what", "column", "before", "after")

_Row = tuple[str, str, str, str, str]


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="The earlier CPL workbook (.xlsm).", **EXISTING)],
    new: Annotated[Path, typer.Argument(help="The later CPL workbook (.xlsm).", **EXISTING)],
    as_object: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what changed between two versions of the CPL.

    Entries are told apart by their numbers, and compared cell by cell; formatting and the other tabs are not looked
    at. Exit code: 0 when both were read, whether they differ or not; 1 when one cannot be read; 2 usage.
    """
    before, after = _list(old), _list(new)
    change = difference(before, after)
    if as_object:
        typer.echo(json.dumps(_as_object(before, after, change)))
        return
    for line in (*in_words(change), *_warnings(before, after)):
        typer.echo(printable(line))
    if change.changes:
        typer.echo("")
        for line in _drawn([row for item in change.changes for row in _rows(item)]):
            typer.echo(line)


def _list(file: Path) -> ProductList:
    """Read a list in the capped child; one line on standard error and exit code 1 where it is none."""
    reading = Forked().cpl(read_file(file))
    if isinstance(reading, Problem) or reading.template is None:
        why = reading if isinstance(reading, Problem) else reading.problems[0]
        typer.echo(f"pipeline: {printable(f'{file}: cannot be read as a CPL: {why.text}')}", err=True)
        raise typer.Exit(OWN_FAULT)
    return ProductList(reading.template.artefact, reading.template.version, reading.products)


def _warnings(*lists: ProductList) -> Iterator[str]:
    for which, products in zip(("earlier", "later"), lists, strict=True):
        if numbers := repeated(products):
            where = f"the {which} list, version {products.version}"
            yield f"Careful: {entries(numbers)} of {where}: more than one row each."


def _rows(item: EntryChange) -> Iterator[_Row]:
    """Yield a table row for each changed cell; one for an entry that is new or gone."""
    if item.before and item.after:
        for cell in item.values:
            yield item.number, item.kind.value, cell.field, cell.before, cell.after
    else:
        yield item.number, item.kind.value, "Device_Model", _model(item.before), _model(item.after)


def _model(product: Product | None) -> str:
    return str(product.model) if product else ""


def _drawn(rows: list[_Row]) -> Iterator[str]:
    """Draw the table: as wide as a terminal, folded where it does not fit; elsewhere a line a row, for other tools."""
    shown = [tuple(map(printable, row)) for row in rows]
    if not sys.stdout.isatty():
        for number, kind, column, before, after in shown:
            yield f"{number}  {kind:8} {column}: '{before}' -> '{after}'"
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.table import Table  # noqa: PLC0415 - the same
    from rich.text import Text  # noqa: PLC0415 - the same

    table = Table()
    for heading in _HEADINGS:
        table.add_column(heading, overflow="fold")
    for row in shown:
        table.add_row(*map(Text, row))  # as Text, so that nothing in a list counts as markup
    console = Console()
    with console.capture() as drawn:
        console.print(table)
    yield from drawn.get().splitlines()


def _as_object(before: ProductList, after: ProductList, change: ListDifference) -> dict[str, Any]:
    """Return the object of docs/reference/diff.schema.json."""
    return {
        "schema": 1,
        "old": _identity(before),
        "new": _identity(after),
        "words": list(in_words(change)),
        "changes": [_change(item) for item in change.changes],
    }


def _identity(products: ProductList) -> dict[str, Any]:
    return {
        "sha256": products.artefact,
        "version": products.version,
        "entries": len(products.products),
        "repeated": list(repeated(products)),
    }


def _change(item: EntryChange) -> dict[str, Any]:
    return {
        "number": item.number,
        "kind": item.kind.value,
        "before": _values(item.before),
        "after": _values(item.after),
        "values": [{"field": cell.field, "before": cell.before, "after": cell.after} for cell in item.values],
    }


def _values(product: Product | None) -> Mapping[str, str] | None:
    """Return what an entry says; what is RED or personal is on no list, and would go no further (law 8)."""
    return {name: text for name, text in product.values.items() if listable(name)} if product else None
