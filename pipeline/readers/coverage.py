"""What one signature leaves uncovered: every part and relationship is signed, or of a kind that Office never signs.

A package signature covers only what its Manifest names, and an Office program shows what the relationships lead to,
signed or not; all published attacks but the crudest live in that gap. So the world is closed here: from the package
on, every relationship must be signed and lead to a signed part, and what nothing leads to must not be there at all.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from pipeline.domain.signature import SignatureFault
from pipeline.readers.manifest import Manifest
from pipeline.readers.opc import RELATIONSHIPS_TYPE, TYPES_PART, Relationship, relations_part, source_of
from pipeline.readers.package import Package, shown
from pipeline.readers.unreadable import Unreadable
from pipeline.readers.xmldsig import damage

_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
ORIGIN = f"{_PACKAGE}/relationships/digital-signature/origin"
SIGNATURE = f"{_PACKAGE}/relationships/digital-signature/signature"
ORIGIN_TYPE = "application/vnd.openxmlformats-package.digital-signature-origin"
SIGNATURE_TYPE = "application/vnd.openxmlformats-package.digital-signature-xmlsignature+xml"

OPEN: Mapping[str, frozenset[str]] = {
    f"{_PACKAGE}/relationships/metadata/core-properties": frozenset(
        {"application/vnd.openxmlformats-package.core-properties+xml"}
    ),
    f"{_PACKAGE}/relationships/metadata/thumbnail": frozenset(
        {"image/jpeg", "image/png", "image/gif", "image/x-wmf", "image/x-emf"}
    ),
    f"{_OFFICE}/relationships/extended-properties": frozenset(
        {"application/vnd.openxmlformats-officedocument.extended-properties+xml"}
    ),
    f"{_OFFICE}/relationships/custom-properties": frozenset(
        {"application/vnd.openxmlformats-officedocument.custom-properties+xml"}
    ),
    f"{_OFFICE}/relationships/customXml": frozenset({"application/xml"}),
    f"{_OFFICE}/relationships/customXmlProps": frozenset(
        {"application/vnd.openxmlformats-officedocument.customXmlProperties+xml"}
    ),
    "http://schemas.microsoft.com/office/2006/relationships/vbaProjectSignature": frozenset(
        {"application/vnd.ms-office.vbaProjectSignature"}
    ),
    "http://schemas.microsoft.com/office/2014/relationships/vbaProjectSignatureAgile": frozenset(
        {"application/vnd.ms-office.vbaProjectSignatureAgile"}
    ),
    "http://schemas.microsoft.com/office/2020/07/relationships/vbaProjectSignatureV3": frozenset(
        {"application/vnd.ms-office.vbaProjectSignatureV3"}
    ),
    "http://schemas.microsoft.com/office/2020/02/relationships/classificationlabels": frozenset(
        {"application/vnd.ms-office.classificationlabels+xml"}
    ),
}
"""Relationship types that Office leaves unsigned, or whose parts it does, with the content types of those parts.

Source: Apache POI's list of what Office 2010 signs (OOXMLSignatureFacet), of which these are the rest that is seen in
workbooks: document properties, the preview picture, the data of SharePoint (customXml, in the published CPL too), the
signatures of the macro and the label of Office's classification. Nothing in the pipeline may read such a part.
"""

_MAIN_TYPES = frozenset(
    {
        "application/vnd.ms-excel.sheet.macroEnabled.main+xml",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
    }
)
_MOST_FAULTS = 50


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a signature covers and leaves open, by part name as written, and what it should cover and does not."""

    covered: frozenset[str]
    left_open: frozenset[str]
    faults: tuple[SignatureFault, ...]


@dataclass(slots=True)
class _Walk:
    """A walk over the relationships, for one signature. reached, opened, signing: names as written."""

    package: Package
    manifest: Manifest
    infrastructure: frozenset[str]
    reached: set[str] = field(default_factory=set)
    opened: set[str] = field(default_factory=set)
    signing: set[str] = field(default_factory=set)
    waiting: list[str] = field(default_factory=lambda: [""])

    def faults(self) -> Iterator[SignatureFault]:
        """Follow every relationship from the package on, then look at what was never reached."""
        while self.waiting:
            source = self.waiting.pop()
            for one in self.package.relationships(source):
                yield from self._follow(source, one)
        for name in self.package.names:
            yield from self._leftover(name)

    def _follow(self, source: str, one: Relationship) -> Iterator[SignatureFault]:
        rels = relations_part(source)
        where = f"{rels}#{shown(one.ident)}"
        part = "" if one.external else self.package.written(one.part)
        signed = one.ident in self.manifest.relationships.get(self.package.written(rels), ())
        if one.external and signed:
            return
        if one.type in OPEN and not one.external and part not in self.manifest.parts:
            if self.package.content_type(part) in OPEN[one.type]:
                self._visit(part, self.opened)
                yield from self._damaged(part)
            else:
                text = f"The relationship {_named(one)} in {shown(rels)} does not lead to a part of its kind."
                yield SignatureFault("coverage", "open-part-type", text, where)
        elif self._signs(source, one, part):
            self._visit(part, self.signing)
        elif not signed:
            text = f"The relationship {_named(one)} in {shown(rels)} to {shown(one.target)} is not signed."
            yield SignatureFault("coverage", "unsigned-relationship", text, where)
        elif not part:
            text = f"The relationship {_named(one)} in {shown(rels)} leads to a part that is not there."
            yield SignatureFault("coverage", "missing-part", text, where)
        elif part in self.manifest.parts:
            self._visit(part, self.reached)
        else:
            yield SignatureFault("coverage", "unsigned-part", f"The part {shown(part)} is not signed.", part)

    def _signs(self, source: str, one: Relationship, part: str) -> bool:
        """Say whether it is one of the relationships that lead to the signatures, which are never signed."""
        allowed = ORIGIN if not source else SIGNATURE if source in self.signing else None
        return one.type == allowed and part in self.infrastructure

    def _visit(self, part: str, among: set[str]) -> None:
        if part not in among:
            among.add(part)
            self.waiting.append(part)

    def _damaged(self, part: str) -> Iterator[SignatureFault]:
        """An unsigned part is never used, but a damaged one makes Office offer a repair, which may show anything."""
        try:
            if self.package.content_type(part).endswith("xml"):
                self.package.xml(part)
            else:
                self.package.read(part)
        except Unreadable as error:
            yield damage(error, part)

    def _leftover(self, name: str) -> Iterator[SignatureFault]:
        known = self.reached | self.opened | self.signing
        if name in known or name == TYPES_PART:
            return
        source = source_of(name) if self.package.content_type(name) == RELATIONSHIPS_TYPE else None
        if source is not None and (not source or self.package.written(source) in known):
            return
        if name in self.manifest.parts:
            text = f"The part {shown(name)} is signed, but no signed relationship leads to it."
            yield SignatureFault("coverage", "unreachable-part", text, name)
        else:
            text = f"The part {shown(name)} is not signed, and no signed relationship leads to it."
            yield SignatureFault("coverage", "unsigned-part", text, name)


def cover(package: Package, manifest: Manifest, infrastructure: Collection[str]) -> Coverage:
    """Hold a Manifest against the whole package. infrastructure: names of the origin and signature parts, as written.

    Raises Unreadable where a relationships part cannot be read. After 50 faults the rest is left out.
    """
    walk = _Walk(package, manifest, frozenset(infrastructure))
    faults = [*_main_part(package), *_types(package)]
    for fault in walk.faults():
        if len(faults) >= _MOST_FAULTS:
            break
        faults.append(fault)
    return Coverage(frozenset(walk.reached & manifest.intact), frozenset(walk.opened), tuple(faults))


def _main_part(package: Package) -> Iterator[SignatureFault]:
    """There is one main part, and it is a workbook: two of them are how one file shows different content."""
    documents = [one for one in package.relationships("") if one.kind == "officeDocument"]
    if len(documents) != 1:
        text = f"The file has {len(documents)} main parts instead of one."
        yield SignatureFault("coverage", "officedocument-count", text, "_rels/.rels")
    for one in documents:
        content_type = package.content_type(one.part)
        if content_type not in _MAIN_TYPES:
            text = f"The main part {shown(one.part)} is no workbook but {shown(content_type) or 'of no type'}."
            yield SignatureFault("coverage", "not-a-workbook", text, one.part)


def _types(package: Package) -> Iterator[SignatureFault]:
    """Office names no part in the content types that is not there."""
    for name in package.types.overrides:
        if not package.has(name):
            text = f"The content types name the part {shown(name)}, which is not in the workbook."
            yield SignatureFault("coverage", "content-types-dangling", text, name)


def _named(one: Relationship) -> str:
    return f"{shown(one.ident)} ({shown(one.kind)})"
