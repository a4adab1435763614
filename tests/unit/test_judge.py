"""What kind of mail is it, which workbooks does it bring, and what comes of them."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import msgspec
import pytest

from pipeline import judge
from pipeline.demo.compound import compound_file
from pipeline.demo.mail import documents
from pipeline.domain.certificate import CertificateReading
from pipeline.domain.finding import Status
from pipeline.domain.form import Form
from pipeline.domain.judgement import Circumstances, Outcome, Verdict
from pipeline.domain.message import Problem
from pipeline.domain.product import ProductList
from pipeline.judge import AUTOMATIC, FOR_A_PERSON, NEW_ENTRY, NO_LIST, NOT_OURS, REPLY, ListInForce, Workbook
from pipeline.readers.cpl import read_cpl
from pipeline.readers.form import read_form
from pipeline.readers.message import ReadMail, read_message
from pipeline.readers.paper import read_paper
from pipeline.readers.paper_request import PaperQuestion
from pipeline.rulebook import Rulebook
from tests import builders as b
from tests.builders import File, good_answers, mail, new_entry_form, sample_cpl, spoil

RULES = Rulebook.load(Path(__file__).parents[2] / "rules")
AT = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
ON = Circumstances(on=AT.date())
OTHER = {"Device_Model.firmware_version": "0C:03:0C:23"}
PDF = File("certificate.pdf", b"%PDF-1.7 nothing", "application/pdf")
WORD = compound_file({"WordDocument": bytes(4096)})


class Direct:
    """Reads in this process, and counts; ``dies`` is what a child does that does not come back."""

    def __init__(self, *, dies: bool = False) -> None:
        self.reads = 0
        self.dies = dies

    def form(self, data: bytes) -> Form | Problem:
        self.reads += 1
        return Problem("timeout", "Reading it took longer than 20 seconds.") if self.dies else read_form(data)

    def paper(self, question: PaperQuestion) -> CertificateReading:
        self.reads += 1
        return read_paper(msgspec.msgpack.encode(question))


@cache
def in_force() -> ListInForce:
    reading = read_cpl(sample_cpl())
    assert reading.template is not None
    return ListInForce(reading.template, ProductList("cpl", "3.000", reading.products))


@cache
def good(**changes: b.Value) -> bytes:
    return new_entry_form(good_answers(**changes))


def sent(*files: File, subject: str = "CPL submission", body: str = "Hello.") -> ReadMail:
    return read_message(mail(subject, body, AT, files))


def whole(name: str) -> tuple[File, ...]:
    """The good form under that name, with its certificates."""
    return File(name, good()), *documents(good_answers())


def workbooks(read: ReadMail, reader: Direct | None = None) -> tuple[Workbook, ...]:
    return judge.read_workbooks(read.message, read.contents, reader or Direct())


def kind(read: ReadMail, *, known_case: bool = False) -> str:
    found, why = judge.recognise(read.message, workbooks(read), RULES, known_case=known_case)
    assert why.endswith((".", "'"))
    return found


def judged(read: ReadMail, listed: ListInForce | None = None) -> judge.Outcome:
    papers = judge.read_papers(read.message, read.contents, Direct(), RULES)
    outcome = judge.judge_mail(read.message, workbooks(read), RULES, ON, listed or in_force(), papers=papers)
    assert outcome.decision is not None
    return outcome


def rows(outcome: judge.Outcome) -> dict[str, str]:
    return {item.file: item.decision.row for item in outcome.judged}


# What kind of mail


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (sent(File("form.xlsm", good()), subject="Hello"), NEW_ENTRY),
        (read_message(b.submission(AT)), NEW_ENTRY),
        (read_message(b.zipped_submission(AT)), NEW_ENTRY),
        (read_message(b.forwarded_submission(AT)), NEW_ENTRY),
        (read_message(b.protected_submission(AT)), NEW_ENTRY),
        (read_message(b.hostile_submission(AT)), NEW_ENTRY),
        (sent(File("form.xlsm", spoil(good(), b.rename_tab("Sheet1"))), subject="Hello"), NEW_ENTRY),
        (
            sent(
                File("form.xlsm", spoil(sample_cpl(), b.dropped_tabs(b.FORM_TAB), b.add_tab(b.FORM_TAB))), subject="Hi"
            ),
            NEW_ENTRY,
        ),
        (sent(subject="CPL New Entry"), NEW_ENTRY),
        (sent(subject="Hello", body="Please find a submission to\nthe  CPL attached."), NEW_ENTRY),
        (sent(File("CPL new entry.pdf", PDF.data)), NEW_ENTRY),
        (sent(subject="New CPA certificate for entry 000123"), FOR_A_PERSON),
        (sent(subject="Question", body="When is the next Central Products List due?"), FOR_A_PERSON),
        (sent(subject="The CPL"), FOR_A_PERSON),
        (sent(subject="CPL: a question"), FOR_A_PERSON),
        (read_message(b.unrelated(AT)), NOT_OURS),
        (sent(subject="Hello", body="My uncpled thoughts."), NOT_OURS),
        (read_message(b"X: y\r\n" * 20_000 + b.submission(AT)), FOR_A_PERSON),  # more headers than are read
        (read_message(b.unrelated(AT).replace(b"MIME-Version", b"A:\x01" + b"b" * 99_999 + b"\r\nX")), FOR_A_PERSON),
        (read_message(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello"), NOT_OURS),  # cut off
        (sent(File("minutes.xlsx", b.truncated(good())), subject="Minutes"), NOT_OURS),
        (sent(File("budget.xlsx", spoil(sample_cpl(), b.dropped_tabs(b.FORM_TAB))), subject="Budget"), NOT_OURS),
    ],
)
def test_kinds_of_mail(read, expected):
    assert kind(read) == expected


def test_a_reply_belongs_to_its_case_unless_it_brings_a_form():
    assert kind(sent(subject="Re: agenda"), known_case=True) == REPLY
    assert kind(sent(subject="Re: CPL submission"), known_case=True) == REPLY
    assert kind(sent(File("form.xlsm", good())), known_case=True) == NEW_ENTRY
    assert kind(sent(File("form.xlsm", b.encrypted_workbook()), subject="Here"), known_case=True) == NEW_ENTRY


def test_a_machines_mail_is_not_answered():
    def automatic(*files: File) -> ReadMail:
        raw = mail("CPL submission", "I am out of the office.", AT, files)
        return read_message(b"Auto-Submitted: auto-replied\r\n" + raw)

    assert kind(automatic()) == AUTOMATIC
    assert kind(automatic(), known_case=True) == AUTOMATIC
    assert kind(automatic(File("form.xlsm", good()))) == FOR_A_PERSON


# Which workbooks


@pytest.mark.parametrize(
    ("file", "taken"),
    [
        (File("form.xlsm", good()), True),
        (File("form.dat", good()), True),
        (File("form.xlsm", b"no workbook at all"), True),
        (File("form.XLSM", b"PK\x03\x04 broken"), True),
        (File("form.xls", b.encrypted_workbook()), True),
        (File("form.xlsm", b""), True),
        (File("form.xlsm", PDF.data), False),
        (File("form.xlsm", b"\x89PNG\r\n\x1a\n"), False),
        (PDF, False),
        (File("release notes.doc", WORD), False),
        (File("letter.docx", b.encrypted_workbook()), False),
    ],
)
def test_a_workbook_is_known_by_its_content_or_else_by_its_name(file, taken):
    assert bool(workbooks(sent(file))) is taken


def test_equal_bytes_are_read_once_and_named_each_time():
    reader = Direct()
    read = sent(File("a.xlsm", good()), File("b.xlsm", good()), File("c.xlsm", good(**OTHER)))
    found = workbooks(read, reader)
    assert [book.file for book in found] == ["a.xlsm", "b.xlsm", "c.xlsm"]
    assert len({book.artefact for book in found}) == 2
    assert reader.reads == 2


def test_a_child_that_did_not_come_back_is_a_problem_of_the_workbook():
    (book,) = workbooks(sent(File("form.xlsm", good())), Direct(dies=True))
    assert not book.readable
    assert [problem.kind for problem in book.form.problems] == ["timeout"]


# What comes of them


def test_a_good_submission_is_accepted():
    outcome = judged(read_message(b.submission(AT)))
    (item,) = outcome.judged
    assert (item.device_type, str(item.model)) == (b.DEVICE_TYPES[5], "E1:01 00:0A 01 02 0C:03:0C:22")
    assert not [f for f in item.findings if f.status in {Status.FAIL, Status.UNCLEAR, Status.BROKEN}]
    assert outcome.decision is not None
    assert (outcome.decision.row, outcome.template) == ("mail-accepted", "accepted")
    assert outcome.workbooks == (item.artefact,)


def test_nothing_is_accepted_without_a_list_in_force():
    outcome = judged(read_message(b.submission(AT)), NO_LIST)
    assert outcome.decision is not None
    assert outcome.decision.outcome is Outcome.CLARIFY


def test_faults_refuse_the_whole_mail():
    outcome = judged(sent(File("bad.xlsm", good(**{"Device_Type.name": "Toaster"} | OTHER)), *whole("good.xlsm")))
    assert rows(outcome) == {"bad.xlsm": "fault", "good.xlsm": "all-clear"}
    assert outcome.template == "rejected"


def test_a_batch_with_one_unreadable_workbook():
    outcome = judged(sent(File("broken.xlsm", b.truncated(good())), *whole("good.xlsm")))
    assert rows(outcome) == {"good.xlsm": "all-clear", "broken.xlsm": "fault"}
    assert outcome.template == "rejected"
    assert len(outcome.workbooks) == 2


def test_the_same_workbook_attached_twice_is_one_submission():
    outcome = judged(sent(*whole("a.xlsm"), File("copy of a.xlsm", good())))
    assert rows(outcome) == {"a.xlsm": "all-clear"}
    broken = judged(sent(File("a.xlsm", b"x"), File("b.xlsm", b"x")))
    assert rows(broken) == {"a.xlsm": "fault"}


def test_two_forms_for_one_device_model_are_a_fault():
    assert rows(judged(read_message(b.batch_submission(AT)))) == {
        "display 1 of 2.xlsm": "fault",
        "display 2 of 2.xlsm": "fault",
    }


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b.zipped_submission(AT), "cpl.zip › submission › CPL new entry.xlsm"),
        (b.forwarded_submission(AT), "submission.eml › CPL new entry 00-0A.xlsm"),
    ],
)
def test_a_form_is_found_at_any_depth(raw, path):
    assert rows(judged(read_message(raw))) == {path: "all-clear"}


def test_a_mail_of_which_nothing_can_be_read():
    for raw in (b.protected_submission(AT), b.hostile_submission(AT)):
        outcome = judged(read_message(raw))
        assert outcome.decision is not None
        assert (outcome.decision.row, outcome.template) == ("mail-unreadable", "unreadable")


def test_a_protected_certificate_beside_a_form_that_was_read_is_no_unreadable_mail():
    outcome = judged(sent(File("form.xlsm", good()), File("letter.docx", b.encrypted_workbook())))
    assert outcome.decision is not None
    assert (outcome.decision.row, outcome.template) == ("mail-refused", "rejected")


@pytest.mark.parametrize("files", [(), (File("form.xlsm", PDF.data),), (File("notes.doc", WORD),)])
def test_a_mail_without_a_workbook_is_asked_for_one(files):
    outcome = judged(sent(*files))
    assert outcome.decision is not None
    assert (outcome.decision.row, outcome.template) == ("mail-question", "question")
    assert rows(outcome) == {"": "question"}
    assert outcome.workbooks == ()


def test_a_word_file_beside_a_form_is_a_document():
    outcome = judged(sent(*whole("form.xlsm"), File("release notes.doc", WORD)))
    assert rows(outcome) == {"form.xlsm": "look"}
    assert [f.subject for item in outcome.judged for f in item.findings if f.status is Status.UNCLEAR] == [
        "release notes.doc"
    ]


def test_only_the_first_submission_speaks_for_the_mail():
    outcome = judged(sent(File("a.xlsm", good()), File("b.xlsm", good(**OTHER))))
    senders = [[f for f in item.findings if f.check == "intake.sender"] for item in outcome.judged]
    assert [len(found) for found in senders] == [1, 0]


def test_a_verdict_settles_one_point_of_one_submission():
    secret = good(**{"FIR Release Notes.Description": "Confidential: mends the cipher."})
    before = judged(sent(*whole("a.xlsm"), File("b.xlsm", secret)))
    point = next(f for f in before.judged[1].findings if f.status is Status.UNCLEAR)
    word = Verdict(point.check, point.subject, "b.xlsm", passed=False, why="Not signed.", by="A. Clerk", at="now")
    after = judge.rederive(before.judged, [word], RULES)
    assert after.judged[0] == before.judged[0]
    assert point.check == "fir.public"
    assert [finding.status for finding in after.judged[1].findings if finding.check == "fir.public"] == [Status.FAIL]
    assert after.template == "rejected"
    again = judge.rederive(before.judged, [], RULES)
    assert (again.judged, again.decision) == (before.judged, before.decision)


def test_every_open_point_settled_well_is_an_acceptance():
    before = judged(sent(*whole("form.xlsm"), File("notes.doc", WORD), File("more.doc", WORD + b"more")))
    (item,) = before.judged
    words = [
        Verdict(f.check, f.subject, item.file, passed=True, why="Seen.", by="A. Clerk", at="now")
        for f in item.findings
        if f.status is Status.UNCLEAR
    ]
    assert len(words) > 1
    for known in range(len(words)):
        decision = judge.rederive(before.judged, words[:known], RULES).decision
        assert decision is not None
        assert decision.outcome is Outcome.CLARIFY
    after = judge.rederive(before.judged, words, RULES)
    assert after.decision is not None
    assert (after.decision.outcome, after.template) == (Outcome.ACCEPT, "accepted")
