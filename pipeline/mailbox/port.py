"""What the worker needs of a mailbox, whatever server stands behind it. One contract suite proves every kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class MailboxUnavailable(Exception):  # noqa: N818 - named for the fact, as the design's ports are
    """The server cannot be reached or is busy: try later. The text says what was tried and what came back."""


class MailboxRefused(Exception):  # noqa: N818 - named for the fact, as the design's ports are
    """The server said no in a way that trying again will not mend (login, rights, folder): a person is needed."""


@dataclass(frozen=True, slots=True)
class Ref:
    """Where a mail was seen. A hint, never its identity: that is the sha256 of its bytes.

    generation: IMAP UIDVALIDITY, or what else makes ``uid`` void when it changes.
    """

    folder: str
    generation: str
    uid: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One unread mail of the inbox. size: octets as the server says."""

    ref: Ref
    size: int


class Filed(StrEnum):
    """What became of a request to file a mail away."""

    DONE = "done"
    ALREADY = "already"
    """It stood in the target folder already: an earlier attempt got that far."""
    GONE = "gone"
    """A person moved or deleted it: nothing to do."""


class Mailbox(Protocol):
    """A mailbox opened for one short visit: fetch to spool, or act on the outbox, then close.

    Every method may raise MailboxUnavailable or MailboxRefused and nothing else. Nothing here marks a mail read or
    moves it, but ``file_away``.
    """

    name: str
    """Stable name of this mailbox for the ledger, for example ``imap:helpdesk@mail.example``. No password in it."""

    def unread(self) -> Sequence[Listed]:
        """Return the unread mails of the inbox, oldest first."""
        ...

    def fetch(self, ref: Ref) -> bytes:
        """Return the raw bytes as the server holds them, leaving the mail unread. MailboxRefused where it is gone."""
        ...

    def save_draft(self, raw: bytes, message_id: str) -> bool:
        """Put a draft into Drafts unless one with this Message-ID is there; True when it was put now."""
        ...

    def file_away(self, ref: Ref, sha256: str, message_id: str, target: str) -> Filed:
        """Mark the mail read and move it to the folder ``target`` (made when missing). Safe to repeat.

        Where ``ref`` no longer points at bytes of that sha256, the mail is looked for by Message-ID and digest.
        """
        ...

    def describe(self) -> Sequence[str]:
        """Return lines for ``pipeline doctor``: server, capabilities, folders found, and what is missing."""
        ...

    def close(self) -> None:
        """Let go of the connection. Never raises."""
        ...
