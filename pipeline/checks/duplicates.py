"""Is the Device Model on the list already, or sent twice (guidance section 8(4))?"""

from collections.abc import Iterator

from pipeline.checks.matter import Matter, Say, check, device_model
from pipeline.domain.evidence import Evidence
from pipeline.domain.finding import Finding
from pipeline.domain.product import DEVICE_MODEL, DEVICE_TYPE, GBCS, SMETS_CHTS

_MODEL = DEVICE_MODEL[0]


@check("duplicate.list")
def on_list(matter: Matter, say: Say) -> Iterator[Finding]:
    """All eight values equal: refused. The five alone: a person looks, as 13 such pairs on the real list are right."""
    model = device_model(matter.submission)
    if model is None:
        yield say.not_applicable("The Device Model is not complete.")
        return
    kind = tuple(matter.submission.text(name).casefold() for name in (DEVICE_TYPE, SMETS_CHTS, GBCS))
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
    for position, other in enumerate(matter.batch):
        if other is this or device_model(other) != model:
            continue
        earlier = position < next(i for i, s in enumerate(matter.batch) if s is this)
        same = {n: a.text for n, a in other.answers.items()} == {n: a.text for n, a in this.answers.items()}
        if earlier or not same:
            yield say.fail(
                f"The Device Model {model} stands in {other.file} of the same mail as well"
                f"{', word for word' if same else ', with other details'}.",
                (*matter.evidence(_MODEL), Evidence(other.artefact, other.file)),
                subject=_MODEL,
                expected="each Device Model once",
                remedy="Send the form once." if same else "Tell us which of the two is right by sending that one.",
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
