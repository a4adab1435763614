"""Step 4 of the worker: keep the promises of the ledger's outbox to the mailbox, and note each one (law 7)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from pipeline.ledger.artefacts import ArtefactDamaged, ArtefactMissing
from pipeline.ledger.errors import LedgerConflict, NoSuchCase
from pipeline.ledger.records import Effect, EffectState
from pipeline.mailbox.port import Filed, Mailbox, MailboxRefused, MailboxUnavailable, Ref
from pipeline.office import Office, stamp
from pipeline.releasing import is_shelved
from pipeline.reminding import is_current

_LONGEST_WAIT = timedelta(hours=1)
_KINDS = {"draft", "file"}

log = structlog.get_logger()

Progress = Callable[[str, int, int], None]
"""Called with a step's name, how far it is, and how much there is to do."""


@dataclass
class Round:
    """What one run did; counts for the log and the terminal."""

    fetched: int = 0
    concluded: int = 0
    set_aside: int = 0
    failed: int = 0
    drafted: int = 0
    filed: int = 0
    shelved: int = 0
    reminded: int = 0
    sent: int = 0
    unsure: int = 0
    unreachable: str = ""


class Promises:
    """Keeps promises during one visit to the mailbox. stopping: whether to end after the promise at hand."""

    def __init__(self, office: Office, progress: Progress, stopping: Callable[[], bool]) -> None:
        self.office = office
        self._progress = progress
        self._stopping = stopping

    def keep(self, mailbox: Mailbox, done: Round) -> None:
        """Keep the promises that are due. A mail is filed only when the drafts of its Case are in the mailbox."""
        office = self.office
        due = self.due()
        for position, effect in enumerate(due, start=1):
            if self._stopping():
                return
            self._progress("act", position, len(due))
            structlog.contextvars.bind_contextvars(case=effect.case)
            try:
                if effect.kind == "file" and self._drafts_open(effect):
                    continue
                note = self._keep(effect, mailbox, done)
                office.ledger.effect_done(effect.key, office.now(), note)
                log.info("promise kept", step="act", kind=effect.kind, note=note)
            except MailboxUnavailable as error:
                office.ledger.effect_failed(effect.key, office.now(), str(error), retry_at(office, effect))
                raise
            except (MailboxRefused, ArtefactMissing, ArtefactDamaged, LedgerConflict) as error:
                office.ledger.effect_failed(effect.key, office.now(), str(error), None)
                log.warning("promise held", step="act", kind=effect.kind, error=str(error))
            finally:
                structlog.contextvars.unbind_contextvars("case")

    def due(self) -> list[Effect]:
        """Return the promises to be kept now. What tells of a Release waits until its files can be found.

        A reminder that the list in force has overtaken waits for the next round to look at it.
        """
        office = self.office
        return [
            effect
            for effect in office.ledger.effects_due(office.now())
            if effect.kind in _KINDS
            and is_shelved(office, effect.payload.get("release", ""))
            and is_current(office, effect.payload)
        ]

    def _drafts_open(self, effect: Effect) -> bool:
        try:
            effects = self.office.ledger.case(effect.case).effects
        except NoSuchCase:
            return False
        return any(e.kind == "draft" and e.state is not EffectState.DONE for e in effects)

    def _keep(self, effect: Effect, mailbox: Mailbox, done: Round) -> str:
        if effect.kind == "draft":
            raw = self.office.artefacts.get(effect.payload["artefact"])
            put = mailbox.save_draft(raw, effect.payload["message_id"])
            done.drafted += put
            return "put into Drafts" if put else "was in Drafts already"
        record = self.office.ledger.message(effect.payload["sha256"])
        if record is None:
            raise LedgerConflict(f"{effect.key}: the ledger does not know that mail")
        filed = mailbox.file_away(
            Ref(record.folder, record.generation, record.uid),
            record.sha256,
            effect.payload["message_id"],
            effect.payload["target"],
        )
        done.filed += filed is Filed.DONE
        return f"file away: {filed.value}"


def retry_at(office: Office, effect: Effect) -> str:
    """Return when a promise that could not be kept is due again: each time twice as late, an hour at the most."""
    wait = timedelta(seconds=office.config.worker.retry_seconds) * 2 ** min(effect.attempts, 10)
    return stamp(office.clock() + min(wait, _LONGEST_WAIT))
