"""Mail intake from a real Dovecot: mails a second from the server to the recorded verdict.

python benchmarks/intake.py [--mails 500] [--submissions 20] [--parsedmarc PYTHON]

Needs dovecot-imapd (Debian). The mails are written into Dovecot's folder directly. --parsedmarc: the interpreter of a
venv of its own with parsedmarc in it; its fetch loop, in a trial run that moves nothing, is then timed as well.
"""

import argparse
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import structlog
from timing import table

sys.path.insert(0, str(Path(__file__).parents[1]))  # the server and the office are those of the tests

from pipeline import desk
from pipeline.demo.mail import mail
from pipeline.mailbox import open_mailbox
from pipeline.mailbox.imap_session import Tls
from pipeline.office import CPL
from pipeline.readers.child import Zygote
from pipeline.worker import Worker
from tests.contract import dovecot
from tests.office import NOW, an_office, cpl, good_submission, settings

BATCH = 500
PARSEDMARC = """
import logging, sys, time
from imapclient import IMAPClient
from mailsuite.mailbox import IMAPConnection
from parsedmarc import get_dmarc_reports_from_mailbox
logging.getLogger("parsedmarc").setLevel(logging.CRITICAL)  # it says of each mail that it is no report
host, port, user, word = sys.argv[1:]
IMAPClient.login = IMAPClient.plain_login  # LOGIN takes no password beyond ASCII
fetched = []
class Counting(IMAPConnection):
    def fetch_message(self, message_id, **more):
        fetched.append(message_id)
        return super().fetch_message(message_id, **more)
line = Counting(host, user, word, int(port), ssl=False, starttls=False)
start = time.perf_counter()
get_dmarc_reports_from_mailbox(line, test=True, offline=True, create_folders=False, batch_size=0)
print(len(fetched), time.perf_counter() - start)
"""


def unrelated(number: int) -> bytes:
    return mail(f"Meeting {number}", "Shall we meet on Tuesday?\n" * 40, NOW, message_id=f"<{number}@maker.example>")


def bare(server: dovecot.Dovecot, user: str, mails: int) -> float:
    """Fetch everything with imapclient in batches and throw it away: the floor. Seconds."""
    start = time.perf_counter()
    with server.person(user) as client:
        client.select_folder("INBOX", readonly=True)
        uids = client.search("UNSEEN UNDELETED")
        got = sum(len(client.fetch(uids[at : at + BATCH], ["BODY.PEEK[]"])) for at in range(0, len(uids), BATCH))
    assert got == mails
    return time.perf_counter() - start


def ours(server: dovecot.Dovecot, user: str, mails: int, folder: Path) -> tuple[float, float]:
    """One round of the worker. Seconds until all bytes were stored, and until every verdict was recorded."""
    with an_office(settings(folder), readers=Zygote()) as office:
        desk.take_over(office, CPL, cpl(), by="Ada")
        begun = [0.0]

        def tell(step: str, *_: int) -> None:
            if step == "judge" and not begun[0]:
                begun[0] = time.perf_counter()

        worker = Worker(office, lambda: open_mailbox(server.settings(user, Tls.NONE)), tell)
        start = time.perf_counter()
        done = worker.run_once()
        ended = time.perf_counter()
    assert done.fetched == done.concluded == mails
    return begun[0] - start, ended - start


def theirs(server: dovecot.Dovecot, user: str, mails: int, python: str) -> float:
    """Let parsedmarc fetch and parse everything, and find no report; it does not write anything down. Seconds."""
    words = [python, "-c", PARSEDMARC, dovecot.HOST, str(server.port), user, dovecot.PASSWORD]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"parsedmarc's loop failed with {python}:\n{done.stderr}")
    fetched, seconds = done.stdout.split()[-2:]
    assert int(fetched) == mails  # a trial run handles one batch, so the batch has to be everything
    with server.person(user) as client:  # fetched its way, they are marked read
        client.select_folder("INBOX")
        client.remove_flags("1:*", [b"\\Seen"], silent=True)
    return float(seconds)


def intake(server: dovecot.Dovecot, name: str, mails: Sequence[bytes], parsedmarc: str) -> list[Sequence[str]]:
    user = server.new_user()
    server.plant(user, *mails)
    bare(server, user, len(mails))  # Dovecot makes its index
    times = [("imapclient, bare fetch", bare(server, user, len(mails)))]
    if parsedmarc:
        times.append(("parsedmarc, its loop", theirs(server, user, len(mails), parsedmarc)))
    with tempfile.TemporaryDirectory() as folder:
        stored, recorded = ours(server, user, len(mails), Path(folder))
    times += [("ours, stored", stored), ("ours, verdict recorded", recorded)]
    return [(name, way, f"{len(mails):,}", f"{seconds:.2f}", f"{len(mails) / seconds:,.0f}") for way, seconds in times]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mails", type=int, default=500, help="unrelated mails")
    parser.add_argument("--submissions", type=int, default=20, help="submissions, each with its certificates")
    parser.add_argument("--parsedmarc", default="", metavar="PYTHON", help="of a venv with parsedmarc")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))  # a line for each mail
    if reason := dovecot.missing():
        print(f"Mail intake: not measured, {reason}")
        return
    with dovecot.running() as server:
        rows = intake(server, "unrelated", [unrelated(number) for number in range(given.mails)], given.parsedmarc)
        forms = [
            good_submission(**{"Device_Model.firmware_version": f"0C:03:0D:{n % 256:02X}"})
            for n in range(given.submissions)
        ]
        rows += intake(server, "submission", forms, given.parsedmarc)
        print("Mails from Dovecot, one connection")
        print(table(("mails", "way", "number", "seconds", "a second"), rows))


if __name__ == "__main__":
    main()
