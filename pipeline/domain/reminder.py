"""The certificates of the list that end one day, and what is told of each, to whom (guidance 7.2.4 and Appendix 5).

Made by ``pipeline/remind``, worded by ``pipeline/compose``, promised and kept by the ledger.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from pipeline.domain.product import Product

_PLAIN = re.compile(
    r"[A-Za-z0-9!#$%&'*+/?^_`{|}~-]{1,64}(?:\.[A-Za-z0-9!#$%&'*+/?^_`{|}~-]{1,64})*@"
    r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+"
)
_LOCAL_LIMIT, _ADDRESS_LIMIT = 64, 254


class ReminderKind(StrEnum):
    """What the date of a certificate means, as the mark before its number says (guidance 7.2.4.1 to 7.2.4.3)."""

    EXPIRY = "expiry"
    """``[E]``: the certificate expires."""
    RENEWAL = "renewal"
    """``[R]``: a lifetime certificate's next Risk Review."""
    TRIAL = "trial"
    """``[T]``: the trial ends."""


class AtExpiry(StrEnum):
    """What the SSC is asked for when the date has passed."""

    DETERMINATION = "determination"
    """CPA: the SSC determines whether a remedial plan or removal is needed (Appendix 5.4)."""
    REMOVAL = "removal"
    """Trial: the status is to become Removed (Appendix 3.2)."""


class Audience(StrEnum):
    """Whom a reminder is meant for."""

    SUBMITTER = "submitter"
    SUPPLIERS = "suppliers"
    DCC = "dcc"


@dataclass(frozen=True, slots=True)
class Tracked:
    """One certificate with one date, and the Current entries that carry it, in the order of the list.

    key: what stays the same however the number is written: ``cpa:14330539361497`` or ``trial:SSCT12``.
    numbers: each way the number is written, with its mark, the most frequent first.
    """

    key: str
    kind: ReminderKind
    numbers: tuple[str, ...]
    day: date
    entries: tuple[Product, ...]

    @property
    def dated(self) -> str:
        """The key with the date: what a reminder, an expiry and a row of the calendar are told apart by."""
        return f"{self.key}:{self.day.isoformat()}"


@dataclass(frozen=True, slots=True)
class Untracked:
    """A Current entry that no reminder can be computed for. why: one sentence for the helpdesk."""

    entry: Product
    why: str


@dataclass(frozen=True, slots=True)
class Remark:
    """What the helpdesk should know of the certificates of a list. entries: the entry numbers concerned."""

    text: str
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to write to about an entry. The name is personal data, said to nobody but the contact."""

    addr: str
    name: str = field(default="", repr=False)

    @property
    def usable(self) -> bool:
        """Whether a mail can go there: one bare ASCII address (RFC 5321 dot-string), the local part up to 64 octets."""
        whole = len(self.addr) <= _ADDRESS_LIMIT and self.addr.find("@") <= _LOCAL_LIMIT
        return whole and _PLAIN.fullmatch(self.addr) is not None


@dataclass(frozen=True, slots=True)
class Window:
    """One reminder before a date. day: the first on which it is due, so many months before."""

    months: int
    day: date


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """When the Risk Review Questionnaire must be accepted by the NCSC (Appendix 5.2): from one day to another."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Reminder:
    """One mail: about a certificate with its date, for a window, to a recipient, naming all of their entries.

    key: promised once and for ever; it holds a digest of the address and not the address. template: its folder.
    entries: those of the certificate that concern this recipient. on: the day it is computed for.
    """

    key: str
    template: str
    audience: Audience
    to: Contact
    certificate: Tracked
    window: Window
    entries: tuple[Product, ...]
    on: date
    questionnaire: Questionnaire | None = None


@dataclass(frozen=True, slots=True)
class NoContact:
    """Entries whose submitter cannot be reminded, for the helpdesk. why: one sentence."""

    key: str
    certificate: Tracked
    window: Window
    entries: tuple[Product, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Expired:
    """A certificate whose date has passed while entries that carry it are Current. key: noted once and for ever."""

    key: str
    certificate: Tracked
    asked: AtExpiry
