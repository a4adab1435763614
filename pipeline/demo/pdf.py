"""Writes PDF files (ISO 32000-1) of text, lines and pictures: sample certificates and letters."""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import compress

WIDTH, HEIGHT = 595, 842
"""An A4 page, in points."""

_REGULAR = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 278 278 "
    "584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 722 667 611 722 667 944 "
    "667 667 611 278 278 278 469 556 333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 "
    "278 556 500 722 500 500 500 334 260 334 584"
)
_HEAVY = (
    "278 333 474 556 556 889 722 238 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 333 333 "
    "584 584 584 611 975 722 722 722 722 667 611 778 722 278 556 722 611 833 722 778 667 778 722 667 611 722 667 944 "
    "667 667 611 333 278 333 584 556 333 556 611 556 611 556 333 611 611 278 278 556 278 889 611 611 611 611 389 556 "
    "333 611 556 778 556 556 500 389 280 389 584"
)
_WIDTHS = {
    bold: dict(zip(range(32, 127), map(int, text.split()), strict=True))
    for bold, text in ((False, _REGULAR), (True, _HEAVY))
}
"""Widths of the ASCII characters in thousandths of the size, Helvetica and Helvetica-Bold (their AFM files)."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text. x, y: points from the lower left corner of an A4 page; size: points; bold: heavier type."""

    x: float
    y: float
    text: str
    size: int = 10
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight black line half a point thick, from one place to another, in points from the lower left corner."""

    x: float
    y: float
    to_x: float
    to_y: float


@dataclass(frozen=True, slots=True)
class Picture:
    """Octets of a picture in a frame on the page, in points. across, down: pixels.

    data: for each pixel one octet of grey; with bits=1 one bit, rows filled up to whole octets, 1 for white.
    """

    x: float
    y: float
    width: float
    height: float
    across: int
    down: int
    data: bytes
    bits: int = 8


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands on one page."""

    lines: tuple[Line, ...] = ()
    rules: tuple[Rule, ...] = ()
    pictures: tuple[Picture, ...] = ()


def width_of(text: str, size: int, *, bold: bool = False) -> float:
    """Return how wide a text is, in points; characters outside ASCII count as wide as a digit."""
    widths = _WIDTHS[bold]
    return sum(widths.get(ord(sign), 556) for sign in text) * size / 1000


def text_pdf(lines: Sequence[Line]) -> bytes:
    """Return a PDF file with the lines on one A4 page, in Helvetica.

    Raises UnicodeEncodeError for text outside code page 1252, which is all that the built-in fonts can show.
    """
    return pdf_of([Sheet(tuple(lines))])


def pdf_of(sheets: Sequence[Sheet]) -> bytes:
    """Return a PDF file of some A4 pages, in Helvetica; the same sheets give the same bytes. Errors: as text_pdf."""
    first = 3
    pages: list[bytes] = []
    streams: list[bytes] = []
    pictures: list[bytes] = []
    fonts = first + 2 * len(sheets)
    for number, sheet in enumerate(sheets):
        names: list[bytes] = []
        for picture in sheet.pictures:
            names.append(b"/I%d %d 0 R" % (len(names), fonts + 2 + len(pictures)))
            pictures.append(_image(picture))
        images = b" /XObject << %s >>" % b" ".join(names) if names else b""
        shown = _shown(sheet)
        pages.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Resources << /Font << /F1 %d 0 R /F2 %d 0 R >>%s >> "
            b"/Contents %d 0 R >>" % (WIDTH, HEIGHT, fonts, fonts + 1, images, first + 2 * number + 1)
        )
        streams.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(shown), shown))
    kids = b" ".join(b"%d 0 R" % (first + 2 * number) for number in range(len(sheets)))
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>"
    return _file(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(sheets)),
            *(part for pair in zip(pages, streams, strict=True) for part in pair),
            font % b"Helvetica",
            font % b"Helvetica-Bold",
            *pictures,
        ]
    )


def _file(objects: Sequence[bytes]) -> bytes:
    """Return a file of numbered objects with their table (7.5), the first of them its root."""
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)


def _shown(sheet: Sheet) -> bytes:
    """Return the operators that draw a page (8.5, 9.4): pictures first, what is written over them last."""
    return b"\n".join(
        (
            *(
                b"q %.2f 0 0 %.2f %.2f %.2f cm /I%d Do Q" % (each.width, each.height, each.x, each.y, number)
                for number, each in enumerate(sheet.pictures)
            ),
            *(b"0.5 w %.2f %.2f m %.2f %.2f l S" % (each.x, each.y, each.to_x, each.to_y) for each in sheet.rules),
            *(
                b"BT /%s %d Tf 1 0 0 1 %.5g %.5g Tm (%s) Tj ET"
                % (b"F2" if line.bold else b"F1", line.size, line.x, line.y, _literal(line.text))
                for line in sheet.lines
            ),
        )
    )


def _image(picture: Picture) -> bytes:
    """Return an image object of shades of grey (8.9.5)."""
    packed = compress(picture.data, 9)
    return (
        b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent %d "
        b"/Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream"
        % (picture.across, picture.down, picture.bits, len(packed), packed)
    )


def _literal(text: str) -> bytes:
    """Return text as the inside of a literal string (7.3.4.2)."""
    return text.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
