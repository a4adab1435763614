"""A PostgreSQL cluster of our own for the tests: unprivileged, on a unix socket, gone when they are.

Needs Debian's ``postgresql`` (only its programs: no server of the system is touched).
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pg8000.dbapi

_PROGRAMS = Path("/usr/lib/postgresql")
_USER = "ledger"
_DATABASE = "postgres"
_FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c listen_addresses="


def programs() -> Path | None:
    """Return the folder of the newest PostgreSQL programs installed, if any."""
    found = sorted(_PROGRAMS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class Cluster:
    """A running cluster with one database, for one test after another."""

    def __init__(self, bin_folder: Path) -> None:
        self._bin = bin_folder
        # Not pytest's own folder: as root the server runs as nobody, who may not enter that one, and a unix socket's
        # path has about 100 octets.
        self._root = Path(tempfile.mkdtemp(prefix="ledger-pg-"))
        owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._as = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}
        if owner:
            os.chown(self._root, owner.pw_uid, owner.pw_gid)
        try:
            self._run("initdb", "-A", "trust", "-U", _USER, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
            self._run("pg_ctl", "start", "-w", "-l", str(self._root / "log"), "-o", f"{_FAST} -k {self._root}")
        except BaseException:
            self.stop()
            raise

    @property
    def socket(self) -> str:
        return str(self._root / ".s.PGSQL.5432")

    def emptied(self) -> str:
        """Empty the database and return its URL. (A new database would take ten times as long.)"""
        self._do("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
        return self._url

    def cleared(self) -> str:
        """Take every row out of the tables that are there and return the URL: quicker than to make them again."""
        connection = self.connect()
        cursor = connection.cursor()
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'")
        tables = ", ".join(name for (name,) in cursor.fetchall())
        connection.close()
        if tables:
            self._do(f"TRUNCATE {tables} RESTART IDENTITY")
        return self._url

    @property
    def _url(self) -> str:
        return f"postgresql+pg8000://{_USER}@/{_DATABASE}?unix_sock={self.socket}"

    def connect(self) -> pg8000.dbapi.Connection:
        """Return a connection beside the ledger's."""
        return pg8000.dbapi.connect(_USER, database=_DATABASE, unix_sock=self.socket)

    def _do(self, *statements: str) -> None:
        connection = self.connect()
        for statement in statements:
            connection.cursor().execute(statement)
        connection.commit()
        connection.close()

    def stop(self) -> None:
        """Stop the server, if it runs, and take everything away."""
        if (self._root / "data" / "postmaster.pid").exists():
            self._run("pg_ctl", "stop", "-m", "immediate")
        shutil.rmtree(self._root)

    def _run(self, program: str, *arguments: str) -> None:
        # No pipes: the server would inherit them and keep them open.
        with (self._root / f"{program}.out").open("wb") as output:
            done = subprocess.run(
                [self._bin / program, "-D", self._root / "data", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._root,
                check=False,
                **self._as,
            )
        if done.returncode:
            raise RuntimeError(f"{program}: {(self._root / f'{program}.out').read_text()}")
