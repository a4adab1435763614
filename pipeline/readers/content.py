"""What a file is, judged by its first octets and never by its name or declared type."""

import re
import uuid
from collections.abc import Collection

_PDF_WITHIN = 1_024  # viewers accept the marker this far in (ISO 32000-1, Annex H, note 13)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_TNEF = b"\x78\x9f\x3e\x22"
_OUTLOOK_ITEM = "__properties_version1.0".encode("utf-16-le")
# What the root of a .msg or .oft says it is, and what a program other than Outlook leaves there. A workbook or a
# letter with a mail drawn into it holds the same streams, but its root says Excel or Word ([MS-CFB] 2.6.1).
_OUTLOOK_ROOTS = frozenset(
    {
        bytes(16),
        uuid.UUID("00020d0b-0000-0000-c000-000000000046").bytes_le,
        uuid.UUID("0006f046-0000-0000-c000-000000000046").bytes_le,
    }
)
_DIRECTORY_AT, _ROOT_IS_AT = 48, 80
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")

_IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*", b"\x01\0\0\0\x58\0\0\0")
_PACKED = (
    (0, b"Rar!\x1a\x07", "RAR"),
    (0, b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (0, b"\x1f\x8b\x08", "gzip"),
    (0, b"BZh", "bzip2"),
    (0, b"\xfd7zXZ\0", "xz"),
    (0, b"MSCF\0\0\0\0", "cabinet"),
    (257, b"ustar", "tar"),
)
# A sequence, its length in any form, and an object identifier of PKCS #7 or S/MIME (X.690, 8.1.3; RFC 5652, 3).
_CMS = re.compile(
    rb"0(?:[\x00-\x80]|[\x81-\x84].{1,4}?)\x06[\x09\x0b]\x2a\x86\x48\x86\xf7\x0d\x01[\x07\x09]", re.DOTALL
)
_MAIL_HEADER = re.compile(
    rb"^(?:received|return-path|from|to|subject|date|message-id|mime-version|delivered-to|dkim-signature|reply-to"
    rb"|authentication-results|arc-seal|x-[\w-]{1,70}|content-type):",
    re.IGNORECASE | re.MULTILINE,
)
_MAIL_HEADERS_ASKED = 3
_HEAD = 4_096
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def kind_of(data: bytes, zip_names: Collection[str] | None) -> str:
    """Return the kind of ``Attachment``. zip_names: lower-case names in the zip, None where it is no readable zip."""
    if zip_names is not None:
        return _kind_of_zip(zip_names)
    if is_zip(data):
        return "zip"
    if data.startswith(_OLE):
        return "mail" if is_outlook_item(data) else "ole"
    if is_tnef(data) or is_cms(data):
        return "other"  # whatever the first file in it looks like
    if b"%PDF" in data[:_PDF_WITHIN]:
        return "pdf"
    if data.startswith(_IMAGES) or (data.startswith(b"RIFF") and data[8:12] == b"WEBP"):
        return "image"
    return _kind_of_text(data)


def is_zip(data: bytes) -> bool:
    """Whether the octets start as a zip archive does (APPNOTE 4.3.6, or 4.3.16 for one without files)."""
    return data.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def is_no_text(data: bytes) -> bool:
    """Whether octets that are sent as the text of a mail start as a file does that may be a submission's."""
    return is_zip(data) or is_tnef(data) or is_cms(data) or data.startswith((_OLE, b"%PDF-"))


def is_mail(data: bytes) -> bool:
    """Whether the octets start with mail headers: the first line is one, and two more stand before a blank line."""
    head = data[:_HEAD].lstrip(b"\r\n").replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    return bool(_MAIL_HEADER.match(head)) and len(_MAIL_HEADER.findall(head)) >= _MAIL_HEADERS_ASKED


def is_tnef(data: bytes) -> bool:
    """Whether this is Outlook's own wrapping of a mail (MS-OXTNEF 2.1.3.1)."""
    return data.startswith(_TNEF)


def is_outlook_item(data: bytes) -> bool:
    """Whether an OLE file is a mail saved by Outlook as .msg (MS-OXMSG 2.2), whole or cut off."""
    if not data.startswith(_OLE) or _OUTLOOK_ITEM not in data:
        return False
    sector = 4_096 if data[30:32] == b"\x0c\0" else 512
    start = (int.from_bytes(data[_DIRECTORY_AT : _DIRECTORY_AT + 4], "little") + 1) * sector + _ROOT_IS_AT
    return data[start : start + 16].ljust(16, b"\0") in _OUTLOOK_ROOTS


def is_cms(data: bytes) -> bool:
    """Whether this is a CMS structure in BER, as S/MIME and .p7m files are (RFC 5652, 3)."""
    return bool(_CMS.match(data))


def is_encrypted_office(data: bytes) -> bool:
    """Whether an OLE file wraps an Office file that is protected with a password (MS-OFFCRYPTO 2.3.4.4)."""
    return data.startswith(_OLE) and _ENCRYPTED_PACKAGE in data


def packer(data: bytes) -> str:
    """Return the name of an archive format that is recognised but not opened; empty for anything else."""
    return next((name for start, magic, name in _PACKED if data.startswith(magic, start)), "")


def _kind_of_text(data: bytes) -> str:
    if is_mail(data):
        return "mail"
    if packer(data) or _NO_TEXT.search(data, 0, _HEAD):
        return "other"
    return "text"


def _kind_of_zip(names: Collection[str]) -> str:
    if "[content_types].xml" in names:
        return "workbook" if any(name.startswith("xl/workbook") for name in names) else "other"
    return "other" if "mimetype" in names else "zip"  # an OpenDocument file is no archive to look into either
