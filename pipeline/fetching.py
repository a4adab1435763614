"""Step 1 of the worker: every unread mail that was not seen before goes to the spool: bytes, then the ledger's row."""

from collections.abc import Callable
from hashlib import sha256 as digest

import structlog

from pipeline.ledger.mails import Place
from pipeline.ledger.records import Arrival, Conclusion, MessageRecord
from pipeline.mailbox.port import Listed, Mailbox, MailboxRefused, MailboxUnavailable, Ref
from pipeline.mailbox.trouble import MailGone, MailTooLarge
from pipeline.office import Office
from pipeline.promises import Progress, Round

REPEAT = "repeat"
_PATIENCE = 3
"""Mails in a row that the server could not give before it is taken to be away."""

log = structlog.get_logger()


class Fetching:
    """Fetches during one visit to the mailbox. stopping: whether to end after the mail at hand."""

    def __init__(self, office: Office, progress: Progress, stopping: Callable[[], bool]) -> None:
        self.office = office
        self._progress = progress
        self._stopping = stopping

    def fetch(self, mailbox: Mailbox, done: Round) -> None:
        """Bring every unread mail that is not known yet to the spool."""
        office = self.office
        listed = mailbox.unread()
        unfetched = {_place(r): r.sha256 for r in office.ledger.waiting() if not office.artefacts.has(r.sha256)}
        known = office.ledger.known(mailbox.name, [_place(mail.ref) for mail in listed]) - unfetched.keys()
        new = [mail for mail in listed if _place(mail.ref) not in known]
        in_a_row = 0
        for position, mail in enumerate(new, start=1):
            if self._stopping() or in_a_row == _PATIENCE:
                break
            self._progress("fetch", position, len(new))
            try:
                raw = mailbox.fetch(mail.ref)
            except MailGone:
                continue
            except MailTooLarge as error:
                self._too_large(mailbox.name, mail, error, done)
            except (MailboxUnavailable, MailboxRefused) as error:
                # It is tried again at the next round; the mails behind it may be well.
                done.unreachable = str(error)
                in_a_row = in_a_row + 1 if isinstance(error, MailboxUnavailable) else 0
                log.warning("mail not fetched", step="fetch", mailbox=mailbox.name, error=str(error))
                continue
            else:
                self._spool(mailbox.name, mail.ref, raw, unfetched.get(_place(mail.ref), ""), done)
            in_a_row = 0
        said = done.unreachable or f"{len(listed)} unread, {len(new)} new"
        office.ledger.note_poll(mailbox.name, office.now(), not done.unreachable, said)

    def _spool(self, name: str, ref: Ref, raw: bytes, stand_in: str, done: Round) -> None:
        """Keep the bytes, then the row. stand_in: what stood for this mail while it was too large to be fetched."""
        sha256 = self.office.artefacts.put(raw)
        done.fetched += self.office.ledger.arrive(self._arrival(name, ref, sha256, len(raw)))
        if stand_in:
            note = f"It was fetched after all, as the mail {sha256[:12]}."
            self.office.ledger.conclude(Conclusion(stand_in, self.office.now(), REPEAT, "", "", "", note))

    def _arrival(self, name: str, ref: Ref, sha256: str, size: int) -> Arrival:
        return Arrival(name, ref.folder, ref.generation, ref.uid, sha256, size, self.office.now())

    def _too_large(self, name: str, mail: Listed, error: MailTooLarge, done: Round) -> None:
        """Its bytes were not fetched, so its place stands for them; a person sees it on top of the list.

        After 'pipeline retry' it is asked for again: the limit may have been raised.
        """
        stand_in = digest(" ".join(("not fetched:", name, *_place(mail.ref))).encode()).hexdigest()
        self.office.ledger.arrive(self._arrival(name, mail.ref, stand_in, mail.size))
        set_aside(self.office, stand_in, str(error), done)


def set_aside(office: Office, sha256: str, why: str, done: Round) -> None:
    """Take a mail out of the queue for a person, who sees it on top of the list, and beside its note."""
    record = office.ledger.message(sha256)
    promised = [office.promise_aside(record, why)] if record is not None else []
    office.ledger.set_aside(sha256, office.now(), why, promised)
    done.set_aside += 1
    log.error("mail set aside", mail=sha256[:12])


def _place(seen: Ref | MessageRecord) -> Place:
    return seen.folder, seen.generation, seen.uid
