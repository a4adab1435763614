"""The signer writes what Office writes; that it is right is shown with another verifier in test_signer_jdk."""

from base64 import b64decode
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from lxml import etree

from pipeline.demo.answers import good_answers
from pipeline.demo.form import new_entry_form
from pipeline.demo.package import Package
from pipeline.demo.pki import rsa_key
from pipeline.demo.signature_xml import DSIG, XADES, Signer, canonical
from pipeline.demo.signer import ORIGIN, content_type, sign, transformed, without_signatures
from pipeline.demo.timestamp import stamper
from tests.trust_matrix import Hierarchy

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
PART = "_xmlsignatures/sig1.xml"
OPEN_PARTS = {
    "[Content_Types].xml",
    "customXml/item1.xml",
    "customXml/itemProps1.xml",
    "customXml/_rels/item1.xml.rels",
    "docProps/app.xml",
    "docProps/core.xml",
}
HOLDER = Hierarchy(AT).leaf("signer")
WORKBOOK = new_entry_form(good_answers(image=True), keep_list=True)


def signed(workbook=WORKBOOK, holder=HOLDER, **options) -> Package:
    given = {"at": AT, "chain": holder.chain} | options
    return Package.read(sign(workbook, holder.key, holder.certificate, **given))


def root(package: Package, part: str = PART):
    return etree.fromstring(package.part(part))


def manifest(package: Package, part: str = PART) -> dict[str, str]:
    references = root(package, part).iterfind(f".//{{{DSIG}}}Manifest/{{{DSIG}}}Reference")
    return {one.get("URI"): one.findtext(f"{{{DSIG}}}DigestValue") for one in references}


def covered(package: Package) -> set[str]:
    return {uri.partition("?")[0].removeprefix("/") for uri in manifest(package)}


def test_the_manifest_covers_all_but_what_office_leaves_open():
    package = signed()
    rest = set(package.names()) - covered(package)
    assert rest == OPEN_PARTS | {name for name in rest if name.startswith("_xmlsignatures/")}
    assert covered(package) <= set(package.names())


def test_digests_and_content_types_are_those_of_the_package():
    package = signed()
    for uri, digest in manifest(package).items():
        name, _, kind = uri.partition("?ContentType=")
        assert content_type(package, name[1:]) == kind
        if not name.endswith(".rels"):
            assert b64decode(digest) == sha256(package.part(name[1:])).digest()


def test_the_parts_keep_their_bytes():
    before, after = Package.read(WORKBOOK), signed()
    changed = {name for name in before.names() if before.part(name) != after.part(name)}
    assert changed == {"[Content_Types].xml", "_rels/.rels"}


def test_the_signature_value_is_that_of_the_canonical_signed_info():
    holder = Hierarchy(AT).leaf("signer", rsa=True)
    package = signed(holder=holder)
    text = package.part(PART).decode()
    start, end = text.index("<SignedInfo>"), text.index("</SignedInfo>") + len("</SignedInfo>")
    value = b64decode(root(package).findtext(f"{{{DSIG}}}SignatureValue"))
    holder.certificate.public_key().verify(value, canonical(text[start:end]), PKCS1v15(), SHA256())


def test_the_canonical_form_has_no_namespace_that_is_not_there():
    made = canonical("<Object Id='a'><x:One xmlns:x='urn:x'><Two/></x:One></Object>")
    assert made == f'<Object xmlns="{DSIG}" Id="a"><x:One xmlns:x="urn:x"><Two></Two></x:One></Object>'.encode()
    inner = canonical('<Object><x:One xmlns:x="urn:x"><x:Two Id="b"><Three/></x:Two></x:One></Object>', "b")
    assert inner == f'<x:Two xmlns="{DSIG}" xmlns:x="urn:x" Id="b"><Three></Three></x:Two>'.encode()


def test_relationships_are_transformed_as_the_standard_says():
    name = "http://schemas.openxmlformats.org/package/2006/relationships"
    part = (
        f'<?xml version="1.0"?>\n<Relationships xmlns="{name}">\n <!-- gone -->'
        '<Relationship Type="t" Target="b.xml" Id="rId9"/>\n'
        '<Relationship Id="rId10" TargetMode="External" Target="https://x.example/?a=1&amp;b=2" Type="t"/>'
        '<Relationship Id="rId1" Type="t" Target="left.xml"/> </Relationships>'
    ).encode()
    external = 'Id="rId10" Target="https://x.example/?a=1&amp;b=2" TargetMode="External" Type="t"'
    internal = 'Id="rId9" Target="b.xml" TargetMode="Internal" Type="t"'
    wanted = "".join(f"<Relationship {one}></Relationship>" for one in (external, internal))
    made = transformed(part, ["rId9", "rId10", "rId7"])
    assert made.decode() == f'<Relationships xmlns="{name}">{wanted}</Relationships>'


def test_the_signed_info_refers_to_three_things_of_the_same_document():
    references = root(signed()).iterfind(f"{{{DSIG}}}SignedInfo/{{{DSIG}}}Reference")
    assert [one.get("URI") for one in references] == ["#idPackageObject", "#idOfficeObject", "#idSignedProperties"]


def test_the_xades_properties_bind_certificate_and_time():
    found = root(signed(at=datetime(2026, 11, 20, 10, 30, tzinfo=timezone(timedelta(hours=1)))))
    assert found.findtext(f".//{{{XADES}}}SigningTime") == "2026-11-20T09:30:00Z"
    digest = found.findtext(f".//{{{XADES}}}CertDigest/{{{DSIG}}}DigestValue")
    assert b64decode(digest) == sha256(HOLDER.der).digest()
    serial = found.findtext(f".//{{{DSIG}}}X509SerialNumber")
    assert int(serial) == HOLDER.certificate.serial_number
    assert found.find(f".//{{{XADES}}}SignaturePolicyImplied") is not None
    carried = found.findall(f".//{{{XADES}}}CertificateValues/{{{XADES}}}EncapsulatedX509Certificate")
    assert len(carried) == len(HOLDER.chain) == 1


def test_without_xades_there_is_no_trace_of_it():
    package = signed(xades=False)
    assert XADES.encode() not in package.part(PART)
    assert covered(package) == covered(signed())


def test_a_timestamp_is_asked_for_the_canonical_signature_value():
    asked = []
    package = signed(timestamp=lambda data: asked.append(data) or b"token")
    text = root(package).findtext(f"{{{DSIG}}}SignatureValue")
    assert asked == [f'<SignatureValue xmlns="{DSIG}">{text}</SignatureValue>'.encode()]
    assert b64decode(root(package).findtext(f".//{{{XADES}}}EncapsulatedTimeStamp")) == b"token"


def test_a_stamper_may_be_told_to_stamp_something_else():
    assert stamper(HOLDER, AT)(b"one") != stamper(HOLDER, AT)(b"two")
    assert stamper(HOLDER, AT, instead=b"two")(b"one") == stamper(HOLDER, AT)(b"two")


@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha384", "sha512"])
def test_both_kinds_of_key_sign_with_every_digest(digest):
    for key, name in ((HOLDER.key, "ecdsa"), (rsa_key("matrix leaf"), "rsa")):
        signer = Signer(key, HOLDER.certificate, digest=digest)
        assert signer.method.endswith(f"{name}-{digest}")
        assert signer.sign(b"data") == signer.sign(b"data")
        assert len(signer.sign(b"data")) == {"ecdsa": 64, "rsa": 256}[name]


def test_left_out_parts_are_unsigned_with_the_relationships_to_them():
    package = signed(leave_out={"xl/styles.xml", "xl/worksheets/sheet2.xml"})
    assert covered(signed()) - covered(package) == {"xl/styles.xml", "xl/worksheets/sheet2.xml"}
    picked = {one.get("SourceId") for one in root(package).iter("{*}RelationshipReference")}
    assert picked == {"rId1", "rId3", "rId4", "rId5", "rId7", "rId8"}


def test_signing_again_replaces_and_co_signing_adds():
    once = sign(WORKBOOK, HOLDER.key, HOLDER.certificate, at=AT)
    other = Hierarchy(AT).leaf("second")
    again = signed(once, other, chain=())
    assert again == signed(WORKBOOK, other, chain=())
    both = signed(once, other, co_sign=True)
    assert both.part(PART) == Package.read(once).part(PART)
    assert manifest(both, "_xmlsignatures/sig2.xml") == manifest(both)
    targets = [one.get("Target") for one in root(both, "_xmlsignatures/_rels/origin.sigs.rels")]
    assert targets == ["sig1.xml", "sig2.xml"]
    assert content_type(both, "_xmlsignatures/sig2.xml") == content_type(both, PART)


def test_taking_the_signatures_off_gives_back_every_part():
    before, after = Package.read(WORKBOOK), without_signatures(signed())
    assert after.names() == before.names()
    assert ORIGIN not in after
    assert without_signatures(before) is before
    for part in ("_rels/.rels", "[Content_Types].xml"):
        assert [dict(one.attrib) for one in root(after, part)] == [dict(one.attrib) for one in root(before, part)]


def test_the_same_arguments_give_the_same_bytes():
    assert signed().to_bytes() == signed().to_bytes()
    assert signed().to_bytes() != signed(at=AT + timedelta(seconds=1)).to_bytes()


def test_a_part_without_a_content_type_is_named():
    package = Package.read(WORKBOOK).put("xl/odd.bin", b"")
    with pytest.raises(LookupError, match="gives xl/odd"):
        content_type(package, "xl/odd.bin")
