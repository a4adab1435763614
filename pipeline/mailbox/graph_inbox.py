"""The unread mails of a folder, kept up to date by asking for what changed (a delta query).

The whole folder is listed once in the life of the process, so that a poll of a folder with thousands of mails costs
one small request. Nothing is stored: a new process lists anew. It also lists anew when the server has lost the thread
(410), and every now and then without being told, so that a change it forgot to tell is not missed for long.
"""

from urllib.parse import quote

from pipeline.mailbox.graph_answers import SIZE, Message, Page
from pipeline.mailbox.graph_session import ChangesLost, ItemMissing, Session
from pipeline.mailbox.port import MailboxUnavailable

POLLS_PER_LISTING = 500
"""After so many polls the folder is listed anew: some eight hours at a poll a minute."""
_FIELDS = "isRead,receivedDateTime"
_SIZE = f"singleValueExtendedProperties($filter=id eq '{SIZE}')"


class Inbox:
    """What is known of one folder. For one thread at a time."""

    def __init__(self) -> None:
        self._folder = ""
        self._unread: dict[str, Message] = {}
        self._changes = ""
        self._polls = 0

    def unread(self, session: Session, folder: str) -> list[Message]:
        """Return the unread messages of the folder of this id, the oldest first."""
        if folder != self._folder or self._polls >= POLLS_PER_LISTING:
            self._changes = ""
        if self._changes:
            try:
                self._follow(session, folder, self._changes, self._unread)
            except ChangesLost:
                self._changes = ""
        if not self._changes:
            self._polls = 0
            self._follow(session, folder, "", {})
        self._polls += 1
        return sorted(self._unread.values(), key=lambda message: message.received_date_time)

    def _follow(self, session: Session, folder: str, link: str, before: dict[str, Message]) -> None:
        """Take over the changes; not one of them where they cannot be read to their end."""
        unread = dict(before)
        if link:
            pages = session.follow(link, Page[Message])
        else:
            path = f"mailFolders/{quote(folder, safe='')}/messages/delta"
            pages = session.pages(path, Page[Message], select=_FIELDS, expand=_SIZE)
        changes = ""
        for page in pages:
            changes = page.delta
            for message in page.value:
                _take(session, message, unread)
        if not changes:
            raise MailboxUnavailable(
                f"{session.settings.place}: the list of changes ends without saying where it does."
            )
        self._folder, self._unread, self._changes = folder, unread, changes


def _take(session: Session, message: Message, unread: dict[str, Message]) -> None:
    if message.removed is None and (message.is_read is None or not message.received_date_time):
        # A change may come with the properties that changed and no others.
        try:
            path = f"messages/{quote(message.id, safe='')}"
            message = session.get(path, Message, select=_FIELDS, expand=_SIZE)
        except ItemMissing:
            unread.pop(message.id, None)
            return
    if message.removed is not None or message.is_read:
        unread.pop(message.id, None)
    else:
        unread[message.id] = message
