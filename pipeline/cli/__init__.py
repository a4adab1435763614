"""The command line: a contract that scripts and other systems rely on (design, section 4)."""

from pipeline.cli.app import main

__all__ = ["main"]
