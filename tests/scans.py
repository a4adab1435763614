"""Scans of PDF files: each page as a picture, as a scanner or a fax would send it."""

import random
from hashlib import sha256
from typing import Literal

import pypdfium2
from PIL import Image, ImageFilter

from pipeline.demo.pdf import HEIGHT, WIDTH, Picture, Sheet, pdf_of

Quality = Literal["clean", "skewed", "fax"]
"""clean: 300 dpi, straight. skewed: 200 dpi, a degree askew, soft and speckled. fax: 150 dpi, black and white."""

_DPI = {"clean": 300, "skewed": 200, "fax": 150}
_PAPER = 255


def as_scan(pdf: bytes, quality: Quality) -> bytes:
    """Return a PDF file with a picture of every page in place of its text; the same arguments give the same bytes."""
    with pypdfium2.PdfDocument(pdf) as opened:
        pages = [page.render(scale=_DPI[quality] / 72, grayscale=True).to_pil() for page in opened]
    seed = int.from_bytes(sha256(pdf).digest()[:8], "big")
    return pdf_of([Sheet(pictures=(_scanned(page, quality, seed + n),)) for n, page in enumerate(pages)])


def _scanned(page: Image.Image, quality: Quality, seed: int) -> Picture:
    if quality == "skewed":
        page = page.rotate(0.9, Image.Resampling.BICUBIC, fillcolor=_PAPER).filter(ImageFilter.GaussianBlur(0.6))
        _speckle(page, seed)
    if quality == "fax":
        page = page.convert("1", dither=Image.Dither.NONE)
    bits = 1 if quality == "fax" else 8
    return Picture(0, 0, WIDTH, HEIGHT, page.width, page.height, page.tobytes(), bits)


def _speckle(page: Image.Image, seed: int) -> None:
    """Put dust on a page: one pixel in five thousand."""
    dust = random.Random(seed)
    for _ in range(page.width * page.height // 5_000):
        page.putpixel((dust.randrange(page.width), dust.randrange(page.height)), dust.randrange(_PAPER))
