"""Our own trouble in one line. Imported when something has gone wrong, as it knows every floor's exceptions."""

import traceback
from pathlib import Path

from pipeline.compose import TemplatesBroken
from pipeline.config import ConfigRefused
from pipeline.desk import NotPossible
from pipeline.fetch import NotFetched
from pipeline.ledger.artefacts import ArtefactDamaged, ArtefactMissing, ArtefactsUnavailable
from pipeline.ledger.errors import LedgerBusy, LedgerConflict, LedgerRefused, NoSuchCase
from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable
from pipeline.outbox import TransportUnusable
from pipeline.planning import PlanRefused
from pipeline.products import DoesNotFit
from pipeline.publish.csv_file import CsvRefused
from pipeline.publish.refused import ListNotEditable
from pipeline.publish.repository import RepositoryRefused
from pipeline.publish.shelf import ShelfConflict, ShelfUnavailable
from pipeline.readers.child import ReadersUnavailable
from pipeline.rulebook import RulesBroken
from pipeline.schedule import AlreadyRunning
from pipeline.trouble import Unavailable
from pipeline.turn import TurnLost

_TOLD = (
    AlreadyRunning,
    ArtefactDamaged,
    ArtefactMissing,
    ArtefactsUnavailable,
    ConfigRefused,
    CsvRefused,
    DoesNotFit,
    LedgerBusy,
    LedgerConflict,
    LedgerRefused,
    ListNotEditable,
    MailboxRefused,
    MailboxUnavailable,
    NoSuchCase,
    NotFetched,
    NotPossible,
    PlanRefused,
    ReadersUnavailable,
    RepositoryRefused,
    RulesBroken,
    ShelfConflict,
    ShelfUnavailable,
    TemplatesBroken,
    TransportUnusable,
    TurnLost,
    Unavailable,
)
"""Exceptions whose text was written for the person who reads it."""

_MOST_PLACES = 4


def in_words(error: Exception) -> str:
    """Return what went wrong, for a person. The text of an exception nobody foresaw may quote RED data (law 8)."""
    if isinstance(error, _TOLD):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror
    frames = [(Path(frame.f_code.co_filename).name, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    places = " < ".join(f"{name}:{line}" for name, line in reversed(frames[-_MOST_PLACES:]))
    return f"a fault of our own, {type(error).__name__} at {places}; please report this line."
