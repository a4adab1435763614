"""Proves of a rendered mail that its text and its HTML say the same words, and that the HTML loads nothing."""

import re
from html.parser import HTMLParser

_WORD = re.compile(r"\w+")
_UNSAID = frozenset({"head", "script", "style"})
_ACTIVE = re.compile(
    r"<\s*(?:script|img|iframe|object|embed|link|form|input|svg|video|audio|base|meta\s[^>]*http-equiv)\b"
    r"|\b(?:src|background|srcset|on[a-z]+)\s*=|url\s*\(|@import|javascript:",
    re.IGNORECASE,
)


class _Reader(HTMLParser):
    """Collects what a person reads of an HTML mail."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unsaid = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - HTMLParser's
        self._unsaid += tag in _UNSAID

    def handle_endtag(self, tag: str) -> None:
        self._unsaid -= tag in _UNSAID

    def handle_data(self, data: str) -> None:
        if not self._unsaid:
            self.pieces.append(data)


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text in order, case folded: layout and punctuation do not count."""
    return tuple(_WORD.findall(text.casefold()))


def html_text(html: str) -> str:
    """Return the readable text of an HTML mail, in order."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return " ".join(reader.pieces)


def difference(text: str, html: str) -> str:
    """Return where the two bodies first say different words, or an empty text when they say the same."""
    left, right = words(text), words(html_text(html))
    if left == right:
        return ""
    at = next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    before = " ".join(left[max(0, at - 5) : at])
    said, instead = (" ".join(side[at : at + 5]) or "nothing more" for side in (left, right))
    return f"after '{before}' the text says '{said}' and the HTML says '{instead}'"


def active_content(html: str) -> str:
    """Return the first piece of the HTML's own markup that loads or runs something, or an empty text."""
    found = next((m for tag in re.findall(r"<[^>]*>", html) if (m := _ACTIVE.search(tag))), None)
    return found[0] if found else ""
