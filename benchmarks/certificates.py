"""A whole submission with its certificates, from the mail's bytes to the decision, and what a page costs each reader.

python benchmarks/certificates.py [--entries 950] [--runs 10]

The form is signed and sent with the list left in it: with 950 entries the workbook has about 300 KB. The usual way is a
script that takes the text of every certificate with pdfplumber and looks for the five values in it.
"""

import argparse
import io
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pdfplumber
import pypdfium2
from timing import milliseconds, table

from pipeline import judge
from pipeline.config import shipped
from pipeline.demo.answers import good_answers
from pipeline.demo.certificates import certificates
from pipeline.demo.form import new_entry_form
from pipeline.demo.mail import File, documents, mail
from pipeline.demo.products import many_entries
from pipeline.demo.trust import sample_trust
from pipeline.demo.workbook import cpl_workbook
from pipeline.domain.judgement import Circumstances, Outcome
from pipeline.domain.product import DEVICE_MODEL, ProductList
from pipeline.domain.signature import TrustMaterial
from pipeline.judge import ListInForce
from pipeline.readers.child import Forked, Readers, Zygote
from pipeline.readers.cpl import read_cpl
from pipeline.readers.document import read_document
from pipeline.readers.message import ReadMail
from pipeline.readers.trust_folder import read_trust_folder
from pipeline.rulebook import Rulebook

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def trusted() -> TrustMaterial:
    """Return the roots and lists that the signer of the form needs."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in sample_trust(NOW).files().items():
            Path(folder, name).write_bytes(data)
        return read_trust_folder(Path(folder), "sample")


def whole(raw: bytes, readers: Readers, rules: Rulebook, listed: ListInForce, trust: TrustMaterial) -> judge.Outcome:
    """Do what the worker does with a mail, but for the mailbox and the ledger."""
    read = readers.message(raw)
    assert isinstance(read, ReadMail)
    on = Circumstances(NOW.date(), at=NOW.strftime("%Y-%m-%dT%H:%M:%SZ"))
    books = tuple(
        replace(
            book,
            closer=judge.look_closer(book.form, read.contents[book.artefact], readers, listed.template, trust, on.at),
        )
        for book in judge.read_workbooks(read.message, read.contents, readers)
    )
    papers = judge.read_papers(read.message, read.contents, readers, rules)
    return judge.judge_mail(read.message, books, rules, on, listed, papers=papers)


def usual(files: list[bytes], values: list[str]) -> list[bool]:
    """Take the text of each certificate with pdfplumber and look for the five values."""
    found = []
    for data in files:
        with pdfplumber.open(io.BytesIO(data)) as document:
            text = "\n".join(page.extract_text() or "" for page in document.pages)
        found.append(all(value in text for value in values))
    return found


def pdfium_text(data: bytes) -> str:
    """Take the text of the first page with PDFium alone."""
    document = pypdfium2.PdfDocument(data)
    text: str = document[0].get_textpage().get_text_range()
    document.close()
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=950, help="entries of the list in the workbook")
    parser.add_argument("--runs", type=int, default=10, help="counted runs of each way")
    given = parser.parse_args()

    rules = Rulebook.load(shipped("rules"))
    list_bytes = cpl_workbook(many_entries(given.entries))
    cpl = read_cpl(list_bytes)
    assert cpl.template is not None
    listed = ListInForce(cpl.template, ProductList("cpl", cpl.template.version, cpl.products))
    answers = good_answers(image=True) | {
        "CPA_Certificate.expiry_date": (NOW + timedelta(days=3 * 365)).strftime("%d/%m/%Y")
    }
    book = sample_trust(NOW).sign(new_entry_form(answers, list_bytes, keep_list=True))
    raw = mail("CPL submission", "Hello.\n", NOW, (File("form.xlsm", book), *documents(answers)))
    trust = trusted()
    pdfs = list(certificates(answers).values())
    values = [str(answers[name]) for name in DEVICE_MODEL]

    with Zygote() as zygote:
        decision = whole(raw, Forked(), rules, listed, trust).decision
        assert decision is not None
        assert decision.outcome is Outcome.ACCEPT
        ways: dict[str, Callable[[], object]] = {
            "whole submission, each file in a forked child": lambda: whole(raw, Forked(), rules, listed, trust),
            "whole submission, through the helper process": lambda: whole(raw, zygote, rules, listed, trust),
            "usual: the certificates only, pdfplumber": lambda: usual(pdfs, values),
            "one page: both readers, visibility and places": lambda: read_document(pdfs[0]),
            "one page: text by pdfplumber": lambda: usual(pdfs[:1], values),
            "one page: text by PDFium": lambda: pdfium_text(pdfs[0]),
        }
        times = {name: milliseconds(work, given.runs) for name, work in ways.items()}
    base = times["usual: the certificates only, pdfplumber"]
    print(f"A signed workbook of {len(book) / 1000:.0f} KB with {len(pdfs)} one-page certificates")
    rows = [[name, f"{ms:.1f}", f"{ms / base:.2f}"] for name, ms in times.items()]
    print(table(("way", "ms", "times the usual"), rows))


if __name__ == "__main__":
    main()
