"""Calendar months counted back from a date."""

from calendar import isleap
from datetime import date

_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FEBRUARY, _LEAP_DAY = 1, 29


def months_before(day: date, months: int) -> date:
    """Return the day so many calendar months earlier.

    It has the same number; where that month is shorter, it is the month's last day: one month before 31 March is 28
    or 29 February, 12 months before 29 February 2028 is 28 February 2027. It is never after ``day``, an earlier date
    never gets a later result, and more months never give a later day. Raises ValueError for a negative number of
    months and for a result before the year 1.
    """
    if months < 0:
        raise ValueError(f"Months are counted back, so {months} is no number of them.")
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    if year < 1:
        raise ValueError(f"{months} months before {day.isoformat()} is before the year 1.")
    length = _LEAP_DAY if month == _FEBRUARY and isleap(year) else _LENGTHS[month]
    return date(year, month + 1, min(day.day, length))
