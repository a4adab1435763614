"""The windows of every certificate, counted once, so that a day asks only those whose date is near."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from pipeline.domain.reminder import Expired, Questionnaire, Tracked, Window
from pipeline.remind.months import months_before
from pipeline.rulebook.reminders import KindRule, RemindersFile


@dataclass(frozen=True, slots=True)
class Planned:
    """A certificate with its windows, the earliest first, and what the rules say of its kind."""

    certificate: Tracked
    rule: KindRule
    windows: tuple[Window, ...]
    questionnaire: Questionnaire | None

    def window(self, on: date) -> Window | None:
        """Return the window that a day lies in: the nearest to the date of those that have begun; None outside."""
        if on > self.certificate.day:
            return None
        return next((window for window in reversed(self.windows) if window.day <= on), None)

    @property
    def expired(self) -> Expired:
        """What is noted when the date has passed."""
        return Expired(f"expired:{self.certificate.dated}", self.certificate, self.rule.expired)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Every certificate of a list by date, with its windows. Make it with ``schedule``, once for each list."""

    rules: RemindersFile
    planned: tuple[Planned, ...]
    _days: tuple[date, ...] = field(repr=False)
    _begin: tuple[date, ...] = field(repr=False)

    def near(self, on: date) -> tuple[Planned, ...]:
        """Return the certificates whose date has not passed and whose first window may have begun."""
        return self.planned[bisect_left(self._days, on) : bisect_right(self._begin, on)]

    def passed(self, on: date) -> tuple[Planned, ...]:
        """Return the certificates whose date lies before that day."""
        return self.planned[: bisect_left(self._days, on)]

    def between(self, first: date, last: date) -> tuple[Planned, ...]:
        """Return the certificates whose date lies from one day to another, both counted."""
        return self.planned[bisect_left(self._days, first) : bisect_right(self._days, last)]


def schedule(tracked: Iterable[Tracked], rules: RemindersFile) -> Schedule:
    """Return the windows of these certificates under the rules in force (``Rulebook.reminders``)."""
    by_kind = {rule.kind: rule for rule in rules.kinds}
    widest = max(rule.windows[0].months for rule in rules.kinds)
    ordered = sorted(tracked, key=lambda one: (one.day, one.key))
    planned = tuple(_planned(one, by_kind[one.kind], rules) for one in ordered)
    # months_before keeps the order of dates, so both are sorted as the certificates are.
    begin = tuple(months_before(one.day, widest) for one in ordered)
    return Schedule(rules, planned, tuple(one.day for one in ordered), begin)


def _planned(certificate: Tracked, rule: KindRule, rules: RemindersFile) -> Planned:
    day, span = certificate.day, rules.questionnaire
    windows = tuple(Window(one.months, months_before(day, one.months)) for one in rule.windows)
    first, last = months_before(day, span.earliest_months), months_before(day, span.latest_months)
    return Planned(certificate, rule, windows, Questionnaire(first, last) if rule.questionnaire else None)
