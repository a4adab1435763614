"""Promises that are withdrawn before they are kept, and mails that came back."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_EFFECTS = sa.Table(
    # As revision 0002 left it: SQLite changes a table by copying it, and would forget the constraint on ``state``.
    "effects",
    sa.MetaData(),
    sa.Column("seq", sa.Integer(), nullable=False),
    sa.Column("key", sa.Text(), nullable=False),
    sa.Column("message", sa.Text(), nullable=True),
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
    sa.Column("release_version", sa.Text(), nullable=True),
    sa.Column("begun", sa.Text(), nullable=False, server_default=""),
    sa.Column("token", sa.BigInteger(), nullable=True),
    sa.CheckConstraint("state IN ('pending', 'sending', 'unknown', 'done', 'held')", name="ck_effects_state"),
    sa.ForeignKeyConstraint(["case_number"], ["cases.number"], name="fk_effects_case_number"),
    sa.ForeignKeyConstraint(["message"], ["messages.sha256"], name="fk_effects_message"),
    sa.ForeignKeyConstraint(["release_version"], ["releases.version"], name="fk_effects_release_version"),
    sa.PrimaryKeyConstraint("seq", name="pk_effects"),
    sa.UniqueConstraint("key", name="uq_effects_key"),
    sa.Index("ix_effects_case_number", "case_number"),
    sa.Index("ix_effects_message", "message"),
    sa.Index("ix_effects_release_version", "release_version"),
    sa.Index("ix_effects_state", "state"),
)


def upgrade() -> None:
    """Let a promise be withdrawn, and make the table of what came back; what stands stays."""
    with op.batch_alter_table("effects", copy_from=_EFFECTS) as effects:
        effects.drop_constraint(op.f("ck_effects_state"), type_="check")
        effects.create_check_constraint(
            op.f("ck_effects_state"), "state IN ('pending', 'sending', 'unknown', 'done', 'held', 'withdrawn')"
        )
    op.create_table(
        "bounces",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("effect_key", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("permanent", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["effect_key"], ["effects.key"], name=op.f("fk_bounces_effect_key")),
        sa.ForeignKeyConstraint(["message"], ["messages.sha256"], name=op.f("fk_bounces_message")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_bounces")),
        sa.UniqueConstraint("effect_key", "message", "recipient", name=op.f("uq_bounces_effect_key_message_recipient")),
    )
    op.create_index(op.f("ix_bounces_message"), "bounces", ["message"], unique=False)
