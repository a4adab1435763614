import json
from datetime import timedelta
from io import BytesIO

import pytest
from openpyxl import load_workbook

from pipeline import desk, orders, releasing
from pipeline.demo.products import sample_entries
from pipeline.demo.workbook import cpl_workbook
from pipeline.domain.judgement import Outcome
from pipeline.domain.release import AmendmentKind
from pipeline.ledger.artefacts import ArtefactMissing
from pipeline.ledger.errors import LedgerConflict
from pipeline.ledger.records import EffectState
from pipeline.office import CPL
from pipeline.planning import PlanRefused
from pipeline.publish.shelf import ShelfConflict, ShelfUnavailable
from pipeline.readers.cpl import read_cpl
from pipeline.trouble import Unavailable
from tests.office import Remembering, a_helpdesk, cpl, good_submission

READERS = Remembering()
STACK = ("Larkspur Radio Software", "3.4.11.12")
"""What the good answers give as Stack_Vendor and Stack_Version: RED."""


@pytest.fixture
def helpdesk(tmp_path):
    with a_helpdesk(tmp_path, readers=READERS) as found:
        yield found


def accepted(helpdesk, raw=None):
    """A submission comes, and a person accepts it; return its Case."""
    helpdesk.deliver(raw or good_submission())
    helpdesk.round()
    (case,) = [line.number for line in helpdesk.office.ledger.cases("open") if line.outcome == "accept"][-1:]
    desk.decide_by_hand(helpdesk.office, case, Outcome.ACCEPT, why="All is well.", by="Ada")
    return case


def published(helpdesk):
    office = helpdesk.office
    ordered = releasing.planned(office)
    assert ordered is not None
    return releasing.commit(office, releasing.prepare(office, ordered), by="Ada")


def test_nothing_accepted_is_no_release(helpdesk):
    assert releasing.planned(helpdesk.office) is None


def test_what_the_checks_alone_accept_is_not_published(helpdesk):
    helpdesk.deliver(good_submission())
    helpdesk.round()
    assert releasing.planned(helpdesk.office) is None
    assert len(helpdesk.office.ledger.awaiting()) == 1


def test_an_accepted_submission_becomes_the_next_version(helpdesk):
    case = accepted(helpdesk)
    record, closed = published(helpdesk)
    office = helpdesk.office
    assert (record.version, record.by, closed) == ("3.001", "Ada", (case,))
    assert office.in_force()[0] == record.cpl
    products = releasing.list_in_force(office)
    assert products.version == "3.001"
    new = products.products[-1]
    before = read_cpl(cpl()).products
    assert new.number == f"{max(int(product.number) for product in before) + 1:06}"
    assert new.status == "Current"
    assert len(products.products) == len(before) + 1
    assert products.products[:-1] == before
    assert [row.number for row in releasing.book(office, releasing.FIR)] == [new.number]
    (stack,) = releasing.book(office, releasing.DZIR)
    assert tuple(stack.values.values()) == STACK
    (contact,) = releasing.book(office, releasing.CONTACTS)
    assert contact.values["Contact-CPA.Contact.contact name"] == "Ottilie Brandreth"
    assert office.ledger.accepted() == ()
    assert releasing.planned(office) is None


def test_the_files_stand_in_three_folders_with_their_manifest(helpdesk):
    accepted(helpdesk)
    record, _ = published(helpdesk)
    folder = releasing.put_on_shelf(helpdesk.office, record.version)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert {f"{file['audience']}/{file['name']}": file["sha256"] for file in manifest["files"]} == record.manifest
    stands = {path.relative_to(folder).as_posix(): path.stat().st_mode & 0o777 for path in folder.rglob("*.*")}
    assert {name: oct(mode) for name, mode in stands.items() if "manifest" not in name} == {
        "white/Central-Products-List_3.001.xlsm": "0o644",
        "white/Central-Products-List_3.001.csv": "0o644",
        "green/Firmware-Information-Repository_3.001.xlsx": "0o640",
        "red/Device-ZigBee-Information-Repository_3.001.xlsx": "0o600",
    }
    (csv,) = (folder / "white").glob("*.csv")
    assert csv.read_bytes().splitlines()[-1].startswith(b"Version 3.001 Issued on 04-03-2026,")


def test_red_reaches_the_dzir_and_nothing_else(helpdesk, capfd):
    accepted(helpdesk)
    record, _ = published(helpdesk)
    office = helpdesk.office
    releasing.put_on_shelf(office, record.version)
    helpdesk.round()
    said = "".join(capfd.readouterr()) + repr(office.ledger.dump()) + repr(record)
    said += "".join(raw.decode() for raw in helpdesk.drafts)
    for path, artefact in record.manifest.items():
        data = office.artefacts.get(artefact)
        if path.startswith("red/"):
            cells = [cell for row in load_workbook(BytesIO(data)).active.iter_rows(values_only=True) for cell in row]
            assert set(STACK) <= set(cells)
        elif path.endswith(".csv"):
            said += data.decode()
        else:
            book = load_workbook(BytesIO(data))
            said += repr([list(sheet.iter_rows(values_only=True)) for sheet in book])
    assert not [text for text in STACK if text in said]


def test_what_is_told_of_a_release_waits_for_its_files(helpdesk):
    accepted(helpdesk)
    helpdesk.round()
    before = len(helpdesk.drafts)
    office = helpdesk.office
    ordered = releasing.planned(office)
    prepared = releasing.prepare(office, ordered)
    assert [notice.kind for notice in prepared.notices] == []
    releasing.commit(office, prepared, by="Ada")
    assert len(releasing.unshelved(office)) == 1
    assert not releasing.is_shelved(office, ordered.version)
    helpdesk.round()
    assert releasing.is_shelved(office, ordered.version)
    assert releasing.unshelved(office) == ()
    assert len(helpdesk.drafts) == before


def test_the_same_plan_is_committed_once(helpdesk):
    accepted(helpdesk)
    office = helpdesk.office
    prepared = releasing.prepare(office, releasing.planned(office))
    releasing.commit(office, prepared, by="Ada")
    with pytest.raises(LedgerConflict, match="released already"):
        releasing.commit(office, prepared, by="Ada")
    assert [record.version for record in office.ledger.releases()] == ["3.001"]


def test_a_list_that_changed_meanwhile_stops_the_release(helpdesk):
    accepted(helpdesk)
    office = helpdesk.office
    prepared = releasing.prepare(office, releasing.planned(office))
    desk.take_over(office, CPL, cpl_workbook(version="3.001", issued="01-03-2026"), by="Bob")
    with pytest.raises(LedgerConflict, match="in force by now"):
        releasing.commit(office, prepared, by="Ada")
    assert office.ledger.releases() == ()


def test_a_number_once_used_is_never_given_again(helpdesk):
    office = helpdesk.office
    desk.take_over(
        office, CPL, cpl_workbook(version="3.001", issued="01-03-2026", entries=sample_entries()[:3]), by="Ada"
    )
    facts = [document.facts["highest"] for document in office.ledger.in_force_history(CPL)]
    assert facts == ["000024", sample_entries()[2]["Entry.number"]]
    accepted(helpdesk)
    assert list(releasing.planned(office).numbered) == ["000025"]


def test_a_stored_form_that_is_gone_is_our_own_trouble(helpdesk):
    accepted(helpdesk)
    office = helpdesk.office
    (item,) = office.ledger.accepted()
    for file in (office.config.data / "artefacts").rglob(f"*{item.message[2:]}*"):
        file.unlink()
    with pytest.raises(ArtefactMissing, match=item.message[:12]):
        releasing.planned(office)


def test_a_full_disk_keeps_the_promise_open(helpdesk, monkeypatch):
    accepted(helpdesk)
    record, _ = published(helpdesk)

    def full(*_):
        raise ShelfUnavailable("Release 3.001 cannot be put: free space.")

    with monkeypatch.context() as patch:
        patch.setattr(releasing.Shelf, "put", full)
        helpdesk.round()
    (effect,) = releasing.unshelved(helpdesk.office)
    assert (effect.state, effect.error) == (EffectState.PENDING, "Release 3.001 cannot be put: free space.")
    helpdesk.clock.now += timedelta(hours=2)
    assert helpdesk.round().shelved == 1
    assert releasing.is_shelved(helpdesk.office, record.version)


def test_something_else_under_that_version_is_held_for_a_person(helpdesk):
    accepted(helpdesk)
    record, _ = published(helpdesk)
    folder = releasing.shelf(helpdesk.office).folder / record.version
    folder.mkdir(parents=True)
    (folder / "note.txt").write_text("mine")
    helpdesk.round()
    (effect,) = releasing.unshelved(helpdesk.office)
    assert effect.state is EffectState.HELD
    with pytest.raises(ShelfConflict, match=r"note\.txt"):
        releasing.put_on_shelf(helpdesk.office, record.version)


def test_a_change_by_hand_is_told_when_the_list_is_taken_over(helpdesk):
    accepted(helpdesk)
    record, _ = published(helpdesk)
    office = helpdesk.office
    assert desk.take_over(office, CPL, office.artefacts.get(record.cpl), by="Ada").told == ()
    told = desk.take_over(office, CPL, cpl(), by="Ada").told
    assert told[0] == "Careful: this list is not as the pipeline released it last."
    assert "Entry 000025 is gone, which no Release does" in " ".join(told)


def test_an_order_that_cannot_be_carried_out_is_refused_at_once(helpdesk):
    office = helpdesk.office
    with pytest.raises(PlanRefused, match="is no day of the calendar"):
        orders.order(
            office, AmendmentKind.CORRECTION, ["000004"], {"CPA_Certificate.expiry_date": "31/02/2030"}, why="x", by="A"
        )
    with pytest.raises(desk.NotPossible, match="000099 is not on the list"):
        orders.order(office, AmendmentKind.REMOVAL, ["000099"], {}, why="x", by="A")
    assert releasing.planned(office) is None


def test_the_guard_can_stop_it(helpdesk, monkeypatch):
    accepted(helpdesk)
    office = helpdesk.office
    monkeypatch.setattr(releasing, "compare", lambda *_, **__: ("row 9 changed",))
    with pytest.raises(PlanRefused, match=r"The guard stopped version 3.001, .* row 9 changed"):
        releasing.prepare(office, releasing.planned(office))


def test_books_beside_the_list_are_read_when_they_are_taken_over(helpdesk):
    office = helpdesk.office
    contacts = b"Entry number,Name,Telephone,Email\r\n4,Jo Dale,1,jo@maker.example\r\nx,Ann,2,ann@maker.example\r\n"
    taken = desk.take_over(office, "contacts", contacts, by="Ada")
    assert taken.document.facts == {"entries": "1"}
    assert taken.told == ("Careful: row 3 of the contacts has no CPL entry number of up to six digits.",)
    assert [row.number for row in releasing.book(office, releasing.CONTACTS)] == ["000004"]
    for kind, data in (("fir", cpl()), ("dzir", b"no workbook"), ("contacts", b"\xff\xfe,")):
        with pytest.raises(Unavailable, match=f"The {kind} file"):
            desk.take_over(office, kind, data, by="Ada")
    assert office.ledger.in_force("fir") is None


def test_imported_books_are_kept_in_the_next_release(helpdesk):
    office = helpdesk.office
    contacts = b"Entry number,Name,Telephone,Email\r\n4,Jo Dale,1,jo@maker.example\r\n"
    desk.take_over(office, "contacts", contacts, by="Ada")
    accepted(helpdesk)
    published(helpdesk)
    assert [row.number for row in releasing.book(office, releasing.CONTACTS)] == ["000004", "000025"]
    dzir = office.ledger.in_force("dzir")
    assert dzir is not None
    before = releasing.book(office, releasing.DZIR)
    desk.take_over(office, "dzir", office.artefacts.get(dzir.artefact), by="Ada")
    assert releasing.book(office, releasing.DZIR) == before
