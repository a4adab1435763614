"""The readers behind a wall: every byte from a mail is parsed only in a capped child process (law 6)."""

import os
import signal
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Self

import msgspec

from pipeline.domain.bounce import Bounces
from pipeline.domain.certificate import CertificateReading
from pipeline.domain.document import Document
from pipeline.domain.form import Form
from pipeline.domain.macro import MacroReading
from pipeline.domain.message import Problem
from pipeline.domain.signature import SignatureQuestion, SignatureReading
from pipeline.readers.cpl import CplReading
from pipeline.readers.crop_request import CropQuestion, png_of
from pipeline.readers.fork import run_forked
from pipeline.readers.jobs import (
    BOUNCES,
    CONTACTS,
    CPL,
    CROP,
    DOCUMENT,
    DZIR,
    FIR,
    FORM,
    JOBS,
    MACRO,
    MESSAGE,
    OCR,
    PAPER,
    SIGNATURE,
    ChildLimits,
    Job,
    Value,
    value_of,
)
from pipeline.readers.message import ReadMail
from pipeline.readers.ocr_request import OcrQuestion, ScannedPage
from pipeline.readers.paper_request import PaperQuestion, reading_of
from pipeline.readers.repository import RepositoryReading
from pipeline.readers.zygote import Reply, Request, receive, send

_START = 30.0  # seconds the helper may take to import the readers on a cold, busy machine
_SPARE = 5.0  # seconds beyond a job's own wall clock before the helper itself is taken for stuck


class Readers(ABC):
    """The readers as the floors above see them: each question is one job of a capped child."""

    @abstractmethod
    def run(self, job: Job[Value], payload: bytes) -> Value | Problem:
        """Run a job; a Problem where the child did not come back with an answer."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what was started. Never raises."""

    def message(self, raw: bytes) -> ReadMail | Problem:
        """Read one mail."""
        return self.run(MESSAGE, raw)

    def form(self, data: bytes) -> Form | Problem:
        """Read the New Entry form of one workbook."""
        return self.run(FORM, data)

    def cpl(self, data: bytes) -> CplReading | Problem:
        """Read a Central Products List workbook."""
        return self.run(CPL, data)

    def fir(self, data: bytes) -> RepositoryReading | Problem:
        """Read a Firmware Information Repository."""
        return self.run(FIR, data)

    def dzir(self, data: bytes) -> RepositoryReading | Problem:
        """Read a Device ZigBee Information Repository."""
        return self.run(DZIR, data)

    def contacts(self, data: bytes) -> RepositoryReading | Problem:
        """Read a list of contacts."""
        return self.run(CONTACTS, data)

    def bounces(self, mail: bytes) -> Bounces | Problem:
        """Read what a mail says of mails that came back."""
        return self.run(BOUNCES, mail)

    def macro(self, workbook: bytes) -> MacroReading | Problem:
        """Read the modules of a workbook's macro."""
        return self.run(MACRO, workbook)

    def signature(self, question: SignatureQuestion) -> SignatureReading | Problem:
        """Read the digital signatures of one workbook."""
        return self.run(SIGNATURE, msgspec.msgpack.encode(question))

    def document(self, data: bytes) -> Document | Problem:
        """Read the words of one file that may be a certificate or a letter."""
        return self.run(DOCUMENT, data)

    def paper(self, question: PaperQuestion) -> CertificateReading:
        """Read one file as a certificate or a letter; what stands for it where the child did not come back."""
        return reading_of(question, self.run(PAPER, msgspec.msgpack.encode(question)))

    def crop(self, question: CropQuestion) -> bytes | Problem:
        """Show a place on a page, as PNG."""
        return png_of(self.run(CROP, msgspec.msgpack.encode(question)))

    def scan(self, question: OcrQuestion) -> ScannedPage | Problem:
        """Read one scanned page by OCR; takes seconds."""
        return self.run(OCR, msgspec.msgpack.encode(question))


class ReadersUnavailable(Exception):  # noqa: N818 - named for the fact, as the ports are
    """The helper process cannot be started: our own trouble, and no fault of any mail."""


class Forked(Readers):
    """Readers for a process with one thread, such as the command line: each job is a child of this process."""

    def __init__(self, limits: ChildLimits = ChildLimits()) -> None:  # noqa: B008 - a frozen value
        """Limits: of each job."""
        self._limits = limits

    def run(self, job: Job[Value], payload: bytes) -> Value | Problem:
        """Run any job."""
        return run_forked(job, payload, job.limits or self._limits)

    def close(self) -> None:
        """Do nothing: no child outlives its job."""


class Zygote(Readers):
    """Readers for a process with threads: a clean helper process forks the children. Safe to share between threads.

    The helper gets an environment with nothing but where to find modules, so no secret of the worker's is in reach of
    a hostile file. It is started at the first job, and again whenever it has died.
    """

    def __init__(
        self,
        limits: ChildLimits = ChildLimits(),  # noqa: B008 - a frozen value
        jobs: Mapping[str, Job[object]] = JOBS,
    ) -> None:
        """Limits: of each job. jobs: all that the helper may be asked to do."""
        self._limits = limits
        self._targets = tuple(job.target for job in jobs.values())
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Use as a context manager to be sure that the helper is gone afterwards."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    @property
    def pid(self) -> int | None:
        """The helper's process id, where it has been started."""
        return self._process.pid if self._process else None

    def run(self, job: Job[Value], payload: bytes) -> Value | Problem:
        """Run a job of the given table. A helper that dies over it is started anew and asked once more."""
        if job.target not in self._targets:
            raise ValueError(f"{job.target} is not among the jobs this helper was given.")
        request = Request(job.target, payload, job.limits or self._limits)
        with self._lock:
            reply = self._ask(request) or self._ask(request)
        if reply is None:
            return Problem("crash", "The reading process died on it twice; it may be damaged, or made to do harm.")
        return value_of(job, reply.problem or reply.value or b"")

    def close(self) -> None:
        """End the helper. Never raises; a later job would start a new one."""
        with self._lock:
            self._end()

    def _ask(self, request: Request) -> Reply | None:
        """Ask the helper once; None where it died. The watch kills a helper that is stuck, which ends the waiting."""
        process = self._started()
        patience = request.limits.wall + _SPARE
        deadline = time.monotonic() + patience
        watch = threading.Timer(patience, _kill, [process])
        watch.start()
        try:
            send(_stream(process.stdin), request)
            frame = receive(_stream(process.stdout))
            reply = None if frame is None else msgspec.msgpack.decode(frame, type=Reply)
        except (OSError, msgspec.MsgspecError):
            reply = None
        finally:
            watch.cancel()
        if reply is None:
            self._end()
            if time.monotonic() >= deadline:
                text = f"Reading it took longer than {request.limits.wall:g} seconds and was stopped."
                return Reply(problem=Problem("timeout", text))
        return reply

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process and self._process.poll() is None:
            return self._process
        self._end()
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module, with names from the job table
            [sys.executable, "-P", "-m", "pipeline.readers.zygote", *self._targets],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": os.pathsep.join(path or os.curdir for path in sys.path)},
            start_new_session=True,
        )
        self._process = process
        watch = threading.Timer(_START, _kill, [process])
        watch.start()
        ready = receive(_stream(process.stdout))
        watch.cancel()
        if ready is None:
            self._end()
            raise ReadersUnavailable("The reading process did not start; what it wrote to standard error says why.")
        return process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        _kill(process)  # it holds nothing: every job can be asked again
        process.wait()
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):
                _stream(stream).close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the helper and the child it may have: they are the one process group of its own session."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ReadersUnavailable("The reading process was started without pipes.")
    return stream
