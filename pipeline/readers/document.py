"""A file that may be a certificate or a letter, read by what it is: PDF, picture, or Word file."""

from pipeline.domain.document import Document
from pipeline.domain.message import Problem
from pipeline.readers.pdf import PdfLimits, read_pdf
from pipeline.readers.picture import MAGIC, read_picture
from pipeline.readers.word_file import read_word_file

_HEAD = 1_024  # the first octets, among which the header of a PDF must be (ISO 32000-1, Annex H, note 13)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
_ZIP = b"PK\x03\x04"


def is_pdf(data: bytes) -> bool:
    """Say whether the octets are those of a PDF file."""
    return b"%PDF-" in data[:_HEAD]


def read_document(data: bytes, limits: PdfLimits = PdfLimits()) -> Document:  # noqa: B008 - a frozen value
    """Read a file. What cannot be read is told by the Document's problems; no octets make it raise."""
    if is_pdf(data):
        return read_pdf(data, limits)
    if data.startswith(MAGIC):
        return read_picture(data, limits.pages)
    if data.startswith(_ZIP):
        return read_word_file(data)
    return Document((), problems=(_refusal(data),))


def _refusal(data: bytes) -> Problem:
    if not data:
        return Problem("damaged", "The file is empty; ask for it to be sent again.")
    if data.startswith(_OLE) and _ENCRYPTED_STREAM in data:
        return Problem("encrypted", "The Word file is protected with a password; ask for a PDF without one.")
    if data.startswith(_OLE):
        return Problem("unsupported", "The file is in the old Word format (.doc); ask for a PDF.")
    return Problem("unsupported", "The file is no PDF, PNG, JPEG, TIFF or Word (.docx) file; ask for a PDF.")
