"""The whole way on the real lists: taken over, three submissions accepted, published; what changed, said by diff."""

import shutil
import zipfile
from datetime import timedelta
from io import BytesIO

import pytest

from pipeline import desk, releasing
from pipeline.demo.answers import good_answers
from pipeline.demo.mail import submission
from pipeline.demo.products import ESME, GSME, PPMID
from pipeline.domain.judgement import Outcome
from pipeline.domain.release import ChangeKind
from pipeline.office import CPL
from pipeline.products import difference
from pipeline.readers.cpl import read_cpl
from tests.office import SHIPPED, Remembering, a_helpdesk, cpl
from tests.plans import REAL

READERS = Remembering()
DEVICES = (ESME, GSME, PPMID)


@pytest.fixture(params=["2.051", "3.000"])
def real(request):
    if not REAL.is_dir():
        pytest.skip(f"needs the real lists in {REAL}, which are not there")
    files = [file for file in REAL.glob("*.xlsm") if request.param.replace(".", "") in file.name.replace(".", "")]
    if not files:
        pytest.skip(f"needs the real list {request.param} in {REAL}, which is not there")
    return files[0].read_bytes()


def parts(data):
    with zipfile.ZipFile(BytesIO(data)) as package:
        return {name: package.read(name) for name in package.namelist()}


@pytest.mark.real
@pytest.mark.slow
def test_three_accepted_submissions_become_the_next_version_of_the_real_list(real, tmp_path):
    with a_helpdesk(tmp_path, readers=READERS, with_cpl=False) as helpdesk:
        office = helpdesk.office
        old = desk.take_over(office, CPL, real, by="Ada").document.version.startswith("2.")
        for minute, device in enumerate(DEVICES):
            answers = good_answers(device) | (SHIPPED if device != PPMID else {})
            if old:  # a list of version 2 has no column for it
                answers["ZigBee_Properties.Bands_Join"] = ""
            helpdesk.deliver(submission(helpdesk.clock.now - timedelta(minutes=minute), answers, base=cpl()))
        helpdesk.round()
        judged = [line for line in office.ledger.cases("open") if line.outcome]
        assert len(judged) == 3  # beside them the Cases of certificates that have expired on the real list
        for line in judged:
            desk.decide_by_hand(office, line.number, Outcome.ACCEPT, why="for this test", by="Ada")
        ordered = releasing.planned(office)
        assert ordered is not None
        before = releasing.list_in_force(office)
        prepared = releasing.prepare(office, ordered, soffice=shutil.which("soffice") or "")
        record, closed = releasing.commit(office, prepared, by="Ada")
        new = office.artefacts.get(record.cpl)
        after = releasing.list_in_force(office)
    assert len(closed) == 3
    assert after.products[: len(before.products)] == before.products
    highest = max(int(product.number) for product in before.products)
    found = difference(before, after)
    assert [(one.kind, one.number) for one in found.changes] == [
        (ChangeKind.ADDED, f"{highest + count:06}") for count in (1, 2, 3)
    ]
    assert sorted(one.after.kind[0] for one in found.changes if one.after) == sorted(DEVICES)
    assert int(record.version[2:]) == int(before.version[2:]) + 1
    assert record.version[0] == before.version[0]
    then, now = parts(real), parts(new)
    assert list(then) == list(now)
    changed = {name for name in then if then[name] != now[name]}
    allowed = ("xl/worksheets/sheet", "xl/tables/", "xl/workbook.xml")
    assert changed
    assert all(name.startswith(allowed) for name in changed), changed
    assert then["xl/vbaProject.bin"] == now["xl/vbaProject.bin"]
    assert read_cpl(new).problems == ()
    print(f"{before.version} to {record.version}: changed parts {sorted(changed)}")  # noqa: T201 - for the note
