"""The helpdesk's commands over the Cases of a demo folder, through the real ledger."""

import json
import re
import shlex
from datetime import UTC, datetime

import pytest

from pipeline.demo.mail import File, mail
from pipeline.mailbox.maildir import Maildir

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)

HELD = "certificate.unread"


@pytest.fixture
def act(cli, demo):
    """Run a command on the demo's settings."""

    def run(*arguments):
        return cli("--log-level", "error", *arguments, "--config", demo / "pipeline.toml")

    return run


@pytest.fixture
def numbers(act):
    """Case numbers by decision: one that waits for the reviewer, one that was refused."""
    cases = json.loads(act("cases", "--json").out)["cases"]
    return {line["outcome"]: line["number"] for line in reversed(cases)}


def open_checks(act, number):
    case = json.loads(act("case", number, "--json").out)
    return [f["check"] for item in case["judgements"][-1]["judged"] for f in item["findings"] if f["settle"]]


def test_cases_lists_each_case_with_its_number_whole(act, numbers, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    ended = act("cases")
    assert ended.code == 0
    assert set(numbers.values()) <= set(re.findall(r"^CPL-\d{4}-\d{5}", ended.out, re.MULTILINE))
    assert ended.out.splitlines()[-1] == "5 open"


def test_no_case_is_closed_yet(act):
    assert act("cases", "--state", "closed").out == "0 closed\n"
    assert act("cases", "--state", "half").code == 2


def test_case_shows_the_command_that_settles_a_point_and_it_works(act, numbers):
    number = numbers["clarify"]
    shown = act("case", number).out
    (hint,) = re.findall(r"^To settle a point: pipeline (.+)$", shown, re.MULTILINE)
    before = open_checks(act, number)
    ended = act(*shlex.split(hint), "--by", "Ada")
    assert ended.code == 0
    assert len(open_checks(act, number)) == len(before) - 1
    assert re.search(r"^word .+ Ada: \S+ pass, Looked at it$", act("case", number).out, re.MULTILINE)


def test_short_number_is_one_of_this_year(act, numbers):
    number = numbers["clarify"]
    assert act("case", number).out == act("case", str(int(number[-5:]))).out == act("case", number.lower()).out


def test_all_points_confirmed_is_accepted_and_drafted_at_the_next_round(act, numbers, demo):
    number = numbers["clarify"]
    for check in open_checks(act, number):
        ended = act("confirm", number, check, "pass", "--why", "Seen")
    assert "Decision: ACCEPT" in ended.out
    before = len(list((demo / "mail" / ".Drafts").rglob("*:2,*")))
    assert "1 drafts put" in act("run", "--once").out
    assert len(list((demo / "mail" / ".Drafts").rglob("*:2,*"))) == before + 1


def test_failed_point_is_refused(act, numbers):
    ended = act("confirm", numbers["clarify"], HELD, "fail", "--why", "Another device")
    assert "Decision: REJECT" in ended.out


def test_what_cannot_be_confirmed_is_told(act, numbers):
    number = numbers["clarify"]
    for arguments, code in (
        (("confirm", number, "form.tab", "pass", "--why", "x"), 1),
        (("confirm", number, HELD, "maybe", "--why", "x"), 2),
        (("confirm", number, HELD, "pass", "--why", "  "), 2),
        (("confirm", number, HELD, "pass"), 2),
        (("confirm", "CPL-1999-00001", HELD, "pass", "--why", "x"), 1),
        (("case", "9" * 5000), 1),
        (("case", "no\x1b[2Jsuch"), 1),
        (("case", ""), 1),
        (("decide", number, "perhaps", "--why", "x"), 2),
        (("retry", number), 2),
        (("replay", "CPL-1999-00001"), 1),
    ):
        ended = act(*arguments)
        assert (ended.code, ended.out) == (code, ""), arguments
        assert ended.err.count("\n") == 1
        assert "\x1b" not in ended.err


@pytest.mark.parametrize("word", ["accept", "reject", "clarify"])
def test_decide_by_hand(act, numbers, word):
    ended = act("decide", numbers["clarify"], word, "--why", "The SSC says so", "--by", "Ada")
    assert ended.code == 0
    assert ended.out.startswith(f"Decision: {word.upper()}: Decided by Ada.")


def test_replay_gives_the_same_findings(act, numbers):
    act("confirm", numbers["clarify"], HELD, "pass", "--why", "Seen")
    ended = act("replay", numbers["clarify"])
    assert ended.code == 0
    assert len(re.findall("the same findings, octet for octet", ended.out)) == 2


def test_retry_with_nothing_to_do(act, numbers):
    ended = act("retry", numbers["clarify"], "--why", "The server is back")
    assert (ended.code, ended.out.split()[0]) == (0, "0")


def test_json_of_a_case_has_no_draft_bytes_and_no_red_value(act, numbers):
    out = act("case", numbers["reject"], "--json").out
    assert json.loads(out)["number"] == numbers["reject"]
    assert '"raw"' not in out
    assert "Larkspur" not in out + act("case", numbers["reject"]).out


def test_markup_and_control_characters_in_a_subject_are_only_shown(act, demo):
    subject = "CPL new entry [/foo] [red]x[/red] \u202eevil\u009b2J"
    Maildir(demo / "mail").deliver(mail(subject, "CPL submission", AT, (File("form.xlsm", b"PK junk"),)))
    assert act("run", "--once").code == 0
    out = act("cases").out
    assert "[/foo] [red]x[/red]" in out
    assert not [c for c in out if not c.isprintable() and c != "\n"]


def test_settings_that_are_wrong_are_1(cli, tmp_path):
    file = tmp_path / "pipeline.toml"
    for text in (
        b"",
        b"mailbox = 3",
        b"\xff\xfe",
        b"a = [",
        b'mailbox = {kind = "maildir", path = "m"}\nfrob = 1',
        b'mailbox = {kind = "maildir", path = 7}',
        b'mailbox = {kind = "maildir", path = "m"}\n[calendar]\nzone = "Mars/Base"',
        b'mailbox = {kind = "maildir", path = "m"}\n[reply]\naddress = "nobody"',
        b'mailbox = {kind = "maildir", path = "m"}\ndatabase = "mysql://u:secret@h/d"',
        b'rules = "nowhere"\nmailbox = {kind = "maildir", path = "m"}',
        b'templates = "nowhere"\nmailbox = {kind = "maildir", path = "m"}',
    ):
        file.write_bytes(text)
        ended = cli("cases", "--config", file)
        assert (ended.code, ended.out) == (1, ""), text
        assert ended.err.count("\n") == 1, text
        assert "secret" not in ended.err
        assert "fault of our own" not in ended.err, text


def test_data_folder_in_the_way_is_1(cli, tmp_path):
    (tmp_path / "data").write_text("a file")
    (tmp_path / "pipeline.toml").write_text('data = "data"\nmailbox = {kind = "maildir", path = "m"}\n')
    ended = cli("cases")
    assert ended.code == 1
    assert f"{tmp_path.name}" in ended.err or "data" in ended.err
    assert "fault of our own" not in ended.err
