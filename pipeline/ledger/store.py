"""The ledger: what was seen, found, decided, promised and done. Every writing method is one commit.

Any method may raise LedgerBusy (try later) or LedgerRefused (a person is needed). Times are RFC 3339 text given by
the caller; ValueError for any other text. Where a method is longer than a line, it stands in the module it calls.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Self

from pipeline.domain.judgement import Pending
from pipeline.domain.release import Amendment
from pipeline.ledger import canon, cases, certificates, effects, judgements, leases, mails, standing, steps, upkeep
from pipeline.ledger.database import BUSY_SECONDS, Database
from pipeline.ledger.mails import Place
from pipeline.ledger.migrate import migrate
from pipeline.ledger.procedure import Procedure
from pipeline.ledger.records import Arrival, CaseRecord, Conclusion, Effect, InForce, MessageRecord, NewEffect, Rejudged
from pipeline.ledger.views import AuditEntry, CaseSummary, Health


class Ledger(Procedure):
    """An open ledger. Safe to use from several threads and several processes: one writes at a time."""

    def __init__(self, database: Database) -> None:
        """Use a database that is at the newest revision; ``Ledger.open`` sees to that."""
        self._database = database

    @classmethod
    def open(cls, url: str, *, busy_seconds: float = BUSY_SECONDS) -> Self:
        """Open, and where needed make or migrate, the database of a SQLAlchemy URL.

        ``sqlite:///var/ledger.db`` (a path relative to the current folder) or
        ``postgresql+pg8000://user:password@host/name``. busy_seconds: how long a step waits for another writer.
        LedgerRefused for an address that cannot be used and for a database written by a newer version.
        """
        database = Database(url, busy_seconds)
        try:
            migrate(database)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    # Mails as they come.

    def known(self, mailbox: str, refs: Sequence[Place]) -> set[Place]:
        """Return those (folder, generation, uid) of a mailbox where a mail was recorded before."""
        with self._database.read() as connection:
            return mails.known(connection, mailbox, refs)

    def arrive(self, arrival: Arrival) -> bool:
        """Record a mail fetched to the spool; True when its bytes were never seen before.

        Known bytes seen at another place move the mail's record to that place.
        """
        with self._database.write() as connection:
            return mails.arrive(connection, arrival)

    def waiting(self) -> tuple[MessageRecord, ...]:
        """Return the mails that are received and not concluded, oldest first.

        note: what trouble of our own the last attempt met, or empty.
        """
        with self._database.read() as connection:
            return mails.waiting(connection)

    def message(self, sha256: str) -> MessageRecord | None:
        """Return the mail of those bytes with the place it was last seen at, if it was ever recorded."""
        with self._database.read() as connection:
            return mails.message(connection, sha256)

    def copies(self, sha256: str) -> tuple[Place, ...]:
        """Return the other places of its folder at which a mail of those bytes was seen: copies of it may lie there."""
        with self._database.read() as connection:
            return mails.copies(connection, sha256)

    def begin(self, sha256: str, at: str) -> int:
        """Count an attempt at a waiting mail before it is made; the attempts so far, this one included."""
        with self._database.write() as connection:
            return mails.begin(connection, sha256, at)

    def met_trouble(self, sha256: str, why: str) -> None:
        """Note that an attempt at a waiting mail met trouble of our own, so that it is not held against the mail."""
        with self._database.write() as connection:
            mails.met_trouble(connection, sha256, why)

    def set_aside(self, sha256: str, at: str, why: str, promised: Sequence[NewEffect] = ()) -> None:
        """Take a waiting mail that cannot be judged out of the queue, for a person to see, with what is promised."""
        with self._database.write() as connection:
            mails.set_aside(connection, sha256, at, why)
            effects.promise(connection, promised, at=at, message=sha256)

    def set_aside_messages(self) -> tuple[MessageRecord, ...]:
        """Return the mails that were set aside, oldest first; ``note`` says why."""
        with self._database.read() as connection:
            return mails.set_aside_messages(connection)

    # What a judgement needs to know.

    def next_case_number(self, year: int) -> str:
        """Return the number for the next Case of a year. Two workers may be told the same: one ``conclude`` wins."""
        with self._database.read() as connection:
            return cases.next_number(connection, year)

    def case_of(self, references: Sequence[str], subject_number: str) -> str:
        """Return the Case a mail belongs to, or empty text.

        references: the Message-IDs it refers to, oldest first, In-Reply-To last. subject_number: the Case number
        found in its subject, or empty; used only where no reference belongs to a Case.
        """
        with self._database.read() as connection:
            return cases.case_of(connection, references, subject_number)

    def judged_before(self, artefact: str) -> str:
        """Return the first Case that judged a workbook of that sha256, or empty text."""
        return self.earlier_same([artefact]).get(artefact, "")

    def earlier_same(self, artefacts: Sequence[str]) -> dict[str, str]:
        """Return workbook sha256 to the first Case that judged it, for those judged before."""
        with self._database.read() as connection:
            return judgements.judged_before(connection, artefacts)

    def drafted_since(self, since: str, *, sender: str = "", case: str = "") -> tuple[int, int]:
        """Return how many drafts were made from that moment on for mails of this sender, and in this Case."""
        with self._database.read() as connection:
            return mails.drafted_since(connection, since, sender, case)

    def pending_submissions(self, except_case: str) -> tuple[Pending, ...]:
        """Return the Submissions of other open Cases that may yet be listed: not refused, with a Device Model."""
        with self._database.read() as connection:
            return standing.pending(connection, except_case)

    def known_certificates(self, keys: Collection[str], except_message: str) -> Mapping[str, tuple[str, str]]:
        """Return what the first other mail said under these certificate keys: sha256 of the file, and its summary."""
        with self._database.read() as connection:
            return certificates.known(connection, keys, except_message)

    # Decisions.

    def conclude(self, conclusion: Conclusion, proposals: Sequence[Amendment] = ()) -> None:
        """Commit what a mail came to, with its Case, judgement, drafts and promises, whole or not at all.

        A closed Case that the mail joins is opened again. proposals: the Amendments of that Case that the mail asks
        for, each under ``next_amendment_number``; they wait for a person.

        LedgerConflict where the mail is not waiting (concluded before, set aside, unknown), where the number of a new
        Case or of a proposal is taken, or where a draft's Message-ID stands for another text. NoSuchCase where it
        joins none.
        """
        with self._database.write() as connection:
            steps.conclude(connection, conclusion, proposals)

    def rejudge(self, again: Rejudged) -> None:
        """Commit a Case judged again on a person's word; a closed one is opened again.

        NoSuchCase, or LedgerConflict for a mail that is not of the Case.
        """
        with self._database.write() as connection:
            steps.rejudge(connection, again)

    # The outbox.

    def effects_due(self, at: str) -> tuple[Effect, ...]:
        """Return the promises to be kept at that time, in the order they were made."""
        with self._database.read() as connection:
            return effects.due(connection, at)

    def effect_begins(self, key: str, at: str, token: int | None = None) -> None:
        """Note that a promise is about to be kept, in a commit of its own, before a network is touched.

        Needed where the act cannot be looked for afterwards, such as a mail that is sent. LedgerConflict unless it is
        pending: of two workers one wins. token, here and below: of the lease that the caller works under;
        LedgerConflict where it is not the newest.
        """
        with self._database.write() as connection:
            effects.begins(connection, key, at, token)

    def effect_done(self, key: str, at: str, note: str, token: int | None = None) -> None:
        """Note that a promise was kept. Harmless to repeat; LedgerConflict for one never made."""
        with self._database.write() as connection:
            effects.done(connection, key, at, note, token)

    def moved_aside(self, key: str, at: str, folder: str, note: str, token: int | None = None) -> None:
        """Note that a mail was set aside in its mailbox, and that it lies in ``folder`` now. Errors as above."""
        with self._database.write() as connection:
            effects.done(connection, key, at, note, token)
            mails.lies_in(connection, effects.message_of(connection, key), folder)

    def effect_failed(self, key: str, at: str, error: str, retry_at: str | None, token: int | None = None) -> None:
        """Note a failed attempt: due again at ``retry_at``, or held for a person.

        Also makes one of unknown outcome due again or held. LedgerConflict for one that was kept, held or never made.
        """
        with self._database.write() as connection:
            effects.failed(connection, key, at, error, retry_at=retry_at, token=token)

    def effect_unsure(self, key: str, at: str, error: str, token: int | None = None) -> None:
        """Note that the outcome of an attempt that was begun cannot be known: it waits for a person.

        LedgerConflict unless it was begun. Where the policy is to try again, ``effect_failed`` makes it due.
        """
        with self._database.write() as connection:
            effects.unsure(connection, key, at, error, token)

    def stranded(self, at: str) -> tuple[Effect, ...]:
        """Return the promises whose outcome is unknown, those included that a process now gone has begun.

        Gone: it began without a lease, or its lease at that time has run out, was given back or is another's. Asked
        when a worker starts, after it has its lease; without leases, only while no other worker runs.
        """
        with self._database.write() as connection:
            return effects.stranded(connection, at)

    def retry(self, what: str, at: str, *, by: str = "", why: str = "") -> int:
        """Put set-aside mails (attempts 0) and held or unknown promises back to work; how many there were.

        what: a Case number, the version of a Release, the key of a promise (such as that of a reminder), or six or more
        digits of a mail's sha256. NoSuchCase where it
        names nothing, or more than one mail.
        """
        with self._database.write() as connection:
            return upkeep.retry(connection, what, at=at, by=by, why=why)

    # Which of several workers may act.

    def lease(self, name: str, owner: str, at: str, seconds: int) -> int | None:
        """Take the lease of that name for so long; its fencing token, or None while anybody holds it.

        owner: names the process, for people to read. A token is higher than every one given before.
        """
        with self._database.write() as connection:
            return leases.take(connection, name, owner, at, seconds)

    def renew(self, token: int, at: str, seconds: int) -> None:
        """Let a lease run on from ``at``. LedgerConflict where it was given back or is another's by now."""
        with self._database.write() as connection:
            leases.renew(connection, token, at, seconds)

    def release_lease(self, token: int) -> None:
        """Give a lease back. Harmless where it is another's by now."""
        with self._database.write() as connection:
            leases.give_back(connection, token)

    # What people look at.

    def cases(self, state: str = "open", at: str = "") -> tuple[CaseSummary, ...]:
        """Return one line per Case in that state (``open`` or ``closed``): the overdue ones, then those due first.

        at: the moment that says what is overdue, with the offset of the office, as its date is compared with the due
        day; nothing is marked overdue where it is left out.
        """
        with self._database.read() as connection:
            return cases.summaries(connection, state, at)

    def case(self, number: str) -> CaseRecord:
        """Return one Case whole, as it stood at one moment. NoSuchCase for a number that is not there."""
        with self._database.read() as connection:
            return cases.case(connection, number)

    def audit(self) -> tuple[AuditEntry, ...]:
        """Return every change by a person, oldest first."""
        with self._database.read() as connection:
            return upkeep.trail(connection)

    # The lists in force, and the state of the work.

    def put_in_force(self, document: InForce, *, by: str = "", why: str = "") -> None:
        """Record a document taken over; from now on it is the one in force of its kind."""
        with self._database.write() as connection:
            upkeep.take_over(connection, document, by=by, why=why)

    def in_force(self, kind: str) -> InForce | None:
        """Return the document of that kind taken over last, if any."""
        history = self.in_force_history(kind)
        return history[-1] if history else None

    def in_force_history(self, kind: str) -> tuple[InForce, ...]:
        """Return every document of that kind ever taken over, oldest first."""
        with self._database.read() as connection:
            return upkeep.history(connection, kind)

    def note_poll(self, mailbox: str, at: str, ok: bool, text: str) -> None:
        """Record the last visit to a mailbox: whether it went well, and what was said."""
        with self._database.write() as connection:
            upkeep.note_poll(connection, mailbox, at=at, ok=ok, text=text)

    def health(self, at: str) -> Health:
        """Return how the work stands at that moment: what waits, how long, and the last visit to each mailbox."""
        with self._database.read() as connection:
            return upkeep.health(connection, at)

    def dump(self) -> dict[str, Any]:
        """Return the logical content, without times and attempts, to compare the work of two runs."""
        with self._database.read() as connection:
            return canon.dump(connection)
