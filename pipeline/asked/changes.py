"""The new values of the other kinds: FIR, DZIR, upgrade path, correction, remedial plan. Each value or its doubt."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from pipeline.asked.labelled import Given, given
from pipeline.asked.listing import Listing, in_words
from pipeline.asked.numbers import EntryList, days, entry_lists, hashes
from pipeline.asked.recognise import Recognised
from pipeline.asked.words import Sentence, fold, says
from pipeline.checks.formats import Setting, judge_value
from pipeline.domain.finding import Status
from pipeline.domain.product import DEVICE_TYPE, IMAGE_HASH, Product
from pipeline.domain.release import AmendmentKind
from pipeline.rulebook import Rulebook
from pipeline.rulebook.schema import Hex, UpgradePath

PATH = "Firmware_Upgrade.Path"
NOTES = "FIR Release Notes.Description"
WEBSITE = "Manufacturer Contact FIR.Website"
_CONTACT = "Manufacturer Contact FIR."
_COMPANY = f"{_CONTACT}Company Name"

_URL = re.compile(r"\bhttps?://[^\s<>\"'()\[\]]{3,500}", re.IGNORECASE)
_SETS_PATH = re.compile(
    r"(?::|=|->|→|\b(?:to|as|is|be|read|reads|from|with))\s?(?:cpl\s)?(?:entry|entries)?(?:\s?(?:number|numbers|no\.?))?[\s\"'(]{0,2}$",
    re.IGNORECASE,
)
_UPGRADED = re.compile(r"\bupgrad(?:ed|es|ing|eable|able)\b|\bupgrade\s(?:to|from)\b", re.IGNORECASE)
_MOST_LISTS = 20
"""Lists of entries in one sentence: more are not looked at, for a path is one of two or three."""
_NONE = re.compile(r"(?<![\w/])(?:NA|N/A|n/a)(?![\w/])")
_ENDS = re.compile(r"\b(?:until|by|ends?|ending|expires?|no later than|end date|up to|deadline)\b", re.IGNORECASE)


@dataclass(slots=True)
class Change:
    """One change as far as it is established. numbers: its entries where the sentence itself says which, else None."""

    values: dict[str, str] = field(default_factory=dict, repr=False)  # they may be RED (law 8)
    until: str = ""
    numbers: tuple[str, ...] | None = None
    read: list[Sentence] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def changes(asked: Recognised, rows: Sequence[Product], listed: Listing, rules: Rulebook) -> list[Change]:
    """Return what is to be changed. rows: the entries that the mail names."""
    match asked.rule.kind:
        case AmendmentKind.UPGRADE_PATH:
            found = _paths(asked, listed, rules)
        case AmendmentKind.FIR:
            found = [_repository(asked)]
        case AmendmentKind.DZIR:
            found = [_all_of(asked, _values(asked.scope, asked.rule.sets))]
        case AmendmentKind.CORRECTION:
            found = [_correction(asked, rows, listed)]
        case AmendmentKind.REMEDIAL_PLAN:
            found = [_plan(asked)]
        case _:
            found = [Change()]
    for change in found:
        _judge(change, rules)
    return found


def _values(sentences: Sequence[Sentence], labels: Mapping[str, Sequence[str]]) -> Change:
    """Return the labelled values; one that is given twice in two ways, or that may hold more, is left to a person."""
    change = Change()
    by_field: dict[str, list[Given]] = {}
    for item in given(sentences, labels):
        by_field.setdefault(item.name, []).append(item)
        change.read.append(item.sentence)
    for name, items in by_field.items():
        if len({item.text for item in items}) > 1:
            change.doubts.append(f"{name} is given more than once, and not the same: which is meant?")
        elif all(item.sure for item in items):
            change.values[name] = items[0].text
        else:
            change.doubts.append(f"{name}: it is not clear where the new value begins and ends; fill it in by hand.")
    return change


def _all_of(asked: Recognised, change: Change) -> Change:
    """Say which fields of the kind are missing."""
    missing = [name for name in asked.rule.sets if name not in change.values]
    told = " ".join(change.doubts)
    change.doubts += [
        f"{name}: no value was recognised; fill it in where it changes." for name in missing if name not in told
    ]
    return change


def _repository(asked: Recognised) -> Change:
    """The FIR: labelled values, or one address of release notes; a contact is given whole (Appendix 6.2)."""
    change = _values(asked.scope, asked.rule.sets)
    urls = {found[0].rstrip(".,;"): sentence for sentence in asked.scope for found in _URL.finditer(sentence.text)}
    if NOTES not in change.values and WEBSITE not in change.values and len(urls) == 1:
        url, sentence = next(iter(urls.items()))
        notes = says(sentence.folded, ("release notes", "release note"))
        site = says(sentence.folded, ("website", "web site", "homepage"))
        if bool(notes) != bool(site):
            change.values[NOTES if notes else WEBSITE] = url
            change.read.append(sentence)
            change.doubts = [text for text in change.doubts if not text.startswith(NOTES if notes else WEBSITE)]
    kept = {url for text in change.values.values() for url in urls if url in text}
    if set(urls) - kept:
        change.doubts.append(
            "The mail names a web address: say whether it is the website or belongs to the release notes."
        )
    contact = [name for name in asked.rule.sets if name.startswith(_CONTACT) and name != _COMPANY]
    missing = [name.removeprefix(_CONTACT) for name in contact if name not in change.values]
    if 0 < len(missing) < len(contact):
        text = "The contact in the FIR is one text, put together from all of its parts; not given here"
        change.doubts.append(f"{text}: {', '.join(missing)}.")
    if not change.values and not change.doubts:
        change.doubts.append("No new value was recognised: fill in what the FIR is to say.")
    return change


def _correction(asked: Recognised, rows: Sequence[Product], listed: Listing) -> Change:
    change = _values(asked.scope, {name: labels for name, labels in asked.rule.sets.items() if name != IMAGE_HASH})
    found = {digest: sentence for sentence in asked.scope for digest in hashes(sentence.text)}
    old = {product.values.get(IMAGE_HASH, "").upper() for product in rows}
    new = [digest for digest in found if digest not in old]
    speaks = any(says(sentence.folded, ("hash", "hash value", "image hash")) for sentence in asked.hits)
    if len(new) == 1:
        change.values[IMAGE_HASH] = new[0]
        change.read.append(found[new[0]])
        change.doubts.append(
            "The hash came in a mail that nobody signed: have it confirmed by the creator of the image (guidance 7.5)."
        )
        if len(rows) > 1:
            change.doubts.append("One hash is given for several entries: whose is it?")
            del change.values[IMAGE_HASH]
        if others := {p.number for p in listed.products.with_hash(new[0])} - {p.number for p in rows}:
            change.doubts.append(f"The same hash stands on {in_words(others)} already.")
    elif new or speaks:
        text = "several hashes that are not on the entry" if new else "no hash of 64 digits that is not on the entry"
        change.doubts.append(f"The mail gives {text}: fill in the right one.")
    for name, text in tuple(change.values.items()):
        if rows and all(product.values.get(name, "") == text for product in rows):
            change.doubts.append(f"{name}: the list says so already.")
            del change.values[name]
    if not change.values and not change.doubts:
        change.doubts.append("No new value was recognised: fill in the field and its right value.")
    return change


def _plan(asked: Recognised) -> Change:
    """A remedial plan and the day it ends (Appendix 5.4)."""
    change = Change()
    ends = [s for s in asked.scope if _ENDS.search(s.text) and any(days(s.text))]
    found = {day for s in ends for at in _ENDS.finditer(s.text) for day in _first_day(s.text[at.end() :])}
    change.read += ends
    if len(found) == 1:
        change.until = found.pop().isoformat()
    elif found:
        dates = ", ".join(f"{day:%d/%m/%Y}" for day in sorted(found))
        change.doubts.append(f"Several days may be the end of the remedial plan ({dates}): which is it?")
    else:
        change.doubts.append("The mail does not say on which day the remedial plan ends.")
    return change


def _first_day(text: str) -> tuple[date, ...]:
    """Return the day that stands in the next words of a text, if one does."""
    return tuple(days(text[:60]))[:1]


def _paths(asked: Recognised, listed: Listing, rules: Rulebook) -> list[Change]:
    """One change for each sentence that gives an upgrade path; one for them all where no sentence does by itself."""
    labels = asked.rule.sets.get(PATH, ())
    found = [change for sentence in asked.scope if (change := _path((sentence,), labels, listed, rules)) is not None]
    if not found:
        found = [change] if (change := _path(asked.scope, labels, listed, rules)) is not None else []
    if not found:
        text = "The entry and its new upgrade path could not be told apart: fill in both"
        return [Change(numbers=(), read=list(asked.hits), doubts=[f"{text} (such as '000626; 000630', or NA)."])]
    named = [number for change in found for number in change.numbers or ()]
    if len(named) != len(set(named)):
        for change in found:
            change.values = {}
            change.doubts.append("Two upgrade paths are given for one entry: which is meant?")
    return found


def _path(sentences: Sequence[Sentence], labels: Sequence[str], listed: Listing, rules: Rulebook) -> Change | None:
    """Return the change that these sentences give; None where they do not give entry and path beyond doubt."""
    targets: list[tuple[Sentence, EntryList]] = []
    paths: list[tuple[Sentence, str | EntryList]] = []
    for sentence in sentences:
        text = sentence.text
        lists = entry_lists(text, ranges=False)
        nones = [none.start() for none in _NONE.finditer(text) if says(sentence.folded, labels)]
        if says(sentence.folded, labels) and _UPGRADED.search(text):
            return None  # 'can be upgraded to': which one is reached is not to be guessed
        if len(lists) > _MOST_LISTS:
            return None
        for item in lists:
            before = text[: item.start]
            speaks = bool(says(fold(before), labels)) or (
                len(lists) > 1 and item is lists[-1] and bool(says(sentence.folded, labels))
            )
            is_path = speaks and bool(_SETS_PATH.search(before)) and (len(lists) > 1 or len(sentences) > 1)
            (paths if is_path else targets).append((sentence, item))
        paths += [(sentence, "NA") for start in nones if _SETS_PATH.search(text[:start])]
    if len(paths) != 1 or not targets:
        return None
    change = Change(read=list(dict.fromkeys(s for s, _ in (*targets, *paths))))
    change.numbers = tuple(dict.fromkeys(n for _, item in targets for n in _singles(item)))
    _fill_path(change, paths[0][1], listed, rules)
    return change


def _singles(item: EntryList) -> tuple[str, ...]:
    return tuple(dict.fromkeys(number for span in item.spans for number in (span.first, span.last)))


def _fill_path(change: Change, path: str | EntryList, listed: Listing, rules: Rulebook) -> None:
    """Put the path into the change where every entry on it can be upgraded from (guidance 7.2.10)."""
    numbers = change.numbers or ()
    if strange := [number for number in numbers if not listed.holds(number)]:
        change.doubts.append(f"Not on the list: {in_words(strange)}. Ask which entry is meant.")
        change.numbers = tuple(number for number in numbers if listed.holds(number))
    if isinstance(path, str):
        change.values[PATH] = path
        return
    steps = _singles(path)
    rule = rules.fields.get(PATH)
    most = rule.format.most if rule and isinstance(rule.format, UpgradePath) else len(steps)
    own = {product.values.get(DEVICE_TYPE, "") for product in listed.among(numbers)}
    missing = [step for step in steps if not listed.holds(step)]
    if missing:
        change.doubts.append(f"The upgrade path names {in_words(missing)}, which the list does not have.")
    elif set(steps) & set(numbers):
        change.doubts.append("The upgrade path names the entry itself: which are the entries it is upgraded from?")
    elif len(steps) > most:
        change.doubts.append(f"The upgrade path names {len(steps)} entries, and it holds {most} (guidance 7.2.10).")
    elif {product.values.get(DEVICE_TYPE, "") for product in listed.among(steps)} - own:
        change.doubts.append("The upgrade path names a Device of another type: make sure of the numbers.")
    else:
        change.values[PATH] = "; ".join(steps)


def _judge(change: Change, rules: Rulebook) -> None:
    """Take out what does not fit its field of the form. What the value was is not said: it may be RED."""
    for name, given_text in tuple(change.values.items()):
        rule = rules.fields.get(name)
        if rule is None:  # the rules in force are of a form that had no such field
            del change.values[name]
            change.doubts.append(f"{name}: the rules in force know no such field.")
            continue
        text = given_text.upper() if isinstance(rule.format, Hex) else given_text
        fault = judge_value(rule, text, Setting(date.min))
        if fault is not None and fault.status is Status.FAIL:
            del change.values[name]
            change.doubts.append(
                f"{name}: the new value does not fit the field. Expected: {fault.expected or 'plain text'}."
            )
        else:
            change.values[name] = text
