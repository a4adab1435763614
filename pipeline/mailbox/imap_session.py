"""One IMAP connection: how it is made safe, who logs in, and what each kind of trouble is called.

imapclient does the protocol. What it may not decide is here: TLS is never given up, a lost connection is never
taken up again in the middle of an operation, and nothing but the port's two exceptions leaves.
"""

import contextlib
import ipaddress
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from imaplib import IMAP4
from pathlib import Path
from typing import Any

import imapclient
from imapclient.exceptions import LoginError, ProtocolError

from pipeline.mailbox.oauth_settings import AppRegistration
from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable
from pipeline.mailbox.trouble import LoginRefused, in_words

_GOODBYE_SECONDS = 5.0  # how long a polite logout may take before the socket is simply closed
# RFC 5530, section 3; and Exchange Online, which says so in free text.
_TRY_LATER = re.compile(r"\[(UNAVAILABLE|INUSE|EXPUNGEISSUED|SERVERBUG)\]|throttled", re.IGNORECASE)
_GARBLED = (
    ProtocolError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    RecursionError,
    MemoryError,
    OverflowError,
)
"""What imapclient raises on an answer it cannot read; ProtocolError is also an IMAP4.error and is asked for first."""

Login = Callable[[Any, "ImapSettings"], None]
"""Proves to the server who we are on a fresh imapclient.IMAPClient. Another way to log in is another such function."""


class Tls(StrEnum):
    """How the connection is protected (RFC 8314: implicit is preferred). ``none`` is for a server on this machine."""

    IMPLICIT = "implicit"
    STARTTLS = "starttls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ImapSettings:
    r"""One IMAP account. Raises ValueError, which never shows the password, where the settings cannot be meant.

    password: empty where ``app`` is given, the application that logs in to Exchange Online with OAuth2. ca_file: PEM
    roots to trust instead of the system's. inbox: the folder read. drafts, sent: their names; when empty the folders
    the server calls ``\Drafts`` and ``\Sent`` (RFC 6154), else ``Drafts`` and ``Sent``. timeout_seconds: of each wait
    for the server. max_octets: of one mail; a larger one is not fetched.
    """

    host: str
    user: str
    password: str = field(default="", repr=False)
    app: AppRegistration | None = None
    port: int = 993
    tls: Tls = Tls.IMPLICIT
    ca_file: Path | None = None
    inbox: str = "INBOX"
    drafts: str = ""
    sent: str = ""
    timeout_seconds: float = 30.0
    max_octets: int = 60_000_000

    def __post_init__(self) -> None:
        """Refuse an open line to another machine, and line ends that came along with a secret read from a file."""
        if self.tls is Tls.NONE and not _is_loopback(self.host):
            raise ValueError(f"IMAP {self.host}: tls = none is only for a server on this machine. Use implicit.")
        for name in ("host", "user", *(() if self.app else ("password",))):
            if not getattr(self, name).isprintable() or not getattr(self, name):
                raise ValueError(f"IMAP {self.host!r}: {name} is empty or holds a line end or a control character.")
        if self.app and self.password:
            raise ValueError(f"IMAP {self.host}: give a password or an application, and not both.")

    @property
    def place(self) -> str:
        """Host and port, for messages."""
        return f"{self.host}:{self.port}"


def password_login(client: Any, settings: ImapSettings) -> None:
    """Log in with user and password: SASL PLAIN (RFC 4616), which takes any characters, else the LOGIN command."""
    if client.has_capability("AUTH=PLAIN"):
        client.plain_login(settings.user, settings.password)
    elif client.has_capability("LOGINDISABLED"):
        raise LoginRefused(f"IMAP {settings.place}: the server takes no password (LOGINDISABLED).")
    elif not settings.user.isascii() or not settings.password.isascii():
        raise LoginRefused(f"IMAP {settings.place}: without AUTH=PLAIN the server takes ASCII passwords only.")
    else:
        user = settings.user.replace("\\", "\\\\").replace('"', '\\"')  # imaplib quotes the password only
        client.login(f'"{user}"', settings.password)


class Session:
    """A connection made on first use, and dropped at the first sign of trouble: the next use makes a new one."""

    def __init__(self, settings: ImapSettings, login: Login = password_login) -> None:
        self.settings = settings
        self._login = login
        self._client: Any = None

    @contextlib.contextmanager
    def visit(self, doing: str) -> Iterator[Any]:
        """Give the connected imapclient.IMAPClient for one operation. ``doing`` completes 'could not ...'."""
        try:
            yield self._connected()
        except (MailboxRefused, MailboxUnavailable):
            raise
        except (OSError, IMAP4.error, *_GARBLED) as error:
            self._drop()
            raise self._named(error, doing) from error

    def close(self) -> None:
        """Log out and close. Never raises, and never waits long for a server that does not answer."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(OSError, IMAP4.error, *_GARBLED):
                client.socket().settimeout(min(_GOODBYE_SECONDS, self.settings.timeout_seconds))
                client.logout()
                return
            _shut(client)

    def _connected(self) -> Any:
        if self._client is None:
            client = self._connect()
            try:
                if self.settings.tls is Tls.STARTTLS:
                    client.starttls(_tls_context(self.settings))
                self._log_in(client)
            except BaseException:
                _shut(client)
                raise
            self._client = client
        return self._client

    def _log_in(self, client: Any) -> None:
        try:
            self._login(client, self.settings)
        except LoginError as error:
            if isinstance(error.__context__, IMAP4.abort):  # imapclient takes a line cut during login for a refusal
                raise error.__context__ from error
            named = self._named(error, "log in")
            raise LoginRefused(str(named)) if isinstance(named, MailboxRefused) else named from error

    def _connect(self) -> Any:
        settings = self.settings
        implicit = settings.tls is Tls.IMPLICIT
        client = imapclient.IMAPClient(
            settings.host,
            port=settings.port,
            ssl=implicit,
            ssl_context=_tls_context(settings) if implicit else None,
            timeout=settings.timeout_seconds,
        )
        # It sends one command in two parts; unless told so, the system holds the second back for 40 ms.
        client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # imapclient asks imaplib to format every octet of every mail for the debug log: slow, and mail has no
        # business in a log.
        client._imap.debug = 0  # noqa: SLF001 - imapclient has no public way to say so
        return client

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            _shut(client)

    def _named(self, error: Exception, doing: str) -> MailboxRefused | MailboxUnavailable:
        """Say what the trouble was in the port's terms: try later, or a person is needed."""
        before = f"IMAP {self.settings.place}: could not {doing}:"
        words = self._words(error)
        match error:
            case ssl.SSLCertVerificationError():
                return MailboxRefused(f"{before} its certificate is not trusted: {words}. Check host and ca_file.")
            case TimeoutError():
                return MailboxUnavailable(f"{before} no answer within {self.settings.timeout_seconds:g} seconds.")
            case IMAP4.abort() | OSError():
                return MailboxUnavailable(f"{before} the connection failed: {words}.")
            case IMAP4.error() if not isinstance(error, ProtocolError):
                if _TRY_LATER.search(words):
                    return MailboxUnavailable(f"{before} the server is busy: {words}.")
                return MailboxRefused(f"{before} the server said: {words}.")
            case _:
                return MailboxUnavailable(f"{before} its answer cannot be understood ({type(error).__name__}).")

    def _words(self, error: Exception) -> str:
        """Return the server's words, on one line, cut, and without the password should it repeat it."""
        return said(error, self.settings.password)


def is_passing(error: IMAP4.error) -> bool:
    """Tell whether a login failed for want of a line or of a server that is well, and not for who we are."""
    return isinstance(error.__context__, IMAP4.abort) or bool(_TRY_LATER.search(str(error)))


def said(words: Exception | str, secret: str) -> str:
    """Return a server's words on one line, cut, and without the secret should they repeat it."""
    return in_words(str(words).removeprefix("b'").removesuffix("'"), secret)


def _shut(client: Any) -> None:
    with contextlib.suppress(OSError, IMAP4.error):
        client.shutdown()


def _tls_context(settings: ImapSettings) -> ssl.SSLContext:
    """TLS 1.2 or later, certificate and host name checked, against the system's roots or those of ca_file alone."""
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise MailboxRefused(
            f"IMAP {settings.place}: ca_file {settings.ca_file} cannot be read as PEM certificates: {error}."
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
