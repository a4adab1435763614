"""Assurance Certificates and the letters that go with them, as read: kinds, fields, Device Models, each with its place.

Kinds (rules/certificates/<kind>.yaml): certificates ``cpa`` (lifetime or expiring), ``trial``, ``zse``, ``dlms``;
letters ``ncsc-letter``, ``ssc-letter``, ``test-lab-letter``, ``dlms-confirmation``, ``release-notes``.
"""

from dataclasses import dataclass, field

from pipeline.domain.document import Box, Document, Unseen
from pipeline.domain.message import Problem


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was read: page from 1, its box, the text as read, and by which readers."""

    page: int
    box: Box
    text: str
    readers: tuple[str, ...]
    confirmed: bool
    """Both readers of a text layer agree, or both OCR engines; an unconfirmed value never settles anything."""

    @property
    def where(self) -> str:
        """The form that Evidence uses: ``page 1 [72.0, 301.2, 190.4, 312.9]``."""
        return f"page {self.page} {self.box}"


@dataclass(frozen=True, slots=True)
class ReadValue:
    """One value of a field. how: ``label``, ``row``, ``list`` or ``prose``. label: the wording it was found by."""

    field: str
    text: str
    place: Place
    how: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class ReadDevice:
    """One Device Model as a document lists it: the values of one table row, list line or group of labels."""

    values: tuple[ReadValue, ...]

    def value(self, name: str) -> ReadValue | None:
        """Return the value of a field of this device, if it was read."""
        return next((item for item in self.values if item.field == name), None)


@dataclass(frozen=True, slots=True)
class MissedKind:
    """Why a document was not taken for a kind: the phrases of that kind that do not stand in it."""

    kind: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CertificateReading:
    """One document of a mail, read.

    kind: empty where it was not recognised; then ``missed`` says for each kind what was missing. values: every
    occurrence of every field. devices: the Device Models it names (one for a simple certificate, up to hundreds on a
    letter). source: ``text``, ``ocr``, ``picture`` or ``none``.
    """

    file: str
    artefact: str
    kind: str
    values: tuple[ReadValue, ...] = ()
    devices: tuple[ReadDevice, ...] = ()
    missed: tuple[MissedKind, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    source: str = "text"
    revisions: int = 1
    changed_after_signing: bool = False
    problems: tuple[Problem, ...] = ()
    document: Document | None = field(default=None, repr=False)

    def all(self, name: str) -> tuple[ReadValue, ...]:
        """Every occurrence of a field, in reading order."""
        return tuple(item for item in self.values if item.field == name)
