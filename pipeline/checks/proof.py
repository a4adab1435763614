"""Proves that the rules, the code that judges and the test cases agree (``pipeline rules --verify``, ``doctor``)."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from pipeline.checks import fields, fir, image
from pipeline.checks.formats import Setting, judge_value
from pipeline.checks.run import CHECKS
from pipeline.domain.finding import Status
from pipeline.domain.product import DEVICE_MODEL, DEVICE_TYPE, GBCS, IMAGE_HASH, SMETS_CHTS
from pipeline.rulebook import Rulebook
from pipeline.rulebook.schema import CertificateNumber, Choice, Day, FieldRule, Hex, UpgradePath

_EXAMPLES_ON = date(2026, 1, 1)
"""The day on which the examples of the rulebook are judged."""

_NAMED_IN_CODE = (
    *(*DEVICE_MODEL, DEVICE_TYPE, SMETS_CHTS, GBCS, IMAGE_HASH),
    *(fields.CPA_NUMBER, fir.NOTES, image.CREATOR, image.DESCRIPTOR, image.PATH),
)
_REPORTED = {*(item.id for item in fields.FIELD_CHECKS), image.upgrade_path.id}
"""The ids under which a fault of a single field is told; a fault with any other id would be lost."""

_NEVER_PASSES = {fir.url.id}
"""Checks that leave the pass to a person: where others have a ``pass`` case, they have a ``not-applicable`` one."""


def prove(rules: Rulebook, cases: Path | None) -> tuple[str, ...]:
    """Return what does not agree, one sentence each; empty when everything does.

    cases: the folder with one folder of cases for each check, tests/corpus; None where it is not at hand.
    """
    return (
        *_checks(rules),
        *_names(rules),
        *_combinations(rules),
        *(trouble for rule in rules.fields.values() for trouble in (*_links(rules, rule), *_examples(rule))),
        *(_cases(rules, cases) if cases is not None else ()),
    )


def _judged_by_code(rules: Rulebook) -> set[str]:
    return {rule.id for rule in rules.checks.values() if not rule.person}


def _checks(rules: Rulebook) -> Iterator[str]:
    built = Counter(item.id for item in CHECKS)
    for name in sorted(_judged_by_code(rules) - set(built)):
        yield f"{name} stands in rules/checks.yaml, but no code judges it: write it, or take the row out."
    for name in sorted(set(built) - _judged_by_code(rules)):
        yield f"{name} is judged by code, but has no row in rules/checks.yaml: add one."
    for name, count in built.items():
        if count > 1:
            yield f"{name} is judged by {count} functions: an id has one."


def _names(rules: Rulebook) -> Iterator[str]:
    for name in dict.fromkeys(_NAMED_IN_CODE):
        if name not in rules.fields:
            yield f"The code speaks of the field {name}, which rules/form*.yaml does not have."
    if fields.FIR_UNDISPUTED not in rules.conditions:
        yield f"The code speaks of the condition {fields.FIR_UNDISPUTED}, which rules/form.yaml does not have."


def _combinations(rules: Rulebook) -> Iterator[str]:
    for triple in rules.combinations:
        for name, value in zip((DEVICE_TYPE, SMETS_CHTS, GBCS), triple, strict=True):
            if value not in _listed(rules, name):
                yield f"rules/device_level_versions.csv has the {name} '{value}', which rules/form.yaml does not know."


def _listed(rules: Rulebook, name: str) -> tuple[str, ...]:
    rule = rules.fields.get(name)
    return (*rule.format.values, *rule.format.withdrawn) if rule and isinstance(rule.format, Choice) else ()


def _links(rules: Rulebook, rule: FieldRule) -> Iterator[str]:
    """Yield names and values in one field's rule that nothing else answers to."""
    told = [rule.missing] if rule.required else []
    told += [rule.format.check] if isinstance(rule.format, Hex | UpgradePath) else []
    for name in told:
        if name not in _REPORTED:
            yield f"{rule.field}: faults with the id {name} are told by no check of single fields."
    number = rules.fields.get(fields.CPA_NUMBER)
    prefixes = number.format.prefixes if number and isinstance(number.format, CertificateNumber) else ()
    marks = list(rule.format.bounds) if isinstance(rule.format, Day) else []
    if rule.goes_with:
        marks.append(rule.goes_with.prefix)
        for value in (*rule.goes_with.only, *rule.goes_with.never_otherwise):
            if value not in _listed(rules, rule.field):
                yield f"{rule.field}: goes_with names '{value}', which the field does not know."
    for mark in marks:
        if mark not in prefixes:
            yield f"{rule.field}: no CPA certificate number begins with '{mark}'."


def _examples(rule: FieldRule) -> Iterator[str]:
    setting = Setting(_EXAMPLES_ON)
    for good in rule.good:
        fault = judge_value(rule, good, setting)
        if fault is not None:
            yield f"{rule.field}: the good example '{good}' is refused by {fault.check}, {fault.problem}."
    for bad in rule.bad:
        fault = judge_value(rule, written_out(bad.value, rule), setting)
        if fault is None or fault.status is not Status.FAIL or fault.check != bad.check:
            told = "by nothing" if fault is None else f"by {fault.check} as {fault.status}"
            yield f"{rule.field}: the bad example '{bad.value}' should be refused by {bad.check}, but is met {told}."


def written_out(value: str, rule: FieldRule) -> str:
    """Return an example as it would stand in the cell: ``repeat:X:N`` is X written N times, octets with colons."""
    word, _, rest = value.partition(":")
    if word != "repeat":
        return value
    unit, _, times = rest.rpartition(":")
    return (":" if isinstance(rule.format, Hex) else "").join([unit] * int(times))


def _cases(rules: Rulebook, folder: Path) -> Iterator[str]:
    found = {item.name: {case.name for case in item.glob("*.yaml")} for item in folder.iterdir() if item.is_dir()}
    for name in sorted(set(found) - _judged_by_code(rules)):
        yield f"{folder.name}/{name} holds cases of a check that does not exist: rename the folder or delete it."
    for name in sorted(_judged_by_code(rules)):
        quiet = Status.NOT_APPLICABLE if name in _NEVER_PASSES else Status.PASS
        for status in (quiet.value, rules.checks[name].worst):
            if not any(case.startswith(f"{status}-") for case in found.get(name, ())):
                yield f"{name} has no case {folder.name}/{name}/{status}-*.yaml: write one."
