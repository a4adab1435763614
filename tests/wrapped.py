"""Mails as other programs wrap them: Outlook's .msg and winmail.dat, and S/MIME, written octet by octet."""

import base64
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID

from pipeline.demo.compound import compound_file

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
LONG, BOOLEAN, OBJECT, STRING8, UNICODE, TIME, BINARY = 0x0003, 0x000B, 0x000D, 0x001E, 0x001F, 0x0040, 0x0102
LONG_NAME, SHORT_NAME, SHOWN_NAME, DATA, METHOD, MIME_TAG, CONTENT_ID, FLAGS = (
    *(0x3707, 0x3704, 0x3001, 0x3701),
    *(0x3705, 0x370E, 0x3712, 0x3714),
)
SUBJECT, BODY, HTML, HEADERS = 0x0037, 0x1000, 0x1013, 0x007D
MESSAGE = bytes.fromhex("0703020000000000c000000000000046")
"""IID_IMessage, before an attached mail in TNEF."""

Properties = Mapping[tuple[int, int], object]
"""Values by property id and type: text, octets or a number."""


@dataclass(frozen=True)
class Item:
    """A mail of Outlook's. files: each with its properties, an attached Item under (DATA, OBJECT)."""

    properties: Properties = field(default_factory=dict)
    files: Sequence[Properties] = ()


def attached(name: str, data: bytes, **more: object) -> Properties:
    """The properties of an ordinary file. more: ``mime``, ``content_id``, ``flags``, ``short``."""
    found: dict[tuple[int, int], object] = {(LONG_NAME, UNICODE): name, (DATA, BINARY): data, (METHOD, LONG): 1}
    kinds = {"mime": (MIME_TAG, UNICODE), "content_id": (CONTENT_ID, UNICODE), "flags": (FLAGS, LONG)}
    return found | {(kinds | {"short": (SHORT_NAME, UNICODE)})[key]: value for key, value in more.items()}


def msg(item: Item) -> bytes:
    """Write a .msg file."""
    streams: dict[str, bytes] = {}
    _store(item, "", streams)
    return compound_file(streams)


def _store(item: Item, prefix: str, streams: dict[str, bytes]) -> None:
    head = struct.pack("<8xIIII", 0, len(item.files), 0, len(item.files)) + bytes(0 if prefix else 8)
    streams[f"{prefix}__properties_version1.0"] = head + _listed(item.properties, prefix, streams)
    for number, properties in enumerate(item.files):
        here = f"{prefix}__attach_version1.0_#{number:08X}/"
        streams[f"{here}__properties_version1.0"] = bytes(8) + _listed(properties, here, streams)


def _listed(properties: Properties, prefix: str, streams: dict[str, bytes]) -> bytes:
    out = b""
    for (ident, kind), value in properties.items():
        head = struct.pack("<HHI", kind, ident, 6)
        if isinstance(value, Item):
            _store(value, f"{prefix}__substg1.0_{ident:04X}{kind:04X}/", streams)
            out += head + struct.pack("<II", 0xFFFFFFFF, 1)
        elif isinstance(value, int):
            out += head + struct.pack("<q", value)
        else:
            data = _octets(value, kind)
            streams[f"{prefix}__substg1.0_{ident:04X}{kind:04X}"] = data
            out += head + struct.pack("<II", len(data) + (2 if kind == UNICODE else 0), 3)
    return out


def _octets(value: object, kind: int) -> bytes:
    if isinstance(value, bytes):
        return value
    return str(value).encode("utf-16-le" if kind == UNICODE else "cp1252")


def tnef(*files: Mapping[int, bytes] | Sequence[tuple[int, bytes]], codepage: int = 1252) -> bytes:
    """Write a TNEF stream: for each file its attributes in order, by id."""
    out = struct.pack("<IH", 0x223E9F78, 1)
    out += attribute(1, 0x00089006, struct.pack("<I", 0x00010000)) + attribute(
        1, 0x00069007, struct.pack("<II", codepage, 0)
    )
    for file in files:
        out += attribute(2, 0x00069002, bytes(14))
        for ident, value in file.items() if isinstance(file, Mapping) else file:
            out += attribute(2, ident, value)
    return out


def attribute(level: int, ident: int, value: bytes) -> bytes:
    return struct.pack("<BII", level, ident, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def titled(name: str, data: bytes, properties: Properties | None = None) -> dict[int, bytes]:
    """The attributes of a file in TNEF: its short name, its octets and its properties."""
    found = {0x00018010: name.encode("cp1252") + b"\0", 0x0006800F: data}
    return found | ({0x00069005: mapi(properties)} if properties else {})


def mapi(properties: Properties) -> bytes:
    """Write properties as TNEF does ([MS-OXTNEF] 2.1.3.4)."""
    out = struct.pack("<I", len(properties))
    for (ident, kind), value in properties.items():
        out += struct.pack("<HH", kind, ident)
        if isinstance(value, int):
            out += struct.pack("<q", value)[: 8 if kind == TIME else 4]
        else:
            data = _octets(value, kind)
            out += struct.pack("<II", 1, len(data)) + data + bytes(-len(data) % 4)
    return out


@cache
def _signer() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    return key, _certificate(key)


def _certificate(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Ottilie Brandreth")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=9))
    return builder.sign(key, SHA256())


def signed(content: bytes, *options: pkcs7.PKCS7Options) -> bytes:
    """Sign octets as CMS signed-data, in DER, with what is signed inside it."""
    key, certificate = _signer()
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(certificate, key, SHA256())
    return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary, *options])


def encrypted(content: bytes) -> bytes:
    """Encrypt octets as CMS enveloped-data, in DER."""
    key = rsa.generate_private_key(65_537, 2_048)
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(content).add_recipient(_certificate(key))
    return builder.encrypt(Encoding.DER, [pkcs7.PKCS7Options.Binary])


def entity(*files: tuple[str, bytes], text: str = "Please find attached.") -> bytes:
    """Write a MIME entity, as S/MIME signs one: no header of a mail in it."""
    message = EmailMessage(policy.SMTP)
    message.set_content(text)
    for name, data in files:
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def rewrapped(raw: bytes, data: bytes, content_type: str, disposition: str) -> bytes:
    """Return a mail with the From, To, Subject, Date and Message-ID of another, and one file as all its content."""
    head = [
        line
        for line in raw.partition(b"\r\n\r\n")[0].replace(b"\r\n ", b" ").split(b"\r\n")
        if not line.lower().startswith((b"content-", b"mime-"))
    ]
    head += [
        b"MIME-Version: 1.0",
        b"Content-Type: " + content_type.encode(),
        b"Content-Disposition: " + disposition.encode(),
        b"Content-Transfer-Encoding: base64",
    ]
    return b"\r\n".join(head) + b"\r\n\r\n" + base64.encodebytes(data)


def sent_with(*files: tuple[str, bytes], content_type: str = "application/octet-stream") -> bytes:
    """Write a mail with these files, all of one content type."""
    message = EmailMessage(policy.SMTP)
    message["From"] = "jo@maker.example"
    message["Subject"] = "New entry"
    message["Message-ID"] = "<1@maker.example>"
    message.set_content("Please find attached.")
    main, _, sub = content_type.partition("/")
    for name, data in files:
        message.add_attachment(data, maintype=main, subtype=sub, filename=name)
    return message.as_bytes()
