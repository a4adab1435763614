"""Two workers on one ledger and one mailbox, in every order that a seed deals: nothing is judged or answered twice.

Each worker has an Office of its own over the same folder. One of them runs at a time; around each call on ledger and
mailbox a seeded chance says who goes on, and sometimes lets so much time pass that the turn of the other runs out.
"""

import os
import random
import shutil
import threading
from collections import Counter
from contextlib import ExitStack
from email import message_from_bytes, policy
from hashlib import sha256

import msgspec
import pytest

from pipeline.demo.mail import mail, unrelated
from pipeline.mailbox.maildir import Maildir
from pipeline.turn import SECONDS
from pipeline.worker import Worker
from tests.contract.ledger_database import PostgresDatabase, postgres_cluster
from tests.office import NOW, PROCESSED, Clock, Remembering, a_helpdesk, an_office, held, settings

READERS = Remembering()
SEEDS, PARTS, ON_POSTGRES = 200, 4, 4
DEALT = range(SEEDS if os.environ.get("CPL_EVERY_STEP") else 60)
"""The first 60 orders, or all, where that stands in the environment as for tests/crash."""
ROUNDS = 3
"""As many as each worker does: the one that came too late tries again."""
MAILS = [mail(f"CPL submission {n}", "The form will follow.\n", NOW) for n in range(2)]
NOT_OURS = unrelated(NOW)

cluster = pytest.fixture(scope="session")(postgres_cluster)


class Baton:
    """Lets one thread run at a time. At each step the chance says which of those that still run goes on."""

    def __init__(self, seed, clock, runners=2):
        self._chance, self._clock = random.Random(seed), clock
        self._turns = threading.Condition()
        self._running = list(range(runners))
        self._holder = self._chance.choice(self._running)
        self.switches = 0

    def step(self, runner):
        with self._turns:
            if self._chance.random() < 0.05:
                self._clock.passes(seconds=SECONDS)
            self._hand_on(runner, self._chance.choice(self._running))

    def begins(self, runner):
        with self._turns:
            assert self._turns.wait_for(lambda: self._holder == runner, timeout=60)

    def ends(self, runner):
        with self._turns:
            self._running.remove(runner)
            if self._running:
                self._holder = self._running[0]
                self._turns.notify_all()

    def _hand_on(self, runner, following):
        if following != runner:
            self.switches += 1
            self._holder = following
            self._turns.notify_all()
            assert self._turns.wait_for(lambda: self._holder == runner, timeout=60)


class Stepping:
    """Stands for a ledger or a mailbox, with a step around each call."""

    def __init__(self, inner, step):
        self._inner, self._step = inner, step

    def __getattr__(self, name):
        value = getattr(self._inner, name)
        if not callable(value):
            return value

        def call(*args, **named):
            self._step()
            try:
                return value(*args, **named)
            finally:
                self._step()

        return call


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("template")
    with a_helpdesk(folder, readers=READERS) as helpdesk:
        helpdesk.deliver(*MAILS, NOT_OURS)
    return folder


def both_at_once(folder, config, seed):
    """Let both workers do their rounds; return how often they changed, and every trouble that was not foreseen."""
    clock, troubles, rounds = Clock(), [], []
    baton = Baton(seed, clock)

    def work(runner):
        def step():
            baton.step(runner)

        baton.begins(runner)
        try:
            with an_office(config, clock, READERS) as office:
                office.ledger = Stepping(office.ledger, step)
                box = Stepping(Maildir(folder / "mail"), step)
                worker = Worker(office, lambda: box, owner=f"worker {runner}")
                rounds.extend(worker.run_once() for _ in range(ROUNDS))
        except Exception as error:  # noqa: BLE001 - told by the test, which would not see it in a thread
            troubles.append(error)
        finally:
            baton.ends(runner)

    threads = [threading.Thread(target=work, args=(runner,)) for runner in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return clock, baton.switches, rounds, troubles


def nothing_is_done_twice(folder, config, seed):
    clock, switches, rounds, troubles = both_at_once(folder, config, seed)
    assert troubles == [], seed
    drafts_at_most_once(folder, seed)
    assert sum(done.concluded for done in rounds) <= len(MAILS) + 1, seed
    with an_office(config, clock, READERS) as office:
        for _ in range(2):
            clock.passes(hours=2)
            for case in office.ledger.cases():
                office.ledger.retry(case.number, office.now(), by="Ada", why="It is not there.")
            Worker(office, lambda: Maildir(folder / "mail")).run_once()
        assert drafts_at_most_once(folder, seed) == len(MAILS), seed
        cases = [office.ledger.case(one.number) for one in office.ledger.cases()]
        judged = Counter(judgement.message for case in cases for judgement in case.judgements)
        assert judged == {sha256(raw).hexdigest(): 1 for raw in MAILS}, seed
        assert {effect.state.value for case in cases for effect in case.effects} == {"done"}, seed
    assert sorted(one.raw for one in held(folder / "mail", PROCESSED)) == sorted(MAILS), seed
    assert [one.raw for one in held(folder / "mail")] == [NOT_OURS], seed
    return switches, sum(bool(done.elsewhere) for done in rounds)


def drafts_at_most_once(folder, seed):
    drafts = [message_from_bytes(one.raw, policy=policy.default) for one in held(folder / "mail", "Drafts")]
    ids = [draft["Message-ID"] for draft in drafts]
    assert len(ids) == len(set(ids)), seed
    assert len({draft["In-Reply-To"] for draft in drafts}) == len(ids), seed
    return len(ids)


def on_one_file(template, folder, seeds):
    switches, lost = 0, 0
    for seed in seeds:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(template, folder)
        changed, beaten = nothing_is_done_twice(folder, settings(folder), seed)
        switches, lost = switches + changed, lost + beaten
    assert switches > len(seeds) * 10
    assert lost > len(seeds) // 2, "the workers hardly met"


def test_two_workers_on_one_file_answer_each_mail_once(template, tmp_path):
    on_one_file(template, tmp_path / "life", range(SEEDS, SEEDS + 8))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_two_workers_on_one_file_answer_each_mail_once_in_many_orders(template, tmp_path, part):
    on_one_file(template, tmp_path / "life", DEALT[part::PARTS])


@pytest.mark.postgres
def test_two_workers_on_postgresql_answer_each_mail_once(cluster, template, tmp_path):
    for seed in range(ON_POSTGRES):
        folder = tmp_path / f"life-{seed}"
        shutil.copytree(template, folder)
        (folder / "data" / "ledger.sqlite").unlink()
        with ExitStack() as opened:
            database = PostgresDatabase(cluster)
            config = msgspec.structs.replace(settings(folder), database=database.url)
            opened.enter_context(an_office(config, readers=READERS))
            nothing_is_done_twice(folder, config, seed)
