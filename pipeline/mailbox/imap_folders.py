"""Folders of an IMAP server: which there are, how the server names them, and how one is selected."""

from imaplib import IMAP4
from typing import Any

_NOT_A_MAILBOX = {rb"\noselect", rb"\nonexistent"}


def folders(client: Any) -> dict[str, frozenset[bytes]]:
    """Folders that can hold mails, with their attributes in lower case."""
    listed = ((name, frozenset(flag.lower() for flag in flags)) for flags, _, name in client.list_folders())
    return {name: flags for name, flags in listed if not flags & _NOT_A_MAILBOX}


def special(client: Any, use: bytes) -> str:
    """Return the folder of a special use (RFC 6154), empty where the server names none."""
    return next((name for name, flags in folders(client).items() if use.lower() in flags), "")


def place_of(client: Any, folder: str) -> tuple[str, bool]:
    """Return the server's name for a folder whose levels are joined by ``/``, and whether it exists.

    A new folder gets the prefix and the delimiter of the user's own folders.
    """
    known = folders(client)
    prefix, delimiter = _namespace(client)
    inner = folder.replace("/", delimiter)
    place = next((name for name in (folder, inner) if name in known), prefix + inner)
    return place, place in known


def made(client: Any, folder: str) -> str:
    """Return the server's name for a folder, which exists then."""
    place, exists = place_of(client, folder)
    if not exists:
        try:
            client.create_folder(place)
            client.subscribe_folder(place)  # else most mail programs do not show it
        except IMAP4.error:
            if not place_of(client, folder)[1]:  # otherwise a person made it just now
                raise
    return place


def select(client: Any, folder: str, *, write: bool = False) -> str:
    """Select a folder afresh, read-only unless asked (EXAMINE can mark nothing read); return its UIDVALIDITY."""
    return str(client.select_folder(folder, readonly=not write).get(b"UIDVALIDITY", ""))


def _namespace(client: Any) -> tuple[str, str]:
    """Prefix and delimiter of the user's own folders (RFC 2342), for example ``("INBOX.", ".")``."""
    personal = client.namespace().personal if client.has_capability("NAMESPACE") else None
    if not personal:  # a server may answer NIL, which find_special_folder of imapclient trips over
        return "", "/"
    prefix, delimiter = personal[0]
    return prefix, delimiter or "/"
