"""What a judgement depends on besides the mail's own bytes, and what it comes to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pipeline.domain.finding import Finding, Settler
from pipeline.domain.product import DeviceModel


@dataclass(frozen=True, slots=True)
class Pending:
    """A Submission of another open Case that has not been refused: what a duplicate check must also see."""

    case: str
    file: str
    artefact: str
    model: DeviceModel


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Everything outside the mail that a judgement may use. Stored with it, so that it can be derived again.

    on: the day of receipt, the moment of judgement. cpl: sha256 of the CPL in force, empty when there is none.
    epcl: sha256 of the SMETS1 Eligible Products file, or empty. pending: open Submissions of other Cases.
    at: the same moment exactly, RFC 3339 in UTC. trust: sha256 of the stored TrustMaterial that signatures are judged
    with. submitters: mail domains or addresses of known submitters; empty when no register is kept.
    dcc: mail domains or addresses that speak for the DCC. seen: workbook sha256 to the Case that judged it before.
    known_certificates: what earlier mails said under a certificate's number, by the key and in the words of
    pipeline/checks/papers.py: sha256 of the file, and a summary of its fields.
    ocr: the OCR engines that read scans of the mail, each with its version; empty where none did.
    border: whose Authentication-Results are believed (checks/sender.py); empty where nobody's are.
    """

    on: date
    cpl: str = ""
    epcl: str = ""
    pending: tuple[Pending, ...] = ()
    submitters: tuple[str, ...] = ()
    dcc: tuple[str, ...] = ()
    seen: Mapping[str, str] | None = None
    at: str = ""
    trust: str = ""
    known_certificates: Mapping[str, tuple[str, str]] | None = None
    ocr: tuple[str, ...] = ()
    border: tuple[str, ...] = ()


class Outcome(StrEnum):
    """What follows from the Findings."""

    ACCEPT = "accept"
    REJECT = "reject"
    CLARIFY = "clarify"


@dataclass(frozen=True, slots=True)
class Decision:
    """The conclusion about one Submission, or about a whole mail.

    row: id of the row of rules/decision.yaml that fired. waits_for: who must act next when the outcome is
    ``clarify``: the reviewer (nothing is drafted) or the submitter (a question is drafted).
    """

    outcome: Outcome
    row: str
    reason: str
    waits_for: Settler | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A person's word on one ``unclear`` Finding: who, when (RFC 3339), pass or fail, and why."""

    check: str
    subject: str
    submission: str
    passed: bool
    why: str
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Judged:
    """One Submission judged. file and artefact name its workbook (both empty for a mail without one)."""

    file: str
    artefact: str
    device_type: str
    model: DeviceModel | None
    findings: tuple[Finding, ...]
    decision: Decision
