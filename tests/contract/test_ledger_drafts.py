"""How many drafts were made lately for one sender and in one Case: what tells a loop of two machines."""

from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone

import pytest

from pipeline.ledger.store import Ledger
from tests.contract.ledger_database import KINDS, a_database, postgres_cluster
from tests.contract.ledger_values import arrival, conclusion, draft

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SINCE = NOON.isoformat()
ANNA, BEN = "anna@maker.example", "ben@maker.example"
ONE, TWO = "CPL-2026-00001", "CPL-2026-00002"


def at(**delta: float) -> str:
    return (NOON + timedelta(**delta)).isoformat()


cluster = pytest.fixture(scope="session")(postgres_cluster)


@pytest.fixture(params=KINDS)
def ledger(request, tmp_path):
    with closing(Ledger.open(a_database(request.param, request, tmp_path).url)) as opened:
        yield opened


@pytest.fixture
def drafted(ledger):
    """Return a ledger and the way to have a mail concluded with so many drafts."""

    def conclude(mail: str, moment: str, case: str = ONE, sender: str = ANNA, *, opens: bool = False, count: int = 1):
        ledger.arrive(arrival(mail, at=moment))
        drafts = tuple(draft(f"{mail}-{number}") for number in range(count))
        ledger.conclude(conclusion(mail, case, at=moment, sender=sender, opens=opens, drafts=drafts, effects=()))

    conclude("a", at(hours=-1), opens=True)
    conclude("b", at(seconds=1), count=2)
    conclude("c", at(seconds=2), TWO, BEN, opens=True)
    conclude("d", at(seconds=3), TWO, ANNA.upper())
    conclude("e", at(seconds=4), count=0)
    return ledger, conclude


def test_drafts_are_counted_for_the_sender_and_for_the_case(drafted):
    ledger, _ = drafted
    assert ledger.drafted_since(SINCE, sender=ANNA, case=ONE) == (3, 2)
    assert ledger.drafted_since(SINCE, sender=ANNA.upper(), case=TWO) == (3, 2)
    assert ledger.drafted_since(SINCE, sender=BEN, case=TWO) == (1, 2)
    assert ledger.drafted_since(at(hours=-1), sender=ANNA, case=ONE) == (4, 3)
    assert ledger.drafted_since(at(seconds=3), sender=ANNA, case=ONE) == (1, 0)


def test_nobody_and_no_case_count_nothing(drafted):
    ledger, conclude = drafted
    conclude("f", at(seconds=5), sender="")
    assert ledger.drafted_since(SINCE) == (0, 0)
    assert ledger.drafted_since(SINCE, sender="%@maker.example", case="CPL-2026-0000_") == (0, 0)
    assert ledger.drafted_since(SINCE, case=ONE) == (0, 3)


@pytest.mark.parametrize("hours", [-12, 14])
def test_moments_are_compared_and_not_their_texts(drafted, hours):
    ledger, conclude = drafted
    zone = timezone(timedelta(hours=hours))
    conclude("x", (NOON + timedelta(minutes=1)).astimezone(zone).isoformat(), "CPL-2026-00003", BEN, opens=True)
    conclude("y", (NOON - timedelta(minutes=1)).astimezone(zone).isoformat(), "CPL-2026-00003", BEN)
    assert ledger.drafted_since(SINCE, sender=BEN, case="CPL-2026-00003") == (2, 1)
    assert ledger.drafted_since(NOON.astimezone(zone).isoformat(), case="CPL-2026-00003") == (0, 1)


def test_a_moment_without_an_offset_is_refused(drafted):
    with pytest.raises(ValueError, match="RFC 3339"):
        drafted[0].drafted_since("2026-11-21T12:00:00", sender=ANNA)
