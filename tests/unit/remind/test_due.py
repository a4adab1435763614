"""Which reminders a day asks for: the nearest window, once, to whom it concerns, and nothing after the date."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.compose.headers import is_plain_address
from pipeline.domain.reminder import AtExpiry, Audience, Contact, Questionnaire
from pipeline.remind import Parties, due, expired
from pipeline.remind.due import digest
from tests.certificates import ANN, DAY, DCC, GAS, HUB, PARTIES, SUPPLIER, contacts, entry, planned

ONE = entry(1)
KNOWN = contacts([ONE])
NOBODY = Parties()


def windows(on, sent=(), entries=(ONE,), parties=NOBODY, known=None):
    """The months of the reminders due on a day."""
    given_ = contacts(entries) if known is None else known
    return [one.window.months for one in due(planned(*entries), set(sent), on, given_, parties).reminders]


@pytest.mark.parametrize(
    ("on", "months"),
    [
        (date(2026, 8, 29), []),
        (date(2026, 8, 30), [12]),
        (date(2027, 2, 27), [12]),
        (date(2027, 2, 28), [6]),
        (date(2027, 7, 29), [6]),
        (date(2027, 7, 30), [1]),
        (DAY, [1]),
        (DAY + timedelta(days=1), []),
        (date(2040, 1, 1), []),
        (date(1990, 1, 1), []),
    ],
)
def test_a_day_lies_in_one_window_and_that_one_is_due(on, months):
    assert windows(on) == months


def walked(days, entries=(ONE,)):
    """Day to months, of reminders promised by a worker that runs on those days."""
    sent, gone = set(), []
    for on in days:
        for one in due(planned(*entries), sent, on, contacts(entries), NOBODY).reminders:
            sent.add(one.key)
            gone.append((on, one.window.months))
    return gone


def every(first, last, step=1):
    return [first + timedelta(days=n) for n in range(0, (last - first).days + 1, step)]


def test_every_window_is_sent_once_on_its_first_day():
    assert walked(every(date(2026, 1, 1), date(2028, 1, 1))) == [
        (date(2026, 8, 30), 12),
        (date(2027, 2, 28), 6),
        (date(2027, 7, 30), 1),
    ]


@pytest.mark.parametrize(
    ("back", "months"),
    [
        (date(2027, 2, 27), [12, 6, 1]),
        (date(2027, 3, 1), [6, 1]),
        (date(2027, 8, 30), [1]),
        (date(2027, 8, 31), []),
    ],
)
def test_after_a_gap_the_nearest_window_is_sent_and_not_those_before(back, months):
    assert [one for _, one in walked(every(back, date(2028, 1, 1)))] == months


@pytest.mark.parametrize(
    ("day", "begins"),
    [
        (date(2028, 2, 29), [date(2027, 2, 28), date(2027, 8, 29), date(2028, 1, 29)]),
        (date(2027, 3, 31), [date(2026, 3, 31), date(2026, 9, 30), date(2027, 2, 28)]),
        (date(2028, 8, 31), [date(2027, 8, 31), date(2028, 2, 29), date(2028, 7, 31)]),
        (date(2029, 2, 28), [date(2028, 2, 28), date(2028, 8, 28), date(2029, 1, 28)]),
    ],
)
def test_leap_days_and_month_ends(day, begins):
    days = every(begins[0] - timedelta(days=40), day + timedelta(days=40))
    assert [on for on, _ in walked(days, (entry(1, day=day),))] == begins


@pytest.mark.parametrize("turns", [date(2027, 3, 28), date(2027, 10, 31)])
def test_a_clock_that_turns_sends_each_window_once(turns):
    """The worker runs every 20 minutes through the night in which the clocks change; the local day decides."""
    london, utc = ZoneInfo("Europe/London"), ZoneInfo("UTC")
    start = datetime(turns.year, turns.month, turns.day, tzinfo=london).astimezone(utc) - timedelta(hours=3)
    days = [(start + timedelta(minutes=20 * n)).astimezone(london).date() for n in range(100)]
    assert set(days) >= {turns, turns - timedelta(days=1)}
    device = entry(1, day=turns.replace(year=turns.year + 1))
    assert walked(days, (device,)) == [(turns, 12)]


def test_a_clock_ahead_by_a_year_and_set_right_sends_nothing_twice():
    wrong = every(date(2027, 8, 1), date(2027, 8, 3))
    right = every(date(2026, 8, 3), date(2027, 9, 30))
    assert walked([*wrong, *right]) == [(date(2027, 8, 1), 1), (date(2026, 8, 30), 12), (date(2027, 2, 28), 6)]


def test_a_clock_behind_by_a_year_and_set_right_sends_the_nearest():
    assert walked([*every(date(2025, 8, 1), date(2025, 9, 30)), date(2026, 10, 1)]) == [(date(2026, 10, 1), 12)]


def test_a_renewed_certificate_is_another_key_and_the_old_one_falls_silent():
    on = date(2027, 8, 1)
    (old,) = due(planned(ONE), set(), on, KNOWN, NOBODY).reminders
    renewed = entry(1, "[R] NCSC-1433053936-1497", date(2033, 8, 30))
    assert due(planned(renewed), {old.key}, on, KNOWN, NOBODY).reminders == ()
    (new,) = due(planned(renewed), {old.key}, date(2033, 8, 1), KNOWN, NOBODY).reminders
    assert new.key != old.key
    assert new.template == "reminder-renewal"


def test_the_key_stays_however_the_rows_are_written_or_marked():
    keys = {
        due(planned(entry(1, text)), set(), DAY, KNOWN, NOBODY).reminders[0].key
        for text in ("[E] 1433053936-1497", "[R] NCSC-1433053936-1497", "1433053936-1497")
    }
    assert keys == {"remind:cpa:14330539361497:2027-08-30:1:076074dfccc1e54a62681fba"}
    assert "ann" not in keys.pop()
    assert digest(ANN.addr.upper()) == digest(ANN.addr) != digest("bob@meters.example")


def test_sixty_entries_in_one_mail_in_the_order_of_the_list():
    entries = [entry(n, text) for n, text in enumerate(("[E] 12-3", "[E] NCSC12-3") * 30, 1)]
    (only,) = due(planned(*entries), set(), DAY, contacts(entries), NOBODY).reminders
    assert [one.number for one in only.entries] == [f"{n:06}" for n in range(1, 61)]


def test_each_submitter_is_told_of_their_own_entries_and_parties_of_what_concerns_them():
    bob = Contact("bob@other.example")
    entries = (ONE, entry(2, device=HUB), entry(3))
    known = {"000001": (ANN,), "000002": (bob,), "000003": (bob, Contact("BOB@Other.example", "B"))}
    made = due(planned(*entries), set(), DAY, known, PARTIES)
    told = {one.to.addr: (one.audience, [p.number for p in one.entries]) for one in made.reminders}
    assert told == {
        ANN.addr: (Audience.SUBMITTER, ["000001"]),
        bob.addr: (Audience.SUBMITTER, ["000002", "000003"]),
        SUPPLIER: (Audience.SUPPLIERS, ["000001", "000003"]),
        DCC: (Audience.DCC, ["000002"]),
    }
    assert len({one.key for one in made.reminders}) == 4
    assert (made.without_contact, made.unaddressed) == ((), ())


def test_who_is_submitter_and_party_gets_one_mail_with_all_of_it():
    entries = (entry(1, device=HUB), entry(2, device=HUB))
    made = due(planned(*entries), set(), DAY, {"000002": (Contact(DCC.upper(), "Dee"),)}, PARTIES)
    (only,) = made.reminders
    assert (only.audience, only.to.name) == (Audience.SUBMITTER, "Dee")
    assert [one.number for one in only.entries] == ["000001", "000002"]


@pytest.mark.parametrize(
    ("addr", "why"),
    [
        ("", "No contact is known"),
        ("Ann <ann@meters.example>", "000001 is no address"),
        ("a@b", "is no address"),
        ("x\r\nBcc: y@z.example", "is no address"),
        ("=?utf-8?q?a=40b?=@c.example", "is no address"),
    ],
)
def test_entries_without_a_usable_contact_are_listed_and_not_skipped(addr, why):
    known = {"000001": (Contact(addr),)} if addr else {}
    made = due(planned(ONE, entry(2)), set(), DAY, known | {"000002": (ANN,)}, NOBODY)
    (silent,) = made.without_contact
    assert [one.number for one in silent.entries] == ["000001"]
    assert why in silent.why
    assert silent.key == "remind:cpa:14330539361497:2027-08-30:1:nobody"
    assert [one.number for one in made.reminders[0].entries] == ["000002"]
    assert due(planned(ONE), {silent.key}, DAY, known, NOBODY).without_contact == ()


@given(st.text(max_size=80) | st.emails() | st.from_regex(r"[a-z.=?_]{1,70}@[a-z.-]{1,190}", fullmatch=True))
def test_what_counts_as_usable_can_be_written_to(addr):
    assert not Contact(addr).usable or is_plain_address(addr)


def test_audiences_without_an_address_are_named_where_they_are_concerned():
    assert due(planned(ONE), set(), DAY, KNOWN, NOBODY).unaddressed == (Audience.SUPPLIERS,)
    both = planned(ONE, entry(2, device=HUB))
    assert due(both, set(), DAY, KNOWN, Parties(("no address",), ())).unaddressed == (
        Audience.SUPPLIERS,
        Audience.DCC,
    )
    assert due(both, set(), date(2026, 1, 1), KNOWN, NOBODY).unaddressed == ()


def test_the_questionnaire_is_told_for_certificates_and_not_for_trials():
    (told,) = due(planned(ONE), set(), DAY, KNOWN, NOBODY).reminders
    assert told.questionnaire == Questionnaire(date(2026, 8, 30), date(2027, 2, 28))
    (trial,) = due(planned(entry(1, "[T] S-1")), set(), DAY, KNOWN, NOBODY).reminders
    assert (trial.questionnaire, trial.template) == (None, "reminder-trial")


def test_removed_and_restored_entries():
    removed = entry(1, status="Removed")
    assert windows(DAY, entries=(removed,)) == []
    assert windows(DAY, entries=(removed, entry(2))) == [1]
    (told,) = due(planned(ONE), set(), DAY, KNOWN, NOBODY).reminders
    assert windows(DAY, sent={told.key}, entries=(replace(removed, status="Current"),)) == []


@pytest.mark.parametrize(
    ("certificate", "asked"),
    [
        ("[E] 12", AtExpiry.DETERMINATION),
        ("[R] 12", AtExpiry.DETERMINATION),
        ("[T] T12", AtExpiry.REMOVAL),
    ],
)
def test_a_date_that_has_passed_is_noted_once(certificate, asked):
    plan = planned(entry(1, certificate), entry(2, certificate, date(2030, 1, 1), device=GAS))
    assert expired(plan, set(), DAY) == ()
    (noted,) = expired(plan, set(), DAY + timedelta(days=1))
    assert (noted.asked, noted.certificate.day) == (asked, DAY)
    assert noted.key == f"expired:{noted.certificate.key}:2027-08-30"
    assert expired(plan, {noted.key}, date(2029, 1, 1)) == ()
    assert [one.certificate.day.year for one in expired(plan, {noted.key}, date(2031, 1, 1))] == [2030]
