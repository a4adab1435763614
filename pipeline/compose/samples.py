"""Invented mails and judgements to render every template with, before a real one is needed (``pipeline doctor``)."""

from dataclasses import dataclass
from datetime import UTC, datetime

from pipeline.compose.envelope import Sender
from pipeline.domain.evidence import Evidence
from pipeline.domain.finding import Finding, Settler, Status
from pipeline.domain.judgement import Decision, Judged, Outcome
from pipeline.domain.message import Address, Attachment, Message, Problem
from pipeline.domain.product import DeviceModel

CASE = "CPL-2026-00042"
DUE = "2026-11-24"
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
CORRESPONDENT = "submissions@meters.example"
SENDER = Sender(name="CPL Helpdesk", addr="helpdesk@cpl.example", phone="020 7946 0000")
FIELDS = ("Device_Type.name", "Device_Model.firmware_version", "GBCS Version.version_number")
TITLES = {"align.zse.firmware": "The ZigBee certificate names the firmware on the form"}
"""Titles of checks; a check of the samples that has none is told by its id."""

_FORM, _PDF = "a" * 64, "b" * 64
_FILE = "gas meter 3.xlsm"
_MODEL = DeviceModel("10:63", "00:0A", "01", "02", "0C:03:0C:22")


@dataclass(frozen=True, slots=True)
class Sample:
    """One situation. label: named in what ``verify`` reports."""

    label: str
    message: Message
    judged: tuple[Judged, ...]
    decision: Decision


def samples() -> tuple[Sample, ...]:
    """Return situations that reach every branch of the shared pieces: none, one and several of everything."""
    fault, question, advice = _fault(), _question(), _advice()
    accepted, rejected, asked, waiting = (
        Decision(Outcome.ACCEPT, "clean", ""),
        Decision(Outcome.REJECT, "any-fail", ""),
        Decision(Outcome.CLARIFY, "ask", "", Settler.SUBMITTER),
        Decision(Outcome.CLARIFY, "look", "", Settler.REVIEWER),
    )
    return (
        Sample("nothing found", _message("", ""), (), waiting),
        Sample("a clean submission", _message(), (_judged(_FILE, accepted),), accepted),
        Sample("one fault", _message(), (_judged(_FILE, rejected, fault),), rejected),
        Sample("one question", _message(), (_judged(_FILE, asked, question, advice),), asked),
        Sample(
            "several submissions",
            _message('RE: Fwd: 2 < 3 & "four" <b>meters</b> ' + "long " * 300),
            (
                _judged(_FILE, rejected, fault, question, question, advice, fault),
                _judged("Zähler <2>.xlsm", asked, question),
                _judged("three.xlsm", accepted, advice),
                Judged("", "", "", None, (), waiting),
            ),
            rejected,
        ),
    )


def _message(subject: str = "New gas meter", sent: str = "Mon, 23 Nov 2026 08:55:00 +0000") -> Message:
    return Message(
        sha256="c" * 64,
        message_id="<1@meters.example>",
        subject=subject,
        senders=(Address("Meters Ltd", CORRESPONDENT),),
        reply_to=(),
        sent=sent,
        in_reply_to="",
        references=(),
        automatic=(),
        body="",
        attachments=(
            Attachment(_FILE, _FILE, "workbook", "", _FORM, 300_000),
            Attachment("zse <1>.pdf", "zse <1>.pdf", "pdf", "", _PDF, 90_000),
        ),
        problems=(Problem("damaged", "The file ends in the middle.", "form.zip"),) if subject else (),
    )


def _judged(file: str, decision: Decision, *findings: Finding) -> Judged:
    return Judged(file, _FORM, "Gas Smart Meter", _MODEL, findings, decision)


def _fault() -> Finding:
    return Finding(
        check="align.zse.firmware",
        status=Status.FAIL,
        message="The firmware version on the ZigBee certificate is not the one on the form.",
        clause="CPL guidance V6.0, Appendix 4.2",
        evidence=(
            Evidence(_PDF, "zse <1>.pdf", "page 1 [72.0, 301.2, 190.4, 312.9]", "12.3 & more"),
            Evidence(_FORM, _FILE, "CPL - New Entry!G14", ""),
        ),
        subject=FIELDS[1],
        expected="the same four octets in both",
        why="The Device Model must be identified on every certificate.",
        remedy="Correct cell G14, or send release notes that map one to the other.",
    )


def _question() -> Finding:
    return Finding(
        check="letter.test-lab",
        status=Status.UNCLEAR,
        message="Was this Device Model added to an existing CPA certificate?",
        clause="CPL guidance V6.0, section 7.7",
        evidence=(Evidence(_PDF, "cpa.pdf"),),
        remedy="If so, send the test laboratory's letter.",
        settle=Settler.SUBMITTER,
    )


def _advice() -> Finding:
    return Finding(
        check="form.trimmed",
        status=Status.ADVICE,
        message="A blank at the end was left out.",
        clause="CPL guidance V6.0, section 7.2",
        evidence=(Evidence(_FORM, _FILE, "CPL - New Entry!G16", "GBCS Version 4.1 "),),
        subject=FIELDS[2],
    )
