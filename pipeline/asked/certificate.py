"""A new CPA certificate, or another day of expiry or renewal, for all rows that carry one (7.2.4, Appendix 5)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from pipeline.asked.listing import Listing, in_words
from pipeline.asked.numbers import certificate_numbers, days
from pipeline.asked.recognise import Recognised
from pipeline.asked.targets import Targets, device_model
from pipeline.asked.words import Sentence, says
from pipeline.checks.papers import (
    EXPIRING_MARK,
    EXPIRY,
    LIFETIME_MARK,
    NUMBERS,
    TRIAL_MARK,
    bare,
    numbers_in,
    settled,
    shown_at,
)
from pipeline.checks.particulars import CHARACTERISTICS, LETTERS
from pipeline.domain.certificate import CertificateReading, ReadDevice, ReadValue
from pipeline.domain.evidence import Evidence
from pipeline.domain.product import DeviceModel, Product
from pipeline.products import certificate_key
from pipeline.rulebook.notation import day_of

NUMBER = NUMBERS["cpa"]
_MARKED = re.compile(r"\[[ERT]\]")
_VERSION = re.compile(r"\d{1,2}\.\d{1,2}")
_DEVICE = (
    "manufacturer_identifier",
    "model_identifier",
    "hardware_version.version",
    "hardware_version.revision",
    "firmware_version",
)


@dataclass(slots=True)
class Update:
    """One certificate update as far as it is established."""

    numbers: tuple[str, ...] = ()
    values: dict[str, str] = field(default_factory=dict)
    evidence: list[Evidence] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    contradicted: bool = False

    def contradict(self, text: str) -> None:
        """Note that two sources say different things of the certificate, so that its values stay open."""
        self.doubts.append(text)
        self.contradicted = True


@dataclass(frozen=True, slots=True)
class Said:
    """What the mail itself says of the certificate: its numbers, its days, and the sentences they stand in."""

    numbers: tuple[str, ...]
    days: tuple[date, ...]
    sentences: tuple[Sentence, ...]


def updates(
    asked: Recognised, targets: Targets, papers: Sequence[CertificateReading], listed: Listing
) -> tuple[Update, ...]:
    """Return one Update for each CPA certificate that came with the mail; one for its letters or its text alone."""
    certificates = [paper for paper in papers if paper.kind in {"cpa", "trial"}]
    letters = [paper for paper in papers if paper.kind in LETTERS]
    said = _said(asked)
    alone = len(certificates) <= 1
    given: Sequence[CertificateReading | None] = certificates or [None]
    found = tuple(_update(one, letters, said, targets, listed, alone=alone) for one in given)
    if left := set(targets.numbers) - {number for update in found for number in update.numbers}:
        for update in found if not alone else ():
            update.doubts.append(f"The mail names {in_words(left)}, and none of its certificates stands there.")
    return found


def _said(asked: Recognised) -> Said:
    labels = asked.rule.sets.get(EXPIRY, ())
    dated = [s for s in asked.scope if says(s.folded, labels) and any(days(s.text))]
    numbered = [s for s in asked.scope if certificate_numbers(s.text)]
    return Said(
        tuple(dict.fromkeys(number for s in numbered for number in certificate_numbers(s.text))),
        tuple(dict.fromkeys(day for s in dated for day in days(s.text))),
        tuple(dict.fromkeys((*numbered, *dated))),
    )


def _update(
    certificate: CertificateReading | None,
    letters: Sequence[CertificateReading],
    said: Said,
    targets: Targets,
    listed: Listing,
    *,
    alone: bool,
) -> Update:
    found = Update(doubts=list(targets.doubts) if alone else [])
    number = _number(certificate, letters, found)
    ours = _letters(number, letters, found, alone=alone)
    rows = _rows(number, certificate, said, targets, listed=listed, found=found, alone=alone)
    mark = _mark(certificate, rows)
    day = _day(mark, certificate, ours, found) if certificate or ours else None
    if number:
        _compare(number, mark, day, said, rows, listed=listed, found=found, alone=alone)
    if number and day and mark and not found.contradicted:
        found.values = _values(f"{mark} {number}", day, rows, new=certificate is not None)
        if rows and not found.values:
            found.doubts.append(f"The list says so already of {in_words(p.number for p in rows)}.")
    if certificate is None and not ours:
        found.doubts.append(
            "No certificate or letter that could be read came with it: ask for the new CPA Certificate, and for the "
            "letter of the NCSC or the SSC (Appendix 5); nothing is taken from the mail's words alone."
        )
    if certificate:
        _characteristics(certificate, rows, found)
    found.numbers = tuple(product.number for product in rows)
    return found


def _sure(reading: CertificateReading, values: Iterable[ReadValue], what: str, found: Update) -> tuple[ReadValue, ...]:
    """Return the values on which two readers agree; where there are others only, say that a person must look."""
    every = tuple(values)
    sure = tuple(value for value in every if settled(reading, value))
    found.evidence += shown_at(reading, *every) if every else ()
    if every and not sure:
        found.doubts.append(f"The {what} on {reading.file} was read by one reader or from a picture only: look at it.")
    return sure


def _number(certificate: CertificateReading | None, letters: Sequence[CertificateReading], found: Update) -> str:
    """Return the number of the certificate as the papers show it; empty where they show none, or several."""
    sources = [certificate] if certificate else list(letters)
    shown = {
        key: bare(value.text)
        for paper in sources
        for value in _sure(paper, numbers_in(paper, "cpa"), "certificate number", found)
        if (key := _key(value.text, paper)) is not None
    }
    if len(shown) > 1:
        numbers = ", ".join(sorted(shown.values()))
        found.contradict(f"The papers show several certificate numbers ({numbers}): which one is meant?")
    elif sources and not shown:
        found.doubts.append(f"No certificate number could be read on {sources[0].file}.")
    return next(iter(shown.values())) if len(shown) == 1 else ""


def _key(number: str, paper: CertificateReading) -> tuple[bool, str] | None:
    return certificate_key(f"{TRIAL_MARK} {number}" if paper.kind == "trial" else number)


def _letters(
    number: str, letters: Sequence[CertificateReading], found: Update, *, alone: bool
) -> list[CertificateReading]:
    """Return the letters that name the certificate; a letter that says it is withdrawn is the SSC's to settle."""
    ours = []
    for letter in letters:
        keys = {certificate_key(v.text) for v in numbers_in(letter, "cpa") if settled(letter, v)}
        if number and certificate_key(number) in keys:
            ours.append(letter)
        elif keys and not alone:
            continue  # it speaks of another certificate of the mail
        else:
            found.doubts.append(f"{letter.file} does not name the certificate {number or 'that is meant'}.")
        if letter.all("withdrawn"):
            found.contradict(f"{letter.file} speaks of a withdrawal: the SSC decides what becomes of the entries.")
    return ours


def _rows(
    number: str,
    certificate: CertificateReading | None,
    said: Said,
    targets: Targets,
    *,
    listed: Listing,
    found: Update,
    alone: bool,
) -> tuple[Product, ...]:
    """Return every row that carries the certificate that is updated; none where that is not beyond doubt."""
    named = listed.among(targets.numbers) if alone else ()
    if alone and targets.doubts and not targets.numbers:
        return ()
    olds = [n for n in said.numbers if alone and listed.carrying(n)]
    carrying = tuple(dict.fromkeys(p.number for n in olds for p in listed.carrying(n)))
    shown = _models(certificate)
    by_model = tuple(product for model in shown or () for product in listed.with_model(model))
    marked = f"{TRIAL_MARK} {number}" if certificate and certificate.kind == "trial" else number
    base = named or listed.among(carrying) or listed.carrying(marked) or by_model
    if not base:
        found.doubts.append("Nothing says which entries are meant: fill in one entry that carries the certificate.")
        return ()
    keys = {certificate_key(product.values.get(NUMBER, "")) for product in base}
    words = in_words(product.number for product in base)
    if len(keys) != 1 or None in keys:
        found.doubts.append(f"Not all of them carry the same CPA certificate: {words}.")
        return ()
    rows = tuple(sorted(listed.carrying(base[0].values.get(NUMBER, "")), key=lambda product: product.number))
    if named and carrying and not {p.number for p in named} <= set(carrying):
        text = f"The certificate that the mail names stands on {in_words(carrying)}"
        found.doubts.append(f"{text}, and it names {in_words(p.number for p in named)}: which are meant?")
        return ()
    if beside := {p.number for p in rows} - {p.number for p in by_model} if shown else set():
        text = f"The same certificate stands on {in_words(beside)}, and the new one does not name that Device Model"
        found.doubts.append(f"{text}: make sure which rows it is for.")
        return ()
    if named and (more := {p.number for p in rows} - {p.number for p in named}):
        found.doubts.append(f"The certificate stands on {in_words(more)}, too; an update changes all of its rows.")
    return rows


def _models(certificate: CertificateReading | None) -> tuple[DeviceModel, ...] | None:
    """Return the Device Models that a certificate names; None where one of them is not given whole and beyond doubt."""
    if certificate is None or not certificate.devices:
        return None
    found = [_model(certificate, device) for device in certificate.devices]
    return tuple(model for model in found if model) if all(found) else None


def _model(certificate: CertificateReading, device: ReadDevice) -> DeviceModel | None:
    values = [device.value(name) for name in _DEVICE]
    sure = [value.text for value in values if value is not None and settled(certificate, value)]
    return device_model(sure) if len(sure) == len(_DEVICE) else None


def _mark(certificate: CertificateReading | None, rows: Sequence[Product]) -> str:
    """Return what stands before the number: by the certificate, else as the list has it."""
    if certificate is None:
        marks = {_MARKED.match(product.values.get(NUMBER, "")) for product in rows}
        texts = {mark[0] if mark else "" for mark in marks}
        return texts.pop() if len(texts) == 1 else ""
    if certificate.kind == "trial":
        return TRIAL_MARK
    return EXPIRING_MARK if certificate.all("expiry_date") else LIFETIME_MARK


def _day(
    mark: str, certificate: CertificateReading | None, letters: Sequence[CertificateReading], found: Update
) -> date | None:
    """Return the one day that the papers show: of renewal for ``[R]``, of expiry otherwise; letters go before."""
    name, what = ("risk_review_date", "renewal") if mark == LIFETIME_MARK else ("expiry_date", "expiry")
    own = [certificate] if certificate and mark != LIFETIME_MARK else []
    for papers in (letters, own):
        shown = {
            day: paper
            for paper in papers
            for value in _sure(paper, paper.all(name), f"date of {what}", found)
            if (day := day_of(value.text))
        }
        if len(shown) > 1:
            dates = ", ".join(
                f"{day:%d/%m/%Y} ({paper.file})" for day, paper in sorted(shown.items(), key=lambda s: s[0])
            )
            found.contradict(f"The papers show several dates of {what}: {dates}. The SSC's letter decides.")
            return None
        if shown:
            return next(iter(shown))
    found.doubts.append(f"No paper that names the certificate shows its date of {what}: ask for the letter.")
    return None


def _compare(
    number: str,
    mark: str,
    day: date | None,
    said: Said,
    rows: Sequence[Product],
    *,
    listed: Listing,
    found: Update,
    alone: bool,
) -> None:
    """Hold what the mail says against what the papers show."""
    old_days = {day_of(product.values.get(EXPIRY, "")) for product in rows}
    new_days = [one for one in said.days if one not in old_days] or [one for one in said.days if one == day]
    strange = [one for one in new_days if one != day]
    if alone and day and strange:
        dates = ", ".join(f"{one:%d/%m/%Y}" for one in strange)
        found.contradict(f"The mail says {dates}, and the certificate or letter says {day:%d/%m/%Y}: which is right?")
    key = certificate_key(number)
    for one in said.numbers:
        own = _MARKED.match(one)
        if mark == TRIAL_MARK or certificate_key(one) == key:
            if own and own[0] != mark and certificate_key(one) == key and not listed.carrying(one):
                found.contradict(f"The mail marks the certificate {own[0]}, and by the papers it is {mark}.")
        elif alone and not listed.carrying(one):
            text = f"The mail names the certificate {one}, which is on no row of the list"
            found.contradict(f"{text} and is not the one that came ({number}).")


def _values(number: str, day: date, rows: Sequence[Product], *, new: bool) -> dict[str, str]:
    """Return the values that differ from the list on one row at least."""
    wanted = {NUMBER: number} if new else {}
    wanted |= {EXPIRY: f"{day:%d/%m/%Y}"}
    if not rows:
        return wanted
    return {name: text for name, text in wanted.items() if any(row.values.get(name, "") != text for row in rows)}


def _characteristics(certificate: CertificateReading, rows: Sequence[Product], found: Update) -> None:
    """Say where the Security Characteristics of the certificate are not those on the list: a person sets them."""
    shown = {v for value in certificate.all("security_characteristics") for v in _VERSION.findall(value.text)}
    texts = {product.values.get(CHARACTERISTICS, "") for product in rows}
    if shown and rows and {v for text in texts for v in _VERSION.findall(text)} != shown:
        versions, there = ", ".join(sorted(shown)), ", ".join(sorted(texts)) or "nothing"
        found.doubts.append(f"The certificate is for Security Characteristics {versions}, and the list says {there}.")
