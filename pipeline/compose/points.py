"""Turns judged Submissions into what a reply says of them: points in form order, each once, safe to show."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.compose.withhold import PERSONAL, RED, Cells, restricted_cells, tellable
from pipeline.compose.wording import VALUE_LIMIT, bare_place, cell_of, place, quoted, sentence
from pipeline.domain.evidence import Evidence
from pipeline.domain.finding import Finding, Settler, Status
from pipeline.domain.judgement import Decision, Judged, Outcome
from pipeline.domain.message import Message

POINT_LIMIT = 300
"""Points one reply lists; more cannot be read, and the mail would grow beyond what servers take."""

PART_LIMIT = 100
"""Submissions one reply lists; the busiest week in six years brought 40."""

_ACCEPTED, _REFUSED, _ASKED, _WAITING = (
    "accepted",
    "not accepted",
    "waiting for your answer",
    "still being checked by us",
)
_FOUND_BARE = "This is not so, or not as it should be."
_ASKED_BARE = "We could not establish that this is so."
_PERSONS = "decision.person"
"""The check whose words a person of the helpdesk has written for the correspondent."""

_ROW = re.compile(r"[A-Z]+([0-9]+)")


@dataclass(frozen=True, slots=True)
class Reading:
    """One place a value was read from. value: as shown, empty where no single value was read there."""

    place: str
    value: str


@dataclass(frozen=True, slots=True)
class Point:
    """One thing the submitter is told. number: counts through the whole reply, so that a mail can name it."""

    number: int
    title: str
    sentence: str
    readings: tuple[Reading, ...]
    expected: str
    why: str
    remedy: str
    clause: str
    check: str


@dataclass(frozen=True, slots=True)
class Part:
    """One Submission of the mail. title: its file. about: device type and Device Model. state: in words."""

    title: str
    about: str
    state: str
    faults: tuple[Point, ...]
    questions: tuple[Point, ...]
    advice: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """What a reply says of a mail. left_out, parts_left_out: number of points and of Submissions over the limits."""

    parts: tuple[Part, ...]
    left_out: int
    parts_left_out: int

    @property
    def accepted(self) -> int:
        """Number of Submissions accepted."""
        return sum(part.state == _ACCEPTED for part in self.parts)

    @property
    def waiting(self) -> int:
        """Number of Submissions that a reviewer has still to look at."""
        return sum(part.state == _WAITING for part in self.parts)

    @property
    def faults(self) -> int:
        """Number of faults listed."""
        return sum(len(part.faults) for part in self.parts)

    @property
    def questions(self) -> int:
        """Number of questions listed."""
        return sum(len(part.questions) for part in self.parts)

    @property
    def advice(self) -> int:
        """Number of pieces of advice listed."""
        return sum(len(part.advice) for part in self.parts)


def account(
    judged: Sequence[Judged],
    message: Message,
    case: str,
    field_order: Sequence[str],
    stranger: Mapping[str, str] | None = None,
) -> Account:
    """Return what the correspondent is told: fails, the unclear ones they can settle, and advice, in that order.

    stranger: titles of checks by id, given where nobody can say who the correspondent is. Then each point is told by
    its check, its cell or page and its clause, and nothing that was read in the mail is repeated.
    """
    teller = _Teller(
        own={message.sha256, *(a.sha256 for a in message.attachments), *(one.artefact for one in judged)},
        case=case,
        cells=restricted_cells(judged),
        order={name: position for position, name in enumerate(field_order)},
        stranger=stranger,
    )
    listed = judged[:PART_LIMIT]
    parts = [teller.part(one, number) for number, one in enumerate(listed, start=1)]
    # Advice stands at the end of the reply, so its numbers are the last ones.
    parts = [replace(part, advice=teller.advice(one)) for part, one in zip(parts, listed, strict=True)]
    return Account(tuple(parts), left_out=teller.left_out, parts_left_out=max(0, len(judged) - PART_LIMIT))


@dataclass(slots=True)
class _Teller:
    """Walks the Submissions once, numbering the points as they are said."""

    own: Collection[str]
    case: str
    cells: dict[str, Cells]
    order: dict[str, int]
    stranger: Mapping[str, str] | None
    said: int = 0
    left_out: int = 0

    def part(self, one: Judged, place: int) -> Part:
        """Return one Submission as the reply shows it, without its advice. place: among those of the mail, from 1."""
        known = self.stranger is None
        file = sentence(one.file, VALUE_LIMIT) if known else f"Submission {place}" * bool(one.file)
        return Part(
            title=file or "Your e-mail",
            about=_about(one) if known else "",
            state=_state(one.decision),
            faults=self._points(one, lambda f: f.status is Status.FAIL),
            questions=self._points(one, lambda f: f.settle is Settler.SUBMITTER),
            advice=(),
        )

    def advice(self, one: Judged) -> tuple[Point, ...]:
        """Return the advice about one Submission."""
        return self._points(one, lambda f: f.status is Status.ADVICE)

    def _points(self, one: Judged, chosen: Callable[[Finding], bool]) -> tuple[Point, ...]:
        findings = sorted((f for f in one.findings if chosen(f)), key=lambda f: self._rank(f, one.file))
        points: dict[Point, None] = {}
        for finding in findings:
            told = tellable(finding, self.cells, self.own, self.case)
            point = _point(told, one.file) if self.stranger is None else _bare_point(told, one.file, self.stranger)
            points.setdefault(point)
        kept = tuple(points)[: POINT_LIMIT - self.said]
        numbered = tuple(replace(point, number=self.said + n) for n, point in enumerate(kept, start=1))
        self.left_out += len(points) - len(kept)
        self.said += len(kept)
        return numbered

    def _rank(self, finding: Finding, workbook: str) -> tuple[int, int]:
        """Form order: first the workbook as a whole, then field by field, then the documents sent with it."""
        position = self.order.get(finding.subject)
        if position is not None:
            return 1, position
        first = finding.evidence[0] if finding.evidence else None
        if first is not None and first.file != workbook:
            return 2, 0
        row = _ROW.match(cell_of(first.where)) if first else None
        return 0, int(row[1]) if row else 0


def _point(finding: Finding, workbook: str) -> Point:
    return Point(
        number=0,
        title=_title(finding, workbook),
        sentence=sentence(finding.message),
        readings=tuple(_reading(e, workbook) for e in dict.fromkeys(finding.evidence)),
        expected=sentence(finding.expected),
        why=sentence(finding.why),
        remedy=sentence(finding.remedy),
        clause=sentence(finding.clause),
        check=sentence(finding.check, VALUE_LIMIT),
    )


def _bare_point(finding: Finding, workbook: str, titles: Mapping[str, str]) -> Point:
    """Return what a stranger may be told: our own words, and places that are no names. Values stay out of it."""
    title = titles.get(finding.check, finding.check)
    ours = finding.message if finding.check == _PERSONS else _ASKED_BARE if finding.settle else _FOUND_BARE
    spots = dict.fromkeys(bare_place(e, workbook) for e in finding.evidence)
    return Point(
        number=0,
        title=sentence(title),
        sentence=sentence(ours),
        readings=tuple(Reading(spot, "") for spot in spots if spot),
        expected="",
        why="",
        remedy="",
        clause=sentence(finding.clause),
        check=sentence(finding.check, VALUE_LIMIT),
    )


def _title(finding: Finding, workbook: str) -> str:
    """Return what the point is about: the field, the document, or the whole of what was sent."""
    if finding.subject:
        return sentence(finding.subject, VALUE_LIMIT)
    first = finding.evidence[0] if finding.evidence else None
    if first and first.file and first.file != workbook:
        return sentence(first.file, VALUE_LIMIT)
    return "The form as a whole" if workbook else "The e-mail as a whole"


def _reading(evidence: Evidence, workbook: str) -> Reading:
    spot = place(evidence, workbook) or "your e-mail"
    if evidence.text in {RED, PERSONAL}:
        return Reading(spot, evidence.text)
    return Reading(spot, quoted(evidence.text) if evidence.text or cell_of(evidence.where) else "")


def _about(one: Judged) -> str:
    model = f"Device Model {sentence(str(one.model), VALUE_LIMIT)}" if one.model else ""
    return ", ".join(part for part in (sentence(one.device_type, VALUE_LIMIT), model) if part)


def _state(decision: Decision) -> str:
    if decision.outcome is Outcome.ACCEPT:
        return _ACCEPTED
    if decision.outcome is Outcome.REJECT:
        return _REFUSED
    return _ASKED if decision.waits_for is Settler.SUBMITTER else _WAITING
