"""Folders of a Microsoft 365 mailbox by their path, the levels joined by ``/``."""

from urllib.parse import quote

from pipeline.mailbox.graph_answers import Folder, Page
from pipeline.mailbox.graph_session import Exists, Session
from pipeline.mailbox.port import MailboxRefused

_WELL_KNOWN = {"inbox", "drafts", "sentitems"}
"""Names that Graph knows in a mailbox of any language."""
_ID = "id,displayName"


class Folders:
    """Finds and makes folders. The ids of well-known ones are remembered for the visit."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[str, Folder] = {}

    def find(self, path: str) -> str:
        """Return the id of a folder, or nothing where there is none."""
        place = ""
        for level in _levels(path):
            place = self._level(place, level)
            if not place:
                return ""
        return place

    def made(self, path: str) -> str:
        """Return the id of a folder, which exists then."""
        place = ""
        for level in _levels(path):
            place = self._level(place, level) or self._make(place, level)
        return place

    def look(self, name: str) -> Folder:
        """Return the folder of an id or a well-known name, with its numbers as they are now."""
        select = f"{_ID},totalItemCount,unreadItemCount"
        return self._session.get(f"mailFolders/{quote(name, safe='')}", Folder, select=select)

    def names(self) -> list[str]:
        """Return the names of the folders of the first level."""
        pages = self._session.pages("mailFolders", Page[Folder], select=_ID)
        return sorted(folder.display_name for page in pages for folder in page.value)

    def forget(self) -> None:
        """Ask anew from now on."""
        self._known.clear()

    def _level(self, parent: str, name: str) -> str:
        known = name.casefold()
        if not parent and known in _WELL_KNOWN:
            if known not in self._known:
                self._known[known] = self.look(known)
            return self._known[known].id
        wanted = f"displayName eq '{name.replace(chr(39), chr(39) * 2)}'"
        pages = self._session.pages(_children(parent), Page[Folder], filter=wanted, select=_ID)
        found = (folder for page in pages for folder in page.value)
        return next((folder.id for folder in found if folder.display_name.casefold() == known), "")

    def _make(self, parent: str, name: str) -> str:
        try:
            return self._session.post(_children(parent), {"displayName": name}, Folder).id
        except Exists:
            place = self._level(parent, name)  # a person made it just now
            if not place:
                raise
            return place


def _children(parent: str) -> str:
    return f"mailFolders/{quote(parent, safe='')}/childFolders" if parent else "mailFolders"


def _levels(path: str) -> list[str]:
    levels = path.split("/")
    if not all(level and level.isprintable() for level in levels):
        raise MailboxRefused(f"{path!r} cannot be a folder: a level is empty or holds a line end. Name it otherwise.")
    return levels
