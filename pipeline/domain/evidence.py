"""Where a value was read: a pointer into stored bytes, never a copy of them (law 4 of the design)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """One place in one artefact, with the text that was read there.

    artefact: sha256 (64 lower-case hex digits) of the file's bytes.
    file: the file's path in the mail, for example ``fwd.eml › sub.zip › form.xlsm``.
    where: the place in the file: ``CPL - New Entry!G14``, ``page 1 [72.0, 301.2, 190.4, 312.9]``,
        an XML part, or ``header Subject``; empty where the whole file is meant.
    text: the text as read, before any trimming or folding; empty for an empty cell.
    """

    artefact: str
    file: str
    where: str = ""
    text: str = ""
