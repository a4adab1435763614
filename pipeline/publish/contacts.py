"""The contacts for reminders, kept between Releases. Personal data: on no shelf, in the ledger's store alone."""

import csv
import io
from collections.abc import Sequence

from pipeline.domain.release import RepositoryRow
from pipeline.readers.repository import CONTACT_EMAIL, CONTACT_NAME, CONTACT_TELEPHONE

_COLUMNS = {"Entry number": "", "Name": CONTACT_NAME, "Telephone": CONTACT_TELEPHONE, "Email": CONTACT_EMAIL}
"""Heading, as ``read_contacts`` knows it, to field."""


def write_contacts(rows: Sequence[RepositoryRow]) -> bytes:
    """Return the contacts as CSV (UTF-8), which ``read_contacts`` reads back as the same rows."""
    written = io.StringIO(newline="")
    table = csv.writer(written)
    table.writerow(_COLUMNS)
    for row in rows:
        table.writerow([row.number if not name else row.values.get(name, "") for name in _COLUMNS.values()])
    return written.getvalue().encode("utf-8-sig")
