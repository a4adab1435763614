"""The worker over a Maildir: every kind of mail, and what becomes of it when something is in the way."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from email import message_from_bytes, policy
from hashlib import sha256

import pytest
import structlog

from pipeline import desk
from pipeline.demo.answers import good_answers
from pipeline.demo.form import new_entry_form
from pipeline.demo.mail import (
    SUBMITTER,
    File,
    Thread,
    batch_submission,
    faulty_submission,
    hostile_submission,
    mail,
    protected_submission,
    reply,
    submission,
    unrelated,
)
from pipeline.domain.judgement import Outcome
from pipeline.domain.message import Problem
from pipeline.ledger.artefacts import ArtefactsUnavailable
from pipeline.ledger.errors import LedgerBusy
from pipeline.ledger.records import EffectState
from pipeline.mailbox.maildir import Maildir
from pipeline.mailbox.port import Listed, MailboxRefused, MailboxUnavailable, Ref
from pipeline.mailbox.trouble import MailGone
from pipeline.promises import Round
from pipeline.readers.child import Forked
from pipeline.trouble import Unavailable
from tests.office import NOW, PROCESSED, SHIPPED, Troubled, a_helpdesk, cpl, good_submission, open_submission


@pytest.fixture
def helpdesk(tmp_path):
    with a_helpdesk(tmp_path) as made:
        yield made


def faulty(minutes=0):
    return faulty_submission(NOW - timedelta(minutes=minutes), base=cpl())


def asking(number=0):
    """A mail that speaks of a submission and brings none: it is answered with a question."""
    return mail(f"CPL submission {number}", "The form will follow.\n", NOW)


def headers(raw):
    return message_from_bytes(raw, policy=policy.default)


def machine(raw, line=b"Auto-Submitted: auto-replied"):
    return line + b"\r\n" + raw


def states(helpdesk, serial=1):
    return [(effect.kind, effect.state.value) for effect in helpdesk.case(serial).effects]


# Every kind of mail


def test_open_points_for_the_reviewer_only_draft_nothing_and_the_mail_is_filed(helpdesk):
    raw = open_submission()
    helpdesk.deliver(raw)
    assert helpdesk.round() == Round(fetched=1, concluded=1, filed=1)
    case = helpdesk.case()
    assert (case.decision.outcome, case.decision.row) == (Outcome.CLARIFY, "mail-look")
    assert case.drafts == ()
    assert case.due == "2026-03-05"
    assert [(m.raw, m.flags) for m in helpdesk.folder(PROCESSED)] == [(raw, "S")]
    assert helpdesk.folder() == []


def test_a_fault_is_refused_in_a_draft_that_answers_the_mail(helpdesk):
    raw = faulty()
    helpdesk.deliver(raw)
    assert helpdesk.round() == Round(fetched=1, concluded=1, drafted=1, filed=1)
    (draft,) = helpdesk.drafts
    written, asked = headers(draft), headers(raw)
    assert helpdesk.case().decision.outcome is Outcome.REJECT
    assert (written["In-Reply-To"], written["References"]) == (asked["Message-ID"],) * 2
    assert "CPL-2026-00001" in written["Subject"]
    assert written["To"].addresses[0].addr_spec == SUBMITTER.rpartition("<")[2].rstrip(">")
    assert states(helpdesk) == [("draft", "done"), ("file", "done")]


@pytest.mark.parametrize(
    ("raw", "outcome", "template"),
    [
        (asking(), Outcome.CLARIFY, "question"),
        (protected_submission(NOW), Outcome.REJECT, "unreadable"),
        (batch_submission(NOW, base=cpl()), Outcome.REJECT, "rejected"),
    ],
    ids=["no-workbook", "password", "batch-with-a-duplicate"],
)
def test_each_outcome_has_its_own_reply(helpdesk, raw, outcome, template):
    helpdesk.deliver(raw)
    assert helpdesk.round().drafted == 1
    case = helpdesk.case()
    assert (case.decision.outcome, [draft.kind for draft in case.drafts]) == (outcome, [template])
    assert [draft.raw for draft in case.drafts] == helpdesk.drafts


def test_a_hostile_workbook_becomes_a_refusal_in_words(helpdesk):
    helpdesk.deliver(hostile_submission(NOW))
    assert helpdesk.round() == Round(fetched=1, concluded=1, drafted=1, filed=1)
    assert [draft.kind for draft in helpdesk.case().drafts] == ["unreadable"]


def test_the_same_files_again_are_linked_and_not_answered_twice(helpdesk):
    first, again = submission(NOW, base=cpl()), submission(NOW + timedelta(hours=1), base=cpl())
    assert first != again
    helpdesk.deliver(first)
    before = helpdesk.round()
    helpdesk.deliver(again)
    assert helpdesk.round() == Round(fetched=1, concluded=1, filed=1)
    assert helpdesk.state_of(again) == ("concluded", "repeat")
    assert [message.kind for message in helpdesk.case().messages] == ["new-entry", "repeat"]
    assert len(helpdesk.drafts) == before.drafted
    assert len(helpdesk.folder(PROCESSED)) == 2


def test_the_same_workbook_with_another_document_is_judged_anew(helpdesk):
    form = File("form.xlsm", new_entry_form(good_answers() | SHIPPED, cpl()))
    helpdesk.deliver(mail("CPL", "First.\n", NOW, [form]))
    helpdesk.round()
    helpdesk.deliver(mail("CPL", "Second.\n", NOW, [form, File("letter.pdf", b"%PDF-1.4\n", "application/pdf")]))
    helpdesk.round()
    told = {f.check: f.status.value for item in helpdesk.case(2).judgements[0].judged for f in item.findings}
    assert told["intake.repeat"] == "advice"


@pytest.mark.parametrize("how", ["references", "in-reply-to", "subject"])
def test_a_reply_joins_its_case_and_is_left_for_a_person(helpdesk, how):
    helpdesk.deliver(faulty())
    helpdesk.round()
    number, sent = helpdesk.case().number, helpdesk.case().drafts[0].message_id
    answer = {
        "references": reply(NOW, Thread("<between@elsewhere.example>", (sent,))),
        "in-reply-to": reply(NOW, Thread(sent)),
        "subject": mail(f"RE: your mail [{number}]", "Here is the answer.\n", NOW),
    }[how]
    helpdesk.deliver(answer)
    place = helpdesk.folder()[0].place
    assert helpdesk.round() == Round(fetched=1, concluded=1)
    assert helpdesk.state_of(answer) == ("concluded", "reply")
    assert [message.kind for message in helpdesk.case().messages] == ["new-entry", "reply"]
    assert [(m.raw, m.flags, m.place) for m in helpdesk.folder()] == [(answer, "", place)]


def test_a_corrected_form_in_the_thread_is_judged_in_the_same_case(helpdesk):
    helpdesk.deliver(faulty())
    helpdesk.round()
    sent = helpdesk.case().drafts[0].message_id
    helpdesk.deliver(b"In-Reply-To: " + sent.encode() + b"\r\n" + good_submission())
    helpdesk.round()
    assert [judgement.decision.outcome.value for judgement in helpdesk.case().judgements] == ["reject", "accept"]
    assert len(helpdesk.office.ledger.cases()) == 1


def test_a_case_number_that_nobody_gave_out_joins_nothing(helpdesk):
    raw = mail("Re: [CPL-2026-09999]", "About the minutes.\n", NOW)
    helpdesk.deliver(raw)
    helpdesk.round()
    assert helpdesk.state_of(raw)[1] != "reply"


@pytest.mark.parametrize(
    ("raw", "kind", "case"),
    [
        (mail("New CPA certificate", "Please find the new expiry date.\n", NOW), "for-a-person", "CPL-2026-00001"),
        (machine(faulty()), "for-a-person", "CPL-2026-00001"),
        (machine(unrelated(NOW)), "automatic", ""),
        (machine(unrelated(NOW), b"List-Id: <x.example>"), "automatic", ""),
        (unrelated(NOW), "not-ours", ""),
        (b"\0\xff\r\n\r\n", "not-ours", ""),
    ],
    ids=["certificate", "machine-with-a-form", "machine", "list", "not-ours", "junk"],
)
def test_what_is_not_answered_stays_unread_and_where_it_is(helpdesk, raw, kind, case):
    helpdesk.deliver(raw)
    before = helpdesk.folder()
    assert helpdesk.round() == Round(fetched=1, concluded=1)
    assert helpdesk.round() == Round()
    assert helpdesk.folder() == before
    record = helpdesk.office.ledger.message(sha256(raw).hexdigest())
    assert (record.kind, record.case) == (kind, case)
    assert helpdesk.drafts == []


def test_a_mail_that_is_not_ours_is_fetched_once_only(helpdesk):
    helpdesk.deliver(unrelated(NOW))
    box = Troubled(helpdesk.box)
    helpdesk.visit = lambda: box
    helpdesk.rounds(3)
    assert box.calls.count("fetch") == 1


# The order of acts


def test_a_mail_is_filed_only_after_its_draft_is_noted(helpdesk):
    helpdesk.deliver(faulty(), asking())
    noted = []

    class Looking(Maildir):
        def file_away(self, *args):
            noted.append({e.kind: e.state for e in helpdesk.case(len(noted) + 1).effects}["draft"])
            return super().file_away(*args)

    helpdesk.visit = lambda: Looking(helpdesk.mail)
    helpdesk.round()
    assert noted == [EffectState.DONE, EffectState.DONE]


def test_a_mail_whose_draft_cannot_be_put_is_not_filed(helpdesk):
    helpdesk.deliver(faulty())
    helpdesk.visit = lambda: Troubled(helpdesk.box, save_draft=[MailboxRefused("no such folder")])
    helpdesk.round()
    assert states(helpdesk) == [("draft", "held"), ("file", "pending")]
    assert len(helpdesk.folder()) == 1


# The mailbox is away, or says no


def test_an_unreachable_mailbox_is_noted_and_what_is_spooled_is_judged(helpdesk):
    helpdesk.deliver(faulty())
    worker = helpdesk.worker()
    worker._visit(worker.fetching.fetch, Round())
    helpdesk.visit = lambda: Troubled(helpdesk.box, unread=[MailboxUnavailable("no answer")])
    assert helpdesk.round() == Round(concluded=1, unreachable="no answer")
    (poll,) = helpdesk.office.ledger.health(helpdesk.office.now()).polls
    assert (poll.ok, poll.text, poll.last_good) == (False, "no answer", "2026-03-04T10:00:00Z")
    assert states(helpdesk) == [("draft", "pending"), ("file", "pending")]
    helpdesk.visit = lambda: helpdesk.box
    assert helpdesk.round() == Round(drafted=1, filed=1)
    assert [poll.ok for poll in helpdesk.office.ledger.health(helpdesk.office.now()).polls] == [True]


def test_a_mailbox_that_cannot_be_opened_at_all_is_told_and_leaves_no_trace_of_another_name(helpdesk):
    def refused():
        raise MailboxRefused("no password")

    helpdesk.visit = refused
    assert helpdesk.round() == Round(unreachable="no password")
    assert helpdesk.office.ledger.health(helpdesk.office.now()).polls == ()


def test_a_promise_is_tried_again_after_waits_that_double_up_to_an_hour(helpdesk):
    helpdesk.deliver(faulty())
    helpdesk.visit = lambda: Troubled(helpdesk.box, save_draft=[MailboxUnavailable("busy")])
    waits = []
    for _ in range(8):
        before = helpdesk.clock.now
        helpdesk.round()
        due = next(effect.due for effect in helpdesk.case().effects if effect.kind == "draft")
        while not any(e.kind == "draft" for e in helpdesk.office.ledger.effects_due(helpdesk.office.now())):
            helpdesk.clock.passes(seconds=60)
        waits.append((helpdesk.clock.now - before).total_seconds())
        assert due <= helpdesk.office.now()
    assert waits == [120, 240, 480, 960, 1920, 3600, 3600, 3600]
    helpdesk.visit = lambda: helpdesk.box
    assert helpdesk.round() == Round(drafted=1, filed=1)


def test_a_refused_promise_is_held_until_a_person_says_retry(helpdesk):
    helpdesk.deliver(faulty(), asking())
    helpdesk.visit = lambda: Troubled(helpdesk.box, save_draft=[MailboxRefused("over quota")])
    helpdesk.round()
    assert states(helpdesk) == [("draft", "held"), ("file", "pending")]
    assert states(helpdesk, 2) == [("draft", "done"), ("file", "done")]
    helpdesk.visit = lambda: helpdesk.box
    helpdesk.clock.passes(days=1)
    helpdesk.round()
    assert states(helpdesk) == [("draft", "held"), ("file", "pending")]
    assert helpdesk.office.ledger.retry(helpdesk.case().number, helpdesk.office.now(), by="Ada", why="Mended.") == 1
    assert helpdesk.round() == Round(drafted=1, filed=1)


def test_a_draft_whose_bytes_are_damaged_is_held_and_the_next_promise_is_kept(helpdesk):
    helpdesk.deliver(faulty(), asking())
    helpdesk.visit = lambda: Troubled(helpdesk.box, unread=[None], save_draft=[MailboxUnavailable("busy")] * 2)
    helpdesk.round()
    raw = helpdesk.case().drafts[0].raw
    helpdesk.office.artefacts.path(sha256(raw).hexdigest()).write_bytes(b"damaged")
    helpdesk.visit = lambda: helpdesk.box
    helpdesk.clock.passes(hours=2)
    helpdesk.round()
    assert (states(helpdesk)[0], states(helpdesk, 2)[0]) == (("draft", "held"), ("draft", "done"))
    assert "damaged" in helpdesk.case().effects[0].error


@pytest.mark.parametrize("error", [MailboxRefused("cannot"), MailboxUnavailable("garbled"), MailGone("moved")])
def test_a_mail_that_cannot_be_fetched_does_not_stop_the_next(helpdesk, error):
    helpdesk.deliver(asking(1), asking(2))
    helpdesk.visit = lambda: Troubled(helpdesk.box, fetch=[error])
    assert helpdesk.round().concluded == 1
    helpdesk.visit = lambda: helpdesk.box
    assert helpdesk.round().concluded == 1
    assert len(helpdesk.drafts) == 2


def test_a_server_that_gives_nothing_is_left_in_peace_after_three_mails(helpdesk):
    helpdesk.deliver(*(asking(number) for number in range(6)))
    box = Troubled(helpdesk.box, fetch=[MailboxUnavailable("away")] * 6)
    helpdesk.visit = lambda: box
    assert helpdesk.round() == Round(unreachable="away")
    assert box.calls.count("fetch") == 3
    assert not helpdesk.office.ledger.health(helpdesk.office.now()).polls[0].ok


# Too large


def test_a_mail_that_is_too_large_is_set_aside_and_fetched_after_the_limit_was_raised(helpdesk):
    raw = good_submission()
    helpdesk.deliver(raw, asking())
    helpdesk.visit = lambda: Maildir(helpdesk.mail, max_octets=5_000)
    assert helpdesk.round() == Round(fetched=1, concluded=1, set_aside=1, drafted=1, filed=1)
    (aside,) = helpdesk.office.ledger.set_aside_messages()
    assert "limit of 5,000" in aside.note
    helpdesk.office.ledger.retry(aside.sha256[:12], helpdesk.office.now(), by="Ada", why="Try.")
    assert helpdesk.round() == Round(set_aside=1)
    helpdesk.office.ledger.retry(aside.sha256[:12], helpdesk.office.now(), by="Ada", why="The limit is raised.")
    helpdesk.visit = lambda: helpdesk.box
    assert helpdesk.round() == Round(fetched=1, concluded=1, drafted=1, filed=1)
    assert helpdesk.office.ledger.set_aside_messages() == ()
    assert helpdesk.state_of(raw) == ("concluded", "new-entry")
    assert sha256(raw).hexdigest()[:12] in helpdesk.office.ledger.message(aside.sha256).note


def test_a_mail_that_was_too_large_and_is_gone_says_so_after_retry(helpdesk):
    helpdesk.deliver(good_submission())
    helpdesk.visit = lambda: Maildir(helpdesk.mail, max_octets=100)
    helpdesk.round()
    (aside,) = helpdesk.office.ledger.set_aside_messages()
    (helpdesk.mail / helpdesk.folder()[0].place).unlink()
    helpdesk.office.ledger.retry(aside.sha256, helpdesk.office.now(), by="Ada", why="Try.")
    helpdesk.visit = lambda: Troubled(helpdesk.box, unread=[MailboxUnavailable("away")])
    helpdesk.round()
    assert helpdesk.office.ledger.set_aside_messages() == ()  # it may still come
    helpdesk.visit = lambda: helpdesk.box
    assert helpdesk.round() == Round(set_aside=1)
    assert "not unread in the mailbox" in helpdesk.office.ledger.set_aside_messages()[0].note


# Our own trouble


class Dying(Forked):
    def message(self, raw):
        if b"POISON" in raw:
            return Problem("crash", "The reader crashed on it.")
        return super().message(raw)


class Failing(Forked):
    def message(self, raw):
        if b"POISON" in raw:
            raise RuntimeError("POISON and a secret")
        return super().message(raw)


@pytest.mark.parametrize(("readers", "rounds"), [(Dying, 3), (Failing, 4)])
def test_poison_is_set_aside_after_three_attempts_and_other_mail_passes(tmp_path, readers, rounds):
    poison = mail("POISON", "x\n", NOW)
    with a_helpdesk(tmp_path, readers=readers()) as helpdesk, structlog.testing.capture_logs() as logs:
        helpdesk.deliver(poison, asking(1))
        assert helpdesk.round() == Round(fetched=2, concluded=1, failed=1, drafted=1, filed=1)
        helpdesk.deliver(asking(2))
        assert helpdesk.rounds(rounds - 2).failed == 1
        assert helpdesk.state_of(poison)[0] == "received"
        assert helpdesk.round() == Round(set_aside=1)
        assert helpdesk.round() == Round()
        (aside,) = helpdesk.office.ledger.set_aside_messages()
        assert aside.note in {
            "The reader crashed on it.",
            f"3 attempts at it ended badly: look for {aside.sha256[:12]} in the log.",
        }
        assert len(helpdesk.drafts) == 2
        assert "secret" not in repr(logs)
        assert poison in [one.raw for one in helpdesk.folder("Quarantine")]
        helpdesk.office.ledger.retry(aside.sha256, helpdesk.office.now(), by="Ada", why="Mended.")
        helpdesk.office.readers = Forked()
        assert helpdesk.round().concluded == 1


@pytest.mark.parametrize("fetched", [0, 2])
def test_a_store_that_is_full_ends_the_round_and_loses_nothing(helpdesk, monkeypatch, fetched):
    helpdesk.deliver(faulty(), asking())
    worker = helpdesk.worker()
    if fetched:
        worker._visit(worker.fetching.fetch, Round())
        helpdesk.office.ready()
    with monkeypatch.context() as full:
        full.setattr(helpdesk.office.artefacts, "put", lambda _: _raise(ArtefactsUnavailable("the disk is full")))
        with pytest.raises(ArtefactsUnavailable):
            helpdesk.round()
    attempts = [record.attempts for record in helpdesk.office.ledger.waiting()]
    assert attempts == [1, 0][:fetched]  # the second mail would have met it too, and is not begun
    assert helpdesk.round() == Round(fetched=2 - fetched, concluded=2, drafted=2, filed=2)


def test_a_store_that_is_full_for_hours_sets_no_mail_aside(helpdesk, monkeypatch):
    helpdesk.deliver(faulty())
    worker = helpdesk.worker()
    worker._visit(worker.fetching.fetch, Round())
    helpdesk.office.ready()
    with monkeypatch.context() as full:
        full.setattr(helpdesk.office.artefacts, "put", lambda _: _raise(ArtefactsUnavailable("the disk is full")))
        for _ in range(5):
            with pytest.raises(ArtefactsUnavailable):
                helpdesk.round()
    (waits,) = helpdesk.office.ledger.waiting()
    assert (waits.attempts, waits.note) == (5, "the disk is full")
    assert helpdesk.round() == Round(concluded=1, drafted=1, filed=1)


def test_a_mail_that_alone_meets_our_own_trouble_keeps_no_other_back(helpdesk, monkeypatch):
    helpdesk.deliver(good_submission(), asking())
    judge = helpdesk.office.judge
    too_much = ArtefactsUnavailable("the disk is full")
    monkeypatch.setattr(helpdesk.office, "judge", lambda *of: _raise(too_much) if len(of[0].contents) else judge(*of))
    for _ in range(3):
        with pytest.raises(ArtefactsUnavailable):
            helpdesk.round()
    assert len(helpdesk.drafts) == 0
    with pytest.raises(ArtefactsUnavailable):
        helpdesk.round()
    assert len(helpdesk.drafts) == 1
    assert len(helpdesk.office.ledger.waiting()) == 1


def _raise(error):
    raise error


def test_a_list_that_cannot_be_read_costs_no_mail_an_attempt_and_promises_are_kept(helpdesk):
    helpdesk.deliver(asking(1))
    helpdesk.visit = lambda: Troubled(helpdesk.box, save_draft=[MailboxUnavailable("busy")])
    helpdesk.round()
    helpdesk.visit = lambda: helpdesk.box
    helpdesk.clock.passes(hours=1)
    helpdesk.deliver(asking(2))
    stored = helpdesk.office.artefacts.path(helpdesk.office.in_force()[0])
    stored.rename(stored.with_suffix(".away"))
    helpdesk.office._lists.clear()
    for _ in range(5):
        with pytest.raises(Unavailable, match="import the list anew"):
            helpdesk.round()
    assert len(helpdesk.drafts) == 1
    stored.with_suffix(".away").rename(stored)
    assert helpdesk.round().concluded == 1
    assert helpdesk.office.ledger.message(sha256(asking(2)).hexdigest()).attempts == 1


def test_a_busy_ledger_ends_the_round_and_the_next_one_does_the_work(helpdesk):
    helpdesk.deliver(faulty())
    with closing(sqlite3.connect(helpdesk.office.config.data / "ledger.sqlite")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerBusy):
            helpdesk.round()
        other.rollback()
    assert helpdesk.round() == Round(fetched=1, concluded=1, drafted=1, filed=1)


def test_a_ledger_busy_just_when_the_draft_was_put_does_not_make_a_second_one(helpdesk, monkeypatch):
    helpdesk.deliver(faulty())
    with monkeypatch.context() as busy:
        busy.setattr(helpdesk.office.ledger, "effect_done", lambda *_: _raise(LedgerBusy("busy")))
        with pytest.raises(LedgerBusy):
            helpdesk.round()
    assert len(helpdesk.drafts) == 1
    assert helpdesk.round() == Round(filed=1)
    assert len(helpdesk.drafts) == 1


# Stopping, and more than one at it


@pytest.mark.parametrize(
    ("step", "first", "then"),
    [
        ("fetch", Round(fetched=1), Round(fetched=2, concluded=3, drafted=3, filed=3)),
        ("judge", Round(fetched=3, concluded=1), Round(concluded=2, drafted=3, filed=3)),
        ("act", Round(fetched=3, concluded=3, drafted=1), Round(drafted=2, filed=3)),
    ],
)
def test_stop_finishes_what_is_at_hand_and_the_next_run_does_the_rest(helpdesk, step, first, then):
    helpdesk.deliver(asking(1), asking(2), asking(3))
    worker = helpdesk.worker(
        progress=lambda name, position, _: worker.stop() if (name, position) == (step, 1) else None
    )
    assert worker.run_once() == first
    assert helpdesk.round() == then


# Where a mail lies is a hint


def test_mails_numbered_anew_between_fetching_and_filing_are_filed_once(helpdesk):
    helpdesk.deliver(faulty(), unrelated(NOW))
    worker = helpdesk.worker()
    worker._visit(worker.fetching.fetch, Round())
    for number, file in enumerate(sorted((helpdesk.mail / "new").iterdir())):
        file.rename(file.with_name(f"restored{number}"))
    assert helpdesk.round() == Round(concluded=2, drafted=1, filed=1)
    assert helpdesk.round() == Round()
    assert [mail.raw for mail in helpdesk.folder()] == [unrelated(NOW)]


class Elsewhere(Maildir):
    generation = "maildir"

    def unread(self):
        refs = [Ref("INBOX", self.generation, one.ref.uid) for one in super().unread()]
        refs += [Ref("Other", self.generation, e.uid) for e in self._entries("Other") if e.unread]
        return [Listed(ref, 1) for ref in refs]


def test_a_mail_seen_in_two_folders_and_under_two_numberings_is_one_mail(helpdesk):
    raw = faulty()
    helpdesk.deliver(raw)
    for part in ("tmp", "new", "cur"):
        (helpdesk.mail / ".Other" / part).mkdir(parents=True)
    (helpdesk.mail / ".Other" / "new" / "copy").write_bytes(raw)
    box = Elsewhere(helpdesk.mail)
    helpdesk.visit = lambda: box
    assert helpdesk.round() == Round(fetched=1, concluded=1, drafted=1, filed=1)
    box.generation = "numbered anew"
    helpdesk.rounds(2)
    assert len(helpdesk.drafts) == 1
    assert len(helpdesk.office.ledger.cases()) == 1


def test_the_same_message_id_with_other_bytes_is_another_mail(helpdesk):
    helpdesk.deliver(*(mail("CPL submission", text, NOW, message_id="<1@x.example>") for text in ("A\n", "B\n")))
    assert helpdesk.round() == Round(fetched=2, concluded=2, drafted=2, filed=2)


# RED stays RED


# What certificates said before


def test_a_certificate_that_says_otherwise_than_before_is_a_point_for_the_reviewer_with_both(helpdesk):
    helpdesk.deliver(good_submission())
    helpdesk.round()
    assert helpdesk.case().decision.outcome is Outcome.ACCEPT
    # Another Device Model on a certificate of the same number: here the certificate itself is another one.
    changed = {"Device_Model.firmware_version": "0C:03:0C:23"}
    helpdesk.deliver(good_submission(NOW + timedelta(hours=1), **changed))
    helpdesk.clock.passes(hours=2)
    helpdesk.round()
    second = helpdesk.case(2)
    told = [f for f in second.judgements[-1].judged[0].findings if f.check == "certificate.known"]
    assert told
    assert all("0C:03:0C:22" in finding.message and "0C:03:0C:23" in finding.message for finding in told)
    assert second.decision.outcome is Outcome.CLARIFY
    assert desk.replay(helpdesk.office, second.number)[0].same
