"""The files that a command is given."""

from pathlib import Path
from typing import Any

import typer

EXISTING: dict[str, Any] = {"exists": True, "dir_okay": False, "readable": True}
"""Options of a typer parameter that names a file to read."""

MOST_OCTETS = 256 << 20
"""Files are read whole; the largest CPL so far has 1.6 MB and the largest mail that a helpdesk takes 60 MB."""


def read_file(path: Path) -> bytes:
    """Return a file's bytes; BadParameter where it is no file, cannot be read or is larger than any of ours."""
    try:
        size = path.stat().st_size
        if size > MOST_OCTETS:
            raise typer.BadParameter(f"{path} has {size:,} octets; at most {MOST_OCTETS:,} are read")
        return path.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}") from error
