"""The databases that the ledger's contract is proved on, seen from beside the ledger."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from pipeline.ledger.database import WRITER_LOCK
from pipeline.ledger.tables import metadata
from tests.contract.postgres import Cluster, programs


def a_database(
    kind: str, request: pytest.FixtureRequest, folder: Path, *, kept_tables: bool = False
) -> "SqliteDatabase | PostgresDatabase":
    """Return a database of that kind without a row; the module that asks has the fixture ``cluster``."""
    if kind == "sqlite":
        return SqliteDatabase(folder / "ledger.db")
    return PostgresDatabase(request.getfixturevalue("cluster"), kept_tables=kept_tables)


KINDS = ("sqlite", pytest.param("postgres", marks=pytest.mark.postgres))


def postgres_cluster() -> Iterator[Cluster]:
    """Run a cluster for the tests, or skip them, saying what is missing."""
    bin_folder = programs()
    if bin_folder is None:
        pytest.skip("PostgreSQL's programs are not installed (Debian: postgresql)")
    cluster = Cluster(bin_folder)
    yield cluster
    cluster.stop()


class _Database:
    url: str

    def differences(self) -> list[object]:
        """Return what Alembic would change to make this database what tables.py says."""
        engine = create_engine(self.url)
        with engine.connect() as connection:
            found = compare_metadata(MigrationContext.configure(connection), metadata)
        engine.dispose()
        return found


class SqliteDatabase(_Database):
    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"

    def execute(self, statement: str) -> None:
        connection = sqlite3.connect(self.path)
        connection.execute(statement)
        connection.commit()
        connection.close()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the database as another process would."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")
        connection.close()


class PostgresDatabase(_Database):
    def __init__(self, cluster: Cluster, *, kept_tables: bool = False) -> None:
        """kept_tables: those of the test before may stay, where all tests leave them at the newest revision."""
        self._cluster = cluster
        self.url = cluster.cleared() if kept_tables else cluster.emptied()

    def execute(self, statement: str) -> None:
        connection = self._cluster.connect()
        connection.cursor().execute(statement)
        connection.commit()
        connection.close()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the database as another process would."""
        connection = self._cluster.connect()
        connection.cursor().execute(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")
        yield
        connection.rollback()
        connection.close()
