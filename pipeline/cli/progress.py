"""How far the reading of scanned pages is, on a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.cli.report import printable
from pipeline.readers.ocr import Progress, untold

_ANEW = "\r\x1b[K"
"""To the beginning of the line, and clear it (ECMA-48, EL)."""


@contextmanager
def scans_shown() -> Iterator[Progress]:
    """Show which scanned page is being read, in one line of standard error that is gone afterwards.

    On a terminal only, and drawn by no thread: the readers fork this process.
    """
    if not sys.stderr.isatty():
        yield untold
        return

    def tell(file: str, page: int, pages: int) -> None:
        text = f"Reading scanned page {page} of {pages} by OCR, which takes some seconds: {printable(file)}"
        sys.stderr.write(_ANEW + text)
        sys.stderr.flush()

    try:
        yield tell
    finally:
        sys.stderr.write(_ANEW)
        sys.stderr.flush()
