"""The DZIR: Figure 6's texts and columns; and what is RED stands in no other document of a Release (law 8)."""

import io
import zipfile

import pytest
from openpyxl import load_workbook

from pipeline.demo.workbook import cpl_workbook
from pipeline.domain.product import ProductList
from pipeline.domain.release import RepositoryRow
from pipeline.publish.csv_file import csv_bytes, csv_rows
from pipeline.publish.dzir import write_dzir
from pipeline.publish.fir import write_fir
from pipeline.publish.repository import RepositoryRefused
from pipeline.publish.shelf import Shelf, release_files
from pipeline.readers.cpl import read_cpl
from pipeline.readers.repository import HISTORIC, read_dzir

LINE = "Version 3.001 Issued on 21-11-2026"
VENDOR, VERSION = (f"Device_ZigBee_Information_Repository.Stack_{name}" for name in ("Vendor", "Version"))
NOTICES = """
This document is classified as RED. It contains non-disclosable information and is restricted to the Security \
Sub-Committee members (including alternates). Participants must not disseminate the information outside of the \
governance group. RED information may only be discussed during a meeting where all participants present have signed \
a declaration form, stating their acceptance to abide by these terms. RED information should not be discussed with \
anyone who is not a member of the governance group.
The following table provides information about the ZigBee Stack Vendor and the ZigBee Stack Version used by the Device \
Model. Historic Device Models without this information are marked accordingly.
Device ZigBee Information Repository
""".strip().splitlines()
RED = {VENDOR: "Zzyzxvendor", VERSION: "Qwfpversion"}


def products() -> ProductList:
    return ProductList("", "3.001", read_cpl(cpl_workbook()).products)


def unzipped(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return b"\n".join([*(name.encode() for name in package.namelist()), *map(package.read, package.namelist())])


def is_red(data: bytes) -> bool:
    return any(value.encode(coding) in data for value in RED.values() for coding in ("utf-8", "utf-16-le"))


def test_the_texts_and_columns_of_the_guidance():
    rows = [RepositoryRow("000008", {VENDOR: "Silicon Labs", VERSION: "1.2.A.B"}), RepositoryRow("000012", RED)]
    sheet = load_workbook(io.BytesIO(write_dzir(rows, products(), LINE)), rich_text=True).worksheets[0]
    assert [str(sheet.cell(n, 1).value) for n in range(1, 4)] == NOTICES
    bold = [run.text for run in sheet["A1"].value if getattr(run, "font", None) and run.font.b]
    assert bold == ["RED", "RED", "RED"]
    assert tuple(cell.value for cell in sheet[4]) == ("CPL Reference", "ZigBee Stack Vendor", "ZigBee Stack Version")
    below = {row[0].value: row for row in sheet.iter_rows(min_row=5)}
    assert list(below) == [product.number for product in products().products]
    assert [cell.value for cell in below["000008"]] == ["000008", "Silicon Labs", "1.2.A.B"]
    assert [cell.value for cell in below["000012"]] == ["000012", *RED.values()]
    assert below["000012"][0].number_format == '@" (Removed)"'
    assert [cell.value for cell in below["000010"]] == ["000010", HISTORIC, HISTORIC]


def test_red_values_stand_in_the_dzir_and_in_nothing_else_of_a_release(tmp_path):
    rows = [RepositoryRow("000008", RED | {"FIR Release Notes.Description": "General Release"})]
    dzir = write_dzir(rows, products(), LINE)
    fir = write_fir(rows, products(), LINE)
    csv = csv_bytes(csv_rows(products(), LINE))
    files = release_files("3.001", cpl=cpl_workbook(), csv=csv, fir=fir, dzir=dzir)
    shelf = Shelf(tmp_path / "releases")
    folder = shelf.put("3.001", files)
    assert read_dzir(dzir).rows == (RepositoryRow("000008", RED),)
    assert is_red(unzipped(dzir))
    for path in folder.rglob("*"):
        if path.is_file() and path.parent.name != "red":
            data = path.read_bytes()
            assert not is_red(data + (unzipped(data) if path.suffix in {".xlsx", ".xlsm"} else b"")), path
    assert not is_red(repr((rows, files, shelf, read_dzir(dzir))).encode())


def test_the_open_manifests_say_nothing_of_the_red_files(tmp_path):
    from hashlib import sha256

    dzir = write_dzir([RepositoryRow("000008", RED)], products(), LINE)
    files = release_files("3.001", cpl=b"cpl", csv=b"csv", fir=b"fir", dzir=dzir)
    folder = Shelf(tmp_path / "releases").put("3.001", files)
    for audience in ("white", "green"):
        text = (folder / audience / "manifest.json").read_text()
        assert "ZigBee" not in text
        assert sha256(dzir).hexdigest() not in text
    for path in (folder / "manifest.json", folder / "red" / "manifest.json"):
        assert sha256(dzir).hexdigest() in path.read_text()
        assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "rows",
    [
        [RepositoryRow("1", RED)],
        [RepositoryRow("000008", RED)] * 2,
        [RepositoryRow("000008", {VENDOR: RED[VENDOR] * 5_000})],
    ],
)
def test_no_refusal_quotes_a_red_value(rows):
    with pytest.raises(RepositoryRefused) as told:
        write_dzir(rows, products(), LINE)
    assert not is_red(repr(told.value).encode())
    assert told.value.__cause__ is None
    assert told.value.__context__ is None


def test_only_the_fields_of_the_dzir_are_written():
    row = RepositoryRow("000008", RED | {"Contact-CPA.Contact.contact name": "Some Person"})
    assert b"Some Person" not in unzipped(write_dzir([row], products(), LINE))
