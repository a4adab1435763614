"""Message-ID as the mailboxes read it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.mailbox.headers import message_id_of


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"Message-ID: <1@b>\r\n\r\n", "<1@b>"),
        (b"message-id:<1@b>\n\nbody", "<1@b>"),
        (b"From: x\r\nMESSAGE-ID  :\t<1@b>  \r\nTo: y\r\n\r\n", "<1@b>"),
        (b"Message-ID:\r\n <folded@b>\r\n\r\n", "<folded@b>"),
        (b"Message-ID: <a\r\n\tb@c>\r\n\r\n", "<a\tb@c>"),
        (b"Message-ID: <1@b>\r\nMessage-ID: <2@b>\r\n\r\n", "<1@b>"),
        (b"Message-ID: <\xe9@b>\r\n\r\n", "<é@b>"),
        (b"Subject: Message-ID: <1@b>\r\n\r\n", ""),
        (b"X-Message-ID: <1@b>\r\n\r\n", ""),
        (b"Subject: x\r\n\r\nMessage-ID: <1@b>\r\n", ""),
        (b"Message-ID:\r\n\r\n<1@b>", ""),
        (b"", ""),
    ],
)
def test_the_first_field_of_the_header_counts(raw, expected):
    assert message_id_of(raw) == expected


@given(st.binary(max_size=300))
def test_any_bytes_are_read_as_one_line(raw):
    found = message_id_of(b"Message-ID:" + raw)
    assert "\r" not in found
    assert "\n" not in found
