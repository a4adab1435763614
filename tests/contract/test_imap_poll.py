"""What a poll costs where thousands of unrelated mails lie unread, counted in octets on the line."""

import sys
from contextlib import closing

import pytest

from pipeline.mailbox import open_mailbox
from pipeline.mailbox.imap_session import Tls
from tests.contract import dovecot
from tests.contract.faulty import Direction, relayed

MAILS = 5_000
FORTY_THOUSAND = 40_000
MEGABYTE = 1_000_000


def mail(number):
    return f"Subject: {number}\r\nMessage-ID: <{number}@b.example>\r\n\r\nunrelated\r\n".encode()


@pytest.mark.dovecot
@pytest.mark.slow
def test_the_second_poll_over_unread_mails_asks_for_no_size_again(dovecots, capsys):
    server = dovecots(dovecot.FULL)
    user = server.new_user()
    server.plant(user, *(mail(number) for number in range(MAILS)))
    with relayed(server.port) as relay:
        mailbox = open_mailbox(server.settings(user, Tls.NONE, port=relay.port))
        costs, seen = [], 0
        for _ in range(3):
            with closing(mailbox):
                listed = mailbox.unread()
            assert len(listed) == MAILS
            costs.append(sum(relay.passed.values()) - seen)
            seen += costs[-1]
            assert [one.size for one in listed[:3]] == [len(mail(number)) for number in range(3)]
        with server.person(user) as client:
            client.append("INBOX", mail(MAILS))
        down = relay.passed[Direction.DOWN]
        with closing(mailbox):
            assert mailbox.unread()[-1].size == len(mail(MAILS))
        assert relay.passed[Direction.DOWN] - down < costs[1] + 200
    with capsys.disabled():
        sys.stdout.write(
            f"\n{MAILS:,} unread mails: {costs[0]:,} octets for the first poll, {costs[1]:,} for the next\n"
        )
    assert costs[1] == costs[2]
    a_mail = costs[1] / MAILS + 2  # a number may have a digit or two more
    assert a_mail * FORTY_THOUSAND < MEGABYTE
