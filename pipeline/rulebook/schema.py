"""The shapes that the files under rules/ are read into. A key that is not here is refused with its place."""

import re
from datetime import date
from typing import Any, Literal

import msgspec

from pipeline.domain.finding import Settler, Status
from pipeline.domain.judgement import Outcome


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every part of a rules file: frozen, and an unknown key is an error."""


class Condition(_Part, frozen=True):
    """Who a rule applies to. An empty one applies to every Device."""

    family: Literal["smets1", "smets2"] | None = None
    types: tuple[str, ...] = ()
    not_types: tuple[str, ...] = ()

    def holds(self, device_type: str, family: str) -> bool:
        """Say whether a Device of that Device_Type and family (``smets1`` or ``smets2``) is meant."""
        return (
            (self.family is None or self.family == family)
            and (not self.types or device_type in self.types)
            and device_type not in self.not_types
        )


class DateBound(_Part, frozen=True):
    """Limits of a date: not before the day of receipt, and at most so many years after it."""

    from_today: bool = False
    years: int | None = None


class Hex(_Part, frozen=True, tag_field="kind", tag="hex"):
    """``octets`` pairs of hexadecimal digits joined by colons, between two bounds (OTA header, seed 003 section 2)."""

    octets: int
    low: str = msgspec.field(name="from", default="")
    high: str = msgspec.field(name="to", default="")
    not_uniform: bool = False
    check: str = "form.format"


class Choice(_Part, frozen=True, tag_field="kind", tag="list"):
    """One of a list. ``newer``: what a value of a version not yet known here looks like (a regular expression)."""

    values: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    newer: str = ""
    notes: dict[str, str] = {}
    from_cpl: bool = False

    def __post_init__(self) -> None:
        """Refuse a regular expression that is none, when the rules are read and not when a mail is judged."""
        try:
            re.compile(self.newer)
        except re.error as error:
            raise ValueError(f"'{self.newer}' is not a regular expression ({error})") from error


class Text(_Part, frozen=True, tag_field="kind", tag="text"):
    """Any text."""


class Day(_Part, frozen=True, tag_field="kind", tag="date"):
    """A calendar day, dd/mm/yyyy or a date cell. ``bounds`` by the prefix of the CPA certificate number."""

    bounds: dict[str, DateBound] = {}


class CertificateNumber(_Part, frozen=True, tag_field="kind", tag="certificate"):
    """Printable ASCII, at least ``least`` characters after one of the prefixes (where prefixes are used)."""

    prefixes: tuple[str, ...] = ()
    least: int = 1


class Emails(_Part, frozen=True, tag_field="kind", tag="emails"):
    """One or more mail addresses separated by ``;``."""


class UpgradePath(_Part, frozen=True, tag_field="kind", tag="path"):
    """Up to ``most`` six-digit CPL Entry numbers, or the word ``none`` stands for."""

    most: int
    none: str
    check: str


Format = Hex | Choice | Text | Day | CertificateNumber | Emails | UpgradePath


class Tolerated(_Part, frozen=True):
    """Values that count as empty where a field must be empty."""

    condition: str
    values: tuple[str, ...]


class GoesWith(_Part, frozen=True):
    """A link to another field: with ``prefix`` there, ``only`` these values here, and otherwise never those."""

    field: str
    prefix: str
    only: tuple[str, ...]
    never_otherwise: tuple[str, ...]
    why: str
    clause: str


class BadExample(_Part, frozen=True):
    """A wrong answer and the check that must speak. ``repeat:X:N`` stands for X written N times."""

    value: str
    check: str


class FieldRule(_Part, frozen=True):
    """Everything the rulebook says of one data item of the form."""

    group: str
    attribute: str
    format: Format
    why: str
    clause: str
    required: str = ""
    missing: str = "form.required"
    forbidden: tuple[str, ...] = ()
    tolerated: Tolerated | None = None
    goes_with: GoesWith | None = None
    max_octets: int | None = None
    audience: Literal["public", "personal", "red"] = "public"
    good: tuple[str, ...] = ()
    bad: tuple[BadExample, ...] = ()

    @property
    def field(self) -> str:
        """The pair that names the item: ``Device_Model.firmware_version``."""
        return f"{self.group}.{self.attribute}"


class FormFile(_Part, frozen=True):
    """rules/form.yaml."""

    version: str
    conditions: dict[str, Condition]
    allocated: tuple[str, ...]
    fields: tuple[FieldRule, ...]


class FormChange(_Part, frozen=True):
    """rules/form-<version>.yaml. ``change`` replaces the named keys of a field; ``add`` appends fields."""

    version: str
    earliest: str = ""
    change: tuple[dict[str, Any], ...] = ()
    add: tuple[FieldRule, ...] = ()


class CheckRule(_Part, frozen=True):
    """One row of rules/checks.yaml."""

    id: str
    title: str
    clause: str
    worst: Literal["fail", "unclear", "advice"]
    start: date | None = msgspec.field(name="from", default=None)
    until: date | None = None
    person: bool = False
    """A person says it, not a function."""

    def in_force(self, day: date) -> bool:
        """Say whether the check is a rule on that day of receipt."""
        return (self.start is None or self.start <= day) and (self.until is None or day < self.until)


class ChecksFile(_Part, frozen=True):
    """rules/checks.yaml."""

    checks: tuple[CheckRule, ...]
    confidential_words: tuple[str, ...]


class AssuranceKind(_Part, frozen=True):
    """One column of Table 6: a kind of certificate and the Devices that need it."""

    kind: str
    name: str
    required: str


class AssuranceFile(_Part, frozen=True):
    """rules/assurance.yaml."""

    certificates: tuple[AssuranceKind, ...]
    clause: str


class SubmissionWhen(_Part, frozen=True):
    """When a row of the submission table holds."""

    none: bool = False
    any: Status | None = None
    settle: Settler | None = None
    otherwise: bool = False


class SubmissionRow(_Part, frozen=True):
    """One row of the submission table of rules/decision.yaml."""

    id: str
    when: SubmissionWhen
    outcome: Outcome
    reason: str
    waits_for: Settler | None = None


class MailWhen(_Part, frozen=True):
    """When a row of the mail table holds."""

    nothing_beyond: str = ""
    """Every Submission has a fault, and only checks of this topic could say anything about it."""
    any: Outcome | None = None
    waits_for: Settler | None = None
    otherwise: bool = False


class MailRow(_Part, frozen=True):
    """One row of the mail table of rules/decision.yaml."""

    id: str
    when: MailWhen
    outcome: Outcome
    reason: str
    waits_for: Settler | None = None
    template: str = ""


class DecisionFile(_Part, frozen=True):
    """rules/decision.yaml."""

    submission: tuple[SubmissionRow, ...]
    mail: tuple[MailRow, ...]


class KindRule(_Part, frozen=True):
    """One row of rules/kinds.yaml."""

    id: Literal["new-entry", "for-a-person"]
    why: str
    phrases: tuple[str, ...]


class KindsFile(_Part, frozen=True):
    """rules/kinds.yaml."""

    kinds: tuple[KindRule, ...]
