"""The asker's own words: subject and body without earlier mails and signature, as sentences with their place."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pipeline.domain.evidence import Evidence
from pipeline.domain.message import Message

MOST_TEXT = 20_000
"""Characters of a body that are read; readers/message.py keeps no more of one either."""
_MOST_SHOWN = 200

_REPLY = re.compile(
    r"\s*(?:(?:re|fw|fwd|aw|wg|antw|tr)\s?(?:\[\d{1,3}\])?\s?:\s*|\[ext[a-z]{0,8}\]\s*){1,20}", re.IGNORECASE
)
_EXTERNAL = re.compile(r"\s*\[ext[a-z]{0,8}\]\s*", re.IGNORECASE)
_DIVIDER = re.compile(r"-{2,}\s?(?:original|forwarded)\b|begin forwarded message|_{10,}$|-{20,}$", re.IGNORECASE)
_SENDER_LINE = re.compile(r"\*?(?:from|von|de)\s?:\*?\s?\S", re.IGNORECASE)
_HEADER_LINE = re.compile(r"\*?(?:sent|date|to|cc|subject|gesendet|an|betreff)\s?:", re.IGNORECASE)
_INTRODUCED = re.compile(r"on\b.{5,300}\bwrote:$", re.IGNORECASE)
_CLOSING = re.compile(
    r"(?:with\s)?(?:(?:many|kind|kindest|best|warm|warmest)\s)?(?:regards|wishes|thanks)(?:\sand\s(?:kind\s)?regards)?[,.!]?"
    r"|yours\s(?:sincerely|faithfully|truly)[,.]?|thank\syou[,.!]?|cheers[,.!]?|sincerely[,.]?",
    re.IGNORECASE,
)
_ALONE = re.compile(r"[-*\u2022\u00b7#]|\(?\d{1,6}[).,:;\s]|\(?\d{6}$|[\w /._-]{2,60}[:=]")
"""A line that begins a sentence of its own: a list item, an entry number, a label."""
_END = re.compile(r"(?<![ .][Nn]o)(?<![Nn]os)(?<![Rr]ef)(?<!e\.g)(?<!i\.e)[.!?]{1,5}[)\"']?\s(?=[A-Z0-9\"'(\[])")
_FOLDED = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence as written, blanks run together. line: of the body, from 1; 0 for the subject."""

    text: str
    line: int

    @property
    def folded(self) -> str:
        """The words without case and signs, a blank before and after each."""
        return fold(self.text)

    def evidence(self, message: Message, *, secret: bool) -> Evidence:
        """Point at the sentence. secret: do not repeat it (law 8)."""
        where = f"line {self.line} of the text" if self.line else "header Subject"
        return Evidence(message.sha256, "", where, "" if secret else self.text[:_MOST_SHOWN])


@dataclass(frozen=True, slots=True)
class Words:
    """What the asker wrote. below: what stands under the closing words. cut: not all of the body was read."""

    sentences: tuple[Sentence, ...]
    below: tuple[Sentence, ...] = ()
    cut: bool = False


def fold(text: str) -> str:
    """Return a wording as wordings are compared: lower case, single blanks for signs, a blank before and after."""
    return f" {_FOLDED.sub(' ', text.casefold()).strip()} "


def says(folded: str, wordings: Sequence[str]) -> str:
    """Return one of the wordings that stands in a folded sentence; one with ``^`` begins it. Empty: none does."""
    known = _by_first_word(tuple(wordings))
    for position, word in enumerate(folded.split()):
        for wording, whole in known.get(word, ()):
            if (position == 0 and folded.startswith(whole)) if wording[0] == "^" else whole in folded:
                return wording
    return ""


@lru_cache(maxsize=512)
def _by_first_word(wordings: tuple[str, ...]) -> Mapping[str, list[tuple[str, str]]]:
    """Return the wordings with their folded forms by their first word: few of them need be looked for."""
    found: dict[str, list[tuple[str, str]]] = {}
    for wording in wordings:
        whole = fold(wording)
        found.setdefault(whole.split()[0], []).append((wording, whole))
    return found


def own_words(message: Message) -> Words:
    """Return what the asker wrote in this mail.

    Quoted and forwarded mails are not the asker's words, nor is the subject of a reply or of a forwarded mail.
    """
    lines = [" ".join(line.split()) for line in message.body[:MOST_TEXT].splitlines()]
    kept = list(_unquoted(lines))
    end = next((i for i, (_, line) in enumerate(kept) if i and _closes(line)), len(kept))
    subject = _EXTERNAL.sub("", message.subject, count=1)
    first = () if _REPLY.match(subject) or not subject.strip() else (Sentence(subject.strip(), 0),)
    cut = len(message.body) >= MOST_TEXT
    return Words((*first, *_sentences(kept[:end])), tuple(_sentences(kept[end + 1 :])), cut)


def _closes(line: str) -> bool:
    return line == "--" or _CLOSING.fullmatch(line) is not None


def _unquoted(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Yield the lines before the first earlier mail, and those between lines quoted with ``>``, with their numbers."""
    for number, line in enumerate(lines, start=1):
        if line.startswith((">", "|>")):
            continue
        following = lines[number : number + 6]
        if _DIVIDER.match(line) or (_SENDER_LINE.match(line) and any(map(_HEADER_LINE.match, following))):
            return
        introduced = line
        if line[:3].casefold() == "on " and not line.endswith(":"):
            introduced = f"{line} {' '.join(following[:1])}"
        if _INTRODUCED.match(introduced):
            quoted = next((text for text in following[introduced != line :] if text), "")
            if not quoted.startswith(">"):
                return
            continue
        if line.casefold().endswith(" wrote:") and number > 1 and lines[number - 2][:3].casefold() == "on ":
            continue
        yield number, line


def _sentences(lines: list[tuple[int, str]]) -> Iterator[Sentence]:
    """Join the lines of a paragraph, and divide it where a sentence ends; a list item or a label is one of its own."""
    held: list[tuple[int, str]] = []
    for number, line in lines:
        if not line or _ALONE.match(line) or (held and _ALONE.match(held[-1][1]) and line[:1].isupper()):
            yield from _divided(held)
            held = []
        if line:
            held.append((number, line))
    yield from _divided(held)


def _divided(lines: list[tuple[int, str]]) -> Iterator[Sentence]:
    if not lines:
        return
    starts, text = [], ""
    for number, line in lines:
        starts.append((len(text), number))
        text += line + " "
    begin = 0
    ends = [found.end() for found in _END.finditer(text)]
    for end in (*ends, len(text)):
        if part := text[begin:end].strip():
            yield Sentence(part, max(number for start, number in starts if start <= begin))
        begin = end
