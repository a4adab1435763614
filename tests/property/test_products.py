"""Any two lists: their difference, applied to the one, gives the other."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.product import DEVICE_MODEL, ProductList
from pipeline.domain.release import ChangeKind
from pipeline.products import apply, changed_by_hand, difference, entries, in_words, repeated
from tests.lists import product

FIELDS = ("Device_Type.name", "CPA_Certificate.expiry_date", "Manufacturer_Image.hash", "Column of.a later CPL")
TEXTS = st.sampled_from(["00", "1E5", "000733", "ö\n|'", " "])
VALUES = st.fixed_dictionaries(
    {"Entry.status": st.sampled_from(["Current", "Removed", "current"])}, optional=dict.fromkeys(FIELDS, TEXTS)
)
ROWS = st.dictionaries(st.integers(8, 40), VALUES, max_size=20)
"""Row to what stands there. The number goes with the row, as it does from one Release to the next."""


def listed(rows, version, sharing=1):
    """Rows as a list; so many rows that follow one another share a number."""
    entries_in = []
    for row, values in sorted(rows.items()):
        number = f"{row // sharing:06}"
        model = dict.fromkeys(DEVICE_MODEL, "01")
        entries_in.append(product({"Entry.number": number, **model, **values}, row))
    return ProductList("", version, tuple(entries_in))


def shape(products):
    return sorted((p.number, sorted(p.values.items())) for p in products.products)


@given(ROWS, ROWS)
def test_diff_then_apply_is_the_identity(then, now):
    old, new = listed(then, "3.000"), listed(now, "3.001")
    assert apply(old, difference(old, new)) == new


@given(ROWS, ROWS)
def test_so_it_is_where_numbers_repeat_but_for_the_rows(then, now):
    old, new = listed(then, "3.000", sharing=3), listed(now, "3.001", sharing=3)
    assert shape(apply(old, difference(old, new))) == shape(new)


@given(ROWS)
def test_a_list_says_the_same_as_itself(rows):
    one = listed(rows, "3.000")
    assert difference(one, one).changes == ()
    assert apply(one, difference(one, one)) == one
    assert changed_by_hand(one, one) is None


@given(ROWS, ROWS, st.sampled_from([1, 3]))
def test_every_change_is_told_and_nothing_else(then, now, sharing):
    old, new = listed(then, "3.000", sharing), listed(now, "3.001", sharing)
    change = difference(old, new)
    words = " ".join(in_words(change))
    for item in change.changes:
        assert (item.kind is ChangeKind.GONE) == (item.after is None)
        assert (item.kind is ChangeKind.ADDED) == (item.before is None)
        assert bool(item.values) == (item.kind not in {ChangeKind.ADDED, ChangeKind.GONE})
        assert all(cell.before != cell.after for cell in item.values)
        assert item.kind.value in words
    told = [item.number for item in change.changes]
    assert told == sorted(told)
    if not (repeated(old) or repeated(new)):
        differing = {n for n in {p.number for p in (*old.products, *new.products)} if says(old, n) != says(new, n)}
        assert set(told) == differing


def says(products, number):
    found = products.with_number(number)
    return found and found.values


@given(st.sets(st.integers(1, 60), min_size=1))
def test_entry_numbers_in_words_name_each_and_no_other(numbers):
    words = entries([f"{number:06}" for number in numbers]).partition(" ")[2].replace(" and ", ", ")
    told = set()
    for part in words.split(", "):
        first, _, last = part.partition(" to ")
        told |= set(range(int(first), int(last or first) + 1))
    assert told == numbers
