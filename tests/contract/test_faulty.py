"""IMAP conversations with Dovecot broken at every octet that matters: nothing is lost, nothing is done twice.

After each break a clean visit does the same again, as the worker does, and the mailbox is looked at from outside.
"""

import hashlib
import random
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.mailbox import open_mailbox
from pipeline.mailbox.imap_session import Tls
from pipeline.mailbox.port import Filed, MailboxRefused, MailboxUnavailable, Ref
from tests.contract import dovecot
from tests.contract.faulty import Direction, Fault, Way, relayed

MAIL = b"From: a@b.example\r\nSubject: s\r\nMessage-ID: <1@b.example>\r\n\r\nbody\r\n"
DRAFT_ID = "<0123.reply@mail.example>"
DRAFT = f"Subject: re\r\nMessage-ID: {DRAFT_ID}\r\n\r\nreply\r\n".encode()
SHA256 = hashlib.sha256(MAIL).hexdigest()
TARGET = "Done"
SEED = 20261121
STALL_SECONDS = 0.4
AT_ONCE = 4


def conversation(mailbox):
    """What a round does with one mail, from the list to the filing. Returns what was read and what became of it."""
    listed = mailbox.unread()
    raw = mailbox.fetch(listed[0].ref) if listed else b""
    mailbox.save_draft(DRAFT, DRAFT_ID)
    ref = listed[0].ref if listed else Ref("INBOX", "0", "0")
    return raw, mailbox.file_away(ref, SHA256, "<1@b.example>", TARGET)


class Bench:
    """A server and what each try on it needs. Every try has a mailbox of its own."""

    def __init__(self, server):
        self.server = server

    def settings(self, user, port=0, timeout_seconds=20.0):
        changes = {"port": port} if port else {}
        return self.server.settings(user, Tls.NONE, timeout_seconds=timeout_seconds, **changes)

    def user(self):
        """A new user with one mail, written where Dovecot will find it."""
        user = self.server.new_user()
        self.server.plant(user, MAIL)
        return user

    def measured(self):
        """Where the commands and the answers of an unbroken conversation end, each way; the last is its length."""
        with relayed(self.server.port) as relay:
            with closing(open_mailbox(self.settings(self.user(), relay.port))) as mailbox:
                assert conversation(mailbox) == (MAIL, Filed.DONE)
            return relay.edges

    def tried(self, fault):
        """Break it, do it again cleanly, and say what is wrong then. Empty: nothing."""
        user = self.user()
        seconds = STALL_SECONDS if fault.way is Way.STALL else 5.0
        with relayed(self.server.port, fault) as relay:
            with closing(open_mailbox(self.settings(user, relay.port, seconds))) as mailbox:
                try:
                    conversation(mailbox)
                except (MailboxUnavailable, MailboxRefused):
                    pass
                else:  # the goodbye, which nobody waits for
                    assert relay.passed[fault.direction] < fault.at + 200
            if lost := self.lost(user):
                return f"{fault}: after the break {lost}"
        with closing(open_mailbox(self.settings(user))) as mailbox:
            raw, filed = conversation(mailbox)
        if raw not in {MAIL, b""} or filed is Filed.GONE:
            return f"{fault}: the clean visit read {raw!r} and found the mail {filed}"
        found = self.found(user)
        return "" if found == Counter({"Drafts": 1, TARGET: 1}) else f"{fault}: afterwards there are {dict(found)}"

    def lost(self, user):
        found = self.found(user)
        return "" if found["INBOX"] + found[TARGET] >= 1 and found["Drafts"] <= 1 else f"there are {dict(found)}"

    def found(self, user):
        """How many mails lie in each folder, counted where Dovecot keeps them."""
        home: Path = self.server.home / "mail" / user
        folders = {"INBOX": home, "Drafts": home / ".Drafts", TARGET: home / f".{TARGET}"}
        counted = Counter({n: sum(len(list(f.glob(p))) for p in ("new/*", "cur/*")) for n, f in folders.items()})
        return +counted


def points(edges, around, more, chance):
    """The octets at every edge and up to ``around`` beside it, and so many more by chance; all where they are few."""
    every = range(1, edges[-1] + 1)
    if len(every) <= more:
        return every
    near = {edge + by for edge in edges for by in range(-around, around + 1)}
    return sorted(near & set(every) | set(chance.sample(every, more)))


@pytest.mark.dovecot
@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "density"), [(Way.CUT, (1, 300)), (Way.RESET, (1, 30)), (Way.STALL, (0, 10))], ids=["cut", "reset", "stall"]
)
@pytest.mark.parametrize("direction", list(Direction))
def test_a_conversation_broken_anywhere_loses_nothing_and_does_nothing_twice(dovecots, capsys, way, density, direction):
    bench = Bench(dovecots(dovecot.FULL))
    edges = bench.measured()[direction]
    chance = random.Random(SEED)
    faults = [Fault(way, direction, at) for at in points(edges, *density, chance)]
    with ThreadPoolExecutor(AT_ONCE) as many:
        wrong = [said for said in many.map(bench.tried, faults) if said]
    with capsys.disabled():
        sys.stdout.write(f"\n{way} {direction}: {len(faults)} of {edges[-1]} octets tried, {len(wrong)} wrong\n")
    assert wrong == []
