"""The shape of rules/reminders.yaml: who is reminded of a certificate's date, and when (guidance V6.0, Appendix 5)."""

from typing import Annotated

import msgspec

from pipeline.domain.reminder import AtExpiry, Audience, ReminderKind
from pipeline.rulebook.schema import Condition
from pipeline.rulebook.signers import Decided

_Months = Annotated[int, msgspec.Meta(ge=1, le=120)]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every part of the file: frozen, and an unknown key is an error."""


class WindowRule(_Part, frozen=True):
    """One reminder: so many calendar months before the date, to these audiences."""

    months: _Months
    to: Annotated[tuple[Audience, ...], msgspec.Meta(min_length=1)]


class KindRule(_Part, frozen=True):
    """What is done for one kind of certificate. windows: the longest first. template: a folder under templates/."""

    kind: ReminderKind
    mark: Annotated[str, msgspec.Meta(pattern=r"^\[[A-Z]\]$")]
    template: Annotated[str, msgspec.Meta(pattern="^reminder-[a-z]+(-[a-z]+)*$")]
    windows: Annotated[tuple[WindowRule, ...], msgspec.Meta(min_length=1)]
    expired: AtExpiry
    questionnaire: bool = False

    def __post_init__(self) -> None:
        """Refuse windows that stand twice or out of order."""
        months = [window.months for window in self.windows]
        if months != sorted(set(months), reverse=True):
            raise ValueError(f"the windows of '{self.kind}' must stand once each, the longest first, not as {months}")


class QuestionnaireRule(_Part, frozen=True):
    """Between which months before the date the Risk Review Questionnaire is accepted (Appendix 5.2)."""

    earliest_months: _Months
    latest_months: _Months

    def __post_init__(self) -> None:
        """Refuse a span that ends before it begins."""
        if self.latest_months >= self.earliest_months:
            raise ValueError("the questionnaire's latest_months must be fewer than its earliest_months")


class RemindersFile(_Part, frozen=True):
    """rules/reminders.yaml. audiences: which entries concern whom."""

    kinds: tuple[KindRule, ...]
    audiences: dict[Audience, Condition]
    questionnaire: QuestionnaireRule
    clauses: dict[str, str]
    decided: tuple[Decided, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a file that leaves a kind or an audience out, or says it twice."""
        if sorted(rule.kind for rule in self.kinds) != sorted(ReminderKind):
            raise ValueError(f"each kind must stand once: {', '.join(ReminderKind)}")
        if len({rule.mark for rule in self.kinds}) != len(self.kinds):
            raise ValueError("two kinds have the same mark, so nobody can tell their certificates apart")
        if self.audiences.keys() != set(Audience):
            raise ValueError(f"each audience must say which entries concern it: {', '.join(Audience)}")

    def rule(self, kind: ReminderKind) -> KindRule:
        """Return what is done for a kind."""
        return next(rule for rule in self.kinds if rule.kind is kind)
