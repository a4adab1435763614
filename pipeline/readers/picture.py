"""Pictures sent as certificates (PNG, JPEG, TIFF): their pages and sizes, from their headers. Reading them is OCR."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, ImageOps, UnidentifiedImageError

from pipeline.domain.document import Document, Page
from pipeline.domain.message import Problem
from pipeline.readers.unreadable import Unreadable

MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*")
"""How the files of these three formats begin."""

_FORMATS = ("PNG", "JPEG", "TIFF")
_MOST_PIXELS = 60_000_000  # an A3 page at 600 dpi, with room
_USUAL_DPI = 96.0
_SENSIBLE = (20.0, 2_400.0)  # dots to an inch
_SIDEWAYS = (5, 6, 7, 8)  # Exif orientations that turn the picture by a quarter
_ORIENTATION = 0x0112


def read_picture(data: bytes, most: int) -> Document:
    """Return a Document with a page for each frame of the picture, ``most`` at the most; nothing is decoded."""
    pages: list[Page] = []
    try:
        with _opened(data) as image:
            for number in range(1, most + 1):
                width, height = _points(image)
                pages.append(Page(number, width, height, (), "picture"))
                if not _turn(image, number):
                    break
            else:
                text = f"The picture has more than {most} pages; only the first {most} were looked at."
                return Document(tuple(pages), problems=(Problem("limit", text),))
    except Unreadable as error:
        return Document(tuple(pages), problems=(Problem(error.kind, error.text),))
    return Document(tuple(pages))


def shown_picture(data: bytes, number: int) -> tuple[Image.Image, float, float]:
    """Return one page in colour, as a person sees it, and its width and height in points. Raises Unreadable."""
    with _opened(data) as image:
        if number < 1 or (number > 1 and not _turn(image, number - 1)):
            raise Unreadable("limit", f"The picture has no page {number}.")
        width, height = _points(image)
        try:
            shown = _on_white(ImageOps.exif_transpose(image))
        except (OSError, ValueError, SyntaxError, TypeError, EOFError) as error:
            raise Unreadable("damaged", "The picture is damaged and cannot be shown.") from error
    return shown, width, height


def _on_white(image: Image.Image) -> Image.Image:
    """Return a picture in colour, what is transparent of it white, as paper is."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    seen = image.convert("RGBA")
    paper = Image.new("RGBA", seen.size, "white")
    return Image.alpha_composite(paper, seen).convert("RGB")


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """Open a picture of one of the three formats, not too large to be shown."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata; of size too, which is held to our own limit below
            image = Image.open(io.BytesIO(data), formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise Unreadable("limit", f"The picture is larger than {_MOST_PIXELS:,} dots.") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, TypeError, EOFError, KeyError) as error:
        raise Unreadable(
            "damaged", "The picture is damaged and cannot be opened; ask for it to be sent again."
        ) from error
    with image, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if image.width * image.height > _MOST_PIXELS:
            text = f"The picture has {image.width:,} by {image.height:,} dots; at most {_MOST_PIXELS:,} are read."
            raise Unreadable("limit", text)
        yield image


def _turn(image: Image.Image, frame: int) -> bool:
    """Go to a frame, counted from 0; False where there is none."""
    try:
        image.seek(frame)
    except (EOFError, OSError, ValueError, SyntaxError, TypeError, KeyError):
        return False
    return image.width * image.height <= _MOST_PIXELS


def _points(image: Image.Image) -> tuple[float, float]:
    """Return the size of a picture in points, as a person sees it, by the resolution it states."""
    stated = image.info.get("dpi", (_USUAL_DPI, _USUAL_DPI))
    try:
        across, down = (float(value) for value in stated)
    except (TypeError, ValueError, ZeroDivisionError):
        across = down = _USUAL_DPI
    low, high = _SENSIBLE
    if not (low <= across <= high and low <= down <= high):
        across = down = _USUAL_DPI
    width, height = 72 * image.width / across, 72 * image.height / down
    return (height, width) if _orientation(image) in _SIDEWAYS else (width, height)


def _orientation(image: Image.Image) -> object:
    try:
        return image.getexif().get(_ORIENTATION)
    except (OSError, ValueError, SyntaxError, TypeError, EOFError, KeyError):
        return None
