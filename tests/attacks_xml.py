"""Attacks on the XML signature itself: forged, wrapped, weakened, doubled or bound to another certificate."""

from pipeline.demo.package import Package
from pipeline.demo.pki import Profile, root, rsa_key
from pipeline.demo.signature_xml import (
    ALGORITHMS,
    PACKAGE_OBJECT,
    Signer,
    base64,
    office_object,
    package_object,
    signature_part,
)
from pipeline.demo.signer import (
    ORIGIN_RELATIONS,
    ORIGIN_TYPE,
    ROOT_RELATIONS,
    SIGNATURE_CONTENT,
    manifest,
    sign,
    with_signature,
)
from tests.attacked import (
    SIGNED,
    STRINGS,
    Attacks,
    Peer,
    add_part,
    add_relation,
    base,
    evil_strings,
    signed,
    swap,
    trust,
    unsigned_workbook,
)

ATTACKS = Attacks()
_PART = "_xmlsignatures/sig1.xml"


def _forged() -> Package:
    """Return the workbook before signing, with other shared strings."""
    package = Package.read(unsigned_workbook())
    return package.put(STRINGS, evil_strings(package))


def _forged_object(ident: str = PACKAGE_OBJECT) -> bytes:
    """Return an Object whose Manifest fits the forged workbook, which nobody signed."""
    listed = package_object(manifest(_forged(), ALGORITHMS["sha256"]), SIGNED)
    return listed.replace(PACKAGE_OBJECT, ident, 1).replace("idSignatureTime", f"{ident}Time").encode()


@ATTACKS.add(
    "06-usf-grafted-manifest",
    "USF: a genuine signature over something else; the Manifest of the forged workbook was put beside it",
    "no-package-object-ref",
)
def _universal_forgery() -> bytes:
    holder = trust().signer
    signer = Signer(holder.key, holder.certificate, holder.chain)
    genuine = signature_part(signer, [office_object("minutes of a meeting")], SIGNED)
    grafted = genuine.replace(b"</KeyInfo>", b"</KeyInfo>" + _forged_object())
    return with_signature(_forged(), grafted).to_bytes()


@ATTACKS.add(
    "22-xsw-duplicate-id",
    "XSW: an evil Object with the Id of the signed one in front of it",
    "sig-duplicate-id",
    peer=Peer.INVALID,
)
def _duplicate_id() -> bytes:
    package = base().put(STRINGS, evil_strings(base()))
    return swap(package, _PART, b"</KeyInfo>", b"</KeyInfo>" + _forged_object()).to_bytes()


@ATTACKS.add(
    "23-xsw-moved",
    "XSW: the signed Object moved into a wrapper, an evil Manifest put into its place",
    "sig-manifest-count",
)
def _moved() -> bytes:
    package = base().put(STRINGS, evil_strings(base()))
    data = package.part(_PART)
    start = data.index(b"<Object ")
    end = data.index(b"</Object>") + len(b"</Object>")
    wrapped = b'<Object Id="idWrapper">' + data[start:end] + b"</Object>"
    return package.put(_PART, data[:start] + _forged_object("idEvilObject") + wrapped + data[end:]).to_bytes()


@ATTACKS.add("24-xxe-sig1", "a document type with an external entity in the signature part", "xml-dtd", peer=Peer.ERROR)
def _external_entity() -> bytes:
    declared = b'<!DOCTYPE Signature [<!ENTITY taken SYSTEM "file:///etc/hostname">]><Signature '
    return swap(base(), _PART, b"<Signature ", declared).to_bytes()


@ATTACKS.add(
    "25-dtd-in-rels",
    "a document type in a relationships part; the relationship transform drops it, so the digest holds",
    "xml-dtd",
    peer=Peer.ERROR,
)
def _dtd_in_relations() -> bytes:
    declared = b'<!DOCTYPE Relationships [<!ENTITY kind "evil">]><Relationships '
    return swap(base(), ROOT_RELATIONS, b"<Relationships ", declared).to_bytes()


@ATTACKS.add(
    "26-certificate-substituted",
    "the certificate exchanged for one of another organisation and the same key: KeyInfo is not signed",
    "xades-cert-mismatch",
)
def _other_certificate() -> bytes:
    holder = trust().signer
    certificate = holder.certificate
    profile = Profile(
        "Somebody Else",
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        organisations=("Gallowmere Devices Ltd",),
    )
    old, new = (base64(one.der).encode() for one in (holder, root(profile, holder.key)))
    return swap(base(), _PART, old, new).to_bytes()


@ATTACKS.add(
    "27-xades-type-removed",
    "the SignedInfo altered: the reference to the signed properties lost its type",
    "signature-value",
    peer=Peer.INVALID,
)
def _altered_signed_info() -> bytes:
    return swap(base(), _PART, b' Type="http://uri.etsi.org/01903#SignedProperties"', b"").to_bytes()


@ATTACKS.add("28-no-xades", "validly signed, but nothing binds the certificate and the time", "no-xades")
def _no_xades() -> bytes:
    return signed(unsigned_workbook(), xades=False)


@ATTACKS.add("29-sha1", "SHA-1 digests, and RSA with SHA-1", "sha1")
def _sha1() -> bytes:
    issued = trust().signer.certificate
    profile = Profile("Ottilie Brandreth", issued.not_valid_before_utc, issued.not_valid_after_utc)
    holder = trust().issuing.issue(profile, rsa_key("sha-1 signer"))
    return sign(unsigned_workbook(), holder.key, holder.certificate, chain=holder.chain, at=SIGNED, digest="sha1")


@ATTACKS.add(
    "31-empty-sig1-stray",
    "an empty signature part and no origin; Office for Mac showed it as signed",
    "stray-signature-part",
    peer=Peer.UNSIGNED,
)
def _empty_signature() -> bytes:
    return add_part(Package.read(unsigned_workbook()), _PART, SIGNATURE_CONTENT, b"").to_bytes()


@ATTACKS.add(
    "32-stray-second-signature",
    "a second signature part that the origin does not lead to",
    "unsigned-part",
    "stray-signature-part",
)
def _stray_signature() -> bytes:
    return add_part(base(), "_xmlsignatures/sig2.xml", SIGNATURE_CONTENT, base().part(_PART)).to_bytes()


@ATTACKS.add("34-two-origins", "two signature origins", "sig-origin-count")
def _two_origins() -> bytes:
    second = "_xmlsignatures/origin2.sigs"
    package = base().put(second, b"")
    package = package.put("_xmlsignatures/_rels/origin2.sigs.rels", package.part(ORIGIN_RELATIONS))
    return add_relation(package, ROOT_RELATIONS, ORIGIN_TYPE, second, "rIdOrigin2").to_bytes()


@ATTACKS.add("35-hmac", "the signature method changed to one with a shared secret", "hmac", peer=Peer.ERROR)
def _hmac() -> bytes:
    more = b"http://www.w3.org/2001/04/xmldsig-more#"
    return swap(base(), _PART, more + b"ecdsa-sha256", more + b"hmac-sha256").to_bytes()
