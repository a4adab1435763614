"""``pipeline signature``: exit codes, the JSON object and what a person reads, however a signature turns out."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from pipeline.cli.settings import present
from pipeline.demo.form import new_entry_form
from pipeline.demo.pki import authority, ec_key, root, rsa_key
from pipeline.demo.products import FENNBROOK
from tests.attacked import RECEIVED, Expected, signed_workbook, trust, unsigned_workbook
from tests.attacks import ATTACKS
from tests.builders import HOSTILE, good_answers, sample_cpl
from tests.signing import Kind, Signing, known, signed

ROOT = Path(__file__).parents[3]
SCHEMA = Draft202012Validator(json.loads((ROOT / "docs/reference/signature.schema.json").read_text("utf-8")))
AT = RECEIVED.strftime("%Y-%m-%dT%H:%M:%SZ")
EXIT = {"valid": 0, "not valid": 10, "unsigned": 20, "undecided": 20}


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.fixture
def roots(tmp_path):
    """The trust folder of the sample's signer."""
    folder = tmp_path / "roots"
    folder.mkdir()
    for name, data in trust().files().items():
        put(folder / name, data)
    return folder


@pytest.fixture
def told(cli, tmp_path, roots):
    """Judge a workbook and return its object, which keeps to the schema and to the exit code."""

    def run(data, at=AT, folder=roots):
        file = put(tmp_path / "form.xlsm", data)
        ended = cli("signature", file, "--trust", folder, "--at", at, "--json")
        assert ended.err == ""
        tree = json.loads(ended.out)
        SCHEMA.validate(tree)
        assert ended.code == EXIT[tree["verdict"]]
        return tree

    return run


def test_the_schema_is_a_schema_and_strict(told):
    Draft202012Validator.check_schema(SCHEMA.schema)
    good = told(signed_workbook())
    for change in ({"schema": 2}, {"verdict": "fine"}, {"colour": 1}, {"signatures": []}, {"at": "now"}):
        with pytest.raises(ValidationError):
            SCHEMA.validate(good | change)
    for key in good:
        with pytest.raises(ValidationError):
            SCHEMA.validate({name: value for name, value in good.items() if name != key})


def test_a_good_signature(told):
    tree = told(signed_workbook())
    assert (tree["verdict"], tree["at"]) == ("valid", AT)
    (one,) = tree["signatures"]
    assert one["certificate"]["organisations"] == ["Quillmoor Metering Ltd"]
    assert (one["path"]["state"], one["path"]["trust_set"], one["path"]["revocation"]) == ("trusted", "given", "CRL")
    assert "docProps/core.xml" in tree["left_open"]
    assert "xl/workbook.xml" in tree["covered"]


def test_a_person_reads_who_which_authority_when_and_what(cli, tmp_path, roots):
    ended = cli("signature", put(tmp_path / "form.xlsm", signed_workbook()), "--trust", roots, "--at", AT)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == "The signature is valid."
    text = " ".join(ended.out.split())
    assert "signer: Quillmoor Metering Ltd" in text
    assert "Larkholme Sample Document CA" in text
    assert re.search(r"sha256 [0-9a-f]{64}", text)
    assert "signed: 2026-11-19T" in text
    assert "(the signer's own clock)" in text
    assert "trust: trusted:" in text
    assert re.search(r"Covered: \d+ parts\.", text)
    assert "never read here: docProps/core.xml" in text
    assert "to do" not in text


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(told, name):
    expected = {Expected.REFUSED: "not valid", Expected.UNSIGNED: "unsigned", Expected.ACCEPTED: "valid"}
    tree = told(ATTACKS[name].build())
    assert tree["verdict"] == expected[ATTACKS[name].expected]


def test_what_a_refused_one_must_do_is_said(cli, tmp_path, roots):
    def text(name: str) -> str:
        ended = cli("signature", put(tmp_path / "f.xlsm", ATTACKS[name].build()), "--trust", roots, "--at", AT)
        assert ended.code == 10
        return ended.out

    changed = text("33-vba-tampered")
    assert changed.startswith("The signature is not valid.\n")
    assert "fault:   The part xl/vbaProject.bin was changed after signing." in changed
    assert "to do:   Sign the workbook in Excel again" in changed
    assert "to do:   Remove all signatures" in text("17-orphan-part")
    assert "to do:   Sign again with a current version of Office" in text("29-sha1")
    twice = text("09-zip-duplicate-first")
    assert "  fault: " in twice
    assert "  to do: Sign the workbook" in twice


def test_an_unsigned_one_and_one_with_a_signed_macro(cli, tmp_path, roots):
    ended = cli("signature", put(tmp_path / "f.xlsm", unsigned_workbook()), "--trust", roots)
    assert ended.code == 20
    assert ended.out.startswith("Unsigned: the workbook has no digital signature.\nTo do: add a digital signature")
    ended = cli("signature", put(tmp_path / "f.xlsm", ATTACKS["30-vba-signature-only"].build()), "--trust", roots)
    assert ended.code == 20
    assert "Only its macro is signed" in ended.out


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        ("expired", 10, "Renew the certificate"),
        ("revoked", 10, "Obtain a new certificate"),
        ("self-signed", 10, "Obtain a certificate from a recognised"),
        ("internal", 10, "Obtain a certificate from a recognised"),
        ("for-servers", 10, "for signing documents"),
        ("no-revocation", 20, "Get the revocation lists of the issuers"),
        ("stale", 20, "Get the revocation lists of the issuers"),
        ("missing-intermediate", 20, "the whole chain of the certificate installed"),
    ],
)
def test_what_the_certificate_comes_to(cli, tmp_path, kind: Kind, code, words):
    by = (Signing(certificate=kind),)
    file = put(tmp_path / "f.xlsm", signed(unsigned_workbook(), by, RECEIVED, "Quillmoor Metering Ltd"))
    folder = tmp_path / "given"
    folder.mkdir()
    material = known(by, RECEIVED, "Quillmoor Metering Ltd")
    for number, der in enumerate((*material.sets[0].roots, *material.crls)):
        put(folder / f"{number}.der", der)
    ended = cli("signature", file, "--trust", folder, "--at", AT)
    assert ended.code == code
    assert f"to do:   {words}" in re.sub(r"to do:   .*(?=" + re.escape(words) + ")", "to do:   ", ended.out)
    assert ended.out.startswith("The signature is undecided." if code == 20 else "The signature is not valid.")


def test_the_moment_counts(told):
    def code(at: str) -> str:
        (one,) = told(signed_workbook(), at)["signatures"]
        return one["path"]["code"]

    assert code("2026-11-20") == ""
    assert code("2026-11-20T10:30:00+01:00") == ""
    assert code("2029-06-01") == "expired"
    assert code("2027-12-01") == "stale-revocation"
    assert told(signed_workbook(), "2026-11-20")["at"] == "2026-11-20T23:59:59Z"
    assert told(signed_workbook(), "2026-11-20T10:30:00.7+01:00")["at"] == "2026-11-20T09:30:00Z"
    assert told(signed_workbook(), "2019-01-01")["verdict"] == "not valid"


@pytest.mark.parametrize("at", ["tomorrow", "2026-13-01", "20.11.2026", "0001-01-01T00:00:00+14:00", "2026-11-2x"])
def test_a_moment_that_is_none(cli, tmp_path, roots, at):
    ended = cli("signature", put(tmp_path / "f.xlsm", signed_workbook()), "--trust", roots, "--at", at)
    assert (ended.code, ended.out) == (2, "")
    assert "--at" in ended.err
    assert at in ended.err


@pytest.mark.parametrize("at", ["0001-01-01", "9999-12-31", "0999-06-01T00:00:00Z"])
def test_a_moment_at_the_end_of_time_is_an_answer(told, at):
    assert told(signed_workbook(), at)["verdict"] in {"not valid", "undecided"}


def test_a_bad_file_in_the_trust_folder_is_named(cli, tmp_path, roots):
    workbook = put(tmp_path / "f.xlsm", signed_workbook())
    for name, data in (
        ("notes.txt", b"hello"),
        ("key.pem", b"-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"),
    ):
        bad = put(roots / name, data)
        ended = cli("signature", workbook, "--trust", roots)
        assert (ended.code, ended.out) == (2, "")
        assert name in ended.err
        bad.unlink()
    for folder in (tmp_path / "none", workbook):
        assert cli("signature", workbook, "--trust", folder).code == 2
    assert cli("signature", tmp_path / "none.xlsm", "--trust", roots).code == 2


def test_an_empty_trust_folder_trusts_nobody(told, tmp_path):
    (tmp_path / "empty").mkdir()
    assert told(signed_workbook(), folder=tmp_path / "empty")["verdict"] != "valid"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_in_words(told, name):
    tree = told(HOSTILE[name]())
    assert tree["verdict"] != "valid"


@pytest.mark.parametrize("data", [b"", b"PK", b"%PDF-1.7", b"\0" * 1000, signed_workbook()[:5000]])
def test_what_is_no_workbook_ends_in_words(cli, tmp_path, roots, data):
    ended = cli("signature", put(tmp_path / "f.xlsm", data), "--trust", roots)
    assert ended.code in {10, 20}
    assert ended.out
    assert ended.err == ""


def test_nothing_from_a_file_reaches_the_terminal_as_a_command(cli, tmp_path, roots):
    red = Signing(organisations=("\x1b[31mQuillmoor\x07\u202e",))
    data = signed(unsigned_workbook(), (red,), RECEIVED, "x")
    ended = cli("signature", put(tmp_path / "f.xlsm", data), "--trust", roots, "--at", AT)
    assert "Quillmoor" in ended.out
    assert not {"\x1b", "\x07", "\u202e"} & set(ended.out)


def test_each_of_two_signers_is_shown(told):
    other = Signing(organisations=("Gallowmere Devices Ltd",), certificate="self-signed")
    data = signed(signed_workbook(), (), RECEIVED, "x")
    assert data == signed_workbook()
    both = signed(unsigned_workbook(), (Signing(), other), RECEIVED, "Quillmoor Metering Ltd")
    tree = told(both)
    assert [one["certificate"]["organisations"][0] for one in tree["signatures"]] == [
        "Quillmoor Metering Ltd",
        "Gallowmere Devices Ltd",
    ]
    assert tree["verdict"] == "not valid"


# ---- the same through `pipeline check`


@pytest.fixture
def checked(cli, tmp_path):
    """Judge a submission with a hash and return the statuses of the signature checks."""

    def run(data: bytes, folder: Path) -> dict[str, str]:
        cpl = put(tmp_path / "cpl.xlsm", sample_cpl())
        file = put(tmp_path / "form.xlsm", data)
        ended = cli("check", "--json", "--cpl", cpl, "--on", "2026-11-20", "--trust", folder, file)
        findings = json.loads(ended.out)["submissions"][0]["findings"]
        return {
            f["check"].removeprefix("signature."): f["status"] for f in findings if f["check"].startswith("signature.")
        }

    return run


def test_check_looks_at_the_signature_with_the_given_roots(checked, roots, tmp_path):
    (tmp_path / "empty").mkdir()
    assert set(checked(signed_workbook(), roots).values()) == {"pass"}
    assert checked(signed_workbook(), tmp_path / "empty")["recognised"] == "fail"
    assert checked(unsigned_workbook(), roots)["present"] == "fail"
    assert checked(ATTACKS["17-orphan-part"].build(), roots)["coverage"] == "fail"


def test_check_says_nothing_of_a_signature_where_there_is_no_hash(checked, roots):
    assert set(checked(new_entry_form(good_answers()), roots).values()) == {"not-applicable"}


def test_check_names_a_bad_trust_file(cli, tmp_path, roots):
    put(roots / "notes.txt", b"hello")
    file = put(tmp_path / "form.xlsm", signed_workbook())
    ended = cli("check", "--trust", roots, file)
    assert ended.code == 2
    assert "notes.txt" in ended.err


# ---- and what the doctor says of the trust folder


def doctor(cli, demo) -> list[str]:
    ended = cli("doctor", "--config", demo / "pipeline.toml")
    return [line for line in ended.out.splitlines() if line[4:].startswith("trust: ")]


def test_the_doctor_counts_what_is_trusted(cli, demo):
    (line,) = doctor(cli, demo)
    assert re.match(r"ok  trust: \d+ roots of commercial, 0 intermediates, 2 revocation lists$", line)


def test_the_doctor_names_a_root_that_expires_and_a_list_that_is_out_of_date(cli, demo):
    now = present()
    old = root(authority("Old Root", "Old", now - timedelta(900), now + timedelta(30)), ec_key("old"))
    gone = root(authority("Gone Root", "Gone", now - timedelta(900), now - timedelta(30)), ec_key("gone"))
    folder = demo / "trust" / "iki"
    folder.mkdir()
    put(folder / "a.pem", old.pem + gone.pem)
    put(folder / "b.crl", old.crl(now - timedelta(9), now - timedelta(2)))
    _, *lines = doctor(cli, demo)
    assert [line[:2] for line in lines] == ["!!"] * 3
    assert f"the root Gone Root of iki expired on {now - timedelta(30):%Y-%m-%d}" in lines[0]
    assert f"the root Old Root of iki expires on {now + timedelta(30):%Y-%m-%d}; add its successor" in lines[1]
    assert f"is out of date since {now - timedelta(2):%Y-%m-%d}" in lines[2]
    assert "Old Root" in lines[2]
    put(folder / "c.crl", old.crl(now - timedelta(1), now + timedelta(6)))
    assert len(doctor(cli, demo)) == 3


def test_the_doctor_says_what_is_wrong_with_the_trust_folder(cli, demo):
    put(demo / "trust" / "commercial" / "notes.txt", b"hello")
    (line,) = doctor(cli, demo)
    assert line.startswith("!!  trust: ")
    assert "notes.txt: is neither a certificate" in line


def test_rsa_signers_are_judged_alike(told, roots):
    holder = trust().issuing.issue(_profile(), rsa_key("rsa in the command line"))
    from pipeline.demo.signer import sign

    data = sign(
        unsigned_workbook(), holder.key, holder.certificate, chain=holder.chain, at=RECEIVED - timedelta(hours=2)
    )
    (one,) = told(data)["signatures"]
    assert (one["method"], one["certificate"]["key"]) == ("rsa-sha256", "RSA 2048")
    assert one["path"]["state"] == "trusted"


def _profile():
    from tests.trust_matrix import good

    return good(RECEIVED, organisations=(FENNBROOK.name,))
