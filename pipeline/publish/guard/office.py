"""LibreOffice as one more reader: it converts the workbook to flat XML, in which every cell says its kind."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from lxml import etree
from lxml.etree import _Element as Element

from pipeline.publish.guard.orders import TabOrders
from pipeline.publish.guard.readers import Seen

SECONDS = 120.0
"""How long a conversion may take. A list of 1,000 entries takes about three seconds."""

_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_CELLS = (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL")


class NoConversion(Exception):  # noqa: N818 - named for the fact
    """LibreOffice did not convert the workbook. The text says what it said."""


def office_rows(program: str, data: bytes, tabs: Sequence[TabOrders], seconds: float = SECONDS) -> Seen:
    """Yield the rows that LibreOffice reads; program: its ``soffice``. Raises NoConversion.

    It runs with a profile of its own, so that neither a person's settings nor a running LibreOffice matter.
    """
    with TemporaryDirectory(prefix="cpl-guard-") as name:
        folder = Path(name)
        (folder / "list.xlsm").write_bytes(data)
        _convert(program, folder, seconds)
        yield from _rows(folder / "list.fods", {tab.name for tab in tabs})


def _convert(program: str, folder: Path, seconds: float) -> None:
    command = [
        program,
        f"-env:UserInstallation={(folder / 'profile').as_uri()}",
        "--headless",
        "--norestore",
        "--convert-to",
        "fods",
        "--outdir",
        str(folder),
        str(folder / "list.xlsm"),
    ]
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ} | {"HOME": str(folder)}
    told = folder / "told"
    try:
        with (
            told.open("wb") as log,
            subprocess.Popen(  # noqa: S603 - the configured program, no shell, arguments of our own
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
            ) as process,
        ):
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired as error:
                raise NoConversion(f"it was not done after {seconds:g} seconds") from error
            finally:
                _end(process)  # soffice starts another program, which must not outlive this call
    except OSError as error:
        raise NoConversion(f"it cannot be started ({error.strerror})") from error
    if not (folder / "list.fods").is_file():
        raise NoConversion(f"it wrote nothing and said: {told.read_text('utf-8', 'replace').strip()[-300:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _rows(path: Path, names: set[str]) -> Seen:
    try:
        for _, table in etree.iterparse(
            str(path), events=("end",), tag=f"{_TABLE}table", no_network=True, resolve_entities=False, huge_tree=True
        ):
            name = table.get(f"{_TABLE}name", "")
            if name in names:
                yield from ((name, number, row) for number, row in _table(table))
            table.clear()
    except etree.XMLSyntaxError as error:
        raise NoConversion(f"what it wrote cannot be read ({error})") from error


def _table(table: Element) -> Iterator[tuple[int, list[object]]]:
    number = 0
    for row in table.iter(f"{_TABLE}table-row"):
        number += 1
        values: list[object] = []
        for cell in row.iterchildren(*_CELLS):
            value = _value(cell)
            again = int(cell.get(f"{_TABLE}number-columns-repeated", "1"))
            values += [value] * (again if value != "" else min(again, 1_000))
        yield number, values
        number += int(row.get(f"{_TABLE}number-rows-repeated", "1")) - 1


def _value(cell: Element) -> object:
    kind = cell.get(f"{_OFFICE}value-type", "")
    if kind == "date":
        text = cell.get(f"{_OFFICE}date-value", "")
        return date.fromisoformat(text) if len(text) == len("2026-11-21") else text
    if kind in {"", "string"}:
        return "\n".join(_paragraph(one) for one in cell.iterchildren(f"{_TEXT}p"))
    return float(cell.get(f"{_OFFICE}value") or "nan")


def _paragraph(element: Element) -> str:
    """Return the text of a paragraph; runs of blanks, tabs and line breaks are elements there (ODF 1.3, 6.1)."""
    pieces = [element.text or ""]
    for child in element:
        if child.tag == f"{_TEXT}s":
            pieces.append(" " * int(child.get(f"{_TEXT}c", "1")))
        elif child.tag in {f"{_TEXT}tab", f"{_TEXT}line-break"}:
            pieces.append("\t" if child.tag.endswith("tab") else "\n")
        else:
            pieces.append(_paragraph(child))
        pieces.append(child.tail or "")
    return "".join(pieces)
