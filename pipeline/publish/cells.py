"""Cells as the writer writes them (ECMA-376 Part 1, 18.3.1.4): texts as texts, dates as dates, numbers never.

Texts are written into the cell (``inlineStr``): so xl/sharedStrings.xml stays as it is, and every reader agrees.
"""

import re
from datetime import date
from html import escape

from pipeline.publish.refused import ListNotEditable
from pipeline.readers.sheet import column_letters

_LONGEST = 32_767
"""Characters that a cell can hold in Excel, counted in UTF-16 units."""
_FORBIDDEN = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot carry, and the carriage return, which it turns into a line feed."""
_ESCAPED = re.compile("_x[0-9A-Fa-f]{4}_")
"""Excel reads this as one character (22.9.2.19 ST_Xstring), others as it stands."""
_DAY = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})")
_DAY_ZERO = date(1899, 12, 30)
_FIRST_DAY = date(1900, 3, 1)
"""Days before it are counted differently by different programs: Excel has a 29 February 1900."""


def checked(text: str, where: str) -> str:
    """Return a text that every program reads as it is. ListNotEditable names the place where there is none."""
    bad = _FORBIDDEN.search(text) or _ESCAPED.search(text)
    if bad:
        raise ListNotEditable(
            f"{where} would hold {bad[0]!r}, which programs read in different ways. Correct the value."
        )
    if len(text.encode("utf-16-le")) // 2 > _LONGEST:
        raise ListNotEditable(f"{where} would hold more than the {_LONGEST:,} characters of a cell. Shorten the value.")
    return text


def day_of(text: str) -> int | None:
    """Return the number of a day written dd/mm/yyyy in the 1900 date system (18.17.4.1); None for no such day."""
    match = _DAY.fullmatch(text)
    if not match:
        return None
    try:
        day = date(int(match[3]), int(match[2]), int(match[1]))
    except ValueError:
        return None
    return (day - _DAY_ZERO).days if day >= _FIRST_DAY else None


def style_attribute(style: int | None) -> str:
    """Return the attribute that gives a cell its format; empty for the format of the column."""
    return "" if style is None else f' s="{style}"'


def text_cell(column: int, row: int, style: int | None, text: str) -> bytes:
    """Return a cell that holds a text, or an empty one for an empty text."""
    start = f'<c r="{column_letters(column)}{row}"{style_attribute(style)}'
    if not text:
        return f"{start}/>".encode()
    space = ' xml:space="preserve"' if text != text.strip() or "\n" in text else ""
    return f'{start} t="inlineStr"><is><t{space}>{escape(text, quote=False)}</t></is></c>'.encode()


def day_cell(column: int, row: int, style: int, serial: int) -> bytes:
    """Return a cell that holds a day."""
    return f'<c r="{column_letters(column)}{row}" s="{style}"><v>{serial}</v></c>'.encode()
