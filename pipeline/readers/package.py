"""One strict reading of an Office Open XML package (ECMA-376 Part 2): the bytes that every later reader uses.

Everything is checked on the central directory before a single octet is inflated, and inflating stops hard at the
size the directory promised, so that a hostile package costs no more than an honest one.
"""

import io
import posixpath
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import etree

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
_SMALL = 1 << 20
"""Below this size a part's ratio says nothing: empty rows compress very well."""


class Unreadable(Exception):  # noqa: N818 - named for the fact
    """The package cannot be read. Caught at the reader's boundary and stated as a Problem of this kind."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text


@dataclass(frozen=True, slots=True)
class PackageLimits:
    """What a package may cost. Octets, counts, and the ratio of inflated to packed octets of a large part."""

    parts: int = 2_000
    total: int = 200 << 20
    part: int = 64 << 20
    ratio: int = 200


@dataclass(frozen=True)
class Package:
    """A package whose directory has been checked. Part names are kept without the leading slash."""

    _zip: zipfile.ZipFile
    _parts: Mapping[str, zipfile.ZipInfo]
    types: Mapping[str, str] = field(default_factory=dict)
    """Part name to content type, from [Content_Types].xml overrides."""

    @property
    def names(self) -> tuple[str, ...]:
        """All part names, as written, in directory order."""
        return tuple(info.filename for info in self._parts.values())

    def has(self, name: str) -> bool:
        """Say whether there is such a part; names are compared without regard to case (ECMA-376 Part 2, 6.2.2.3)."""
        return name.lower() in self._parts

    def size(self, name: str) -> int:
        """Return the inflated size of a part in octets; 0 where there is none."""
        info = self._parts.get(name.lower())
        return info.file_size if info else 0

    def read(self, name: str) -> bytes:
        """Return the octets of a part; Unreadable where it is missing, damaged or larger than it said."""
        info = self._parts.get(name.lower())
        if info is None:
            raise Unreadable("damaged", f"the part {name} is missing from the workbook")
        try:
            with self._zip.open(info) as stream:
                data = stream.read(info.file_size + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise Unreadable("damaged", f"the part {name} cannot be unpacked ({error})") from error
        if len(data) != info.file_size:
            raise Unreadable("damaged", f"the part {name} is not as large as the workbook says")
        return data

    def xml(self, name: str) -> etree._Element:
        """Return the root element of an XML part, read without DTD, entities or network."""
        return parse_xml(self.read(name), name)

    def related(self, part: str) -> dict[str, tuple[str, str]]:
        """Return relationship id to (type, target part) of a part's internal relationships."""
        folder, base = posixpath.split(part)
        rels = posixpath.join(folder, "_rels", f"{base}.rels")
        if not self.has(rels):
            return {}
        found: dict[str, tuple[str, str]] = {}
        for element in self.xml(rels):
            target = element.get("Target", "")
            if element.get("TargetMode") == "External":
                continue
            absolute = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
            found[element.get("Id", "")] = (element.get("Type", ""), posixpath.normpath(absolute))
        return found


def parse_xml(data: bytes, name: str) -> etree._Element:
    """Parse XML that must have no document type; Unreadable names the part and the first fault."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unreadable("damaged", f"the part {name} is not well-formed XML ({str(error)[:120]})") from error
    info = root.getroottree().docinfo
    if info.doctype or info.internalDTD is not None:
        raise Unreadable("damaged", f"the part {name} declares a document type, which no Office program writes")
    return root


def open_package(data: bytes, limits: PackageLimits | None = None) -> Package:
    """Check a workbook's outside and open it. Unreadable says in words why it cannot be."""
    limits = limits or PackageLimits()
    if data.startswith(_OLE):
        if _ENCRYPTED_STREAM in data:
            raise Unreadable("encrypted", "the file is protected with a password to open it")
        raise Unreadable("unsupported", "the file is in the old Excel format (.xls), not an .xlsm workbook")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError) as error:
        raise Unreadable("damaged", "the file is not an Excel workbook, or it is incomplete") from error
    parts = _checked(entries, limits)
    package = Package(archive, parts)
    if not package.has("[Content_Types].xml"):
        raise Unreadable("unsupported", "the file is a zip archive but not an Excel workbook")
    types = {
        (element.get("PartName") or "").lstrip("/").lower(): element.get("ContentType", "")
        for element in package.xml("[Content_Types].xml")
        if etree.QName(element).localname == "Override"
    }
    return Package(archive, parts, types)


def _checked(entries: list[zipfile.ZipInfo], limits: PackageLimits) -> dict[str, zipfile.ZipInfo]:
    if len(entries) > limits.parts:
        raise Unreadable("limit", f"the workbook has {len(entries)} parts; at most {limits.parts} are read")
    total = sum(info.file_size for info in entries)
    if total > limits.total:
        raise Unreadable("limit", f"the workbook unpacks to {total >> 20} MB; at most {limits.total >> 20} MB are read")
    parts: dict[str, zipfile.ZipInfo] = {}
    for info in entries:
        name = info.filename
        if info.is_dir():
            continue
        if info.flag_bits & 0x1:
            raise Unreadable("encrypted", "the file is protected with a password to open it")
        if name.startswith("/") or "\\" in name or "\0" in name or ".." in name.split("/"):
            raise Unreadable("damaged", f"the workbook has a part with the forbidden name {name[:80]!r}")
        if name.lower() in parts:
            raise Unreadable("damaged", f"the workbook has two parts named {name[:80]!r}")
        if info.file_size > limits.part:
            raise Unreadable("limit", f"the part {name} unpacks to {info.file_size >> 20} MB; that is too large")
        if info.file_size > _SMALL and info.file_size > limits.ratio * max(info.compress_size, 1):
            raise Unreadable("limit", f"the part {name} unpacks to more than {limits.ratio} times its size")
        parts[name.lower()] = info
    return parts
