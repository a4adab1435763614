"""Make docs/reference/rules.md: the rulebook as one page for people.

Run by ``./run docs``; a test says when the page is out of date.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pipeline.rulebook import Rulebook
from pipeline.rulebook.schema import (
    CertificateNumber,
    CheckRule,
    Choice,
    Condition,
    Day,
    Emails,
    FieldRule,
    Format,
    Hex,
    UpgradePath,
)

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "rules.md"

_FIELDS = (
    "## Fields\n\nIn form order; the conditions are explained below. A missing answer is reported by `form.required`, "
    "or by the check named here. Octets are of UTF-8."
)
_COMBINATIONS = (
    "## Combinations\n\nDevice Level Versioning (guidance 7.2.3, Appendix 8): what new submissions may have."
)
_KINDS = (
    "## Kinds of mail\n\nA mail without a form is told apart by these phrases in its subject, its text and its files' "
    "names; the first kind with a phrase in the mail wins."
)


def page(rules: Rulebook) -> str:
    """Return the page as it is kept."""
    parts = (
        _opening(rules),
        _table(("check", "what it asks", "worst", "clause"), map(_check_row, rules.checks.values())),
        _FIELDS,
        _table(("field", "must be filled", "must stay empty", "format", "most", "shown to"), _field_rows(rules)),
        "## Conditions\n\nWho a rule applies to.",
        _table(("condition", "holds for"), ((name, _who(found)) for name, found in rules.conditions.items())),
        _COMBINATIONS,
        _table(("Device Type", "SMETS/CHTS with GBCS"), _combination_rows(rules)),
        f"## Certificates\n\n{rules.assurance.clause}.",
        _table(
            ("certificate", "needed by"),
            ((kind.name, _who(rules.conditions[kind.required])) for kind in rules.assurance.certificates),
        ),
        "## Decisions\n\nEach table is read from the top; the first row that holds decides.\n\nOf one submission:",
        _table(
            ("row", "outcome", "waits for", "reason"),
            ((row.id, row.outcome, row.waits_for or "", row.reason) for row in rules.decision.submission),
        ),
        "Of a whole mail:",
        _table(
            ("row", "outcome", "waits for", "reply drafted", "reason"),
            ((r.id, r.outcome, r.waits_for or "", r.template or "none", r.reason) for r in rules.decision.mail),
        ),
        _KINDS,
        _table(("kind", "why", "phrases"), ((k.id, k.why, _listed(k.phrases)) for k in rules.kinds.kinds)),
        f"## Words for the security expert\n\nFor `fir.public`: {_listed(rules.confidential_words)}.",
    )
    return "\n\n".join(parts) + "\n"


def _opening(rules: Rulebook) -> str:
    return (
        "# The rules\n\n"
        "<!-- Made from rules/ by docs/reference/make_rules.py (./run docs): change the rules, not this page. -->\n\n"
        f"Forms up to CPL version {rules.version}; the oldest that is taken is {rules.earliest}. The files themselves "
        "are in [rules/](../../rules/), with examples, reasons and clauses.\n\n"
        "## Checks\n\n'Worst' is the worst that a check may say. What the statuses mean: [words](words.md)."
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _check_row(check: CheckRule) -> tuple[str, str, str, str]:
    days = f" From {check.start}." if check.start else ""
    days += f" Until {check.until}." if check.until else ""
    return f"`{check.id}`", f"{check.title}.{days}", check.worst, check.clause


def _field_rows(rules: Rulebook) -> Iterator[tuple[str, ...]]:
    for rule in rules.fields.values():
        yield (
            rule.field,
            _required(rule),
            ", ".join(rule.forbidden),
            _format(rule.format),
            f"{rule.max_octets} octets" if rule.max_octets else "",
            {"public": "all", "personal": "SECAS only (personal data)", "red": "DZIR only (RED)"}[rule.audience],
        )


def _required(rule: FieldRule) -> str:
    by = "" if rule.missing == "form.required" else f"`{rule.missing}`"
    return f"{rule.required} ({by})" if rule.required and by else rule.required or by


def _listed(phrases: Iterable[str]) -> str:
    return ", ".join(f"'{phrase}'" for phrase in phrases)


def _who(condition: Condition) -> str:
    family = {"smets1": "SMETS1", "smets2": "SMETS2+", None: "all"}[condition.family]
    of = f", of these: {', '.join(condition.types)}" if condition.types else ""
    but = f", except {', '.join(condition.not_types)}" if condition.not_types else ""
    return f"{family} Devices{of}{but}"


def _format(form: Format) -> str:
    if isinstance(form, Hex):
        bounds = f", {form.low} to {form.high}" if form.low or form.high else ""
        return f"{form.octets} hexadecimal octet{'s' if form.octets > 1 else ''}{bounds}"
    if isinstance(form, Choice):
        return "one of the CPL's drop-down" if form.from_cpl else "one of: " + ", ".join(form.values)
    if isinstance(form, Day):
        return "dd/mm/yyyy" + "".join(_bound(mark, form) for mark in form.bounds)
    if isinstance(form, CertificateNumber):
        marks = " or ".join(f"`{prefix.strip()}`" for prefix in form.prefixes)
        return (f"{marks} and a blank, then " if marks else "") + f"{form.least} or more ASCII characters"
    if isinstance(form, Emails):
        return "mail addresses separated by ;"
    if isinstance(form, UpgradePath):
        return f"{form.none}, or up to {form.most} Entry numbers separated by ;"
    return "text"


def _bound(mark: str, form: Day) -> str:
    bound = form.bounds[mark]
    first = "not before the day of receipt" if bound.from_today else ""
    last = f"at most {bound.years} years ahead" if bound.years is not None else ""
    return f"; {mark.strip()}: {', '.join(filter(None, (first, last)))}"


def _combination_rows(rules: Rulebook) -> Iterator[tuple[str, str]]:
    offered: dict[str, list[str]] = {}
    for (device, smets, gbcs), still in rules.combinations.items():
        if still:
            offered.setdefault(device, []).append(f"{smets} with {gbcs}")
    yield from ((device, "; ".join(pairs)) for device, pairs in sorted(offered.items()))


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(Rulebook.load(ROOT / "rules")), "utf-8")


if __name__ == "__main__":
    main()
