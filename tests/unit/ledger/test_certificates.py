"""What earlier mails said under a certificate's number."""

from dataclasses import replace

import pytest

from pipeline.ledger.records import Arrival, Conclusion, SeenCertificate
from pipeline.ledger.store import Ledger

AT = "2026-11-20T10:00:00Z"


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield opened
    opened.close()


def concluded(ledger, name: str, *seen: SeenCertificate) -> str:
    sha256 = name * 64
    ledger.arrive(Arrival("box", "INBOX", "1", name, sha256, 10, AT))
    bare = Conclusion(sha256, AT, "not-ours", f"<{name}@a.example>", "", "")
    ledger.conclude(replace(bare, certificates=seen))
    return sha256


def test_the_first_other_mail_is_what_is_known(ledger):
    first = SeenCertificate("zse:1", "a" * 64, "zse; number 1")
    later = SeenCertificate("zse:1", "b" * 64, "zse; number 1; Device 2")
    one, two = concluded(ledger, "1", first, first), concluded(ledger, "2", later)
    assert ledger.known_certificates(["zse:1", "cpa:9"], "") == {"zse:1": ("a" * 64, "zse; number 1")}
    assert ledger.known_certificates(["zse:1"], one) == {"zse:1": (later.artefact, later.summary)}
    assert ledger.known_certificates(["zse:1"], two) == {"zse:1": (first.artefact, first.summary)}
    assert ledger.known_certificates([], "") == {}


def test_many_keys_are_asked_in_parts(ledger):
    concluded(ledger, "1", *(SeenCertificate(f"cpa:{n}", "a" * 64, str(n)) for n in range(1_200)))
    known = ledger.known_certificates([f"cpa:{n}" for n in range(1_500)], "")
    assert len(known) == 1_200
