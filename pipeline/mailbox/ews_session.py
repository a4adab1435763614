"""A conversation with Exchange about one mailbox: the operations we use, what an error means, and how long to wait.

One request at a time. A request that creates something is sent again only where the server says that it did nothing
(ErrorServerBusy, status 429), never after a broken connection.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

from lxml import etree

from pipeline.mailbox import ews_answers, ews_requests
from pipeline.mailbox.ews_answers import Changes, Folder, Item, NotUnderstood, Page, Part, Trouble
from pipeline.mailbox.ews_settings import EwsSettings
from pipeline.mailbox.ews_wire import AnswerTooLong, Busy, Wire
from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable
from pipeline.mailbox.trouble import MailTooLarge, in_words

PATIENCE_SECONDS = 30.0
"""How long one visit waits, in all, when the server asks it to; after that the visit ends and comes back later."""
_ANSWER_OCTETS = 16_000_000  # without MIME; a page of our lists has under one
_MOST_PAGES = 5_000
_AT_ONCE = 50  # folders searched by one request
_MISSING = {
    "ErrorItemNotFound",
    "ErrorFolderNotFound",
    "ErrorToFolderNotFound",
    "ErrorSyncFolderNotFound",
    "ErrorInvalidId",
    "ErrorInvalidIdMalformed",
    "ErrorInvalidIdEmpty",
}
_RIGHTS = {"ErrorAccessDenied", "ErrorMailboxLogonFailed", "ErrorImpersonateUserDenied", "ErrorAccountDisabled"}
_NOBODY = {"ErrorNonExistentMailbox", "ErrorMailRecipientNotFound", "ErrorNonPrimarySmtpAddress"}
_TOO_OLD = {
    "ErrorInvalidServerVersion",
    "ErrorIncorrectSchemaVersion",
    "ErrorInvalidSchemaVersionForMailboxVersion",
    "ErrorSchemaValidation",
}
_FOR_A_PERSON = {
    "ErrorInvalidRequest",
    "ErrorMessageSizeExceeded",
    "ErrorQuotaExceeded",
    "ErrorContentConversionFailed",
    "ErrorMimeContentConversionFailed",
    "ErrorMimeContentInvalid",
    "ErrorMimeContentInvalidBase64String",
    "ErrorUnsupportedMimeConversion",
    "ErrorCorruptData",
    "ErrorItemCorrupt",
    "ErrorFolderCorrupt",
}


class ItemMissing(MailboxRefused):
    """There is no item or folder of this id: moved, deleted, or the ids were given anew."""


class Exists(MailboxUnavailable):
    """What was to be made is there already."""


class SyncLost(MailboxUnavailable):
    """The server no longer knows since when it was to tell the changes: the folder must be listed anew."""


_PASSING = {"ErrorFolderExists": Exists, "ErrorInvalidSyncStateData": SyncLost}


class Session:
    """Requests about one mailbox. sleep: waits for seconds. version: of the server, known after the first answer."""

    def __init__(self, settings: EwsSettings, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.settings = settings
        self.version = ""
        self._wire = Wire(settings)
        self._sleep = sleep
        self._patience = PATIENCE_SECONDS

    def well_known(self, *names: str) -> list[Folder]:
        """Return well-known folders with their numbers as they are now."""
        parts = self._ask(ews_requests.get_folders(names, self.settings.address), expected=len(names))
        with self._reading():
            return [part.folder() for part in parts]

    def folders_below(self, root: str) -> list[Folder]:
        """Return all folders for mails below one, however deep."""
        pages = self._pages(lambda offset: ews_requests.find_folders(root, offset), "Folders")
        with self._reading():
            return [folder for page in pages for folder in page.folders()]

    def items(
        self, folders: Sequence[str], fields: Sequence[str], restriction: etree._Element | None = None
    ) -> Iterator[Item]:
        """Give the items of folders that meet a restriction, the oldest of each folder first."""
        for start in range(0, len(folders), _AT_ONCE):
            some = folders[start : start + _AT_ONCE]
            parts = self._ask(ews_requests.find_items(some, 0, fields, restriction), expected=len(some))
            for folder, part in zip(some, parts, strict=True):
                with self._reading():
                    page = part.page("Items")
                    items = page.items()
                yield from items
                if page.next is not None:  # few have more than one page

                    def request(offset: int, folder: str = folder) -> etree._Element:
                        return ews_requests.find_items([folder], offset, fields, restriction)

                    for more in self._pages(request, "Items", page.next):
                        with self._reading():
                            items = more.items()
                        yield from items

    def changes(self, folder: str, state: str, fields: Sequence[str]) -> Iterator[Changes]:
        """Give the changes of a folder since a state, to their end; SyncLost where the server knows it no more."""
        for _ in range(_MOST_PAGES):
            (part,) = self._ask(ews_requests.sync_items(folder, state, fields))
            with self._reading():
                changes = part.changes()
            yield changes
            if changes.last:
                return
            if changes.state == state:
                raise MailboxUnavailable(f"{self.settings.place}: a list does not get on; it was given up.")
            state = changes.state
        raise MailboxUnavailable(f"{self.settings.place}: a list has more than {_MOST_PAGES:,} pages; it was given up.")

    def item(self, uid: str, *fields: str) -> Item:
        """Return an item; ItemMissing where there is none of this id."""
        (part,) = self._ask(ews_requests.get_item(uid, fields))
        with self._reading():
            return part.item()

    def octets(self, uid: str) -> bytes:
        """Return the MIME octets of an item; MailTooLarge where it has more than the settings allow."""
        limit = self.settings.max_octets
        try:
            # base64 has four characters for three octets, and may be broken into lines
            (part,) = self._ask(ews_requests.get_item(uid, (), mime=True), limit=limit * 3 // 2 + 100_000)
        except AnswerTooLong as error:
            raise MailTooLarge(error.size * 3 // 4, limit) from error
        with self._reading():
            raw = part.mime()
        if len(raw) > limit:
            raise MailTooLarge(len(raw), limit)
        return raw

    def create_draft(self, raw: bytes, message_id: str) -> None:
        """Put a draft into Drafts, with its key."""
        self._ask(ews_requests.create_draft(raw, message_id, self.settings.address), creates=True)

    def create_folder(self, parent: str, name: str) -> str:
        """Make a folder and return its id; Exists where a person made it just now."""
        (part,) = self._ask(ews_requests.create_folder(parent, name), creates=True)
        with self._reading():
            return part.folder().id

    def mark_read(self, uid: str) -> None:
        """Mark an item read; the sender gets no receipt."""
        self._ask(ews_requests.mark_read(uid))

    def set_categories(self, uid: str, version: str, names: Sequence[str]) -> None:
        """Give an item these categories; MailboxUnavailable where somebody changed it since it was of this version."""
        self._ask(ews_requests.set_categories(uid, version, names))

    def move(self, uid: str, folder: str) -> str:
        """Move an item, and return the id it has then."""
        (part,) = self._ask(ews_requests.move_item(uid, folder), creates=True)
        with self._reading():
            return part.item().id

    def close(self) -> None:
        """End the visit."""
        self._wire.close()
        self._patience = PATIENCE_SECONDS

    def _pages(self, request: Callable[[int], etree._Element], entries: str, offset: int = 0) -> Iterator[Page]:
        for _ in range(_MOST_PAGES):
            (part,) = self._ask(request(offset))
            with self._reading():
                page = part.page(entries)
            yield page
            if page.next is None:
                return
            if page.next <= offset:
                raise MailboxUnavailable(f"{self.settings.place}: a list does not get on; it was given up.")
            offset = page.next
        raise MailboxUnavailable(f"{self.settings.place}: a list has more than {_MOST_PAGES:,} pages; it was given up.")

    def _ask(
        self, body: etree._Element, *, expected: int = 1, creates: bool = False, limit: int = _ANSWER_OCTETS
    ) -> Sequence[Part]:
        """Return the parts of the answer to a request that succeeded; another raises what it means."""
        envelope, operation = ews_requests.envelope(body), etree.QName(body).localname
        while True:
            try:
                octets = self._wire.post(envelope, limit)
                with self._reading():
                    answer = ews_answers.read(octets, operation, expected)
            except Busy as busy:
                if busy.seconds is None or max(busy.seconds, 1) > self._patience or (creates and not busy.undone):
                    raise
                self._patience -= max(busy.seconds, 1)
                self._sleep(busy.seconds)
            else:
                self.version = answer.version or self.version
                return answer.parts

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """Say what an answer means in the port's terms, where it is not the one that was hoped for."""
        try:
            yield
        except NotUnderstood as error:
            raise MailboxUnavailable(f"{self.settings.place}: its answer cannot be understood: {error}.") from error
        except Trouble as trouble:
            raise self._named(trouble) from None  # its text may quote what we sent

    def _named(self, trouble: Trouble) -> MailboxRefused | MailboxUnavailable:
        settings, code = self.settings, trouble.code
        words = in_words(f"{code} {trouble.text}", settings.password)
        said = f"{settings.place}: {words or 'it says no, and not why'}."
        if code in _MISSING:
            return ItemMissing(said)
        if code in _PASSING:
            return _PASSING[code](said)
        if code == "ErrorServerBusy":
            return Busy(said, trouble.back_off, undone=True)
        if code in _RIGHTS:
            return MailboxRefused(
                f"{said} {settings.user} may not use the mailbox {settings.address}: it needs full access to it "
                "(Add-MailboxPermission -AccessRights FullAccess)."
            )
        if code in _NOBODY:
            return MailboxRefused(f"{said} There is no mailbox {settings.address}: check address and url.")
        if code in _TOO_OLD:
            return MailboxRefused(f"{said} The server must be Exchange 2013 with Service Pack 1, or later.")
        if code in _FOR_A_PERSON:
            return MailboxRefused(said)
        return MailboxUnavailable(said)
