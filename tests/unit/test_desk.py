"""The helpdesk's own acts on a Case, each followed to the draft in the mailbox."""

from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from hashlib import sha256

import pytest

from pipeline import desk
from pipeline.demo.answers import PPMID, good_answers
from pipeline.demo.form import new_entry_form
from pipeline.demo.mail import File, batch_submission, faulty_submission, mail, submission
from pipeline.demo.workbook import cpl_workbook
from pipeline.desk import BY_HAND, NotPossible
from pipeline.domain.finding import Finding, Settler, Status
from pipeline.domain.judgement import Outcome
from pipeline.ledger.artefacts import ArtefactMissing
from pipeline.ledger.errors import NoSuchCase
from pipeline.ledger.records import Rejudged
from pipeline.office import CPL, EPCL
from pipeline.promises import Round
from pipeline.rulebook import Rulebook
from pipeline.trouble import Unavailable
from tests.office import NOW, SHIPPED, a_helpdesk, cpl, good_submission, open_submission

WHY = "Looked at it in Excel."


@pytest.fixture
def helpdesk(tmp_path):
    with a_helpdesk(tmp_path) as made:
        yield made


@pytest.fixture
def case(helpdesk):
    """A Case with open points for the reviewer only."""
    helpdesk.deliver(open_submission())
    helpdesk.round()
    return helpdesk.case().number


def open_points(helpdesk, number):
    judged = helpdesk.office.ledger.case(number).judgements[-1].judged
    return [(f.check, item.file, f.subject) for item in judged for f in item.findings if f.status is Status.UNCLEAR]


def confirm(helpdesk, number, check, *, passed=True, **more):
    return desk.confirm(helpdesk.office, number, check, passed=passed, why=WHY, by="Ada", **more)


def confirm_all(helpdesk, number, *, passed=True):
    while points := open_points(helpdesk, number):
        check, file, subject = points[0]
        again = confirm(helpdesk, number, check, passed=passed, submission=file, subject=subject)
    return again


def body(raw):
    text = message_from_bytes(raw, policy=policy.default).get_body(("plain",)).get_content()
    return " ".join(text.split())


# confirm


def test_the_last_open_point_that_passes_leads_to_acceptance_at_the_next_round(helpdesk, case):
    first = open_points(helpdesk, case)
    assert len(first) > 1
    again = confirm(helpdesk, case, first[0][0])
    assert again.decision.outcome is Outcome.CLARIFY
    assert helpdesk.round().drafted == 0
    assert confirm_all(helpdesk, case).decision.outcome is Outcome.ACCEPT
    assert helpdesk.drafts == []
    assert helpdesk.round().drafted == 1
    assert "has passed our checks" in body(helpdesk.drafts[0])
    record = helpdesk.office.ledger.case(case)
    assert [verdict.by for verdict in record.verdicts] == ["Ada"] * len(first)
    assert [entry.what for entry in helpdesk.office.ledger.audit()][1:] == ["verdict: pass"] * len(first)


def test_a_point_that_fails_refuses_with_the_persons_reason(helpdesk, case):
    check = open_points(helpdesk, case)[0][0]
    again = desk.confirm(helpdesk.office, case, check, passed=False, why="The certificate names 12.4", by="Ada")
    assert again.decision.outcome is Outcome.REJECT
    helpdesk.round()
    assert "The certificate names 12.4." in body(helpdesk.drafts[0])
    assert "Ada" not in body(helpdesk.drafts[0])


@pytest.mark.parametrize("check", ["form.format", "no.such.check", ""])
def test_a_check_without_an_open_point_is_told(helpdesk, case, check):
    with pytest.raises(NotPossible, match=f"no open point of the check '{check}'"):
        confirm(helpdesk, case, check)


def test_a_point_once_settled_is_no_longer_open(helpdesk, case):
    check = open_points(helpdesk, case)[0][0]
    confirm(helpdesk, case, check)
    with pytest.raises(NotPossible, match="no open point"):
        confirm(helpdesk, case, check)


def test_several_open_points_must_be_named(helpdesk):
    secret = {"FIR Release Notes.Description": "Confidential: mends the cipher."}
    one, two = (good_answers(PPMID) | secret | {"Device_Model.firmware_version": f"01:26:00:0{n}"} for n in (1, 2))
    files = [File("one.xlsm", new_entry_form(one, cpl())), File("two.xlsm", new_entry_form(two, cpl()))]
    helpdesk.deliver(mail("CPL submissions", "Two.\n", NOW, files))
    helpdesk.round()
    number = helpdesk.case().number
    check = next(check for check, file, _ in open_points(helpdesk, number) if file == "two.xlsm")
    with pytest.raises(NotPossible, match=r"2 open points.*--submission 'one.xlsm'.*--submission 'two.xlsm'"):
        confirm(helpdesk, number, check)
    with pytest.raises(NotPossible, match=r"no open point of the check '.*', in 'three.xlsm', about 'x'"):
        confirm(helpdesk, number, check, submission="three.xlsm", subject="x")
    confirm(helpdesk, number, check, submission="two.xlsm")
    assert [file for found, file, _ in open_points(helpdesk, number) if found == check] == ["one.xlsm"]


def test_one_word_settles_findings_that_stand_at_the_same_point(helpdesk, case):
    """Two files that could not be read are two Findings of one check about one mail: nothing tells them apart."""
    office = helpdesk.office
    newest = office.ledger.case(case).judgements[-1]
    same = [
        Finding("intake.unpacked", Status.UNCLEAR, f"{name} could not be read.", "7.6", settle=Settler.REVIEWER)
        for name in ("a.pdf", "b.pdf")
    ]
    (item,) = newest.judged
    again = replace(newest, judged=(replace(item, findings=(*item.findings, *same)),))
    office.ledger.rejudge(Rejudged(case, office.now(), "test", "", again))
    before = len(open_points(helpdesk, case))
    confirm(helpdesk, case, "intake.unpacked")
    assert len(open_points(helpdesk, case)) == before - 2


def test_a_case_that_is_not_there_or_was_not_judged(helpdesk):
    with pytest.raises(NoSuchCase, match="CPL-2026-00007"):
        confirm(helpdesk, "CPL-2026-00007", "form.tab")
    helpdesk.deliver(mail("New CPA certificate", "The renewal date has changed.\n", NOW))
    helpdesk.round()
    with pytest.raises(NotPossible, match="nothing that was judged"):
        confirm(helpdesk, helpdesk.case().number, "form.tab")
    with pytest.raises(NotPossible, match="nothing that was judged"):
        desk.decide_by_hand(helpdesk.office, helpdesk.case().number, Outcome.ACCEPT, why=WHY, by="Ada")
    assert desk.replay(helpdesk.office, helpdesk.case().number) == ()


def test_a_verdict_is_judged_by_the_rules_of_its_judgement(helpdesk, case):
    made = helpdesk.office.ledger.case(case).judgements[0].rules
    helpdesk.office.rules = changed_rules(helpdesk.office.rules)
    assert confirm(helpdesk, case, open_points(helpdesk, case)[0][0]).rules == made
    assert all(one.same for one in desk.replay(helpdesk.office, case))


# decide


@pytest.mark.parametrize(
    ("outcome", "template", "told"),
    [
        (Outcome.ACCEPT, "accepted", "has passed our checks"),
        (Outcome.REJECT, "rejected", "Sent twice by mistake."),
        (Outcome.CLARIFY, "question", "Sent twice by mistake."),
    ],
)
def test_a_decision_by_hand_drafts_its_reply_and_tells_the_reason(helpdesk, case, outcome, template, told):
    again = desk.decide_by_hand(helpdesk.office, case, outcome, why="Sent twice by mistake.", by="Ada")
    assert (again.decision.outcome, again.decision.row) == (outcome, BY_HAND)
    assert again.decision.waits_for is (Settler.SUBMITTER if outcome is Outcome.CLARIFY else None)
    assert helpdesk.round().drafted == 1
    assert [draft.kind for draft in helpdesk.office.ledger.case(case).drafts] == [template]
    assert told in body(helpdesk.drafts[0])
    assert helpdesk.office.ledger.case(case).decided_by == "Ada"


def test_a_refusal_can_be_overruled_and_lists_no_fault_then(helpdesk):
    helpdesk.deliver(faulty_submission(NOW, base=cpl()))
    helpdesk.round()
    desk.decide_by_hand(helpdesk.office, helpdesk.case().number, Outcome.ACCEPT, why="Agreed by telephone.", by="Ada")
    helpdesk.round()
    accepted = next(body(raw) for raw in helpdesk.drafts if b"accept" in raw)
    assert "has passed our checks" in accepted
    assert "check form.format" not in accepted
    assert "TO BE CORRECTED" not in accepted


def test_deciding_twice_makes_one_draft_and_changing_ones_mind_two(helpdesk, case):
    office = helpdesk.office
    for outcome in (Outcome.REJECT, Outcome.REJECT, Outcome.ACCEPT, Outcome.REJECT):
        helpdesk.clock.passes(minutes=5)  # the Date of a reply is no part of what it says
        desk.decide_by_hand(office, case, outcome, why="So it is.", by="Ada")
        helpdesk.round()
    record = office.ledger.case(case)
    assert record.decision.outcome is Outcome.REJECT
    assert [draft.kind for draft in record.drafts] == ["rejected", "accepted"]
    assert len(helpdesk.drafts) == 2


def test_a_decision_by_hand_is_not_undone_by_a_verdict(helpdesk, case):
    check = open_points(helpdesk, case)[0][0]
    desk.decide_by_hand(helpdesk.office, case, Outcome.ACCEPT, why=WHY, by="Ada")
    with pytest.raises(NotPossible, match="decided by hand"):
        confirm(helpdesk, case, check, passed=False)


def test_the_reason_stands_once_although_the_person_decides_again(helpdesk, case):
    for why in ("First reason.", "Second reason."):
        again = desk.decide_by_hand(helpdesk.office, case, Outcome.REJECT, why=why, by="Ada")
    said = [f.message for item in again.judged for f in item.findings if f.check == "decision.person"]
    assert said == ["Second reason."]


# replay


def changed_rules(rules):
    """The same rules under another fingerprint."""
    files = dict(rules.files)
    files["checks.yaml"] += "\n# changed\n"
    return Rulebook.from_files(files)


def test_a_replay_gives_the_same_findings_octet_for_octet(helpdesk):
    helpdesk.deliver(
        good_submission(),
        open_submission(),
        faulty_submission(NOW, base=cpl()),
        batch_submission(NOW, base=cpl()),
        submission(NOW, good_answers() | SHIPPED | {"Device_Model.firmware_version": "0C:03:0C:23"}, base=cpl()),
    )
    helpdesk.round()
    helpdesk.clock.passes(days=400)
    for summary in helpdesk.office.ledger.cases():
        (replayed,) = desk.replay(helpdesk.office, summary.number)
        assert (replayed.same, replayed.note, replayed.differences) == (True, "", ())


def test_a_replay_after_verdicts_and_decisions_in_the_same_second(helpdesk, case):
    confirm(helpdesk, case, open_points(helpdesk, case)[0][0])
    confirm(helpdesk, case, open_points(helpdesk, case)[0][0], passed=False)
    desk.decide_by_hand(helpdesk.office, case, Outcome.CLARIFY, why=WHY, by="Ada")
    replayed = desk.replay(helpdesk.office, case)
    assert [(one.same, one.note) for one in replayed] == [
        (True, ""),
        (True, ""),
        (True, ""),
        (True, "decided by hand: clarify"),
    ]


def test_a_verdict_on_one_mail_is_not_taken_for_a_later_mail_of_the_case(helpdesk, case):
    """A corrected form usually has the same name, and the same points are open again."""
    confirm(helpdesk, case, open_points(helpdesk, case)[0][0], passed=False)
    helpdesk.round()
    answers = {"FIR Release Notes.Description": "Corrected."}
    sent = helpdesk.office.ledger.case(case).drafts[0].message_id
    helpdesk.deliver(b"In-Reply-To: " + sent.encode() + b"\r\n" + open_submission(NOW + timedelta(hours=1), **answers))
    helpdesk.clock.passes(hours=2)
    helpdesk.round()
    confirm(helpdesk, case, open_points(helpdesk, case)[0][0])
    assert len(helpdesk.office.ledger.case(case).judgements) == 4
    assert [one.same for one in desk.replay(helpdesk.office, case)] == [True] * 4


def test_a_replay_uses_the_rules_of_that_day_and_says_that_they_have_changed(helpdesk, case):
    helpdesk.office.rules = changed_rules(helpdesk.office.rules)
    (replayed,) = desk.replay(helpdesk.office, case)
    assert (replayed.same, replayed.note) == (True, "made under earlier rules")


def test_a_replay_uses_the_list_of_that_day(helpdesk, case):
    desk.take_over(helpdesk.office, CPL, cpl_workbook(version="3.001", issued="01-03-2026"), by="A")
    assert [one.same for one in desk.replay(helpdesk.office, case)] == [True]


def test_a_replay_tells_each_finding_that_differs(helpdesk, case):
    office = helpdesk.office
    newest = office.ledger.case(case).judgements[-1]
    (item,) = newest.judged
    forged = (replace(item.findings[0], message="It never said so."), *item.findings[1:])
    office.ledger.rejudge(
        Rejudged(case, office.now(), "test", "", replace(newest, judged=(replace(item, findings=forged),)))
    )
    replayed = desk.replay(office, case)[-1]
    assert not replayed.same
    assert [line.partition(":")[0] for line in replayed.differences] == ["only then", "only now"]
    assert "It never said so." in replayed.differences[0]


def test_a_mail_whose_bytes_are_gone_cannot_be_replayed_and_says_so(helpdesk, case):
    message = helpdesk.office.ledger.case(case).messages[0].sha256
    helpdesk.office.artefacts.path(message).unlink()
    with pytest.raises(ArtefactMissing, match="restore it from a backup"):
        desk.replay(helpdesk.office, case)


# take over


def test_a_cpl_is_taken_over_with_its_facts(helpdesk):
    document = desk.take_over(helpdesk.office, CPL, cpl(), by="Ada").document
    assert (document.version, document.facts["issued"]) == ("3.000", "18-02-2026")
    assert int(document.facts["entries"]) >= int(document.facts["current"]) > 0
    assert helpdesk.office.in_force()[0] == sha256(cpl()).hexdigest()


@pytest.mark.parametrize(
    "data",
    [b"", b"junk", b"PK\x03\x04 broken", new_entry_form(good_answers()), cpl_workbook([])],
    ids=["empty", "junk", "broken-zip", "a-form-without-the-list", "a-list-without-entries"],
)
def test_what_is_no_cpl_is_refused_in_words_and_changes_nothing(helpdesk, data):
    before = helpdesk.office.in_force()
    with pytest.raises(Unavailable, match=r"^The CPL workbook .*\.$"):
        desk.take_over(helpdesk.office, CPL, data, by="Ada")
    assert helpdesk.office.in_force() == before


def test_an_epcl_is_read_and_what_is_none_is_refused(helpdesk):
    with pytest.raises(Unavailable, match="EPCL cannot be used"):
        desk.take_over(helpdesk.office, EPCL, b"not a list", by="Ada")
    assert helpdesk.office.in_force()[1] == ""


# retry


def test_retry_puts_a_set_aside_mail_back_to_work(helpdesk):
    raw = good_submission()
    helpdesk.deliver(raw)
    worker = helpdesk.worker()
    worker._visit(worker.fetching.fetch, Round())
    digest = sha256(raw).hexdigest()
    helpdesk.office.ledger.set_aside(digest, helpdesk.office.now(), "Nobody knew what to do with it.")
    assert helpdesk.round() == Round()
    assert helpdesk.office.ledger.retry(digest[:8], helpdesk.office.now(), by="Ada", why="I do.") == 1
    assert helpdesk.round().concluded == 1
