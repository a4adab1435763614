"""Signs a workbook the way Excel does: a package signature (ECMA-376 Part 2, clause 10; [MS-OFFCRYPTO] 2.5).

For the demonstration and the tests only: the pipeline itself signs nothing.
"""

import posixpath
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from cryptography import x509
from lxml import etree
from lxml.etree import _Element as Element

from pipeline.demo.cells import OFFICE, PACKAGE, markup
from pipeline.demo.package import Package
from pipeline.demo.signature_xml import (
    C14N,
    Algorithm,
    PrivateKey,
    Signer,
    Stamp,
    office_object,
    package_object,
    reference,
    signature_part,
)
from pipeline.demo.tabs import CONTENT_TYPES, edit

ORIGIN = "_xmlsignatures/origin.sigs"
ORIGIN_RELATIONS = "_xmlsignatures/_rels/origin.sigs.rels"
ROOT_RELATIONS = "_rels/.rels"
ORIGIN_TYPE = f"{PACKAGE}/relationships/digital-signature/origin"
SIGNATURE_TYPE = f"{PACKAGE}/relationships/digital-signature/signature"
ORIGIN_CONTENT = "application/vnd.openxmlformats-package.digital-signature-origin"
SIGNATURE_CONTENT = "application/vnd.openxmlformats-package.digital-signature-xmlsignature+xml"
RELATIONS_CONTENT = "application/vnd.openxmlformats-package.relationships+xml"

_TRANSFORM = f"{PACKAGE}/RelationshipTransform"
_RELATIONS = f"{PACKAGE}/relationships"
_TAG = f"{{{_RELATIONS}}}Relationship"
_MS_2006 = "http://schemas.microsoft.com/office/2006/relationships"

UNSIGNED_TYPES = frozenset(
    {
        ORIGIN_TYPE,
        f"{PACKAGE}/relationships/metadata/core-properties",
        f"{PACKAGE}/relationships/metadata/thumbnail",
        f"{OFFICE}/extended-properties",
        f"{OFFICE}/custom-properties",
        f"{OFFICE}/customXml",
        f"{_MS_2006}/vbaProjectSignature",
        "http://schemas.microsoft.com/office/2014/relationships/vbaProjectSignatureAgile",
        "http://schemas.microsoft.com/office/2020/07/relationships/vbaProjectSignatureV3",
    }
)
"""Relationship types that Excel leaves unsigned, with all that only they lead to."""


def sign(
    workbook: bytes,
    key: PrivateKey,
    certificate: x509.Certificate,
    *,
    chain: Sequence[x509.Certificate] = (),
    at: datetime,
    digest: str = "sha256",
    co_sign: bool = False,
    xades: bool = True,
    timestamp: Stamp | None = None,
    leave_out: Collection[str] = (),
) -> bytes:
    """Return the workbook with a package signature. The same RSA or EC key and arguments give the same bytes.

    chain: certificates of the issuers that the signature carries along. at: the signing time, with an offset. digest:
    sha1, sha256, sha384 or sha512. co_sign: keep the signatures that are there and add one; otherwise they are
    replaced. xades: with XAdES properties, as Office 2010 and later. timestamp: makes an RFC 3161 token. leave_out:
    names of parts that stay unsigned with every relationship to them, which Office never does by itself.
    """
    package = Package.read(workbook)
    if not co_sign:
        package = without_signatures(package)
    signer = Signer(key, certificate, tuple(chain), digest)
    listed = manifest(package, signer.algorithm, leave_out)
    part = signature_part(signer, (package_object(listed, at), office_object()), at, xades=xades, stamp=timestamp)
    return with_signature(package, part).to_bytes()


def manifest(package: Package, algorithm: Algorithm, leave_out: Collection[str] = ()) -> str:
    """Return the references to everything that Office signs, by part name: relationships part by part, and parts."""
    found: dict[str, str] = {}
    waiting, known = [""], {""}
    while waiting:
        source = waiting.pop()
        relations = relations_of(source)
        signed = list(_signed_relations(package, source, leave_out))
        if signed:
            found[relations] = relations_reference(package, relations, [one.get("Id", "") for one in signed], algorithm)
        for one in signed:
            if one.get("TargetMode") == "External":
                continue
            part = _target(source, one)
            if part not in known:
                known.add(part)
                waiting.append(part)
                found[part] = part_reference(package, part, algorithm)
    return "".join(found[name] for name in sorted(found))


def part_reference(package: Package, part: str, algorithm: Algorithm) -> str:
    """Return the reference to a part, with the content type that the package gives it (10.5.8)."""
    uri = f"/{part}?ContentType={content_type(package, part)}"
    return reference(uri, algorithm.digest(package.part(part)), algorithm)


def relations_reference(package: Package, part: str, ids: Sequence[str], algorithm: Algorithm) -> str:
    """Return the reference to the relationships of those Ids in a relationships part (10.5.8 and 10.6)."""
    picked = "".join(
        f'<mdssi:RelationshipReference xmlns:mdssi="{PACKAGE}/digital-signature" SourceId="{markup(ident)}"/>'
        for ident in ids
    )
    transforms = f'<Transform Algorithm="{_TRANSFORM}">{picked}</Transform><Transform Algorithm="{C14N}"/>'
    digest = algorithm.digest(transformed(package.part(part), ids))
    return reference(f"/{part}?ContentType={RELATIONS_CONTENT}", digest, algorithm, transforms=transforms)


def transformed(relations: bytes, ids: Collection[str]) -> bytes:
    """Return what is digested of a relationships part: those of the given Ids (ECMA-376 Part 2, 13.2.4.24).

    Sorted by Id, without text, comments or other elements, TargetMode written out, then canonical.
    """
    result = etree.Element(f"{{{_RELATIONS}}}Relationships", nsmap={None: _RELATIONS})
    picked = [one for one in etree.fromstring(relations).iter(_TAG) if one.get("Id") in ids]
    for one in sorted(picked, key=lambda one: one.get("Id", "")):
        attributes = {str(name): str(value) for name, value in one.attrib.items()}
        etree.SubElement(result, _TAG, {"TargetMode": "Internal"} | attributes)
    return etree.tostring(result, method="c14n")


def with_signature(package: Package, signature: bytes) -> Package:
    """Return the package with one more signature part, and an origin where there was none."""
    number = 1
    while f"_xmlsignatures/sig{number}.xml" in package:
        number += 1
    name = f"sig{number}.xml"
    if ORIGIN not in package:
        package = edit(package, CONTENT_TYPES, lambda root: _default(root, "sigs", ORIGIN_CONTENT))
        package = edit(package, ROOT_RELATIONS, lambda root: relate(root, ORIGIN_TYPE, ORIGIN))
        package = package.put(ORIGIN, b"")
        package = package.put(ORIGIN_RELATIONS, f'<Relationships xmlns="{_RELATIONS}"/>'.encode())
    package = edit(package, ORIGIN_RELATIONS, lambda root: relate(root, SIGNATURE_TYPE, name))
    package = edit(package, CONTENT_TYPES, lambda root: override(root, f"_xmlsignatures/{name}", SIGNATURE_CONTENT))
    return package.put(f"_xmlsignatures/{name}", signature)


def without_signatures(package: Package) -> Package:
    """Return the package without its signatures, as Excel saves a workbook that was changed after signing."""
    if ORIGIN not in package:
        return package

    def drop(root: Element) -> None:
        for one in list(root):
            signature_part_of = one.get("PartName", "").startswith("/_xmlsignatures/")
            if one.get("Type") == ORIGIN_TYPE or one.get("Extension") == "sigs" or signature_part_of:
                root.remove(one)

    for part in (ROOT_RELATIONS, CONTENT_TYPES):
        package = edit(package, part, drop)
    return package.drop([name for name in package.names() if name.startswith("_xmlsignatures/")])


def content_type(package: Package, part: str) -> str:
    """Return the content type of a part. Raises LookupError when the package gives it none."""
    types = list(etree.fromstring(package.part(CONTENT_TYPES)))
    extension = part.rpartition(".")[2]
    for attribute, wanted in (("PartName", f"/{part}"), ("Extension", extension)):
        for one in types:
            if one.get(attribute, "").lower() == wanted.lower():
                return one.get("ContentType", "")
    raise LookupError(f"the package gives {part} no content type")


def relations_of(source: str) -> str:
    """Return the name of the relationships part of a part, or of the package for an empty name."""
    folder, base = posixpath.split(source)
    return posixpath.join(folder, "_rels", f"{base}.rels")


def relate(root: Element, kind: str, target: str, ident: str = "") -> None:
    """Add a relationship, at the end. ident: its Id; the first free rId when left out."""
    taken = {one.get("Id") for one in root}
    number = 1
    while f"rId{number}" in taken:
        number += 1
    etree.SubElement(root, _TAG, {"Id": ident or f"rId{number}", "Type": kind, "Target": target})


def override(root: Element, part: str, kind: str) -> None:
    """Give a part a content type of its own."""
    etree.SubElement(root, f"{{{PACKAGE}/content-types}}Override", {"PartName": f"/{part}", "ContentType": kind})


def _default(root: Element, extension: str, kind: str) -> None:
    made = etree.Element(f"{{{PACKAGE}/content-types}}Default", {"Extension": extension, "ContentType": kind})
    root.insert(0, made)


def _signed_relations(package: Package, source: str, leave_out: Collection[str]) -> Iterator[Element]:
    """Yield the relationships of a part that Office signs."""
    relations = relations_of(source)
    if relations not in package:
        return
    for one in etree.fromstring(package.part(relations)).iter(_TAG):
        if one.get("Type") not in UNSIGNED_TYPES and _target(source, one) not in leave_out:
            yield one


def _target(source: str, relation: Element) -> str:
    """Return the part that a relationship leads to, without the leading slash."""
    path = posixpath.join("/", posixpath.dirname(source), relation.get("Target", ""))
    return posixpath.normpath(path).lstrip("/")
