"""Keep the promises that need no mailbox: put Releases on the shelf, and send what may be sent.

A mail that was sent cannot be looked for afterwards, so that it is begun is committed before a server is touched. Who
dies in between finds the promise ``unknown`` and, unless the settings say to send such a mail again, leaves it to a
person (law 7).
"""

from collections.abc import Callable
from contextlib import closing

import structlog

from pipeline.ledger.artefacts import ArtefactDamaged, ArtefactMissing
from pipeline.ledger.errors import LedgerConflict
from pipeline.ledger.records import Effect
from pipeline.office import Office
from pipeline.outbox.port import Outcome, Sent, Transport
from pipeline.promises import Progress, Round, retry_at
from pipeline.publish.shelf import ShelfConflict, ShelfUnavailable
from pipeline.releasing import SEND, SHELVE, is_shelved, put_on_shelf
from pipeline.reminding import is_current

_LEASE = "dispatch"
_SECONDS = 900
"""How long one mail may take at the most, with everything: longer than the longest wait for a server's answer."""

OpenTransport = Callable[[], Transport]
"""Makes a fresh connection to the server that sends; raises TransportUnusable where the settings cannot be used."""

log = structlog.get_logger()


class Dispatch:
    """Keeps these promises, one round after another. owner: names this process in the ledger's lease.

    transport: None where the settings name no server; what was to be sent then waits and is told.
    """

    def __init__(
        self,
        office: Office,
        transport: OpenTransport | None,
        progress: Progress,
        stopping: Callable[[], bool],
        owner: str,
    ) -> None:
        self.office = office
        self._transport = transport
        self._progress = progress
        self._stopping = stopping
        self._owner = owner
        self._looked_after = False

    def keep(self, done: Round) -> None:
        """Keep what is due. Nothing is raised for a server or a folder: each promise notes its own trouble."""
        office = self.office
        for effect in self._due(SHELVE):
            if self._stopping():
                return
            self._shelve(effect, done)
        if self._looked_after and not self._due(SEND):
            return
        token = office.ledger.lease(_LEASE, self._owner, office.now(), _SECONDS)
        if token is None:  # another worker of this database sends now
            return
        try:
            self._look_after(done)
            self._looked_after = True
            due = [effect for effect in self._due(SEND) if is_shelved(office, effect.payload.get("release", ""))]
            if due and self._transport is not None and not self._stopping():
                with closing(self._transport()) as transport:
                    self._send_all(due, transport, token, done)
        finally:
            office.ledger.release_lease(token)

    def _due(self, kind: str) -> list[Effect]:
        return [effect for effect in self.office.ledger.effects_due(self.office.now()) if effect.kind == kind]

    def _shelve(self, effect: Effect, done: Round) -> None:
        office = self.office
        try:
            folder = put_on_shelf(office, effect.payload["release"])
        except ShelfUnavailable as error:
            office.ledger.effect_failed(effect.key, office.now(), str(error), retry_at(self.office, effect))
            log.warning("release not shelved", step="dispatch", error=str(error))
        except (ShelfConflict, ArtefactMissing, ArtefactDamaged) as error:
            office.ledger.effect_failed(effect.key, office.now(), str(error), None)
            log.warning("release held", step="dispatch", error=str(error))
        else:
            office.ledger.effect_done(effect.key, office.now(), f"in {folder}")
            done.shelved += 1
            log.info("promise kept", step="dispatch", kind=SHELVE, release=effect.payload["release"])

    def _look_after(self, done: Round) -> None:
        """See what a process that is gone has begun; under the policy ``resend`` it is due again at once."""
        office = self.office
        resend = office.config.smtp is not None and office.config.smtp.unsure == "resend"
        for effect in office.ledger.stranded(office.now()):
            if effect.kind != SEND:  # a draft can be looked for: pipeline/promises.py does
                continue
            if resend:
                office.ledger.effect_failed(effect.key, office.now(), effect.error, office.now())
            else:
                done.unsure += 1

    def _send_all(self, due: list[Effect], transport: Transport, token: int, done: Round) -> None:
        office = self.office
        for position, effect in enumerate(due, start=1):
            if self._stopping():
                return
            self._progress("send", position, len(due))
            if not is_current(office, effect.payload):  # another list is in force by now
                continue
            try:
                raw = office.artefacts.get(effect.payload["artefact"])
            except (ArtefactMissing, ArtefactDamaged) as error:
                office.ledger.effect_failed(effect.key, office.now(), str(error), None, token)
                continue
            try:
                office.ledger.renew(token, office.now(), _SECONDS)
                office.ledger.effect_begins(effect.key, office.now(), token)
            except LedgerConflict:  # another worker came first: it is theirs now
                return
            sent = transport.send(raw, sender=office.config.reply.address, recipient=effect.payload["to"])
            self._note(effect, sent, token, done)
            if sent.outcome is Outcome.UNUSABLE:
                return

    def _note(self, effect: Effect, sent: Sent, token: int, done: Round) -> None:
        ledger, now = self.office.ledger, self.office.now()
        said = " ".join(filter(None, (str(sent.code or ""), sent.status, sent.text)))
        resend = self.office.config.smtp is not None and self.office.config.smtp.unsure == "resend"
        if sent.outcome is Outcome.TAKEN:
            ledger.effect_done(effect.key, now, f"sent: {said}", token)
            done.sent += 1
        elif sent.outcome is Outcome.REFUSED:
            ledger.effect_failed(effect.key, now, said, None, token)
        elif sent.outcome is Outcome.UNKNOWN and not resend:
            ledger.effect_unsure(effect.key, now, said, token)
            done.unsure += 1
        else:
            ledger.effect_failed(effect.key, now, said, retry_at(self.office, effect), token)
        level = log.info if sent.outcome is Outcome.TAKEN else log.warning
        level("mail sent" if sent.outcome is Outcome.TAKEN else "mail not sent", step="dispatch", outcome=sent.outcome)
