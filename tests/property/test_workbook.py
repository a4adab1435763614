"""Any plan at all: untouched rows keep their octets, and what is published is what is imported."""

from contextlib import suppress
from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.publish.guard import compare
from pipeline.publish.refused import ListNotEditable
from pipeline.publish.workbook import write_cpl
from tests.builders import sample_cpl
from tests.plans import CERTIFICATE, CSV, EXPIRY, FORM, HISTORY, LIST, listed, plan, rows_of

BEFORE = sample_cpl()
OLD = listed(BEFORE)
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=100)

TEXTS = (
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
    .map(str.strip)
    .filter(lambda text: text and "_x" not in text and "\ufffe" not in text and "\uffff" not in text)
) | st.sampled_from(["00", "1E5", "10E0", "=1+1", "<&>", "a\nb", "NaN", "#N/A", "TRUE", "01/02/2030", "'00", "]]>"])
OCTET = st.integers(0, 255).map("{:02X}".format)
DAYS = st.dates(date(1900, 3, 1)).map("{:%d/%m/%Y}".format) | st.sampled_from(["", "NA", "31/02/2030"])
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "Entry.status": st.sampled_from(["Current", "Removed"]),
        "Device_Model.hardware_version.version": OCTET,
        "Device_Model.hardware_version.revision": OCTET,
        "Device_Model.firmware_version": st.tuples(*[OCTET] * 4).map(":".join),
        CERTIFICATE: TEXTS | st.just(""),
        EXPIRY: DAYS,
        "Manufacturer_Image.creator": TEXTS,
        "ZigBee_Properties.Bands_Join": TEXTS | st.just(""),
    },
)
CHANGES = st.dictionaries(st.sampled_from([one.number for one in OLD.products]), VALUES, max_size=8)


@PATIENT
@given(CHANGES, st.lists(VALUES, max_size=4), st.lists(TEXTS, min_size=1, max_size=5))
def test_amendments_leave_every_other_row_alone_and_come_back(changes, new, log):
    order = plan(OLD, changes, new, tuple(log))
    after = write_cpl(BEFORE, order)
    numbers = {change.number for change in order.difference.changes}
    touched = {one.row for one in OLD.products if one.number in numbers}
    for part, allowed in ((LIST, touched), (HISTORY, {3}), (FORM, {2})):
        then, now = rows_of(BEFORE, part), rows_of(after, part)
        assert {number for number in then if then[number] != now[number]} == allowed
    assert len(rows_of(after, CSV)) == len(rows_of(BEFORE, CSV)) + len(new)
    due = {one.number: one for one in OLD.products} | {one.number: one.after for one in order.difference.changes}
    read = listed(after)
    assert read.version == "3.001"
    assert [(one.number, one.model, dict(one.values)) for one in read.products] == [
        (one.number, one.model, dict(one.values)) for one in due.values()
    ]


@settings(PATIENT, max_examples=15)
@given(CHANGES, st.lists(VALUES, max_size=3))
def test_the_guard_agrees_with_the_writer(changes, new):
    order = plan(OLD, changes, new)
    assert compare(BEFORE, write_cpl(BEFORE, order), order) == ()


@settings(PATIENT, max_examples=60)
@given(st.binary(max_size=8), st.integers(0, len(BEFORE) - 1), st.integers(0, 40))
def test_a_damaged_list_is_refused_or_written_and_nothing_else(octets, at, length):
    damaged = BEFORE[:at] + octets + BEFORE[at + length :]
    order = plan(OLD, {"000004": {"Entry.status": "Removed"}})
    with suppress(ListNotEditable):
        assert write_cpl(damaged, order)
