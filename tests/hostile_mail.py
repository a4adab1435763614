"""Mails made to break whoever reads them, each under its name: headers, structure, names, archives, wrappings, loops.

Each is a few kilobytes to a few megabytes and speaks of a submission, so that the worker takes it seriously. What may
become of it is a kind the worker gives to a mail: how bad it is changes nothing for the mails beside it.
"""

import base64
import io
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from pipeline.demo import hostile
from pipeline.demo.answers import good_answers
from pipeline.demo.form import new_entry_form
from pipeline.demo.mail import File, mail, submission
from pipeline.judge import AUTOMATIC, FOR_A_PERSON, NEW_ENTRY, NOT_OURS
from tests import wrapped

CRLF = b"\r\n"
SENDER = b"Jo <jo@maker.example>"
_UNSEEN_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(frozen=True, slots=True)
class Hostile:
    """A mail, and the kind the worker finds it to be."""

    raw: bytes
    kind: str


class Collection:
    """Builds mails for one moment and one submission, which some of them wrap. base: the CPL in force."""

    def __init__(self, at: datetime, base: bytes) -> None:
        self._at, self._base = at, base
        self._number = 0

    def all(self) -> dict[str, Hostile]:
        """Return every mail, by its name."""
        groups: tuple[Callable[[], Iterator[tuple[str, bytes, str]]], ...] = (
            self._headers,
            self._structures,
            self._texts,
            self._names,
            self._contents,
            self._archives,
            self._wrappings,
            self._machines,
        )
        return {name: Hostile(raw, kind) for group in groups for name, raw, kind in group()}

    # ---- the parts they are made of

    def _plain(self, *headers: bytes, body: bytes = b"About our CPL submission.\r\n", common: bool = True) -> bytes:
        """A mail with these header lines before the usual ones."""
        self._number += 1
        usual = (
            b"From: " + SENDER,
            b"To: helpdesk@secas.example",
            b"Subject: CPL submission",
            b"Date: Wed, 04 Mar 2026 10:00:00 +0000",
            b"Message-ID: <hostile-%d@maker.example>" % self._number,
        )
        return CRLF.join((*headers, *(usual if common else ()), b"", body))

    def _multipart(self, *parts: bytes, boundary: bytes = b"b", closed: bool = True) -> bytes:
        """A multipart/mixed mail. parts: each with its headers."""
        body = b"".join(b"--" + boundary + CRLF + part + CRLF for part in parts)
        return self._plain(
            b"Content-Type: multipart/mixed; boundary=" + boundary,
            body=body + (b"--" + boundary + b"--\r\n" if closed else b""),
        )

    def _bringing(self, *files: File, subject: str = "CPL submission") -> bytes:
        self._number += 1
        return mail(subject, f"Hostile file {self._number}.\n", self._at, files)

    def _submission(self) -> bytes:
        """A good submission that no other is: its mail differs, its files do not."""
        self._number += 1
        return submission(self._at - timedelta(minutes=self._number), base=self._base)

    def _workbook(self) -> bytes:
        return new_entry_form(good_answers(), self._base)

    # ---- the groups

    def _headers(self) -> Iterator[tuple[str, bytes, str]]:
        plain = self._plain
        yield "no headers", b"\r\nAbout our CPL submission.\r\n", NEW_ENTRY
        yield "one octet", b"\n", NOT_OURS
        yield "nothing but NUL", b"\0" * 2_000, NOT_OURS
        yield "NUL in the headers", plain(b"X-Odd: a\0b", b"From: jo\0@maker.example"), NEW_ENTRY
        yield "bare CR", plain(b"X-Odd: a\rb").replace(CRLF, b"\r"), NEW_ENTRY
        yield "bare LF", plain().replace(CRLF, b"\n"), NEW_ENTRY
        yield (
            "eight-bit headers",
            plain(b"From: \xff\xfe <\xe9@maker.example>", b"Subject: CPL submission \x80"),
            NEW_ENTRY,
        )
        yield "no From, Date, Message-ID", plain(b"Subject: CPL submission", common=False), NEW_ENTRY
        yield "two From", plain(b"From: other@stranger.example"), NEW_ENTRY
        yield "From with a group", plain(b"From: Friends: a@b.example, c@d.example;"), NEW_ENTRY
        yield "every header ten times", plain(*plain().split(CRLF)[:5] * 9), NEW_ENTRY
        yield "20,000 headers", plain(*[b"X: y"] * 20_000), FOR_A_PERSON
        yield "50,000 addresses", plain(b"From: " + b", ".join(b"a%d@b.c" % n for n in range(50_000))), FOR_A_PERSON
        yield "249 kB of encoded words", plain(b"Subject: " + b"=?utf-8?q?a?= " * 18_000), FOR_A_PERSON
        yield "nested comments", plain(b"From: " + b"(" * 30_000 + b"a@b.c"), NEW_ENTRY
        yield "open quotes", plain(b"From: " + b'"\\' * 30_000), NEW_ENTRY
        yield (
            "20,000 continuations",
            plain(b"Content-Type: a/b" + b"".join(b"; n*%d*=%%41" % n for n in range(20_000))),
            FOR_A_PERSON,
        )
        yield "a header of a megabyte", plain(b"Subject: " + b"x" * 1_000_000), FOR_A_PERSON
        yield "a date that never was", plain(b"Date: Tue, 31 Feb 2026 25:61:61 +9999"), NEW_ENTRY
        yield "a date in 2050", plain(b"Date: Sat, 01 Jan 2050 00:00:00 +0000"), NEW_ENTRY
        yield "a date in 1904", plain(b"Date: Fri, 01 Jan 1904 00:00:00 +0000"), NEW_ENTRY
        yield "a Message-ID of five kilobytes", plain(b"Message-ID: <" + b"x" * 5_000 + b"@b.c>"), NEW_ENTRY
        yield "a Message-ID like a literal", plain(b"Message-ID: {10}"), NEW_ENTRY
        yield "10,000 references", plain(b"References: " + b"<a@b.c> " * 10_000), FOR_A_PERSON
        yield "IMAP in the mail", plain(body=b")\r\na1 OK done\r\n* 1 FETCH (UID 1)\r\n* BYE\r\n{10}\r\n"), NEW_ENTRY
        yield "a case number of ours", plain(b"Subject: Re: CPL-2026-99999 CPL submission"), NEW_ENTRY

    def _structures(self) -> Iterator[tuple[str, bytes, str]]:
        multipart = self._multipart
        nested = b"Content-Type: text/plain\r\n\r\ndeep\r\n"
        for level in range(400):
            nested = b"Content-Type: multipart/mixed; boundary=n%d\r\n\r\n--n%d\r\n%s\r\n--n%d--\r\n" % (
                level,
                level,
                nested,
                level,
            )
        yield "400 multiparts in one another", multipart(nested), NEW_ENTRY
        inside = b"Subject: innermost\r\n\r\nx\r\n"
        for _ in range(3_000):
            inside = b"Content-Type: message/rfc822\r\n\r\n" + inside
        yield "3,000 mails in one another", multipart(inside), NEW_ENTRY
        yield "10,000 parts", multipart(*[b"Content-Type: text/plain\r\n\r\nx"] * 10_000), NEW_ENTRY
        files = (b"Content-Disposition: attachment; filename=f%d.pdf\r\n\r\n%%PDF" % n for n in range(10_000))
        yield "10,000 files", multipart(*files), NEW_ENTRY
        yield "no closing boundary", multipart(b"\r\nAbout our CPL submission.", closed=False), NEW_ENTRY
        yield (
            "an empty boundary",
            self._plain(b"Content-Type: multipart/mixed; boundary=", body=b"--\r\n\r\nx\r\n----\r\n"),
            NEW_ENTRY,
        )
        yield (
            "no boundary at all",
            self._plain(b"Content-Type: multipart/mixed", body=b"--b\r\n\r\nx\r\n--b--\r\n"),
            NEW_ENTRY,
        )
        yield "a boundary that begins another", multipart(multipart(b"\r\nx", boundary=b"bb"), boundary=b"b"), NEW_ENTRY
        yield (
            "closed before it began",
            self._plain(b"Content-Type: multipart/mixed; boundary=b", body=b"--b--\r\n--b\r\n\r\nx\r\n"),
            NEW_ENTRY,
        )
        yield "a piece of a mail", self._plain(b'Content-Type: message/partial; id="a@b"; number=1; total=2'), NEW_ENTRY
        yield (
            "a body elsewhere",
            self._plain(b'Content-Type: message/external-body; access-type=URL; URL="http://stranger.example/x"'),
            NEW_ENTRY,
        )
        yield (
            "an endless enclosure",
            self._plain(b"Content-Type: multipart/digest; boundary=b", body=b"--b\r\n\r\n" + b"--b\r\n" * 5_000),
            NEW_ENTRY,
        )
        enclosed = base64.encodebytes(self._submission()).replace(b"\n", CRLF)
        head = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        yield "a submission enclosed in base64", multipart(head + enclosed), NEW_ENTRY

    def _texts(self) -> Iterator[tuple[str, bytes, str]]:

        def text(charset: bytes, body: bytes, encoding: bytes = b"8bit") -> bytes:
            return self._plain(
                b"Content-Type: text/plain; charset=" + charset, b"Content-Transfer-Encoding: " + encoding, body=body
            )

        yield "a charset that lies", text(b"us-ascii", b"\xff\xfe\x80 CPL submission"), NEW_ENTRY
        yield "a charset nobody knows", text(b"x-klingon", b"CPL submission"), NEW_ENTRY
        yield "a charset that is a compressor", text(b"zlib", b"x\x9c CPL submission"), NEW_ENTRY
        yield "UTF-7", text(b"utf-7", b"+AEMAUABM- submission +2AA-"), NEW_ENTRY
        yield "UTF-16", text(b"utf-16", "CPL submission".encode("utf-16")), NEW_ENTRY
        yield "base64 that is none", text(b"utf-8", b"====\r\nA!!!\r\n\xff", b"base64"), NEW_ENTRY
        yield "an encoding nobody knows", text(b"utf-8", b"CPL submission", b"x-rot13"), NEW_ENTRY
        yield (
            "an HTML body that calls home",
            self._plain(
                b"Content-Type: text/html",
                body=b"<p>CPL submission<img src=http://stranger.example/x><script>1</script>" + b"<div>" * 20_000,
            ),
            NEW_ENTRY,
        )

    def _names(self) -> Iterator[tuple[str, bytes, str]]:
        def named(disposition: bytes) -> bytes:
            head = b"Content-Type: application/octet-stream\r\nContent-Disposition: attachment; " + disposition
            return self._multipart(head + b"\r\n\r\n%PDF-1.7")

        names = {
            "upwards": b'filename="../../../etc/cron.d/x.pdf"',
            "absolute": b'filename="/etc/passwd"',
            "a drive": b'filename="C:\\\\Windows\\\\x.pdf"',
            "a device": b'filename="CON"',
            "written backwards": b"filename*=utf-8''form%E2%80%AEfdp.mslx",
            "with NUL": b'filename="a\0b.pdf"',
            "of 300 characters": b'filename="' + b"x" * 300 + b'.pdf"',
            "composed and decomposed": b"filename*=utf-8''%C3%A9.pdf; filename=e%CC%81.pdf",
            "raw octets": b'filename="\xff\xfe\xe9.pdf"',
            "an encoded word": b'filename="=?utf-8?b?Li4vLi4veA==?="',
            "in pieces that overlap": b"filename*0=a; filename*0*=b; filename*9999=c.pdf",
        }
        for name, disposition in names.items():
            yield f"a file name: {name}", named(disposition), NEW_ENTRY
        twice = b"Content-Disposition: attachment; filename=%s\r\n\r\n%%PDF-%d"
        parts = (twice % (name, n) for n, name in enumerate((b"a.pdf", b"a.pdf", b"A.PDF")))
        yield "one file name three times", self._multipart(*parts), NEW_ENTRY

    def _contents(self) -> Iterator[tuple[str, bytes, str]]:
        form = "CPL new entry.xlsm"
        bad: dict[str, Callable[[], bytes]] = {
            "a bomb": hostile.zip_bomb,
            "a shared string of 64 MB": hostile.huge_shared_string,
            "2,001 parts": hostile.many_parts,
            "entities that laugh": hostile.billion_laughs,
            "an entity from outside": hostile.external_entity,
            "a cell far away": hostile.far_cell,
            "100,000 elements deep": hostile.deep_nesting,
            "one part twice": hostile.duplicate_part,
            "two names for a part": hostile.mismatched_names,
            "a size that is understated": hostile.understated_size,
            "parts that lead upwards": hostile.traversal_names,
            "a password": hostile.encrypted_workbook,
            "text under its name": lambda: hostile.NOT_A_WORKBOOK,
            "the first half": partial(hostile.truncated, self._workbook()),
        }
        for name, build in bad.items():
            yield f"a workbook: {name}", self._bringing(File(form, build())), NEW_ENTRY
        html = File(
            "form.xls", b"<html><table><tr><td>CPL - New Entry</td></tr></table></html>", "application/vnd.ms-excel"
        )
        yield "a page under the name of a workbook", self._bringing(html), NEW_ENTRY
        yield "an old workbook", self._bringing(File("form.xls", _UNSEEN_OLE + bytes(4_000))), NEW_ENTRY
        yield "a broken compound file", self._bringing(File("form.xls", _UNSEEN_OLE + b"\xff" * 4_000)), NEW_ENTRY
        yield "a PDF under the name of a workbook", self._bringing(File(form, b"%PDF-1.7\nxref")), NEW_ENTRY
        pages = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[" + b"2 0 R " * 10_000
        loop = pages + b"]/Count 10000>>endobj trailer<</Root 1 0 R>>"
        yield "a PDF that is its own page", self._bringing(File("cpa.pdf", loop, "application/pdf")), NEW_ENTRY

    def _archives(self) -> Iterator[tuple[str, bytes, str]]:
        def packed(data: bytes, name: str = "cpl.zip") -> bytes:
            return self._bringing(File(name, data, "application/zip"))

        form = ("CPL new entry.xlsm", self._workbook())
        yield "an archive: a bomb", packed(zipped(("x.bin", bytes(256 << 20)))), NEW_ENTRY
        yield "an archive: 10,000 files", packed(zipped(*((f"{n}.txt", b"x") for n in range(10_000)))), NEW_ENTRY
        inside = zipped(form)
        for level in range(30):
            inside = zipped((f"{level}.zip", inside))
        yield "an archive: 30 in one another", packed(inside), NEW_ENTRY
        yield "an archive: names that lead upwards", packed(zipped(("../../x.xlsm", b"x"), ("/etc/x", b"y"))), NEW_ENTRY
        link = zipfile.ZipInfo("link.xlsm")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        yield "an archive: a link", packed(zipped((link, b"/etc/passwd"))), NEW_ENTRY
        locked = bytearray(zipped(form))
        for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            locked[locked.index(signature) + flags] |= 1
        yield "an archive: a password", packed(bytes(locked)), NEW_ENTRY
        yield "an archive: no end", packed(zipped(form)[:-30]), NEW_ENTRY
        overlapping = zipped(("a", b"x" * 5_000))
        directory = overlapping[overlapping.index(b"PK\x01\x02") : overlapping.index(b"PK\x05\x06")]
        start = overlapping.index(b"PK\x01\x02")
        end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 900, 900, len(directory) * 900, start, 0)
        yield "an archive: one entry 900 times", packed(overlapping[:start] + directory * 900 + end), NEW_ENTRY
        kinds = {"cpl.7z": b"7z\xbc\xaf\x27\x1c", "cpl.rar": b"Rar!\x1a\x07\x01\0", "cpl.tar.gz": b"\x1f\x8b\x08\0"}
        for name, magic in kinds.items():
            yield f"an archive: {name}", packed(magic + bytes(400), name), NEW_ENTRY

    def _wrappings(self) -> Iterator[tuple[str, bytes, str]]:
        form = ("CPL new entry.xlsm", self._workbook())

        def instead(data: bytes, content_type: str, name: str) -> bytes:
            return wrapped.rewrapped(self._submission(), data, content_type, f"attachment; filename={name}")

        tnef = wrapped.tnef(wrapped.titled(*form))
        yield "winmail.dat: whole", instead(tnef, "application/ms-tnef", "winmail.dat"), NEW_ENTRY
        yield "winmail.dat: cut", instead(tnef[: len(tnef) // 2], "application/ms-tnef", "winmail.dat"), NEW_ENTRY
        lying = tnef[:11] + struct.pack("<I", 0xFFFFFFFF) + tnef[15:]
        yield "winmail.dat: a length that lies", instead(lying, "application/ms-tnef", "winmail.dat"), NEW_ENTRY
        outlook = wrapped.msg(wrapped.Item({(wrapped.SUBJECT, wrapped.UNICODE): "CPL"}, [wrapped.attached(*form)]))
        yield ".msg: whole", instead(outlook, "application/vnd.ms-outlook", "cpl.msg"), NEW_ENTRY
        yield ".msg: cut", instead(outlook[:3_000], "application/vnd.ms-outlook", "cpl.msg"), NEW_ENTRY
        item = wrapped.Item()
        for _ in range(60):
            item = wrapped.Item(files=[{(wrapped.DATA, wrapped.OBJECT): item, (wrapped.METHOD, wrapped.LONG): 5}])
        yield ".msg: 60 in one another", instead(wrapped.msg(item), "application/vnd.ms-outlook", "cpl.msg"), NEW_ENTRY
        content = wrapped.entity(form)
        smime = "application/pkcs7-mime; smime-type={}"
        opaque, sealed = wrapped.signed(content), wrapped.encrypted(content)
        yield "S/MIME: signed", instead(opaque, smime.format("signed-data"), "smime.p7m"), NEW_ENTRY
        yield "S/MIME: cut", instead(opaque[:900], smime.format("signed-data"), "smime.p7m"), NEW_ENTRY
        yield "S/MIME: sealed", instead(sealed, smime.format("enveloped-data"), "smime.p7m"), NEW_ENTRY
        inside = wrapped.entity()
        for _ in range(22):
            inside = wrapped.rewrapped(b"\r\n\r\n", wrapped.signed(inside), smime.format("signed-data"), "attachment")
        yield "S/MIME: signed 22 times", self._multipart(b"Content-Type: message/rfc822\r\n\r\n" + inside), NEW_ENTRY
        yield (
            "PGP/MIME",
            self._multipart(
                b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1",
                b"Content-Type: application/octet-stream\r\n\r\n-----BEGIN PGP MESSAGE-----",
            ),
            NEW_ENTRY,
        )
        yield (
            "a calendar",
            self._multipart(b"Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\n"),
            NEW_ENTRY,
        )

    def _machines(self) -> Iterator[tuple[str, bytes, str]]:
        good = self._submission
        report = b'Content-Type: multipart/report; report-type=delivery-status; boundary="r"\r\n'
        status = b"--r\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n"
        bounce = self._plain(
            b"Return-Path: <>",
            report[:-2],
            body=status + b"--r\r\nContent-Type: message/rfc822\r\n\r\n" + good() + b"\r\n--r--\r\n",
        )
        yield "a bounce that brings a submission", bounce, FOR_A_PERSON
        yield "an absence", self._plain(b"Auto-Submitted: auto-replied", b"Subject: Out of office"), AUTOMATIC
        yield "a submission by a machine", b"Auto-Submitted: auto-generated\r\n" + good(), FOR_A_PERSON
        yield "a submission by a list", b"Precedence: bulk\r\nList-Id: <all.maker.example>\r\n" + good(), FOR_A_PERSON
        yield (
            "a read receipt",
            self._plain(
                b"Content-Type: multipart/report; report-type=disposition-notification; boundary=b",
                body=b"--b\r\nContent-Type: message/disposition-notification\r\n\r\nDisposition: x; shown\r\n--b--\r\n",
            ),
            AUTOMATIC,
        )
        ours = good().replace(b"ottilie.brandreth@quillmoor.example", b"helpdesk@secas.example", 1)
        yield "our own mail come back", ours, FOR_A_PERSON
        yield "another ticket system", self._plain(b"X-Auto-Response-Suppress: All", b"X-Loop: tickets"), NEW_ENTRY


def zipped(*files: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    """Pack files as they come, whatever their names."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()
