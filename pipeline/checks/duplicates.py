"""Is the Device Model on the list already, or sent twice (guidance section 8(4))?"""

from collections.abc import Iterator

from pipeline.checks.matter import Matter, Say, check, device_model
from pipeline.domain.evidence import Evidence
from pipeline.domain.finding import Finding
from pipeline.domain.form import Submission
from pipeline.domain.product import DEVICE_MODEL, DEVICE_TYPE, GBCS, SMETS_CHTS

_MODEL = DEVICE_MODEL[0]


def _kind(submission: Submission) -> tuple[str, ...]:
    """What tells two entries with the same Device Model apart: 13 such pairs on the real list are right."""
    return tuple(submission.text(name).casefold() for name in (DEVICE_TYPE, SMETS_CHTS, GBCS))


@check("duplicate.list")
def on_list(matter: Matter, say: Say) -> Iterator[Finding]:
    """All eight values equal: refused. The five alone: a person looks."""
    model = device_model(matter.submission)
    if model is None:
        yield say.not_applicable("The Device Model is not complete.")
        return
    if matter.template is None:
        yield say.look(f"There is no CPL in force to look the Device Model {model} up in.", subject=_MODEL)
        return
    kind = _kind(matter.submission)
    found = list(matter.products.with_model(model))
    evidence = (
        *(item for name in DEVICE_MODEL for item in matter.evidence(name)),
        *(
            Evidence(
                matter.products.artefact,
                f"CPL {matter.products.version}",
                f"Central Products List, row {p.row}",
                f"{p.number} {p.model}",
            )
            for p in found
        ),
    )
    same = [p for p in found if tuple(part.casefold() for part in p.kind) == kind]
    if same:
        yield say.fail(
            f"The Device Model {model} is on the CPL already, as entry {same[0].number} ({same[0].status}).",
            evidence,
            subject=_MODEL,
            expected="a Device Model that is not on the CPL",
            remedy="Compare the five values with the OTA header; to change an entry, ask for an amendment instead.",
        )
    elif found:
        yield say.look(
            f"The Device Model {model} is on the CPL as entry {', '.join(p.number for p in found)}, "
            "with another Device Type, SMETS/CHTS or GBCS version.",
            evidence,
            subject=_MODEL,
        )


@check("duplicate.batch")
def in_batch(matter: Matter, say: Say) -> Iterator[Finding]:
    """Between the forms of one mail, and against open Cases that have not been refused."""
    this = matter.submission
    model = device_model(this)
    if model is None:
        yield say.not_applicable("The Device Model is not complete.")
        return
    others = [other for other in matter.batch if other is not this and device_model(other) == model]
    again = next(
        (other for other in others if _kind(other) == _kind(this) and _refused(this, other, matter.batch)), None
    )
    if again is not None:
        same = _texts(again) == _texts(this)
        yield say.fail(
            f"The Device Model {model} stands in {again.file} of the same mail as well"
            f"{', word for word' if same else ', with other details'}.",
            (*matter.evidence(_MODEL), Evidence(again.artefact, again.file)),
            subject=_MODEL,
            expected="each Device Model once",
            remedy="Send the form once." if same else "Tell us which of the two is right by sending that one.",
        )
        return
    for other in others:
        if _kind(other) != _kind(this):
            yield say.look(
                f"The Device Model {model} stands in {other.file} of the same mail as well, "
                "with another Device Type, SMETS/CHTS or GBCS version.",
                (*matter.evidence(_MODEL), Evidence(other.artefact, other.file)),
                subject=_MODEL,
            )
            return
    for pending in matter.circumstances.pending:
        if pending.model == model:
            yield say.look(
                f"The Device Model {model} is being handled in the open case {pending.case} already.",
                (*matter.evidence(_MODEL), Evidence(pending.artefact, pending.file)),
                subject=_MODEL,
            )
            return


def _texts(submission: Submission) -> dict[str, str]:
    return {name: answer.text for name, answer in submission.answers.items()}


def _refused(this: Submission, other: Submission, batch: tuple[Submission, ...]) -> bool:
    """Of two forms that say the same, the later one is too many; of two that do not, nobody knows which is right."""
    order = [id(item) for item in batch]
    return _texts(this) != _texts(other) or order.index(id(other)) < order.index(id(this))
