"""Where mail comes from and drafts go: one port, one module per kind of mailbox."""

from pipeline.mailbox.imap import Imap
from pipeline.mailbox.imap_session import ImapSettings
from pipeline.mailbox.maildir import Maildir, MaildirSettings
from pipeline.mailbox.port import Mailbox
from pipeline.mailbox.trouble import MailGone, MailTooLarge

__all__ = ["ImapSettings", "MailGone", "MailTooLarge", "MaildirSettings", "open_mailbox"]


def open_mailbox(settings: MaildirSettings | ImapSettings) -> Mailbox:
    """Return the mailbox these settings describe. Nothing is connected or read yet: that happens on first use."""
    match settings:
        case MaildirSettings():
            return Maildir(settings.path, name=settings.name, drafts=settings.drafts, max_octets=settings.max_octets)
        case ImapSettings():
            return Imap(settings)
