from datetime import UTC, date, datetime

import pytest

from tests.builders import DEVICE_TYPES, FORM_FIELDS, SAPC, fields, good_answers, sample_entries

SMETS1_TYPES = [name for name in DEVICE_TYPES if not name.startswith(("HAN", "Polyphase"))]
EVERY = [(name, False) for name in (*DEVICE_TYPES, SAPC)] + [(name, True) for name in SMETS1_TYPES]
MODEL = fields(["Device_Model"])


@pytest.mark.parametrize(("device", "smets1"), EVERY)
@pytest.mark.parametrize("image", [False, True])
class TestGoodAnswers:
    def test_the_fields_are_those_that_the_device_needs(self, device, smets1, image):
        answers = good_answers(device, smets1=smets1, image=image)
        empty = set()
        if smets1:
            empty |= set(fields(["CPA_Certificate", "DLMS_Certificate", "ZSE_Certificate", "Contact-CPA"]))
        if device == "Pre-Payment Interface Device":
            empty |= set(fields(["CPA_Certificate", "Contact-CPA"]))
        if smets1 is False:
            empty -= {"CPA_Certificate.security_characteristics_version"}
        if "Electricity" not in str(answers["Device_Type.name"]):
            empty |= set(fields(["DLMS_Certificate"]))
        if not image:
            empty |= set(fields(["Manufacturer_Image"]))
        assert set(answers) == set(fields()) - empty
        assert all(answers.values())

    def test_listed_values_are_on_the_list(self, device, smets1, image):
        answers = good_answers(device, smets1=smets1, image=image)
        for field in FORM_FIELDS:
            if field.options and field.name in answers:
                assert answers[field.name] in field.options

    def test_the_device_model_is_new_and_its_path_is_not(self, device, smets1, image):
        answers = good_answers(device, smets1=smets1, image=image)
        listed = {entry["Entry.number"]: entry for entry in sample_entries()}
        models = [[entry[name] for name in MODEL] for entry in listed.values()]
        assert [answers[name] for name in MODEL] not in models
        path = str(answers["Firmware_Upgrade.Path"])
        assert image or path == "NA"
        for number in [] if path == "NA" else path.split("; "):
            assert listed[number]["Device_Type.name"] == answers["Device_Type.name"]
            assert listed[number]["Entry.status"] == "Current"


def test_the_certificate_date_suits_the_sample_list():
    expiry = datetime.strptime(str(good_answers()["CPA_Certificate.expiry_date"]), "%d/%m/%Y").replace(tzinfo=UTC)
    assert date(2024, 11, 7) < expiry.date() < date(2030, 11, 7)


def test_single_answers_can_be_changed():
    changed = good_answers(**{"GBCS Version.version_number": "GBCS Version 9.9"})
    assert changed["GBCS Version.version_number"] == "GBCS Version 9.9"


@pytest.mark.parametrize(
    ("device", "smets1"), [("In Home Display", False), ("Polyphase Electricity Metering Equipment", True)]
)
def test_a_device_type_that_does_not_exist_is_refused(device, smets1):
    with pytest.raises(ValueError, match=device):
        good_answers(device, smets1=smets1)
