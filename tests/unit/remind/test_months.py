"""Calendar months counted back: month ends, 29 February, and what must hold for every date."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.remind import months_before

DAYS = st.dates(date(1990, 1, 1), date(2300, 12, 31))
MONTHS = st.integers(0, 120)


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        (date(2027, 8, 30), 12, date(2026, 8, 30)),
        (date(2027, 8, 30), 6, date(2027, 2, 28)),
        (date(2028, 8, 31), 6, date(2028, 2, 29)),
        (date(2027, 3, 31), 1, date(2027, 2, 28)),
        (date(2028, 3, 31), 1, date(2028, 2, 29)),
        (date(2027, 7, 31), 1, date(2027, 6, 30)),
        (date(2028, 2, 29), 12, date(2027, 2, 28)),
        (date(2028, 2, 29), 48, date(2024, 2, 29)),
        (date(2028, 2, 29), 1, date(2028, 1, 29)),
        (date(2027, 1, 1), 1, date(2026, 12, 1)),
        (date(2027, 12, 31), 12, date(2026, 12, 31)),
        (date(2027, 1, 15), 0, date(2027, 1, 15)),
    ],
)
def test_months_before(day, months, before):
    assert months_before(day, months) == before


@given(DAYS, MONTHS)
def test_it_is_never_after_the_date_and_in_the_month_meant(day, months):
    before = months_before(day, months)
    assert before <= day
    assert (day.year - before.year) * 12 + day.month - before.month == months


@given(DAYS, MONTHS)
def test_the_day_of_the_month_is_kept_or_is_the_last_of_a_shorter_month(day, months):
    before = months_before(day, months)
    if before.day != day.day:
        assert before.day < day.day
        assert date.fromordinal(before.toordinal() + 1).day == 1


@given(DAYS, DAYS, MONTHS, MONTHS)
def test_order_is_kept(one, other, fewer, more):
    earlier, later = sorted((one, other))
    few, many = sorted((fewer, more))
    assert months_before(earlier, few) <= months_before(later, few)
    assert months_before(one, many) <= months_before(one, few)


@pytest.mark.parametrize(("day", "months"), [(date(2027, 1, 1), -1), (date(1, 3, 1), 3)])
def test_what_cannot_be_counted_is_refused(day, months):
    with pytest.raises(ValueError, match=r"Months are counted back|is before the year 1"):
        months_before(day, months)
