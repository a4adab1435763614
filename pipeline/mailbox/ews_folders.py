"""Folders of an Exchange mailbox by their path, the levels joined by ``/``."""

from pipeline.mailbox.ews_answers import Folder
from pipeline.mailbox.ews_session import Exists, Session
from pipeline.mailbox.port import MailboxRefused

_WELL_KNOWN = ("inbox", "drafts", "sentitems", "msgfolderroot")
"""Names that Exchange knows in a mailbox of any language; the last is what holds all folders of a mailbox."""


class Folders:
    """Finds and makes folders. What it saw is remembered for the visit, and looked up anew where something is missing.

    A folder that a person moves to another place within a visit keeps its id, and is used where it is.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[str, Folder] = {}
        self._below: list[Folder] = []

    def find(self, path: str) -> str:
        """Return the id of a folder, or nothing where there is none."""
        levels = _levels(path)
        found = self._seen(levels)
        if not found:
            self._look()
            found = self._seen(levels)
        return found

    def made(self, path: str) -> str:
        """Return the id of a folder, which exists then."""
        levels = _levels(path)
        for depth in range(1, len(levels) + 1):
            part = levels[:depth]
            if not self.find("/".join(part)):
                self._make(part)
        return self.find(path)

    def everywhere(self) -> list[str]:
        """Return the ids of all folders for mails, as they are now."""
        self._look()
        return [folder.id for folder in self._below]

    def names(self) -> list[str]:
        """Return the names of the folders of the first level."""
        self._look()
        root = self._root("msgfolderroot")
        return sorted(folder.name for folder in self._below if folder.parent == root)

    def forget(self) -> None:
        """Ask anew from now on."""
        self._known.clear()
        self._below.clear()

    def _seen(self, levels: list[str]) -> str:
        first, *rest = levels
        if first.casefold() in _WELL_KNOWN[:3]:
            place = self._root(first.casefold())
        else:
            place, rest = self._root("msgfolderroot"), levels
        for level in rest:
            place = self._child(place, level)
        return place

    def _child(self, parent: str, name: str) -> str:
        wanted = name.casefold()
        return next((f.id for f in self._below if f.parent == parent and f.name.casefold() == wanted), "")

    def _root(self, name: str) -> str:
        if not self._known:
            self._known = dict(zip(_WELL_KNOWN, self._session.well_known(*_WELL_KNOWN), strict=True))
        return self._known[name].id

    def _look(self) -> None:
        self._below = self._session.folders_below(self._root("msgfolderroot"))

    def _make(self, levels: list[str]) -> None:
        *above, name = levels
        parent = self.find("/".join(above)) if above else self._root("msgfolderroot")
        try:
            self._below.append(Folder(self._session.create_folder(parent, name), parent, name))
        except Exists:
            self._look()  # a person made it just now
            if not self._child(parent, name):
                raise


def _levels(path: str) -> list[str]:
    levels = path.split("/")
    if not all(level and level.isprintable() for level in levels):
        raise MailboxRefused(f"{path!r} cannot be a folder: a level is empty or holds a line end. Name it otherwise.")
    return levels
