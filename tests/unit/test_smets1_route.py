"""SMETS1 from end to end (guidance section 6): the DCC and the EPCL, a Supplier and the word of the SSC."""

import msgspec
import pytest

from pipeline import desk
from pipeline.config import PeopleConfig
from pipeline.demo.answers import good_answers
from pipeline.demo.form import new_entry_form
from pipeline.demo.mail import File, mail
from pipeline.demo.products import ESME
from pipeline.domain.finding import Settler, Status
from pipeline.domain.judgement import Outcome
from pipeline.domain.product import DEVICE_MODEL
from pipeline.office import EPCL
from tests.office import NOW, Remembering, a_helpdesk, cpl

READERS = Remembering()
DCC, SUPPLIER = "Dee <cpl@dcc.example>", "Sue <sue@supplier.example>"
ANSWERS = good_answers(ESME, smets1=True)
OPEN = {"smets1.submitter", "smets1.eligible", "smets1.urgent"}


@pytest.fixture
def helpdesk(tmp_path):
    with a_helpdesk(tmp_path, readers=READERS) as found:
        found.office.config = msgspec.structs.replace(found.office.config, people=PeopleConfig(dcc=("dcc.example",)))
        yield found


def eligible(helpdesk, firmware=ANSWERS["Device_Model.firmware_version"]):
    """Put an EPCL in force that holds the Device Model with this firmware."""
    names = [name.split(".", 1)[1] for name in DEVICE_MODEL]
    values = [*(ANSWERS[name] for name in DEVICE_MODEL[:-1]), firmware]
    desk.take_over(helpdesk.office, EPCL, f"{','.join(names)}\r\n{','.join(values)}\r\n".encode(), by="Ada")


def submitted(helpdesk, sender, *more):
    form = File("form.xlsm", new_entry_form(ANSWERS, cpl()))
    helpdesk.deliver(mail("CPL submission", "Please add it.\n", NOW, [form, *more], sender=sender))
    helpdesk.round()
    case = helpdesk.case()
    (judged,) = case.judgements[-1].judged
    return case, {f.check: f for f in judged.findings if f.status in {Status.FAIL, Status.UNCLEAR, Status.BROKEN}}


def confirmation():
    raw = mail("Urgent fix", "The need is confirmed.\n", NOW, sender="SSC <ssc@secas.example>")
    return File("confirmation.eml", raw, "message/rfc822")


def test_the_dcc_with_a_device_model_of_the_epcl_is_accepted_by_the_checks(helpdesk):
    eligible(helpdesk)
    case, found = submitted(helpdesk, DCC)
    assert (found, case.decision.outcome) == ({}, Outcome.ACCEPT)
    assert case.due == "2026-03-05"


def test_the_dcc_with_one_that_is_not_on_the_epcl_is_refused(helpdesk):
    eligible(helpdesk, "10:20:30:00")
    case, found = submitted(helpdesk, DCC)
    assert (set(found), case.decision.outcome) == ({"smets1.eligible"}, Outcome.REJECT)
    (draft,) = helpdesk.drafts
    assert b"Eligible Products Combination List" in draft


def test_without_an_epcl_a_person_looks(helpdesk):
    case, found = submitted(helpdesk, DCC)
    assert set(found) == {"smets1.eligible"}
    assert (case.decision.outcome, case.decision.waits_for) == (Outcome.CLARIFY, Settler.REVIEWER)


def test_a_supplier_with_the_word_of_the_ssc_waits_for_the_reviewer_one_working_day(helpdesk):
    eligible(helpdesk, "10:20:30:00")
    case, found = submitted(helpdesk, SUPPLIER, confirmation())
    assert set(found) == OPEN
    assert found["smets1.urgent"].evidence[0].file == "confirmation.eml"
    assert (case.decision.outcome, case.decision.waits_for) == (Outcome.CLARIFY, Settler.REVIEWER)
    assert (case.opened[:10], case.due) == ("2026-03-04", "2026-03-05")
    assert helpdesk.drafts == []
    for check in sorted(OPEN):
        desk.confirm(helpdesk.office, case.number, check, passed=True, why="Read it", by="Ada")
    assert helpdesk.case().decision.outcome is Outcome.ACCEPT


def test_on_a_friday_evening_it_is_due_on_tuesday(helpdesk):
    eligible(helpdesk, "10:20:30:00")
    helpdesk.clock.passes(days=2, hours=8)
    case, _ = submitted(helpdesk, SUPPLIER, confirmation())
    assert case.due == "2026-03-10"


def test_a_supplier_without_it_is_asked_for_it(helpdesk):
    eligible(helpdesk, "10:20:30:00")
    case, found = submitted(helpdesk, SUPPLIER)
    assert set(found) == OPEN
    assert found["smets1.urgent"].settle is Settler.SUBMITTER
    assert (case.decision.outcome, case.decision.waits_for) == (Outcome.CLARIFY, Settler.SUBMITTER)
    (draft,) = helpdesk.drafts
    assert b"confirmation" in draft
    assert case.correspondent == "sue@supplier.example"


def test_somebody_else_with_what_is_on_the_epcl_is_never_accepted_by_the_checks(helpdesk):
    eligible(helpdesk)
    case, found = submitted(helpdesk, "Max <max@maker.example>")
    assert set(found) == {"smets1.submitter"}
    assert (case.decision.outcome, case.decision.waits_for) == (Outcome.CLARIFY, Settler.REVIEWER)
