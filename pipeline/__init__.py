"""The CPL submission pipeline: from a manufacturer's mail to a drafted reply and the next Central Products List."""

__version__ = "0.1.0"
