"""A submission is judged alike however it was wrapped: plain, forwarded as .msg, in winmail.dat, signed, or saved."""

import json
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from functools import cache

import pytest

from tests.builders import faulty_submission, sample_cpl, submission
from tests.wrapped import (
    BODY,
    HEADERS,
    LONG_NAME,
    SUBJECT,
    UNICODE,
    Item,
    attached,
    msg,
    rewrapped,
    signed,
    titled,
    tnef,
)

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@cache
def plain(name: str) -> bytes:
    return submission(AT) if name == "good" else faulty_submission(AT)


def files(raw: bytes) -> list[tuple[str, bytes]]:
    return [(part.get_filename() or "", part.get_payload(decode=True)) for part in leaves(raw) if part.get_filename()]


def leaves(raw: bytes) -> list[Message]:
    return [part for part in message_from_bytes(raw).walk() if not part.is_multipart()]


def item(raw: bytes) -> bytes:
    """The mail as Outlook saves it, with the headers it arrived with."""
    head = raw.partition(b"\r\n\r\n")[0].decode()
    properties = {(SUBJECT, UNICODE): "s", (BODY, UNICODE): "Hello", (HEADERS, UNICODE): head}
    return msg(Item(properties, [attached(name, data) for name, data in files(raw)]))


def as_msg(raw: bytes) -> bytes:
    return rewrapped(raw, item(raw), "application/vnd.ms-outlook", 'attachment; filename="submission.msg"')


def as_winmail(raw: bytes) -> bytes:
    stream = tnef(*(titled("FILE~1.TMP", data, {(LONG_NAME, UNICODE): name}) for name, data in files(raw)))
    return rewrapped(raw, stream, "application/ms-tnef", 'attachment; filename="winmail.dat"')


def as_opaque(raw: bytes) -> bytes:
    lines = raw.splitlines(keepends=True)
    start = next(at for at, line in enumerate(lines) if line.lower().startswith(b"content-type"))
    return rewrapped(
        raw, signed(b"".join(lines[start:])), "application/pkcs7-mime; smime-type=signed-data", "attachment"
    )


WRAPPINGS = {
    "msg": (as_msg, ".eml"),
    "winmail": (as_winmail, ".eml"),
    "p7m": (as_opaque, ".eml"),
    "saved": (item, ".msg"),
}


@pytest.fixture(scope="session")
def cpl(tmp_path_factory):
    path = tmp_path_factory.mktemp("cpl") / "cpl.xlsm"
    path.write_bytes(sample_cpl())
    return path


@pytest.fixture
def judged(cli, cpl, tmp_path):
    def run(raw: bytes, ending: str = ".eml"):
        (tmp_path / f"mail{ending}").write_bytes(raw)
        ended = cli("check", "--json", "--cpl", cpl, "--on", "2026-11-20", tmp_path / f"mail{ending}")
        assert ended.err == ""
        tree = json.loads(ended.out)
        [case] = tree["submissions"]
        findings = [(found["check"], found["status"], found["message"]) for found in case["findings"]]
        told = (tree["message"]["from"], tree["message"]["subject"], tree["message"]["message_id"], tree["kind"])
        return ended.code, case["device_model"], told, findings, case["workbook"]

    return run


@pytest.mark.parametrize("wrapping", sorted(WRAPPINGS))
@pytest.mark.parametrize(("name", "code"), [("good", 0), ("faulty", 10)])
def test_the_same_decision(judged, name, code, wrapping):
    *expected, workbook = judged(plain(name))
    wrap, ending = WRAPPINGS[wrapping]
    *found, inner = judged(wrap(plain(name)), ending)
    assert expected[0] == code
    assert found == expected
    assert inner.split(" › ")[-1] == workbook
    assert (" › " in inner) is (wrapping != "saved")


def test_a_damaged_msg_is_looked_at_by_a_person(cli, cpl, tmp_path):
    data = bytearray(item(plain("good")))
    data[64:68] = b"\xff" * 4  # more tables than the file has sectors
    (tmp_path / "a.msg").write_bytes(data)
    ended = cli("check", "--cpl", cpl, "--on", "2026-11-20", tmp_path / "a.msg")
    assert (ended.code, ended.err) == (20, "")
    assert "The mail is a damaged Outlook mail (.msg)" in ended.out


def test_one_msg_and_nothing_beside_it(cli, cpl, tmp_path):
    (tmp_path / "a.msg").write_bytes(item(plain("good")))
    ended = cli("check", "--cpl", cpl, tmp_path / "a.msg", cpl)
    assert (ended.code, ended.out) == (2, "")
    assert "one mail" in ended.err
