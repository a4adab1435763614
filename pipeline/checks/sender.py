"""Who a mail comes from, as far as it can be told: what the border said of the domain, and what the name pretends."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipeline.domain.message import Address, Authentication, Message

EXCHANGE_ONLINE = "exchange-online"
"""Stands in ``border`` for Exchange Online, whose Authentication-Results name nobody."""

_EXCHANGE_HOSTS = (".outlook.com", ".office365.com")
_EXCHANGE_BORDER = ".protection.outlook.com"
_ADDRESS_IN_NAME = re.compile(r"[^\s<>()\"',;:@]+@([^\s<>()\"',;:@]+)")


class DomainCheck(StrEnum):
    """What is known of the From domain's own policy (DMARC, RFC 7489), checked when the mail came over the border."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """The border says nothing, or nothing that settles it: the domain has no policy, or its servers did not answer."""


@dataclass(frozen=True, slots=True)
class Vouched:
    """The result, in whose words: ``by`` names the border, ``text`` is its header; both empty where it said nothing."""

    result: DomainCheck
    by: str = ""
    text: str = ""


def domain_of(address: Address) -> str:
    """Return the domain of an address, as the mail has it."""
    return address.addr.rpartition("@")[2]


def vouched(message: Message, border: Sequence[str]) -> Vouched:
    """Return what the border says of the domain of a mail's one sender. border: as in ``believed``."""
    stamps = believed(message.authentication, border)
    said = [stamp for stamp in stamps if stamp.dmarc]
    if not said:
        return Vouched(DomainCheck.UNKNOWN)
    by, text = said[0].authserv_id or "Exchange Online", said[0].text
    results = {result for stamp in said for result in stamp.dmarc}
    domains = {domain_of(sender) for sender in message.senders}
    if {"fail"} & {result for result, _ in results}:
        return Vouched(DomainCheck.FAILED, by, text)
    if {result for result, _ in results} != {"pass"} or not all(domain for _, domain in results):
        return Vouched(DomainCheck.UNKNOWN, by, text)
    # A pass of another domain than the one we read: two programs see two senders in this mail.
    passed = len(domains) == 1 and {domain for _, domain in results} == domains
    return Vouched(DomainCheck.PASSED if passed else DomainCheck.FAILED, by, text)


def believed(stamps: Sequence[Authentication], border: Sequence[str]) -> tuple[Authentication, ...]:
    """Return the headers that the border wrote: the topmost of its name, and those beside it (filters add one each).

    border: authserv-ids (RFC 8601, 2.5) and ``EXCHANGE_ONLINE``. What stands below another Received header came in
    with the mail. A border removes headers that pretend to be its own (RFC 8601, 5); the place is the second guard.
    """
    names = {entry.strip().lower() for entry in border} - {""}
    first = next((stamp for stamp in stamps if _of_border(stamp, names)), None)
    if first is None:
        return ()
    return tuple(stamp for stamp in stamps if (stamp.authserv_id, stamp.above) == (first.authserv_id, first.above))


def _of_border(stamp: Authentication, names: set[str]) -> bool:
    if stamp.authserv_id:
        return stamp.authserv_id in names - {EXCHANGE_ONLINE}
    # Exchange Online puts it on top of the Received header of its border; above stand only hops inside of it.
    inside = all(f".{host}".endswith(_EXCHANGE_HOSTS) and not host.endswith(_EXCHANGE_BORDER) for host in stamp.above)
    return EXCHANGE_ONLINE in names and inside


def misnamed(address: Address) -> str:
    """Return the address that a display name pretends to, where it is of another domain; empty where it is not."""
    domain = domain_of(address).lower()
    for found in _ADDRESS_IN_NAME.finditer(unicodedata.normalize("NFKC", address.name)):
        shown = found[1].lower().rstrip(".")
        if not (f".{shown}".endswith(f".{domain}") or f".{domain}".endswith(f".{shown}")):
            return found[0]
    return ""
