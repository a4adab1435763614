"""Which documents of a mail belong to a Submission, and what they say: numbers, days, and where they stand.

A mail may bring several forms and the certificates of all of them, so a certificate is found by its number.
"""

import re
from collections.abc import Iterator
from enum import Enum

from pipeline.checks.matter import Matter
from pipeline.domain.certificate import CertificateReading, ReadValue
from pipeline.domain.evidence import Evidence
from pipeline.domain.form import Submission
from pipeline.rulebook.alignment import Slot

SLOTS: tuple[Slot, ...] = ("zse", "cpa", "dlms")
KINDS: dict[Slot, tuple[str, ...]] = {"zse": ("zse",), "cpa": ("cpa", "trial"), "dlms": ("dlms",)}
"""The kinds of certificate (rules/certificates/) that fill each column of Table 6."""
NUMBERS: dict[Slot, str] = {
    "zse": "ZSE_Certificate.identification_number",
    "cpa": "CPA_Certificate.identification_number",
    "dlms": "DLMS_Certificate.identification_number",
}
"""The form's field with the certificate's number."""
EXPIRY = "CPA_Certificate.expiry_date"
TRIAL = "trial"
LIFETIME_MARK, EXPIRING_MARK, TRIAL_MARK = "[R]", "[E]", "[T]"

_MARK = re.compile(r"\[([ERT])\]\s*")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−", "-"))
# Begun only where letters begin: tried at each of 32,767 letters in a cell it takes a quarter of a minute.
_ISSUER_LETTERS = re.compile(r"(?<![A-Z])[A-Z]++-?(?=[0-9])")


class Likeness(Enum):
    """How two ways of writing a certificate's number relate."""

    SAME = "same"
    OTHERWISE = "written otherwise"
    """The same certificate, with other prefix letters, hyphens, blanks or case: the CPL has one in three spellings."""
    OTHER = "other"


def name_of(matter: Matter, slot: Slot) -> str:
    """Return what a column of Table 6 is called in a sentence, for example ``ZigBee Certificate``."""
    return next((rule.name for rule in matter.rules.assurance.certificates if rule.kind == slot), slot.upper())


def needed(matter: Matter, slot: Slot) -> bool | None:
    """Say whether Table 6 asks for this certificate; None where nobody can tell yet."""
    rule = next((rule for rule in matter.rules.assurance.certificates if rule.kind == slot), None)
    if rule is None:
        return False
    return None if matter.undecided(rule.required) else matter.holds(rule.required)


def mark_of(submission: Submission) -> str:
    """Return ``[E]``, ``[R]`` or ``[T]`` as the CPA number of the form begins; empty where it has none."""
    match = _MARK.match(submission.text(NUMBERS["cpa"]))
    return f"[{match[1]}]" if match else ""


def bare(number: str) -> str:
    """Return a certificate's number without its mark and with plain hyphens and single blanks."""
    return _MARK.sub("", " ".join(number.translate(_DASHES).split()), count=1)


def key_of(slot: Slot, number: str, *, trial: bool = False) -> str:
    """Return what stays the same however a number is written.

    CPA numbers are compared without the letters in front and without signs: ``NCSC-1433053936-1497``,
    ``NCSC1433053936-1497`` and ``1433053936-1497`` are one certificate. The identifier of a trial keeps its letters.
    """
    text = bare(number).upper()
    if slot == "cpa" and not trial:
        text = _ISSUER_LETTERS.sub("", text, count=1)
    return re.sub(r"[^0-9A-Z]", "", text)


def likeness(slot: Slot, form: str, shown: str, *, trial: bool = False) -> Likeness:
    """Compare the form's number with one that a document shows."""
    if bare(form) == bare(shown):
        return Likeness.SAME
    key = key_of(slot, form, trial=trial)
    return Likeness.OTHERWISE if key and key == key_of(slot, shown, trial=trial) else Likeness.OTHER


def numbers_in(reading: CertificateReading, slot: Slot) -> tuple[ReadValue, ...]:
    """Return the numbers of this column's certificate that a certificate, a letter or release notes show."""
    return (*reading.all("number"), *reading.all(f"{slot}_number"))


def names_certificate(matter: Matter, slot: Slot, reading: CertificateReading, *, settled_only: bool = False) -> bool:
    """Say whether a document shows the number that the form gives for a column's certificate.

    settled_only: only a number on which two readers agree counts.
    """
    return _shows(matter.submission, slot, reading, settled_only=settled_only)


def _shows(submission: Submission, slot: Slot, reading: CertificateReading, *, settled_only: bool = False) -> bool:
    number, trial = submission.text(NUMBERS[slot]), mark_of(submission) == TRIAL_MARK
    return any(
        likeness(slot, number, value.text, trial=trial) is not Likeness.OTHER
        for value in numbers_in(reading, slot)
        if not settled_only or settled(reading, value)
    )


def certificates(matter: Matter, slot: Slot) -> tuple[CertificateReading, ...]:
    """Return the certificates of a column that are this Submission's, each file once.

    Those with its number; where there are none, those that no other form of the mail claims by its number.
    """
    once = {item.artefact: item for item in reversed(matter.submission.certificates) if item.kind in KINDS[slot]}
    every = tuple(item for item in matter.submission.certificates if once.get(item.artefact) is item)
    ours = tuple(item for item in every if _shows(matter.submission, slot, item))
    others = [other for other in matter.batch if other.artefact != matter.submission.artefact]
    return ours or tuple(item for item in every if not any(_shows(other, slot, item) for other in others))


def letters(matter: Matter, *kinds: str) -> tuple[CertificateReading, ...]:
    """Return the letters and notes of these kinds that came with the mail."""
    return tuple(item for item in matter.submission.certificates if item.kind in kinds)


def settled(reading: CertificateReading, value: ReadValue) -> bool:
    """Say whether a value may settle anything: two readers of a text layer agree on it."""
    return reading.source == "text" and value.place.confirmed


def shown_at(reading: CertificateReading, *values: ReadValue) -> tuple[Evidence, ...]:
    """Point at the places where values were read; at the file as a whole where there is none."""
    if not values:
        return (Evidence(reading.artefact, reading.file),)
    return tuple(Evidence(reading.artefact, reading.file, v.place.where, v.place.text) for v in values)


def summary(reading: CertificateReading) -> str:
    """Return what a certificate says, in one line that only changes when one of its fields does."""
    said = {f"{value.field} {' '.join(value.text.split())}" for value in reading.values}
    devices = {" ".join(value.text for value in device.values) for device in reading.devices}
    return "; ".join((reading.kind, *sorted(said), *sorted(f"Device {device}" for device in devices)))


def memory(reading: CertificateReading) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield what Circumstances.known_certificates keeps of a certificate: its key, its artefact and its summary."""
    for slot, kinds in KINDS.items():
        if reading.kind in kinds:
            trial = reading.kind == TRIAL
            for key in dict.fromkeys(key_of(slot, value.text, trial=trial) for value in reading.all("number")):
                yield f"{reading.kind}:{key}", (reading.artefact, summary(reading))
