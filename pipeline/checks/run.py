"""Every check, in the order in which a clerk would ask, and the one place where they are run."""

from collections.abc import Iterator

from pipeline.checks import (
    alignment,
    certificates,
    duplicates,
    fields,
    fir,
    form,
    image,
    intake,
    letters,
    particulars,
    signature,
    smets1,
)
from pipeline.checks.matter import Check, Matter, Say
from pipeline.domain.finding import Finding
from pipeline.domain.form import Submission

CHECKS: tuple[Check, ...] = (
    intake.workbook,
    intake.encrypted,
    intake.unpacked,
    intake.sender,
    intake.authentic,
    intake.repeat,
    form.tab,
    form.file_type,
    form.version,
    form.layout,
    form.macro,
    form.entry_empty,
    *fields.FIELD_CHECKS,
    fields.combination,
    image.complete,
    image.upgrade_path,
    image.hash_reused,
    *signature.CHECKS,
    *certificates.CHECKS,
    *particulars.CHECKS,
    *alignment.CHECKS,
    *letters.CHECKS,
    duplicates.on_list,
    duplicates.in_batch,
    fir.url,
    fir.public,
    smets1.submitter,
    smets1.eligible,
    smets1.urgent,
)


def run_all(matter: Matter) -> tuple[Finding, ...]:
    """Run every check that is in force and has what it needs. A check that crashes is a ``broken`` Finding."""
    findings: list[Finding] = []
    matter.faulty.clear()
    for item in CHECKS:
        if matter.rules.stored and item.id not in matter.rules.checks:
            continue  # a check that did not exist when these rules were in force
        rule = matter.rules.checks[item.id]
        if rule.in_force(matter.circumstances.on) and _has(matter, item.needs):
            findings += _run(item, matter, Say(rule))
    return tuple(findings)


def _has(matter: Matter, needs: str) -> bool:
    submission: Submission = matter.submission
    if needs == "mail":
        return matter.first
    if needs == "file":
        return matter.first or bool(submission.file)
    read = bool(submission.file) and not submission.form.problems
    return read if needs == "workbook" else read and bool(submission.form.rows)


def _run(item: Check, matter: Matter, say: Say) -> Iterator[Finding]:
    found: list[Finding] = []
    try:
        found = list(item.judge(matter, say))
    except Exception as error:  # noqa: BLE001 - a crash of one check is a Finding, never an outage (design, section 4)
        # The error's own text may quote a RED value (law 8), so only its kind is told.
        found = [say.broken(f"The check '{item.id}' did not work ({type(error).__name__}). This is our own fault.")]
    yield from found or [say.ok()]
