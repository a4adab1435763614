"""Structured logs on standard error: for people on a terminal, one JSON object a line elsewhere."""

import os
import sys

import structlog


def set_up_logs(level: str) -> None:
    """Send every log line of this level and above to standard error.

    On a terminal values are shown as Python writes them, so that nothing a server or a mail said can steer it; colours
    are left out where NO_COLOR is set (https://no-color.org).
    """
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer(colors=not os.environ.get("NO_COLOR"), repr_native_str=True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
