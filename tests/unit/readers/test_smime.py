"""S/MIME: what is signed is read as if it were not, what is encrypted is said to be, and nothing is claimed."""

from functools import cache

import pytest
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options

from pipeline.readers.message import ReadMail, read_message
from pipeline.readers.smime import Signed, unwrap
from tests.wrapped import encrypted, entity, rewrapped, sent_with, signed

PDF = b"%PDF-1.7\n..."
PLAIN = sent_with(("cpa.pdf", PDF))
ENVELOPED = "application/pkcs7-mime; smime-type=signed-data; name=smime.p7m"


@cache
def opaque() -> bytes:
    return signed(entity(("form.xlsm", b"x"), ("cpa.pdf", PDF), text="Our new entry."))


def chunked(content: bytes, size: int) -> bytes:
    """A signature in BER of no stated length, its content in pieces, as programs that stream write it."""
    pieces = b"".join(
        b"\x04" + bytes([len(content[at : at + size])]) + content[at : at + size] for at in range(0, len(content), size)
    )
    data = bytes.fromhex("06092a864886f70d010701")
    inner = b"0\x80" + data + b"\xa0\x80\x24\x80" + pieces + bytes(6)
    body = b"0\x80\x02\x01\x01\x31\x00" + inner + b"\x31\x00" + bytes(2)
    return b"0\x80" + bytes.fromhex("06092a864886f70d010702") + b"\xa0\x80" + body + bytes(4)


def paths(found: ReadMail) -> list[tuple[str, str]]:
    return [(attachment.path, attachment.kind) for attachment in found.message.attachments]


def problems(found: ReadMail) -> list[tuple[str, str]]:
    return [(problem.kind, problem.where) for problem in found.message.problems]


def test_a_mail_wrapped_whole_is_read_like_a_plain_one():
    found = read_message(rewrapped(PLAIN, opaque(), ENVELOPED, "attachment; filename=smime.p7m"))
    assert paths(found) == [
        ("smime.p7m", "other"),
        ("smime.p7m › form.xlsm", "text"),
        ("smime.p7m › cpa.pdf", "pdf"),
    ]
    assert (found.message.body, found.message.subject) == ("Our new entry.", "New entry")
    assert problems(found) == []


@pytest.mark.parametrize(
    ("content_type", "name"),
    [
        ("application/octet-stream", "smime.p7m"),
        ("application/octet-stream", "odd.bin"),
        ("application/x-pkcs7-mime", "x"),
    ],
)
def test_it_is_known_by_its_content(content_type, name):
    found = read_message(sent_with((name, opaque()), content_type=content_type))
    assert paths(found)[1:] == [(f"{name} › form.xlsm", "text"), (f"{name} › cpa.pdf", "pdf")]
    assert problems(found) == []


def test_no_text_of_a_wrapped_mail_further_in_is_the_mails_own():
    inner = rewrapped(PLAIN, opaque(), ENVELOPED, "attachment")
    found = read_message(sent_with(("fwd.eml", inner)))
    assert found.message.body == "Please find attached."
    assert ("fwd.eml › smime.p7m › cpa.pdf", "pdf") in paths(found)


def test_signed_twice():
    found = read_message(
        sent_with(("smime.p7m", signed(b"Content-Type: application/pkcs7-mime; name=in.p7m\r\n\r\n" + opaque())))
    )
    assert paths(found)[1:] == [
        ("smime.p7m › in.p7m", "other"),
        ("smime.p7m › in.p7m › form.xlsm", "text"),
        ("smime.p7m › in.p7m › cpa.pdf", "pdf"),
    ]


def test_a_whole_mail_in_a_signature():
    assert ("a.p7m › cpa.pdf", "pdf") in paths(read_message(sent_with(("a.p7m", signed(PLAIN)))))


def test_a_file_in_a_signature():
    found = read_message(sent_with(("cpa.pdf.p7m", signed(PDF))))
    assert paths(found) == [("cpa.pdf.p7m", "other"), ("cpa.pdf.p7m › cpa.pdf", "pdf")]
    assert problems(found) == []


@pytest.mark.parametrize("size", [100, 7])
def test_a_streamed_signature(size):
    content = entity(("cpa.pdf", PDF))
    assert unwrap(chunked(content, size), "x") == Signed(content)
    assert ("x.p7m › cpa.pdf", "pdf") in paths(read_message(sent_with(("x.p7m", chunked(content, size)))))


@pytest.mark.parametrize(
    ("name", "told"), [("smime.p7s", []), ("smime.p7m", [("damaged", "smime.p7m")]), ("certs.p7c", [])]
)
def test_a_signature_apart_from_what_it_signs(name, told):
    data = signed(b"x", PKCS7Options.DetachedSignature)
    assert unwrap(data, name) == Signed(None)
    found = read_message(sent_with((name, data), content_type="application/octet-stream"))
    assert paths(found) == [(name, "other")]
    assert problems(found) == told


def test_a_damaged_signature_of_a_clear_signed_mail_hides_nothing():
    data = signed(b"x", PKCS7Options.DetachedSignature)[:-9]
    assert problems(read_message(sent_with(("smime.p7s", data), content_type="application/pkcs7-signature"))) == []
    assert problems(read_message(sent_with(("smime.p7s", data)))) == [("damaged", "smime.p7s")]


def test_a_signature_that_does_hold_a_file_is_opened():
    found = read_message(sent_with(("smime.p7s", signed(PDF)), content_type="application/pkcs7-signature"))
    assert [kind for _, kind in paths(found)] == ["other", "pdf"]


@pytest.mark.parametrize("content_type", ["application/pkcs7-mime; smime-type=enveloped-data", "a/b"])
def test_an_encrypted_mail_is_said_to_be(content_type):
    found = read_message(rewrapped(PLAIN, encrypted(b"x"), content_type, "attachment; filename=smime.p7m"))
    assert paths(found) == [("smime.p7m", "other")]
    assert problems(found) == [("encrypted", "smime.p7m")]


def test_a_kind_that_is_not_opened():
    compressed = bytes.fromhex("3011060b2a864886f70d0109100109a0023000")
    [problem] = read_message(sent_with(("smime.p7m", compressed))).message.problems
    assert (problem.kind, problem.where) == ("unsupported", "smime.p7m")
    assert "compressed_data" in problem.text


def test_a_clear_signed_mail_needs_no_unwrapping():
    raw = (
        b"From: a@b.example\r\n"
        b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=s\r\n\r\n'
        b"--s\r\n" + entity(("form.xlsm", b"x"), text="Our new entry.") + b"\r\n--s\r\n"
        b"Content-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        b"MAsGCSqGSIb3DQEHAg==\r\n--s--\r\n"
    )
    found = read_message(raw)
    assert paths(found)[0] == ("form.xlsm", "text")
    assert found.message.body == "Our new entry."


def test_a_signature_nested_in_itself_meets_the_depth():
    data = opaque()
    for _ in range(25):
        data = signed(b"Content-Type: application/pkcs7-mime; name=in.p7m\r\n\r\n" + data)
    found = read_message(sent_with(("smime.p7m", data)))
    assert problems(found) == [("limit", "")]
