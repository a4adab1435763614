"""``pipeline certificate``: what a document is taken for, every value read of it with its place, and what is unseen."""

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.files import EXISTING, read_file
from pipeline.cli.progress import scans_shown
from pipeline.cli.report import printable
from pipeline.cli.settings import ConfigOption, rulebook, settings_if_any
from pipeline.domain.certificate import CertificateReading, ReadDevice, ReadValue
from pipeline.domain.document import Box
from pipeline.readers.child import Forked
from pipeline.readers.ocr import read_paper
from pipeline.readers.paper_request import PaperQuestion
from pipeline.rulebook import Rulebook
from pipeline.rulebook.certificates import CertificateKind

app = typer.Typer(rich_markup_mode=None)

RECOGNISED, OPEN = 0, 20
_WORDS = {"text": "from its text", "ocr": "from pictures, by OCR"}
"""Where the words of a document come from that has any, by the source of the reading."""
_NO_WORDS = {"picture": "it is a picture that nobody has read; look at it yourself", "none": "no words in it were read"}
_HOW = {"label": "label", "row": "table column", "list": "in a list of Device Models", "prose": "sentence with"}
_UNSEEN = {
    "invisible": "invisible",
    "same-colour": "in the colour of what lies under it",
    "clipped": "clipped",
    "off-page": "off the page",
    "covered": "covered",
    "tiny": "too small to be read",
    "annotation": "laid over the page as an annotation",
    "form-field": "laid over the page in a form field",
    "layer": "in a layer that is switched off",
}
_HEADINGS = ("field", "value", "place", "found by", "read by")


@app.command()
def certificate(
    file: Annotated[Path, typer.Argument(help="The document (.pdf, .png, .jpg, .tiff or .docx).", **EXISTING)],
    as_object: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    rules: Annotated[
        Path | None,
        typer.Option(help="A rules folder; else that of the settings.", exists=True, file_okay=False),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Say what was read of a certificate or a letter.

    It tells its kind, every value with page and box, label and readers, every Device Model, and what
    a person does not see. Where nothing was recognised, it tells which wording of which kind is missing.
    Exit code: 0 recognised, 20 not recognised or not readable, 2 usage, 1 our own fault.
    """
    book = Rulebook.load(rules) if rules else rulebook(settings_if_any(config))
    data = read_file(file)
    name = os.fsencode(file).decode("utf-8", "replace")
    kinds = tuple(book.certificates.values())
    question = PaperQuestion(name, hashlib.sha256(data).hexdigest(), data, kinds)
    with scans_shown() as tell:
        reading = read_paper(question, Forked(), tell)
    if as_object:
        typer.echo(json.dumps(_as_object(reading, book)))
    else:
        for line in _lines(reading, book.certificates):
            typer.echo(line)
    raise typer.Exit(RECOGNISED if reading.kind else OPEN)


def _lines(reading: CertificateReading, kinds: Mapping[str, CertificateKind]) -> Iterator[str]:
    if reading.kind:
        yield f"{kinds[reading.kind].name} ({reading.kind}), read {_WORDS[reading.source]}."
    else:
        yield f"Not recognised: {_NO_WORDS.get(reading.source, 'its words fit no kind')}."
    yield from (f"Problem: {printable(problem.text)}" for problem in reading.problems)
    if reading.changed_after_signing:
        yield "Changed: it was saved again after it was signed. Ask the issuer which state is meant."
    elif reading.revisions > 1:
        yield f"Changed: it was saved {reading.revisions} times; what stood in it before can still be read."
    if reading.kind:
        yield from _values(reading.values)
        yield from _devices(reading.devices)
    elif reading.source in _WORDS:
        yield from _missed(reading, kinds)
    for hidden in reading.unseen:
        place = f"page {hidden.page} {hidden.box}"
        yield f"Not seen by a person ({_UNSEEN.get(hidden.why, hidden.why)}), {place}: '{printable(hidden.text)}'"


def _values(values: Sequence[ReadValue]) -> Iterator[str]:
    rows = [tuple(map(printable, _row(value))) for value in values]
    if sys.stdout.isatty():
        yield from _table(rows)
        return
    for field, text, *rest in rows:
        place, how, readers = rest
        yield f"  {field}: '{text}'  {place}; {how}; read by {readers}"


def _row(value: ReadValue) -> tuple[str, str, str, str, str]:
    """Return what is told of a value, under the headings of the table."""
    place = value.place
    label = f" '{value.label}'" if value.label else ""
    as_read = "" if place.text == value.text else f", in '{place.text}'"
    readers = " and ".join(place.readers) or "several in part"
    doubt = "" if place.confirmed else ", NOT CONFIRMED"
    return value.field, value.text, place.where, f"{_HOW[value.how]}{label}{as_read}", f"{readers}{doubt}"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Draw a table as wide as the terminal. What does not fit goes on in the next line; nothing is cut off."""
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.table import Table  # noqa: PLC0415 - the same
    from rich.text import Text  # noqa: PLC0415 - the same

    table = Table()
    for heading in _HEADINGS:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))  # as Text, so that nothing in a document counts as markup
    console = Console(color_system=None)
    with console.capture() as drawn:
        console.print(table)
    yield from drawn.get().splitlines()


def _devices(devices: Sequence[ReadDevice]) -> Iterator[str]:
    yield f"{len(devices)} Device Model{'' if len(devices) == 1 else 's'}{':' if devices else '.'}"
    for number, device in enumerate(devices, 1):
        yield f"  {number}. {printable(', '.join(map(_short, device.values)))}"


def _short(value: ReadValue) -> str:
    return f"{value.field} {value.text}{'' if value.place.confirmed else ' (NOT CONFIRMED)'}"


def _missed(reading: CertificateReading, kinds: Mapping[str, CertificateKind]) -> Iterator[str]:
    yield "What keeps it from being one of the kinds, the nearest first:"
    for missed in sorted(reading.missed, key=lambda missed: len(missed.missing)):
        yield f"  {kinds[missed.kind].name} ({missed.kind})"
        for reason in missed.missing:
            yield f"    {reason if reason.endswith(' stands in it') else f'missing: {reason}'}"
    yield "To do: where it is one of these in other words, add its wording to rules/certificates/ and ask again."


def _as_object(reading: CertificateReading, book: Rulebook) -> dict[str, Any]:
    kind = book.certificates.get(reading.kind)
    return {
        "schema": 1,
        "file": reading.file,
        "sha256": reading.artefact,
        "rules": book.fingerprint,
        "kind": kind.kind if kind else None,
        "name": kind.name if kind else None,
        "role": kind.role if kind else None,
        "source": reading.source,
        "values": [_value(value) for value in reading.values],
        "devices": [[_value(value) for value in device.values] for device in reading.devices],
        "missed": [
            {"kind": missed.kind, "name": book.certificates[missed.kind].name, "missing": missed.missing}
            for missed in reading.missed
        ],
        "unseen": [
            {"page": item.page, "box": _box(item.box), "why": item.why, "text": item.text} for item in reading.unseen
        ],
        "revisions": reading.revisions,
        "changed_after_signing": reading.changed_after_signing,
        "problems": [{"kind": item.kind, "text": item.text, "where": item.where} for item in reading.problems],
    }


def _value(value: ReadValue) -> dict[str, Any]:
    return {
        "field": value.field,
        "text": value.text,
        "page": value.place.page,
        "box": _box(value.place.box),
        "as_read": value.place.text,
        "how": value.how,
        "label": value.label,
        "readers": value.place.readers,
        "confirmed": value.place.confirmed,
    }


def _box(box: Box) -> list[float]:
    """Return a box in points, to the tenth as Evidence gives it."""
    return [round(edge, 1) for edge in (box.left, box.top, box.right, box.bottom)]
