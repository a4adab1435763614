"""Settings of an Exchange mailbox over Exchange Web Services. They import nothing of the extra ``[ews]``."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pipeline.mailbox.category import CATEGORY, require_category

_ADDRESS = re.compile(r"[^@\s/?#\\]+@[A-Za-z0-9.-]+")
_ONLINE = re.compile(r"(outlook\.)?(office|office365)\.(com|us)|.*\.(office|office365|outlook)\.(com|us)")


@dataclass(frozen=True, slots=True)
class EwsSettings:
    r"""One mailbox of an Exchange server, and who logs in. Raises ValueError, which never shows a secret.

    url: of the service, for example ``https://mail.example.org/EWS/Exchange.asmx``; autodiscover is never used.
    address: of the mailbox. user: who logs in, ``DOMAIN\name`` or ``name@domain``, with full access to the mailbox.
    auth: how. ca_file: PEM roots to trust instead of the system's. inbox: the folder read, ``inbox`` whatever the
    mailbox's language. timeout_seconds: of each wait for the server. max_octets: of one mail; a larger one is not
    fetched. category: given to each mail that is filed, beside those it has; empty for none.
    """

    url: str
    address: str
    user: str
    password: str = field(repr=False)
    auth: Literal["ntlm", "basic"] = "ntlm"
    ca_file: Path | None = None
    inbox: str = "inbox"
    timeout_seconds: float = 60.0
    max_octets: int = 60_000_000
    category: str = CATEGORY

    def __post_init__(self) -> None:
        """Refuse what would go to the wrong place, or unprotected."""
        if not _is_plain_https(self.url):
            raise ValueError(
                "Exchange: url must be an https address without user and query, "
                "for example https://mail.example.org/EWS/Exchange.asmx."
            )
        if not (_ADDRESS.fullmatch(self.address) and self.address.isascii() and self.address.isprintable()):
            raise ValueError(f"Exchange: address {self.address!r} is not the address of a mailbox.")
        require_category(self.category)
        if not self.user or not self.user.isprintable():
            raise ValueError(f"Exchange: user {self.user!r} is no name to log in with.")
        if not self.password or not self.password.isprintable():
            raise ValueError("Exchange: the password is empty, or holds a line end or a control character.")
        if self.auth not in {"ntlm", "basic"}:
            raise ValueError(f"Exchange: auth {self.auth!r} is neither 'ntlm' nor 'basic'.")
        if self.auth == "basic" and not (self.user + self.password).isascii():
            raise ValueError("Exchange: user and password must be of ASCII for auth 'basic'. Use auth 'ntlm'.")

    @property
    def place(self) -> str:
        """Host and port of the server, for messages."""
        return urlsplit(self.url).netloc

    @property
    def warning(self) -> str:
        """What is to be said when the worker starts; empty where the server is one's own."""
        if not _ONLINE.fullmatch(urlsplit(self.url).hostname or ""):
            return ""
        return (
            f"{self.place} is Exchange Online, which ends Exchange Web Services: switched off tenant by tenant from "
            'October 2026, gone in April 2027, and passwords are not taken there. Use kind = "graph".'
        )


def _is_plain_https(address: str) -> bool:
    try:
        parts = urlsplit(address)
        valid_port = parts.port != 0
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or "@" in parts.netloc) and address.isprintable() and " " not in address
    return parts.scheme == "https" and bool(parts.hostname) and bool(parts.path.strip("/")) and plain and valid_port
