"""Files in a mail at any depth, each judged by its content, and archives that are made to do harm."""

import base64
import hashlib
import io
import struct
import time
import zipfile
from email import policy
from email.message import EmailMessage

import pytest

from pipeline.domain.message import Attachment
from pipeline.readers.message import ReadMail, read_message
from pipeline.readers.mime import MailLimits

LIMITS = MailLimits()
PDF = b"%PDF-1.7\n..."
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


WORKBOOK = zipped(
    ("[Content_Types].xml", b"<Types/>"), ("xl/workbook.xml", b"<workbook/>"), ("inner.zip", b"PK\x03\x04")
)
DOCUMENT = zipped(("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<document/>"))


def mail(*files: tuple[str, bytes], subject: str = "New entry") -> EmailMessage:
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = "jo@maker.example"
    message["Subject"] = subject
    message["Message-ID"] = "<1@maker.example>"
    message.set_content("Please find attached.")
    for name, data in files:
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message


def read(*files: tuple[str, bytes], limits: MailLimits = LIMITS) -> ReadMail:
    return read_message(mail(*files).as_bytes(), limits)


def one_part(headers: bytes, body: bytes) -> ReadMail:
    return read_message(
        b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        + headers
        + b"\r\n\r\n"
        + body
        + b"\r\n--b--\r\n"
    )


def paths(found: ReadMail) -> list[tuple[str, str]]:
    return [(attachment.path, attachment.kind) for attachment in found.message.attachments]


def only(found: ReadMail) -> Attachment:
    [attachment] = found.message.attachments
    return attachment


def problems(found: ReadMail) -> list[tuple[str, str]]:
    return [(problem.kind, problem.where) for problem in found.message.problems]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (WORKBOOK, "workbook"),
        (zipped(("[CONTENT_TYPES].xml", b"<Types/>"), ("xl\\Workbook.xml", b"<workbook/>")), "workbook"),
        (DOCUMENT, "other"),
        (zipped(("mimetype", b"application/vnd.oasis.opendocument.text")), "other"),
        (OLE, "ole"),
        (PDF, "pdf"),
        (b"\r\n" * 400 + PDF, "pdf"),
        (b" " * 1_100 + PDF, "text"),
        (PNG, "image"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image"),
        (b"<html>not a workbook</html>", "text"),
        ("Grüße".encode(), "text"),
        (b"\x00\x01\x02", "other"),
        (b"", "text"),
        (b"From: a@b.example\nTo: c@d.example\nSubject: x\n\nhello", "mail"),
    ],
    ids=range(15),
)
def test_a_file_is_judged_by_its_content(data, kind):
    found = read(("form.xlsm", data))
    first = found.message.attachments[0]
    assert (first.name, first.kind, first.size) == ("form.xlsm", kind, len(data))
    assert found.contents[first.sha256] == data
    assert problems(found) == []


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"Rar!\x1a\x07\x01\x00", "RAR"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(9), "7-Zip"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"\0" * 257 + b"ustar\x0000", "tar"),
    ],
)
def test_other_archives_are_named_and_not_opened(data, named):
    found = read(("docs.zip", data))
    assert only(found).kind == "other"
    [problem] = found.message.problems
    assert (problem.kind, problem.where) == ("unsupported", "docs.zip")
    assert named in problem.text


def test_containers_in_one_another():
    inner = mail(("deep.zip", zipped(("docs/cpa.pdf", PDF), ("form.xlsm", WORKBOOK))), subject="Inner")
    outer = mail()
    outer.add_attachment(inner)
    found = read(("all.zip", zipped(("fwd.eml", outer.as_bytes()))))
    assert paths(found) == [
        ("all.zip", "zip"),
        ("all.zip › fwd.eml", "mail"),
        ("all.zip › fwd.eml › Inner.eml", "mail"),
        ("all.zip › fwd.eml › Inner.eml › deep.zip", "zip"),
        ("all.zip › fwd.eml › Inner.eml › deep.zip › docs › cpa.pdf", "pdf"),
        ("all.zip › fwd.eml › Inner.eml › deep.zip › form.xlsm", "workbook"),
    ]
    assert problems(found) == []
    assert found.message.body == "Please find attached."


@pytest.mark.parametrize("encoding", [b"base64", b"7bit", b"quoted-printable"])
def test_an_attached_mail_in_any_encoding(encoding):
    inner = mail(("cpa.pdf", PDF)).as_bytes()
    body = {b"base64": base64.encodebytes(inner), b"7bit": inner}.get(encoding, inner.replace(b"=", b"=3D"))
    found = one_part(b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: " + encoding, body)
    assert paths(found) == [("New entry.eml", "mail"), ("New entry.eml › cpa.pdf", "pdf")]
    assert found.contents[hashlib.sha256(PDF).hexdigest()] == PDF


def test_the_parts_of_a_digest_are_mails():
    found = read_message(
        b"Content-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\nFrom: a@b\r\nSubject: one\r\n\r\nx\r\n--d--\r\n"
    )
    assert paths(found) == [("one.eml", "mail")]


def test_a_signed_mail_is_read_through():
    raw = (
        b"Content-Type: multipart/signed; protocol=x; boundary=s\r\n\r\n--s\r\n"
        + mail(("form.xlsm", WORKBOOK)).as_bytes()
        + b'\r\n--s\r\nContent-Type: application/pkcs7-signature; name="smime.p7s"\r\n\r\n0\x80\x06\x09\r\n--s--\r\n'
    )
    assert paths(read_message(raw)) == [("form.xlsm", "workbook"), ("smime.p7s", "other")]


@pytest.mark.parametrize(
    ("headers", "body", "kind", "words"),
    [
        (b"Content-Type: application/ms-tnef; name=winmail.dat", b"x", "damaged", "winmail.dat"),
        (b"Content-Type: application/octet-stream", b"\x78\x9f\x3e\x22\0\0\1", "damaged", "winmail.dat"),
        (b"Content-Type: application/pkcs7-mime; name=smime.p7m", b"0\x80", "damaged", "S/MIME"),
        (b"Content-Type: application/octet-stream; name=smime.p7m", b"0\x80", "damaged", "S/MIME"),
        (b"Content-Type: application/x-pkcs7-mime; smime-type=enveloped-data", b"0\x80", "encrypted", "encrypted"),
        (b"Content-Type: message/partial; id=1", b"x", "unsupported", "one piece"),
        (b"Content-Type: message/external-body; access-type=URL", b"x", "unsupported", "pointer"),
        (b"Content-Type: multipart/mixed", b"--x\r\n\r\ny", "damaged", "parts"),
        (b"Content-Type: a/b\r\nContent-Transfer-Encoding: base64", b"AAA*AAA=", "damaged", "base64"),
        (b"Content-Type: a/b\r\nContent-Transfer-Encoding: base64", b"%PDF-1.4 **** {}", "damaged", "as it stands"),
        (b"Content-Type: a/b\r\nContent-Transfer-Encoding: spam", b"x", "damaged", "'spam'"),
        (b"Content-Type: a/b", OLE + "__properties_version1.0".encode("utf-16-le"), "damaged", ".msg"),
        (b"Content-Type: a/b; name=fwd.msg", OLE, "damaged", ".msg"),
        (b"Content-Type: a/b", OLE + "EncryptedPackage".encode("utf-16-le"), "encrypted", "password"),
        (b"Content-Type: a/b", b"PK\x03\x04 cut off", "damaged", "damaged"),
    ],
    ids=range(15),
)
def test_what_cannot_be_read_is_said_in_words(headers, body, kind, words):
    found = one_part(headers, body)
    [problem] = found.message.problems
    assert problem.kind == kind
    assert words in problem.text
    assert problem.where == only(found).path


def test_the_pieces_of_an_encrypted_mail():
    found = read_message(
        b"Content-Type: multipart/encrypted; boundary=e\r\n\r\n--e\r\nContent-Type: application/pgp-encrypted\r\n\r\n"
        b"Version: 1\r\n--e\r\nContent-Type: application/octet-stream; name=encrypted.asc\r\n\r\nx\r\n--e--\r\n"
    )
    assert problems(found) == [("encrypted", "encrypted.asc")]


@pytest.mark.parametrize(
    ("headers", "inline"),
    [
        (b"Content-Disposition: inline; filename=a.png", True),
        (b"Content-Id: <a>", True),
        (b"Content-Disposition: attachment; filename=a.png\r\nContent-Id: <a>", False),
        (b"Content-Disposition: attachment", False),
    ],
)
def test_a_picture_of_the_body_is_marked_inline(headers, inline):
    assert only(one_part(b"Content-Type: image/png\r\n" + headers, PNG)).inline is inline


def test_a_workbook_is_never_inline():
    assert only(one_part(b"Content-Disposition: inline; filename=a.xlsm\r\nContent-Id: <a>", WORKBOOK)).inline is False


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Type: text/plain",
        b"Content-Type: text/html; charset=utf-8\r\nContent-Disposition: inline",
        b"X-None: 1",
    ],
)
@pytest.mark.parametrize(("data", "kind"), [(WORKBOOK, "workbook"), (PDF, "pdf"), (OLE, "ole")])
def test_a_nameless_file_sent_as_text_is_judged_by_its_content(headers, data, kind):
    found = one_part(headers + b"\r\nContent-Transfer-Encoding: base64", base64.encodebytes(data))
    assert paths(found) == [("unnamed", kind)]
    assert found.contents[only(found).sha256] == data
    assert found.message.body == ""


def test_a_text_that_speaks_of_a_file_is_a_text():
    found = one_part(b"Content-Type: text/plain", b"PK files start with PK, and others with %PDF-1.7.")
    assert paths(found) == []
    assert found.message.body.startswith("PK files")


def test_binary_content_comes_through_unchanged():
    data = bytes(range(256)) * 8
    data = data.replace(b"\n", b"").replace(b"\r", b"")
    found = one_part(b"Content-Type: text/csv; charset=utf-8; name=a\r\nContent-Transfer-Encoding: 8bit", data)
    assert found.contents[only(found).sha256] == data


def test_the_same_file_twice_is_two_attachments_and_one_content():
    found = read(("form.xlsm", WORKBOOK), ("form.xlsm", WORKBOOK), ("form (2).xlsm", WORKBOOK))
    assert [path for path, _ in paths(found)] == ["form.xlsm", "form (2).xlsm", "form (2) (2).xlsm"]
    assert len(found.contents) == 1


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        (b"Content-Disposition: attachment; filename=my form.xlsm", "my form.xlsm"),
        (b'Content-Disposition: attachment; filename="a;b \\"c\\".xlsm"', 'a;b "c".xlsm'),
        (b'Content-Disposition: attachment; filename="../../etc/form.xlsm"', "form.xlsm"),
        (b'Content-Disposition: attachment; filename="C:\\Users\\jo\\form.xlsm"', "form.xlsm"),
        (b"Content-Disposition: attachment; filename*=utf-8''Pr%C3%BCfung.pdf; filename=x", "Prüfung.pdf"),
        (b"Content-Disposition: attachment;\r\n filename*0*=iso-8859-1''Pr%FC;\r\n filename*1=fung.pdf", "Prüfung.pdf"),
        (b'Content-Type: a/b; name="=?utf-8?B?UHLDvGZ1bmcucGRm?="', "Prüfung.pdf"),
        (b'Content-Type: a/b; name="Pr\xfcfung.pdf"', "Prüfung.pdf"),
        ('Content-Type: a/b; name="Prüfung.pdf"'.encode(), "Prüfung.pdf"),
        (b"Content-Type: a/b; name*=utf-8''u%CC%88.pdf", "ü.pdf"),
        (b"Content-Type: a/b; name*=utf-8''form%E2%80%AEmslx.exe", "formmslx.exe"),
        (b"Content-Type: a/b; name*=utf-8''a%00b%0A%E2%80%BA.pdf", "a b >.pdf"),
        (b"Content-Type: a/b; name=" + b"a" * 300 + b".xlsm", "a" * 144 + "….xlsm"),
        (b"Content-Type: a/b; name=..", "unnamed"),
        (b"Content-Type: a/b", "unnamed"),
        (b"Content-Type: a/b; name*=bogus''caf%C3%A9", "café"),
        (b"Content-Type: a/b; name*1=x", "unnamed"),
    ],
    ids=range(17),
)
def test_file_names(headers, name):
    attachment = only(one_part(headers, b"\0"))
    assert (attachment.name, attachment.path) == (name, name)
    assert len(name) <= 150


def test_names_in_a_zip_are_made_safe():
    found = read(("a.zip", zipped(("../../etc/form.xlsm", b"x"), ("C:\\tmp\\b", b"y"), ("__MACOSX/._form.xlsm", b"z"))))
    assert [path for path, _ in paths(found)] == ["a.zip", "a.zip › etc › form.xlsm", "a.zip › tmp › b"]


def test_an_encrypted_zip():
    data = bytearray(zipped(("form.xlsm", WORKBOOK), ("cpa.pdf", PDF)))
    for start in range(len(data) - 4):  # the flag of both local and both central headers (APPNOTE 4.4.4)
        if bytes(data[start : start + 4]) in {b"PK\x03\x04", b"PK\x01\x02"}:
            data[start + (6 if data[start + 2] == 3 else 8)] |= 1
    found = read(("a.zip", bytes(data)))
    assert paths(found) == [("a.zip", "zip")]
    assert problems(found) == [("encrypted", "a.zip")]
    assert "form.xlsm, cpa.pdf" in found.message.problems[0].text


def test_a_bomb_is_refused_and_its_neighbours_are_read():
    bomb = zipped(("zeros", bytes(4 << 20)), ("cpa.pdf", PDF))
    found = read(("bomb.zip", bomb), ("form.xlsm", WORKBOOK))
    assert paths(found) == [("bomb.zip", "zip"), ("bomb.zip › cpa.pdf", "pdf"), ("form.xlsm", "workbook")]
    assert problems(found) == [("limit", "bomb.zip › zeros")]
    assert "4,194,304" in found.message.problems[0].text


def test_a_zip_that_declares_more_than_may_be_unpacked_is_not_opened():
    data = zipped(("a", b"a" * 60_000), ("b", b"b" * 60_000))
    found = read(("big.zip", data), ("form.xlsm", WORKBOOK), limits=MailLimits(unpacked=100_000))
    assert paths(found) == [("big.zip", "zip"), ("form.xlsm", "workbook")]
    assert problems(found) == [("limit", "big.zip")]


def test_a_zip_that_lies_about_its_sizes_stops_at_what_it_declares():
    data = zipped(("zeros", bytes(1 << 20)))
    found = read(("lie.zip", data.replace(struct.pack("<I", 1 << 20), struct.pack("<I", 100))))
    assert paths(found) == [("lie.zip", "zip")]
    assert problems(found) == [("damaged", "lie.zip › zeros")]


def test_a_zip_of_very_many_files_is_not_opened():
    found = read(("many.zip", zipped(*((str(number), b"") for number in range(2_001)))))
    assert paths(found) == [("many.zip", "zip")]
    assert problems(found) == [("limit", "many.zip")]
    assert "2,001" in found.message.problems[0].text


def test_a_method_that_zipfile_cannot_stop_is_refused():
    found = read(("a.zip", zipped(("x", b"x"), method=zipfile.ZIP_BZIP2)))
    assert problems(found) == [("unsupported", "a.zip › x")]


def test_a_zip_that_holds_itself_many_times_over_meets_the_depth():
    data = b"x"
    for number in range(30):
        data = zipped((f"{number}.zip", data), method=zipfile.ZIP_STORED)
    found = read(("a.zip", data))
    assert [problem.kind for problem in found.message.problems] == ["limit"]
    assert len(found.message.attachments) == 19


def test_nested_multiparts_meet_the_depth():
    raw = b"Subject: nested\r\n"
    for number in range(2_000):
        raw += b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (number, number)
    found = read_message(raw)
    assert found.message.subject == "nested"
    assert [problem.text for problem in found.message.problems] == [
        "Its parts are nested more than 20 deep; the rest was not read."
    ]


def test_nested_mails_meet_the_depth():
    raw = b"Content-Type: message/rfc822\r\n\r\n" * 3_000
    found = read_message(raw)
    assert [problem.kind for problem in found.message.problems] == ["limit"]
    assert len(found.message.attachments) == 20


def test_very_many_parts_meet_the_count_quickly():
    started = time.perf_counter()
    raw = b"Subject: parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 100_000
    found = read_message(raw)
    assert time.perf_counter() - started < 2
    assert found.message.subject == "parts"
    assert [problem.kind for problem in found.message.problems] == ["limit"]


def test_problems_are_capped():
    files = ((f"{number}.rar", b"Rar!\x1a\x07\x00") for number in range(150))
    assert len(read(*files).message.problems) == 100


def test_a_mail_cut_off_in_a_file_says_so():
    raw = mail(("form.xlsm", WORKBOOK)).as_bytes()[:-60]
    found = read_message(raw)
    assert ("damaged", "") in problems(found)


def test_what_was_found_before_a_limit_of_the_whole_mail_is_kept():
    found = read(("cpa.pdf", PDF), ("a", b"x" * 900), ("b", b"y" * 900), limits=MailLimits(unpacked=1_000))
    assert paths(found) == [("cpa.pdf", "pdf"), ("a", "text")]
    assert problems(found) == [("limit", "")]
