"""Changes to entries already on the list, as a person orders them: no form, but evidence, a reason and a name.

What is ordered is planned at once together with everything else that waits for the next Release, so that an order
that cannot be carried out is refused while the person is there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType

from pipeline.desk import NotPossible
from pipeline.domain.certificate import CertificateReading
from pipeline.domain.evidence import Evidence
from pipeline.domain.product import Product
from pipeline.domain.release import Amendment, AmendmentKind, ReleasePlan
from pipeline.ledger.release_records import AmendmentState
from pipeline.office import Office
from pipeline.products import certificate_key, entries_with_certificate
from pipeline.publish.fir import fir_row
from pipeline.readers.paper_request import PaperQuestion
from pipeline.releasing import list_in_force, planned
from pipeline.rulebook.notation import day_of

CPA_NUMBER = "CPA_Certificate.identification_number"
CPA_EXPIRY = "CPA_Certificate.expiry_date"
"""The one date field of a CPA Certificate: expiry, or renewal where its number is marked [R] (guidance 7.2.4)."""


@dataclass(frozen=True, slots=True)
class Given:
    """A file that a person gives as evidence. name: its file name, no folder."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Ordered:
    """An Amendment that was ordered, and the plan that has it. told: what to look at, in plain words."""

    amendment: Amendment
    plan: ReleasePlan | None
    told: tuple[str, ...] = ()


def order(
    office: Office,
    kind: AmendmentKind,
    entries: Sequence[str],
    values: Mapping[str, str],
    *,
    why: str,
    by: str,
    evidence: Sequence[Given] = (),
    case: str = "",
    until: date | None = None,
    told: tuple[str, ...] = (),
) -> Ordered:
    """Order an Amendment for the next Release. PlanRefused where the Release could not be made with it.

    until: the day a remedial plan ends. NotPossible where an entry is named that is not on the list.
    """
    listed = {product.number for product in list_in_force(office).products}
    if missing := [number for number in entries if number not in listed]:
        raise NotPossible(f"Entry {missing[0]} is not on the list in force.")
    if kind is AmendmentKind.REMEDIAL_PLAN and until is None:
        raise NotPossible("A remedial plan has a day on which it ends: give it with --until YYYY-MM-DD.")
    now = office.now()
    amendment = Amendment(
        number=office.ledger.next_amendment_number(office.day_of(now).year),
        kind=kind,
        entries=tuple(dict.fromkeys(entries)),
        values=values,
        why=why,
        by=by,
        at=now,
        case=case,
        until=until.isoformat() if until else "",
        evidence=tuple(Evidence(office.artefacts.put(file.data), file.name) for file in evidence),
    )
    ordered = _tried(office, amendment)
    office.ledger.order(amendment)
    return Ordered(amendment, ordered, told)


def _tried(office: Office, amendment: Amendment) -> ReleasePlan | None:
    """Return the plan of the next Release with an Amendment; None for one that changes no book by itself."""
    if amendment.kind is AmendmentKind.REMEDIAL_PLAN:
        return None
    ordered = planned(office, more=[amendment])
    for row in ordered.fir if ordered else ():
        fir_row(row)
    return ordered


def accept(
    office: Office,
    number: str,
    *,
    by: str,
    why: str,
    entries: Sequence[str] = (),
    values: Mapping[str, str] = MappingProxyType({}),
) -> Ordered:
    """Order what a mail proposed; it is then that person's.

    entries, values: what they fill in or correct. A proposal that is mended so is withdrawn, and an Amendment of a
    number of its own is ordered in its place, with the same evidence.
    """
    amendment = _waiting(office, number)
    mended = replace(
        amendment,
        entries=tuple(entries) or amendment.entries,
        values={**amendment.values, **values},
        by=by,
        why=why or amendment.why,
        at=office.now(),
    )
    if not mended.entries:
        raise NotPossible(f"{number} names no entry: fill it in, 'pipeline amend ENTRIES --accept {number}'.")
    if not entries and not values:
        ordered = _tried(office, mended)
        office.ledger.accept_amendment(amendment.number, office.now(), by=by, why=why)
        return Ordered(mended, ordered)
    mended = replace(mended, number=office.ledger.next_amendment_number(office.day_of(mended.at).year), doubts=())
    ordered = _tried(office, mended)
    office.ledger.order(mended)
    office.ledger.withdraw_amendment(amendment.number, office.now(), by=by, why=f"mended as {mended.number}")
    return Ordered(mended, ordered)


def _waiting(office: Office, number: str) -> Amendment:
    for amendment in office.ledger.amendments(AmendmentState.PROPOSED):
        if amendment.number == number:
            return amendment
    raise NotPossible(f"{number} is not among the proposed amendments: see 'pipeline amend --list'.")


def update_certificate(
    office: Office,
    certificate: str,
    *,
    number: str,
    expiry: str,
    why: str,
    by: str,
    evidence: Sequence[Given],
    case: str = "",
) -> Ordered:
    """Order a new number or a new date for every entry that carries a CPA Certificate, however it is written there.

    certificate: its number as any row writes it. number, expiry: the new ones as the CPL writes them ('[E] ...',
    dd/mm/yyyy), empty to leave it. Each PDF given as evidence is read and held against them: one that says otherwise
    is refused (NotPossible), one that does not show them is told.
    """
    carried = entries_with_certificate(list_in_force(office), certificate)
    if not carried:
        raise NotPossible(f"No entry of the list in force carries the CPA Certificate '{certificate}'.")
    values = {CPA_NUMBER: number, CPA_EXPIRY: expiry}
    values = {name: text for name, text in values.items() if text}
    if not values:
        raise NotPossible("Say what is new: --number, --expiry, or both.")
    told = tuple(line for file in evidence for line in _held_against(office, file, values))
    numbers = [product.number for product in carried]
    told += _spellings(carried)
    kind = AmendmentKind.CERTIFICATE
    return order(office, kind, numbers, values, why=why, by=by, evidence=evidence, case=case, told=told)


def _spellings(carried: Sequence[Product]) -> tuple[str, ...]:
    written = sorted({product.values.get(CPA_NUMBER, "") for product in carried})
    if len(written) < 2:  # noqa: PLR2004 - one spelling needs no word
        return ()
    return (
        f"The number is written in {len(written)} ways on the list: {', '.join(written)}. All of them are updated.",
    )


def _held_against(office: Office, file: Given, values: Mapping[str, str]) -> tuple[str, ...]:
    """Read a document and compare what it says with what is ordered; NotPossible where they differ."""
    kinds = tuple(office.rules.certificates.values())
    artefact = office.artefacts.put(file.data)
    reading = office.readers.paper(PaperQuestion(file.name, artefact, file.data, kinds))
    told = []
    for field, names in _SAID_AS.items():
        if field not in values:
            continue
        said = _said(reading, names)
        if not said:
            told.append(f"{file.name} does not show {_NAMED[field]}: look at it yourself.")
        elif not any(_alike(field, text, values[field]) for text in said):
            raise NotPossible(
                f"{file.name} says {' and '.join(sorted(said))} for {_NAMED[field]}, and you gave {values[field]}. "
                "Give what the document says, or leave the document out if it is another one."
            )
    return tuple(told)


_SAID_AS = {CPA_NUMBER: ("number", "cpa_number"), CPA_EXPIRY: ("expiry_date", "risk_review_date")}
"""Field of the form to the fields of rules/certificates that say it."""
_NAMED = {CPA_NUMBER: "the certificate's number", CPA_EXPIRY: "the date"}


def _said(reading: CertificateReading, names: Sequence[str]) -> set[str]:
    return {value.text for value in reading.values if value.field in names}


def _alike(field: str, said: str, given: str) -> bool:
    if field == CPA_EXPIRY:
        return (day := day_of(said)) is not None and day == day_of(given)
    return certificate_key(said) == (False, (certificate_key(given) or (False, ""))[1])
