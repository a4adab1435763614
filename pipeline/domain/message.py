"""One mail as the server returned it, read but not judged."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a reader could not do, or a limit it met. A check turns it into a Finding.

    kind: ``encrypted``, ``damaged``, ``limit``, ``unsupported``, ``timeout``, ``memory`` or ``crash``.
    text: one plain-English sentence that names the thing and the number seen.
    where: the part, file or header concerned; may be empty.
    """

    kind: str
    text: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file found in a mail at any depth. Its bytes are kept once, by sha256.

    path: how to reach it in the mail, steps joined by `` › ``: ``fwd.eml › sub.zip › form.xlsm``.
    name: the last step, safe to show (no path separators, no control characters).
    kind: judged by content, not by name: ``workbook`` (an OOXML spreadsheet package), ``ole`` (an OLE file: old
        .xls, or an encrypted workbook), ``pdf``, ``zip``, ``mail``, ``image``, ``text`` or ``other``.
    size: octets. inline: shown in the body rather than attached (a logo in a signature).
    """

    path: str
    name: str
    kind: str
    content_type: str
    sha256: str
    size: int
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """One mail address: ``name`` as displayed (may be empty) and the bare ``addr`` (lower-case domain)."""

    name: str
    addr: str


@dataclass(frozen=True, slots=True)
class Authentication:
    """One Authentication-Results header (RFC 8601), as the mail carries it. Whether it is believed, a check says.

    authserv_id: who says so, lower case; empty for the form of Exchange Online, which names nobody.
    above: the hosts of the Received headers above it, topmost first, as each calls itself; empty text for one that
        does not say. dmarc: each DMARC result in it, with the From domain it is about (``header.from``; may be empty).
    text: the header as written, on one line and capped.
    """

    authserv_id: str
    above: tuple[str, ...]
    dmarc: tuple[tuple[str, str], ...]
    text: str


@dataclass(frozen=True, slots=True)
class Message:
    """The parts of one mail that the pipeline uses, header values decoded and capped.

    sha256: of the raw bytes the server returned: the mail's identity.
    message_id: verbatim with its angle brackets, empty when the mail has none.
    senders: every address of every From header (a well-formed mail has one).
    sent: the Date header as written.
    references: verbatim ids, oldest first, In-Reply-To not included.
    automatic: why this looks like a machine's mail (RFC 3834), one word each: ``auto-submitted``, ``bounce``,
        ``list``, ``no-return-path``, ``daemon``, ``own``; empty for a person's mail.
    body: the text/plain body (or the text of the HTML one), capped, for recognising the kind of mail only.
    problems: what could not be unpacked or read, and every limit met.
    authentication: every Authentication-Results header of the mail itself, topmost first, forged ones included.
    """

    sha256: str
    message_id: str
    subject: str
    senders: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    sent: str
    in_reply_to: str
    references: tuple[str, ...]
    automatic: tuple[str, ...]
    body: str
    attachments: tuple[Attachment, ...]
    problems: tuple[Problem, ...]
    authentication: tuple[Authentication, ...] = ()
