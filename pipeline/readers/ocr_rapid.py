"""RapidOCR as an OCR engine: PP-OCR models from its own wheel on onnxruntime, nothing else and nothing from elsewhere.

The models are named by their paths: RapidOCR fetches a model only when it is left to find one itself.
"""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PIL import Image

from pipeline.readers.ocr_words import EngineFailed, Line, Token
from pipeline.readers.page import normal

MODELS = {"Det.model_path": "PP-OCRv6_det_small.onnx", "Rec.model_path": "PP-OCRv6_rec_small.onnx"}
"""The models that are used, by the setting that names them: the one that finds lines and the one that reads them."""

_LONGEST_SIDE = 2_000  # dots: A4 at 171 dpi; more took longer and read no better


def rapidocr_lines(image: Image.Image) -> list[Line]:
    """Return the lines of words on a page, in dots of the picture. Raises EngineFailed.

    The models are loaded anew, which takes about as long as reading the page: a capped child reads no more than one.
    """
    engine = _engine()
    try:
        import numpy as np  # noqa: PLC0415 - comes with the extra

        read = engine(np.asarray(image.convert("RGB")))
    except Exception as error:
        raise EngineFailed(f"RapidOCR failed ({type(error).__name__})") from error
    return [line for words in read.word_results or () if (line := _line(words))]


def _engine() -> Any:
    """Load RapidOCR and its models."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # each thread would map a stack that the ceiling on memory counts
    paths = {setting: str(_models() / name) for setting, name in MODELS.items()}
    if not all(map(os.path.isfile, paths.values())):
        raise EngineFailed("RapidOCR is installed without its models")
    try:
        import rapidocr  # noqa: PLC0415 - takes most of a second; only a scanned page pays for it

        return rapidocr.RapidOCR(
            params={
                **paths,
                "Global.use_cls": False,  # turns lines that it takes for upside down, and figures such as 01:10 are
                "Global.return_word_box": True,
                "Global.max_side_len": _LONGEST_SIDE,
                "Global.log_level": "critical",
            }
        )
    except Exception as error:
        raise EngineFailed(f"RapidOCR could not be loaded ({type(error).__name__})") from error


def _models() -> Path:
    """Return the folder of the wheel's models without importing the package."""
    spec = find_spec("rapidocr")
    if spec is None or spec.origin is None:
        raise EngineFailed("RapidOCR is not installed")
    return Path(spec.origin).parent / "models"


def _line(words: Any) -> Line:
    line = []
    for said, _, corners in words:
        if text := normal(said):
            across, down = [float(x) for x, _ in corners], [float(y) for _, y in corners]
            line.append(Token(text, (min(across), min(down), max(across), max(down))))
    return line
