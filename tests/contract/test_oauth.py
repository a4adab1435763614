"""Tokens for IMAP and SMTP, from a login server over TLS, without a Graph mailbox around them."""

from contextlib import closing

import pytest

from pipeline.mailbox import open_mailbox, tokens_of
from pipeline.mailbox.oauth import AppTokens
from pipeline.mailbox.oauth_settings import AppRegistration
from pipeline.mailbox.port import MailboxRefused
from tests.contract import graph_stub


@pytest.fixture
def app(graph):
    """Make the application of the stub's login server, which gives tokens for its own address."""

    def make(**changes):
        place = {"authority": graph.server.address, "scope": f"{graph.server.address}/.default"}
        who = {"client_secret": graph_stub.SECRET, "ca_file": graph.server.ca_file, "timeout_seconds": 10.0}
        return AppRegistration(graph_stub.TENANT, graph_stub.CLIENT, **{**place, **who, **changes})

    return make


def test_a_token_is_kept_until_a_new_one_is_wanted_and_no_line_stays_open(app):
    tokens = tokens_of(app())
    first = tokens.token(renew=False)
    assert first
    assert tokens._wire._client is None
    assert tokens.token(renew=False) == first
    assert tokens.token(renew=True) != first


def test_it_is_noted_how_long_each_new_token_is_good(app):
    noted = []
    tokens = AppTokens(app(), noted=noted.append)
    tokens.token(renew=False)
    tokens.token(renew=False)
    assert noted == [3_599]
    tokens.token(renew=True)
    assert noted == [3_599, 3_599]


def test_it_is_noted_for_the_token_of_a_mailbox_too(graph):
    noted = []
    mailbox = open_mailbox(graph.settings(), noted=noted.append)
    with closing(mailbox):
        mailbox.unread()
    assert noted == [3_599]


def test_a_wrong_secret_is_refused_in_words_without_it(app):
    with pytest.raises(MailboxRefused, match=r"invalid_client.*when it expires") as refused:
        tokens_of(app(client_secret="wr0ng~one")).token(renew=False)  # noqa: S106 - it is wrong on purpose
    assert "wr0ng~one" not in str(refused.value)


def test_a_login_server_that_is_not_ours_to_trust_is_told_nothing(app, graph):
    before = graph.server.logins
    with pytest.raises(MailboxRefused, match="certificate is not trusted"):
        tokens_of(app(ca_file=None)).token(renew=False)
    assert graph.server.logins == before
