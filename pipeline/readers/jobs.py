"""What a capped child may be asked to do: named functions from bytes to a value, and how the value crosses the pipe.

Values cross as MessagePack of a declared type and are checked against it on arrival; never as pickle, which would
let a subverted child run code in its parent.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from pipeline.domain.bounce import Bounces
from pipeline.domain.certificate import CertificateReading
from pipeline.domain.document import Document
from pipeline.domain.form import Form
from pipeline.domain.macro import MacroReading
from pipeline.domain.message import Problem
from pipeline.domain.signature import SignatureReading
from pipeline.readers.cpl import CplReading
from pipeline.readers.crop_request import Crop
from pipeline.readers.message import ReadMail
from pipeline.readers.ocr_request import ScannedPage
from pipeline.readers.repository import RepositoryReading

T_co = TypeVar("T_co", covariant=True)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """What one job may use.

    wall: seconds from fork to answer, and as much CPU time. memory: octets above what the parent already had mapped.
    result: octets of the encoded answer.
    """

    wall: float = 20.0
    memory: int = 1 << 30
    result: int = 192 << 20


@dataclass(frozen=True, slots=True)
class Job(Generic[T_co]):
    """One thing to ask. target: ``module:function``, from bytes to a value of the type ``result``.

    limits: of its own, for a job that the usual ones do not fit.
    """

    target: str
    result: type[T_co]
    limits: ChildLimits | None = None


MESSAGE: Job[ReadMail] = Job("pipeline.readers.message:read_message", ReadMail)
FORM: Job[Form] = Job("pipeline.readers.form:read_form", Form)
CPL: Job[CplReading] = Job("pipeline.readers.cpl:read_cpl", CplReading)
SIGNATURE: Job[SignatureReading] = Job("pipeline.readers.signature:read_signature_bytes", SignatureReading)
MACRO: Job[MacroReading] = Job("pipeline.readers.macro:read_macro", MacroReading)
DOCUMENT: Job[Document] = Job("pipeline.readers.document:read_document", Document)
PAPER: Job[CertificateReading] = Job("pipeline.readers.paper:read_paper", CertificateReading)
CROP: Job[Crop] = Job("pipeline.readers.crop:crop_bytes", Crop)
OCR: Job[ScannedPage] = Job("pipeline.readers.ocr_page:scan_page", ScannedPage, ChildLimits(wall=120.0, memory=3 << 30))
FIR: Job[RepositoryReading] = Job("pipeline.readers.repository:read_fir", RepositoryReading)
DZIR: Job[RepositoryReading] = Job("pipeline.readers.repository:read_dzir", RepositoryReading)
CONTACTS: Job[RepositoryReading] = Job("pipeline.readers.repository:read_contacts", RepositoryReading)
BOUNCES: Job[Bounces] = Job("pipeline.readers.bounce:read_bounces", Bounces)

JOBS: Mapping[str, Job[object]] = {
    "message": MESSAGE,
    "form": FORM,
    "cpl": CPL,
    "signature": SIGNATURE,
    "macro": MACRO,
    "document": DOCUMENT,
    "paper": PAPER,
    "crop": CROP,
    "ocr": OCR,
    "fir": FIR,
    "dzir": DZIR,
    "contacts": CONTACTS,
    "bounces": BOUNCES,
}
"""The jobs of the product. Nothing outside a given table is ever imported or called."""


def resolve(target: str) -> Callable[[bytes], object]:
    """Import the function of a job. Raises ImportError or AttributeError: our own mistake, not the payload's."""
    module, _, function = target.partition(":")
    found: Callable[[bytes], object] = getattr(importlib.import_module(module), function)
    return found


def value_of(job: Job[Value], answer: bytes | memoryview | Problem) -> Value | Problem:
    """Decode a child's answer, checking it against the job's type."""
    if isinstance(answer, Problem):
        return answer
    try:
        return msgspec.msgpack.decode(answer, type=job.result)
    except msgspec.MsgspecError:
        return Problem("crash", "The reader gave an answer that is not what it should be; a person must look.")
