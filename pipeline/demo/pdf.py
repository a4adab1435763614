"""Writes one-page PDF files of plain text (ISO 32000-1): sample certificates and letters."""

from collections.abc import Sequence
from dataclasses import dataclass

_A4 = "0 0 595 842"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text. x, y: points from the lower left corner of an A4 page; size: points; bold: heavier type."""

    x: int
    y: int
    text: str
    size: int = 10
    bold: bool = False


def text_pdf(lines: Sequence[Line]) -> bytes:
    """Return a PDF file with the lines on one A4 page, in Helvetica.

    Raises UnicodeEncodeError for text outside code page 1252, which is all that the built-in fonts can show.
    """
    shown = b"\n".join(
        b"BT /%s %d Tf 1 0 0 1 %d %d Tm (%s) Tj ET"
        % (b"F2" if line.bold else b"F1", line.size, line.x, line.y, _literal(line.text))
        for line in lines
    )
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>"
    resources = b"<< /Font << /F1 5 0 R /F2 6 0 R >> >>"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [%s] /Resources %s /Contents 4 0 R >>" % (_A4.encode(), resources),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(shown), shown),
        font % b"Helvetica",
        font % b"Helvetica-Bold",
    )
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


def _literal(text: str) -> bytes:
    """Return text as the inside of a literal string (7.3.4.2)."""
    return text.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
