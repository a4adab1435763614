import json
import re
import shutil
from datetime import UTC, datetime

import pytest

from pipeline import desk
from pipeline.cli.opening import opened
from pipeline.config import load
from pipeline.demo.certificates import certificate_pdf
from pipeline.demo.workbook import cpl_workbook
from pipeline.domain.judgement import Outcome
from pipeline.office import CPL
from pipeline.publish.shelf import ShelfUnavailable
from tests.contract.smtp_servers import HOST, receiving
from tests.office import good_submission

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)


@pytest.fixture
def place(tmp_path, cli, monkeypatch):
    """Settings, a mailbox and a list in force; the clock stands on the day NOW."""
    (tmp_path / "mail" / "new").mkdir(parents=True)
    for part in ("cur", "tmp"):
        (tmp_path / "mail" / part).mkdir()
    (tmp_path / "pipeline.toml").write_text(
        'data = "data"\n[mailbox]\nkind = "maildir"\npath = "mail"\n[reply]\naddress = "helpdesk@secas.example"\n'
        '[notices]\nlist_address = "list@cpl.example"\nssc = ["ssc@cpl.example"]\n',
        "utf-8",
    )
    monkeypatch.setenv("PIPELINE_CONFIG", str(tmp_path / "pipeline.toml"))
    monkeypatch.setattr("pipeline.cli.settings.datetime", _Standing)
    monkeypatch.setattr("pipeline.cli.publish.libreoffice", lambda: "")  # seconds each time; one test has it
    (tmp_path / "cpl.xlsm").write_bytes(cpl_workbook(issued="18-02-2026"))
    assert cli("import", "cpl.xlsm", "--by", "Ada").code == 0
    return tmp_path


class _Standing(datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW.astimezone(tz)


def office(place):
    return opened(load(place / "pipeline.toml"), clock=lambda: NOW)


def accept(place, cli):
    (place / "mail" / "new" / "1").write_bytes(good_submission())
    assert cli("run", "--once").code == 0
    return cli("decide", "1", "accept", "--why", "well", "--by", "Ada")


def test_nothing_to_publish_is_said(place, cli):
    ended = cli("publish", "--by", "Ada")
    assert (ended.code, ended.out) == (
        0,
        "Nothing has been accepted or ordered since the last Release: there is none to make.\n",
    )


def test_without_a_list_the_remedy_is_told(tmp_path, cli, place):
    (place / "pipeline.toml").write_text(
        (place / "pipeline.toml").read_text("utf-8").replace('data = "data"', 'data = "other"'), "utf-8"
    )
    ended = cli("amend", "4", "--set", "CPA_Certificate.expiry_date=01/01/2030", "--why", "x")
    assert ended.code == 1
    assert "take over the last one with 'pipeline import'" in ended.err


def test_from_acceptance_to_the_folder(place, cli, monkeypatch):
    monkeypatch.setattr("pipeline.cli.publish.libreoffice", lambda: shutil.which("soffice") or "")
    accept(place, cli)
    dry = cli("publish", "--dry-run")
    assert dry.code == 0
    assert "Version 3.001 Issued on 04-03-2026, made from version 3.000." in dry.out
    assert "One new SMETS2 device model added:" in dry.out
    assert "Nothing was written" in dry.out
    assert not (place / "data" / "releases").exists()
    done = cli("publish", "--by", "Ada")
    assert done.code == 0
    assert "Version 3.001 is in force.\nCPL-2026-00001 is closed.\n" in done.out
    assert "The files of version 3.001 stand in" in done.out
    assert sorted(path.name for path in (place / "data" / "releases" / "3.001").iterdir()) == [
        "green", "manifest.json", "red", "white",
    ]  # fmt: skip
    again = cli("publish", "--by", "Ada")
    assert "there is none to make" in again.out
    assert [path.name for path in (place / "data" / "releases").iterdir()] == ["3.001"]
    old, new = place / "cpl.xlsm", next((place / "data" / "releases" / "3.001" / "white").glob("*.xlsm"))
    changed = json.loads(cli("diff", old, new, "--json").out)
    assert [(one["kind"], one["number"]) for one in changed["changes"]] == [("added", "000025")]


def test_no_stack_value_is_printed(place, cli):
    accept(place, cli)
    said = cli("publish", "--dry-run").out + cli("publish").out + cli("case", "1").out + cli("cases").out
    assert "Larkspur" not in said
    assert "3.4.11.12" not in said


def test_what_waits_for_a_person_is_told(place, cli):
    (place / "mail" / "new" / "1").write_bytes(good_submission())
    cli("run", "--once")
    with office(place) as found:
        judged = found.ledger.case("CPL-2026-00001").judgements[-1].decision.outcome
    assert ("waits  CPL-2026-00001" in cli("publish").out) == (judged is Outcome.ACCEPT)


def test_a_killed_publish_is_finished_by_the_next(place, cli, monkeypatch):
    accept(place, cli)

    def full(*_):
        raise ShelfUnavailable("Release 3.001 cannot be put into the folder: free space on its disk.")

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.releasing.Shelf.put", full)
        ended = cli("publish")
    assert (ended.code, "free space" in ended.err) == (1, True)
    ended = cli("publish")
    assert ended.code == 0
    assert ended.out.startswith("The files of version 3.001 stand in")


def test_principal_by_explicit_order(place, cli):
    accept(place, cli)
    assert "Version 4.000 Issued on 04-03-2026" in cli("publish", "--principal").out


# ---- amendments


def test_a_correction_waits_for_the_release_and_is_in_its_log(place, cli):
    ordered = cli(
        "amend", "4", "--set", "CPA_Certificate.expiry_date=01/02/2031", "--why", "Typing error.", "--by", "Ada"
    )
    assert ordered.code == 0
    assert "A-2026-00001 is ordered: correction of entry 000004, by Ada: Typing error." in ordered.out
    assert "expiry" in ordered.out
    assert "A-2026-00001 ordered" in cli("amend", "--list").out
    done = cli("publish")
    assert "One entry corrected:" in done.out
    assert "Reason: Typing error." in done.out
    assert cli("amend", "--list").out == "0 proposed or ordered\n"


def test_an_order_can_be_taken_back(place, cli):
    cli("amend", "4", "--set", "CPA_Certificate.expiry_date=01/02/2031", "--why", "x")
    assert cli("amend", "--withdraw", "a-2026-00001", "--why", "wrong entry").out == "A-2026-00001 is withdrawn.\n"
    assert "there is none to make" in cli("publish").out


def test_a_removal_needs_the_determination(place, cli):
    assert cli("remove", "4", "--why", "SSC").code == 2
    (place / "ssc.pdf").write_bytes(b"%PDF-1.4")
    assert cli("remove", "4", "--why", "SSC determination of today.", "--evidence", "ssc.pdf").code == 0
    assert "One device model removed:" in cli("publish").out
    assert cli("remove", "4", "--back", "--why", "SSC again.", "--evidence", "ssc.pdf").code == 0
    assert "status changed back to 'Current'" in cli("publish").out
    with office(place) as found:
        assert found.list_of(*found.in_force()).products.version == "3.002"


def test_what_is_red_comes_from_a_file(place, cli):
    name = "Device_ZigBee_Information_Repository.Stack_Vendor"
    refused = cli("amend", "4", "--kind", "dzir", "--set", f"{name}=Larkspur", "--why", "x")
    assert (refused.code, "Larkspur" in refused.err.replace(f"{name}=@FILE", "")) == (2, False)
    (place / "stack.txt").write_bytes(b"Larkspur \xff")
    garbled = cli("amend", "4", "--kind", "dzir", "--set", f"{name}=@stack.txt", "--why", "x")
    assert (garbled.code, "Larkspur" in garbled.err) == (2, False)
    (place / "stack.txt").write_text("Larkspur Radio\n", "utf-8")
    done = cli("amend", "4", "--kind", "dzir", "--set", f"{name}=@stack.txt", "--why", "New radio.")
    assert done.code == 0
    shown = cli("amend", "--list").out
    assert f"{name}: (not shown: restricted)" in shown
    published = cli("publish")
    assert "Device ZigBee Information Repository updated for entry 000004" in published.out
    assert "notice-ssc: ssc@cpl.example" in published.out
    assert "Larkspur" not in done.out + shown + published.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["amend", "--why", "x"], "name at least one entry"),
        (["amend", "12a", "--why", "x"], "'12a' is no entry number"),
        (["amend", "4", "--set", "Colour=red", "--why", "x"], "'Colour' is no field of the form"),
        (["amend", "4", "--set", "CPA_Certificate.expiry_date=1"], "say why"),
        (["amend", "4", "--kind", "removal", "--why", "x"], "'removal' is not one of"),
        (["amend", "4", "--kind", "certificate-update", "--why", "x"], "'certificate-update' is not one of"),
        (["certificate-update", "1", "--why", "x"], "give the new certificate or the letter"),
    ],
)
def test_a_wrong_call_is_told(place, cli, arguments, words):
    ended = cli(*arguments)
    assert ended.code == 2
    assert words in re.sub(r"[│\s]+", " ", ended.err)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["amend", "99", "--set", "CPA_Certificate.expiry_date=01/01/2030", "--why", "x"], "Entry 000099 is not on"),
        (["amend", "4", "--set", "CPA_Certificate.expiry_date=1", "--why", "x"], "is no day of the calendar"),
        (["amend", "4", "--kind", "remedial-plan", "--why", "x"], "--until YYYY-MM-DD"),
        (["amend", "--accept", "A-2026-00009"], "not among the proposed"),
        (["amend", "--withdraw", "A-2026-00009", "--why", "x"], "holds no Amendment"),
    ],
)
def test_an_order_that_cannot_be_is_one_line(place, cli, arguments, words):
    ended = cli(*arguments)
    assert ended.code == 1
    assert words in ended.err
    assert ended.err.count("\n") == 1


def carried(place):
    """The CPA Certificate that most entries of the list carry, and those entries."""
    with office(place) as found:
        products = found.list_of(*found.in_force()).products.products
    numbers = [p.values.get("CPA_Certificate.identification_number", "") for p in products]
    number = max(filter(None, numbers), key=numbers.count)
    return number, [p.number for p, n in zip(products, numbers, strict=True) if n == number]


def test_a_certificate_is_updated_on_every_row_that_carries_it(place, cli):
    number, entries = carried(place)
    bare = number.split()[-1]
    letter = certificate_pdf("cpa", {"number": bare, "expiry_date": "03/04/2032"})
    (place / "cpa.pdf").write_bytes(letter)
    done = cli("certificate-update", bare, "--expiry", "03/04/2032", "--why", "Renewed.", "--evidence", "cpa.pdf")
    assert done.code == 0, done.err
    cli("publish")
    with office(place) as found:
        products = found.list_of(*found.in_force()).products
    changed = [p.number for p in products.products if p.values.get("CPA_Certificate.expiry_date") == "03/04/2032"]
    assert changed == entries
    assert len(changed) >= 1


def test_a_document_that_says_otherwise_is_refused(place, cli):
    number, _ = carried(place)
    bare = number.split()[-1]
    (place / "cpa.pdf").write_bytes(certificate_pdf("cpa", {"number": bare, "expiry_date": "03/04/2031"}))
    ended = cli("certificate-update", bare, "--expiry", "03/04/2032", "--why", "Renewed.", "--evidence", "cpa.pdf")
    assert ended.code == 1
    assert "cpa.pdf says 03/04/2031 for the date, and you gave 03/04/2032" in ended.err
    (place / "note.pdf").write_bytes(certificate_pdf("release-notes", {}))
    ended = cli("certificate-update", bare, "--expiry", "03/04/2032", "--why", "Renewed.", "--evidence", "note.pdf")
    assert ended.code == 0
    assert "note.pdf does not show the date: look at it yourself." in ended.out


def test_the_list_in_force_is_found_where_it_was_taken_over(place):
    with office(place) as found:
        assert found.ledger.in_force(CPL) is not None
        assert desk.take_over(found, CPL, (place / "cpl.xlsm").read_bytes(), by="Ada").told == ()


# ---- sent by the worker


def test_the_worker_sends_the_notices_where_the_settings_say_so(place, cli):
    with receiving() as server:
        with (place / "pipeline.toml").open("a", encoding="utf-8") as file:
            file.write(f'[smtp]\nhost = "{HOST}"\nport = {server.port}\ntls = "none"\n')
        settings = (place / "pipeline.toml").read_text("utf-8")
        (place / "pipeline.toml").write_text(settings.replace("[notices]", "[notices]\nsend = true"), "utf-8")
        accept(place, cli)
        assert "notice to send   notice-list: list@cpl.example" in cli("publish").out
        assert server.taken == []
        assert "2 mails sent" in cli("run", "--once").out
        assert "mails sent" not in cli("run", "--once").out
        assert sorted(mail.recipient for mail in server.taken) == ["list@cpl.example", "ssc@cpl.example"]


def test_sending_without_a_server_is_refused_at_once(place, cli):
    settings = (place / "pipeline.toml").read_text("utf-8")
    (place / "pipeline.toml").write_text(settings.replace("[notices]", "[notices]\nsend = true"), "utf-8")
    ended = cli("run", "--once")
    assert ended.code == 1
    assert "there is no section [smtp]" in ended.err
