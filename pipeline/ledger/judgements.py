"""Judgements in the tables and back: what was found under which rules, byte for byte."""

from collections.abc import Sequence

from sqlalchemy import Connection, Row, select

from pipeline.domain.finding import Finding, Status
from pipeline.domain.judgement import Circumstances, Decision, Judged
from pipeline.domain.product import DeviceModel
from pipeline.ledger.codec import decode, encode
from pipeline.ledger.instants import microseconds
from pipeline.ledger.records import Judgement
from pipeline.ledger.tables import judgements, submissions

_WORST_FIRST = (Status.FAIL, Status.BROKEN, Status.UNCLEAR)


def add(
    connection: Connection, judgement: Judgement, case: str, *, by: str = "", why: str = "", by_hand: bool = False
) -> None:
    """Write a judgement and its Submissions. by, why: the person it was made again for, and their reason."""
    microseconds(judgement.at)
    findings = [finding for judged in judgement.judged for finding in judged.findings]
    written = connection.execute(
        judgements.insert()
        .values(
            message=judgement.message,
            case_number=case or None,
            at=judgement.at,
            rules=judgement.rules,
            version=judgement.version,
            circumstances=encode(judgement.circumstances),
            decision=encode(judgement.decision),
            fails=sum(finding.status is Status.FAIL for finding in findings),
            unclears=sum(finding.status in {Status.UNCLEAR, Status.BROKEN} for finding in findings),
            worst=_worst(findings),
            by_hand=by_hand,
            by=by,
            why=why,
        )
        .returning(judgements.c.seq)
    ).scalar_one()
    rows = [
        {
            "judgement": written,
            "position": position,
            "file": judged.file,
            "artefact": judged.artefact,
            "device_type": judged.device_type,
            "model": encode(judged.model) if judged.model else None,
            "findings": encode(judged.findings),
            "decision": encode(judged.decision),
            "outcome": judged.decision.outcome,
        }
        for position, judged in enumerate(judgement.judged)
    ]
    if rows:
        connection.execute(submissions.insert(), rows)


def of_case(connection: Connection, number: str) -> tuple[Judgement, ...]:
    """Return the judgements of a Case, oldest first."""
    written = connection.execute(
        select(judgements).where(judgements.c.case_number == number).order_by(judgements.c.seq)
    ).all()
    parts = connection.execute(
        select(submissions)
        .where(submissions.c.judgement.in_([row.seq for row in written]))
        .order_by(submissions.c.judgement, submissions.c.position)
    ).all()
    return tuple(
        Judgement(
            message=row.message,
            at=row.at,
            rules=row.rules,
            version=row.version,
            circumstances=decode(row.circumstances, Circumstances),
            judged=tuple(_judged(part) for part in parts if part.judgement == row.seq),
            decision=decode(row.decision, Decision),
        )
        for row in written
    )


def judged_before(connection: Connection, artefacts: Sequence[str]) -> dict[str, str]:
    """Return, for each workbook sha256 that a Case has judged, the number of the first such Case."""
    rows = connection.execute(
        select(submissions.c.artefact, judgements.c.case_number)
        .join(judgements, submissions.c.judgement == judgements.c.seq)
        .where(submissions.c.artefact.in_(set(artefacts) - {""}), judgements.c.case_number.is_not(None))
        .order_by(submissions.c.seq.desc())
    )
    return {row.artefact: row.case_number for row in rows}


def _judged(row: Row[tuple[object, ...]]) -> Judged:
    return Judged(
        file=row.file,
        artefact=row.artefact,
        device_type=row.device_type,
        model=decode(row.model, DeviceModel) if row.model else None,
        findings=decode(row.findings, tuple[Finding, ...]),
        decision=decode(row.decision, Decision),
    )


def _worst(findings: Sequence[Finding]) -> str:
    for status in _WORST_FIRST:
        for finding in findings:
            if finding.status is status:
                return finding.message
    return ""
