"""Write, then read, is the identity for the FIR and the DZIR, whatever the texts; and no bytes make a reader raise."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.domain.product import DeviceModel, Product, ProductList
from pipeline.domain.release import CURRENT, REMOVED, RepositoryRow
from pipeline.publish.dzir import write_dzir
from pipeline.publish.fir import CONTACT_LINES, fir_row, write_fir
from pipeline.readers.child import Forked
from pipeline.readers.repository import (
    CONTACT_DETAILS,
    DZIR_HEADINGS,
    FIR_HEADINGS,
    HISTORIC,
    RELEASE_NOTES,
    UPGRADE_PATH,
    RepositoryReading,
    read_dzir,
    read_fir,
)

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=40)
LINE = "Version 3.001 Issued on 21-11-2026"
MODEL = DeviceModel("E1:01", "00:0A", "01", "02", "0C:03:0C:22")
ODD = ["00", "=1+1", "+1", "@A1", "-1", "#N/A", "1E5", "_x0041_", "_x005F_x0041_", "__x0041_", "a\nb", "\u2028x", "1.0"]
LETTERS = st.text(st.characters(min_codepoint=1, exclude_categories=["Cs", "Cc", "Cn"]) | st.sampled_from("\n\t"))
TEXTS = (st.sampled_from(ODD) | LETTERS).map(str.strip).filter(lambda text: text not in {"", HISTORIC})
NUMBERS = st.integers(1, 40).map("{:06}".format)
LISTS = st.dictionaries(NUMBERS, st.sampled_from([CURRENT, REMOVED]), max_size=12).map(
    lambda found: ProductList(
        "", "3.001", tuple(Product(n, status, MODEL, {}, row) for row, (n, status) in enumerate(found.items(), 8))
    )
)


FORM_FIELDS = [
    *(f"Manufacturer Contact FIR.{attribute}" for line in CONTACT_LINES for attribute in ("Company Name", *line)),
    RELEASE_NOTES,
    UPGRADE_PATH,
]


def rows(fields):
    """Rows of a repository, at most one for an entry, none without a value."""
    values = st.dictionaries(st.sampled_from(sorted(set(fields))), TEXTS, min_size=1)
    return st.dictionaries(NUMBERS, values, max_size=8).map(
        lambda found: tuple(RepositoryRow(number, held) for number, held in found.items())
    )


def by_number(row):
    return row.number


@PATIENT
@given(rows(DZIR_HEADINGS), LISTS)
def test_a_dzir_comes_back(held, products):
    data = write_dzir(held, products, LINE)
    reading = read_dzir(data)
    assert reading.problems == ()
    assert reading.rows == tuple(sorted(held, key=by_number))
    assert write_dzir(reading.rows, products, LINE) == data


@PATIENT
@given(rows(FIR_HEADINGS) | rows(FORM_FIELDS), LISTS)
def test_a_fir_comes_back(held, products):
    data = write_fir(held, products, LINE)
    reading = read_fir(data)
    assert reading.problems == ()
    assert reading.rows == tuple(sorted(map(fir_row, held), key=by_number))
    assert all(row.values.keys() <= FIR_HEADINGS.keys() for row in reading.rows)
    assert write_fir(reading.rows, products, LINE) == data


@PATIENT
@given(rows([CONTACT_DETAILS]))
def test_contact_details_of_an_older_fir_stay_as_they_are(held):
    assert tuple(map(fir_row, held)) == held


@settings(PATIENT, max_examples=15)
@given(st.binary(max_size=400), st.integers(0, 4_000), st.binary(min_size=1, max_size=8))
def test_no_bytes_make_a_reader_raise(loose, place, spoilt):
    sound = write_dzir([], ProductList("", "3.001", ()), LINE)
    place %= len(sound)
    readers = Forked()
    for data in (loose, sound[:place] + spoilt + sound[place + len(spoilt) :], b"Entry number,Name\n" + loose):
        for read in (readers.fir, readers.dzir, readers.contacts):
            reading = read(data)
            assert isinstance(reading, RepositoryReading), reading
            assert reading.problems or reading.rows == ()
