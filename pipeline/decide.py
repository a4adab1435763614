"""From Findings to a Decision: the ordered tables of rules/decision.yaml, and a person's word on open points."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pipeline.domain.finding import Finding, Status
from pipeline.domain.judgement import Decision, Judged, Verdict
from pipeline.rulebook import Rulebook
from pipeline.rulebook.schema import MailRow, MailWhen, SubmissionWhen


def decide_submission(findings: Sequence[Finding], rules: Rulebook) -> Decision:
    """Conclude about one Submission: the first row of the table that holds. No Findings at all are our own fault."""
    for row in rules.decision.submission:
        if _submission_holds(row.when, findings):
            return Decision(row.outcome, row.id, row.reason, row.waits_for)
    raise AssertionError("the rulebook guarantees a last row that always holds")


def decide_mail(judged: Sequence[Judged], rules: Rulebook) -> tuple[Decision, str]:
    """Conclude about a whole mail. Returns the Decision and the template of the reply, empty for none yet.

    A mail without a single Submission is decided as one about which nothing was found: our own fault.
    """
    if not judged:
        return decide_submission((), rules), ""
    row = next(row for row in rules.decision.mail if _mail_holds(row.when, judged))
    return Decision(row.outcome, row.id, row.reason, row.waits_for), row.template


def template_of(decision: Decision, rules: Rulebook) -> str:
    """Return the template of the mail row that made a Decision; empty when it drafts nothing."""
    rows: Iterable[MailRow] = rules.decision.mail
    return next((row.template for row in rows if row.id == decision.row), "")


def _submission_holds(when: SubmissionWhen, findings: Sequence[Finding]) -> bool:
    if when.none:
        return not findings
    if when.any is not None:
        return any(f.status is when.any and when.settle in {None, f.settle} for f in findings)
    return when.otherwise


def _mail_holds(when: MailWhen, judged: Sequence[Judged]) -> bool:
    if when.nothing_beyond:
        return all(_nothing_beyond(when.nothing_beyond, item.findings) for item in judged)
    if when.any is not None:
        return any(
            item.decision.outcome is when.any and when.waits_for in {None, item.decision.waits_for} for item in judged
        )
    return when.otherwise


def _nothing_beyond(topic: str, findings: Sequence[Finding]) -> bool:
    faulty = any(f.status is Status.FAIL for f in findings)
    return faulty and all(f.check.startswith(f"{topic}.") for f in findings)


def settle(findings: Sequence[Finding], verdicts: Iterable[Verdict], file: str) -> tuple[Finding, ...]:
    """Put a person's Verdicts in the place of the ``unclear`` Findings they speak of; the last word counts."""
    words = {(v.check, v.subject): v for v in verdicts if v.submission == file}
    settled = []
    for finding in findings:
        word = words.get((finding.check, finding.subject))
        if word is None or finding.status is not Status.UNCLEAR:
            settled.append(finding)
            continue
        status = Status.PASS if word.passed else Status.FAIL
        message = finding.message if word.passed else f"{finding.message} {_sentence(word.why)}"
        settled.append(replace(finding, status=status, settle=None, message=message))
    return tuple(settled)


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if text.endswith((".", "!", "?")) else f"{text}."
