"""What the worker needs of a mailbox, whatever server stands behind it. One contract suite proves every kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
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


class Place(StrEnum):
    """What kind of folder a mail of ours was found in."""

    DRAFTS = "drafts"
    SENT = "sent"
    ELSEWHERE = "elsewhere"
    """Deleted items, or marked deleted; an archive, any folder a person made: whoever put it there had a reason."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One mail that carries a Message-ID of ours. sha256: of its bytes as they are now, empty outside Drafts.

    The digest of a draft that nobody touched is ours on a server that keeps bytes; Exchange writes a draft anew.
    whole: False for a draft in Drafts that was only begun, as a worker died over it; ``save_draft`` finishes it.
    ref: where one in Drafts stands, to be named to ``file_away``.
    """

    place: Place
    sha256: str = ""
    whole: bool = True
    ref: Ref | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class SentMail:
    """A mail in Sent. references: the Message-IDs it refers to, oldest first, In-Reply-To last. Fetch it by its ref."""

    ref: Ref
    message_id: str
    references: tuple[str, ...]


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

    def drafts(self, message_ids: Sequence[str]) -> Mapping[str, Sequence[Trace]]:
        """Return where mails with exactly these Message-IDs stand, in every folder we can look into.

        An id that stands nowhere is left out: a person deleted it for good, or it was never put. A draft that is only
        marked deleted still stands.
        """
        ...

    def sent(self, since: date) -> Sequence[SentMail]:
        """Return the mails that were sent on that day or later, as the server reckons it; none without a Sent folder.

        Those without a Message-ID are left out.
        """
        ...

    def put_note(self, raw: bytes, message_id: str, folder: str) -> bool:
        """Put a mail of our own into a folder (made when missing) unless one with this Message-ID is there.

        True when it was put now. It is for the people who use the mailbox, and is not sent.
        """
        ...

    def file_away(self, ref: Ref, sha256: str, message_id: str, target: str, *, read: bool = True) -> Filed:
        """Move the mail to the folder ``target`` (made when missing), marked read unless told not to. Safe to repeat.

        Where ``ref`` no longer points at bytes of that sha256, the mail is looked for by Message-ID and digest.
        """
        ...

    def describe(self) -> Sequence[str]:
        """Return lines for ``pipeline doctor``: server, capabilities, folders found, and what is missing."""
        ...

    def close(self) -> None:
        """Let go of the connection. Never raises."""
        ...
