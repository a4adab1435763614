import os
import sqlite3
import stat
import sys
import threading

import pytest
from sqlalchemy import select

from pipeline.ledger.database import Database
from pipeline.ledger.errors import LedgerBusy, LedgerConflict, LedgerRefused
from pipeline.ledger.store import Ledger
from pipeline.ledger.tables import cases, polls
from tests.contract.ledger_values import AT, arrival

QUIET = "not-to-be-repeated"


def poll(name: str) -> dict[str, object]:
    return {"mailbox": name, "at": AT, "ok": True, "text": "", "last_good": ""}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "var" / "ledger.db"


@pytest.fixture
def url(path):
    Ledger.open(f"sqlite:///{path}").close()
    return f"sqlite:///{path}"


@pytest.fixture
def database(url):
    opened = Database(url, 0.05)
    yield opened
    opened.close()


def test_a_commit_survives_a_power_cut_and_links_are_held(database):
    with database.read() as connection:
        pragmas = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    assert pragmas == ["wal", 2, 1, 50]


def test_only_the_owner_may_look(url, path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_side_files_are_the_owners_too(url, path):
    ledger = Ledger.open(url)
    ledger.arrive(arrival("a"))
    modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in path.parent.iterdir()}
    ledger.close()
    assert modes == {"ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600}


def test_a_reader_sees_one_moment_while_another_writes(database):
    with database.read() as reader:
        assert reader.execute(select(polls)).all() == []
        with database.write() as writer:
            writer.execute(polls.insert().values(poll("a")))
        assert reader.execute(select(polls)).all() == []
    with database.read() as reader:
        assert len(reader.execute(select(polls)).all()) == 1


def test_two_writers_take_turns(database):
    with database.write(), pytest.raises(LedgerBusy, match="try later"), database.write():
        pass


def test_a_link_to_nothing_and_a_double_are_conflicts_that_repeat_no_value(database):
    with database.write() as connection:
        connection.execute(polls.insert().values(poll(QUIET)))
    with pytest.raises(LedgerConflict, match="holds something else") as caught, database.write() as connection:
        connection.execute(polls.insert().values(poll(QUIET)))
    assert QUIET not in f"{caught.value} {caught.value.__cause__}"


def test_a_state_that_is_none_is_refused_by_the_database_itself(database):
    row = {"number": "n", "year": 1, "serial": 1, "opened": AT, "due": "", "subject": "", "correspondent": ""}
    with pytest.raises(LedgerConflict, match="state"), database.write() as connection:
        connection.execute(cases.insert().values(row | {"state": "lost"}))


@pytest.mark.parametrize("content", [b"this is no database at all, but long enough " * 40, b"SQLite format 3\x00" * 60])
def test_a_file_that_is_no_database_is_refused_in_words(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(LedgerRefused, match="backup"):
        Ledger.open(f"sqlite:///{path}")
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"]
)
def test_a_ledger_in_memory_is_refused(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LedgerRefused, match="names no file"):
        Ledger.open(url)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["", "var/ledger.db", f"postgres//user:{QUIET}@host/ledger"])
def test_what_is_no_address_is_refused_without_repeating_it(url):
    with pytest.raises(LedgerRefused, match="is not a URL") as caught:
        Ledger.open(url)
    assert QUIET not in str(caught.value)


def test_another_kind_of_database_is_refused():
    with pytest.raises(LedgerRefused, match="not in mysql"):
        Ledger.open(f"mysql://user:{QUIET}@host/ledger")


def test_postgresql_without_its_driver_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pg8000", None)
    with pytest.raises(LedgerRefused, match="'cluster' extra"):
        Ledger.open("postgresql://ledger@/ledger")


def test_a_server_that_is_not_there_is_for_later_and_the_password_stays_unsaid(tmp_path):
    with pytest.raises(LedgerBusy, match="try later") as caught:
        Ledger.open(f"postgresql://ledger:{QUIET}@/ledger?unix_sock={tmp_path}/none")
    assert QUIET not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_refused_in_words(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(LedgerRefused, match="check the path"):
        Ledger.open(f"sqlite:///{tmp_path}/file/ledger.db")


def test_a_full_disk_loses_the_step_and_says_what_to_do(url):
    ledger = Ledger.open(url)
    with ledger._database.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    numbers = iter(range(2_000))
    with pytest.raises(LedgerRefused, match="free space"):
        all(ledger.arrive(arrival(str(number))) for number in numbers)
    assert next(numbers, None) is not None
    kept = ledger.waiting()
    ledger.close()
    again = Ledger.open(url)
    assert again.waiting() == kept
    assert again.arrive(arrival("one more"))
    again.close()


def test_opened_by_many_at_once_it_is_made_once(path):
    opened, wrong = [], []

    def work() -> None:
        try:
            opened.append(Ledger.open(f"sqlite:///{path}"))
        except LedgerBusy as error:
            wrong.append(error)

    path.parent.mkdir()
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert [ledger.waiting() for ledger in opened] == [()] * 4
    for ledger in opened:
        ledger.close()


def test_a_failed_migration_leaves_the_database_as_it_was(path, monkeypatch):
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE submissions (somebody_elses TEXT)")
    connection.commit()
    with pytest.raises(LedgerRefused, match="already exists"):
        Ledger.open(f"sqlite:///{path}")
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
    connection.close()
    assert names == ["submissions"]


def test_a_path_with_a_percent_sign_is_only_a_path(tmp_path):
    ledger = Ledger.open(f"sqlite:///{tmp_path}/100%25/50% off.db")
    assert ledger.arrive(arrival("a"))
    ledger.close()
    assert any("off.db" in name for _, _, names in os.walk(tmp_path) for name in names)
