"""The values of the procedure around a Release, as they go into the ledger and come out. Times are RFC 3339 text."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pipeline.domain.product import DeviceModel


class AmendmentState(StrEnum):
    """How far an Amendment has come."""

    PROPOSED = "proposed"
    """It came with a mail and waits for a person."""
    ORDERED = "ordered"
    """A person ordered it: the next Release publishes it."""
    WITHDRAWN = "withdrawn"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A Submission of an open Case that was accepted and is not published. model: None where the form gives none.

    submission: the ledger's number of it. message: sha256 of its mail; artefact: of its workbook, at ``file`` in the
    mail. at: when it was judged so; by: the person whose decision that was, empty where the checks alone accepted it.
    """

    submission: int
    case: str
    message: str
    file: str
    artefact: str
    device_type: str
    model: DeviceModel | None
    at: str
    by: str


@dataclass(frozen=True, slots=True)
class Published:
    """A Submission that a Release has listed. entry: the number it got, such as ``000733``."""

    version: str
    entry: str
    submission: int
    case: str
    message: str
    file: str
    artefact: str


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """One Release. version: ``3.001``. base, cpl: sha256 of the workbook it was made from, and of the new one.

    at, by: when, and by whom it was ordered. issued: its Date Of Issue. manifest: ``audience/name`` of each file to
    its sha256. summary: what changed, line by line, in words that every audience may read (law 8).
    """

    version: str
    base: str
    cpl: str
    at: str
    by: str
    issued: date
    manifest: Mapping[str, str]
    summary: tuple[str, ...] = ()
