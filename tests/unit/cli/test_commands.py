"""demo, run --once, import, doctor and rules, as a person sees them."""

import json
import re
import shutil
from pathlib import Path

import pytest

from pipeline.cli.commands import COMMANDS
from tests.builders import new_entry_form, sample_cpl

ROOT = Path(__file__).parents[3]


@pytest.fixture
def config(demo):
    return demo / "pipeline.toml"


# ---- demo


def test_demo_shows_every_draft_and_where_it_lies(cli, tmp_path):
    ended = cli("demo", "--folder", tmp_path / "sample")
    assert ended.code == 0
    assert ended.out.startswith("6 mails read, 4 replies drafted, 5 mails filed away.")
    assert len(re.findall(r"drafted, not sent \((\w+)\)", ended.out)) == 4
    assert str(tmp_path / "sample" / "mail" / ".Drafts") in ended.out
    assert (
        len([p for p in (tmp_path / "sample" / "mail" / ".Drafts").rglob("*") if p.is_file() and ":2," in p.name]) == 4
    )
    assert "Larkspur" not in ended.out + ended.err


def test_demo_s_last_lines_work_as_they_stand(cli, tmp_path):
    import shlex

    lines = cli("--log-level", "error", "demo", "--folder", tmp_path / "a b").out.splitlines()
    commands = [shlex.split(line.partition("pipeline ")[2]) for line in lines if re.match(r"(Its|One|Settle) ", line)]
    assert [command[0] for command in commands] == ["cases", "case", "confirm"]
    assert [cli(*command).code for command in commands] == [0, 0, 0]


def test_demo_is_made_anew(cli, demo):
    (demo / "old").write_text("left over")
    assert cli("--log-level", "error", "demo", "--folder", demo).code == 0
    assert not (demo / "old").exists()


def test_demo_leaves_alone_what_it_did_not_make(cli, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter.txt").write_text("keep")
    for folder in (mine, mine / "letter.txt"):
        ended = cli("demo", "--folder", folder)
        assert (ended.code, ended.out) == (2, "")
    assert (mine / "letter.txt").read_text() == "keep"
    assert [p.name for p in mine.iterdir()] == ["letter.txt"]


def test_demo_s_log_is_json_lines_with_case_step_and_rules(cli, tmp_path):
    ended = cli("demo", "--folder", tmp_path / "sample")
    lines = [json.loads(line) for line in ended.err.splitlines()]
    assert all({"event", "level", "timestamp", "step"} <= set(line) for line in lines)
    concluded = [line for line in lines if line["event"] == "mail concluded"]
    assert len(concluded) == 6
    assert all(line["rules"] for line in concluded)
    assert sum(bool(line["case"]) for line in concluded) == 5
    quiet = cli("--log-level", "error", "demo", "--folder", tmp_path / "sample")
    assert quiet.err == ""


# ---- run --once


def test_run_once_on_a_quiet_mailbox(cli, config):
    ended = cli("--log-level", "error", "run", "--once", "--config", config)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("0 new mails, 0 concluded")


def test_run_once_says_that_the_mailbox_is_away(cli, config, demo):
    shutil.rmtree(demo / "mail")
    (demo / "mail").write_text("a file stands where the mailbox was")
    ended = cli("--log-level", "error", "run", "--once", "--config", config)
    assert ended.code == 1
    assert ended.err.startswith("pipeline: the mailbox could not be used: ")
    assert ended.err.count("\n") == 1


def test_run_without_settings_is_1(cli):
    ended = cli("run", "--once")
    assert (ended.code, ended.out) == (1, "")
    assert "pipeline.toml" in ended.err


# ---- import


def test_import_takes_a_list_over(cli, config, tmp_path):
    cpl = tmp_path / "cpl.xlsm"
    cpl.write_bytes(sample_cpl())
    epcl = tmp_path / "epcl.csv"
    names = "manufacturer_identifier,model_identifier,hardware_version.version,hardware_version.revision"
    epcl.write_text(f"{names},firmware_version\nE1:01,00:01,01,02,01:02:03:04\n")
    ended = cli("import", cpl, "--epcl", epcl, "--by", "Ada", "--config", config)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "CPL version 3.000 is in force: cpl.xlsm (issued 07-11-2024, entries 21, current 19, highest 000024).",
        "EPCL is in force: epcl.csv (device models 1).",
    ]


def test_import_refuses_what_is_no_list(cli, config, tmp_path):
    form = tmp_path / "form.xlsm"
    form.write_bytes(new_entry_form({}))
    junk = tmp_path / "junk"
    junk.write_bytes(b"\0\xff" * 2000)
    for arguments, code in (([form], 1), ([junk], 1), ([tmp_path], 2), ([tmp_path / "none"], 2), ([], 2)):
        ended = cli("import", *arguments, "--config", config)
        assert (ended.code, ended.out) == (code, ""), arguments
        assert ended.err.count("\n") == 1


# ---- doctor


def test_doctor_finds_a_demo_in_good_health(cli, config):
    ended = cli("doctor", "--config", config)
    assert (ended.code, ended.err) == (0, "")
    assert not [line for line in ended.out.splitlines() if not line.startswith("ok  ")]
    assert {line.split()[1] for line in ended.out.splitlines()} == {
        "settings:", "disk:", "rules:", "templates:", "trust:", "ledger:", "CPL:", "mailbox:", "sending:", "monitor:",
    }  # fmt: skip


def bad_rules(demo):
    shutil.copytree(ROOT / "rules", demo / "rules")
    checks = demo / "rules" / "checks.yaml"
    checks.write_text(checks.read_text("utf-8").replace("id: fir.url", "id: fir.link"), "utf-8")
    return 'rules = "rules"\n'


def bad_templates(demo):
    shutil.copytree(ROOT / "templates", demo / "templates")
    (demo / "templates" / "accepted" / "body.html.j2").unlink()
    return 'templates = "templates"\n'


def no_list(demo):
    return 'data = "empty"\n'


def no_mailbox(demo):
    shutil.rmtree(demo / "mail")
    (demo / "mail").write_text("")
    return ""


def no_server(demo):
    with (demo / "pipeline.toml").open("a", encoding="utf-8") as file:
        file.write('[smtp]\nhost = "127.0.0.1"\nport = 1\ntls = "none"\n')
    return ""


def no_password(demo):
    with (demo / "pipeline.toml").open("a", encoding="utf-8") as file:
        file.write('[smtp]\nhost = "127.0.0.1"\nuser = "desk"\ntls = "none"\n')
    return ""


def no_ledger(demo):
    shutil.rmtree(demo / "data")
    (demo / "data").mkdir()
    (demo / "data" / "ledger.sqlite").write_bytes(b"this is no database" * 100)
    return ""


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (bad_rules, "!!  rules: "),
        (bad_templates, "!!  templates: "),
        (no_list, "!!  CPL: none is in force; take one over with `pipeline import CPL.xlsm`"),
        (no_mailbox, "!!  mailbox: "),
        (no_ledger, "!!  ledger: "),
        (no_server, "!!  sending: "),
        (no_password, "!!  sending: smtp: set password_file or password_env"),
    ],
)
def test_doctor_says_what_is_wrong(cli, demo, config, spoil, told):
    more = spoil(demo)
    settings = config.read_text("utf-8")
    config.write_text(more + (settings.replace('data = "data"\n', "") if "data" in more else settings), "utf-8")
    ended = cli("doctor", "--config", config)
    assert (ended.code, ended.err) == (1, "")
    assert told in ended.out


def test_doctor_without_settings_says_where_to_start(cli):
    ended = cli("doctor")
    assert ended.code == 1
    assert ended.out.startswith("!!  settings: pipeline.toml: cannot be read")
    assert "config/pipeline.example.toml" in ended.out


# ---- rules


def test_rules_lists_every_check_with_its_clause(cli):
    shown = cli("rules").out
    tree = json.loads(cli("rules", "--json").out)
    assert shown.count("CPL guidance V6.0") >= len(tree["checks"]) > 30
    assert tree["fingerprint"][:12] in shown
    for check in tree["checks"]:
        assert f"{check['id']} (worst: {check['worst']})\n    {check['title']}\n" in shown


def test_rules_agree_with_code_and_cases(cli):
    ended = cli("rules", "--verify")
    assert (ended.code, ended.err) == (0, ""), ended.out
    assert ended.out.startswith("Rules, code and cases agree: ")


def test_rules_that_disagree_are_1(cli, tmp_path):
    bad_rules(tmp_path)
    ended = cli("rules", "--verify", "--folder", tmp_path / "rules")
    assert ended.code == 1
    assert "fir.link" in ended.out
    assert re.match(r"\d+ disagreements in ", ended.err)


def test_rules_that_cannot_be_read_are_named(cli, tmp_path):
    rules = tmp_path / "rules"
    rules.mkdir()
    for name, data in (("form.yaml", b"\xff\xfe"), ("form.yaml", b"a: ["), ("form.yaml", b"version: 1")):
        (rules / name).write_bytes(data)
        ended = cli("rules", "--folder", rules)
        assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert cli("rules", "--folder", rules / "form.yaml").code == 2


def test_every_command_of_the_table_is_built(cli):
    for name in COMMANDS:
        assert cli(name, "--help").code == 0
