"""From a form as it stands to a Submission: each answer found by its field and brought into its normal text.

Normalising is only what SECAS's own macro or a careful clerk would do without asking (outer blanks, upper case of
hexadecimal, the spelling of a listed value, the separators of a list of entry numbers); whatever was changed is kept
in ``Answer.changes``, so that a check can tell the submitter.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.domain.certificate import CertificateReading
from pipeline.domain.form import Answer, Change, Form, FormRow, Submission, Template
from pipeline.domain.signature import SignatureReading
from pipeline.rulebook import Rulebook
from pipeline.rulebook.schema import Choice, FieldRule, Hex, UpgradePath

_PATH_SEPARATORS = re.compile(r"\s*[;,\n]\s*|\s+")


@dataclass(frozen=True, slots=True)
class CloserLook:
    """What was read of a workbook besides its form. signature is None where nobody looked."""

    signature: SignatureReading | None = None
    macro_differs: tuple[str, ...] = ()


def assemble(
    file: str,
    artefact: str,
    form: Form,
    *,
    rules: Rulebook,
    template: Template | None,
    documents: Iterable[str] = (),
    closer: CloserLook = CloserLook(),
    certificates: tuple[CertificateReading, ...] = (),
) -> Submission:
    """Make a Submission of a form.

    template: the CPL in force, for its drop-downs and the texts of a blank form. closer: what a closer look at the
    workbook's signature and macro showed. certificates: every document of the mail, as read.
    """
    answers: dict[str, Answer] = {}
    for row in form.rows:
        if row.field not in answers:
            answers[row.field] = _answer(row, rules.fields.get(row.field), template)
    return Submission(
        file, artefact, form, answers, tuple(documents), closer.signature, closer.macro_differs, certificates
    )


def _answer(row: FormRow, rule: FieldRule | None, template: Template | None) -> Answer:
    raw = row.answer.text
    text = raw.strip()
    changes = [Change.TRIMMED] if text != raw else []
    if template and text and text == template.placeholders.get(row.field, "").strip():
        return Answer(row.field, row.number, row.answer, "")
    if rule and text:
        text, change = _normal(text, rule, template)
        changes += [change] if change else []
    return Answer(row.field, row.number, row.answer, text, tuple(changes))


def _normal(text: str, rule: FieldRule, template: Template | None) -> tuple[str, Change | None]:
    if isinstance(rule.format, Hex):
        # Only plain letters: the upper case of the ligature U+FB00 would be the two digits FF.
        upper = text.upper() if text.isascii() else text
        return upper, Change.UPPER if upper != text else None
    if isinstance(rule.format, Choice):
        offered = template.lists.get(rule.field, ()) if template else ()
        spoken = _spoken(text)
        for value in (*offered, *rule.format.values, *rule.format.withdrawn):
            if _spoken(value) == spoken:
                return value, Change.RESPELLED if value != text else None
    if isinstance(rule.format, UpgradePath):
        if text.casefold() == rule.format.none.casefold():
            return rule.format.none, Change.RESPELLED if text != rule.format.none else None
        parts = [part for part in _PATH_SEPARATORS.split(text) if part]
        if len(parts) > 1 and all(part.isascii() and part.isdigit() for part in parts):
            joined = "; ".join(parts)
            return joined, Change.SEPARATED if re.sub(r"\s*;\s*", "; ", text) != joined else None
    return text, None


def _spoken(value: str) -> str:
    """Return a listed value without the differences that nobody would hear: case, and which blanks are in it."""
    return " ".join(value.split()).casefold()
