"""One mail as bytes: from whom to whom, two bodies, a file with it. What kind of mail it is, the caller adds."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from pipeline.compose.headers import Bracketed, UnicodeLine, is_plain_address, named_address
from pipeline.compose.templates import Rendered
from pipeline.compose.wording import VALUE_LIMIT, sentence

GUIDANCE = "the SECAS Guidance Document 'Central Products List (CPL)', Version 6.0, on the SEC website"
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._()+-]{0,119}")


@dataclass(frozen=True, slots=True)
class Sender:
    """Who a mail comes from: the mailbox's own name and address, and how it signs.

    addr: one bare ASCII address. signature: lines under the greeting, in place of ``name`` where given.
    guidance: where the reader finds the guidance, as the end of "The rules are in ...".
    """

    name: str
    addr: str
    phone: str = ""
    signature: tuple[str, ...] = ()
    guidance: str = GUIDANCE

    def __post_init__(self) -> None:
        """Refuse an address that no mail could come from: the settings are wrong, a person must mend them."""
        if not is_plain_address(self.addr):
            raise ValueError(f"The sender's address {self.addr!r} is not one bare address: set it as name@domain.")

    @property
    def domain(self) -> str:
        """The domain that our Message-IDs end in."""
        return self.addr.rpartition("@")[2]

    def shown(self) -> dict[str, Any]:
        """Return what the templates may say of the sender."""
        return {
            "name": sentence(self.name, VALUE_LIMIT),
            "addr": self.addr,
            "phone": sentence(self.phone, 60),
            "signature": tuple(sentence(line, VALUE_LIMIT) for line in self.signature or (self.name,)),
            "guidance": sentence(self.guidance),
        }


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that goes with a mail. name: plain ASCII, no folder. content_type: ``text/csv``."""

    name: str
    content_type: str
    content: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse a name that would need another spelling in a header: we name our files ourselves."""
        if not _FILE_NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no plain file name: use letters, digits, blanks and ._()+- alone.")


def envelope(
    bodies: Rendered,
    *,
    sender: Sender,
    to: str,
    subject: str,
    now: datetime,
    message_id: str,
    digest: str,
    enclosure: Enclosure | None = None,
) -> EmailMessage:
    """Return multipart/alternative, text first, in multipart/mixed where a file goes with it.

    to: one bare address, or empty where a person is to fill it in. subject: one visible line. now: aware.
    digest: hexadecimal, for the boundaries; ``=_`` can stand in no quoted-printable or base64 line, so they are safe.
    Raises ValueError for a ``now`` without a time zone.
    """
    if now.tzinfo is None:
        raise ValueError("The mail's date needs a time zone: pass an aware datetime.")
    mail = EmailMessage(policy=SMTP)
    mail.set_content(bodies.text, cte="quoted-printable")
    mail.add_alternative(bodies.html, subtype="html", cte="quoted-printable")
    mail.set_boundary(f"=_cpl_{digest}")
    if enclosure:
        main, _, sub = enclosure.content_type.partition("/")
        mail.add_attachment(enclosure.content, maintype=main, subtype=sub, filename=enclosure.name)
        mail.set_boundary(f"=_with_{digest}")
    mail["From"] = named_address(sender.name, sender.addr)
    if to:
        mail["To"] = named_address("", to)
    mail["Subject"] = UnicodeLine("Subject", subject)
    mail["Date"] = now
    mail["Message-ID"] = Bracketed("Message-ID", (message_id,))
    return mail


def token(text: str) -> str:
    """Return text as an RFC 5322 atom, for a place in a header where nothing else may stand."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in text[:60]) or "none"
