"""Which command stands in which module. A module is imported when its command is asked for, and not before.

``pipeline check`` is run by scripts, once a file: it must not pay for the database, the scheduler and the mail client.
"""

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

COMMANDS = {
    "demo": "demo",
    "run": "run",
    "check": "check",
    "signature": "signature",
    "certificate": "certificate",
    "cases": "cases",
    "case": "cases",
    "confirm": "cases",
    "decide": "cases",
    "close": "cases",
    "replay": "cases",
    "retry": "cases",
    "import": "takeover",
    "publish": "publish",
    "amend": "amend",
    "remove": "amend",
    "certificate-update": "amend",
    "remind": "reminders",
    "calendar": "reminders",
    "diff": "diff",
    "rules": "rules",
    "doctor": "doctor",
}
"""Command to module of this package, in the order in which ``--help`` lists them."""


class _Commands(Mapping[str, Any]):
    """The commands by name, each built at its first use."""

    def __getitem__(self, name: str) -> Any:
        module: Any = importlib.import_module(f"pipeline.cli.{COMMANDS[name]}")
        app: typer.Typer = module.app
        return get_group(app).commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Commands(TyperGroup):
    """The group ``pipeline``, whose commands are looked up in the table above."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = _Commands()  # type: ignore[assignment]  # nothing is ever added to it
