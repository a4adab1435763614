"""A real IMAP server for tests: Debian's Dovecot 2.3, on loopback, unprivileged, with its own CA, gone when stopped.

Any user name logs in with PASSWORD and has an empty mailbox of its own, so a fresh user per test costs nothing. Some
flavours take tokens too: JSON Web Tokens that Dovecot validates itself, with a key that ``Dovecot.token`` signs with.
"""

import base64
import contextlib
import grp
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imapclient
import jwt

from pipeline.mailbox import ImapSettings
from pipeline.mailbox.imap_session import Tls

PASSWORD = 'pä$$\\"word'  # noqa: S105 - of a server that lives for one test run, with all that clients get wrong
HOST = "127.0.0.1"
_NOBODY = 65534
_SOCKET_PATH = 60  # a UNIX socket's path has at most 107 octets; Dovecot's own part takes some of them
_START_SECONDS = 20
_ATTEMPTS = 5  # a free port may be taken by another between our look and Dovecot's bind

_CONFIG = """
protocols = imap
listen = {host}
base_dir = {home}/run
state_dir = {home}/state
instance_name = t{port}
log_path = /dev/stderr
auth_failure_delay = 0
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
mail_location = maildir:{home}/mail/%u
mail_fsync = never
disable_plaintext_auth = no
auth_mechanisms = plain login {mechanisms}
ssl = yes
ssl_cert = <{home}/server.crt
ssl_key = <{home}/server.key
{tokens}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=anyone {home}/users
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={home}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = {separator}
  prefix = {prefix}
  mailbox {drafts} {{
    {special_use}
    auto = subscribe
  }}
}}
service imap-login {{
  chroot =
  service_count = 0
  process_min_avail = 1
  inet_listener imap {{
    address = {host}
    port = {port}
  }}
  inet_listener imaps {{
    address = {host}
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service imap {{
  service_count = 256
  process_min_avail = 1
}}
protocol imap {{
  mail_max_userip_connections = 64
  {capability}
}}
"""


_TOKENS = """
auth_verbose = yes
passdb {{
  driver = oauth2
  mechanisms = {mechanisms}
  args = {home}/oauth2.conf.ext
}}
"""
_VALIDATION = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={home}/keys/
username_attribute = preferred_username
issuers = {issuer}
"""
ISSUER = "https://login.example/"
KEY = b"a key of the test's own login server"
_KEY_ID = "test"
_FAR, _PAST = 4_102_444_800, 1_500_000_000  # in 2100, and in 2017


def missing() -> str:
    """Say why no Dovecot can be started here; empty when one can."""
    found = _binary("dovecot")
    if not found:
        return "dovecot is not installed (Debian: apt-get install --no-install-recommends dovecot-imapd)"
    if not shutil.which("openssl"):
        return "openssl, which makes the test certificates, is not installed"
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout.split()[0]
    return "" if version.startswith("2.3.") else f"the test configuration is for Dovecot 2.3, here is {version}"


@dataclass(frozen=True, slots=True)
class Flavour:
    """What kind of server Dovecot plays. capability: what it admits to once logged in; empty: all it can do.

    mechanisms: by which it takes tokens, besides passwords.
    """

    name: str
    capability: str = ""
    separator: str = "/"
    prefix: str = ""
    special_use: bool = True
    mechanisms: str = ""


FULL = Flavour("full")
NO_MOVE = Flavour("no-move", capability="IMAP4rev1 LITERAL+ UIDPLUS SPECIAL-USE")
BARE = Flavour("bare", capability="IMAP4rev1 NAMESPACE", separator=".", prefix="INBOX.", special_use=False)

OAUTHBEARER = Flavour("oauthbearer", mechanisms="oauthbearer")
XOAUTH2 = Flavour("xoauth2", mechanisms="xoauth2")


class Dovecot:
    """One running server. Made by ``running``."""

    def __init__(self, home: Path, flavour: Flavour) -> None:
        self.home = home
        self.flavour = flavour
        self.ca_file = home / "ca.crt"
        self.port = 0
        self.tls_port = 0
        self.log: list[str] = []
        self._users = itertools.count(1)
        self._deliveries = itertools.count(1)
        self._process: subprocess.Popen[str] | None = None

    def new_user(self) -> str:
        """Return the name of a user whose mailbox is empty."""
        return f"helpdesk{next(self._users)}@mail.example"

    def settings(self, user: str, tls: Tls = Tls.IMPLICIT, **changes: Any) -> ImapSettings:
        """Return what the pipeline needs to log in as this user."""
        settings: dict[str, Any] = {
            "host": HOST,
            "port": self.tls_port if tls is Tls.IMPLICIT else self.port,
            "user": user,
            "password": PASSWORD,
            "tls": tls,
            "ca_file": None if tls is Tls.NONE else self.ca_file,
            "timeout_seconds": 20.0,
        }
        return ImapSettings(**(settings | changes))

    def token(
        self, user: str, *, expired: bool = False, key: bytes = KEY, issuer: str = ISSUER, number: int = 1
    ) -> str:
        """Return a token as a login server would give it for this user; key: what it is signed with."""
        claims = {
            "sub": "app",
            "preferred_username": user,
            "iss": issuer,
            "jti": str(number),
            "exp": _PAST if expired else _FAR,
        }
        return jwt.encode(claims, key, algorithm="HS256", headers={"kid": _KEY_ID})

    @contextlib.contextmanager
    def person(self, user: str) -> Iterator[imapclient.IMAPClient]:
        """Give a second connection as the same user: the clerk's own mail program."""
        with imapclient.IMAPClient(HOST, port=self.port, ssl=False, timeout=20) as client:
            client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.plain_login(user, PASSWORD)
            yield client

    def deliver(self, user: str, raw: bytes) -> None:
        """Put a mail into the user's inbox byte for byte, as a delivery agent on the server does."""
        inbox = self.home / "mail" / user
        if not (inbox / "new").is_dir():
            with self.person(user) as client:
                client.select_folder("INBOX")
        number = next(self._deliveries)
        waiting = inbox / "tmp" / f"{number:010d}.delivered"
        waiting.write_bytes(raw)
        _give(waiting)
        waiting.rename(inbox / "new" / waiting.name)

    def plant(self, user: str, *mails: bytes) -> None:
        """Make the mailbox of a user who was never there, with these mails, without asking the server."""
        inbox = self.home / "mail" / user
        for folder in (inbox, *(inbox / part for part in ("cur", "new", "tmp"))):
            folder.mkdir(mode=0o700)
            _give(folder)
        for raw in mails:
            path = inbox / "new" / f"{next(self._deliveries):010d}.planted"
            path.write_bytes(raw)
            _give(path)

    def renumber(self, user: str, validity: int) -> None:
        """Give the user's inbox another UIDVALIDITY, as a restored server does."""
        self._doveadm("mailbox", "update", "-u", user, "--uid-validity", str(validity), "INBOX")

    def forget_numbers(self, user: str) -> None:
        """Lose what numbers the user's inbox: its mails get UIDs from 1. Nobody may be connected as the user.

        The new UIDVALIDITY is the time in seconds, which may be the old one: renumber it too.
        """
        for file in (self.home / "mail" / user).glob("dovecot*"):
            file.unlink()

    def kick(self, user: str) -> None:
        """Cut every connection of the user."""
        self._doveadm("kick", user)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Stop every process of the server: connections stay open and nobody answers."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self._process.pid, signal.SIGCONT)

    def start(self) -> None:
        """Start and wait until it takes connections."""
        for _ in range(_ATTEMPTS):
            if self._started():
                return
        raise RuntimeError("Dovecot did not start:\n" + "\n".join(self.log))

    def stop(self) -> None:
        """End every process of it at once: its mailboxes are thrown away, so there is nothing to finish."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        self._process = None

    def _started(self) -> bool:
        self.port, self.tls_port = _free_ports()
        user = pwd.getpwuid(_uid())
        capability = f"imap_capability = {self.flavour.capability}" if self.flavour.capability else ""
        mechanisms = self.flavour.mechanisms
        if mechanisms:
            self._take_tokens()
        self._config.write_text(
            _CONFIG.format(
                host=HOST,
                home=self.home,
                port=self.port,
                tls_port=self.tls_port,
                user=user.pw_name,
                group=grp.getgrgid(user.pw_gid).gr_name,
                separator=self.flavour.separator,
                prefix=self.flavour.prefix,
                drafts="Drafts" if self.flavour.special_use else "Sent",
                special_use=r"special_use = \Drafts" if self.flavour.special_use else "",
                capability=capability,
                mechanisms=mechanisms,
                tokens=_TOKENS.format(mechanisms=mechanisms, home=self.home) if mechanisms else "",
            )
        )
        (self.home / "users").write_text(f"anyone:{{PLAIN}}{PASSWORD}\n", encoding="utf-8")
        process = subprocess.Popen(
            [_binary("dovecot"), "-F", "-c", self._config],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
            **_unprivileged(),
        )
        ready = threading.Event()
        threading.Thread(target=self._listen, args=(process, ready), daemon=True).start()
        ready.wait(_START_SECONDS)
        self._process = process
        if process.poll() is None and any("starting up" in line for line in self.log):
            return True
        self.stop()
        return False

    def _take_tokens(self) -> None:
        """Tell it whose tokens it takes, and the key they are signed with."""
        keys = self.home / "keys" / "default" / "HS256"
        keys.mkdir(parents=True, exist_ok=True)
        (keys / _KEY_ID).write_bytes(base64.b64encode(KEY))
        (self.home / "oauth2.conf.ext").write_text(_VALIDATION.format(home=self.home, issuer=ISSUER))

    def _listen(self, process: "subprocess.Popen[str]", ready: threading.Event) -> None:
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                self.log.append(line.rstrip())
                if "starting up" in line:
                    ready.set()
        ready.set()

    def _doveadm(self, *words: str) -> None:
        command = [_binary("doveadm"), "-c", str(self._config), *words]
        subprocess.run(command, check=True, capture_output=True, timeout=30, **_unprivileged())

    @property
    def _config(self) -> Path:
        return self.home / "dovecot.conf"


@contextlib.contextmanager
def running(flavour: Flavour = FULL) -> Iterator[Dovecot]:
    """Give a server of that flavour in a folder of its own; afterwards nothing of it is left."""
    home = Path(tempfile.mkdtemp(prefix="dv"))
    try:
        if len(str(home)) > _SOCKET_PATH:
            raise RuntimeError(f"{home} is too long for Dovecot's sockets: set TMPDIR to a short path")
        make_certificates(home)
        for folder in (home, home / "mail"):
            folder.mkdir(exist_ok=True)
        for path in (home, *home.iterdir()):
            _give(path)
        server = Dovecot(home, flavour)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def make_certificates(home: Path) -> None:
    """Make ca.crt and, signed by it for localhost, server.crt and server.key."""
    fresh = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    authority = ["-addext", "keyUsage=critical,keyCertSign,cRLSign", "-subj", "/CN=Test CA", "-days", "3650"]
    server = ["-addext", f"subjectAltName=DNS:localhost,IP:{HOST}", "-addext", "basicConstraints=critical,CA:FALSE"]
    signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-subj", "/CN=localhost", "-days", "3650"]
    for words in (
        [*fresh, *authority, "-keyout", "ca.key", "-out", "ca.crt"],
        [*fresh, *server, *signed, "-keyout", "server.key", "-out", "server.crt"],
    ):
        subprocess.run(words, cwd=home, check=True, capture_output=True, timeout=30)


def _binary(name: str) -> str:
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin") or ""


def _uid() -> int:
    return os.geteuid() or _NOBODY


def _unprivileged() -> dict[str, Any]:
    """Popen's arguments that drop root, which must not touch mail, for nobody."""
    return {} if os.geteuid() else {"user": _NOBODY, "group": pwd.getpwuid(_NOBODY).pw_gid, "extra_groups": []}


def _give(path: Path) -> None:
    if not os.geteuid():
        os.chown(path, _NOBODY, pwd.getpwuid(_NOBODY).pw_gid)


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind((HOST, 0))
        two.bind((HOST, 0))
        return one.getsockname()[1], two.getsockname()[1]
