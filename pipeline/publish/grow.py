"""What must grow when rows are added below a table: the closed list of ranges that ended on its last row.

A range of any other element is left alone, a merged cell above all: it would hide the new row.
"""

import re
from dataclasses import dataclass
from html import escape

from pipeline.readers.sheet import column_letters, column_number

_RANGE = re.compile(rb"(\$?[A-Z]{1,3}\$?)([0-9]{1,7})(:\$?[A-Z]{1,3}\$?)([0-9]{1,7})")
_DIMENSION = re.compile(rb'(<dimension\s+ref=")([A-Z]+[0-9]+)(?::([A-Z]+)([0-9]+))?(")')
_HOLDERS = re.compile(
    rb"<(?:autoFilter|conditionalFormatting|dataValidation|protectedRange|ignoredError|table)\s[^<>]*>"
    rb"|<[\w.-]+:sqref>[^<]*<"
)
_REFERENCE = re.compile(rb'(?<=\sref=")[^"]*|(?<=\ssqref=")[^"]*|(?<=:sqref>)[^<]*')
_MERGED = re.compile(rb'<mergeCell\s[^<>]*?ref="[A-Z]+([0-9]+):[A-Z]+([0-9]+)"')
_NAME = re.compile(rb"<definedName\s[^<>]*>[^<]*<")


@dataclass(frozen=True, slots=True)
class Growth:
    """How a table grows. first, last: its rows before. to: its last row after; the same where none is added."""

    first: int
    last: int
    to: int

    def ranges(self, text: bytes) -> bytes:
        """Return a list of ranges, those grown that ended on the table's last row. One row of many does not grow."""
        return _RANGE.sub(self._grown, text)

    def _grown(self, found: re.Match[bytes]) -> bytes:
        ends_there = int(found[4]) == self.last and (int(found[2]) < self.last or self.first == self.last)
        return found[1] + found[2] + found[3] + str(self.to).encode() if ends_there else found[0]

    def elements(self, text: bytes) -> bytes:
        """Return what stands behind the rows, or a table part, its whitelisted elements grown (18.3.1, 18.5.1.2)."""
        return _HOLDERS.sub(lambda holder: _REFERENCE.sub(lambda reference: self.ranges(reference[0]), holder[0]), text)

    def names(self, workbook: bytes, tab: str) -> bytes:
        """Return the workbook part, its defined names grown that stand for ranges of this tab (18.2.5)."""
        quoted = escape("'" + tab.replace("'", "''") + "'!", quote=False).encode()
        within = re.compile(rb"(?<=" + re.escape(quoted) + rb")" + _RANGE.pattern)
        return _NAME.sub(lambda name: within.sub(self._grown, name[0]), workbook)

    def merged(self, tail: bytes) -> bool:
        """Say whether a merged cell reaches into the rows to be added."""
        return any(int(one[1]) <= self.to and int(one[2]) > self.last for one in _MERGED.finditer(tail))


def dimension(head: bytes, row: int, column: int) -> bytes:
    """Return what stands before the rows with the used range (18.3.1.35) reaching to that cell at least."""

    def reaching(found: re.Match[bytes]) -> bytes:
        letters, last = (found[3] or re.sub(rb"[0-9]", b"", found[2])), found[4] or re.sub(rb"[A-Z]", b"", found[2])
        right = column_letters(max(column, column_number(letters.decode())))
        return found[1] + found[2] + b":" + f"{right}{max(row, int(last))}".encode() + found[5]

    return _DIMENSION.sub(reaching, head, count=1)
