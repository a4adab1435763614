"""Cases: which one a mail belongs to, what stands in it, and what is to be shown of all of them."""

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256

from sqlalchemy import Connection, func, select, update

from pipeline.domain.draft import Draft
from pipeline.domain.judgement import Decision, Verdict
from pipeline.ledger import effects, judgements, mails, upkeep
from pipeline.ledger.codec import decode, storable
from pipeline.ledger.errors import LedgerConflict, NoSuchCase
from pipeline.ledger.instants import microseconds
from pipeline.ledger.records import CaseRecord, Conclusion
from pipeline.ledger.reminder_records import NewCase
from pipeline.ledger.tables import cases, drafts, links, messages, verdicts
from pipeline.ledger.tables import judgements as judgement_rows
from pipeline.ledger.views import CaseSummary

_NUMBER = re.compile(r"CPL-(\d{4})-(\d{5,9})")
_NO_DUE = "9999"
_DAY = len("2026-11-21")

_NEAREST = 500
"""References looked up: a hostile mail may carry more than a database takes in one statement."""


def next_number(connection: Connection, year: int) -> str:
    """Return the number after the highest of that year: ``CPL-2026-00042``."""
    highest = connection.execute(select(func.max(cases.c.serial)).where(cases.c.year == year)).scalar()
    return f"CPL-{year:04}-{(highest or 0) + 1:05}"


def open_case(connection: Connection, conclusion: Conclusion) -> None:
    """Write the Case that a conclusion opens. LedgerConflict for a number that is taken or is none."""
    _write(
        connection,
        conclusion.case,
        at=conclusion.at,
        due=conclusion.due,
        subject=conclusion.subject,
        correspondent=conclusion.correspondent,
    )


def open_without_mail(connection: Connection, new: NewCase, at: str) -> str:
    """Write a Case that the pipeline opens itself, with its promises, under the next number, which is returned."""
    number = next_number(connection, new.year)
    _write(connection, number, at=at, due=new.due, subject=new.subject, correspondent="")
    link(connection, number, new.message_ids)
    effects.promise(connection, new.effects, at=at, case=number)
    return number


def _write(connection: Connection, number: str, *, at: str, due: str, subject: str, correspondent: str) -> None:
    parts = _NUMBER.fullmatch(number)
    if parts is None:
        raise LedgerConflict(f"{number!r} is no Case number such as CPL-2026-00042.")
    if exists(connection, number):
        raise LedgerConflict(f"The Case {number} is open already: take the next number.")
    connection.execute(
        cases.insert().values(
            number=number,
            year=int(parts[1]),
            serial=int(parts[2]),
            opened=at,
            due=due,
            state="open",
            subject=subject,
            correspondent=correspondent,
        )
    )


def exists(connection: Connection, number: str) -> bool:
    """Say whether there is a Case of that number."""
    return connection.execute(select(cases.c.number).where(cases.c.number == number)).first() is not None


def link(connection: Connection, number: str, message_ids: Iterable[str]) -> None:
    """Remember that these Message-IDs belong to the Case, so that a reply to one of them finds it."""
    for digest in {_digest(message_id) for message_id in message_ids if message_id}:
        there = select(links.c.seq).where(links.c.digest == digest, links.c.case_number == number)
        if connection.execute(there).first() is None:
            connection.execute(links.insert().values(digest=digest, case_number=number))


def case_of(connection: Connection, references: Sequence[str], subject_number: str) -> str:
    """Return the Case of the last reference that has one (the nearest ancestor), else the one the subject names.

    References come first because anybody can write a number into a subject.
    """
    digests = [_digest(reference) for reference in references[-_NEAREST:] if reference]
    rows = connection.execute(
        select(links.c.digest, links.c.case_number).where(links.c.digest.in_(digests)).order_by(links.c.seq)
    )
    found: dict[str, str] = {row.digest: row.case_number for row in rows}
    for digest in reversed(digests):
        if digest in found:
            return found[digest]
    return subject_number if exists(connection, subject_number) else ""


def close(connection: Connection, number: str, *, at: str, by: str, why: str) -> None:
    """Close an open Case. NoSuchCase, or LedgerConflict for one that is closed."""
    _move(connection, number, "open", "closed")
    upkeep.note(connection, at=at, who=by, what="closed", target=number, why=why)


def reopen(connection: Connection, number: str, *, at: str, by: str, why: str) -> None:
    """Open a Case again, if it is closed, as something new belongs to it."""
    if state_of(connection, number) == "closed":
        _move(connection, number, "closed", "open")
        upkeep.note(connection, at=at, who=by, what="opened again", target=number, why=why)


def state_of(connection: Connection, number: str) -> str:
    """Return ``open`` or ``closed``. NoSuchCase for a number that is not there."""
    state: str | None = connection.execute(select(cases.c.state).where(cases.c.number == number)).scalar()
    if state is None:
        raise _no_such(number)
    return state


def _move(connection: Connection, number: str, before: str, after: str) -> None:
    if state_of(connection, number) != before:
        raise LedgerConflict(f"The Case {number} is {after} already.")
    connection.execute(update(cases).where(cases.c.number == number).values(state=after))


def summaries(connection: Connection, state: str, at: str) -> tuple[CaseSummary, ...]:
    """Return the Cases in that state, the overdue ones first and those due first before the others.

    at: empty, where nobody asks what is overdue.
    """
    day = at[:_DAY] if at and microseconds(at) else ""
    newest = (
        select(judgement_rows.c.case_number, func.max(judgement_rows.c.seq).label("seq"))
        .group_by(judgement_rows.c.case_number)
        .subquery()
    )
    rows = connection.execute(
        select(cases, *(judgement_rows.c[name] for name in ("decision", "fails", "unclears", "worst")))
        .outerjoin(newest, newest.c.case_number == cases.c.number)
        .outerjoin(judgement_rows, judgement_rows.c.seq == newest.c.seq)
        .where(cases.c.state == state)
        .order_by(cases.c.year, cases.c.serial)
    )
    found = []
    for row in rows:
        decision = decode(row.decision, Decision) if row.decision else None
        found.append(
            CaseSummary(
                number=row.number,
                subject=row.subject,
                correspondent=row.correspondent,
                opened=row.opened,
                due=row.due,
                state=row.state,
                outcome=decision.outcome.value if decision else "",
                waits_for=decision.waits_for.value if decision and decision.waits_for else "",
                fails=row.fails or 0,
                unclears=row.unclears or 0,
                worst=row.worst or "",
                overdue=row.state == "open" and "" < row.due < day,
            )
        )
    return tuple(sorted(found, key=lambda case: (not case.overdue, case.due or _NO_DUE)))


def case(connection: Connection, number: str) -> CaseRecord:
    """Return a Case whole. NoSuchCase for a number that is not there."""
    row = connection.execute(select(cases).where(cases.c.number == number)).first()
    if row is None:
        raise _no_such(number)
    judged = judgements.of_case(connection, number)
    newest = connection.execute(
        select(judgement_rows.c.by, judgement_rows.c.by_hand)
        .where(judgement_rows.c.case_number == number)
        .order_by(judgement_rows.c.seq.desc())
    ).first()
    mail_rows = connection.execute(select(messages).where(messages.c.case_number == number).order_by(messages.c.seq))
    return CaseRecord(
        number=row.number,
        opened=row.opened,
        due=row.due,
        state=row.state,
        subject=row.subject,
        correspondent=row.correspondent,
        decision=judged[-1].decision if judged else None,
        decided_by=newest.by if newest and newest.by_hand else "",
        messages=tuple(mails.record(mail) for mail in mail_rows),
        judgements=judged,
        verdicts=_verdicts(connection, number),
        drafts=_drafts(connection, number),
        effects=effects.of_case(connection, number),
    )


def _verdicts(connection: Connection, number: str) -> tuple[Verdict, ...]:
    rows = connection.execute(select(verdicts).where(verdicts.c.case_number == number).order_by(verdicts.c.seq))
    return tuple(
        Verdict(
            check=row.check_id,
            subject=row.subject,
            submission=row.submission,
            passed=row.passed,
            why=row.why,
            by=row.by,
            at=row.at,
        )
        for row in rows
    )


def _drafts(connection: Connection, number: str) -> tuple[Draft, ...]:
    rows = connection.execute(select(drafts).where(drafts.c.case_number == number).order_by(drafts.c.seq))
    return tuple(
        Draft(kind=row.kind, message_id=row.message_id, to=row.recipient, subject=row.subject, raw=row.raw)
        for row in rows
    )


def _no_such(number: str) -> NoSuchCase:
    return NoSuchCase(f"There is no Case {number}: 'pipeline cases' lists them.")


def _digest(message_id: str) -> str:
    return sha256(storable(message_id).encode()).hexdigest()
