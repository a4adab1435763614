"""What a certificate or letter is, and what it says, through the real reader of PDF files and without it."""

import re
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.demo.certificates import certificate_pdf
from pipeline.demo.layouts import LAYOUTS
from pipeline.demo.wording import WORDING
from pipeline.domain.document import Document, Page, Unseen
from pipeline.domain.message import Problem
from pipeline.readers.certificate import interpret
from pipeline.readers.document import read_document
from tests.papers import KINDS, MODEL, models, paper, read, said
from tests.scans import as_scan

STATED = {"test_lab", "no_security_impact", "still_valid", "no_certificate_change"}


def device(*texts: str) -> dict[str, str]:
    return dict(zip(MODEL, texts, strict=True))


FIRST = device("10:63", "00:0A", "01", "02", "0C:03:0C:22")
DEVICES = (
    FIRST,
    device("10:63", "00:0A", "01", "03", "0C:03:0C:23"),
    device("10:63", "00:0B", "1F", "AC", "0D:03:0C:22"),
)
CPA = {"number": "NCSC-7300000001-4101", "manufacturer": "Quillmoor Metering Ltd"}
VALUES = {
    "cpa": CPA
    | {
        "award_date": "26/10/2023",
        "expiry_date": "25 October 2029",
        "security_characteristics": "Security Characteristics version 1.3",
        "device_type": "Single Element Electricity Metering Equipment",
    },
    "trial": {
        "number": "TRL-2026-0042",
        "award_date": "2026-01-05",
        "expiry_date": "25/10/2026",
        "manufacturer": "Fennbrook & Sons Ltd",
        "device_type": "Gas Smart Meter",
    },
    "zse": {
        "number": "ZIG21023ZSE13012-24",
        "award_date": "August 14, 2025",
        "standard_version": "ZigBee Smart Energy Standard 1.4",
        "manufacturer": "Quillmoor Metering Ltd",
        "device_type": "Communications Hub",
    },
    "dlms": {
        "number": "7741",
        "type_designation": "QM-300 Kestrel",
        "ctt_version": "CTT 4.2",
        "award_date": "14/08/2025",
        "manufacturer": "Quillmoor Metering Ltd",
    },
    "ncsc-letter": CPA | {"risk_review_date": "25 October 2029", "letter_date": "1 June 2026"},
    "ssc-letter": CPA | {"risk_review_date": "25 October 2029", "letter_date": "1 June 2026"},
    "test-lab-letter": CPA | {"letter_date": "1 June 2026"},
    "dlms-confirmation": {"number": "7741", "letter_date": "1 June 2026"},
    "release-notes": {
        "zse_number": "ZIG21023ZSE13012-24",
        "cpa_number": "NCSC-7300000001-4101",
        "dlms_number": "7741",
        "zigbee_module": "Larkspur 3.4.11",
        "release_date": "1 June 2026",
    },
}


@cache
def reading_of(pdf: bytes):
    return interpret("a.pdf", "0" * 64, read_document(pdf), KINDS)


def faults(kind, values, devices, layout):
    """Return what is not read, what is read wrongly, and what is read although nobody wrote it."""
    reading = reading_of(certificate_pdf(kind, values, devices, layout))
    found = [] if reading.kind == kind else [f"kind {reading.kind}"]
    for field, text in values.items():
        texts = set(said(reading, field))
        if not texts or any(bare(text) != bare(other) for other in texts):
            found.append(f"{field}: {texts} for {text}")
    if models(reading) != [tuple(each[name] for name in MODEL) for each in devices]:
        found.append(f"Device Models: {models(reading)}")
    found += [f"{value.field} {value.text} on no page" for value in reading.values if value.field not in known(values)]
    found += [f"{value.field} unconfirmed" for value in reading.values if not value.place.confirmed]
    return found


def known(values):
    return {*values, *MODEL, *STATED}


def bare(text):
    return re.sub(r"[\W_]", "", text.casefold())


def test_there_are_samples_of_every_kind():
    assert set(WORDING) == set(KINDS) == set(VALUES)
    assert len(LAYOUTS) >= 6


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_found_in_every_layout_and_none_is_read_wrongly(kind, layout):
    assert faults(kind, VALUES[kind], (FIRST,), layout) == []
    assert faults(kind, VALUES[kind], DEVICES, layout) == []


OCTET = st.integers(0, 255).map("{:02X}".format)
FOUR = st.lists(OCTET, min_size=4, max_size=4).map(":".join)
TWO = st.lists(OCTET, min_size=2, max_size=2).map(":".join)
MODELS = st.builds(device, TWO, TWO, OCTET, OCTET, FOUR)
NUMBERS = {
    "zse": st.builds(
        "ZIG{:02}{:03}ZSE{:05}-24".format, st.integers(15, 29), st.integers(0, 999), st.integers(0, 99999)
    ),
    "cpa": st.builds(
        "{}{:010}-{:04}".format,
        st.sampled_from(["NCSC-", "GSME", ""]),
        st.integers(10**9, 10**10 - 1),
        st.integers(1000, 9999),
    ),
    "dlms": st.integers(1000, 9999).map(str),
    "trial": st.builds("TRL-{}-{:04}".format, st.integers(2024, 2030), st.integers(0, 9999)),
}
DATES = st.dates().flatmap(
    lambda day: st.sampled_from(
        [f"{day:%d/%m}/{day.year:04}", f"{day.year:04}-{day:%m-%d}", f"{day.day} {day:%B} {day.year:04}"]
    )
)
SORT = {"ncsc-letter": "cpa", "ssc-letter": "cpa", "test-lab-letter": "cpa", "dlms-confirmation": "dlms"}


@st.composite
def papers(draw):
    kind = draw(st.sampled_from(sorted(KINDS)))
    values = dict(VALUES[kind])
    for field in values:
        if field == "number":
            values[field] = draw(NUMBERS[SORT.get(kind, kind)])
        elif field.endswith("_number"):
            values[field] = draw(NUMBERS[field.removesuffix("_number")])
        elif field.endswith("_date"):
            values[field] = draw(DATES)
    devices = draw(st.lists(MODELS, min_size=1, max_size=40, unique_by=lambda each: tuple(each.values())))
    return kind, values, tuple(devices), draw(st.sampled_from(sorted(LAYOUTS)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(papers())
def test_whatever_the_values_are_they_are_read_as_they_stand(drawn):
    assert faults(*drawn) == []


@pytest.mark.parametrize("quality", ["clean", "skewed", "fax"])
def test_of_a_scan_nothing_is_read_without_ocr(quality):
    pdf = certificate_pdf("zse", VALUES["zse"], (FIRST,), "table")
    reading = reading_of(as_scan(pdf, quality))
    assert (reading.kind, reading.values, reading.source) == ("", (), "picture")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (
            "Dear team,\n\nattached is the CPA Certificate of the NCSC, Foundation Grade.\n\nYours sincerely",
            "",
        ),
        ("Dear team,\n\nthe ZigBee Smart Energy certificate ZIG21023ZSE13012-24 is attached.", ""),
        ("Dear team,\n\nour DLMS certificate with its type designation follows.", ""),
        ("Minutes of a meeting about meters", ""),
        ("Commercial Product Assurance Certificate, NCSC. Evaluated by NCC Group.", "cpa"),
        ("Dear SSC,\n\nthe NCSC reports on the next Risk Review of CPA Certificate A-1.", "ncsc-letter"),
        ("Dear NCSC,\n\nthe SSC has set the renewal date of CPA Certificate A-1.", "ssc-letter"),
        ("To whom it may concern: CyTAL finds no security impact on CPA Certificate A-1.", "test-lab-letter"),
        (
            "Dear SECAS,\n\nwe confirm that DLMS Certificate 7741 is valid for it; see its release notes.",
            "dlms-confirmation",
        ),
        ("Release notes: firmware 0C:03:0C:22 of the device model, DLMS Certificate 7741", "release-notes"),
        ("Device Trial: the SSC grants Identifier Code TRL-1", "trial"),
        ("ZIG21023ZSE13012-24\nCertification ID Number: ZIG21023ZSE13012-24", "zse"),
    ],
)
def test_what_a_document_is(text, kind):
    assert read(text).kind == kind


def test_a_document_that_is_nothing_known_says_what_is_missing_of_each_kind():
    reading = read("Dear team,\n\nthe ZigBee Smart Energy certificate is attached.")
    missed = {item.kind: item.missing for item in reading.missed}
    assert list(missed) == list(KINDS)
    assert missed["zse"] == ("'dear' stands in it",)
    assert missed["trial"][:2] == (
        "'Trial Device Certificate' or 'Trial Device' or 'Device Trial' or 'Field Trial'",
        "'Security Sub-Committee' or 'Security Sub Committee' or 'SSC'",
    )
    assert reading.values == reading.devices == ()


def test_a_wording_is_found_whole_and_over_the_end_of_a_line():
    assert read("Commercial Product\nAssurance Certificate of the National   Cyber Security Centre").kind == "cpa"
    assert read("Commercial Product Assurances Certificate of the NCSCX").kind == ""


@pytest.mark.parametrize(
    ("sources", "said_of_it"),
    [(["text", "picture"], "text"), (["text", "ocr"], "ocr"), (["empty", "picture"], "picture"), (["empty"], "none")],
)
def test_where_the_words_come_from(sources, said_of_it):
    pages = tuple(Page(n, 595, 842, (), source) for n, source in enumerate(sources, 1))
    assert interpret("a.pdf", "0" * 64, Document(pages), KINDS).source == said_of_it


def test_what_the_document_tells_of_itself_is_passed_on():
    words = paper("Certificate")
    unseen = (Unseen(1, "0C:03:0C:23", words.pages[0].words[0].box, "covered"),)
    problems = (Problem("limit", "The PDF has 41 pages; only the first 40 were read."),)
    document = Document(words.pages, unseen, revisions=3, changed_after_signing=True, problems=problems)
    reading = interpret("sub.zip › a.pdf", "1" * 64, document, KINDS)
    assert (reading.file, reading.artefact) == ("sub.zip › a.pdf", "1" * 64)
    assert (reading.unseen, reading.problems) == (unseen, problems)
    assert (reading.revisions, reading.changed_after_signing) == (3, True)
    assert reading.document is document


def test_of_no_document_nothing_is_read():
    reading = interpret("a.pdf", "0" * 64, Document(()), KINDS)
    assert (reading.kind, reading.values, reading.devices, reading.source) == ("", (), (), "none")


WORDS = st.sampled_from(
    [
        *("ZigBee", "Smart", "Energy", "Certification", "ID", "Number", "Firmware", "Version", "Hardware", "Model"),
        *("10:63", "00:0A", "01", "02_", "0C:03:", "0C:03:0C:22", "Manufacturer", "dear"),
        *(":", "|", "(", ")", "-", "1.", "\n", "  "),
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, max_size=60).map(" ".join))
def test_whatever_a_document_says_is_read_without_fail_and_where_it_stands(text):
    drawn = "ZigBee Smart Energy Certification ID Number\n\n" + text
    document = paper(drawn)
    reading = interpret("a.pdf", "0" * 64, document, KINDS)
    words = {word.text for word in document.pages[0].words}
    for value in (*reading.values, *(value for each in reading.devices for value in each.values)):
        assert set(value.place.text.split()) <= words
        assert bare(value.text) in bare(value.place.text)
