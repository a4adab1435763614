"""The rows of a worksheet as octets, found with expat, and what stands around them.

The writer finds rows by searching the text; here an XML parser says where they lie.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

_CHUNK = 1 << 16
_VALUES = frozenset({"v", "is", "f"})


@dataclass(slots=True)
class SheetRow:
    """One row. octets: from its tag to the next row. filled: a value or a formula stands in it."""

    number: int
    start: int
    filled: bool = False
    octets: bytes = b""


@dataclass(slots=True)
class _Scan:
    """What the parser has seen so far."""

    data: bytes
    done: list[SheetRow] = field(default_factory=list)
    row: SheetRow | None = None

    def close(self, at: int) -> None:
        if self.row:
            self.row.octets = self.data[self.row.start : at]
            self.done.append(self.row)
        self.row = None


def sheet_rows(data: bytes) -> Iterator[SheetRow]:
    """Yield the rows of a worksheet part in order. Raises expat.ExpatError or ValueError where they are not clear."""
    scan = _Scan(data)
    parser = expat.ParserCreate()

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            scan.close(parser.CurrentByteIndex)
            scan.row = SheetRow(int(attributes["r"]), parser.CurrentByteIndex)
        elif scan.row and name in _VALUES:
            scan.row.filled = True

    def end(name: str) -> None:
        if name == "sheetData":
            scan.close(parser.CurrentByteIndex)

    _prepare(parser)
    parser.StartElementHandler, parser.EndElementHandler = start, end
    for at in range(0, len(data), _CHUNK):
        parser.Parse(data[at : at + _CHUNK], at + _CHUNK >= len(data))
        yield from scan.done
        scan.done.clear()


def _prepare(parser: expat.XMLParserType) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("it declares a document type")

    parser.StartDoctypeDeclHandler = refuse


def cells_of(row: SheetRow) -> tuple[Mapping[str, str], Mapping[str, tuple[str, bytes]]]:
    """Return a row's attributes, and its cells: column letters to the cell's format and its octets."""
    parser = expat.ParserCreate()
    starts: list[tuple[str, str, int]] = []
    tag: dict[str, str] = {}
    ends = [len(row.octets)]

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            tag.update(attributes)
        elif name == "c":
            letters = attributes["r"].removesuffix(str(row.number))
            starts.append((letters, attributes.get("s", ""), parser.CurrentByteIndex))

    def end(name: str) -> None:
        if name == "row":
            ends.append(parser.CurrentByteIndex)

    _prepare(parser)
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.Parse(row.octets, True)
    bounds = [*(at for _, _, at in starts[1:]), ends[-1]][: len(starts)]
    cells = {name: (style, row.octets[at:stop]) for (name, style, at), stop in zip(starts, bounds, strict=True)}
    if len(cells) != len(starts):
        raise ValueError(f"row {row.number} has a cell twice")
    return tag, cells


def around(data: bytes) -> tuple[bytes, bytes]:
    """Return what stands before the rows and what stands behind them."""
    head, _, rest = data.partition(b"<sheetData>")
    return head, rest.rpartition(b"</sheetData>")[2]
