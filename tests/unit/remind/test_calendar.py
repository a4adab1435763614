"""The months to come: what stands in them, and what became of every window."""

import re
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.reminder import Remark, Untracked
from pipeline.remind import calendar, due, ics
from pipeline.remind.calendar import State
from pipeline.remind.ics import _folded
from tests.certificates import DAY, PARTIES, contacts, entry, planned

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
ON = date(2027, 3, 10)
ENTRIES = (entry(1), entry(2), entry(3, "[T] S-12", date(2028, 8, 31)), entry(4, "[R] 77", date(2027, 3, 9)))


def keys(on):
    """The keys of the reminders that are due on a day."""
    return [one.key for one in due(planned(*ENTRIES), set(), on, contacts(ENTRIES), PARTIES).reminders]


def states(shown, row=0):
    return [(one.window.months, one.state, one.why) for one in shown.rows[row].windows]


def test_months_hold_the_certificates_by_date():
    shown = calendar(planned(*ENTRIES), {}, {}, ON)
    assert [month.first for month in shown.months] == [
        *(date(2027, month, 1) for month in range(3, 13)),
        *(date(2028, month, 1) for month in range(1, 9)),
    ]
    assert [month.first for month in shown.months if month.rows] == [date(2027, 8, 1), date(2028, 8, 1)]
    assert [row.certificate.day for row in shown.rows] == [DAY, date(2028, 8, 31)]
    assert [row.certificate.day for row in shown.expired] == [date(2027, 3, 9)]
    assert [row.certificate.day for row in calendar(planned(*ENTRIES), {}, {}, ON, months=17).rows] == [DAY]
    on_the_day = calendar(planned(*ENTRIES), {}, {}, date(2027, 3, 9))
    assert (on_the_day.rows[0].certificate.day, on_the_day.expired) == (date(2027, 3, 9), ())


def test_states_of_windows():
    plan = planned(*ENTRIES)
    assert states(calendar(plan, {}, {}, ON)) == [
        (12, State.PASSED_OVER, ""),
        (6, State.DUE, ""),
        (1, State.TO_COME, ""),
    ]
    began = date(2026, 8, 30)
    sent = dict.fromkeys(keys(began), began) | dict.fromkeys(keys(ON), ON)
    ours = [(12, State.SENT, "sent on 2026-08-30, 2 mails"), (6, State.SENT, "sent on 2027-03-10, 2 mails")]
    assert states(calendar(plan, sent, {}, ON)) == [*ours, (1, State.TO_COME, "")]
    held = {keys(ON)[0]: "The server may have it already.", "remind:cpa:9:2027-08-30:6:x": "another"}
    assert states(calendar(plan, {}, held, ON))[1] == (6, State.HELD, "The server may have it already.")
    both = states(calendar(plan, {keys(ON)[1]: ON}, held, ON))
    assert both[1] == (6, State.HELD, "The server may have it already.; sent on 2027-03-10")


def test_a_window_sent_by_a_clock_ahead_is_told_as_early():
    (key, _) = keys(DAY)[:2]
    shown = calendar(planned(*ENTRIES), {key: ON, f"{key}2": ON + timedelta(days=1)}, {}, ON)
    assert states(shown)[2] == (
        1,
        State.SENT,
        "sent from 2027-03-10 to 2027-03-11, 2 mails, before the window began on 2027-07-30",
    )


def test_what_was_given_for_the_helpdesk_comes_along():
    untracked, remarks = (Untracked(ENTRIES[0], "odd"),), (Remark("look", ("000001",)),)
    shown = calendar(planned(), {}, {}, ON, untracked=untracked, remarks=remarks)
    assert (shown.untracked, shown.remarks, shown.rows) == (untracked, remarks, ())


@pytest.mark.parametrize("months", [0, -1, 1201])
def test_a_span_nobody_can_mean_is_refused(months):
    with pytest.raises(ValueError, match="cannot be made"):
        calendar(planned(), {}, {}, ON, months=months)


def events(raw):
    """The events of an iCalendar object as it is unfolded and unescaped by who reads it."""
    lines = raw.decode().replace("\r\n ", "").split("\r\n")
    found, current = [], {}
    for line in lines:
        name, _, value = line.partition(":")
        if line == "BEGIN:VEVENT":
            current = {}
        elif line == "END:VEVENT":
            found.append(current)
        else:
            current[name] = re.sub(r"\\(.)", lambda sign: "\n" if sign[1] == "n" else sign[1], value)
    return found


def test_ics_holds_each_date_and_each_reminder_to_come():
    raw = ics(calendar(planned(*ENTRIES), {}, {keys(ON)[0]: "Look, please; now."}, ON), NOW)
    lines = raw.split(b"\r\n")
    assert lines[:3] == [b"BEGIN:VCALENDAR", b"VERSION:2.0", lines[2]]
    assert lines[-2:] == [b"END:VCALENDAR", b""]
    assert max(map(len, lines)) <= 75
    assert b"\n" not in raw.replace(b"\r\n", b"")
    made = events(raw)
    assert [(one["DTSTART;VALUE=DATE"], one["DTEND;VALUE=DATE"], one["SUMMARY"]) for one in made] == [
        ("20270309", "20270310", "Risk Review of CPA Certificate: [R] 77"),
        ("20270830", "20270831", "CPA Certificate expires: [E] 1433053936-1497"),
        ("20270730", "20270731", "CPL reminder 1 month before: [E] 1433053936-1497 (2027-08-30)"),
        ("20280831", "20280901", "Trial Device Certificate ends: [T] S-12"),
        ("20270831", "20270901", "CPL reminder 12 months before: [T] S-12 (2028-08-31)"),
        ("20280229", "20280301", "CPL reminder 6 months before: [T] S-12 (2028-08-31)"),
        ("20280731", "20280801", "CPL reminder 1 month before: [T] S-12 (2028-08-31)"),
    ]
    assert {one["DTSTAMP"] for one in made} == {"20261121T093000Z"}
    assert made[1]["DESCRIPTION"].split("\n") == [
        "2 entries of the CPL: 000001, 000002",
        "Reminder 12 months before (2026-08-30): passed over",
        "Reminder 6 months before (2027-02-28): held, Look, please; now.",
        "Reminder 1 month before (2027-07-30): to come",
    ]


def test_uids_are_of_the_certificate_its_date_and_the_window_alone():
    one = events(ics(calendar(planned(*ENTRIES), {}, {}, ON), NOW))
    later = NOW.astimezone(timezone(timedelta(hours=1))) + timedelta(days=9)
    more = (*ENTRIES, entry(5, "[E] NCSC1433053936-1497"))
    two = events(ics(calendar(planned(*more), dict.fromkeys(keys(ON), ON), {}, ON), later))
    assert [event["UID"] for event in one] == [event["UID"] for event in two]
    assert len({event["UID"] for event in one}) == len(one)
    assert {event["DTSTAMP"] for event in two} == {"20261130T093000Z"}


def test_ics_escapes_what_a_list_may_hold_and_caps_it():
    hostile = "[E] 1;2,3\\n\r\nBEGIN:VALARM\x07é" + "9" * 500
    raw = ics(calendar(planned(entry(1, hostile)), {}, {}, ON), NOW)
    assert raw.count(b"\r\nBEGIN:") == raw.count(b"\r\nBEGIN:VEVENT") == 2
    assert max(map(len, raw.split(b"\r\n"))) <= 75
    assert "[E] 1;2,3\\n BEGIN:VALARM�é999" in events(raw)[0]["SUMMARY"]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300))
def test_folding_is_undone_by_who_reads_it_and_never_splits_a_character(text):
    folded = _folded(text)
    assert folded.endswith(b"\r\n")
    pieces = folded[:-2].split(b"\r\n ")
    assert "".join(piece.decode() for piece in pieces) == text
    assert all(len(piece) <= 75 - (n > 0) for n, piece in enumerate(pieces))


def test_a_time_stamp_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="needs a time zone"):
        ics(calendar(planned(), {}, {}, ON), datetime(2026, 11, 21))  # noqa: DTZ001 - what it is about
