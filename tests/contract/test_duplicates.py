"""The same mail again, however it comes, on every kind of mailbox: one submission for each distinct bytes, one answer.

A mail's identity is the digest of what the server returns. Its place (folder, numbering, name of the mailbox) may
change in every way that servers and people change it.
"""

import threading
from collections import Counter
from contextlib import closing
from hashlib import sha256

import pytest

from pipeline.demo.mail import mail, unrelated
from pipeline.ledger.errors import LedgerBusy
from pipeline.mailbox import open_mailbox
from pipeline.promises import Round
from pipeline.worker import Worker
from tests.office import NOW, PROCESSED, Remembering, a_helpdesk, an_office, good_submission

READERS = Remembering()


def asking(number, message_id=""):
    """A mail that speaks of a submission and brings none: it is answered with a question."""
    return mail(f"CPL submission {number}", f"Form {number} will follow.\n", NOW, message_id=message_id)


TWICE, TEN_TIMES, GOOD = asking(1), asking(2), good_submission()
SAME_ID = [asking(number, "<same@quillmoor.example>") for number in (3, 4)]
DELIVERED = [TWICE, *[TEN_TIMES] * 10, TWICE, *SAME_ID, GOOD]
DISTINCT = {TWICE, TEN_TIMES, *SAME_ID, GOOD}


class Renamed:
    """The mailbox under another name, as after a move to another server."""

    def __init__(self, inner):
        self._inner, self.name = inner, "another:helpdesk@elsewhere.example"

    def __getattr__(self, name):
        return getattr(self._inner, name)


@pytest.fixture
def helpdesk(tmp_path, stand):
    with a_helpdesk(tmp_path, readers=READERS) as made:
        made.visit = lambda: open_mailbox(stand.settings())
        yield made


def comes_to_rest(helpdesk):
    for _ in range(4):
        helpdesk.clock.passes(hours=2)
        if helpdesk.round() == Round():
            return
    raise AssertionError("it does not come to rest")


def answered(helpdesk, stand, distinct=frozenset(DISTINCT)):
    """Check that each of the distinct mails was judged once and answered once, and nothing else was."""
    ledger = helpdesk.office.ledger
    cases = [ledger.case(case.number) for case in ledger.cases()]
    judged = Counter(judgement.message for case in cases for judgement in case.judgements)
    assert judged == {sha256(raw).hexdigest(): 1 for raw in distinct}
    drafts = stand.held("Drafts")
    assert len(drafts) == len({held.raw for held in drafts}) == len(distinct)
    assert sum(len(case.drafts) for case in cases) == len(distinct)


def test_the_same_bytes_however_often_and_wherever_are_one_submission(helpdesk, stand):
    for raw in DELIVERED:
        stand.deliver(raw)
    comes_to_rest(helpdesk)
    answered(helpdesk, stand)
    assert {held.raw for held in stand.present(PROCESSED)} == DISTINCT
    assert stand.present("INBOX") == [], "a copy left there would be answered by hand"

    stand.renumber()
    comes_to_rest(helpdesk)
    answered(helpdesk, stand)

    stand.person_moves(0, PROCESSED, "INBOX")
    comes_to_rest(helpdesk)
    answered(helpdesk, stand)

    helpdesk.visit = lambda: Renamed(open_mailbox(stand.settings()))
    for raw in DISTINCT:
        stand.deliver(raw)
    comes_to_rest(helpdesk)
    answered(helpdesk, stand)


def test_two_workers_at_once_on_what_came_twice_answer_it_once(helpdesk, stand):
    for raw in DELIVERED:
        stand.deliver(raw)
    begin, troubles = threading.Barrier(2), []

    def work(owner):
        with an_office(helpdesk.office.config, helpdesk.clock, READERS) as office:
            worker = Worker(office, lambda: open_mailbox(stand.settings()), owner=owner)
            begin.wait(30)
            for _ in range(3):
                try:
                    worker.run_once()
                except LedgerBusy:  # said, and tried again
                    continue
                except Exception as error:  # noqa: BLE001 - told below, as nobody sees it in a thread
                    troubles.append(error)

    threads = [threading.Thread(target=work, args=(f"worker {number}",)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert troubles == []
    comes_to_rest(helpdesk)
    answered(helpdesk, stand)


@pytest.mark.dovecot
def test_uids_given_anew_to_other_mails_hide_none(tmp_path, imap):
    """A restored server counts from 1 again: each number now means another mail."""
    stand = imap()
    late = [asking(number) for number in range(5, 8)]
    with a_helpdesk(tmp_path, readers=READERS) as helpdesk:
        helpdesk.visit = lambda: open_mailbox(stand.settings())
        for raw in (*SAME_ID, unrelated(NOW), TWICE):
            stand.deliver(raw)
        comes_to_rest(helpdesk)
        before = numbered(stand)
        for raw in late:
            stand.deliver(raw)
        stand.server.forget_numbers(stand.user)
        stand.renumber()
        after = numbered(stand)
        assert {ref.uid for ref in before} <= {ref.uid for ref in after} == {"1", "2", "3", "4"}
        assert not before & after
        comes_to_rest(helpdesk)
        answered(helpdesk, stand, {*SAME_ID, TWICE, *late})
        assert helpdesk.state_of(unrelated(NOW)) == ("concluded", "not-ours")


def numbered(stand):
    with closing(open_mailbox(stand.settings())) as mailbox:
        return {listed.ref for listed in mailbox.unread()}
