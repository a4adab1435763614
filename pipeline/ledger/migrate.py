"""Brings a database to the tables this version knows, one Alembic revision after another, in one transaction."""

from pathlib import Path

from alembic.command import upgrade
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from pipeline.ledger.database import Database
from pipeline.ledger.errors import LedgerRefused

_REVISIONS = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Bring the database to the newest revision. LedgerRefused for one that a newer version has written."""
    config = Config()
    config.set_main_option("script_location", str(_REVISIONS).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    with database.read() as connection:
        if _is_newest(database, connection, scripts):
            return
    with database.write() as connection:
        # Asked again: another process may have been at it while this one waited to write.
        if not _is_newest(database, connection, scripts):
            config.attributes["connection"] = connection
            upgrade(config, "head")


def _is_newest(database: Database, connection: Connection, scripts: ScriptDirectory) -> bool:
    found = MigrationContext.configure(connection).get_current_revision()
    newest = scripts.get_current_head()
    known = {script.revision for script in scripts.walk_revisions()}
    if found is not None and found not in known:
        raise LedgerRefused(
            f"{database.name} was written by a newer version of the pipeline (its revision is {found}, this version "
            f"knows up to {newest}): install that version, or restore a backup from before it."
        )
    return found == newest
