"""Step 5 of the worker: keep the promises of the ledger's outbox to the mailbox, and note each one (law 7).

A draft is looked for everywhere before it is put: one that a person edited, sent or moved away is theirs, and never
put again. That it is put now is noted before; who dies between the two leaves a draft that was put, or was deleted
since, or never was. Where it stands nowhere soon after, it never was, and is put; later it is held for a person.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from pipeline.ledger.artefacts import ArtefactDamaged, ArtefactMissing
from pipeline.ledger.errors import LedgerConflict, NoSuchCase
from pipeline.ledger.records import ASIDE, Effect, EffectState, MessageState
from pipeline.mailbox.port import Filed, Mailbox, MailboxRefused, MailboxUnavailable, Place, Ref, Trace
from pipeline.office import Office, stamp
from pipeline.releasing import is_shelved
from pipeline.reminding import is_current
from pipeline.turn import Turn

_LONGEST_WAIT = timedelta(hours=1)
_KINDS = {"draft", "file", ASIDE}
_FOUND = {
    Place.DRAFTS: "was in Drafts already",
    Place.SENT: "a person sent it",
    Place.ELSEWHERE: "a person moved or deleted it",
}
_SOON = timedelta(hours=1)
"""So soon after it was begun a draft that stands nowhere, not in the deleted items either, was never put."""
_LOST = (
    "It was being put into Drafts when the worker died, and stands nowhere now: a person deleted it, or it never got "
    "there. 'pipeline retry' puts it again."
)

_HALF = "A worker died while it was being put: what stands in Drafts is finished now."

log = structlog.get_logger()

Progress = Callable[[str, int, int], None]
"""Called with a step's name, how far it is, and how much there is to do."""


@dataclass
class Round:
    """What one run did; counts for the log and the terminal."""

    answered: int = 0
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
    elsewhere: str = ""


class Promises:
    """Keeps promises during one visit to the mailbox. stopping: whether to end after the promise at hand."""

    def __init__(self, office: Office, progress: Progress, stopping: Callable[[], bool], turn: Turn) -> None:
        self.office = office
        self._progress = progress
        self._stopping = stopping
        self._turn = turn

    def open(self) -> bool:
        """Say whether there is anything to do in the mailbox."""
        return bool(self.due() or self._begun())

    def keep(self, mailbox: Mailbox, done: Round) -> None:
        """Keep the promises that are due. A mail is filed only when the drafts of its Case are in the mailbox."""
        self._look_after(mailbox)
        due = self.due()
        wanted = [effect.payload["message_id"] for effect in due if effect.kind == "draft"]
        standing = mailbox.drafts(wanted) if wanted else {}
        for position, effect in enumerate(due, start=1):
            if self._stopping():
                return
            self._progress("act", position, len(due))
            structlog.contextvars.bind_contextvars(case=effect.case)
            try:
                if effect.kind == "file" and self._drafts_open(effect):
                    continue
                self._turn.goes_on()
                self._keep_one(effect, mailbox, standing, done)
            finally:
                structlog.contextvars.unbind_contextvars("case")

    def _keep_one(self, effect: Effect, mailbox: Mailbox, standing: Mapping[str, Sequence[Trace]], done: Round) -> None:
        office, token = self.office, self._turn.token
        try:
            note = self._keep(effect, mailbox, standing, done)
            office.ledger.effect_done(effect.key, office.now(), note, token)
            log.info("promise kept", step="act", kind=effect.kind, note=note)
        except MailboxUnavailable as error:
            self._turn.goes_on()
            office.ledger.effect_failed(effect.key, office.now(), str(error), retry_at(office, effect), token)
            raise
        except (MailboxRefused, ArtefactMissing, ArtefactDamaged, LedgerConflict) as error:
            self._turn.goes_on()  # where the conflict is that another worker has taken over, nothing is noted
            office.ledger.effect_failed(effect.key, office.now(), str(error), None, token)
            log.warning("promise held", step="act", kind=effect.kind, error=str(error))

    def _begun(self) -> list[Effect]:
        """Return the drafts that a worker now gone began to put."""
        return [effect for effect in self.office.ledger.stranded(self.office.now()) if effect.kind == "draft"]

    def _look_after(self, mailbox: Mailbox) -> None:
        """Settle what a worker now gone has begun: it stands somewhere, is put again, or a person must look."""
        office, begun = self.office, self._begun()
        standing = mailbox.drafts([effect.payload["message_id"] for effect in begun]) if begun else {}
        for effect in begun:
            found = standing.get(effect.payload["message_id"], ())
            if whole := _whole(found):
                office.ledger.effect_done(effect.key, office.now(), _in_words(whole), self._turn.token)
            elif found or timedelta(0) <= office.clock() - datetime.fromisoformat(effect.begun) <= _SOON:
                why = _HALF if found else f"The worker that began it at {effect.begun} died before it was put."
                office.ledger.effect_failed(effect.key, office.now(), why, office.now(), self._turn.token)
            else:
                office.ledger.effect_failed(effect.key, office.now(), _LOST, None, self._turn.token)
                log.warning("promise held", step="act", kind=effect.kind, error=_LOST)

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

    def _keep(self, effect: Effect, mailbox: Mailbox, standing: Mapping[str, Sequence[Trace]], done: Round) -> str:
        if effect.kind == "draft":
            if whole := _whole(standing.get(effect.payload["message_id"], ())):
                return _in_words(whole)
            raw = self.office.artefacts.get(effect.payload["artefact"])
            self.office.ledger.effect_begins(effect.key, self.office.now(), self._turn.token)
            put = mailbox.save_draft(raw, effect.payload["message_id"])
            done.drafted += put
            return "put into Drafts" if put else _FOUND[Place.DRAFTS]
        if effect.kind == ASIDE:
            return self._set_aside(effect, mailbox)
        filed = mailbox.file_away(*self._mail(effect))
        for place in self.office.ledger.copies(effect.payload["sha256"]):
            mailbox.file_away(Ref(*place), *self._mail(effect)[1:])
        done.filed += filed is Filed.DONE
        return f"file away: {filed.value}"

    def _set_aside(self, effect: Effect, mailbox: Mailbox) -> str:
        """Put the note, then move the mail, unless a person has had it tried again meanwhile."""
        office, said = self.office, effect.payload
        record = office.ledger.message(said["sha256"]) if said["sha256"] else None
        if record is not None and record.state is not MessageState.SET_ASIDE:
            return "it is not set aside any more"
        mailbox.put_note(office.artefacts.get(said["artefact"]), said["note"], said["target"])
        if record is None:
            return "a note was put"
        note = f"set aside: {mailbox.file_away(*self._mail(effect), read=False).value}"
        office.ledger.moved_aside(effect.key, office.now(), said["target"], note, self._turn.token)
        return note

    def _mail(self, effect: Effect) -> tuple[Ref, str, str, str]:
        """Return where a mail lies, its digest and Message-ID, and where it is to go."""
        said = effect.payload
        record = self.office.ledger.message(said["sha256"])
        if record is None:
            raise LedgerConflict(f"{effect.key}: the ledger does not know that mail")
        return Ref(record.folder, record.generation, record.uid), record.sha256, said["message_id"], said["target"]


def _whole(found: Sequence[Trace]) -> list[Trace]:
    return [trace for trace in found if trace.whole]


def _in_words(found: Sequence[Trace]) -> str:
    places = {trace.place for trace in found}
    return next(_FOUND[place] for place in (Place.SENT, Place.DRAFTS, Place.ELSEWHERE) if place in places)


def retry_at(office: Office, effect: Effect) -> str:
    """Return when a promise that could not be kept is due again: each time twice as late, an hour at the most."""
    wait = timedelta(seconds=office.config.worker.retry_seconds) * 2 ** min(effect.attempts, 10)
    return stamp(office.clock() + min(wait, _LONGEST_WAIT))
