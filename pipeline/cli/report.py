"""How a judgement is shown: as JSON (docs/reference/check.schema.json) and as text for a terminal."""

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.domain.finding import Finding, Status
from pipeline.domain.judgement import Decision, Judged
from pipeline.domain.message import Message
from pipeline.domain.product import DEVICE_MODEL

_TOLD = (Status.FAIL, Status.BROKEN, Status.UNCLEAR, Status.ADVICE)
_MOST_SHOWN = 200
"""Characters of a value as read that a terminal line shows; ``--json`` has all of them."""


def as_json(
    kind: str, rules: str, message: Message | None, judged: Sequence[Judged], decision: Decision | None
) -> dict[str, Any]:
    """Return the one object of ``pipeline check --json``. decision is null for a mail that is not judged."""
    return {
        "schema": 1,
        "kind": kind,
        "rules": rules,
        "decision": decision.outcome.value if decision else None,
        "message": _message(message) if message else None,
        "submissions": [_submission(item) for item in judged],
    }


def _message(message: Message) -> dict[str, str]:
    return {
        "sha256": message.sha256,
        "from": message.senders[0].addr if message.senders else "",
        "subject": message.subject,
        "message_id": message.message_id,
    }


def _submission(item: Judged) -> dict[str, Any]:
    return {
        "workbook": item.file,
        "device_type": item.device_type,
        "decision": item.decision.outcome.value,
        "device_model": _model(item),
        "findings": [finding_json(finding) for finding in item.findings],
    }


def _model(item: Judged) -> Mapping[str, str] | None:
    model = item.model
    if model is None:
        return None
    names = [name.split(".", 1)[1] for name in DEVICE_MODEL]
    return dict(zip(names, [*model.hardware, model.firmware_version], strict=True))


def finding_json(finding: Finding) -> dict[str, Any]:
    """Return one Finding as JSON: the four keys of the contract first, then what else is known."""
    return {
        "check": finding.check,
        "status": finding.status.value,
        "message": finding.message,
        "clause": finding.clause,
        "evidence": [
            {"artefact": e.artefact, "file": e.file, "where": e.where, "text": e.text} for e in finding.evidence
        ],
        "subject": finding.subject,
        "expected": finding.expected,
        "remedy": finding.remedy,
        "settle": finding.settle.value if finding.settle else None,
    }


def as_text(judged: Sequence[Judged], decision: Decision | None) -> Iterable[str]:
    """Yield the lines a clerk reads: each Submission, what is to be said of it, and what follows."""
    for item in judged:
        device = f"{item.device_type or 'no Device Type'}, {item.model or 'no Device Model'}"
        yield printable(f"{item.file or 'The mail'}: {device}")
        told = [finding for status in _TOLD for finding in item.findings if finding.status is status]
        for finding in told:
            yield from finding_lines(finding)
        passed = sum(finding.status is Status.PASS for finding in item.findings)
        yield f"  {passed} of {len(item.findings)} checks passed. {sentence(item.decision)}"
        yield ""
    if decision:
        yield f"Decision: {sentence(decision)}"


def finding_lines(finding: Finding) -> Iterable[str]:
    """Yield one Finding: status, check, sentence, then places, what is expected, what to do, clause."""
    settle = f" (for the {finding.settle.value})" if finding.settle else ""
    yield f"  {finding.status.value.upper():8} {finding.check}{settle}"
    yield f"           {printable(finding.message)}"
    for e in finding.evidence:
        place = ", ".join(part for part in (e.file, e.where) if part)
        yield f"           at {printable(place)}" + (f": '{printable(e.text[:_MOST_SHOWN])}'" if e.text else "")
    for label, text in (("expected", finding.expected), ("do", finding.remedy)):
        if text:
            yield f"           {label}: {printable(text)}"
    yield f"           {finding.clause}"


def sentence(decision: Decision) -> str:
    """Return a Decision as a sentence."""
    waits = f" It waits for the {decision.waits_for.value}." if decision.waits_for else ""
    return f"{decision.outcome.value.upper()}: {printable(decision.reason)}{waits}"


def open_points(judged: Sequence[Judged]) -> list[tuple[str, Finding]]:
    """Return what waits for a person's word: each point with the file it is about."""
    return [(item.file, finding) for item in judged for finding in item.findings if finding.status is Status.UNCLEAR]


def confirming(number: str, judged: Sequence[Judged]) -> str:
    """Return the command that settles the first open point of a Case, ready for the shell; empty where none is open."""
    points = open_points(judged)
    if not points:
        return ""
    file, finding = points[0]
    words = ["pipeline", "confirm", number, finding.check, "pass"]
    if Counter(point.check for _, point in points)[finding.check] > 1:
        words += ["--submission", file, "--subject", finding.subject]
    return printable(shlex.join([*words, "--why", "Looked at it"]))


def printable(text: str) -> str:
    """Return a stranger's text fit for a terminal: control and direction characters made visible."""
    return "".join(c if c.isprintable() or c == " " else f"\\u{ord(c):04x}" for c in " ".join(text.split()))
