"""The helpdesk's own acts on a Case: settle an open point, decide by hand, derive again, take over a list.

Every act is one commit with the name of who asked and why, and leads to the same drafts the worker would make.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from pipeline import judge
from pipeline.decide import settle
from pipeline.domain.draft import Draft
from pipeline.domain.finding import Finding, Settler, Status
from pipeline.domain.judgement import Decision, Judged, Outcome, Verdict
from pipeline.domain.message import Problem
from pipeline.domain.product import ProductList
from pipeline.ledger.artefacts import ArtefactDamaged, ArtefactMissing
from pipeline.ledger.codec import encode
from pipeline.ledger.records import CaseRecord, InForce, Judgement, Rejudged
from pipeline.office import CPL, EPCL, Office
from pipeline.products import changed_by_hand, in_words
from pipeline.readers.eligible import read_eligible
from pipeline.readers.message import ReadMail
from pipeline.readers.ocr import engines_of
from pipeline.readers.package import Unreadable
from pipeline.releasing import list_facts, read_book
from pipeline.rulebook import Rulebook
from pipeline.trouble import Unavailable

BY_HAND = "by-hand"
_TEMPLATES = {Outcome.ACCEPT: "accepted", Outcome.REJECT: "rejected", Outcome.CLARIFY: "question"}


class NotPossible(Exception):  # noqa: N818 - named for the fact
    """What the helpdesk asked cannot be done as asked. The text says why and what would do."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One judgement derived again. same: the findings are equal octet for octet. note: what else is to be known."""

    judgement: Judgement
    same: bool
    note: str
    differences: tuple[str, ...] = ()


def confirm(
    office: Office,
    number: str,
    check: str,
    *,
    passed: bool,
    why: str,
    by: str,
    submission: str = "",
    subject: str = "",
) -> Judgement:
    """Record a reviewer's Verdict on the open points of a check and conclude again.

    submission, subject: narrow it down where several points of that check are open. NotPossible when none or, without
    these, more than one is open.
    """
    case = office.ledger.case(number)
    newest = _newest(case)
    if newest.decision.row == BY_HAND:
        raise NotPossible(f"{number} was decided by hand. Use 'pipeline decide {number} ...' to decide otherwise.")
    # Several Findings may stand at one point (each file of a mail that could not be read): one word settles them.
    open_points = sorted(
        {
            (item.file, finding.subject)
            for item in newest.judged
            for finding in item.findings
            if finding.status is Status.UNCLEAR
            and finding.check == check
            and submission in {"", item.file}
            and subject in {"", finding.subject}
        }
    )
    if not open_points:
        raise NotPossible(f"{number} has no open point of the check '{check}'{_narrowed(submission, subject)}.")
    if len(open_points) > 1:
        choices = "; ".join(f"--submission '{file}' --subject '{about}'" for file, about in open_points)
        raise NotPossible(f"{number} has {len(open_points)} open points of '{check}'. Name one: {choices}.")
    file, about = open_points[0]
    verdict = Verdict(check, about, file, passed, why, by, office.now())
    outcome = judge.rederive(newest.judged, [verdict], _rules_of(office, newest))
    if outcome.decision is None:
        raise AssertionError("a judgement is always decided about")
    again = replace(newest, at=office.now(), judged=outcome.judged, decision=outcome.decision)
    return _commit(office, case, again, outcome.template, by=by, why=why, verdict=verdict)


def _narrowed(submission: str, subject: str) -> str:
    return "".join(f", {name} '{value}'" for name, value in (("in", submission), ("about", subject)) if value)


def decide_by_hand(office: Office, number: str, outcome: Outcome, *, why: str, by: str) -> Judgement:
    """Record a person's decision about a whole Case, whatever the checks said, and draft the reply to it."""
    case = office.ledger.case(number)
    newest = _newest(case)
    waits_for = Settler.SUBMITTER if outcome is Outcome.CLARIFY else None
    decision = Decision(outcome, BY_HAND, f"Decided by {by}.", waits_for)
    judged = tuple(
        replace(item, decision=decision, findings=_with_reason(office.rules, item, outcome, why))
        for item in newest.judged
    )
    again = replace(newest, at=office.now(), judged=judged, decision=decision)
    return _commit(office, case, again, _TEMPLATES[outcome], by=by, why=why, by_hand=True)


def _with_reason(rules: Rulebook, item: Judged, outcome: Outcome, why: str) -> tuple[Finding, ...]:
    """Give a refusal or a question of a person's own its words; the Findings of the checks stay."""
    rule = rules.checks["decision.person"]
    kept = tuple(finding for finding in item.findings if finding.check != rule.id)
    if outcome is Outcome.ACCEPT:
        return kept
    from_person = Finding(rule.id, Status.FAIL, why, rule.clause)
    if outcome is Outcome.CLARIFY:
        from_person = replace(from_person, status=Status.UNCLEAR, settle=Settler.SUBMITTER)
    return (*kept, from_person)


def _newest(case: CaseRecord) -> Judgement:
    if not case.judgements:
        raise NotPossible(
            f"{case.number} has nothing that was judged: do by hand what it asks for, then 'pipeline close'."
        )
    return case.judgements[-1]


def _commit(
    office: Office,
    case: CaseRecord,
    again: Judgement,
    template: str,
    *,
    by: str,
    why: str,
    verdict: Verdict | None = None,
    by_hand: bool = False,
) -> Judgement:
    drafts: tuple[Draft, ...] = ()
    if template:
        read = _mail(office, again.message)
        draft = office.draft(template, read.message, again.judged, again.decision, case=case.number, due=case.due)
        # The same words as before, after a change of mind and back, are the same draft: it is not written twice.
        drafts = tuple(known for known in case.drafts if known.message_id == draft.message_id) or (draft,)
    effects = tuple(office.promise_draft(draft) for draft in drafts)
    office.ledger.rejudge(
        Rejudged(case.number, again.at, by, why, again, verdict, by_hand=by_hand, drafts=drafts, effects=effects)
    )
    return again


def _mail(office: Office, sha256: str) -> ReadMail:
    read = office.read_mail(sha256)
    if isinstance(read, Problem):
        raise NotPossible(f"The mail {sha256[:12]} can no longer be read: {read.text}")
    return read


def replay(office: Office, number: str) -> tuple[Replayed, ...]:
    """Derive every judgement of a Case again from the stored bytes, under the rules it was made with."""
    case = office.ledger.case(number)
    done = []
    for judgement, verdicts in _with_verdicts(case):
        read = _mail(office, judgement.message)
        books = office.read_workbooks(read)
        rules = _rules_of(office, judgement)
        papers = office.read_papers(read, rules)
        outcome = office.judge(read, books, papers, judgement.circumstances, rules)
        settled = tuple(replace(item, findings=settle(item.findings, verdicts, item.file)) for item in outcome.judged)
        notes = [] if judgement.rules == office.rules.fingerprint else ["made under earlier rules"]
        if judgement.decision.row == BY_HAND:
            notes.append(f"decided by hand: {judgement.decision.outcome.value}")
        then, now = judgement.circumstances.ocr, engines_of(papers)
        if then != now:
            notes.append(f"read by other OCR engines: {_named(then)} then, {_named(now)} now")
        differences = tuple(_differences(_of_checks(judgement.judged), _of_checks(settled)))
        done.append(Replayed(judgement, not differences, "; ".join(notes), differences))
    return tuple(done)


def _with_verdicts(case: CaseRecord) -> Iterator[tuple[Judgement, Sequence[Verdict]]]:
    """Yield each judgement with the Verdicts it rests on.

    The first judgement of a mail is the worker's; each later one was made by hand or for one Verdict, in their order.
    """
    words = iter(case.verdicts)
    spoken: dict[str, list[Verdict]] = {}
    for judgement in case.judgements:
        if judgement.message not in spoken:
            spoken[judgement.message] = []
        elif judgement.decision.row != BY_HAND:
            spoken[judgement.message].extend(islice(words, 1))
        yield judgement, spoken[judgement.message]


def _named(engines: Sequence[str]) -> str:
    return " and ".join(engines) or "none"


def _rules_of(office: Office, judgement: Judgement) -> Rulebook:
    return Rulebook.from_bundle(office.artefacts.get(judgement.rules))


def _of_checks(judged: Sequence[Judged]) -> tuple[tuple[Finding, ...], ...]:
    return tuple(tuple(f for f in item.findings if f.check != "decision.person") for item in judged)


def _differences(before: Sequence[tuple[Finding, ...]], after: Sequence[tuple[Finding, ...]]) -> Sequence[str]:
    if encode(before) == encode(after):
        return []
    old = {encode(finding) for findings in before for finding in findings}
    new = {encode(finding) for findings in after for finding in findings}
    return [*(f"only then: {text}" for text in sorted(old - new)), *(f"only now: {text}" for text in sorted(new - old))]


@dataclass(frozen=True, slots=True)
class TakenOver:
    """A document put in force. told: what the person who did it should look at, in plain words."""

    document: InForce
    told: tuple[str, ...] = ()


def take_over(office: Office, kind: str, data: bytes, *, by: str) -> TakenOver:
    """Put a document in force. Each kind is read, and refused (Unavailable) where it is none."""
    facts: dict[str, str] = {}
    version = ""
    told: tuple[str, ...] = ()
    if kind == CPL:
        reading = office.read_list(data)
        if reading.template is None or not reading.products:
            raise Unavailable("The CPL workbook has no entries in its tab 'Central Products List'.")
        version = reading.template.version
        products = ProductList("", version, reading.products)
        told = _changed_since(office, products)
        facts = {"issued": reading.template.issued, **list_facts(products), "macro": reading.template.macro}
    elif kind == EPCL:
        try:
            facts = {"device models": str(len(read_eligible(data)))}
        except Unreadable as error:
            raise Unavailable(f"The EPCL cannot be used: {error.text}.") from error
    else:
        book = read_book(office, kind, data)
        facts = {"entries": str(len(book.rows))}
        told = tuple(f"Careful: {problem.text}." for problem in book.problems)
    document = InForce(kind, office.artefacts.put(data), version, office.now(), facts)
    office.ledger.put_in_force(document, by=by)
    return TakenOver(document, told)


def _changed_since(office: Office, imported: ProductList) -> tuple[str, ...]:
    """Say what somebody changed by hand in the list since our last Release; nothing where it is that Release."""
    released = office.ledger.releases()
    if not released:
        return ()
    try:
        last = office.read_list(office.artefacts.get(released[-1].cpl))
    except (ArtefactMissing, ArtefactDamaged) as error:
        return (f"It cannot be said whether the list was changed by hand since our last Release: {error}",)
    found = changed_by_hand(ProductList("", released[-1].version, last.products), imported)
    if found is None:
        return ()
    return ("Careful: this list is not as the pipeline released it last.", *in_words(found))
