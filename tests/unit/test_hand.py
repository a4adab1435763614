"""A reply that a person sent from the mailbox is their decision, or a question to them: the worker over a Maildir."""

from email import message_from_bytes, policy

import pytest
import structlog

from pipeline import desk
from pipeline.demo.answers import PPMID, good_answers
from pipeline.demo.form import new_entry_form
from pipeline.demo.mail import File, documents, mail
from pipeline.domain.judgement import Outcome
from pipeline.domain.message import Problem
from pipeline.ledger import steps
from pipeline.ledger.errors import LedgerConflict
from pipeline.ledger.records import SENT, EffectState
from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable
from pipeline.promises import Round
from tests.hands import draft_text, lies, sends
from tests.office import HELPDESK, NOW, SHIPPED, Remembering, Troubled, a_helpdesk, cpl, good_submission

MANUFACTURER = "meters@maker.example"


@pytest.fixture(scope="module")
def readers():
    return Remembering()


@pytest.fixture
def helpdesk(tmp_path, readers):
    with a_helpdesk(tmp_path, readers=readers) as made:
        yield made


@pytest.fixture
def accepted(helpdesk):
    return drafted(helpdesk, good_submission())


@pytest.fixture
def refused(helpdesk):
    return drafted(helpdesk, good_submission(**{"Device_Type.name": "Gas Meter of Ours"}))


@pytest.fixture
def asked(helpdesk):
    return drafted(helpdesk, mail("CPL submission", "The form will follow.\n", NOW))


def drafted(helpdesk, submission):
    helpdesk.deliver(submission)
    helpdesk.round()
    return helpdesk


def replies(helpdesk):
    return [effect for effect in helpdesk.case().effects if effect.kind == SENT]


def noted(helpdesk):
    """The state of the one reply that was found, and what was said of it."""
    (one,) = helpdesk.office.ledger.promised("sent:")
    return one.state, one.note or one.error


def standing(helpdesk):
    case = helpdesk.case()
    return case.state, case.decision.outcome, case.decided_by


def test_the_drafted_acceptance_was_sent_so_it_is_accepted_and_waits_for_the_release(accepted):
    assert accepted.office.ledger.accepted() == ()
    sends(accepted, draft_text(accepted))
    assert accepted.round().answered == 1
    assert noted(accepted) == (EffectState.DONE, "The drafted acceptance was sent.")
    assert standing(accepted) == ("open", Outcome.ACCEPT, HELPDESK)
    (waits,) = accepted.office.ledger.accepted()
    assert (waits.case, waits.by) == ("CPL-2026-00001", HELPDESK)
    assert accepted.round().answered == 0
    assert len(accepted.case().judgements) == 2


def test_the_drafted_refusal_was_sent_so_the_case_is_closed(refused):
    sends(refused, draft_text(refused))
    refused.round()
    assert noted(refused) == (EffectState.DONE, "The drafted refusal was sent.")
    assert standing(refused) == ("closed", Outcome.REJECT, HELPDESK)
    trail = [(one.who, one.what) for one in refused.office.ledger.audit()[-2:]]
    assert trail == [(HELPDESK, "decision: reject"), (HELPDESK, "closed")]
    assert len(refused.drafts) == 1


def test_the_drafted_question_was_sent_and_the_case_waits_for_the_answer(asked):
    sends(asked, draft_text(asked))
    asked.round()
    assert noted(asked) == (EffectState.DONE, "The drafted question or answer was sent.")
    assert standing(asked) == ("open", Outcome.CLARIFY, "")


def test_the_draft_itself_in_sent_is_the_same(accepted):
    (draft,) = accepted.folder("Drafts")
    lies(accepted, draft.raw, "itself")
    (accepted.mail / draft.place).unlink()
    accepted.round()
    assert standing(accepted) == ("open", Outcome.ACCEPT, HELPDESK)
    assert accepted.drafts == []


def greeted(text):
    """What people do to a draft: greet, sign, add a line at the end, quote the mail they answer."""
    changed = text.replace("Hello,", "Dear Ada,", 1).rpartition("Kind regards,")[0]
    return f"{changed}Best wishes,\nRobin\n\nOn Wednesday you wrote:\n> Please list our meter.\n"


def rewrapped(text):
    return "\n\n".join(" ".join(one.split()) for one in text.split("\n\n"))


def as_html(text):
    inner = "".join(f"<p>{one.replace('&', '&amp;').replace('<', '&lt;')}</p>" for one in text.split("\n\n"))
    return f"<html><body>{inner}</body></html>"


@pytest.mark.parametrize("change", [greeted, rewrapped, as_html], ids=["greeted", "rewrapped", "html"])
@pytest.mark.parametrize("kind", ["accepted", "refused"])
def test_the_outcome_stands_though_people_and_programs_change_the_rest(request, kind, change):
    helpdesk = request.getfixturevalue(kind)
    text = change(draft_text(helpdesk))
    sends(helpdesk, **{"html" if change is as_html else "text": text})
    helpdesk.round()
    assert noted(helpdesk)[0] is EffectState.DONE
    assert standing(helpdesk)[2] == HELPDESK


def test_of_a_refusal_the_points_may_be_reworded(refused):
    text = draft_text(refused).replace("Choose", "Please choose")
    head, _, tail = text.partition("WHAT TO DO NOW")
    sends(refused, head + "It is the third time.\n\nWHAT TO DO NOW" + tail)
    refused.round()
    assert standing(refused)[:2] == ("closed", Outcome.REJECT)


@pytest.mark.parametrize(
    ("there", "instead"),
    [("You need not", "But you must"), ("WHAT HAPPENS NEXT", "We are sorry: not this one.\n\nWHAT HAPPENS NEXT")],
)
def test_an_acceptance_with_a_word_changed_is_asked_about(accepted, there, instead):
    assert there in draft_text(accepted)
    sends(accepted, draft_text(accepted).replace(there, instead))
    accepted.round()
    state, why = noted(accepted)
    assert state is EffectState.HELD
    assert why.startswith("A reply was sent that is none of the drafts. Say what was decided: 'pipeline decide CPL-")
    assert standing(accepted) == ("open", Outcome.ACCEPT, "")
    assert accepted.office.ledger.accepted() == ()


def test_an_acceptance_that_is_only_quoted_is_not_sent(accepted):
    quoted = "".join(f"> {line}\n" for line in draft_text(accepted).splitlines())
    sends(accepted, "We are not going to send you this:\n" + quoted)
    accepted.round()
    assert noted(accepted)[0] is EffectState.HELD


def test_a_draft_that_went_to_somebody_else_decides_nothing(accepted):
    sends(accepted, draft_text(accepted), to="colleague@secas.example")
    accepted.round()
    state, why = noted(accepted)
    assert state is EffectState.HELD
    assert why.startswith("The drafted reply was sent to somebody else than it is for.")
    assert accepted.office.ledger.accepted() == ()


def test_a_mail_about_the_case_to_somebody_else_is_no_reply(accepted):
    sends(accepted, "Do you know this meter?", to="colleague@secas.example")
    accepted.round()
    assert noted(accepted) == (EffectState.DONE, "A mail that concerns the Case was sent to somebody else.")


def test_of_several_replies_in_other_words_it_is_asked_once(refused):
    for number in range(3):
        sends(refused, "We talked on the telephone.", message_id=f"<{number}@secas.example>")
        refused.round()
    held = [one for one in refused.office.ledger.promised("sent:") if one.state is EffectState.HELD]
    assert len(held) == 1
    assert len(refused.office.ledger.promised("sent:")) == 3


def test_an_older_draft_that_was_sent_is_asked_about(accepted):
    text = draft_text(accepted)
    desk.decide_by_hand(accepted.office, "CPL-2026-00001", Outcome.REJECT, why="Their contract ended.", by="Ada")
    sends(accepted, text)
    accepted.round()
    state, why = noted(accepted)
    assert state is EffectState.HELD
    assert why.startswith("A reply that says 'accept' was sent, which is not what was drafted last.")
    assert standing(accepted) == ("open", Outcome.REJECT, "Ada")


def test_an_acceptance_is_asked_about_where_another_mail_came_in(accepted):
    text = draft_text(accepted)
    ours = message_from_bytes(accepted.drafts[0], policy=policy.default)["Message-ID"]
    late = mail("Re: CPL submission [CPL-2026-00001]", "Please wait.\n", NOW).replace(
        b"\r\n\r\n", f"\r\nIn-Reply-To: {ours}\r\n\r\n".encode(), 1
    )
    accepted.deliver(late)
    accepted.round()
    assert len(accepted.case().messages) == 2
    sends(accepted, text)
    accepted.round()
    assert noted(accepted)[1].startswith("The drafted acceptance was sent, and another mail of the Case had come in")
    assert accepted.office.ledger.accepted() == ()


def test_a_refusal_that_accepts_a_part_is_asked_about(helpdesk):
    good, other = good_answers() | SHIPPED, good_answers(PPMID) | SHIPPED
    bad = other | {"Device_Type.name": "A display of ours"}
    forms = [File(f"{name}.xlsm", new_entry_form(given, cpl())) for name, given in (("good", good), ("bad", bad))]
    files = [*forms, *documents(good), *documents(other)]
    drafted(helpdesk, mail("CPL submissions", "Two forms.\n", NOW, files))
    outcomes = {item.decision.outcome for item in helpdesk.case().judgements[-1].judged}
    assert {Outcome.ACCEPT, Outcome.REJECT} <= outcomes
    sends(helpdesk, draft_text(helpdesk))
    helpdesk.round()
    state, why = noted(helpdesk)
    assert state is EffectState.HELD
    assert why.startswith("The drafted refusal was sent, which accepts some submissions of the mail.")
    assert standing(helpdesk) == ("open", Outcome.REJECT, "")


def test_what_was_asked_is_settled_by_the_person_s_word(refused):
    sends(refused, "We talked on the telephone.")
    refused.round()
    assert noted(refused)[0] is EffectState.HELD
    assert refused.office.ledger.retry("CPL-2026-00001", refused.office.now(), by="Ada") == 0
    assert refused.office.ledger.health(refused.office.now()).held == 1
    desk.decide_by_hand(refused.office, "CPL-2026-00001", Outcome.REJECT, why="They agree.", by="Ada")
    state, said = noted(refused)
    assert state is EffectState.DONE
    assert said.startswith("A reply was sent that is none of the drafts.")
    assert said.endswith("Ada has said it.")


def test_what_was_asked_is_settled_by_closing_the_case(refused):
    sends(refused, "We talked on the telephone.")
    refused.round()
    refused.office.ledger.close_case("CPL-2026-00001", refused.office.now(), by="Ada", why="They withdrew it.")
    assert noted(refused)[0] is EffectState.DONE


def test_decided_before_a_reply_in_any_words_asks_nothing_more(refused):
    desk.decide_by_hand(refused.office, "CPL-2026-00001", Outcome.REJECT, why="They agree.", by="Ada")
    sends(refused, "As we said on the telephone, no.")
    refused.round()
    assert noted(refused) == (EffectState.DONE, "A reply in other words was sent; Ada had decided before.")


def test_a_refusal_decided_before_closes_the_case_once_it_is_sent(refused):
    desk.decide_by_hand(refused.office, "CPL-2026-00001", Outcome.REJECT, why="Of another reason.", by="Ada")
    refused.round()
    sends(refused, draft_text(refused))
    refused.round()
    assert standing(refused) == ("closed", Outcome.REJECT, "Ada")
    assert len(refused.case().judgements) == 2


def test_an_answer_to_the_mail_that_was_sent_finds_the_case(asked):
    sends(asked, draft_text(asked))
    asked.round()
    refers = b"\r\nIn-Reply-To: <sent-1@secas.example>\r\n\r\n"
    asked.deliver(mail("Our answer", "Here it is.\n", NOW).replace(b"\r\n\r\n", refers, 1))
    asked.round()
    assert len(asked.case().messages) == 2


def test_mails_of_no_case_and_of_machines_decide_nothing(refused):
    sends(refused, "Lunch?", reply_to="<elsewhere@b.example>")
    refused.round()
    assert refused.office.ledger.promised("sent:") == ()
    sends(refused, draft_text(refused), message_id="<2@secas.example>", Auto_Submitted="auto-replied")
    refused.round()
    assert noted(refused) == (EffectState.DONE, "Sent by a machine of ours: no decision.")
    assert standing(refused) == ("open", Outcome.REJECT, "")


def test_a_reply_sent_while_the_worker_was_down_for_a_month_is_found(refused):
    text = draft_text(refused)
    refused.clock.passes(days=1)
    sends(refused, text)
    refused.clock.passes(days=30)
    refused.round()
    assert standing(refused)[0] == "closed"


def test_a_folder_of_sent_mails_that_may_not_be_read_keeps_nothing_else_from_being_done(helpdesk):
    helpdesk.visit = lambda: Troubled(helpdesk.box, sent=[MailboxRefused("no rights")] * 2)
    assert drafted(helpdesk, good_submission()).drafts


def test_a_server_that_goes_away_meanwhile_is_asked_again(refused):
    sends(refused, draft_text(refused))
    refused.visit = lambda: Troubled(refused.box, fetch=[MailboxUnavailable("cut off")])
    assert refused.round().answered == 0
    refused.visit = lambda: refused.box
    refused.round()
    assert standing(refused)[0] == "closed"


def test_one_bad_mail_among_the_sent_ones_stops_nothing(refused, monkeypatch):
    sends(refused, draft_text(refused))
    refused.deliver(mail("CPL submission 2", "The form will follow.\n", NOW))
    with monkeypatch.context() as broken, structlog.testing.capture_logs() as logs:
        broken.setattr(refused.office.readers, "message", lambda _: {}["SECRET"])
        refused.worker()._visit(refused.worker()._look, Round())
    assert "sent mail failed" in [one["event"] for one in logs]
    assert "SECRET" not in repr(logs)
    assert len(refused.office.ledger.waiting()) == 1
    refused.round()
    assert standing(refused)[0] == "closed"


def test_a_look_that_failed_is_made_up_for_though_the_visit_went_well(refused):
    worker = refused.worker()
    worker._open = lambda: Troubled(refused.box, sent=[MailboxUnavailable("too slow")])
    sends(refused, draft_text(refused))
    for _ in range(5):
        worker.run_once()
        refused.clock.passes(days=1)
    assert standing(refused)[0] == "open"
    worker._open = lambda: refused.box
    worker.run_once()
    assert standing(refused)[0] == "closed"


def test_a_reply_to_a_mail_that_is_read_later_is_found_then(helpdesk):
    submission = good_submission()
    message_id = message_from_bytes(submission)["Message-ID"]
    sent = mail("Re: CPL submission", "We have it.\n", NOW, message_id="<early@secas.example>")
    lies(helpdesk, sent.replace(b"\r\n\r\n", f"\r\nIn-Reply-To: {message_id}\r\n\r\n".encode(), 1), "early")
    worker = helpdesk.worker()
    worker.run_once()
    helpdesk.deliver(submission)
    worker.run_once()
    assert worker.run_once().answered == 1


def test_a_reply_that_would_close_over_something_accepted_is_asked_about(refused, monkeypatch):
    sends(refused, draft_text(refused))
    close = steps.cases.close

    def refuses(connection, number, **_):
        del connection
        raise LedgerConflict(f"{number} has 1 accepted submissions that are not published.")

    monkeypatch.setattr(steps.cases, "close", refuses)
    refused.round()
    monkeypatch.setattr(steps.cases, "close", close)
    state, why = noted(refused)
    assert state is EffectState.HELD
    assert why.startswith("The drafted refusal was sent. CPL-2026-00001 has 1 accepted submissions")
    assert standing(refused) == ("open", Outcome.REJECT, "")


def test_a_reply_that_cannot_be_read_is_asked_about(refused, monkeypatch):
    sends(refused, draft_text(refused))
    broken = Problem("timeout", "The mail took longer than 30 seconds to read.")
    monkeypatch.setattr(refused.office.readers, "message", lambda _: broken)
    refused.round()
    state, why = noted(refused)
    assert state is EffectState.HELD
    assert why.startswith("A reply was sent that could not be read: The mail took longer than 30 seconds to read.")
