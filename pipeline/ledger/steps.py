"""The two steps that commit a decision, each one transaction: a mail is concluded, a Case is judged again."""

from collections.abc import Sequence
from hashlib import sha256

from sqlalchemy import Connection, select, update

from pipeline.domain.draft import Draft
from pipeline.domain.release import Amendment
from pipeline.ledger import amendments, cases, certificates, effects, judgements, mails, standing, upkeep
from pipeline.ledger.codec import encode
from pipeline.ledger.errors import LedgerConflict, NoSuchCase
from pipeline.ledger.instants import microseconds
from pipeline.ledger.records import Conclusion, MessageState, Rejudged, Replied
from pipeline.ledger.release_records import AmendmentState
from pipeline.ledger.tables import cases as case_rows
from pipeline.ledger.tables import drafts, messages, verdicts

OURSELVES = "pipeline"
"""Who the trail names for what a mail has set off."""


def conclude(connection: Connection, conclusion: Conclusion, proposals: Sequence[Amendment]) -> None:
    """Commit what a mail came to. LedgerConflict where it was concluded before, so that nothing is answered twice."""
    microseconds(conclusion.at)
    waiting = connection.execute(
        select(messages.c.seq).where(messages.c.sha256 == conclusion.message, messages.c.state == MessageState.RECEIVED)
    ).first()
    if waiting is None:
        raise mails.not_waiting(connection, conclusion.message)
    _enter_case(connection, conclusion)
    connection.execute(
        update(messages)
        .where(messages.c.sha256 == conclusion.message)
        .values(
            state=MessageState.CONCLUDED,
            finished=conclusion.at,
            kind=conclusion.kind,
            case_number=conclusion.case or None,
            message_id=conclusion.message_id,
            subject=conclusion.subject,
            sender=conclusion.sender,
            refs=encode(conclusion.references),
            note=conclusion.note,
        )
    )
    if conclusion.judgement is not None:
        _same_mail(conclusion.judgement.message, conclusion.message)
        judgements.add(connection, conclusion.judgement, conclusion.case)
    certificates.remember(connection, conclusion.message, conclusion.certificates)
    _add_drafts(connection, conclusion.drafts, conclusion.message, conclusion.case, conclusion.at)
    for proposal in proposals:
        if proposal.case != conclusion.case:
            raise LedgerConflict(f"The Amendment {proposal.number} is not of the Case {conclusion.case or '(none)'}.")
        amendments.add(connection, proposal, AmendmentState.PROPOSED)
    effects.promise(connection, conclusion.effects, message=conclusion.message, case=conclusion.case, at=conclusion.at)


def rejudge(connection: Connection, again: Rejudged) -> None:
    """Commit a judgement that a person's word has changed, with that word. Older judgements and drafts stay."""
    microseconds(again.at)
    cases.reopen(connection, again.case, at=again.at, by=again.by, why=again.why)
    mail = mails.message(connection, again.judgement.message)
    if mail is None or mail.case != again.case:
        raise LedgerConflict(f"The mail {again.judgement.message} does not belong to the Case {again.case}.")
    target = again.case
    what = f"decision: {again.judgement.decision.outcome.value}" if again.by_hand else "judged again"
    if again.verdict is not None:
        verdict = again.verdict
        what = f"verdict: {'pass' if verdict.passed else 'fail'}"
        target = " ".join(part for part in (again.case, verdict.check, verdict.subject, verdict.submission) if part)
        connection.execute(
            verdicts.insert().values(
                case_number=again.case,
                check_id=verdict.check,
                subject=verdict.subject,
                submission=verdict.submission,
                passed=verdict.passed,
                why=verdict.why,
                by=verdict.by,
                at=verdict.at,
            )
        )
    judgements.add(connection, again.judgement, again.case, by=again.by, why=again.why, by_hand=again.by_hand)
    _add_drafts(connection, again.drafts, again.judgement.message, again.case, again.at)
    effects.promise(connection, again.effects, message=again.judgement.message, case=again.case, at=again.at)
    if again.by_hand:
        effects.answered(connection, again.case, again.at, again.by)
    upkeep.note(connection, at=again.at, who=again.by, what=what, target=target, why=again.why)


def replied(connection: Connection, said: Replied) -> None:
    """Commit what a reply that a person sent says of its Case. One that was noted before changes nothing."""
    microseconds(said.at)
    cases.state_of(connection, said.case)
    if effects.promised(connection, said.effect.key):
        return
    cases.link(connection, said.case, [said.message_id])
    effects.promise(connection, [said.effect], at=said.at, case=said.case)
    if said.judgement is not None:
        judgements.add(connection, said.judgement, said.case, by=said.by, why=said.effect.why, by_hand=True)
        effects.answered(connection, said.case, said.at, said.by)
        what = f"decision: {said.judgement.decision.outcome.value}"
        upkeep.note(connection, at=said.at, who=said.by, what=what, target=said.case, why=said.effect.why)
    if said.closes:
        close(connection, said.case, at=said.at, by=said.by, why=said.effect.why)


def close(connection: Connection, number: str, *, at: str, by: str, why: str) -> None:
    """Close a Case on a person's word, unless something they accepted would be forgotten with it."""
    waiting = sum(item.case == number for item in standing.accepted(connection))
    if waiting:
        raise LedgerConflict(
            f"{number} has {waiting} accepted submissions that are not published: publish, or decide otherwise."
        )
    cases.close(connection, number, at=at, by=by, why=why)
    effects.answered(connection, number, at, by)


def _enter_case(connection: Connection, conclusion: Conclusion) -> None:
    """Open the Case or join it, and make the mail and its answers findable for replies.

    A mail that joins opens a closed Case again and may set a new due day. It never changes the correspondent: anybody
    can write a Case number.
    """
    if not conclusion.case:
        if conclusion.opens:
            raise LedgerConflict("A conclusion that opens a Case names its number.")
        return
    if conclusion.opens:
        cases.open_case(connection, conclusion)
    elif not cases.exists(connection, conclusion.case):
        raise NoSuchCase(f"There is no Case {conclusion.case} for the mail {conclusion.message} to join.")
    else:
        why = f"The mail {conclusion.message[:12]} joined it."
        cases.reopen(connection, conclusion.case, at=conclusion.at, by=OURSELVES, why=why)
        if conclusion.due:
            of_case = case_rows.c.number == conclusion.case
            connection.execute(update(case_rows).where(of_case).values(due=conclusion.due))
    cases.link(connection, conclusion.case, [conclusion.message_id])


def _add_drafts(connection: Connection, new: Sequence[Draft], message: str, case: str, at: str) -> None:
    """Write drafts. One that is there already in the same bytes stays; other bytes under its Message-ID are refused.

    A mailbox keeps one draft per Message-ID, so the second text would be recorded and never seen by anybody.
    """
    for draft in new:
        there = connection.execute(select(drafts.c.raw).where(drafts.c.message_id == draft.message_id)).first()
        if there is not None:
            if there.raw != draft.raw:
                raise LedgerConflict(
                    f"A draft with the Message-ID {draft.message_id} and another text is recorded already: "
                    "a new text needs a new Message-ID."
                )
            continue
        connection.execute(
            drafts.insert().values(
                message=message,
                case_number=case or None,
                kind=draft.kind,
                message_id=draft.message_id,
                recipient=draft.to,
                subject=draft.subject,
                artefact=sha256(draft.raw).hexdigest(),
                raw=draft.raw,
                at=at,
            )
        )
    if case:
        cases.link(connection, case, [draft.message_id for draft in new])


def _same_mail(judged: str, concluded: str) -> None:
    if judged != concluded:
        raise LedgerConflict(f"The judgement is of the mail {judged}, the conclusion of {concluded}.")
