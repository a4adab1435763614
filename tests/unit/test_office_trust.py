"""Whose signatures the office believes: its folder, read again when it changes, and what it fetches where allowed."""

import os
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
import structlog

from pipeline import desk
from pipeline.demo.answers import good_answers
from pipeline.demo.mail import submission
from pipeline.demo.pki import authority, ec_key, root
from pipeline.demo.signer import sign
from pipeline.domain.finding import Status
from pipeline.fetch import NotFetched
from pipeline.trouble import Unavailable
from pipeline.trust import Trust
from tests.office import NOW, SHIPPED, a_helpdesk, cpl
from tests.trust_matrix import good

_DAY = timedelta(days=1)
_YEAR = 365 * _DAY
ROOT_LIST, LIST, ISSUER, OCSP = (f"http://pki.example/{name}" for name in ("root.crl", "ca.crl", "ca.cer", "ocsp"))


class Pki:
    """A root, an authority and a signer that say where their lists are. carried: whether the chain is in the file."""

    def __init__(self, *, carried: bool = True) -> None:
        start, end = NOW - _YEAR, NOW + _YEAR
        self.root = root(authority("Top", "Larkholme", start, end), ec_key("top"))
        below = replace(authority("Below", "Larkholme", start, end), crl_url=ROOT_LIST)
        self.issuing = self.root.issue(below, ec_key("below"))
        self.signer = self.issuing.issue(good(NOW, crl_url=LIST, ocsp_url=OCSP, issuer_url=ISSUER), ec_key("signer"))
        self.carried = carried
        self.served = {
            ROOT_LIST: self.root.crl(NOW - _DAY, NOW + _DAY),
            LIST: self.issuing.crl(NOW - _DAY, NOW + _DAY),
            ISSUER: self.issuing.der,
        }

    def sign(self, workbook: bytes) -> bytes:
        who = self.signer
        chain = who.chain if self.carried else ()
        return sign(workbook, who.key, who.certificate, chain=chain, at=NOW - timedelta(hours=1))

    def submission(self) -> bytes:
        answers = good_answers(image=True) | SHIPPED | {"Manufacturer_Image.creator": "Quillmoor Metering Ltd"}
        return submission(NOW, answers, base=cpl(), trust=self)  # type: ignore[arg-type]  # it signs, too


@dataclass
class Net:
    """Serves what it has, and keeps what it was asked."""

    served: dict[str, bytes]
    asked: list[str] = field(default_factory=list)

    def get(self, address: str) -> bytes:
        self.asked.append(address)
        if address not in self.served:
            raise NotFetched(f"{address}: the server answers 404")
        return self.served[address]


@pytest.fixture
def trust(tmp_path):
    folder = tmp_path / "trust" / "commercial"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def helpdesk(tmp_path, trust):
    with a_helpdesk(tmp_path) as opened:
        opened.office.trust = Trust(opened.office.rules.signers.sets, trust.parent, opened.office.artefacts)
        yield opened


def statuses(helpdesk) -> dict[str, Status]:
    (judged,) = helpdesk.case().judgements[-1].judged
    return {f.check.removeprefix("signature."): f.status for f in judged.findings if f.check.startswith("signature.")}


def worked(helpdesk, trust, pki: Pki, net: Net | None) -> dict[str, Status]:
    (trust / "root.pem").write_bytes(pki.root.pem)
    helpdesk.office.fetch = net.get if net else None
    helpdesk.deliver(pki.submission())
    helpdesk.round()
    return statuses(helpdesk)


def test_nothing_is_fetched_unless_it_is_allowed(helpdesk, trust):
    assert worked(helpdesk, trust, Pki(), None)["certificate"] is Status.UNCLEAR


def test_lists_are_fetched_stored_and_never_asked_for_again(helpdesk, trust):
    pki = Pki()
    net = Net(pki.served)
    assert set(worked(helpdesk, trust, pki, net).values()) == {Status.PASS}
    assert sorted(net.asked) == sorted([ROOT_LIST, LIST, OCSP])
    office = helpdesk.office
    named = helpdesk.case().judgements[-1].circumstances.trust
    assert named != office.trust.in_force()
    assert set(office.trust.of(named).crls) == {pki.served[LIST], pki.served[ROOT_LIST]}
    net.asked.clear()
    (replayed,) = desk.replay(office, helpdesk.case().number)
    assert replayed.same
    assert net.asked == []


def test_an_issuer_that_is_missing_is_fetched_and_then_its_lists(helpdesk, trust):
    pki = Pki(carried=False)
    net = Net(pki.served)
    assert set(worked(helpdesk, trust, pki, net).values()) == {Status.PASS}
    assert net.asked[0] == ISSUER
    assert {LIST, ROOT_LIST} < set(net.asked[1:])


def test_what_cannot_be_had_leaves_it_open_and_is_logged(helpdesk, trust):
    net = Net({})
    with structlog.testing.capture_logs() as logs:
        found = worked(helpdesk, trust, Pki(), net)
    assert found["certificate"] is Status.UNCLEAR
    assert [status for name, status in found.items() if name != "certificate"] == [Status.PASS] * (len(found) - 1)
    told = [line["why"] for line in logs if line["event"] == "revocation information not fetched"]
    assert told == [f"{address}: the server answers 404" for address in net.asked]
    assert len(net.asked) == len(set(net.asked)) == 3
    office = helpdesk.office
    assert helpdesk.case().judgements[-1].circumstances.trust == office.trust.in_force()


def test_a_revoked_certificate_is_refused_by_the_list_that_was_fetched(helpdesk, trust):
    pki = Pki()
    pki.served[LIST] = pki.issuing.crl(NOW - _DAY, NOW + _DAY, {pki.signer.certificate.serial_number: NOW - 2 * _DAY})
    assert worked(helpdesk, trust, pki, Net(pki.served))["certificate"] is Status.FAIL


@pytest.mark.parametrize("served", [b"\x30", b"\x30\x03\x0a\x01\x01", b"\x30" * 5000])
def test_junk_that_is_served_changes_nothing(helpdesk, trust, served):
    net = Net(dict.fromkeys((ROOT_LIST, LIST, OCSP, ISSUER), served))
    assert worked(helpdesk, trust, Pki(), net)["certificate"] is Status.UNCLEAR
    assert len(net.asked) == 3


def test_a_list_of_another_authority_is_no_proof(helpdesk, trust):
    pki = Pki()
    pki.served[LIST] = root(authority("Below", "Larkholme", NOW - _YEAR, NOW + _YEAR), ec_key("evil")).crl(
        NOW - _DAY, NOW + _DAY
    )
    assert worked(helpdesk, trust, pki, Net(pki.served))["certificate"] is Status.UNCLEAR


# ---- the folder


def test_the_folder_is_read_again_when_a_file_in_it_has_changed(helpdesk, trust):
    office, pki = helpdesk.office, Pki()
    (trust / "root.pem").write_bytes(pki.root.pem)
    first = office.trust.in_force()
    assert office.trust.in_force() == first
    (trust / "a.crl").write_bytes(pki.served[LIST])
    second = office.trust.in_force()
    assert second != first
    assert office.trust.of(second).crls == (pki.served[LIST],)
    assert office.trust.of(first).crls == (), "what an earlier judgement went by is still there"
    (trust / "a.crl").write_bytes(pki.served[ROOT_LIST])
    os.utime(trust / "a.crl", ns=(1, 1))
    assert office.trust.of(office.trust.in_force()).crls == (pki.served[ROOT_LIST],)


def test_a_bad_file_is_our_own_trouble_until_it_is_gone(helpdesk, trust):
    office = helpdesk.office
    (trust / "notes.txt").write_bytes(b"hello")
    with pytest.raises(Unavailable, match=r"notes\.txt"):
        office.trust.in_force()
    (trust / "notes.txt").unlink()
    assert office.trust.in_force()


def test_no_folder_is_an_empty_one(helpdesk, tmp_path):
    helpdesk.office.trust = Trust(helpdesk.office.rules.signers.sets, tmp_path / "none", helpdesk.office.artefacts)
    assert helpdesk.office.trust.of(helpdesk.office.trust.in_force()).sets[0].name == "commercial"
