"""Releases and what goes into them; promises that belong to no mail; leases; what certificates said before."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_EFFECTS = sa.Table(
    # As revision 0001 left it: SQLite changes a table by copying it, and would forget the constraint on ``state``.
    "effects",
    sa.MetaData(),
    sa.Column("seq", sa.Integer(), nullable=False),
    sa.Column("key", sa.Text(), nullable=False),
    sa.Column("message", sa.Text(), nullable=False),
    sa.Column("case_number", sa.Text(), nullable=True),
    sa.Column("kind", sa.Text(), nullable=False),
    sa.Column("payload", sa.Text(), nullable=False),
    sa.Column("state", sa.Text(), nullable=False),
    sa.Column("attempts", sa.Integer(), nullable=False),
    sa.Column("promised", sa.Text(), nullable=False),
    sa.Column("due", sa.Text(), nullable=False),
    sa.Column("due_us", sa.BigInteger(), nullable=False),
    sa.Column("done", sa.Text(), nullable=False),
    sa.Column("error", sa.Text(), nullable=False),
    sa.Column("note", sa.Text(), nullable=False),
    sa.CheckConstraint("state IN ('pending', 'done', 'held')", name="ck_effects_state"),
    sa.ForeignKeyConstraint(["case_number"], ["cases.number"], name="fk_effects_case_number"),
    sa.ForeignKeyConstraint(["message"], ["messages.sha256"], name="fk_effects_message"),
    sa.PrimaryKeyConstraint("seq", name="pk_effects"),
    sa.UniqueConstraint("key", name="uq_effects_key"),
    sa.Index("ix_effects_case_number", "case_number"),
    sa.Index("ix_effects_message", "message"),
    sa.Index("ix_effects_state", "state"),
)


def upgrade() -> None:
    """Make the new tables, and widen ``effects``; what stands in it stays."""
    op.create_table(
        "releases",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("cpl", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("issued", sa.Text(), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_releases")),
        sa.UniqueConstraint("version", name=op.f("uq_releases_version")),
    )
    op.create_table(
        "published",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("release_version", sa.Text(), nullable=False),
        sa.Column("submission", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("artefact", sa.Text(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["release_version"], ["releases.version"], name=op.f("fk_published_release_version")),
        sa.ForeignKeyConstraint(["submission"], ["submissions.seq"], name=op.f("fk_published_submission")),
        sa.ForeignKeyConstraint(["message"], ["messages.sha256"], name=op.f("fk_published_message")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_published")),
        sa.UniqueConstraint("entry", name=op.f("uq_published_entry")),
        sa.UniqueConstraint("message", "artefact", name=op.f("uq_published_message_artefact")),
    )
    op.create_index(op.f("ix_published_release_version"), "published", ["release_version"], unique=False)
    op.create_index(op.f("ix_published_message"), "published", ["message"], unique=False)
    op.create_table(
        "amendments",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("entries", sa.Text(), nullable=False),
        sa.Column("new_values", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("case_number", sa.Text(), nullable=True),
        sa.Column("until", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("doubts", sa.Text(), nullable=False),
        sa.Column("release_version", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('proposed', 'ordered', 'withdrawn', 'published')", name=op.f("ck_amendments_state")
        ),
        sa.ForeignKeyConstraint(["case_number"], ["cases.number"], name=op.f("fk_amendments_case_number")),
        sa.ForeignKeyConstraint(["release_version"], ["releases.version"], name=op.f("fk_amendments_release_version")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_amendments")),
        sa.UniqueConstraint("year", "serial", name=op.f("uq_amendments_year_serial")),
    )
    for column in ("state", "case_number", "release_version"):
        op.create_index(op.f(f"ix_amendments_{column}"), "amendments", [column], unique=False)
    op.create_table(
        "certificates",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("artefact", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["message"], ["messages.sha256"], name=op.f("fk_certificates_message")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_certificates")),
        sa.UniqueConstraint("key", "artefact", "message", name=op.f("uq_certificates_key_artefact_message")),
    )
    op.create_index(op.f("ix_certificates_key"), "certificates", ["key"], unique=False)
    op.create_index(op.f("ix_certificates_message"), "certificates", ["message"], unique=False)
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("expires_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
        sa.UniqueConstraint("token", name=op.f("uq_leases_token")),
    )
    with op.batch_alter_table("effects", copy_from=_EFFECTS) as effects:
        effects.alter_column("message", existing_type=sa.Text(), nullable=True)
        effects.add_column(sa.Column("release_version", sa.Text(), nullable=True))
        effects.add_column(sa.Column("begun", sa.Text(), nullable=False, server_default=""))
        effects.add_column(sa.Column("token", sa.BigInteger(), nullable=True))
        effects.create_foreign_key(op.f("fk_effects_release_version"), "releases", ["release_version"], ["version"])
        effects.create_index(op.f("ix_effects_release_version"), ["release_version"], unique=False)
        effects.drop_constraint(op.f("ck_effects_state"), type_="check")
        effects.create_check_constraint(
            op.f("ck_effects_state"), "state IN ('pending', 'sending', 'unknown', 'done', 'held')"
        )
