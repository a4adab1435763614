"""Which revocation lists of the trust material have run out, so that an operator renews them (RFC 5280, 5.1.2.5)."""

from datetime import datetime

from cryptography import x509

from pipeline.domain.signature import TrustMaterial
from pipeline.readers.certificates import name_text, stamp_text


def lists_out_of_date(trust: TrustMaterial, at: datetime) -> tuple[tuple[str, str], ...]:
    """Return issuer and nextUpdate (RFC 3339 in UTC) of each issuer whose newest list has run out at a moment.

    A list without nextUpdate never runs out by itself and is left to the path's own judgement of freshness.
    """
    newest: dict[str, datetime] = {}
    for der in trust.crls:
        found = x509.load_der_x509_crl(der)
        until = found.next_update_utc
        if until is not None:
            issuer = name_text(found.issuer)
            newest[issuer] = max(until, newest.get(issuer, until))
    return tuple(sorted((issuer, stamp_text(until)) for issuer, until in newest.items() if until < at))
