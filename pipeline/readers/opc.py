"""Content types and relationships of an Office package, read strictly (ECMA-376 Part 2, 6.2.3 and 6.5).

A relationship is what makes a part mean something, and a content type says how it is read: both are closed lists of
elements here, so that nothing another program might understand is passed over.
"""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from pipeline.readers.unreadable import Unreadable, shown

TYPES_PART = "[Content_Types].xml"
RELATIONSHIPS_TYPE = "application/vnd.openxmlformats-package.relationships+xml"
RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"

_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_ATTRIBUTES = frozenset({"Id", "Type", "Target", "TargetMode"})
_MODES = frozenset({"Internal", "External"})


@dataclass(frozen=True, slots=True)
class ContentTypes:
    """What [Content_Types].xml says. overrides: by part name in lower case; defaults: by extension in lower case."""

    overrides: Mapping[str, str]
    defaults: Mapping[str, str]

    def of(self, name: str) -> str:
        """Return the content type of a part; empty for nothing (ECMA-376 Part 2, 6.2.3.5)."""
        key = name.lower()
        return self.overrides.get(key) or self.defaults.get(key.rpartition(".")[2], "")


@dataclass(frozen=True, slots=True)
class Relationship:
    """One relationship. part: what it leads to, without the leading slash; empty for the package or an outer target.

    target: as written. external: it leads out of the package.
    """

    ident: str
    type: str
    target: str
    external: bool
    part: str

    @property
    def kind(self) -> str:
        """The last step of the type, ``worksheet``: what a sentence calls it."""
        return self.type.rpartition("/")[2]


def content_types(root: etree._Element) -> ContentTypes:
    """Read the root of [Content_Types].xml; Unreadable where a part or an extension is named twice."""
    overrides: dict[str, str] = {}
    defaults: dict[str, str] = {}
    for element in root:
        if element.tag == f"{{{_TYPES}}}Override":
            found, key = overrides, element.get("PartName", "").removeprefix("/").lower()
        elif element.tag == f"{{{_TYPES}}}Default":
            found, key = defaults, element.get("Extension", "").lower()
        else:
            text = f"the part {TYPES_PART} has an element {shown(str(element.tag))} that does not belong there"
            raise Unreadable("damaged", text, "content-types-element", TYPES_PART)
        if key in found:
            text = f"the part {TYPES_PART} gives '{shown(key)}' two content types"
            raise Unreadable("damaged", text, "content-types-duplicate", key)
        found[key] = element.get("ContentType", "")
    return ContentTypes(overrides, defaults)


def relations_part(source: str) -> str:
    """Return the name of the part that holds the relationships of a part, or of the package for an empty name."""
    folder, base = posixpath.split(source)
    return posixpath.join(folder, "_rels", f"{base}.rels")


def source_of(part: str) -> str | None:
    """Return whose relationships a part holds, empty for the package; None where it is no relationships part."""
    folder, base = posixpath.split(part)
    if posixpath.basename(folder).lower() != "_rels" or not base.lower().endswith(".rels"):
        return None
    return posixpath.join(posixpath.dirname(folder), base[: -len(".rels")])


def relationships(root: etree._Element, source: str) -> tuple[Relationship, ...]:
    """Read the root of a relationships part; Unreadable where it is not exactly a list of distinct relationships."""
    part = relations_part(source)
    found: dict[str, Relationship] = {}
    for element in root:
        ident, mode = element.get("Id", ""), element.get("TargetMode", "Internal")
        known = element.tag == f"{{{RELATIONSHIPS}}}Relationship" and not len(element) and mode in _MODES
        if not known or not ident or not _ATTRIBUTES.issuperset(map(str, element.keys())):
            text = f"the part {shown(part)} holds something else than relationships"
            raise Unreadable("damaged", text, "relationships-element", part)
        if ident in found:
            text = f"the part {shown(part)} has two relationships {shown(ident)}"
            raise Unreadable("damaged", text, "relationships-duplicate", part)
        target, external = element.get("Target", ""), mode == "External"
        leads_to = "" if external else _resolved(source, target)
        found[ident] = Relationship(ident, element.get("Type", ""), target, external, leads_to)
    return tuple(found.values())


def _resolved(source: str, target: str) -> str:
    """Return the part an internal target leads to; ``#Sheet2!A1`` alone leads to the source itself."""
    path = target.partition("#")[0]
    if not path:
        return source
    joined = path if path.startswith("/") else posixpath.join("/", posixpath.dirname(source), path)
    return posixpath.normpath(joined).lstrip("/")
