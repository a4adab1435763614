"""Working Days: when a Case is due (guidance section 9).

The SEC's own definition was not to be had; the common GB form is used: not Saturday or Sunday, and no bank holiday
of the configured nation (docs/adr/0006).
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays

from pipeline.config import CalendarConfig


def is_working_day(day: date, calendar: CalendarConfig) -> bool:
    """Say whether a day is a Working Day."""
    return day.weekday() < 5 and day not in _bank_holidays(day.year, calendar.subdivision)  # noqa: PLR2004 - Friday is 4


def _bank_holidays(year: int, subdivision: str) -> holidays.HolidayBase:
    return holidays.country_holidays("GB", subdiv=subdivision, years=year)


def due_day(received: datetime, calendar: CalendarConfig) -> date:
    """Return the day a mail received at that moment is due: so many Working Days after the day it counts for.

    A mail that comes on no Working Day, or after the office has closed, counts for the next Working Day.
    """
    local = received.astimezone(ZoneInfo(calendar.zone))
    day = local.date()
    if local.hour >= calendar.closes_at:
        day += timedelta(days=1)
    while not is_working_day(day, calendar):
        day += timedelta(days=1)
    for _ in range(calendar.days):
        day += timedelta(days=1)
        while not is_working_day(day, calendar):
            day += timedelta(days=1)
    return day
