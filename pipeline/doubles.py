"""Drafts that stand twice, once a day: a person who sent both would answer twice.

A draft is looked for before it is put, and still the server may have taken one that a worker, cut off, believed lost.
A copy that nobody touched is moved aside, and never the last one; what was edited is left, and told.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import structlog

from pipeline.ledger.records import EffectState
from pipeline.mailbox.port import Mailbox, MailboxRefused, Place, Trace
from pipeline.office import Office

_DAYS = 3
"""How long after it was put a draft is looked at: a server takes no mail later than its own time limits."""

log = structlog.get_logger()


class Doubles:
    """Sweeps the Drafts of a mailbox."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self._swept: date | None = None

    def sweep(self, mailbox: Mailbox) -> int:
        """Move aside each copy of a draft that nobody touched, where another stands; how many. Once a day."""
        now = self.office.clock()
        if self._swept == now.date():
            return 0
        ours = {
            one.payload["message_id"]: one.payload["artefact"]
            for one in self.office.ledger.promised("draft:")
            if one.state is EffectState.DONE and now - datetime.fromisoformat(one.done) <= timedelta(days=_DAYS)
        }
        moved = 0
        try:
            found = mailbox.drafts(list(ours)) if ours else {}
            for message_id, traces in found.items():
                moved += self._one(mailbox, message_id, ours[message_id], traces)
        except MailboxRefused as error:
            log.warning("drafts not swept", step="sweep", error=str(error))
        self._swept = now.date()
        return moved

    def _one(self, mailbox: Mailbox, message_id: str, sha256: str, traces: Sequence[Trace]) -> int:
        standing = [trace for trace in traces if trace.place is Place.DRAFTS]
        untouched = [trace for trace in standing if trace.sha256 == sha256]
        answered = any(trace.place is Place.SENT for trace in traces)
        if len(standing) + answered <= 1:
            return 0
        spare = untouched if answered or len(untouched) < len(standing) else untouched[1:]
        for trace in spare:
            if trace.ref is not None:
                mailbox.file_away(trace.ref, sha256, message_id, self.office.config.folders.quarantine)
        left = len(standing) - len(spare)
        log.warning("a draft stood twice", step="sweep", moved=len(spare), left=left, sent=answered)
        return len(spare)
