"""One document of a mail read whole in the capped child: its words, and what they say as a certificate or a letter."""

from dataclasses import replace

import msgspec

from pipeline.domain.certificate import CertificateReading
from pipeline.readers.certificate import interpret
from pipeline.readers.document import read_document
from pipeline.readers.paper_request import PaperQuestion


def read_paper(payload: bytes) -> CertificateReading:
    """Answer an encoded PaperQuestion.

    The words themselves stay behind: the values say where they stand. Only with pictures that nobody has read among
    the pages does the document come along, so that OCR can be asked about them (``ocr.read_paper``).
    """
    question = msgspec.msgpack.decode(payload, type=PaperQuestion)
    document = question.document or read_document(question.data)
    kinds = {kind.kind: kind for kind in question.kinds}
    reading = interpret(question.file, question.artefact, document, kinds)
    return reading if any(page.source == "picture" for page in document.pages) else replace(reading, document=None)
