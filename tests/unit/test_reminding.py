"""Reminders through the ledger and the worker: promised once for ever, sent while they are true, and taken back."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from pipeline import desk
from pipeline.config import NoticesConfig, RemindersConfig, SmtpConfig
from pipeline.demo.products import sample_entries
from pipeline.demo.workbook import cpl_workbook
from pipeline.domain.reminder import ReminderKind
from pipeline.ledger.records import EffectState
from pipeline.office import CPL
from pipeline.outbox import Outcome, Sent
from pipeline.releasing import CONTACTS
from pipeline.reminding import EXPIRIES, REMINDERS, Reminding, is_current, until
from tests.certificates import entry, planned
from tests.office import HELPDESK, NOW, Remembering, a_helpdesk

READERS = Remembering()
SUPPLIER, SSC, ANN = "ends@supplier.example", "ssc@cpl.example", "ann@maker.example"
METER, OTHER = "000009", "000006"
"""Electricity and gas meters of the sample list, whose dates each test sets."""


class Server:
    """A Transport that takes everything, or answers what it is told first."""

    name = "server"

    def __init__(self, *answers: Outcome) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[datetime, str, str]] = []
        self.clock = None

    def __call__(self):
        return self

    def send(self, raw, *, sender, recipient):
        assert sender == HELPDESK
        (message_id,) = [line for line in raw.decode().splitlines() if line.startswith("Message-ID: ")]
        self.sent.append((self.clock.now.date(), recipient, message_id))
        return Sent(self.answers.pop(0) if self.answers else Outcome.TAKEN, "said", 250)

    def describe(self):
        return ()

    def close(self):
        pass


def the_list(**dates):
    """A CPL with these entries alone, each with that date, dd/mm/yyyy: ``e000009="01/09/2026"``."""
    entries = [
        {**one, "CPA_Certificate.expiry_date": dates[f"e{one['Entry.number']}"]}
        for one in sample_entries()
        if f"e{one['Entry.number']}" in dates
    ]
    return cpl_workbook(issued="18-02-2026", entries=entries)


def in_force(helpdesk, contacts=((METER, ANN),), **dates):
    desk.take_over(helpdesk.office, CPL, the_list(**dates), by="Ada")
    rows = "".join(f"{number},Ann,,{addr}\r\n" for number, addr in contacts)
    desk.take_over(helpdesk.office, CONTACTS, f"Entry number,Name,Telephone,Email\r\n{rows}".encode(), by="Ada")


@pytest.fixture
def helpdesk(tmp_path):
    with a_helpdesk(tmp_path, readers=READERS, with_cpl=False) as found:
        found.office.config = msgspec.structs.replace(
            found.office.config, reminders=RemindersConfig(suppliers=(SUPPLIER,)), notices=NoticesConfig(ssc=(SSC,))
        )
        yield found


@pytest.fixture
def sending(helpdesk):
    """A worker that sends, and its server."""
    office = helpdesk.office
    office.config = msgspec.structs.replace(
        office.config, notices=NoticesConfig(send=True, ssc=(SSC,)), smtp=SmtpConfig("mail.example")
    )
    server = Server()
    server.clock = helpdesk.clock
    return helpdesk.worker(transport=server), server


def promises(helpdesk, prefix=REMINDERS):
    return {one.key: one for one in helpdesk.office.ledger.promised(prefix)}


def states(helpdesk):
    """Months and state of each promise, in the order they were made."""
    return [(int(key.split(":")[4]), one.kind, one.state.value) for key, one in promises(helpdesk).items()]


def test_a_round_promises_and_drafts_each_once(helpdesk):
    in_force(helpdesk, e000009="01/09/2026")
    done = helpdesk.round()
    assert (done.reminded, done.drafted, done.sent) == (2, 2, 0)
    assert states(helpdesk) == [(6, "draft", "done")] * 2
    to = sorted(line for raw in helpdesk.drafts for line in raw.decode().splitlines() if line.startswith("To: "))
    assert to == [f"To: {ANN}", f"To: {SUPPLIER}"]
    again = helpdesk.rounds(3, days=1)
    assert (again.reminded, again.drafted, len(helpdesk.drafts)) == (0, 0, 2)


def test_no_list_is_no_trouble(helpdesk):
    assert helpdesk.round().reminded == 0


def test_a_list_is_asked_once_a_day(helpdesk, monkeypatch):
    in_force(helpdesk, e000009="01/09/2026")
    asked = []
    whole = Reminding.asked
    monkeypatch.setattr(Reminding, "asked", lambda self, *more: asked.append(more[1]) or whole(self, *more))
    worker = helpdesk.worker()
    for _ in range(3):
        worker.run_once()
    assert len(asked) == 1
    in_force(helpdesk, e000009="01/09/2026", e000006="01/09/2030")
    worker.run_once()
    worker.run_once()
    assert len(asked) == 2
    helpdesk.clock.passes(days=1)
    worker.run_once()
    assert len(asked) == 3


def test_asleep_for_400_days_the_nearest_window_goes_once_and_a_renewal_counts(helpdesk, sending):
    worker, server = sending
    in_force(helpdesk, contacts=[(METER, ANN)], e000009="05/05/2027", e000006="01/09/2030")
    worker.run_once()
    assert server.sent == []  # the first window begins on 5 May 2026
    helpdesk.clock.passes(days=400)
    worker.run_once()
    assert [to for _, to, _ in server.sent] == [ANN, SUPPLIER]
    assert states(helpdesk) == [(1, "send", "done")] * 2
    in_force(helpdesk, contacts=[(METER, ANN)], e000009="05/05/2028", e000006="01/09/2030")
    worker.run_once()
    assert len(server.sent) == 2  # its next window begins on 5 May 2027
    helpdesk.clock.now = datetime(2028, 5, 4, 9, tzinfo=UTC)
    worker.run_once()
    worker.run_once()
    assert [(day, to) for day, to, _ in server.sent[2:]] == [(date(2028, 5, 4), ANN), (date(2028, 5, 4), SUPPLIER)]
    assert len({message_id for _, _, message_id in server.sent}) == len(server.sent)


def test_what_is_renewed_before_it_went_is_taken_back(helpdesk, sending):
    worker, server = sending
    server.answers = [Outcome.LATER, Outcome.REFUSED]
    in_force(helpdesk, e000009="01/09/2026")
    worker.run_once()
    assert states(helpdesk) == [(6, "send", "pending"), (6, "send", "held")]
    in_force(helpdesk, e000009="01/09/2030")
    helpdesk.clock.passes(hours=2)
    worker.run_once()
    assert len(server.sent) == 2
    assert states(helpdesk) == [(6, "send", "withdrawn")] * 2
    assert {one.note for one in promises(helpdesk).values()} == {
        "Not sent: no Current entry of the list carries that certificate with that date any more."
    }
    in_force(helpdesk, e000009="01/09/2026")  # renewed by mistake; but the server was asked to take it once
    assert worker.run_once().reminded == 0
    assert len(server.sent) == 2


def test_a_list_that_comes_into_force_while_mails_go_stops_the_next(helpdesk, sending):
    worker, server = sending
    in_force(helpdesk, e000009="01/09/2026")
    send = server.send

    def published_meanwhile(raw, **whom):
        in_force(helpdesk, e000009="01/09/2030")
        return send(raw, **whom)

    server.send = published_meanwhile
    worker.run_once()
    assert states(helpdesk) == [(6, "send", "done"), (6, "send", "pending")]
    worker.run_once()
    assert states(helpdesk) == [(6, "send", "done"), (6, "send", "withdrawn")]
    assert len(server.sent) == 1


def test_taken_back_before_it_was_begun_it_is_promised_anew(helpdesk):
    in_force(helpdesk, e000009="01/09/2026")
    reminding = Reminding(helpdesk.office)
    assert reminding.keep() == 2
    in_force(helpdesk, e000009="01/09/2030")
    assert Reminding(helpdesk.office).keep() == 0
    assert {one.state for one in promises(helpdesk).values()} == {EffectState.WITHDRAWN}
    in_force(helpdesk, e000009="01/09/2026")
    assert helpdesk.round().drafted == 2
    assert states(helpdesk) == [(6, "draft", "done")] * 2


def test_an_entry_removed_meanwhile_is_not_named(helpdesk):
    number = "[E] NCSC-1-2"
    both = [
        {**one, "CPA_Certificate.expiry_date": "01/09/2026", "CPA_Certificate.identification_number": number}
        for one in sample_entries()
        if one["Entry.number"] in {METER, OTHER}
    ]
    desk.take_over(helpdesk.office, CPL, cpl_workbook(issued="18-02-2026", entries=both), by="Ada")
    Reminding(helpdesk.office).keep()
    gone = [{**one, "Entry.status": "Removed"} if one["Entry.number"] == OTHER else one for one in both]
    desk.take_over(helpdesk.office, CPL, cpl_workbook(issued="18-02-2026", entries=gone), by="Ada")
    (before,) = [one for one in promises(helpdesk).values() if one.kind == "draft"]
    assert not is_current(helpdesk.office, before.payload)
    helpdesk.round()
    (draft,) = helpdesk.drafts
    assert (METER in draft.decode(), OTHER in draft.decode()) == (True, False)
    (after,) = [one for one in promises(helpdesk).values() if one.kind == "draft"]
    assert (before.key, before.payload["message_id"]) == (after.key, after.payload["message_id"])
    assert after.payload["entries"] == METER


def test_without_a_contact_it_is_held_until_one_is_known(helpdesk):
    in_force(helpdesk, contacts=(), e000009="01/09/2026")
    assert helpdesk.round().reminded == 1  # the Supplier's
    (missing,) = [one for one in promises(helpdesk).values() if one.kind == "no-contact"]
    assert (missing.state, missing.payload["entries"]) == (EffectState.HELD, METER)
    assert missing.error == "No contact is known; give the address of whoever submitted it."
    assert helpdesk.office.ledger.health(helpdesk.office.now()).held == 0
    assert helpdesk.office.ledger.retry(missing.key, helpdesk.office.now()) == 0
    in_force(helpdesk, contacts=[(METER, f"{ANN}; bob@maker.example, not one")], e000009="01/09/2026")
    assert helpdesk.round().reminded == 2
    assert promises(helpdesk)[missing.key].state is EffectState.WITHDRAWN
    assert promises(helpdesk)[missing.key].note == "A contact is known by now."


def test_a_window_that_ended_unsent_is_never_sent(helpdesk):
    in_force(helpdesk, e000009="01/09/2026")
    Reminding(helpdesk.office).keep()
    key, one = next(iter(promises(helpdesk).items()))
    assert one.payload["until"] == "2026-07-31"
    helpdesk.clock.now = datetime(2026, 7, 31, 22, 59, tzinfo=UTC)
    assert is_current(helpdesk.office, one.payload)
    helpdesk.clock.passes(minutes=2)  # the next day in London
    assert not is_current(helpdesk.office, one.payload)
    helpdesk.round()
    assert promises(helpdesk)[key].note == "Not sent: its window was over before it could be sent."
    assert [state for state in states(helpdesk) if state[2] == "done"] == [(1, "draft", "done")] * 2


def test_who_cannot_know_holds_it_and_a_person_may_send_it_again(helpdesk, sending):
    worker, server = sending
    server.answers = [Outcome.UNKNOWN]
    in_force(helpdesk, e000009="01/09/2026")
    assert worker.run_once().unsure == 1
    (unknown,) = [one for one in promises(helpdesk).values() if one.state is EffectState.UNKNOWN]
    helpdesk.clock.passes(hours=1)
    worker.run_once()
    assert len(server.sent) == 2
    assert helpdesk.office.ledger.retry(unknown.key, helpdesk.office.now(), by="Ada", why="They have none") == 1
    worker.run_once()
    assert [server.sent[0][2], len(server.sent)] == [server.sent[2][2], 3]


@pytest.mark.parametrize("ssc", [(SSC,), ()])
def test_an_expiry_is_a_case_and_a_draft_to_the_ssc_once(helpdesk, ssc):
    office = helpdesk.office
    office.config = msgspec.structs.replace(office.config, notices=NoticesConfig(ssc=ssc))
    in_force(helpdesk, e000009="03/03/2026", e000006="01/09/2030")
    helpdesk.rounds(3, days=1)
    (summary,) = office.ledger.cases()
    assert (summary.number, summary.due, summary.correspondent) == ("CPL-2026-00001", "2026-03-05", "")
    assert summary.subject == (
        "[E] NCSC-7300000001-1009 expired on 03/03/2026, and entries that carry it are still Current: 1"
    )
    case = office.ledger.case(summary.number)
    assert [(one.kind, one.state) for one in case.effects] == [
        ("expired", EffectState.DONE),
        *[("draft", EffectState.DONE)] * len(ssc),
    ]
    assert len(helpdesk.drafts) == len(ssc)
    told = (
        "Drafted to ssc@cpl.example."
        if ssc
        else "Not drafted, as the settings name no address of the SSC: notices.ssc."
    )
    assert case.effects[0].payload["notice"] == told
    for draft in case.effects[1:]:
        assert office.ledger.case_of([draft.payload["message_id"]], "") == case.number
    office.ledger.close_case(case.number, office.now(), by="Ada", why="The SSC has determined.")
    helpdesk.rounds(2, days=40)
    assert office.ledger.cases() == ()


def test_on_the_day_itself_nothing_has_expired(helpdesk):
    in_force(helpdesk, e000009="04/03/2026")
    assert helpdesk.round().reminded == 2
    assert promises(helpdesk, EXPIRIES) == {}


def test_a_list_taken_over_with_old_expiries_is_one_case(helpdesk):
    in_force(helpdesk, e000009="01/01/2020", e000006="01/01/2021", e000001="20/02/2026")
    helpdesk.rounds(2, days=1)
    first, second = sorted(helpdesk.office.ledger.cases(), key=lambda case: case.number)
    assert first.subject == (
        "Certificates whose date passed before the pipeline looked after them: 2, 2 entries are still Current"
    )
    assert "20/02/2026" in second.subject
    assert [one.kind for one in helpdesk.office.ledger.case(first.number).effects] == ["expired", "expired"]
    assert len(helpdesk.drafts) == 1


def test_a_worker_that_overslept_opens_a_case_for_each(helpdesk):
    in_force(helpdesk, e000009="01/09/2026", e000006="01/10/2026")
    helpdesk.round()
    helpdesk.clock.passes(days=400)
    helpdesk.round()
    assert len(helpdesk.office.ledger.cases()) == 2
    assert len(promises(helpdesk, EXPIRIES)) == 2


def test_until_is_the_day_before_the_next_window():
    (plan,) = planned(entry(1, "[E] 1-1", date(2028, 3, 31))).planned
    assert plan.certificate.kind is ReminderKind.EXPIRY
    rules = planned(entry(1)).rules
    days = [until(plan.certificate, window, rules) for window in plan.windows]
    assert days == [plan.windows[1].day - timedelta(days=1), plan.windows[2].day - timedelta(days=1), date(2028, 3, 31)]
    assert all(plan.window(day) == window for day, window in zip(days, plan.windows, strict=True))


def test_the_office_day_decides_not_utc(helpdesk):
    helpdesk.clock.now = datetime(2026, 7, 31, 23, 30, tzinfo=UTC)  # 1 August in London
    assert Reminding(helpdesk.office).today() == date(2026, 8, 1)
    helpdesk.clock.now = NOW
    assert Reminding(helpdesk.office).today() == date(2026, 3, 4)
