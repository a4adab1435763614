"""Invented certificates whose date comes near or has passed, to render the reminders with (``pipeline doctor``)."""

from collections.abc import Iterator
from datetime import date

from pipeline.compose.samples import CORRESPONDENT
from pipeline.domain.product import DEVICE_TYPE, GBCS, SMETS_CHTS, DeviceModel, Product
from pipeline.domain.reminder import (
    AtExpiry,
    Audience,
    Contact,
    Expired,
    Questionnaire,
    Reminder,
    ReminderKind,
    Tracked,
    Window,
)

NUMBER = "NCSC-1234567891-2345"
SSC = "ssc@cpl.example"

_DAY, _BEGIN, _LAST = date(2027, 8, 30), date(2026, 8, 30), date(2027, 2, 28)


def reminder_samples(template: str) -> Iterator[tuple[str, Reminder]]:
    """Yield reminders of one template, each with its label, that reach every branch: audiences, spans, one and many."""
    spans = (None, Questionnaire(_BEGIN, _LAST))
    for audience, span, on, many in (
        (Audience.SUBMITTER, spans[1], _BEGIN, False),
        (Audience.SUBMITTER, spans[1], _DAY, True),
        (Audience.SUBMITTER, spans[0], _DAY, False),
        (Audience.SUPPLIERS, spans[1], _BEGIN, True),
        (Audience.DCC, spans[0], _DAY, False),
    ):
        certificate = _certificate(ReminderKind.EXPIRY, "[E]", many=many)
        yield (
            f"a reminder to {audience} on {on.isoformat()}",
            Reminder(
                key=f"remind:{certificate.dated}:12:sample",
                template=template,
                audience=audience,
                to=Contact(CORRESPONDENT, "Ann <Example> & Co" if many else ""),
                certificate=certificate,
                window=Window(1 if many else 12, _BEGIN),
                entries=certificate.entries,
                on=on,
                questionnaire=span,
            ),
        )


def expired_samples() -> Iterator[tuple[str, Expired]]:
    """Yield a date that has passed of every kind, with its label."""
    for kind, mark in ((ReminderKind.EXPIRY, "[E]"), (ReminderKind.RENEWAL, "[R]"), (ReminderKind.TRIAL, "[T]")):
        asked = AtExpiry.REMOVAL if kind is ReminderKind.TRIAL else AtExpiry.DETERMINATION
        certificate = _certificate(kind, mark, many=kind is ReminderKind.RENEWAL)
        yield f"a passed {kind}", Expired(f"expired:{certificate.dated}", certificate, asked)


def _certificate(kind: ReminderKind, mark: str, *, many: bool) -> Tracked:
    numbers = (f"{mark} {NUMBER}", *((f"{mark} <1234567891-2345> & more",) if many else ()))
    return Tracked("cpa:12345678912345", kind, numbers, _DAY, tuple(map(_entry, range(1, 61 if many else 2))))


def _entry(number: int) -> Product:
    values = {DEVICE_TYPE: "Gas Smart Meter", SMETS_CHTS: "SMETS V4.3", GBCS: "GBCS Version 4.1"}
    return Product(f"{number:06}", "Current", DeviceModel("10:63", "00:0A", "01", "02", "0C:03:0C:22"), values, number)
