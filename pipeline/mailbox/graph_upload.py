"""Files put onto a draft on Microsoft 365: small ones in one request, larger ones in pieces (an upload session)."""

import base64
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit

import msgspec

from pipeline.mailbox.graph_parts import Attachment
from pipeline.mailbox.graph_session import Session
from pipeline.mailbox.graph_wire import Answer
from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable
from pipeline.mailbox.trouble import in_words

POST_OCTETS = 2_900_000
"""Largest file sent in one request: 3 MB are the documented limit, and 4 MB that of a request, which is base64."""
PIECE_OCTETS = 10 * 320 * 1024
"""Octets of a piece: a multiple of 320 KiB, and less than the 4 MB that are taken at once."""
_MOST_IDLE = 5  # pieces of one upload that came to nothing
_LOST = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_MOST_DIGITS = 12


class UploadLost(Exception):  # noqa: N818 - named for the fact; it never leaves the mailbox
    """The upload session is no more: it ran out, or the file is whole already. Look at the draft, then begin anew."""


class _Made(msgspec.Struct, frozen=True):
    """An attachment that was made."""

    id: str


class _Opened(msgspec.Struct, frozen=True, rename="camel"):
    """An upload session. upload_url: where pieces go; whoever knows it may put them there."""

    upload_url: str


def add(session: Session, path: str, attachment: Attachment, in_time: Callable[[], None]) -> None:
    """Put a file onto the message at ``path``. UploadLost where that must be begun anew.

    in_time: called before each request that sends a part of it; what it raises ends the upload.

    A request that makes something is not repeated here: after trouble, whether it did is seen on the draft.
    """
    octets, kind = attachment.octets, attachment.content_type
    in_time()
    if len(octets) <= POST_OCTETS:
        whole = {"name": attachment.name, "contentType": kind, "contentBytes": base64.b64encode(octets).decode("ascii")}
        session.post(f"{path}/attachments", {"@odata.type": "#microsoft.graph.fileAttachment", **whole}, _Made)
        return
    item = {"attachmentType": "file", "name": attachment.name, "size": len(octets), "contentType": kind}
    opened = session.post(f"{path}/attachments/createUploadSession", {"AttachmentItem": item}, _Opened)
    _put(session, _trusted(session, opened.upload_url), octets, in_time)


def _put(session: Session, url: str, octets: bytes, in_time: Callable[[], None]) -> None:
    """Send the pieces one after another. What the server has of them, it says itself."""
    start = idle = 0
    while idle < _MOST_IDLE:
        in_time()
        end = min(start + PIECE_OCTETS, len(octets))
        told = {"Content-Type": "application/octet-stream", "Content-Range": f"bytes {start}-{end - 1}/{len(octets)}"}
        try:
            answer = session.send_bare("PUT", url, told, octets[start:end])
            if answer.status == HTTPStatus.CREATED:
                return
            if answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                answer = session.send_bare("GET", url, {}, b"")
        except MailboxUnavailable:  # cut anywhere: the server may have all of the piece, or nothing
            answer = session.send_bare("GET", url, {}, b"")
        following = _next(session, answer)
        if not 0 <= following < len(octets):
            raise UploadLost
        idle += following <= start
        start = following
    raise MailboxUnavailable(f"{session.settings.place}: the upload of an attachment does not get on; it was given up.")


def _next(session: Session, answer: Answer) -> int:
    """Return the place of the first octet that the server lacks (``nextExpectedRanges``: ``5`` or ``5-``)."""
    place = session.settings.place
    if answer.status in _LOST:
        raise UploadLost
    if answer.status >= HTTPStatus.BAD_REQUEST:
        # Not its words: they may repeat the address, by which anybody could put pieces there.
        raise MailboxUnavailable(f"{place}: an upload was answered with status {answer.status}.")
    try:
        told = msgspec.json.decode(answer.body, type=dict[str, object])
        ranges = next(value for name, value in told.items() if name.casefold() == "nextexpectedranges")
        first = ranges[0].partition("-")[0] if isinstance(ranges, list) and isinstance(ranges[0], str) else ""
    except (msgspec.MsgspecError, RecursionError, ValueError, StopIteration, IndexError):
        raise UploadLost from None
    return int(first) if first.isascii() and first.isdecimal() and len(first) <= _MOST_DIGITS else -1


def _trusted(session: Session, url: str) -> str:
    """Return the address where the pieces go, should it be one of the service's own.

    It comes from Graph itself, over TLS; but what is sent there leaves the house, so the hosts are told in the
    settings, and no answer can add one.
    """
    settings = session.settings
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    known = {host.casefold() for host in (settings.place, *settings.upload_hosts)}
    plain = url.isascii() and url.isprintable() and " " not in url and "@" not in parts.netloc
    if parts.scheme != "https" or not plain or parts.netloc.casefold() not in known:
        raise MailboxRefused(
            f"{settings.place}: it wants attachments sent to {in_words(parts.netloc) or 'no server'}, which is not one "
            "of upload_hosts. If that host is Microsoft's, name it there."
        )
    return url
