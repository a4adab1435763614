"""Zip archives from a mail, opened in memory and held to limits before anything is inflated.

Nothing is ever written to disk, so a member named ``../../x`` can only be a file with an odd name.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.domain.message import Problem
from pipeline.readers.encoding import safe_steps, shown
from pipeline.readers.mime import MailLimits

_CENTRAL = b"PK\x01\x02"
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the two whose reading zipfile can stop at an exact octet
_APPLE_SHADOWS = "__MACOSX/"  # resource forks that macOS adds beside every file: ``._form.xlsm``
_NAMED = 5

# What zipfile raises on broken archives, as seen on fuzzed ones.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    IndexError,
    KeyError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Archive:
    """A zip whose directory could be read."""

    file: zipfile.ZipFile
    members: tuple[zipfile.ZipInfo, ...]

    @property
    def names(self) -> frozenset[str]:
        """The members' names, lower case (part names of Office packages ignore case: ECMA-376 Part 2, 6.2.2.3).

        Some writers part the steps with a backslash, which Office reads.
        """
        return frozenset(member.filename.lower().replace("\\", "/") for member in self.members)


def open_archive(data: bytes, limits: MailLimits, path: str) -> Archive | Problem:
    """Read the directory of a zip. path: of the archive in the mail, for the Problem."""
    entries = data.count(_CENTRAL)  # before zipfile makes an object of each; zips inside, stored, count as well
    if entries > limits.entries:
        return Problem("limit", f"{path} holds {entries:,} files; at most {limits.entries:,} are read.", path)
    try:
        file = zipfile.ZipFile(io.BytesIO(data))
    except _BROKEN as error:
        return Problem(
            "damaged", f"{path} is damaged and cannot be opened: {_said(error)}. Ask for it to be sent again.", path
        )
    return Archive(file, tuple(member for member in file.infolist() if not member.is_dir()))


def members(
    archive: Archive, limits: MailLimits, left: int, path: str
) -> Iterator[tuple[tuple[str, ...], bytes] | Problem]:
    """Yield each file of the archive as its safe path steps and its octets, and Problems for what is not read.

    left: octets that may still be unpacked; an archive that declares more is not opened at all. The declared size is
    also where inflating stops: a file that holds more fails its check sum.
    """
    wanted = [member for member in archive.members if not member.filename.startswith(_APPLE_SHADOWS)]
    total = sum(member.file_size for member in wanted)
    if total > left:
        yield Problem("limit", f"{path} unpacks to {total:,} octets; {left:,} may still be read from this mail.", path)
        return
    locked = [member for member in wanted if member.flag_bits & _ENCRYPTED]
    if locked:
        text = f"{path} is protected with a password ({_listed(locked)}); ask for the files without one."
        yield Problem("encrypted", text, path)
    for member in wanted:
        steps = safe_steps(member.filename)
        problem = _refusal(member, limits, f"{path} › {' › '.join(steps)}")
        if member in locked:
            continue
        yield problem or _inflated(archive.file, member, steps, path)


def _refusal(member: zipfile.ZipInfo, limits: MailLimits, path: str) -> Problem | None:
    if member.compress_type not in _METHODS:
        text = f"{path} is compressed by method {member.compress_type}, which is not read; ask for an ordinary zip."
        return Problem("unsupported", text, path)
    if member.file_size > limits.small and member.file_size > limits.ratio * member.compress_size:
        text = (
            f"{path} would grow from {member.compress_size:,} to {member.file_size:,} octets, "
            f"more than {limits.ratio} times; it was not opened."
        )
        return Problem("limit", text, path)
    return None


def _inflated(
    file: zipfile.ZipFile, member: zipfile.ZipInfo, steps: tuple[str, ...], path: str
) -> tuple[tuple[str, ...], bytes] | Problem:
    try:
        with file.open(member) as stream:
            data = stream.read(member.file_size + 1)
    except _BROKEN as error:
        where = f"{path} › {' › '.join(steps)}"
        return Problem("damaged", f"{where} cannot be unpacked: {_said(error)}. Ask for it to be sent again.", where)
    return steps, data


def _said(error: BaseException) -> str:
    return shown(str(error), 120).rstrip(".") or type(error).__name__


def _listed(found: list[zipfile.ZipInfo]) -> str:
    names = ", ".join(" › ".join(safe_steps(member.filename)) for member in found[:_NAMED])
    return names if len(found) <= _NAMED else f"{names} and {len(found) - _NAMED:,} more"
