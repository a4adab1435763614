"""One database, SQLite or PostgreSQL: how it is opened, how one writer at a time works in it, what its errors mean."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pipeline.ledger.errors import LedgerBusy, LedgerConflict, LedgerRefused

BUSY_SECONDS = 5.0
"""How long a step waits for another writer before it says LedgerBusy."""

_SERVER_SECONDS = 60
"""How long any one answer of a PostgreSQL server is waited for."""

WRITER_LOCK = 0x43504C
"""The PostgreSQL advisory lock that makes writers queue as SQLite's do: 'CPL' in ASCII."""

_SQLITE_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}

_POSTGRES_CONFLICT = "23"
"""SQLSTATE class (the same): integrity constraint violation."""

_POSTGRES_BUSY = ("08", "40", "53", "55P03", "57")
"""SQLSTATE classes (PostgreSQL, appendix A) that pass by themselves: connection, rollback, resources, lock, stop."""


class Database:
    """An open database. ``read`` sees one moment of it; ``write`` is one transaction, no other writer beside it."""

    def __init__(self, url: str, busy_seconds: float = BUSY_SECONDS) -> None:
        """Prepare the engine; nothing is asked of a server yet. LedgerRefused for an address that cannot be used."""
        self._busy_seconds = busy_seconds
        parsed = _parsed(url)
        self.name = parsed.render_as_string(hide_password=True)
        self._sqlite = parsed.get_backend_name() == "sqlite"
        self._engine = self._sqlite_engine(parsed) if self._sqlite else _postgres_engine(parsed)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees the database as it was at one moment."""
        begin = "BEGIN" if self._sqlite else "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        with self._in_words(), self._engine.connect() as connection, connection.begin():
            connection.exec_driver_sql(begin)
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection whose work is committed whole at the end, or, when anything is raised, not at all."""
        with self._in_words(), self._engine.connect() as connection, connection.begin():
            if self._sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {round(self._busy_seconds * 1000)}")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")
            yield connection

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    def _sqlite_engine(self, url: URL) -> Engine:
        """Make the file (readable by its owner only) and set what makes a commit survive a power cut."""
        if not url.database or url.database.startswith((":memory:", "file:")):
            raise LedgerRefused(f"{self.name} names no file: give its plain path, as in sqlite:///var/ledger.db.")
        path = Path(url.database)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise LedgerRefused(
                f"The ledger {path} cannot be written ({error.strerror}): check the path and the rights on its folder."
            ) from error
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": self._busy_seconds})
        event.listen(engine, "connect", _prepare_sqlite)
        return engine

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """Turn the database's errors into the ledger's. No value that was to be stored stands in their text."""
        try:
            yield
        except DBAPIError as error:
            if _is_conflict(error):
                # Not "from" it: PostgreSQL's own error repeats the row, and what is RED would stand in a traceback.
                raise LedgerConflict(f"{self.name} holds something else already: {_said(error)}.") from None
            if _is_busy(error):
                raise LedgerBusy(f"{self.name} is busy or away just now ({_said(error)}): try later.") from error
            raise LedgerRefused(f"{self.name} cannot be used ({_said(error)}): {_remedy(error)}.") from error
        except (OSError, PoolTimeout) as error:
            raise LedgerBusy(f"{self.name} does not answer ({error}): try later.") from error


def _parsed(url: str) -> URL:
    """Return the address, with the one PostgreSQL driver that the project has where none is named."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        # The text is not repeated: a password may stand in it.
        raise LedgerRefused("The ledger's address is not a URL such as sqlite:///var/ledger.db.") from None
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+pg8000")
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite", "postgresql+pg8000"}:
        raise LedgerRefused(f"The ledger lives in sqlite or postgresql+pg8000, not in {parsed.drivername}.")
    return parsed


def _postgres_engine(url: URL) -> Engine:
    try:
        return create_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=True,
            connect_args={"timeout": _SERVER_SECONDS, "tcp_keepalive": True},
        )
    except ModuleNotFoundError as error:
        raise LedgerRefused("PostgreSQL needs pg8000: install the project with its 'cluster' extra.") from error


def _prepare_sqlite(connection: Any, record: object) -> None:  # noqa: ARG001 - SQLAlchemy's hook
    """Set up one connection: our own BEGINs, write-ahead log, every commit synced, links held."""
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _is_conflict(error: DBAPIError) -> bool:
    """Say whether a constraint was broken; pg8000 has no exception of its own for that."""
    return isinstance(error, IntegrityError) or _server_fields(error).get("C", "").startswith(_POSTGRES_CONFLICT)


def _is_busy(error: DBAPIError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _SQLITE_BUSY
    state = _server_fields(error).get("C", "")
    return state.startswith(_POSTGRES_BUSY) or (not state and not isinstance(error.orig, sqlite3.Error))


def _said(error: DBAPIError) -> str:
    """Return the database's own sentence, without the detail in which it would repeat values."""
    fields = _server_fields(error)
    return fields["M"] if "M" in fields else str(error.orig)


def _remedy(error: DBAPIError) -> str:
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return "free space on its disk"
    if code == sqlite3.SQLITE_IOERR:
        return "its disk fails or is full, see the system's log"
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return "the file is damaged or no database, restore it from a backup"
    return "check the address, the rights and the server"


def _server_fields(error: DBAPIError) -> dict[str, str]:
    """Return the fields of a PostgreSQL error as pg8000 gives them: C is the SQLSTATE, M the sentence."""
    first = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return first if isinstance(first, dict) else {}
