"""Entry numbers, days, certificate numbers and hashes survive every way of writing them; other digits are none."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.asked.numbers import certificate_numbers, days, entry_lists, hashes


def numbers(text: str, *, ranges: bool = True) -> str:
    spans = [span for item in entry_lists(text, ranges=ranges) for span in item.spans]
    return " ".join(s.first if s.first == s.last else f"{s.first}-{s.last}" for s in spans)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("000626", "000626"),
        ("entry 626", "000626"),
        ("Entry: 626.", "000626"),
        ("entries 626, 630 and 000631", "000626 000630 000631"),
        ("CPL entry number(s): 626; 630", "000626 000630"),
        ("CPL Ref. 626", "000626"),
        ("CPL no 626 & 627", "000626 000627"),
        ("000626 to 000630", "000626-000630"),
        ("000626-000630", "000626-000630"),
        ("000626 – 000630, 000640", "000626-000630 000640"),
        ("entries 626 through 630", "000626-000630"),
        ("entries 000626/000627", "000626 000627"),
        ("000626\t000627 000628", "000626 000627 000628"),
        ("(000626)", "000626"),
        ("#000626", "000626"),
        ("'000626', '000627'", "000626 000627"),
        ("entry 626 by 31 March 2027", "000626"),
        ("entries 626 and 12 March 2027", "000626"),
        ("entry 626, 3 of them", "000626"),
        ("entry 000626, 31/12/2027", "000626"),
        ("entries 000626 and NCSC-7300000001-1010", "000626"),
        ("626", ""),
        ("CPL 3.001", ""),
        ("version 000626.5", ""),
        ("invoice INV000626", ""),
        ("see https://x.example/000626", ""),
        ("mail a000626@x.example", ""),
        ("call 0044000626", ""),
        ("12:000626", ""),
        ("entry 0", ""),
        ("entry 1234567", ""),
        ("000000", ""),
        ("0C:03:0C:22", ""),
        ("entry ٦٢٦", ""),
        ("00" * 32, ""),
    ],
)
def test_entry_numbers(text, expected):
    assert numbers(text) == expected


def test_a_path_has_no_ranges():
    assert numbers("000633 to 000626; 000630 - 000640", ranges=False) == "000633 000626 000630 000640"


@given(
    st.lists(st.integers(1, 999_999), min_size=1, max_size=8, unique=True),
    st.sampled_from([", ", ",", "; ", " and ", " & ", "/", ", and ", " + "]),
    st.sampled_from(
        ["entry ", "entries: ", "CPL entry numbers ", "Entry nos. ", "CPL entries ", "ENTRIES (", "entry #"]
    ),
    st.sampled_from(["", ".", " from the CPL.", ")", "?", "\n", ", please"]),
)
def test_lists_survive_their_formatting(values, between, before, after):
    text = before + between.join(f"{value:06}" for value in values) + after
    assert numbers(text) == " ".join(f"{value:06}" for value in values)


@given(
    st.integers(1, 9_999),
    st.integers(0, 500),
    st.sampled_from([" to ", "-", " - ", "–", " — ", " until ", " through ", " up to "]),
)
def test_ranges_survive_their_formatting(first, more, between):
    text = f"entries {first:06}{between}{first + more:06}, please"
    assert numbers(text) == (f"{first:06}-{first + more:06}" if more else f"{first:06}")


@given(
    st.dates(date(2012, 1, 1), date(2060, 12, 31)),
    st.sampled_from(
        ["%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y-%m-%d", "%d %B %Y", "%d %b %Y", "%B %d, %Y", "%dth %B %Y"]
    ),
    st.sampled_from(["{}", "until {}.", "expires {}, as agreed", "({})", "expiry date: {}", "from {} on"]),
)
def test_days_survive_their_formatting(day, style, around):
    text = around.format(day.strftime(style))
    assert list(days(text)) == [day]
    assert numbers(text) == ""


def test_days_that_are_none():
    assert list(days("31/02/2027, 13/13/2027, 1/1/27")) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[R] NCSC-1433053936-3918, please", "[R] NCSC-1433053936-3918"),
        ("(SMCH60812475)", "SMCH60812475"),
        ("1433053936-2163.", "1433053936-2163"),
        ("from SMCH60812475 to NCSC-1433053936-3918", "SMCH60812475 NCSC-1433053936-3918"),
        ("ZIG24110ZSE20010-24", ""),
        ("000626-000630", ""),
        ("02079460000", ""),
    ],
)
def test_certificate_numbers(text, expected):
    assert " ".join(certificate_numbers(text)) == expected


@given(st.binary(min_size=32, max_size=32), st.sampled_from(["", ":", " ", "-"]), st.booleans())
def test_hashes_survive_their_formatting(octets, sign, upper):
    text = octets.hex(sign) if sign else octets.hex()
    assert hashes(f"hash: {text.upper() if upper else text}.") == (octets.hex(":").upper(),)


def test_what_is_longer_or_shorter_is_no_hash():
    assert hashes("ab" * 33) == hashes("ab" * 31) == hashes("ab" * 31 + "g0") == ()
