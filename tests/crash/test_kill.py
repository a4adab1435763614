"""SIGKILL before and after every call that touches mailbox, ledger or artefacts: nothing lost, nothing done twice.

The uninterrupted run is looked at before and after each call: what stands there is all that a death there leaves, and
all that the worker after it knows of. So workers are killed at the first step of each name, and at the first with each
standing; the death must leave just that, and once for each standing a fresh worker runs to quiet and must leave what
the uninterrupted run leaves. With CPL_EVERY_STEP=1 in the environment workers are killed at every single step.
"""

from collections.abc import Sequence
from email import message_from_bytes, policy
from hashlib import sha256
from pathlib import Path

import pytest

from tests.contract import dovecot
from tests.crash.conftest import Left, Place, Step, Whole

PARTS = 2
"""The deaths on one mailbox are dealt out to so many tests, for as many processors."""


def uninterrupted(place: Place, folder: Path) -> tuple[Left, list[str]]:
    place.new(folder)
    life = place.live(folder)
    assert not life.killed
    assert life.status == 0
    return place.left(folder), life.steps


def message_ids(mails):
    return [message_from_bytes(mail.raw, policy=policy.default)["Message-ID"] for mail in mails]


def killed_at_every_step(place: Place, tmp_path: Path, part: int, record_property) -> None:
    """Kill at the steps of one part, and just beyond the last of all; the next run puts everything right."""
    whole = place.whole()
    assert whole.count == len(whole.steps)
    standings = killed(place, tmp_path / "killed", whole, part, PARTS)
    if part == PARTS - 1:
        place.new(tmp_path / "killed")
        assert place.live(tmp_path / "killed", whole.count + 1).steps == [step.name for step in whole.steps]
    deaths = len(dealt(whole.deaths(), part, PARTS))
    assert deaths > 50
    assert standings > 20
    for name, figure in (("steps", whole.count), ("deaths", deaths), ("different deaths", standings)):
        record_property(name, figure)
        print(f"{figure} {name}")  # noqa: T201 - the figures that the issue asks for


def killed(place: Place, folder: Path, whole: Whole, part: int = 0, parts: int = 1) -> int:
    """Kill at the steps of one part; after the first death of all with its standing a run puts everything right.

    Return how many such runs there were.
    """
    deaths = whole.deaths()
    assert {step.name for step in deaths} == {step.name for step in whole.steps}
    first = {step.standing: step.number for step in reversed(deaths)}
    assert first.keys() == {step.standing for step in whole.steps}
    for step in dealt(deaths, part, parts):
        after = f"killed {step.name} (step {step.number} of {whole.count})"
        place.new(folder)
        assert place.live(folder, step.number).killed, after
        assert place.standing(folder) == step.standing, after
        if first[step.standing] == step.number:
            puts_right(place, folder, whole.left, after)
    return sum(first[step.standing] == step.number for step in dealt(deaths, part, parts))


def dealt(deaths: Sequence[Step], part: int, parts: int) -> Sequence[Step]:
    """Return one part of the deaths, in a row: what lies before a step and after the one before it is the same."""
    return deaths[part * len(deaths) // parts : (part + 1) * len(deaths) // parts]


def puts_right(place: Place, folder: Path, expected: Left, after: str) -> None:
    life = place.live(folder)
    assert (life.killed, life.status) == (False, 0), after
    left = place.left(folder)
    assert left == expected, after
    ids = message_ids(left.drafts)
    assert len(ids) == len(set(ids)) == 4, after


def test_the_uninterrupted_run_does_the_whole_work(maildir, mails, tmp_path):
    left, steps = uninterrupted(maildir, tmp_path / "whole")
    kinds = {mail["sha256"]: (mail["state"], mail["kind"]) for mail in left.ledger["messages"]}
    submission, unrelated, repeat = ("concluded", "new-entry"), ("concluded", "not-ours"), ("concluded", "repeat")
    expected = [*[submission] * 5, unrelated, repeat]
    assert [kinds[sha256(raw).hexdigest()] for raw in mails] == expected
    assert [(mail.raw, mail.seen) for mail in left.inbox] == [(mails[5], False)]
    assert sorted(mail.raw for mail in left.processed) == sorted(raw for raw in mails if raw != mails[5])
    assert all(mail.seen for mail in left.processed)
    assert len(left.drafts) == 4
    kept = [effect for effect in left.ledger["effects"] if effect["kind"] != "no-contact"]  # people keep those
    assert {effect["state"] for effect in kept} == {"done"}
    for name in ("mailbox.fetch", "artefacts.put", "ledger.conclude", "mailbox.save_draft", "mailbox.file_away"):
        assert f"before {name}" in steps


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_every_step_on_a_maildir(maildir, tmp_path, part, record_property):
    killed_at_every_step(maildir, tmp_path, part, record_property)


@pytest.mark.slow
@pytest.mark.dovecot
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_every_step_on_dovecot(on_dovecot, tmp_path, part, record_property):
    killed_at_every_step(on_dovecot(dovecot.FULL), tmp_path, part, record_property)


@pytest.mark.slow
def test_killed_around_every_change_on_microsoft_365(on_graph, tmp_path):
    """A draft is put and then given its key there, a mail marked read and then moved: it may end between the two."""
    killed_around_every_change(on_graph, tmp_path)


@pytest.mark.slow
def test_killed_around_every_change_on_exchange(on_ews, tmp_path):
    """A mail is marked read and then moved there, where it has another id: it may end between the two."""
    killed_around_every_change(on_ews, tmp_path)


@pytest.mark.slow
@pytest.mark.dovecot
@pytest.mark.parametrize("flavour", [dovecot.NO_MOVE, dovecot.BARE], ids=lambda flavour: flavour.name)
def test_killed_around_every_change_on_a_server_without_move(on_dovecot, flavour, tmp_path):
    """Filing is copy, mark read, mark deleted and expunge there, and it may end between any two of them."""
    killed_around_every_change(on_dovecot(flavour), tmp_path)


def killed_around_every_change(place: Place, tmp_path: Path) -> None:
    """Kill before and after each command that changes something on the server; the next run puts everything right."""
    whole = place.whole(among=" server.")
    assert len(whole.steps) > 20
    assert killed(place, tmp_path / "killed", whole) > 20


def dies_between_putting_and_noting(place: Place, folder: Path, step: str) -> None:
    """Nobody but the mailbox knows that the draft is there: it is the look before the act that saves it."""
    expected, steps = uninterrupted(place, folder / "whole")
    place.new(folder / "killed")
    assert place.live(folder / "killed", 1 + steps.index(step)).killed
    between = place.left(folder / "killed")
    assert len(between.drafts) == 1
    drafts = [effect for effect in between.ledger["effects"] if effect["kind"] == "draft"]
    assert sorted(effect["state"] for effect in drafts) == [*["pending"] * 3, "sending"]
    place.live(folder / "killed")
    assert place.left(folder / "killed") == expected
    notes = [note for key, note in place.notes(folder / "killed").items() if key.startswith("draft:")]
    assert sorted(notes) == [*["put into Drafts"] * 3, "was in Drafts already"]


def test_a_draft_that_was_put_but_not_noted_is_found_again_on_a_maildir(maildir, tmp_path):
    dies_between_putting_and_noting(maildir, tmp_path, "after mailbox.save_draft")


@pytest.mark.dovecot
def test_a_draft_that_was_put_but_not_noted_is_found_again_on_dovecot(on_dovecot, tmp_path):
    dies_between_putting_and_noting(on_dovecot(dovecot.FULL), tmp_path, "after server.append")


@pytest.mark.parametrize("step", ["after server.post_mime", "after server.patch", "after mailbox.save_draft"])
def test_a_draft_that_was_put_but_not_noted_is_found_again_on_microsoft_365(on_graph, tmp_path, step):
    dies_between_putting_and_noting(on_graph, tmp_path, step)


@pytest.mark.parametrize("step", ["after server.create_draft", "after mailbox.save_draft"])
def test_a_draft_that_was_put_but_not_noted_is_found_again_on_exchange(on_ews, tmp_path, step):
    dies_between_putting_and_noting(on_ews, tmp_path, step)


@pytest.mark.parametrize("step", ["after zygote.send", "after ledger.conclude", "after artefacts.put"])
def test_a_death_takes_the_helper_process_with_it(maildir, tmp_path, step):
    """The first of these dies while a file is being read: the helper and its child end by themselves."""
    expected, _ = uninterrupted(maildir, tmp_path / "whole")
    folder = tmp_path / "killed"
    maildir.new(folder)
    steps = maildir.live(folder, readers="zygote").steps
    maildir.new(folder)
    death = maildir.live(folder, kill=len(steps) - steps[::-1].index(step), readers="zygote")
    assert death.killed
    assert death.left >= 1  # the helper outlived it, and was seen to end
    assert maildir.live(folder, readers="forked").left == 0
    assert maildir.left(folder) == expected
