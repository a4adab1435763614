"""From the settings to the open tools: the one place where clock, folders, database and mailbox are put together."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from pipeline.cli.settings import config_file, present, rulebook
from pipeline.compose import Sender, Templates
from pipeline.compose.notices import settings_troubles
from pipeline.config import (
    Config,
    ConfigRefused,
    EwsConfig,
    GraphConfig,
    ImapConfig,
    MailboxConfig,
    MaildirConfig,
    SmtpConfig,
    load,
    password,
    shipped,
)
from pipeline.fetch import Fetcher
from pipeline.ledger.artefacts import Artefacts
from pipeline.ledger.store import Ledger
from pipeline.mailbox import EwsSettings, GraphSettings, imap_login, open_mailbox, tokens_of
from pipeline.mailbox.idle import Watch
from pipeline.mailbox.imap_session import ImapSettings, Login, Tls
from pipeline.mailbox.maildir import MaildirSettings
from pipeline.mailbox.oauth_settings import AppRegistration, Noted, not_noted
from pipeline.mailbox.patience import Patience, Patient
from pipeline.mailbox.port import Mailbox, MailboxRefused, MailboxUnavailable
from pipeline.office import Office
from pipeline.outbox import Smtp, SmtpSettings, Throttle, Transport, Unusable
from pipeline.outbox import Tls as SmtpTls
from pipeline.readers.child import Forked, Readers, Zygote

_C = TypeVar("_C")
_S = TypeVar("_S")
_Settings = MaildirSettings | ImapSettings | GraphSettings | EwsSettings


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
    if troubles := settings_troubles(config.notices):
        raise ConfigRefused(troubles[0])
    if config.notices.send and config.smtp is None:
        raise ConfigRefused("notices.send is on, and there is no section [smtp] that says over which server")
    try:
        ZoneInfo(config.calendar.zone)
    except (ValueError, OSError, LookupError) as error:
        raise ConfigRefused(f"calendar.zone: there is no time zone '{config.calendar.zone}'") from error


@contextmanager
def office(file: Path | None) -> Iterator[Office]:
    """Open the tools of the settings file for one command."""
    with opened(load(config_file(file))) as found:
        yield found


def mailbox_opener(config: Config, noted: Noted = not_noted) -> Callable[[], Mailbox]:
    """Return what makes a fresh visit to the configured mailbox; secrets are read at each visit, so they may change.

    A secret that is missing or cannot be one makes the visit raise MailboxRefused, as a wrong one does.
    noted: told how long each new token is good with which it logs in.
    """
    kept: dict[_Settings, Patient] = {}

    def visit() -> Mailbox:
        settings = _readable(_mailbox_settings, config.mailbox)
        if isinstance(settings, MaildirSettings):
            return open_mailbox(settings)
        if settings not in kept:  # it keeps its token and its place in the inbox from one visit to the next
            kept.clear()
            kept[settings] = Patient(open_mailbox(settings, noted=noted), Patience(time.monotonic, random.random))
        return kept[settings].visit()

    return visit


def watch_opener(config: Config) -> Callable[[Callable[[], None]], Watch] | None:
    """Return what makes the watch over the inbox that calls its argument when mail comes; None where none is wanted.

    It has its own connection and its own token.
    """
    mailbox = config.mailbox
    if not isinstance(mailbox, ImapConfig) or not mailbox.idle:
        return None

    def account() -> tuple[ImapSettings, Login]:
        settings = _readable(_imap_settings, mailbox)
        return settings, imap_login(settings)

    return lambda poke: Watch(account, poke, random.random)


def _readable(read: Callable[[_C], _S], section: _C) -> _S:
    try:
        return read(section)
    except UnicodeDecodeError as error:  # its own text would quote the secret
        raise MailboxRefused("The mailbox's password is not UTF-8 text.") from error
    except (ConfigRefused, ValueError) as error:
        raise MailboxRefused(str(error)) from error


def _certificate(account: GraphConfig | ImapConfig | SmtpConfig) -> str:
    """Return the PEM text of the application's key and certificate; empty where it has a client secret."""
    file = account.certificate_file
    if file is None:
        return ""
    section = "smtp" if isinstance(account, SmtpConfig) else "mailbox"
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise ConfigRefused(f"{section}.certificate_file: {file}: {error.strerror}") from error


def _app(account: ImapConfig | SmtpConfig) -> AppRegistration | None:
    """Return the application that logs in; None where a user does, with a password."""
    if not account.oauth_tenant and not account.oauth_client_id:
        if account.certificate_file:
            raise ConfigRefused("certificate_file is of an application: set oauth_tenant and oauth_client_id too")
        return None
    pem = _certificate(account)
    return AppRegistration(
        account.oauth_tenant,
        account.oauth_client_id,
        client_secret="" if pem else password(account),
        certificate=pem,
        authority=account.oauth_authority,
        timeout_seconds=account.timeout_seconds,
    )


def _graph_settings(mailbox: GraphConfig) -> GraphSettings:
    pem = _certificate(mailbox)
    return GraphSettings(
        tenant=mailbox.tenant,
        client_id=mailbox.client_id,
        user=mailbox.user,
        certificate=pem,
        client_secret="" if pem else password(mailbox),
        base_url=mailbox.base_url,
        authority=mailbox.authority,
        upload_hosts=mailbox.upload_hosts,
        ca_file=mailbox.ca_file,
        inbox=mailbox.inbox,
        category=mailbox.category,
        timeout_seconds=mailbox.timeout_seconds,
        max_octets=mailbox.max_megabytes * 1_000_000,
    )


def transport_opener(config: Config, noted: Noted = not_noted) -> Callable[[], Transport] | None:
    """Return what connects to the server that sends, or None where the settings name none.

    The throttle lives as long as the opener; the password is read at each connection. What is wrong with it is told
    as an outcome of the mail that was to be sent, like any other trouble of the server. noted: as for the mailbox.
    """
    smtp = config.smtp
    if smtp is None:
        return None
    throttle = Throttle(smtp.per_minute)
    kept: dict[AppRegistration, Callable[[bool], str]] = {}

    def connect() -> Transport:
        try:
            app = _app(smtp)
            if app and app not in kept:
                kept.clear()
                kept[app] = _smtp_token(app, noted)
            return Smtp(_smtp_settings(smtp, kept.get(app) if app else None), throttle)
        except MailboxRefused as error:
            return Unusable(str(error))
        except UnicodeDecodeError:  # its own text would quote the secret
            return Unusable("The password for SMTP is not UTF-8 text.")
        except (ConfigRefused, ValueError) as error:
            return Unusable(str(error))

    return connect


def _smtp_token(app: AppRegistration, noted: Noted) -> Callable[[bool], str]:
    tokens = tokens_of(app, noted=noted)

    def token(renew: bool) -> str:
        try:
            return tokens.token(renew=renew)
        except (MailboxUnavailable, MailboxRefused) as error:
            raise OSError(str(error)) from error

    return token


def _smtp_settings(smtp: SmtpConfig, token: Callable[[bool], str] | None) -> SmtpSettings:
    return SmtpSettings(
        host=smtp.host,
        port=smtp.port,
        tls=SmtpTls(smtp.tls),
        ca_file=smtp.ca_file,
        user=smtp.user,
        password=password(smtp) if smtp.user and not token else "",
        token=token,
        timeout_seconds=smtp.timeout_seconds,
    )


def _mailbox_settings(mailbox: MailboxConfig) -> _Settings:
    if isinstance(mailbox, MaildirConfig):
        return MaildirSettings(path=mailbox.path, drafts=mailbox.drafts, sent=mailbox.sent)
    if isinstance(mailbox, GraphConfig):
        return _graph_settings(mailbox)
    if isinstance(mailbox, EwsConfig):
        return EwsSettings(
            url=mailbox.url,
            address=mailbox.address,
            user=mailbox.user,
            password=password(mailbox),
            auth=mailbox.auth,
            ca_file=mailbox.ca_file,
            inbox=mailbox.inbox,
            category=mailbox.category,
            timeout_seconds=mailbox.timeout_seconds,
            max_octets=mailbox.max_megabytes * 1_000_000,
        )
    return _imap_settings(mailbox)


def _imap_settings(mailbox: ImapConfig) -> ImapSettings:
    app = _app(mailbox)
    return ImapSettings(
        host=mailbox.host,
        user=mailbox.user,
        password="" if app else password(mailbox),
        app=app,
        port=mailbox.port,
        tls=Tls(mailbox.tls),
        ca_file=mailbox.ca_file,
        inbox=mailbox.inbox,
        drafts=mailbox.drafts,
        sent=mailbox.sent,
        timeout_seconds=mailbox.timeout_seconds,
        max_octets=mailbox.max_megabytes * 1_000_000,
    )
