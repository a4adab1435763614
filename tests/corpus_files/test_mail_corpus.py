"""Other people's mails, workbooks and PDFs through the capped child: each ends as a ReadMail or a Problem."""

import time
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from pipeline.domain.message import Problem
from pipeline.readers.child import Forked
from pipeline.readers.jobs import ChildLimits
from pipeline.readers.message import ReadMail

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus"
LIMITS = ChildLimits(wall=20.0, memory=1 << 30)

pytestmark = pytest.mark.real


def files(folder: str) -> list[Path]:
    found = sorted(path for path in (CORPUS / folder).rglob("*") if path.is_file())
    if not found:
        pytest.skip(f"the corpus of odd files is not beside this checkout (../shared/corpus/{folder})")
    return found


def attached(path: Path) -> bytes:
    message = EmailMessage()
    message["From"] = "jo@maker.example"
    message["Subject"] = "New entry"
    message.set_content("Please find attached.")
    message.add_attachment(path.read_bytes(), maintype="application", subtype="octet-stream", filename=path.name)
    return message.as_bytes()


def read_all(mails: Iterator[tuple[Path, bytes]]) -> dict[Path, ReadMail | Problem]:
    readers = Forked(LIMITS)
    results: dict[Path, ReadMail | Problem] = {}
    for path, raw in mails:
        started = time.monotonic()
        results[path] = readers.message(raw)
        assert time.monotonic() - started < 20, path
    return results


def test_every_mail_of_the_corpus_is_read():
    paths = files("mail")
    results = read_all((path, path.read_bytes()) for path in paths)
    assert len(results) == 179
    refused = {path.name: result for path, result in results.items() if isinstance(result, Problem)}
    assert refused == {}
    read = {path: result.message for path, result in results.items() if isinstance(result, ReadMail)}
    assert not [path for path, message in read.items() if any(found.kind == "crash" for found in message.problems)]
    assert Counter(file.kind for message in read.values() for file in message.attachments) == {
        "text": 37,
        "mail": 25,
        "other": 11,
        "image": 7,
        "pdf": 8,
        "zip": 1,
    }
    assert Counter(problem.kind for message in read.values() for problem in message.problems) == {
        "damaged": 12,
        "unsupported": 2,
    }
    assert Counter(reason for message in read.values() for reason in message.automatic) == {
        "bounce": 10,
        "daemon": 8,
        "auto-submitted": 6,
        "list": 5,
        "no-return-path": 4,
    }
    nameless = [path for path, message in read.items() if path.suffix in {".eml", ".txt"} and not message.senders]
    assert len(nameless) == 12  # no From, or one with no address in it


@pytest.mark.parametrize(
    ("folder", "step", "expected"),
    [
        ("xlsx", 4, {"workbook": 87, "zip": 3}),
        ("pdf", 4, {"pdf": 76}),
        ("signed", 1, {"other": 6}),  # Word and PowerPoint files
    ],
)
def test_files_of_the_corpus_as_attachments(folder, step, expected):
    paths = files(folder)[::step]
    results = read_all((path, attached(path)) for path in paths)
    kinds: Counter[str] = Counter()
    for path, result in results.items():
        assert isinstance(result, ReadMail), (path, result)
        first = result.message.attachments[0]
        assert result.contents[first.sha256] == path.read_bytes()
        kinds[first.kind] += 1
    assert kinds == expected
