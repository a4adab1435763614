"""The application that logs in to Microsoft 365 as itself. Imports nothing of the extra ``[graph]``."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

AUTHORITY = "https://login.microsoftonline.com"
EXCHANGE_ONLINE = "https://outlook.office365.com/.default"
"""What a token for IMAP and SMTP of Exchange Online is asked for: whatever was granted to the application there."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class AppRegistration:
    """An application registered with Microsoft Entra. Raises ValueError, which never shows a secret.

    tenant: directory id or a domain of it. client_secret, certificate: one of the two; the certificate is PEM text of
    the private key and the certificate. authority: the login server; another for each national cloud. ca_file: PEM
    roots to trust instead of the system's. timeout_seconds: of each wait for the login server.
    """

    tenant: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    scope: str = EXCHANGE_ONLINE
    authority: str = AUTHORITY
    ca_file: Path | None = None
    timeout_seconds: float = 30.0

    def __post_init__(self) -> None:
        """Refuse what would go to the wrong place, unprotected, or with two ways to log in."""
        for name in ("tenant", "client_id"):
            if not _NAME.fullmatch(getattr(self, name)):
                raise ValueError(f"Microsoft 365: {name} {getattr(self, name)!r} is no id and no domain.")
        require_plain_https("authority", self.authority, AUTHORITY)
        if bool(self.client_secret) == bool(self.certificate):
            raise ValueError("Microsoft 365: give a client secret or a certificate, and not both.")
        if not self.client_secret.isprintable():
            raise ValueError("Microsoft 365: the client secret holds a line end or a control character.")


Noted = Callable[[int], None]
"""Told for how many seconds a token is good that was had just now."""


def not_noted(_: int) -> None:
    """Let it be."""


class Tokens(Protocol):
    """Where access tokens come from."""

    def token(self, *, renew: bool) -> str:
        """Return a token; a fresh one where ``renew``, as the last was not taken. Raises the port's exceptions."""
        ...


def require_plain_https(name: str, address: str, example: str) -> None:
    """Raise ValueError where the setting ``name`` is no https address that a path can be put behind."""
    try:
        parts = urlsplit(address)
        valid_port = parts.port != 0
    except ValueError:
        parts, valid_port = urlsplit(""), False
    plain = not (parts.query or parts.fragment or "@" in parts.netloc or address.endswith("/"))
    if not (parts.scheme == "https" and parts.hostname and address.isprintable() and plain and valid_port):
        raise ValueError(
            f"Microsoft 365: {name} must be an https address without user, query and final slash, "
            f"for example {example}."
        )
