"""``pipeline check``: exit codes, the JSON object and what a person reads, for every way a file can turn out."""

import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from pipeline.cli.check import exit_code
from pipeline.demo.certificates import certificates
from pipeline.demo.mail import doubtful_submission
from pipeline.demo.products import PPMID
from pipeline.domain.judgement import Decision, Outcome
from pipeline.domain.product import DEVICE_MODEL
from tests.builders import (
    HOSTILE,
    File,
    batch_submission,
    faulty_submission,
    good_answers,
    hostile_submission,
    mail,
    new_entry_form,
    protected_submission,
    sample_cpl,
    submission,
    unrelated,
)

ROOT = Path(__file__).parents[3]
AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
DAY = "2026-11-20"
SCHEMA = Draft202012Validator(json.loads((ROOT / "docs/reference/check.schema.json").read_text("utf-8")))


@pytest.fixture
def cpl(tmp_path):
    return put(tmp_path / "cpl.xlsm", sample_cpl())


@pytest.fixture
def told(cli, cpl):
    """Judge files and return the exit code with the object, which keeps to the schema."""

    def run(*files, **options):
        more = [word for name, value in options.items() for word in (f"--{name}", value)]
        ended = cli("check", "--json", "--cpl", cpl, "--on", DAY, *more, *files)
        assert ended.err == ""
        tree = json.loads(ended.out)
        SCHEMA.validate(tree)
        return ended.code, tree

    return run


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def faults(tree):
    return {f["check"] for item in tree["submissions"] for f in item["findings"] if f["status"] == "fail"}


def smets1_mail():
    form = new_entry_form(good_answers(PPMID, smets1=True))
    return mail("SMETS1 entry", "A form.", AT, (File("form.xlsm", form),), sender="DCC <cpl@dcc.example>")


def eligible(path: Path) -> Path:
    """An EPCL that has the Device Model of ``smets1_mail``."""
    answers = good_answers(PPMID, smets1=True)
    return put(path, "\n".join((",".join(DEVICE_MODEL), ",".join(str(answers[n]) for n in DEVICE_MODEL))).encode())


def test_schema_is_a_schema():
    Draft202012Validator.check_schema(SCHEMA.schema)


def test_accept_is_0(told, tmp_path):
    settings = 'mailbox = {kind = "maildir", path = "mail"}\n[people]\ndcc = ["dcc.example"]\n'
    config = put(tmp_path / "settings.toml", settings.encode())
    code, tree = told(put(tmp_path / "a.eml", smets1_mail()), config=config, epcl=eligible(tmp_path / "epcl.csv"))
    assert (code, tree["decision"]) == (0, "accept")
    assert tree["message"]["from"] == "cpl@dcc.example"
    assert not (tmp_path / "var").exists()


def test_reject_is_10(told, tmp_path):
    code, tree = told(put(tmp_path / "a.eml", faulty_submission(AT)))
    assert (code, tree["decision"]) == (10, "reject")
    assert faults(tree) == {"form.format", "form.combination", "fir.complete"}


def test_accept_is_0_for_a_mail_and_for_its_files(told, tmp_path):
    code, tree = told(put(tmp_path / "a.eml", submission(AT)))
    assert (code, tree["decision"]) == (0, "accept")
    assert tree["submissions"][0]["device_model"]["firmware_version"] == "0C:03:0C:22"
    files = {"form.xlsm": new_entry_form(good_answers(), None), **certificates(good_answers())}
    paths = [put(tmp_path / name, data) for name, data in files.items()]
    assert told(*paths)[0] == 0
    assert told(*paths[:-1])[0] == 10, "a certificate is missing"


def test_clarify_is_20(told, tmp_path):
    code, tree = told(put(tmp_path / "a.eml", doubtful_submission(AT, AT)))
    assert (code, tree["decision"]) == (20, "clarify")
    assert tree["submissions"][0]["device_model"]["firmware_version"]
    assert {f["settle"] for f in tree["submissions"][0]["findings"] if f["status"] == "unclear"} == {"reviewer"}


@pytest.mark.parametrize("made", [hostile_submission, protected_submission])
def test_unreadable_workbook_is_refused_in_words(told, tmp_path, made):
    code, tree = told(put(tmp_path / "a.eml", made(AT)))
    assert code == (10 if tree["decision"] == "reject" else 20)
    if tree["submissions"]:
        assert tree["submissions"][0]["device_model"] is None
        assert faults(tree) <= {"intake.encrypted", "intake.unpacked"}


def test_not_ours_is_20_and_not_judged(told, tmp_path):
    code, tree = told(put(tmp_path / "a.eml", unrelated(AT)))
    assert (code, tree["kind"], tree["decision"], tree["submissions"]) == (20, "not-ours", None, [])


def test_batch_has_both_forms(told, tmp_path):
    code, tree = told(put(tmp_path / "a.eml", batch_submission(AT)))
    assert code == 10
    assert [item["workbook"] for item in tree["submissions"]] == ["display 1 of 2.xlsm", "display 2 of 2.xlsm"]
    assert faults(tree) == {"duplicate.batch"}


def test_workbook_with_its_documents(told, tmp_path):
    form = put(tmp_path / "form.xlsm", new_entry_form(good_answers()))
    pdf = put(tmp_path / "zse.pdf", b"%PDF-1.7\n")
    code, tree = told(form, pdf)
    assert (code, tree["message"], len(tree["submissions"])) == (20, None, 1)
    assert tree["submissions"][0]["workbook"] == str(form)


def test_two_workbooks_are_a_batch(told, tmp_path):
    data = new_entry_form(good_answers())
    (tmp_path / "b").mkdir()
    _, tree = told(put(tmp_path / "f.xlsm", data), put(tmp_path / "b" / "f.xlsm", data))
    assert len({item["workbook"] for item in tree["submissions"]}) == 2
    assert "duplicate.batch" in faults(tree)


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_workbook_ends_as_an_object(told, tmp_path, name):
    code, tree = told(put(tmp_path / "form.xlsm", HOSTILE[name]()))
    assert code in {10, 20}
    assert tree["decision"] == {10: "reject", 20: "clarify"}[code]


@pytest.mark.parametrize("raw", [b"", b"\0" * 5000, bytes(range(256)) * 40, b"From: a\n" * 9000], ids=range(4))
def test_junk_named_as_a_mail_ends_as_an_object(told, tmp_path, raw):
    code, tree = told(put(tmp_path / "junk.eml", raw))
    assert (code, tree["decision"]) == (20, None)


def test_mail_is_known_without_its_name(told, tmp_path):
    _, tree = told(put(tmp_path / "1700000000.M1P2.host:2,S", submission(AT)))
    assert tree["message"] is not None


def test_every_outcome_has_its_exit_code():
    codes = {outcome: exit_code(Decision(outcome, "row", "why")) for outcome in Outcome}
    assert codes == {Outcome.ACCEPT: 0, Outcome.REJECT: 10, Outcome.CLARIFY: 20}
    assert exit_code(None) == 20


def test_object_of_the_design_keeps_to_the_schema():
    digest = "0" * 64
    evidence = {"artefact": digest, "file": "zse.pdf", "where": "page 1 [72.0, 301.2, 190.4, 312.9]", "text": "12.3"}
    names = [name.split(".", 1)[1] for name in DEVICE_MODEL]
    tree = {
        "schema": 1,
        "kind": "new-entry",
        "rules": digest,
        "decision": "reject",
        "message": {"sha256": digest, "from": "a@b.example", "subject": "...", "message_id": "<1@b.example>"},
        "submissions": [
            {
                "workbook": "path/in/the/mail.xlsm",
                "device_type": "Gas Smart Meter",
                "decision": "reject",
                "device_model": dict(zip(names, ["10:63", "00:0A", "01", "02", "0C:03:0C:22"], strict=True)),
                "findings": [
                    {
                        "check": "align.zse.firmware",
                        "status": "fail",
                        "message": "one sentence for the submitter",
                        "clause": "CPL guidance V6.0, Appendix 4.2",
                        "evidence": [evidence],
                    }
                ],
            }
        ],
    }
    SCHEMA.validate(tree)
    for key in tree:
        with pytest.raises(ValidationError):
            SCHEMA.validate({name: value for name, value in tree.items() if name != key})
    with pytest.raises(ValidationError):
        SCHEMA.validate(tree | {"extra": 1})
    with pytest.raises(ValidationError):
        SCHEMA.validate(tree | {"kind": "not-ours"})


# ---- as text


def test_text_names_cell_value_and_remedy(cli, cpl, tmp_path):
    ended = cli("check", "--cpl", cpl, "--on", DAY, put(tmp_path / "a.eml", faulty_submission(AT)))
    assert ended.code == 10
    assert re.search(r"FAIL +form\.format", ended.out)
    assert re.search(r"at .*CPL - New Entry!G\d+: '04:01:1G:00'", ended.out)
    assert ended.out.rstrip().splitlines()[-1].startswith("Decision: REJECT: ")


def test_text_says_why_a_mail_is_not_judged(cli, cpl, tmp_path):
    ended = cli("check", "--cpl", cpl, put(tmp_path / "a.eml", unrelated(AT)))
    assert ended.code == 20
    assert ended.out.startswith("Not judged (not-ours): ")


def test_no_control_character_reaches_the_terminal(cli, cpl, tmp_path):
    evil = "x\x1b]0;owned\x07\u202e\u009b31m"
    form = new_entry_form(good_answers() | {"Device_Type.name": evil, "FIR Release Notes.Description": evil})
    raw = mail("CPL \u202egnp\u202c", "form", AT, (File("evil\u202e\u009b31m.xlsm", form),))
    ended = cli("check", "--cpl", cpl, "--on", DAY, put(tmp_path / "a.eml", raw))
    assert "\\u001b" in ended.out
    assert not [c for c in ended.out if not c.isprintable() and c != "\n"]


def test_red_values_are_in_no_output(cli, cpl, tmp_path):
    red = {
        "Device_ZigBee_Information_Repository.Stack_Vendor": " REDVENDOR\u00fe",
        "Device_ZigBee_Information_Repository.Stack_Version": "REDVERSION" * 40,
    }
    form = put(tmp_path / "form.xlsm", new_entry_form(good_answers() | red))
    for more in ([], ["--json"]):
        ended = cli("check", "--cpl", cpl, "--on", DAY, form, *more)
        assert "Stack_Ve" in ended.out
        assert "REDVE" not in ended.out + ended.err


# ---- asked wrongly


def test_wrong_asks_are_2_in_one_line(cli, cpl, tmp_path):
    good = put(tmp_path / "form.xlsm", new_entry_form(good_answers()))
    letter = put(tmp_path / "a.eml", submission(AT))
    pdf = put(tmp_path / "a.pdf", b"%PDF-1.7")
    junk = put(tmp_path / "junk", b"\0\xff" * 99)
    msg = put(tmp_path / "a.msg", b"x")
    for arguments in (
        [],
        [tmp_path],
        [tmp_path / "missing\x1b[31m.eml"],
        [good, "--cpl", tmp_path / "none.xlsm"],
        [good, "--cpl", junk],
        [good, "--cpl", good],
        [good, "--epcl", junk],
        [good, "--on", "2026-02-30"],
        [good, "--on", "0001-01-01T00:00:00+14:00"],
        [good, "--trust", good],
        [good, letter],
        [pdf],
        [msg],
        [good, "--frob"],
    ):
        ended = cli("check", *arguments)
        assert (ended.code, ended.out) == (2, ""), arguments
        assert ended.err.startswith("pipeline: ")
        assert ended.err.count("\n") == 1
        assert "\x1b" not in ended.err


def test_a_file_too_large_is_refused_unread(cli, tmp_path):
    with (tmp_path / "huge.xlsm").open("wb") as file:
        file.truncate(300 << 20)
    ended = cli("check", tmp_path / "huge.xlsm")
    assert ended.code == 2
    assert "314,572,800 octets" in ended.err


def test_named_settings_must_be_there(cli, tmp_path):
    form = put(tmp_path / "form.xlsm", new_entry_form(good_answers()))
    ended = cli("check", form, "--config", tmp_path / "none.toml")
    assert (ended.code, ended.out) == (1, "")
    assert "none.toml" in ended.err


def test_imported_list_is_what_a_form_is_judged_by(cli, demo, tmp_path):
    form = put(tmp_path / "form.xlsm", new_entry_form(good_answers()))
    with_list = cli("check", "--json", form, "--config", demo / "pipeline.toml")
    without = cli("check", "--json", form)

    def macro(ended):
        findings = json.loads(ended.out)["submissions"][0]["findings"]
        return next(f["status"] for f in findings if f["check"] == "form.macro")

    assert (macro(with_list), macro(without)) == ("pass", "unclear")


def test_rules_of_the_settings_are_used(cli, cpl, tmp_path):
    rules = tmp_path / "rules"
    shutil.copytree(ROOT / "rules", rules)
    (rules / "checks.yaml").write_text((rules / "checks.yaml").read_text("utf-8") + "# ours\n", "utf-8")
    config = put(tmp_path / "s.toml", b'rules = "rules"\nmailbox = {kind = "maildir", path = "mail"}\n')
    form = put(tmp_path / "form.xlsm", new_entry_form(good_answers()))
    ours = json.loads(cli("check", "--json", "--cpl", cpl, form, "--config", config).out)
    shipped = json.loads(cli("check", "--json", "--cpl", cpl, form).out)
    assert ours["rules"] != shipped["rules"]
