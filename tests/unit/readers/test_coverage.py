"""What a Manifest lists of a package, and whether that is everything."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Mapping

import pytest
from lxml import etree

from pipeline.demo.package import entry
from pipeline.readers.coverage import OPEN, ORIGIN, ORIGIN_TYPE, SIGNATURE, SIGNATURE_TYPE, cover
from pipeline.readers.manifest import Manifest, read_manifest, transformed
from pipeline.readers.opc import RELATIONSHIPS_TYPE
from pipeline.readers.package import Package, open_package
from pipeline.readers.unreadable import Unreadable
from tests.builders import Package as Zip

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
TRANSFORM = "http://schemas.openxmlformats.org/package/2006/RelationshipTransform"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
MDSSI = "http://schemas.openxmlformats.org/package/2006/digital-signature"
SIG = "_xmlsignatures/sig1.xml"
PARTS = {
    "_rels/.rels": [
        ("r1", f"{OFFICE}/officeDocument", "xl/workbook.xml"),
        ("r2", ORIGIN, "_xmlsignatures/origin.sigs"),
    ],
    "xl/_rels/workbook.xml.rels": [("r1", f"{OFFICE}/worksheet", "worksheets/sheet1.xml")],
    "_xmlsignatures/_rels/origin.sigs.rels": [("r1", SIGNATURE, "sig1.xml")],
}
KINDS = {
    "xl/workbook.xml": MAIN,
    "xl/worksheets/sheet1.xml": SHEET,
    "_xmlsignatures/origin.sigs": ORIGIN_TYPE,
    SIG: SIGNATURE_TYPE,
}
SIGNING = {"_xmlsignatures/origin.sigs", SIG}
ALL = {"_rels/.rels": {"r1"}, "xl/_rels/workbook.xml.rels": {"r1"}}
BOTH = {"xl/workbook.xml", "xl/worksheets/sheet1.xml"}

Ways = Mapping[str, Iterable[tuple[str, ...]]]


def relations(ways: Iterable[tuple[str, ...]]) -> bytes:
    made = "".join(f'<Relationship Id="{way[0]}" Type="{way[1]}" Target="{way[2]}"{"".join(way[3:])}/>' for way in ways)
    return f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{made}</Relationships>'.encode()


def package(more: Ways | None = None, kinds: Mapping[str, str] | None = None, also: Iterable[str] = ()) -> Package:
    """Return a small signed workbook with more relationships, and more parts by name and content type."""
    named = KINDS | dict(kinds or {})
    types = f'<Default Extension="rels" ContentType="{RELATIONSHIPS_TYPE}"/>' + "".join(
        f'<Override PartName="/{name}" ContentType="{kind}"/>' for name, kind in named.items()
    )
    listing = f'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{types}</Types>'
    ways = {name: [*PARTS.get(name, ()), *(more or {}).get(name, ())] for name in {*PARTS, *(more or {})}}
    entries = [entry("[Content_Types].xml", listing.encode())]
    entries += [entry(name, relations(one)) for name, one in ways.items()]
    entries += [entry(name, b"<part/>") for name in [*named, *also] if name]
    return open_package(Zip(tuple(entries)).to_bytes())


def listed(parts: Iterable[str] = frozenset(BOTH), ways: Mapping[str, Iterable[str]] | None = None) -> Manifest:
    ways = ALL if ways is None else ways
    return Manifest(
        frozenset(parts), frozenset(parts), {name: frozenset(ids) for name, ids in ways.items()}, frozenset(), ()
    )


def found(whole: Package, manifest: Manifest | None = None) -> list[tuple[str, str]]:
    return [(fault.code, fault.where) for fault in cover(whole, manifest or listed(), SIGNING).faults]


def test_a_workbook_of_which_everything_is_signed():
    coverage = cover(package(), listed(), SIGNING)
    assert coverage.faults == ()
    assert coverage.covered == BOTH
    assert coverage.left_open == set()


@pytest.mark.parametrize("kind", sorted(OPEN))
def test_what_office_leaves_unsigned_may_be_open_but_only_as_what_it_is(kind):
    for content_type in OPEN[kind]:
        whole = package({"_rels/.rels": [("r9", kind, "open/part.xml")]}, {"open/part.xml": content_type})
        coverage = cover(whole, listed(), SIGNING)
        assert coverage.faults == ()
        assert coverage.left_open == {"open/part.xml"}
    whole = package({"_rels/.rels": [("r9", kind, "open/part.xml")]}, {"open/part.xml": SHEET})
    assert ("open-part-type", "_rels/.rels#r9") in found(whole)


def test_a_signed_relationship_to_sharepoints_data_leaves_the_data_open():
    ways = {"xl/_rels/workbook.xml.rels": [("r9", f"{OFFICE}/customXml", "../customXml/item1.xml")]}
    ways["customXml/_rels/item1.xml.rels"] = [("r1", f"{OFFICE}/customXmlProps", "itemProps1.xml")]
    kinds = {"customXml/item1.xml": "application/xml"}
    kinds["customXml/itemProps1.xml"] = "application/vnd.openxmlformats-officedocument.customXmlProperties+xml"
    manifest = listed(ways=ALL | {"xl/_rels/workbook.xml.rels": {"r1", "r9"}})
    for one in (manifest, listed()):
        coverage = cover(package(ways, kinds), one, SIGNING)
        assert coverage.faults == ()
        assert coverage.left_open == set(kinds)


def test_an_open_part_must_not_be_damaged():
    kind = "application/vnd.openxmlformats-package.core-properties+xml"
    way = {"_rels/.rels": [("r9", next(k for k in OPEN if k.endswith("core-properties")), "core.xml")]}
    data = Zip(
        tuple(
            entry("core.xml", b"<broken")
            if one == "core.xml"
            else entry(one, package(way, {"core.xml": kind}).read(one))
            for one in package(way, {"core.xml": kind}).names
        )
    ).to_bytes()
    assert found(open_package(data)) == [("xml-syntax", "core.xml")]


def test_an_open_part_leads_nowhere_but_to_open_parts():
    ways = {
        "_rels/.rels": [("r9", f"{OFFICE}/extended-properties", "docProps/app.xml")],
        "docProps/_rels/app.xml.rels": [("r1", f"{OFFICE}/image", "../xl/worksheets/sheet1.xml")],
    }
    kinds = {"docProps/app.xml": "application/vnd.openxmlformats-officedocument.extended-properties+xml"}
    assert found(package(ways, kinds)) == [("unsigned-relationship", "docProps/_rels/app.xml.rels#r1")]


@pytest.mark.parametrize(
    ("manifest", "codes"),
    [
        (listed(ways={}), {"unsigned-relationship", "unreachable-part", "unsigned-part"}),
        (listed(ways={"_rels/.rels": {"r1"}}), {"unsigned-relationship", "unreachable-part"}),
        (listed(parts={"xl/workbook.xml"}), {"unsigned-part"}),
        (listed(parts=()), {"unsigned-part"}),
    ],
)
def test_what_is_left_out_of_the_list(manifest, codes):
    assert {code for code, _ in found(package(), manifest)} == codes


@pytest.mark.parametrize(
    ("more", "kinds", "codes"),
    [
        (
            {"xl/_rels/workbook.xml.rels": [("r2", f"{OFFICE}/x", "a.xml")]},
            {"xl/a.xml": SHEET},
            {"unsigned-relationship", "unsigned-part"},
        ),
        (
            {"xl/_rels/workbook.xml.rels": [("r2", f"{OFFICE}/x", "http://x/", ' TargetMode="External"')]},
            {},
            {"unsigned-relationship"},
        ),
        (
            {"_xmlsignatures/_rels/origin.sigs.rels": [("r2", f"{OFFICE}/x", "http://x/", ' TargetMode="External"')]},
            {},
            {"unsigned-relationship"},
        ),
        (
            {"_xmlsignatures/_rels/sig1.xml.rels": [("r2", f"{OFFICE}/worksheet", "/xl/workbook.xml")]},
            {},
            {"unsigned-relationship"},
        ),
        (
            {"xl/_rels/workbook.xml.rels": [("r2", ORIGIN, "/_xmlsignatures/origin.sigs")]},
            {},
            {"unsigned-relationship"},
        ),
        ({"xl/worksheets/_rels/sheet9.xml.rels": []}, {}, {"unsigned-part"}),
        ({"_rels/_rels/.rels.rels": []}, {}, {"unsigned-part"}),
        ({"_rels/[Content_Types].xml.rels": []}, {}, {"unsigned-part"}),
        ({}, {"xl/a.xml": SHEET}, {"unsigned-part"}),
        (
            {"_rels/.rels": [("r3", f"{OFFICE}/officeDocument", "xl/workbook.xml")]},
            {},
            {"officedocument-count", "unsigned-relationship"},
        ),
        (
            {
                "_rels/.rels": [
                    ("r3", "http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument", "xl/workbook.xml")
                ]
            },
            {},
            {"officedocument-count", "unsigned-relationship"},
        ),
        ({}, {"xl/workbook.xml": "application/vnd.ms-excel.addin.macroEnabled.main+xml"}, {"not-a-workbook"}),
    ],
)
def test_what_was_added_after_signing(more, kinds, codes):
    assert {code for code, _ in found(package(more, kinds))} == codes


def test_signed_relationships_out_of_the_package_to_itself_and_to_nothing():
    more = {
        "xl/_rels/workbook.xml.rels": [
            ("r2", f"{OFFICE}/hyperlink", "http://example.org/", ' TargetMode="External"'),
            ("r3", f"{OFFICE}/hyperlink", "#Sheet1!A1"),
        ]
    }
    manifest = listed(ways=ALL | {"xl/_rels/workbook.xml.rels": {"r1", "r2", "r3"}})
    assert found(package(more), manifest) == []
    more["xl/_rels/workbook.xml.rels"].append(("r4", f"{OFFICE}/x", "gone.xml"))
    manifest = listed(ways=ALL | {"xl/_rels/workbook.xml.rels": {"r1", "r2", "r3", "r4"}})
    assert found(package(more), manifest) == [("missing-part", "xl/_rels/workbook.xml.rels#r4")]


def test_a_part_without_content_type_and_a_content_type_without_part():
    assert found(package(also=["xl/a.xml"])) == [("unsigned-part", "xl/a.xml")]
    names = [one for one in package(kinds={"xl/a.xml": SHEET}).names if one != "xl/a.xml"]
    whole = package(kinds={"xl/a.xml": SHEET})
    data = Zip(tuple(entry(one, whole.read(one)) for one in names)).to_bytes()
    assert found(open_package(data)) == [("content-types-dangling", "xl/a.xml")]


def test_faults_are_not_counted_without_end():
    kinds = {f"xl/a{number}.xml": SHEET for number in range(90)}
    assert len(found(package(kinds=kinds))) == 50


def test_relationships_that_cannot_be_read_are_unreadable():
    with pytest.raises(Unreadable):
        found(package({"xl/_rels/workbook.xml.rels": [("r1", "t", "x")]}))


def reference(uri: str, digest: bytes, transforms: str = "", algorithm: str = SHA256) -> str:
    steps = f"<Transforms>{transforms}</Transforms>" if transforms else ""
    value = b64encode(digest).decode()
    method = f'<DigestMethod Algorithm="{algorithm}"/>'
    return f'<Reference URI="{uri}">{steps}{method}<DigestValue>{value}</DigestValue></Reference>'


def step(*inner: str, algorithm: str = TRANSFORM, then: str = f'<Transform Algorithm="{C14N}"/>') -> str:
    return f'<Transform Algorithm="{algorithm}">{"".join(inner)}</Transform>{then}'


def ident(name: str) -> str:
    return f'<m:RelationshipReference xmlns:m="{MDSSI}" SourceId="{name}"/>'


def read(*references: str) -> Manifest:
    xml = f'<Object xmlns="http://www.w3.org/2000/09/xmldsig#"><Manifest>{"".join(references)}</Manifest></Object>'
    return read_manifest(package(), etree.fromstring(xml), SIG)


HASH = hashlib.sha256(b"<part/>").digest()
BOOK = f"/xl/workbook.xml?ContentType={MAIN}"
RELS = f"/xl/_rels/workbook.xml.rels?ContentType={RELATIONSHIPS_TYPE}"
RELS_HASH = hashlib.sha256(
    b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    b'Target="worksheets/sheet1.xml" TargetMode="Internal" '
    b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"></Relationship>'
    b"</Relationships>"
).digest()
BY_TYPE = f'<m:RelationshipsGroupReference xmlns:m="{MDSSI}" SourceType="{OFFICE}/worksheet"/>'


def test_parts_and_relationships_whose_digests_hold():
    manifest = read(reference(BOOK, HASH), reference(RELS, RELS_HASH, step(ident("r1"))))
    assert manifest.faults == ()
    assert manifest.parts == {"xl/workbook.xml"}
    assert manifest.intact == {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"}
    assert manifest.relationships == {"xl/_rels/workbook.xml.rels": {"r1"}}
    assert manifest.digests == {"sha256"}


def test_relationships_may_be_chosen_by_type_or_signed_as_a_whole():
    assert read(reference(RELS, RELS_HASH, step(BY_TYPE))).relationships == {"xl/_rels/workbook.xml.rels": {"r1"}}
    whole = hashlib.sha256(package().read("xl/_rels/workbook.xml.rels")).digest()
    manifest = read(reference(RELS, whole))
    assert manifest.faults == ()
    assert manifest.relationships == {"xl/_rels/workbook.xml.rels": {"r1"}}


def test_the_transform_sorts_and_names_the_mode():
    whole = package({"xl/_rels/workbook.xml.rels": [("r0", "t", "http://x/?a&amp;b", ' TargetMode="External"')]})
    octets = transformed(list(whole.relationships("xl/workbook.xml"))).decode()
    assert octets.index('Id="r0"') < octets.index('Id="r1"')
    assert 'Target="http://x/?a&amp;b" TargetMode="External" Type="t"' in octets


@pytest.mark.parametrize(
    ("references", "code"),
    [
        ([reference(BOOK, b"\0" * 32)], "manifest-digest"),
        ([reference(BOOK, HASH), reference(BOOK, HASH)], "manifest-duplicate"),
        ([reference("/xl/gone.xml?ContentType=x", HASH)], "manifest-part-missing"),
        ([reference("/XL/workbook.xml?ContentType=x", HASH)], "manifest-part-missing"),
        ([reference("/xl/workbook.xml?ContentType=other", HASH)], "manifest-content-type"),
        ([reference("/xl/workbook.xml", HASH)], "manifest-uri"),
        ([reference("http://example.org/?ContentType=x", HASH)], "manifest-uri"),
        ([reference(BOOK, HASH, step(then=""))], "manifest-transform"),
        ([reference(BOOK, HASH, f'<Transform Algorithm="{C14N}"/>')], "manifest-transform"),
        ([reference(RELS, RELS_HASH, step(ident("r1"), then=""))], "manifest-transform"),
        ([reference(RELS, RELS_HASH, step("<Other/>"))], "manifest-transform"),
        ([reference(RELS, RELS_HASH, step(ident("r7")))], "manifest-relationship-missing"),
        ([reference(RELS, RELS_HASH, step())], "manifest-digest"),
        ([reference(BOOK, HASH, algorithm="urn:md5")], "digest-method"),
        (["<Other/>"], "manifest-structure"),
        (['<Reference URI="/x"/>'], "reference-structure"),
    ],
)
def test_what_is_wrong_with_a_list(references, code):
    manifest = read(*references)
    assert [fault.code for fault in manifest.faults] == [code]


def test_a_list_of_many_faults_is_read_only_so_far():
    assert len(read(*["<Other/>"] * 90).faults) == 50


def test_one_list_is_signed():
    xml = '<Object xmlns="http://www.w3.org/2000/09/xmldsig#"/>'
    assert [one.code for one in read_manifest(package(), etree.fromstring(xml), SIG).faults] == ["sig-manifest-count"]
