"""Ways in which issuers lay out a certificate or a letter; each puts the same content on A4 pages."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from pipeline.demo.pdf import Line, Picture, Rule, Sheet, width_of

Pair = tuple[str, str]
"""A label and its value."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a document says, before it is laid out.

    opening, closing: paragraphs. pairs: labels and values of the document. sentences: the same said in words. devices:
    for each Device Model labels and values; device_sentences: the same in words. written: each in one line.
    """

    title: str
    subtitle: str
    opening: Sequence[str]
    pairs: Sequence[Pair]
    sentences: Sequence[str]
    closing: Sequence[str]
    devices: Sequence[Sequence[Pair]] = ()
    device_sentences: Sequence[str] = ()
    written: Sequence[str] = ()


_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 533, 740, 90
_STEP, _LEADING, _SIZE = 21, 13, 10
_FOOT = "Invented for the demonstration of the pipeline. Certifies nothing."


@dataclass
class _Pen:
    """Writes from the top of a page down, and goes on on the next."""

    sheets: list[Sheet] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    y: float = _TOP

    def room(self, height: float) -> bool:
        """Start a new page where so much does not fit any more, and say whether that was done."""
        if self.y - height >= _BOTTOM:
            return False
        self.turn()
        return True

    def turn(self) -> None:
        """End the page."""
        foot = (Line(_LEFT, 56, _FOOT, 8), Line(500, 56, f"- {len(self.sheets) + 1} -", 8))
        self.sheets.append(Sheet((*self.lines, *foot), tuple(self.rules), tuple(self.pictures)))
        self.lines, self.rules, self.pictures, self.y = [], [], [], _TOP

    def write(self, x: float, text: str, *, bold: bool = False, size: int = _SIZE) -> None:
        """Write a line at the height of the pen."""
        self.lines.append(Line(x, self.y, text, size, bold))

    def paragraph(self, text: str) -> None:
        """Write running text over the width of the page."""
        for line in wrapped(text, _RIGHT - _LEFT):
            self.room(_LEADING)
            self.write(_LEFT, line)
            self.y -= _LEADING
        self.y -= _LEADING

    def pages(self) -> list[Sheet]:
        """Return the pages."""
        if self.lines or not self.sheets:
            self.turn()
        return self.sheets


def wrapped(text: str, width: float, *, bold: bool = False) -> Iterator[str]:
    """Yield the lines of a text that is so many points wide."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if line and width_of(longer, _SIZE, bold=bold) > width:
            yield line
            line = word
        else:
            line = longer
    yield line


def _heading(pen: _Pen, content: Content) -> None:
    pen.write(_LEFT, content.title, bold=True, size=18)
    pen.y -= 24
    pen.write(_LEFT, content.subtitle, size=12)
    pen.y -= 34


def _listing(pen: _Pen, pairs: Sequence[Pair], x: float = 230) -> None:
    """Write labels with their values beside them."""
    for label, value in pairs:
        lines = list(wrapped(value, _RIGHT - x))
        pen.room(_STEP + _LEADING * (len(lines) - 1))
        pen.write(_LEFT, label, bold=True)
        for line in lines:
            pen.write(x, line)
            pen.y -= _LEADING
        pen.y -= _STEP - _LEADING


def _groups(pen: _Pen, content: Content) -> None:
    """Write each Device Model as labels and values of its own."""
    for number, device in enumerate(content.devices, 1):
        if len(content.devices) > 1:
            pen.room(_STEP * (len(device) + 2))
            pen.y -= _LEADING
            pen.write(_LEFT, f"Device Model {number}", bold=True, size=11)
            pen.y -= _STEP
        _listing(pen, device)


def as_list(content: Content) -> list[Sheet]:
    """Labels at the left, values beside them."""
    pen = _Pen()
    _heading(pen, content)
    return _listed(pen, content)


def _listed(pen: _Pen, content: Content) -> list[Sheet]:
    for text in content.opening:
        pen.paragraph(text)
    _listing(pen, content.pairs)
    _groups(pen, content)
    pen.y -= _LEADING
    for text in content.closing:
        pen.paragraph(text)
    return pen.pages()


def as_table(content: Content) -> list[Sheet]:
    """A ruled table of labels and values; several Device Models in a ruled table of their own, over pages."""
    pen = _Pen()
    _heading(pen, content)
    for text in content.opening:
        pen.paragraph(text)
    single = content.devices[0] if len(content.devices) == 1 else ()
    _ruled(pen, [*content.pairs, *single], (_LEFT, 240, _RIGHT))
    if len(content.devices) > 1:
        heads = [label for label, _ in content.devices[0]]
        step = (_RIGHT - _LEFT) / len(heads)
        edges = [_LEFT + step * n for n in range(len(heads) + 1)]
        _ruled(pen, [[value for _, value in device] for device in content.devices], edges, heads)
    for text in content.closing:
        pen.paragraph(text)
    return pen.pages()


def _ruled(pen: _Pen, rows: Sequence[Sequence[str]], edges: Sequence[float], heads: Sequence[str] = ()) -> None:
    """Draw a table: lines round every cell, the headings again on every page."""

    def draw(cells: Sequence[str], *, bold: bool) -> None:
        inside = [
            list(wrapped(cell, right - left - 8, bold=bold))
            for cell, (left, right) in zip(cells, pairwise(edges), strict=True)
        ]
        height = _LEADING * max(map(len, inside)) + 7
        bottom = top - height
        for x, lines in zip(edges, inside, strict=False):
            pen.lines += [
                Line(x + 4, top - 13 - _LEADING * n, line, _SIZE, bold or (not heads and x == edges[0]))
                for n, line in enumerate(lines)
            ]
        pen.rules.extend(Rule(x, top, x, bottom) for x in edges)
        pen.rules.append(Rule(edges[0], bottom, edges[-1], bottom))
        pen.y = bottom

    fresh = True
    for row in rows:
        fresh = pen.room(3 * _STEP) or fresh
        top = pen.y
        if fresh:
            pen.rules.append(Rule(edges[0], top, edges[-1], top))
            if heads:
                draw(heads, bold=True)
                top = pen.y
            fresh = False
        draw(row, bold=False)
    pen.y -= 2 * _LEADING


def in_columns(content: Content) -> list[Sheet]:
    """Labels and values in two columns side by side."""
    pen = _Pen()
    _heading(pen, content)
    for text in content.opening:
        pen.paragraph(text)
    single = content.devices[0] if len(content.devices) == 1 else ()
    pairs = [*content.pairs, *single]
    half = (len(pairs) + 1) // 2
    for number in range(half):
        row = [(50, 168, 290, pairs[number])]
        if number + half < len(pairs):
            row.append((300, 418, 545, pairs[number + half]))
        height = max(len(list(wrapped(value, end - x))) for _, x, end, (_, value) in row)
        pen.room(_STEP + _LEADING * height)
        top = pen.y
        for left, x, end, (label, value) in row:
            pen.lines.append(Line(left, top, f"{label}:", 9))
            pen.lines += [Line(x, top - _LEADING * n, line) for n, line in enumerate(wrapped(value, end - x))]
        pen.y = top - _STEP - _LEADING * (height - 1)
    if len(content.devices) > 1:
        _groups(pen, content)
    for text in content.closing:
        pen.paragraph(text)
    return pen.pages()


def as_letter(content: Content) -> list[Sheet]:
    """Everything in sentences."""
    pen = _Pen()
    _heading(pen, content)
    first, *rest = content.opening or ("",)
    pen.paragraph(first)
    pen.paragraph(" ".join((*rest, *content.sentences)))
    for text in content.device_sentences:
        pen.paragraph(text)
    for text in content.closing:
        pen.paragraph(text)
    return pen.pages()


def as_device_list(content: Content) -> list[Sheet]:
    """Labels and values, then every Device Model written in one, a line each."""
    pen = _Pen()
    _heading(pen, content)
    for text in content.opening:
        pen.paragraph(text)
    _listing(pen, content.pairs)
    pen.y -= _LEADING
    for number, text in enumerate(content.written, 1):
        pen.room(_LEADING)
        pen.write(_LEFT, f"{number}. {text}")
        pen.y -= _LEADING + 2
    pen.y -= _LEADING
    for text in content.closing:
        pen.paragraph(text)
    return pen.pages()


def as_schedule(content: Content) -> list[Sheet]:
    """Labels and values, then the Device Models in columns under headings, without a line drawn, over pages."""
    pen = _Pen()
    _heading(pen, content)
    for text in content.opening:
        pen.paragraph(text)
    _listing(pen, content.pairs)
    pen.y -= _LEADING
    fresh = True
    for device in content.devices:
        fresh = pen.room(_STEP) or fresh
        places = [_LEFT + n * (_RIGHT - _LEFT) / len(device) for n in range(len(device))]
        if fresh:
            pen.lines += [Line(x, pen.y, label, 9, bold=True) for x, (label, _) in zip(places, device, strict=True)]
            pen.y -= _STEP
            fresh = False
        pen.lines += [Line(x, pen.y, value) for x, (_, value) in zip(places, device, strict=True)]
        pen.y -= _LEADING + 3
    pen.y -= _LEADING
    for text in content.closing:
        pen.paragraph(text)
    return pen.pages()


def with_picture(content: Content) -> list[Sheet]:
    """A list of labels and values under a heading that is a picture, so that its words are in no text."""
    pen = _Pen()
    pen.pictures.append(_crest())
    pen.y -= 40
    return _listed(pen, content)


def _crest() -> Picture:
    """Return a picture for the top of a page: rings on a pale ground."""
    across, down, middle = 240, 48, 24
    squares = (((y - middle) ** 2 + (x % down - middle) ** 2) // 60 for y in range(down) for x in range(across))
    shades = (200 if square in {1, 3, 5} else 245 for square in squares)
    return Picture(_LEFT, _TOP - 10, 240, 48, across, down, bytes(shades))


LAYOUTS: Mapping[str, Callable[[Content], list[Sheet]]] = {
    "list": as_list,
    "table": as_table,
    "columns": in_columns,
    "letter": as_letter,
    "devices": as_device_list,
    "schedule": as_schedule,
    "image": with_picture,
}
"""The layouts by name."""
