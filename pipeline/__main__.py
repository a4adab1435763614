"""``python -m pipeline``: the same as the console script ``pipeline``."""

from pipeline.cli import main

main()
