"""Which listed entries a request means: by number, by the certificate they carry, by their Device Model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pipeline.asked.listing import Listing, in_words
from pipeline.asked.numbers import Span, certificate_numbers, entry_lists
from pipeline.asked.recognise import Recognised
from pipeline.asked.words import Sentence, fold, says
from pipeline.domain.product import DeviceModel
from pipeline.rulebook.notation import CONCATENATION
from pipeline.rulebook.requests import RequestsFile

MOST_ENTRIES = 1_000
_MODEL = ("manufacturer_identifier", "model_identifier", "version", "revision", "firmware_version")


@dataclass(slots=True)
class Targets:
    """The entries a request means, in the order of their numbers; empty where that is not beyond doubt."""

    numbers: tuple[str, ...] = ()
    read: list[Sentence] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def named(asked: Recognised, below: Sequence[Sentence], listed: Listing, requests: RequestsFile) -> Targets:
    """Return the entries that a mail names by their numbers. below: what stands under its closing words."""
    found = Targets()
    meant: dict[str, None] = {}
    beside: dict[str, None] = {}
    hits = set(asked.hits)
    for sentence in asked.scope:
        lists = entry_lists(sentence.text)
        if not lists:
            continue
        direct = sentence in hits or not sentence.text[: lists[0].start].strip(" #(-*•·[") or _is_label(sentence)
        numbers = tuple(number for item in lists for span in item.spans for number in _within(span, listed, found))
        (meant if direct else beside).update(dict.fromkeys(numbers))
        found.read.append(sentence)
        if wording := says(sentence.folded, requests.exceptions):
            found.doubts.append(f"A sentence says '{wording}': which entries are meant, and which are not?")
    open_ = bool(found.doubts)
    if not meant:
        meant, beside = beside, {}
    if more := sorted(beside.keys() - meant.keys()):
        open_ = True
        text = f"It asks about {in_words(sorted(meant))} and names {in_words(more)} elsewhere: which are meant?"
        found.doubts.append(text)
    known = sorted(number for number in meant if listed.holds(number))
    if strange := sorted(meant.keys() - set(known)):
        found.doubts.append(f"Not on the list: {in_words(strange)}. Ask which entry is meant.")
    if len(meant) > MOST_ENTRIES:
        open_ = True
        found.doubts.append(f"It names {len(meant):,} entries, and no more than {MOST_ENTRIES:,} are proposed at once.")
    signed = {n for s in below for item in entry_lists(s.text) for span in item.spans for n in (span.first, span.last)}
    if missed := sorted(signed - meant.keys()):
        found.doubts.append(f"Under the closing words it names {in_words(missed)}: do they belong to the request?")
    found.numbers = () if open_ else tuple(known)
    return found


def by_certificate_or_model(asked: Recognised, listed: Listing, found: Targets) -> None:
    """Add the entries that a mail names by their CPA certificate or their Device Model, where it names no number."""
    texts = [sentence for sentence in asked.scope if certificate_numbers(sentence.text) or models(sentence.text)]
    carrying: dict[str, None] = {}
    for sentence in texts:
        for number in certificate_numbers(sentence.text):
            carriers = listed.carrying(number)
            carrying.update(dict.fromkeys(product.number for product in carriers))
            if not carriers:
                found.doubts.append(f"The certificate number {number} is on no row of the list.")
        for model in models(sentence.text):
            same = listed.with_model(model)
            carrying.update(dict.fromkeys(product.number for product in same))
            if len(same) != 1:
                found.doubts.append(f"The Device Model {model} is on {len(same) or 'no'} rows of the list.")
    if not carrying:
        return
    found.read += texts
    if not found.numbers and not found.doubts:
        found.numbers = tuple(sorted(carrying))
    elif strange := sorted(set(found.numbers) - carrying.keys()):
        text = f"The certificate or Device Model that the mail names does not stand on {in_words(strange)}"
        found.doubts.append(f"{text}, but on {in_words(sorted(carrying))}: which are meant?")
        found.numbers = ()


def models(text: str) -> tuple[DeviceModel, ...]:
    """Return the Device Models that stand in a text with all five values: ``10:63 00:0A 01 02 0C:03:0C:22``."""
    found = []
    for match in CONCATENATION.finditer(text):
        parts = [match[name] for name in _MODEL]
        if all(parts):
            found.append(device_model(parts))
    return tuple(dict.fromkeys(found))


def device_model(parts: Iterable[str]) -> DeviceModel:
    """Return the Device Model of five values in whatever notation of octets, as the list writes them."""
    digits = ("".join(sign for sign in part.removeprefix("0x").removeprefix("0X") if sign.isalnum()) for part in parts)
    return DeviceModel(*(":".join(d[i : i + 2] for i in range(0, len(d), 2)).upper() for d in digits))


def _within(span: Span, listed: Listing, found: Targets) -> tuple[str, ...]:
    """Return the numbers of a range that are on the list, with its two ends: the list itself has gaps."""
    if span.first == span.last:
        return (span.first,)
    if span.first > span.last:
        found.doubts.append(f"The range from {span.first} to {span.last} runs backwards: which entries are meant?")
        return ()
    numbers = listed.between(span.first, span.last)
    if len(numbers) > MOST_ENTRIES:
        text = f"The range from {span.first} to {span.last} holds {len(numbers):,} entries"
        found.doubts.append(f"{text}; no more than {MOST_ENTRIES:,} are proposed at once.")
        return ()
    return tuple(dict.fromkeys((span.first, *numbers, span.last)))


def _is_label(sentence: Sentence) -> bool:
    """Say whether a line is a list of entries with a heading: ``Entry: 000626``, ``CPL entries affected: ...``."""
    heading, colon, _ = sentence.text.partition(":")
    return bool(colon) and bool(says(fold(heading), ("entry", "entries", "cpl reference", "cpl references")))
