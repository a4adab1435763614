"""What is needed of whatever carries mail out, and what can become of one mail. Outcomes are values, never exceptions.

SMTP cannot say "exactly once": when a connection ends after the last octet of a mail and before the server's answer to
it, the server may have the mail or not (RFC 5321, 4.2.5 and 6.1). That one point is an outcome of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Outcome(StrEnum):
    """What became of one mail to one recipient."""

    TAKEN = "taken"
    """The server has it and answers for it: it is never sent again."""
    REFUSED = "refused"
    """No for good: this mail will not go to this recipient, however often it is tried. A person must know."""
    LATER = "later"
    """Certainly not taken, and worth trying again: a 4xx answer, or no connection up to the end of the mail."""
    UNKNOWN = "unknown"
    """The mail was sent whole and no answer came: it may have been taken. Hold it, or send the same bytes again."""
    UNUSABLE = "unusable"
    """Certainly not taken, and no mail will be until a person mends settings or server (login, certificate, TLS).

    This mail is not at fault: it stays promised.
    """


@dataclass(frozen=True, slots=True)
class Sent:
    """The outcome of one attempt.

    text: one line that is safe to show: for ``taken`` the server's words, which often hold its own name for the mail;
    for the others what was tried and what came back. code: the server's reply code (RFC 5321, 4.2), 0 where there was
    none. status: its enhanced status code (RFC 3463), for example ``5.1.1``, or empty.
    """

    outcome: Outcome
    text: str
    code: int = 0
    status: str = ""


class TransportUnusable(Exception):  # noqa: N818 - named for the fact, as the mailbox port's are
    """``describe`` found that no mail could be sent now. The text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """A Transport that cannot send, for the reason given: what was to be sent stays promised."""

    why: str
    name: str = "none"

    def send(self, raw: bytes, *, sender: str, recipient: str) -> Sent:  # noqa: ARG002 - the port's signature
        """Say why nothing is sent."""
        return Sent(Outcome.UNUSABLE, self.why)

    def describe(self) -> Sequence[str]:
        """Raise TransportUnusable."""
        raise TransportUnusable(self.why)

    def close(self) -> None:
        """Do nothing."""


class Transport(Protocol):
    """Carries mails out, one recipient at a time. May be kept open between mails; one thread at a time."""

    @property
    def name(self) -> str:
        """Stable name for logs and the ledger, for example ``smtp:helpdesk@mail.example``. No password in it."""
        ...

    def send(self, raw: bytes, *, sender: str, recipient: str) -> Sent:
        """Send one finished mail (RFC 5322 octets) in an envelope from ``sender`` to ``recipient``. Never raises.

        Both are bare addresses. Before it is called, the caller has committed that it is about to: who dies between
        here and noting the outcome must find ``unknown`` when it comes back.
        """
        ...

    def describe(self) -> Sequence[str]:
        """Return lines for ``pipeline doctor`` after a real login, with nothing sent. Raises TransportUnusable."""
        ...

    def close(self) -> None:
        """Let go of the connection. Never raises."""
        ...
