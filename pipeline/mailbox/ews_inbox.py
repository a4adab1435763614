"""The unread mails of a folder, kept up to date by asking for what changed (SyncFolderItems).

The whole folder is listed once in the life of the process, so that a poll of a folder with thousands of unread mails
costs one small request. The state of the synchronization is kept in memory only: the ledger knows mails by their
digest and has no use for a server's cursor, and a new process lists anew. It also lists anew when the server no
longer knows the state, and every now and then without being told, so that a change it forgot to tell is not missed.
"""

import contextlib

from pipeline.mailbox.ews_answers import Item
from pipeline.mailbox.ews_session import ItemMissing, Session, SyncLost

POLLS_PER_LISTING = 500
"""After so many polls the folder is listed anew: some eight hours at a poll a minute."""
_FIELDS = ("item:Size", "item:DateTimeReceived", "message:IsRead")


class Inbox:
    """What is known of one folder. For one thread at a time."""

    def __init__(self) -> None:
        self._folder = ""
        self._unread: dict[str, Item] = {}
        self._state = ""
        self._polls = 0

    def unread(self, session: Session, folder: str) -> list[Item]:
        """Return the unread items of the folder of this id, the oldest first."""
        if folder != self._folder or self._polls >= POLLS_PER_LISTING:
            self._state = ""
        if self._state:
            try:
                self._follow(session, folder, self._state, self._unread)
            except SyncLost:
                self._state = ""
        if not self._state:
            self._polls = 0
            self._follow(session, folder, "", {})
        self._polls += 1
        return sorted(self._unread.values(), key=lambda item: item.received)

    def _follow(self, session: Session, folder: str, state: str, before: dict[str, Item]) -> None:
        """Take over the changes; not one of them where they cannot be read to their end."""
        unread = dict(before)
        for changes in session.changes(folder, state, _FIELDS):
            state = changes.state
            for item in changes.changed:
                _take(item, unread)
            for uid in changes.removed:
                unread.pop(uid, None)
            for uid, is_read in changes.flagged:
                unread.pop(uid, None)
                if not is_read:
                    with contextlib.suppress(ItemMissing):  # a person moved or deleted it just now
                        _take(session.item(uid, *_FIELDS), unread)
        self._folder, self._unread, self._state = folder, unread, state


def _take(item: Item, unread: dict[str, Item]) -> None:
    """Keep an unread item. What does not say whether it was read is no mail, and no search for unread ones finds it."""
    if item.is_read is False:
        unread[item.id] = item
    else:
        unread.pop(item.id, None)
