"""Python's own mail parser (policy compat32), held to limits while it works.

``policy.default`` takes 24 seconds and 630 MB over one hostile From header, so it is never used. The limits on nesting
and on parts are enforced where the parser makes a part: what is refused has not been built.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.errors import CloseBoundaryNotFoundDefect
from email.message import Message as StandardMessage
from email.parser import BytesFeedParser
from email.policy import compat32
from typing import Any

from pipeline.readers import header
from pipeline.readers.encoding import from_base64, from_quoted

_BLANK_LINE = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n|\A\r?\n")
# A line among the headers that is neither header nor continuation; the parser would take it for the body's first.
_STRAY = re.compile(rb"^(?!From |[!-9;-~]*:|[\t \r\n]|\Z)", re.MULTILINE)
_LATER_HEADER = re.compile(
    rb"^(?:from|to|subject|date|message-id|mime-version|content-type):", re.IGNORECASE | re.MULTILINE
)
_NOT_TOKEN = re.compile(r"[^a-z0-9]")
_IDENTITY = frozenset({"", "7bit", "8bit", "binary", "plain", "none"})
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class MailLimits:
    """How much of one mail is read. Beyond a limit the mail stays whole in the store, and a Problem says the number.

    octets, lines: of one mail as received. header_octets, headers: of one header block; the header octets of all parts
    together may be eight times that. header_value: octets kept of one header. parts: MIME parts and files in zips, all
    told. depth: of multiparts, attached mails and zips in one another. addresses: kept of one header.
    body: characters. unpacked: octets of all files found. entries, ratio: of one zip; a file under ``small`` octets
    may be packed tighter than ``ratio``.
    """

    octets: int = 64 << 20
    lines: int = 2_000_000
    header_octets: int = 64 << 10
    header_value: int = 16 << 10
    headers: int = 500
    parts: int = 1_000
    depth: int = 20
    addresses: int = 100
    references: int = 100
    body: int = 20_000
    unpacked: int = 128 << 20
    entries: int = 2_000
    ratio: int = 200
    small: int = 1 << 20


class LimitMet(Exception):  # noqa: N818 - named for the fact, as the ports are
    """The mail is over one of ``MailLimits``; the text is a sentence that says which, and the number seen."""


class Budget:
    """What has been used of the limits, over a whole mail with everything inside it."""

    def __init__(self, limits: MailLimits) -> None:
        """Start with nothing used."""
        self.limits = limits
        self.parts = 0
        self.octets = 0
        self._headers = 0

    def part(self, depth: int) -> None:
        """Count one more part, or file, at that depth."""
        self.parts += 1
        if self.parts > self.limits.parts:
            raise LimitMet(f"It holds more than {self.limits.parts:,} parts; the rest was not read.")
        if depth > self.limits.depth:
            raise LimitMet(f"Its parts are nested more than {self.limits.depth} deep; the rest was not read.")

    def header(self, octets: int) -> None:
        """Count the octets of one more header."""
        self._headers += octets
        most = 8 * self.limits.header_octets
        if self._headers > most:
            raise LimitMet(f"The headers of its parts are over {most:,} octets together; the rest was not read.")

    def unpack(self, octets: int) -> None:
        """Count the octets of one more file."""
        self.octets += octets
        if self.octets > self.limits.unpacked:
            raise LimitMet(f"Its files are over {self.limits.unpacked:,} octets together; the rest was not read.")


class Part(StandardMessage):
    """One MIME part. Header values are kept raw; an attached mail stays a part with content, whatever its encoding."""

    def __init__(self, budget: Budget, depth: int) -> None:
        """Count the part. The depth is right for the first part; ``attach`` sets it for those inside."""
        super().__init__(compat32)
        self._budget = budget
        self._count = 0
        self._raw: dict[str, list[str]] = {}
        self.headers: list[tuple[str, str]] = []
        """Every header in order: its name in lower case, and its raw value."""
        self.depth = depth
        self.inner: list[Part] = []

    def set_raw(self, name: str, value: str) -> None:
        """Take one header from the parser, cut to the limit.

        The base class is not told: what it does with headers raises on some and re-decodes 8-bit content by others.
        """
        self._budget.header(len(name) + len(value))
        self._count += 1
        if self._count > self._budget.limits.headers:
            raise LimitMet(f"One of its header blocks has more than {self._budget.limits.headers} headers.")
        name, value = name.strip().lower(), value[: self._budget.limits.header_value]
        self.headers.append((name, value))
        self._raw.setdefault(name, []).append(value)

    def __len__(self) -> int:
        """Return the number of headers, which is also a part's truth: the parser asks for it to know a digest."""
        return self._count

    def attach(self, payload: StandardMessage | str) -> None:
        """Take one part from the parser."""
        self._budget.part(self.depth + 1)
        if isinstance(payload, Part):
            payload.depth = self.depth + 1
            self.inner.append(payload)
        super().attach(payload)

    def values(self, name: str) -> list[str]:  # type: ignore[override]  # the dict-like listing of every value is not used
        """Return every value of that header, raw, in order."""
        return self._raw.get(name, [])

    def value(self, name: str) -> str:
        """Return the first value of that header, raw; empty where there is none."""
        return next(iter(self.values(name)), "")

    @property
    def content_type(self) -> str:
        """The declared type, lower case; ``text/plain`` where it is missing or no type (RFC 2045, 5.2)."""
        declared = self.value("content-type").partition(";")[0].strip().lower()
        if declared.count("/") == 1 and declared.isascii() and declared.isprintable():
            return declared
        return "text/plain" if declared else self.get_default_type()

    @property
    def parameters(self) -> Mapping[str, str]:
        """The parameters of Content-Type."""
        return header.parameters(self.value("content-type"))

    @property
    def disposition(self) -> str:
        """``attachment``, ``inline``, something else, or empty."""
        return self.value("content-disposition").partition(";")[0].strip().lower()

    @property
    def filename(self) -> str:
        """The declared file name, decoded, not yet safe to show; empty where there is none."""
        named = header.parameters(self.value("content-disposition")).get("filename") or self.parameters.get("name", "")
        return header.decoded(named)

    @property
    def encoding(self) -> str:
        """The declared transfer encoding without its punctuation: ``base64``, ``quotedprintable``, ``7bit``, ..."""
        return _NOT_TOKEN.sub("", self.value("content-transfer-encoding").partition(";")[0].lower())[:40]

    @property
    def octets(self) -> bytes:
        """A leaf's octets as sent: the base class knows of no transfer encoding and no charset (see ``set_raw``)."""
        data = self.get_payload(decode=True)
        return data if isinstance(data, bytes) else b""

    def get_content_type(self) -> str:
        """Tell the parser the type, but hide ``message/...`` from it, so that it does not descend by itself."""
        return self.content_type.replace("message/", "application/", 1)

    def get_boundary(self, failobj: Any = None) -> Any:
        """Tell the parser the boundary; the standard way to find it raises on some RFC 2231 names."""
        return self.parameters.get("boundary", "").rstrip() or failobj


def parse(raw: bytes, budget: Budget, depth: int = 1) -> Part:
    """Parse one mail, or raise LimitMet. ``depth`` is that of its outermost part."""
    guard(raw, budget.limits)
    budget.part(depth)
    parser = BytesFeedParser(lambda: Part(budget, depth))
    headers = _header_block(raw, budget.limits)
    parser.feed(_mended(headers))
    for start in range(len(headers), len(raw), _CHUNK):
        parser.feed(raw[start : start + _CHUNK])
    return parser.close()


def guard(raw: bytes, limits: MailLimits) -> None:
    """Raise LimitMet for what would cost memory before the parser makes its first part."""
    if len(raw) > limits.octets:
        raise LimitMet(f"It has {len(raw):,} octets; the most that is read is {limits.octets:,}.")
    lines = raw.count(b"\n") + raw.count(b"\r")
    if lines > 2 * limits.lines:
        raise LimitMet(f"It has about {lines // 2:,} lines; the most that is read is {limits.lines:,}.")
    if len(raw) > limits.header_octets and not _BLANK_LINE.search(raw, 0, limits.header_octets + 4):
        raise LimitMet(f"Its headers are over {limits.header_octets:,} octets.")


def head(raw: bytes, limits: MailLimits) -> Part:
    """Return the first headers alone, as many as the limits let through: all that is said of a refused mail."""
    lines = _mended(_header_block(raw, limits)).splitlines(keepends=True)[: limits.headers]
    budget = Budget(limits)
    parser = BytesFeedParser(lambda: Part(budget, 1))
    parser.feed(b"".join(lines))
    return parser.close()


def _header_block(raw: bytes, limits: MailLimits) -> bytes:
    blank = _BLANK_LINE.search(raw, 0, limits.header_octets + 4)
    return raw[: blank.end() if blank else limits.header_octets]


def _mended(headers: bytes) -> bytes:
    """Fold stray lines into the header before them, where more headers follow: a relay has spoilt the block."""
    later = list(_LATER_HEADER.finditer(headers))
    end = later[-1].start() if later else 0
    return _STRAY.sub(b" ", headers[:end]) + headers[end:]


def leaves(part: Part, within: str = "") -> Iterator[tuple[Part, str]]:
    """Yield the parts that are no multipart, in order, each with the type of the multipart that holds it."""
    if not part.is_multipart():
        yield part, within
    for inner in part.inner:
        yield from leaves(inner, part.content_type)


def unfinished(part: Part) -> bool:
    """Whether a multipart's last boundary is missing: the mail may have been cut off."""
    return any(isinstance(defect, CloseBoundaryNotFoundDefect) for inner in part.walk() for defect in inner.defects)


def content(part: Part) -> tuple[bytes, str]:
    """Return a leaf's octets with the transfer encoding undone, and what was wrong with that (or nothing)."""
    data = part.octets
    encoding = part.encoding
    if encoding == "base64":
        decoded, wrong = from_base64(data)
        if wrong * 10 > len(data):
            return data, "is declared as base64 but is not; it was read as it stands"
        return decoded, f"has {wrong:,} wrong or missing characters in its base64 text" if wrong else ""
    if encoding == "quotedprintable":
        return from_quoted(data), ""
    if encoding in _IDENTITY:
        return data, ""
    return data, f"is declared in the transfer encoding '{encoding}', which is not known; it was read as it stands"
