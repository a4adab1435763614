from dataclasses import replace
from datetime import date
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.evidence import Evidence
from pipeline.domain.finding import Finding, Settler, Status
from pipeline.domain.judgement import Circumstances, Judged
from pipeline.ledger.codec import decode, encode, storable
from pipeline.ledger.errors import LedgerRefused
from tests.contract.ledger_values import judged, judgement

texts = st.text()
evidence = st.builds(Evidence, texts, texts, texts, texts)
fields = {"check": texts, "message": texts, "clause": texts, "evidence": st.tuples(evidence), "subject": texts}
findings = st.one_of(
    st.builds(Finding, status=st.sampled_from([Status.PASS, Status.FAIL, Status.BROKEN]), **fields),
    st.builds(Finding, status=st.just(Status.UNCLEAR), settle=st.sampled_from(Settler), **fields),
)


@given(st.lists(findings, max_size=4).map(tuple))
def test_findings_come_back_equal_and_encode_to_the_same_bytes(found):
    text = encode(found)
    assert decode(text, tuple[Finding, ...]) == found
    assert encode(decode(text, tuple[Finding, ...])) == text


def test_the_form_is_canonical():
    first = Circumstances(on=date(2026, 11, 21), seen={"b": "2", "a": "1"})
    second = Circumstances(on=date(2026, 11, 21), seen=MappingProxyType({"a": "1", "b": "2"}))
    assert encode(first) == encode(second)
    assert encode(first) == (
        '{"at":"","border":[],"cpl":"","dcc":[],"epcl":"","known_certificates":null,"ocr":[],"on":"2026-11-21",'
        '"pending":[],"seen":{"a":"1","b":"2"},"submitters":[],"trust":""}'
    )


def test_a_whole_judgement_comes_back():
    whole = judgement("a", judged("a"), judged("b", firmware=None))
    assert decode(encode(whole.circumstances), Circumstances) == whole.circumstances
    assert decode(encode(whole.judged), tuple[Judged, ...]) == whole.judged


def test_a_lone_surrogate_is_replaced_wherever_it_stands():
    text = encode(Circumstances(on=date(2026, 11, 21), submitters=("a\ud800b",), seen={"\udfff": "x\x00"}))
    back = decode(text, Circumstances)
    assert (back.submitters, back.seen) == (("a\ufffdb",), {"\ufffd": "x\x00"})
    assert encode(back) == text


@given(st.text(st.characters(codec=None)))
def test_what_is_storable_is_utf_8_without_nul(text):
    kept = storable(text)
    assert "\x00" not in kept
    assert len(kept) == len(text)
    assert kept.encode().decode() == kept
    assert kept == text or any(character in text for character in ("\x00", *map(chr, range(0xD800, 0xE000))))


@pytest.mark.parametrize("text", ["", "{", "[{}]", '[{"check": 1}]', '[{"a": "\ud800"}]', "null"])
def test_a_damaged_row_is_said_in_words(text):
    with pytest.raises(LedgerRefused, match="cannot be read back"):
        decode(text, tuple[Finding, ...])


def test_a_stored_finding_that_breaks_the_law_of_its_type_is_refused():
    unclear = replace(judged().findings[0], status=Status.UNCLEAR, settle=Settler.REVIEWER)
    text = encode((unclear,)).replace('"settle":"reviewer"', '"settle":null')
    with pytest.raises(LedgerRefused, match="exactly the unclear"):
        decode(text, tuple[Finding, ...])


def test_a_value_without_a_canonical_form_is_a_mistake_of_ours():
    with pytest.raises(NotImplementedError, match="object"):
        encode({"a": object()})
