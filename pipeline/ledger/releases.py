"""Releases: everything that one new version of the CPL changes in the ledger, in one transaction."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from sqlalchemy import Connection, Row, func, select

from pipeline.ledger import amendments, cases, effects, standing, upkeep
from pipeline.ledger.codec import decode, encode
from pipeline.ledger.errors import LedgerConflict
from pipeline.ledger.instants import microseconds
from pipeline.ledger.records import InForce, NewEffect
from pipeline.ledger.release_records import Accepted, Published, ReleaseRecord
from pipeline.ledger.tables import judgements, published, releases, submissions

_ENTRY = re.compile(r"[0-9]{6}")
_CPL = "cpl"


def add(
    connection: Connection,
    record: ReleaseRecord,
    *,
    documents: Sequence[InForce],
    listed: Mapping[int, str],
    amended: Sequence[str],
    promises: Sequence[NewEffect],
) -> tuple[str, ...]:
    """Write a Release and all that comes with it; return the Cases that are closed by it, by number."""
    microseconds(record.at)
    _fits(connection, record, documents)
    found = {item.submission: item for item in standing.accepted(connection)}
    for submission in listed:
        if submission not in found:
            raise _not_accepted(connection, submission)
    connection.execute(
        releases.insert().values(
            version=record.version,
            base=record.base,
            cpl=record.cpl,
            at=record.at,
            by=record.by,
            issued=record.issued.isoformat(),
            manifest=encode(record.manifest),
            summary=encode(record.summary),
        )
    )
    upkeep.note(connection, at=record.at, who=record.by, what="release", target=record.version, why="")
    for document in documents:
        upkeep.put_in_force(connection, document)
    for submission, entry in listed.items():
        _list(connection, found[submission], entry, record.version)
    amendments.publish(connection, amended, record.version, at=record.at, by=record.by)
    effects.promise(connection, promises, at=record.at, release=record.version)
    touched = {found[submission].case for submission in listed} | amendments.cases_of(connection, amended)
    return _close_finished(connection, touched, record)


def history(connection: Connection) -> tuple[ReleaseRecord, ...]:
    """Return every Release, oldest first."""
    return tuple(_record(row) for row in connection.execute(select(releases).order_by(releases.c.seq)))


def of_version(connection: Connection, version: str) -> ReleaseRecord | None:
    """Return the Release of that version, if we made one."""
    row = connection.execute(select(releases).where(releases.c.version == version)).first()
    return _record(row) if row else None


def listed_in(connection: Connection, version: str) -> tuple[Published, ...]:
    """Return the Submissions that a Release has listed, by entry number."""
    rows = connection.execute(
        select(published, submissions.c.file, judgements.c.case_number)
        .join(submissions, published.c.submission == submissions.c.seq)
        .join(judgements, submissions.c.judgement == judgements.c.seq)
        .where(published.c.release_version == version)
    )
    found = (
        Published(
            version=row.release_version,
            entry=row.entry,
            submission=row.submission,
            case=row.case_number,
            message=row.message,
            file=row.file,
            artefact=row.artefact,
        )
        for row in rows
    )
    return tuple(sorted(found, key=lambda item: item.entry))


def highest_entry(connection: Connection) -> int:
    """Return the highest entry number that a Release of ours has given; 0 for none."""
    return int(connection.execute(select(func.max(published.c.entry))).scalar() or 0)


def _fits(connection: Connection, record: ReleaseRecord, documents: Sequence[InForce]) -> None:
    """Raise LedgerConflict unless the Release is new, and was planned on the list that is in force."""
    if of_version(connection, record.version) is not None:
        raise LedgerConflict(f"The version {record.version} of the CPL is released already: plan the next one.")
    in_force = upkeep.history(connection, _CPL)
    base = in_force[-1].artefact if in_force else ""
    if base != record.base:
        raise LedgerConflict(
            f"Version {record.version} was made from the CPL {record.base[:12]}, but {base[:12] or 'none'} is in force "
            "by now: plan it anew."
        )
    given = [(document.artefact, document.version) for document in documents if document.kind == _CPL]
    if given != [(record.cpl, record.version)]:
        raise LedgerConflict(f"The Release {record.version} puts exactly one CPL in force: its own.")


def _list(connection: Connection, item: Accepted, entry: str, version: str) -> None:
    """Write down which entry a Submission became. A number that was ever given is never given again."""
    if not _ENTRY.fullmatch(entry):
        raise LedgerConflict(f"{entry!r} is no entry number: six digits.")
    before = connection.execute(select(published.c.release_version).where(published.c.entry == entry)).scalar()
    if before is not None:
        raise LedgerConflict(f"The entry number {entry} was given already, in version {before}: plan anew.")
    connection.execute(
        published.insert().values(
            release_version=version,
            submission=item.submission,
            message=item.message,
            artefact=item.artefact,
            entry=entry,
        )
    )


def _not_accepted(connection: Connection, submission: int) -> LedgerConflict:
    before = connection.execute(
        select(published.c.release_version).where(published.c.submission == submission)
    ).scalar()
    if before is not None:
        return LedgerConflict(f"The submission {submission} is published already, in version {before}: plan anew.")
    return LedgerConflict(
        f"The submission {submission} is not accepted by a person (any more), or a later one has its place: plan anew."
    )


def _close_finished(connection: Connection, touched: Iterable[str], record: ReleaseRecord) -> tuple[str, ...]:
    """Close those open Cases of which nothing is left to publish."""
    closed = []
    for number in sorted(touched):
        if (
            cases.state_of(connection, number) == "open"
            and standing.all_listed(connection, number)
            and not amendments.open_in(connection, number)
        ):
            why = f"published in {record.version}"
            cases.close(connection, number, at=record.at, by=record.by, why=why)
            closed.append(number)
    return tuple(closed)


def _record(row: Row[tuple[object, ...]]) -> ReleaseRecord:
    return ReleaseRecord(
        version=row.version,
        base=row.base,
        cpl=row.cpl,
        at=row.at,
        by=row.by,
        issued=date.fromisoformat(row.issued),
        manifest=decode(row.manifest, dict[str, str]),
        summary=decode(row.summary, tuple[str, ...]),
    )
