"""Paths of signing certificates: every row of the trust matrix, and what a hostile sender may try with them."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.demo.pki import OCSP_SIGNING, SERVER, Profile, authority, ec_key, root, rsa_key
from pipeline.domain.signature import PathState, TrustMaterial, TrustSet
from pipeline.readers.trust import certificate_of, path_of
from pipeline.readers.trust_folder import commercial_roots
from tests.trust_matrix import Hierarchy, good, trust_matrix

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
NOW = "2026-11-20T09:30:00Z"
DAY = timedelta(days=1)
MATRIX = trust_matrix(AT)
UNDECIDED = {"no-revocation", "stale-revocation", "missing-intermediate"}


def judged(leaf, trust, *, embedded=None, at=NOW, stamped_at="", crls=(), ocsps=()):
    carried = [one.public_bytes(Encoding.DER) for one in leaf.chain]
    return path_of(leaf.der, carried if embedded is None else embedded, stamped_at, trust, at, crls, ocsps)


@pytest.mark.parametrize("name", sorted(MATRIX))
def test_each_row_of_the_trust_matrix(name):
    case = MATRIX[name]
    path = path_of(case.certificate, case.embedded, case.stamped_at, case.trust, case.at)
    assert path.code in case.codes, path.text
    expected = PathState.UNDECIDED if path.code in UNDECIDED else PathState.REFUSED if path.code else PathState.TRUSTED
    assert path.state is expected
    assert path.text
    assert path.chain[0].startswith("CN=")
    if not path.code:
        assert path.trust_set == "commercial"
        assert path.revocation == ("OCSP" if name == "good-ocsp" else "CRL")
        assert len(path.chain) == 3


def short_lived():
    pki = Hierarchy(AT)
    leaf = pki.leaf("stamped", good(AT, not_after=AT - 2 * DAY))
    since, until = AT - 4 * DAY, AT + DAY
    return pki, leaf, (pki.root.crl(since, until), pki.issuing.crl(since, until))


def test_a_timestamp_saves_a_certificate_that_expired_since():
    pki, leaf, crls = short_lived()
    path = judged(leaf, pki.trust(crls=crls), stamped_at="2026-11-17T09:30:00Z")
    assert path.state is PathState.TRUSTED
    assert "timestamp" in path.text
    assert judged(leaf, pki.trust(crls=crls)).code == "expired"


@pytest.mark.parametrize("stamped_at", ["2026-11-19T09:30:00Z", "2020-01-01T00:00:00Z"])
def test_a_timestamp_outside_the_validity_saves_nothing(stamped_at):
    pki, leaf, crls = short_lived()
    assert judged(leaf, pki.trust(crls=crls), stamped_at=stamped_at).code == "expired"


def test_a_list_made_after_the_expiry_says_nothing_about_an_expired_certificate():
    pki, leaf, _ = short_lived()
    path = judged(leaf, pki.trust(), stamped_at="2026-11-17T09:30:00Z")
    assert path.code == "no-revocation"


def test_an_expired_certificate_that_was_revoked_is_not_saved_by_a_timestamp():
    pki, leaf, crls = short_lived()
    revoking = pki.issuing.crl(AT - 3 * DAY, AT + DAY, {leaf.certificate.serial_number: AT - 3 * DAY})
    path = judged(leaf, pki.trust(crls=(crls[0], revoking)), stamped_at="2026-11-16T10:00:00Z")
    assert path.code == "revoked"


@pytest.mark.parametrize("kind", ["leaf", "responder"])
def test_an_answer_of_a_responder_counts_though_the_certificate_names_none(kind):
    pki = Hierarchy(AT)
    leaf = pki.leaf("asked")
    responder = None
    if kind == "responder":
        responder = pki.issuing.issue(good(AT, purposes=(OCSP_SIGNING,)), ec_key("responder"))
    top = pki.root.crl(AT - DAY, AT + DAY)
    well = pki.issuing.ocsp(leaf, AT - DAY, AT + DAY, responder=responder)
    gone = pki.issuing.ocsp(leaf, AT - DAY, AT + DAY, revoked=AT - DAY, responder=responder)
    assert judged(leaf, pki.trust(crls=(top,)), ocsps=(well,)).revocation == "OCSP"
    path = judged(leaf, pki.trust(), ocsps=(gone,))
    assert (path.code, "OCSP" in path.text) == ("revoked", True)


def test_an_answer_counts_from_nobody_but_the_issuer_and_whom_it_names():
    pki, other = Hierarchy(AT), Hierarchy(AT, key="rogue")
    leaf, span = pki.leaf("asked"), (AT - DAY, AT + DAY)
    top = pki.root.crl(*span)
    signer = pki.leaf("a signer, no responder")
    stranger = other.issuing.issue(good(AT, purposes=(OCSP_SIGNING,)), ec_key("stranger"))
    for answer in (
        pki.issuing.ocsp(leaf, *span, responder=signer),
        pki.issuing.ocsp(leaf, *span, responder=stranger),
        other.issuing.ocsp(leaf, *span),
        pki.issuing.ocsp(pki.leaf("somebody else"), *span),
        pki.issuing.ocsp(leaf, AT + DAY, AT + 2 * DAY),
        pki.issuing.ocsp(leaf, *span).replace(bytes.fromhex("2b0e03021a"), bytes.fromhex("2b0e03021b")),
        b"\x30\x03\x0a\x01\x06",
        b"junk",
    ):
        assert judged(leaf, pki.trust(crls=(top,)), ocsps=(answer,)).code == "no-revocation"


def test_a_list_counts_from_nobody_but_the_issuer_and_not_from_the_future():
    pki, other = Hierarchy(AT), Hierarchy(AT, key="rogue")
    leaf = pki.leaf("listed")
    top = pki.root.crl(AT - DAY, AT + DAY)
    for listed in (other.issuing.crl(AT - DAY, AT + DAY), pki.issuing.crl(AT + DAY, AT + 2 * DAY), b"junk"):
        assert judged(leaf, pki.trust(crls=(top, listed))).code == "no-revocation"


def test_a_list_of_an_authority_says_nothing_about_itself_nor_about_its_siblings():
    """The validator takes both for indirect lists, so they must not come before it."""
    pki = Hierarchy(AT)
    start, end = AT - 400 * DAY, AT + 400 * DAY
    sibling = pki.root.issue(authority("Sibling CA", "Larkholme", start, end), ec_key("sibling"))
    own, other = (one.crl(AT - DAY, AT + DAY) for one in (pki.issuing, sibling))
    path = judged(pki.leaf("own list"), pki.trust(crls=(own, other)), embedded=[pki.issuing.der, sibling.der])
    assert (path.code, "Larkholme Document CA, on which" in path.text) == ("no-revocation", True)


def test_what_the_signature_brings_along_counts_where_the_issuer_signed_it():
    pki = Hierarchy(AT)
    leaf = pki.leaf("embedded")
    crls = pki.trust().crls
    assert judged(leaf, pki.trust(crls=()), crls=crls).state is PathState.TRUSTED
    revoking = pki.issuing.crl(AT - DAY, AT + DAY, {leaf.certificate.serial_number: AT - DAY})
    assert judged(leaf, pki.trust(), crls=(revoking,)).code == "revoked"
    answer = pki.issuing.ocsp(leaf, AT - DAY, AT + DAY)
    assert judged(leaf, pki.trust(crls=(crls[0], revoking)), ocsps=(answer,)).code == "revoked"


def test_what_is_missing_is_named_by_its_address():
    pki = Hierarchy(AT)
    urls = {"crl_url": "http://crl.example/a.crl", "ocsp_url": "http://ocsp.example/"}
    leaf = pki.leaf("addresses", good(AT, **urls, issuer_url="http://ca.example/a.cer"))
    assert judged(leaf, pki.trust(crls=())).fetch == ("http://ocsp.example/", "http://crl.example/a.crl")
    alone = judged(leaf, pki.trust(), embedded=())
    assert (alone.code, alone.fetch) == ("missing-intermediate", ("http://ca.example/a.cer",))


def test_the_set_that_has_the_root_is_named():
    one, other = Hierarchy(AT), Hierarchy(AT, "Other")
    sets = (TrustSet("commercial", (one.root.der,)), TrustSet("iki", (other.root.der,)))
    path = judged(other.leaf("iki"), other.trust(sets=sets))
    assert (path.state, path.trust_set) == (PathState.TRUSTED, "iki")


def test_a_cross_signed_authority_is_followed_to_the_root_that_is_pinned():
    pki, older = Hierarchy(AT), Hierarchy(AT, "Older")
    span = (AT - DAY, AT + DAY)
    profile = authority("Larkholme Root CA", "Larkholme", AT - 400 * DAY, AT + 400 * DAY)
    cross = older.root.issue(profile, ec_key("Larkholme root "))
    embedded = [pki.issuing.der, pki.root.der, cross.der]
    trust = TrustMaterial(
        (TrustSet("commercial", (older.root.der,)),),
        crls=(older.root.crl(*span), pki.root.crl(*span), pki.issuing.crl(*span)),
    )
    path = judged(pki.leaf("cross"), trust, embedded=embedded)
    assert (path.state, len(path.chain)) == (PathState.TRUSTED, 4), path.text


def test_an_authority_for_servers_only_does_not_extend_to_signers():
    start, end = AT - 400 * DAY, AT + 400 * DAY
    servers = replace(authority("Servers CA", "Larkholme", start, end), purposes=(SERVER,))
    pki = Hierarchy(AT, issuing=servers)
    path = judged(pki.leaf("server"), pki.trust())
    assert (path.code, "Servers CA" in path.text) == ("purpose", True)


def test_the_key_of_an_authority_signs_no_workbook():
    pki = Hierarchy(AT)
    usage = frozenset({"digital_signature", "key_cert_sign"})
    both = pki.leaf("both", good(AT, ca=True, usage=usage))
    assert judged(both, pki.trust()).code == "purpose"
    assert judged(pki.root, pki.trust()).code == "self-signed"


def test_limits_that_a_pinned_root_sets_itself_hold():
    start, end = AT - 400 * DAY, AT + 400 * DAY
    name = x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "FR")]))
    top = root(replace(authority("Bound", "Bound", start, end), permitted=(name,)), ec_key("bound"))
    leaf = top.issue(good(AT), ec_key("leaf"))
    trust = TrustMaterial((TrustSet("iki", (top.der,)),), crls=(top.crl(AT - DAY, AT + DAY),))
    assert judged(leaf, trust).code == "name-constraints"


def test_an_expired_root_is_trusted_no_more():
    start = AT - 400 * DAY
    top = root(authority("Old", "Old", start, AT - DAY), ec_key("old"))
    trust = TrustMaterial((TrustSet("iki", (top.der,)),), crls=(top.crl(AT - DAY, AT + DAY),))
    path = judged(top.issue(good(AT), ec_key("leaf")), trust)
    assert (path.code, path.text.startswith("The certificate of Old, on which")) == ("expired", True)


def test_a_weak_key_above_is_refused():
    start, end = AT - 400 * DAY, AT + 400 * DAY
    top = root(authority("Weak", "Weak", start, end), rsa_key("weak", 1024))
    trust = TrustMaterial((TrustSet("iki", (top.der,)),), crls=(top.crl(AT - DAY, AT + DAY),))
    path = judged(top.issue(good(AT), ec_key("leaf")), trust)
    assert (path.code, "1024" in path.text) == ("bad-chain", True)


def with_sha1(der):
    """Return a certificate that says it is signed with SHA-1; no library here makes such a signature any more."""
    changed = asn1.Certificate.load(der)
    changed["signature_algorithm"] = changed["tbs_certificate"]["signature"] = {"algorithm": "sha1_ecdsa"}
    return changed.dump(force=True)


def test_a_certificate_signed_with_sha1_is_called_that():
    pki = Hierarchy(AT)
    leaf = with_sha1(pki.leaf("old digest").der)
    path = path_of(leaf, [pki.issuing.der], "", pki.trust(), NOW)
    assert (path.code, "with SHA-1" in path.text) == ("bad-chain", True)
    path = path_of(pki.leaf("below an old one").der, [with_sha1(pki.issuing.der)], "", pki.trust(), NOW)
    assert (path.code, path.text[:45]) == ("bad-chain", "The certificate of Larkholme Document CA is s")


def test_a_signer_of_its_own_is_told_also_where_its_signature_is_too_weak_to_check():
    own = with_sha1(root(good(AT), ec_key("own")).der)
    assert path_of(own, [], "", Hierarchy(AT).trust(), NOW).code == "self-signed"
    assert certificate_of(own).self_signed


def test_many_certificates_of_one_name_do_not_make_the_search_long():
    """Each may have issued each, by name and key; a search by names would try them in every order."""
    start, end = AT - 400 * DAY, AT + 400 * DAY
    maze = root(authority("Maze", "Maze", start, end), ec_key("maze"))
    walls = [maze.issue(authority("Maze", "Maze", start, end + n * DAY), ec_key("maze")).der for n in range(60)]
    leaf = maze.issue(good(AT), ec_key("leaf"))
    started = time.process_time()
    path = judged(leaf, Hierarchy(AT).trust(), embedded=walls)
    assert path.state is not PathState.TRUSTED
    assert time.process_time() - started < 2


def test_a_version_that_there_is_not_is_unreadable():
    der = bytearray(MATRIX["good-rsa"].certificate)
    der[der.index(b"\xa0\x03\x02\x01\x02") + 4] = 3
    assert path_of(bytes(der), [], "", MATRIX["good-rsa"].trust, NOW).code == "unreadable"


@pytest.mark.parametrize("junk", [b"", b"\x30\x00", b"junk" * 100, b"\x30\x82\xff\xff" + bytes(70_000)])
def test_junk_is_unreadable_in_words(junk):
    path = path_of(junk, [junk], "", MATRIX["good-rsa"].trust, NOW, [junk], [junk])
    assert (path.state, path.code) == (PathState.REFUSED, "unreadable")
    with pytest.raises(ValueError, match="certificate"):
        certificate_of(junk)


@settings(max_examples=150, deadline=None)
@given(place=st.floats(0, 0.9999), bit=st.integers(0, 7), what=st.sampled_from(["leaf", "issuing", "crl", "ocsp"]))
def test_no_flipped_bit_is_ever_trusted_or_raises(place, bit, what):
    case = MATRIX["good-ocsp"]
    parts = {
        "leaf": case.certificate,
        "issuing": case.embedded[0],
        "crl": case.trust.crls[0],
        "ocsp": case.trust.ocsps[0],
    }
    spoilt = bytearray(parts[what])
    spoilt[int(place * len(spoilt))] ^= 1 << bit
    parts[what] = bytes(spoilt)
    trust = replace(case.trust, crls=(parts["crl"],), ocsps=(parts["ocsp"],))
    path = path_of(parts["leaf"], [parts["issuing"]], "", trust, NOW)
    assert path.state is not PathState.TRUSTED


def test_trouble_in_a_library_refuses_but_the_ceiling_on_memory_is_no_word_about_the_certificate(monkeypatch):
    case = MATRIX["good-rsa"]

    def meet(trouble):
        def stumble(*_):
            raise trouble

        monkeypatch.setattr("pipeline.readers.trust.search", stumble)
        return path_of(case.certificate, case.embedded, "", case.trust, NOW)

    assert meet(AttributeError("inside")).code == "bad-chain"
    with pytest.raises(MemoryError):
        meet(MemoryError())


def test_a_certificate_is_told_as_it_stands():
    pki = Hierarchy(AT)
    profile = Profile("Ottilie\nBrandreth", AT - DAY, AT + DAY, organisations=("Quillmoor Metering Ltd", "Second"))
    said = certificate_of(pki.issuing.issue(profile, ec_key("told")).der)
    assert said.organisations == ("Quillmoor Metering Ltd", "Second")
    assert said.common_name == "Ottilie\ufffdBrandreth"
    assert said.issuer == "CN=Larkholme Document CA,O=Larkholme,C=GB"
    assert (said.not_before, said.not_after) == ("2026-11-19T09:30:00Z", "2026-11-21T09:30:00Z")
    assert (said.key, said.self_signed) == ("EC P-256", False)
    own = certificate_of(root(profile, rsa_key("matrix leaf")).der)
    assert (own.key, own.self_signed) == ("RSA 2048", True)


def test_a_moment_without_an_offset_is_the_callers_mistake():
    case = MATRIX["good-rsa"]
    with pytest.raises(ValueError, match="offset"):
        path_of(case.certificate, case.embedded, "", case.trust, "2026-11-20")


def test_the_commercial_roots_are_found_but_vouch_for_nobody_here():
    sets = (commercial_roots(), *MATRIX["good-rsa"].trust.sets)
    case = MATRIX["good-rsa"]
    path = path_of(case.certificate, case.embedded, "", replace(case.trust, sets=sets), NOW)
    assert path.state is PathState.TRUSTED
    assert len(sets[0].roots) > 50
