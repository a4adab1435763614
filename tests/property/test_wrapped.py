"""Whatever the octets of a wrapped mail: a reading or a Problem, soon, and no file lost without a word."""

import random
import time
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.readers.message import ReadMail, read_message
from tests.wrapped import (
    BODY,
    DATA,
    HEADERS,
    LONG,
    LONG_NAME,
    MESSAGE,
    METHOD,
    OBJECT,
    SUBJECT,
    UNICODE,
    Item,
    attached,
    entity,
    mapi,
    msg,
    sent_with,
    signed,
    titled,
    tnef,
)

FILES = {"form.bin": b"PK\x01" + bytes(range(256)) * 40, "cpa.pdf": b"%PDF-1.7\n" + b"c" * 700, "deep.pdf": b"%PDF-1.7"}
FORM, PAPER, DEEP = FILES.items()


def _msg() -> bytes:
    inner = Item({(SUBJECT, UNICODE): "Inner"}, [attached(*DEEP)])
    files = [attached(*FORM, mime="a/b"), attached(*PAPER), {(DATA, OBJECT): inner, (METHOD, LONG): 5}]
    return msg(Item({(SUBJECT, UNICODE): "s", (BODY, UNICODE): "b", (HEADERS, UNICODE): "From: a@b.example"}, files))


def _tnef() -> bytes:
    inner = {0x00069005: mapi({(DATA, OBJECT): MESSAGE + tnef(titled(*DEEP)), (METHOD, LONG): 5})}
    return tnef(titled("FORM~1.BIN", FORM[1], {(LONG_NAME, UNICODE): FORM[0]}), titled(*PAPER), inner)


@cache
def wrapped(name: str) -> bytes:
    if name == "smime.p7m":
        return signed(entity(*FILES.items()))
    return _msg() if name == "fwd.msg" else _tnef()


NAMES = pytest.mark.parametrize("name", ["fwd.msg", "winmail.dat", "smime.p7m"])


def read(name: str, data: bytes) -> ReadMail:
    started = time.perf_counter()
    found = read_message(sent_with((name, data)))
    assert time.perf_counter() - started < 2
    assert "crash" not in {problem.kind for problem in found.message.problems}
    assert found.message.attachments[0].name == name
    for attachment in found.message.attachments:
        assert attachment.sha256 in found.contents
    return found


def files(found: ReadMail) -> set[bytes]:
    return {found.contents[attachment.sha256] for attachment in found.message.attachments}


@NAMES
def test_whole(name):
    found = read(name, wrapped(name))
    assert files(found) >= set(FILES.values())
    assert found.message.problems == ()


@NAMES
def test_cut_off_anywhere(name):
    data = wrapped(name)
    for number in range(200):
        found = read(name, data[: len(data) * number // 200])
        if len(data) * number // 200 > 3:  # not even the mark at the start is left of less
            assert found.message.problems or files(found) >= set(FILES.values()), number


@NAMES
def test_one_octet_wrong_anywhere(name):
    data = wrapped(name)
    dice = random.Random(7)
    for _ in range(500):
        at, value = dice.randrange(len(data)), dice.randrange(256)
        found = read(name, data[:at] + bytes([value]) + data[at + 1 :])
        if name != "smime.p7m":  # what is signed is a mail, which has no check sums and no count of its parts
            assert found.message.problems or len(found.message.attachments) >= 1 + len(FILES), (at, value)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["fwd.msg", "winmail.dat", "smime.p7m"]),
    st.lists(st.tuples(st.integers(0, 1 << 15), st.binary(min_size=1, max_size=24)), max_size=8),
    st.binary(max_size=64),
)
def test_any_octets(name, patches, tail):
    data = bytearray(wrapped(name))
    for at, patch in patches:
        data[at % len(data) : at % len(data) + len(patch)] = patch
    read(name, bytes(data) + tail)
    read_message(bytes(data) + tail)
