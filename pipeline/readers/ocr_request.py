"""What is asked of the job that reads a scanned page, and its answer; apart from it, to be had without its engines."""

from dataclasses import dataclass

from pipeline.domain.document import Page
from pipeline.domain.message import Problem


@dataclass(frozen=True, slots=True)
class Engines:
    """The OCR engines of this machine. rapidocr: the package is there. tesseract: path of the program, or empty."""

    rapidocr: bool
    tesseract: str

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self.rapidocr or bool(self.tesseract)


@dataclass(frozen=True, slots=True)
class OcrQuestion:
    """Which page to read: a PDF file or a picture, a page of it from 1, and the engines to read it with."""

    data: bytes
    page: int
    engines: Engines


@dataclass(frozen=True, slots=True)
class ScannedPage:
    """A page as OCR reads it; None where it could not be shown. problems: why, or which engine failed on it."""

    page: Page | None
    problems: tuple[Problem, ...] = ()
