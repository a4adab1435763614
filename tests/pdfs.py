"""Raw PDF files for tests: pages of operators as they are, with the boxes, turns, fonts and annotations they need."""

import hashlib
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

FONT = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
FIRST_FREE = 10
"""The number of the first object of ``Raw.extra``."""


@dataclass(frozen=True)
class Raw:
    """One page, or several with the same entries. content: operators. extra: further objects, from number 10.

    page: further entries of the page; catalogue: of the document; resources: of the page's resources besides F1 and F2.
    """

    content: str | Sequence[str] = ""
    box: str = "0 0 595 842"
    page: str = ""
    catalogue: str = ""
    resources: str = ""
    extra: Sequence[str | bytes] = ()
    trailer: str = ""
    head: str = ""


def text(x: float, y: float, words: str, size: float = 10, before: str = "") -> str:
    """Operators that write a line at a place from the lower left corner."""
    escaped = words.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return f"q {before} BT /F1 {size} Tf 1 0 0 1 {x} {y} Tm ({escaped}) Tj ET Q\n"


def stream(data: str | bytes, entries: str = "") -> bytes:
    """A stream object's body."""
    octets = data if isinstance(data, bytes) else data.encode("cp1252")
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(octets), entries.encode(), octets)


def picture(wide: int, high: int, grey: int = 255, entries: str = "") -> bytes:
    """An image object of one grey."""
    data = zlib.compress(bytes([grey]) * wide * high)
    shape = f"/Width {wide} /Height {high} /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode"
    return stream(data, f"/Type /XObject /Subtype /Image {shape} {entries}")


def form(content: str, box: str = "0 0 595 842", entries: str = "") -> bytes:
    """A form object, to be drawn by ``Do`` or as an appearance."""
    font = f"/Resources << /Font << /F1 << {FONT[3:-3]} >> >> >>"
    return stream(content, f"/Type /XObject /Subtype /Form /BBox [{box}] {font} {entries}")


def raw_pdf(raw: Raw) -> bytes:
    """The file."""
    contents = [raw.content] if isinstance(raw.content, str) else list(raw.content)
    first = FIRST_FREE + len(raw.extra)
    kids = " ".join(f"{first + 2 * number} 0 R" for number in range(len(contents)))
    bodies: dict[int, bytes] = {
        1: f"<< /Type /Catalog /Pages 2 0 R {raw.catalogue} >>".encode(),
        2: f"<< /Type /Pages /Kids [{kids}] /Count {len(contents)} >>".encode(),
        3: FONT.encode(),
        4: FONT.replace("Helvetica", "Times-Roman").encode(),
    }
    for number, body in enumerate(raw.extra, FIRST_FREE):
        bodies[number] = body.encode() if isinstance(body, str) else body
    for number, content in enumerate(contents):
        place = first + 2 * number
        resources = f"<< /Font << /F1 3 0 R /F2 4 0 R >> {raw.resources} >>"
        box = f"/MediaBox [{raw.box}]" if raw.box else ""
        entries = f"/Type /Page /Parent 2 0 R {box} /Resources {resources} /Contents {place + 1} 0 R {raw.page}"
        bodies[place] = f"<< {entries} >>".encode()
        bodies[place + 1] = stream(content)
    return _file(bodies, raw)


def _file(bodies: dict[int, bytes], raw: Raw) -> bytes:
    out = bytearray(b"%PDF-1.7\n" + raw.head.encode())
    places = {}
    for number, body in sorted(bodies.items()):
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n" % (max(bodies) + 1)
    for number in range(max(bodies) + 1):
        out += b"%010d 00000 n \n" % places[number] if number in places else b"0000000000 65535 f \n"
    out += b"trailer\n<< /Size %d /Root 1 0 R %s >>\n" % (max(bodies) + 1, raw.trailer.encode())
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % table)


def updated(data: bytes) -> bytes:
    """The file saved again by an incremental update that adds one object."""
    start = int(data.rpartition(b"startxref")[2].split()[0])
    body = b"900 0 obj\n<< /Note (changed) >>\nendobj\n"
    table = len(data) + len(body)
    section = b"xref\n900 1\n%010d 00000 n \ntrailer\n<< /Size 901 /Root 1 0 R /Prev %d >>\n" % (len(data), start)
    return data + body + section + b"startxref\n%d\n%%%%EOF\n" % table


_PAD = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


def protected(content: str, *, opens: bool) -> bytes:
    """A page encrypted by the standard handler, revision 2 (ISO 32000-1, 7.6.3).

    opens: with an empty user password, so that only an owner's password protects it; else with one nobody knows.
    """
    owner, permissions, ident = b"O" * 32, -44, b"I" * 16
    key = hashlib.md5(_PAD + owner + struct.pack("<i", permissions) + ident).digest()[:5]  # noqa: S324 - the format's own
    user = _rc4(key, _PAD) if opens else b"U" * 32
    place = FIRST_FREE + 2  # of the content, behind one extra object and the page
    own = hashlib.md5(key + struct.pack("<I", place)[:3] + b"\0\0").digest()[:10]  # noqa: S324 - the format's own
    handler = f"<< /Filter /Standard /V 1 /R 2 /O <{owner.hex()}> /U <{user.hex()}> /P {permissions} >>"
    ends = f"/Encrypt {FIRST_FREE} 0 R /ID [<{ident.hex()}> <{ident.hex()}>]"
    plain = raw_pdf(Raw(content, extra=[handler], trailer=ends))
    octets = content.encode("cp1252")
    return plain.replace(octets, _rc4(own, octets))


def _rc4(key: bytes, data: bytes) -> bytes:
    state = list(range(256))
    at = 0
    for index in range(256):
        at = (at + state[index] + key[index % len(key)]) % 256
        state[index], state[at] = state[at], state[index]
    out = bytearray()
    one = two = 0
    for octet in data:
        one = (one + 1) % 256
        two = (two + state[one]) % 256
        state[one], state[two] = state[two], state[one]
        out.append(octet ^ state[(state[one] + state[two]) % 256])
    return bytes(out)
