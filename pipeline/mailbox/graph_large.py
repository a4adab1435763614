"""A draft that is too large for one request to Graph, made in steps that another worker can take up.

1. The mail without its attachments is created from MIME: that keeps Message-ID, In-Reply-To, References and both
   texts as they were composed. Graph's ``createReply`` would write a Message-ID and texts of its own.
2. It gets two named properties: whose it is, and the digest of its content as Exchange holds it. By the first it is
   found again, even sent under another Message-ID; by the second it is seen whether a person changed it meanwhile.
3. Its attachments are added one by one. Those that stand there are known by name and digest, so none is added twice.
4. It gets the key of a draft of ours. Only that says that it is whole; until then nobody takes it for done.
"""

import base64
import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

import msgspec

from pipeline.mailbox import graph_upload
from pipeline.mailbox.graph_answers import Message, Page, Property
from pipeline.mailbox.graph_parts import Attachment, parted
from pipeline.mailbox.graph_session import Session
from pipeline.mailbox.graph_upload import UploadLost
from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable

REQUEST_OCTETS = 4_000_000
"""What Graph takes in one request. A draft is sent in base64: one of over three quarters of that is made in steps."""
BEGUN_KEY = "String {6a1d0a5c-2f0e-4c63-9d2a-4f3c1f6f6d52} Name CplPipelineBegun"
"""Named property of a draft that is being made in steps, its value the draft's Message-ID."""
CONTENT_KEY = "String {6a1d0a5c-2f0e-4c63-9d2a-4f3c1f6f6d52} Name CplPipelineContent"
"""Named property beside it: the digest of subject, text and recipients as Exchange held them when it was begun."""
_FIELDS = "subject,body,toRecipients,ccRecipients,bccRecipients,createdDateTime,lastModifiedDateTime"
_PROPERTIES = f"singleValueExtendedProperties($filter=id eq '{CONTENT_KEY}')"
_AT_ONCE = timedelta(seconds=5)
"""A draft that was last changed so soon after it was created was changed by nobody: no person is that quick."""
PUT_SECONDS = 180.0
"""After so long the rest is left for the next visit: a worker's turn lasts five minutes, and two must not add to it."""
_SESSIONS = 3  # how often attachments are begun anew in one visit


class _Address(msgspec.Struct, frozen=True):
    address: str | None = ""


class _Recipient(msgspec.Struct, frozen=True, rename="camel"):
    email_address: _Address = _Address()


class _Body(msgspec.Struct, frozen=True):
    content: str = ""


class _Standing(msgspec.Struct, frozen=True, rename="camel"):
    """A draft as it stands. The names under which Exchange shows recipients may change by themselves: left out."""

    subject: str | None = ""
    body: _Body | None = None
    to_recipients: tuple[_Recipient, ...] = ()
    cc_recipients: tuple[_Recipient, ...] = ()
    bcc_recipients: tuple[_Recipient, ...] = ()
    created_date_time: str = ""
    last_modified_date_time: str = ""
    properties: tuple[Property, ...] = msgspec.field(name="singleValueExtendedProperties", default=())

    @property
    def digest(self) -> str:
        """The sha256 of what a person may change of it."""
        people = [
            sorted(one.email_address.address or "" for one in field)
            for field in (self.to_recipients, self.cc_recipients, self.bcc_recipients)
        ]
        held = [self.subject or "", self.body.content if self.body else "", people]
        return hashlib.sha256(json.dumps(held).encode("ascii")).hexdigest()

    @property
    def untouched(self) -> bool:
        """Whether nobody changed it since it was begun, as far as can be seen."""
        known = next((one.value for one in self.properties if one.id.casefold() == CONTENT_KEY.casefold()), "")
        if known:
            return known == self.digest
        try:
            created, changed = map(datetime.fromisoformat, (self.created_date_time, self.last_modified_date_time))
            return changed - created <= _AT_ONCE
        except (ValueError, TypeError):
            return False


class _Attached(msgspec.Struct, frozen=True):
    """An attachment that stands on a draft."""

    id: str
    name: str | None = ""


def put(
    session: Session,
    raw: bytes,
    message_id: str,
    begun: Message | None,
    key: str,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Make a draft in steps, or finish one that was ``begun``; ``key``: the property that says that it is whole.

    clock: seconds that only ever grow.

    MailboxRefused where a person changed the one that was begun before all its attachments were there: nothing is
    added to it then.
    """
    until = clock() + PUT_SECONDS

    def in_time() -> None:
        if clock() > until:
            raise MailboxUnavailable(f"{session.settings.place}: a large draft takes long; the rest is put next time.")

    whole = parted(raw, REQUEST_OCTETS * 3 // 4)
    if begun is None:
        begun = session.post_mime("messages", base64.b64encode(whole.shell), Message)
    path = f"messages/{quote(begun.id, safe='')}"
    standing = session.get(path, _Standing, select=_FIELDS, expand=_PROPERTIES)
    untouched = standing.untouched
    if untouched and not standing.properties:
        marks = {BEGUN_KEY: message_id, CONTENT_KEY: standing.digest}
        session.patch(path, {"singleValueExtendedProperties": [{"id": k, "value": v} for k, v in marks.items()]})
    _attach(session, path, whole.attachments, in_time, untouched=untouched)
    session.patch(path, {"singleValueExtendedProperties": [{"id": key, "value": message_id}]})


def _attach(
    session: Session, path: str, attachments: Sequence[Attachment], in_time: Callable[[], None], *, untouched: bool
) -> None:
    """Add what is missing. Where nothing is, whatever a person did to the draft is done to a whole one, and theirs."""
    for _ in range(_SESSIONS):
        there = _there(session, path)
        missing, left = [], there.copy()
        for attachment in attachments:
            mark = attachment.mark
            if left[mark]:
                left[mark] -= 1
            else:
                missing.append(attachment)
        if not missing:
            return
        if not untouched or left.total():
            names = ", ".join(repr(attachment.name) for attachment in missing)
            raise MailboxRefused(
                f"A draft in Drafts was half made when the worker was stopped, and a person changed it since: it was "
                f"left as it is, without {names}. Add that by hand, or delete the draft for good; then retry."
            )
        try:
            for attachment in missing:
                graph_upload.add(session, path, attachment, in_time)
        except UploadLost:
            continue
        return
    raise MailboxUnavailable(f"{session.settings.place}: uploads of attachments end before their time.")


def _there(session: Session, path: str) -> Counter[tuple[str, str]]:
    """Return the marks of the attachments that stand on a draft."""
    pages = session.pages(f"{path}/attachments", Page[_Attached], select="name")
    found = [attached for page in pages for attached in page.value]
    octets = ((one.name or "", session.octets(f"{path}/attachments/{quote(one.id, safe='')}/$value")) for one in found)
    return Counter((name, hashlib.sha256(content).hexdigest()) for name, content in octets)
