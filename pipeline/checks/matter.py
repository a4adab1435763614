"""What lies before a check: one Submission with everything the judgement may use, and the way to speak of it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from pipeline.checks.formats import Fault
from pipeline.domain.evidence import Evidence
from pipeline.domain.finding import Finding, Settler, Status
from pipeline.domain.form import Answer, Submission, Template
from pipeline.domain.judgement import Circumstances
from pipeline.domain.message import Message
from pipeline.domain.product import DEVICE_MODEL, DEVICE_TYPE, GBCS, SMETS_CHTS, DeviceModel, ProductList
from pipeline.rulebook import Rulebook
from pipeline.rulebook.schema import CheckRule, Choice, FieldRule


@dataclass(frozen=True)
class Matter:
    """One Submission before the checks.

    message: the mail it came in; None when a workbook is judged by itself. first: it is the mail's first Submission,
    the one that speaks for the mail as a whole. batch: all Submissions of the mail, this one included.
    template: the CPL in force as a form, None when there is none. eligible: the EPCL, None when none is given.
    """

    submission: Submission
    rules: Rulebook
    circumstances: Circumstances
    template: Template | None
    products: ProductList
    message: Message | None = None
    first: bool = True
    batch: tuple[Submission, ...] = ()
    eligible: frozenset[DeviceModel] | None = None
    faulty: set[str] = field(default_factory=set)
    """Fields that a check has already found a fault in, so that no other check reports the same fault again."""
    faults: dict[str, tuple[Fault, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What is wrong with each field, found once by the first of the checks that look at single fields."""

    @cached_property
    def device_type(self) -> str:
        """Device_Type.name; empty when it is none that the rulebook or the CPL in force knows."""
        return self._known(DEVICE_TYPE)

    @cached_property
    def family(self) -> str:
        """``smets1`` or ``smets2``; empty where the two versions contradict each other, or neither is one we know.

        A value that is none of its list says nothing, so that one wrong version is one fault and not a dozen.
        """
        smets_chts, gbcs = self._known(SMETS_CHTS), self._known(GBCS)
        if not smets_chts and not gbcs and (self._newer(SMETS_CHTS) or self._newer(GBCS)):
            return "smets2"
        return self.rules.family(smets_chts, gbcs)

    def _known(self, name: str) -> str:
        """Return the text of a field with a list; empty when neither the rulebook nor the CPL in force knows it."""
        text = self.submission.text(name)
        listed = self._choice(name)
        offered = self.template.lists.get(name, ()) if self.template else ()
        return text if text in (*listed.values, *listed.withdrawn, *offered) else ""

    def _newer(self, name: str) -> bool:
        """Say whether a field names a version still to come; SMETS1 will have no new ones."""
        listed = self._choice(name)
        return bool(listed.newer and re.fullmatch(listed.newer, self.submission.text(name)))

    def _choice(self, name: str) -> Choice:
        form = self.rules.fields[name].format
        return form if isinstance(form, Choice) else Choice()

    def holds(self, condition: str) -> bool:
        """Say whether a named condition of the rulebook holds for this Device."""
        return self.rules.holds(condition, self.device_type, self.family)

    def undecided(self, condition: str) -> bool:
        """Say whether nobody can tell if a condition holds, because the Device Type or the family is not known."""
        found = self.rules.conditions.get(condition)
        if found is None:
            return False
        needs_type = bool(found.types or found.not_types)
        return (needs_type and not self.device_type) or (found.family is not None and not self.family)

    def sound(self, *names: str) -> bool:
        """Say whether no check has found a fault in any of these fields so far."""
        return not self.faulty.intersection(names)

    def evidence(self, name: str) -> tuple[Evidence, ...]:
        """Point at a field's cell. The text of a field that is not public is left out (law 8)."""
        answer = self.submission.answers.get(name)
        return (self.cell(answer),) if answer else ()

    def cell(self, answer: Answer) -> Evidence:
        """Point at one answer's cell."""
        rule = self.rules.fields.get(answer.field)
        text = answer.cell.text if rule is None or rule.audience == "public" else ""
        where = f"{self.submission.form.tab}!{answer.cell.ref}"
        return Evidence(self.submission.artefact, self.submission.file, where, text)

    def whole_file(self, text: str = "") -> tuple[Evidence, ...]:
        """Point at the workbook as a whole."""
        return (Evidence(self.submission.artefact, self.submission.file, "", text),)


def device_model(submission: Submission) -> DeviceModel | None:
    """Return the five identifying values of a Submission; None when one of them is missing."""
    values = [submission.text(name) for name in DEVICE_MODEL]
    return DeviceModel(*values) if all(values) else None


@dataclass(frozen=True, slots=True)
class Say:
    """Makes the Findings of one check, with its id and clause filled in."""

    rule: CheckRule

    def fail(self, message: str, evidence: tuple[Evidence, ...] = (), **more: str) -> Finding:
        """Return a fault: it must be mended before the Submission can be accepted."""
        return self._finding(Status.FAIL, message, evidence, None, more)

    def advice(self, message: str, evidence: tuple[Evidence, ...] = (), **more: str) -> Finding:
        """Return something worth telling that is never a reason to refuse."""
        return self._finding(Status.ADVICE, message, evidence, None, more)

    def look(self, message: str, evidence: tuple[Evidence, ...] = (), **more: str) -> Finding:
        """Return an open point that a reviewer of SECAS can settle."""
        return self._finding(Status.UNCLEAR, message, evidence, Settler.REVIEWER, more)

    def ask(self, message: str, evidence: tuple[Evidence, ...] = (), **more: str) -> Finding:
        """Return an open point that only the submitter can settle."""
        return self._finding(Status.UNCLEAR, message, evidence, Settler.SUBMITTER, more)

    def not_applicable(self, message: str) -> Finding:
        """Return that the check does not concern this Submission."""
        return self._finding(Status.NOT_APPLICABLE, message, (), None, {})

    def ok(self) -> Finding:
        """Return the check's title as a pass."""
        return self._finding(Status.PASS, f"{self.rule.title}.", (), None, {})

    def broken(self, message: str) -> Finding:
        """Return that the check itself did not work."""
        return self._finding(Status.BROKEN, message, (), None, {})

    def _finding(
        self,
        status: Status,
        message: str,
        evidence: tuple[Evidence, ...],
        settle: Settler | None,
        more: dict[str, str],
    ) -> Finding:
        clause = more.pop("clause", self.rule.clause)
        return Finding(self.rule.id, status, message, clause, evidence, settle=settle, **more)


Judge = Callable[[Matter, Say], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its id in rules/checks.yaml, its function, and what it needs to have been read.

    needs: ``mail`` (asked once a mail), ``file`` (the mail, or a file taken for the submission workbook, read or
    not), ``workbook`` (that file has been read) or ``form`` (rows of its New Entry tab have been read).
    """

    id: str
    judge: Judge
    needs: str


def check(name: str, needs: str = "form") -> Callable[[Judge], Check]:
    """Mark a function as the check of that id."""

    def mark(judge: Judge) -> Check:
        return Check(name, judge, needs)

    return mark


def quoted(text: str, most: int = 120) -> str:
    """Return a value as a sentence shows it: in quotation marks, cut where it is long."""
    return f'"{text}"' if len(text) <= most else f'"{text[:most]}…" ({len(text)} characters)'


def field_rule(matter: Matter, name: str) -> FieldRule:
    """Return the rule of a field; the names used in code are proved by ``pipeline rules --verify``."""
    return matter.rules.fields[name]
