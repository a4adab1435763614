"""Refusals told apart: two concern one mail only, and the worker records them and goes on; one concerns the account."""

from pipeline.mailbox.port import MailboxRefused

_WORDS = 300
"""Of another's words, how many characters a message of ours repeats."""


class MailTooLarge(MailboxRefused):
    """A mail over the mailbox's limit: it was not fetched, and stays where it is, unread. size, limit: octets."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"The mail has {size:,} octets, more than the limit of {limit:,}: it was not read. "
            "A person must look at it, or max_octets must be raised."
        )
        self.size = size
        self.limit = limit


class MailGone(MailboxRefused):
    """The mail is no longer at the place where it was seen: moved, deleted, or the server numbers its mails anew."""


class LoginRefused(MailboxRefused):
    """The server does not let us in. Trying again soon may lock the account."""


def in_words(text: str, *secrets: str) -> str:
    """Return another's words on one line, cut, and without the secrets should they repeat them."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return "".join(c if c.isprintable() else " " for c in text)[:_WORDS].rstrip(". ")
