"""Moments as the ledger orders them. The text the caller gave is what is stored and given back."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(at: str) -> int:
    """Return an RFC 3339 time as whole microseconds since 1970-01-01T00:00:00Z. ValueError for any other text.

    Two texts of one moment (``Z`` and ``+00:00``, with and without a fraction) sort wrongly as text.
    """
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"{at!r} is not an RFC 3339 time with an offset, such as 2026-11-21T09:30:00Z")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def text_of(microseconds_since_1970: int) -> str:
    """Return a moment as RFC 3339 text in UTC, whole seconds."""
    moment = _EPOCH + timedelta(microseconds=microseconds_since_1970)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_between(earlier: str, later: str) -> int:
    """Return the whole seconds from one RFC 3339 time to another, never less than 0."""
    return max(0, (microseconds(later) - microseconds(earlier)) // 1_000_000)
