"""A calendar drawn as SVG by hand, and as PNG with Pillow: the same layout, the same words."""

import io
from collections.abc import Iterator
from xml.sax.saxutils import escape

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from pipeline.domain.reminder import ReminderKind
from pipeline.remind.calendar import Calendar
from pipeline.remind.picture import COUNT_SIZE, HEIGHT, LEFT, RIGHT, Label, Part, Picture, picture

_INK, _PAPER, _GRID = "#1a1a1a", "#ffffff", "#d5dde5"
_COLOURS = {ReminderKind.EXPIRY: "#f4b6a6", ReminderKind.RENEWAL: "#a9cdec", ReminderKind.TRIAL: "#f3dd8d"}
_RISING, _FALLING = frozenset({ReminderKind.RENEWAL, ReminderKind.TRIAL}), frozenset({ReminderKind.TRIAL})
"""Kinds hatched from the lower left to the upper right, and the other way."""
_GAP = 7
_SCALE = 2


def svg(calendar: Calendar) -> bytes:
    """Return the picture as SVG in UTF-8, with a title and a description for who cannot see it."""
    return ("\n".join(_svg(picture(calendar))) + "\n").encode()


def png(calendar: Calendar) -> bytes:
    """Return the picture as PNG, two pixels to a point of the SVG; its Title and Description say the same in words."""
    shown = picture(calendar)
    image = Image.new("RGB", (shown.width * _SCALE, HEIGHT * _SCALE), _PAPER)
    draw = ImageDraw.Draw(image)
    for line in shown.lines:
        draw.line((LEFT * _SCALE, line * _SCALE, (shown.width - RIGHT) * _SCALE, line * _SCALE), _GRID, _SCALE)
    for part in shown.parts:
        tile = _tile(part)
        image.paste(tile, (round(part.left * _SCALE), round(part.top * _SCALE)))
    for label in shown.labels:
        _write(draw, label)
    said = PngInfo()
    said.add_text("Title", shown.title)
    said.add_text("Description", shown.told)
    out = io.BytesIO()
    image.save(out, "PNG", pnginfo=said)
    return out.getvalue()


def _svg(shown: Picture) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {shown.width} {HEIGHT}" width="{shown.width}" '
        f'height="{HEIGHT}" role="img" aria-labelledby="title told" font-family="Arial, sans-serif" fill="{_INK}">'
    )
    yield f'<title id="title">{escape(shown.title)}</title>'
    yield f'<desc id="told">{escape(shown.told)}</desc>'
    yield "<defs>"
    yield from map(_pattern, ReminderKind)
    yield "</defs>"
    yield f'<rect width="100%" height="100%" fill="{_PAPER}"/>'
    for line in shown.lines:
        yield f'<path d="M{LEFT} {line:.1f}H{shown.width - RIGHT}" stroke="{_GRID}"/>'
    for part in shown.parts:
        yield (
            f'<rect x="{part.left:.1f}" y="{part.top:.1f}" width="{part.width:.1f}" height="{part.height:.1f}" '
            f'fill="url(#{part.kind})" stroke="{_INK}"/>'
        )
    for label in shown.labels:
        halo = f' paint-order="stroke" stroke="{_PAPER}" stroke-width="4"' if label.size == COUNT_SIZE else ""
        yield (
            f'<text x="{label.left:.1f}" y="{label.top + label.size:.1f}" font-size="{label.size}" '
            f'text-anchor="{label.anchor}"{halo}>{escape(label.text)}</text>'
        )
    yield "</svg>"


def _pattern(kind: ReminderKind) -> str:
    stripes = (f"M0 {_GAP}L{_GAP} 0" if kind in _RISING else "") + (f"M0 0L{_GAP} {_GAP}" if kind in _FALLING else "")
    hatch = f'<path d="{stripes}" stroke="{_INK}" stroke-opacity="0.45"/>' if stripes else ""
    fill = f'<rect width="{_GAP}" height="{_GAP}" fill="{_COLOURS[kind]}"/>'
    return f'<pattern id="{kind}" width="{_GAP}" height="{_GAP}" patternUnits="userSpaceOnUse">{fill}{hatch}</pattern>'


def _tile(part: Part) -> Image.Image:
    """Return a part of a bar, hatched and framed."""
    width, height = max(1, round(part.width * _SCALE)), max(1, round(part.height * _SCALE))
    tile = Image.new("RGB", (width, height), _COLOURS[part.kind])
    draw = ImageDraw.Draw(tile)
    for start in range(-height, width, _GAP * _SCALE):
        if part.kind in _RISING:
            draw.line((start, height, start + height, 0), "#8a8a8a")
        if part.kind in _FALLING:
            draw.line((start, 0, start + height, height), "#8a8a8a")
    draw.rectangle((0, 0, width - 1, height - 1), outline=_INK)
    return tile


def _write(draw: ImageDraw.ImageDraw, label: Label) -> None:
    font = ImageFont.load_default(label.size * _SCALE)
    halo = 2 * _SCALE if label.size == COUNT_SIZE else 0
    place = (label.left * _SCALE, (label.top + label.size) * _SCALE)
    anchor = "ms" if label.anchor == "middle" else "ls"
    draw.text(place, label.text, _INK, font, anchor=anchor, stroke_width=halo, stroke_fill=_PAPER)
