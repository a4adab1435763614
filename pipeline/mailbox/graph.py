"""A Microsoft 365 mailbox over Microsoft Graph v1.0 (extra ``[graph]``), proved against a stub of it only.

What a mail *is* is the sha256 of the MIME octets that Graph returns. Ids are immutable ones: they stay when a mail
moves within the mailbox, and become void when the mailbox is moved or restored.
"""

import base64
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

from pipeline.mailbox import graph_large
from pipeline.mailbox.category import with_category
from pipeline.mailbox.graph_answers import Message, Page
from pipeline.mailbox.graph_folders import Folders
from pipeline.mailbox.graph_inbox import Inbox
from pipeline.mailbox.graph_large import REQUEST_OCTETS
from pipeline.mailbox.graph_session import ItemMissing, Session
from pipeline.mailbox.graph_settings import GraphSettings
from pipeline.mailbox.headers import message_id_of, references_in, require_own_id
from pipeline.mailbox.oauth_settings import Tokens
from pipeline.mailbox.port import Filed, Listed, MailboxRefused, Place, Ref, SentMail, Trace
from pipeline.mailbox.trouble import MailGone, MailTooLarge

DRAFT_KEY = "String {6a1d0a5c-2f0e-4c63-9d2a-4f3c1f6f6d52} Name CplPipelineDraft"
"""Named property of a draft of ours, its value the draft's Message-ID. Nobody can set it by sending a mail."""
_GENERATION = "immutable"
_SEARCHED_ID = 512  # longest Message-ID put into a $filter


class Graph:
    """Mailbox on Microsoft 365. Keep the object between visits: it keeps the token and its place in the inbox."""

    def __init__(
        self, settings: GraphSettings, *, tokens: Tokens | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.name = f"graph:{settings.user}"
        self._settings = settings
        self._session = Session(settings, tokens=tokens, sleep=sleep)
        self._folders = Folders(self._session)
        self._sent: dict[str, SentMail] = {}
        self._inbox = Inbox()

    def unread(self) -> Sequence[Listed]:
        """Return the unread mails by the time of receipt. Their size is Exchange's, which is not that of the MIME."""
        folder = self._folder(self._settings.inbox)
        found = self._inbox.unread(self._session, folder)
        return [Listed(Ref(self._settings.inbox, _GENERATION, message.id), message.size) for message in found]

    def fetch(self, ref: Ref) -> bytes:
        """Return the MIME octets. MailGone where the mail is elsewhere or nowhere, MailTooLarge over the limit."""
        message = self._message(ref.uid)
        if message is None or message.parent_folder_id != self._folder(ref.folder):
            raise MailGone(f"The mail is no longer in {ref.folder}: a person moved or deleted it.")
        try:
            return self._session.octets(f"{_path(ref.uid)}/$value")
        except ItemMissing as error:
            raise MailGone(f"The mail left {ref.folder} just now: a person moved or deleted it.") from error

    def save_draft(self, raw: bytes, message_id: str) -> bool:
        """Create a draft from MIME, unless one with this Message-ID is anywhere in the mailbox.

        A draft that a person deleted or sent counts as being there: Deleted Items and Sent Items are searched too.
        Ours is known by a named property; one in Drafts without it is one that we died over, and is finished now.
        """
        require_own_id(raw, message_id)
        if not _can_be_searched(message_id):
            raise MailboxRefused(f"A draft with the Message-ID {message_id!r:.100} could not be found again.")
        if any(self._keyed(message_id)):
            return False
        encoded = base64.b64encode(raw)
        if len(encoded) > REQUEST_OCTETS:
            return self._put_large(raw, message_id)
        draft = next((m for m in self._named(message_id) if m.is_draft), None)
        made = draft or self._session.post_mime("messages", encoded, Message)
        self._session.patch(_path(made.id), {"singleValueExtendedProperties": [{"id": DRAFT_KEY, "value": message_id}]})
        return draft is None

    def _put_large(self, raw: bytes, message_id: str) -> bool:
        """Make a draft in steps. One that was begun and is not in Drafts any more is a person's: sent, or deleted."""
        if len(raw) > self._settings.max_octets:
            raise MailboxRefused(
                f"The draft has {len(raw):,} octets, and max_octets allows {self._settings.max_octets:,}: it was not "
                "saved. Send it by hand, or with a link to what is attached."
            )
        begun = [*self._keyed(message_id, graph_large.BEGUN_KEY)]
        begun += [message for message in self._named(message_id) if message.is_draft]
        if any(message.parent_folder_id != self._folder("drafts") for message in begun):
            return False
        graph_large.put(self._session, raw, message_id, next(iter(begun), None), DRAFT_KEY)
        return True

    def drafts(self, message_ids: Sequence[str]) -> Mapping[str, Sequence[Trace]]:
        """Search the whole mailbox, Deleted Items included: by the named properties of ours, and by Message-ID."""
        places = {self._folder("drafts"): Place.DRAFTS, self._folder("sentitems"): Place.SENT}
        found = {}
        for message_id in filter(_can_be_searched, message_ids):
            whole = {m.id: m for m in self._keyed(message_id)}
            begun = self._keyed(message_id, graph_large.BEGUN_KEY)
            mails = whole | {m.id: m for m in (*begun, *self._named(message_id))}
            traces = [
                self._trace(m.id, places.get(m.parent_folder_id, Place.ELSEWHERE), whole=m.id in whole)
                for m in mails.values()
            ]
            if traces:
                found[message_id] = traces
        return found

    def sent(self, since: date) -> Sequence[SentMail]:
        """Return the mails of Sent Items. What each refers to is read of its octets, once."""
        wanted = f"sentDateTime ge {since.isoformat()}T00:00:00Z"
        listed = self._messages("mailFolders/sentitems/messages", filter=wanted, select="id")
        known, self._sent = self._sent, {}
        for message in list(listed):
            try:
                mail = known.get(message.id) or _sent_mail(
                    message.id, self._session.octets(f"{_path(message.id)}/$value")
                )
            except (ItemMissing, MailTooLarge):
                continue
            self._sent[message.id] = mail
        return [mail for mail in self._sent.values() if mail.message_id]

    def put_note(self, raw: bytes, message_id: str, folder: str) -> bool:
        """Save it as a draft, then move that: Graph makes no other mail from MIME. One that a person moved stays."""
        put, goal, drafts = self.save_draft(raw, message_id), self._folders.made(folder), self._folder("drafts")
        for mail in [mail for mail in self._keyed(message_id) if mail.parent_folder_id == drafts]:
            self._session.post(f"{_path(mail.id)}/move", {"destinationId": goal}, Message)
        return put

    def file_away(self, ref: Ref, sha256: str, message_id: str, target: str, *, read: bool = True) -> Filed:
        """Mark read, then move. Between the two the mail is in the inbox still, and is found there the next time.

        The category comes last: it may show in the octets (as Keywords), by which the mail is known until then. What
        stays unread gets none, as it may be known by its octets once more.
        """
        inbox, goal = self._folder(ref.folder), self._folders.find(target)
        found = self._message(ref.uid)
        if found is not None and found.parent_folder_id in {inbox, goal} and self._digest(found.id) == sha256:
            if found.parent_folder_id == goal:
                return self._categorised(found.id, Filed.ALREADY, read=read)
            uid = found.id
        else:
            uid = self._search(inbox, sha256, message_id)
        if not uid:
            there = goal and self._search(goal, sha256, message_id)
            return self._categorised(there, Filed.ALREADY, read=read) if there else Filed.GONE
        goal = goal or self._folders.made(target)
        try:
            if read:
                self._session.patch(_path(uid), {"isRead": True})
            self._session.post(f"{_path(uid)}/move", {"destinationId": goal}, Message)
        except ItemMissing:
            return Filed.GONE  # a person deleted it just now
        return self._categorised(uid, Filed.DONE, read=read)

    def describe(self) -> Sequence[str]:
        """Return what can be seen with the permissions there are: the inbox's numbers and the folders."""
        settings = self._settings
        inbox = self._folders.look(self._folder(settings.inbox))
        by = "a client secret" if settings.client_secret else "a certificate"
        return [
            f"Microsoft 365 mailbox {settings.user} by {settings.base_url}",
            f"application {settings.client_id} of tenant {settings.tenant} at {settings.authority}, with {by}",
            f"inbox {settings.inbox!r}: {inbox.total_item_count} mails, {inbox.unread_item_count} unread",
            f"Drafts folder: {self._folders.look('drafts').display_name!r}",
            f"folders: {', '.join(self._folders.names())}",
            f"drafts of over {REQUEST_OCTETS * 3 // 4:,} octets are made in steps, their attachments one by one",
        ]

    def close(self) -> None:
        """End the visit. Never raises."""
        self._session.close()
        self._folders.forget()

    def _categorised(self, uid: str, filed: Filed, *, read: bool) -> Filed:
        """Give a filed mail its category. One that somebody changes at that moment is left for the next attempt."""
        if not read or not self._settings.category:
            return filed
        try:
            mail = self._session.get(_path(uid), Message, select="categories")
            if wanted := with_category(mail.categories, self._settings.category):
                self._session.patch(_path(uid), {"categories": wanted}, version=mail.version)
        except ItemMissing:
            pass  # a person took it from there just now
        return filed

    def _folder(self, path: str) -> str:
        folder = self._folders.find(path)
        if not folder:
            raise MailboxRefused(
                f"Microsoft 365: there is no folder {path!r} in the mailbox {self._settings.user}. Create it, or "
                "correct the setting."
            )
        return folder

    def _message(self, uid: str) -> Message | None:
        try:
            return self._session.get(_path(uid), Message, select="parentFolderId")
        except ItemMissing:
            return None

    def _messages(self, path: str, **query: Any) -> Iterator[Message]:
        return (message for page in self._session.pages(path, Page[Message], **query) for message in page.value)

    def _keyed(self, message_id: str, name: str = DRAFT_KEY) -> Iterator[Message]:
        """Give the mails that carry this key of a draft of ours."""
        key = f"ep/id eq {_quoted(name)} and ep/value eq {_quoted(message_id)}"
        wanted = f"singleValueExtendedProperties/any(ep:{key})"
        return self._messages("messages", filter=wanted, select="parentFolderId")

    def _named(self, message_id: str) -> Iterator[Message]:
        """Give the mails with exactly this Message-ID."""
        wanted = f"internetMessageId eq {_quoted(message_id)}"
        found = self._messages("messages", filter=wanted, select="isDraft,internetMessageId,parentFolderId")
        return (message for message in found if message.internet_message_id == message_id)

    def _trace(self, uid: str, place: Place, *, whole: bool) -> Trace:
        """Tell of a mail of ours. What left Drafts without being whole was sent or moved by a person, who saw it."""
        if place is not Place.DRAFTS:
            return Trace(place)
        return Trace(place, self._digest(uid), whole=whole, ref=Ref("drafts", _GENERATION, uid))

    def _search(self, folder: str, sha256: str, message_id: str) -> str:
        """Find a mail of a folder by the digest of its octets; Message-ID only narrows the search."""
        path = f"mailFolders/{quote(folder, safe='')}/messages"
        if _can_be_searched(message_id):
            wanted = f"internetMessageId eq {_quoted(message_id)}"
            found = self._messages(path, filter=wanted, select="id")
        else:
            listed = self._messages(path, select="internetMessageId")
            found = (m for m in listed if not _can_be_searched(m.internet_message_id or ""))
        return next((message.id for message in found if self._digest(message.id) == sha256), "")

    def _digest(self, uid: str) -> str:
        """Digest a mail. One that is too large to be fetched, or gone meanwhile, is none that we know."""
        try:
            return hashlib.sha256(self._session.octets(f"{_path(uid)}/$value")).hexdigest()
        except (ItemMissing, MailTooLarge):
            return ""


def _sent_mail(uid: str, raw: bytes) -> SentMail:
    return SentMail(Ref("sentitems", _GENERATION, uid), message_id_of(raw), references_in(raw))


def _path(uid: str) -> str:
    return f"messages/{quote(uid, safe='')}"


def _quoted(text: str) -> str:
    """Quote a string for an OData $filter."""
    return "'" + text.replace("'", "''") + "'"


def _can_be_searched(message_id: str) -> bool:
    return 0 < len(message_id) <= _SEARCHED_ID and message_id.isascii() and message_id.isprintable()
