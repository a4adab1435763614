"""After failed visits the mailbox is left in peace: for how long, and what ends it."""

import pytest

from pipeline.mailbox.patience import LOGIN_SECONDS, LONGEST_SECONDS, Patience, Patient, pause_seconds
from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable, Ref
from pipeline.mailbox.trouble import LoginRefused, MailGone, MailTooLarge

REF = Ref("INBOX", "1", "1")


class Clock:
    now = 1_000.0

    def __call__(self):
        return self.now


class Inner:
    """A mailbox whose next steps end as told."""

    name = "imap:desk"

    def __init__(self, *ends):
        self.ends = list(ends)
        self.closed = 0

    def _end(self):
        end = self.ends.pop(0) if self.ends else None
        if end:
            raise end
        return []

    def unread(self):
        return self._end()

    def fetch(self, ref):
        return self._end() or b"raw"

    def save_draft(self, raw, message_id):
        return self._end() == []

    def drafts(self, message_ids):
        return dict.fromkeys(message_ids, self._end())

    def sent(self, since):
        return self._end()

    def close(self):
        self.closed += 1


@pytest.fixture
def patient():
    def make(*ends, chance=0.5):
        clock = Clock()
        return Patient(Inner(*ends), Patience(clock, lambda: chance)), clock

    return make


def visit(patient):
    mailbox = patient.visit()
    try:
        return mailbox.unread()
    finally:
        mailbox.close()


AWAY = MailboxUnavailable("the server is away")


def test_pauses_double_up_to_a_quarter_of_an_hour():
    assert [pause_seconds(k, 0.5) for k in range(1, 6)] == [10, 20, 40, 80, 160]
    assert pause_seconds(9, 0.5) == pause_seconds(10**9, 0.999) == LONGEST_SECONDS


def test_no_two_pauses_need_be_the_same():
    assert pause_seconds(1, 0.0) == pytest.approx(8)
    assert pause_seconds(1, 0.999_999) == pytest.approx(12, rel=1e-4)


def test_a_refused_login_waits_five_minutes_at_least():
    assert pause_seconds(1, 0.0, login=True) == LOGIN_SECONDS
    assert pause_seconds(8, 0.5, login=True) == LONGEST_SECONDS


def test_a_visit_during_the_pause_does_not_reach_the_server(patient):
    mailbox, clock = patient(AWAY, AWAY)
    with pytest.raises(MailboxUnavailable, match="is away"):
        visit(mailbox)
    clock.now += 9.9
    with pytest.raises(MailboxUnavailable, match=r"Not tried again for 0 seconds: the server is away"):
        visit(mailbox)
    assert len(mailbox._inner.ends) == 1
    clock.now += 0.1
    with pytest.raises(MailboxUnavailable, match=r"^the server is away"):
        visit(mailbox)
    clock.now += 19.9
    with pytest.raises(MailboxUnavailable, match="Not tried again"):
        visit(mailbox)
    clock.now += 0.1
    assert visit(mailbox) == []


def test_a_good_visit_ends_the_patience(patient):
    mailbox, clock = patient(AWAY, None, AWAY)
    with pytest.raises(MailboxUnavailable):
        visit(mailbox)
    clock.now += 10
    visit(mailbox)
    with pytest.raises(MailboxUnavailable):
        visit(mailbox)
    clock.now += 10  # as after the first failure, not the second
    assert visit(mailbox) == []


def test_a_refused_login_is_not_tried_again_at_once(patient):
    mailbox, clock = patient(LoginRefused("no"))
    with pytest.raises(LoginRefused):
        visit(mailbox)
    clock.now += LOGIN_SECONDS - 1
    with pytest.raises(MailboxUnavailable, match=r"Not tried again for 1 seconds: no"):
        visit(mailbox)
    clock.now += 1
    assert visit(mailbox) == []


@pytest.mark.parametrize("end", [MailGone("gone"), MailTooLarge(2, 1)])
def test_trouble_with_one_mail_is_none_of_the_mailbox(patient, end):
    mailbox, _ = patient(end)
    with pytest.raises(MailboxRefused):
        mailbox.visit().fetch(REF)
    mailbox.close()
    assert visit(mailbox) == []


def test_a_step_after_a_failure_is_still_done_and_the_visit_has_failed(patient):
    mailbox, _ = patient(AWAY)
    opened = mailbox.visit()
    with pytest.raises(MailboxUnavailable):
        opened.fetch(REF)
    assert opened.fetch(REF) == b"raw"
    opened.close()
    with pytest.raises(MailboxUnavailable, match="Not tried again"):
        mailbox.visit()


def test_a_visit_that_did_nothing_says_nothing(patient):
    mailbox, clock = patient(AWAY, AWAY)
    with pytest.raises(MailboxUnavailable):
        visit(mailbox)
    clock.now += 10
    mailbox.visit().close()
    with pytest.raises(MailboxUnavailable):
        visit(mailbox)
    clock.now += 19
    with pytest.raises(MailboxUnavailable, match="Not tried again"):
        mailbox.visit()
    assert mailbox._inner.closed == 3
