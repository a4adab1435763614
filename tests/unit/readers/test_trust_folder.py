"""Trust folders: what a file is, is decided by its content; what cannot be used is refused by name."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import yaml
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
)

from pipeline.demo.pki import authority, ec_key, root
from pipeline.demo.trust import sample_trust
from pipeline.domain.signature import PathState, TrustMaterial
from pipeline.readers.certificates import SIGNING_PURPOSES, load
from pipeline.readers.trust import path_of
from pipeline.readers.trust_folder import (
    TrustFolderRefused,
    commercial_roots,
    material_of,
    read_trust_folder,
    roots_expiring,
)
from pipeline.rulebook.signers import SignersFile, TrustSetRule
from tests.trust_matrix import Hierarchy, good

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
REPOSITORY = Path(__file__).resolve().parents[3]
SETS = (TrustSetRule(name="commercial", title="Commercial", bundle="certifi"), TrustSetRule(name="iki", title="IKI"))
PKI = Hierarchy(AT)
CRL = PKI.issuing.crl(AT - DAY, AT + DAY)
OCSP = PKI.issuing.ocsp(PKI.leaf("asked"), AT - DAY, AT + DAY)


def folder_with(path, **files):
    for name, data in files.items():
        (path / name).write_bytes(data)
    return path


def crl_pem(der):
    import base64

    body = base64.encodebytes(der).decode().replace("\n\n", "\n")
    return f"-----BEGIN X509 CRL-----\n{body}-----END X509 CRL-----\n".encode()


def test_files_are_told_apart_by_their_content(tmp_path):
    folder = folder_with(tmp_path, a=PKI.issuing.der, b=PKI.root.der, c=CRL, d=OCSP)
    material = read_trust_folder(folder, "iki")
    assert [(group.name, group.roots) for group in material.sets] == [("iki", (PKI.root.der,))]
    assert (material.intermediates, material.crls, material.ocsps) == ((PKI.issuing.der,), (CRL,), (OCSP,))


def test_a_pem_file_may_hold_several_of_several_kinds(tmp_path):
    text = b"Our roots, compared on the telephone\n" + PKI.root.pem + crl_pem(CRL) + PKI.issuing.pem + PKI.root.pem
    material = read_trust_folder(folder_with(tmp_path, all=text), "iki")
    assert material.sets[0].roots == (PKI.root.der,)
    assert (material.intermediates, material.crls) == ((PKI.issuing.der,), (CRL,))


def test_the_demonstrations_folder_makes_its_signer_trusted(tmp_path):
    trust = sample_trust(AT)
    material = read_trust_folder(folder_with(tmp_path, **trust.files()), "commercial")
    chain = [one.public_bytes(Encoding.DER) for one in trust.signer.chain]
    path = path_of(trust.signer.der, chain, "", material, "2026-11-20T09:30:00Z")
    assert (path.state, path.trust_set) == (PathState.TRUSTED, "commercial"), path.text


def test_readmes_and_hidden_files_are_passed_by_and_an_empty_folder_has_no_set(tmp_path):
    assert read_trust_folder(tmp_path, "iki") == TrustMaterial()
    (tmp_path / "README.md").write_text("whose roots these are")
    (tmp_path / ".keep").write_bytes(b"")
    assert read_trust_folder(tmp_path, "iki") == TrustMaterial()


KEY = PKI.root.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
BUNDLE = pkcs7.serialize_certificates([PKI.root.certificate], Encoding.PEM)
LEAF = root(good(AT), ec_key("own"))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"some notes", "neither a certificate"),
        (b"", "neither a certificate"),
        (PKI.root.der + b"\0", "neither a certificate"),
        (KEY, "private key"),
        (PKI.root.pem + KEY, "private key"),
        (BUNDLE, "PKCS7"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "neither a certificate"),
        (PKI.root.pem[:200], "damaged PEM"),
        (LEAF.der, "no Certification Authority"),
    ],
)
def test_anything_else_is_refused_by_name(tmp_path, data, said):
    with pytest.raises(TrustFolderRefused, match=said) as refused:
        read_trust_folder(folder_with(tmp_path, strange=data), "iki")
    assert str(tmp_path / "strange") in str(refused.value)
    assert "\n" not in str(refused.value)


def test_folders_inside_and_folders_that_are_not_there_are_refused(tmp_path):
    (tmp_path / "inside").mkdir()
    with pytest.raises(TrustFolderRefused, match="only files"):
        read_trust_folder(tmp_path, "iki")
    with pytest.raises(TrustFolderRefused, match="cannot be read"):
        read_trust_folder(tmp_path / "nowhere", "iki")


def test_a_certificate_that_only_says_it_issued_itself_is_no_root(tmp_path):
    start, end = AT - 400 * DAY, AT + 400 * DAY
    newer = PKI.root.issue(authority("Larkholme Root CA", "Larkholme", start, end), ec_key("new key, old name"))
    material = read_trust_folder(folder_with(tmp_path, rollover=newer.der), "iki")
    assert (material.sets, material.intermediates) == ((), (newer.der,))


def test_an_old_root_that_is_signed_with_sha1_is_a_root_still(tmp_path):
    old = next(root for root in commercial_roots().roots if load(root).weak_digest)
    assert read_trust_folder(folder_with(tmp_path, old=old), "commercial").sets[0].roots == (old,)


def test_the_sets_of_the_rules_are_combined_from_bundle_and_folders(tmp_path):
    (tmp_path / "iki").mkdir()
    folder_with(tmp_path / "iki", root=PKI.root.pem, crl=CRL)
    (tmp_path / "commercial").mkdir()
    folder_with(tmp_path / "commercial", below=PKI.issuing.pem)
    material = material_of(SETS, tmp_path)
    assert [group.name for group in material.sets] == ["commercial", "iki"]
    assert material.sets[0] == commercial_roots()
    assert material.sets[1].roots == (PKI.root.der,)
    assert (material.intermediates, material.crls) == ((PKI.issuing.der,), (CRL,))


def test_without_folders_the_bundle_is_what_there_is(tmp_path):
    assert material_of(SETS, tmp_path / "nowhere") == TrustMaterial((commercial_roots(),))
    assert material_of(SETS, REPOSITORY / "config" / "trust") == TrustMaterial((commercial_roots(),))


def test_a_folder_of_no_set_is_refused(tmp_path):
    (tmp_path / "comercial").mkdir()
    with pytest.raises(TrustFolderRefused, match="no trust set 'comercial'"):
        material_of(SETS, tmp_path)


def test_roots_that_expire_soon_are_listed(tmp_path):
    soon = root(authority("Soon", "Org", AT - DAY, AT + 10 * DAY), ec_key("soon"))
    gone = root(authority("Gone", "Org", AT - 9 * DAY, AT - 3 * DAY), ec_key("gone"))
    material = read_trust_folder(folder_with(tmp_path, a=soon.der, b=gone.der, c=PKI.root.der), "iki")
    found = roots_expiring(material, AT)
    assert [(one.name, one.days_left) for one in found] == [("Gone", -3), ("Soon", 10)]
    assert (found[1].trust_set, found[1].not_after) == ("iki", "2026-11-30T09:30:00Z")
    assert [one.name for one in roots_expiring(material, AT, DAY)] == ["Gone"]


def test_every_commercial_root_reads_and_has_years_left():
    trust = TrustMaterial((commercial_roots(),))
    assert len(trust.sets[0].roots) > 50
    assert all(load(root).self_signed for root in trust.sets[0].roots)
    assert len(roots_expiring(trust, AT, timedelta(days=365 * 200))) == len(trust.sets[0].roots)


def shipped_rules():
    tree = yaml.safe_load((REPOSITORY / "rules" / "signers.yaml").read_text("utf-8"))
    return msgspec.convert(tree, SignersFile)


def test_the_rules_say_what_the_code_accepts():
    rules = shipped_rules()
    assert set(rules.certificate.purposes) == SIGNING_PURPOSES
    assert [rule.name for rule in rules.sets] == ["commercial", "iki"]
    assert rules.authorisations == ()


def test_an_authorisation_and_a_macro_have_the_shape_of_their_examples():
    lines = (REPOSITORY / "rules" / "signers.yaml").read_text("utf-8").splitlines()
    tree = yaml.safe_load("\n".join(line.removeprefix("#") for line in lines if line.startswith(("#  - ", "#    "))))
    assert len(tree) == 2
    rules = replace_in(shipped_rules(), authorisations=tree[:1], macros=tree[1:])
    assert rules.authorisations[0].start.isoformat() == "2026-01-01"
    assert rules.macros[0].version == "3.000"


def replace_in(rules, **changes):
    return msgspec.convert(msgspec.to_builtins(rules) | changes, SignersFile)


def test_material_is_a_value_that_can_be_sent_to_the_child():
    material = replace(PKI.trust(), ocsps=(OCSP,))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(material), type=TrustMaterial) == material
