"""When a Case is due: bank holidays, weekends, closing hour, the clock's two odd days, and the other nations."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from pipeline.config import CalendarConfig
from pipeline.workdays import due_day, is_working_day

ENGLAND = CalendarConfig()


def london(text: str) -> datetime:
    """A moment in winter time or with the offset that is written."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 11, 20), True),  # a Friday
        (date(2026, 11, 21), False),
        (date(2026, 11, 22), False),
        (date(2026, 1, 1), False),
        (date(2026, 4, 3), False),  # Good Friday
        (date(2026, 4, 6), False),  # Easter Monday
        (date(2026, 5, 4), False),
        (date(2026, 5, 25), False),
        (date(2026, 8, 31), False),
        (date(2026, 12, 24), True),
        (date(2026, 12, 25), False),
        (date(2026, 12, 28), False),  # for Boxing Day, a Saturday
        (date(2027, 12, 27), False),  # for Christmas Day, a Saturday
        (date(2027, 12, 28), False),  # for Boxing Day, a Sunday
        (date(2022, 9, 19), False),  # the state funeral
    ],
)
def test_working_days_in_england(day, works):
    assert is_working_day(day, ENGLAND) is works


@pytest.mark.parametrize(
    ("nation", "day", "works"),
    [
        ("SCT", date(2026, 1, 2), False),
        ("ENG", date(2026, 1, 2), True),
        ("SCT", date(2026, 4, 6), True),  # Easter Monday is none in Scotland
        ("SCT", date(2026, 11, 30), False),  # St Andrew's Day
        ("NIR", date(2026, 3, 17), False),  # St Patrick's Day
        ("NIR", date(2026, 7, 13), False),  # for the twelfth, a Sunday
        ("WLS", date(2026, 3, 17), True),
        ("WLS", date(2026, 8, 31), False),
        ("SCT", date(2026, 8, 31), True),
    ],
)
def test_the_other_nations_have_their_own(nation, day, works):
    assert is_working_day(day, CalendarConfig(subdivision=nation)) is works


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-11-18T10:00", date(2026, 11, 19)),
        ("2026-11-18T16:59:59", date(2026, 11, 19)),
        ("2026-11-18T17:00", date(2026, 11, 20)),  # closed: counts for Thursday
        ("2026-11-20T10:00", date(2026, 11, 23)),  # Friday
        ("2026-11-20T17:00", date(2026, 11, 24)),
        ("2026-11-21T09:00", date(2026, 11, 24)),  # Saturday counts for Monday
        ("2026-11-21T23:00", date(2026, 11, 24)),
        ("2026-11-22T23:00", date(2026, 11, 24)),
        ("2026-12-23T16:00", date(2026, 12, 24)),
        ("2026-12-23T17:30", date(2026, 12, 29)),  # counts for Christmas Eve
        ("2026-12-24T16:00", date(2026, 12, 29)),
        ("2026-12-25T12:00", date(2026, 12, 30)),
        ("2026-12-31T18:00", date(2027, 1, 5)),
        ("2026-04-02T10:00", date(2026, 4, 7)),  # over Easter
    ],
)
def test_the_next_working_day(received, due):
    assert due_day(london(received), ENGLAND) == due


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-07-15T16:30:00+00:00", date(2026, 7, 17)),  # half past five in London
        ("2026-07-15T15:30:00+00:00", date(2026, 7, 16)),
        ("2026-07-15T23:30:00+00:00", date(2026, 7, 17)),  # the sixteenth in London
        ("2026-03-29T00:30:00+00:00", date(2026, 3, 31)),  # the night the clocks go forward
        ("2026-03-30T16:00:00+00:00", date(2026, 4, 1)),  # five o'clock of the first summer day
        ("2026-10-25T00:30:00+00:00", date(2026, 10, 27)),  # the night they go back
        ("2026-10-26T16:30:00+00:00", date(2026, 10, 27)),  # still open
        ("2026-11-18T23:30:00+09:00", date(2026, 11, 19)),
    ],
)
def test_the_hour_is_that_of_the_office(received, due):
    assert due_day(datetime.fromisoformat(received), ENGLAND) == due


def test_one_moment_is_due_on_one_day_however_it_is_written():
    moment = datetime(2026, 7, 15, 15, 59, tzinfo=UTC)
    offsets = [timezone(timedelta(hours=hours)) for hours in range(-12, 13)]
    assert {due_day(moment.astimezone(offset), ENGLAND) for offset in offsets} == {date(2026, 7, 16)}


@pytest.mark.parametrize(
    ("calendar", "due"),
    [
        (CalendarConfig(days=0), date(2026, 11, 20)),
        (CalendarConfig(days=2), date(2026, 11, 24)),
        (CalendarConfig(days=10), date(2026, 12, 4)),
        (CalendarConfig(closes_at=15), date(2026, 11, 24)),
        (CalendarConfig(closes_at=24), date(2026, 11, 23)),
        (CalendarConfig(zone="Pacific/Auckland"), date(2026, 11, 24)),  # Saturday there
        (CalendarConfig(days=6, subdivision="SCT"), date(2026, 12, 1)),  # over St Andrew's Day
    ],
)
def test_the_calendar_is_a_setting(calendar, due):
    assert due_day(london("2026-11-20T15:30"), calendar) == due
