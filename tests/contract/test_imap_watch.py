"""The watch over the inbox on a real server: told of mail at once, and never stuck on a line that died."""

import threading
from contextlib import contextmanager

import pytest

from pipeline.mailbox.idle import Watch
from pipeline.mailbox.imap_session import Tls, password_login
from pipeline.mailbox.patience import LOGIN_SECONDS
from pipeline.mailbox.port import MailboxRefused
from tests.contract import dovecot
from tests.contract.faulty import Direction, relayed

MAIL = b"Subject: x\r\n\r\nbody\r\n"
_PATIENCE = 30


class Pauses:
    """Stands for the waiting between connections. After ``most`` of them the watch is stopped."""

    def __init__(self, watch, most=10**6):
        self.watch, self.most = watch, most
        self.seconds = []
        self.trouble = threading.Event()

    def __call__(self, seconds):
        self.seconds.append(seconds)
        if seconds:
            self.trouble.set()
        if len(self.seconds) >= self.most:
            self.watch.stop()


@contextmanager
def watching(settings, *, most=10**6, poke=None, **times):
    """Run a watch in a thread. Gives it, its pauses and what is set when it pokes; it must end when asked."""
    came = threading.Event()
    watch = Watch(lambda: (settings, password_login), poke or came.set, lambda: 0.5, **{"lull_seconds": 0.0, **times})
    watch.pause = pauses = Pauses(watch, most)
    thread = threading.Thread(target=watch.run, daemon=True)
    thread.start()
    try:
        yield watch, pauses, came
        if most < 10**6:
            thread.join(_PATIENCE)
    finally:
        watch.stop()
        thread.join(_PATIENCE)
    assert not thread.is_alive()


def append(stand):
    with stand.server.person(stand.user) as client:
        client.append("INBOX", MAIL)


@contextmanager
def seen_waiting(stand):
    """Deliver until the watch has said so: it may not have begun to wait when the first mail comes."""
    ended = threading.Event()

    def deliver():
        while not ended.is_set():
            append(stand)
            ended.wait(1)

    thread = threading.Thread(target=deliver, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(_PATIENCE)


@pytest.mark.dovecot
@pytest.mark.parametrize("tls", [Tls.IMPLICIT, Tls.STARTTLS])
def test_a_new_mail_is_told_at_once_and_stopping_needs_no_answer(imap, tls):
    stand = imap(tls=tls)
    with watching(stand.settings()) as (_, pauses, came), seen_waiting(stand):
        assert came.wait(_PATIENCE)
    assert set(pauses.seconds) == {0.0}  # the lulls, and no trouble


@pytest.mark.dovecot
def test_a_line_that_was_cut_is_made_anew_after_a_pause(imap):
    stand = imap()
    with watching(stand.settings()) as (_, pauses, came):
        with seen_waiting(stand):
            assert came.wait(_PATIENCE)
        came.clear()
        stand.server.kick(stand.user)
        with seen_waiting(stand):
            assert came.wait(_PATIENCE)
    assert 10.0 in pauses.seconds


@pytest.mark.dovecot
def test_a_line_that_died_without_a_word_is_given_up_in_time(imap):
    stand = imap()
    with watching(stand.settings(timeout_seconds=0.4), idle_seconds=0.1) as (_, pauses, came):
        with seen_waiting(stand):
            assert came.wait(_PATIENCE)
        with stand.server.paused():
            assert pauses.trouble.wait(_PATIENCE)
        came.clear()
        with seen_waiting(stand):
            assert came.wait(_PATIENCE)
    assert 10.0 in pauses.seconds


@pytest.mark.dovecot
def test_idle_is_begun_anew_before_the_network_forgets_the_line(imap):
    stand = imap(tls=Tls.NONE)
    with relayed(stand.server.port) as relay:
        with watching(stand.settings(port=relay.port), idle_seconds=0.05) as (_, pauses, came), seen_waiting(stand):
            assert came.wait(_PATIENCE)
            before = relay.passed[Direction.UP]
            came.clear()
            assert came.wait(_PATIENCE)
        assert relay.passed[Direction.UP] - before > 40  # DONE and IDLE, more than once
    assert set(pauses.seconds) == {0.0}


@pytest.mark.dovecot
def test_a_server_without_idle_is_polled_only(imap, capsys):
    stand = imap(dovecot.BARE)
    watch = Watch(lambda: (stand.settings(), password_login), list, lambda: 0.5)
    watch.run()  # ends by itself
    assert "polled only" in capsys.readouterr().out


@pytest.mark.dovecot
def test_a_refused_login_is_not_tried_again_soon(imap):
    stand = imap()
    with watching(stand.settings(password="wrong"), most=1) as (_, pauses, _):  # noqa: S106 - it is wrong on purpose
        pass
    assert pauses.seconds == [LOGIN_SECONDS]


def test_an_account_that_cannot_be_read_is_tried_again_later():
    def unreadable():
        raise MailboxRefused("mailbox.password_file: no such file")

    watch = Watch(unreadable, list, lambda: 0.5)
    watch.pause = pauses = Pauses(watch, 3)
    watch.run()
    assert pauses.seconds == [10.0, 20.0, 40.0]


@pytest.mark.dovecot
def test_a_watch_that_is_stopped_before_it_began_does_not_begin(imap):
    watch = Watch(lambda: pytest.fail("it connected"), list, lambda: 0.5)
    watch.stop()
    watch.run()
