"""Where mail comes from and drafts go: one port, one module per kind of mailbox."""

from pipeline.mailbox.graph_settings import GraphSettings
from pipeline.mailbox.imap import Imap
from pipeline.mailbox.imap_session import ImapSettings
from pipeline.mailbox.maildir import Maildir, MaildirSettings
from pipeline.mailbox.port import Mailbox, MailboxRefused
from pipeline.mailbox.trouble import MailGone, MailTooLarge

__all__ = ["GraphSettings", "ImapSettings", "MailGone", "MailTooLarge", "MaildirSettings", "open_mailbox"]


def open_mailbox(settings: MaildirSettings | ImapSettings | GraphSettings) -> Mailbox:
    """Return the mailbox these settings describe. Nothing is connected or read yet: that happens on first use.

    MailboxRefused where the kind needs packages of an extra, and they are not installed.
    """
    match settings:
        case MaildirSettings():
            return Maildir(settings.path, name=settings.name, drafts=settings.drafts, max_octets=settings.max_octets)
        case ImapSettings():
            return Imap(settings)
        case GraphSettings():
            return _graph(settings)


def _graph(settings: GraphSettings) -> Mailbox:
    try:
        from pipeline.mailbox.graph import Graph  # noqa: PLC0415 - httpx and msal come with an extra
    except ModuleNotFoundError as error:
        raise MailboxRefused(
            f"A Microsoft 365 mailbox needs the package {error.name}, which is not installed: "
            "pip install 'secas-cpl-pipeline[graph]'"
        ) from error
    return Graph(settings)
