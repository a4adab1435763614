"""From the settings to the open tools: the one place where clock, folders, database and mailbox are put together."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline.cli.settings import config_file, present, rulebook
from pipeline.compose import Sender, Templates
from pipeline.config import Config, ConfigRefused, ImapConfig, MaildirConfig, load, password, shipped
from pipeline.fetch import Fetcher
from pipeline.ledger.artefacts import Artefacts
from pipeline.ledger.store import Ledger
from pipeline.mailbox import open_mailbox
from pipeline.mailbox.imap_session import ImapSettings, Tls
from pipeline.mailbox.maildir import MaildirSettings
from pipeline.mailbox.port import Mailbox, MailboxRefused
from pipeline.office import Office
from pipeline.readers.child import Forked, Readers, Zygote


def templates(config: Config | None = None) -> Templates:
    """Read the templates that the settings name, or those that come with the pipeline."""
    return Templates.load((config and config.templates) or shipped("templates"))


@contextmanager
def opened(config: Config, *, threads: bool = False, clock: Callable[[], datetime] = present) -> Iterator[Office]:
    """Open everything an act of the helpdesk or a round of the worker needs, and close it again.

    threads: readers are forked by a helper process, as a process with threads must not fork itself.
    """
    _usable(config)
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
            fetch=Fetcher(config.trust.hosts, config.trust.seconds).get if config.trust.fetch else None,
        )
    finally:
        ledger.close()
        readers.close()


def _usable(config: Config) -> None:
    """Refuse what no type can: an address that is none, a time zone that nobody knows."""
    try:
        Sender(config.reply.name, config.reply.address)
    except ValueError as error:
        raise ConfigRefused(f"reply.address: {error}") from error
    try:
        ZoneInfo(config.calendar.zone)
    except (ValueError, OSError, LookupError) as error:
        raise ConfigRefused(f"calendar.zone: there is no time zone '{config.calendar.zone}'") from error


@contextmanager
def office(file: Path | None) -> Iterator[Office]:
    """Open the tools of the settings file for one command."""
    with opened(load(config_file(file))) as found:
        yield found


def mailbox_opener(config: Config) -> Callable[[], Mailbox]:
    """Return what makes a fresh visit to the configured mailbox; secrets are read at each visit, so they may change.

    A secret that is missing or cannot be one makes the visit raise MailboxRefused, as a wrong one does.
    """

    def visit() -> Mailbox:
        try:
            settings = _mailbox_settings(config.mailbox)
        except UnicodeDecodeError as error:  # its own text would quote the secret
            raise MailboxRefused("The mailbox's password is not UTF-8 text.") from error
        except (ConfigRefused, ValueError) as error:
            raise MailboxRefused(str(error)) from error
        return open_mailbox(settings)

    return visit


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
