"""Invented mails that ask for amendments, and what is made of them with the demo's sample list."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.asked import Asked, Askers, Proposal, requested
from pipeline.domain.certificate import CertificateReading
from pipeline.domain.message import Address, Message
from pipeline.domain.product import ProductList
from pipeline.rulebook import Rulebook
from tests.lists import sample_list
from tests.papers import read

RULES = Rulebook.load(Path(__file__).resolve().parents[1] / "rules")
LISTED = sample_list()
SSC = "chair@ssc.example"
OLD = "NCSC-7300000001-1010"  # of entry 000010, as [R]
NEW = "NCSC-7300000001-2000"
REGISTERS = Askers(submitters=("quillmoor.example",), ssc=(SSC,))


def mail(body: str, subject: str = "A request", sender: str = "ann@quillmoor.example", **more: object) -> Message:
    """A person's mail of 21 November 2026."""
    parts: dict[str, object] = {
        "sha256": "a" * 64,
        "message_id": "<1@quillmoor.example>",
        "subject": subject,
        "senders": (Address("Ann Example", sender),),
        "reply_to": (),
        "sent": "Sat, 21 Nov 2026 10:00:00 +0000",
        "in_reply_to": "",
        "references": (),
        "automatic": (),
        "body": body,
        "attachments": (),
        "problems": (),
    }
    return Message(**(parts | more))  # type: ignore[arg-type]  # callers name fields of Message


def ask(
    body: str,
    subject: str = "A request",
    *,
    papers: Sequence[CertificateReading] = (),
    listed: ProductList = LISTED,
    **more: object,
) -> Asked:
    sender = str(more.pop("sender", "ann@quillmoor.example"))
    return requested(mail(body, subject, sender, **more), papers, listed, RULES, askers=REGISTERS)


def one(body: str, subject: str = "A request", **more: object) -> Proposal:
    """The single proposal of a mail."""
    (found,) = ask(body, subject, **more).proposals  # type: ignore[arg-type]  # passed on as they came
    return found


def doubts(proposal: Proposal) -> str:
    return "\n".join(proposal.doubts)


def cpa(number: str = NEW, expiry: str = "30 August 2032", more: str = "") -> CertificateReading:
    """A CPA Certificate as read; a lifetime one where it has no expiry."""
    dated = f"Expiry Date: {expiry}" if expiry else ""
    return read(f"""
        CPA Certificate
        Commercial Product Assurance
        Certificate Number: {number}
        Awarded by the National Cyber Security Centre
        Date Awarded: 1 November 2026
        {dated}
        {more}
        """)
