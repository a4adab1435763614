"""The worker under every clock: days when it is put forward or back, odd days, and one that was wrong by a year.

Nobody is answered twice, nothing raises, and nothing waits for a time that will not come for long.
"""

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import pytest

from pipeline.demo.mail import mail
from pipeline.ledger.records import EffectState
from pipeline.mailbox.port import MailboxUnavailable
from pipeline.promises import Round
from pipeline.turn import LEASE, SECONDS
from tests.office import NOW, PROCESSED, Remembering, Troubled, a_helpdesk

READERS = Remembering()
YEAR, HOUR = timedelta(days=365), timedelta(hours=1)
ODD = {
    "before the hour that is left out": datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC),
    "after the hour that is left out": datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
    "the first half past one": datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    "the second half past one": datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    "a leap day": datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC),
    "the last of January": datetime(2026, 1, 31, 12, 0, tzinfo=UTC),
    "the last of February": datetime(2027, 2, 28, 23, 59, 59, tzinfo=UTC),
    "New Year's Eve": datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    "a day that has begun in London only": datetime(2026, 6, 30, 23, 30, tzinfo=UTC),
}
JUMPS = {
    "an hour back": -HOUR,
    "a year back": -YEAR,
    "a minute back": timedelta(minutes=-1),
    "an hour on": HOUR,
    "a year on": YEAR,
    "400 days on": timedelta(days=400),
}


def asking(number):
    """A mail that speaks of a submission and brings none: it is answered with a question."""
    return mail(f"CPL submission {number}", "The form will follow.\n", NOW)


@pytest.fixture
def helpdesk(tmp_path):
    with a_helpdesk(tmp_path, readers=READERS) as made:
        yield made


def all_done(helpdesk, *mails):
    """Check that these mails, and no others, were answered once each and filed."""
    assert len(helpdesk.drafts) == len(mails)
    assert sorted(one.raw for one in helpdesk.folder(PROCESSED)) == sorted(mails)
    ledger = helpdesk.office.ledger
    for raw in mails:
        case = ledger.case(ledger.message(sha256(raw).hexdigest()).case)
        assert {effect.state for effect in case.effects} == {EffectState.DONE}
        assert len(case.judgements) == 1


@pytest.mark.parametrize("at", ODD.values(), ids=ODD)
def test_on_an_odd_day_a_mail_is_answered_and_due_within_the_week(helpdesk, at):
    helpdesk.clock.now = at
    helpdesk.deliver(asking(1))
    assert helpdesk.round() == Round(fetched=1, concluded=1, drafted=1, filed=1)
    for _ in range(4):
        helpdesk.clock.passes(minutes=30)
        assert helpdesk.round() == Round()
    all_done(helpdesk, asking(1))
    record = helpdesk.office.ledger.message(sha256(asking(1)).hexdigest())
    due = date.fromisoformat(helpdesk.office.ledger.case(record.case).due)
    assert timedelta(days=1) <= due - helpdesk.office.day_of(record.received) <= timedelta(days=7)


@pytest.mark.parametrize("at", list(ODD.values())[:4], ids=list(ODD)[:4])
@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_a_clock_that_jumps_between_two_rounds_doubles_nothing_and_holds_up_nothing(helpdesk, at, jump):
    helpdesk.clock.now = at
    helpdesk.deliver(asking(1))
    helpdesk.round()
    helpdesk.clock.now += jump
    helpdesk.deliver(asking(2))
    assert helpdesk.round() == Round(fetched=1, concluded=1, drafted=1, filed=1)
    assert helpdesk.round() == Round()
    all_done(helpdesk, asking(1), asking(2))


@pytest.mark.parametrize("back", [HOUR, YEAR], ids=["an hour", "a year"])
def test_a_promise_made_by_a_clock_that_was_ahead_is_kept_soon(helpdesk, back):
    helpdesk.clock.now = NOW + back
    helpdesk.deliver(asking(1))
    helpdesk.visit = lambda: Troubled(helpdesk.box, save_draft=[MailboxUnavailable("away")])
    helpdesk.round()
    assert helpdesk.drafts == []
    helpdesk.visit = lambda: helpdesk.box
    helpdesk.clock.now = NOW
    helpdesk.rounds(4, minutes=30)
    all_done(helpdesk, asking(1))


@pytest.mark.parametrize("back", [HOUR, YEAR], ids=["an hour", "a year"])
def test_the_turn_of_a_worker_that_died_under_a_clock_that_was_ahead_runs_out(helpdesk, back):
    helpdesk.clock.now = NOW + back
    assert helpdesk.office.ledger.lease(LEASE, "gone", helpdesk.office.now(), SECONDS)
    helpdesk.clock.now = NOW
    helpdesk.deliver(asking(1))
    assert helpdesk.round() == Round(fetched=1, concluded=1, drafted=1, filed=1)


def test_a_worker_whose_clock_is_set_back_in_the_middle_of_its_round_ends_it(helpdesk):
    helpdesk.deliver(asking(1), asking(2))

    def progress(step, position, _):
        if (step, position) == ("judge", 2):
            helpdesk.clock.now -= YEAR

    assert helpdesk.worker(progress=progress).run_once().concluded == 2
    helpdesk.clock.passes(hours=1)
    helpdesk.round()
    all_done(helpdesk, asking(1), asking(2))
