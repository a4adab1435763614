"""Attacks on the zip around a signed workbook: two readers of the same file see different parts."""

from dataclasses import replace

from pipeline.demo.package import Package, entry
from tests.attacked import STRINGS, Attacks, Peer, base, evil_strings, signed_workbook

ATTACKS = Attacks()


def _evil_zip() -> bytes:
    """Return a whole workbook that says something else, and carries the same signature."""
    return base().put(STRINGS, evil_strings(base())).to_bytes()


def _with_variant(name: str, *, first: bool = False) -> bytes:
    """Return the signed workbook with other shared strings under a name that some readers take for the same."""
    evil = entry(name, evil_strings(base()))
    kept = base().entries
    return Package((evil, *kept) if first else (*kept, evil)).to_bytes()


@ATTACKS.add("09-zip-duplicate-first", "a part twice, the evil one first", "zip-duplicate")
def _duplicate_first() -> bytes:
    return _with_variant(STRINGS, first=True)


@ATTACKS.add("10-zip-duplicate-last", "a part twice, the evil one last", "zip-duplicate", peer=Peer.INVALID)
def _duplicate_last() -> bytes:
    return _with_variant(STRINGS)


@ATTACKS.add("11-zip-case-variant", "a signed part's name again in another case", "zip-duplicate")
def _case_variant() -> bytes:
    return _with_variant("xl/SharedStrings.xml")


@ATTACKS.add(
    "12-zip-cd-lfh-mismatch",
    "an entry is docProps/app.xml in the directory and the shared strings in its own header",
    "zip-lfh-mismatch",
)
def _two_names() -> bytes:
    properties = "docProps/app.xml"
    lying = replace(entry(properties, evil_strings(base())), local_name=STRINGS)
    return Package(tuple(lying if one.name == properties else one for one in base().entries)).to_bytes()


@ATTACKS.add("13-zip-prefix", "a whole evil zip in front of the signed one", "zip-prefix-or-gap")
def _prefix() -> bytes:
    return _evil_zip() + signed_workbook()


@ATTACKS.add("14-zip-trailer", "a whole evil zip after the signed one", "zip-prefix-or-gap", peer=Peer.INVALID)
def _trailer() -> bytes:
    return signed_workbook() + _evil_zip()


@ATTACKS.add("15-zip-percent-variant", "a signed part's name again, percent-encoded", "zip-duplicate")
def _percent_variant() -> bytes:
    return _with_variant("xl/shared%53trings.xml")
