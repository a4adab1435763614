import re
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
from cryptography.x509.oid import NameOID

from pipeline.demo.mail import signed_submission
from pipeline.demo.pdf import Line, text_pdf
from pipeline.demo.trust import sample_trust
from tests.builders import (
    DEVICE_TYPES,
    Package,
    Thread,
    certificates,
    cpl_workbook,
    forwarded_submission,
    good_answers,
    mail,
    protected_submission,
    reply,
    sample_mailbox,
    submission,
    unrelated,
    zipped_submission,
)

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def parse(data: bytes):
    return message_from_bytes(data, policy=policy.SMTP)


def files(data: bytes) -> dict[str, bytes]:
    return {part.get_filename(): part.get_content() for part in parse(data).iter_attachments()}


def test_the_mailbox_holds_the_six_mails_of_the_demonstration():
    mails = [parse(data) for data in sample_mailbox(NOW)]
    assert [len(list(one.iter_attachments())) for one in mails] == [4, 3, 5, 3, 1, 0]
    dates = [one["Date"].datetime for one in mails]
    assert dates == sorted(dates)
    assert NOW - timedelta(hours=2) < dates[0] <= dates[-1] < NOW
    assert len({one["Message-ID"] for one in mails}) == 6
    assert all(one.defects == [] for one in mails)


def test_the_same_moment_gives_the_same_bytes():
    assert sample_mailbox(NOW) == sample_mailbox(NOW)
    assert sample_mailbox(NOW) != sample_mailbox(NOW + timedelta(minutes=1))


def test_lines_end_as_the_rfc_says_and_are_short_enough():
    for data in (*sample_mailbox(NOW), zipped_submission(NOW), forwarded_submission(NOW), protected_submission(NOW)):
        assert not re.search(rb"(?<!\r)\n|\r(?!\n)", data)
        assert max(map(len, data.split(b"\r\n"))) <= 998


def test_a_submission_carries_the_form_and_the_certificates_it_names():
    attached = files(submission(NOW))
    assert list(attached) == [
        "CPL new entry 00-0A.xlsm",
        "cpa-certificate.pdf",
        "dlms-certificate.pdf",
        "zigbee-certificate.pdf",
    ]
    assert "xl/vbaProject.bin" in Package.read(attached["CPL new entry 00-0A.xlsm"])


def test_forms_are_made_from_the_list_in_force():
    base = cpl_workbook(version="3.007", issued="13-11-2026")
    form = files(sample_mailbox(NOW, base)[0])["CPL new entry 00-0A.xlsm"]
    assert b"Version 3.007 Issued on 13-11-2026" in Package.read(form).part("xl/sharedStrings.xml")


def test_the_good_submission_is_signed_by_the_creator_of_its_image():
    form = files(sample_mailbox(NOW)[0])["CPL new entry 00-0A.xlsm"]
    trust = sample_trust(NOW)
    assert b64encode(trust.signer.der) in Package.read(form).part("_xmlsignatures/sig1.xml")
    subject = trust.signer.certificate.subject
    organisation = subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value
    assert organisation == good_answers(image=True)["Manufacturer_Image.creator"]
    resent = signed_submission(NOW, NOW + timedelta(hours=5))
    assert files(resent)["CPL new entry 00-0A.xlsm"] == form
    unsigned = files(submission(NOW))["CPL new entry 00-0A.xlsm"]
    assert "_xmlsignatures/sig1.xml" not in Package.read(unsigned)


def test_a_forwarded_mail_keeps_the_original_inside():
    inner = submission(NOW - timedelta(days=1))
    carried = next(parse(forwarded_submission(NOW, inner)).iter_attachments()).get_content()
    assert carried["Message-ID"] == parse(inner)["Message-ID"]
    assert len(list(carried.iter_attachments())) == 4


def test_other_shapes_of_mail():
    assert "submission/cpa-certificate.pdf" in Package.read(files(zipped_submission(NOW))["cpl.zip"])
    assert files(protected_submission(NOW))["CPL new entry.xlsm"].startswith(b"\xd0\xcf\x11\xe0")
    assert parse(unrelated(NOW)).get_content_type() == "text/plain"


def test_a_reply_is_threaded():
    answer = parse(reply(NOW, Thread("<b@x.example>", ("<a@x.example>",)), "Re: CPL submission"))
    assert answer["Subject"] == "Re: CPL submission"
    assert answer["In-Reply-To"] == "<b@x.example>"
    assert answer["References"] == "<a@x.example> <b@x.example>"


def test_sender_and_message_id_can_be_given():
    made = parse(mail("Hello", "text\n", NOW, sender="Å <a@b.example>", message_id="<fixed@b.example>"))
    assert made["Message-ID"] == "<fixed@b.example>"
    assert made["From"].addresses[0].display_name == "Å"


@pytest.mark.parametrize("device", DEVICE_TYPES)
def test_certificates_say_what_the_form_says(device):
    answers = good_answers(device)
    made = certificates(answers)
    wanted = {"Pre-Payment Interface Device": 1, "Gas Smart Meter": 2, "Communications Hub": 2}
    assert len(made) == wanted.get(device, 2 if device.startswith("HAN") else 3)
    for page in made.values():
        assert str(answers["Device_Model.firmware_version"]).encode() in page


def test_a_lifetime_certificate_shows_no_expiry():
    answers = good_answers() | {"CPA_Certificate.identification_number": "[R] NCSC-7300000001-4101"}
    assert b"expiry" not in certificates(answers)["cpa-certificate.pdf"]


def test_every_pdf_object_is_where_the_table_says():
    data = text_pdf([Line(72, 700, "Øst (two) \\ three", bold=True), Line(72, 680, "plain")])
    start = int(re.search(rb"startxref\n(\d+)\n%%EOF\n\Z", data)[1])
    assert data[start:].startswith(b"xref\n0 7\n")
    places = [int(found) for found in re.findall(rb"(\d{10}) 00000 n \n", data)]
    assert [data[place:].split(b"\n", 1)[0] for place in places] == [b"%d 0 obj" % n for n in range(1, 7)]
    length, stream = re.search(rb"/Length (\d+) >>\nstream\n(.*)\nendstream", data, re.DOTALL).groups()
    assert len(stream) == int(length)
    assert rb"(\330st \(two\) \\ three)".replace(rb"\330", b"\xd8") in stream
