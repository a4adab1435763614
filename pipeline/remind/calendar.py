"""The coming months at a glance: each certificate with its date, its windows, and what became of every window."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeVar

from pipeline.domain.reminder import Remark, Tracked, Untracked, Window
from pipeline.remind.due import window_key
from pipeline.remind.schedule import Planned, Schedule

_Noted = TypeVar("_Noted")

MONTHS = 18
"""How far the calendar looks, the present month counted."""


class State(StrEnum):
    """What became of a window."""

    SENT = "sent"
    DRAFTED = "in Drafts"
    """It was put into Drafts; whether a person has sent it from there is not known."""
    HELD = "held"
    DUE = "due"
    TO_COME = "to come"
    PASSED_OVER = "passed over"
    """It was never sent, and a nearer window, or the date itself, has come since."""


@dataclass(frozen=True, slots=True)
class WindowState:
    """A window with its state. why: when it was sent, or why it is held; empty where the state says it all."""

    window: Window
    state: State
    why: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One certificate with one date. windows: the earliest first."""

    certificate: Tracked
    windows: tuple[WindowState, ...]


@dataclass(frozen=True, slots=True)
class Month:
    """One calendar month. first: its first day. rows: the certificates whose date lies in it, by date."""

    first: date
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Calendar:
    """What ends in the coming months. on: the day it is told for. expired: dates passed, entries still Current.

    months: each one, also those in which nothing ends; a date of the present month that has passed is in ``expired``.
    """

    on: date
    months: tuple[Month, ...]
    expired: tuple[Row, ...]
    untracked: tuple[Untracked, ...]
    remarks: tuple[Remark, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of all months, by date."""
        return tuple(row for month in self.months for row in month.rows)


@dataclass(frozen=True, slots=True)
class _Known:
    """What became of the reminders of each window, by what their keys share."""

    sent: Mapping[str, list[date]]
    drafted: Mapping[str, list[date]]
    held: Mapping[str, list[str]]


def calendar(
    schedule: Schedule,
    sent: Mapping[str, date],
    held: Mapping[str, str],
    on: date,
    *,
    drafted: Mapping[str, date] | None = None,
    months: int = MONTHS,
    untracked: Iterable[Untracked] = (),
    remarks: Iterable[Remark] = (),
) -> Calendar:
    """Return the months from that of ``on``, so many of them.

    sent: key of a Reminder to the day its mail went; drafted: to the day it was put into Drafts. held: key of a
    Reminder or NoContact to why a person must look. Raises ValueError for no months, and for more than 1,200.
    """
    if not 1 <= months <= 1200:  # noqa: PLR2004 - a century
        raise ValueError(f"A calendar of {months} months cannot be made; ask for 1 to 1,200.")
    known = _Known(_by_window(sent), _by_window(drafted or {}), _by_window(held))

    def row(planned: Planned) -> Row:
        return Row(planned.certificate, tuple(_state(planned, one, known, on) for one in planned.windows))

    first = on.replace(day=1)
    starts = [_month_on(first, number) for number in range(months + 1)]
    coming: dict[date, list[Row]] = {start: [] for start in starts[:-1]}
    for planned in schedule.between(on, starts[-1]):
        start = planned.certificate.day.replace(day=1)
        if start in coming:
            coming[start].append(row(planned))
    return Calendar(
        on=on,
        months=tuple(Month(start, tuple(rows)) for start, rows in coming.items()),
        expired=tuple(row(planned) for planned in schedule.passed(on)),
        untracked=tuple(untracked),
        remarks=tuple(remarks),
    )


def _month_on(first: date, months: int) -> date:
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, month + 1, 1)


def _by_window(keys: Mapping[str, _Noted]) -> Mapping[str, list[_Noted]]:
    """Return what is known of each window: of its keys only the recipient differs, which stands last."""
    found: dict[str, list[_Noted]] = {}
    for key, noted in keys.items():
        window, _, _ = key.rpartition(":")
        found.setdefault(f"{window}:", []).append(noted)
    return found


def _state(planned: Planned, window: Window, known: _Known, on: date) -> WindowState:
    shared = window_key(planned, window)
    sent_on = _went("sent", known.sent.get(shared, []), window)
    went = "; ".join(filter(None, (sent_on, _went("put into Drafts", known.drafted.get(shared, []), window))))
    if reasons := known.held.get(shared):
        return WindowState(window, State.HELD, "; ".join(filter(None, (*dict.fromkeys(reasons), went))))
    if went:
        return WindowState(window, State.SENT if sent_on else State.DRAFTED, went)
    if on < window.day:
        return WindowState(window, State.TO_COME)
    return WindowState(window, State.DUE if planned.window(on) == window else State.PASSED_OVER)


def _went(what: str, days: list[date], window: Window) -> str:
    """Return when mails of a window went, and that they went early where a clock was wrong."""
    if not days:
        return ""
    first, last = min(days), max(days)
    when = (
        f"{what} on {first.isoformat()}" if first == last else f"{what} from {first.isoformat()} to {last.isoformat()}"
    )
    mails = "" if len(days) == 1 else f", {len(days)} mails"
    early = f", before the window began on {window.day.isoformat()}" if first < window.day else ""
    return f"{when}{mails}{early}"
