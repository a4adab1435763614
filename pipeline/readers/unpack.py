"""Every file in a mail at any depth, containers among them: parts, attached mails, zips, .msg, winmail.dat, S/MIME."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from pipeline.domain.message import Attachment, Problem
from pipeline.readers import content, smime
from pipeline.readers.archive import Archive, members, open_archive
from pipeline.readers.enclosure import Enclosure, NotEnclosed
from pipeline.readers.encoding import safe_steps, shown
from pipeline.readers.header import decoded
from pipeline.readers.mime import Budget, LimitMet, Part, leaves, parse, unfinished
from pipeline.readers.mime import content as octets_of
from pipeline.readers.outlook import InnerItem, OutlookItem, read_item
from pipeline.readers.tnef import read_tnef

SEPARATOR = " › "

_MOST_TYPE = 100
_MOST_PROBLEMS = 100
_MOST_SUBJECT = 80
_MOST_REASON = 120
_SMIME = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_SIGNATURES = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature"})
_TNEF = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_PIECES = {
    "message/partial": "is one piece of a mail that was sent in several; ask for it to be sent whole.",
    "message/external-body": "is only a pointer to a file elsewhere, which is never followed; ask for the file itself.",
}


@dataclass(slots=True)
class Unpacked:
    """What was found. contents: octets by sha256, each once. bodies: the text parts of the outermost mail."""

    attachments: list[Attachment] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    bodies: list[Part] = field(default_factory=list)


def unpack(mail: Part | OutlookItem, budget: Budget) -> Unpacked:
    """Return the files of a mail. Where a limit of the whole mail is met, what was found before it is kept.

    The bodies are those of a parsed mail; an OutlookItem has its own.
    """
    walk = _Walk(budget)
    try:
        if isinstance(mail, OutlookItem):
            walk.outlook(mail, (), 1)
        else:
            walk.mail(mail, (), outermost=True)
    except LimitMet as met:
        walk.problem("limit", str(met), "")
    return walk.found


class _Walk:
    """One walk through one mail."""

    def __init__(self, budget: Budget) -> None:
        self.found = Unpacked()
        self._budget = budget
        self._copies: dict[tuple[str, ...], int] = {}

    def problem(self, kind: str, text: str, where: str) -> None:
        """Note a Problem; of a mail with very many, the first hundred tell enough."""
        if len(self.found.problems) < _MOST_PROBLEMS:
            self.found.problems.append(Problem(kind, text, where))

    def mail(self, root: Part, steps: tuple[str, ...], *, outermost: bool = False) -> None:
        """Take every part of a mail. steps: how the mail itself was reached. outermost: its bodies are the mail's."""
        if unfinished(root):
            name = SEPARATOR.join(steps) or "The mail"
            self.problem(
                "damaged", f"{name} ends in the middle of a part; a file may be cut off.", name if steps else ""
            )
        for part, within in leaves(root):
            if not _is_body(part):
                self._part(part, within, steps)
            elif outermost:
                self.found.bodies.append(part)

    def _part(self, part: Part, within: str, steps: tuple[str, ...]) -> None:
        kind = part.content_type
        data, wrong = octets_of(part)
        if kind.startswith("multipart/") and not data.strip():
            return  # announced, but nothing was sent
        name = part.filename or (_mail_name(data) if kind == "message/rfc822" else "")
        steps = self._free((*steps, safe_steps(name)[-1]))
        path = SEPARATOR.join(steps)
        if wrong:
            self.problem("damaged", f"{path} {wrong}.", path)
        if kind.startswith("multipart/"):
            self.problem("damaged", f"{path} is a {kind} whose parts cannot be told apart; they were not read.", path)
        elif kind in _PIECES:
            self.problem("unsupported", f"{path} {_PIECES[kind]}", path)
        elif within == "multipart/encrypted" and kind != "application/pgp-encrypted":
            self.problem("encrypted", f"{path} is an encrypted mail; ask for it to be sent without encryption.", path)
        elif _says_smime(kind, name) and not content.is_cms(data):
            self._no_smime(part.parameters.get("smime-type", "").lower(), path)
        elif (kind in _TNEF or name.lower() == "winmail.dat") and not content.is_tnef(data):
            text = f"{path} is declared as a winmail.dat file but is none; ask the sender to send it as plain mail."
            self.problem("damaged", text, path)
        referred = bool(part.value("content-id"))
        in_body = part.disposition != "attachment" and (part.disposition == "inline" or referred)
        inline = in_body or (referred and within == "multipart/related")
        self._file(data, steps, kind, part.depth, inline=inline)

    def _file(
        self, data: bytes, steps: tuple[str, ...], content_type: str, depth: int, *, inline: bool = False
    ) -> None:
        path = SEPARATOR.join(steps)
        self._budget.unpack(len(data))
        archive = open_archive(data, self._budget.limits, path) if content.is_zip(data) else None
        kind = content.kind_of(data, archive.names if isinstance(archive, Archive) else None)
        if content_type == "message/rfc822" and kind in {"text", "other"}:
            kind = "mail"
        sha256 = hashlib.sha256(data).hexdigest()
        self.found.contents.setdefault(sha256, data)
        self.found.attachments.append(
            Attachment(
                path,
                steps[-1],
                kind,
                shown(content_type, _MOST_TYPE),
                sha256,
                len(data),
                inline=inline and kind == "image",
            )
        )
        if isinstance(archive, Problem):
            self.found.problems.append(archive)
        elif archive and kind == "zip":
            self._zip(archive, steps, depth + 1)
        elif kind == "mail" and content.is_outlook_item(data):
            self._outlook_file(data, steps, depth + 1)
        elif kind == "mail":
            self.mail(parse(data, self._budget, depth + 1), steps)
        elif content.is_tnef(data):
            self._enclosed(read_tnef(data, path), steps, depth + 1)
        elif kind == "other" and content.is_cms(data):
            self._signed(data, steps, content_type, depth + 1)
        else:
            self._unreadable(data, kind, path)

    def _zip(self, archive: Archive, steps: tuple[str, ...], depth: int) -> None:
        left = self._budget.limits.unpacked - self._budget.octets
        for member in members(archive, self._budget.limits, left, SEPARATOR.join(steps)):
            self._budget.part(depth)
            if isinstance(member, Problem):
                self.problem(member.kind, member.text, member.where)
            else:
                inner, data = member
                self._file(data, self._free((*steps, *inner)), "", depth)

    def _unreadable(self, data: bytes, kind: str, path: str) -> None:
        packer = content.packer(data) if kind == "other" else ""
        if packer:
            text = f"{path} is a {packer} archive, which is not opened; ask for the files as they are, or in a zip."
            self.problem("unsupported", text, path)
        elif kind in {"ole", "other"} and path.lower().endswith(".msg"):
            text = f"{path} is a damaged Outlook mail (.msg); ask the sender to attach the files themselves."
            self.problem("damaged", text, path)
        elif kind == "ole" and content.is_encrypted_office(data):
            self.problem("encrypted", f"{path} is protected with a password; ask for it without one.", path)

    def _no_smime(self, what: str, path: str) -> None:
        if what == "enveloped-data":
            self.problem("encrypted", f"{path} is an encrypted mail; ask for it to be sent without encryption.", path)
        else:
            text = f"{path} is declared as an S/MIME file but is none; ask the sender to send it as plain mail."
            self.problem("damaged", text, path)

    def _outlook_file(self, data: bytes, steps: tuple[str, ...], depth: int) -> None:
        item = read_item(data, SEPARATOR.join(steps))
        if isinstance(item, Problem):
            self.problem(item.kind, item.text, item.where)
        else:
            self.outlook(item, steps, depth)

    def outlook(self, item: OutlookItem, steps: tuple[str, ...], depth: int) -> None:
        """Take the files of a mail of Outlook's. steps: how it was reached; none for the outermost."""
        self._enclosed(item.enclosures(), steps, depth)
        if item.damage:
            path = SEPARATOR.join(steps)
            text = f"{path or 'The mail'} is damaged ({shown(item.damage, _MOST_REASON)}); a file may be missing in it."
            self.problem("damaged", text, path)

    def _enclosed(
        self, found: Iterable[Enclosure | NotEnclosed | InnerItem | Problem], steps: tuple[str, ...], depth: int
    ) -> None:
        for item in found:
            if isinstance(item, Problem):
                self.problem(item.kind, item.text, item.where)
                continue
            self._budget.part(depth)
            inner = self._free((*steps, safe_steps(item.name)[-1]))
            if isinstance(item, NotEnclosed):
                path = SEPARATOR.join(inner)
                self.problem(item.kind, f"{path} {item.why}", path)
            elif isinstance(item, InnerItem):
                self._enclosed(item.item.enclosures(), inner, depth + 1)
            else:
                # Outlook keeps a signed mail as one file of this type, which is the whole mail with its signature.
                kind = "message/rfc822" if item.content_type.lower() == "multipart/signed" else item.content_type
                self._file(item.data, inner, kind, depth, inline=item.inline)

    def _signed(self, data: bytes, steps: tuple[str, ...], content_type: str, depth: int) -> None:
        """Take what a signature wraps: a MIME entity, or a file. Of what is sent as a mere signature none is missed."""
        path = SEPARATOR.join(steps)
        found = smime.unwrap(data, path)
        if isinstance(found, Problem):
            if content_type not in _SIGNATURES or found.kind != "damaged":
                self.problem(found.kind, found.text, found.where)
        elif found.content is None:
            if _says_smime(content_type, steps[-1]):
                text = f"{path} is a signature without the mail that it signs; ask for it to be sent as plain mail."
                self.problem("damaged", text, path)
        elif smime.is_entity(found.content) or content.is_mail(found.content):
            self.mail(parse(found.content, self._budget, depth), steps, outermost=len(steps) == 1)
        else:
            self._budget.part(depth)
            self._file(found.content, self._free((*steps, steps[-1].removesuffix(".p7m"))), "", depth)

    def _free(self, steps: tuple[str, ...]) -> tuple[str, ...]:
        """Return the steps, the last numbered where they are taken: ``form.xlsm``, ``form (2).xlsm``."""
        count = self._copies.get(steps, 0) + 1
        self._copies[steps] = count
        if count == 1:
            return steps
        stem, dot, ending = steps[-1].rpartition(".")
        last = f"{stem} ({count}){dot}{ending}" if stem else f"{steps[-1]} ({count})"
        return self._free((*steps[:-1], last))


def _is_body(part: Part) -> bool:
    """Whether a leaf is what a person reads as the mail itself: text without a name that is not attached."""
    plain = part.content_type in {"text/plain", "text/html"}
    return (
        plain and part.disposition != "attachment" and not part.filename and not content.is_no_text(octets_of(part)[0])
    )


def _says_smime(content_type: str, name: str) -> bool:
    """Whether a file is declared as a mail, or a file, wrapped in a signature (RFC 8551, 3.2); a .p7c has none."""
    name = name.lower()
    return name.endswith(".p7m") or (content_type in _SMIME and not name.endswith(".p7c"))


def _mail_name(data: bytes) -> str:
    """Name an attached mail that has no file name by its subject, as mail programs do when they save one."""
    head = data[:4_096].replace(b"\r\n", b"\n")
    subject = next((line[8:] for line in head.split(b"\n") if line[:8].lower() == b"subject:"), b"")
    text = (
        shown(decoded(subject.decode("ascii", "surrogateescape")), _MOST_SUBJECT).replace("/", "-").replace("\\", "-")
    )
    return f"{text or 'message'}.eml"
