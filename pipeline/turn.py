"""Whose turn it is: of all the workers on one ledger, one does a round at a time.

The queue of mails and the outbox are the ledger's, so the lease is the ledger's too, whatever each worker calls the
mailbox. A worker that died keeps it until it runs out; one that was only slow finds out before its next step, and a
step that it notes all the same is refused by its token.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from pipeline.ledger.errors import LedgerConflict
from pipeline.office import Office

LEASE = "worker"
SECONDS = 300
"""How long one step (a mail, a promise, a scanned page) may take before another worker may begin."""

_ELSEWHERE = "another worker is at work on this ledger"


class TurnLost(Exception):  # noqa: N818 - named for the fact
    """Another worker has taken over, as this one was slow: the rest of the round is theirs."""


class Turn:
    """The turn of one worker. owner: names its process, for people to read."""

    def __init__(self, office: Office, owner: str) -> None:
        self.office = office
        self.lost = ""
        self._owner = owner
        self._token: int | None = None
        self._renewed: datetime | None = None

    @property
    def token(self) -> int | None:
        """The fencing token of this turn; None outside of one."""
        return self._token

    @contextmanager
    def taken(self) -> Iterator[bool]:
        """Take the turn where nobody has it, and give it back at the end; ``lost`` says why it was not had."""
        office = self.office
        self._token = office.ledger.lease(LEASE, self._owner, office.now(), SECONDS)
        self._renewed = office.clock()
        self.lost = "" if self._token is not None else _ELSEWHERE
        try:
            yield self._token is not None
        finally:
            token, self._token = self._token, None
            if token is not None:
                office.ledger.release_lease(token)

    def goes_on(self) -> None:
        """Let the turn run on from now. TurnLost where another worker has it by now."""
        if self._token is None:
            return
        try:
            self.office.ledger.renew(self._token, self.office.now(), SECONDS)
        except LedgerConflict:
            self.lost = _ELSEWHERE
            raise TurnLost(_ELSEWHERE) from None
        self._renewed = self.office.clock()

    def kept_while(self, progress: Callable[[str, int, int], None]) -> Callable[[str, int, int], None]:
        """Return a progress that also lets the turn run on, where a good part of its time has passed."""

        def told(step: str, position: int, total: int) -> None:
            # Either way: a clock that is set back meanwhile says nothing of how much time has passed.
            if self._renewed is not None and abs(self.office.clock() - self._renewed) >= timedelta(seconds=SECONDS / 3):
                self.goes_on()
            progress(step, position, total)

        return told
