"""Certificates as documents: which of a mail's are ours, how numbers compare, what is remembered, and good batches."""

from dataclasses import replace

import pytest

from pipeline.checks import papers
from pipeline.checks.certificates import PRESENT, hidden, known, number, unread
from pipeline.checks.matter import Say
from pipeline.checks.papers import Likeness, key_of, likeness
from pipeline.checks.run import run_all
from pipeline.decide import decide_submission
from pipeline.demo.fields import DEVICE_TYPES
from pipeline.domain.finding import Status
from pipeline.domain.judgement import Outcome
from tests.builders import SAPC, good_answers
from tests.corpus_cases import RULES, Case, Form, Paper, matter_of
from tests.readings import reading

GAS = "Gas Smart Meter"
ZSE = papers.NUMBERS["zse"]


def case(*documents, device=GAS, **more):
    return Case(why="a test", expect=Status.PASS, device=device, documents=documents, **more)


def told(item, matter):
    return list(item.judge(matter, Say(RULES.checks[item.id])))


@pytest.mark.parametrize(
    ("slot", "form", "shown", "like"),
    [
        ("cpa", "[E] 1433053936-1497", "1433053936-1497", Likeness.SAME),
        ("cpa", "[E] NCSC-1433053936-1497", "1433053936-1497", Likeness.OTHERWISE),
        ("cpa", "[E] NCSC1433053936-1497", "NCSC-1433053936-1497", Likeness.OTHERWISE),
        ("cpa", "[E] GSME1433053936-1943", "1433053936-1943", Likeness.OTHERWISE),
        ("cpa", "[R] NCSC-1433053936-3918", "NCSC\N{NON-BREAKING HYPHEN}1433053936\N{EN DASH}3918", Likeness.SAME),
        ("cpa", "[E] 1433053936-1497", "1433053936-1498", Likeness.OTHER),
        ("cpa", "[E] SMCH60812475", "ESME66672908", Likeness.OTHER),
        ("cpa", "[E] 1433053936-1497", "", Likeness.OTHER),
        ("cpa", "", "", Likeness.SAME),
        ("zse", "ZIG21023ZSE13012-24", "zig21023zse13012-24", Likeness.OTHERWISE),
        ("zse", "ZIG21078ZSE13067-2", "ZIG21078ZSE13067-24", Likeness.OTHER),
        ("dlms", "2721", " 2721 ", Likeness.SAME),
        ("dlms", "2721", "27210", Likeness.OTHER),
    ],
)
def test_likeness_of_numbers(slot, form, shown, like):
    assert likeness(slot, form, shown) is like


def test_the_code_of_a_trial_keeps_its_letters():
    assert likeness("cpa", "[T] GKL123456789", "ABC123456789", trial=True) is Likeness.OTHER
    assert likeness("cpa", "[T] GKL123456789", "GKL-123456789", trial=True) is Likeness.OTHERWISE


def test_the_key_is_the_same_however_a_number_is_written():
    assert (
        len({key_of("cpa", text) for text in ("[E] NCSC-1433053936-1497", "1433053936-1497", "GSME1433053936 1497")})
        == 1
    )


@pytest.mark.timeout(10)  # in one pass it takes milliseconds; begun anew at each letter, a quarter of a minute
def test_a_cell_full_of_letters_is_no_number_that_takes_long():
    assert key_of("cpa", "x" * 32_767) == "X" * 32_767


@pytest.mark.parametrize("device", [*DEVICE_TYPES, SAPC])
@pytest.mark.parametrize("mark", ["[E]", "[R]", "[T]"])
def test_a_good_submission_of_every_kind_is_accepted(device, mark):
    answers = {}
    if good_answers(device).get(papers.NUMBERS["cpa"]):
        answers = {papers.NUMBERS["cpa"]: f"{mark} NCSC-7300000001-4101"}
        if mark == "[T]":
            answers["CPA_Certificate.security_characteristics_version"] = "Not Relevant"
    findings = run_all(matter_of(case(device=device, answers=answers)))
    assert decide_submission(findings, RULES).outcome is Outcome.ACCEPT, [f for f in findings if f.settle]


@pytest.mark.parametrize("device", DEVICE_TYPES)
@pytest.mark.parametrize("kind", ["zse", "cpa", "dlms"])
def test_the_same_without_one_certificate_is_one_fault(device, kind):
    findings = run_all(matter_of(case(device=device, without=(kind,))))
    faults = [finding.check for finding in findings if finding.status in {Status.FAIL, Status.UNCLEAR}]
    asked = bool(good_answers(device).get(papers.NUMBERS[kind]))
    assert faults == ([f"certificate.present.{kind}"] if asked else [])


@pytest.mark.parametrize("device", DEVICE_TYPES)
@pytest.mark.parametrize("change", ["swapped", "octet", "covered", "expired"])
def test_the_same_with_one_thing_wrong_is_not_accepted(device, change):
    for kind in ("zse", "cpa", "dlms"):
        paper = {
            "swapped": Paper(kind=kind, values={"number": "ZIG9-77"}, device={"model_identifier": "77:77"}),
            "octet": Paper(kind=kind, device={"firmware_version": "77:01:12:01"}),
            "covered": Paper(kind=kind, device={"firmware_version": None}, unseen=(("0C:03:0C:22", "covered"),)),
            "expired": Paper(kind=kind, values={"expiry_date": "01/11/2026"}),
        }[change]
        asked = bool(good_answers(device).get(papers.NUMBERS[kind]))
        if not asked or (change == "expired" and kind != "cpa"):
            continue
        findings = run_all(matter_of(case(paper, device=device)))
        assert decide_submission(findings, RULES).outcome is not Outcome.ACCEPT
        faults = [finding for finding in findings if finding.status is Status.FAIL]
        assert len(faults) == (0 if change == "covered" else 1), faults
        assert all(fault.evidence and "page 1 [" in fault.evidence[0].where for fault in faults)


def test_each_form_of_a_mail_finds_its_own_certificates():
    other = {ZSE: "ZIG25118ZSE24118-24", "Device_Model.firmware_version": "04:01:13:00"}
    given = case(
        Paper(kind="zse"),
        Paper(kind="zse", answers=other, artefact="b" * 64),
        batch=(Form(answers=other, file="b.xlsm"),),
    )
    matter = matter_of(given)
    assert [item.artefact[:2] for item in papers.certificates(matter, "zse")] == ["7a"]
    second = replace(matter.batch[0], certificates=matter.submission.certificates)
    turned = replace(matter, submission=second, batch=(second, matter.submission))
    assert [item.artefact for item in papers.certificates(turned, "zse")] == ["b" * 64]


def test_a_file_sent_twice_is_one_certificate():
    matter = matter_of(case(Paper(kind="zse", file="a.pdf"), Paper(kind="zse", file="b.pdf")))
    assert [item.file for item in papers.certificates(matter, "zse")] == ["a.pdf"]


def test_files_that_nobody_has_read_may_hold_the_certificate():
    matter = matter_of(case(without=("zse", "cpa")))
    sent = replace(matter, submission=replace(matter.submission, documents=("f" * 64,)))
    assert [told(PRESENT[0], one)[0].status for one in (matter, sent)] == [Status.FAIL, Status.UNCLEAR]


def test_a_stranger_is_told_once_and_says_so():
    paper = Paper(kind="zse", values={"number": "ZIG25117ZSE99999-24"}, device={"firmware_version": "01:02:03:04"})
    (found,) = told(number, matter_of(case(paper)))
    assert found.status is Status.FAIL
    assert "does not name the Device Model" in found.message
    assert found.expected == "ZIG25117ZSE24117-24"


def test_memory_tells_the_same_bytes_from_other_bytes_and_other_fields():
    first = matter_of(case())
    zse = next(item for item in first.submission.certificates if item.kind == "zse")
    ((key, (artefact, said)),) = papers.memory(zse)
    assert artefact == zse.artefact

    def asked(before):
        given = replace(first, circumstances=replace(first.circumstances, known_certificates={key: before}))
        return [finding.status for finding in told(known, given)]

    assert asked((artefact, said)) == []
    assert asked((artefact, "anything")) == []
    assert asked(("e" * 64, said)) == [Status.ADVICE]
    assert asked(("e" * 64, f"{said}; and more")) == [Status.UNCLEAR]


def test_a_summary_does_not_hang_on_the_order_of_values():
    zse = reading("zse", good_answers(GAS))
    assert papers.summary(zse) == papers.summary(replace(zse, values=zse.values[::-1]))
    assert papers.summary(zse) != papers.summary(replace(zse, values=zse.values[1:]))


def test_what_lacks_least_is_named():
    paper = Paper(kind="", file="x.pdf", missed=(("cpa", ("NCSC", "Certificate")), ("zse", ("Smart Energy",))))
    (found,) = told(unread, matter_of(case(paper)))
    assert "ZigBee Certificate" in found.message
    assert '"Smart Energy"' in found.message


def test_documents_are_spoken_of_with_the_first_form_that_was_read():
    paper = Paper(kind="zse", unseen=(("04:01:12:01", "tiny"),))
    matter = matter_of(case(paper, Paper(kind="", file="x.pdf"), batch=(Form(file="b.xlsm"),)))
    assert [told(item, matter) for item in (unread, hidden)] == [[], []]
    alone = replace(matter, batch=(matter.submission,))
    assert [len(told(item, alone)) for item in (unread, hidden)] == [1, 1]


def test_hidden_text_is_shown_with_its_place():
    (found,) = told(hidden, matter_of(case(Paper(kind="zse", unseen=(("04:01:12:01", "covered"),)))))
    assert found.evidence[0].where == "page 1 [72.0, 300.0, 190.0, 312.0]"
    assert found.evidence[0].text == "04:01:12:01"
    assert "covered" in found.message
