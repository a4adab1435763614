"""What a reply never repeats, even to the one who wrote it: RED information, personal data, another Case's matter.

Law 8 of the design: Stack_Vendor and Stack_Version reach the DZIR and nothing else; Contact-CPA is personal data.
A mail is forwarded, quoted and archived, so the reply names the cell and leaves the value out.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from pipeline.domain.evidence import Evidence
from pipeline.domain.finding import Finding
from pipeline.domain.judgement import Judged

RED = "(not repeated here: RED information)"
PERSONAL = "(not repeated here: personal data)"
ELSEWHERE = "another submission"

_RESTRICTED_GROUPS = {"device_zigbee_information_repository": RED, "contact-cpa": PERSONAL}
_MARKS = {**_RESTRICTED_GROUPS, "stack_vendor": RED, "stack_version": RED}
_PUBLISHED = "Central Products List"
_QUOTED = r"(?<!\w)'[^']+'(?!\w)|\"[^\"]+\"|‘[^’]+’|“[^”]+”"
_WORD = re.compile(r"\w{3,}")
_OTHER_CASE = re.compile(r"CPL-[0-9]{4}-[0-9]{5,}")
_ADDRESS = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+")

Cells = frozenset[tuple[str, str]]


def withheld(field: str) -> str:
    """Return the sentence that stands for a form field's values in a mail, or an empty text if they are shown."""
    return _RESTRICTED_GROUPS.get(field.partition(".")[0].casefold(), "")


def restricted_cells(judged: Iterable[Judged]) -> dict[str, Cells]:
    """Return, per withheld sentence, the (artefact, place) pairs that a check has read a restricted field from."""
    cells: dict[str, set[tuple[str, str]]] = {RED: set(), PERSONAL: set()}
    for one in judged:
        for finding in one.findings:
            secret = withheld(finding.subject)
            if secret:
                cells[secret].update((e.artefact, e.where) for e in finding.evidence)
    return {secret: frozenset(places) for secret, places in cells.items()}


def tellable(finding: Finding, cells: dict[str, Cells], own: Collection[str], case: str) -> Finding:
    """Return the Finding with everything taken out that this correspondent must not be shown.

    own: artefacts of this mail. What was read elsewhere is left out unless it is the published list, and a duplicate
    in another Case is told without that Case's number, file or people.
    """
    secret = _secret(finding, cells)
    if secret:
        return _silenced(finding, secret)
    foreign = tuple(e for e in finding.evidence if e.artefact not in own and not e.where.startswith(_PUBLISHED))
    kept = tuple(e for e in finding.evidence if e not in foreign)
    told = replace(finding, evidence=kept)
    return _anonymous(told, foreign, case) if finding.check.startswith("duplicate.batch") else told


def _secret(finding: Finding, cells: dict[str, Cells]) -> str:
    """Return the sentence that stands for the Finding's values, or an empty text when they may be shown."""
    prose = " ".join((finding.subject, finding.message, *(e.where for e in finding.evidence))).casefold()
    for mark, secret in _MARKS.items():
        if mark in prose:
            return secret
    places = {(e.artefact, e.where) for e in finding.evidence}
    return next((secret for secret, held in cells.items() if places & held), "")


def _silenced(finding: Finding, secret: str) -> Finding:
    """Leave the places, replace the texts, and take the values out of the prose wherever they are quoted in it."""
    values = sorted({e.text.strip() for e in finding.evidence if e.text.strip()}, key=len, reverse=True)
    folded = [value.casefold() for value in values]
    if not values:
        return finding
    named = re.compile(rf"{_QUOTED}|(?<!\w)(?:{'|'.join(map(_spoken, values))})(?!\w)", re.IGNORECASE)

    def hide(found: re.Match[str]) -> str:
        return secret if _tells(found[0], folded) else found[0]

    return replace(
        _each_prose(finding, lambda prose: named.sub(hide, prose)),
        evidence=tuple(replace(e, text=secret if e.text.strip() else e.text) for e in finding.evidence),
    )


def _spoken(value: str) -> str:
    """Return a pattern for a value in prose, where its blanks may have been folded."""
    return r"\s+".join(map(re.escape, value.split()))


def _tells(piece: str, values: Iterable[str]) -> bool:
    """Tell whether a piece of prose is a value, or a part of one as a check that cuts or escapes it would quote it."""
    bare = piece.strip("'\"‘’“” .…").casefold()
    words = set(_WORD.findall(bare))
    return any(bare in value or value in bare or words & set(_WORD.findall(value)) for value in values if bare)


def _anonymous(finding: Finding, foreign: tuple[Evidence, ...], case: str) -> Finding:
    """Word a duplicate so that it names nobody outside this mail."""
    names = {name for e in foreign for name in (e.file, *e.file.split(" › "), e.artefact) if name}

    def clean(prose: str) -> str:
        for name in sorted(names, key=len, reverse=True):
            prose = prose.replace(name, ELSEWHERE)
        prose = _ADDRESS.sub(ELSEWHERE, prose)
        return _OTHER_CASE.sub(lambda found: found[0] if found[0] == case else ELSEWHERE, prose)

    return _each_prose(finding, clean)


def _each_prose(finding: Finding, clean: Callable[[str], str]) -> Finding:
    return replace(
        finding,
        message=clean(finding.message),
        expected=clean(finding.expected),
        why=clean(finding.why),
        remedy=clean(finding.remedy),
    )
