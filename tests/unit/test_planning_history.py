"""What the real Version Control log said of the last ten releases of CPL 2.x, and what the project would have written.

Only the rows of 2.051 are known. What stood before a release is put together from them: entries that it added are left
out, and what it amended is set back to what the log says that it was. `pytest -rP` shows the texts side by side;
nothing of the list stands here but entry numbers, and the certificate numbers that the log names.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from pipeline.domain.product import Product, ProductList
from pipeline.domain.release import REMOVED, Amendment, AmendmentKind, ChangeKind, NewEntry
from pipeline.planning import plan
from pipeline.products import apply, difference
from pipeline.readers.cpl import read_cpl
from pipeline.rulebook import Rulebook

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "real" / "Central-Products-List_2.051.xlsm"
CPA, EXPIRY = "CPA_Certificate.identification_number", "CPA_Certificate.expiry_date"
OLD_HUBS = {CPA: "[E] SMCH58603416", EXPIRY: "30/08/2022"}
NEW_HUBS = {CPA: "[R] NCSC-1433053936-3918", EXPIRY: "30/08/2023"}
WRONG_HUBS = ("000629", "000630", "000631")
REMOVED_HUB = "000024"
"""It carries the old certificate and is Removed: SECAS updated current entries only, the project updates all rows."""
LAST_OF_2041 = "000707"

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not REAL.exists(), reason=f"the real list is not beside this checkout: {REAL.name} is absent"),
]


@dataclass(frozen=True)
class Release:
    """One real release: what it added (first and last number), what it amended, and how to undo that in 2.051."""

    version: str
    added: tuple[str, str] | None
    amendments: tuple[Amendment, ...] = ()
    undo: Callable[[Product], Product] = lambda product: product


def amendment(kind: AmendmentKind, entries: Sequence[str], values: dict[str, str], why: str) -> Amendment:
    return Amendment("A-2022-00001", kind, tuple(entries), values, why, "A Clerk", "2022-08-24T10:00:00Z")


def given(product: Product, values: dict[str, str]) -> Product:
    merged = {**product.values, **values}
    return replace(product, values=merged, status=merged["Entry.status"])


def hubs_before(product: Product) -> Product:
    return given(product, OLD_HUBS) if product.values.get(CPA) == NEW_HUBS[CPA] else product


RELEASES = (
    Release("2.042", ("000708", "000709")),
    Release(
        "2.043",
        ("000710", "000712"),
        (amendment(AmendmentKind.CERTIFICATE, ["000005"], NEW_HUBS, "The NCSC has granted a new CPA Certificate"),),
        hubs_before,
    ),
    Release(
        "2.044",
        None,
        (amendment(AmendmentKind.REMOVAL, WRONG_HUBS, {}, "Approved by the SSC: incorrect CHTS and GBCS combination"),),
        lambda product: given(product, {"Entry.status": "Current"}) if product.number in WRONG_HUBS else product,
    ),
    Release("2.045", ("000713", "000721")),
    Release("2.046", ("000722", "000723")),
    Release(
        "2.047",
        ("000724", "000724"),
        (amendment(AmendmentKind.CERTIFICATE, ["000001"], NEW_HUBS, "The NCSC has granted a new CPA Certificate"),),
        lambda product: given(product, OLD_HUBS) if product.number == "000001" else product,
    ),
    Release("2.048", ("000725", "000725")),
    Release("2.049", ("000726", "000728")),
    Release("2.050", ("000729", "000730")),
    Release("2.051", ("000731", "000732")),
)


@pytest.fixture(scope="module")
def rules():
    return Rulebook.load(ROOT / "rules")


@pytest.fixture(scope="module")
def now():
    return read_cpl(REAL.read_bytes()).products


@pytest.fixture(scope="module")
def log():
    book = openpyxl.load_workbook(REAL, read_only=True, keep_vba=False)
    rows = book["Version Control"].iter_rows(min_row=11, max_col=3, values_only=True)
    return {str(row[0]): str(row[2]).replace("_x000D_", "") for row in rows if row[0]}


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.version)
def test_then_and_now_side_by_side(release, rules, now, log):
    last_before = max([LAST_OF_2041, *(r.added[1] for r in RELEASES if r.added and r.version < release.version)])
    first, last = release.added or ("999999", "000000")
    before = ProductList(
        "",
        f"2.{int(release.version[2:]) - 1:03}",
        tuple(release.undo(p) for p in now if p.number <= last_before),
    )
    added = [p for p in now if first <= p.number <= last]
    made = plan(
        before,
        highest=int(last_before),
        new=[NewEntry(i, "CPL-2022-00001", "form.xlsm", "", p.values) for i, p in enumerate(added)],
        amendments=release.amendments,
        fir=[],
        dzir=[],
        contacts=[],
        on=date(2022, 9, 21),
        rules=rules,
    )
    print(f"\n=== {release.version}\n--- the log\n{log[release.version]}\n--- the project\n" + "\n".join(made.log))  # noqa: T201 - pytest -rP shows the two side by side
    renewed = any(order.kind is AmendmentKind.CERTIFICATE for order in release.amendments)
    after = ProductList(
        "",
        release.version,
        tuple(
            given(p, NEW_HUBS) if renewed and p.number == REMOVED_HUB else p
            for p in now
            if p.number <= max(last, last_before)
        ),
    )
    assert made.version == release.version
    assert made.difference == difference(before, after)
    assert apply(before, made.difference) == after
    numbered = re.compile(r"^(\d{6}) - ", re.MULTILINE)
    told = numbered.findall("\n".join(made.log))
    if added:
        listed = numbered.findall(log[release.version])
        assert listed == [p.number for p in added]
        assert told[-len(added) :] == listed
        heading = next(line for line in made.log if line.endswith("added:"))
        assert heading.split()[0] in log[release.version]
        assert re.search("SMETS[12]", heading)[0] in log[release.version]
    removed = [item.number for item in made.difference.changes if item.kind is ChangeKind.REMOVED]
    assert all(number in log[release.version] for number in removed)
    assert bool(removed) == (release.version == "2.044")


def test_the_row_that_was_missed_in_2_043_would_not_have_been(rules, now, log):
    """Nineteen current entries were changed by hand, and the twentieth (000001) two weeks later."""
    assert log["2.047"].startswith("Updated Entry 000001")
    before = ProductList("", "2.042", tuple(hubs_before(p) for p in now))
    (order,) = RELEASES[1].amendments
    books = {"fir": [], "dzir": [], "contacts": []}
    made = plan(before, highest=732, new=[], amendments=[order], on=date(2022, 8, 24), rules=rules, **books)
    changed = {item.number for item in made.difference.changes}
    assert {"000001", REMOVED_HUB} < changed
    assert len(changed - {REMOVED_HUB}) == 20
    assert before.with_number(REMOVED_HUB).status == REMOVED
