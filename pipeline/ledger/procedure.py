"""The side of the ledger that Releases and reminders need.

What is accepted, Amendments, Releases, the end of a Case; promises by their keys, and what came back of them.
"""

from collections.abc import Mapping, Sequence

from pipeline.domain.bounce import Bounce
from pipeline.domain.release import Amendment
from pipeline.ledger import amendments, bounces, cases, effects, releases, standing, steps
from pipeline.ledger.database import Database
from pipeline.ledger.instants import microseconds
from pipeline.ledger.records import Effect, InForce, NewEffect, Replied
from pipeline.ledger.release_records import Accepted, AmendmentState, Published, ReleaseRecord
from pipeline.ledger.reminder_records import BounceRecord, NewCase, Promised


class Procedure:
    """Methods of ``store.Ledger``, which says what all of them have in common."""

    _database: Database

    # What is to be listed.

    def accepted(self) -> tuple[Accepted, ...]:
        """Return the Submissions that a person accepted (``pipeline decide``) and no Release has listed, oldest first.

        A Case into which another judgement came after the person's is left out until they decide again.
        """
        with self._database.read() as connection:
            return standing.accepted(connection)

    def awaiting(self) -> tuple[Accepted, ...]:
        """Return the Submissions that are accepted but for a person's decision, oldest first."""
        with self._database.read() as connection:
            return standing.awaiting(connection)

    # Changes without a form.

    def next_amendment_number(self, year: int) -> str:
        """Return the number for the next Amendment of a year. Two callers may be told the same: one write wins."""
        with self._database.read() as connection:
            return amendments.next_number(connection, year)

    def propose(self, amendment: Amendment) -> None:
        """Record what waits for a person. by: who asked for it. For one that comes with a mail, see ``conclude``.

        LedgerConflict for a number that is taken or is none, NoSuchCase for a Case that is not there.
        """
        with self._database.write() as connection:
            amendments.add(connection, amendment, AmendmentState.PROPOSED)

    def order(self, amendment: Amendment) -> None:
        """Record what a person orders: the next Release publishes it. Errors as ``propose``."""
        with self._database.write() as connection:
            amendments.add(connection, amendment, AmendmentState.ORDERED)

    def amendments(self, state: AmendmentState) -> tuple[Amendment, ...]:
        """Return the Amendments in that state, by number."""
        with self._database.read() as connection:
            return amendments.in_state(connection, state)

    def accept_amendment(self, number: str, at: str, *, by: str, why: str) -> None:
        """Order a proposed Amendment; from now on it is that person's. LedgerConflict where it is not proposed."""
        with self._database.write() as connection:
            amendments.accept(connection, number, at=at, by=by, why=why)

    def withdraw_amendment(self, number: str, at: str, *, by: str, why: str) -> None:
        """Take back a proposed or ordered Amendment. LedgerConflict where it is neither."""
        with self._database.write() as connection:
            amendments.withdraw(connection, number, at=at, by=by, why=why)

    # Releases.

    def release(
        self,
        record: ReleaseRecord,
        documents: Sequence[InForce],
        effects: Sequence[NewEffect] = (),
        *,
        published: Mapping[int, str],
        amendments: Sequence[str] = (),
    ) -> tuple[str, ...]:
        """Commit a Release whole or not at all; return the Cases that it closed.

        documents: what it puts in force, its CPL among them. published: ledger number of each Submission to its entry
        number. amendments: their numbers. A Case is closed when all its Submissions are published and none of its
        Amendments is open; one refused before those that are published counts as mended by them.
        LedgerConflict where the CPL in force is not the ``base``, the version is there, an entry number was given
        before, or a Submission or Amendment is published already or no longer accepted.
        """
        with self._database.write() as connection:
            return releases.add(
                connection, record, documents=documents, listed=published, amended=amendments, promises=effects
            )

    def releases(self) -> tuple[ReleaseRecord, ...]:
        """Return every Release, oldest first."""
        with self._database.read() as connection:
            return releases.history(connection)

    def release_of(self, version: str) -> ReleaseRecord | None:
        """Return the Release of that version, if the pipeline made one."""
        with self._database.read() as connection:
            return releases.of_version(connection, version)

    def published_in(self, version: str) -> tuple[Published, ...]:
        """Return the Submissions that a Release has listed, by entry number."""
        with self._database.read() as connection:
            return releases.listed_in(connection, version)

    def effects_of_release(self, version: str) -> tuple[Effect, ...]:
        """Return the promises of a Release, in the order they were made."""
        with self._database.read() as connection:
            return effects.of_release(connection, version)

    def highest_entry_number(self) -> int:
        """Return the highest entry number that a Release of the pipeline has given; 0 for none."""
        with self._database.read() as connection:
            return releases.highest_entry(connection)

    # Reminders, and what comes back of a mail.

    def promise(
        self,
        new: Sequence[NewEffect],
        at: str,
        *,
        cases_of: Sequence[NewCase] = (),
        withdrawn: Mapping[str, str] | None = None,
        reworded: Sequence[NewEffect] = (),
    ) -> tuple[str, ...]:
        """Commit what a day asks for, whole or not at all; return the numbers of the Cases it opens.

        A key that was promised before stays as it is, unless it was withdrawn before it was begun. cases_of: Cases
        without a mail, each with promises of its own; one is not opened where its first promise was made before.
        withdrawn: key to why it is not kept any more; reworded: payloads for promises that stand. Both leave alone
        what is being kept, or was.
        """
        microseconds(at)
        with self._database.write() as connection:
            effects.withdraw(connection, withdrawn or {})
            effects.reword(connection, reworded)
            effects.promise(connection, new, at=at)
            wanted = [case for case in cases_of if not effects.promised(connection, case.effects[0].key)]
            return tuple(cases.open_without_mail(connection, case, at) for case in wanted)

    def promised(self, prefix: str) -> tuple[Promised, ...]:
        """Return the promises whose key begins so, with their history, in the order they were made."""
        with self._database.read() as connection:
            return effects.promised(connection, prefix)

    def note_bounces(self, message: str, found: Sequence[Bounce], at: str) -> int:
        """Record what a mail says of mails of ours that came back; how many there are. Harmless to repeat.

        message: sha256 of a mail that is recorded. A Message-ID that is of no promise of ours is passed over.
        """
        microseconds(at)
        with self._database.write() as connection:
            return bounces.note(connection, message, found, at)

    def bounces(self) -> tuple[BounceRecord, ...]:
        """Return what came back, oldest first."""
        with self._database.read() as connection:
            return bounces.all_of_them(connection)

    # What people do themselves, and the end of a Case.

    def replied(self, said: Replied) -> None:
        """Commit what a reply that a person sent says of its Case; noted before, nothing is changed. NoSuchCase.

        A judgement settles what was asked about replies sent earlier. LedgerConflict where it closes a Case that is
        closed, or of which an accepted Submission waits to be published.
        """
        with self._database.write() as connection:
            steps.replied(connection, said)

    def close_case(self, number: str, at: str, *, by: str, why: str) -> None:
        """Close a Case that a person has dealt with; a mail that joins it, or a new decision, opens it again.

        LedgerConflict where it is closed, or where an accepted Submission of it waits to be published.
        """
        with self._database.write() as connection:
            steps.close(connection, number, at=at, by=by, why=why)
