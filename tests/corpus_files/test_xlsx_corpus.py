"""Other people's odd workbooks through the capped child: each ends as a Form, clean or with one Problem in words."""

import time
from collections import Counter
from pathlib import Path

import pytest

from pipeline.domain.form import Form
from pipeline.readers.child import Forked
from pipeline.readers.jobs import ChildLimits

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus"
LIMITS = ChildLimits(wall=20.0, memory=1 << 30)

pytestmark = pytest.mark.real


def forms(folder: str) -> dict[str, Form]:
    paths = sorted(path for path in (CORPUS / folder).rglob("*.*") if path.suffix != ".md")
    if not paths:
        pytest.skip(f"the corpus of odd files is not beside this checkout (../shared/corpus/{folder})")
    found: dict[str, Form] = {}
    for path in paths:
        started = time.monotonic()
        form = Forked(LIMITS).form(path.read_bytes())
        assert time.monotonic() - started < 20, path
        assert isinstance(form, Form), (path, form)
        assert all(len(problem.text) < 250 for problem in form.problems), path
        found[path.name] = form
    return found


def kinds(found: dict[str, Form]) -> Counter[str]:
    return Counter(problem.kind for form in found.values() for problem in form.problems)


def test_every_workbook_of_the_corpus_is_read():
    found = forms("xlsx")
    assert len(found) == 358
    assert kinds(found) == {"damaged": 19, "encrypted": 7, "unsupported": 2}
    whole = [form for form in found.values() if not form.problems]
    assert len(whole) == 330
    assert all(form.tabs for form in whole)
    assert [form.tab for form in whole if form.rows] == []
    assert sum(form.macro_enabled for form in whole) == 14


def test_every_signed_document_is_said_to_be_no_workbook():
    found = forms("signed")
    assert len(found) == 6
    assert {problem.text for form in found.values() for problem in form.problems} == {
        "the file is an Office package but not an Excel workbook"
    }
