"""What an attack on a package signature is, and the signed workbook that all of them start from."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache, partial

from lxml.etree import _Element as Element

from pipeline.demo.answers import good_answers
from pipeline.demo.cells import HEADER, MAIN
from pipeline.demo.form import new_entry_form
from pipeline.demo.package import Package
from pipeline.demo.signer import override, relate, sign
from pipeline.demo.tabs import CONTENT_TYPES, edit
from pipeline.demo.trust import SampleTrust, sample_trust

RECEIVED = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
"""When the attacked workbooks reach the helpdesk; they were signed the day before."""
SIGNED = sample_trust(RECEIVED).signed_at

FORM_PART = "xl/worksheets/sheet2.xml"
STRINGS = "xl/sharedStrings.xml"
STYLES = "xl/styles.xml"
MACRO = "xl/vbaProject.bin"


class Peer(StrEnum):
    """What a validator says that looks at nothing but digests and signature values; the JDK's is one."""

    VALID = "VALID"
    INVALID = "INVALID"
    ERROR = "ERROR"
    UNSIGNED = "UNSIGNED"


class Expected(StrEnum):
    """What a strict reader must make of it."""

    REFUSED = "refused"
    UNSIGNED = "unsigned"
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class Attack:
    """One attacked workbook. codes: faults of which a strict reader names at least one. suffix: of the file's name."""

    name: str
    does: str
    build: Callable[[], bytes]
    peer: Peer
    codes: frozenset[str]
    expected: Expected
    suffix: str


Builder = Callable[[], bytes]


class Attacks(dict[str, Attack]):
    """Attacks by name, filled by decorating their builders."""

    def add(
        self,
        name: str,
        does: str,
        *codes: str,
        peer: Peer = Peer.VALID,
        expected: Expected = Expected.REFUSED,
        suffix: str = ".xlsm",
    ) -> Callable[[Builder], Builder]:
        """Add the builder below as one attack; its file is built once."""

        def register(build: Builder) -> Builder:
            self[name] = Attack(name, does, cache(build), peer, frozenset(codes), expected, suffix)
            return build

        return register


@cache
def trust() -> SampleTrust:
    """Return the signer of every attacked workbook, and what vouches for it."""
    return sample_trust(RECEIVED)


@cache
def unsigned_workbook() -> bytes:
    """Return the workbook before it is signed: a good form with a Manufacturer Image, and the list's other tabs."""
    return new_entry_form(good_answers(image=True), keep_list=True)


def signed(workbook: bytes, *, leave_out: Collection[str] = (), xades: bool = True) -> bytes:
    """Return a workbook with a good signature, but for what is left out of it."""
    holder = trust().signer
    return sign(
        workbook, holder.key, holder.certificate, chain=holder.chain, at=SIGNED, leave_out=leave_out, xades=xades
    )


@cache
def signed_workbook() -> bytes:
    """Return the signed workbook that the attacks start from."""
    return signed(unsigned_workbook())


def base() -> Package:
    """Return the signed workbook's package."""
    return Package.read(signed_workbook())


def swap(package: Package, part: str, old: bytes, new: bytes) -> Package:
    """Return the package with some octets of a part exchanged. Raises LookupError when they are not there."""
    data = package.part(part)
    if old not in data:
        raise LookupError(f"{part} holds no {old!r}")
    return package.put(part, data.replace(old, new))


def evil_strings(package: Package) -> bytes:
    """Return shared strings that say something else of every entry on the list."""
    return package.part(STRINGS).replace(b"Quillmoor", b"Gallowmere")


def sheet(text: str) -> bytes:
    """Return a worksheet part with one text."""
    row = f'<row r="1"><c r="A1" t="inlineStr"><is><t>{text}</t></is></c></row>'
    return f'{HEADER}<worksheet xmlns="{MAIN}"><sheetData>{row}</sheetData></worksheet>'.encode()


def add_part(package: Package, name: str, kind: str, data: bytes) -> Package:
    """Return the package with one more part and its content type."""
    return edit(package, CONTENT_TYPES, partial(override, part=name, kind=kind)).put(name, data)


def add_relation(package: Package, part: str, kind: str, target: str, ident: str, *, first: bool = False) -> Package:
    """Return the package with one more relationship in a relationships part, at its beginning or its end."""

    def change(root: Element) -> None:
        relate(root, kind, target, ident)
        if first:
            root.insert(0, root[-1])

    return edit(package, part, change)
