"""Other people's odd, damaged and hostile PDF files through the capped child: each ends as a Document."""

import time
from collections import Counter
from pathlib import Path

import pytest

from pipeline.domain.document import Document
from pipeline.readers.child import Forked
from pipeline.readers.jobs import ChildLimits

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus" / "pdf"

pytestmark = [pytest.mark.real, pytest.mark.slow]


def test_every_pdf_of_the_corpus_ends_in_a_reading():
    paths = sorted(CORPUS.rglob("*.pdf"))
    if not paths:
        pytest.skip("the corpus of odd files is not beside this checkout (../shared/corpus/pdf)")
    assert len(paths) == 300
    readers = Forked(ChildLimits(wall=20.0, memory=1 << 30))
    documents: dict[str, Document] = {}
    for path in paths:
        started = time.monotonic()
        answer = readers.document(path.read_bytes())
        assert time.monotonic() - started < 20, path
        assert isinstance(answer, Document), (path, answer)
        assert answer.pages or answer.problems, path
        documents[path.name] = answer
    problems: Counter[str] = Counter()
    for document in documents.values():
        problems.update({problem.kind for problem in document.problems})
    assert problems["encrypted"] == 10
    assert 30 < problems["damaged"] < 60
    words = [word for document in documents.values() for page in document.pages for word in page.words]
    assert len(words) > 2_000
    assert sum(word.confirmed for word in words) > 1_700
    reasons = {item.why for document in documents.values() for item in document.unseen}
    assert reasons >= {"annotation", "form-field", "clipped", "covered", "invisible", "off-page", "same-colour", "tiny"}
    stamped = documents["annotation_stamp_with_ap.pdf"]
    assert any(item.why == "covered" for item in stamped.unseen)
    assert documents["hello_world.pdf"].unseen == ()
