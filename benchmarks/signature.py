"""The digital signature of one workbook: read and verified alone, then with the certificate's path.

python benchmarks/signature.py [--sizes 16 300 5000] [--runs 20]

Each workbook is a form signed by a P-256 key, padded with entries of the list, then with octets that do not compress.
The peer is the JDK's own XML signature validator (tests/peer/JdkPeer.java), where Java is present, in a process that is
warm, for the signature and the digests alone; it looks at no coverage and no path. All times are the best of the runs.
"""

import argparse
import random
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from shutil import which

from timing import milliseconds, table

from pipeline.cli.settings import present
from pipeline.config import shipped
from pipeline.demo.answers import good_answers
from pipeline.demo.form import new_entry_form
from pipeline.demo.package import Package
from pipeline.demo.products import many_entries
from pipeline.demo.signer import CONTENT_TYPES, edit, override, relate
from pipeline.demo.trust import SampleTrust, sample_trust
from pipeline.demo.workbook import cpl_workbook
from pipeline.domain.signature import PathState, SignatureQuestion, TrustMaterial, TrustSet
from pipeline.readers import signature
from pipeline.readers.child import Zygote
from pipeline.readers.signature import read_signature
from pipeline.readers.trust_folder import material_of
from pipeline.rulebook import Rulebook

PEER = Path(__file__).resolve().parents[1] / "tests" / "peer" / "JdkPeer.java"
_IMAGE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image"
_ENTRIES = 950


def workbook(kilobytes: int) -> bytes:
    """Return an unsigned form of about that size: the list left in it from 300 KB on, and an image as the rest."""
    if kilobytes < 300:
        data = new_entry_form(good_answers(image=True))
    else:
        data = new_entry_form(good_answers(image=True), cpl_workbook(many_entries(_ENTRIES)), keep_list=True)
    lacking = kilobytes * 1000 - len(data)
    if lacking < 50_000:
        return data
    package = Package.read(data).put("xl/media/image1.png", random.Random(1).randbytes(lacking))
    package = edit(package, CONTENT_TYPES, partial(override, part="xl/media/image1.png", kind="image/png"))
    relations = "xl/_rels/workbook.xml.rels"
    return edit(package, relations, partial(relate, kind=_IMAGE, target="media/image1.png")).to_bytes()


def trusted(sample: SampleTrust) -> TrustMaterial:
    """Return what the worker knows: the recognised roots, the sample's own, and its lists."""
    with tempfile.TemporaryDirectory() as folder:
        material = material_of(Rulebook.load(shipped("rules")).signers.sets, Path(folder))
    roots = TrustSet("sample", (sample.root.der,))
    return TrustMaterial((*material.sets, roots), crls=sample.crls)


def integrity_alone(question: SignatureQuestion) -> object:
    """Read a signature without its certificate's path."""
    asked = signature.path_of
    signature.path_of = lambda *_, **__: None  # type: ignore[assignment]  # left out for this measurement only
    try:
        return read_signature(question)
    finally:
        signature.path_of = asked


def best(work: Callable[[], object], runs: int) -> float:
    """Return the best time of several runs, which is what the peer tells of itself."""
    return min(milliseconds(work, 1) for _ in range(runs))


def peer_milliseconds(files: list[Path], runs: int) -> list[float]:
    """Return the best time of the JDK's validator for each file; none without Java."""
    java, javac = which("java"), which("javac")
    if java is None or javac is None:
        return []
    with tempfile.TemporaryDirectory() as classes:
        subprocess.run([javac, "-d", classes, str(PEER)], check=True, timeout=120)
        command = [java, "-cp", classes, "JdkPeer", "-time", str(runs * 10), *map(str, files)]
        lines = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600).stdout.splitlines()
    said = [line.split("\t") for line in lines]
    assert all(word == "VALID" for _, word, *_ in said), lines
    return [int(line[-1]) / 1000 for line in said]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[16, 300, 5000], help="kilobytes of the workbooks")
    parser.add_argument("--runs", type=int, default=20, help="counted runs of each way")
    given = parser.parse_args()

    now = present()
    sample = sample_trust(now)
    material = trusted(sample)
    rows = []
    with tempfile.TemporaryDirectory() as folder, Zygote() as zygote:
        files = []
        for size in given.sizes:
            data = sample.sign(workbook(size))
            question = SignatureQuestion(data, material, now.isoformat())
            (signed,) = read_signature(question).signatures
            assert signed.path is not None
            assert (signed.faults, signed.path.state) == ((), PathState.TRUSTED)
            files.append(Path(folder, f"{size}.xlsm"))
            files[-1].write_bytes(data)
            alone = best(partial(integrity_alone, question), given.runs)
            whole = best(partial(read_signature, question), given.runs)
            child = best(partial(zygote.signature, question), given.runs)
            rows.append([f"{len(data) / 1000:.0f} KB", alone, whole - alone, whole, child])
        peers = peer_milliseconds(files, given.runs) or [None] * len(files)
    print("The signature of one workbook: ms, the best of the runs")
    shown = [
        [row[0], *(f"{ms:.1f}" for ms in row[1:]), *((f"{jdk:.1f}", f"{row[1] / jdk:.1f}") if jdk else ("-", "-"))]
        for row, jdk in zip(rows, peers, strict=True)
    ]
    print(
        table(("workbook", "integrity", "trust", "both", "both, in a child", "JDK", "integrity, times the JDK"), shown)
    )


if __name__ == "__main__":
    main()
