"""The house rules that no linter holds: sizes, names, reasons, floors, and what may stand in no file."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "pipeline").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
CODE = [*MODULES, *TESTS, *sorted((ROOT / "benchmarks").rglob("*.py")), *sorted((ROOT / "docs").rglob("*.py"))]

MACHINE = re.compile("|".join((r"/wo" + r"rk/", r"/ro" + r"ot/", r"/tm" + r"p/br" + r"ief")))
"""Paths of the machines that this was written on, put together so that this file does not hold them."""
INDEX = re.compile(
    "|".join((r"--(?:extra-)?index-" + r"url[ =]", r"pypi\." + r"org/simple", r"files\.python" + r"hosted"))
)


def names(paths: list[Path]) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in paths]


def tracked() -> list[Path]:
    """Every file of the repository, as git lists it; an unpacked copy without git has nothing to ask."""
    asked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if asked.returncode:
        pytest.skip("this is no git checkout, so nobody can say which files belong to it")
    return [ROOT / name for name in asked.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def test_modules_stay_short():
    assert names([path for path in MODULES if len(path.read_text("utf-8").splitlines()) > 350]) == []
    assert names([path for path in TESTS if len(path.read_text("utf-8").splitlines()) > 600]) == []


def test_no_module_is_a_drawer():
    drawers = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert names([path for path in CODE if path.stem in drawers or path.parent.name in drawers]) == []


def test_nothing_is_left_to_do():
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b(?!:)")
    assert names([path for path in CODE if marks.search(path.read_text("utf-8"))]) == []


def test_every_exception_to_a_rule_has_its_reason():
    bare = re.compile(r"#\s*(noqa(?!: [A-Z]+\d+(, ?[A-Z]+\d+)* - \S)|type: ignore(?!\[[a-z-]+\](  # \S| - \S|$)))")
    places = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in CODE
        if path != Path(__file__)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if bare.search(line)
    ]
    assert places == []


def test_every_module_says_what_it_is_for():
    assert names([path for path in MODULES if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]) == []


def test_nothing_is_pickled():
    imported = re.compile(r"^\s*(import|from) pickle", re.MULTILINE)
    assert names([path for path in MODULES if imported.search(path.read_text("utf-8"))]) == []


def test_no_file_knows_this_machine_or_an_index():
    found = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", "replace")
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in (*MACHINE.finditer(text), *INDEX.finditer(text))]
    assert found == []


def test_the_floors_hold():
    program = Path(sys.executable).parent / "lint-imports"
    asked = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stdout + asked.stderr


def test_every_mail_has_its_folder_whole():
    files = {"subject.txt.j2", "body.txt.j2", "body.html.j2"}
    folders = [folder for folder in (ROOT / "templates").iterdir() if folder.name != "_base"]
    assert {folder.name for folder in folders} == {
        "accepted",
        "amendment-received",
        "expired-ssc",
        "notice-dcc",
        "notice-list",
        "notice-party",
        "notice-ssc",
        "question",
        "rejected",
        "set-aside",
        "reminder-expiry",
        "reminder-renewal",
        "reminder-trial",
        "unreadable",
    }
    assert {folder.name: {file.name for file in folder.iterdir()} for folder in folders} == {
        folder.name: files for folder in folders
    }


def test_the_rules_are_all_there():
    shipped = {path.name for path in (ROOT / "rules").iterdir() if path.is_file()}
    assert shipped >= {
        "assurance.yaml",
        "checks.yaml",
        "decision.yaml",
        "device_level_versions.csv",
        "form-3.000.yaml",
        "form.yaml",
        "kinds.yaml",
        "manufacturers.csv",
    }
