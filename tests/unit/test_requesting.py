"""Mails that ask for a change to listed entries, through the worker: proposed, answered, and ordered by a person."""

import pytest

from pipeline import orders, releasing
from pipeline.demo.certificates import certificate_pdf
from pipeline.demo.mail import File, mail
from pipeline.desk import NotPossible
from pipeline.domain.release import AmendmentKind
from pipeline.ledger.release_records import AmendmentState
from pipeline.planning import PlanRefused
from tests.office import NOW, Remembering, a_helpdesk

READERS = Remembering()
PATH = "Please change the firmware upgrade path of CPL entry 000010.\nFirmware upgrade path: 000009\n"
OLD, NEW = "NCSC-7300000001-1010", "NCSC-7300000001-2000"


@pytest.fixture
def helpdesk(tmp_path):
    with a_helpdesk(tmp_path, readers=READERS) as found:
        yield found


def comes(helpdesk, subject, text, files=()):
    raw = mail(subject, text, NOW, list(files))
    helpdesk.deliver(raw)
    helpdesk.round()
    return raw


def proposed(helpdesk):
    return helpdesk.office.ledger.amendments(AmendmentState.PROPOSED)


def test_a_request_becomes_a_case_a_proposal_and_a_draft(helpdesk):
    raw = comes(helpdesk, "Upgrade path", PATH)
    assert helpdesk.state_of(raw) == ("concluded", "amendment")
    (one,) = proposed(helpdesk)
    assert (one.number, one.kind, one.entries, one.case) == (
        "A-2026-00001",
        AmendmentKind.UPGRADE_PATH,
        ("000010",),
        "CPL-2026-00001",
    )
    assert "@" in one.by
    assert one.evidence
    (draft,) = helpdesk.drafts
    assert b"CPL-2026-00001" in draft
    assert helpdesk.folder() == []
    assert helpdesk.case().due == "2026-03-05"


def test_it_is_carried_out_only_when_a_person_ordered_it(helpdesk):
    comes(helpdesk, "Upgrade path", PATH)
    office = helpdesk.office
    assert releasing.planned(office) is None
    ordered = orders.accept(office, "A-2026-00001", by="Ada", why="")
    assert ordered.amendment.by == "Ada"
    prepared = releasing.prepare(office, releasing.planned(office))
    _, closed = releasing.commit(office, prepared, by="Ada")
    assert closed == ("CPL-2026-00001",)
    (row,) = releasing.book(office, releasing.FIR)
    assert (row.number, row.values["Firmware_Upgrade.Path"]) == ("000010", "000009")


def test_a_new_certificate_is_read_and_proposed_for_every_row_that_carries_the_old_one(helpdesk):
    new = certificate_pdf("cpa", {"number": NEW, "expiry_date": "30/08/2032", "award_date": "01/02/2026"})
    text = f"Please update the CPA certificate {OLD} of entry 000010: it is replaced by the attached {NEW}.\n"
    comes(helpdesk, "New CPA certificate", text, [File("cpa.pdf", new, "application/pdf")])
    (one,) = proposed(helpdesk)
    assert one.kind is AmendmentKind.CERTIFICATE
    assert (one.entries, one.doubts) == (("000010",), ())
    assert one.values == {
        "CPA_Certificate.expiry_date": "30/08/2032",
        "CPA_Certificate.identification_number": f"[E] {NEW}",
    }


def test_what_was_left_open_is_filled_in_by_a_person(helpdesk):
    comes(helpdesk, "FIR", "Please update the firmware information repository of our device models on the CPL.\n")
    (one,) = proposed(helpdesk)
    assert one.doubts
    office = helpdesk.office
    with pytest.raises((NotPossible, PlanRefused)):
        orders.accept(office, one.number, by="Ada", why="")
    orders.accept(
        office, one.number, by="Ada", why="Asked", entries=["000010"], values={"Firmware_Upgrade.Path": "000009"}
    )
    assert proposed(helpdesk) == ()
    (mended,) = office.ledger.amendments(AmendmentState.ORDERED)
    assert (mended.number, mended.entries, mended.case) == ("A-2026-00002", ("000010",), one.case)
    assert mended.evidence == one.evidence


def test_stack_values_reach_neither_draft_nor_ledger_dump(helpdesk, capfd):
    comes(
        helpdesk, "DZIR", "Please update the DZIR of CPL entry 000010.\nStack vendor: Marrowby\nStack version: 9.8.7\n"
    )
    (one,) = proposed(helpdesk)
    assert "Marrowby" in one.values.values()
    said = repr(one) + repr(helpdesk.office.ledger.dump()) + "".join(capfd.readouterr())
    said += "".join(draft.decode() for draft in helpdesk.drafts)
    assert "Marrowby" not in said
    assert "9.8.7" not in said


def test_what_asks_for_nothing_stays_where_it_is(helpdesk):
    raw = comes(helpdesk, "Lunch", "Shall we meet at noon?\n")
    assert helpdesk.state_of(raw) == ("concluded", "not-ours")
    raw = comes(helpdesk, "CPL question", "What does column G of the CPL mean?\n")
    assert helpdesk.state_of(raw) == ("concluded", "for-a-person")
    assert proposed(helpdesk) == ()
    assert len(helpdesk.folder()) == 2


def test_two_requests_of_one_mail_have_a_number_each(helpdesk):
    comes(
        helpdesk,
        "Two changes",
        "Please change the firmware upgrade path of CPL entry 000010 to 000008.\n\n"
        "Please update the DZIR of CPL entry 000010.\nStack vendor: Marrowby\nStack version: 9.8.7\n",
    )
    assert [one.number for one in proposed(helpdesk)] == ["A-2026-00001", "A-2026-00002"]
    assert len({one.case for one in proposed(helpdesk)}) == 1
