"""A Maildir++ folder tree as a mailbox: the embedded default, for the demo, dry runs and local delivery.

The layout is that of https://cr.yp.to/proto/maildir.html with Courier's Maildir++ folders (``.Drafts`` beside ``cur``).
The standard library's ``mailbox`` is not used: it moves mails from new to cur as it reads, and does not fsync.
"""

import contextlib
import errno
import hashlib
import itertools
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

from pipeline.mailbox.headers import HEADER_OCTETS, message_id_of, references_in, require_own_id
from pipeline.mailbox.port import (
    Filed,
    Listed,
    MailboxRefused,
    MailboxUnavailable,
    Place,
    Ref,
    SentMail,
    Trace,
)
from pipeline.mailbox.trouble import MailGone, MailTooLarge

INBOX = "INBOX"
_GENERATION = "maildir"  # base names are unique for ever: nothing ever makes them void
_MARK = ":2,"
_PARTS = ("tmp", "new", "cur")
_LASTING = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}
_TRIES = 3

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MaildirSettings:
    """Where a Maildir stands. name: for the ledger, ``maildir:<path>`` when empty. max_octets: of one mail."""

    path: Path
    name: str = ""
    drafts: str = "Drafts"
    sent: str = "Sent"
    max_octets: int = 60_000_000


@dataclass(frozen=True, slots=True)
class _Entry:
    """One mail's file. uid: base name without flags. flags: letters such as ``S`` (seen), ``T`` (trashed)."""

    path: Path
    uid: str
    flags: str
    size: int
    delivered: int

    @property
    def unread(self) -> bool:
        return "S" not in self.flags


class Maildir:
    """Mailbox over a Maildir++ tree. Folder names may have levels joined by ``/``."""

    def __init__(
        self,
        path: Path,
        *,
        name: str = "",
        drafts: str = "Drafts",
        sent: str = "Sent",
        max_octets: int = 60_000_000,
    ) -> None:
        self.name = name or f"maildir:{path}"
        self._path = path
        self._drafts = drafts
        self._sent = sent
        self._max_octets = max_octets
        self._deliveries = itertools.count(1)

    def unread(self) -> Sequence[Listed]:
        """Return the unread mails, oldest delivery first."""
        with self._trouble("list the unread mails"):
            found = sorted((e.delivered, e.uid, e.size) for e in self._entries(INBOX) if e.unread)
            return [Listed(Ref(INBOX, _GENERATION, uid), size) for _, uid, size in found]

    def fetch(self, ref: Ref) -> bytes:
        """Return the file's bytes. MailGone where it is no longer there, MailTooLarge over ``max_octets``."""
        with self._trouble("read a mail"):
            return self._steadily(lambda: self._read(ref))

    def save_draft(self, raw: bytes, message_id: str) -> bool:
        """Write a draft, flagged as draft and seen, unless one with this Message-ID is there."""
        require_own_id(raw, message_id)
        with self._trouble("save a draft"):
            return self._put(raw, message_id, self._drafts, "DS")

    def drafts(self, message_ids: Sequence[str]) -> Mapping[str, Sequence[Trace]]:
        """Look into every folder, mails marked deleted included."""
        with self._trouble("look for drafts of ours"):
            return self._steadily(lambda: self._traces(frozenset(message_ids)))

    def sent(self, since: date) -> Sequence[SentMail]:
        """Return what lies in the folder of sent mails, by the time of its file."""
        with self._trouble("look into the folder of sent mails"):
            return self._steadily(lambda: list(self._sent_since(since)))

    def put_note(self, raw: bytes, message_id: str, folder: str) -> bool:
        """Write a mail, unread, unless one with this Message-ID is in the folder."""
        require_own_id(raw, message_id)
        with self._trouble(f"put a note into {folder}"):
            return self._put(raw, message_id, folder, "")

    def file_away(
        self,
        ref: Ref,
        sha256: str,
        message_id: str,  # noqa: ARG002 - the port's; here every file can be digested, and the digest is the identity
        target: str,
        *,
        read: bool = True,
    ) -> Filed:
        """Rename the mail into ``target``: one atomic step, so there is no half-done state."""
        with self._trouble(f"file a mail into {target}"):
            return self._steadily(lambda: self._move(ref, sha256, target, "S" if read else ""))

    def describe(self) -> Sequence[str]:
        """Return what stands here: the path, the inbox's numbers, the folders, and what is missing."""
        with self._trouble("look into it"):
            inbox = list(self._entries(INBOX))
            folders = self._folders()
            drafts = "is there" if self._drafts in folders else "is missing and made with the first draft"
            return [
                f"Maildir {self._path}",
                f"inbox: {len(inbox)} mails, {sum(e.unread for e in inbox)} unread",
                f"folders: {', '.join(folders) or 'none'}",
                f"drafts folder {self._drafts!r} {drafts}",
                "writable" if os.access(self._path, os.W_OK) else "NOT writable: give the worker's user write access",
            ]

    def close(self) -> None:
        """Nothing is held open."""

    def deliver(self, raw: bytes) -> str:
        """Put a mail into the inbox as a mail server would, making the Maildir when missing; return its uid."""
        with self._trouble("deliver a mail"):
            self._make(INBOX)
            return self._write(raw, INBOX, "new", "")

    def _put(self, raw: bytes, message_id: str, folder: str, flags: str) -> bool:
        self._make(folder)
        if self._steadily(lambda: any(_message_id(e) == message_id for e in self._entries(folder, "T"))):
            return False
        self._write(raw, folder, "cur", f"{_MARK}{flags}")
        return True

    def _traces(self, wanted: frozenset[str]) -> dict[str, list[Trace]]:
        places = {self._drafts: Place.DRAFTS, self._sent: Place.SENT}
        found: dict[str, list[Trace]] = {}
        for folder in [INBOX, *self._folders()]:
            for entry in self._entries(folder, "T"):
                place = Place.ELSEWHERE if "T" in entry.flags else places.get(folder, Place.ELSEWHERE)
                if (known := _message_id(entry)) in wanted:
                    there = Ref(folder, _GENERATION, entry.uid)
                    trace = Trace(place, _digest(entry), ref=there) if place is Place.DRAFTS else Trace(place)
                    found.setdefault(known, []).append(trace)
        return found

    def _sent_since(self, since: date) -> Iterator[SentMail]:
        for entry in sorted(self._entries(self._sent), key=lambda entry: (entry.delivered, entry.uid)):
            if datetime.fromtimestamp(entry.delivered / 1e9, UTC).date() >= since:
                header = _header(entry)
                if message_id := message_id_of(header):
                    yield SentMail(Ref(self._sent, _GENERATION, entry.uid), message_id, references_in(header))

    def _folders(self) -> list[str]:
        return sorted(p.name[1:].replace(".", "/") for p in self._path.glob(".*") if (p / "cur").is_dir())

    def _folder(self, folder: str) -> Path:
        if folder.upper() == INBOX:
            return self._path
        levels = folder.split("/")
        if any(not level or "." in level or "\0" in level for level in levels):
            raise MailboxRefused(
                f"{folder!r} cannot be a Maildir folder: a level is empty or has a dot in it. Name it otherwise."
            )
        return self._path / ("." + ".".join(levels))

    def _make(self, folder: str) -> None:
        home = self._folder(folder)
        if all((home / part).is_dir() for part in _PARTS):
            return
        for part in _PARTS:
            (home / part).mkdir(parents=True, exist_ok=True)
        if home != self._path:
            (home / "maildirfolder").touch()  # Maildir++: tells a mail server that this is a folder of another
        _sync(home)
        _sync(home.parent)

    def _entries(self, folder: str, besides: str = "") -> list[_Entry]:
        """List a folder's mails without the trashed ones; with them where ``besides`` is ``T``."""
        home = self._folder(folder)
        if folder.upper() != INBOX and not home.exists():
            return []
        found: dict[str, _Entry] = {}
        for part in ("new", "cur"):  # in this order: a mail program moves mails from new to cur, maybe just now
            if folder.upper() != INBOX and not (home / part).is_dir():
                continue  # a folder that another program made by halves
            with os.scandir(home / part) as files:
                found.update((entry.uid, entry) for entry in map(_entry, files) if entry)
        return [entry for entry in found.values() if "T" not in entry.flags or besides == "T"]

    def _find(self, folder: str, uid: str, sha256: str) -> _Entry | None:
        """Find the mail by its digest, looking at the one of that name first."""
        entries = sorted(self._entries(folder), key=lambda entry: entry.uid != uid)
        return next((entry for entry in entries if _digest(entry) == sha256), None)

    def _read(self, ref: Ref) -> bytes:
        entry = next((entry for entry in self._entries(ref.folder) if entry.uid == ref.uid), None)
        if entry is None:
            raise MailGone(f"The mail {ref.uid} is no longer in {ref.folder} of {self._path}: a person moved it.")
        if entry.size > self._max_octets:
            raise MailTooLarge(entry.size, self._max_octets)
        return entry.path.read_bytes()

    def _move(self, ref: Ref, sha256: str, target: str, mark: str) -> Filed:
        entry = self._find(ref.folder, ref.uid, sha256)
        if entry is None:
            return Filed.ALREADY if self._find(target, ref.uid, sha256) else Filed.GONE
        self._make(target)
        # Another mail may have the name there (a restored backup): a rename would destroy it.
        taken = {other.uid for other in self._entries(target, "T")}
        names = itertools.chain([entry.uid], (f"{entry.uid}-{number}" for number in itertools.count(2)))
        uid = next(name for name in names if name not in taken)
        flags = "".join(sorted({*entry.flags, *mark}))
        goal = self._folder(target) / "cur" / f"{uid}{_MARK}{flags}"
        entry.path.rename(goal)
        _sync(goal.parent)
        _sync(entry.path.parent)
        return Filed.DONE

    def _steadily(self, act: Callable[[], T]) -> T:
        """Do it again where a file went away between our look and our touch: a mail program re-flags by renaming."""
        for _ in range(_TRIES - 1):
            with contextlib.suppress(FileNotFoundError):
                return act()
        return act()

    def _write(self, raw: bytes, folder: str, part: str, mark: str) -> str:
        """Write under tmp, fsync, rename, fsync the folder: a crash leaves the whole mail or none."""
        home = self._folder(folder)
        handle, name = tempfile.mkstemp(dir=home / "tmp")
        written = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
                stamp = os.fstat(file.fileno()).st_mtime_ns
            # The usual name: time (the file system's own), process, and number of deliveries by this process.
            second, rest = divmod(stamp, 1_000_000_000)
            uid = f"{second}.M{rest // 1000:06d}P{os.getpid()}Q{next(self._deliveries):06d}.pipeline"
            written.rename(home / part / (uid + mark))
        except BaseException:
            written.unlink(missing_ok=True)
            raise
        _sync(home / part)
        return uid

    @contextlib.contextmanager
    def _trouble(self, doing: str) -> Iterator[None]:
        """Turn the operating system's words into the port's two exceptions."""
        try:
            yield
        except OSError as error:
            text = (
                f"Maildir {self._path}: could not {doing}: {error.strerror or error} ({error.filename or 'no file'})."
            )
            if error.errno in _LASTING:
                raise MailboxRefused(f"{text} Check the path and the rights of the worker's user.") from error
            raise MailboxUnavailable(text) from error


def _entry(file: "os.DirEntry[str]") -> _Entry | None:
    """Read one folder entry; None for what is no mail (hidden, a link, a pipe) or went away meanwhile."""
    if file.name.startswith(".") or not file.is_file(follow_symlinks=False):
        return None
    try:
        status = file.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    uid, _, flags = file.name.partition(_MARK)
    return _Entry(Path(file.path), uid, flags, status.st_size, status.st_mtime_ns)


def _message_id(entry: _Entry) -> str:
    return message_id_of(_header(entry))


def _header(entry: _Entry) -> bytes:
    with entry.path.open("rb") as file:
        return file.read(HEADER_OCTETS)


def _digest(entry: _Entry) -> str:
    with entry.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
