"""What stands between a new workbook and its release: nothing but what was ordered may have changed.

The guard shares no code with the writer. It holds the two files side by side, octet by octet, and has the new one read
by programs that know nothing of us. Whatever it finds is a reason not to release.
"""

from pipeline.publish.guard.compare import compare

__all__ = ["compare"]
