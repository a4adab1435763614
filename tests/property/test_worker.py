"""Whatever happens in whatever order: one draft per decision at most, no mail lost, what is not ours untouched."""

import tempfile
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from email import message_from_bytes, policy
from hashlib import sha256
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pipeline import desk
from pipeline.demo.mail import File, Thread, hostile_submission, mail, reply, unrelated
from pipeline.domain.judgement import Outcome
from pipeline.ledger.records import SENT, EffectState
from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable
from pipeline.mailbox.trouble import MailGone
from tests.office import NOW, PROCESSED, Remembering, Troubled, a_helpdesk, good_submission

LETTER = File("letter.txt", b"A letter.", "text/plain")
MAILS = {
    "good": good_submission(),
    "same files": good_submission(NOW + timedelta(hours=1)),
    "faulty": good_submission(**{"GBCS Version.version_number": "GBCS Version 2.1"}),
    "hostile": hostile_submission(NOW),
    "without a form": mail("CPL submission", "The form follows.\n", NOW, [LETTER]),
    "certificate": mail("New CPA certificate", "See the letter.\n", NOW, [LETTER]),
    "machine's": b"Auto-Submitted: auto-replied\r\n" + unrelated(NOW),
    "unrelated": unrelated(NOW),
    "another unrelated": unrelated(NOW + timedelta(minutes=1)),
    "reply": reply(NOW, Thread("<nobody@x.example>")),
}
ANSWERED = [MAILS["faulty"], MAILS["hostile"], MAILS["without a form"]]
NOT_OURS = {MAILS["unrelated"], MAILS["another unrelated"], MAILS["machine's"]}
ERRORS = (MailboxUnavailable("away"), MailboxRefused("refused"), MailGone("gone"))
READERS = Remembering()
CALLS = ("sent", "unread", "fetch", "drafts", "save_draft", "file_away")


class Office(RuleBasedStateMachine):
    """A mailbox that everybody uses at once."""

    def __init__(self):
        super().__init__()
        self._open = ExitStack()
        folder = Path(self._open.enter_context(tempfile.TemporaryDirectory()))
        self.helpdesk = self._open.enter_context(a_helpdesk(folder, readers=READERS))
        self.delivered = Counter()
        self.removed = Counter()

    def teardown(self):
        try:
            self.comes_to_rest()
        finally:
            self._open.close()

    # What may happen

    @rule(raw=st.sampled_from(sorted(MAILS.values())))
    def a_mail_comes(self, raw):
        self.helpdesk.deliver(raw)
        self.delivered[raw] += 1

    @rule()
    def the_worker_does_a_round(self):
        self._round(self.helpdesk.worker())

    @rule(
        raw=st.sampled_from(ANSWERED),
        call=st.sampled_from(CALLS),
        error=st.sampled_from(ERRORS),
        after=st.integers(0, 2),
        late=st.booleans(),
    )
    def a_mail_comes_and_the_mailbox_fails(self, raw, call, error, after, late):
        self.a_mail_comes(raw)
        troubled = Troubled(self.helpdesk.box, late=late, **{call: [*[None] * after, error]})
        self.helpdesk.visit = lambda: troubled
        self._round(self.helpdesk.worker())
        self.helpdesk.visit = lambda: self.helpdesk.box

    @rule(step=st.sampled_from(["fetch", "judge", "act"]), at=st.integers(1, 3))
    def the_worker_is_stopped_in_the_middle(self, step, at):
        worker = self.helpdesk.worker(progress=lambda name, n, _: worker.stop() if (name, n) == (step, at) else None)
        self._round(worker)

    @rule(minutes=st.integers(1, 100))
    def time_passes(self, minutes):
        self.helpdesk.clock.passes(minutes=minutes)

    @precondition(lambda self: self.helpdesk.folder())
    @rule(data=st.data())
    def a_person_deletes_a_mail(self, data):
        found = data.draw(st.sampled_from(self.helpdesk.folder()))
        (self.helpdesk.mail / found.place).unlink()
        self.removed[found.raw] += 1

    @precondition(lambda self: self.helpdesk.folder())
    @rule(data=st.data())
    def a_person_moves_a_mail(self, data):
        found = data.draw(st.sampled_from(self.helpdesk.folder()))
        target = self.helpdesk.mail / ".By hand" / "cur"
        target.mkdir(parents=True, exist_ok=True)
        (self.helpdesk.mail / found.place).rename(target / Path(found.place).name)
        self.removed[found.raw] += 1

    @precondition(lambda self: self.helpdesk.folder("Drafts"))
    @rule(data=st.data())
    def a_person_edits_a_draft(self, data):
        found = data.draw(st.sampled_from(self.helpdesk.folder("Drafts")))
        (self.helpdesk.mail / found.place).write_bytes(found.raw + b"A word of mine.\r\n")

    @precondition(lambda self: self.helpdesk.folder("Drafts"))
    @rule(data=st.data())
    def a_person_sends_a_draft(self, data):
        found = data.draw(st.sampled_from(self.helpdesk.folder("Drafts")))
        target = self.helpdesk.mail / ".Sent" / "cur"
        target.mkdir(parents=True, exist_ok=True)
        (self.helpdesk.mail / found.place).rename(target / Path(found.place).name)

    @precondition(lambda self: self.helpdesk.office.ledger.cases())
    @rule(data=st.data(), outcome=st.sampled_from(Outcome), why=st.sampled_from(["So it is.", "On second thoughts."]))
    def a_person_decides(self, data, outcome, why):
        judged = [case.number for case in self.helpdesk.office.ledger.cases() if case.outcome]
        if judged:
            number = data.draw(st.sampled_from(judged))
            desk.decide_by_hand(self.helpdesk.office, number, outcome, why=why, by="Ada")

    @precondition(lambda self: self.helpdesk.office.ledger.cases())
    @rule(data=st.data())
    def a_person_says_retry(self, data):
        number = data.draw(st.sampled_from([case.number for case in self.helpdesk.office.ledger.cases()]))
        self.helpdesk.office.ledger.retry(number, self.helpdesk.office.now(), by="Ada", why="Mended.")

    # What always holds

    @invariant()
    def no_draft_stands_twice(self):
        ids = Counter(message_from_bytes(raw, policy=policy.default)["Message-ID"] for raw in self.helpdesk.drafts)
        assert not [one for one, times in ids.items() if times > 1]
        recorded = {d.message_id for case in self._cases() for d in case.drafts}
        assert set(ids) <= recorded
        sent = Counter(mail.raw for mail in self.helpdesk.folder("Sent"))
        assert max(sent.values(), default=0) <= 1

    @invariant()
    def each_mail_is_judged_at_most_once_by_the_worker(self):
        for case in self._cases():
            by_worker = Counter(
                judgement.message for judgement in case.judgements if judgement.decision.row != desk.BY_HAND
            )
            assert all(times == 1 for times in by_worker.values())

    @invariant()
    def what_is_not_ours_lies_untouched(self):
        lying = [mail for mail in self.helpdesk.folder() if mail.raw in NOT_OURS]
        assert all(mail.flags == "" and mail.place.startswith("new/") for mail in lying)
        left = {raw: self.delivered[raw] - self.removed[raw] for raw in NOT_OURS}
        assert Counter(mail.raw for mail in lying) == Counter({raw: n for raw, n in left.items() if n})

    @invariant()
    def only_what_was_answered_is_filed(self):
        filed = self.helpdesk.folder(PROCESSED)
        assert {self.helpdesk.state_of(mail.raw)[1] for mail in filed} <= {"new-entry", "repeat"}
        assert all(mail.flags == "S" for mail in filed)
        assert Counter(mail.raw for mail in filed) <= self.delivered

    def comes_to_rest(self):
        """With the mailbox well again and every hold lifted, all that is still there gets done."""
        office = self.helpdesk.office
        for _ in range(3):
            for case in office.ledger.cases():
                office.ledger.retry(case.number, office.now(), by="Ada", why="Mended.")
            self.helpdesk.clock.passes(hours=2)
            self._round(self.helpdesk.worker())
            self.no_draft_stands_twice()
        for raw, times in self.delivered.items():
            if times > self.removed[raw]:
                assert self.helpdesk.state_of(raw)[0] == "concluded"
        effects = [effect for case in self._cases() for effect in case.effects]
        assert {effect.state for effect in effects if effect.kind != SENT} <= {EffectState.DONE}
        # What a person sent is noted once, and decides, or is asked about as long as the Case is open.
        assert sum(effect.kind == SENT for effect in effects) == len(self.helpdesk.folder("Sent"))
        asked = {effect.case for effect in effects if effect.kind == SENT and effect.state is not EffectState.DONE}
        assert asked <= {case.number for case in office.ledger.cases()}
        known = {row["sha256"] for row in office.ledger.dump()["messages"]}
        assert known <= {sha256(raw).hexdigest() for raw in MAILS.values()}

    def _round(self, worker):
        """Do a round, in which a mail leaves the inbox only when every draft of its Case is noted as put."""
        before = {mail.raw for mail in self.helpdesk.folder(PROCESSED)}
        worker.run_once()
        for filed in self.helpdesk.folder(PROCESSED):
            if filed.raw not in before:
                record = self.helpdesk.office.ledger.message(sha256(filed.raw).hexdigest())
                drafts = [effect for effect in self._case(record.case).effects if effect.kind == "draft"]
                assert all(draft.state is EffectState.DONE for draft in drafts)

    def _cases(self):
        ledger = self.helpdesk.office.ledger
        return [self._case(case.number) for state in ("open", "closed") for case in ledger.cases(state)]

    def _case(self, number):
        return self.helpdesk.office.ledger.case(number)


Office.TestCase.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestAnyOrderOfEvents = Office.TestCase
