"""Forms with exactly one fault, made from the rulebook itself: every field, and every way in which it can be wrong."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipeline.checks.proof import written_out
from pipeline.demo.products import SMETS1_TYPES
from pipeline.domain.finding import Status
from pipeline.domain.product import DEVICE_TYPE, GBCS, SMETS_CHTS
from pipeline.rulebook.schema import CertificateNumber, Choice, Day, Emails, FieldRule, Hex, Text
from tests.builders import DEVICE_TYPES, FORM_FIELDS, SAPC, good_answers
from tests.corpus_cases import RULES, Case

FORM = "CPL - New Entry"
CELLS = {field.name: f"{FORM}!G{row}" for row, field in enumerate(FORM_FIELDS, 7)}
ESME = "Single Element Electricity Metering Equipment"
DEVICES = [(name, False) for name in (*DEVICE_TYPES, SAPC)] + [(name, True) for name in SMETS1_TYPES]
HINGES = (DEVICE_TYPE, SMETS_CHTS, GBCS, "Manufacturer_Image.hash", "Firmware_Upgrade.Path")
"""Fields that other rules hang on: where one fault would become a dozen first."""

_SHORT = {SAPC: "SAPC", **{name: "".join(word[0] for word in name.split()) for name in DEVICE_TYPES}}


@dataclass(frozen=True, slots=True)
class OneFault:
    """A form and the one Finding it must give. cell: where its evidence points, empty for the file as a whole."""

    case: Case
    field: str
    kind: str
    check: str
    status: Status = Status.FAIL
    cell: str = ""

    @property
    def id(self) -> str:
        family = "SMETS1" if self.case.smets1 else "SMETS2"
        return f"{_SHORT[self.case.device]}-{family}-{self.field}-{self.kind}"


Device = tuple[str, bool]
"""A Device Type as good_answers takes it, and whether it is SMETS1."""


def _one(device: Device, rule: FieldRule, kind: str, check: str, *, unclear: bool = False, **change: Any) -> OneFault:
    status = Status.UNCLEAR if unclear else Status.FAIL
    case = Case(why=kind, expect=status, device=device[0], smets1=device[1], image=True, **change)
    return OneFault(case, rule.field, kind, check, status, CELLS[rule.field])


def presence() -> Iterator[OneFault]:
    """Every field of every kind of Device: empty where it is needed, filled where it must not be."""
    for device in DEVICES:
        type_, family = (ESME if device[0] == SAPC else device[0]), ("smets1" if device[1] else "smets2")
        for rule in RULES.fields.values():
            empty, filled = {rule.field: None}, {rule.field: good_answers(image=True)[rule.field]}
            if rule.field.startswith("Manufacturer_Image."):
                yield _one(device, rule, "missing", "image.complete", answers=empty)
            elif RULES.holds(rule.required, type_, family):
                disputed = rule.missing == "fir.complete" and not RULES.holds("esme-gsme", type_, family)
                yield _one(device, rule, "missing", rule.missing, unclear=disputed, answers=empty)
            elif any(RULES.holds(name, type_, family) for name in rule.forbidden):
                yield _one(device, rule, "filled", "form.forbidden", answers=filled)


def values() -> Iterator[OneFault]:
    """Every field of an electricity meter, and the hinges of every kind of Device: each wrong value and wrong cell."""
    for device in DEVICES:
        for rule in RULES.fields.values():
            if rule.field in HINGES or device == (ESME, False):
                yield from _wrong_values(device, rule)
                yield from _wrong_cells(device, rule)


def _wrong_values(device: Device, rule: FieldRule) -> Iterator[OneFault]:
    wrong = [(f"bad-{n}", written_out(bad.value, rule), bad.check) for n, bad in enumerate(rule.bad)]
    form = rule.format
    if isinstance(form, Choice):
        wrong.append(("unknown", "Nobody knows this", "form.value"))
        wrong += [(f"withdrawn-{n}", value, "form.value") for n, value in enumerate(form.withdrawn)]
        # What does not fit into a list is not on it: that says more than that it is too long.
        wrong = [(kind, value, "form.value") for kind, value, _ in wrong]
    if isinstance(form, Hex) and form.high:
        wrong.append(("above-range", _next(form.high), "form.value"))
    if rule.max_octets and (longer := _too_long(rule, rule.max_octets)):
        wrong.append(("too-long", longer, "form.length"))
    for kind, value, check in wrong:
        yield _one(device, rule, kind, check, answers={rule.field: value})


def _next(octets: str) -> str:
    return (int(octets.replace(":", ""), 16) + 1).to_bytes(2, "big").hex(":").upper()


def _too_long(rule: FieldRule, most: int) -> str:
    if isinstance(rule.format, Emails):
        return "a" * (most - 9) + "@b.example"
    if isinstance(rule.format, CertificateNumber):
        return (rule.format.prefixes or ("",))[0].ljust(most + 1, "1")
    return "a" * (most + 1) if isinstance(rule.format, Text) else ""


def _wrong_cells(device: Device, rule: FieldRule) -> Iterator[OneFault]:
    good = good_answers(device[0], smets1=device[1], image=True)[rule.field]
    for kind, check, fault in (
        ("formula", "form.formula", ("formula", rule.field, 'CONCATENATE("a","b")', good)),
        ("empty-formula", "form.formula", ("formula", rule.field, '""', "")),
        ("error", "form.cell-type", ("error_cell", rule.field)),
        ("row-missing", "form.layout", ("drop_row", rule.field)),
        ("row-twice", "form.layout", ("repeat_row", rule.field, good)),
    ):
        made = _one(device, rule, kind, check, faults=(fault,))
        yield made if check != "form.layout" else OneFault(made.case, rule.field, kind, check)
    yield _one(device, rule, "boolean", "form.cell-type", answers={rule.field: True})
    stored = 47416 if isinstance(rule.format, Day) else date(2029, 10, 25)
    kind = "number-as-date" if isinstance(rule.format, Day) else "date-in-text"
    yield _one(device, rule, kind, "form.cell-type", answers={rule.field: stored})


def combinations() -> Iterator[OneFault]:
    """Every kind of Device with each version that does not go with its other one."""
    for device in DEVICES:
        good = good_answers(device[0], smets1=device[1])
        for name in (SMETS_CHTS, GBCS):
            rule = RULES.fields[name]
            assert isinstance(rule.format, Choice)
            for value in rule.format.values:
                triple = {key: str(good[key]) for key in (DEVICE_TYPE, SMETS_CHTS, GBCS)} | {name: value}
                if not RULES.combinations.get((triple[DEVICE_TYPE], triple[SMETS_CHTS], triple[GBCS])):
                    kind = f"combination-{value.rpartition(' ')[2]}"
                    made = _one(device, rule, kind, "form.combination", answers={name: value})
                    yield OneFault(made.case, SMETS_CHTS, kind, "form.combination", cell=CELLS[name])


def every_fault() -> list[OneFault]:
    """All of them, each once."""
    return list({fault.id: fault for fault in (*presence(), *values(), *combinations())}.values())
