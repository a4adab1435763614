"""What one poll of a real Dovecot costs, by the number of mails in the folder; none of them is for us.

python benchmarks/polling.py [--folders 100 10000 100000]

Needs dovecot-imapd (Debian). The mails are written into Dovecot's folder directly. Octets are counted both ways, the
login included, by a relay; the times have the relay in them.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from timing import table

sys.path.insert(0, str(Path(__file__).parents[1]))  # the server is that of the tests

from pipeline.mailbox import open_mailbox
from pipeline.mailbox.imap_session import Tls
from tests.contract import dovecot
from tests.contract.faulty import relayed

PATIENCE = 600.0


def polls(server: dovecot.Dovecot, count: int) -> list[Sequence[str]]:
    """Cost of the first poll and of the next, all mails unread; and of one where people have read them all."""
    user = server.new_user()
    server.plant(user, *(b"Subject: %d\r\n\r\nunrelated\r\n" % number for number in range(count)))
    with closing(open_mailbox(server.settings(user, Tls.NONE, timeout_seconds=PATIENCE))) as mailbox:
        mailbox.describe()  # Dovecot makes its index
    rows: list[Sequence[str]] = []
    with relayed(server.port) as relay:
        mailbox = open_mailbox(server.settings(user, Tls.NONE, port=relay.port, timeout_seconds=PATIENCE))
        for name, unread in (("first", count), ("second", count), ("all read", 0)):
            if not unread:
                with server.person(user) as client:
                    client.select_folder("INBOX")
                    client.add_flags("1:*", [b"\\Seen"], silent=True)
            before, start = sum(relay.passed.values()), time.perf_counter()
            with closing(mailbox):
                found = len(mailbox.unread())
            taken = time.perf_counter() - start
            assert found == unread
            rows.append((f"{count:,}", name, f"{1000 * taken:,.0f}", f"{sum(relay.passed.values()) - before:,}"))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folders", type=int, nargs="+", default=[100, 10_000, 100_000], help="mails in the folder")
    given = parser.parse_args()
    if reason := dovecot.missing():
        print(f"Polling: not measured, {reason}")
        return
    print("One poll, by the mails in the folder")
    with dovecot.running() as server:
        rows = [row for count in given.folders for row in polls(server, count)]
    print(table(("in the folder", "poll", "ms", "octets"), rows))


if __name__ == "__main__":
    main()
