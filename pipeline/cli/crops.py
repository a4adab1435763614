"""``pipeline case N --crops DIR``: what the Findings point at on pages, as pictures for a person to look at."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.domain.document import Box, Document
from pipeline.domain.evidence import Evidence
from pipeline.domain.judgement import Judged
from pipeline.domain.message import Problem
from pipeline.readers.child import Readers
from pipeline.readers.crop_request import CropQuestion
from pipeline.readers.message import ReadMail

_EDGE = r"(-?[0-9]+\.[0-9])"
_PLACE = re.compile(rf"page ([0-9]{{1,6}})(?: \[{_EDGE}, {_EDGE}, {_EDGE}, {_EDGE}\])?")
_ON_PAGES = ("pdf", "image")
"""Kinds of Attachment that have pages to show."""
_STEP = " › "
_DEADLY = ("timeout", "memory", "crash")
_MOST_OF_NAME = 60
MOST_CROPS = 300
"""Written in one call; a judgement of an ordinary submission points at some thirty places on pages."""


@dataclass(frozen=True, slots=True)
class EvidenceCrop:
    """One place that a Finding points at. path: of the PNG, empty where there is none; then problem says why.

    place: as Evidence.where says it, ``first page`` where the whole file is meant.
    """

    check: str
    file: str
    place: str
    path: str = ""
    problem: str = ""


def write_crops(
    folder: Path, judged: Sequence[Judged], read: ReadMail | Problem, readers: Readers
) -> Iterator[EvidenceCrop]:
    """Write a PNG into the folder for every page that a Finding points at, and yield what came of each.

    The folder is made where there is none. A file that is there already is left as it is. What a mail calls its files
    becomes part of a name only as letters, digits, dots and hyphens. OSError where the folder cannot be written to.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # certificates are no one else's business
    shots = _Shots(read, readers)
    taken: set[str] = set()
    for check, evidence in _pointed_at(judged):
        place = _place_of(evidence, shots.kinds)
        if place is None:
            continue
        page, box, words = place
        if len(taken) >= MOST_CROPS:
            text = f"Only {MOST_CROPS} places are shown in one call; open the file itself."
            yield EvidenceCrop(check, evidence.file, words, problem=text)
            continue
        png = shots.of(evidence.artefact, page, box)
        if isinstance(png, Problem):
            yield EvidenceCrop(check, evidence.file, words, problem=png.text)
            continue
        path = folder / _free_name(check, evidence.file, page, taken)
        try:
            with path.open("xb") as file:  # never onto a file, nor through a link, that is there already
                file.write(png)
        except FileExistsError:
            text = f"{path} is there already and was left as it is; name an empty folder."
            yield EvidenceCrop(check, evidence.file, words, problem=text)
        else:
            yield EvidenceCrop(check, evidence.file, words, path=str(path))


def _pointed_at(judged: Sequence[Judged]) -> Iterator[tuple[str, Evidence]]:
    """Yield every place with the check that points at it, each once."""
    seen: dict[tuple[str, ...], Evidence] = {}
    for item in judged:
        for finding in item.findings:
            for e in finding.evidence:
                seen.setdefault((finding.check, e.artefact, e.file, e.where), e)
    for (check, *_), evidence in seen.items():
        yield check, evidence


def _place_of(evidence: Evidence, kinds: Mapping[str, str]) -> tuple[int, Box | None, str] | None:
    """Return page, box and words of a place; no box for a whole page; None for what is on no page (a cell)."""
    if found := _PLACE.fullmatch(evidence.where):
        page, *edges = found.groups()
        return int(page), Box(*map(float, edges)) if edges[0] else None, evidence.where
    if not evidence.where and kinds.get(evidence.artefact) in _ON_PAGES:
        return 1, None, "first page"
    return None


def _free_name(check: str, file: str, page: int, taken: set[str]) -> str:
    """Return a name that no crop of this call has, for example ``align.zse.firmware_zse.pdf_page-1-2.png``."""
    stem = f"{_plain(check)}_{_plain(file.rpartition(_STEP)[2])}_page-{page}"
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    taken.add(name)
    return f"{name}.png"


def _plain(text: str) -> str:
    """Return a stranger's text as part of a file name: no separators, no leading dot, nothing a shell would read."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", text).strip(".-")[-_MOST_OF_NAME:] or "file"


@dataclass
class _Shots:
    """Pictures of places in the files of a mail. A page that cost a child its life is not tried again."""

    read: ReadMail | Problem
    readers: Readers
    kinds: Mapping[str, str] = field(init=False)
    _deadly: dict[tuple[str, int], Problem] = field(default_factory=dict)
    _documents: dict[str, Document | Problem] = field(default_factory=dict)

    def __post_init__(self) -> None:
        mail = self.read
        self.kinds = {} if isinstance(mail, Problem) else {a.sha256: a.kind for a in mail.message.attachments}

    def of(self, artefact: str, page: int, box: Box | None) -> bytes | Problem:
        """Return the PNG of a box, or of the whole page where there is none."""
        known = self._deadly.get((artefact, page))
        if known:
            return known
        png = self._taken(artefact, page, box)
        if isinstance(png, Problem) and png.kind in _DEADLY:
            self._deadly[artefact, page] = png
        return png

    def _taken(self, artefact: str, page: int, box: Box | None) -> bytes | Problem:
        if isinstance(self.read, Problem):
            return Problem(self.read.kind, f"The mail can no longer be read: {self.read.text}")
        data = self.read.contents.get(artefact)
        if data is None:
            return Problem("damaged", "The file is not among those of the mail that was judged.")
        place = box or self._whole(artefact, data, page)
        return place if isinstance(place, Problem) else self.readers.crop(CropQuestion(data, page, place))

    def _whole(self, artefact: str, data: bytes, number: int) -> Box | Problem:
        if artefact not in self._documents:
            self._documents[artefact] = self.readers.document(data)
        document = self._documents[artefact]
        if isinstance(document, Problem):
            return document
        for page in document.pages:
            if page.number == number:
                return Box(0.0, 0.0, page.width, page.height)
        reason = document.problems[0].text if document.problems else "It has fewer pages."
        return Problem("limit", f"Page {number} cannot be shown. {reason}")
