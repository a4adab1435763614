"""Certificate updates: certificates and letters read as they come, held against the mail and the list."""

import pytest

from pipeline.asked import Proposal
from tests.asking import LISTED, NEW, OLD, ask, cpa, doubts, one
from tests.lists import with_values
from tests.papers import read

NUMBER, EXPIRY = "CPA_Certificate.identification_number", "CPA_Certificate.expiry_date"


def letter(number: str = NEW, day: str = "1 November 2032", by: str = "National Cyber Security Centre", more: str = ""):
    return read(f"""
        Dear Ms Example
        CPA Certificate Number: {number}
        Next Risk Review: {day}
        {more}
        Yours sincerely
        on behalf of the {by}
        """)


def said(found: Proposal) -> tuple[str, tuple[str, ...], dict[str, str]]:
    return found.kind.value, found.entries, dict(found.values)


EXPIRING = {NUMBER: f"[E] {NEW}", EXPIRY: "30/08/2032"}
LIFETIME = {NUMBER: f"[R] {NEW}", EXPIRY: "01/11/2032"}


@pytest.mark.parametrize(
    "body",
    [
        f"Please find attached our new CPA certificate, which replaces {OLD}. Please update the CPL.",
        "Please update the CPA certificate of entry 000010, the new certificate is attached.",
        f"We have received a new certificate for {OLD} (attached).",
        "The expiry date of entry 10 has changed to 30/08/2032, please see the certificate.",
        f"Kindly amend the rows of the CPL with certificate number {OLD} to {NEW}, expiry date 30th August 2032.",
    ],
)
def test_a_new_expiring_certificate(body):
    found = one(body, "CPL", papers=[cpa()])
    assert said(found) == ("certificate-update", ("000010",), EXPIRING)
    assert found.doubts == ()
    assert {e.file for e in found.evidence} == {"", "paper.pdf"}
    assert [e.text for e in found.evidence if e.file] == [NEW, "30 August 2032"]


@pytest.mark.parametrize("by", ["National Cyber Security Centre", "Security Sub-Committee"])
def test_a_lifetime_certificate_and_its_letter(by):
    body = f"Please update the rows of {OLD}: certificate and letter are attached."
    found = one(body, papers=[cpa(expiry=""), letter(by=by, more="the renewal date of the CPA Certificate")])
    assert said(found) == ("certificate-update", ("000010",), LIFETIME)
    assert found.doubts == ()


def test_a_lifetime_certificate_without_its_letter_has_no_day():
    found = one(f"Please update {OLD}, see the attached certificate.", papers=[cpa(expiry="")])
    assert said(found) == ("certificate-update", ("000010",), {})
    assert "ask for the letter" in doubts(found)


def test_a_letter_alone_moves_the_day_of_a_listed_certificate():
    found = one("Please update the renewal date, see the attached letter.", papers=[letter(OLD)])
    assert said(found) == ("certificate-update", ("000010",), {EXPIRY: "01/11/2032"})
    assert found.doubts == ()


def test_every_row_of_the_certificate_is_meant_however_it_is_written():
    listed = with_values(LISTED, "000009", **{NUMBER.replace(".", "__"): "[E] 7300000001-1010"})
    listed = with_values(listed, "000012", **{NUMBER.replace(".", "__"): "[R] NCSC7300000001-1010"})
    found = one("Please update the CPA certificate of entry 000010 as attached.", papers=[cpa()], listed=listed)
    assert said(found) == ("certificate-update", ("000009", "000010", "000012"), EXPIRING)
    assert found.doubts == (
        "The certificate stands on entries 000009 and 000012, too; an update changes all of its rows.",
    )


def test_the_entries_may_come_from_the_device_models_on_the_certificate():
    model = """Manufacturer Identifier: E1:01
        Model Identifier: 00:0A
        Hardware Version: 01
        Hardware Revision: 02
        Firmware Version: 0C:01:0C:21"""
    found = one("Please update the CPL with the attached CPA certificate.", papers=[cpa(more=model)])
    assert said(found) == ("certificate-update", ("000010",), EXPIRING)


def test_a_row_whose_model_the_certificate_does_not_name_is_a_doubt():
    model = """Manufacturer Identifier: E1:01
        Model Identifier: 00:0A
        Hardware Version: 01
        Hardware Revision: 02
        Firmware Version: 0C:01:0C:21"""
    listed = with_values(LISTED, "000024", **{NUMBER.replace(".", "__"): f"[R] {OLD}"})
    found = one("Please update entry 000010 as attached, new CPA certificate.", papers=[cpa(more=model)], listed=listed)
    assert found.entries == ()
    assert "does not name that Device Model" in doubts(found)
    assert "000024" in doubts(found)


CONTRADICTED = [
    ("Please update the expiry date of entry 000010 to 31/08/2032.", [cpa()], "31/08/2032"),
    ("Please update entry 000010 to CPA certificate NCSC-7300000001-2001.", [cpa()], "on no row"),
    (f"Please update entry 000010 to CPA certificate [R] {NEW}.", [cpa()], "marks the certificate [R]"),
    (
        "Please update the CPA certificate of 000010.",
        [cpa(), letter(more="The certificate has been withdrawn")],
        "withdrawal",
    ),
    (
        "Please update the CPA certificate of 000010.",
        [cpa(expiry=""), letter(), letter(day="2 November 2031", by="Security Sub-Committee", more="renewal date")],
        "several dates",
    ),
]


@pytest.mark.parametrize(("body", "papers", "words"), CONTRADICTED)
def test_what_is_contradicted_stays_open(body, papers, words):
    found = one(body, papers=papers)
    assert (found.entries, dict(found.values)) == (("000010",), {})
    assert words in doubts(found)


def test_entries_that_do_not_carry_the_certificate_that_is_named():
    found = one(f"Please update the CPA certificate {OLD} of entry 000009, as attached.", papers=[cpa()])
    assert (found.entries, dict(found.values)) == ((), EXPIRING)
    assert "which are meant?" in doubts(found)


def test_entries_with_different_certificates():
    found = one("Please update the CPA certificate of entries 9 and 10, as attached.", papers=[cpa()])
    assert found.entries == ()
    assert "Not all of them carry the same CPA certificate" in doubts(found)


def test_words_alone_change_no_certificate():
    found = one(f"Please change the expiry date of {OLD} to 30/08/2032.")
    assert said(found) == ("certificate-update", ("000010",), {})
    assert "No certificate or letter" in doubts(found)


def test_what_one_reader_read_is_not_taken():
    picture = read(
        "\nCPA Certificate\nCommercial Product Assurance\nNational Cyber Security Centre\n"
        f"Certificate Number: ?{NEW}\nExpiry Date: 30 August 2032"
    )
    found = one("Please update the CPA certificate of entry 000010 as attached.", papers=[picture])
    assert (found.entries, dict(found.values)) == (("000010",), {})
    assert "one reader" in doubts(found)


def test_a_letter_about_another_certificate_is_not_used():
    found = one(f"Please update {OLD} as attached.", papers=[cpa(expiry=""), letter("NCSC-7300000001-3000")])
    assert dict(found.values) == {}
    assert f"does not name the certificate {NEW}" in doubts(found)


def test_two_certificates_are_two_proposals():
    papers = [cpa("NCSC-7300000001-1009"), cpa("NCSC-7300000001-1010", "1 May 2032")]
    first, second = ask("Please update the expiry dates as attached.", "CPA", papers=papers).proposals
    assert (first.entries, first.values[EXPIRY]) == (("000009",), "30/08/2032")
    assert (second.entries, second.values[EXPIRY]) == (("000010",), "01/05/2032")


def test_what_the_list_says_already_is_told():
    listed = with_values(
        LISTED, "000010", **{NUMBER.replace(".", "__"): f"[E] {NEW}", EXPIRY.replace(".", "__"): "30/08/2032"}
    )
    found = one("Please update the CPA certificate of entry 000010 as attached.", papers=[cpa()], listed=listed)
    assert (found.entries, dict(found.values)) == (("000010",), {})
    assert "says so already" in doubts(found)


def test_a_day_in_the_past_and_other_security_characteristics_are_told():
    paper = cpa(expiry="30 August 2025", more="Security Characteristics: 1.4")
    found = one("Please update the CPA certificate of entry 000010 as attached.", papers=[paper])
    assert "The day 30/08/2025 lay in the past" in doubts(found)
    assert "Security Characteristics 1.4" in doubts(found)


def test_a_paper_of_no_known_kind_is_told_of():
    found = ask("Please update the CPA certificate of entry 000010.", papers=[cpa(), read("A poem")])
    assert found.unclear == ("paper.pdf was not recognised as a certificate or a letter: look at it.",)
