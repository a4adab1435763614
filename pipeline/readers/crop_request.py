"""What is asked of the job that shows a place on a page, and its answer; apart from it, to be had without PDFium."""

from dataclasses import dataclass

from pipeline.domain.document import Box
from pipeline.domain.message import Problem


@dataclass(frozen=True, slots=True)
class CropQuestion:
    """What to show: a file, a page of it from 1, a box on that page, and the resolution in dots to an inch."""

    data: bytes
    page: int
    box: Box
    dpi: int = 200


@dataclass(frozen=True, slots=True)
class Crop:
    """A PNG file; empty where there is a problem."""

    png: bytes = b""
    problem: Problem | None = None


def png_of(answer: Crop | Problem) -> bytes | Problem:
    """Return the picture, or the one reason why there is none."""
    return answer if isinstance(answer, Problem) else answer.problem or answer.png
