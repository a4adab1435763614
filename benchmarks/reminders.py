"""A day's reminders on lists of growing length: the certificates found, the windows counted, the day asked.

python benchmarks/reminders.py [--certificates 1000 10000 100000] [--runs 1]

Each certificate has three entries and a date of its own within six years; 12 of 72 months lie in a window. Each length
runs in a process of its own, whose peak memory is told; in it are the interpreter, the modules and the list itself.
"""

import argparse
import resource
import subprocess
import sys
from datetime import date, timedelta
from functools import partial

from timing import milliseconds, table

from pipeline.checks.papers import EXPIRY, NUMBERS
from pipeline.config import shipped
from pipeline.domain.product import DEVICE_TYPE, GBCS, SMETS_CHTS, DeviceModel, Product, ProductList
from pipeline.domain.reminder import Contact
from pipeline.remind import Parties, calendar, certificates_of, due, expired, schedule
from pipeline.rulebook import Rulebook

ON = date(2027, 1, 1)
ENTRIES, YEARS, OWNERS = 3, 6, 50
PARTIES = Parties(("cpl@supplier.example",), ("cpl@dcc.example",))


def products(certificates: int) -> ProductList:
    """Return a list of so many certificates; their numbers are written in three ways."""
    versions = {DEVICE_TYPE: "Gas Smart Meter", SMETS_CHTS: "SMETS V4.3", GBCS: "GBCS Version 4.1"}
    made = []
    for n in range(certificates * ENTRIES):
        which, way = divmod(n, ENTRIES)
        number = f"[E] {('', 'NCSC-', 'NCSC')[way]}7300000001-{which:06}"
        day = ON + timedelta(days=which * 7919 % (YEARS * 365))
        model = DeviceModel("10:63", "00:0A", "01", "02", n.to_bytes(4, "big").hex(":").upper())
        values = versions | {NUMBERS["cpa"]: number, EXPIRY: f"{day:%d/%m/%Y}"}
        made.append(Product(f"{n:06}", "Current", model, values, n))
    return ProductList("", "3.000", tuple(made))


def child(count: int, runs: int) -> None:
    """Print the figures of one length, the peak memory of this process in MB last."""
    rules = Rulebook.load(shipped("rules"))
    assert rules.reminders is not None
    made = products(count)
    contacts = {p.number: (Contact(f"{int(p.number) % OWNERS}@meters.example"),) for p in made.products}
    found = partial(certificates_of, made, rules)
    tracked = found().tracked
    counted = partial(schedule, tracked, rules.reminders)
    plan = counted()
    sent = {one.key: ON for one in due(plan, (), ON, contacts, PARTIES).reminders}
    works = (
        found,
        counted,
        partial(due, plan, (), ON, contacts, PARTIES),
        partial(due, plan, sent, ON + timedelta(days=1), contacts, PARTIES),
        partial(expired, plan, (), ON + timedelta(days=60)),
        partial(calendar, plan, sent, {}, ON),
    )
    times = [milliseconds(work, runs) for work in works]
    print(len(sent), *times, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--certificates", type=int, nargs="+", default=[1_000, 10_000, 100_000], help="how many")
    parser.add_argument("--runs", type=int, default=1, help="counted runs of each")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child, given.runs)
        return
    rows = []
    for count in given.certificates:
        command = [sys.executable, __file__, "--child", str(count), "--runs", str(given.runs)]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        mails, *times, megabytes = told
        total = sum(map(float, times[:3]))
        shown = [f"{float(one):,.1f}" for one in times]
        rows.append([f"{count:,}", f"{int(mails):,}", *shown, f"{total / count * 1000:.1f}", f"{float(megabytes):.0f}"])
    print("A day's reminders, ms; the certificates and their windows are found once for each list")
    headings = ("certificates", "reminders", "found", "windows", "first day", "next day", "expired", "calendar")
    print(table((*headings, "us a certificate, first three", "peak, MB"), rows))


if __name__ == "__main__":
    main()
