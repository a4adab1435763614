"""Settings of a Microsoft 365 mailbox. They import nothing of the extra ``[graph]``."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.mailbox.category import CATEGORY, require_category
from pipeline.mailbox.oauth_settings import AUTHORITY, AppRegistration, require_plain_https

GRAPH = "https://graph.microsoft.com/v1.0"
UPLOAD_HOSTS = ("outlook.office.com", "outlook.office365.com")
"""Where Graph has large attachments sent to, besides its own host."""

_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")
_ADDRESS = re.compile(r"[^@\s/?#\\]+@[A-Za-z0-9.-]+")


@dataclass(frozen=True, slots=True)
class GraphSettings:
    """One mailbox, and the application that may use it. Raises ValueError, which never shows a secret.

    tenant: directory id or a domain of it. client_id: of the app registration. user: address of the mailbox.
    client_secret, certificate: one of the two; the certificate is PEM text of the private key and the certificate.
    base_url, authority: of Graph and of the login server; another pair for each national cloud. ca_file: PEM roots to
    trust instead of the system's. inbox: the folder read, ``inbox`` whatever the mailbox's language. timeout_seconds:
    of each wait for a server. max_octets: of one mail; a larger one is not fetched, and no large draft of more is made.
    upload_hosts: hosts, or ``host:port``, that large attachments may be sent to; others in each national cloud.
    category: given to each mail that is filed, beside those it has; empty for none.
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
    upload_hosts: tuple[str, ...] = UPLOAD_HOSTS
    category: str = CATEGORY

    def __post_init__(self) -> None:
        """Refuse what would go to the wrong place, unprotected, or with two ways to log in."""
        if not _ADDRESS.fullmatch(self.user):
            raise ValueError(f"Microsoft 365: user {self.user!r} is not the address of a mailbox.")
        require_category(self.category)
        require_plain_https("base_url", self.base_url, GRAPH)
        for host in self.upload_hosts:
            if not _HOST.fullmatch(host):
                raise ValueError(f"Microsoft 365: upload_hosts: {host!r} is no host, for example {UPLOAD_HOSTS[0]}.")
        _ = self.app

    @property
    def app(self) -> AppRegistration:
        """The application that may use the mailbox. Raises ValueError where it cannot be meant."""
        return AppRegistration(
            self.tenant,
            self.client_id,
            client_secret=self.client_secret,
            certificate=self.certificate,
            scope=self.scope,
            authority=self.authority,
            ca_file=self.ca_file,
            timeout_seconds=self.timeout_seconds,
        )

    @property
    def place(self) -> str:
        """Host and port of Graph, for messages."""
        return urlsplit(self.base_url).netloc

    @property
    def scope(self) -> str:
        """What a token is asked for: whatever was granted to the application on this Graph."""
        return f"https://{self.place}/.default"
