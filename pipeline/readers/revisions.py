"""How often a PDF file was saved, and whether it was saved again after it was signed (ISO 32000-1, 7.5.6, 12.8.1)."""

import re
from dataclasses import dataclass

_END = re.compile(rb"startxref[ \t\r\n]+\d+[ \t\r\n]+%%EOF")
_LINEARIZED = re.compile(rb"/Linearized\b")
_RANGE = re.compile(rb"/ByteRange[ \t\r\n]*\[[ \t\r\n]*(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})[ \t\r\n]*\]")
_HEAD = 1_024


@dataclass(frozen=True, slots=True)
class Revisions:
    """See ``domain.document.Document``: saved so often, signed, changed after signing."""

    count: int
    signed: bool
    changed_after_signing: bool


def revisions_of(data: bytes) -> Revisions:
    """Count the ends that incremental updates leave behind one another, and hold signed ranges against the file.

    A linearized file has two ends when it is saved once (Annex F). A file that holds other PDF files unpacked shows
    their ends too; it is then told to a person once too often, which is the right side to err on.
    """
    ends = sum(1 for _ in _END.finditer(data))
    if ends > 1 and _LINEARIZED.search(data[:_HEAD]):
        ends -= 1
    ranges = [tuple(map(int, found)) for found in _RANGE.findall(data)]
    reaches = max((start + length for first, _, start, length in ranges if first == 0), default=0)
    return Revisions(
        count=max(1, ends),
        signed=bool(ranges),
        changed_after_signing=bool(ranges) and reaches < len(data.rstrip(b"\r\n\t \0")),
    )
