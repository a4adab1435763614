"""Our own trouble, which every mail would meet, as against what is wrong with one mail (law 2)."""

import traceback
from pathlib import Path

from pipeline.ledger.artefacts import ArtefactsUnavailable
from pipeline.ledger.errors import LedgerBusy, LedgerRefused
from pipeline.readers.child import ReadersUnavailable


class Unavailable(Exception):  # noqa: N818 - named for the fact
    """Something of our own that the work needs is missing or unusable. The text says what to do about it."""


OWN_TROUBLE = (ArtefactsUnavailable, LedgerBusy, LedgerRefused, ReadersUnavailable, Unavailable)
"""What every mail would meet, so that it ends the worker's round. Its text is written for the person who reads it."""


def in_words(error: Exception) -> dict[str, object]:
    """Return what the log may say of an exception.

    The text of one that nobody foresaw may quote what must stay RED (law 8), so only its kind and place are told.
    """
    if isinstance(error, OWN_TROUBLE):
        return {"error": type(error).__name__, "why": str(error)}
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return {"error": type(error).__name__, "where": [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames]}
