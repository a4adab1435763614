"""What every ledger promises to several workers: leases, promises begun once, unknown outcomes; and to older data."""

import threading
import traceback
from collections import Counter

import pytest
from alembic.command import upgrade
from alembic.config import Config
from sqlalchemy import MetaData, create_engine, insert

from pipeline.ledger.database import Database
from pipeline.ledger.errors import LedgerConflict, LedgerRefused, NoSuchCase
from pipeline.ledger.migrate import _REVISIONS
from pipeline.ledger.records import EffectState, InForce
from pipeline.ledger.store import Ledger
from tests.contract.ledger_database import KINDS, a_database, postgres_cluster
from tests.contract.ledger_values import (
    AT,
    LATER,
    arrival,
    by_hand,
    conclusion,
    digest,
    documents,
    effect,
    judged,
    judgement,
    record,
)

ONE, TWO, THREE = "CPL-2026-00001", "CPL-2026-00002", "CPL-2026-00003"
KEY = "send:x"
IN_A_MINUTE, IN_TWO = "2026-11-21T09:01:00Z", "2026-11-21T09:02:00Z"

cluster = pytest.fixture(scope="session")(postgres_cluster)


@pytest.fixture(params=KINDS)
def database(request, tmp_path):
    return a_database(request.param, request, tmp_path, kept_tables=True)


@pytest.fixture
def ledger(database):
    opened = Ledger.open(database.url)
    yield opened
    opened.close()


def promised(ledger: Ledger, *keys: str, version: str = "3.001") -> None:
    """Promise mails as a Release does."""
    ledger.put_in_force(InForce("cpl", digest("base"), "3.000", AT))
    sent = [effect(key, "send", artefact=digest(key), to="list@cpl.example") for key in keys]
    ledger.release(record(version, at=AT), documents(version), sent, published={})


def states(ledger: Ledger) -> dict[str, EffectState]:
    return {one.key: one.state for one in ledger.effects_of_release("3.001")}


class TestLease:
    def test_one_has_it_until_it_runs_out(self, ledger):
        first = ledger.lease("worker", "a", AT, 60)
        assert ledger.lease("worker", "b", "2026-11-21T09:00:59Z", 60) is None
        assert ledger.lease("worker", "a", AT, 60) is None
        assert ledger.lease("other", "b", AT, 60) is not None
        second = ledger.lease("worker", "b", IN_A_MINUTE, 60)
        assert second is not None
        assert second > first

    def test_renewed_it_runs_on(self, ledger):
        token = ledger.lease("worker", "a", AT, 60)
        ledger.renew(token, "2026-11-21T09:00:30Z", 60)
        assert ledger.lease("worker", "b", IN_A_MINUTE, 60) is None
        assert ledger.lease("worker", "b", "2026-11-21T09:01:30Z", 60) is not None

    def test_run_out_and_taken_by_nobody_it_can_be_renewed_but_taken_it_cannot(self, ledger):
        token = ledger.lease("worker", "a", AT, 60)
        ledger.renew(token, IN_TWO, 60)
        assert ledger.lease("worker", "b", LATER, 60) is not None
        with pytest.raises(LedgerConflict, match="another worker has it"):
            ledger.renew(token, LATER, 60)

    def test_taken_under_a_clock_that_was_ahead_it_keeps_nobody_waiting(self, ledger):
        first = ledger.lease("worker", "a", "2027-11-21T09:00:00Z", 60)
        second = ledger.lease("worker", "b", AT, 60)
        assert second > first
        with pytest.raises(LedgerConflict, match="another worker has it"):
            ledger.renew(first, AT, 60)
        assert ledger.lease("worker", "a", "2026-11-21T08:59:01Z", 60) is None  # a clock may be late by a minute

    def test_given_back_it_is_free_at_once_and_its_token_void(self, ledger):
        token = ledger.lease("worker", "a", AT, 60)
        ledger.release_lease(token)
        with pytest.raises(LedgerConflict, match="given back"):
            ledger.renew(token, AT, 60)
        newer = ledger.lease("worker", "a", AT, 60)
        assert newer > token
        ledger.release_lease(token)
        assert ledger.lease("worker", "b", AT, 60) is None

    def test_a_lease_of_nobody_or_of_no_time_is_a_fault_of_the_caller(self, ledger):
        for owner, seconds in (("", 60), ("a", 0), ("a", -1)):
            with pytest.raises(ValueError, match="lease"):
                ledger.lease("worker", owner, AT, seconds)

    def test_of_many_who_ask_at_once_one_has_it(self, database, ledger):
        ledgers, tokens = [Ledger.open(database.url) for _ in range(4)], []
        start = threading.Barrier(4)

        def ask(mine: Ledger, owner: str) -> None:
            start.wait()
            tokens.append(mine.lease("worker", owner, AT, 60))

        threads = [threading.Thread(target=ask, args=(mine, str(n))) for n, mine in enumerate(ledgers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for mine in ledgers:
            mine.close()
        assert [token is None for token in tokens].count(False) == 1


class TestSending:
    def test_begun_it_is_not_due_and_is_begun_once(self, ledger):
        promised(ledger, KEY)
        ledger.effect_begins(KEY, AT)
        assert ledger.effects_due(LATER) == ()
        assert states(ledger) == {KEY: EffectState.SENDING}
        with pytest.raises(LedgerConflict, match="is sending by now"):
            ledger.effect_begins(KEY, AT)
        with pytest.raises(LedgerConflict, match="no promise 'never'"):
            ledger.effect_begins("never", AT)
        ledger.effect_done(KEY, LATER, "250 queued")
        assert states(ledger) == {KEY: EffectState.DONE}
        with pytest.raises(LedgerConflict, match="is done by now"):
            ledger.effect_begins(KEY, LATER)

    def test_refused_for_now_it_is_due_again_and_refused_for_good_it_is_held(self, ledger):
        promised(ledger, KEY)
        ledger.effect_begins(KEY, AT)
        ledger.effect_failed(KEY, AT, "421 busy", LATER)
        assert (ledger.effects_due(AT), [one.key for one in ledger.effects_due(LATER)]) == ((), [KEY])
        ledger.effect_begins(KEY, LATER)
        ledger.effect_failed(KEY, LATER, "550 no such user", None)
        assert states(ledger) == {KEY: EffectState.HELD}
        assert ledger.effects_of_release("3.001")[0].attempts == 2

    def test_nobody_knows_is_told_only_of_what_was_begun(self, ledger):
        promised(ledger, KEY)
        with pytest.raises(LedgerConflict, match="is pending by now"):
            ledger.effect_unsure(KEY, AT, "connection lost")
        ledger.effect_begins(KEY, AT)
        ledger.effect_unsure(KEY, AT, "connection lost after the last dot")
        (one,) = ledger.stranded(AT)
        assert (one.state, one.error) == (EffectState.UNKNOWN, "connection lost after the last dot")
        assert ledger.effects_due(LATER) == ()

    def test_what_a_dead_process_began_is_unknown_and_stays_for_a_person(self, ledger):
        promised(ledger, KEY, "send:y")
        ledger.effect_begins(KEY, AT)
        (one,) = ledger.stranded(LATER)
        assert (one.key, one.state, one.attempts) == (KEY, EffectState.UNKNOWN, 0)
        assert AT in one.error
        assert LATER in one.error
        assert ledger.stranded(LATER) == (one,)
        assert [due.key for due in ledger.effects_due(LATER)] == ["send:y"]
        health = ledger.health(LATER)
        assert (health.held, health.backlog) == (1, 1)

    def test_a_person_puts_it_back_by_the_version_of_its_release(self, ledger):
        promised(ledger, KEY, "send:y")
        ledger.effect_begins(KEY, AT)
        ledger.stranded(AT)
        ledger.effect_failed("send:y", AT, "550", None)
        ledger.arrive(arrival("a"))
        ledger.set_aside(digest("a"), AT, "why")
        assert ledger.retry("3.001", LATER, by="Ben", why="not in their log") == 2
        assert [(one.key, one.attempts) for one in ledger.effects_due(LATER)] == [(KEY, 0), ("send:y", 0)]
        assert len(ledger.set_aside_messages()) == 1
        with pytest.raises(NoSuchCase, match=r"no Case, Release or promise 3\.002"):
            ledger.retry("3.002", LATER)

    def test_the_policy_may_put_it_back_or_hold_it_and_news_may_come_late(self, ledger):
        promised(ledger, "send:1", "send:2", "send:3")
        for key in states(ledger):
            ledger.effect_begins(key, AT)
        assert len(ledger.stranded(AT)) == 3
        ledger.effect_failed("send:1", AT, "sent again", LATER)
        ledger.effect_failed("send:2", AT, "held", None)
        ledger.effect_done("send:3", AT, "it bounced")
        assert list(states(ledger).values()) == [EffectState.PENDING, EffectState.HELD, EffectState.DONE]
        assert ledger.stranded(LATER) == ()

    def test_begun_under_a_lease_that_lives_it_is_not_stranded(self, ledger):
        promised(ledger, KEY)
        token = ledger.lease("worker", "a", AT, 60)
        ledger.effect_begins(KEY, AT, token)
        assert ledger.stranded("2026-11-21T09:00:59Z") == ()
        assert len(ledger.stranded(IN_A_MINUTE)) == 1

    @pytest.mark.parametrize("end", ["given back", "another's"])
    def test_begun_under_a_lease_that_is_gone_it_is(self, ledger, end):
        promised(ledger, KEY)
        token = ledger.lease("worker", "a", AT, 60)
        ledger.effect_begins(KEY, AT, token)
        if end == "given back":
            ledger.release_lease(token)
        else:
            assert ledger.lease("worker", "b", LATER, 60)
        assert [one.key for one in ledger.stranded(LATER)] == [KEY]

    def test_a_worker_that_overslept_its_lease_can_note_nothing(self, ledger):
        promised(ledger, KEY, "send:y")
        old = ledger.lease("worker", "a", AT, 60)
        ledger.effect_begins(KEY, AT, old)
        assert ledger.lease("worker", "b", LATER, 60)
        before = states(ledger)
        for step in (
            lambda: ledger.effect_begins("send:y", LATER, old),
            lambda: ledger.effect_done(KEY, LATER, "sent", old),
            lambda: ledger.effect_failed(KEY, LATER, "no", LATER, old),
            lambda: ledger.effect_unsure(KEY, LATER, "no", old),
        ):
            with pytest.raises(LedgerConflict, match="another worker has it"):
                step()
        assert states(ledger) == before == {KEY: EffectState.SENDING, "send:y": EffectState.PENDING}

    def test_two_workers_begin_each_promise_once(self, database, ledger):
        promised(ledger, *(f"send:{number}" for number in range(12)))
        second, begun = Ledger.open(database.url), Counter()
        start = threading.Barrier(2)

        def work(mine: Ledger) -> None:
            due = mine.effects_due(LATER)
            start.wait()
            for one in due:
                try:
                    mine.effect_begins(one.key, LATER)
                except LedgerConflict:
                    continue
                begun[one.key] += 1

        threads = [threading.Thread(target=work, args=(mine,)) for mine in (ledger, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        second.close()
        assert begun == dict.fromkeys(states(ledger), 1)
        assert set(states(ledger).values()) == {EffectState.SENDING}

    def test_leases_and_tokens_are_not_in_the_dump(self, ledger):
        promised(ledger, KEY)
        before = ledger.dump()
        token = ledger.lease("worker", "a", AT, 60)
        assert ledger.dump() == before
        ledger.effect_begins(KEY, AT, token)
        ledger.effect_failed(KEY, AT, "421", LATER, token)
        assert ledger.dump() == before


class TestOverdue:
    def test_the_overdue_stand_first_and_say_so(self, ledger):
        for mail, number, due in (("a", ONE, "2026-11-23"), ("b", TWO, "2026-11-20"), ("c", THREE, "")):
            ledger.arrive(arrival(mail))
            ledger.conclude(conclusion(mail, number, due=due))
        told = [(case.number, case.overdue) for case in ledger.cases(at="2026-11-21T09:00:00Z")]
        assert told == [(TWO, True), (ONE, False), (THREE, False)]
        assert [case.overdue for case in ledger.cases()] == [False, False, False]

    def test_the_day_is_the_offices(self, ledger):
        ledger.arrive(arrival("a"))
        ledger.conclude(conclusion("a", due="2026-06-20"))
        for at, overdue in (
            ("2026-06-20T23:59:59+01:00", False),
            ("2026-06-20T00:00:00+01:00", False),
            ("2026-06-21T00:00:00+01:00", True),
        ):
            assert [case.overdue for case in ledger.cases(at=at)] == [overdue]

    def test_a_closed_case_is_not_overdue(self, ledger):
        ledger.arrive(arrival("a"))
        ledger.conclude(conclusion("a", due="2026-06-20"))
        ledger.close_case(ONE, LATER, by="Ben", why="answered")
        assert [case.overdue for case in ledger.cases("closed", LATER)] == [False]

    def test_what_is_no_time_is_refused(self, ledger):
        with pytest.raises(ValueError, match="RFC 3339"):
            ledger.cases(at="today")


class TestRevisionTwo:
    @pytest.fixture(params=KINDS)
    def old(self, request, tmp_path):
        """A database as the first version left it, with a Case in it."""
        database = a_database(request.param, request, tmp_path)
        opened = Database(database.url)
        config = Config()
        config.set_main_option("script_location", str(_REVISIONS))
        with opened.write() as connection:
            config.attributes["connection"] = connection
            upgrade(config, "0001")
        opened.close()
        engine = create_engine(database.url)
        tables = MetaData()
        tables.reflect(engine)
        with engine.begin() as connection:
            for table, rows in _OLD.items():
                connection.execute(insert(tables.tables[table]), rows)
        engine.dispose()
        return database

    def test_what_was_there_stays_and_goes_on(self, old):
        ledger = Ledger.open(old.url)
        assert [(one.key, one.state, one.attempts, one.error) for one in ledger.case(ONE).effects] == [
            ("draft:a", EffectState.HELD, 2, "no"),
            ("file:a", EffectState.PENDING, 0, ""),
        ]
        assert ledger.retry(ONE, LATER) == 1
        ledger.effect_begins("draft:a", LATER)
        ledger.arrive(arrival("b"))
        ledger.conclude(conclusion("b", ONE, opens=False, judgement=judgement("b", judged("b"))))
        ledger.rejudge(by_hand("b", ONE))
        (item,) = ledger.accepted()
        ledger.put_in_force(InForce("cpl", digest("base"), "3.000", AT))
        ledger.release(record(), documents(), [effect(KEY, "send", to="x")], published={item.submission: "000733"})
        assert [one.key for one in ledger.effects_due(LATER)] == ["file:a", "draft:b", "file:b", KEY]
        ledger.close()
        assert old.differences() == []

    def test_the_widened_table_still_holds_its_laws(self, old):
        ledger = Ledger.open(old.url)
        for statement in (
            "UPDATE effects SET state = 'lost'",
            "UPDATE effects SET release_version = '9.999'",
            "UPDATE effects SET case_number = 'CPL-1'",
            "UPDATE effects SET key = 'same'",
        ):
            with (
                pytest.raises(LedgerConflict, match="holds something else") as caught,
                ledger._database.write() as connection,
            ):
                connection.exec_driver_sql(statement)
            said = "".join(traceback.format_exception(caught.value))
            assert "9.999" not in said  # PostgreSQL's own error repeats what was written
        ledger.close()

    def test_one_that_fails_leaves_the_first_version_whole(self, old):
        old.execute("CREATE TABLE leases (somebody_elses TEXT)")
        for _ in range(2):
            with pytest.raises(LedgerRefused, match="already exists"):
                Ledger.open(old.url)
        old.execute("DROP TABLE leases")
        ledger = Ledger.open(old.url)
        assert len(ledger.case(ONE).effects) == 2
        ledger.close()


_MAIL = dict.fromkeys(("mailbox", "folder", "generation", "uid", "last_attempt", "kind", "message_id", "sender"), "")
_PROMISE = {
    "message": digest("a"),
    "case_number": ONE,
    "payload": '{"artefact":"x"}',
    "promised": AT,
    "due": AT,
    "due_us": 0,
    "done": "",
    "note": "",
}
_OLD = {
    "cases": [
        {
            "number": ONE,
            "year": 2026,
            "serial": 1,
            "opened": AT,
            "due": "2026-11-26",
            "state": "open",
            "subject": "s",
            "correspondent": "c",
        }
    ],
    "messages": [
        _MAIL
        | {
            "sha256": digest("a"),
            "size": 1,
            "received": AT,
            "received_us": 0,
            "state": "concluded",
            "attempts": 1,
            "finished": AT,
            "case_number": ONE,
            "subject": "s",
            "refs": "[]",
            "note": "",
        }
    ],
    "effects": [
        _PROMISE | {"key": "draft:a", "kind": "draft", "state": "held", "attempts": 2, "error": "no"},
        _PROMISE | {"key": "file:a", "kind": "file", "state": "pending", "attempts": 0, "error": ""},
    ],
}
