from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ledger.instants import microseconds, seconds_between


@given(st.datetimes(), st.datetimes(), st.sampled_from(["Z", "+00:00"]))
def test_they_order_as_the_moments_do(first, second, offset):
    written = [microseconds(moment.isoformat() + offset) for moment in (first, second)]
    assert (written[0] < written[1]) == (first < second)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:00.000001Z", 1),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("2026-11-21T09:00:00Z", int(datetime(2026, 11, 21, 9, tzinfo=UTC).timestamp()) * 1_000_000),
    ],
)
def test_a_moment_is_microseconds_since_1970(text, moment):
    assert microseconds(text) == moment


@pytest.mark.parametrize("text", ["", "today", "2026-11-21", "2026-11-21T09:00:00", "2026-02-30T09:00:00Z", "\ud800"])
def test_any_other_text_is_refused(text):
    with pytest.raises(ValueError, match="is not an RFC 3339 time"):
        microseconds(text)


def test_an_age_is_never_negative():
    assert seconds_between("2026-11-21T09:00:00Z", "2026-11-21T10:00:01.9+01:00") == 1
    assert seconds_between("2026-11-21T09:00:01Z", "2026-11-21T09:00:00Z") == 0
