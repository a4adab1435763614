"""From a form to a Submission: the answers in their normal text, and what was changed to get there."""

from pathlib import Path

import pytest

from pipeline.domain.form import Answer, Change, Submission, Template
from pipeline.readers.cpl import read_cpl
from pipeline.readers.form import read_form
from pipeline.readers.submission import assemble
from pipeline.rulebook import Rulebook
from tests import builders as b
from tests.builders import good_answers, new_entry_form, sample_cpl, spoil

RULES = Rulebook.load(Path(__file__).parents[3] / "rules")
FIRMWARE = "Device_Model.firmware_version"
TYPE = "Device_Type.name"
PATH = "Firmware_Upgrade.Path"
CREATOR = "Manufacturer_Image.creator"


@pytest.fixture(scope="module")
def template() -> Template:
    found = read_cpl(sample_cpl()).template
    assert found is not None
    return found


def submission(template: Template | None, *faults: b.Fault) -> Submission:
    form = read_form(spoil(new_entry_form(good_answers()), *faults))
    return assemble("a › form.xlsm", "sha", form, rules=RULES, template=template, documents=["one", "two"])


def answered(template: Template | None, field: str, value: b.Value) -> Answer:
    return submission(template, b.answer(field, value)).answers[field]


def test_every_row_is_an_answer(template):
    found = submission(template)
    assert (found.file, found.artefact, found.documents) == ("a › form.xlsm", "sha", ("one", "two"))
    assert list(found.answers) == [row.field for row in found.form.rows]
    assert {name: found.text(name) for name in good_answers()} == good_answers()
    assert found.text("No.such field") == ""
    assert not any(answer.changes for answer in found.answers.values())


def test_what_the_blank_form_says_is_no_answer(template):
    assert submission(template).text("Entry.number") == ""
    assert submission(None).text("Entry.number") == b.ALLOCATED


@pytest.mark.parametrize(
    ("field", "written", "text", "changes"),
    [
        (FIRMWARE, " 0C:03:0C:22 \n", "0C:03:0C:22", (Change.TRIMMED,)),
        (FIRMWARE, "0c:03:0C:2a", "0C:03:0C:2A", (Change.UPPER,)),
        (FIRMWARE, "\u00a00c:03:0c:22", "0C:03:0C:22", (Change.TRIMMED, Change.UPPER)),
        (FIRMWARE, "\ufb00:03:0c:22", "\ufb00:03:0c:22", ()),
        (FIRMWARE, "not hex", "NOT HEX", (Change.UPPER,)),
        (FIRMWARE, "   ", "", (Change.TRIMMED,)),
        (FIRMWARE, None, "", ()),
        (FIRMWARE, 12, "12", ()),
        (TYPE, "gas smart METER", "Gas Smart Meter", (Change.RESPELLED,)),
        (TYPE, "Gas\u00a0Smart  Meter", "Gas Smart Meter", (Change.RESPELLED,)),
        (TYPE, "Gas Smart Meter", "Gas Smart Meter", ()),
        (TYPE, "Gas Meter", "Gas Meter", ()),
        ("DLMS_Certificate.DLMS_version", "ctt 3.0", "CTT 3.0", (Change.RESPELLED,)),
        (PATH, "na", "NA", (Change.RESPELLED,)),
        (PATH, "NA", "NA", ()),
        (PATH, "000626", "000626", ()),
        (PATH, "000626;000630", "000626; 000630", ()),
        (PATH, "000626, 000630\n000631 000632", "000626; 000630; 000631; 000632", (Change.SEPARATED,)),
        (PATH, "000626 or 000630", "000626 or 000630", ()),
        (PATH, "٠٠٠٦٢٦ ٠٠٠٦٣٠", "٠٠٠٦٢٦ ٠٠٠٦٣٠", ()),
        (PATH, "000626;", "000626;", ()),
        (CREATOR, " Example  Ltd\r\n", "Example  Ltd", (Change.TRIMMED,)),
    ],
)
def test_normal_texts(template, field, written, text, changes):
    found = answered(template, field, written)
    assert (found.text, found.changes) == (text, changes)
    assert found.cell.text == ("" if written is None else str(written))


def test_the_list_in_force_says_how_a_value_is_spelled(template):
    bands = "ZigBee_Properties.Bands_Join"
    assert answered(template, bands, "DUAL BAND - sub-ghz FIRST").text == "Dual Band - Sub-GHz first"
    assert answered(None, bands, "DUAL BAND - sub-ghz FIRST").text == "DUAL BAND - sub-ghz FIRST"


def test_the_first_of_two_rows_is_the_answer(template):
    found = submission(template, b.repeat_row(FIRMWARE, "FF:FF:FF:FF"))
    assert found.text(FIRMWARE) == "0C:03:0C:22"
    assert len([row for row in found.form.rows if row.field == FIRMWARE]) == 2


def test_a_field_without_a_rule_is_only_trimmed(template):
    found = submission(template, b.add_row("Own", "idea", " as it is "))
    assert found.answers["Own.idea"].text == "as it is"
    assert found.answers["Own.idea"].changes == (Change.TRIMMED,)
