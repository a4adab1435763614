"""Cases: which one a mail belongs to, what stands in it, and what is to be shown of all of them."""

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256

from sqlalchemy import Connection, func, select

from pipeline.domain.draft import Draft
from pipeline.domain.judgement import Decision, Verdict
from pipeline.ledger import effects, judgements, mails
from pipeline.ledger.codec import decode, storable
from pipeline.ledger.errors import LedgerConflict, NoSuchCase
from pipeline.ledger.records import CaseRecord, Conclusion
from pipeline.ledger.tables import cases, drafts, links, messages, verdicts
from pipeline.ledger.tables import judgements as judgement_rows
from pipeline.ledger.views import CaseSummary

_NUMBER = re.compile(r"CPL-(\d{4})-(\d{5,9})")
_NO_DUE = "9999"

_NEAREST = 500
"""References looked up: a hostile mail may carry more than a database takes in one statement."""


def next_number(connection: Connection, year: int) -> str:
    """Return the number after the highest of that year: ``CPL-2026-00042``."""
    highest = connection.execute(select(func.max(cases.c.serial)).where(cases.c.year == year)).scalar()
    return f"CPL-{year:04}-{(highest or 0) + 1:05}"


def open_case(connection: Connection, conclusion: Conclusion) -> None:
    """Write the Case that a conclusion opens. LedgerConflict for a number that is taken or is none."""
    parts = _NUMBER.fullmatch(conclusion.case)
    if parts is None:
        raise LedgerConflict(f"{conclusion.case!r} is no Case number such as CPL-2026-00042.")
    if exists(connection, conclusion.case):
        raise LedgerConflict(f"The Case {conclusion.case} is open already: take the next number.")
    connection.execute(
        cases.insert().values(
            number=conclusion.case,
            year=int(parts[1]),
            serial=int(parts[2]),
            opened=conclusion.at,
            due=conclusion.due,
            state="open",
            subject=conclusion.subject,
            correspondent=conclusion.correspondent,
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


def summaries(connection: Connection, state: str) -> tuple[CaseSummary, ...]:
    """Return the Cases in that state, those due first first."""
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
            )
        )
    return tuple(sorted(found, key=lambda case: case.due or _NO_DUE))


def case(connection: Connection, number: str) -> CaseRecord:
    """Return a Case whole. NoSuchCase for a number that is not there."""
    row = connection.execute(select(cases).where(cases.c.number == number)).first()
    if row is None:
        raise NoSuchCase(f"There is no Case {number}: 'pipeline cases' lists them.")
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


def _digest(message_id: str) -> str:
    return sha256(storable(message_id).encode()).hexdigest()
