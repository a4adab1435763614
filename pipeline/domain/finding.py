"""What one check found: the unit of judgement that everything after it is derived from."""

from dataclasses import dataclass
from enum import StrEnum

from pipeline.domain.evidence import Evidence


class Status(StrEnum):
    """The closed list of what a check may say (design, section 2)."""

    PASS = "pass"  # noqa: S105 - a status, not a password
    FAIL = "fail"
    ADVICE = "advice"
    """Told to the submitter, never a reason to refuse."""
    UNCLEAR = "unclear"
    """A person must look; who is said by ``Finding.settle``."""
    NOT_APPLICABLE = "not-applicable"
    BROKEN = "broken"
    """The check itself failed: our fault, never the submitter's."""


class Settler(StrEnum):
    """Who can settle an ``unclear`` Finding."""

    REVIEWER = "reviewer"
    SUBMITTER = "submitter"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's statement about one submission.

    check: id from rules/checks.yaml, ``topic.subject[.aspect]``.
    message: one plain-English sentence for the submitter.
    clause: the guidance section, RFC or ECMA part the check enforces.
    subject: what it is about, where one check speaks of several things: a field such as
        ``GBCS Version.version_number`` or a file's path; empty when it is about the submission.
    expected, why, remedy: what would be right, the reason for the rule, what to do; may be empty.
    settle: set exactly when status is ``unclear``.
    """

    check: str
    status: Status
    message: str
    clause: str
    evidence: tuple[Evidence, ...] = ()
    subject: str = ""
    expected: str = ""
    why: str = ""
    remedy: str = ""
    settle: Settler | None = None

    def __post_init__(self) -> None:
        """Hold the one law of the type: an ``unclear`` names its settler, nothing else does."""
        if (self.status is Status.UNCLEAR) != (self.settle is not None):
            raise ValueError(f"{self.check}: exactly the unclear Findings say who can settle them")
