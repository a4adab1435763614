"""SIGKILL at every step of a reminder run against a real SMTP server: at most one mail for each key, ever."""

import contextlib
import email
import shutil
import sqlite3
from collections import Counter
from email import policy
from pathlib import Path
from typing import Any

import pytest

from pipeline import desk
from pipeline.demo.products import sample_entries
from pipeline.demo.workbook import cpl_workbook
from pipeline.ledger.records import EffectState
from pipeline.office import CPL
from pipeline.releasing import CONTACTS
from tests import office as builders
from tests.contract.smtp_servers import Receiver, receiving
from tests.crash.conftest import Looks, deaths_among, prepared
from tests.crash.reminder_victim import SSC, reminders_office

DATES = {"000001": "01/09/2026", "000024": "20/02/2026"}
"""Entries with other dates: one in its window of six months, and one that has just expired."""


@pytest.fixture(scope="module")
def desk_folder(tmp_path_factory) -> Path:
    """A helpdesk that never reminded anybody: two reminders are due, and one certificate has expired."""
    folder = tmp_path_factory.mktemp("reminding") / "desk"
    folder.mkdir()
    entries = [
        {**entry, "CPA_Certificate.expiry_date": DATES[entry["Entry.number"]]}
        if entry["Entry.number"] in DATES
        else entry
        for entry in sample_entries()
        if entry["Entry.number"] in DATES
    ]
    with builders.a_helpdesk(folder, with_cpl=False) as helpdesk:
        desk.take_over(helpdesk.office, CPL, cpl_workbook(issued="18-02-2026", entries=entries), by="Ada")
        contacts = b"Entry number,Name,Telephone,Email\r\n000001,Ann,,ann@maker.example\r\n"
        desk.take_over(helpdesk.office, CONTACTS, contacts, by="Ada")
    return folder


@pytest.fixture(scope="module")
def life(desk_folder):
    with prepared("tests.crash.reminder_victim", desk_folder) as victims:
        yield victims.live


def stands(folder: Path) -> tuple[dict[str, tuple[EffectState, str, str]], dict[str, Any], list[str]]:
    """The promises by key, with their Message-ID and what is said of them; the Cases; whom the drafts go to."""
    with reminders_office(folder, 1) as office:
        promised = {
            one.key: (one.state, one.payload.get("message_id", ""), one.error)
            for prefix in ("remind:", "expired:")
            for one in office.ledger.promised(prefix)
        }
        cases = {one.number: one.subject for one in office.ledger.cases()}
    return promised, cases, drafts_of(folder)


def drafts_of(folder: Path) -> list[str]:
    return [email.message_from_bytes(mail.raw)["To"] for mail in builders.held(folder / "mail", "Drafts")]


def rows(folder: Path) -> list[Any]:
    """What a death has left in the ledger, looked at without opening it."""
    with contextlib.closing(sqlite3.connect(folder / "data" / "ledger.sqlite")) as connection:
        return connection.execute("SELECT key, state FROM effects ORDER BY key").fetchall()


def standing(folder: Path, server: Receiver) -> str:
    return repr([rows(folder), drafts_of(folder), sorted(ids(server))])


def ids(server: Receiver) -> Counter[str]:
    return Counter(email.message_from_bytes(mail.raw, policy=policy.SMTP)["Message-ID"] for mail in server.taken)


@pytest.mark.slow
def test_killed_at_every_step_no_key_is_sent_twice(desk_folder, life, tmp_path, record_property):
    folder = tmp_path / "desk"
    shutil.copytree(desk_folder, folder)
    with receiving() as server:
        looks = Looks(lambda: standing(folder, server))
        assert life(folder, look=looks, port=server.port).steps == [step.name for step in looks.steps]
        promised, cases, drafts = stands(folder)
        assert ids(server) == {message_id: 1 for _, message_id, _ in promised.values() if message_id}
        assert len(server.taken) == 2
        assert {state for state, _, _ in promised.values()} == {EffectState.DONE}
        assert (len(promised), len(cases), drafts) == (3, 1, [SSC])
    deaths, unknown = deaths_among(looks.steps), Counter()
    first = {step.standing: step.number for step in reversed(deaths)}
    assert first.keys() == {step.standing for step in looks.steps}
    assert len(first) >= 6
    for step in deaths:
        shutil.rmtree(folder)
        shutil.copytree(desk_folder, folder)
        where = f"{step.name} (step {step.number} of {looks.count})"
        with receiving() as server:
            assert life(folder, step.number, port=server.port).killed, where
            assert standing(folder, server) == step.standing, where
            if first[step.standing] != step.number:
                continue
            assert life(folder, port=server.port, minutes=20).status == 0, where
            ended, opened, put = stands(folder)
            assert (ended.keys(), opened, put) == (promised.keys(), cases, drafts), where
            sent = ids(server)
            assert max(sent.values(), default=0) <= 1, where
            assert sent.keys() <= {message_id for _, message_id, _ in ended.values()}, where
            for state, message_id, said in ended.values():
                if state is EffectState.UNKNOWN:
                    assert "how it ended was never noted" in said, where
                    unknown[sent[message_id]] += 1
                else:
                    assert state is EffectState.DONE, where
                    assert not message_id or sent[message_id] == 1, where
            assert sum(state is EffectState.UNKNOWN for state, _, _ in ended.values()) <= 1, where
    assert unknown.keys() <= {0, 1}  # the server has it, or not, and nobody can say: held for a person
    assert unknown
    record_property("steps", looks.count)
    figures = f"{looks.count} steps, {len(deaths)} deaths, {len(first)} of them different"
    print(f"{figures}, unknown by mails at the server: {dict(unknown)}")  # noqa: T201 - the figures
