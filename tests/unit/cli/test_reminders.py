import json
from datetime import UTC, datetime

import pytest

from pipeline.cli.opening import opened
from pipeline.config import load
from pipeline.demo.products import sample_entries
from pipeline.demo.workbook import cpl_workbook

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
DATES = {"000009": "01/09/2026", "000006": "20/02/2026", "000011": "31/02/2027", "000015": "01/10/2027"}
DUE = "to draft  2026-09-01  6  [E] NCSC-7300000001-1009  000009  "


class _Standing(datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW.astimezone(tz)


@pytest.fixture
def place(tmp_path, cli, monkeypatch):
    """Settings, a mailbox, a list in force and a contact for one of its entries; the clock stands on the day NOW."""
    for part in ("new", "cur", "tmp"):
        (tmp_path / "mail" / part).mkdir(parents=True)
    (tmp_path / "pipeline.toml").write_text(
        'data = "data"\n[mailbox]\nkind = "maildir"\npath = "mail"\n[reply]\naddress = "helpdesk@secas.example"\n'
        '[notices]\nssc = ["ssc@cpl.example"]\n[reminders]\nsuppliers = ["ends@supplier.example"]\n',
        "utf-8",
    )
    monkeypatch.setenv("PIPELINE_CONFIG", str(tmp_path / "pipeline.toml"))
    monkeypatch.setattr("pipeline.cli.settings.datetime", _Standing)
    entries = [
        {**one, "CPA_Certificate.expiry_date": DATES[one["Entry.number"]]}
        for one in sample_entries()
        if one["Entry.number"] in DATES
    ]
    (tmp_path / "cpl.xlsm").write_bytes(cpl_workbook(issued="18-02-2026", entries=entries))
    (tmp_path / "contacts.csv").write_text("Entry number,Name,Telephone,Email\n000009,Ann,,ann@maker.example\n")
    assert cli("import", "cpl.xlsm", "--contacts", "contacts.csv", "--by", "Ada").code == 0
    return tmp_path


def ledger(place):
    return opened(load(place / "pipeline.toml"), clock=lambda: NOW)


def drafts(place):
    return [file.read_bytes() for file in (place / "mail" / ".Drafts" / "cur").glob("*")]


def test_a_dry_run_shows_what_is_due_and_promises_nothing(place, cli):
    ended = cli("remind", "--dry-run")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        f"{DUE}ann@maker.example (submitter)",
        f"{DUE}ends@supplier.example (suppliers)",
        "PASSED  2026-02-20  [E] NCSC-7300000001-1006  000006  asks: determination",
        'NOT READ  000011  Its date "31/02/2027" cannot be read; write it as dd/mm/yyyy.',
        "2026-03-04: 2 reminders due, 0 without a contact, 1 certificates whose date has passed.",
        "Nothing was promised: this was a dry run.",
    ]
    with ledger(place) as office:
        assert office.ledger.promised("") == ()


def test_it_promises_once_and_the_next_round_drafts(place, cli):
    ended = cli("remind")
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "CPL-2026-00001 is opened.")
    again = cli("remind").out.splitlines()
    assert again[:2] == [
        "promised  2026-09-01  6  [E] NCSC-7300000001-1009  000009  ann@maker.example",
        "promised  2026-09-01  6  [E] NCSC-7300000001-1009  000009  ends@supplier.example",
    ]
    assert again[-1] == "2026-03-04: 0 reminders due, 0 without a contact, 0 certificates whose date has passed."
    ran = cli("run", "--once")
    assert "3 drafts put" in ran.out
    assert "reminders promised" not in ran.out
    assert len(drafts(place)) == 3
    assert cli("remind").out.splitlines()[0].startswith("in Drafts  2026-09-01  6")


def test_another_day_can_be_looked_at_and_not_promised(place, cli):
    for day in ("2027-09-10", "2026-03-03"):
        ended = cli("remind", "--on", day)
        assert (ended.code, "look with --dry-run" in ended.err) == (2, True)
    ended = cli("remind", "--dry-run", "--on", "2027-09-10")
    assert ended.code == 0
    assert "NO CONTACT  2027-10-01  1  [E] NCSC-7300000001-1015  000015  No contact is known" in ended.out
    assert "2027-09-10: 1 reminders due, 1 without a contact, 2 certificates" in ended.out
    with ledger(place) as office:
        assert office.ledger.promised("") == ()
    ended = cli("remind", "--on", "tomorrow")
    assert (ended.code, "'tomorrow' is no day" in ended.err) == (2, True)


def test_an_audience_without_an_address_is_told(place, cli):
    settings = place / "pipeline.toml"
    settings.write_text(settings.read_text().replace('suppliers = ["ends@supplier.example"]', ""))
    assert "NO ADDRESS  The settings name no address of the suppliers" in cli("remind", "--dry-run").out


def test_the_calendar_says_what_ends_when_and_what_was_done(place, cli):
    cli("remind")
    cli("run", "--once")
    ended = cli("calendar", "--months", "20")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "PASSED  2026-02-20  expiry  [E] NCSC-7300000001-1006  1  none was sent",
        (
            "2026-09  2026-09-01  expiry  [E] NCSC-7300000001-1009  1  "
            "6 before (2026-03-01): in Drafts, put into Drafts on 2026-03-04, 2 mails; 1 before (2026-08-01): to come"
        ),
        (
            "2027-10  2027-10-01  expiry  [E] NCSC-7300000001-1015  1  12 before (2026-10-01): to come; "
            "6 before (2027-04-01): to come; 1 before (2027-09-01): to come"
        ),
        'NOT READ  000011  Its date "31/02/2027" cannot be read; write it as dd/mm/yyyy.',
        "2 certificates end in 20 months; the date of 1 has passed.",
    ]
    assert "1 certificates end in 18 months" in cli("calendar").out
    assert "0 certificates end in 18 months; the date of 3 has passed." in cli("calendar", "--on", "2027-10-02").out


def test_the_calendar_as_an_object_as_a_file_and_as_a_picture(place, cli):
    ended = cli("calendar", "--json", "--ics", "c.ics", "--plot", "c.svg")
    tree = json.loads(ended.out)
    assert (tree["on"], len(tree["months"]), tree["months"][0]) == (
        "2026-03-04",
        18,
        {"month": "2026-03", "certificates": []},
    )
    (ending,) = [row for month in tree["months"] for row in month["certificates"]]
    assert (ending["date"], ending["entries"], ending["windows"][1]["state"]) == ("2026-09-01", ["000009"], "due")
    assert [row["date"] for row in tree["expired"]] == ["2026-02-20"]
    assert tree["untracked"][0]["entry"] == "000011"
    assert (place / "c.ics").read_bytes().startswith(b"BEGIN:VCALENDAR\r\n")
    assert (place / "c.svg").read_bytes().lstrip().startswith(b"<svg")
    assert cli("calendar", "--plot", "c.PNG").code == 0
    assert (place / "c.PNG").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--plot", "c.pdf"), "ends in .svg or .png"),
        (("--ics", "nowhere/c.ics"), "nowhere/c.ics"),
        (("--months", "0"), "--months"),
        (("--on", "31/12/2026"), "is no day such as"),
    ],
)
def test_a_calendar_asked_wrongly(place, cli, arguments, said):
    ended = cli("calendar", *arguments)
    assert (ended.code, said in ended.err) == (2, True)


@pytest.mark.parametrize("command", [("remind", "--dry-run"), ("calendar",)])
def test_without_a_list_it_says_so(tmp_path, cli, monkeypatch, command):
    (tmp_path / "pipeline.toml").write_text('data = "data"\n[mailbox]\nkind = "maildir"\npath = "mail"\n')
    monkeypatch.setenv("PIPELINE_CONFIG", str(tmp_path / "pipeline.toml"))
    ended = cli(*command)
    assert (ended.code, "No CPL is in force" in ended.err) == (1, True)


def test_a_terminal_gets_tables(place, cli, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    drawn = cli("remind", "--dry-run").out
    assert "│" in drawn
    assert "to whom, or why" in drawn
    assert "ann@maker.example" in cli("remind", "--dry-run").out


def test_cases_show_the_expiry_and_who_has_no_contact(place, cli):
    cli("run", "--once")
    shown = cli("case", "1").out
    assert "passed 2026-02-20 determination [E] NCSC-7300000001-1006 entries 000006" in shown
    assert "determination: the SSC determines a remedial plan or removal (Appendix 5.4)" in shown
    assert "notice to the SSC: Drafted to ssc@cpl.example." in shown
    assert "the pipeline itself" in shown
    (place / "contacts.csv").write_text("Entry number,Name,Telephone,Email\n000015,Ann,,ann@maker.example\n")
    cli("import", "cpl.xlsm", "--contacts", "contacts.csv", "--by", "Ada")
    cli("run", "--once")
    listed = cli("cases").out
    assert "reminder held [E] NCSC-7300000001-1009, entries 000009: No contact is known" in listed
    assert [one["entries"] for one in json.loads(cli("cases", "--json").out)["reminders"]] == ["000009"]
    assert cli("decide", "1", "accept", "--why", "x", "--by", "Ada").code == 1
    assert cli("close", "1", "--why", "The SSC has determined.", "--by", "Ada").out == "CPL-2026-00001 is closed.\n"
    assert cli("cases").out.splitlines()[-1] == "0 open"
