"""The ledger's tables, the same on SQLite and PostgreSQL. Nothing is ever deleted; ``seq`` is the order of writing.

Times are RFC 3339 text as given; ``..._us`` beside one is the same moment in microseconds since 1970, for ordering.
JSON columns hold what codec.encode gives. An empty link (no Case) is NULL, any other absent text is empty.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator

from pipeline.ledger.codec import storable

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


class Words(TypeDecorator[str]):
    """Text from anywhere, hostile mails included: what no database can hold is replaced on the way in."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: object) -> str | None:  # noqa: ARG002 - SQLAlchemy's hook
        """Return the text as it can be stored."""
        return None if value is None else storable(value)


def _seq() -> Column[int]:
    return Column("seq", Integer, primary_key=True)


def _text(name: str, **options: Any) -> Column[str]:
    return Column(name, Words, nullable=False, **options)


def _message() -> Column[str]:
    return Column("message", Words, ForeignKey("messages.sha256"), nullable=False, index=True)


def _case() -> Column[str]:
    return Column("case_number", Words, ForeignKey("cases.number"), nullable=True, index=True)


def _release(*, nullable: bool) -> Column[str]:
    return Column("release_version", Words, ForeignKey("releases.version"), nullable=nullable, index=True)


cases = Table(
    "cases",
    metadata,
    Column("number", Words, primary_key=True),
    Column("year", Integer, nullable=False),
    Column("serial", Integer, nullable=False),
    _text("opened"),
    _text("due"),
    _text("state"),
    _text("subject"),
    _text("correspondent"),
    UniqueConstraint("year", "serial"),
    CheckConstraint("state IN ('open', 'closed')", name="state"),
)

messages = Table(
    "messages",
    metadata,
    _seq(),
    _text("sha256", unique=True),
    Column("size", BigInteger, nullable=False),
    _text("mailbox"),
    _text("folder"),
    _text("generation"),
    _text("uid"),
    _text("received"),
    Column("received_us", BigInteger, nullable=False),
    _text("state", index=True),
    Column("attempts", Integer, nullable=False),
    _text("last_attempt"),
    _text("finished"),
    _text("kind"),
    _case(),
    _text("message_id"),
    _text("subject"),
    _text("sender"),
    _text("refs"),  # JSON: the ids the mail refers to, as given
    _text("note"),
    CheckConstraint("state IN ('received', 'concluded', 'set-aside')", name="state"),
)

sightings = Table(
    "sightings",
    metadata,
    _seq(),
    _text("mailbox"),
    _text("folder"),
    _text("generation"),
    _text("uid"),
    _message(),
    _text("at"),
    UniqueConstraint("mailbox", "folder", "generation", "uid", "message"),
)

links = Table(
    # Which Case a Message-ID belongs to, of mails and of drafts. By digest: an id from a hostile mail may be longer
    # than PostgreSQL can index.
    "links",
    metadata,
    _seq(),
    _text("digest"),
    Column("case_number", Words, ForeignKey("cases.number"), nullable=False),
    UniqueConstraint("digest", "case_number"),
)

judgements = Table(
    "judgements",
    metadata,
    _seq(),
    _message(),
    _case(),
    _text("at"),
    _text("rules"),
    _text("version"),
    _text("circumstances"),  # JSON
    _text("decision"),  # JSON
    Column("fails", Integer, nullable=False),
    Column("unclears", Integer, nullable=False),
    _text("worst"),
    Column("by_hand", Boolean, nullable=False),
    _text("by"),
    _text("why"),
)

submissions = Table(
    # One row per Judged; ``seq`` names it for whatever comes of it, such as an entry of a Release.
    "submissions",
    metadata,
    _seq(),
    Column("judgement", Integer, ForeignKey("judgements.seq"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    _text("file"),
    _text("artefact", index=True),
    _text("device_type"),
    Column("model", Words, nullable=True),  # JSON
    _text("findings"),  # JSON
    _text("decision"),  # JSON
    _text("outcome"),
)

certificates = Table(
    # What mails said under a certificate's number, as papers.memory words it: told when it says otherwise later.
    "certificates",
    metadata,
    _seq(),
    _text("key", index=True),
    _text("artefact"),
    _text("said"),
    _message(),
    UniqueConstraint("key", "artefact", "message"),
)

verdicts = Table(
    "verdicts",
    metadata,
    _seq(),
    _case(),
    _text("check_id"),
    _text("subject"),
    _text("submission"),
    Column("passed", Boolean, nullable=False),
    _text("why"),
    _text("by"),
    _text("at"),
)

drafts = Table(
    "drafts",
    metadata,
    _seq(),
    _message(),
    _case(),
    _text("kind"),
    _text("message_id", unique=True),
    _text("recipient"),
    _text("subject"),
    _text("artefact"),
    Column("raw", LargeBinary, nullable=False),
    _text("at"),
)

releases = Table(
    # One row per version of the CPL that ``pipeline publish`` has made.
    "releases",
    metadata,
    _seq(),
    _text("version", unique=True),
    _text("base"),
    _text("cpl"),
    _text("at"),
    _text("by"),
    _text("issued"),
    _text("manifest"),  # JSON
    _text("summary"),  # JSON
)

published = Table(
    # Which Submission became which entry. ``message`` and ``artefact`` are those of the Submission: a mail judged again
    # makes new rows of submissions, and its workbook is listed once all the same.
    "published",
    metadata,
    _seq(),
    _release(nullable=False),
    Column("submission", Integer, ForeignKey("submissions.seq"), nullable=False),
    _message(),
    _text("artefact"),
    _text("entry", unique=True),
    UniqueConstraint("message", "artefact"),
)

amendments = Table(
    "amendments",
    metadata,
    Column("number", Words, primary_key=True),
    Column("year", Integer, nullable=False),
    Column("serial", Integer, nullable=False),
    _text("state", index=True),
    _text("kind"),
    _text("entries"),  # JSON
    _text("new_values"),  # JSON; may be RED (law 8): read by amendments.py and nothing else
    _text("why"),
    _text("by"),
    _text("at"),
    _case(),
    _text("until"),
    _text("evidence"),  # JSON; its texts may be RED as well
    _text("doubts"),  # JSON
    _release(nullable=True),
    UniqueConstraint("year", "serial"),
    CheckConstraint("state IN ('proposed', 'ordered', 'withdrawn', 'published')", name="state"),
)

effects = Table(
    "effects",
    metadata,
    _seq(),
    _text("key", unique=True),
    Column("message", Words, ForeignKey("messages.sha256"), nullable=True, index=True),
    _case(),
    _release(nullable=True),
    _text("kind"),
    _text("payload"),  # JSON
    _text("state", index=True),
    Column("attempts", Integer, nullable=False),
    _text("promised"),
    _text("due"),
    Column("due_us", BigInteger, nullable=False),
    _text("begun", server_default=""),
    Column("token", BigInteger, nullable=True),  # of the lease it was begun under
    _text("done"),
    _text("error"),
    _text("note"),
    CheckConstraint("state IN ('pending', 'sending', 'unknown', 'done', 'held', 'withdrawn')", name="state"),
)

bounces = Table(
    # What mails that came back say of mails of ours. ``message`` is the mail that says so.
    "bounces",
    metadata,
    _seq(),
    Column("effect_key", Words, ForeignKey("effects.key"), nullable=False),
    _message(),
    _text("at"),
    _text("recipient"),
    _text("status"),
    Column("permanent", Boolean, nullable=False),
    _text("text"),
    UniqueConstraint("effect_key", "message", "recipient"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Words, primary_key=True),
    _text("owner"),
    Column("token", BigInteger, nullable=False, unique=True),
    Column("expires_us", BigInteger, nullable=False),
)

in_force = Table(
    "in_force",
    metadata,
    _seq(),
    _text("kind", index=True),
    _text("artefact"),
    _text("version"),
    _text("at"),
    _text("facts"),  # JSON
)

polls = Table(
    "polls",
    metadata,
    Column("mailbox", Words, primary_key=True),
    _text("at"),
    Column("ok", Boolean, nullable=False),
    _text("text"),
    _text("last_good"),
)

audit = Table(
    "audit",
    metadata,
    _seq(),
    _text("at"),
    _text("who"),
    _text("what"),
    _text("target"),
    _text("why"),
)
