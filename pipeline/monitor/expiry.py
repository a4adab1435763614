"""When the certificates end with which the pipeline logs in itself, where the settings name any."""

from collections.abc import Iterator
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
