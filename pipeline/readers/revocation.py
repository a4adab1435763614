"""Whether a certificate was revoked, by the lists (RFC 5280, 5) and OCSP responses (RFC 6960) that were supplied.

pyhanko-certvalidator judges each list and response: signature, responder, scope, freshness. What cannot concern a
certificate never reaches it. Its own walk over a path would pass by an OCSP response where the certificate names no
responder, and would take one kind of proof without looking at the other; so each certificate is asked about here.
"""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.errors import (
    CRLValidationError,
    CRLValidationIndeterminateError,
    OCSPValidationError,
    OCSPValidationIndeterminateError,
    PathValidationError,
    RevokedError,
)
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.revinfo.validate_crl import verify_crl
from pyhanko_certvalidator.revinfo.validate_ocsp import verify_ocsp_response

from pipeline.readers.certificates import READING_ERRORS, Certificate

_MOST_OCSP_BYTES = 64 << 10
_MOST_OCSPS = 32


class Standing(StrEnum):
    """What the supplied information says of one certificate."""

    GOOD = "good"
    REVOKED = "revoked"
    STALE = "stale"
    """There is information, but it is out of date."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Status:
    """The standing of one certificate, by what it is known (``CRL``, ``OCSP``), and since when it is revoked."""

    standing: Standing
    by: str = ""
    since: datetime | None = None
    reason: str = ""


def crls_of(issuer: Certificate, crls: Sequence[bytes], until: datetime) -> list[bytes]:
    """Return the lists that an issuer signed itself, no later than a moment.

    Only these count for what it issued. The validator would also take a list of another authority below the same
    issuer, even a certificate's own list as proof for itself, as it may be an indirect one (RFC 5280, 5.2.5).
    """
    return [der for der in crls if issuer.subject in der and _signed(der, issuer, until)]


def ocsps_about(certificate: Certificate, ocsps: Sequence[bytes], until: datetime) -> list[bytes]:
    """Return the OCSP responses about a certificate that read well, issued no later than a moment."""
    serial = certificate.parsed.serial_number
    kept = [der for der in ocsps if len(der) <= _MOST_OCSP_BYTES and _answers(der, serial, until)]
    return kept[:_MOST_OCSPS]


def status_of(certificate: asn1.Certificate, path: ValidationPath, context: ValidationContext) -> Status:
    """Ask the lists and responses of the context about one certificate of a path that holds.

    Revoked by one of them is revoked; else good by one of them is good.
    """
    found = [
        _asked("OCSP", lambda: verify_ocsp_response(certificate, path, context)),
        _asked("CRL", lambda: verify_crl(certificate, path, context)),
    ]
    order = (Standing.REVOKED, Standing.GOOD, Standing.STALE, Standing.UNKNOWN)
    return min(found, key=lambda status: order.index(status.standing))


def finished(coroutine: Coroutine[Any, Any, object]) -> None:
    """Run a coroutine of the validator to its end, without an event loop: with no fetching it never waits."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise RuntimeError("the path validator waited for something, though it may fetch nothing")


def _asked(by: str, question: Callable[[], Coroutine[Any, Any, object]]) -> Status:
    try:
        finished(question())
    except RevokedError as error:
        return Status(Standing.REVOKED, by, error.revocation_dt, error.reason.human_friendly)
    except (CRLValidationIndeterminateError, OCSPValidationIndeterminateError) as error:
        return Status(Standing.STALE if error.suspect_stale else Standing.UNKNOWN, by)
    except (CRLValidationError, OCSPValidationError, PathValidationError):
        return Status(Standing.UNKNOWN)
    return Status(Standing.GOOD, by)


def _signed(der: bytes, issuer: Certificate, until: datetime) -> bool:
    try:
        crl = x509.load_der_x509_crl(der)
        return crl.last_update_utc <= until and crl.is_signature_valid(issuer.parsed.public_key())  # type: ignore[arg-type]  # a key of another kind is refused with TypeError
    except READING_ERRORS:
        return False


def _answers(der: bytes, serial: int, until: datetime) -> bool:
    try:
        response = ocsp.load_der_ocsp_response(der)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return False
        singles = list(response.responses)
        if not all(single.this_update_utc <= until and _names_well(single) for single in singles):
            return False
        _ = asn1_ocsp.OCSPResponse.load(der, strict=True).native  # read to the last octet, so nothing fails later
        return any(single.serial_number == serial for single in singles)
    except READING_ERRORS:
        return False


def _names_well(single: ocsp.OCSPSingleResponse) -> bool:
    """Say whether the certificate is named by a digest that the validator knows; it stumbles over any other."""
    return isinstance(single.hash_algorithm, hashes.SHA1 | hashes.SHA256)
