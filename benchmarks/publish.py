"""The next version of the CPL written and guarded, beside openpyxl's load and save, on lists of growing length.

python benchmarks/publish.py [--entries 1000 10000 100000] [--runs 1] [--openpyxl-up-to 100000]

Three entries are added, a certificate is changed, one entry is removed. Each way runs in a process of its own, whose
peak memory is told; in it are the interpreter and the modules (first row).
"""

import argparse
import io
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from openpyxl import load_workbook
from timing import table

from pipeline.demo.products import ELECTRICITY, QUILLMOOR, VERSIONS, entry_values, many_entries
from pipeline.demo.workbook import cpl_workbook
from pipeline.domain.product import DEVICE_MODEL, DeviceModel, Product
from pipeline.domain.release import ChangeKind, EntryChange, ListDifference, ReleasePlan, ValueChange
from pipeline.publish.guard import compare
from pipeline.publish.workbook import write_cpl

CERTIFICATE, STATUS = "CPA_Certificate.identification_number", "Entry.status"


def product(values: Mapping[str, str], row: int = 0) -> Product:
    """Return an entry as a value."""
    model = DeviceModel(*(values[name] for name in DEVICE_MODEL))
    return Product(values["Entry.number"], values[STATUS], model, values, row)


def changed(values: Mapping[str, str], name: str, text: str, kind: ChangeKind = ChangeKind.CHANGED) -> EntryChange:
    """Return the change of one value of an entry."""
    change = ValueChange(name, values.get(name, ""), text)
    return EntryChange(kind, values["Entry.number"], product(values), product({**values, name: text}), (change,))


def made_plan() -> ReleasePlan:
    """Return a plan for any list of the demo: it speaks of the first entries only, and of three new ones."""
    first = many_entries(24)
    held = [one for one in first[1:] if CERTIFICATE in one and one[STATUS] == "Current"]
    changes = [changed(one, CERTIFICATE, "[R] NCSC-7300000001-9999") for one in held]
    changes.append(changed(first[0], STATUS, "Removed", ChangeKind.REMOVED))
    for number in range(900_001, 900_004):
        model = ("00:00", "00", "1E", f"0C:03:00:0{number % 10}")
        device = ELECTRICITY[0]
        versions = VERSIONS[device]
        new = entry_values(f"{number}", "Current", device, QUILLMOOR, model=model, versions=versions, image=True)
        changes.append(EntryChange(ChangeKind.ADDED, new["Entry.number"], None, product(new)))
    difference = ListDifference("3.000", "3.001", tuple(sorted(changes, key=lambda one: one.number)))
    return ReleasePlan("", "3.001", date(2026, 11, 21), difference, ("Three new SMETS2 device models added:",), {})


def ours(before: bytes) -> None:
    write_cpl(before, made_plan())


def guarded(before: bytes, after: bytes) -> None:
    assert compare(before, after, made_plan()) == ()


def usual(before: bytes) -> None:
    """Load, append, change and save, as a script with openpyxl would."""
    book = load_workbook(io.BytesIO(before), keep_vba=True)
    listed, saveable = book["Central Products List"], book["CPL - saveable in CSV"]
    for number in ("900001", "900002", "900003"):
        listed.append([None, number, "Current"])
        saveable.append([None, number, "Current"])
    for (cell,) in saveable.iter_rows(min_row=2, max_col=1):
        cell.value = "Version 3.001 Issued on 21-11-2026"
    for row in listed.iter_rows(min_row=8, max_row=40):
        row[11].value = "[R] NCSC-7300000001-9999"
    book.save(io.BytesIO())


def child(way: str, path: Path, runs: int) -> None:
    """Print the median seconds of one way, and the peak memory of this process in MB."""
    before = path.read_bytes()
    work: Callable[[], None] = {
        "nothing": lambda: None,
        "write": partial(ours, before),
        "openpyxl": partial(usual, before),
    }.get(way, lambda: None)
    if way == "guard":
        work = partial(guarded, before, path.with_suffix(".new").read_bytes())
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    print(median(times), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def measured(way: str, path: Path, runs: int) -> tuple[float, float]:
    """Return seconds and megabytes of one way, run in a process of its own."""
    command = [sys.executable, __file__, "--child", way, str(path), "--runs", str(runs)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    seconds, megabytes = map(float, told.split())
    return seconds, megabytes


def made(path: Path, count: int) -> None:
    """Write a list of so many entries, and its next version beside it, in a process of its own."""
    subprocess.run([sys.executable, __file__, "--child", "make", str(path), "--entries", str(count)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, nargs="+", default=[1_000, 10_000, 100_000], help="lengths of the list")
    parser.add_argument("--runs", type=int, default=1, help="counted runs of each")
    parser.add_argument("--openpyxl-up-to", type=int, default=100_000, help="no load and save beyond this length")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        way, path = given.child[0], Path(given.child[1])
        if way == "make":
            before = cpl_workbook(many_entries(given.entries[0]))
            path.write_bytes(before)
            path.with_suffix(".new").write_bytes(write_cpl(before, made_plan()))
        else:
            child(way, path, given.runs)
        return

    rows = []
    with TemporaryDirectory() as folder:
        for count in given.entries:
            path = Path(folder) / f"{count}.xlsm"
            made(path, count)
            found = {way: measured(way, path, given.runs) for way in ("nothing", "write", "guard")}
            if count <= given.openpyxl_up_to:
                found["openpyxl"] = measured("openpyxl", path, given.runs)
            for way, (seconds, megabytes) in found.items():
                faster = f"{found['openpyxl'][0] / seconds:.1f}" if "openpyxl" in found and way != "nothing" else "-"
                per = f"{seconds / count * 1e6:.0f}"
                rows.append([f"{count:,}", way, f"{seconds:.2f}", per, f"{megabytes:.0f}", faster])
            path.unlink()
    print("The next version of the CPL, and openpyxl's load and save")
    headings = ("entries", "way", "seconds", "us an entry", "peak, MB", "times faster than openpyxl")
    print(table(headings, rows))


if __name__ == "__main__":
    main()
