"""What a certificate or letter says: its kind, its fields and its Device Models, each with its place.

A pure reading of a Document, without its bytes: the kinds come from rules/certificates/, nothing depends on one
layout, and nothing is judged. Values are as read; to bring two notations together is the checks' business.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from pipeline.domain.certificate import CertificateReading, MissedKind, ReadDevice, ReadValue
from pipeline.domain.document import Document
from pipeline.readers.beside import beside, read_spot
from pipeline.readers.blocks import Block, Row, Stretch, rows_of
from pipeline.readers.labels import Label, Labels
from pipeline.readers.listing import (
    DEVICE_FIELDS,
    MAKER,
    Labelled,
    Table,
    bare,
    concatenations,
    grouped,
    listed_devices,
    row_values,
    tables,
    value_of,
)
from pipeline.rulebook.certificates import CertificateKind, is_pattern

_LOOSE_WORDS = 8
_HARDWARE = re.compile(r"hardware|\bHW\b|H/W", re.IGNORECASE)


def interpret(file: str, artefact: str, document: Document, kinds: Mapping[str, CertificateKind]) -> CertificateReading:
    """Read what a document says.

    file: its path in the mail. artefact: sha256 of its bytes. kinds: the most specific first, as ``certificate_kinds``
    returns them. Where no kind fits, the kind is empty and ``missed`` says of each which wordings are not there.
    """
    pages = [Stretch.of(page.number, page.words) for page in document.pages]
    text = "\n".join(page.text for page in pages)
    reading = CertificateReading(
        file=file,
        artefact=artefact,
        kind="",
        unseen=document.unseen,
        source=_source(document),
        revisions=document.revisions,
        changed_after_signing=document.changed_after_signing,
        problems=document.problems,
        document=document,
    )
    missed = []
    for kind in kinds.values():
        missing = _missing(kind, text)
        if not missing:
            values, devices = _Contents(kind, rows_of(document), pages).read()
            return replace(reading, kind=kind.kind, values=values, devices=devices)
        missed.append(MissedKind(kind.kind, missing))
    return replace(reading, missed=tuple(missed))


def _source(document: Document) -> str:
    """Say where the words come from; a page that nobody has read counts only where no page has words."""
    sources = {page.source for page in document.pages}
    return next((source for source in ("ocr", "text", "picture") if source in sources), "none")


def _missing(kind: CertificateKind, text: str) -> tuple[str, ...]:
    """Say what keeps a document from being of a kind: of the way that comes nearest, nothing where it is."""
    against = tuple(f"'{wording}' stands in it" for wording in kind.not_with if _stands(wording, text))
    ways = [
        tuple(_one_of(group) for group in way if not any(_stands(wording, text) for wording in group))
        for way in kind.recognise
    ]
    return (*min(ways, key=len), *against)


def _one_of(group: Sequence[str]) -> str:
    return " or ".join(f"'{wording}'" for wording in group)


def _stands(wording: str, text: str) -> bool:
    return _wording(wording).search(text) is not None


@lru_cache(maxsize=1024)
def _wording(wording: str) -> re.Pattern[str]:
    if is_pattern(wording):
        return re.compile(wording[1:-1])
    words = r"\s+".join(map(re.escape, wording.split()))
    return re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE)


class _Contents:
    """The values and Device Models of a document whose kind is known."""

    def __init__(self, kind: CertificateKind, rows: Sequence[Row], pages: Sequence[Stretch]) -> None:
        self._kind = kind
        self._labels = Labels(kind)
        self._rows = rows
        self._pages = pages
        self._labelled: list[Labelled] = []
        self._devices: list[ReadDevice] = []
        self._read_as: dict[tuple[int, int], str] = {}

    def read(self) -> tuple[tuple[ReadValue, ...], tuple[ReadDevice, ...]]:
        """Return every value in reading order, and the Device Models."""
        found = tables(self._rows, self._labels)
        taken = {number for table in found for number in (table.heading, *table.rows)}
        one_row = {table.rows[0]: table for table in found if len(table.rows) == 1}
        for number, row in enumerate(self._rows):
            if number in one_row:
                self._form_row(one_row[number], row)
            if number not in taken:
                for place, block in enumerate(row.blocks):
                    self._block(number, place, block)
        listed = [*self._tabled(found), *self._devices]
        values = [item.value for item in self._labelled]
        values += [value for device in listed for value in device.values]
        values += [value for page in self._pages for value in self._phrases(page)]
        single = [self._made(device) for device in grouped(self._labelled)]
        completed = [self._made(self._completed(device, listed)) for device in listed]
        return _in_order(values), _distinct(completed, single)

    def _form_row(self, table: Table, row: Row) -> None:
        """Take headings with one row below them for labels above their values."""
        for value in row_values(table, row, self._labels, "label"):
            self._labelled.append(Labelled(value, table.columns[0].left))

    def _tabled(self, found: Sequence[Table]) -> Iterator[ReadDevice]:
        for table in found:
            for number in table.rows if len(table.rows) > 1 else ():
                if values := row_values(table, self._rows[number], self._labels, "row"):
                    yield ReadDevice(values)

    def _block(self, number: int, place: int, block: Block) -> None:
        """Read one block: Device Models written in one, and what stands after, beside or below its labels."""
        self._devices += listed_devices(block)
        written = [(pieces[0].start, pieces[-1].end) for pieces in concatenations(block.text)]
        labels = self._labels.find(block.text)
        ends = [*(label.start for label in labels[1:]), len(block.text)][: len(labels)]
        for label, end in zip(labels, ends, strict=True):
            if not label.field or self._read_as.get((number, place)) == label.field:
                continue  # a label of nothing, or the first word of a value that stands beside its label
            if self._labels.rule(label.field).octets == 1 and not self._of_hardware(number, label):
                continue
            many = self._labels.rule(label.field).many
            if block.text[label.end : end].strip(" \n\t:.=*#-\u2013"):
                whole = label.colon or self._is_item(label, block, end)
                read = self._labels.whole if whole else self._labels.prose
                pieces = read(label.field, block.text, label.end, end)
                self._labelled += [
                    Labelled(value_of(block, piece, "label" if whole else "prose", label.text), block.box.left)
                    for piece in pieces
                    if many or not any(piece.start < last and first < piece.end for first, last in written)
                ]
            elif label is labels[-1] and (label.leads or label.colon):
                for spot in beside(self._rows, (number, place), label, self._labels):
                    self._labelled += read_spot(self._rows, spot, label, self._labels)
                    self._read_as[spot.row, spot.block] = label.field

    def _of_hardware(self, number: int, label: Label) -> bool:
        """Say whether a revision is one of hardware: by its label, or by what stands in its row or the one above."""
        near = [
            label.text,
            *(block.text for row in self._rows[max(0, number - 1) : number + 1] for block in row.blocks),
        ]
        return any(_HARDWARE.search(text) for text in near)

    def _is_item(self, label: Label, block: Block, end: int) -> bool:
        """Say whether a label without a colon and what follows it are a short item of their own, not a sentence."""
        part = block.text[label.end : end].strip()
        typed = self._labels.rule(label.field).type in {"device-type", "text", "version", "octets"}
        alone = label.leads and end == len(block.text) and "\n" not in part and not part.endswith(".")
        return typed and alone and len(part.split()) <= _LOOSE_WORDS and (part[0].isupper() or part[0].isdigit())

    def _phrases(self, page: Stretch) -> Iterator[ReadValue]:
        """Yield the wordings that count wherever they stand, unless their sentence takes them back."""
        for name, rule in self._kind.fields.items():
            spans: list[tuple[int, int]] = []
            for wording in sorted(rule.values, key=len, reverse=True):
                for found in _wording(wording).finditer(page.text):
                    inside = any(first <= found.start() < last for first, last in spans)
                    if not inside and not any(_stands(no, _sentence(page.text, found)) for no in rule.unless):
                        spans.append(found.span())
                        text = " ".join(found[0].split())
                        yield ReadValue(name, text, page.place(*found.span()), "prose", wording)

    def _completed(self, device: ReadDevice, listed: Sequence[ReadDevice]) -> ReadDevice:
        """Add to a Device Model of a list what the document says once for all of them."""
        in_lists = {value.field for other in listed for value in other.values}
        added = [self._only(name) for name in DEVICE_FIELDS if name not in in_lists]
        return ReadDevice((*device.values, *filter(None, added)))

    def _made(self, device: ReadDevice) -> ReadDevice:
        """Add the manufacturer's name where the document gives one, and not to each Device Model its own."""
        name = None if device.value(MAKER) else self._only(MAKER)
        return ReadDevice((*device.values, name)) if name else device

    def _only(self, name: str) -> ReadValue | None:
        """Return what the labels say of a field where all say the same."""
        said = [item.value for item in self._labelled if item.value.field == name]
        return said[0] if len({bare(value.text) for value in said}) == 1 else None


def _sentence(text: str, found: re.Match[str]) -> str:
    """Return the sentence that something was found in."""
    start = max((end.end() for end in re.finditer(r"[.!?]\s", text[: found.start()])), default=0)
    stop = re.compile(r"[.!?](?=\s|$)").search(text, found.end())
    return text[start : stop.end() if stop else len(text)]


def _in_order(values: Sequence[ReadValue]) -> tuple[ReadValue, ...]:
    """Return values in reading order, each place once for a field."""
    ordered = sorted(values, key=lambda value: (value.place.page, round(value.place.box.top), value.place.box.left))
    seen: dict[tuple[object, ...], ReadValue] = {}
    for value in ordered:
        seen.setdefault((value.field, value.text, value.place.page, str(value.place.box)), value)
    return tuple(seen.values())


def _distinct(listed: Sequence[ReadDevice], single: Sequence[ReadDevice]) -> tuple[ReadDevice, ...]:
    """Return the Device Models of lists, and those of single labels that say something else than one of them."""
    said = [_said(device) for device in listed]
    return (*listed, *(device for device in single if not any(_said(device) <= other for other in said)))


def _said(device: ReadDevice) -> frozenset[tuple[str, str]]:
    return frozenset((value.field, bare(value.text)) for value in device.values if value.field in DEVICE_FIELDS)
