"""RED stays RED (law 8): the ZigBee stack of a submission stands in the submitter's own mail and nowhere else."""

import pytest
import structlog

from pipeline import desk
from pipeline.checks import run
from pipeline.demo.answers import PPMID, good_answers
from pipeline.demo.mail import faulty_submission, submission
from pipeline.domain.judgement import Outcome
from tests.office import NOW, SHIPPED, a_helpdesk, cpl, good_submission


@pytest.fixture
def helpdesk(tmp_path):
    with a_helpdesk(tmp_path) as made:
        yield made


def _raise(error):
    raise error


_VENDOR, _VERSION = "Zzyzxvendor", "Qwfpversion"
_RED_FIELDS = [f"Device_ZigBee_Information_Repository.Stack_{name}" for name in ("Vendor", "Version")]


@pytest.mark.parametrize("length", [1, 400], ids=["sound", "too-long"])
@pytest.mark.parametrize(
    "answers",
    [
        good_answers() | SHIPPED,
        good_answers() | SHIPPED | {"GBCS Version.version_number": "GBCS Version 2.1"},
        good_answers(PPMID),
    ],
    ids=["look", "fault", "display"],
)
def test_red_values_reach_nothing_but_the_stored_mail(tmp_path, answers, length, capfd):
    red = dict(zip(_RED_FIELDS, (f"{_VENDOR} \t{'x' * length}", f" {_VERSION}{'y' * length} "), strict=True))
    raw = submission(NOW, answers | red, base=cpl())
    with a_helpdesk(tmp_path) as helpdesk, structlog.testing.capture_logs() as logs:
        helpdesk.deliver(raw)
        helpdesk.round()
        office, number = helpdesk.office, helpdesk.case().number
        desk.decide_by_hand(office, number, Outcome.REJECT, why="No.", by="Ada")
        helpdesk.round()
        replayed = desk.replay(office, number)
        (book,) = office.read_workbooks(office.readers.message(raw))
        said = [office.ledger.dump(), helpdesk.case(), office.ledger.cases(), replayed, logs, *capfd.readouterr()]
        words = [*map(repr, said), *(draft.decode() for draft in helpdesk.drafts)]
    assert [row.answer.text for row in book.form.rows if row.field in red] == list(red.values())  # they were there
    assert not [text for text in words if _red(text.encode())]
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and _red(p.read_bytes())]  # packed in the mail only


def _red(data):
    return any(word.encode() in data for word in (_VENDOR, _VERSION))


def test_a_crashing_check_tells_no_red_value(tmp_path, monkeypatch):
    def crash(matter, say):
        raise ValueError(matter.submission.text(_RED_FIELDS[0]))

    crashing = tuple(run.Check(c.id, crash, c.needs) if c.id == "image.complete" else c for c in run.CHECKS)
    monkeypatch.setattr(run, "CHECKS", crashing)
    with a_helpdesk(tmp_path) as helpdesk, structlog.testing.capture_logs() as logs:
        helpdesk.deliver(good_submission(**{_RED_FIELDS[0]: _VENDOR}))
        helpdesk.round()
        statuses = {f.check: f.status.value for item in helpdesk.case().judgements[0].judged for f in item.findings}
        assert statuses["image.complete"] == "broken"
        assert not _red((repr(helpdesk.office.ledger.dump()) + repr(logs)).encode())


def test_an_exception_that_quotes_a_red_value_is_logged_without_it(helpdesk, monkeypatch):
    monkeypatch.setattr(type(helpdesk.office), "judge", lambda *_: _raise(KeyError(_VENDOR)))
    helpdesk.deliver(faulty_submission(NOW, base=cpl()))
    with structlog.testing.capture_logs() as logs:
        assert helpdesk.round().failed == 1
    (failed,) = [line for line in logs if line["event"] == "mail failed"]
    assert failed["error"] == "KeyError"
    assert failed["where"]
    assert not _red(repr(logs).encode())
