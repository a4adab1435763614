"""When that ends with which the pipeline logs in: certificates that the settings name, and tokens it was given."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from cryptography import x509

from pipeline.config import Config


def expiries(config: Config) -> Iterator[tuple[str, datetime]]:
    """Yield the section of the settings (``mailbox``, ``smtp``) and when the first of its certificates ends.

    A file that cannot be read, or holds no certificate, is left out: the login itself says what is wrong with it.
    """
    for section in ("mailbox", "smtp"):
        file = getattr(getattr(config, section), "certificate_file", None)
        if not isinstance(file, Path):
            continue
        try:
            found = x509.load_pem_x509_certificates(file.read_bytes())
        except (OSError, ValueError):
            continue
        yield section, min(certificate.not_valid_after_utc for certificate in found)


class TokenEnds:
    """When the token ends that each account was given last. Written by one thread, read by others.

    clock: the present moment. An account that was given no token is not known.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._ends: dict[str, float] = {}
        self._lock = threading.Lock()

    def of(self, section: str) -> Callable[[int], None]:
        """Return what notes that a token of this section of the settings is good for so many seconds."""

        def noted(seconds: int) -> None:
            with self._lock:
                self._ends[section] = self._clock().timestamp() + seconds

        return noted

    def known(self) -> list[tuple[str, float]]:
        """Return the sections that were given a token, and when it ends, in Unix time."""
        with self._lock:
            return sorted(self._ends.items())
