"""Files a mail may bring that are made to break a reader. They harm only a program that trusts them."""

import zlib
from functools import lru_cache
from hashlib import sha256

from pipeline.demo.compound import compound_file
from pipeline.demo.package import Entry, Package, entry
from pipeline.demo.workbook import sample_cpl

_SHEET = "xl/worksheets/sheet2.xml"
_STRINGS = "xl/sharedStrings.xml"
_ROWS_END = b"</sheetData>"
_MEGABYTE = 1 << 20

NOT_A_WORKBOOK = b"Device_Type.name: Gas Smart Meter\r\nThis is plain text under a workbook's name.\r\n"


def _sample() -> Package:
    """Return the sample list as a package to be spoilt."""
    return Package.read(sample_cpl())


@lru_cache(maxsize=4)
def _blanks(size: int, before: bytes = b"", after: bytes = b"") -> Entry:
    """Return an entry without a name that unpacks to size blanks between two pieces; never held unpacked."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    raw = [packer.compress(before)]
    crc = zlib.crc32(before)
    left = size
    while left:
        piece = b" " * min(left, _MEGABYTE)
        raw.append(packer.compress(piece))
        crc = zlib.crc32(piece, crc)
        left -= len(piece)
    raw += [packer.compress(after), packer.flush()]
    return Entry("", b"".join(raw), 8, zlib.crc32(after, crc), len(before) + size + len(after))


def _replace(package: Package, name: str, new: Entry) -> Package:
    """Return the package with one entry exchanged, its name kept."""
    spoilt = Entry(name, new.raw, new.method, new.crc, new.size)
    return Package(tuple(spoilt if one.name == name else one for one in package.entries))


def zip_bomb(size: int = 64 * _MEGABYTE) -> bytes:
    """Return a workbook whose form sheet unpacks to size octets of blanks, about a thousand times its packed size."""
    start, end = _sample().part(_SHEET).split(_ROWS_END)
    return _replace(_sample(), _SHEET, _blanks(size, start + _ROWS_END, end)).to_bytes()


def huge_shared_string(size: int = 64 * _MEGABYTE) -> bytes:
    """Return a workbook with one shared text of size octets."""
    start, end = _sample().part(_STRINGS).split(b"</sst>")
    wrapped = start + b'<si><t xml:space="preserve">', b"</t></si></sst>" + end
    return _replace(_sample(), _STRINGS, _blanks(size, *wrapped)).to_bytes()


def many_parts(count: int = 2001) -> bytes:
    """Return a workbook with count entries in its package."""
    package = _sample()
    missing = count - len(package.entries)
    padding = tuple(entry(f"customXml/item{number}.xml", b"<x/>") for number in range(100, 100 + missing))
    return Package(package.entries + padding).to_bytes()


def billion_laughs() -> bytes:
    """Return a workbook whose form sheet declares entities that expand a billion times (XML 1.0, 4.4)."""
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return _with_document_type(f'<!DOCTYPE worksheet [<!ENTITY l0 "ha">{levels}]>', "&l9;")


def external_entity(target: str = "file:///etc/hostname") -> bytes:
    """Return a workbook whose form sheet asks the reader to fetch target."""
    return _with_document_type(f'<!DOCTYPE worksheet [<!ENTITY taken SYSTEM "{target}">]>', "&taken;")


def _with_document_type(declaration: str, reference: str) -> bytes:
    """Return the sample with a document type declaration in its form sheet, and a cell that uses it."""
    sheet = _sample().part(_SHEET).decode()
    head, _, body = sheet.partition("<worksheet")
    row = f'<row r="60"><c r="A60" t="inlineStr"><is><t>{reference}</t></is></c></row></sheetData>'
    return (
        _sample().put(_SHEET, f"{head}{declaration}<worksheet{body.replace('</sheetData>', row)}".encode()).to_bytes()
    )


def far_cell() -> bytes:
    """Return a workbook with one cell in the last row and column there are, which dense readers allocate up to."""
    row = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    return _sample().put(_SHEET, _sample().part(_SHEET).replace(_ROWS_END, row)).to_bytes()


def deep_nesting(depth: int = 100_000) -> bytes:
    """Return a workbook whose form sheet nests depth elements."""
    row = b'<row r="60"><c r="A60" t="inlineStr"><is>%s<t>deep</t>%s</is></c></row></sheetData>'
    sheet = _sample().part(_SHEET).replace(_ROWS_END, row % (b"<r>" * depth, b"</r>" * depth))
    return _sample().put(_SHEET, sheet).to_bytes()


def duplicate_part() -> bytes:
    """Return a workbook that holds its form sheet twice, the second one saying something else."""
    package = _sample()
    second = entry(_SHEET, package.part(_SHEET).replace(b"</worksheet>", b"<!-- second --></worksheet>"))
    return Package((*package.entries, second)).to_bytes()


def mismatched_names() -> bytes:
    """Return a workbook in which the local header of the form sheet names another part than the directory does."""
    package = _sample()
    found = next(one for one in package.entries if one.name == _SHEET)
    lying = Entry(found.name, found.raw, found.method, found.crc, found.size, "xl/worksheets/sheet9.xml")
    return Package(tuple(lying if one is found else one for one in package.entries)).to_bytes()


def understated_size(size: int = 64 * _MEGABYTE) -> bytes:
    """Return a zip bomb whose directory says that the sheet unpacks to 1,000 octets."""
    bomb = _blanks(size, _sample().part(_SHEET).replace(b"</worksheet>", b""), b"</worksheet>")
    return _replace(_sample(), _SHEET, Entry("", bomb.raw, bomb.method, bomb.crc, 1000)).to_bytes()


def traversal_names() -> bytes:
    """Return a workbook with entries that would land outside the folder they are unpacked in."""
    names = ("../../outside.xml", "/absolute.xml", "C:\\outside.xml", "xl/../../outside.xml")
    return Package(_sample().entries + tuple(entry(name, b"<x/>") for name in names)).to_bytes()


def truncated(workbook: bytes, part: float = 0.6) -> bytes:
    """Return the first part of a file, as a broken transfer leaves it."""
    return workbook[: int(len(workbook) * part)]


def encrypted_workbook(size: int = 16_384) -> bytes:
    """Return what a password-protected workbook looks like from outside ([MS-OFFCRYPTO] 2.3.4.10, agile encryption).

    The package inside is made of digests, not of an encrypted workbook: no password opens it.
    """
    noise = b"".join(sha256(number.to_bytes(4, "big")).digest() for number in range(size // 32))
    salt, key, check = "c2FtcGxlLXNhbHQtMDE=", "a" * 43 + "=", "c2FtcGxlLWNoZWNrLTE="
    cipher = (
        'saltSize="16" blockSize="16" keyBits="256" hashSize="64" cipherAlgorithm="AES" '
        f'cipherChaining="ChainingModeCBC" hashAlgorithm="SHA512" saltValue="{salt}"'
    )
    description = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
        '<encryption xmlns="http://schemas.microsoft.com/office/2006/encryption" '
        'xmlns:p="http://schemas.microsoft.com/office/2006/keyEncryptor/password">'
        f'<keyData {cipher}/><dataIntegrity encryptedHmacKey="{key}" encryptedHmacValue="{key}"/><keyEncryptors>'
        '<keyEncryptor uri="http://schemas.microsoft.com/office/2006/keyEncryptor/password">'
        f'<p:encryptedKey spinCount="100000" {cipher} encryptedVerifierHashInput="{check}" '
        f'encryptedVerifierHashValue="{key}" encryptedKeyValue="{key}"/></keyEncryptor></keyEncryptors></encryption>'
    )
    return compound_file(
        {
            "EncryptionInfo": b"\4\0\4\0\x40\0\0\0" + description.encode(),
            "EncryptedPackage": len(noise).to_bytes(8, "little") + noise,
        }
    )
