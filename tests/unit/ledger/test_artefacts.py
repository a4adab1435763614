import errno
import hashlib
import os
import stat
import threading

import pytest

from pipeline.ledger.artefacts import ArtefactDamaged, ArtefactMissing, Artefacts, ArtefactsUnavailable

DATA = b"From: anna@maker.example\r\n\r\n\x00\xff"
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def artefacts(tmp_path):
    return Artefacts(tmp_path / "var" / "artefacts")


def test_what_is_put_can_be_had_again(artefacts):
    assert not artefacts.has(SHA256)
    assert artefacts.put(DATA) == SHA256
    assert artefacts.has(SHA256)
    assert artefacts.get(SHA256) == DATA
    assert artefacts.path(SHA256) == artefacts.root / SHA256[:2] / SHA256[2:4] / SHA256


def test_nothing_at_all_is_an_artefact_too(artefacts):
    assert artefacts.get(artefacts.put(b"")) == b""


def test_only_the_owner_may_look(artefacts):
    path = artefacts.path(artefacts.put(DATA))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (path.parent, path.parent.parent, artefacts.root, artefacts.root.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_bytes_that_are_there_are_not_written_again(artefacts):
    path = artefacts.path(artefacts.put(DATA))
    before = path.stat()
    artefacts.put(DATA)
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert [entry.name for entry in path.parent.iterdir()] == [SHA256]


def test_a_file_of_another_size_is_written_again(artefacts):
    path = artefacts.path(artefacts.put(DATA))
    path.write_bytes(DATA[:3])
    artefacts.put(DATA)
    assert artefacts.get(SHA256) == DATA


def test_file_then_name_then_folder_reach_the_disk_in_that_order(artefacts, monkeypatch):
    artefacts.put(DATA)
    artefacts.path(SHA256).unlink()
    steps = []
    sync, replace = os.fsync, os.replace

    def seen_sync(handle):
        steps.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        sync(handle)

    def seen_replace(source, target):
        steps.append("name")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", seen_sync)
    monkeypatch.setattr(os, "replace", seen_replace)
    artefacts.put(DATA)
    assert steps == ["file", "name", "folder"]
    steps.clear()
    artefacts.put(DATA)
    assert steps == ["folder"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_says_no_leaves_nothing_behind(artefacts, monkeypatch, code):
    def refuses(handle):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuses)
        with pytest.raises(ArtefactsUnavailable, match=os.strerror(code)):
            artefacts.put(DATA)
    assert not artefacts.has(SHA256)
    assert [path for path in artefacts.root.rglob("*") if path.is_file()] == []
    assert artefacts.put(DATA) == SHA256


def test_a_root_that_is_a_file_is_said_in_words(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    artefacts = Artefacts(tmp_path / "file")
    with pytest.raises(ArtefactsUnavailable, match="cannot take"):
        artefacts.put(DATA)
    with pytest.raises(ArtefactMissing, match="no artefact"):
        artefacts.get(SHA256)


def test_a_file_that_cannot_be_read_is_said_in_words(artefacts):
    artefacts.path(SHA256).mkdir(parents=True)
    with pytest.raises(ArtefactsUnavailable, match="cannot be read"):
        artefacts.get(SHA256)


@pytest.mark.parametrize("damage", [b"", DATA[:-1], DATA.replace(b"anna", b"Anna"), DATA + b"\n"])
def test_damage_is_never_handed_out(artefacts, damage):
    artefacts.path(artefacts.put(DATA)).write_bytes(damage)
    with pytest.raises(ArtefactDamaged, match=SHA256):
        artefacts.get(SHA256)


def test_a_missing_artefact_is_named(artefacts):
    with pytest.raises(ArtefactMissing, match=SHA256):
        artefacts.get(SHA256)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", SHA256.upper(), SHA256[:-1], SHA256 + "\n", "/" * 64])
def test_only_a_sha256_names_an_artefact(artefacts, name):
    for ask in (artefacts.get, artefacts.has, artefacts.path):
        with pytest.raises(ArtefactMissing, match="is not a sha256"):
            ask(name)


def test_many_may_put_the_same_bytes_at_once(artefacts):
    threads = [threading.Thread(target=artefacts.put, args=(DATA,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert artefacts.get(SHA256) == DATA
    assert [entry.name for entry in artefacts.path(SHA256).parent.iterdir()] == [SHA256]
