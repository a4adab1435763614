"""A mailbox full of mails made to do harm, and good submissions between them, through a real server and the worker.

Each mail ends recorded, none stops the next, none is lost, nobody is answered twice, and who sent something good gets
the verdict that is theirs.
"""

import sys
import time
from collections import Counter
from contextlib import closing
from datetime import timedelta
from email import message_from_bytes
from hashlib import sha256
from pathlib import Path

import pytest
import structlog

from pipeline.demo.answers import good_answers
from pipeline.demo.mail import faulty_submission, submission
from pipeline.demo.products import GSME, HUB, POLYPHASE, TWIN
from pipeline.domain.judgement import Outcome
from pipeline.mailbox import open_mailbox
from pipeline.promises import Round
from pipeline.readers.child import Zygote
from tests.hostile_mail import Collection
from tests.office import NOW, PROCESSED, SHIPPED, a_helpdesk, cpl

pytestmark = pytest.mark.dovecot

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "mail"
MOST_OCTETS = 8_000_000
TOO_LARGE = b"Subject: CPL submission\r\n\r\n" + b"x" * (MOST_OCTETS + 1)
ORDINARY = {
    **{
        submission(NOW, good_answers(device) | SHIPPED, base=cpl()): Outcome.ACCEPT
        for device in (HUB, GSME, POLYPHASE, TWIN)
    },
    faulty_submission(NOW - timedelta(minutes=5), base=cpl()): Outcome.REJECT,
}


@pytest.fixture
def helpdesk(tmp_path):
    """A worker whose caps on what one sender is answered are out of the way; they have tests of their own."""
    with a_helpdesk(tmp_path, readers=Zygote(), per_sender=10_000, per_thread=10_000) as made:
        yield made


def between(hostile, ordinary):
    """Put each ordinary mail somewhere among the hostile ones, the last one at the end."""
    mails = list(hostile)
    for number, raw in enumerate(ordinary, start=1):
        mails.insert(number * len(hostile) // len(ordinary) + number - 1, raw)
    return mails


def digest(raw):
    return sha256(raw).hexdigest()


def through_the_worker(helpdesk, stand, mails):
    """Deliver them, let the worker come to rest, and check what holds for any mails.

    Returns the bytes as the server gives them, in the order of their delivery.
    """
    for raw in mails:
        stand.deliver(raw)
    with closing(open_mailbox(stand.settings())) as mailbox:
        shown = [mailbox.fetch(mail.ref) for mail in mailbox.unread()]
    assert len(shown) == len(mails)
    helpdesk.visit = lambda: open_mailbox(stand.settings(max_octets=MOST_OCTETS))
    with structlog.testing.capture_logs() as logs:
        started = time.perf_counter()
        first = helpdesk.round()
        seconds = time.perf_counter() - started
        rounds = [first, helpdesk.round(), helpdesk.round()]
    assert rounds[-1] == Round(), "it has not come to rest"
    assert not first.unreachable
    assert [entry for entry in logs if entry["log_level"] == "critical"] == []
    assert first.fetched + first.set_aside >= len(set(shown))
    assert sum(done.concluded + done.set_aside for done in rounds) == len(set(shown))

    lying = [held.raw for held in stand.held("INBOX")]
    filed = [held.raw for held in stand.held(PROCESSED)]
    assert Counter(lying + filed) == Counter(shown)
    assert all(held.flags == frozenset() for held in stand.held("INBOX"))
    drafts = [message_from_bytes(held.raw) for held in stand.held("Drafts")]
    assert len({draft["Message-ID"] for draft in drafts}) == len(drafts) == sum(done.drafted for done in rounds)
    cases = Counter(draft["Subject"] for draft in drafts)
    assert max(cases.values()) == 1
    return shown, first, seconds


def each_has_its_verdict(helpdesk, shown):
    given = {}
    for raw in ORDINARY:
        record = helpdesk.office.ledger.message(digest(raw))
        given[raw] = helpdesk.office.ledger.case(record.case).judgements[-1].decision.outcome
    assert given == ORDINARY
    assert set(ORDINARY) <= set(shown)


def told(capsys, what, mails, done, seconds):
    with capsys.disabled():
        rate = f"{len(mails) / seconds:.0f} mails/s"
        sys.stdout.write(
            f"\n{what}: {len(mails)} mails, {done.concluded} concluded, {done.set_aside} set aside, "
            f"{done.drafted} drafts, {done.failed} to be tried again, {seconds:.1f} s, {rate}\n"
        )


@pytest.mark.slow
def test_every_hostile_mail_ends_as_what_it_is_and_none_stops_the_next(helpdesk, imap, capsys):
    collection = Collection(NOW, cpl()).all()
    mails = between([one.raw for one in collection.values()] + [TOO_LARGE], ORDINARY)
    shown, done, seconds = through_the_worker(helpdesk, imap(), mails)
    told(capsys, "hostile", mails, done, seconds)
    (aside,) = helpdesk.office.ledger.set_aside_messages()
    assert "8,000,0" in aside.note
    found = {}
    for name, one in collection.items():
        record = helpdesk.office.ledger.message(digest(shown[mails.index(one.raw)]))
        found[name] = record.kind
        assert record.case or record.note, name
    assert found == {name: one.kind for name, one in collection.items()}
    each_has_its_verdict(helpdesk, shown)
    number = {
        name: helpdesk.office.ledger.message(digest(shown[mails.index(collection[name].raw)])).case for name in found
    }
    accepted = {case.number for case in helpdesk.office.ledger.cases() if case.outcome == Outcome.ACCEPT}
    assert {name for name in number if number[name] in accepted} == {"a submission enclosed in base64"}


@pytest.mark.slow
@pytest.mark.real
def test_every_mail_of_the_corpus_ends_recorded_and_none_stops_the_next(helpdesk, imap, capsys):
    corpus = [path.read_bytes() for path in sorted(CORPUS.rglob("*")) if path.is_file()]
    if not corpus:
        pytest.skip("the mails of other people are not beside this checkout (../shared/corpus/mail)")
    mails = between(corpus, ORDINARY)
    shown, done, seconds = through_the_worker(helpdesk, imap(), mails)
    told(capsys, "the corpus", mails, done, seconds)
    assert helpdesk.office.ledger.set_aside_messages() == ()
    records = [helpdesk.office.ledger.message(digest(raw)) for raw in shown]
    assert {record.state.value for record in records} == {"concluded"}
    assert all(record.kind and (record.case or record.note) for record in records)
    each_has_its_verdict(helpdesk, shown)
