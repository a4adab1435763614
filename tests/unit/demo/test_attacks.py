"""The attacks are all there, and each is what it says; what a naive validator makes of them is in test_signer_jdk."""

import io
import zipfile

import pytest

from tests.attacked import Expected, signed_workbook
from tests.attacks import ATTACKS


def test_every_row_of_the_table_has_its_attack():
    assert [name.partition("-")[0] for name in ATTACKS] == [f"{number:02}" for number in range(1, 39)]
    for paper_class in ("CIA", "CMA", "LWA", "USF", "MRA"):
        assert any(one.does.startswith(paper_class) for one in ATTACKS.values())


def test_only_document_properties_may_change_and_only_two_are_unsigned():
    outcomes = {name: one.expected for name, one in ATTACKS.items() if one.expected is not Expected.REFUSED}
    assert outcomes == {
        "30-vba-signature-only": Expected.UNSIGNED,
        "36-docprops-changed": Expected.ACCEPTED,
        "38-vba-pcode-only": Expected.UNSIGNED,
    }
    assert [name for name, one in ATTACKS.items() if not one.codes] == ["36-docprops-changed"]


@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_is_a_file_of_its_own_that_common_readers_open(name):
    data = ATTACKS[name].build()
    assert data != signed_workbook()
    assert data is ATTACKS[name].build()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert "xl/workbook.xml" in archive.namelist()
