"""Settings of a Microsoft 365 mailbox, and what is said where the extra's packages are missing."""

import sys
from itertools import pairwise

import pytest

from pipeline.mailbox import GraphSettings, open_mailbox
from pipeline.mailbox.graph_wire import AnswerTooLong, Wire
from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable

WORD = "s3cret~value"
WHO = {"tenant": "tenant.example", "client_id": "8f2b7a5e-0000-4000-8000-5d9f3c1e7a10", "user": "desk@mail.example"}


def settings(**changes):
    return GraphSettings(**{**WHO, "client_secret": WORD, **changes})


def test_no_secret_is_in_what_is_printed():
    for one in (settings(), settings(client_secret="", certificate=WORD)):
        assert WORD not in repr(one)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tenant": ""}, "tenant"),
        ({"tenant": "a/../b"}, "tenant"),
        ({"tenant": "a?b"}, "tenant"),
        ({"client_id": "x y"}, "client_id"),
        ({"user": "desk"}, "user"),
        ({"user": "a/b@c"}, "user"),
        ({"user": "a@b@c"}, "user"),
        ({"user": "a b@c"}, "user"),
        ({"base_url": "http://graph.example/v1.0"}, "base_url must be an https"),
        ({"base_url": "https://graph.example/v1.0/"}, "base_url"),
        ({"base_url": "https://me@graph.example/v1.0"}, "base_url"),
        ({"base_url": "https://graph.example/v1.0?x=1"}, "base_url"),
        ({"base_url": "https://graph.example/v1.0#x"}, "base_url"),
        ({"base_url": "https://"}, "base_url"),
        ({"base_url": "https://graph.example:x/v1.0"}, "base_url"),
        ({"base_url": "https://graph.example/v1.0\n"}, "base_url"),
        ({"authority": "http://login.example"}, "authority must be an https"),
        ({"client_secret": ""}, "a client secret or a certificate"),
        ({"certificate": "PEM"}, "and not both"),
        ({"client_secret": f"{WORD}\n"}, "line end"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_without_the_secret(changes, said):
    with pytest.raises(ValueError, match=said) as refused:
        settings(**changes)
    assert WORD not in str(refused.value)


def test_a_token_is_asked_for_on_the_graph_that_is_used():
    assert settings().scope == "https://graph.microsoft.com/.default"
    assert settings(base_url="https://graph.microsoft.us/v1.0").scope == "https://graph.microsoft.us/.default"


@pytest.mark.parametrize("package", ["httpx", "msal"])
def test_a_missing_package_is_named_with_what_to_do(monkeypatch, package):
    for name in [name for name in sys.modules if name.startswith(("pipeline.mailbox.graph", "pipeline.mailbox.oauth"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MailboxRefused, match=rf"{package}.*pip install 'secas-cpl-pipeline\[graph\]'"):
        open_mailbox(settings())


class _Response:
    """As much of a response as its body needs. pieces: what comes, with the time at which it does."""

    status_code = 200

    def __init__(self, times, headers):
        self.now = 0.0
        self.headers = headers
        self._times = times

    def iter_raw(self):
        for before, after in pairwise([0.0, *self._times]):
            self.now += after - before
            yield b"x"


def test_an_answer_that_drips_is_given_up_in_time():
    response = _Response([10.0 * n for n in range(1, 100)], {"content-length": "99"})
    wire = Wire(settings(timeout_seconds=30.0), clock=lambda: response.now)
    with pytest.raises(MailboxUnavailable, match="not whole in time"):
        list(wire._pieces(response, "graph", 1_000))
    assert response.now == 310.0


def test_an_answer_is_read_only_as_far_as_it_may_go():
    wire = Wire(settings(), clock=lambda: 0.0)
    response = _Response([1.0, 2.0, 3.0], {"transfer-encoding": "chunked"})
    assert list(wire._pieces(response, "graph", 3)) == [b"x"] * 3
    with pytest.raises(AnswerTooLong) as refused:
        list(wire._pieces(response, "graph", 2))
    assert refused.value.size == 3
