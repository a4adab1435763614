"""From the octets of a hostile mail to text that is safe to compare and to show. Nothing here raises."""

import binascii
import codecs
import re
import unicodedata
from contextlib import suppress

_WHITESPACE = b" \t\r\n\f\v"
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(octet for octet in range(256) if octet not in _BASE64)

# Charsets whose bytes are guessed anyway: senders write them for UTF-8 and for Windows text alike.
_GUESSED = frozenset({"ascii", "iso8859-1", "utf-8"})
# Codecs of Python that no mail uses: quadratic (idna, punycode), or an escape language rather than a charset.
_REFUSED = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"})
_MOST_CHARSET = 40

_JOINERS = "\u200c\u200d"
_STEPS = re.compile(r"[/\\]+")
_DRIVE = re.compile(r"^[A-Za-z]:")
_NAME = 150


def from_base64(data: bytes) -> tuple[bytes, int]:
    """Decode base64 (RFC 2045, 6.8) as far as it goes; the number counts characters that are foreign or missing."""
    body = data.translate(None, _WHITESPACE)
    with suppress(binascii.Error):
        return binascii.a2b_base64(body, strict_mode=True), 0
    body = body.rstrip(b"=")
    wrong = len(body.translate(None, _BASE64))
    if wrong:
        body = body.translate(None, _NOT_BASE64)
    if len(body) % 4 == 1:
        body = body[:-1]
        wrong += 1
    return binascii.a2b_base64(body + b"=" * (-len(body) % 4)), wrong


def from_quoted(data: bytes, *, header: bool = False) -> bytes:
    """Decode quoted-printable (RFC 2045, 6.7), or the Q encoding of headers (RFC 2047, 4.2)."""
    return binascii.a2b_qp(data, header=header)


def text_of(data: bytes, charset: str = "") -> str:
    """Decode text by its declared charset; by UTF-8, then Windows-1252, where that is unknown or often a lie."""
    try:
        codec = codecs.lookup(charset.strip()[:_MOST_CHARSET]).name
        if codec not in _GUESSED and codec not in _REFUSED:
            return data.decode(codec, "replace")
    except (LookupError, ValueError):
        pass  # an unknown charset, or a name with octets no codec name has: guess
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def shown(text: str, most: int) -> str:
    """Return one line that is safe to show: no control, direction or surrogate characters, blanks run together.

    The result has at most ``most`` characters.
    """
    if not text.isascii() or not text.isprintable():
        text = "".join(map(_safe, text[: most * 4]))
    return " ".join(text.split())[:most].rstrip()


def paragraphs(text: str, most: int) -> str:
    """Return running text with its lines kept (ended by a line feed), cleaned like ``shown``, capped."""
    lines = text[: most * 2].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join("".join(map(_safe, line)).rstrip() for line in lines).strip()[:most]


def safe_steps(name: str) -> tuple[str, ...]:
    """Return a file name's path as steps safe to show: no ``..``, drive, separator or control; never empty."""
    steps = (_safe_step(step) for step in _STEPS.split(_DRIVE.sub("", name)))
    return tuple(step for step in steps if step) or ("unnamed",)


def _safe(character: str) -> str:
    category = unicodedata.category(character)
    if category in {"Cc", "Zl", "Zp"}:
        return " "
    if category == "Cs":
        return "\ufffd"
    return "" if category == "Cf" and character not in _JOINERS else character


def _safe_step(step: str) -> str:
    step = shown(unicodedata.normalize("NFC", step.replace("›", ">")), 10 * _NAME).strip(" .")
    stem, dot, ending = step.rpartition(".")
    if len(step) > _NAME and dot and len(ending) <= len("numbers"):
        return f"{stem[: _NAME - len(ending) - 2]}….{ending}"
    return step[:_NAME]
