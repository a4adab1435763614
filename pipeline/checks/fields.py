"""Field by field: is the answer there, stored as it should be, and one the field allows? At most one fault a field.

The order is the order in which a person would mend things: first what stands in the cell, then whether it should be
there at all, then how it is written, then whether it fits the field it goes with.
"""

from collections.abc import Iterator

from pipeline.checks.formats import Fault, Setting, judge_value
from pipeline.checks.matter import Check, Matter, Say, check, field_rule, quoted
from pipeline.domain.finding import Finding, Settler, Status
from pipeline.domain.form import Answer, CellKind, Change
from pipeline.domain.product import DEVICE_TYPE, GBCS, SMETS_CHTS
from pipeline.rulebook.schema import CertificateNumber, Day, FieldRule, GoesWith

CPA_NUMBER = "CPA_Certificate.identification_number"
FIR_UNDISPUTED = "esme-gsme"


def field_faults(matter: Matter, rule: FieldRule) -> Iterator[Fault]:
    """Yield the one fault of a field, or the advice it deserves. A field whose row is missing has none."""
    answer = matter.submission.answers.get(rule.field)
    if answer is None:
        return
    fault = _stored(answer, rule) or _presence(matter, answer, rule)
    if fault is None and answer.text and not _tolerated(matter, answer, rule):
        fault = judge_value(rule, answer.text, _setting(matter, rule)) or _goes_with(matter, answer, rule)
    if fault is not None:
        yield fault
    if fault is None or fault.status is Status.ADVICE:
        yield from _changed(answer, rule)


def _stored(answer: Answer, rule: FieldRule) -> Fault | None:
    """Is the kind of cell one that can hold this field's answer?"""
    cell = answer.cell
    if cell.formula:
        return Fault("form.formula", "which a formula gives", "a typed value", "Replace the formula by its value.")
    if cell.kind in {CellKind.ERROR, CellKind.BOOLEAN}:
        return Fault("form.cell-type", f"which Excel stores as {_a(cell.kind)}", "text", _AS_TEXT)
    if cell.kind is CellKind.DATE and not isinstance(rule.format, Day):
        return Fault("form.cell-type", "which Excel has turned into a date", "text", _AS_TEXT)
    if cell.kind is CellKind.NUMBER and isinstance(rule.format, Day):
        return Fault("form.cell-type", "which is a plain number", "a date, or text in the form dd/mm/yyyy", _AS_TEXT)
    return None


_AS_TEXT = "Format the cell as text and type the value again."


def _a(kind: CellKind) -> str:
    return "an error value" if kind is CellKind.ERROR else "a truth value"


def _presence(matter: Matter, answer: Answer, rule: FieldRule) -> Fault | None:
    """Must the field be filled, or must it be empty?"""
    if not answer.text:
        return _missing(matter, rule)
    for condition in rule.forbidden:
        if not matter.undecided(condition) and matter.holds(condition):
            if _tolerated(matter, answer, rule):
                return None
            whom = "a SMETS1 Device" if matter.family == "smets1" else f"a {matter.device_type}"
            return Fault(
                "form.forbidden",
                f"but the field does not apply to {whom}",
                "an empty field",
                "Clear the field, or correct the Device Type or the SMETS/CHTS Version.",
            )
    return None


def _missing(matter: Matter, rule: FieldRule) -> Fault | None:
    if not rule.required or matter.undecided(rule.required) or not matter.holds(rule.required):
        return None
    if rule.missing == "fir.complete" and not matter.holds(FIR_UNDISPUTED) and matter.device_type:
        # Table 2 asks ESME and GSME only, 7.2.9 all Devices (docs/adr/0004): a person decides for the others.
        return Fault(
            "fir.complete",
            "but 7.2.9 asks for it on every Device, and Table 2 on electricity and gas meters only",
            "FIR details for all Devices (7.2.9)",
            status=Status.UNCLEAR,
            settle=Settler.REVIEWER,
        )
    return Fault(rule.missing, "", _example(rule), "Fill the field.")


def _example(rule: FieldRule) -> str:
    return f"a value, for example {rule.good[0]}" if rule.good and rule.audience == "public" else "a value"


def _tolerated(matter: Matter, answer: Answer, rule: FieldRule) -> bool:
    kind = rule.tolerated
    return kind is not None and answer.text in kind.values and matter.holds(kind.condition)


def _setting(matter: Matter, rule: FieldRule) -> Setting:
    offered = matter.template.lists.get(rule.field) if matter.template else None
    return Setting(matter.circumstances.on, _prefix(matter), offered)


def _prefix(matter: Matter) -> str:
    """Return the mark of the CPA certificate number, where it has one."""
    rule = field_rule(matter, CPA_NUMBER)
    prefixes = rule.format.prefixes if isinstance(rule.format, CertificateNumber) else ()
    number = matter.submission.text(CPA_NUMBER)
    return next((prefix for prefix in prefixes if number.startswith(prefix)), "")


def _goes_with(matter: Matter, answer: Answer, rule: FieldRule) -> Fault | None:
    link = rule.goes_with
    other = matter.submission.text(link.field) if link else ""
    if link is None or not other or not _prefix(matter):
        return None
    marked = other.startswith(link.prefix)
    wrong = answer.text not in link.only if marked else answer.text in link.never_otherwise
    return _linked_fault(link, marked=marked) if wrong else None


def _linked_fault(link: GoesWith, *, marked: bool) -> Fault:
    mark = link.prefix.strip()
    expected = " or ".join(link.only) if marked else "the version that the certificate names"
    which = f"a certificate marked {mark}" if marked else f"a certificate that is not marked {mark}"
    remedy = f"{link.why} ({link.clause}). Correct the one that is wrong."
    return Fault("form.value", f"which does not go with {which}", expected, remedy)


def _changed(answer: Answer, rule: FieldRule) -> Iterator[Fault]:
    if Change.TRIMMED in answer.changes:
        yield Fault("form.blanks", "with blanks or line ends around it, which were taken off", status=Status.ADVICE)
    if Change.UPPER in answer.changes:
        yield Fault("form.case", f"which was read as {answer.text}", "upper-case letters", status=Status.ADVICE)
    if Change.RESPELLED in answer.changes or Change.SEPARATED in answer.changes:
        yield Fault("form.case", f"which was read as '{answer.text}'", status=Status.ADVICE)
    if isinstance(rule.format, Day) and " " in answer.text:
        yield Fault(
            "form.cell-type", "of which the time of day is not used", "a date without a time", status=Status.ADVICE
        )
    if answer.cell.kind is CellKind.NUMBER and not isinstance(rule.format, Day):
        yield Fault(
            "form.cell-type",
            "which is stored as a number and was read as the text shown",
            remedy="Format such cells as text, so that Excel keeps zeros at the front.",
            status=Status.ADVICE,
        )


def finding(matter: Matter, say: Say, rule: FieldRule, fault: Fault) -> Finding:
    """Word one fault of a field as a Finding. The value of a field that is not public is never repeated (law 8)."""
    answer = matter.submission.answers[rule.field]
    raw = answer.cell.text.strip()
    value = "is empty" if not raw else f"is {quoted(raw)}" if rule.audience == "public" else "has a value"
    sentence = f"{rule.field} {value}{', ' if fault.problem else ''}{fault.problem}."
    more = {
        "subject": rule.field,
        "expected": fault.expected,
        "why": rule.why,
        "remedy": fault.remedy,
        "clause": rule.clause,
    }
    evidence = matter.evidence(rule.field)
    if fault.status is Status.ADVICE:
        return say.advice(sentence, evidence, **more)
    matter.faulty.add(rule.field)
    if fault.status is Status.UNCLEAR:
        speak = say.ask if fault.settle is Settler.SUBMITTER else say.look
        return speak(sentence, evidence, **more)
    return say.fail(sentence, evidence, **more)


def field_findings(matter: Matter, say: Say) -> Iterator[Finding]:
    """Yield the Findings of every field whose fault belongs to the speaking check, in form order."""
    if not matter.faults:
        matter.faults.update({name: tuple(field_faults(matter, rule)) for name, rule in matter.rules.fields.items()})
    for name, faults in matter.faults.items():
        for fault in faults:
            if fault.check == say.rule.id:
                yield finding(matter, say, matter.rules.fields[name], fault)


FIELD_CHECKS: tuple[Check, ...] = tuple(
    check(name)(field_findings)
    for name in (
        "form.formula",
        "form.cell-type",
        "form.blanks",
        "form.case",
        "form.required",
        "form.forbidden",
        "form.format",
        "form.value",
        "form.length",
        "image.hash",
        "fir.complete",
    )
)
"""The checks that look at one field at a time; each reports the faults that carry its id."""


@check("form.combination")
def combination(matter: Matter, say: Say) -> Iterator[Finding]:
    """Device Level Versioning: is the triple one that the TSAT allows? Only asked when its three parts are sound."""
    names = (DEVICE_TYPE, SMETS_CHTS, GBCS)
    triple = (matter.submission.text(names[0]), matter.submission.text(names[1]), matter.submission.text(names[2]))
    if not all(triple) or not matter.sound(*names):
        yield say.not_applicable("The three values must be sound before they are compared.")
        return
    known = matter.rules.combinations
    if known.get(triple):
        return
    evidence = tuple(item for name in names for item in matter.evidence(name))
    sentence = f"{triple[0]} with {triple[1]} and {triple[2]}"
    partners = sorted({f"{s} with {g}" for d, s, g in known if d == triple[0] and known[d, s, g]})
    expected = f"for {triple[0]}: " + "; ".join(partners)
    more = {"subject": SMETS_CHTS, "expected": expected}
    news = [
        v for n, v in zip(names, triple, strict=True) if v not in getattr(field_rule(matter, n).format, "values", ())
    ]
    if news:
        yield say.look(f"{sentence}: the table of the rulebook does not know {', '.join(news)} yet.", evidence, **more)
        return
    past = " It is no longer offered for new submissions." if triple in known else ""
    yield say.fail(
        f"{sentence} is not a combination that the TSAT allows.{past}",
        evidence,
        remedy="Correct the value that is wrong; SEC Schedule 11 (TSAT) lists the valid combinations.",
        **more,
    )
