"""IMAP4rev1 (RFC 3501) over TLS as a mailbox, proved against Dovecot.

What a mail *is* is the sha256 of the bytes the server returns: UIDs are places. Nothing here expunges mails other
than the one it moved, and BODYSTRUCTURE is never asked for (a hostile mail makes the answer longer than imaplib reads).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from imaplib import IMAP4
from typing import Any

from imapclient import DELETED, DRAFT, SEEN
from imapclient.imapclient import DRAFTS, SENT

from pipeline.mailbox.headers import message_id_of, references_in, require_own_id
from pipeline.mailbox.imap_folders import folders, made, place_of, select, special
from pipeline.mailbox.imap_session import ImapSettings, Login, Session, Tls, password_login
from pipeline.mailbox.port import Filed, Listed, MailboxRefused, Place, Ref, SentMail, Trace
from pipeline.mailbox.trouble import MailGone, MailTooLarge

PIECE_OCTETS = 1_048_576  # how much of a mail is asked for at a time
_BATCH = 500  # UIDs named in one command: the line stays under the 8,192 octets every server reads
_SEARCHED_ID = 512  # longest Message-ID put into a SEARCH
_FALLBACK_DRAFTS, _FALLBACK_SENT = "Drafts", "Sent"
_THREAD = "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID IN-REPLY-TO REFERENCES)]"


class Imap:
    """Mailbox on an IMAP server. Connects on first use; after trouble, the next call connects anew.

    Keep the object between visits: it remembers the sizes of the mails, so that a list is asked for by number only.
    """

    def __init__(self, settings: ImapSettings, *, login: Login = password_login) -> None:
        self.name = f"imap:{settings.user}@{settings.host}"
        self._settings = settings
        self._session = Session(settings, login)
        self._generation = ""
        self._sizes: dict[int, int] = {}
        self._sent: dict[Ref, SentMail | None] = {}
        self._reading: tuple[Any, str, str] | None = None

    def unread(self) -> Sequence[Listed]:
        """Return the unread mails of the inbox by UID, which is the order they came in."""
        with self._visit("list the unread mails") as client:
            inbox = self._settings.inbox
            generation = select(client, inbox)
            # A mail's size never changes under its UID and UIDVALIDITY (RFC 3501, 2.3.1.1).
            known = self._sizes if generation == self._generation else {}
            found = sorted(client.search("UNSEEN UNDELETED"))
            sizes = {uid: known[uid] for uid in found if uid in known}
            for uids in _batches([uid for uid in found if uid not in known]):
                answer = client.fetch(uids, ["RFC822.SIZE"])
                sizes.update(
                    {uid: answer[uid][b"RFC822.SIZE"] for uid in uids if b"RFC822.SIZE" in answer.get(uid, ())}
                )
            self._generation, self._sizes = generation, sizes
            return [Listed(Ref(inbox, generation, str(uid)), sizes[uid]) for uid in found if uid in sizes]

    def fetch(self, ref: Ref) -> bytes:
        """Return the bytes, asked for in pieces. MailGone where it is no longer there, MailTooLarge over the limit."""
        with self._session.visit("fetch a mail") as client:
            if self._selected(client, ref.folder) != ref.generation:
                raise MailGone(f"The server numbers the mails of {ref.folder} anew: the mail will be listed again.")
            return b"".join(self._pieces(client, int(ref.uid), self._settings.max_octets))

    def save_draft(self, raw: bytes, message_id: str) -> bool:
        """Append with the flags of a draft, unless the folder holds one with exactly this Message-ID."""
        require_own_id(raw, message_id)
        with self._visit("save a draft") as client:
            return _appended(client, raw, message_id, self._drafts_folder(client), DRAFT, SEEN)

    def drafts(self, message_ids: Sequence[str]) -> Mapping[str, Sequence[Trace]]:
        """Search every folder that opens, mails marked deleted included."""
        found: dict[str, list[Trace]] = {}
        with self._visit("look for drafts of ours") as client:
            drafts = self._settings.drafts or special(client, DRAFTS) or _FALLBACK_DRAFTS
            sent = self._settings.sent or special(client, SENT) or _FALLBACK_SENT
            places = {place_of(client, sent)[0]: Place.SENT, place_of(client, drafts)[0]: Place.DRAFTS}
            for folder in folders(client):
                try:
                    generation = select(client, folder)
                except IMAP4.abort:
                    raise
                except IMAP4.error:  # another's folder that is listed and not to be read, or deleted just now
                    continue
                for message_id in message_ids:
                    for uid, deleted in _carrying(client, message_id):
                        place = Place.ELSEWHERE if deleted else places.get(folder, Place.ELSEWHERE)
                        there = Ref(folder, generation, str(uid))
                        ours = place is Place.DRAFTS
                        trace = Trace(place, self._digest(client, uid), ref=there) if ours else Trace(place)
                        found.setdefault(message_id, []).append(trace)
        return found

    def sent(self, since: date) -> Sequence[SentMail]:
        r"""Return the mails of the folder the server calls ``\Sent`` (RFC 6154), else ``Sent``, by internal date."""
        with self._visit("look into the folder of sent mails") as client:
            folder = self._sent_folder(client)
            if not folder:
                return []
            generation = select(client, folder)
            places = {uid: Ref(folder, generation, str(uid)) for uid in client.search(["SINCE", since, "UNDELETED"])}
            known = {ref: self._sent[ref] for ref in places.values() if ref in self._sent}
            for uids in _batches(sorted(uid for uid, ref in places.items() if ref not in known)):
                for uid, answer in client.fetch(uids, [_THREAD]).items():
                    known[places[uid]] = _sent_mail(places[uid], _body(answer))
            self._sent = known
            return [mail for _, ref in sorted(places.items()) if (mail := known.get(ref))]

    def put_note(self, raw: bytes, message_id: str, folder: str) -> bool:
        """Append, unread, unless the folder holds one with exactly this Message-ID."""
        require_own_id(raw, message_id)
        with self._visit(f"put a note into {folder}") as client:
            return _appended(client, raw, message_id, made(client, folder))

    def file_away(self, ref: Ref, sha256: str, message_id: str, target: str, *, read: bool = True) -> Filed:
        """Mark read and MOVE (RFC 6851); on a server without it COPY, mark deleted, and UID EXPUNGE where it can.

        Without UIDPLUS (RFC 4315) the mail stays in the inbox, marked deleted, until a person's mail program
        expunges it: a plain EXPUNGE would take other people's deleted mails with it. A mail marked deleted counts
        as no longer being there.
        """
        with self._visit(f"file a mail into {target}") as client:
            source = ref.folder if ref.folder == self._settings.inbox else place_of(client, ref.folder)[0]
            uid = self._find(client, Ref(source, ref.generation, ref.uid), sha256, message_id)
            if uid is None:
                return Filed.ALREADY if self._holds(client, target, sha256, message_id) else Filed.GONE
            marks = [SEEN] if read else []
            if client.has_capability("MOVE"):
                folder = made(client, target)
                _mark(client, uid, *marks)
                client.move([uid], folder)
                return Filed.DONE
            copied = self._holds(client, target, sha256, message_id)
            folder = made(client, target)
            select(client, source, write=True)
            _mark(client, uid, *marks)
            if not copied:
                client.copy([uid], folder)
            _mark(client, uid, DELETED)
            if client.has_capability("UIDPLUS"):
                client.uid_expunge([uid])
            return Filed.DONE

    def describe(self) -> Sequence[str]:
        """Return what the server is and can do, the folders, and what is missing."""
        settings = self._settings
        with self._visit("look into it") as client:
            inbox = client.folder_status(settings.inbox, ["MESSAGES", "UNSEEN"])
            own = "" if settings.drafts else special(client, DRAFTS)
            drafts, exists = place_of(client, own or settings.drafts or _FALLBACK_DRAFTS)
            absent = (
                "is MISSING: create it, or correct the setting" if settings.drafts else "is made with the first draft"
            )
            moves = next((way for way in ("MOVE", "UIDPLUS") if client.has_capability(way)), "")
            filing = {
                "MOVE": "MOVE: mails are filed in one step",
                "UIDPLUS": "no MOVE, but UIDPLUS: mails are filed by copying, then expunged one by one",
                "": "neither MOVE nor UIDPLUS: filed mails stay in the inbox marked deleted until a person expunges",
            }[moves]
            line = "unprotected" if settings.tls is Tls.NONE else f"{client.socket().version()} ({settings.tls})"
            return [
                f"IMAP {settings.place} as {settings.user}",
                f"connection: {line}, roots: {settings.ca_file or 'the system’s'}",
                f"inbox {settings.inbox!r}: {inbox[b'MESSAGES']} mails, {inbox[b'UNSEEN']} unread",
                f"drafts folder {drafts!r} {'is there' if exists else absent}",
                self._of_sent(client),
                f"folders: {', '.join(sorted(folders(client)))}",
                filing,
            ]

    def close(self) -> None:
        """Log out. Never raises."""
        self._session.close()

    def _visit(self, doing: str) -> AbstractContextManager[Any]:
        """Begin an operation that selects what it needs, so that no folder stays selected for reading mails."""
        self._reading = None
        return self._session.visit(doing)

    def _selected(self, client: Any, folder: str) -> str:
        """Return the UIDVALIDITY of a folder, which is selected once for all mails that are fetched in a row.

        It holds as long as the folder is selected (RFC 3501, 2.3.1.1).
        """
        if self._reading is None or self._reading[:2] != (client, folder):
            self._reading = None  # where the server says no, nothing is selected
            self._reading = (client, folder, select(client, folder))
        return self._reading[2]

    def _find(self, client: Any, ref: Ref, sha256: str, message_id: str) -> int | None:
        """Find the mail in its folder, now selected for writing: at its UID, else by Message-ID and digest."""
        if select(client, ref.folder, write=True) == ref.generation:
            uid = int(ref.uid)
            flags = client.fetch([uid], ["FLAGS"]).get(uid, {}).get(b"FLAGS", (DELETED,))
            if DELETED not in flags and self._digest(client, uid) == sha256:
                return uid
        return self._search(client, sha256, message_id)

    def _holds(self, client: Any, folder: str, sha256: str, message_id: str) -> bool:
        place, exists = place_of(client, folder)
        if not exists:
            return False
        select(client, place)
        return self._search(client, sha256, message_id) is not None

    def _search(self, client: Any, sha256: str, message_id: str) -> int | None:
        """Find a mail of the selected folder by the digest of its bytes; Message-ID only narrows the search."""
        uids = client.search(f"UNDELETED {_criteria(message_id)}")
        return next((uid for uid in uids if self._digest(client, uid) == sha256), None)

    def _digest(self, client: Any, uid: int) -> str:
        digest = hashlib.sha256()
        try:
            for piece in self._pieces(client, uid, None):
                digest.update(piece)
        except MailGone:
            return ""
        return digest.hexdigest()

    def _pieces(self, client: Any, uid: int, limit: int | None) -> Iterator[bytes]:
        """Give a mail of the selected folder piece by piece, without marking it read.

        A piece shorter than asked for is the last one: the size a server announces may be an estimate.
        """
        start = 0
        while True:
            answer = client.fetch([uid], ["RFC822.SIZE", f"BODY.PEEK[]<{start}.{PIECE_OCTETS}>"]).get(uid)
            if answer is None:
                raise MailGone(f"The mail with UID {uid} is no longer there: a person moved or deleted it.")
            piece = _body(answer)
            size = max(answer.get(b"RFC822.SIZE", 0), start + len(piece))
            if limit is not None and size > limit:
                raise MailTooLarge(size, limit)
            yield piece
            if len(piece) < PIECE_OCTETS:
                return
            start += len(piece)

    def _of_sent(self, client: Any) -> str:
        try:
            folder = self._sent_folder(client)
        except MailboxRefused as error:
            return f"sent mails: MISSING. {error}"
        return f"sent mails: in {folder!r}" if folder else "sent mails: no folder of them, so replies are not seen"

    def _sent_folder(self, client: Any) -> str:
        configured = self._settings.sent
        place, exists = place_of(client, configured or special(client, SENT) or _FALLBACK_SENT)
        if configured and not exists:
            raise MailboxRefused(
                f"IMAP {self._settings.place}: there is no folder {configured!r} of sent mails. Create it, or correct "
                "the setting; when the setting is empty the server's own folder is used."
            )
        return place if exists else ""

    def _drafts_folder(self, client: Any) -> str:
        """The configured folder, which must exist; else the server's own, else ``Drafts``, made when missing."""
        configured = self._settings.drafts
        if not configured:
            return special(client, DRAFTS) or made(client, _FALLBACK_DRAFTS)
        place, exists = place_of(client, configured)
        if not exists:
            raise MailboxRefused(
                f"IMAP {self._settings.place}: there is no drafts folder {configured!r}. Create it, or correct the "
                "setting; when the setting is empty the server's own drafts folder is used."
            )
        return place


def _sent_mail(ref: Ref, header: bytes) -> SentMail | None:
    message_id = message_id_of(header)
    return SentMail(ref, message_id, references_in(header)) if message_id else None


def _appended(client: Any, raw: bytes, message_id: str, folder: str, *flags: bytes) -> bool:
    """Append a mail unless the folder holds one with exactly this Message-ID; True when it was appended now."""
    select(client, folder)
    if any(_carrying(client, message_id)):
        return False
    client.append(folder, raw, flags=flags)
    return True


def _mark(client: Any, uid: int, *flags: bytes) -> None:
    """Set flags on a mail of the selected folder, where any are named."""
    if flags:
        client.add_flags([uid], list(flags), silent=True)


def _carrying(client: Any, message_id: str) -> Iterator[tuple[int, bool]]:
    """Give the mails of the selected folder with exactly this Message-ID, and whether each is marked deleted.

    SEARCH matches any part of the field (RFC 3501, 6.4.4): only the header itself tells.
    """
    for uids in _batches(client.search(_criteria(message_id))):
        for uid, answer in client.fetch(uids, ["FLAGS", "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"]).items():
            if message_id_of(_body(answer)) == message_id:
                yield uid, DELETED in answer.get(b"FLAGS", ())


def _criteria(message_id: str) -> str:
    """SEARCH keys that a mail with this Message-ID meets. An id that is not plain ASCII never goes into a command."""
    if not message_id:
        return 'NOT HEADER Message-ID ""'
    if len(message_id) > _SEARCHED_ID or not (message_id.isascii() and message_id.isprintable()):
        return 'HEADER Message-ID ""'
    quoted = message_id.replace("\\", "\\\\").replace('"', '\\"')
    return f'HEADER Message-ID "{quoted}"'


def _batches(uids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (uids[start : start + _BATCH] for start in range(0, len(uids), _BATCH))


def _body(answer: dict[bytes, Any]) -> bytes:
    """Return the one BODY[...] value of a FETCH answer; servers spell its name in their own ways."""
    return next((value or b"" for name, value in answer.items() if name.startswith(b"BODY[")), b"")
