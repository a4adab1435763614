"""Authentication-Results headers (RFC 8601) as a mail carries them: all of them, with their place, believed by nobody.

Anybody can write such a header into a mail. What tells a border's own from a forged one is who it says it is from,
and its place among the Received headers: each server puts its headers on top of those that it was handed.
"""

import re
from collections.abc import Iterator, Sequence

from pipeline.domain.message import Authentication
from pipeline.readers import header
from pipeline.readers.encoding import shown, text_of

_MOST_STAMPS = 20
_MOST_HOSTS = 50
_MOST_TEXT = 500
_MOST_RESULTS = 10

# A quotation that is never closed runs to the end, so that no value is searched twice. In a comment there are none.
_TOKEN = re.compile(
    r'"(?P<quoted>(?:[^"\\]|\\.)*)(?:"|\\?\Z)|(?P<open>\()|(?P<shut>\))|(?P<stop>;)|(?P<plain>[^"();]+)', re.DOTALL
)
_IN_COMMENT = re.compile(r"(?P<open>\()|(?P<shut>\))|(?:\\.|[^()\\])+|\\", re.DOTALL)
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9._@+-]{1,254}")
_SERVICE = re.compile(r"\s*([^\s=]{1,254})(?:\s+\d{1,4})?\s*")
_RESULT = re.compile(r"\s*([a-z][a-z0-9_-]{0,30})\s*(?:/\s*\d{1,4}\s*)?=\s*([a-z]{1,30})(?![\w-])", re.IGNORECASE)
_FROM_DOMAIN = re.compile(r"(?:^|\s)header\s*\.\s*from\s*=\s*([!-~]{1,254})(?!\S)", re.IGNORECASE)
_BY = re.compile(r"(?:^|\s)by\s+([^\s;]{1,254})", re.IGNORECASE)


def authentications(headers: Sequence[tuple[str, str]]) -> tuple[Authentication, ...]:
    """Return the Authentication-Results of one header block, topmost first. headers: lower-case name and raw value."""
    found: list[Authentication] = []
    above: list[str] = []
    for name, value in headers:
        if name == "received":
            above.append(_receiver(value))
        elif name == "authentication-results":
            found.append(_read(value, tuple(above)))
        if len(found) == _MOST_STAMPS or len(above) > _MOST_HOSTS:
            break
    return tuple(found)


def _receiver(value: str) -> str:
    """Return the host that says of itself that it took the mail (RFC 5321, 4.4); empty where it does not say."""
    match = _BY.search(_pieces(value)[0])
    return shown(match[1], 254).lower().rstrip(".") if match else ""


def _read(value: str, above: tuple[str, ...]) -> Authentication:
    pieces = _pieces(value)
    named = _SERVICE.fullmatch(pieces[0])
    return Authentication(
        authserv_id=shown(named[1], 254).lower() if named else "",
        above=above,
        dmarc=tuple(_dmarc(pieces[1:] if named else pieces))[:_MOST_RESULTS],
        text=shown(text_of(header.octets(value)), _MOST_TEXT),
    )


def _dmarc(pieces: Sequence[str]) -> Iterator[tuple[str, str]]:
    for piece in pieces:
        result = _RESULT.match(piece)
        if result and result[1].lower() == "dmarc":
            domain = _FROM_DOMAIN.search(piece, result.end())
            said = domain[1] if domain else ""
            yield result[2].lower(), said.lower().rpartition("@")[2].rstrip(".")


def _pieces(value: str) -> list[str]:
    """Return what stands between the semicolons, without comments; of a quotation only what might be a domain."""
    pieces = [""]
    depth = end = 0
    while token := (_IN_COMMENT if depth else _TOKEN).match(value, end):
        end = token.end()
        kind = token.lastgroup
        if kind == "open":
            depth += 1
        elif kind == "shut":
            depth = max(0, depth - 1)
            pieces[-1] += " "
        elif kind == "stop":
            pieces.append("")
        elif kind == "quoted":
            pieces[-1] += token["quoted"] if _PLAIN_VALUE.fullmatch(token["quoted"]) else "?"
        elif kind == "plain":
            pieces[-1] += token["plain"]
    return pieces
