"""From the settings to the open tools: the one place where clock, folders, database and mailbox are put together."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import structlog

from pipeline.compose import Sender, Templates
from pipeline.config import Config, ConfigRefused, ImapConfig, MaildirConfig, load, password, shipped
from pipeline.ledger.artefacts import Artefacts
from pipeline.ledger.store import Ledger
from pipeline.mailbox import open_mailbox
from pipeline.mailbox.imap_session import ImapSettings, Tls
from pipeline.mailbox.maildir import MaildirSettings
from pipeline.mailbox.port import Mailbox
from pipeline.office import Office
from pipeline.readers.child import Forked, Readers, Zygote
from pipeline.rulebook import Rulebook

DEFAULT_CONFIG = Path("pipeline.toml")


def present() -> datetime:
    """The clock of the process; everything below is handed the time (law 3)."""
    return datetime.now(UTC)  # noqa: TID251 - the one place that asks the clock


def config_file(given: Path | None) -> Path:
    """Return the settings file: the one given, that of PIPELINE_CONFIG, or pipeline.toml here."""
    return given or Path(os.environ.get("PIPELINE_CONFIG") or DEFAULT_CONFIG)


def rulebook(config: Config | None = None) -> Rulebook:
    """Read the rules that the settings name, or those that come with the pipeline."""
    return Rulebook.load((config and config.rules) or shipped("rules"))


def templates(config: Config | None = None) -> Templates:
    """Read the templates that the settings name, or those that come with the pipeline."""
    return Templates.load((config and config.templates) or shipped("templates"))


@contextmanager
def opened(config: Config, *, threads: bool = False, clock: Callable[[], datetime] = present) -> Iterator[Office]:
    """Open everything an act of the helpdesk or a round of the worker needs, and close it again.

    threads: readers are forked by a helper process, as a process with threads must not fork itself.
    """
    _sender_is_sound(config)
    config.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    readers: Readers = Zygote() if threads else Forked()
    ledger = Ledger.open(config.database_url)
    try:
        yield Office(
            config=config,
            rules=rulebook(config),
            templates=templates(config),
            ledger=ledger,
            artefacts=Artefacts(config.data / "artefacts"),
            readers=readers,
            clock=clock,
        )
    finally:
        ledger.close()
        readers.close()


def _sender_is_sound(config: Config) -> None:
    try:
        Sender(config.reply.name, config.reply.address)
    except ValueError as error:
        raise ConfigRefused(f"reply.address: {error}") from error


@contextmanager
def office(file: Path | None) -> Iterator[Office]:
    """Open the tools of the settings file for one command."""
    with opened(load(config_file(file))) as found:
        yield found


def mailbox_opener(config: Config) -> Callable[[], Mailbox]:
    """Return what makes a fresh visit to the configured mailbox; secrets are read at each visit, so they may change."""
    return lambda: open_mailbox(_mailbox_settings(config.mailbox))


def _mailbox_settings(mailbox: MaildirConfig | ImapConfig) -> MaildirSettings | ImapSettings:
    if isinstance(mailbox, MaildirConfig):
        return MaildirSettings(path=mailbox.path, drafts=mailbox.drafts)
    return ImapSettings(
        host=mailbox.host,
        user=mailbox.user,
        password=password(mailbox),
        port=mailbox.port,
        tls=Tls(mailbox.tls),
        ca_file=mailbox.ca_file,
        inbox=mailbox.inbox,
        drafts=mailbox.drafts,
        timeout_seconds=mailbox.timeout_seconds,
        max_octets=mailbox.max_megabytes * 1_000_000,
    )


def set_up_logs(level: str = "info") -> None:
    """Structured logs on standard error: for people on a terminal, one JSON object a line elsewhere."""
    terminal = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
