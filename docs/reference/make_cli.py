"""Make docs/reference/cli.md: every command and option, as ``--help`` says it.

Run by ``./run docs``; a test says when the page is out of date.
"""

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from pipeline.cli import main
from pipeline.cli.commands import COMMANDS

PAGE = Path(__file__).resolve().with_name("cli.md")

_INTRODUCTION = """\
# Command line

Made from `--help` by `./run docs`. `pipeline` and `python -m pipeline` are the same.
`pipeline check --json` prints one object; [check.schema.json](check.schema.json) describes it.
"""


def shown(*command: str) -> str:
    """Return what ``--help`` says, as on a terminal of 80 columns."""
    told = io.StringIO()
    width = patch.dict(os.environ, {"COLUMNS": "80"})
    with width, contextlib.redirect_stdout(told), contextlib.suppress(SystemExit):
        main([*command, "--help"])
    return told.getvalue().rstrip()


def page() -> str:
    """Return the page."""
    return "\n".join(_parts())


def _parts() -> Iterator[str]:
    yield _INTRODUCTION
    yield f"```text\n{shown()}\n```\n"
    for name in COMMANDS:
        yield f"## pipeline {name}\n\n```text\n{shown(name)}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
