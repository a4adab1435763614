"""Reminders over a life of the list: worker down, dates changed, entries renewed, removed and restored.

What is checked is counted independently of the code: by its own month arithmetic and its own record of what went.
"""

import calendar
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pipeline.domain.product import ProductList
from pipeline.domain.reminder import Contact
from pipeline.readers.cpl import read_cpl
from pipeline.remind import Parties, certificates_of, due, expired, schedule
from tests.certificates import RULES, entry, listed

REAL = Path(__file__).parents[2].parent / "shared" / "real" / "Central-Products-List_2.051.xlsm"
START = date(2026, 1, 1)
NUMBERS = ("100-1", "NCSC-100-1", "200-2", "GSME200-2")
OWNERS = ("ann@a.example", "bob@b.example")
WINDOWS = (12, 6, 1)


def back(day, months):
    """So many months before, counted on its own."""
    year, month = day.year, day.month
    for _ in range(months):
        year, month = (year - 1, 12) if month == 1 else (year, month - 1)
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


class Life(RuleBasedStateMachine):
    """A list of four entries, two certificates, two submitters; a worker that runs now and then."""

    @initialize(days=st.lists(st.integers(0, 900), min_size=4, max_size=4))
    def begin(self, days):
        self.today = START
        self.rows = {
            n: {"number": f"[E] {NUMBERS[n]}", "day": START + timedelta(days=days[n]), "status": "Current"}
            for n in range(4)
        }
        self.keys = set()
        self.noted = set()
        self.went = Counter()
        self.plan()

    def plan(self):
        entries = [entry(n + 1, row["number"], row["day"], status=row["status"]) for n, row in self.rows.items()]
        self.contacts = {one.number: (Contact(OWNERS[n % 2]),) for n, one in enumerate(entries)}
        self.schedule = schedule(certificates_of(listed(*entries), RULES).tracked, RULES.reminders)

    def expected(self):
        """(certificate, date, window, recipient) that today asks for, whatever was sent."""
        asked = {}
        for n, row in self.rows.items():
            begun = [months for months in WINDOWS if back(row["day"], months) <= self.today <= row["day"]]
            if row["status"] == "Current" and begun:
                what = (NUMBERS[n][-5:], row["day"], min(begun), OWNERS[n % 2])
                asked.setdefault(what, set()).add(f"{n + 1:06}")
        return asked

    def work(self):
        made = due(self.schedule, self.keys, self.today, self.contacts, Parties())
        asked = self.expected()
        for one in made.reminders:
            what = (one.certificate.numbers[0][-5:], one.certificate.day, one.window.months, one.to.addr)
            self.went[what] += 1
            assert what in asked
            assert asked[what] == {p.number for p in one.entries}
            self.keys.add(one.key)
        assert asked.keys() <= self.went.keys()
        assert made.without_contact == ()
        for late in expired(self.schedule, self.noted, self.today):
            assert late.certificate.day < self.today
            assert all(p.status == "Current" for p in late.certificate.entries)
            assert late.key not in self.noted
            self.noted.add(late.key)
        current = {(NUMBERS[n][-5:], row["day"]) for n, row in self.rows.items() if row["status"] == "Current"}
        past = {(number, day) for number, day in current if day < self.today}
        assert {(key.split(":")[2][-4:], key.split(":")[3]) for key in self.noted} >= {
            (number.replace("-", ""), day.isoformat()) for number, day in past
        }

    @rule(down=st.sampled_from([1, 1, 1, 7, 30, 400]))
    def time_goes_by(self, down):
        self.today += timedelta(days=down)
        self.work()

    @rule()
    def it_runs_twice(self):
        self.work()
        assert due(self.schedule, self.keys, self.today, self.contacts, Parties()).reminders == ()

    @rule(days=st.sampled_from([-365, 365]))
    def the_clock_is_wrong_and_set_right(self, days):
        right, self.today = self.today, self.today + timedelta(days=days)
        self.work()
        self.today = right

    @rule(n=st.integers(0, 3), years=st.integers(1, 6), mark=st.sampled_from(["[E]", "[R]"]))
    def a_certificate_is_renewed(self, n, years, mark):
        for other, row in self.rows.items():
            if other // 2 == n // 2:
                row["number"] = f"{mark} {NUMBERS[other]}"
                row["day"] = self.today + timedelta(days=365 * years)
        self.plan()

    @rule(n=st.integers(0, 3), days=st.integers(-400, 800))
    def a_date_is_changed(self, n, days):
        self.rows[n]["day"] += timedelta(days=days)
        self.plan()

    @rule(n=st.integers(0, 3), status=st.sampled_from(["Removed", "Current"]))
    def an_entry_is_removed_or_restored(self, n, status):
        self.rows[n]["status"] = status
        self.plan()

    @invariant()
    def nothing_went_twice(self):
        assert all(times == 1 for times in self.went.values())


Life.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestLife = Life.TestCase


@pytest.fixture(scope="module")
def real():
    """The certificates of the real list, and a contact for every entry."""
    if not REAL.is_file():
        pytest.skip(f"the real list is not beside this checkout (../shared/real/{REAL.name})")
    products = tuple(read_cpl(REAL.read_bytes()).products)
    contacts = {p.number: (Contact("all@meters.example"),) for p in products}
    return certificates_of(ProductList("", "", products), RULES), contacts


FIRST, LAST = date(2016, 11, 1), date(2032, 12, 31)
BY_YEAR = {2021: 3, 2022: 28, 2023: 39, 2024: 25, 2025: 15, 2026: 15, 2027: 6, 2028: 1}
"""Reminders of one recipient, in the year of their window's first day."""


@pytest.mark.real
def test_every_day_of_the_real_list_sends_every_window_exactly_once(real):
    tracking, contacts = real
    plan = schedule(tracking.tracked, RULES.reminders)
    sent, by_year, noted = set(), Counter(), []
    for offset in range((LAST - FIRST).days + 1):
        on = FIRST + timedelta(days=offset)
        for one in due(plan, sent, on, contacts, Parties()).reminders:
            assert on == back(one.certificate.day, one.window.months)
            assert one.entries == one.certificate.entries
            assert one.key not in sent
            sent.add(one.key)
            by_year[on.year] += 1
        noted += [one.key for one in expired(plan, noted, on)]
    assert {tuple(key.split(":")[1:5]) for key in sent} == {
        (*one.key.split(":"), one.day.isoformat(), str(months)) for one in tracking.tracked for months in WINDOWS
    }
    assert (len(tracking.tracked), len(sent), dict(by_year)) == (44, 132, BY_YEAR)
    assert len(noted) == len(set(noted)) == 44


@pytest.mark.real
@pytest.mark.parametrize("gaps", [(1, 7), (7,), (30,), (400,), (1, 7, 30, 400)])
def test_the_real_list_with_the_worker_down(real, gaps):
    tracking, contacts = real
    plan = schedule(tracking.tracked, RULES.reminders)
    chance, on, sent = Random(6), FIRST, set()  # what falls out of it is checked, not pinned
    while on <= LAST:
        for one in due(plan, sent, on, contacts, Parties()).reminders:
            begun = [months for months in WINDOWS if back(one.certificate.day, months) <= on]
            assert on <= one.certificate.day
            assert one.window.months == min(begun)
            assert one.key not in sent
            sent.add(one.key)
        on += timedelta(days=chance.choice(gaps))
    told = {key.rpartition(":")[0].rpartition(":")[0] for key in sent}
    missed_a_window, missed_all = (
        max(gaps) > 30,
        max(gaps) > 365,
    )  # the narrowest is a month, the widest to the date a year
    assert (len(sent) < 132) == missed_a_window
    assert (len(told) < 44) <= missed_all


@pytest.mark.real
def test_the_certificates_of_the_real_list(real):
    tracking, _ = real
    carried = [len(one.entries) for one in tracking.tracked]
    assert (sum(carried), max(carried), tracking.untracked) == (466, 57, ())
    assert [remark.text.partition(" stands")[0] for remark in tracking.remarks] == [
        'The certificate "[E] NCSC1433053936-1497"',
        'The date "19-02-2026" is taken, day first, for 19/02/2026; write it so.',
        'The date "19-02-2026" is taken, day first, for 19/02/2026; write it so.',
    ]
