"""Word files (.docx) sent as certificates or letters: their text, without knowing how it lies on a page.

Only Word can lay out a Word file, so its words have no true boxes and are never confirmed: ``Box`` is the place in a
text of lines (left: number of the word in its line, top: number of the line, both from 0).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from pipeline.domain.document import Box, Document, Page, Unseen, Word
from pipeline.domain.message import Problem
from pipeline.readers.package import open_package
from pipeline.readers.page import normal
from pipeline.readers.unreadable import Unreadable

_TEXT = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_OFFICE = "/officeDocument"
_EDGES = ("/header", "/footer")
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_BREAKS = frozenset({f"{_TEXT}tab", f"{_TEXT}br", f"{_TEXT}cr", f"{_TEXT}ptab"})
_GONE = frozenset({f"{_TEXT}del", f"{_TEXT}moveFrom", _FALLBACK})
_MOST_WORDS = 50_000


@dataclass(slots=True)
class _Lines:
    """The text so far; words, and where in them the cells of table rows are."""

    words: list[Word] = field(default_factory=list)
    unseen: list[Unseen] = field(default_factory=list)
    rows: list[tuple[tuple[int, ...], ...]] = field(default_factory=list)
    line: int = 0

    def add(self, text: str, at: int) -> int:
        """Add the words of a text to the present line; return how many words the line has then."""
        for part in text.split():
            if word := normal(part):
                if len(self.words) >= _MOST_WORDS:
                    raise Unreadable("limit", f"it has more than {_MOST_WORDS:,} words")
                box = Box(float(at), float(self.line), at + 1.0, self.line + 1.0)
                self.words.append(Word(word, box, self.line + 1, confirmed=False, readers=("docx",)))
                at += 1
        return at


def read_word_file(data: bytes) -> Document:
    """Return a Word file's headers, text and footers as one page; a Problem where it cannot be read."""
    lines = _Lines()
    try:
        for root in _parts(data):
            _blocks(root, lines)
    except Unreadable as error:
        text = f"The Word file cannot be read ({error.text}); ask for a PDF."
        return Document((), problems=(Problem(error.kind, text, error.where),))
    width = max((word.box.right for word in lines.words), default=0.0)
    source = "text" if lines.words else "empty"
    page = Page(1, width, float(lines.line), tuple(lines.words), source, tuple(lines.rows))
    return Document((page,), tuple(lines.unseen))


def _parts(data: bytes) -> Iterator[etree._Element]:
    """Yield the roots of headers, main text and footers."""
    package = open_package(data)
    main = next((one.part for one in package.relationships("") if one.type.endswith(_OFFICE) and one.part), "")
    if not main or package.xml(main).tag != f"{_TEXT}document":
        raise Unreadable("unsupported", "it is an Office file of another kind")
    edges = [
        (one.type.rpartition("/")[2], one.part)
        for one in package.relationships(main)
        if one.type.endswith(_EDGES) and one.part and not one.external
    ]
    for part in [*(name for kind, name in edges if kind == "header"), main]:
        yield package.xml(part)
    for part in (name for kind, name in edges if kind == "footer"):
        yield package.xml(part)


def _blocks(block: etree._Element, lines: _Lines) -> None:
    """Add the paragraphs and tables that stand in a block, at any depth."""
    for element in block:
        if element.tag == f"{_TEXT}p":
            _paragraph(element, lines)
        elif element.tag == f"{_TEXT}tr":
            _row(element, lines)
        elif element.tag not in _GONE:
            _blocks(element, lines)


def _row(row: etree._Element, lines: _Lines) -> None:
    cells = []
    for cell in row.iter(f"{_TEXT}tc"):
        if next(cell.iterancestors(f"{_TEXT}tr")) is not row:
            continue  # of a table inside a cell, which its own row adds
        first = len(lines.words)
        _blocks(cell, lines)
        cells.append(tuple(range(first, len(lines.words))))
    lines.rows.append(tuple(cells))


def _paragraph(paragraph: etree._Element, lines: _Lines) -> None:
    """Add one paragraph as a line, more where it holds text boxes, which follow it."""
    shown: list[str] = []
    hidden: list[str] = []
    boxes: list[etree._Element] = []
    _runs(paragraph, shown, hidden, boxes)
    if hidden_text := " ".join("".join(hidden).split()):
        box = Box(0.0, float(lines.line), 1.0, lines.line + 1.0)
        lines.unseen.append(Unseen(1, hidden_text[:500], box, "invisible"))
    if lines.add("".join(shown), 0):
        lines.line += 1
    for box_content in boxes:
        _blocks(box_content, lines)


def _runs(element: etree._Element, shown: list[str], hidden: list[str], boxes: list[etree._Element]) -> None:
    """Collect the text of a paragraph: what is shown, what is formatted as hidden, and its text boxes."""
    target = hidden if element.tag == f"{_TEXT}r" and _vanishes(element) else shown
    for child in element:
        if child.tag == f"{_TEXT}t":
            target.append(child.text or "")
        elif child.tag == f"{_TEXT}noBreakHyphen":
            target.append("-")
        elif child.tag in _BREAKS:
            target.append(" ")
        elif child.tag == f"{_TEXT}txbxContent":
            boxes.append(child)
        elif child.tag not in _GONE:
            _runs(child, target, hidden, boxes)


def _vanishes(run: etree._Element) -> bool:
    mark = run.find(f"{_TEXT}rPr/{_TEXT}vanish")
    return mark is not None and mark.get(f"{_TEXT}val", "1") not in {"0", "false", "off"}
