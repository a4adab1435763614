"""Mails of doubtful senders through the worker: who gets the draft, what staff are told, and where a loop ends."""

from email import message_from_bytes, policy
from email.message import EmailMessage

import msgspec
import pytest

from pipeline import desk
from pipeline.config import PeopleConfig
from pipeline.demo.mail import SUBMITTER
from pipeline.domain.judgement import Outcome
from tests.office import HELPDESK, NOW, Helpdesk, a_helpdesk, good_submission

MX = "mx.secas.example"
DOMAIN = SUBMITTER.rpartition("@")[2].rstrip(">")
CONTACT = f"compliance@{DOMAIN}"
CONTACTS = {DOMAIN: CONTACT}
BAD = {"Device_Model.firmware_version": "0C:03:0C"}
VALUE = BAD["Device_Model.firmware_version"]


def stamped(raw: bytes, result: str) -> bytes:
    return f"Authentication-Results: {MX}; dmarc={result} header.from={DOMAIN}\r\n".encode() + raw


@pytest.fixture
def helpdesk(tmp_path, request):
    people = PeopleConfig(border=(MX,), **getattr(request, "param", {"submitters": (DOMAIN,), "contacts": CONTACTS}))
    with a_helpdesk(tmp_path, per_sender=2, per_thread=2) as made:
        made.office.config = msgspec.structs.replace(made.office.config, people=people)
        yield made


def the_draft(helpdesk: Helpdesk) -> EmailMessage:
    [raw] = helpdesk.drafts
    return message_from_bytes(raw, policy=policy.default)


def text(draft: EmailMessage) -> str:
    return str(draft.get_body(("plain",)).get_content())


def test_a_sender_the_border_vouches_for_is_answered_in_full(helpdesk):
    helpdesk.deliver(stamped(good_submission(NOW, **BAD), "pass"))
    helpdesk.round()
    draft = the_draft(helpdesk)
    assert draft["To"].addresses[0].addr_spec in SUBMITTER
    assert VALUE in text(draft)
    assert helpdesk.office.ledger.case("CPL-2026-00001").messages[0].note == ""


@pytest.mark.parametrize(
    ("helpdesk", "to"),
    [
        ({"submitters": (DOMAIN,), "contacts": CONTACTS}, CONTACT),
        ({"submitters": (DOMAIN,)}, None),
        ({"submitters": ("other.example",), "contacts": CONTACTS}, CONTACT),
        ({}, None),
    ],
    indirect=["helpdesk"],
)
def test_a_forged_sender_is_not_answered_and_nothing_is_repeated(helpdesk, to):
    helpdesk.deliver(stamped(good_submission(NOW, **BAD), "fail"))
    helpdesk.round()
    draft = the_draft(helpdesk)
    assert draft["To"] == to
    assert draft["X-CPL-Correspondent"] == "not-verified"
    assert VALUE not in text(draft)
    case = helpdesk.office.ledger.case("CPL-2026-00001")
    assert case.decision.outcome is Outcome.REJECT
    assert (to or "nobody") in case.messages[0].note


def test_a_reviewers_word_on_the_sender_opens_the_reply(helpdesk):
    helpdesk.deliver(stamped(good_submission(), "fail"))
    helpdesk.round()
    assert helpdesk.drafts == []
    desk.confirm(helpdesk.office, "CPL-2026-00001", "intake.authentic", passed=True, why="She rang.", by="Ann")
    helpdesk.round()
    draft = the_draft(helpdesk)
    assert draft["To"].addresses[0].addr_spec in SUBMITTER
    assert draft["X-CPL-Correspondent"] is None
    assert all(one.same for one in desk.replay(helpdesk.office, "CPL-2026-00001"))


def test_our_own_mail_is_for_a_person(helpdesk):
    raw = good_submission().replace(SUBMITTER.encode(), f"Desk <{HELPDESK}>".encode(), 1)
    helpdesk.deliver(raw)
    helpdesk.round()
    [mail] = helpdesk.office.ledger.case("CPL-2026-00001").messages
    assert mail.kind == "for-a-person"
    assert "(own)" in mail.note
    assert helpdesk.drafts == []


def test_a_loop_of_two_machines_ends_at_a_person(helpdesk):
    mails = [
        stamped(good_submission(NOW, **{**BAD, "Device_Model.model_identifier": f"00:{n}0"}), "pass") for n in range(4)
    ]
    for raw in mails[:3]:
        helpdesk.deliver(raw)
        helpdesk.round()
    assert len(helpdesk.drafts) == 2
    assert helpdesk.state_of(mails[2]) == ("concluded", "for-a-person")
    assert "within 24 hours" in helpdesk.case(3).messages[0].note
    helpdesk.clock.passes(hours=25)
    helpdesk.deliver(mails[3])
    helpdesk.round()
    assert len(helpdesk.drafts) == 3
