"""Attacks that add, hide, exchange or rename parts and relationships of a signed workbook."""

from functools import partial

from lxml import etree
from lxml.etree import _Element as Element

from pipeline.demo.cells import HEADER, OFFICE, PACKAGE
from pipeline.demo.package import Package
from pipeline.demo.parts import MACRO_WORKBOOK, WORKSHEET
from pipeline.demo.signature_xml import ALGORITHMS, Signer, package_object, signature_part
from pipeline.demo.signer import ROOT_RELATIONS, override, part_reference, relate, with_signature
from pipeline.demo.tabs import CONTENT_TYPES, RELATIONS, WORKBOOK, edit
from tests.attacked import (
    FORM_PART,
    MACRO,
    SIGNED,
    STRINGS,
    STYLES,
    Attacks,
    Expected,
    Peer,
    add_part,
    add_relation,
    base,
    evil_strings,
    sheet,
    signed,
    swap,
    trust,
    unsigned_workbook,
)

ATTACKS = Attacks()
_SHEET9 = "xl/worksheets/sheet9.xml"


def _second_workbook(package: Package, name: str, ident: str, *, first: bool) -> bytes:
    """Return the package with another main part beside the signed one, which shows another sheet as the form."""
    evil = f"xl/worksheets/{name}sheet.xml"
    answer = package.part(FORM_PART).replace(b"0C:03:0C:22", b"66:66:66:66")
    package = add_part(package, evil, WORKSHEET, answer)
    package = add_part(package, f"xl/{name}.xml", MACRO_WORKBOOK, package.part(WORKBOOK))
    relations = package.part(RELATIONS).replace(b"worksheets/sheet2.xml", f"worksheets/{name}sheet.xml".encode())
    package = package.put(f"xl/_rels/{name}.xml.rels", relations)
    kind = f"{OFFICE}/officeDocument"
    return add_relation(package, ROOT_RELATIONS, kind, f"xl/{name}.xml", ident, first=first).to_bytes()


@ATTACKS.add(
    "01-cia-second-officedocument",
    "CIA: an unsigned second main part, listed first; every signed digest holds",
    "unsigned-relationship",
)
def _second_document() -> bytes:
    return _second_workbook(base(), "evil", "rId0", first=True)


@ATTACKS.add(
    "02-cia-unsigned-rel-types",
    "CIA: parts of types that Office never signs, a comment thread and its author, added after signing",
    "unsigned-relationship",
)
def _unsigned_types() -> bytes:
    types = "http://schemas.microsoft.com/office/2017/10/relationships"
    name = "http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments"
    people = f'{HEADER}<personList xmlns="{name}"><person displayName="SECAS" id="{{0}}"/></personList>'.encode()
    thread = f'{HEADER}<ThreadedComments xmlns="{name}"/>'.encode()
    package = add_part(base(), "xl/persons/person.xml", "application/vnd.ms-excel.person+xml", people)
    package = add_relation(package, RELATIONS, f"{types}/person", "persons/person.xml", "rId77")
    comments = "xl/threadedComments/threadedComment1.xml"
    package = add_part(package, comments, "application/vnd.ms-excel.threadedcomments+xml", thread)
    package = package.put(_sheet_relations(), f'<Relationships xmlns="{PACKAGE}/relationships"/>'.encode())
    target = "../threadedComments/threadedComment1.xml"
    return add_relation(package, _sheet_relations(), f"{types}/threadedComment", target, "rId1").to_bytes()


def _sheet_relations() -> str:
    return "xl/worksheets/_rels/sheet2.xml.rels"


@ATTACKS.add(
    "03-cma-sharedstrings",
    "CMA: the shared strings were disguised at signing, so that they are unsigned; restored and changed afterwards",
    "unsigned-relationship",
)
def _masked_strings() -> bytes:
    package = Package.read(signed(unsigned_workbook(), leave_out={STRINGS}))
    return package.put(STRINGS, evil_strings(package)).to_bytes()


@ATTACKS.add(
    "04-cma-styles",
    "CMA: the styles are unsigned; later a number format shows another firmware version in every answer",
    "unsigned-relationship",
)
def _masked_styles() -> bytes:
    package = Package.read(signed(unsigned_workbook(), leave_out={STYLES}))
    formats = b'<numFmts count="1"><numFmt numFmtId="200" formatCode=";;;&quot;66:66:66:66&quot;"/></numFmts><fonts '
    package = swap(package, STYLES, b"<fonts ", formats)
    return swap(package, STYLES, b'numFmtId="49"', b'numFmtId="200"').to_bytes()


@ATTACKS.add(
    "05-lwa-legacy-streams",
    "LWA: the signature of a legacy workbook's stream, wrapped; it covers nothing of what is shown",
    "unsigned-relationship",
)
def _legacy_wrapping() -> bytes:
    stream = bytes.fromhex("0908100000060500") + b"legacy workbook stream"
    package = add_part(Package.read(unsigned_workbook()), "Workbook", "application/vnd.ms-excel", stream)
    listed = part_reference(package, "Workbook", ALGORITHMS["sha256"])
    holder = trust().signer
    signature = signature_part(
        Signer(holder.key, holder.certificate, holder.chain), [package_object(listed, SIGNED)], SIGNED
    )
    return with_signature(package, signature).to_bytes()


@ATTACKS.add(
    "07-mra-dda",
    "MRA: a duplicate of the main part with relationships of its own, which repairing the file brings up",
    "unsigned-relationship",
)
def _duplicate_document() -> bytes:
    return _second_workbook(base(), "workbook2", "rId11", first=False)


@ATTACKS.add(
    "08-mra-eta",
    "MRA: the signed workbook inside a file of another application, whose content repairing shows",
    "unsigned-relationship",
    suffix=".docx",
)
def _other_application() -> bytes:
    name = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    text = "<w:p><w:r><w:t>Firmware 66:66:66:66</w:t></w:r></w:p>"
    document = f'{HEADER}<w:document xmlns:w="{name}"><w:body>{text}</w:body></w:document>'.encode()
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    package = add_part(base(), "word/document.xml", kind, document)
    return add_relation(
        package, ROOT_RELATIONS, f"{OFFICE}/officeDocument", "word/document.xml", "rIdW", first=True
    ).to_bytes()


@ATTACKS.add(
    "16-extra-part-unsigned-rel",
    "one more worksheet with an unsigned relationship; the signed workbook part is untouched",
    "unsigned-relationship",
)
def _extra_sheet() -> bytes:
    package = add_part(base(), _SHEET9, WORKSHEET, sheet("added after signing"))
    return add_relation(package, RELATIONS, f"{OFFICE}/worksheet", "worksheets/sheet9.xml", "rId99").to_bytes()


@ATTACKS.add("17-orphan-part", "one more worksheet that nothing leads to", "unsigned-part")
def _orphan() -> bytes:
    return add_part(base(), _SHEET9, WORKSHEET, sheet("added after signing")).to_bytes()


@ATTACKS.add(
    "18-sheet-relationship-retargeted",
    "a signed relationship leads to another sheet",
    "manifest-digest",
    peer=Peer.INVALID,
)
def _retargeted() -> bytes:
    return swap(base(), RELATIONS, b"worksheets/sheet2.xml", b"worksheets/sheet3.xml").to_bytes()


@ATTACKS.add(
    "19-partial-signature-one-sheet-unsigned",
    "a valid signature that does not cover the form's sheet, which was then changed",
    "unsigned-relationship",
)
def _partial() -> bytes:
    package = Package.read(signed(unsigned_workbook(), leave_out={FORM_PART}))
    return swap(package, FORM_PART, b"0C:03:0C:22", b"66:66:66:66").to_bytes()


@ATTACKS.add(
    "20-content-type-changed",
    "the content types call a signed worksheet a macro sheet",
    "manifest-content-type",
)
def _content_type() -> bytes:
    def change(root: Element) -> None:
        for one in root:
            if one.get("PartName") == "/xl/worksheets/sheet1.xml":
                one.set("ContentType", "application/vnd.ms-excel.macrosheet+xml")

    return edit(base(), CONTENT_TYPES, change).to_bytes()


@ATTACKS.add(
    "21-content-type-duplicate-override",
    "the content types name one part twice, in another case",
    "content-types-duplicate",
)
def _two_content_types() -> bytes:
    kind = "application/vnd.ms-excel.macrosheet+xml"
    return edit(base(), CONTENT_TYPES, partial(override, part="XL/worksheets/Sheet1.xml", kind=kind)).to_bytes()


@ATTACKS.add(
    "30-vba-signature-only",
    "only the VBA project is signed: there is no package signature",
    "no-signature",
    peer=Peer.UNSIGNED,
    expected=Expected.UNSIGNED,
)
def _vba_signature() -> bytes:
    kind = "application/vnd.ms-office.vbaProjectSignature"
    package = add_part(Package.read(unsigned_workbook()), "xl/vbaProjectSignature.bin", kind, b"\x1e\0\0\0" + bytes(60))
    listing = etree.Element(f"{{{PACKAGE}/relationships}}Relationships")
    relate(
        listing, "http://schemas.microsoft.com/office/2006/relationships/vbaProjectSignature", "vbaProjectSignature.bin"
    )
    return package.put("xl/_rels/vbaProject.bin.rels", etree.tostring(listing)).to_bytes()


@ATTACKS.add("33-vba-tampered", "the macro was changed after signing", "manifest-digest", peer=Peer.INVALID)
def _macro_changed() -> bytes:
    data = bytearray(base().part(MACRO))
    data[-700] ^= 1
    return base().put(MACRO, bytes(data)).to_bytes()


@ATTACKS.add(
    "36-docprops-changed",
    "document properties changed and moved: Office leaves them unsigned, and nobody reads them",
    expected=Expected.ACCEPTED,
)
def _properties() -> bytes:
    package = swap(base(), "docProps/core.xml", b"Sample maker", b"Somebody else")
    package = swap(package, ROOT_RELATIONS, b"docProps/app.xml", b"docProps/moved.xml")
    package = swap(package, CONTENT_TYPES, b"docProps/app.xml", b"docProps/moved.xml")
    return package.rename("docProps/app.xml", "docProps/moved.xml").to_bytes()


@ATTACKS.add("37-unsigned-external-rel", "a link to another machine added after signing", "unsigned-relationship")
def _external() -> bytes:
    package = add_relation(base(), RELATIONS, f"{OFFICE}/hyperlink", "https://evil.invalid/", "rId50")
    return swap(package, RELATIONS, b'Id="rId50"', b'Id="rId50" TargetMode="External"').to_bytes()


@ATTACKS.add(
    "38-vba-pcode-only",
    "unsigned; one octet of the macro differs that is no source text (VBA stomping)",
    "no-signature",
    peer=Peer.UNSIGNED,
    expected=Expected.UNSIGNED,
)
def _stomped() -> bytes:
    # [MS-OVBA] 2.3.4.1: the last octets of _VBA_PROJECT before the performance cache must be ignored
    old, new = (bytes.fromhex(text) for text in ("cc61ffff000000", "cc61ffff000001"))
    return swap(Package.read(unsigned_workbook()), MACRO, old, new).to_bytes()
