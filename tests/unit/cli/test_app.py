"""The command as a whole: help, completion, how it ends, and what a strange terminal does to it."""

import errno
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import __version__
from pipeline.cli import settings, trouble
from pipeline.cli.commands import COMMANDS
from pipeline.config import ConfigRefused
from tests.builders import new_entry_form

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


def start(*arguments, code=None, **more):
    """Run the command as its own process; ``code`` instead of the module."""
    program = ["-c", code] if code else ["-m", "pipeline"]
    more = {"env": ENVIRONMENT, "capture_output": True, "timeout": 60} | more
    return subprocess.run([sys.executable, *program, *map(str, arguments)], check=False, **more)


def test_version(cli):
    assert cli("--version").out == f"pipeline {__version__}\n"


def test_nothing_asked_is_2_with_help(cli):
    ended = cli()
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == cli("--help").out


def test_module_and_console_script_are_the_same(tmp_path):
    script = "import sys; from pipeline.cli import main; sys.argv[0] = 'pipeline'; sys.exit(main())"
    for arguments in (["--help"], ["check", "--help"], ["check", "none"], ["cases"]):
        module = start(*arguments, cwd=tmp_path)
        console = start(*arguments, code=script, cwd=tmp_path)
        assert (module.returncode, module.stdout, module.stderr) == (console.returncode, console.stdout, console.stderr)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command_is_worth_reading(cli, name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    ended = cli(name, "--help")
    assert ended.code == 0
    assert ended.out.startswith(f"Usage: pipeline {name} ")
    assert all(len(line) <= 80 for line in ended.out.splitlines())
    (line,) = re.findall(rf"^  {name}  +(.+)$", cli("--help").out, re.MULTILINE)
    assert line.endswith(".")
    assert not line.endswith("...")


def test_a_narrow_terminal_still_gets_help(cli, monkeypatch):
    for columns in ("1", "20", "0", "-3", "x"):
        monkeypatch.setenv("COLUMNS", columns)
        assert cli("check", "--help").code == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(shell):
    ended = start(env=ENVIRONMENT | {"_PIPELINE_COMPLETE": f"source_{shell}"})
    assert ended.returncode == 0
    assert b"_PIPELINE_COMPLETE" in ended.stdout


def test_completion_of_commands_and_words():
    def complete(*words):
        line = {"_PIPELINE_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
        return start(env=ENVIRONMENT | line).stdout.decode().split()

    assert complete("pipeline", "re") == ["replay", "retry", "remove", "remind"]
    assert complete("pipeline", "decide", "1", "a") == ["accept"]
    assert "--cpl" in complete("pipeline", "check", "--c")


def test_a_typing_error_is_answered_with_the_command_that_was_meant(cli):
    ended = cli("chekc")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "'check'" in ended.err


def test_wrong_log_level_is_2(cli):
    assert cli("--log-level", "loud", "rules").code == 2


# ---- how it ends


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ConfigRefused("settings.toml: wrong\nkey"), "settings.toml: wrong key"),
        (PermissionError(errno.EACCES, "Permission denied", "/some/\x1b[31mfile"), "/some/\\u001b[31mfile: Permission"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
    ],
)
def test_own_trouble_is_1_in_one_line(cli, monkeypatch, error, told):
    def fail(*_):
        raise error

    monkeypatch.setattr(settings.Rulebook, "load", fail)
    ended = cli("rules")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"pipeline: {told}")
    assert ended.err.count("\n") == 1


def test_unforeseen_fault_tells_its_place_and_never_its_text(cli, monkeypatch):
    def fail(*_):
        raise KeyError("REDVENDOR")

    monkeypatch.setattr(settings.Rulebook, "load", fail)
    ended = cli("rules")
    assert ended.code == 1
    assert re.search(r"KeyError at test_app\.py:\d+ < settings\.py:\d+", ended.err)
    assert "REDVENDOR" not in ended.err


def test_interrupt_is_130(cli, monkeypatch):
    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(settings.Rulebook, "load", fail)
    assert cli("rules").code == 130


def test_every_exception_of_ours_is_known_as_trouble():
    """What these raise among themselves ends on their own floor; all others, ports included, are told by their text."""
    known = {kind.__name__ for kind in trouble._TOLD}
    defined = set()
    for file in (ROOT / "pipeline").rglob("*.py"):
        if file.parent.name not in {"readers", "outbox", "guard", "mailbox"} or file.name in {"child.py", "port.py"}:
            text = file.read_text("utf-8")
            defined |= set(re.findall(r"^class (\w+)\((?:Exception|LookupError)\)", text, re.MULTILINE))
    assert len(defined) > 10
    assert defined <= known


# ---- strange terminals


def test_closed_pipe_ends_without_a_word():
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "rules"], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b""
    process.wait(60)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_full_disk_is_one_line():
    with Path("/dev/full").open("wb") as full:
        ended = start("rules", stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert (ended.returncode, ended.stderr) == (1, b"pipeline: No space left on device\n")


@pytest.mark.parametrize("encoding", ["latin-1", "cp437"])
def test_a_terminal_without_unicode_gets_escapes(tmp_path, encoding):
    form = tmp_path / "fo\u2019rm.xlsm"
    form.write_bytes(new_entry_form({"Device_Type.name": "\u0150\U0001f980"}))
    ended = start("check", form, env=ENVIRONMENT | {"PYTHONIOENCODING": encoding})
    assert (ended.returncode, ended.stderr) == (10, b"")
    assert b"\\u0150\\U0001f980" in ended.stdout
    tree = json.loads(start("check", "--json", form, env=ENVIRONMENT | {"PYTHONIOENCODING": encoding}).stdout)
    assert tree["submissions"][0]["device_type"] == "\u0150\U0001f980"


def test_a_file_name_that_is_no_text(tmp_path):
    form = os.fsencode(tmp_path) + b"/\xff\xfe.xlsm"
    Path(os.fsdecode(form)).write_bytes(b"junk")
    command = [sys.executable, "-m", "pipeline", "check", "--json", form]
    ended = subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=False, timeout=60)
    assert ended.stderr == b""
    assert json.loads(ended.stdout)["submissions"][0]["workbook"].endswith("\ufffd\ufffd.xlsm")


# ---- cold start


def test_check_loads_neither_database_nor_mail_client_nor_scheduler(tmp_path):
    form = tmp_path / "form.xlsm"
    form.write_bytes(new_entry_form({}))
    code = (
        "import atexit, sys; from pipeline.cli import main\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "main(['check', sys.argv[1]])"
    )
    loaded = set(start(form, code=code, cwd=tmp_path).stderr.decode().split())
    assert {"pipeline.cli.check", "pipeline.judge"} <= loaded
    heavy = {
        "sqlalchemy",
        "alembic",
        "imapclient",
        "apscheduler",
        "jinja2",
        "holidays",
        "structlog",
        "openpyxl",
        "rich",
    }
    assert not heavy & loaded


# ---- the page in docs/reference


def test_reference_page_is_up_to_date():
    made = importlib.util.spec_from_file_location("make_cli", ROOT / "docs/reference/make_cli.py")
    module = importlib.util.module_from_spec(made)
    made.loader.exec_module(module)
    assert module.PAGE.read_text("utf-8") == module.page(), "run ./run docs"
