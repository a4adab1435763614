"""The worker dies at every step at which it notes a person's reply and sets a mail aside: nothing is lost or doubled.

A death here is an exception that nothing catches, before or after a call of the mailbox or the ledger; tests/crash
kills real processes, without the mails of this test.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.domain.judgement import Outcome
from pipeline.mailbox.maildir import Maildir
from pipeline.turn import SECONDS
from tests.hands import POISON, Dying, draft_text, sends
from tests.office import HELPDESK, Clock, Helpdesk, a_helpdesk, an_office, good_submission, settings

FOLDER = "Quarantine"


class Death(BaseException):
    """The end of the worker, wherever it stands."""


class Mortal:
    """Anything whose calls are steps; at one of them, before or after it, the worker dies."""

    def __init__(self, inner: Any, count: "Count") -> None:
        self._inner, self._count = inner, count

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if not callable(value):
            return value

        def call(*args: Any, **more: Any) -> Any:
            self._count.passes()
            told = value(*args, **more)
            self._count.passes()
            return told

        return call


class Count:
    """Steps so far. deadly: the one that is the last; 0 for none."""

    def __init__(self, deadly: int = 0) -> None:
        self.deadly, self.steps = deadly, 0

    def passes(self) -> None:
        self.steps += 1
        if self.steps == self.deadly:
            raise Death


@contextmanager
def ready(path: Path, readers: Dying) -> Iterator[Helpdesk]:
    """Two attempts at the poison are over, and the drafted acceptance was sent."""
    with a_helpdesk(path, readers=readers) as helpdesk:
        helpdesk.deliver(good_submission())
        helpdesk.round()
        helpdesk.deliver(POISON)
        helpdesk.rounds(2)
        sends(helpdesk, draft_text(helpdesk))
        yield helpdesk


def one_round(helpdesk: Helpdesk, count: Count) -> bool:
    """Do a round in which each call is a step; whether the worker died in it."""
    ledger, box = helpdesk.office.ledger, helpdesk.box
    helpdesk.office.ledger, helpdesk.visit = Mortal(ledger, count), lambda: Mortal(box, count)
    try:
        helpdesk.round()
    except Death:
        return True
    finally:
        helpdesk.office.ledger, helpdesk.visit = ledger, lambda: box
    return False


@contextmanager
def again(template: Path, folder: Path, readers: Dying) -> Iterator[Helpdesk]:
    """Open a copy of a helpdesk."""
    shutil.copytree(template, folder)
    clock = Clock()
    with an_office(settings(folder), clock, readers) as office:
        yield Helpdesk(office, clock, Maildir(folder / "mail"))
    shutil.rmtree(folder)


def stands(helpdesk):
    case = helpdesk.case()
    return {
        "inbox": len(helpdesk.folder()),
        "aside": sorted(len(one.raw) == len(POISON) for one in helpdesk.folder(FOLDER)),
        "drafts": len(helpdesk.drafts),
        "judgements": len(case.judgements),
        "decided": (case.decision.outcome, case.decided_by, case.state),
        "waits": len(helpdesk.office.ledger.accepted()),
        "effects": [(one.kind, one.state.value) for one in helpdesk.office.ledger.promised("")],
        "set aside": [one.folder for one in helpdesk.office.ledger.set_aside_messages()],
    }


def test_a_death_at_any_step_changes_nothing_of_what_comes_of_it(tmp_path):
    readers = Dying()
    template = tmp_path / "ready"
    with ready(template, readers):
        pass
    whole = Count()
    with again(template, tmp_path / "whole", readers) as helpdesk:
        assert not one_round(helpdesk, whole)
        expected = stands(helpdesk)
    assert expected == {
        "inbox": 0,
        "aside": [False, True],
        "drafts": 1,
        "judgements": 2,
        "decided": (Outcome.ACCEPT, HELPDESK, "open"),
        "waits": 1,
        "effects": [("draft", "done"), ("file", "done"), ("no-contact", "held"), ("sent", "done"), ("aside", "done")],
        "set aside": [FOLDER],
    }
    for deadly in range(1, whole.steps + 1):
        with again(template, tmp_path / str(deadly), readers) as helpdesk:
            assert one_round(helpdesk, Count(deadly)), deadly
            helpdesk.clock.passes(seconds=SECONDS)
            helpdesk.rounds(2)
            assert stands(helpdesk) == expected, deadly
    print(f"{whole.steps} steps, none lost, none doubled")  # noqa: T201 - the figure
