"""How long a mailbox is left in peace after visits that failed, so that a server in trouble is not made worse.

The k-th failure in a row costs 5 s * 2^k, 15 minutes at most, give or take a fifth: machines that were cut off together
do not come back together. A login that is refused costs five minutes at least: more attempts could lock the account.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TypeVar

from pipeline.mailbox.port import Filed, Listed, Mailbox, MailboxRefused, MailboxUnavailable, Ref, SentMail, Trace
from pipeline.mailbox.trouble import LoginRefused, MailGone, MailTooLarge

_T = TypeVar("_T")

FIRST_SECONDS = 5.0
LONGEST_SECONDS = 900.0
LOGIN_SECONDS = 300.0
_JITTER = 0.2
_DOUBLINGS = 20  # beyond these every pause has long been the longest


def pause_seconds(failures: int, chance: float, *, login: bool = False) -> float:
    """Return how long to wait after so many failures in a row. chance: evenly from [0, 1). login: it was refused."""
    wanted = FIRST_SECONDS * 2.0 ** min(failures, _DOUBLINGS) * (1 + _JITTER * (2 * chance - 1))
    return max(min(wanted, LONGEST_SECONDS), LOGIN_SECONDS if login else 0.0)


class Patience:
    """Remembers failed visits. clock: seconds that only go up. chance: evenly from [0, 1)."""

    def __init__(self, clock: Callable[[], float], chance: Callable[[], float]) -> None:
        self._clock = clock
        self._chance = chance
        self._failures = 0
        self._until = 0.0
        self._why: MailboxUnavailable | MailboxRefused | None = None

    def require(self) -> None:
        """Raise MailboxUnavailable while the pause lasts; its text says for how long and repeats the trouble."""
        left = self._until - self._clock()
        if self._why is not None and left > 0:
            raise MailboxUnavailable(f"Not tried again for {left:.0f} seconds: {self._why}") from self._why

    def failed(self, error: MailboxUnavailable | MailboxRefused) -> None:
        """Note a visit that failed."""
        self._failures += 1
        self._why = error
        login = isinstance(error, LoginRefused)
        self._until = self._clock() + pause_seconds(self._failures, self._chance(), login=login)

    def worked(self) -> None:
        """Note a visit without trouble."""
        self._failures = 0
        self._why = None


class Patient:
    """A Mailbox that is kept between visits. ``visit`` begins one, ``close`` ends it; a pause keeps visits away.

    A visit has failed where any step of it did, but for those that concern one mail only. The steps after a failure
    are still tried: one mail that the server cannot give must not keep the next from being read.
    """

    def __init__(self, inner: Mailbox, patience: Patience) -> None:
        self.name = inner.name
        self._inner = inner
        self._patience = patience
        self._used = False
        self._error: MailboxUnavailable | MailboxRefused | None = None

    def visit(self) -> "Patient":
        """Begin a visit. MailboxUnavailable while the pause lasts."""
        self._patience.require()
        self._used, self._error = False, None
        return self

    def unread(self) -> Sequence[Listed]:
        """As the port says."""
        return self._step(self._inner.unread)

    def fetch(self, ref: Ref) -> bytes:
        """As the port says."""
        return self._step(lambda: self._inner.fetch(ref))

    def save_draft(self, raw: bytes, message_id: str) -> bool:
        """As the port says."""
        return self._step(lambda: self._inner.save_draft(raw, message_id))

    def drafts(self, message_ids: Sequence[str]) -> Mapping[str, Sequence[Trace]]:
        """As the port says."""
        return self._step(lambda: self._inner.drafts(message_ids))

    def sent(self, since: date) -> Sequence[SentMail]:
        """As the port says."""
        return self._step(lambda: self._inner.sent(since))

    def put_note(self, raw: bytes, message_id: str, folder: str) -> bool:
        """As the port says."""
        return self._step(lambda: self._inner.put_note(raw, message_id, folder))

    def file_away(self, ref: Ref, sha256: str, message_id: str, target: str, *, read: bool = True) -> Filed:
        """As the port says."""
        return self._step(lambda: self._inner.file_away(ref, sha256, message_id, target, read=read))

    def describe(self) -> Sequence[str]:
        """As the port says."""
        return self._step(self._inner.describe)

    def close(self) -> None:
        """End the visit and draw the sum of it. Never raises."""
        self._inner.close()
        if self._error is not None:
            self._patience.failed(self._error)
        elif self._used:
            self._patience.worked()
        self._used, self._error = False, None

    def _step(self, act: Callable[[], _T]) -> _T:
        self._used = True
        try:
            return act()
        except (MailGone, MailTooLarge):
            raise
        except (MailboxUnavailable, MailboxRefused) as error:
            self._error = error
            raise
