"""Logging in with a token: what goes over the line, one renewal, and refusals in words without the token."""

import base64
import json

import pytest

from pipeline.mailbox.imap import Imap
from pipeline.mailbox.imap_session import ImapSettings, Tls
from pipeline.mailbox.imap_token import TokenLogin
from pipeline.mailbox.oauth_settings import AppRegistration
from pipeline.mailbox.port import MailboxUnavailable
from pipeline.mailbox.trouble import LoginRefused

APP = AppRegistration("tenant.example", "app", client_secret="s3cret")  # noqa: S106 - no real one
USER = "desk,a=b@mail.example"
NO = b"%s NO AUTHENTICATE failed.\r\n"
CHALLENGE = b"+ " + base64.b64encode(json.dumps({"status": "invalid_token", "schemes": "bearer"}).encode()) + b"\r\n"


class Tokens:
    """Gives ``first``, then a new token at each renewal. asked: what it was asked with."""

    def __init__(self):
        self.asked = []

    def token(self, *, renew):
        self.asked.append(renew)
        return f"token{sum(self.asked)}"


def capability(*mechanisms):
    named = b" ".join(b"AUTH=" + name for name in mechanisms)
    return b"* CAPABILITY IMAP4rev1 " + named + b"\r\n%s OK done\r\n"


@pytest.fixture
def mailbox(scripted, request):
    """A mailbox whose server answers each token in turn as told."""

    def make(*verdicts, mechanisms=(b"XOAUTH2",)):
        answers = {b"FETCH": b"%s OK done\r\n", b"CAPABILITY": capability(*mechanisms)}
        server = scripted(answers, greeting=b"* OK ready\r\n")
        server.login_answers = list(verdicts)
        tokens = Tokens()
        settings = ImapSettings("127.0.0.1", USER, app=APP, port=server.port, tls=Tls.NONE, timeout_seconds=5)
        made = Imap(settings, login=TokenLogin(tokens))
        request.addfinalizer(made.close)
        return made, server, tokens

    return make


def sent(server):
    return [base64.b64decode(line) for line in server.heard if len(line.split()) == 1]


IN = b"%s OK [CAPABILITY IMAP4rev1] in\r\n"


def test_xoauth2_is_as_microsoft_writes_it(mailbox):
    made, server, tokens = mailbox(IN)
    made.unread()
    assert sent(server) == [f"user={USER}\x01auth=Bearer token0\x01\x01".encode()]
    assert tokens.asked == [False]


def test_oauthbearer_is_preferred_and_is_as_rfc_7628_writes_it(mailbox):
    made, server, _ = mailbox(IN, mechanisms=(b"XOAUTH2", b"OAUTHBEARER"))
    made.unread()
    where = f"host=127.0.0.1\x01port={server.port}\x01"
    assert sent(server) == [f"n,a=desk=2Ca=3Db@mail.example,\x01{where}auth=Bearer token0\x01\x01".encode()]


@pytest.mark.parametrize(("mechanism", "nod"), [(b"XOAUTH2", b""), (b"OAUTHBEARER", b"\x01")])
def test_a_token_that_is_not_taken_is_renewed_once_on_the_same_line(mailbox, mechanism, nod):
    made, server, tokens = mailbox(CHALLENGE, NO, IN, mechanisms=(mechanism,))
    made.unread()
    assert tokens.asked == [False, True]
    assert len(server.nods) == 1
    assert base64.b64decode(server.nods[0]) == nod


def test_a_new_token_that_is_not_taken_is_told_with_the_reason_and_what_to_do(mailbox):
    made, _, tokens = mailbox(CHALLENGE, NO, CHALLENGE, NO)
    with pytest.raises(LoginRefused, match=r"invalid_token.*IMAP\.AccessAsApp") as refused:
        made.unread()
    assert tokens.asked == [False, True]
    assert "token1" not in repr(refused.value) + repr(refused.value.__cause__)


@pytest.mark.parametrize("challenge", [b"", b"W10=", b"bm90IGpzb24=", base64.b64encode(b"[" * 100_000)])
def test_a_reason_that_cannot_be_read_leaves_the_servers_refusal(mailbox, challenge):
    said = b"%s NO token1 is no good\r\n"
    made, _, _ = mailbox(b"+ " + challenge + b"\r\n", NO, b"+ " + challenge + b"\r\n", said)
    with pytest.raises(LoginRefused, match=r"\*\*\* is no good") as refused:
        made.unread()
    assert "token1" not in repr(refused.value)


def test_a_server_that_hangs_up_on_a_token_gets_a_new_one_at_the_next_visit(mailbox):
    made, _, tokens = mailbox(None, IN)
    with pytest.raises(MailboxUnavailable):
        made.unread()
    made.unread()
    made.close()
    made.unread()
    assert tokens.asked == [False, True, False]


def test_a_busy_server_says_nothing_about_the_token(mailbox):
    made, _, tokens = mailbox(b"%s NO [UNAVAILABLE] the directory is down\r\n")
    with pytest.raises(MailboxUnavailable, match="busy"):
        made.unread()
    assert tokens.asked == [False]


def test_a_server_that_takes_no_tokens_is_told_none(mailbox):
    made, server, tokens = mailbox(mechanisms=(b"PLAIN",))
    with pytest.raises(LoginRefused, match="takes no OAuth2 tokens"):
        made.unread()
    assert (sent(server), tokens.asked) == ([], [])


@pytest.mark.parametrize(
    ("changes", "said"), [({"password": "word", "app": APP}, "not both"), ({"password": "", "app": None}, "password")]
)
def test_there_is_one_way_to_log_in(changes, said):
    with pytest.raises(ValueError, match=said):
        ImapSettings("mail.example", "desk", **changes)
