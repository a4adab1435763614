"""Sample mails (RFC 5322, MIME) as bytes: submissions good and bad, and what else reaches a helpdesk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256

from pipeline.demo.answers import Value, good_answers
from pipeline.demo.certificates import certificates
from pipeline.demo.form import new_entry_form
from pipeline.demo.hostile import encrypted_workbook, zip_bomb
from pipeline.demo.package import Package, entry
from pipeline.demo.pdf import Line, text_pdf
from pipeline.demo.products import GSME, POLYPHASE, PPMID, QUILLMOOR
from pipeline.demo.trust import SampleTrust, sample_trust

WORKBOOK_TYPE = "application/vnd.ms-excel.sheet.macroEnabled.12"
HELPDESK = "CPL Helpdesk <helpdesk@secas.example>"
SUBMITTER = f"Ottilie Brandreth <ottilie.brandreth@{QUILLMOOR.domain}>"


@dataclass(frozen=True, slots=True)
class File:
    """One attachment: its name as the mail gives it, its bytes and its content type."""

    name: str
    data: bytes
    content_type: str = WORKBOOK_TYPE


@dataclass(frozen=True, slots=True)
class Thread:
    """Which mail a reply answers: its Message-ID and the References it had, oldest first, all with their brackets."""

    message_id: str
    references: tuple[str, ...] = ()


def mail(
    subject: str,
    body: str,
    at: datetime,
    files: Sequence[File] = (),
    *,
    sender: str = SUBMITTER,
    message_id: str = "",
    answers_to: Thread | None = None,
) -> bytes:
    """Return one mail. at: its Date, with an offset; sender: a From header.

    message_id: with its brackets; made from the other arguments when left out, so that the same mail always has the
    same one. answers_to: the mail it replies to.
    """
    message = EmailMessage(policy.SMTP)
    message["From"] = sender
    message["To"] = HELPDESK
    message["Subject"] = subject
    message["Date"] = format_datetime(at)
    identity = sha256(repr((subject, body, at.isoformat(), sender, [file.data for file in files])).encode()).hexdigest()
    domain = Address(addr_spec=sender.rpartition("<")[2].rstrip(">")).domain
    message["Message-ID"] = message_id or f"<{identity[:24]}@{domain}>"
    if answers_to is not None:
        message["In-Reply-To"] = answers_to.message_id
        message["References"] = " ".join((*answers_to.references, answers_to.message_id))
    message.set_content(body, cte="quoted-printable")
    for file in files:
        main, _, sub = file.content_type.partition("/")
        if file.content_type == "message/rfc822":
            message.add_attachment(message_from_bytes(file.data, policy=policy.SMTP), filename=file.name)
        else:
            message.add_attachment(file.data, maintype=main, subtype=sub, filename=file.name)
    if message.is_multipart():
        message.set_boundary(f"=_{identity[24:48]}")
    return message.as_bytes()


def documents(answers: Mapping[str, Value]) -> tuple[File, ...]:
    """Return the certificates that go with a form."""
    return tuple(File(name, data, "application/pdf") for name, data in certificates(answers).items())


def submission(
    at: datetime,
    answers: Mapping[str, Value] | None = None,
    *,
    base: bytes | None = None,
    name: str = "CPL new entry 00-0A.xlsm",
    trust: SampleTrust | None = None,
) -> bytes:
    """Return a submission: one form and its certificates.

    answers: good ones when left out; base: the CPL to fill; trust: whose signer signs the form, unsigned without it.
    """
    given = good_answers() if answers is None else answers
    form = new_entry_form(given, base)
    files = (File(name, trust.sign(form) if trust else form), *documents(given))
    model = f"{given['Device_Model.model_identifier']} {given['Device_Model.firmware_version']}"
    body = (
        f"Hello,\n\nplease find our new entry for {model} with its certificates.\n\nKind regards\nOttilie Brandreth\n"
    )
    return mail(f"CPL submission: {model}", body, at, files)


def signed_submission(at: datetime, day: datetime, *, base: bytes | None = None) -> bytes:
    """Return a good submission with an image, signed by who made it.

    day: its date decides the expiry of the certificates and when the form was signed, so that two mails of the same
    day carry the same workbook. What the signature needs to be believed: ``sample_trust(day).files()``.
    """
    expiry = {"CPA_Certificate.expiry_date": (day + timedelta(days=3 * 365)).strftime("%d/%m/%Y")}
    return submission(at, good_answers(image=True) | expiry, base=base, trust=sample_trust(day))


def faulty_submission(at: datetime, *, base: bytes | None = None) -> bytes:
    """Return a submission with three faults: a firmware version, a version combination, a missing house number."""
    faults: dict[str, Value] = {
        "Device_Model.firmware_version": "04:01:1G:00",
        "GBCS Version.version_number": "GBCS Version 2.1",
        "Manufacturer Contact FIR.House Number": None,
    }
    return submission(at, good_answers(GSME) | faults, base=base, name="CPL new entry 00-22.xlsm")


def doubtful_submission(at: datetime, day: datetime, *, base: bytes | None = None) -> bytes:
    """Return a submission with a document that is neither a certificate nor a letter: a point for the reviewer.

    day: as for ``signed_submission``.
    """
    expiry = {"CPA_Certificate.expiry_date": (day + timedelta(days=3 * 365)).strftime("%d/%m/%Y")}
    given = good_answers(POLYPHASE) | expiry
    lines = (Line(72, 760, "Site survey", 14, bold=True), Line(72, 720, "Three meters were seen in the cellar."))
    files = (
        File("CPL new entry 00-31.xlsm", new_entry_form(given, base)),
        *documents(given),
        File("survey.pdf", text_pdf(lines), "application/pdf"),
    )
    return mail("CPL submission: polyphase meter", "The form, its certificates and our survey.\n", at, files)


def batch_submission(at: datetime, *, base: bytes | None = None) -> bytes:
    """Return one mail with two forms for the same Device Model, which differ in their release note only."""
    first = good_answers(PPMID)
    second = first | {"FIR Release Notes.Description": "Maintenance release, second copy."}
    files = (
        File("display 1 of 2.xlsm", new_entry_form(first, base)),
        File("display 2 of 2.xlsm", new_entry_form(second, base)),
        *documents(first),
    )
    return mail("CPL submissions: two displays", "Two forms are attached, with their certificate.\n", at, files)


def hostile_submission(at: datetime) -> bytes:
    """Return a mail whose workbook unpacks to a thousand times its size."""
    return mail("New entry", "See the attached form.\n", at, (File("CPL new entry.xlsm", zip_bomb()),))


def protected_submission(at: datetime) -> bytes:
    """Return a mail whose workbook cannot be opened without a password."""
    files = (File("CPL new entry.xlsm", encrypted_workbook()),)
    return mail("CPL submission", "The password will follow by telephone.\n", at, files)


def zipped_submission(at: datetime, answers: Mapping[str, Value] | None = None) -> bytes:
    """Return a submission whose files stand in one zip archive, in a folder."""
    given = good_answers() if answers is None else answers
    files = (File("CPL new entry.xlsm", new_entry_form(given)), *documents(given))
    packed = Package(tuple(entry(f"submission/{file.name}", file.data) for file in files)).to_bytes()
    return mail(
        "CPL submission, zipped", "All files are in the archive.\n", at, (File("cpl.zip", packed, "application/zip"),)
    )


def forwarded_submission(at: datetime, inner: bytes | None = None) -> bytes:
    """Return a mail that carries another one as an attachment; a good submission when left out."""
    original = submission(at - timedelta(hours=2)) if inner is None else inner
    files = (File("submission.eml", original, "message/rfc822"),)
    return mail("Fw: CPL submission", "Forwarded for the helpdesk.\n", at, files)


def reply(at: datetime, answers_to: Thread, subject: str = "CPL submission") -> bytes:
    """Return an answer in a conversation, without attachments."""
    body = "Thank you. The house number is 12a; a corrected form will follow.\n"
    return mail(f"Re: {subject.removeprefix('Re: ')}", body, at, answers_to=answers_to)


def unrelated(at: datetime) -> bytes:
    """Return a mail that is not about the CPL."""
    body = "Hello,\n\nI cannot find the agenda of next week's working group. Could you send it?\n\nPiers Ollerenshaw\n"
    return mail("Agenda for Thursday", body, at, sender="Piers Ollerenshaw <piers@tallowfield.example>")


def sample_mailbox(now: datetime, base: bytes | None = None) -> list[bytes]:
    """Return the mails of the demonstration, oldest first, all of the last two hours before now.

    A good and signed submission, a faulty one, one with an odd document, a batch with a duplicate, a hostile attachment
    and an unrelated mail.
    now: with an offset; base: the CPL in force, whose form is filled in; the sample list when left out.
    """
    times = [now - timedelta(minutes=minutes) for minutes in (110, 85, 70, 60, 35, 10)]
    return [
        signed_submission(times[0], now, base=base),
        faulty_submission(times[1], base=base),
        doubtful_submission(times[2], now, base=base),
        batch_submission(times[3], base=base),
        hostile_submission(times[4]),
        unrelated(times[5]),
    ]
