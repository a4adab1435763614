"""Hostile mails: a value comes back in little time, whatever the bytes. Time is bounded by size, and held here."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.asked import Asked
from pipeline.asked.words import MOST_TEXT
from tests.asking import SSC, ask

SECONDS = 5.0
REMOVE = "Please remove entry 000001 from the CPL"
FILLS = {
    "digits": "7",
    "zeros": "0",
    "entries": "000001 ",
    "ranges": "000001-999999, ",
    "backwards": "entry 999999 to 000001 ",
    "certificates": "NCSC-7300000001-1010 ",
    "unknown certificates": "[R] AB12345678-123 ",
    "dates": "31 December 2027 ",
    "half dates": "31 December ",
    "hex": "ab ",
    "hex pairs": "ab:",
    "blanks": " ",
    "blank lines": "\n",
    "labels": "stack version of entry 1, 2 and 3 ",
    "labelled": "hash: x\n",
    "commas": ",",
    "points": ". ",
    "stops": ".",
    "on": "on ",
    "on lines": "On a wrote\n",
    "from": "From: a\n",
    "replies": "re: ",
    "addresses": "a@",
    "web": "https://",
    "quotes": "> ",
    "requests": f"{REMOVE}. ",
    "paths": "upgrade path of 000010 to 000009. ",
    "models": "E1:01 00:0A 01 02 ",
    "because": "because ",
    "until": "remedial plan until ",
    "NA": "path: NA ",
    "combining": "é\u0301",
    "surrogates": "\ud800",
    "controls": "\x00\x1b\u202e",
}


@pytest.mark.parametrize("fill", FILLS.values(), ids=FILLS)
def test_it_ends_soon(fill):
    long = fill * (5_000_000 // len(fill))
    began = time.monotonic()
    first = ask(f"{REMOVE}. Update the CPA, the hash, the FIR. {long}", long[:1_000], sender=SSC)
    second = ask(f"{long[: MOST_TEXT - 100]}\n\n{REMOVE}.\n", sender=SSC)
    assert time.monotonic() - began < SECONDS
    assert isinstance(first, Asked)
    assert isinstance(second, Asked)


def test_a_long_mail_says_that_it_was_not_read_whole():
    found = ask(f"{REMOVE}.\n" + "x" * 5_000_000)
    assert found.unclear == (f"Only the first {MOST_TEXT:,} characters of its text were read.",)


def test_what_it_says_stays_small():
    found = ask("Please remove " + ", ".join(f"{n:06}" for n in range(100, 2_000)) + " from the CPL.").proposals[0]
    assert found.entries == ()
    assert max(map(len, found.doubts)) < 1_000
    assert sum(map(len, (e.text for e in found.evidence))) < 20_000


PIECES = st.sampled_from(
    [
        "please ",
        "remove ",
        "update ",
        "entry ",
        "000001",
        " to ",
        "000010",
        "; ",
        "\n",
        ": ",
        "the hash ",
        "CPL ",
        "FIR ",
        "DZIR ",
        "upgrade path ",
        "stack version",
        "expiry date ",
        "30/08/2032 ",
        "NCSC-7300000001-1010 ",
        "not ",
        "? ",
        "> ",
        "From: a",
        "On b wrote:",
        "remedial plan until ",
        "ab" * 32,
        "http://x.example/ ",
        "NA",
        "-",
        "regards",
        ".",
    ]
)


@given(st.lists(PIECES | st.text(max_size=8), max_size=40).map("".join), st.text(max_size=30))
def test_any_mail_becomes_a_value(body, subject):
    found = ask(body, subject, sender=SSC)
    for proposal in found.proposals:
        assert proposal.evidence
        assert proposal.doubts or proposal.entries


@given(st.text(max_size=40))
def test_any_date_header_is_taken(sent):
    assert ask(f"{REMOVE} on 1 January 2027.", sent=sent).proposals
