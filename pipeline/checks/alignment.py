"""Does the certificate name this very Device Model (guidance V6.0, 7.2.2, 7.7 and Appendix 4)?

All five fields must belong to one and the same Device of the certificate; a second document may carry the Device Model
onto the certificate where it names both. What each verdict leads to is data (rules/alignment.yaml, docs/adr/0021).
"""

from collections.abc import Iterator
from dataclasses import replace

from pipeline.checks import papers
from pipeline.checks.devices import PARTS, Fit, Part, badness, complete, convention, fit_of, passes
from pipeline.checks.matter import Check, Judge, Matter, Say, check, device_model, quoted
from pipeline.domain.certificate import CertificateReading
from pipeline.domain.evidence import Evidence
from pipeline.domain.finding import Finding, Status
from pipeline.rulebook.alignment import Slot, Verdict

_CALLED = {
    "manufacturer": "manufacturer",
    "model": "model identifier",
    "hardware": "hardware version and revision",
    "firmware": "firmware version",
}


def best_fit(matter: Matter, slot: Slot) -> Fit | None:
    """Return the Submission's certificate of a column that names its Device Model best, with what carries it."""
    fits = [fit for item in papers.certificates(matter, slot) if (fit := fit_of(matter, item))]
    if not fits:
        return None
    best = min(fits, key=lambda fit: badness(matter, fit.parts))
    return best if complete(matter, best) else _with_carrier(matter, slot, best)


def stranger(matter: Matter, slot: Slot, fit: Fit) -> bool:
    """Say whether a certificate shows another number and does not name the Device Model: it is not ours at all."""
    numbered = papers.numbers_in(fit.reading, slot)
    other = bool(numbered) and not papers.names_certificate(matter, slot, fit.reading)
    return other and not complete(matter, fit) and fit.carried is not Verdict.CARRIED


def identified(matter: Matter, slot: Slot) -> CertificateReading | None:
    """Return the certificate that a column's checks speak of: by its number, or else by the Device Model it names."""
    if not papers.needed(matter, slot):
        return None
    fit = best_fit(matter, slot)
    if fit is not None and not stranger(matter, slot, fit):
        return fit.reading
    named = (one for one in papers.certificates(matter, slot) if papers.names_certificate(matter, slot, one))
    return next(named, None)


def added_to_existing(matter: Matter, fit: Fit) -> bool:
    """Say whether the form adds a Device Model to a CPA Certificate of the CPL (guidance 7.2.4, Appendix 4.5).

    The certificate's number is on the CPL for other Device Models, and the certificate does not name this one.
    """
    missing = any(matter.rules.alignment.leads_to[part.verdict] == "fail" for part in fit.parts.values())
    model, number = device_model(matter.submission), matter.submission.text(papers.NUMBERS["cpa"])
    if not missing or model is None or papers.mark_of(matter.submission) == papers.TRIAL_MARK:
        return False
    listed = [
        product.model
        for product in matter.products.products
        if papers.likeness("cpa", number, product.values.get(papers.NUMBERS["cpa"], "")) is not papers.Likeness.OTHER
    ]
    return bool(listed) and model not in listed


def _with_carrier(matter: Matter, slot: Slot, fit: Fit) -> Fit:
    """Look for a document that names the Device Model and the certificate; one that does in full comes first."""
    found = fit
    for kind, statement in matter.rules.alignment.carriers.get(slot, {}).items():
        for letter in papers.letters(matter, kind):
            named = fit_of(matter, letter)
            carried = carries(matter, slot, named, statement) if named else None
            if carried is Verdict.CARRIED:
                return replace(fit, carrier=named, carried=carried)
            if carried is not None and found is fit:
                found = replace(fit, carrier=named, carried=carried)
    return found


def carries(matter: Matter, slot: Slot, named: Fit, statement: str) -> Verdict | None:
    """Say whether a document carries the Device Model onto the certificate: in full, in part (both Verdicts), or not.

    named: how the document names the Device Model. statement: the field of a statement that it must make, or empty.
    """
    letter = named.reading
    if letter.all("withdrawn"):
        return None
    by_number = papers.names_certificate(matter, slot, letter, settled_only=True)
    in_full = complete(matter, named)
    if by_number and in_full and (not statement or letter.all(statement)):
        return Verdict.CARRIED
    some = any(passes(matter, part.verdict) for part in named.parts.values())
    against = any(part.verdict is Verdict.CONTRADICTED for part in named.parts.values())
    in_part = in_full or (by_number and not against and (some or not letter.devices))
    return Verdict.CARRIED_IN_PART if in_part else None


def judge_part(slot: Slot, name: str) -> Judge:
    """Make the function of one check: this part of the Device Model on the certificate of this column."""

    def judge(matter: Matter, say: Say) -> Iterator[Finding]:
        called = papers.name_of(matter, slot)
        fit = best_fit(matter, slot) if papers.needed(matter, slot) else None
        if not papers.needed(matter, slot):
            yield say.not_applicable(f"No {called} is needed for this Device, or nobody can tell yet.")
        elif fit is None or name not in fit.parts:
            yield say.not_applicable(f"There is no {called}, or no Device Model, to compare; other checks report that.")
        elif stranger(matter, slot, fit):
            yield say.not_applicable(f"The {called} shows another number, which certificate.number reports.")
        elif slot == "cpa" and fit.carried is not Verdict.CARRIED and added_to_existing(matter, fit):
            yield say.not_applicable("The Device Model is added to a certificate of the CPL; see letter.test-lab.")
        else:
            yield _finding(matter, say, slot, name, fit)

    judge.__doc__ = f"The {_CALLED[name]} of the form stands on the certificate."
    return judge


def _finding(matter: Matter, say: Say, slot: Slot, name: str, fit: Fit) -> Finding:
    part, called = fit.parts[name], papers.name_of(matter, slot)
    leads_to = matter.rules.alignment.leads_to
    evidence = (
        *papers.shown_at(fit.reading, *part.values),
        *(item for field in PARTS[name] for item in matter.evidence(field)),
    )
    shown = ", ".join(quoted(value.text) for value in part.values)
    if passes(matter, part.verdict):
        if part.verdict is Verdict.DECLARED and (declared := convention(matter)):
            line = f"line {declared.line}"
            evidence = (*evidence, Evidence("", "rules/conventions.csv", line, declared.source))
        return _passed(say, f"The {called} shows the {_CALLED[name]} {part.octets} as {shown}.", evidence)
    more = {"subject": PARTS[name][-1], "expected": part.octets, "why": _WHY}
    if fit.carrier is not None and fit.carried is not None:
        letter = fit.carrier.reading
        evidence = (*evidence, *papers.shown_at(letter, *papers.numbers_in(letter, slot)[:1], *fit.carrier.values))
        if passes(matter, fit.carried):
            text = f"{letter.file} carries the Device Model onto the {called}, which shows {shown or 'nothing'}."
            return _passed(say, text, evidence)
        extent = "it names" if fit.carried is Verdict.CARRIED else "it does not name"
        text = f"{letter.file} speaks of it; {extent} both the whole Device Model and the certificate by its number."
        return say.look(f"{_sentence(part, called, name, shown)} {text}", evidence, remedy=_REMEDY, **more)
    text = _sentence(part, called, name, shown)
    if leads_to[part.verdict] == "fail":
        return say.fail(text, evidence, remedy=_REMEDY, **more)
    return say.look(text, evidence, **more)


_WHY = "An Assurance Certificate counts only for the Device Models that it identifies (SEC, Section F2.5)."
_REMEDY = (
    "Correct the form, or send release notes or a confirmation that name the five fields of this Device Model and "
    "the certificate by its number."
)


def _passed(say: Say, message: str, evidence: tuple[Evidence, ...]) -> Finding:
    return Finding(say.rule.id, Status.PASS, message, say.rule.clause, evidence)


def _sentence(part: Part, called: str, name: str, shown: str) -> str:
    """Say in a sentence or two what the certificate shows and what that means."""
    what, octets, said = _CALLED[name], part.octets, part.said
    if part.verdict is Verdict.NOT_FOUND:
        return f"No {what} was found on the {called}, where the form gives {octets}."
    said_of = f"The {called} gives the {what} as {shown}"
    rivals = [f"{item.octets} ({', '.join(item.rules)})" for item in said.derivations]
    tail = {
        Verdict.UNCONFIRMED: f"{said_of}, as read by one reader or from a picture only; the form gives {octets}.",
        Verdict.CONTRADICTED: f"{said_of}, but the form gives {octets}.",
        Verdict.NOT_ESTABLISHED: f"{said_of}; that the form's {octets} is meant cannot be established.",
        Verdict.DERIVED: f"{said_of}, from which {octets} follows under a rule only: {'; '.join(rivals)}.",
        Verdict.AMBIGUOUS: f"{said_of}, which may mean the form's {octets}, or something else"
        f"{': ' + '; '.join(rivals) if rivals else ''}.",
    }.get(part.verdict, f"{said_of}; the form gives {octets}.")
    return f"{tail} {said.hint}".strip()


CHECKS: tuple[Check, ...] = tuple(
    check(f"align.{slot}.{name}")(judge_part(slot, name)) for slot in papers.SLOTS for name in PARTS
)
"""``align.<column of Table 6>.<part of the Device Model>``."""
