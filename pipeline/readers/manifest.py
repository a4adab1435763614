"""The Manifest of a package signature: which parts and relationships it lists, and whether their digests hold.

ECMA-376 Part 2, 10.5.6 and 10.5.9; signxml does not look into a Manifest, so this is our own.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lxml import etree

from pipeline.domain.signature import SignatureFault
from pipeline.readers.opc import RELATIONSHIPS, RELATIONSHIPS_TYPE, Relationship, source_of
from pipeline.readers.package import Package, shown
from pipeline.readers.unreadable import Unreadable
from pipeline.readers.xmldsig import C14N, DS, SignatureRefused, damage, digest_of, fault, transforms

_TRANSFORM = "http://schemas.openxmlformats.org/package/2006/RelationshipTransform"
_MDSSI = "{http://schemas.openxmlformats.org/package/2006/digital-signature}"
_URI = re.compile(r"/([^?#]+)\?ContentType=([^?#]+)")
_MOST_FAULTS = 50


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one signature lists. Names as the package writes them, without the leading slash.

    parts: listed parts. intact: those whose digest holds. relationships: relationships part to the Ids listed of it.
    digests: algorithms used, by short name.
    """

    parts: frozenset[str]
    intact: frozenset[str]
    relationships: Mapping[str, frozenset[str]]
    digests: frozenset[str]
    faults: tuple[SignatureFault, ...]


@dataclass(slots=True)
class _Found:
    parts: set[str] = field(default_factory=set)
    intact: set[str] = field(default_factory=set)
    relationships: dict[str, frozenset[str]] = field(default_factory=dict)
    digests: set[str] = field(default_factory=set)
    faults: list[SignatureFault] = field(default_factory=list)


def read_manifest(package: Package, signed: etree._Element, signature: str) -> Manifest:
    """Hold the Manifest of a signed package Object against the package. signature: the part's name.

    What is wrong with a reference is a fault, and the next one is read; after 50 faults the rest is left.
    """
    found = _Found()
    listed = signed.findall(f"{DS}Manifest")
    if len(listed) != 1:
        found.faults.append(fault(signature, "sig-manifest-count", "does not sign exactly one list of parts"))
    for reference in (element for one in listed for element in one):
        if len(found.faults) >= _MOST_FAULTS:
            break
        try:
            found.faults += _read(package, reference, signature, found)
        except SignatureRefused as error:
            found.faults.append(error.fault)
        except Unreadable as error:
            found.faults.append(damage(error, signature))
    parts, intact = frozenset(found.parts), frozenset(found.intact)
    return Manifest(parts, intact, found.relationships, frozenset(found.digests), tuple(found.faults))


def transformed(relationships: list[Relationship]) -> bytes:
    """Return the octets that the Relationships Transform and C14N make of them (ECMA-376 Part 2, 10.5.9.4)."""
    root = etree.Element(f"{{{RELATIONSHIPS}}}Relationships", nsmap={None: RELATIONSHIPS})
    for one in sorted(relationships, key=lambda each: each.ident):
        mode = "External" if one.external else "Internal"
        attributes = {"Id": one.ident, "Type": one.type, "Target": one.target, "TargetMode": mode}
        etree.SubElement(root, f"{{{RELATIONSHIPS}}}Relationship", attributes)
    return etree.tostring(root, method="c14n")


def _read(package: Package, reference: etree._Element, signature: str, found: _Found) -> Iterator[SignatureFault]:
    if reference.tag != f"{DS}Reference":
        yield fault(signature, "manifest-structure", "lists something that is no part")
        return
    algorithm, digest = digest_of(reference, signature)
    found.digests.add(algorithm)
    uri = reference.get("URI", "")
    match = _URI.fullmatch(uri)
    if match is None:
        yield fault(signature, "manifest-uri", f"lists '{shown(uri)}', which names no part")
        return
    name, content_type = match[1], match[2]
    if package.written(name) != name:
        text = f"The part {shown(name)} was signed and is no longer in the workbook."
        yield SignatureFault("integrity", "manifest-part-missing", text, name)
        return
    if name in found.parts or name in found.relationships:
        yield fault(signature, "manifest-duplicate", f"lists the part {shown(name)} twice", where=name)
        return
    data = _signed_data(package, name, reference, signature, found)
    if package.content_type(name) != content_type:
        said = f"was signed as '{shown(content_type)}' and is now '{shown(package.content_type(name))}'"
        yield SignatureFault("integrity", "manifest-content-type", f"The part {shown(name)} {said}.", name)
    elif hashlib.new(algorithm, data, usedforsecurity=False).digest() != digest:
        yield SignatureFault("integrity", "manifest-digest", f"The part {shown(name)} was changed after signing.", name)
    else:
        found.intact.add(name)


def _signed_data(package: Package, name: str, reference: etree._Element, signature: str, found: _Found) -> bytes:
    """Return the octets that the digest is of, and note what they cover."""
    steps = transforms(reference)
    source = source_of(name)
    if source is None or package.content_type(name) != RELATIONSHIPS_TYPE:
        found.parts.add(name)
        if steps:
            raise SignatureRefused(_odd_transform(signature, name))
        return package.read(name)
    present = package.relationships(source)
    if not steps:
        found.relationships[name] = frozenset(one.ident for one in present)
        return package.read(name)
    if list(steps) != [_TRANSFORM, C14N]:
        raise SignatureRefused(_odd_transform(signature, name))
    chosen = _chosen(present, reference.find(f"{DS}Transforms/*"), signature, name)
    found.relationships[name] = frozenset(one.ident for one in chosen)
    return transformed(chosen)


def _odd_transform(signature: str, name: str) -> SignatureFault:
    text = f"changes the part {shown(name)} before signing in a way that Office never does"
    return fault(signature, "manifest-transform", text, where=name)


def _chosen(
    present: tuple[Relationship, ...], transform: etree._Element | None, signature: str, name: str
) -> list[Relationship]:
    """Return the relationships that a transform selects, by Id or by type."""
    idents: set[str] = set()
    types: set[str] = set()
    for one in () if transform is None else transform:
        if one.tag == f"{_MDSSI}RelationshipReference":
            idents.add(one.get("SourceId", ""))
        elif one.tag == f"{_MDSSI}RelationshipsGroupReference":
            types.add(one.get("SourceType", ""))
        else:
            raise SignatureRefused(_odd_transform(signature, name))
    missing = idents - {one.ident for one in present}
    if missing:
        text = f"The relationship {shown(min(missing))} in {shown(name)} was signed and is no longer there."
        raise SignatureRefused(SignatureFault("integrity", "manifest-relationship-missing", text, name))
    return [one for one in present if one.ident in idents or one.type in types]
