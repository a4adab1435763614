"""The helpdesk's work without the web desk: cases, case, confirm, decide, replay, retry."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from pipeline import desk
from pipeline.cli.crops import EvidenceCrop, write_crops
from pipeline.cli.opening import office
from pipeline.cli.people import By, Why, person, reason
from pipeline.cli.report import as_text, confirming, finding_lines, open_points, printable, sentence
from pipeline.cli.settings import ConfigOption
from pipeline.domain.draft import Draft
from pipeline.domain.judgement import Outcome
from pipeline.domain.reminder import AtExpiry
from pipeline.ledger.codec import encode
from pipeline.ledger.records import SENT, CaseRecord, Effect, EffectState
from pipeline.ledger.release_records import AmendmentState
from pipeline.ledger.reminder_records import BounceRecord
from pipeline.ledger.views import CaseSummary
from pipeline.office import Office
from pipeline.reminding import EXPIRED, REMINDERS

app = typer.Typer(rich_markup_mode=None)

Number = Annotated[str, typer.Argument(help="Case number, CPL-2026-00042, or 42 for one of this year.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_MOST_DIGITS = 9
_WAITING = {EffectState.HELD, EffectState.UNKNOWN}
_FOLLOWS = {
    AtExpiry.DETERMINATION: "the SSC determines a remedial plan or removal (Appendix 5.4)",
    AtExpiry.REMOVAL: "the status is to become Removed, unless the SSC says otherwise (Appendix 3.2)",
}


class State(StrEnum):
    """Which Cases are listed."""

    OPEN = "open"
    CLOSED = "closed"


class Word(StrEnum):
    """A person's word on an open point."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"


@app.command()
def cases(
    state: Annotated[State, typer.Option(help="Which Cases.")] = State.OPEN,
    as_object: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """List the Cases: the overdue, then those due first.

    Mails that were set aside, because they could not be judged, replies sent by hand that say nothing of what was
    decided, amendments that wait for a person, reminders that nobody gets and mails that came back stand above.
    """
    with office(config) as found:
        aside = found.ledger.set_aside_messages()
        now = found.clock().astimezone(ZoneInfo(found.config.calendar.zone)).isoformat(timespec="seconds")
        summaries = found.ledger.cases(state.value, now)
        proposed = found.ledger.amendments(AmendmentState.PROPOSED)
        asked = [one for one in found.ledger.promised(f"{SENT}:") if one.state in _WAITING]
        unsent = [one for one in found.ledger.promised(REMINDERS) if one.state in _WAITING]
        returned = found.ledger.bounces()
    if as_object:
        tree = {
            "set_aside": json.loads(encode(aside)),
            "asked": [{"case": one.case, "why": one.error} for one in asked],
            "reminders": [{"key": one.key, "why": one.error, **one.payload} for one in unsent],
            "came_back": json.loads(encode(returned)),
            "cases": json.loads(encode(summaries)),
        }
        typer.echo(json.dumps(tree))
        return
    for record in aside:
        where = f"in {printable(record.folder)}" if record.folder else "nowhere"
        typer.echo(f"set aside {record.sha256[:12]} {record.received}, {where}: {printable(record.note)}")
    for answer in asked:
        typer.echo(f"asked {answer.case}: {printable(answer.error)}")
    for one in proposed:
        about = one.case or "no case"
        typer.echo(f"proposed {one.number}: {one.kind.value}, asked for by {printable(one.by)} ({about})")
    if state is State.OPEN:
        for unkept in unsent:
            about = f"{unkept.payload['certificate']}, entries {unkept.payload['entries']}"
            typer.echo(f"reminder {unkept.state} {printable(about)}: {printable(unkept.error)}")
        for came in returned:
            typer.echo(_returned(came))
    for line in summaries:
        typer.echo(_line(line))
        typer.echo(f"    {printable(line.correspondent) or 'pipeline'}: {printable(line.subject)}")
    typer.echo(f"{len(summaries)} {state.value}")


def _returned(came: BounceRecord) -> str:
    of = f"{came.case}, " if came.case else ""
    gave_up = "" if came.permanent else " (the server still tries)"
    said = printable(f"{came.status} {came.text}")
    return f"came back {came.at} {of}to {printable(came.recipient) or 'somebody'}{gave_up}: {said}"


def _line(case: CaseSummary) -> str:
    waits = f", waits for the {case.waits_for}" if case.waits_for else ""
    decision = f"{case.outcome.upper() or 'not judged'}{waits}"
    late = "  OVERDUE" if case.overdue else ""
    return f"{case.number}  due {case.due}{late}  {decision}; {case.fails} faults, {case.unclears} open points"


@app.command()
def case(
    number: Number,
    crops: Annotated[
        Path | None,
        typer.Option(help="Folder for pictures (PNG) of every place on a page that a finding names.", file_okay=False),
    ] = None,
    as_object: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show one Case: what was found, decided and done."""
    with office(config) as found:
        record = found.ledger.case(_full(number, found.clock().year))
        returned = [came for came in found.ledger.bounces() if came.case == record.number]
        shown = _crops(found, record, crops) if crops else []
    if as_object:
        tree = {**_as_object(record), "came_back": json.loads(encode(returned))}
        typer.echo(json.dumps({**tree, "crops": [asdict(crop) for crop in shown]} if crops else tree))
        return
    for line in (*_lines(record), *map(_returned, returned)):
        typer.echo(line)
    for crop in shown:
        place = printable(f"{crop.check}: {crop.file}, {crop.place}")
        typer.echo(f"crop   {place}\n       {crop.path or f'not shown: {printable(crop.problem)}'}")
    if crops and not shown:
        typer.echo("no crops: nothing that was found points at a page")


def _crops(found: Office, record: CaseRecord, folder: Path) -> list[EvidenceCrop]:
    """Write the crops of the newest judgement, which is the one that is shown."""
    if not record.judgements:
        return []
    newest = record.judgements[-1]
    return list(write_crops(folder, newest.judged, found.read_mail(newest.message), found.readers))


def _full(number: str, year: int) -> str:
    serial = number.isdecimal() and number.isascii() and len(number) <= _MOST_DIGITS
    return f"CPL-{year}-{int(number):05}" if serial else number.upper()


def _as_object(record: CaseRecord) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(encode(record))
    for draft in tree["drafts"]:
        draft.pop("raw")
    return tree


def _lines(record: CaseRecord) -> list[str]:
    lines = [
        f"{record.number}  {record.state}  opened {record.opened}  due {record.due}",
        f"from {printable(record.correspondent) or 'the pipeline itself'}: {printable(record.subject)}",
        "",
    ]
    lines += [f"mail   {m.received}  {m.kind:12} {m.sha256[:12]}  {printable(m.note)}" for m in record.messages]
    if record.judgements:
        newest = record.judgements[-1]
        lines += ["", f"judged {newest.at} under the rules {newest.rules[:12]}, receipt {newest.circumstances.on}", ""]
        lines += as_text(newest.judged, newest.decision)
        command = confirming(record.number, newest.judged)
        lines += [f"To settle a point: {command}"] if command else []
    lines += [
        f"word   {v.at}  {printable(v.by)}: {v.check} {'pass' if v.passed else 'fail'}, {printable(v.why)}"
        for v in record.verdicts
    ]
    lines += [_draft(draft, newest=draft == record.drafts[-1]) for draft in record.drafts]
    lines += _expired([effect for effect in record.effects if effect.kind == EXPIRED])
    lines += [f"effect {e.kind:6} {e.state.value:8} {printable(e.error)}" for e in record.effects if e.kind != EXPIRED]
    return lines


def _draft(draft: Draft, *, newest: bool) -> str:
    earlier = "" if newest else "  (an earlier one: a newer draft of this Case stands below)"
    return f"draft  {draft.kind:10} to {printable(draft.to) or 'nobody'}  {printable(draft.message_id)}{earlier}"


def _expired(effects: Sequence[Effect]) -> Iterator[str]:
    """Say which certificates' dates have passed, and what is to be done about them."""
    told = [effect.payload for effect in effects]
    for one in told:
        yield printable(f"passed {one['day']}  {one['asked']}  {one['certificate']}  entries {one['entries']}")
    for asked in dict.fromkeys(one["asked"] for one in told):
        yield f"{asked}: {_FOLLOWS[AtExpiry(asked)]}; the status itself: pipeline remove"
    for notice in dict.fromkeys(one["notice"] for one in told):
        yield f"notice to the SSC: {printable(notice)}"


@app.command()
def confirm(
    number: Number,
    check: Annotated[str, typer.Argument(help="The check whose open point is settled.")],
    word: Annotated[Word, typer.Argument(help="What you found.")],
    why: Why = "",
    by: By = "",
    submission: Annotated[str, typer.Option(help="The workbook, where the case has several.")] = "",
    subject: Annotated[str, typer.Option(help="The field, where the check has several open points.")] = "",
    config: ConfigOption = None,
) -> None:
    """Settle an open point of a Case with your name.

    The Decision is derived again from your word and everything else that was found.
    """
    words, name = reason(why), person(by)
    with office(config) as found:
        again = desk.confirm(
            found,
            _full(number, found.clock().year),
            check,
            passed=word is Word.PASS,
            why=words,
            by=name,
            submission=submission,
            subject=subject,
        )
    for _, finding in open_points(again.judged):
        for line in finding_lines(finding):
            typer.echo(line)
    typer.echo(f"Decision: {sentence(again.decision)}")


@app.command()
def decide(
    number: Number,
    word: Annotated[Outcome, typer.Argument(help="accept, reject or clarify.")],
    why: Why = "",
    by: By = "",
    config: ConfigOption = None,
) -> None:
    """Decide about a whole Case by hand.

    It counts whatever the checks said; the reply is drafted at the worker's next round.
    """
    words, name = reason(why), person(by)
    with office(config) as found:
        again = desk.decide_by_hand(found, _full(number, found.clock().year), word, why=words, by=name)
    typer.echo(f"Decision: {sentence(again.decision)} The reply is drafted at the worker's next round.")


@app.command()
def close(number: Number, why: Why = "", by: By = "", config: ConfigOption = None) -> None:
    """Close a Case that you have dealt with.

    A mail that joins it opens it again. A Case of submissions closes by itself when they are published.
    """
    words, name = reason(why), person(by)
    with office(config) as found:
        full = _full(number, found.clock().year)
        found.ledger.close_case(full, found.now(), by=name, why=words)
    typer.echo(f"{full} is closed.")


@app.command()
def replay(number: Number, config: ConfigOption = None) -> None:
    """Derive every judgement of a Case again.

    Each is made from stored bytes, under the rules of its time. Exit code 1 where the findings differ.
    """
    with office(config) as found:
        results = desk.replay(found, _full(number, found.clock().year))
    for result in results:
        same = "the same findings, octet for octet" if result.same else "OTHER FINDINGS"
        note = f" ({printable(result.note)})" if result.note else ""
        typer.echo(f"{result.judgement.at}  rules {result.judgement.rules[:12]}: {same}{note}")
        for line in result.differences:
            typer.echo(f"  {printable(line)}")
    if not all(result.same for result in results):
        raise typer.Exit(1)


@app.command()
def retry(
    what: Annotated[
        str, typer.Argument(help="Case number, first digits of a set-aside mail's sha256, or key of a reminder.")
    ],
    why: Why = "",
    by: By = "",
    config: ConfigOption = None,
) -> None:
    """Put set-aside mails and held effects back to work."""
    words, name = reason(why), person(by)
    with office(config) as found:
        name = _full(what, found.clock().year) if len(what) <= 5 or what.upper().startswith("CPL-") else what  # noqa: PLR2004 - a Case's serial has five digits
        count = found.ledger.retry(name, found.now(), by=name, why=words)
    typer.echo(f"{count} put back to work; they are done at the worker's next round.")
