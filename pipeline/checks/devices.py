"""Which Device of a document is the form's Device Model, and how well each part of it fits.

All parts are looked for in one and the same Device of the document, never in several of them together.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipeline.checks import papers
from pipeline.checks.mapping import Alignment, align
from pipeline.checks.matter import Matter, quoted
from pipeline.domain.certificate import CertificateReading, ReadDevice, ReadValue
from pipeline.domain.product import DEVICE_MODEL
from pipeline.rulebook.alignment import Convention, Verdict, in_force

PARTS: Mapping[str, tuple[str, ...]] = {
    "manufacturer": DEVICE_MODEL[:1],
    "model": DEVICE_MODEL[1:2],
    "hardware": DEVICE_MODEL[2:4],
    "firmware": DEVICE_MODEL[4:],
}
"""What is compared, one check each, and the form's fields that it stands for."""
_ORDER = tuple(Verdict)
"""From the best to the worst, for the choice between several Devices of one certificate."""


@dataclass(frozen=True, slots=True)
class Part:
    """One of the four comparisons. values: what the document shows for it; empty where nothing was read."""

    octets: str
    said: Alignment
    values: tuple[ReadValue, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """How the document's value relates to the form's."""
        return self.said.verdict


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a document names the Device Model: its Device that fits best, part by part.

    carrier: a second document that names the Device Model; carried: whether in full (``carried``) or in part.
    """

    reading: CertificateReading
    parts: Mapping[str, Part]
    carrier: "Fit | None" = None
    carried: Verdict | None = None

    @property
    def values(self) -> tuple[ReadValue, ...]:
        """Every value of the Device Model that the document shows."""
        return tuple(value for part in self.parts.values() for value in part.values)


def convention(matter: Matter) -> Convention | None:
    """Return what the manufacturer on the form has declared about its versions, if anything."""
    code = matter.submission.text(DEVICE_MODEL[0])
    return in_force(matter.rules.conventions, code, matter.circumstances.on)


def passes(matter: Matter, verdict: Verdict) -> bool:
    """Say whether a verdict is as good as the value itself."""
    return matter.rules.alignment.leads_to[verdict] == "pass"


def fit_of(matter: Matter, reading: CertificateReading) -> Fit | None:
    """Compare the form's Device Model with the Device of a document that fits best.

    A field of the form that has a fault of its own is not compared; None where that leaves nothing.
    """
    octets = {name: _octets(matter, fields) for name, fields in PARTS.items()}
    sound = {name: value for name, value in octets.items() if value}
    if not sound:
        return None
    devices = reading.devices or (ReadDevice(reading.values),)
    fits = [_device_parts(matter, reading, device, sound, alone=len(devices) == 1) for device in devices]
    return Fit(reading, min(fits, key=lambda parts: badness(matter, parts)))


def _octets(matter: Matter, fields: tuple[str, ...]) -> str:
    """Return the form's octets for one part of the Device Model; empty where they are missing or not sound."""
    octets = ":".join(matter.submission.text(field) for field in fields)
    return octets if matter.sound(*fields) and re.fullmatch("[0-9A-F]{2}(:[0-9A-F]{2}){0,3}", octets) else ""


def complete(matter: Matter, fit: Fit) -> bool:
    """Say whether a document by itself names the Device Model in full."""
    return all(passes(matter, part.verdict) for part in fit.parts.values())


def badness(matter: Matter, parts: Mapping[str, Part]) -> tuple[int, int]:
    """Return how badly a Device fits: how many parts do not pass, then how far all of them are from exact."""
    verdicts = [part.verdict for part in parts.values()]
    return sum(not passes(matter, one) for one in verdicts), sum(_ORDER.index(one) for one in verdicts)


def _device_parts(
    matter: Matter, reading: CertificateReading, device: ReadDevice, octets: Mapping[str, str], *, alone: bool
) -> Mapping[str, Part]:
    parts = {name: _compared(matter, device, name, value) for name, value in octets.items()}
    if alone:
        parts = {name: _consistent(reading, part) for name, part in parts.items()}
    if sum(part.verdict is Verdict.IN_LIST for part in parts.values()) > 1:
        hint = "Several fields list several values, and it is not said which of them belong together."
        parts = {name: _not_together(part, hint) for name, part in parts.items()}
    return {
        name: part
        if all(papers.settled(reading, value) for value in part.values)
        else replace(part, said=replace(part.said, verdict=Verdict.UNCONFIRMED))
        for name, part in parts.items()
    }


def _compared(matter: Matter, device: ReadDevice, name: str, octets: str) -> Part:
    if name == "manufacturer":
        return _manufacturer(matter, device, octets)
    if name == "hardware":
        return _hardware(device, octets)
    if name == "model":
        return _part(device.value("model_identifier"), octets)
    declared = convention(matter)
    return _part(device.value("firmware_version"), octets, declared.rule if declared else None)


def _not_together(part: Part, hint: str) -> Part:
    return replace(part, said=Alignment(Verdict.AMBIGUOUS, hint=hint)) if part.verdict is Verdict.IN_LIST else part


def _part(value: ReadValue | None, octets: str, rule: str | None = None) -> Part:
    if value is None:
        return Part(octets, Alignment(Verdict.NOT_FOUND))
    return Part(octets, align(value.text, octets, rule), (value,))


def _hardware(device: ReadDevice, octets: str) -> Part:
    """Compare version and revision, which stand together (VV_RR) or under labels of their own."""
    version, revision = device.value("hardware_version.version"), device.value("hardware_version.revision")
    if version is None or revision is None:
        return _part(version, octets)
    whole = align(version.text, octets)
    written = {Verdict.EXACT, Verdict.NOTATION, Verdict.IN_LIST}
    first = whole if whole.verdict in written else align(version.text, octets[:2])
    second = align(revision.text, octets[3:])
    worst = max(first, second, key=lambda one: _ORDER.index(one.verdict))
    return Part(octets, worst, (version, revision))


def _manufacturer(matter: Matter, device: ReadDevice, code: str) -> Part:
    """Compare the manufacturer by its code, or else by a name that belongs to that code alone."""
    number, name = device.value("manufacturer_identifier"), device.value("manufacturer")
    if number is not None:
        return _part(number, code)
    part = _part(name, code)
    if name is None or part.verdict is not Verdict.NOT_ESTABLISHED:
        return part
    owners = {owner for owner, names in matter.rules.manufacturers.items() if _folded(name.text) in map(_folded, names)}
    if owners == {code}:
        return replace(part, said=Alignment(Verdict.NAMED))
    hint = f"By that name the list of manufacturers knows {', '.join(sorted(owners))}." if owners else ""
    return replace(part, said=Alignment(Verdict.CONTRADICTED if owners else Verdict.NOT_ESTABLISHED, hint=hint))


def _folded(name: str) -> str:
    return " ".join(name.casefold().replace(",", " ").replace(".", " ").split())


def _consistent(reading: CertificateReading, part: Part) -> Part:
    """Let a value settle nothing where the same certificate shows another one for the same field elsewhere."""
    for value in part.values:
        alone = {"hardware_version.version": part.octets[:2], "hardware_version.revision": part.octets[3:]}
        meant = (part.octets, alone.get(value.field, part.octets))
        for other in reading.all(value.field):
            if other.place == value.place or _folded(other.text) == _folded(value.text):
                continue
            if any(align(other.text, octets).verdict is Verdict.CONTRADICTED for octets in meant):
                hint = f"The certificate shows {quoted(other.text)} for it, too ({other.place.where})."
                return Part(part.octets, Alignment(Verdict.AMBIGUOUS, hint=hint), (*part.values, other))
    return part
