"""The folder of Releases: whole or not at all, one mode for each audience, and never two contents of one version."""

import json
import os
import shutil
import stat
import sys
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from pipeline.publish.shelf import (
    Audience,
    Modes,
    Shelf,
    ShelfConflict,
    ShelfFile,
    ShelfUnavailable,
    release_files,
)

FILES = release_files("3.001", cpl=b"the list", csv=b"its tab", fir=b"green", dzir=b"red")
OLD = release_files("3.000", cpl=b"old", csv=b"old", fir=b"old", dzir=b"old")
NAMES = {
    "white/Central-Products-List_3.001.xlsm": 0o644,
    "white/Central-Products-List_3.001.csv": 0o644,
    "white/manifest.json": 0o644,
    "green/Firmware-Information-Repository_3.001.xlsx": 0o640,
    "green/manifest.json": 0o640,
    "red/Device-ZigBee-Information-Repository_3.001.xlsx": 0o600,
    "red/manifest.json": 0o600,
    "manifest.json": 0o600,
}
FOLDERS = {"": 0o755, "white": 0o755, "green": 0o750, "red": 0o700}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def standing(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Everything below a folder: its mode, and the bytes of a file."""
    return {
        path.relative_to(folder).as_posix(): (mode(path), b"" if path.is_dir() else path.read_bytes())
        for path in folder.rglob("*")
    }


@contextmanager
def umask(value):
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "var" / "releases")


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o777 - 0o700])
def test_each_audience_has_its_folder_and_mode_whatever_the_umask(shelf, mask):
    with umask(mask):
        folder = shelf.put("3.001", FILES)
    assert folder == shelf.folder / "3.001"
    assert mode(shelf.folder) == 0o755
    assert {name: mode(folder / name) for name in FOLDERS} == FOLDERS
    assert {p.relative_to(folder).as_posix(): mode(p) for p in folder.rglob("*") if p.is_file()} == NAMES
    assert {file.name: (folder / file.audience / file.name).read_bytes() for file in FILES} == {
        file.name: file.data for file in FILES
    }


def test_modes_are_settings(tmp_path):
    folder = Shelf(tmp_path, Modes(white=0o640, green=0o440, red=0o660)).put("3.001", FILES)
    assert [mode(folder / name) for name in ("", "white", "green", "red")] == [0o770, 0o750, 0o550, 0o770]
    assert mode(folder / "red" / FILES[3].name) == mode(folder / "manifest.json") == 0o660
    assert mode(folder / "green" / FILES[2].name) == 0o440


def test_manifests_tell_each_audience_of_its_own_files(shelf):
    folder = shelf.put("3.001", FILES)
    told = {audience: json.loads((folder / audience / "manifest.json").read_text()) for audience in Audience}
    for audience, manifest in told.items():
        assert (manifest["schema"], manifest["version"]) == (1, "3.001")
        assert manifest["files"] == [
            {
                "audience": audience.value,
                "name": file.name,
                "size": len(file.data),
                "sha256": sha256(file.data).hexdigest(),
            }
            for file in FILES
            if file.audience is audience
        ]
    whole = json.loads((folder / "manifest.json").read_text())
    assert whole["files"] == [one for audience in Audience for one in told[audience]["files"]]


def test_the_same_release_again_changes_nothing(shelf):
    folder = shelf.put("3.001", FILES)
    before = {path: path.stat() for path in folder.rglob("*")}
    assert shelf.put("3.001", FILES) == folder
    assert {path: path.stat() for path in folder.rglob("*")} == before


@pytest.mark.parametrize("place", range(len(FILES)))
def test_other_bytes_under_a_version_are_refused(shelf, place):
    folder = shelf.put("3.001", FILES)
    before = standing(shelf.folder)
    changed = list(FILES)
    changed[place] = ShelfFile(FILES[place].audience, FILES[place].name, b"Zzyzx")
    with pytest.raises(ShelfConflict, match=FILES[place].name) as told:
        shelf.put("3.001", changed)
    assert standing(shelf.folder) == before
    assert "Zzyzx" not in str(told.value)
    assert folder.is_dir()


def test_a_file_more_or_less_is_a_conflict_too(shelf):
    folder = shelf.put("3.001", FILES)
    with pytest.raises(ShelfConflict, match=r"red/Device-ZigBee"):
        shelf.put("3.001", FILES[:3])
    (folder / "white" / "more.txt").write_text("more")
    with pytest.raises(ShelfConflict, match=r"\(white/more\.txt\)"):
        shelf.put("3.001", FILES)
    (folder / "white" / "more.txt").unlink()
    (folder / "green" / FILES[2].name).unlink()
    with pytest.raises(ShelfConflict, match=r"\(green/Firmware"):
        shelf.put("3.001", FILES)


@pytest.mark.parametrize("version", ["", "3", "3.1", "3.001/..", "../3.001", "3.001\n", ".new-3.001", "٣.٠٠١"])
def test_versions_that_are_none(shelf, version):
    with pytest.raises(ValueError, match="no version"):
        shelf.put(version, FILES)
    assert not shelf.folder.exists()


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", ".hidden", "a\n", "a\0", "manifest.json", "Manifest.JSON"]
)
def test_names_that_are_none(shelf, name):
    with pytest.raises(ValueError, match="cannot be the name"):
        shelf.put("3.001", [ShelfFile(Audience.WHITE, name, b"")])
    assert not shelf.folder.exists()


def test_two_files_of_one_name(shelf):
    twice = [ShelfFile(Audience.WHITE, name, b"") for name in ("list.csv", "LIST.csv")]
    with pytest.raises(ValueError, match="two files of one name"):
        shelf.put("3.001", twice)
    shelf.put("3.001", [twice[0], ShelfFile(Audience.GREEN, "list.csv", b"")])


def test_no_bytes_stand_in_a_repr():
    assert "the list" not in repr(FILES)


def test_a_disk_that_says_no_leaves_all_as_it_was(shelf, monkeypatch):
    shelf.put("3.000", OLD)
    before = standing(shelf.folder)

    def full(handle):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(ShelfUnavailable, match=r"3\.001 .*No space left"):
            shelf.put("3.001", FILES)
    assert standing(shelf.folder) == before
    shelf.put("3.001", FILES)


def test_everything_is_on_the_disk_before_the_release_has_its_name(shelf, monkeypatch):
    shelf.put("3.000", OLD)
    done = []
    fsync, rename = os.fsync, Path.rename

    def synced(handle):
        path = Path(f"/proc/self/fd/{handle}").readlink()
        done.append(path.relative_to(shelf.folder).as_posix().partition("/")[2] if path != shelf.folder else "shelf")
        fsync(handle)

    def renamed(path, target):
        done.append("rename")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "rename", renamed)
    shelf.put("3.001", FILES)
    named = done.index("rename")
    assert set(done[:named]) == {*NAMES, *FOLDERS}
    assert done[named + 1 :] == ["shelf"]
    for folder in ("white", "green", "red", ""):  # a folder's entries after what stands in it
        last = max(done.index(name) for name in NAMES if name.rpartition("/")[0] == folder)
        assert done.index(folder) > last


STEPS = {"open", "os.mkdir", "os.chmod", "os.rename", "os.rmdir", "os.remove", "tempfile.mkdtemp", "fcntl.flock"}


def _quick(handle: int) -> None:
    """Stand for fsync: a killed process needs no disk to find its files again, only a power cut does."""


def life(shelf: Shelf, kill: int) -> bool:
    """Put the Release in a process that is killed before its system call of that number; say whether it got there."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            calls = 0

            def step():
                nonlocal calls
                calls += 1
                if calls == kill:
                    os._exit(77)

            def hook(event, _):
                if event in STEPS:
                    step()

            fsync = os.fsync
            os.fsync = lambda handle: (step(), fsync(handle))
            sys.addaudithook(hook)
            shelf.put("3.001", FILES)
            status = 0
        finally:
            os._exit(status)
    ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert ended in {0, 77}
    return ended == 77


def test_killed_at_any_step_there_is_the_old_release_or_both_and_a_second_put_finishes_it(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", _quick)
    reference = Shelf(tmp_path / "reference")
    reference.put("3.000", OLD)
    old = standing(reference.folder)
    reference.put("3.001", FILES)
    both = standing(reference.folder)
    kill, halves = 0, 0
    while True:
        kill += 1
        shelf = Shelf(tmp_path / f"{kill}")
        shelf.put("3.000", OLD)
        killed = life(shelf, kill)
        seen = {name: held for name, held in standing(shelf.folder).items() if not name.startswith(".new-")}
        assert seen in (old, both), kill
        halves += seen != standing(shelf.folder)
        for left in shelf.folder.glob(".new-*"):
            assert mode(left) == 0o700 or mode(left / "red") == 0o700
        shelf.put("3.001", FILES)
        assert standing(shelf.folder) == both, kill
        shutil.rmtree(shelf.folder)
        if not killed:
            break
    assert kill > 30
    assert halves > 20


def test_the_first_release_killed_at_any_step(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", _quick)
    reference = Shelf(tmp_path / "reference")
    reference.put("3.001", FILES)
    kill, killed = 0, True
    while killed:
        kill += 1
        shelf = Shelf(tmp_path / f"{kill}")
        killed = life(shelf, kill)
        shelf.put("3.001", FILES)
        assert standing(shelf.folder) == standing(reference.folder), kill


def test_two_writers_at_once_wait_for_one_another(shelf):
    shelf.put("3.000", OLD)
    left = shelf.folder / ".new-left"
    left.mkdir()
    pids = []
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                shelf.put("3.001", FILES)
                status = 0
            finally:
                os._exit(status)
        pids.append(pid)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids] == [0] * 4
    assert sorted(path.name for path in shelf.folder.iterdir()) == ["3.000", "3.001"]
