"""Each benchmark runs, at a tiny size, and prints its table. Its figures are for people and never asserted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TINY = {
    "submission.py": (["--entries", "25", "--runs", "1"], "usual: openpyxl, load and compare"),
    "signature.py": (["--sizes", "16", "60", "--runs", "1"], "both, in a child"),
    "certificates.py": (["--entries", "25", "--runs", "1"], "usual: the certificates only, pdfplumber"),
    "reminders.py": (["--certificates", "20", "40"], "us a certificate, first three"),
    "publish.py": (["--entries", "25", "--openpyxl-up-to", "25"], "openpyxl"),
    "intake.py": (["--mails", "3", "--submissions", "1"], "ours, verdict recorded"),
    "polling.py": (["--folders", "5", "20"], "all read"),
    "duplicates.py": (["--entries", "10", "20", "--runs", "1"], "against the shortest"),
}


def test_every_benchmark_is_run_here():
    scripts = {path.name for path in (ROOT / "benchmarks").glob("*.py") if "argparse" in path.read_text("utf-8")}
    assert scripts >= set(TINY)
    named = (ROOT / "benchmarks" / "README.md").read_text("utf-8")
    assert all(f"`{name}`" in named for name in scripts)


@pytest.mark.parametrize("name", TINY)
def test_prints_its_table(name):
    arguments, told = TINY[name]
    ended = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / name, *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    if "not measured" in ended.stdout:
        pytest.skip(ended.stdout)
    assert told in ended.stdout
    heading, *rows = ended.stdout.splitlines()[1:]
    assert len(rows) >= 2
    assert {len(row) for row in rows} == {len(heading)}
