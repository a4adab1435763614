"""What changed between two lists, and who carries a certificate."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.demo.products import many_entries
from pipeline.domain.product import ProductList
from pipeline.domain.release import ChangeKind, ValueChange
from pipeline.products import (
    DoesNotFit,
    apply,
    changed_by_hand,
    difference,
    entries,
    entries_with_certificate,
    in_words,
    listable,
    repeated,
)
from pipeline.readers.cpl import read_cpl
from tests.lists import product, product_list, sample_list, with_values, without

REAL = Path(__file__).parents[2].parent / "shared" / "real"
CPA = "CPA_Certificate.identification_number"
OLD = sample_list()


def kinds(change):
    return [(item.kind.value, item.number) for item in change.changes]


def test_a_list_does_not_differ_from_itself():
    assert difference(OLD, OLD).changes == ()
    assert apply(OLD, difference(OLD, OLD)) == OLD
    assert in_words(difference(OLD, sample_list("3.001"))) == (
        "The entries of version 3.000 and version 3.001 say the same.",
    )


def test_rows_that_only_moved_are_no_difference():
    moved = replace(OLD, products=tuple(replace(p, row=100 - p.row) for p in reversed(OLD.products)))
    assert difference(OLD, moved).changes == ()


def test_a_changed_cell_is_named_with_what_it_was():
    new = with_values(OLD, "000008", "3.001", Manufacturer_Image__descriptor="", ZigBee_Properties__Bands_Join="Dual")
    (item,) = difference(OLD, new).changes
    assert (item.kind, item.number) == (ChangeKind.CHANGED, "000008")
    assert item.values == (
        ValueChange("Manufacturer_Image.descriptor", "Complete image; Single Band (2.4 GHz)", ""),
        ValueChange("ZigBee_Properties.Bands_Join", "", "Dual"),
    )
    assert (item.before, item.after) == (OLD.with_number("000008"), new.with_number("000008"))


def test_every_kind_of_change_in_the_order_of_the_numbers():
    new = with_values(OLD, "000003", Entry__status="Current")
    new = with_values(new, "000004", Entry__status="Removed")
    new = with_values(new, "000001", Entry__status="Withdrawn")
    entry = {**OLD.products[-1].values, "Entry.number": "000005"}
    new = without(replace(new, products=(*new.products, product(entry, 99))), "000024")
    assert kinds(difference(OLD, new)) == [
        ("changed", "000001"),
        ("restored", "000003"),
        ("removed", "000004"),
        ("added", "000005"),
        ("gone", "000024"),
    ]


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        ("a", "aa", ["added"]),
        ("ab", "b", ["gone"]),
        ("ab", "a", ["gone"]),
        ("ab", "ba", ["changed", "changed"]),
        ("abc", "xby", ["changed", "changed"]),
        ("aab", "acb", ["changed"]),
        ("", "aa", ["added", "added"]),
    ],
)
def test_a_number_that_stands_twice_is_compared_row_by_row(then, now, expected):
    def made(letters):
        base = OLD.products[0].values
        return product_list({**base, "Manufacturer_Image.creator": letter} for letter in letters)

    old, new = made(then), made(now)
    change = difference(old, new)
    assert [item.kind.value for item in change.changes] == expected
    assert sorted(p.values["Manufacturer_Image.creator"] for p in apply(old, change).products) == sorted(now)
    assert repeated(new) == (("000001",) if len(now) > 1 else ())


def test_a_difference_is_not_applied_to_another_list():
    change = difference(OLD, with_values(OLD, "000008", "3.001", Entry__status="Removed"))
    with pytest.raises(DoesNotFit, match=r"taken from version 3\.000 and the list is 3\.002"):
        apply(sample_list("3.002"), change)
    other = with_values(OLD, "000008", Manufacturer_Image__creator="Another")
    with pytest.raises(DoesNotFit, match="entry 000008 is not on the list as the difference says"):
        apply(other, change)


def test_what_somebody_changed_by_hand_is_found():
    assert changed_by_hand(OLD, replace(OLD, artefact="0" * 64)) is None
    found = changed_by_hand(OLD, with_values(OLD, "000008", Manufacturer_Image__creator="By hand"))
    assert found is not None
    assert kinds(found) == [("changed", "000008")]
    other_version = changed_by_hand(OLD, sample_list("3.009"))
    assert other_version is not None
    assert (other_version.new, other_version.changes) == ("3.009", ())


def test_in_words_each_entry_and_the_same_changes_together():
    new = OLD
    for number in ("000001", "000002", "000004"):
        new = with_values(new, number, "3.001", Manufacturer_Image__creator="New name")
    new = with_values(new, "000008", CPA_Certificate__expiry_date="01/02/2031", Manufacturer_Image__creator="")
    new = with_values(new, "000010", Entry__status="Removed")
    added = {**OLD.with_number("000022").values, "Entry.number": "000025"}
    new = without(replace(new, products=(*new.products, product(added, 40))), "000019")
    display = "SMETS V1.2, GBCS Version 0.0."
    maker = "'Fennbrook & Daughters Energy Devices Ltd'"
    head, gone, plus, three, changed, removed = in_words(difference(OLD, new))
    assert head == "From version 3.000 to version 3.001: 1 added, 4 changed, 1 removed, 1 gone."
    assert gone.startswith(
        "Entry 000019 is gone, which no Release does: Pre-Payment Interface Device, Device Model E1:04"
    )
    assert plus.startswith(
        "Entry 000025 is added: Pre-Payment Interface Device, Device Model E1:04 00:16 01 01 00:09:00"
    )
    assert plus.endswith(display)
    assert three.startswith(
        "Entries 000001, 000002 and 000004 are changed: creator of the image from 'Quillmoor Meteri"
    )
    assert changed == (
        "Entry 000008 is changed: CPA expiry or renewal date from '09/09/2029' to '01/02/2031'; "
        f"creator of the image from {maker} to empty."
    )
    assert removed == "Entry 000010 is removed: status from 'Current' to 'Removed'."


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        (["000001"], "entry 000001"),
        (["000002", "000001"], "entries 000001 and 000002"),
        (["000003", "000001", "000002"], "entries 000001 to 000003"),
        (["000009", "000001", "000002", "000003", "000010"], "entries 000001 to 000003, 000009 and 000010"),
        (["000001", "000003", "000005"], "entries 000001, 000003 and 000005"),
    ],
)
def test_entry_numbers_in_words(numbers, words):
    assert entries(numbers) == words


_HIDDEN = "Qwfpvendor"


@pytest.mark.parametrize(
    "name",
    [
        "Device_ZigBee_Information_Repository.Stack_Vendor",
        "DEVICE_ZIGBEE_INFORMATION_REPOSITORY.Stack_Version",
        "Contact-CPA.Contact.contact email",
        "Manufacturer Contact FIR.Email Address",
        "FIR Release Notes.Description",
        "Firmware_Upgrade.Path",
    ],
)
def test_what_no_list_publishes_is_in_no_difference(name):
    assert not listable(name)
    leaking = with_values(OLD, "000008", **{name: _HIDDEN})
    assert difference(OLD, leaking).changes == ()
    both = with_values(leaking, "000008", Entry__status="Removed")
    change = difference(OLD, both)
    assert _HIDDEN not in repr(in_words(change)) + repr([item.values for item in change.changes])


def certified(*numbers):
    base = OLD.with_number("000008").values
    return product_list({**base, "Entry.number": f"{i:06}", CPA: text} for i, text in enumerate(numbers, 1))


def test_a_certificate_is_found_however_it_is_written():
    products = certified(
        "[E] 7300000001-1497", "[E] NCSC-7300000001-1497", "[R] NCSC7300000001-1497", "[E] GSME7300000001-1498",
        "[E] 7300000001-149", "[T] 7300000001-1497", "[T] GKL73", "[E] GKL73", "Not Relevant", "",
    )  # fmt: skip

    def found(text):
        return [int(p.number) for p in entries_with_certificate(products, text)]

    assert found("[E] ncsc-7300000001 1497") == [1, 2, 3]
    assert found("7300000001-1498") == [4]
    assert found("[T] 7300000001-1497") == [6]
    assert found("[T] GKL73") == [7]
    assert found("[E] SMCH73") == [8]
    assert found("Not Relevant") == found("") == found("[E] ") == []


def test_the_work_grows_with_the_list_and_not_with_its_square():
    old = product_list(many_entries(8_000))
    new = ProductList("", "3.001", tuple(product({**p.values}, p.row) for p in old.products[:-1]))
    new = with_values(new, new.products[4_000].number, Manufacturer_Image__creator="Another")
    started = time.process_time()
    change = difference(old, new)
    assert apply(old, change) == new
    assert len(entries_with_certificate(old, old.products[0].values[CPA])) == 1
    assert time.process_time() - started < 2  # a tenth of that on a quiet machine, and far more where it is the square
    assert [item.kind.value for item in change.changes] == ["changed", "gone"]


@pytest.fixture(scope="module")
def real():
    file = REAL / "Central-Products-List_2.051.xlsm"
    if not file.is_file():
        pytest.skip(f"the real list is not beside this checkout (../shared/real/{file.name})")
    reading = read_cpl(file.read_bytes())
    return ProductList("", reading.template.version, reading.products)


@pytest.mark.real
@pytest.mark.parametrize(
    ("spellings", "carriers"),
    [
        (["[E] 1433053936-1497", "[E] NCSC-1433053936-1497", "[E] NCSC1433053936-1497"], 30),
        (["[E] 1433053936-1943", "[E] GSME1433053936-1943", "GSME1433053936-1943"], 11),
    ],
)
def test_the_real_list_writes_one_certificate_in_several_ways(real, spellings, carriers):
    found = [entries_with_certificate(real, text) for text in spellings]
    assert [len(one) for one in found] == [carriers] * len(spellings)
    assert len({p.values[CPA] for p in found[0]}) > 1
    everyone = {p.number for p in real.products if spellings[0].rpartition("-")[2] in p.values.get(CPA, "")}
    assert {p.number for p in found[0]} == everyone


@pytest.mark.real
def test_two_layouts_of_the_real_list_hold_the_same_entries(real):
    file = REAL / "CPL_3.000_derived.xlsm"
    if not file.is_file():
        pytest.skip(f"the derived list is not beside this checkout (../shared/real/{file.name})")
    change = difference(real, ProductList("", "3.000", read_cpl(file.read_bytes()).products))
    assert (change.old, change.new, change.changes) == ("2.051", "3.000", ())
