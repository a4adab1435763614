"""The calendar as an iCalendar file (RFC 5545), for Outlook: a day for each date, and one for each reminder to come."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from pipeline.domain.reminder import ReminderKind, Tracked
from pipeline.remind.calendar import Calendar, Row, State

PRODUCT = "-//SECAS CPL submission pipeline//certificate calendar//EN"
_LINE_OCTETS = 75
_NUMBER_LIMIT = 120
_NAMED = 100
"""Entries that a description names; the others are counted."""
_WORDS = {
    ReminderKind.EXPIRY: "CPA Certificate expires",
    ReminderKind.RENEWAL: "Risk Review of CPA Certificate",
    ReminderKind.TRIAL: "Trial Device Certificate ends",
}


def ics(calendar: Calendar, now: datetime) -> bytes:
    """Return the calendar as an iCalendar object in UTF-8, lines folded at 75 octets and ended by CRLF.

    now: aware; the DTSTAMP. Days are all-day events that keep nobody busy. A UID is of the certificate, its date and
    the window alone, so that a later file replaces the events of an earlier one. Raises ValueError for a ``now``
    without a time zone.
    """
    if now.tzinfo is None:
        raise ValueError("The calendar's time stamp needs a time zone: pass an aware datetime.")
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    head = ("BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "CALSCALE:GREGORIAN", "METHOD:PUBLISH")
    lines = [*head, "X-WR-CALNAME:CPL certificates"]
    for row in (*calendar.expired, *calendar.rows):
        lines += _events(row, stamp)
    lines.append("END:VCALENDAR")
    return b"".join(_folded(line) for line in lines)


def _events(row: Row, stamp: str) -> Iterator[str]:
    certificate = row.certificate
    number = _number(certificate)
    reminders = [
        f"Reminder {_before(one.window.months)} ({one.window.day.isoformat()}): {one.state}"
        + (f", {one.why}" if one.why and one.state is State.HELD else "")
        for one in row.windows
    ]
    about = [f"{_count(certificate)} of the CPL: {_named(certificate)}"]
    title = f"{_WORDS[certificate.kind]}: {number}"
    yield from _event(f"date\n{certificate.dated}", certificate.day, title, [*about, *reminders], stamp)
    for one in row.windows:
        if one.state is State.TO_COME:
            seed = f"window\n{certificate.dated}:{one.window.months}"
            title = f"CPL reminder {_before(one.window.months)}: {number} ({certificate.day.isoformat()})"
            yield from _event(seed, one.window.day, title, about, stamp)


def _event(seed: str, day: date, title: str, about: list[str], stamp: str) -> Iterator[str]:
    uid = hashlib.sha256(seed.encode()).hexdigest()[:32]
    yield "BEGIN:VEVENT"
    yield f"UID:{uid}@cpl-pipeline"
    yield f"DTSTAMP:{stamp}"
    yield f"DTSTART;VALUE=DATE:{day:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{day + timedelta(days=1):%Y%m%d}"
    yield f"SUMMARY:{_escaped(title)}"
    yield f"DESCRIPTION:{_escaped(chr(10).join(about))}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _escaped(text: str) -> str:
    """Return a TEXT value (RFC 5545, 3.3.11): line ends, commas, semicolons and backslashes escaped, no controls."""
    plain = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in plain)


def _folded(line: str) -> bytes:
    """Return a content line folded (RFC 5545, 3.1): at most 75 octets each, never within a character."""
    pieces, piece = [], b""
    for sign in line:
        octets = sign.encode("utf-8", "replace")
        if len(piece) + len(octets) > _LINE_OCTETS:
            pieces.append(piece)
            piece = b" "
        piece += octets
    return b"\r\n".join((*pieces, piece)) + b"\r\n"


def _number(certificate: Tracked) -> str:
    number = " ".join(certificate.numbers[0].split())
    return number if len(number) <= _NUMBER_LIMIT else f"{number[:_NUMBER_LIMIT]}…"


def _before(months: int) -> str:
    return "1 month before" if months == 1 else f"{months} months before"


def _count(certificate: Tracked) -> str:
    entries = len(certificate.entries)
    return "1 entry" if entries == 1 else f"{entries} entries"


def _named(certificate: Tracked) -> str:
    named = [" ".join(entry.number.split())[:20] for entry in certificate.entries[:_NAMED]]
    more = len(certificate.entries) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")
