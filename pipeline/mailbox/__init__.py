"""Where mail comes from and drafts go: one port, one module per kind of mailbox."""

from pipeline.mailbox.ews_settings import EwsSettings
from pipeline.mailbox.graph_settings import GraphSettings
from pipeline.mailbox.imap import Imap
from pipeline.mailbox.imap_session import ImapSettings, Login, password_login
from pipeline.mailbox.imap_token import TokenLogin
from pipeline.mailbox.maildir import Maildir, MaildirSettings
from pipeline.mailbox.oauth_settings import AppRegistration, Noted, Tokens, not_noted
from pipeline.mailbox.port import Mailbox, MailboxRefused
from pipeline.mailbox.trouble import MailGone, MailTooLarge

__all__ = [
    "EwsSettings",
    "GraphSettings",
    "ImapSettings",
    "MailGone",
    "MailTooLarge",
    "MaildirSettings",
    "imap_login",
    "open_mailbox",
    "tokens_of",
]


def open_mailbox(
    settings: MaildirSettings | ImapSettings | GraphSettings | EwsSettings, *, noted: Noted = not_noted
) -> Mailbox:
    """Return the mailbox these settings describe. Nothing is connected or read yet: that happens on first use.

    noted: told how long each new token is good with which it logs in.

    MailboxRefused where the kind needs packages of an extra, and they are not installed.
    """
    match settings:
        case MaildirSettings():
            return Maildir(
                settings.path,
                name=settings.name,
                drafts=settings.drafts,
                sent=settings.sent,
                max_octets=settings.max_octets,
            )
        case ImapSettings():
            return Imap(settings, login=imap_login(settings, noted=noted))
        case GraphSettings():
            return _graph(settings, noted)
        case EwsSettings():
            return _ews(settings)


def imap_login(settings: ImapSettings, *, noted: Noted = not_noted) -> Login:
    """Return how these settings log in. MailboxRefused where that needs packages which are not installed."""
    if settings.app is None:
        return password_login
    return TokenLogin(tokens_of(settings.app, noted=noted))


def tokens_of(app: AppRegistration, *, noted: Noted = not_noted) -> Tokens:
    """Return the tokens of an application. MailboxRefused where that needs packages which are not installed."""
    try:
        from pipeline.mailbox.oauth import AppTokens  # noqa: PLC0415 - httpx and msal come with an extra
    except ModuleNotFoundError as error:
        raise MailboxRefused(
            f"OAuth2 of Microsoft 365 needs the package {error.name}, which is not installed: "
            "pip install 'secas-cpl-pipeline[graph]'"
        ) from error
    return AppTokens(app, noted=noted)


def _graph(settings: GraphSettings, noted: Noted) -> Mailbox:
    try:
        from pipeline.mailbox.graph import Graph  # noqa: PLC0415 - httpx and msal come with an extra
    except ModuleNotFoundError as error:
        raise MailboxRefused(
            f"A Microsoft 365 mailbox needs the package {error.name}, which is not installed: "
            "pip install 'secas-cpl-pipeline[graph]'"
        ) from error
    return Graph(settings, tokens=tokens_of(settings.app, noted=noted))


def _ews(settings: EwsSettings) -> Mailbox:
    try:
        from pipeline.mailbox.ews import Ews  # noqa: PLC0415 - exchangelib comes with an extra, and takes a second
    except ModuleNotFoundError as error:
        raise MailboxRefused(
            f"An Exchange mailbox needs the package {error.name}, which is not installed: "
            "pip install 'secas-cpl-pipeline[ews]'"
        ) from error
    return Ews(settings)
