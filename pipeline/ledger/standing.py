"""Submissions of open Cases that stand, and what a person or the checks alone have said of each."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select

from pipeline.domain.judgement import Decision, Outcome, Pending
from pipeline.domain.product import DeviceModel
from pipeline.ledger.codec import decode
from pipeline.ledger.release_records import Accepted
from pipeline.ledger.tables import cases, judgements, published, submissions

_Row = Row[tuple[Any, ...]]


def pending(connection: Connection, except_case: str) -> tuple[Pending, ...]:
    """Return the Submissions of other open Cases that may yet be listed: not refused, and with a Device Model."""
    return tuple(
        Pending(case=row.case_number, file=row.file, artefact=row.artefact, model=decode(row.model, DeviceModel))
        for row in _standing(connection)
        if row.case_number != except_case and row.model and row.entry is None and not _refused(row)
    )


def accepted(connection: Connection) -> tuple[Accepted, ...]:
    """Return what a person accepted and no Release has listed, oldest first.

    A judgement that came after the person's (of a later mail of the Case) holds all of the Case back: what was
    accepted may have been mended by it, and the person has not seen it.
    """
    words = _last_words(connection)
    return tuple(_accepted(row) for row in _unlisted(connection) if _by_a_person(row, words[row.case_number]))


def awaiting(connection: Connection) -> tuple[Accepted, ...]:
    """Return what is accepted but for a person's decision, oldest first; nothing of a Case they refused or asked about.

    What ``accepted`` holds back for a later mail is among it.
    """
    words = _last_words(connection)
    return tuple(
        _accepted(row)
        for row in _unlisted(connection)
        if row.outcome == Outcome.ACCEPT
        and not _refused(row)
        and words[row.case_number] in {None, Outcome.ACCEPT}
        and not _by_a_person(row, words[row.case_number])
    )


def all_listed(connection: Connection, case: str) -> bool:
    """Say whether every Submission of an open Case is published.

    One that was refused before the published ones were judged counts as mended by them.
    """
    rows = [row for row in _standing(connection) if row.case_number == case]
    last = max((row.judgement for row in rows if row.entry is not None), default=0)
    return all(row.entry is not None or (_refused(row) and row.judgement < last) for row in rows)


def _standing(connection: Connection) -> Iterator[_Row]:
    """Yield the Submissions of open Cases that nothing later has replaced, by Case.

    Each mail of a Case counts with its newest judgement (a mail that mends one Submission of a batch leaves the
    others standing), and of two mails of one Case that speak of the same Device Model the later one.
    """
    newest = select(func.max(judgements.c.seq)).group_by(judgements.c.message)
    rows = connection.execute(
        select(
            submissions,
            *(judgements.c[name] for name in ("message", "case_number", "at", "by", "by_hand")),
            judgements.c.decision.label("whole"),
            published.c.entry,
        )
        .join(judgements, submissions.c.judgement == judgements.c.seq)
        .join(cases, judgements.c.case_number == cases.c.number)
        .outerjoin(
            # Not by the number of the row: a workbook judged again after it was listed is still that one entry.
            published,
            and_(published.c.message == judgements.c.message, published.c.artefact == submissions.c.artefact),
        )
        .where(judgements.c.seq.in_(newest), cases.c.state == "open")
        .order_by(cases.c.year, cases.c.serial, submissions.c.seq)
    ).all()
    last_word = {(row.case_number, row.model): row.judgement for row in rows if row.model}
    for row in rows:
        if not row.model or last_word[row.case_number, row.model] == row.judgement:
            yield row


def _unlisted(connection: Connection) -> Iterator[_Row]:
    """Yield each workbook that stands and is not published, oldest first; once, though it may be twice in its mail."""
    seen = set()
    for row in sorted(_standing(connection), key=lambda row: row.seq):
        if row.artefact and row.entry is None and (row.message, row.artefact) not in seen:
            seen.add((row.message, row.artefact))
            yield row


def _last_words(connection: Connection) -> dict[str, Outcome | None]:
    """Return what a person said of each Case; None where its newest judgement is not by hand."""
    newest = select(func.max(judgements.c.seq)).group_by(judgements.c.case_number)
    rows = connection.execute(
        select(judgements.c.case_number, judgements.c.by_hand, judgements.c.decision).where(
            judgements.c.seq.in_(newest), judgements.c.case_number.is_not(None)
        )
    )
    return {row.case_number: decode(row.decision, Decision).outcome if row.by_hand else None for row in rows}


def _by_a_person(row: _Row, last_word: Outcome | None) -> bool:
    return (
        last_word is Outcome.ACCEPT
        and row.by_hand
        and row.outcome == Outcome.ACCEPT
        and decode(row.whole, Decision).outcome is Outcome.ACCEPT
    )


def _refused(row: _Row) -> bool:
    """Say whether the Submission was refused, alone or (by a person) with its whole mail."""
    if row.outcome == Outcome.REJECT:
        return True
    return row.by_hand and decode(row.whole, Decision).outcome is Outcome.REJECT


def _accepted(row: _Row) -> Accepted:
    return Accepted(
        submission=row.seq,
        case=row.case_number,
        message=row.message,
        file=row.file,
        artefact=row.artefact,
        device_type=row.device_type,
        model=decode(row.model, DeviceModel) if row.model else None,
        at=row.at,
        by=row.by if row.by_hand else "",
    )
