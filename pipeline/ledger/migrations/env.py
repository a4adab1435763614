"""Run by Alembic for every command: works on the connection (and in the transaction) that migrate.py hands over."""

from alembic import context

from pipeline.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # also on SQLite: migrate.py has begun the transaction itself
)
with context.begin_transaction():
    context.run_migrations()
