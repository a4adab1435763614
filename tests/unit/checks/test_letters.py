"""Letters and particulars: dates from the document that may give them, and letters that name both or are looked at."""

from datetime import date

import pytest

from pipeline.checks import letters, papers, particulars
from pipeline.checks.alignment import identified
from pipeline.checks.matter import Say
from pipeline.checks.run import run_all
from pipeline.domain.finding import Settler, Status
from tests.corpus_cases import RULES, Case, Entry, Paper, matter_of

CPA = papers.NUMBERS["cpa"]
LIFETIME = {CPA: "[R] NCSC-7300000001-4101"}
JOINED = Paper(kind="cpa", device={"firmware_version": "04:01:11:00"})
LISTED = (Entry("000901", answers={"Device_Model.firmware_version": "04:01:11:00"}),)


def case(*documents, **more):
    return Case(why="a test", expect=Status.PASS, documents=documents, **more)


def told(item, matter):
    return list(item.judge(matter, Say(RULES.checks[item.id])))


def faults(matter):
    return [f.check for f in run_all(matter) if f.status in {Status.FAIL, Status.UNCLEAR, Status.BROKEN}]


def test_a_missing_letter_of_the_test_lab_is_one_fault():
    assert faults(matter_of(case(JOINED, listed=LISTED))) == ["letter.test-lab"]


def test_the_letter_of_the_test_lab_mends_it():
    matter = matter_of(case(JOINED, Paper(kind="test-lab-letter"), listed=LISTED))
    assert faults(matter) == []
    (found,) = told(letters.test_lab, matter)
    assert {place.file for place in found.evidence} == {"test-lab-letter.pdf", "cpa.pdf", "form.xlsm"}
    assert all(place.where for place in found.evidence)


@pytest.mark.parametrize("number", ["[E] 7300000001-4101", "[E] NCSC7300000001-4101"])
def test_a_certificate_is_on_the_list_however_its_number_is_written(number):
    listed = (Entry("000901", answers={"Device_Model.firmware_version": "04:01:11:00", CPA: number}),)
    assert faults(matter_of(case(JOINED, listed=listed))) == ["letter.test-lab"]


def test_a_certificate_of_another_number_on_the_list_asks_for_no_letter():
    listed = (Entry("000901", answers={"Device_Model.firmware_version": "04:01:11:00", CPA: "[E] 7300000001-9999"}),)
    assert faults(matter_of(case(JOINED, listed=listed))) == ["align.cpa.firmware"]


def test_a_trial_is_joined_by_nobody():
    answers = {CPA: "[T] GKL7300000001", "CPA_Certificate.security_characteristics_version": "Not Relevant"}
    listed = (Entry("000901", answers={"Device_Model.firmware_version": "04:01:11:00"}),)
    paper = Paper(kind="trial", device={"firmware_version": "04:01:11:00"})
    assert faults(matter_of(case(paper, answers=answers, listed=listed))) == ["align.cpa.firmware"]


def test_a_lifetime_certificate_without_letter_is_one_fault():
    assert faults(matter_of(case(answers=LIFETIME, without=("ncsc-letter",)))) == ["letter.risk-review"]


def test_a_wrong_mark_is_one_fault():
    paper = Paper(kind="cpa", values={"expiry_date": "25/10/2029"})
    assert faults(matter_of(case(paper, answers=LIFETIME, without=("ncsc-letter",)))) == ["certificate.prefix"]


def test_an_expired_certificate_is_one_fault():
    paper = Paper(kind="cpa", values={"expiry_date": "1 November 2026"})
    assert faults(matter_of(case(paper))) == ["certificate.expired"]


def test_the_date_of_a_lifetime_certificate_comes_from_its_letters_only():
    matter = matter_of(case(Paper(kind="ssc-letter"), answers=LIFETIME))
    certificate = identified(matter, "cpa")
    assert certificate is not None
    shown = particulars.dates(matter, certificate)
    assert {(one.reading.kind, one.day, one.sure) for one in shown} == {
        ("ncsc-letter", date(2029, 10, 25), True),
        ("ssc-letter", date(2029, 10, 25), True),
    }


def test_a_letter_that_names_no_certificate_is_not_sure():
    paper = Paper(kind="ncsc-letter", values={"number": None})
    matter = matter_of(case(paper, answers=LIFETIME))
    certificate = identified(matter, "cpa")
    assert certificate is not None
    assert [one.sure for one in particulars.dates(matter, certificate)] == [False]
    assert faults(matter) == ["certificate.expiry"]


@pytest.mark.parametrize("source", ["ocr", "picture"])
def test_a_scanned_letter_settles_no_date(source):
    matter = matter_of(case(Paper(kind="ncsc-letter", source=source), answers=LIFETIME))
    (found,) = told(particulars.expiry, matter)
    assert (found.status, found.settle) == (Status.UNCLEAR, Settler.REVIEWER)


def test_a_letter_about_another_certificate_is_left_alone():
    paper = Paper(kind="ssc-letter", values={"number": "NCSC-7300000001-9999"}, devices=())
    matter = matter_of(case(paper))
    assert [finding.status for finding in told(letters.ssc, matter)] == [Status.NOT_APPLICABLE]


def test_what_a_letter_lacks_is_listed():
    device = "Single Element Electricity Metering Equipment"
    paper = Paper(kind="dlms-confirmation", values={"number": None, "still_valid": None}, devices=())
    (found,) = told(letters.dlms, matter_of(case(paper, device=device)))
    assert found.status is Status.UNCLEAR
    for words in ("by its number", "five fields", "remains valid"):
        assert words in found.message
