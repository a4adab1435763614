"""A mail or a file that kills, hangs or fattens the child that reads it: three tries, then set aside in words.

The children are real ones under their ceilings; only what they are asked to do is harmful by itself.
"""

from pathlib import Path

import pytest

from pipeline.demo.mail import File, mail
from pipeline.domain.judgement import Outcome
from pipeline.mailbox.maildir import Maildir
from pipeline.readers.child import Forked
from pipeline.readers.jobs import ChildLimits, Job
from tests.office import NOW, PROCESSED, a_helpdesk

JOBS = Path(__file__).parents[1] / "unit" / "readers"
LIMITS = ChildLimits(wall=0.3, memory=256 << 20)
HARM = {
    "spin": "took longer than 0.3 seconds",
    "sleep": "took longer than 0.3 seconds",
    "hog": "256 MiB",
    "recurse": "nested too deep",
    "fault": "SIGSEGV",
    "kill_self": "by the system",
    "quit_silently": "without an answer",
    "fail": "ValueError",
}
"""What a job of tests/unit/readers/hostile_jobs.py does, and what is said of it."""


class Poisoned(Forked):
    """Readers that one mail, and one workbook, do harm to."""

    def __init__(self, harm):
        super().__init__()
        self._harm = Job(f"hostile_jobs:{harm}", int, LIMITS)

    def message(self, raw):
        return self.run(self._harm, b"") if b"Subject: POISON" in raw else super().message(raw)

    def form(self, data):
        return self.run(self._harm, b"") if b"POISON" in data else super().form(data)


def asking(number):
    return mail(f"CPL submission {number}", "The form will follow.\n", NOW)


@pytest.fixture
def harmed(harm, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(JOBS))
    with a_helpdesk(tmp_path, readers=Poisoned(harm)) as helpdesk:
        yield helpdesk


@pytest.mark.parametrize("harm", HARM)
def test_a_mail_that_harms_its_reader_is_set_aside_in_words_and_others_pass(harmed, harm):
    helpdesk = harmed
    poison = mail("POISON", "x\n", NOW)
    helpdesk.deliver(asking(1), poison, asking(2))
    for tries in range(3):
        assert helpdesk.state_of(poison)[0] == ("received" if tries else "unknown")
        helpdesk.deliver(asking(3 + tries))
        done = helpdesk.round()
        assert done.concluded == (1 if tries else 3)
        assert (done.failed, done.set_aside) == ((1, 0) if tries < 2 else (0, 1))
    (aside,) = helpdesk.office.ledger.set_aside_messages()
    assert HARM[harm] in aside.note
    assert len(helpdesk.drafts) == len(helpdesk.folder(PROCESSED)) == 5
    assert poison in {one.raw for one in everywhere(helpdesk)}
    assert helpdesk.round().failed == 0


@pytest.mark.parametrize("harm", ["sleep", "hog", "fault"])
def test_a_workbook_that_harms_its_reader_is_answered_as_unreadable_and_others_pass(harmed):
    helpdesk = harmed
    poison = mail("CPL submission", "See the form.\n", NOW, [File("form.xlsm", b"PK\x03\x04 POISON")])
    helpdesk.deliver(asking(1), poison, asking(2))
    assert helpdesk.round().concluded == 3
    outcomes = {case.subject: case.outcome for case in helpdesk.office.ledger.cases()}
    assert outcomes["CPL submission"] in {Outcome.REJECT, Outcome.CLARIFY}
    assert len(helpdesk.drafts) == 3


def everywhere(helpdesk):
    """Return the mails of every folder: one that was set aside may lie in another than the inbox."""
    names = ["INBOX", *Maildir(helpdesk.mail)._folders()]
    return [one for name in names for one in helpdesk.folder(name)]
