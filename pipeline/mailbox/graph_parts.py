"""A draft of ours taken apart for a server that takes it in pieces: the mail without its attachments, and those."""

import email
import hashlib
from dataclasses import dataclass
from email.message import Message

from pipeline.mailbox.port import MailboxRefused

_BLANK_LINE = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a draft: its name and its octets, decoded."""

    name: str
    content_type: str
    octets: bytes

    @property
    def mark(self) -> tuple[str, str]:
        """What it is known by when it stands on the server: its name, and the sha256 of its octets."""
        return self.name, hashlib.sha256(self.octets).hexdigest()


@dataclass(frozen=True, slots=True)
class Parted:
    """A draft in pieces. shell: the mail without its attachments, every other octet as it was."""

    shell: bytes
    attachments: tuple[Attachment, ...]


def parted(raw: bytes, most: int) -> Parted:
    """Take a draft apart. MailboxRefused where it is not a ``multipart/mixed`` as the pipeline composes it.

    most: octets that the mail without its attachments may have; MailboxRefused where it has more.

    The octets are cut at the boundary and not written anew, so that the header (Message-ID, In-Reply-To, References)
    stays as it was composed.
    """
    header, found, body = raw.partition(_BLANK_LINE)
    outer = email.message_from_bytes(header + _BLANK_LINE)
    boundary = outer.get_boundary("") if outer.get_content_type() == "multipart/mixed" else ""
    line = b"\r\n--" + boundary.encode("ascii", "replace")
    pieces = (b"\r\n" + body).split(line)
    after = pieces.pop()
    well = all(piece.startswith(b"\r\n") for piece in pieces[1:]) and after.startswith(b"--")
    if not found or not boundary or not well:
        raise _refused(raw)
    kept, attachments = [pieces[0]], []
    for part in pieces[1:]:
        octets = part.removeprefix(b"\r\n")
        if email.message_from_bytes(octets.partition(_BLANK_LINE)[0] + _BLANK_LINE).get_filename() is None:
            kept.append(part)
        else:
            attachments.append(_attachment(octets))
    shell = header + _BLANK_LINE + line.join([*kept, after]).removeprefix(b"\r\n")
    if len(shell) > most:
        raise _refused(raw)
    return Parted(shell, tuple(attachments))


def _attachment(octets: bytes) -> Attachment:
    part: Message = email.message_from_bytes(octets)
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):  # a mail that is attached (message/rfc822) is not encoded
        content = octets.partition(_BLANK_LINE)[2]
    return Attachment(part.get_filename("attachment"), part.get_content_type(), content)


def _refused(raw: bytes) -> MailboxRefused:
    return MailboxRefused(
        f"The draft has {len(raw):,} octets, and it is no short text with attachments that could be put in pieces: it "
        "was not saved. Send it by hand, or with a link to what is attached."
    )
