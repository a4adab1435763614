"""Microsoft Graph and its login server on loopback, as far as a mailbox needs them: stateful and strict.

What the real service does is taken from its documentation, not from the service: see docs/how-to/microsoft-365.md.
A request that this stub does not know, or an option of one, is a fault, and a test with a fault fails (``faults``).
"""

import contextlib
import re
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.contract import dovecot
from tests.contract.graph_attachments import ATTACHMENTS, receive
from tests.contract.graph_operations import perform
from tests.contract.graph_state import Asked, MailboxState, Planned, Refused, Reply, error, said

HOST = "127.0.0.1"
TENANT, CLIENT, SECRET = "tenant.example", "8f2b7a5e-0000-4000-8000-5d9f3c1e7a10", "s3cret~of.the-app"
MOST_AT_ONCE = 4


def make_certificate(home: Path) -> str:
    """Make what an application logs in with: a private key and its certificate, in PEM."""
    ask = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=app", "-days", "3650"]
    subprocess.run(
        [*ask, "-keyout", "app.key", "-out", "app.crt"], cwd=home, check=True, capture_output=True, timeout=30
    )
    return (home / "app.crt").read_text() + (home / "app.key").read_text()


class Graph(ThreadingHTTPServer):
    """The server. faults: what it was asked and does not know."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, home: Path) -> None:
        super().__init__((HOST, 0), _Handler)
        dovecot.make_certificates(home)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(home / "server.crt", home / "server.key")
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.ca_file = home / "ca.crt"
        self.certificate = make_certificate(home)
        self.address = f"https://{HOST}:{self.server_address[1]}"
        self.base = f"{self.address}/v1.0"
        self.uploads = f"localhost:{self.server_address[1]}"  # another host, as far as a client can tell
        self.mailboxes: dict[str, MailboxState] = {}
        self.faults: list[str] = []
        self.login: Planned | None = None
        self.tokens: set[str] = set()
        self.logins = 0
        self._lock = threading.RLock()
        self._at_once = 0

    def new_mailbox(self) -> tuple[str, MailboxState]:
        user = f"desk{len(self.mailboxes)}@mail.example"
        self.mailboxes[user] = MailboxState(f"{self.base}/users/{user}", f"https://{self.uploads}")
        return user, self.mailboxes[user]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that cuts the line, or does not trust us, is what some tests are about."""

    def answer(self, asked: Asked) -> Reply:
        with self._lock:
            self._at_once += 1
            if self._at_once > MOST_AT_ONCE:
                self.faults.append("more than four requests at once")
        try:
            with self._lock:
                return self._answer(asked)
        except Refused as refused:
            return refused.reply
        finally:
            with self._lock:
                self._at_once -= 1

    def fault(self, text: str) -> Refused:
        self.faults.append(text)
        return Refused(error(400, "StubFault", text))

    def _answer(self, asked: Asked) -> Reply:
        if asked.path.startswith(f"/{TENANT}/"):
            return self._login(asked)
        found = re.fullmatch(r"/upload/([^/]+)", asked.path)
        if found is not None:
            return self._receive(self.mailboxes[unquote(found[1])], asked)
        found = re.fullmatch(r"/v1\.0/users/([^/]+)/(.+)", asked.path)
        if found is None:
            if not asked.path.startswith("/unknown.example"):
                self.faults.append(asked.name)
            return error(404, "ResourceNotFound")
        user = unquote(found[1])
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return error(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
        if user not in self.mailboxes:
            return error(404, "ErrorInvalidUser", f"The requested user '{user}' is invalid.")
        if 'IdType="ImmutableId"' not in asked.headers.get("prefer", ""):
            raise self.mailboxes[user].fault(f"{asked.name}: asked for ids that change")
        state = self.mailboxes[user]
        inner = Asked(asked.method, found[2], asked.options, asked.headers, asked.body)
        state.asked.append(inner)
        return self._planned(state, inner, lambda: perform(state, inner, ATTACHMENTS))

    def _receive(self, state: MailboxState, asked: Asked) -> Reply:
        if asked.headers["host"] != self.uploads:
            raise state.fault("an upload at the host of Graph")
        inner = Asked(asked.method, "upload", asked.options, asked.headers, asked.body)
        state.asked.append(inner)
        return self._planned(state, inner, lambda: receive(state, inner))

    def _planned(self, state: MailboxState, asked: Asked, do: Callable[[], Reply]) -> Reply:
        for plan in state.plans:
            reply = plan(asked, do)
            if reply is not None:
                return reply
        reply = do()
        state.told += len(reply.body)
        return reply

    def _login(self, asked: Asked) -> Reply:
        if self.login is not None:
            reply = self.login(asked, lambda: self._token(asked))
            if reply is not None:
                return reply
        place = f"{self.address}/{TENANT}"
        if asked.name == f"GET /{TENANT}/v2.0/.well-known/openid-configuration":
            ends = {"authorization_endpoint": f"{place}/authorize", "token_endpoint": f"{place}/oauth2/v2.0/token"}
            return said(200, {**ends, "issuer": f"{place}/v2.0"})
        if asked.name == f"POST /{TENANT}/oauth2/v2.0/token":
            return self._token(asked)
        raise self.fault(asked.name)

    def _token(self, asked: Asked) -> Reply:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        if form.get("scope") != f"{self.address}/.default" or form.get("grant_type") != "client_credentials":
            raise self.fault(f"a token for {form.get('scope')} by {form.get('grant_type')}")
        if form.get("client_id") != CLIENT or not self._proved(form):
            return said(401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret."})
        self.logins += 1
        token = f"token-{self.logins}"
        self.tokens.add(token)
        return said(200, {"token_type": "Bearer", "expires_in": 3599, "access_token": token})

    def _proved(self, form: dict[str, str]) -> bool:
        if "client_assertion" not in form:
            return form.get("client_secret") == SECRET
        key = x509.load_pem_x509_certificate(self.certificate.encode()).public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        with contextlib.suppress(jwt.PyJWTError):
            claims = jwt.decode(
                form["client_assertion"],
                key,
                algorithms=["PS256"],
                audience=f"{self.address}/{TENANT}/oauth2/v2.0/token",
            )
            return bool(claims["sub"] == CLIENT)
        return False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each new connection costs 40 ms
    server: Graph

    def log_message(self, *_: Any) -> None:
        """Say nothing: tests look at what was asked."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urlsplit(self.path)
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.answer(Asked(self.command, parts.path, dict(pairs), headers, body))
        octets = reply.octets()
        self.wfile.write(octets if reply.cut is None else octets[: reply.cut])
        if reply.cut is not None or reply.raw is not None:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the standard library's names


@contextlib.contextmanager
def running(home: Path) -> Iterator[Graph]:
    """Run the stub until the end of the block."""
    server = Graph(home)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
