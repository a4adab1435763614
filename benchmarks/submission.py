"""One submission from bytes to findings, beside the usual way and beside the least that any program must do.

python benchmarks/submission.py [--entries 950] [--runs 20]

The form is sent with the list left in it, as most are: with 950 entries the workbook has about 300 KB.
"""

import argparse
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from pathlib import Path
from xml.parsers import expat

from openpyxl import load_workbook
from timing import milliseconds, table

from pipeline.checks.matter import Matter
from pipeline.config import shipped
from pipeline.demo.answers import good_answers
from pipeline.demo.form import new_entry_form
from pipeline.demo.package import Package
from pipeline.demo.products import many_entries
from pipeline.demo.tabs import part_of
from pipeline.demo.workbook import FORM_TAB, cpl_workbook
from pipeline.domain.form import Form
from pipeline.domain.judgement import Circumstances, Judged
from pipeline.domain.message import Problem
from pipeline.domain.product import ProductList
from pipeline.judge import judge_submission
from pipeline.readers.child import Forked, Zygote
from pipeline.readers.cpl import CplReading, read_cpl
from pipeline.readers.form import read_form
from pipeline.readers.submission import assemble
from pipeline.rulebook import Rulebook

COLD_USUAL = """
import sys
from openpyxl import load_workbook
sheet = load_workbook(sys.argv[1])["CPL - New Entry"]
{row: sheet.cell(row, 7).value for row in range(1, sheet.max_row + 1)}
"""
COLD_OURS = """
import sys
from datetime import date
from pathlib import Path
from pipeline.checks.matter import Matter
from pipeline.config import shipped
from pipeline.domain.judgement import Circumstances
from pipeline.domain.product import ProductList
from pipeline.judge import judge_submission
from pipeline.readers.child import Forked
from pipeline.readers.submission import assemble
from pipeline.rulebook import Rulebook
rules = Rulebook.load(shipped("rules"))
form = Forked().form(Path(sys.argv[1]).read_bytes())
submission = assemble("form.xlsm", "0" * 64, form, rules=rules, template=None)
products = ProductList("", "", ())
judge_submission(Matter(submission, rules, Circumstances(date(2026, 11, 20)), None, products, batch=(submission,)))
"""


def floor(data: bytes, part: str) -> None:
    """Unpack the one sheet of the form and run it through a parser that does nothing with it."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        expat.ParserCreate().Parse(package.read(part), True)


def usual(data: bytes, answers: dict[int, object]) -> list[int]:
    """Do it as it is usually done: load the workbook, take column G row by row, compare."""
    sheet = load_workbook(io.BytesIO(data))[FORM_TAB]
    return [row for row, value in answers.items() if sheet.cell(row, 7).value != value]


def judged(form: Form | Problem, data: bytes, rules: Rulebook, cpl: CplReading, products: ProductList) -> Judged:
    """Do everything that follows the reading."""
    assert isinstance(form, Form)
    digest = sha256(data).hexdigest()
    submission = assemble("form.xlsm", digest, form, rules=rules, template=cpl.template)
    on = Circumstances(date(2026, 11, 20), cpl=products.artefact)
    return judge_submission(Matter(submission, rules, on, cpl.template, products, batch=(submission,)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=950, help="entries of the list in the workbook")
    parser.add_argument("--runs", type=int, default=20, help="counted runs of each way")
    given = parser.parse_args()

    rules = Rulebook.load(shipped("rules"))
    list_bytes = cpl_workbook(many_entries(given.entries))
    cpl = read_cpl(list_bytes)
    assert cpl.template is not None
    products = ProductList(cpl.template.artefact, cpl.template.version, cpl.products)
    data = new_entry_form(good_answers(image=True), list_bytes, keep_list=True)
    part = part_of(Package.read(data), FORM_TAB)
    sheet = load_workbook(io.BytesIO(data))[FORM_TAB]
    answers: dict[int, object] = {row: sheet.cell(row, 7).value for row in range(7, sheet.max_row + 1)}

    with Zygote() as zygote, tempfile.TemporaryDirectory() as folder:
        file, list_file = Path(folder, "form.xlsm"), Path(folder, "cpl.xlsm")
        file.write_bytes(data)
        list_file.write_bytes(list_bytes)

        def new(*words: str) -> Callable[[], object]:
            command = [sys.executable, *words, str(file)]
            return lambda: subprocess.run(command, capture_output=True, check=False, timeout=120)

        warm: dict[str, Callable[[], object]] = {
            "floor: unzip and expat of the one sheet": lambda: floor(data, part),
            "ours, read and judged in this process": lambda: judged(read_form(data), data, rules, cpl, products),
            "ours, read in a forked child": lambda: judged(Forked().form(data), data, rules, cpl, products),
            "ours, read in a child of the helper": lambda: judged(zygote.form(data), data, rules, cpl, products),
            "usual: openpyxl, load and compare": lambda: usual(data, answers),
        }
        cold = {
            "cold: an interpreter that does nothing": new("-c", "pass"),
            "cold: ours, without command line and list": new("-c", COLD_OURS),
            "cold: pipeline check": new("-m", "pipeline", "check"),
            "cold: pipeline check --cpl": new("-m", "pipeline", "check", "--cpl", str(list_file)),
            "cold: usual, openpyxl": new("-c", COLD_USUAL),
        }
        times = {name: milliseconds(work, given.runs) for name, work in warm.items()}
        times |= {name: milliseconds(work, max(1, given.runs // 4)) for name, work in cold.items()}
    base = next(iter(times.values()))
    peer = times["usual: openpyxl, load and compare"]
    print(f"One submission, a workbook of {len(data) / 1000:.0f} KB with a list of {given.entries} entries")
    rows = [[name, f"{ms:.1f}", f"{ms / base:.1f}", f"{peer / ms:.1f}"] for name, ms in times.items()]
    print(table(("way", "ms", "times the floor", "faster than usual"), rows))


if __name__ == "__main__":
    main()
