"""The JDK's own XML signature validator agrees with the project's signer, and is fooled by the attacks it should be."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from shutil import which

import pytest

from pipeline.demo.answers import good_answers
from pipeline.demo.form import new_entry_form
from pipeline.demo.package import Package
from pipeline.demo.signer import sign
from pipeline.demo.timestamp import stamper
from tests.attacks import ATTACKS
from tests.trust_matrix import Hierarchy

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
SOURCE = Path(__file__).parents[2] / "peer" / "JdkPeer.java"
WORKBOOK = new_entry_form(good_answers(image=True), keep_list=True)

pytestmark = pytest.mark.skipif(
    which("java") is None or which("javac") is None, reason="java and javac are not installed (a JDK of 17 or later)"
)


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    """Return a function from files, name to bytes, to the peer's words about them: verdict, references, reason."""
    classes = tmp_path_factory.mktemp("peer")
    subprocess.run(["javac", "-d", str(classes), str(SOURCE)], check=True, timeout=120)

    def ask(files: dict[str, bytes]) -> dict[str, tuple[str, int, str]]:
        folder = tmp_path_factory.mktemp("signed")
        for name, data in files.items():
            (folder / name).write_bytes(data)
        command = ["java", "-cp", str(classes), "JdkPeer", *(str(folder / name) for name in files)]
        lines = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout.splitlines()
        said = (line.split("\t") for line in lines)
        return {Path(file).name: (word, int(count), why) for file, word, count, why in said}

    return ask


def signed(**options) -> bytes:
    holder = Hierarchy(AT).leaf("signer", rsa=options.pop("rsa", False))
    given = {"at": AT, "chain": holder.chain} | options
    return sign(options.pop("workbook", WORKBOOK), holder.key, holder.certificate, **given)


def test_every_kind_of_signature_is_valid(judge):
    clock = Hierarchy(AT).leaf("clock")
    form_only = new_entry_form(good_answers())
    files = {
        f"{kind}-{digest}.xlsm": signed(digest=digest, rsa=kind == "rsa")
        for kind in ("rsa", "ec")
        for digest in ("sha1", "sha256", "sha384", "sha512")
    }
    files |= {
        "no-xades.xlsm": signed(xades=False),
        "stamped.xlsm": signed(timestamp=stamper(clock, AT)),
        "form-only.xlsm": sign(form_only, clock.key, clock.certificate, at=AT),
        "left-out.xlsm": signed(leave_out={"xl/styles.xml"}),
        "twice.xlsm": sign(signed(), clock.key, clock.certificate, at=AT, co_sign=True),
    }
    said = judge(files)
    assert {name: (word, why) for name, (word, _, why) in said.items()} == dict.fromkeys(files, ("VALID", ""))
    listed = {
        name: Package.read(data).part("_xmlsignatures/sig1.xml").count(b"<Reference ") for name, data in files.items()
    }
    listed["twice.xlsm"] *= 2
    assert {name: count for name, (_, count, _) in said.items()} == listed


def test_every_changed_part_is_named(judge):
    package = Package.read(signed())
    wanted = {}
    files = {}
    for number, name in enumerate(package.names()):
        if name.startswith(("xl/worksheets", "xl/theme", "xl/vba", "xl/shared", "xl/styles", "xl/workbook")):
            wanted[f"{number}.xlsm"] = name
            files[f"{number}.xlsm"] = package.put(name, package.part(name) + b" ").to_bytes()
    for name, (word, _, why) in judge(files).items():
        assert word == "INVALID"
        assert f"/{wanted[name]}?" in why
    assert len(files) == 9


def test_attacks_say_to_a_naive_validator_what_they_are_built_to_say(judge):
    said = judge({f"{name}{one.suffix}": one.build() for name, one in ATTACKS.items()})
    words = {Path(file).stem: word for file, (word, _, _) in said.items()}
    assert words == {name: one.peer.value for name, one in ATTACKS.items()}


def test_an_unsigned_workbook_is_unsigned(judge):
    assert judge({"unsigned.xlsm": WORKBOOK}) == {"unsigned.xlsm": ("UNSIGNED", 0, "")}
