"""What may go into an SMTP command and what may go over the line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.outbox.envelope import Unfit, envelope, is_address

SENDER, RECIPIENT = "desk@mail.example", "maker@meters.example"
MAIL = b"Subject: x\r\n\r\nbody\r\n"


@pytest.mark.parametrize(
    "text",
    [
        "a@b",
        "first.last+tag@mail.meters.example",
        "o'brien_1=x@a-b.example",
        "zähler@zähler.example",
        "a" * 64 + "@b.example",
        "a@" + "b" * 60 + ".example",
    ],
)
def test_addresses(text):
    assert is_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "@b",
        "a@",
        "a@@b",
        "a@b@c",
        "a b@c",
        "a@b c",
        " a@b",
        "a@b ",
        "a@b\n",
        "a\r\n@b",
        "a@b\0",
        "<a@b>",
        "a@b>",
        "a@b,c@d",
        "a@b;c@d",
        "Name <a@b>",
        '"a b"@c',
        "a@[127.0.0.1]",
        "a@b..c",
        "a..b@c",
        ".a@b",
        "a.@b",
        "a@-b",
        "a@b-",
        "a@.b",
        "a@b.",
        "a@b\u2028",
        "a@b\u202e",
        "a\u00a0@b",
        "a\x85@b",
        "a@b\udc80",
        "a" * 65 + "@b",
        "ä" * 33 + "@b",
        "a@" + ".".join(["b" * 60] * 5),
        "a" * 1_000_000,
    ],
)
def test_texts_that_are_no_address(text):
    assert not is_address(text)
    for sender, recipient in ((text, RECIPIENT), (SENDER, text)):
        with pytest.raises(Unfit) as refused:
            envelope(MAIL, sender, recipient)
        assert str(refused.value).isprintable()
        assert len(str(refused.value)) < 1_000


@given(st.text(max_size=40))
def test_whatever_is_an_address_stays_inside_its_command(text):
    if is_address(text):
        assert not set(text) & set('\r\n\0<>,;: \t"()[]\\')
        assert text.count("@") == 1


@given(st.binary(min_size=1, max_size=200).filter(lambda raw: raw.strip() and b"\0" not in raw))
def test_over_the_line_the_end_of_a_mail_stands_once_and_everything_comes_back(raw):
    mail = envelope(raw, SENDER, RECIPIENT)
    assert mail.content.endswith(b"\r\n")
    assert b"\n" not in mail.content.replace(b"\r\n", b"")
    assert b"\r" not in mail.content.replace(b"\r\n", b"")
    lines = mail.stuffed.split(b"\r\n")
    assert b"." not in lines
    assert b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines) == mail.content


@pytest.mark.parametrize(
    ("raw", "words"),
    [(b"", "empty"), (b" \r\n\r\n", "empty"), (b"x\0y", "NUL"), (b"x" * 999, "998"), (b"\r\n" + b"x" * 999, "998")],
)
def test_mails_that_cannot_travel(raw, words):
    with pytest.raises(Unfit, match=words):
        envelope(raw, SENDER, RECIPIENT)


def test_the_longest_line_travels():
    assert envelope(b"x" * 998, SENDER, RECIPIENT).content == b"x" * 998 + b"\r\n"


@pytest.mark.parametrize(
    ("raw", "recipient", "eight_bit", "international"),
    [
        (MAIL, RECIPIENT, False, False),
        (MAIL + b"\xff\r\n", RECIPIENT, True, False),
        (b"Subject: \xc3\xa4\r\n\r\nx", RECIPIENT, True, True),
        (b"Subject: x\n\n\xc3\xa4", RECIPIENT, True, False),
        (b"\r\n\xc3\xa4\r\n", RECIPIENT, True, False),
        (MAIL, "ä@b.example", False, True),
    ],
)
def test_what_the_server_must_be_able_to_carry(raw, recipient, eight_bit, international):
    mail = envelope(raw, SENDER, recipient)
    assert (mail.eight_bit, mail.international) == (eight_bit, international)


def test_an_international_sender_counts_too():
    assert envelope(MAIL, "ä@b.example", RECIPIENT).international
