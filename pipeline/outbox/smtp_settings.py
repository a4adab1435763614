"""What an SMTP account is, and which settings cannot be meant."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Tls(StrEnum):
    """How the connection is protected (RFC 8314: implicit is preferred). ``none`` is for a server on this machine."""

    IMPLICIT = "implicit"
    STARTTLS = "starttls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """One SMTP account. Raises ValueError, which never shows the password, where the settings cannot be meant.

    ca_file: PEM roots to trust instead of the system's. user: empty for no login. password: for SASL PLAIN or LOGIN.
    token: in its place, gives an OAuth2 access token for XOAUTH2; asked at each login, with True where the last one
    was not taken just now; raises OSError where it has none. timeout_seconds: of each wait up to the end of a mail.
    whole_seconds: of one mail with everything, which is also how long the answer to its end is waited for (RFC 5321,
    4.5.3.2.6, asks for ten minutes).
    """

    host: str
    port: int = 587
    tls: Tls = Tls.STARTTLS
    ca_file: Path | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    token: Callable[[bool], str] | None = field(default=None, repr=False)
    timeout_seconds: float = 60.0
    whole_seconds: float = 600.0

    def __post_init__(self) -> None:
        """Refuse an open line to another machine, half a login, and line ends that came along with a secret."""
        if not _is_host(self.host):
            raise ValueError(f"SMTP {self.host!a}: host is no name or address of a machine.")
        if self.tls is Tls.NONE and not _is_loopback(self.host):
            raise ValueError(f"SMTP {self.host}: tls = none is only for a server on this machine. Use starttls.")
        if not self.user.isprintable() or not self.password.isprintable():
            raise ValueError(f"SMTP {self.host}: user or password holds a line end or a control character.")
        if bool(self.user) != bool(self.password or self.token):
            raise ValueError(f"SMTP {self.host}: user and password (or token) go together. Set both or neither.")

    @property
    def place(self) -> str:
        """Host and port, for messages."""
        return f"{self.host}:{self.port}"


def _is_host(host: str) -> bool:
    try:
        return host.isprintable() and " " not in host and all(host.encode("idna").split(b"."))
    except UnicodeError:  # an empty label, or one that is too long
        return False


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
