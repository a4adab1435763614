"""Scanned pages and pictures, read by OCR: the side of it that asks.

The reading itself is the job ``OCR`` of the capped child, one job to a page, so that whoever waits can be told how far
it has come. Two engines read: RapidOCR (the extra ``[ocr]``) and Tesseract (a program of its own). A word is confirmed
only where both read the same characters in the same place; on a page that one engine read, none is.
"""

import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Protocol

from pipeline.domain.certificate import CertificateReading
from pipeline.domain.document import Document, Page
from pipeline.domain.message import Problem
from pipeline.readers.ocr_request import Engines, OcrQuestion, ScannedPage
from pipeline.readers.paper_request import PaperQuestion

MOST_PAGES = 20
"""Scanned pages of one file that are read; each takes seconds."""

MOST_OF_MAIL = 60
"""Scanned pages of all files of one mail that are read."""

INSTALL_RAPIDOCR = "pip install 'secas-cpl-pipeline[ocr]'"
INSTALL_TESSERACT = "apt install tesseract-ocr"

_PACKAGES = ("rapidocr", "onnxruntime")

_OVER = ("timeout", "memory", "crash")
"""Kinds of Problem after which no other page of a file is tried: the next would most likely take as long."""

_VERSION_PATIENCE = 10.0  # seconds

Progress = Callable[[str, int, int], None]
"""Told before each page: the file, which of its scanned pages comes now, from 1, and how many of them are read."""


class Scanner(Protocol):
    """Reads one scanned page in a capped child."""

    def scan(self, question: OcrQuestion) -> ScannedPage | Problem:
        """Read one page; a Problem where the child did not come back with an answer."""
        ...


class PaperScanner(Scanner, Protocol):
    """Reads certificates and letters, and scanned pages, in a capped child."""

    def paper(self, question: PaperQuestion) -> CertificateReading:
        """Read one document; where the child did not come back, the reading says so."""
        ...


def installed_engines() -> Engines:
    """Return the OCR engines that are installed; looks for them without importing or starting any."""
    packages = all(find_spec(name) is not None for name in _PACKAGES)
    return Engines(packages, shutil.which("tesseract") or "")


def engines_of(papers: Iterable[CertificateReading]) -> tuple[str, ...]:
    """Return the installed engines with their versions where they have read any of these; empty where none did.

    For ``Circumstances.ocr``: for example ``("rapidocr 3.10.0", "onnxruntime 1.31.1", "tesseract 5.3.0")``.
    """
    if not any(paper.source == "ocr" for paper in papers):
        return ()
    engines = installed_engines()
    packages = [f"{name} {_package_version(name)}" for name in _PACKAGES] if engines.rapidocr else []
    return (*packages, *([_tesseract_version(engines.tesseract)] if engines.tesseract else []))


def _package_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "of unknown version"


def _tesseract_version(program: str) -> str:
    """Return the first line that the program prints of itself, ``tesseract 5.3.0``."""
    try:
        done = subprocess.run(  # noqa: S603 - the installed program, with nothing of the mail's
            [program, "--version"], capture_output=True, timeout=_VERSION_PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return "tesseract of unknown version"
    return done.stdout.decode("utf-8", "replace").partition("\n")[0].strip() or "tesseract of unknown version"


def untold(_file: str, _number: int, _count: int) -> None:
    """Tell nobody of the progress."""


def read_papers(
    questions: Iterable[PaperQuestion], reader: PaperScanner, progress: Progress = untold
) -> tuple[CertificateReading, ...]:
    """Read the files of one mail as ``read_paper`` does, with a limit on the scanned pages of all of them."""
    left = MOST_OF_MAIL

    def counted(file: str, number: int, count: int) -> None:
        nonlocal left
        left -= 1
        progress(file, number, count)

    return tuple(read_paper(question, reader, counted, most=min(left, MOST_PAGES)) for question in questions)


def read_paper(
    question: PaperQuestion,
    reader: PaperScanner,
    progress: Progress = untold,
    *,
    engines: Engines | None = None,
    most: int = MOST_PAGES,
) -> CertificateReading:
    """Read one file of a mail as a certificate or a letter, its scanned pages by OCR; what it says is then ``ocr``.

    engines: those installed, unless given. most: scanned pages that are read. Costs nothing beyond ``reader.paper``
    where there is no scanned page.
    """
    reading = reader.paper(question)
    if reading.document is None:
        return reading
    tell = partial(progress, question.file)
    document = read_scans(reading.document, question.data, reader, tell, engines=engines, most=most)
    return replace(reader.paper(replace(question, data=b"", document=document)), document=None)


def read_scans(
    document: Document,
    data: bytes,
    scanner: Scanner,
    tell: Callable[[int, int], None] = lambda _number, _count: None,
    *,
    engines: Engines | None = None,
    most: int = MOST_PAGES,
) -> Document:
    """Return a document with its unread pictures read by OCR; what could not be read is told by its problems.

    document: as read from ``data``. tell: as Progress, without the file. engines: those installed, unless given.
    most: pages that are read. Pages with text stay as they are; nothing is raised for anything in the file.
    """
    scans = [page.number for page in document.pages if page.source == "picture"]
    if not scans:
        return document
    engines = installed_engines() if engines is None else engines
    if not engines:
        return replace(document, problems=(*document.problems, _no_engine(scans)))
    pages = {page.number: page for page in document.pages}
    problems = list(document.problems)
    wanted = scans[:most]
    for count, number in enumerate(wanted, 1):
        tell(count, len(wanted))
        answer = scanner.scan(OcrQuestion(data, number, engines))
        page, met = _scanned(answer, number)
        pages[number] = page or pages[number]
        problems += met
        if isinstance(answer, Problem) and answer.kind in _OVER:
            problems += _left(scans, count)
            break
    else:
        problems += _left(scans, len(wanted))
    problems += _missing_engine(engines)
    return replace(document, pages=tuple(pages.values()), problems=tuple(problems))


def _left(scans: list[int], tried: int) -> tuple[Problem, ...]:
    """Tell of the scanned pages that come after those that were tried."""
    if tried == len(scans):
        return ()
    if tried == 0:
        done = "none was tried, as the mail's other files have too many"
    else:
        done = "only the first was tried" if tried == 1 else f"only the first {tried} were tried"
    return (Problem("limit", f"{_pages(scans)}; {done}.", f"page {scans[tried]}"),)


def _pages(scans: list[int]) -> str:
    return f"Page {scans[0]} is a scan" if len(scans) == 1 else f"{len(scans)} pages are scans"


def _scanned(answer: ScannedPage | Problem, number: int) -> tuple[Page | None, tuple[Problem, ...]]:
    """Return the page where something was read on it, and what is to be told of it."""
    where = f"page {number}"
    if isinstance(answer, Problem):
        return None, (replace(answer, text=f"Page {number} is a scan that was not read: {answer.text}", where=where),)
    if answer.page and answer.page.words:
        return answer.page, answer.problems
    if answer.problems:
        return None, answer.problems
    text = f"Page {number} is a picture in which no text could be read; a person must look at it."
    return None, (Problem("unsupported", text, where),)


def _no_engine(scans: list[int]) -> Problem:
    text = (
        f"{_pages(scans)} without text, and no OCR engine is installed to read it; "
        f"install both with: {INSTALL_RAPIDOCR} and {INSTALL_TESSERACT}."
    )
    return Problem("unsupported", text, f"page {scans[0]}")


def _missing_engine(engines: Engines) -> tuple[Problem, ...]:
    if engines.rapidocr and engines.tesseract:
        return ()
    only, other, install = (
        ("RapidOCR", "Tesseract", INSTALL_TESSERACT)
        if engines.rapidocr
        else ("Tesseract", "RapidOCR", INSTALL_RAPIDOCR)
    )
    text = f"Only {only} has read the scan, so nothing read there is confirmed; install {other} with: {install}."
    return (Problem("unsupported", text),)
