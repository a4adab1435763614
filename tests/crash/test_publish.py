"""SIGKILL at every step of ``pipeline publish``: the old list or the new one, never half; the next one finishes it."""

import re
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from pipeline import desk, orders, releasing
from pipeline.domain.judgement import Outcome
from pipeline.domain.release import AmendmentKind
from tests import office as builders
from tests.crash.conftest import Looks, deaths_among, prepared, rows_of


@pytest.fixture(scope="module")
def accepted(tmp_path_factory) -> Path:
    """A helpdesk with an accepted submission and an ordered correction."""
    folder = tmp_path_factory.mktemp("accepted") / "desk"
    folder.mkdir()
    with builders.a_helpdesk(folder) as helpdesk:
        helpdesk.deliver(builders.good_submission())
        helpdesk.round()
        desk.decide_by_hand(helpdesk.office, "CPL-2026-00001", Outcome.ACCEPT, why="well", by="Ada")
        helpdesk.round()
        orders.order(
            helpdesk.office,
            AmendmentKind.CORRECTION,
            ["000004"],
            {"CPA_Certificate.expiry_date": "01/02/2031"},
            why="Typing error",
            by="Ada",
        )
    return folder


@pytest.fixture(scope="module")
def publish(accepted):
    with prepared("tests.crash.publisher", accepted) as victims:
        yield victims.live


def stands(folder: Path) -> dict[str, Any]:
    """What a person finds: the list in force, the Releases of the ledger, and the files in their folder."""
    with builders.an_office(builders.settings(folder)) as office:
        home = releasing.shelf(office).folder
        files = {path.relative_to(home).as_posix(): path.read_bytes() for path in home.rglob("*") if path.is_file()}
        return {
            "version": releasing.list_in_force(office).version,
            "releases": [record.version for record in office.ledger.releases()],
            "files": files,
            "ledger": office.ledger.dump(),
        }


def left_behind(folder: Path) -> str:
    """Return a digest of all that a death has left and a later life could depend on."""
    files = {
        re.sub(r"\.new-\w+", ".new-", path.relative_to(folder).as_posix()): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith("ledger.sqlite")
    }
    return sha256(repr((rows_of(folder), files)).encode()).hexdigest()


@pytest.mark.slow
def test_killed_at_every_step(accepted, publish, tmp_path, record_property):
    folder = tmp_path / "desk"
    shutil.copytree(accepted, folder)
    before = stands(folder)
    assert (before["version"], before["releases"], before["files"]) == ("3.000", [], {})
    looks = Looks(lambda: left_behind(folder))
    assert publish(folder, look=looks).steps == [step.name for step in looks.steps]
    steps = looks.steps
    expected = stands(folder)
    assert (expected["version"], expected["releases"]) == ("3.001", ["3.001"])
    assert len(expected["files"]) == 8
    kept = [effect for effect in expected["ledger"]["effects"] if effect["kind"] != "no-contact"]  # kept by a person
    assert {effect["state"] for effect in kept} == {"done"}
    deaths = deaths_among(steps)
    first = {step.standing: step.number for step in reversed(deaths)}
    assert first.keys() == {step.standing for step in steps}
    assert len(first) >= 10
    for step in deaths:
        shutil.rmtree(folder)
        shutil.copytree(accepted, folder)
        where = f"{step.name} (step {step.number} of {len(steps)})"
        assert publish(folder, step.number).killed, where
        assert left_behind(folder) == step.standing, where
        if first[step.standing] != step.number:
            continue
        left = stands(folder)
        assert (left["version"], left["releases"]) in [("3.000", []), ("3.001", ["3.001"])], where
        shown = {name: data for name, data in left["files"].items() if not name.startswith(".new-")}
        assert shown in ({}, expected["files"]), where
        assert left["version"] == "3.001" or shown == {}, where
        assert publish(folder).status == 0, where
        assert stands(folder) == expected, where
    record_property("steps", len(steps))
    print(f"{len(steps)} steps, {len(deaths)} deaths, {len(first)} of them different")  # noqa: T201 - the figure that the issue asks for
