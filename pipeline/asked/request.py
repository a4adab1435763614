"""From one mail to what it asks for. Pure: the mail as read, its papers as read, the list and the rules in force.

Every proposal waits for a person. An entry or a value is filled in only where the mail and its papers establish it
beyond doubt; whatever else there is becomes a sentence.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from email.utils import parsedate_to_datetime
from functools import cached_property

from pipeline.asked import certificate
from pipeline.asked.changes import Change, changes
from pipeline.asked.labelled import given
from pipeline.asked.listing import Listing, in_words
from pipeline.asked.numbers import days
from pipeline.asked.proposal import Asked, Askers, Proposal
from pipeline.asked.recognise import Recognised, recognised
from pipeline.asked.targets import by_certificate_or_model, named
from pipeline.asked.words import MOST_TEXT, Sentence, Words, fold, own_words, says
from pipeline.checks.papers import EXPIRY
from pipeline.checks.smets1 import listed as in_register
from pipeline.domain.certificate import CertificateReading
from pipeline.domain.evidence import Evidence
from pipeline.domain.message import Message
from pipeline.domain.product import ProductList
from pipeline.domain.release import CURRENT, REMOVED, AmendmentKind
from pipeline.rulebook import Rulebook
from pipeline.rulebook.notation import day_of

_CASE = re.compile(r"\bCPL-\d{4}-\d{5}\b")
_REASON = re.compile(r"(?:\breason\s?:|\bbecause\b|\bdue to\b|\bowing to\b)\s?(?P<reason>\S.{2,300})", re.IGNORECASE)
_MOST_EVIDENCE = 50
_NO_ENTRY = "Nothing says which entries are meant: fill them in."


def requested(
    message: Message,
    papers: Sequence[CertificateReading],
    listed: ProductList,
    rules: Rulebook,
    *,
    askers: Askers = Askers(),  # noqa: B008 - a frozen value
) -> Asked:
    """Return the amendments that a mail asks for. papers: its certificates and letters, as ``judge.read_papers`` does.

    Nothing for a machine's mail, for one with a workbook (a new entry) and for one about a Case by its subject; whether
    it belongs to a Case by its headers, and whether it brings a New Entry form, is asked before (``judge.recognise``).
    """
    if message.automatic or _CASE.search(message.subject) or any(a.kind == "workbook" for a in message.attachments):
        return Asked()
    words, listing = own_words(message), Listing(listed)
    found = recognised(words, papers, listing, rules.requests)
    mail = _Mail(message, papers, words, listing, rules, askers, _secret(message, found, rules))
    proposals = tuple(proposal for asked in found for proposal in mail.proposals(asked))
    return Asked(proposals, tuple(mail.unclear())) if proposals else Asked()


def _secret(message: Message, found: Sequence[Recognised], rules: Rulebook) -> bool:
    """Say whether the mail may hold what is RED, so that none of its words is repeated (law 8)."""
    red = {name for name, rule in rules.fields.items() if rule.audience == "red"}
    labels = [label for rule in rules.requests.requests for name in red & rule.sets.keys() for label in rule.sets[name]]
    whole = fold(f"{message.subject} {message.body[:MOST_TEXT]}")
    return any(asked.rule.kind is AmendmentKind.DZIR for asked in found) or bool(says(whole, labels))


@dataclass(frozen=True)
class _Mail:
    """A mail that asks for something, with what its proposals are made from. secret: repeat none of its words."""

    message: Message
    papers: Sequence[CertificateReading]
    words: Words
    listing: Listing
    rules: Rulebook
    askers: Askers
    secret: bool

    @cached_property
    def _values(self) -> frozenset[Sentence]:
        """Sentences that are a value of a repository under its label: a number in one is no entry number."""
        kinds = (AmendmentKind.DZIR, AmendmentKind.FIR)
        labels = {n: ls for kind in kinds if (rule := self.rules.requests.rule(kind)) for n, ls in rule.sets.items()}
        return frozenset(item.sentence for item in given(self.words.sentences, labels) if item.leads)

    def proposals(self, asked: Recognised) -> Iterator[Proposal]:
        """Yield what the mail proposes of one kind."""
        naming = replace(asked, scope=tuple(s for s in asked.scope if s in asked.hits or s not in self._values))
        targets = named(naming, self.words.below, self.listing, self.rules.requests)
        general = (*self._who(asked), *self._conditions(asked), *self._when(asked))
        if asked.rule.kind is AmendmentKind.CERTIFICATE:
            for update in certificate.updates(asked, targets, self.papers, self.listing):
                day = day_of(update.values.get(EXPIRY, ""))
                yield Proposal(
                    kind=asked.rule.kind,
                    entries=update.numbers,
                    values=update.values,
                    why=self._why(asked),
                    evidence=(*self._places(asked, targets.read), *dict.fromkeys(update.evidence))[:_MOST_EVIDENCE],
                    doubts=tuple(dict.fromkeys((*map(self._unnamed, update.doubts), *self._past(day), *general))),
                )
            return
        if asked.rule.kind is not AmendmentKind.UPGRADE_PATH:
            by_certificate_or_model(naming, self.listing, targets)
        for change in changes(asked, self.listing.among(targets.numbers), self.listing, self.rules):
            numbers = targets.numbers if change.numbers is None else change.numbers
            day = date.fromisoformat(change.until) if change.until else None
            own = targets.doubts if change.numbers is None else self._exceptions(change)
            doubts = (*own, *change.doubts, *self._status(asked, numbers), *self._past(day), *general)
            if not numbers and not own and not change.doubts:
                doubts = (_NO_ENTRY, *doubts)
            yield Proposal(
                kind=asked.rule.kind,
                entries=numbers,
                values=change.values,
                why=self._why(asked),
                until=change.until,
                evidence=self._places(asked, (*targets.read, *change.read))[:_MOST_EVIDENCE],
                doubts=tuple(dict.fromkeys(doubts)),
            )

    def unclear(self) -> Iterator[str]:
        """Yield what a person must know of the mail as a whole."""
        if self.words.cut:
            yield f"Only the first {MOST_TEXT:,} characters of its text were read."
        for paper in self.papers:
            if not paper.kind:
                name = "One of its files" if self.secret else paper.file
                yield f"{name} was not recognised as a certificate or a letter: look at it."
        if self.message.problems:
            yield "Some of the mail or of its files could not be read: open it."
        if len(self.message.senders) != 1:
            yield f"The mail names {len(self.message.senders)} senders instead of one."

    def _unnamed(self, text: str) -> str:
        """Return a sentence without the names of files, where the mail may hold what is RED."""
        for paper in self.papers if self.secret else ():
            text = text.replace(paper.file, "a file of the mail")
        return text

    def _places(self, asked: Recognised, read: Sequence[Sentence]) -> tuple[Evidence, ...]:
        sentences = dict.fromkeys((*asked.hits, *read))
        return tuple(sentence.evidence(self.message, secret=self.secret) for sentence in sentences)

    def _why(self, asked: Recognised) -> str:
        """Return the reason: what is asked for, and the mail's own reason where it gives one and may be repeated."""
        text = f"A mail asks for {asked.rule.title} ({asked.rule.clause})."
        reasons = (_REASON.search(sentence.text) for sentence in (*asked.hits, *asked.scope))
        reason = next((found["reason"].rstrip(". ") for found in reasons if found), "")
        return f"{text} Its reason: {reason}." if reason and not self.secret else text

    def _who(self, asked: Recognised) -> Iterator[str]:
        """Say where the sender may not be one who can ask for this."""
        ssc = asked.rule.asker == "ssc"
        register = self.askers.ssc if ssc else self.askers.submitters
        senders = self.message.senders
        known = len(senders) == 1 and in_register(senders[0], register)
        if ssc and not known:
            yield "Only the SSC can decide this, and the mail is not from an address kept as its own: ask the SSC."
        elif register and not known:
            yield "The sender is not in the register of submitters."

    def _conditions(self, asked: Recognised) -> Iterator[str]:
        for sentence in asked.hits:
            if wording := says(sentence.folded, self.rules.requests.conditions):
                yield f"The request says '{wording}': it may depend on something."

    def _exceptions(self, change: Change) -> tuple[str, ...]:
        """Take the entries out where the sentences that name them take some of them out again."""
        wording = next((w for s in change.read if (w := says(s.folded, self.rules.requests.exceptions))), "")
        if not wording:
            return ()
        change.values.clear()
        return (f"A sentence says '{wording}': which entries are meant, and which are not?",)

    def _when(self, asked: Recognised) -> Iterator[str]:
        """Say where a change of status is asked for a later day than the next Release."""
        if asked.rule.kind in {AmendmentKind.REMOVAL, AmendmentKind.RESTORATION}:
            later = {day for sentence in asked.hits for day in days(sentence.text) if not self._is_past(day)}
            if later:
                dates = ", ".join(f"{day:%d/%m/%Y}" for day in sorted(later))
                yield f"The mail names {dates}: an amendment takes effect with the next Release, so order it in time."

    def _status(self, asked: Recognised, numbers: Sequence[str]) -> Iterator[str]:
        wrong = CURRENT if asked.rule.kind is AmendmentKind.RESTORATION else REMOVED
        if there := [p.number for p in self.listing.among(numbers) if p.status == wrong]:
            yield f"The list has this as {wrong} already: {in_words(there)}."

    def _past(self, day: date | None) -> Iterator[str]:
        if day is not None and self._is_past(day):
            yield f"The day {day:%d/%m/%Y} lay in the past when the mail was sent."

    def _is_past(self, day: date) -> bool:
        sent = _sent(self.message)
        return sent is not None and day < sent


def _sent(message: Message) -> date | None:
    """Return the day of the Date header; None where it has none. It is the sender's word, good enough for a doubt."""
    try:
        return parsedate_to_datetime(message.sent).date()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
