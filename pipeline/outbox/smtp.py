"""Mail out over SMTP (RFC 5321, submission by RFC 6409): one recipient to a transaction, every end told apart.

The mail goes out in two parts. Up to and without the line with the single dot, the server cannot have taken it; from
the moment that line is sent until the answer to it, nobody can know. Where the octets come from a mail or a server,
nothing is believed: addresses are checked, answers held to a size, words made safe to show.
"""

import base64
import contextlib
import re
import ssl
import time
from collections.abc import Callable, Iterator, Sequence

from pipeline.outbox.envelope import Envelope, Unfit, envelope
from pipeline.outbox.port import Outcome, Sent, TransportUnusable
from pipeline.outbox.smtp_line import Garbled, Line, tls_context
from pipeline.outbox.smtp_settings import SmtpSettings, Tls
from pipeline.outbox.throttle import Throttle
from pipeline.readers.encoding import shown

_WORDS = 300  # of a server's answer, how many characters a text of ours repeats
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b", re.ASCII)  # RFC 2034, 4: the first word of the text
_TEMPORARY, _PERMANENT = 4, 5  # the first digits of the codes that say no (RFC 5321, 4.2.1)
_TOO_BIG = 552  # to MAIL: this mail is over the server's size (RFC 1870, 6)
_LOGIN_FIRST = 530  # RFC 4954, 6, and RFC 3207, 4: log in, or begin TLS, first


class _Stopped(Exception):  # noqa: N818 - carries an outcome up, is no error by itself
    def __init__(self, sent: Sent) -> None:
        super().__init__(sent.text)
        self.sent = sent


class Smtp:
    """A Transport over SMTP. The connection is made on first use, kept while all goes well, not used after trouble.

    throttle: kept by the caller where it makes a new Smtp for each visit. clock: seconds that only go up.
    """

    def __init__(self, settings: SmtpSettings, throttle: Throttle, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = f"smtp:{settings.user}@{settings.host}" if settings.user else f"smtp:{settings.host}"
        self._settings = settings
        self._throttle = throttle
        self._clock = clock
        self._line: Line | None = None
        self._secrets = {settings.password} if settings.password else set()

    def send(self, raw: bytes, *, sender: str, recipient: str) -> Sent:
        """Send one mail to one recipient; the port says what comes back."""
        try:
            mail = envelope(raw, sender, recipient)
        except Unfit as unfit:
            return Sent(Outcome.REFUSED, str(unfit))
        self._throttle.wait()
        try:
            with self._visit() as line:
                return self._transaction(line, mail)
        except _Stopped as stopped:
            self._drop()
            return stopped.sent

    def describe(self) -> Sequence[str]:
        """Log in anew, send nothing, and say what the server is and offers."""
        self.close()
        try:
            with self._visit() as line:
                features = line.esmtp_features
        except _Stopped as stopped:
            self._drop()
            raise TransportUnusable(stopped.sent.text) from stopped
        settings = self._settings
        who = f"logged in as {settings.user}" if settings.user else "no login"
        size = features.get("size", "")
        missing = [name.upper() for name in ("8bitmime", "smtputf8") if name not in features]
        return [
            f"{settings.place}, tls = {settings.tls}, {who}",
            f"takes mails up to {int(size):,} octets" if _is_limit(size) else "names no limit for the size of mails",
            *(f"does not offer {name}" for name in missing),
        ]

    def close(self) -> None:
        """Say goodbye and close. Never raises, and never waits long for a server that does not answer."""
        line, self._line = self._line, None
        if line:
            line.goodbye()

    def _drop(self) -> None:
        line, self._line = self._line, None
        if line:
            line.close()

    # The conversation, top to bottom

    @contextlib.contextmanager
    def _visit(self) -> Iterator[Line]:
        """Give the line, logged in: the one there is, where it still answers. No visit goes on for ever."""
        settings = self._settings
        end = self._clock() + settings.whole_seconds
        if self._line and not self._still_there(self._line, end):
            self._drop()
        if not self._line:
            self._line = Line(settings.host, settings.port, settings.timeout_seconds, self._clock)
            with self._line.within(end):
                self._begin(self._line)
        with self._line.within(end):
            yield self._line

    def _still_there(self, line: Line, end: float) -> bool:
        with contextlib.suppress(OSError, Garbled), line.within(end):
            return line.noop()[0] == 250  # noqa: PLR2004 - RFC 5321, 4.3.2: the one good answer to NOOP
        return False

    def _begin(self, line: Line) -> None:
        settings = self._settings
        context = None
        if settings.tls is not Tls.NONE:
            try:
                context = tls_context(settings.ca_file)
            except OSError as error:
                why = f"ca_file {settings.ca_file} cannot be read as PEM certificates: {error}"
                raise self._stop(Outcome.UNUSABLE, "prepare TLS", why) from error
        with self._doing("connect"):
            greeting = line.open(context if settings.tls is Tls.IMPLICIT else None)
        self._expect("be welcomed", greeting, (220,), refused=Outcome.UNUSABLE)
        self._hello(line)
        if settings.tls is Tls.STARTTLS and context:
            if not line.has_extn("starttls"):
                why = "the server offers no STARTTLS, or somebody on the way has taken it out; nothing was sent"
                raise self._stop(Outcome.UNUSABLE, "make the line safe", why)
            self._ask(line, "make the line safe", "STARTTLS", (220,), refused=Outcome.UNUSABLE)
            with self._doing("make the line safe"):
                line.secure(context)
            self._hello(line)
        if settings.user:
            self._login(line)

    def _hello(self, line: Line) -> None:
        with self._doing("say hello"):
            reply = line.ehlo()
        self._expect("say hello", reply, (250,), refused=Outcome.UNUSABLE)

    def _login(self, line: Line) -> None:
        offered = line.esmtp_features.get("auth", "").upper().split()
        known = ("XOAUTH2",) if self._settings.token else ("PLAIN", "LOGIN")
        mechanism = next((name for name in known if name in offered), "")
        if not mechanism:
            why = f"the server takes {' '.join(offered) or 'no login'}, and {' or '.join(known)} is needed"
            raise self._stop(Outcome.UNUSABLE, "log in", shown(why, _WORDS))
        user, password = self._settings.user, self._settings.password
        if mechanism == "LOGIN":  # draft-murchison-sasl-login: it asks for the one, then for the other
            self._ask(line, "log in", "AUTH LOGIN", (334,), refused=Outcome.UNUSABLE)
            self._ask(line, "log in", self._encoded(user), (334,), refused=Outcome.UNUSABLE)
            self._ask(line, "log in", self._encoded(password), (235,), refused=Outcome.UNUSABLE)
            return
        if mechanism == "PLAIN":  # RFC 4616
            reply = self._auth(line, mechanism, f"\0{user}\0{password}")
        else:
            reply = self._with_token(line, renew=False)
            if reply[0] // 100 == _PERMANENT:
                reply = self._with_token(line, renew=True)
        self._expect("log in", reply, (235,), refused=Outcome.UNUSABLE)

    def _with_token(self, line: Line, *, renew: bool) -> tuple[int, bytes]:
        """Log in with XOAUTH2, in the form that Microsoft and Google published; RFC 7628 came later."""
        with self._doing("get a token to log in with"):
            token = self._settings.token(renew) if self._settings.token else ""
        self._secrets.add(token)
        return self._auth(line, "XOAUTH2", f"user={self._settings.user}\x01auth=Bearer {token}\x01\x01")

    def _auth(self, line: Line, mechanism: str, response: str) -> tuple[int, bytes]:
        with self._doing("log in"):
            reply = line.docmd("AUTH", f"{mechanism} {self._encoded(response)}")
            if reply[0] == 334:  # noqa: PLR2004 - XOAUTH2's way to say no: the reason first, and the refusal once we nod
                reply = line.docmd("")
        return reply

    def _transaction(self, line: Line, mail: Envelope) -> Sent:
        begin = f"MAIL FROM:<{mail.sender}>{self._parameters(line, mail)}"
        with self._doing("begin a mail"):
            reply = line.docmd(begin)
        # The sender comes from our settings: where it is refused, no other mail would fare better.
        refused = Outcome.REFUSED if reply[0] == _TOO_BIG else Outcome.UNUSABLE
        self._expect(f"begin a mail from {mail.sender}", reply, (250,), refused=refused)
        self._ask(line, f"address a mail to {mail.recipient}", f"RCPT TO:<{mail.recipient}>", (250, 251, 252))
        self._ask(line, "begin the text of the mail", "DATA", (354,))
        with self._doing("send the text of the mail"):
            line.send(mail.stuffed)
        # The server may take the mail from here on: whatever is no clear answer leaves it unknown.
        with self._doing("learn whether the mail was taken", Outcome.UNKNOWN):
            line.send(b".\r\n")
            code, words = line.last_reply()
        self._expect("hand over the mail", (code, words), range(200, 300), unclear=Outcome.UNKNOWN)
        text = self._words(words)
        return Sent(Outcome.TAKEN, text, code, _status(text))

    def _parameters(self, line: Line, mail: Envelope) -> str:
        """Return the parameters of MAIL for this mail, or stop where the server could not carry it."""
        doing = "begin a mail"
        features = line.esmtp_features
        size, limit = len(mail.content), features.get("size", "")
        if _is_limit(limit) and size > int(limit):
            why = f"the mail has {size:,} octets and the server takes {int(limit):,}; make it smaller"
            raise self._stop(Outcome.REFUSED, doing, why)
        asked = [f"SIZE={size}"] if "size" in features else []
        for needed, name, said in (
            (mail.eight_bit, "8bitmime", "BODY=8BITMIME"),
            (mail.international, "smtputf8", "SMTPUTF8"),
        ):
            if needed and name not in features:
                why = f"the mail or an address is not plain ASCII, and the server does not offer {name.upper()}"
                raise self._stop(Outcome.REFUSED, doing, why)
            if needed:
                asked.append(said)
        return "".join(f" {word}" for word in asked)

    # What an answer, or none, comes to

    def _ask(
        self, line: Line, doing: str, command: str, good: Sequence[int], *, refused: Outcome = Outcome.REFUSED
    ) -> None:
        with self._doing(doing):
            reply = line.docmd(command)
        self._expect(doing, reply, good, refused=refused)

    def _expect(
        self,
        doing: str,
        reply: tuple[int, bytes],
        good: Sequence[int],
        *,
        refused: Outcome = Outcome.REFUSED,
        unclear: Outcome = Outcome.LATER,
    ) -> None:
        """Stop unless the reply is one of ``good``. refused: what a 5xx comes to; unclear: what no known code does."""
        code, words = reply
        if code in good:
            return
        outcome = {_TEMPORARY: Outcome.LATER, _PERMANENT: refused}.get(code // 100, unclear)
        text = self._words(words)
        raise self._stop(
            Outcome.UNUSABLE if code == _LOGIN_FIRST else outcome,
            doing,
            f"the server said: {code} {text}",
            code,
            _status(text),
        )

    @contextlib.contextmanager
    def _doing(self, what: str, outcome: Outcome = Outcome.LATER) -> Iterator[None]:
        """Turn what may happen to a connection into an outcome. ``what`` completes 'could not ...'."""
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            why = f"its certificate is not trusted: {self._said(error)}. Check host and ca_file"
            raise self._stop(Outcome.UNUSABLE, what, why) from error
        except TimeoutError as error:
            raise self._stop(outcome, what, "no answer came in time") from error
        except Garbled as error:
            raise self._stop(outcome, what, f"its answer {error}") from error
        except OSError as error:
            raise self._stop(outcome, what, f"the connection failed: {self._said(error)}") from error

    def _stop(self, outcome: Outcome, doing: str, why: str, code: int = 0, status: str = "") -> _Stopped:
        return _Stopped(Sent(outcome, f"SMTP {self._settings.place}: could not {doing}: {why}.", code, status))

    def _encoded(self, text: str) -> str:
        """Return text as SASL goes over the line (RFC 4954, 4), and never show it should the server repeat it."""
        encoded = base64.b64encode(text.encode("utf-8")).decode("ascii")
        self._secrets.add(encoded)
        return encoded

    def _words(self, said: bytes) -> str:
        text = said.decode("utf-8", "replace")
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return shown(text, _WORDS).rstrip(".")

    def _said(self, error: OSError) -> str:
        return shown(error.strerror or str(error) or type(error).__name__, _WORDS).rstrip(".")


def _status(text: str) -> str:
    found = _STATUS.match(text)
    return found[0] if found else ""


def _is_limit(size: str) -> bool:
    """Tell whether what stands after SIZE is a limit: 0 means none (RFC 1870, 4), and it may be missing."""
    return size.isascii() and size.isdigit() and len(size) <= 20 and int(size) > 0  # noqa: PLR2004 - RFC 1870, 4: 20 digits
