"""What earlier mails said under a certificate's number, so that a later mail that says otherwise is noticed."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, select

from pipeline.ledger.records import SeenCertificate
from pipeline.ledger.tables import certificates

_AT_ONCE = 500
"""Keys in one question: databases take a limited number of parameters."""


def remember(connection: Connection, message: str, seen: Sequence[SeenCertificate]) -> None:
    """Keep what a mail said; once for one file under one key."""
    once = {(one.key, one.artefact): one for one in seen}
    for one in once.values():
        connection.execute(
            certificates.insert().values(key=one.key, artefact=one.artefact, said=one.summary, message=message)
        )


def known(connection: Connection, keys: Collection[str], except_message: str) -> Mapping[str, tuple[str, str]]:
    """Return key to artefact and summary, as the first other mail had it, for those keys that came before."""
    asked = sorted(set(keys))
    found: dict[str, tuple[str, str]] = {}
    for start in range(0, len(asked), _AT_ONCE):
        rows = connection.execute(
            select(certificates)
            .where(certificates.c.key.in_(asked[start : start + _AT_ONCE]), certificates.c.message != except_message)
            .order_by(certificates.c.seq)
        )
        for row in rows:
            found.setdefault(row.key, (row.artefact, row.said))
    return found
