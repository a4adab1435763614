"""One strict reading of an Office Open XML package (ECMA-376 Part 2): the bytes that every later reader uses.

Everything is checked on the central directory before a single octet is inflated, and inflating stops hard at the
size the directory promised, so that a hostile package costs no more than an honest one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from pipeline.readers.opc import (
    TYPES_PART,
    ContentTypes,
    Relationship,
    content_types,
    relations_part,
    relationships,
)
from pipeline.readers.unreadable import Unreadable, shown
from pipeline.readers.zip_directory import ZipEntry, folded, read_directory, unpack

__all__ = ["Package", "PackageLimits", "Unreadable", "open_package", "parse_xml", "shown"]

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")
_SMALL = 1 << 20
"""Below this size a part's ratio says nothing: empty rows compress very well."""


@dataclass(frozen=True, slots=True)
class PackageLimits:
    """What a package may cost. Octets, counts, and the ratio of inflated to packed octets of a large part."""

    parts: int = 2_000
    total: int = 200 << 20
    part: int = 64 << 20
    ratio: int = 200


@dataclass(frozen=True, slots=True)
class Package:
    """A package whose directory has been checked. Part names are kept without the leading slash."""

    _data: bytes
    _entries: Mapping[str, ZipEntry]
    types: ContentTypes

    @property
    def names(self) -> tuple[str, ...]:
        """All part names, as written, in directory order."""
        return tuple(entry.name for entry in self._entries.values())

    def has(self, name: str) -> bool:
        """Say whether there is such a part; names are compared without regard to case (ECMA-376 Part 2, 6.2.2.3)."""
        return folded(name) in self._entries

    def written(self, name: str) -> str:
        """Return a part's name as the package writes it; empty where there is none."""
        entry = self._entries.get(folded(name))
        return entry.name if entry else ""

    def content_type(self, name: str) -> str:
        """Return what [Content_Types].xml says of a part, by its name or by its extension; empty for nothing."""
        return self.types.of(name)

    def size(self, name: str) -> int:
        """Return the inflated size of a part in octets; 0 where there is none."""
        entry = self._entries.get(folded(name))
        return entry.size if entry else 0

    def read(self, name: str) -> bytes:
        """Return the octets of a part; Unreadable where it is missing, damaged or larger than it said."""
        entry = self._entries.get(folded(name))
        if entry is None:
            raise Unreadable("damaged", f"the part {shown(name)} is missing from the workbook", "missing-part", name)
        return unpack(self._data, entry)

    def xml(self, name: str) -> etree._Element:
        """Return the root element of an XML part, read without DTD, entities or network."""
        return parse_xml(self.read(name), name)

    def relationships(self, part: str) -> tuple[Relationship, ...]:
        """Return all relationships of a part, or of the package for an empty name; none where it has none."""
        name = relations_part(part)
        return relationships(self.xml(name), part) if self.has(name) else ()

    def related(self, part: str) -> dict[str, tuple[str, str]]:
        """Return relationship id to (type, target part) of a part's internal relationships."""
        return {one.ident: (one.type, one.part) for one in self.relationships(part) if not one.external}


def parse_xml(data: bytes, name: str) -> etree._Element:
    """Parse XML that must have no document type; Unreadable names the part and the first fault.

    Comments and processing instructions are left out, so that every child is an element and a text is in one piece.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        text = f"the part {shown(name)} is not well-formed XML ({shown(str(error), 120)})"
        raise Unreadable("damaged", text, "xml-syntax", name) from error
    info = root.getroottree().docinfo
    if info.doctype or info.internalDTD is not None:
        text = f"the part {shown(name)} declares a document type, which no Office program writes"
        raise Unreadable("damaged", text, "xml-dtd", name)
    return root


def open_package(data: bytes, limits: PackageLimits | None = None) -> Package:
    """Check a workbook's outside and open it. Unreadable says in words why it cannot be."""
    limits = limits or PackageLimits()
    if data.startswith(_OLE):
        if _ENCRYPTED_STREAM in data:
            raise Unreadable("encrypted", "the file is protected with a password to open it")
        raise Unreadable("unsupported", "the file is in the old Excel format (.xls), not an .xlsm workbook")
    entries = read_directory(data)
    _check(entries, limits)
    if TYPES_PART.lower() not in entries:
        raise Unreadable("unsupported", "the file is a zip archive but not an Excel workbook")
    root = parse_xml(unpack(data, entries[TYPES_PART.lower()]), TYPES_PART)
    return Package(data, entries, content_types(root))


def _check(entries: Mapping[str, ZipEntry], limits: PackageLimits) -> None:
    if len(entries) > limits.parts:
        raise Unreadable("limit", f"the workbook has {len(entries)} parts; at most {limits.parts} are read")
    total = sum(entry.size for entry in entries.values())
    if total > limits.total:
        raise Unreadable("limit", f"the workbook unpacks to {_mb(total)} MB; at most {limits.total >> 20} MB are read")
    for entry in entries.values():
        if entry.size > limits.part:
            size = f"{_mb(entry.size)} MB; at most {limits.part >> 20} MB are read"
            raise Unreadable("limit", f"the part {shown(entry.name)} unpacks to {size}")
        if entry.size > _SMALL and entry.size > limits.ratio * max(entry.packed, 1):
            text = f"the part {shown(entry.name)} unpacks to more than {limits.ratio} times its size"
            raise Unreadable("limit", text)


def _mb(octets: int) -> int:
    """Whole megabytes, upwards, so that what is over a limit also reads so."""
    return -(-octets >> 20)
