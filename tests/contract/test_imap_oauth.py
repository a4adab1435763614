"""Tokens on a real IMAP server: Dovecot validates them itself, by signature, issuer, user and time."""

import re
from contextlib import closing

import pytest

from pipeline.mailbox import open_mailbox
from pipeline.mailbox.imap import Imap
from pipeline.mailbox.imap_token import TokenLogin
from pipeline.mailbox.oauth_settings import AppRegistration
from pipeline.mailbox.trouble import LoginRefused
from tests.contract import dovecot, graph_stub
from tests.contract.graph_state import said

pytestmark = pytest.mark.dovecot

MAIL = b"Subject: 1\r\nMessage-ID: <1@b.example>\r\n\r\nbody\r\n"
DRAFT_ID = "<0123.reply@mail.example>"
DRAFT = MAIL.replace(b"<1@b.example>", DRAFT_ID.encode())


@pytest.fixture(params=[dovecot.OAUTHBEARER, dovecot.XOAUTH2], ids=lambda flavour: flavour.name)
def stand(request, imap):
    """A mailbox on a server that takes tokens by one mechanism only."""
    return imap(request.param)


@pytest.fixture
def login_server(graph):
    """The stub of Microsoft's login server; ``give`` says what token it gives at its nth login."""

    def give(token):
        given = []

        def answer(asked, do):
            if asked.method != "POST":
                return None
            given.append(token(len(given) + 1))
            return said(200, {"token_type": "Bearer", "expires_in": 60, "access_token": given[-1]})

        graph.server.login = answer
        return given

    yield give
    graph.server.login = None


def app(graph):
    place = {"authority": graph.server.address, "ca_file": graph.server.ca_file}
    return AppRegistration(graph_stub.TENANT, graph_stub.CLIENT, client_secret=graph_stub.SECRET, **place)


class Tokens:
    """Gives ``kept`` until it is to be renewed, then ``fresh``."""

    def __init__(self, kept, fresh):
        self.kept, self.fresh = kept, fresh
        self.asked = []

    def token(self, *, renew):
        self.asked.append(renew)
        return self.fresh if renew else self.kept


@pytest.fixture
def login_with(graph, request):
    """Make a mailbox that logs in with these tokens."""

    def make(stand, kept, fresh):
        tokens = Tokens(kept, fresh)
        made = Imap(stand.settings(password="", app=app(graph)), login=TokenLogin(tokens))
        request.addfinalizer(made.close)
        return made, tokens

    return make


def test_an_application_reads_and_drafts_with_a_token_that_is_renewed_between_visits(stand, graph, login_server):
    stand.deliver(MAIL)
    given = login_server(lambda number: stand.server.token(stand.user, number=number))
    mailbox = open_mailbox(stand.settings(password="", app=app(graph)))
    with closing(mailbox):
        (listed,) = mailbox.unread()
        assert mailbox.fetch(listed.ref) == MAIL
    with closing(mailbox):  # the first has less than five minutes left: another is asked for
        assert mailbox.save_draft(DRAFT, DRAFT_ID)
    assert len(set(given)) == 2
    assert [held.raw for held in stand.held("Drafts")] == [DRAFT]
    assert any(f"method={stand.server.flavour.name}" in line.lower() for line in stand.server.log)


def test_a_token_that_ended_early_is_renewed_once_on_the_same_line(stand, login_with):
    stand.deliver(MAIL)
    made, tokens = login_with(stand, stand.server.token(stand.user, expired=True), stand.server.token(stand.user))
    assert len(made.unread()) == 1
    assert tokens.asked == [False, True]


WRONG = {
    "expired": ({"expired": True}, "Token has expired"),
    "key": ({"key": b"the key of another login server, of nobody"}, "Incorrect JWT signature"),
    "issuer": ({"issuer": "https://elsewhere.example/"}, "Issuer .* is not allowed"),
    "user": ({"user": "another@mail.example"}, "Username .* did not match"),
}


@pytest.mark.parametrize(
    ("flavour", "name"),
    [*((dovecot.OAUTHBEARER, name) for name in WRONG), (dovecot.XOAUTH2, "expired")],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_token_that_is_not_taken_is_refused_in_words_without_it_and_a_good_one_helps(imap, login_with, flavour, name):
    stand = imap(flavour)
    stand.deliver(MAIL)
    wrong, why = WRONG[name]
    bad = stand.server.token(**{"user": stand.user, **wrong})
    mailbox, tokens = login_with(stand, bad, bad)
    words = rf"the token for {stand.user} is not taken: (invalid_token|401)\. .*IMAP\.AccessAsApp"
    with pytest.raises(LoginRefused, match=words) as refused:
        mailbox.unread()
    assert tokens.asked == [False, True]
    assert bad not in f"{refused.value!r} {refused.value.__cause__!r}"
    assert any(stand.user in line and re.search(why, line) for line in stand.server.log)
    tokens.fresh = stand.server.token(stand.user)
    assert len(mailbox.unread()) == 1
