"""A mailbox of an Exchange server of one's own, over EWS (extra ``[ews]``), proved against a stub of it only.

What a mail *is* is the sha256 of the MIME octets that Exchange returns. An id names a mail in its folder: moved, the
mail has another one.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date

from pipeline.mailbox.category import with_category
from pipeline.mailbox.ews_folders import Folders
from pipeline.mailbox.ews_inbox import Inbox
from pipeline.mailbox.ews_requests import KEY, at_least, either, equal
from pipeline.mailbox.ews_session import ItemMissing, Session
from pipeline.mailbox.ews_settings import EwsSettings
from pipeline.mailbox.headers import message_id_of, references_in, require_own_id
from pipeline.mailbox.port import Filed, Listed, MailboxRefused, MailboxUnavailable, Place, Ref, SentMail, Trace
from pipeline.mailbox.trouble import MailGone, MailTooLarge

_GENERATION = "ews"
_MESSAGE_ID = "message:InternetMessageId"
_SEARCHED_ID = 200  # longest Message-ID that is searched for: of a longer one Exchange may keep the beginning only


class Ews:
    """Mailbox on an Exchange server. Keep the object between visits: it keeps its place in the inbox."""

    def __init__(self, settings: EwsSettings, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.name = f"ews:{settings.address}"
        self._settings = settings
        self._session = Session(settings, sleep=sleep)
        self._folders = Folders(self._session)
        self._sent: dict[str, SentMail] = {}
        self._inbox = Inbox()

    def unread(self) -> Sequence[Listed]:
        """Return the unread mails by the time of receipt. Their size is Exchange's, which is not that of the MIME."""
        folder = self._folder(self._settings.inbox)
        found = self._inbox.unread(self._session, folder)
        return [Listed(Ref(self._settings.inbox, _GENERATION, item.id), item.size) for item in found]

    def fetch(self, ref: Ref) -> bytes:
        """Return the MIME octets. MailGone where the mail is elsewhere or nowhere, MailTooLarge over the limit."""
        limit = self._settings.max_octets
        try:
            item = self._session.item(ref.uid, "item:ParentFolderId", "item:Size")
            if item.parent != self._folder(ref.folder):
                raise MailGone(f"The mail is no longer in {ref.folder}: a person moved or deleted it.")
            if item.size > limit:
                raise MailTooLarge(item.size, limit)
            return self._session.octets(ref.uid)
        except ItemMissing as error:
            raise MailGone(f"The mail left {ref.folder}: a person moved or deleted it.") from error

    def save_draft(self, raw: bytes, message_id: str) -> bool:
        """Create a draft from MIME, unless one with this Message-ID is anywhere in the mailbox.

        A draft that a person deleted or sent counts as being there: Deleted Items and Sent Items are searched too.
        Ours is known by a named property, set as it is made; any other draft with this Message-ID counts as well.
        """
        require_own_id(raw, message_id)
        if not _can_be_searched(message_id):
            raise MailboxRefused(f"A draft with the Message-ID {message_id!r:.100} could not be found again.")
        wanted = either(equal(KEY, message_id), equal(_MESSAGE_ID, message_id))
        found = self._session.items(self._folders.everywhere(), [KEY, _MESSAGE_ID, "item:IsDraft"], wanted)
        if any(item.key == message_id or (item.is_draft and item.message_id == message_id) for item in found):
            return False
        self._session.create_draft(raw, message_id)
        return True

    def drafts(self, message_ids: Sequence[str]) -> Mapping[str, Sequence[Trace]]:
        """Search the whole mailbox, Deleted Items included: by the named property of ours, and by Message-ID."""
        places = {self._folder("drafts"): Place.DRAFTS, self._folder("sentitems"): Place.SENT}
        found = {}
        for message_id in filter(_can_be_searched, message_ids):
            wanted = either(equal(KEY, message_id), equal(_MESSAGE_ID, message_id))
            items = self._session.items(self._folders.everywhere(), [KEY, _MESSAGE_ID, "item:ParentFolderId"], wanted)
            ours = [item for item in items if message_id in {item.key, item.message_id}]
            traces = [self._trace(item.id, places.get(item.parent, Place.ELSEWHERE)) for item in ours]
            if traces:
                found[message_id] = traces
        return found

    def sent(self, since: date) -> Sequence[SentMail]:
        """Return the mails of Sent Items. What each refers to is read of its octets, once."""
        wanted = at_least("item:DateTimeSent", f"{since.isoformat()}T00:00:00Z")
        known, self._sent = self._sent, {}
        for item in list(self._session.items([self._folder("sentitems")], (), wanted)):
            try:
                mail = known.get(item.id) or _sent_mail(item.id, self._session.octets(item.id))
            except (ItemMissing, MailTooLarge):
                continue
            self._sent[item.id] = mail
        return [mail for mail in self._sent.values() if mail.message_id]

    def put_note(self, raw: bytes, message_id: str, folder: str) -> bool:
        """Save it as a draft, then move that. One that a person moved stays where it is."""
        put, goal = self.save_draft(raw, message_id), self._folders.made(folder)
        for item in list(self._session.items([self._folder("drafts")], [KEY], equal(KEY, message_id))):
            if item.key == message_id:
                self._session.move(item.id, goal)
        return put

    def file_away(self, ref: Ref, sha256: str, message_id: str, target: str, *, read: bool = True) -> Filed:
        """Mark read, then move. Between the two the mail is in the inbox still, and is found there the next time.

        The category comes last: it may show in the octets (as Keywords), by which the mail is known until then. What
        stays unread gets none, as it may be known by its octets once more.
        """
        inbox, goal = self._folder(ref.folder), self._folders.find(target)
        place = self._place(ref.uid)
        if place in {inbox, goal} - {""} and self._digest(ref.uid) == sha256:
            if place == goal:
                return self._categorised(ref.uid, Filed.ALREADY, read=read)
            uid = ref.uid
        else:
            uid = self._search(inbox, sha256, message_id)
        if not uid:
            there = goal and self._search(goal, sha256, message_id)
            return self._categorised(there, Filed.ALREADY, read=read) if there else Filed.GONE
        goal = goal or self._folders.made(target)
        try:
            if read:
                self._session.mark_read(uid)
            moved = self._session.move(uid, goal)
        except ItemMissing as error:
            if self._place(uid) != inbox:
                return Filed.GONE  # a person deleted it just now
            raise MailboxUnavailable(f"The folder {target!r} was deleted just now. {error}") from error
        return self._categorised(moved, Filed.DONE, read=read)

    def describe(self) -> Sequence[str]:
        """Return what can be seen with the rights there are: the server, the inbox's numbers and the folders."""
        settings = self._settings
        inbox, drafts = self._session.well_known("inbox", "drafts")
        lines = [
            f"Exchange mailbox {settings.address} by {settings.url}",
            f"server version {self._session.version or 'not told'}, logged in as {settings.user} with {settings.auth}",
        ]
        if self._folder(settings.inbox) == inbox.id:
            lines.append(f"inbox {inbox.name!r}: {inbox.total} mails, {inbox.unread} unread")
        else:
            lines.append(f"inbox {settings.inbox!r}: {len(self.unread())} unread")
        lines += [f"Drafts folder: {drafts.name!r}", f"folders: {', '.join(self._folders.names())}"]
        return [*lines, f"warning: {settings.warning}"] if settings.warning else lines

    def close(self) -> None:
        """End the visit. Never raises."""
        self._session.close()
        self._folders.forget()

    def _categorised(self, uid: str, filed: Filed, *, read: bool) -> Filed:
        """Give a filed mail its category. One that somebody changes at that moment is left for the next attempt."""
        if not read or not self._settings.category:
            return filed
        try:
            item = self._session.item(uid, "item:Categories")
            if wanted := with_category(item.categories, self._settings.category):
                self._session.set_categories(uid, item.version, wanted)
        except ItemMissing:
            pass  # a person took it from there just now
        return filed

    def _folder(self, path: str) -> str:
        folder = self._folders.find(path)
        if not folder:
            raise MailboxRefused(
                f"Exchange: there is no folder {path!r} in the mailbox {self._settings.address}. Create it, or "
                "correct the setting."
            )
        return folder

    def _place(self, uid: str) -> str:
        """Return the folder that an item is in, or nothing where there is none of this id."""
        try:
            return self._session.item(uid, "item:ParentFolderId").parent
        except ItemMissing:
            return ""

    def _trace(self, uid: str, place: Place) -> Trace:
        if place is not Place.DRAFTS:
            return Trace(place)
        return Trace(place, self._digest(uid), ref=Ref("drafts", _GENERATION, uid))

    def _search(self, folder: str, sha256: str, message_id: str) -> str:
        """Find a mail of a folder by the digest of its octets; Message-ID only narrows the search."""
        if _can_be_searched(message_id):
            found = self._session.items([folder], (), equal(_MESSAGE_ID, message_id))
        else:
            listed = self._session.items([folder], [_MESSAGE_ID])
            found = (item for item in listed if not _can_be_searched(item.message_id))
        return next((item.id for item in found if self._digest(item.id) == sha256), "")

    def _digest(self, uid: str) -> str:
        """Digest a mail. One that is too large to be fetched, or gone meanwhile, is none that we know."""
        try:
            return hashlib.sha256(self._session.octets(uid)).hexdigest()
        except (ItemMissing, MailTooLarge):
            return ""


def _sent_mail(uid: str, raw: bytes) -> SentMail:
    return SentMail(Ref("sentitems", _GENERATION, uid), message_id_of(raw), references_in(raw))


def _can_be_searched(message_id: str) -> bool:
    return 0 < len(message_id) <= _SEARCHED_ID and message_id.isascii() and message_id.isprintable()
