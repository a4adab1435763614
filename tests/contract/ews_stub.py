"""An Exchange server on loopback, as far as a mailbox needs its Web Services: stateful and strict.

What the real server does is taken from its documentation, not from the server: see docs/how-to/exchange.md. A request
that this stub does not know, or an element of one, is a fault, and a test with a fault fails (``faults``).
"""

import base64
import contextlib
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import spnego
from lxml import etree

from tests.contract import dovecot
from tests.contract.ews_operations import perform
from tests.contract.ews_state import MESSAGES, SOAP, Asked, MailboxState, Node, Wrong, fault, refusal
from tests.contract.graph_state import Reply

HOST, PATH = "127.0.0.1", "/EWS/Exchange.asmx"
DOMAIN, NAME, PASSWORD = "OFFICE", "svc-cpl", "s3cret~of.the-desk"
USER = f"{DOMAIN}\\{NAME}"


class Exchange(ThreadingHTTPServer):
    """The server. faults: what it was asked and does not know. schemes: how it lets people log in."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, home: Path) -> None:
        super().__init__((HOST, 0), _Handler)
        dovecot.make_certificates(home)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(home / "server.crt", home / "server.key")
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.ca_file = home / "ca.crt"
        self.accounts = home / "accounts"  # what the acceptor of NTLM is told by NTLM_USER_FILE
        self.accounts.write_text(f"{DOMAIN}:{NAME}:{PASSWORD}\n")
        self.url = f"https://{HOST}:{self.server_address[1]}{PATH}"
        self.mailboxes: dict[str, MailboxState] = {}
        self.faults: list[str] = []
        self.logins: list[str] = []
        self._lock = threading.RLock()

    def new_mailbox(self) -> tuple[str, MailboxState]:
        address = f"desk{len(self.mailboxes)}@mail.example"
        self.mailboxes[address] = MailboxState(address)
        return address, self.mailboxes[address]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that cuts the line, or does not trust us, is what some tests are about."""

    def answer(self, headers: dict[str, str], octets: bytes) -> Reply:
        address = headers.get("x-anchormailbox", "")
        with self._lock:
            try:
                asked = self._read(headers, octets)
            except Wrong as wrong:
                self.faults.append(str(wrong))
                return fault("ErrorSchemaValidation", str(wrong))
            if address not in self.mailboxes:
                return refusal(asked.name, "ErrorNonExistentMailbox", f"No mailbox {address}")
            state = self.mailboxes[address]
            state.asked.append(asked)
            for plan in state.plans:
                reply = plan(asked, lambda: perform(state, asked))  # type: ignore[arg-type]  # another kind of Asked
                if reply is not None:
                    return reply
            try:
                return perform(state, asked)
            except Wrong as wrong:
                state.faults.append(f"{asked.name}: {wrong}")
                return fault("ErrorSchemaValidation", str(wrong))

    def _read(self, headers: dict[str, str], octets: bytes) -> Asked:
        if headers.get("content-type") != "text/xml; charset=utf-8" or headers.get("accept-encoding") != "identity":
            raise Wrong("headers that are not ours")
        root = Node(etree.fromstring(octets, etree.XMLParser(huge_tree=True, resolve_entities=False)))
        version = root.child("s:Header").child("t:RequestServerVersion")
        if root.name != "s:Envelope" or version.attribute("Version") != "Exchange2013_SP1":
            raise Wrong("another envelope")
        version.done()
        element = etree.fromstring(octets, etree.XMLParser(huge_tree=True)).find(f"{{{SOAP}}}Body")
        assert element is not None
        (body,) = element
        if etree.QName(body).namespace != MESSAGES:
            raise Wrong("another operation")
        return Asked(etree.QName(body).localname, body, headers)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each new connection costs 40 ms
    server: Exchange

    def setup(self) -> None:
        super().setup()
        self.known = False  # NTLM lets in a connection, not a request
        self.ntlm: Any = None

    def log_message(self, *_: Any) -> None:
        """Say nothing: tests look at what was asked."""

    def do_POST(self) -> None:
        octets = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.path != PATH:
            reply = Reply(404)
        else:
            reply = self._let_in(headers.get("authorization", "")) or self.server.answer(headers, octets)
        out = reply.octets()
        self.wfile.write(out if reply.cut is None else out[: reply.cut])
        if reply.cut is not None or reply.raw is not None:
            self.close_connection = True

    def _let_in(self, told: str) -> Reply | None:
        """Return nothing for who may come in, else what is said at the door."""
        scheme, _, token = told.partition(" ")
        challenge = "NTLM, Basic"
        if scheme == "Basic":
            self.server.logins.append("basic")
            self.known = base64.b64decode(token).decode() == f"{USER}:{PASSWORD}"
        elif scheme == "NTLM":
            try:
                self.ntlm = self.ntlm or spnego.server(protocol="ntlm")
                more = self.ntlm.step(base64.b64decode(token))
            except spnego.exceptions.SpnegoError:
                self.ntlm = None
            else:
                self.known = self.ntlm.complete
                challenge = f"NTLM {base64.b64encode(more or b'').decode()}"
                if self.known:
                    self.server.logins.append(f"ntlm {self.ntlm.client_principal}")
        return None if self.known else Reply(401, b"denied", {"WWW-Authenticate": challenge})


@contextlib.contextmanager
def running(home: Path) -> Iterator[Exchange]:
    """Run the stub until the end of the block."""
    server = Exchange(home)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
