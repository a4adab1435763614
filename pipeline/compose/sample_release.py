"""Invented Releases and amendments to render the notices and the answer to an amendment with (``pipeline doctor``)."""

from datetime import date

from pipeline.compose.envelope import Enclosure
from pipeline.compose.notices import ReleaseNotice
from pipeline.config import NoticesConfig
from pipeline.domain.evidence import Evidence
from pipeline.domain.product import DEVICE_TYPE, GBCS, SMETS_CHTS, DeviceModel, Product, ProductList
from pipeline.domain.release import (
    Amendment,
    AmendmentKind,
    ChangeKind,
    EntryChange,
    ListDifference,
    ReleasePlan,
    ValueChange,
)

VERSION = "3.001"
LINKS = ("https://cpl.example/list?version=3.001&format=xlsm", "the 'CPL' page of the website", "")
SETTINGS = NoticesConfig(
    list_address="cpl-list@cpl.example",
    list_id="cpl-notices.cpl.example",
    dcc=("cpl@dcc.example",),
    ssc=("ssc@cpl.example",),
    non_parties=("meters.example",),
)

_EXPIRY = "CPA_Certificate.expiry_date"


def release_samples() -> tuple[tuple[str, ReleaseNotice], ...]:
    """Return Releases, each with its label, that reach every branch: nothing, one and several of everything."""
    one = (_change(ChangeKind.ADDED, 4),)
    several = (
        *(_change(ChangeKind.CHANGED, number) for number in (1, 2)),
        _change(ChangeKind.REMOVED, 3),
        *(_change(ChangeKind.ADDED, number) for number in (5, 6)),
        *(_change(ChangeKind.RESTORED, number) for number in (7, 8)),
    )
    flood = tuple(_change(ChangeKind.ADDED, number) for number in range(10, 330))
    return (
        ("a release of nothing", _release()),
        ("a release of one entry", _release(*one, log=("One new device model added:", "000004 - Gas <meter> & more"))),
        (
            "a release of many kinds",
            _release(*several, log=("Two device models changed:", "000001, ask ann@x.example"), amended=("000001",)),
        ),
        ("a release of very many entries", _release(*flood)),
    )


def amendment_samples() -> tuple[tuple[str, tuple[Amendment, ...]], ...]:
    """Return requests, each with its label: of every kind, known and unknown, with and without values."""
    return (
        ("a request nobody understood", ()),
        ("a request without entries", (_amendment(AmendmentKind.CORRECTION, ()),)),
        ("a request without values", (_amendment(AmendmentKind.FIR, values={}),)),
        ("requests of every kind", tuple(map(_amendment, AmendmentKind))),
    )


def _product(number: int) -> Product:
    values = {
        DEVICE_TYPE: "Gas Smart Meter",
        SMETS_CHTS: "SMETS V4.3",
        GBCS: "GBCS Version 4.1",
        _EXPIRY: f"0{number % 10}/03/2027",
    }
    return Product(f"{number:06}", "Current", DeviceModel("10:63", "00:0A", "01", "02", "0C:03:0C:22"), values, number)


def _change(kind: ChangeKind, number: int) -> EntryChange:
    product = _product(number)
    values = (
        ValueChange("Entry.status", "Current", "Removed"),
        ValueChange(_EXPIRY, "", '31/03/2033 <"&">'),
    )
    return EntryChange(kind, product.number, None if kind is ChangeKind.ADDED else product, product, values)


def _release(*changes: EntryChange, log: tuple[str, ...] = (), amended: tuple[str, ...] = ()) -> ReleaseNotice:
    kinds = (AmendmentKind.FIR, AmendmentKind.DZIR) if amended else ()
    plan = ReleasePlan(
        base="3.000",
        version=VERSION,
        issued=date(2026, 11, 21),
        difference=ListDifference("3.000", VERSION, changes),
        log=log,
        numbered={},
        amendments=tuple(_amendment(kind, amended) for kind in kinds),
    )
    return ReleaseNotice(
        plan=plan,
        submitters={change.number: "submissions@meters.example" for change in changes[:2]},
        csv=Enclosure("CPL_3.001.csv", "text/csv", b"Version\r\n"),
        dzir=Enclosure("DZIR_3.001.xlsx", "application/octet-stream", b"DZIR"),
    )


def _amendment(
    kind: AmendmentKind, entries: tuple[str, ...] = ("000001", "000002", "9"), values: dict[str, str] | None = None
) -> Amendment:
    asked = {_EXPIRY: '31/03/2033 <"&">', "FIR Release Notes.Description": "General  release", "Odd.field": ""}
    return Amendment(
        number="A-2026-00001",
        kind=kind,
        entries=entries,
        values=asked if values is None else values,
        why="",
        by="",
        at="2026-11-21T09:30:00Z",
        until="2027-03-31" if kind is AmendmentKind.REMEDIAL_PLAN else "",
        evidence=(Evidence("b" * 64, "zse <1>.pdf", "page 1 [72.0, 301.2, 190.4, 312.9]", ""),),
    )


LISTED = ProductList("", "3.000", tuple(_product(number) for number in (1, 2, 3)))
"""A list of three entries."""
