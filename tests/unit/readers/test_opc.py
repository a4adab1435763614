"""Content types and relationships: closed lists of elements, each thing said once."""

import pytest
from lxml import etree

from pipeline.readers.opc import content_types, relations_part, relationships, source_of
from pipeline.readers.unreadable import Unreadable

TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{}</Types>'
RELATIONS = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
A = '<Relationship Id="a" Type="http://t/sheet" Target="{}"/>'


def types(inner: str):
    return content_types(etree.fromstring(TYPES.format(inner)))


def related(inner: str, source: str = "xl/workbook.xml"):
    return relationships(etree.fromstring(RELATIONS.format(inner)), source)


def test_a_part_has_the_type_of_its_name_before_that_of_its_extension():
    found = types(
        '<Default Extension="XML" ContentType="application/xml"/>'
        '<Override PartName="/xl/Workbook.xml" ContentType="text/workbook"/>'
    )
    assert found.of("XL/workbook.xml") == "text/workbook"
    assert found.of("xl/a.XML") == "application/xml"
    assert found.of("a.bin") == ""


@pytest.mark.parametrize(
    ("inner", "code"),
    [
        ('<Default Extension="a" ContentType="x"/><Default Extension="A" ContentType="y"/>', "content-types-duplicate"),
        (
            '<Override PartName="/a" ContentType="x"/><Override PartName="/A" ContentType="x"/>',
            "content-types-duplicate",
        ),
        ('<Other Extension="a" ContentType="x"/>', "content-types-element"),
        ('<Default xmlns="urn:other" Extension="a" ContentType="x"/>', "content-types-element"),
    ],
)
def test_content_types_that_leave_room_for_two_readings_are_refused(inner, code):
    with pytest.raises(Unreadable) as caught:
        types(inner)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("target", "source", "part"),
    [
        ("worksheets/sheet1.xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml"),
        ("/xl/styles.xml", "xl/workbook.xml", "xl/styles.xml"),
        ("../media/image1.png", "xl/drawings/drawing1.xml", "xl/media/image1.png"),
        ("../../../../etc/passwd", "xl/workbook.xml", "etc/passwd"),
        ("xl/workbook.xml", "", "xl/workbook.xml"),
        ("#Sheet2!A1", "xl/drawings/drawing1.xml", "xl/drawings/drawing1.xml"),
        ("sheet1.xml#A1", "xl/worksheets/sheet2.xml", "xl/worksheets/sheet1.xml"),
    ],
)
def test_a_target_is_a_part_seen_from_its_source(target, source, part):
    (one,) = related(A.format(target), source)
    assert (one.part, one.target, one.external, one.kind) == (part, target, False, "sheet")


def test_an_outer_target_is_no_part():
    (one,) = related('<Relationship Id="a" Type="t" Target="https://example.org/x" TargetMode="External"/>')
    assert (one.external, one.part) == (True, "")


@pytest.mark.parametrize(
    ("inner", "code"),
    [
        (A.format("x") + A.format("y"), "relationships-duplicate"),
        ('<Relationship Type="t" Target="x"/>', "relationships-element"),
        ('<Relationship Id="a" Type="t" Target="x" TargetMode="Other"/>', "relationships-element"),
        ('<Relationship Id="a" Type="t" Target="x" Extra="1"/>', "relationships-element"),
        ('<Relationship Id="a" Type="t" Target="x"><Inner/></Relationship>', "relationships-element"),
        ('<Relationship xmlns="urn:other" Id="a" Type="t" Target="x"/>', "relationships-element"),
        ('<Other Id="a" Type="t" Target="x"/>', "relationships-element"),
    ],
)
def test_relationships_that_leave_room_for_two_readings_are_refused(inner, code):
    with pytest.raises(Unreadable) as caught:
        related(inner)
    assert (caught.value.code, caught.value.where) == (code, "xl/_rels/workbook.xml.rels")


@pytest.mark.parametrize(
    ("source", "rels"),
    [("", "_rels/.rels"), ("a.xml", "_rels/a.xml.rels"), ("xl/workbook.xml", "xl/_rels/workbook.xml.rels")],
)
def test_a_relationships_part_belongs_to_its_source(source, rels):
    assert relations_part(source) == rels
    assert source_of(rels) == source


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/rels/a.rels", "_rels/a.xml", "a.rels"])
def test_other_parts_hold_no_relationships(part):
    assert source_of(part) is None
