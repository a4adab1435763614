"""The tabs of any workbook package: found, renamed, hidden, added and taken out, other parts left as they are."""

import posixpath
from collections.abc import Callable, Container

from lxml import etree
from lxml.etree import _Element as Element

from pipeline.demo.cells import MAIN, OFFICE, PACKAGE
from pipeline.demo.package import Package
from pipeline.demo.parts import WORKSHEET
from pipeline.domain.form import Tab

CONTENT_TYPES = "[Content_Types].xml"
WORKBOOK = "xl/workbook.xml"
RELATIONS = "xl/_rels/workbook.xml.rels"

_ID = f"{{{OFFICE}}}id"
_SHEET = f"{{{MAIN}}}sheet"


def edit(package: Package, part: str, change: Callable[[Element], None]) -> Package:
    """Return the package with one XML part changed; every other part keeps its bytes."""
    root = etree.fromstring(package.part(part))
    change(root)
    return package.put(part, etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True))


def tabs(package: Package) -> tuple[Tab, ...]:
    """Return the workbook's tabs in order. A target from the package's root is read as one from xl/."""
    relations = etree.fromstring(package.part(RELATIONS))
    targets = {one.get("Id", ""): one.get("Target", "") for one in relations}
    found = []
    for sheet in etree.fromstring(package.part(WORKBOOK)).iter(_SHEET):
        target = targets[sheet.get(_ID, "")]
        part = target[1:] if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))
        found.append(Tab(sheet.get("name", ""), sheet.get("state", "visible"), part))
    return tuple(found)


def part_of(package: Package, name: str) -> str:
    """Return the part that holds the tab of that name. Raises KeyError when there is no such tab."""
    for tab in tabs(package):
        if tab.name == name:
            return tab.part
    raise KeyError(f"the workbook has no tab {name!r}; it has {', '.join(tab.name for tab in tabs(package))}")


def rename(package: Package, old: str, new: str) -> Package:
    """Return the package with one tab under another name."""
    return _edit_sheet(package, old, "name", new)


def set_state(package: Package, name: str, state: str) -> Package:
    """Return the package with one tab ``visible``, ``hidden`` or ``veryHidden`` (ECMA-376 Part 1, 18.18.68)."""
    return _edit_sheet(package, name, "state", state)


def _edit_sheet(package: Package, name: str, attribute: str, value: str) -> Package:
    """Set one attribute of one sheet element of the workbook part."""
    part_of(package, name)

    def change(root: Element) -> None:
        for sheet in root.iter(_SHEET):
            if sheet.get("name") == name:
                sheet.set(attribute, value)

    return edit(package, WORKBOOK, change)


def take_out(package: Package, names: Container[str]) -> Package:
    """Return the package without the tabs of those names: their parts, relations, types and defined names go too."""
    old = tabs(package)
    gone = {tab.part for tab in old if tab.name in names}
    kept = [number for number, tab in enumerate(old) if tab.part not in gone]

    def change(root: Element) -> None:
        for sheet in list(root.iter(_SHEET)):
            if sheet.get("name") in names:
                _remove(sheet)
        for view in root.iter(f"{{{MAIN}}}workbookView"):
            view.attrib.pop("activeTab", None)
            view.attrib.pop("firstSheet", None)
        for defined in list(root.iter(f"{{{MAIN}}}definedName")):
            place = int(defined.get("localSheetId", "-1"))
            if place in kept:
                defined.set("localSheetId", str(kept.index(place)))
            elif place >= 0:
                _remove(defined)
        for listing in list(root.iter(f"{{{MAIN}}}definedNames")):
            if not len(listing):
                _remove(listing)

    package = edit(package, WORKBOOK, change)
    package = edit(package, RELATIONS, lambda root: _drop(root, "Target", {name.removeprefix("xl/") for name in gone}))
    package = edit(package, CONTENT_TYPES, lambda root: _drop(root, "PartName", {f"/{name}" for name in gone}))
    return package.drop(gone | {posixpath.join("xl/worksheets/_rels", f"{posixpath.basename(n)}.rels") for n in gone})


def add(package: Package, name: str, sheet: bytes) -> Package:
    """Return the package with one more tab at the end, holding the given worksheet part."""
    number = 1 + len(tabs(package))
    while f"xl/worksheets/sheet{number}.xml" in package:
        number += 1
    target = f"worksheets/sheet{number}.xml"

    def list_it(root: Element) -> None:
        ids = [int(one.get("sheetId", "0")) for one in root.iter(_SHEET)]
        listing = next(root.iter(f"{{{MAIN}}}sheets"))
        attributes = {"name": name, "sheetId": str(max(ids, default=0) + 1), _ID: f"rIdAdded{number}"}
        etree.SubElement(listing, _SHEET, attributes)

    def relate(root: Element) -> None:
        attributes = {"Id": f"rIdAdded{number}", "Type": f"{OFFICE}/worksheet", "Target": target}
        etree.SubElement(root, f"{{{PACKAGE}/relationships}}Relationship", attributes)

    def declare(root: Element) -> None:
        attributes = {"PartName": f"/xl/{target}", "ContentType": WORKSHEET}
        etree.SubElement(root, f"{{{PACKAGE}/content-types}}Override", attributes)

    package = edit(package, WORKBOOK, list_it)
    package = edit(package, RELATIONS, relate)
    package = edit(package, CONTENT_TYPES, declare)
    return package.put(f"xl/{target}", sheet)


def _remove(element: Element) -> None:
    """Take an element out of its parent."""
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _drop(root: Element, attribute: str, values: set[str]) -> None:
    """Take out the children whose attribute has one of the values, written from xl/ or from the package's root."""
    for child in list(root):
        value = child.get(attribute, "")
        if value in values or value.removeprefix("/xl/") in values:
            root.remove(child)
