"""What a certificate says besides the Device Model: its dates, its versions and the type of Device.

Guidance V6.0, 7.2.4 to 7.2.6, Table 3 to 5 and Appendix 5; SEC, Section F2.5 for the type of Device.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from pipeline.checks import papers
from pipeline.checks.alignment import identified
from pipeline.checks.certificates import passed
from pipeline.checks.matter import Check, Judge, Matter, Say, check, quoted
from pipeline.domain.certificate import CertificateReading, ReadValue
from pipeline.domain.evidence import Evidence
from pipeline.domain.finding import Finding
from pipeline.domain.product import DEVICE_TYPE
from pipeline.rulebook.alignment import Slot
from pipeline.rulebook.notation import day_of

LETTERS = ("ncsc-letter", "ssc-letter")
"""The kinds of letter that may extend an expiry or set a date of renewal (guidance 7.2.4, Appendix 5)."""
CHARACTERISTICS = "CPA_Certificate.security_characteristics_version"
VERSIONS: Mapping[str, tuple[Slot, str]] = {
    "ZSE_Certificate.ZSE_version": ("zse", "standard_version"),
    "DLMS_Certificate.DLMS_version": ("dlms", "ctt_version"),
}
"""Form field to the certificate that shows it, and the name of the value there."""
_VERSION = re.compile(r"(?<![\w.])[vV]?(\d{1,2}\.\d{1,2}[a-z]?)(?![\w.]|-\d)")


@dataclass(frozen=True, slots=True)
class Shown:
    """A date that a document shows for the certificate. sure: two readers agree, and the document names the number."""

    day: date
    reading: CertificateReading
    value: ReadValue
    sure: bool


def dates(matter: Matter, certificate: CertificateReading) -> tuple[Shown, ...]:
    """Return the dates of expiry that the certificate and its letters show; for ``[R]`` the dates of renewal."""
    lifetime = papers.mark_of(matter.submission) == papers.LIFETIME_MARK
    field = "risk_review_date" if lifetime else "expiry_date"
    letters = papers.letters(matter, *LETTERS)
    found = []
    for reading in letters if lifetime else (certificate, *letters):
        own = reading is certificate
        if not own and papers.numbers_in(reading, "cpa") and not papers.names_certificate(matter, "cpa", reading):
            continue  # it speaks of another certificate
        named = own or papers.names_certificate(matter, "cpa", reading, settled_only=True)
        found += [
            Shown(day, reading, value, sure=named and papers.settled(reading, value))
            for value in reading.all(field)
            if (day := day_of(value.text)) is not None
        ]
    return tuple(found)


def _pointed(shown: tuple[Shown, ...]) -> tuple[Evidence, ...]:
    return tuple(item for one in shown for item in papers.shown_at(one.reading, one.value))


def _said(shown: tuple[Shown, ...]) -> str:
    return ", ".join(f"{quoted(one.value.text)} ({one.reading.file})" for one in shown)


@check("certificate.expiry")
def expiry(matter: Matter, say: Say) -> Iterator[Finding]:
    """The form's date is the one on the certificate or on the letter, whichever shows it."""
    certificate, form = identified(matter, "cpa"), day_of(matter.submission.text(papers.EXPIRY))
    if certificate is None or form is None or not matter.sound(papers.EXPIRY, papers.NUMBERS["cpa"]):
        yield say.not_applicable("There is no certificate, or no sound date, to compare.")
        return
    lifetime = papers.mark_of(matter.submission) == papers.LIFETIME_MARK
    shown = dates(matter, certificate)
    if not shown and lifetime:
        yield say.not_applicable("No letter shows a date of renewal, which letter.risk-review reports.")
        return
    evidence = (*(_pointed(shown) or papers.shown_at(certificate)), *matter.evidence(papers.EXPIRY))
    more = {"subject": papers.EXPIRY, "expected": f"{form:%d/%m/%Y}"}
    what = "date of renewal" if lifetime else "date of expiry"
    ours = tuple(one for one in shown if one.day == form)
    if not shown:
        yield say.look(f"No {what} was found on the certificate or on a letter.", evidence, **more)
    elif any(one.sure for one in ours):
        later = tuple(one for one in shown if one.day > form)
        if later:
            yield say.advice(f"A later {what} is shown, too: {_said(later)}.", evidence, subject=papers.EXPIRY)
        else:
            yield passed(say, evidence)
    elif ours or not any(one.sure for one in shown):
        text = f"The {what} was read by one reader or from a picture only, or on a letter that names no certificate"
        yield say.look(f"{text}: {_said(ours or shown)}.", evidence, **more)
    elif not lifetime and all(one.day < matter.circumstances.on for one in shown):
        yield say.not_applicable("Every date shown has passed, which certificate.expired reports.")
    else:
        yield say.fail(
            f"The form gives {form:%d/%m/%Y}, but the {what} shown is {_said(shown)}.",
            evidence,
            subject=papers.EXPIRY,
            expected=f"{max(one.day for one in shown if one.sure):%d/%m/%Y}",
            why=matter.rules.fields[papers.EXPIRY].why,
            remedy="Correct the date on the form, or send the letter that shows it and names the certificate.",
        )


@check("certificate.expired")
def expired(matter: Matter, say: Say) -> Iterator[Finding]:
    """The certificate is valid on the day of receipt, by itself or by the letter that extends it."""
    certificate = identified(matter, "cpa")
    if certificate is None or not matter.sound(papers.EXPIRY, papers.NUMBERS["cpa"]):
        yield say.not_applicable("There is no certificate, or no sound date on the form, to go by.")
        return
    withdrawn = [
        (letter, value)
        for letter in papers.letters(matter, *LETTERS)
        if papers.names_certificate(matter, "cpa", letter)
        for value in letter.all("withdrawn")
    ]
    if withdrawn:
        letter, value = withdrawn[0]
        text = f"{letter.file} says of this certificate: {quoted(value.text)}; the SSC decides what becomes of it."
        yield say.look(text, papers.shown_at(letter, value), subject=papers.EXPIRY)
        return
    shown = dates(matter, certificate)
    sure = tuple(one for one in shown if one.sure)
    day = matter.circumstances.on
    if not sure or any(one.day >= day for one in shown):
        yield passed(say, _pointed(shown)) if sure else say.not_applicable("No date is certain enough to go by.")
        return
    evidence = (*_pointed(shown), *matter.evidence(papers.EXPIRY))
    if papers.mark_of(matter.submission) == papers.LIFETIME_MARK:
        text = f"The date of renewal has passed: {_said(shown)}; the SSC decides whether the Device may be listed."
        yield say.look(text, evidence, subject=papers.EXPIRY)
        return
    yield say.fail(
        f"The certificate had expired when the mail came on {day:%d/%m/%Y}: {_said(shown)}.",
        evidence,
        subject=papers.EXPIRY,
        expected=f"a certificate that is valid on {day:%d/%m/%Y}",
        why=matter.rules.fields[papers.EXPIRY].why,
        remedy="Send a certificate that is still valid, or the letter that extends this one.",
    )


def _compared(slot: Slot, field: str, name: str, matter: Matter, say: Say) -> Iterator[Finding]:
    """Compare the version in a field of the form with those that the certificate shows; nothing where it agrees."""
    certificate, wanted = identified(matter, slot), _VERSION.findall(matter.submission.text(field))
    if certificate is None or len(wanted) != 1 or not matter.sound(field):
        return
    called, shown = papers.name_of(matter, slot), certificate.all(name)
    found = {version.casefold() for value in shown for version in _VERSION.findall(value.text)}
    evidence = (*papers.shown_at(certificate, *shown), *matter.evidence(field))
    said = ", ".join(dict.fromkeys(quoted(value.text) for value in shown))
    form = matter.submission.text(field)
    more = {"subject": field, "expected": form}
    sure = all(papers.settled(certificate, value) for value in shown)
    if not found:
        yield say.look(f"The form gives {quoted(form)}, of which nothing was found on the {called}.", evidence, **more)
    elif found != {wanted[0].casefold()} and (wanted[0].casefold() in found or not sure):
        yield say.look(f"The {called} shows {said}; the form gives {quoted(form)}.", evidence, **more)
    elif wanted[0].casefold() not in found:
        yield say.fail(
            f"The form gives {quoted(form)}, but the {called} shows {said}.",
            evidence,
            why=matter.rules.fields[field].why,
            remedy="Enter the value that the certificate shows, or attach the certificate that is meant.",
            **more,
        )
    elif not sure:
        yield say.look(f"{said} was read by one reader or from a picture only.", evidence, **more)


def _versions(fields: Mapping[str, tuple[Slot, str]]) -> Judge:
    def judge(matter: Matter, say: Say) -> Iterator[Finding]:
        """The version on the form is the one the certificate was issued for."""
        places: tuple[Evidence, ...] = ()
        told = False
        for field, (slot, name) in fields.items():
            certificate = identified(matter, slot)
            if certificate is None or (field == CHARACTERISTICS and certificate.kind == papers.TRIAL):
                continue
            found = list(_compared(slot, field, name, matter, say))
            told = told or bool(found)
            places = (*places, *papers.shown_at(certificate, *certificate.all(name)))
            yield from found
        if not told:
            yield passed(say, places) if places else say.not_applicable("No certificate shows a version to compare.")

    return judge


characteristics = check("certificate.characteristics")(
    _versions({CHARACTERISTICS: ("cpa", "security_characteristics")})
)
version = check("certificate.version")(_versions(VERSIONS))


@check("certificate.device-type")
def device_type(matter: Matter, say: Say) -> Iterator[Finding]:
    """Every certificate that shows a type of Device shows that of the form; only a DLMS Certificate need not."""
    places: tuple[Evidence, ...] = ()
    told = False
    for slot in papers.SLOTS:
        certificate = identified(matter, slot)
        if certificate is None or not matter.device_type or not matter.sound(DEVICE_TYPE):
            continue
        shown = certificate.all("device_type")
        places = (*places, *papers.shown_at(certificate, *shown))
        found = _type_finding(matter, say, slot, certificate, shown)
        if found is not None:
            told = True
            yield found
    if not told:
        yield passed(say, places) if places else say.not_applicable("No certificate shows a type of Device to compare.")


def _type_finding(
    matter: Matter, say: Say, slot: Slot, certificate: CertificateReading, shown: tuple[ReadValue, ...]
) -> Finding | None:
    called = papers.name_of(matter, slot)
    evidence = (*papers.shown_at(certificate, *shown), *matter.evidence(DEVICE_TYPE))
    more = {"subject": f"{DEVICE_TYPE} ({slot})", "expected": matter.device_type}
    if not shown:
        text = f"No type of Device was found on the {called}."
        return None if slot == "dlms" else say.look(text, evidence, **more)
    meant = [_types(matter, certificate, value.text) for value in shown]
    said = ", ".join(dict.fromkeys(quoted(value.text) for value in shown))
    if all(matter.device_type in types for types in meant):
        if all(papers.settled(certificate, value) for value in shown):
            return None
        return say.look(f"The type {said} was read by one reader or from a picture only.", evidence, **more)
    against = all(types and matter.device_type not in types for types in meant)
    if against and all(papers.settled(certificate, value) for value in shown):
        return say.fail(
            f"The form is for a {matter.device_type}, but the {called} is for a {said}.",
            evidence,
            why="A certificate counts only for the Physical Device Type that it names (SEC, Section F2.5).",
            remedy="Correct the Device Type, or attach the certificate of this Device.",
            **more,
        )
    return say.look(
        f"The {called} gives the type of Device as {said}; the form says {matter.device_type}.", evidence, **more
    )


def _types(matter: Matter, certificate: CertificateReading, text: str) -> tuple[str, ...]:
    """Return the Device Types of the CPL that a wording may mean; empty for one that the rules do not know."""
    kind = matter.rules.certificates.get(certificate.kind)
    known = {" ".join(name.casefold().split()): types for name, types in kind.device_types.items()} if kind else {}
    return known.get(" ".join(text.casefold().split()), ())


CHECKS: tuple[Check, ...] = (expiry, expired, characteristics, version, device_type)
