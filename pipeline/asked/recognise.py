"""Which amendments a mail asks for, by the wordings of rules/requests.yaml."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.asked.listing import Listing
from pipeline.asked.numbers import certificate_numbers, entry_lists
from pipeline.asked.words import Sentence, Words, says
from pipeline.domain.certificate import CertificateReading
from pipeline.rulebook.requests import RequestRule, RequestsFile

_NAMES_ENTRY = "entry "


@dataclass(frozen=True, slots=True)
class Recognised:
    """One kind of amendment that is asked for. hits: the sentences that ask. scope: the sentences it may speak in."""

    rule: RequestRule
    hits: tuple[Sentence, ...]
    scope: tuple[Sentence, ...]


def recognised(
    words: Words, papers: Sequence[CertificateReading], listed: Listing, requests: RequestsFile
) -> tuple[Recognised, ...]:
    """Return the kinds that a mail asks for, in the order of the rules; nothing for a mail about something else."""
    folded = {sentence: _folded(sentence, listed) for sentence in words.sentences}
    if not _is_about(words, papers, listed, requests):
        return ()
    kinds = {paper.kind for paper in papers}
    found = []
    for rule in requests.requests:
        ways = (*rule.ways, *(rule.with_document if kinds & set(rule.documents) else ()))
        hits = tuple(
            sentence
            for sentence, text in folded.items()
            if any(all(says(text, group) for group in way) for way in ways)
            and not says(text, rule.unless)
            and not says(text, requests.not_asking)
            and not _only_asks(sentence, text, requests)
        )
        if hits:
            found.append((rule, hits))
    return tuple(Recognised(rule, hits, _scope(words, rule, found)) for rule, hits in found)


def _folded(sentence: Sentence, listed: Listing) -> str:
    """Return the folded words; a sentence that names an entry, or a certificate of one, has the word 'entry'."""
    named = _known_certificate(sentence, listed) or entry_lists(sentence.text)
    return sentence.folded + (_NAMES_ENTRY if named else "")


def _known_certificate(sentence: Sentence, listed: Listing) -> bool:
    return any(listed.carrying(number) for number in certificate_numbers(sentence.text))


def _is_about(words: Words, papers: Sequence[CertificateReading], listed: Listing, requests: RequestsFile) -> bool:
    """Say whether a mail is about the list at all: six digits alone may be anything."""
    documents = {kind for rule in requests.requests for kind in rule.documents}
    return any(paper.kind in documents for paper in papers) or any(
        says(sentence.folded, requests.about) or _known_certificate(sentence, listed) or _names_listed(sentence, listed)
        for sentence in words.sentences
    )


def _names_listed(sentence: Sentence, listed: Listing) -> bool:
    """Say whether a sentence speaks of an entry by that word, and by a number that is on the list."""
    spans = (span for found in entry_lists(sentence.text) for span in found.spans)
    return bool(says(sentence.folded, ("entry", "entries"))) and any(listed.holds(span.first) for span in spans)


def _only_asks(sentence: Sentence, folded: str, requests: RequestsFile) -> bool:
    """Say whether a sentence is a question that only wants to know something."""
    return sentence.text.rstrip(")\"' ").endswith("?") and bool(
        says(folded, tuple(f"^{word}" for word in requests.questions))
    )


def _scope(
    words: Words, rule: RequestRule, found: Sequence[tuple[RequestRule, tuple[Sentence, ...]]]
) -> tuple[Sentence, ...]:
    """Return the sentences that may give the particulars of one kind.

    All of them where the mail asks for one thing; otherwise those from a sentence that asks for it to the next one
    that asks for something else.
    """
    if len(found) == 1:
        return words.sentences
    own = {hit for other, hits in found if other is rule for hit in hits}
    others = {hit for other, hits in found if other is not rule for hit in hits} - own
    scope, within = [], False
    for sentence in words.sentences:
        within = sentence in own or (within and sentence not in others)
        if within:
            scope.append(sentence)
    return tuple(scope)
