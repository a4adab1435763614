"""Values that a mail gives under a label: ``Stack version: R22``, 'the telephone number should be 020 7946 0000'."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.asked.words import Sentence

_SETTER = (
    r"(?:\s?(?::|=|->|→)|\s(?:is|are|to|to be|as|should be|should read|should say|must be|must read|shall be|reads|now"
    r"|is now|needs to be|has changed to|changed to)(?=\s))\s?"
)
_OF_ENTRY = (
    r"(?:\s(?:of|for)\s(?:the\s)?(?:cpl\s)?(?:entry|entries)?(?:\s?(?:no\.?|number|numbers))?\s?"
    r"\d{1,6}(?:(?:\s?[,;&\u2013-]\s?|\s(?:and|to)\s)\d{1,6}){0,30}+)?+"
)
"""Entries between a label and its value: taken whole, so that the 'to' of a range is never the one before a value."""
_MOST_VALUE = 1_000
_MOST_WORDS = 6
_PROSE = re.compile(r"(?:now|at|be|available|on|in|the|as|that|this|for|of|under)\b", re.IGNORECASE)
"""How running text goes on that is no value: 'the release notes are available at ...'."""
_TRAILING = re.compile(r"(?:[\s,;]|\b(?:and|the|its|with|zigbee|new|correct|a|also))+$", re.IGNORECASE)
_OPEN = re.compile(
    r"\b(?:instead of|rather than|previously|formerly|not|was|from|or|tbc|tbd|unknown|please|and the)\b|\?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Given:
    """One value of the field ``name``. sure: nothing shows that it is more, or other, than the value alone.

    leads: the label begins its sentence.
    """

    name: str
    text: str = field(repr=False)  # it may be RED (law 8)
    sentence: Sentence = field(repr=False)
    sure: bool
    leads: bool


def given(sentences: Sequence[Sentence], labels: Mapping[str, Sequence[str]]) -> tuple[Given, ...]:
    """Return what the sentences give under the labels of the fields, in order."""
    fields = {_key(label): name for name, wordings in labels.items() for label in wordings}
    if not fields:
        return ()
    wordings = sorted(fields, key=len, reverse=True)
    pattern = re.compile(
        rf"(?<![\w.])(?P<label>{'|'.join(map(re.escape, wordings))}){_OF_ENTRY}(?P<setter>{_SETTER})", re.IGNORECASE
    )
    return tuple(item for sentence in sentences for item in _in(sentence, pattern, fields))


def _in(sentence: Sentence, pattern: re.Pattern[str], fields: Mapping[str, str]) -> Iterator[Given]:
    text = sentence.text
    found = list(pattern.finditer(text))
    for position, match in enumerate(found):
        last = position + 1 == len(found)
        end = len(text) if last else found[position + 1].start()
        value = _TRAILING.sub("", text[match.end() : end][:_MOST_VALUE].strip()).strip()
        value = value.strip("\"'“”‘’").removesuffix(".").rstrip("\"'“”‘’ ")
        if any(sign.isalnum() for sign in value):
            sure = end - match.end() <= _MOST_VALUE and not _OPEN.search(value)
            if match["setter"].strip().isalpha() or " " in match["setter"].strip():
                sure = sure and not _PROSE.match(value) and value.count(" ") < _MOST_WORDS
            yield Given(fields[_key(match["label"])], value, sentence, sure, leads=match.start() == 0)


def _key(label: str) -> str:
    return " ".join(label.casefold().split())
