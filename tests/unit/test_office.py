"""What the worker and the helpdesk share: lists in force, days, correspondents, Case numbers, promises."""

from datetime import UTC, date, datetime
from hashlib import sha256

import pytest

from pipeline import desk
from pipeline.demo.workbook import cpl_workbook
from pipeline.domain.message import Address, Message
from pipeline.ledger.errors import LedgerBusy
from pipeline.ledger.records import MessageRecord, MessageState
from pipeline.office import CPL, case_number_in, references_of, stamp
from pipeline.readers.child import Forked
from pipeline.trouble import Unavailable, in_words
from tests.office import HELPDESK, NOW, a_helpdesk, cpl


@pytest.fixture
def office(tmp_path):
    with a_helpdesk(tmp_path) as helpdesk:
        yield helpdesk.office


def message(**changes):
    texts = dict.fromkeys(("sha256", "message_id", "subject", "sent", "in_reply_to", "body"), "")
    tuples = dict.fromkeys(("senders", "reply_to", "references", "automatic", "attachments", "problems"), ())
    return Message(**(texts | tuples | changes))


def people(*addresses):
    return tuple(Address("", address) for address in addresses)


@pytest.mark.parametrize(
    ("reply_to", "senders", "correspondent"),
    [
        ((), ("a@x.example",), "a@x.example"),
        (("b@x.example",), ("a@x.example",), "b@x.example"),
        ((HELPDESK.upper(),), ("a@x.example",), "a@x.example"),
        ((), (HELPDESK,), ""),
        ((), (), ""),
        ((), ("a@x.example", "b@x.example"), ""),  # whose draft it is, a person says
    ],
)
def test_the_one_who_asked_is_answered_and_never_ourselves(office, reply_to, senders, correspondent):
    assert office.correspondent(message(senders=people(*senders), reply_to=people(*reply_to))).addr == correspondent


@pytest.mark.parametrize(
    ("subject", "number"),
    [
        ("Re: [CPL-2026-00042] form", "CPL-2026-00042"),
        ("CPL-2026-100000", "CPL-2026-100000"),
        ("CPL-2026-00001 and CPL-2026-00002", "CPL-2026-00001"),
        ("XCPL-2026-00042", ""),
        ("CPL-2026-0042", ""),
        ("", ""),
    ],
)
def test_a_case_number_is_found_in_a_subject(subject, number):
    assert case_number_in(subject) == number


def test_the_mail_answered_is_the_nearest_reference():
    assert references_of(message(references=("<1@a>", "<2@a>"), in_reply_to="<3@a>")) == ("<1@a>", "<2@a>", "<3@a>")
    assert references_of(message(references=("<1@a>",))) == ("<1@a>",)


@pytest.mark.parametrize(
    ("received", "day", "due"),
    [
        ("2026-03-04T10:00:00Z", date(2026, 3, 4), "2026-03-05"),
        ("2026-06-30T23:30:00Z", date(2026, 7, 1), "2026-07-02"),  # past midnight in British Summer Time
        ("2026-12-31T23:30:00Z", date(2026, 12, 31), "2027-01-05"),  # closed, then New Year's Day and a weekend
    ],
)
def test_a_moment_belongs_to_the_day_where_the_office_is(office, received, day, due):
    assert office.day_of(received) == day
    record = MessageRecord("0" * 64, "box", "INBOX", "1", "1", received, MessageState.RECEIVED, 0)
    assert office.circumstances(record, "", [], ()).on == day
    assert office.due(received) == due


def test_a_moment_is_stamped_in_utc():
    assert stamp(datetime.fromisoformat("2026-07-01T00:30:15.9+01:00")) == "2026-06-30T23:30:15Z"
    assert stamp(datetime(2026, 3, 4, tzinfo=UTC)) == "2026-03-04T00:00:00Z"


class Counting(Forked):
    def __init__(self):
        super().__init__()
        self.lists = 0

    def cpl(self, data):
        self.lists += 1
        return super().cpl(data)


def test_the_list_in_force_is_read_once_and_again_when_another_is_taken_over(tmp_path):
    readers = Counting()
    with a_helpdesk(tmp_path, readers=readers) as helpdesk:
        office = helpdesk.office
        before = readers.lists
        assert office.list_of(*office.in_force()) is office.list_of(*office.in_force())
        assert readers.lists == before + 1
        desk.take_over(office, CPL, cpl_workbook(version="3.001", issued="01-03-2026"), by="Ada")
        assert office.list_of(*office.in_force()).template.version == "3.001"


def test_without_a_list_there_is_no_template(tmp_path):
    with a_helpdesk(tmp_path, with_cpl=False) as helpdesk:
        assert helpdesk.office.in_force() == ("", "")
        assert helpdesk.office.list_of("", "").template is None


@pytest.mark.parametrize("harm", ["missing", "damaged"])
def test_a_list_that_cannot_be_read_says_what_to_do(office, harm):
    stored = office.artefacts.path(sha256(cpl()).hexdigest())
    stored.unlink() if harm == "missing" else stored.write_bytes(b"x")
    with pytest.raises(
        Unavailable, match=r"restore it from a backup\. Or import the list anew|Restore it from a backup"
    ):
        office.list_of(*office.in_force())


def test_a_promise_is_the_same_one_each_time_it_is_made(office):
    first, second = (office.promise_filing("0" * 64, "<1@a.example>") for _ in range(2))
    assert first == second
    assert (first.kind, first.payload["target"]) == ("file", "CPL processed")


def test_our_own_trouble_is_logged_in_its_words_and_any_other_without():
    assert in_words(LedgerBusy("The ledger is busy.")) == {"error": "LedgerBusy", "why": "The ledger is busy."}
    with pytest.raises(ValueError, match="Zzyzx") as unforeseen:
        int("Zzyzx")
    told = in_words(unforeseen.value)
    assert told["error"] == "ValueError"
    assert "test_office.py" in told["where"][0]
    assert "Zzyzx" not in repr(told)


def test_the_clock_is_the_offices_own(office):
    assert office.now() == stamp(NOW)
