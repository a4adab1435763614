"""The headers the mailboxes look at themselves: Message-ID, by which a draft is found again, and what answers what."""

import re

from pipeline.mailbox.port import MailboxRefused

HEADER_OCTETS = 65_536
"""How much of a stored mail is searched for its header fields."""

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_FIELD = rb"^%s[ \t]*:([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)"
_MESSAGE_ID, _IN_REPLY_TO, _REFERENCES, _TO, _CC, _SUBJECT = (
    re.compile(_FIELD % name, re.IGNORECASE | re.MULTILINE)
    for name in (b"message-id", b"in-reply-to", b"references", b"to", b"cc", b"subject")
)
_ID = re.compile(r"<[^<>\s]+>")


def message_id_of(raw: bytes) -> str:
    """Return the value of the first Message-ID field (RFC 5322, 3.6.4), unfolded; empty where there is none.

    ``raw`` is a whole mail or its header only; what comes after the first blank line is not looked at.
    """
    return _value(raw, _MESSAGE_ID)


def references_in(raw: bytes) -> tuple[str, ...]:
    """Return the Message-IDs of References, oldest first, then that of In-Reply-To; ``raw`` as above."""
    return tuple(id_ for field in (_REFERENCES, _IN_REPLY_TO) for id_ in _ID.findall(_value(raw, field)))


def recipients_in(raw: bytes) -> str:
    """Return the text of the To and Cc fields as they stand; ``raw`` as above. To look for an address in."""
    return f"{_value(raw, _TO)} {_value(raw, _CC)}"


def subject_in(raw: bytes) -> str:
    """Return the subject where it is plain ASCII, and nothing where it would have to be decoded; ``raw`` as above."""
    subject = _value(raw, _SUBJECT)
    return subject if subject.isascii() and "=?" not in subject else ""


def _value(raw: bytes, field: re.Pattern[bytes]) -> str:
    header = _BLANK_LINE.split(raw[:HEADER_OCTETS], maxsplit=1)[0]
    found = field.search(header)
    if found is None:
        return ""
    return re.sub(rb"[\r\n]+", b"", found[1]).strip().decode("latin-1")


def require_own_id(raw: bytes, message_id: str) -> None:
    """Raise MailboxRefused unless the draft carries this Message-ID: without it, saving twice would make two."""
    carried = message_id_of(raw)
    if not message_id or carried != message_id:
        raise MailboxRefused(
            f"The draft carries the Message-ID {carried!r} and was to be saved as {message_id!r}: it could not be "
            "found again, so it was not saved. Compose the draft anew."
        )
