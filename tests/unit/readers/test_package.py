"""The outside of a workbook: what is refused before anything is unpacked, and how a part is read."""

import io
import struct
import zipfile
from dataclasses import replace

import pytest

from pipeline.readers.package import PackageLimits, Unreadable, open_package, parse_xml, shown
from tests.builders import Package, new_entry_form, sample_cpl, xlsx_content_type

TYPES = b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">%s</Types>'
RELATIONS = b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">%s</Relationships>'


def zipped(parts: dict[str, bytes], **more: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **more) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def small(**parts: bytes) -> bytes:
    return zipped({"[Content_Types].xml": TYPES % b"", **{name.replace("__", "/"): d for name, d in parts.items()}})


def refusal(data: bytes, limits: PackageLimits | None = None) -> tuple[str, str]:
    with pytest.raises(Unreadable) as caught:
        open_package(data, limits)
    return caught.value.kind, caught.value.text


def test_a_part_is_found_whatever_the_case_of_its_name():
    package = open_package(sample_cpl())
    assert package.has("XL/Workbook.xml")
    assert package.read("XL/Workbook.xml") == package.read("xl/workbook.xml")
    assert package.size("xl/workbook.xml") == len(package.read("xl/workbook.xml"))
    assert package.size("xl/none.xml") == 0
    assert not package.has("xl/none.xml")


def test_the_type_of_a_part_is_said_by_name_or_by_extension():
    types = TYPES % (
        b'<!-- a comment is no part --><Default Extension="XML" ContentType="application/xml"/>'
        b'<Override PartName="/a/B.xml" ContentType="text/own"/>'
    )
    package = open_package(zipped({"[Content_Types].xml": types, "a/B.xml": b"<x/>", "c.xml": b"<x/>"}))
    assert package.content_type("a/b.xml") == "text/own"
    assert package.content_type("c.xml") == "application/xml"
    assert package.content_type("d.bin") == ""


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"", "damaged", "not an Excel workbook"),
        (b"PK\x03\x04 and then nothing", "damaged", "not an Excel workbook"),
        (zipped({"readme.txt": b"x"}), "unsupported", "zip archive but not an Excel workbook"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "unsupported", "old Excel format"),
        (small(**{"a__..__b.xml": b""}), "damaged", "forbidden name 'a/../b.xml'"),
        (small(**{"/a.xml": b""}), "damaged", "forbidden name '/a.xml'"),
        (small(**{"a\\b.xml": b""}), "damaged", "forbidden name"),
        (small(**{"a.xml": b"", "A.XML": b""}), "damaged", "two parts named 'A.XML'"),
        (zipped({"[Content_Types].xml": TYPES % b""}, compression=zipfile.ZIP_LZMA), "unsupported", "never are"),
        (b"%PDF-1.7\n" + small(), "damaged", "begins with something"),
        (small() + small(), "damaged", "begins with something"),
    ],
)
def test_what_is_no_workbook_is_refused_in_words(data, kind, words):
    found, text = refusal(data)
    assert found == kind
    assert words in text


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (PackageLimits(parts=3), "parts; at most 3 are read"),
        (PackageLimits(total=1 << 20), "the workbook unpacks to 3 MB; at most 1 MB are read"),
        (PackageLimits(part=1 << 20), "the part big.xml unpacks to 3 MB; at most 1 MB are read"),
        (PackageLimits(), "the part big.xml unpacks to more than 200 times its size"),
    ],
)
def test_limits_are_met_on_the_directory_alone(limits, words):
    parts = {"[Content_Types].xml": TYPES % b"", "a.xml": b"", "b.xml": b"", "big.xml": b" " * ((2 << 20) + 1)}
    kind, text = refusal(zipped(parts, compression=zipfile.ZIP_DEFLATED), limits)
    assert kind == "limit"
    assert words in text


def test_a_small_part_may_be_packed_well():
    package = open_package(zipped({"[Content_Types].xml": TYPES % b"", "a.xml": b" " * 1_000_000}, compression=8))
    assert package.size("a.xml") == 1_000_000


def test_an_encrypted_entry_is_said_to_need_a_password():
    data = bytearray(small())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert refusal(bytes(data)) == ("encrypted", "the file is protected with a password to open it")


def test_folders_are_no_parts():
    package = open_package(zipped({"[Content_Types].xml": TYPES % b"", "xl/": b""}))
    assert package.names == ("[Content_Types].xml",)


def test_a_local_name_that_is_no_text_is_damage():
    package = Package.read(small(**{"data.xml": b"<x/>"}))
    lying = [replace(one, local_name="dat\xff.xml") if one.name == "data.xml" else one for one in package.entries]
    data = Package(tuple(lying)).to_bytes().replace("dat\xff.xml".encode(), b"dat\xff\xfe.xml")
    with pytest.raises(Unreadable, match=r"data\.xml cannot be unpacked"):
        open_package(data).read("data.xml")


def test_a_part_that_is_missing_or_spoilt_is_named():
    data = bytearray(small(**{"data.xml": b"<x/>" * 50}))
    data[data.index(b"<x/>")] ^= 1
    package = open_package(bytes(data))
    with pytest.raises(Unreadable, match=r"data\.xml cannot be unpacked \(Bad CRC-32"):
        package.read("data.xml")
    with pytest.raises(Unreadable, match=r"none\.xml is missing"):
        package.read("none.xml")


def test_a_stored_part_that_is_shorter_than_it_says():
    data = bytearray(small(**{"data.xml": b"<x/>"}))
    central = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    struct.pack_into("<II", data, central + 20, 400_000, 400_000)
    with pytest.raises(Unreadable, match=r"data\.xml"):
        open_package(bytes(data)).read("data.xml")


def test_relationships_lead_to_parts():
    package = open_package(sample_cpl())
    assert [part for kind, part in package.related("").values() if kind.endswith("/officeDocument")] == [
        "xl/workbook.xml"
    ]
    assert ("xl/styles.xml", True) in [(part, True) for _, part in package.related("xl/workbook.xml").values()]
    assert package.related("xl/styles.xml") == {}


def test_relationships_with_comments_outer_targets_and_roots():
    rels = RELATIONS % (
        b'<!-- c --><?p i?><Relationship Id="a" Type="t/one" Target="/xl/one.xml"/>'
        b'<Relationship Id="b" Type="t/two" Target="../two.xml"/>'
        b'<Relationship Id="c" Type="t/far" TargetMode="External" Target="http://example.org/"/>'
    )
    package = open_package(zipped({"[Content_Types].xml": TYPES % b"", "xl/_rels/book.xml.rels": rels}))
    assert package.related("xl/book.xml") == {"a": ("t/one", "xl/one.xml"), "b": ("t/two", "two.xml")}


def test_two_relationships_of_one_name_are_damage():
    one = b'<Relationship Id="a" Type="t" Target="%s.xml"/>'
    rels = RELATIONS % (one % b"x" + one % b"y")
    package = open_package(zipped({"[Content_Types].xml": TYPES % b"", "_rels/.rels": rels}))
    with pytest.raises(Unreadable, match="two relationships a"):
        package.related("")


def test_xml_without_document_type_and_in_one_piece():
    root = parse_xml(b"<v>1<!-- hidden -->2<?p i?>3<![CDATA[4]]></v>", "a.xml")
    assert root.text == "1234"
    assert len(root) == 0


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not well-formed"),
        (b"<a><b></a>", "not well-formed"),
        (b"<a>" * 300 + b"</a>" * 300, "not well-formed"),
        (b"<!DOCTYPE a><a/>", "declares a document type"),
        (b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', "declares a document type"),
        ('<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a><a/>'.encode("utf-16"), "declares a document type"),
    ],
)
def test_other_xml_is_refused(data, words):
    with pytest.raises(Unreadable, match=words):
        parse_xml(data, "a.xml")


def test_entities_in_attributes_cannot_be_used_to_exhaust():
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    with pytest.raises(Unreadable):
        parse_xml(f'<!DOCTYPE a [<!ENTITY l0 "ha">{levels}]><a r="&l9;"/>'.encode(), "a.xml")


def test_names_of_strangers_are_cut_and_cleaned():
    assert shown("xl/sheet1.xml") == "xl/sheet1.xml"
    assert shown("a\r\nBcc: x\x00é") == "a??Bcc: x?é"
    assert shown("x" * 100) == "x" * 80 + "…"


def test_an_xlsx_says_so():
    package = open_package(xlsx_content_type()(new_entry_form({})))
    assert package.content_type("xl/workbook.xml").endswith("spreadsheetml.sheet.main+xml")
