"""Bytes kept once, by their sha256: mails, their attachments, drafts, imported lists and rules bundles."""

import hashlib
import os
import re
import tempfile
from pathlib import Path

_SHA256 = re.compile(r"[0-9a-f]{64}")


class ArtefactMissing(LookupError):  # noqa: N818 - named for the fact, as the mailbox port's are
    """No artefact of that sha256 is in the store."""


class ArtefactDamaged(Exception):  # noqa: N818 - named for the fact, as the mailbox port's are
    """The stored bytes no longer have the sha256 they were stored under."""


class ArtefactsUnavailable(Exception):  # noqa: N818 - named for the fact, as the mailbox port's are
    """The store's folder cannot be read or written (disk full, rights, I/O error): nothing half-written is visible."""


class Artefacts:
    """A folder of artefacts: ``root/ab/cd/<sha256>``, files of mode 0600 in folders of mode 0700.

    A file stands under its name only when all its bytes are on the disk; a killed ``put`` leaves at most a hidden
    file that nothing reads.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, data: bytes) -> str:
        """Store the bytes and return their sha256 in hexadecimal; when it returns, they survive a power cut.

        Bytes that are there already in the right size are left alone. ArtefactsUnavailable when the disk says no.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        target = self.path(sha256)
        try:
            if not (target.is_file() and target.stat().st_size == len(data)):
                self._make_folder(target.parent)
                _write(target, data)
            # Also for a file found there: its writer may have been killed between the rename and this.
            _sync_folder(target.parent)
        except OSError as error:
            raise ArtefactsUnavailable(
                f"The artefact store {self.root} cannot take {len(data)} octets ({_said(error)}): "
                "free space on its disk, or give its owner the right to write there."
            ) from error
        return sha256

    def get(self, sha256: str) -> bytes:
        """Return the bytes of that sha256, checked. ArtefactMissing, ArtefactDamaged or ArtefactsUnavailable."""
        try:
            data = self.path(sha256).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise ArtefactMissing(f"{self.root} holds no artefact {sha256}: restore it from a backup.") from None
        except OSError as error:
            raise ArtefactsUnavailable(f"The artefact {sha256} cannot be read ({_said(error)}).") from error
        found = hashlib.sha256(data).hexdigest()
        if found != sha256:
            raise ArtefactDamaged(
                f"The artefact {sha256} is damaged: its {len(data)} octets have the sha256 {found}. "
                "Restore it from a backup."
            )
        return data

    def has(self, sha256: str) -> bool:
        """Say whether a file stands under that sha256, unchecked."""
        return self.path(sha256).is_file()

    def path(self, sha256: str) -> Path:
        """Return where an artefact of that sha256 stands, or would. ArtefactMissing for a text that is no sha256."""
        if not _SHA256.fullmatch(sha256):
            raise ArtefactMissing(f"{sha256!r} is not a sha256 (64 lower-case hexadecimal digits).")
        return self.root / sha256[:2] / sha256[2:4] / sha256

    def _make_folder(self, folder: Path) -> None:
        """Make the folder and those above it, each one's entry on the disk before anything stands in it."""
        if folder.is_dir():
            return
        self._make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(folder.parent)


def _write(target: Path, data: bytes) -> None:
    """Write beside the target (mkstemp makes mode 0600), sync, and give the file its name in one step."""
    handle, name = tempfile.mkstemp(prefix=".new-", dir=target.parent)
    new = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(target)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    """Put a folder's entries on the disk; without it a rename may be lost with the power."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _said(error: OSError) -> str:
    """Return what the system said, without the path it may have added."""
    return error.strerror or type(error).__name__
