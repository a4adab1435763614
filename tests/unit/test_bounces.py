"""A mail of ours that comes back is noticed by the worker, shown to people, and changes nothing else."""

import msgspec
import pytest

from pipeline import desk
from pipeline.config import RemindersConfig
from pipeline.demo.mail import mail
from pipeline.demo.products import sample_entries
from pipeline.demo.workbook import cpl_workbook
from pipeline.office import CPL
from pipeline.reminding import REMINDERS, Reminding
from tests.office import NOW, Remembering, a_helpdesk, good_submission

READERS = Remembering()
SUPPLIER = "ends@supplier.example"


@pytest.fixture
def helpdesk(tmp_path):
    with a_helpdesk(tmp_path, readers=READERS) as found:
        found.office.config = msgspec.structs.replace(
            found.office.config, reminders=RemindersConfig(suppliers=(SUPPLIER,))
        )
        yield found


def report(message_id, *recipients, status="5.1.1", action="failed"):
    """A delivery report (RFC 3464) of a mail of that Message-ID."""
    groups = "\n".join(
        f"\nFinal-Recipient: rfc822; {one}\nAction: {action}\nStatus: {status}\nDiagnostic-Code: smtp; 550 nobody here"
        for one in recipients
    )
    text = (
        "From: MAILER-DAEMON@mx.example\nTo: helpdesk@secas.example\nSubject: Undelivered\nMessage-ID: <b@mx.example>\n"
        'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary="x"\n\n'
        f"--x\nContent-Type: text/plain\n\nSorry.\n--x\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; mx.example\n{groups}\n--x\nContent-Type: text/rfc822-headers\n\n"
        f"Message-ID: {message_id}\n--x--\n"
    )
    return text.replace("\n", "\r\n").encode()


def reminded(helpdesk):
    """A reminder to the Supplier is drafted; return its promise."""
    entries = [
        {**one, "CPA_Certificate.expiry_date": "01/09/2026"}
        for one in sample_entries()
        if one["Entry.number"] == "000009"
    ]
    desk.take_over(helpdesk.office, CPL, cpl_workbook(issued="18-02-2026", entries=entries), by="Ada")
    helpdesk.round()
    return next(one for one in helpdesk.office.ledger.promised(REMINDERS) if one.kind == "draft")


def test_a_reminder_that_came_back_is_noted_and_the_mail_stays_where_it_is(helpdesk):
    promise = reminded(helpdesk)
    raw = report(promise.payload["message_id"], SUPPLIER)
    helpdesk.deliver(raw)
    helpdesk.rounds(3, minutes=5)
    (came,) = helpdesk.office.ledger.bounces()
    assert (came.key, came.recipient, came.status, came.permanent) == (promise.key, SUPPLIER, "5.1.1", True)
    assert came.text == "550 nobody here"
    assert helpdesk.state_of(raw) == ("concluded", "automatic")
    (left,) = helpdesk.folder()
    assert (left.raw, left.flags) == (raw, "")
    (same,) = helpdesk.office.ledger.promised(promise.key)
    assert same == promise
    reminding = Reminding(helpdesk.office)
    shown = reminding.calendar(reminding.outlook(), NOW.date(), 18)
    whys = [window.why for row in shown.rows for window in row.windows]
    assert any("came back from ends@supplier.example: 5.1.1 550 nobody here" in why for why in whys)


def test_a_reply_that_came_back_is_shown_with_its_case(helpdesk):
    helpdesk.deliver(good_submission())
    helpdesk.round()
    (draft,) = helpdesk.case().drafts
    helpdesk.deliver(report(draft.message_id, draft.to, "another@maker.example", status="4.4.1", action="delayed"))
    helpdesk.round()
    came = helpdesk.office.ledger.bounces()
    assert [(one.case, one.recipient, one.permanent) for one in came] == [
        ("CPL-2026-00001", draft.to, False),
        ("CPL-2026-00001", "another@maker.example", False),
    ]


@pytest.mark.parametrize(
    "named", ["<other@mail.example>", "", "<%@%>", "<_\ud800>".encode("utf-8", "replace").decode()]
)
def test_a_bounce_of_nothing_of_ours_is_nothing(helpdesk, named):
    reminded(helpdesk)
    helpdesk.deliver(report(named, SUPPLIER))
    helpdesk.round()
    assert helpdesk.office.ledger.bounces() == ()


def test_an_ordinary_mail_is_no_bounce(helpdesk):
    promise = reminded(helpdesk)
    helpdesk.deliver(mail("Hello", f"Message-ID: {promise.payload['message_id']}\nundeliverable\n", NOW))
    helpdesk.round()
    assert helpdesk.office.ledger.bounces() == ()
