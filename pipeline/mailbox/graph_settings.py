"""Settings of a Microsoft 365 mailbox. They import nothing of the extra ``[graph]``."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

GRAPH = "https://graph.microsoft.com/v1.0"
AUTHORITY = "https://login.microsoftonline.com"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ADDRESS = re.compile(r"[^@\s/?#\\]+@[A-Za-z0-9.-]+")


@dataclass(frozen=True, slots=True)
class GraphSettings:
    """One mailbox, and the application that may use it. Raises ValueError, which never shows a secret.

    tenant: directory id or a domain of it. client_id: of the app registration. user: address of the mailbox.
    client_secret, certificate: one of the two; the certificate is PEM text of the private key and the certificate.
    base_url, authority: of Graph and of the login server; another pair for each national cloud. ca_file: PEM roots to
    trust instead of the system's. inbox: the folder read, ``inbox`` whatever the mailbox's language. timeout_seconds:
    of each wait for a server. max_octets: of one mail; a larger one is not fetched.
    """

    tenant: str
    client_id: str
    user: str
    client_secret: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    base_url: str = GRAPH
    authority: str = AUTHORITY
    ca_file: Path | None = None
    inbox: str = "inbox"
    timeout_seconds: float = 30.0
    max_octets: int = 60_000_000

    def __post_init__(self) -> None:
        """Refuse what would go to the wrong place, unprotected, or with two ways to log in."""
        for name in ("tenant", "client_id"):
            if not _NAME.fullmatch(getattr(self, name)):
                raise ValueError(f"Microsoft 365: {name} {getattr(self, name)!r} is no id and no domain.")
        if not _ADDRESS.fullmatch(self.user):
            raise ValueError(f"Microsoft 365: user {self.user!r} is not the address of a mailbox.")
        for name in ("base_url", "authority"):
            if not _is_plain_https(getattr(self, name)):
                raise ValueError(
                    f"Microsoft 365: {name} must be an https address without user, query and final slash, "
                    f"for example {GRAPH if name == 'base_url' else AUTHORITY}."
                )
        if bool(self.client_secret) == bool(self.certificate):
            raise ValueError("Microsoft 365: give a client secret or a certificate, and not both.")
        if not self.client_secret.isprintable():
            raise ValueError("Microsoft 365: the client secret holds a line end or a control character.")

    @property
    def place(self) -> str:
        """Host and port of Graph, for messages."""
        return urlsplit(self.base_url).netloc

    @property
    def scope(self) -> str:
        """What a token is asked for: whatever was granted to the application on this Graph."""
        return f"https://{self.place}/.default"


def _is_plain_https(address: str) -> bool:
    try:
        parts = urlsplit(address)
        valid_port = parts.port != 0
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or "@" in parts.netloc or address.endswith("/"))
    return parts.scheme == "https" and bool(parts.hostname) and address.isprintable() and plain and valid_port
