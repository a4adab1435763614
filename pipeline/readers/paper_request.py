"""What is asked of the job that reads a certificate or a letter; apart from it, to be had without PDFium."""

from dataclasses import dataclass

from pipeline.domain.certificate import CertificateReading
from pipeline.domain.document import Document
from pipeline.domain.message import Problem
from pipeline.rulebook.certificates import CertificateKind


@dataclass(frozen=True, slots=True)
class PaperQuestion:
    """What to read. file: its path in the mail. artefact: sha256 of data. kinds: the most specific first.

    The kinds come with the question, as a judgement may be derived again under earlier rules.
    document: its words, where they have been read already; data is not looked at then.
    """

    file: str
    artefact: str
    data: bytes
    kinds: tuple[CertificateKind, ...]
    document: Document | None = None


def reading_of(question: PaperQuestion, answer: CertificateReading | Problem) -> CertificateReading:
    """Return the reading; what stands for one where the reader did not come back."""
    if isinstance(answer, Problem):
        return CertificateReading(question.file, question.artefact, "", source="none", problems=(answer,))
    return answer
