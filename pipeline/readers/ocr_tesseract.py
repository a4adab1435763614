"""Tesseract as an OCR engine: the program is started for each page, with the picture on its input and words coming out.

It inherits the ceilings of the capped child that starts it, writes no file, and is given no environment of ours.
"""

import subprocess

from PIL import Image

from pipeline.readers.glyphs import Edges
from pipeline.readers.ocr_words import EngineFailed, Line, Token
from pipeline.readers.page import normal

_ENVIRONMENT = {"OMP_THREAD_LIMIT": "1", "LC_ALL": "C"}  # one thread: more of them take longer on one page
_MODE = "11"  # sparse text: finds more of tables than the modes that look for paragraphs
_PATIENCE = 60.0  # seconds; ends before the capped child does, which could not end it
_COLUMNS = 12  # of its TSV: level, page, block, paragraph, line, word, left, top, width, height, confidence, text
_WORD = "5"


def tesseract_lines(program: str, image: Image.Image, dpi: int) -> list[Line]:
    """Return the lines of words on a page, in dots of the picture. Raises EngineFailed.

    program: its path. image: greyscale. dpi: the picture's resolution in dots to an inch.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the installed program, with no text of the mail's
            [program, "-", "-", "--dpi", str(dpi), "--psm", _MODE, "tsv"],
            input=_pgm(image),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_ENVIRONMENT,
            timeout=_PATIENCE,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise EngineFailed(f"Tesseract took longer than {_PATIENCE:g} seconds") from error
    except subprocess.CalledProcessError as error:
        raise EngineFailed("Tesseract failed") from error
    except OSError as error:
        raise EngineFailed("Tesseract could not be started") from error
    return lines_in(done.stdout.decode("utf-8", "replace"))


def _pgm(image: Image.Image) -> bytes:
    grey = image.convert("L")
    return b"P5 %d %d 255\n" % grey.size + grey.tobytes()


def lines_in(table: str) -> list[Line]:
    """Return the lines of words in Tesseract's TSV; rows that are not as they should be are left out."""
    lines: dict[tuple[str, ...], Line] = {}
    for row in table.splitlines():
        cells = row.split("\t")
        if len(cells) != _COLUMNS or cells[0] != _WORD:
            continue
        text = normal(cells[11])
        if text and (box := _box(cells[6:10])):
            lines.setdefault(tuple(cells[1:5]), []).append(Token(text, box))
    return list(lines.values())


def _box(cells: list[str]) -> Edges | None:
    if not all(cell.isdecimal() for cell in cells):
        return None
    left, top, width, height = map(float, cells)
    return left, top, left + width, top + height
