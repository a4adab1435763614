"""Header values of a hostile mail: encoded words, parameters, addresses and ids.

A value comes as the compat32 parser holds it: ASCII, with every other octet as a surrogate (``surrogateescape``).
Every function here takes time in proportion to the value's length, which the caller has capped. Nothing raises.
"""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote_to_bytes

from pipeline.domain.message import Address
from pipeline.readers.encoding import from_base64, from_quoted, shown, text_of

_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?([^?]*)\?=")
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)(?:"|\\?\Z)|([^;]*))', re.DOTALL)
_SECTION = re.compile(r"(.+?)(?:\*(\d{1,3}))?(\*)?\Z", re.DOTALL)
_QUOTED_PAIR = re.compile(r'\\(["\\])')
_ID = re.compile(r"<\s*([^<>\s]{1,990})\s*>")
_ADDRESS_TOKEN = re.compile(
    r'"(?P<quoted>(?:[^"\\]|\\.)*)(?:"|\\?\Z)'
    r"|\((?P<comment>(?:[^()\\]|\\.)*)\)"
    r"|<(?P<angle>[^<>]*)>"
    r"|(?P<mark>[,;:])"
    r'|(?P<atom>[^\s"(<,;:]+)'
    r"|[\s(<]",
    re.DOTALL,
)
_ADDR_SPEC = re.compile(
    r"(?:[^\s@<>(),;:\"\\\[\]]{1,254}|\"[^\"\\]{1,254}\")@(?:[^\s@<>(),;:\"\\\[\]]{1,254}|\[[^\s\[\]]{1,254}\])"
)

_COMMENT = re.compile(r"\([^()]*\)")

_MOST_NAME = 200


def octets(value: str) -> bytes:
    """Return the octets that the mail holds for this value."""
    return value.encode("utf-8", "surrogateescape")


def decoded(value: str) -> str:
    """Return the value with its encoded words (RFC 2047) and its raw 8-bit text decoded. Not yet safe to show.

    Words of one charset that follow one another are joined before they are decoded: senders split characters.
    """
    pieces: list[tuple[str, list[bytes]]] = []
    end = 0
    for word in _ENCODED_WORD.finditer(value):
        gap = value[end : word.start()]
        if gap and (end == 0 or not gap.isspace()):
            pieces.append(("", [octets(gap)]))
        charset, encoding, text = word.group(1).partition("*")[0].lower(), word.group(2), octets(word.group(3))
        data = from_base64(text)[0] if encoding in "bB" else from_quoted(text, header=True)
        if pieces and pieces[-1][0] == charset:
            pieces[-1][1].append(data)
        else:
            pieces.append((charset, [data]))
        end = word.end()
    if end < len(value):
        pieces.append(("", [octets(value[end:])]))
    return "".join(text_of(b"".join(data), charset) for charset, data in pieces)


def parameters(value: str) -> Mapping[str, str]:
    """Return the parameters after the first ``;``, by lower-case name (RFC 2045, 5.1), raw and unquoted.

    RFC 2231 values (``filename*0*=utf-8''...``) are put together and decoded; they win over plain ones.
    """
    plain: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[bool, str]]] = {}
    for name, quoted, bare in _PARAMETER.findall(value):
        text = _QUOTED_PAIR.sub(r"\1", quoted) if quoted else bare.strip()
        section = _SECTION.match(name.lower())
        if section and (section.group(2) or section.group(3)):
            place = sections.setdefault(section.group(1), {})
            place.setdefault(int(section.group(2) or 0), (bool(section.group(3)), text))
        else:
            plain.setdefault(name.lower(), text)
    return plain | {name: _joined(found) for name, found in sections.items()}


def keyword(value: str) -> str:
    """Return the word that a value begins with, lower case, without its comments and parameters."""
    return _COMMENT.sub("", value.partition(";")[0]).partition("(")[0].strip().lower()


def ids(value: str, most: int) -> tuple[str, ...]:
    """Return the message ids in a value, verbatim with their angle brackets, each once, at most ``most``.

    Where there are more, the first and the newest are kept, as mail programs do (RFC 5322, 3.6.4).
    """
    found = tuple(dict.fromkeys(f"<{shown(text_of(octets(item)), 990)}>" for item in _ID.findall(value)))
    return found if len(found) <= most else found[:1] + found[1 - most :]


def addresses(value: str) -> tuple[Address, ...]:
    """Return the mailboxes of an address list (RFC 5322, 3.4), groups and comments understood, without duplicates.

    What has no ``@`` is no address and is left out.
    """
    found: dict[Address, None] = {}
    phrase: list[str] = []
    comment = angle = ""
    for token in _ADDRESS_TOKEN.finditer(value + ","):
        kind = token.lastgroup
        text = token.group(kind) if kind else ""
        if kind == "mark":
            if text != ":":  # before a colon stands the name of a group: no mailbox
                found |= dict.fromkeys(_mailboxes(phrase, comment, angle))
            phrase, comment, angle = [], "", ""
        elif kind == "angle":
            angle = angle or text
        elif kind == "comment":
            comment = comment or text
        elif kind == "quoted":
            phrase.append(_QUOTED_PAIR.sub(r"\1", text))
        elif kind == "atom":
            phrase.append(text)
    return tuple(found)


def _mailboxes(phrase: list[str], comment: str, angle: str) -> Iterator[Address]:
    """Yield the address in angle brackets, or every bare one between two commas (a common mistake)."""
    if angle:
        specs, words = [angle], phrase
    else:
        specs = [word for word in phrase if "@" in word]
        words = [word for word in phrase if "@" not in word]
    name = shown(decoded(" ".join(words) or comment), _MOST_NAME)
    for raw in specs:
        # A source route ends with a colon, and comments may stand anywhere (RFC 5322, 4.4 and 3.2.2).
        spec = _COMMENT.sub("", text_of(octets(raw))).rpartition(":")[2].strip()
        if _ADDR_SPEC.fullmatch(spec) and shown(spec, len(spec)) == spec:
            local, _, domain = spec.rpartition("@")
            # Outside ASCII a letter may turn into one inside it (the Kelvin sign into a k): another domain's name.
            yield Address(name, f"{local}@{domain.lower() if domain.isascii() else domain}")


def _joined(sections: Mapping[int, tuple[bool, str]]) -> str:
    charset, data = "", b""
    for index in range(len(sections)):
        if index not in sections:
            break
        extended, text = sections[index]
        if index == 0 and extended and text.count("'") > 1:
            charset, _, text = text.split("'", 2)
        data += unquote_to_bytes(octets(text)) if extended else octets(text)
    text = text_of(data, charset)
    return text.encode("utf-8", "replace").decode("utf-8")
