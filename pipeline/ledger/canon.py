"""What the ledger comes to, without when and after how many attempts: two runs that did the same work give the same."""

from typing import Any

import msgspec
from sqlalchemy import Connection, Table, select

from pipeline.ledger.tables import (
    amendments,
    audit,
    bounces,
    cases,
    certificates,
    drafts,
    effects,
    in_force,
    judgements,
    messages,
    published,
    releases,
    submissions,
    verdicts,
)

_LEFT_OUT = {
    # Times, and numbers of rows.
    "seq", "at", "received", "received_us", "last_attempt", "finished", "opened", "promised", "due_us", "begun", "done",
    # How hard it was, and where the mail lay.
    "attempts", "error", "token", "mailbox", "folder", "generation", "uid",
    # Said again elsewhere: the digest of a draft stands for its bytes, year and serial in the Case's number.
    "raw", "year", "serial", "judgement",
}  # fmt: skip
_LEFT_OUT_OF = {"effects": {"due", "note"}, "published": {"submission"}}
_JSON = {
    "circumstances", "decision", "model", "findings", "payload", "facts", "refs",
    "manifest", "summary", "entries", "new_values", "evidence", "doubts",
}  # fmt: skip


def dump(connection: Connection) -> dict[str, Any]:
    """Return the logical content as plain values that compare equal for equal work.

    In: mails with their kind and Case, Cases, judgements with their Submissions, verdicts, drafts, effects with their
    state, the lists in force, Releases with what they listed, Amendments without any value (law 8), the trail.
    Out: times, attempts and their errors, sightings, polls, leases.
    """
    whole: dict[str, Any] = {
        "messages": _rows(connection, messages, "sha256"),
        "cases": _rows(connection, cases, "number"),
        "judgements": _judgements(connection),
        "certificates": _rows(connection, certificates),
        "drafts": _rows(connection, drafts, "message_id"),
        "effects": _rows(connection, effects, "key"),
        "releases": _rows(connection, releases),
        "published": _rows(connection, published, "entry"),
        "amendments": [_without_values(row) for row in _rows(connection, amendments, "number")],
    }
    for table in (verdicts, in_force, audit, bounces):
        whole[table.name] = _rows(connection, table)
    return whole


def _judgements(connection: Connection) -> list[dict[str, Any]]:
    """Return the judgements by mail, and for one mail as they came, each with its Submissions."""
    found = []
    for row in connection.execute(select(judgements).order_by(judgements.c.message, judgements.c.seq)):
        parts = connection.execute(
            select(submissions).where(submissions.c.judgement == row.seq).order_by(submissions.c.position)
        )
        found.append(
            _plain(judgements, row._mapping)  # noqa: SLF001 - SQLAlchemy's documented name for a row's columns
            | {"submissions": [_plain(submissions, part._mapping) for part in parts]}  # noqa: SLF001 - the same
        )
    return found


def _rows(connection: Connection, table: Table, key: str = "") -> list[dict[str, Any]]:
    """Return a table's rows, sorted here by their key: databases differ in how they sort text."""
    rows = [
        _plain(table, row._mapping)  # noqa: SLF001 - SQLAlchemy's documented name for a row's columns
        for row in connection.execute(select(table).order_by(*table.primary_key))
    ]
    return sorted(rows, key=lambda row: row[key]) if key else rows


def _without_values(amendment: dict[str, Any]) -> dict[str, Any]:
    """Leave of an Amendment's values their fields, and of its evidence the places: any text of them may be RED."""
    fields = sorted(amendment.pop("new_values"))
    places = [{name: pointer[name] for name in ("artefact", "file", "where")} for pointer in amendment.pop("evidence")]
    return amendment | {"fields": fields, "evidence": places}


def _plain(table: Table, row: Any) -> dict[str, Any]:
    left_out = _LEFT_OUT | _LEFT_OUT_OF.get(table.name, set())
    return {
        name: msgspec.json.decode(value) if name in _JSON and value is not None else value
        for name, value in row.items()
        if name not in left_out
    }
