"""The folder where Releases stand: ``X.YYY/white``, ``green`` and ``red``, each audience with a file mode of its own.

A Release stands there whole or not at all. It is written into a hidden folder beside, put on the disk, and given its
name in one step; a hidden folder that a killed writer left behind is swept by the next one.
"""

import fcntl
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

MANIFEST = "manifest.json"
"""In the folder of each audience: what stands there. In the Release's own folder: all of it, for those who see RED."""

_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{3,4}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_UNFINISHED = ".new-"


class Audience(StrEnum):
    """Who may see a document of a Release (SEC Panel Information Policy)."""

    WHITE = "white"
    """The public."""
    GREEN = "green"
    """SEC Parties and other stakeholders; not to be published."""
    RED = "red"
    """The Security Sub-Committee alone (law 8)."""


@dataclass(frozen=True, slots=True)
class ShelfFile:
    """One document of a Release under its file name."""

    audience: Audience
    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Modes:
    """File modes by audience, as [release] of the settings has them. Folders can be entered by who may read."""

    white: int = 0o644
    green: int = 0o640
    red: int = 0o600

    def of(self, audience: Audience) -> int:
        """Return the mode of an audience's files."""
        return {Audience.WHITE: self.white, Audience.GREEN: self.green, Audience.RED: self.red}[audience]


class ShelfConflict(Exception):  # noqa: N818 - named for the fact
    """Something else stands under this version already. The text names the files that differ."""


class ShelfUnavailable(Exception):  # noqa: N818 - named for the fact
    """The folder cannot be read or written (disk full, rights): no new Release stands there, no old one is touched."""


def release_files(version: str, *, cpl: bytes, csv: bytes, fir: bytes, dzir: bytes) -> tuple[ShelfFile, ...]:
    """Return the documents of a Release under their names, each for its audience. version: ``3.001``."""
    return (
        ShelfFile(Audience.WHITE, f"Central-Products-List_{version}.xlsm", cpl),
        ShelfFile(Audience.WHITE, f"Central-Products-List_{version}.csv", csv),
        ShelfFile(Audience.GREEN, f"Firmware-Information-Repository_{version}.xlsx", fir),
        ShelfFile(Audience.RED, f"Device-ZigBee-Information-Repository_{version}.xlsx", dzir),
    )


@dataclass(frozen=True, slots=True)
class _Planned:
    """One file as it will stand: its path in the Release's folder, its bytes and its mode."""

    path: str
    data: bytes = field(repr=False)
    mode: int


class Shelf:
    """The folder of Releases. Safe between processes; the umask plays no part."""

    def __init__(self, folder: Path, modes: Modes = Modes()) -> None:
        """Folder: made when missing. modes: of the files put from now on."""
        self.folder = folder
        self.modes = modes

    def put(self, version: str, files: Sequence[ShelfFile]) -> Path:
        """Put a Release there and return its folder; when it returns, it survives a power cut.

        The same files again change nothing. ShelfConflict where other bytes stand under that version,
        ShelfUnavailable where the disk says no, ValueError for a version or file name that is none.
        """
        planned = self._planned(version, files)
        target = self.folder / version
        try:
            with self._alone():
                if target.exists():
                    _same(target, planned)
                else:
                    self._write(target, planned)
                # Also for a folder found there: its writer may have been killed between the rename and this.
                _sync(self.folder)
        except OSError as error:
            raise ShelfUnavailable(
                f"Release {version} cannot be put into {self.folder} ({error.strerror or type(error).__name__}): "
                "free space on its disk, or give its owner the right to write there; then publish again."
            ) from error
        return target

    def _planned(self, version: str, files: Sequence[ShelfFile]) -> tuple[_Planned, ...]:
        if not _VERSION.fullmatch(version):
            raise ValueError(f"{version!r} is no version of the CPL, such as 3.001")
        if len({(file.audience, file.name.casefold()) for file in files}) != len(files):
            raise ValueError(f"Release {version} has two files of one name for the same audience")
        for file in files:
            if not _NAME.fullmatch(file.name) or file.name.casefold() == MANIFEST:
                raise ValueError(f"{file.name!r} cannot be the name of a file of a Release")
        planned = [_Planned(f"{file.audience}/{file.name}", file.data, self.modes.of(file.audience)) for file in files]
        for audience in Audience:
            theirs = [file for file in files if file.audience is audience]
            planned.append(_Planned(f"{audience}/{MANIFEST}", _manifest(version, theirs), self.modes.of(audience)))
        return (*planned, _Planned(MANIFEST, _manifest(version, files), self.modes.red))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the folder against other writers; the system lets go of it when this process ends."""
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(self._passed())
            _sync(self.folder.parent)
        handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            for left in self.folder.glob(f"{_UNFINISHED}*"):
                shutil.rmtree(left)
            yield
        finally:
            os.close(handle)

    def _passed(self) -> int:
        """Return the mode of a folder that everybody passes who may enter one of the three."""
        return _entered(self.modes.white | self.modes.green | self.modes.red)

    def _write(self, target: Path, planned: Sequence[_Planned]) -> None:
        """Write beside the target and rename. Modes are given last: nobody sees into it before (mkdtemp: 0700)."""
        new = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self.folder))
        try:
            for audience in Audience:
                (new / audience).mkdir(mode=0o700)
            for file in planned:
                _write(new / file.path, file)
            for audience in Audience:
                (new / audience).chmod(_entered(self.modes.of(audience)))
                _sync(new / audience)
            new.chmod(self._passed())
            _sync(new)
            new.rename(target)
        except BaseException:
            with suppress(OSError):
                shutil.rmtree(new)
            raise


def _manifest(version: str, files: Sequence[ShelfFile]) -> bytes:
    """Return the manifest of these files: no time and no place in it, so the same Release has the same one."""
    listed: list[Mapping[str, str | int]] = [
        {
            "audience": file.audience.value,
            "name": file.name,
            "size": len(file.data),
            "sha256": sha256(file.data).hexdigest(),
        }
        for file in files
    ]
    return json.dumps({"schema": 1, "version": version, "files": listed}, indent=2).encode() + b"\n"


def _entered(mode: int) -> int:
    """Return a folder's mode for that of its files: who may read them may enter it."""
    return mode | (mode & 0o444) >> 2


def _write(path: Path, file: _Planned) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(file.data)
        stream.flush()
        os.fchmod(handle, file.mode)
        os.fsync(handle)


def _sync(folder: Path) -> None:
    """Put a folder's entries on the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _same(target: Path, planned: Sequence[_Planned]) -> None:
    """Raise ShelfConflict unless exactly these files stand in the folder."""
    due = {file.path: file.data for file in planned}
    stand = {path.relative_to(target).as_posix(): path for path in target.rglob("*") if not path.is_dir()}
    differ = {path for path, data in due.items() if path not in stand or stand[path].read_bytes() != data}
    wrong = sorted(differ | stand.keys() - due.keys())
    if wrong:
        raise ShelfConflict(
            f"Release {target.name} stands in {target.parent} with other content ({', '.join(wrong)}). "
            "A version is published once: plan the next one, or take that folder away if it was never given out."
        )
