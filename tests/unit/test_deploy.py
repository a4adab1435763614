"""The settings example, the unit, the container files and the backup scripts say what the code needs, and work."""

import importlib.metadata
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import yaml

from pipeline.config import Config, EwsConfig, GraphConfig, ImapConfig, MaildirConfig, SmtpConfig, load
from pipeline.ledger.artefacts import Artefacts
from pipeline.ledger.records import Arrival, Conclusion, InForce, NewEffect
from pipeline.ledger.store import Ledger
from pipeline.monitor.server import Server

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "config" / "pipeline.example.toml"
UNIT = ROOT / "deploy" / "systemd" / "cpl-pipeline.service"
SYSUSERS = ROOT / "deploy" / "systemd" / "cpl-pipeline.sysusers.conf"
CONTAINER = ROOT / "deploy" / "container"
BACKUP, RESTORE = ROOT / "deploy" / "backup.sh", ROOT / "deploy" / "restore.sh"

SETTING = re.compile(r"#?(?=[\[a-z_])(\[[a-z]+\]|[a-z_]+ = .+)")


def needs(program: str, package: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"needs {program}: as root, apt-get install {package}")
    return found


# ---- the settings example


def written(*, off: bool) -> list[str]:
    """The lines that are settings; off: also those that are commented out."""
    lines = EXAMPLE.read_text("utf-8").splitlines()
    return [line.removeprefix("#") for line in lines if SETTING.fullmatch(line) and (off or not line.startswith("#"))]


def sections() -> list[tuple[str, str]]:
    """(section, text) of every section, settings that are off included; the two mailbox sections stand apart."""
    found = [("", "")]
    for line in written(off=True):
        if line.startswith("["):
            found.append((line[1:-1], ""))
        else:
            found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
    return found


def test_the_example_can_be_loaded() -> None:
    config = load(EXAMPLE)
    assert isinstance(config.mailbox, ImapConfig)
    assert config.data == Path("/var/lib/cpl-pipeline")


def everything_on(kind: str) -> str:
    chosen = [(n, t) for n, t in sections() if n != "mailbox" or f'kind = "{kind}"' in t]
    return "\n".join(f"[{name}]\n{text}" if name else text for name, text in chosen)


def test_a_setting_that_is_off_shows_its_default(tmp_path: Path) -> None:
    (tmp_path / "on.toml").write_text(everything_on("imap"), "utf-8")
    on = load(tmp_path / "on.toml")
    assert isinstance(on.mailbox, ImapConfig)
    # These have no default that could be shown.
    assert on.mailbox.certificate_file
    assert all((on.rules, on.templates, on.mailbox.ca_file, on.trust.folder, on.release.folder, on.smtp))
    bare = msgspec.structs.replace(
        on,
        rules=None,
        templates=None,
        mailbox=msgspec.structs.replace(on.mailbox, ca_file=None, certificate_file=None),
        trust=msgspec.structs.replace(on.trust, folder=None),
        release=msgspec.structs.replace(on.release, folder=None),
        smtp=None,
    )
    assert bare == load(EXAMPLE)


def test_the_server_that_sends_shows_its_defaults(tmp_path: Path) -> None:
    (tmp_path / "on.toml").write_text(everything_on("imap"), "utf-8")
    shown = load(tmp_path / "on.toml").smtp
    assert shown is not None
    assert shown.ca_file
    assert shown.password_file
    assert shown.certificate_file
    bare = msgspec.structs.replace(shown, ca_file=None, password_file=None, certificate_file=None)
    assert bare == SmtpConfig(host=shown.host)


def test_the_maildir_section_can_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "on.toml").write_text(everything_on("maildir"), "utf-8")
    assert load(tmp_path / "on.toml").mailbox == MaildirConfig(path=Path("/srv/mail/helpdesk"))


def test_the_microsoft_365_section_shows_its_defaults(tmp_path: Path) -> None:
    (tmp_path / "on.toml").write_text(everything_on("graph"), "utf-8")
    shown = load(tmp_path / "on.toml").mailbox
    assert isinstance(shown, GraphConfig)
    assert all((shown.certificate_file, shown.password_file, shown.ca_file))
    bare = msgspec.structs.replace(shown, certificate_file=None, password_file=None, ca_file=None)
    assert bare == GraphConfig(shown.tenant, shown.client_id, shown.user)


def test_the_exchange_section_shows_its_defaults(tmp_path: Path) -> None:
    (tmp_path / "on.toml").write_text(everything_on("ews"), "utf-8")
    shown = load(tmp_path / "on.toml").mailbox
    assert isinstance(shown, EwsConfig)
    assert all((shown.password_file, shown.ca_file))
    bare = msgspec.structs.replace(shown, password_file=None, ca_file=None)
    assert bare == EwsConfig(shown.url, shown.address, shown.user)


def test_every_key_stands_in_the_example_and_the_other_way_round() -> None:
    known: dict[str, Any] = {
        "": Config,
        "imap": ImapConfig,
        "maildir": MaildirConfig,
        "graph": GraphConfig,
        "ews": EwsConfig,
    }
    known |= {f.encode_name: f.type for f in msgspec.structs.fields(Config) if isinstance(f.type, type(Config))}
    known["smtp"] = SmtpConfig
    shown = {}
    for name, text in sections():
        keys = tomllib.loads(text)
        kind = keys.pop("kind", None)
        shown[kind or name] = set(keys)
    shown[""] |= {name for name in known if name not in {"", "imap", "maildir", "graph", "ews"}} | {"mailbox"}
    assert shown == {name: {f.encode_name for f in msgspec.structs.fields(kind)} for name, kind in known.items()}


# ---- the unit


def unit_values() -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for line in UNIT.read_text("utf-8").splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            values.setdefault(key, []).append(value)
    return values


def test_systemd_takes_the_unit_and_finds_it_hardened(tmp_path: Path) -> None:
    analyze = needs("systemd-analyze", "systemd")
    copy = tmp_path / UNIT.name
    copy.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text("utf-8"), flags=re.MULTILINE))
    verified = subprocess.run([analyze, "verify", str(copy)], capture_output=True, text=True, timeout=60, check=False)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    command = [analyze, "security", "--offline=yes", "--no-pager", "--threshold=20", str(copy)]
    judged = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert judged.returncode == 0, judged.stdout


def test_the_filter_leaves_the_readers_what_they_need() -> None:
    analyze = needs("systemd-analyze", "systemd")
    allowed, denied = unit_values()["SystemCallFilter"]
    assert denied.startswith("~")

    def group(name: str) -> set[str]:
        told = subprocess.run([analyze, "syscall-filter", name], capture_output=True, text=True, timeout=60, check=True)
        found: set[str] = set()
        for line in map(str.strip, told.stdout.splitlines()[1:]):
            found |= group(line) if line.startswith("@") else {line}
        return found

    needed = {"clone", "vfork", "execve", "wait4", "pidfd_open", "kill", "prlimit64", "setitimer", "flock", "fsync"}
    assert needed <= group(allowed) - group(denied[1:])


def test_the_unit_and_the_settings_agree() -> None:
    values = unit_values()
    secret, _, source = values["LoadCredential"][0].partition(":")
    folder = Path(values["Environment"][0].removeprefix("PIPELINE_CONFIG=")).parent
    assert Path(source).parent == folder
    config = load(EXAMPLE)
    assert isinstance(config.mailbox, ImapConfig)
    assert config.mailbox.password_file == Path("/run/credentials", UNIT.name, secret)
    assert config.data == Path("/var/lib", values["StateDirectory"][0])
    assert config.worker.poll_seconds * 5 < int(values["WatchdogSec"][0].removesuffix("min")) * 60
    assert f"\nu {values['User'][0]} " in SYSUSERS.read_text("utf-8")


def test_the_user_is_an_ordinary_one(tmp_path: Path) -> None:
    sysusers = needs("systemd-sysusers", "systemd")
    (tmp_path / "etc").mkdir()
    command = [sysusers, f"--root={tmp_path}", "--replace=/usr/lib/sysusers.d/cpl-pipeline.conf", str(SYSUSERS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    name, _, uid, *_, shell = (tmp_path / "etc" / "passwd").read_text().strip().split(":")
    assert name == "cpl-pipeline"
    assert int(uid) != 0
    assert shell.endswith("nologin")


# ---- the containers


def instructions() -> list[tuple[str, list[str]]]:
    text = (CONTAINER / "Containerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(words[0], words[1:]) for words in map(str.split, lines)]


def test_the_containerfile_copies_what_is_there_and_ends_as_an_ordinary_user() -> None:
    copied = [source for verb, words in instructions() if verb == "COPY" for source in words[:-1]]
    assert [source for source in copied if not (ROOT / source).exists()] == []
    let_in = (CONTAINER / "Containerfile.dockerignore").read_text("utf-8").splitlines()
    assert {line[1:] for line in let_in if line.startswith("!")} == set(copied)
    assert [words for verb, words in instructions() if verb == "FROM"] == [["python:3.11-slim"]]
    assert [words for verb, words in instructions() if verb == "USER"] == [["10001"]]
    installs = [" ".join(words) for verb, words in instructions() if verb == "RUN" and "install" in words]
    assert any("--require-hashes" in install for install in installs)
    assert all("--require-hashes" in i or "--no-deps" in i for i in installs if "pip install" in i)


def test_the_packages_for_postgresql_are_those_of_the_tests() -> None:
    locked, tested = (CONTAINER / "postgres.txt").read_text("utf-8"), (ROOT / "requirements/dev.txt").read_text("utf-8")
    blocks = re.findall(r"^\S+==\S+ \\\n(?:    --hash=\S+(?: \\)?\n)+", locked, re.MULTILINE)
    assert blocks
    assert [block for block in blocks if block not in tested] == []
    names = {block.partition("==")[0] for block in blocks}
    have = names | set(
        re.findall(r"^([\w.-]+)==", (ROOT / "requirements/runtime.txt").read_text("utf-8"), re.MULTILINE)
    )
    for name in names:
        for requirement in importlib.metadata.requires(name) or ():
            wanted = re.match(r"[\w.-]+", requirement)
            assert "extra ==" in requirement or (wanted and wanted[0] in have), requirement


def test_compose_names_what_is_there() -> None:
    tree = yaml.safe_load((CONTAINER / "compose.yaml").read_text("utf-8"))
    worker, ledger = tree["services"]["worker"], tree["services"]["ledger"]
    context = (CONTAINER / worker["build"]["context"]).resolve()
    assert context == ROOT
    assert (context / worker["build"]["dockerfile"]).is_file()
    used = {s if isinstance(s, str) else s["source"] for service in (worker, ledger) for s in service["secrets"]}
    assert used == set(tree["secrets"])
    mounted = {v.partition(":")[0] for service in (worker, ledger) for v in service["volumes"]}
    assert mounted == set(tree["volumes"])
    settings = next(words[-1] for verb, words in instructions() if verb == "ENV").partition("=")[2]
    assert worker["secrets"][0]["target"] == settings
    for service in (worker, ledger):
        assert "/" not in service["image"]
        assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize(("well", "code"), [(True, 0), (False, 1), (None, 1)], ids=["well", "not well", "away"])
def test_the_health_check_asks_the_monitor(*, well: bool | None, code: int) -> None:
    text = (CONTAINER / "compose.yaml").read_text("utf-8")
    command, program, option, script = yaml.safe_load(text)["services"]["worker"]["healthcheck"]["test"]
    assert (command, program, option) == ("CMD", "python", "-c")
    assert 'listen = "127.0.0.1:9464"' in text
    assert script.count("9464") == 1

    def health() -> tuple[bool, str]:
        return bool(well), "{}\n"

    with Server(("127.0.0.1", 0), SimpleNamespace(health=health)) as server:  # type: ignore[arg-type]  # all it is asked
        asks = script.replace("9464", str(server.server_port))
        if well is None:
            server.server_close()
        else:
            threading.Thread(target=server.handle_request, daemon=True).start()
        done = subprocess.run([sys.executable, "-c", asks], capture_output=True, timeout=60, check=False)
    assert done.returncode == code


# ---- backup and restore


@pytest.mark.parametrize("script", [BACKUP, RESTORE], ids=lambda path: path.name)
def test_shellcheck_finds_nothing(script: Path) -> None:
    checker = needs("shellcheck", "shellcheck")
    found = subprocess.run([checker, script], capture_output=True, text=True, timeout=60, check=False)
    assert (found.returncode, found.stdout) == (0, "")


def run(script: Path, *arguments: Path | str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHON": sys.executable}
    return subprocess.run(
        ["sh", script, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False, env=environment
    )


def fill(data: Path, serial: int) -> str:
    """One mail and one list, as the worker and `pipeline import` store them."""
    artefacts = Artefacts(data / "artefacts")
    mail = artefacts.put(b"From: a@example.com\r\n\r\nmail %d" % serial)
    ledger = Ledger.open(f"sqlite:///{data / 'ledger.sqlite'}")
    ledger.arrive(Arrival("maildir:x", "INBOX", "1", str(serial), mail, 30, "2026-11-21T10:00:00Z"))
    ledger.put_in_force(InForce("cpl", artefacts.put(b"list %d" % serial), "3.000", "2026-11-21T10:00:00Z"), by="test")
    ledger.close()
    return mail


def dump(data: Path) -> dict[str, Any]:
    ledger = Ledger.open(f"sqlite:///{data / 'ledger.sqlite'}")
    try:
        return ledger.dump()
    finally:
        ledger.close()


def artefacts_of(data: Path) -> dict[str, bytes]:
    root = data / "artefacts"
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    fill(folder, 1)
    return folder


def test_what_is_restored_is_what_was_backed_up(data: Path, tmp_path: Path) -> None:
    backup, restored = tmp_path / "backup", tmp_path / "restored"
    open_ledger = Ledger.open(f"sqlite:///{data / 'ledger.sqlite'}")  # a worker that is at work
    done = run(BACKUP, data, backup)
    open_ledger.close()
    assert done.returncode == 0, done.stderr
    assert "2 artefacts, ledger: yes" in done.stdout
    done = run(RESTORE, backup, restored)
    assert done.returncode == 0, done.stderr
    assert dump(restored) == dump(data)
    assert dump(restored)["messages"]
    assert artefacts_of(restored) == artefacts_of(data)
    assert (restored / "ledger.sqlite").stat().st_mode & 0o077 == 0


def test_what_was_to_be_sent_is_held_as_it_may_have_been_sent_since(data: Path, tmp_path: Path) -> None:
    ledger = Ledger.open(f"sqlite:///{data / 'ledger.sqlite'}")
    promised = [NewEffect(f"{kind}:{n}", kind, {}) for kind in ("send", "draft") for n in range(2)]
    (mail,) = ledger.waiting()
    ledger.conclude(
        Conclusion(mail.sha256, "2026-11-21T10:00:00Z", "not-ours", "", "", "", "", effects=tuple(promised))
    )
    ledger.effect_begins("send:0", "2026-11-21T10:00:00Z")
    ledger.close()
    assert run(BACKUP, data, tmp_path / "backup").returncode == 0
    done = run(RESTORE, tmp_path / "backup", tmp_path / "restored")
    assert done.returncode == 0, done.stderr
    assert "2 mails are held" in done.stdout
    states = {effect["key"]: effect["state"] for effect in dump(tmp_path / "restored")["effects"]}
    assert states == {"send:0": "held", "send:1": "held", "draft:0": "pending", "draft:1": "pending"}


def test_a_second_backup_adds_what_is_new(data: Path, tmp_path: Path) -> None:
    backup, restored = tmp_path / "backup", tmp_path / "restored"
    assert run(BACKUP, data, backup).returncode == 0
    first = {name: (backup / "artefacts" / name).stat().st_ino for name in artefacts_of(backup)}
    fill(data, 2)
    (data / "artefacts" / ".new-killed").write_bytes(b"half a")
    (backup / ".ledger.new").write_bytes(b"a backup that was killed")
    assert "4 artefacts" in run(BACKUP, data, backup).stdout
    assert {name: (backup / "artefacts" / name).stat().st_ino for name in first} == first
    assert run(RESTORE, backup, restored).returncode == 0
    assert dump(restored) == dump(data)
    assert set(artefacts_of(data)) - set(artefacts_of(restored)) == {".new-killed"}


def test_an_artefact_that_is_damaged_is_told_and_not_restored(data: Path, tmp_path: Path) -> None:
    backup, restored = tmp_path / "backup", tmp_path / "restored"
    assert run(BACKUP, data, backup).returncode == 0
    name = next(iter(artefacts_of(backup)))
    (backup / "artefacts" / name).write_bytes(b"other bytes")
    for done in (run(BACKUP, data, backup), run(RESTORE, backup, restored)):
        assert done.returncode == 1
        assert "an artefact is not what its name says" in done.stderr
    assert not restored.exists()


def test_a_ledger_that_is_damaged_is_not_restored(data: Path, tmp_path: Path) -> None:
    backup, restored = tmp_path / "backup", tmp_path / "restored"
    assert run(BACKUP, data, backup).returncode == 0
    whole = (backup / "ledger.sqlite").read_bytes()
    (backup / "ledger.sqlite").write_bytes(whole[:5000] + b"\xff" * 9000 + whole[14000:])
    done = run(RESTORE, backup, restored)
    assert done.returncode == 1
    assert "the ledger in the backup cannot be used" in done.stderr
    assert not restored.exists()


def test_nothing_is_restored_over_what_is_there(data: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    assert run(BACKUP, data, backup).returncode == 0
    before = dump(data)
    done = run(RESTORE, backup, data)
    assert (done.returncode, "is not empty" in done.stderr) == (1, True)
    assert dump(data) == before
    done = run(RESTORE, tmp_path / "nothing", tmp_path / "restored")
    assert (done.returncode, "is no backup" in done.stderr) == (1, True)


def test_with_the_ledger_elsewhere_only_the_artefacts_are_kept(data: Path, tmp_path: Path) -> None:
    backup, restored = tmp_path / "backup", tmp_path / "restored"
    (data / "ledger.sqlite").unlink()
    done = run(BACKUP, data, backup)
    assert (done.returncode, "--no-ledger" in done.stderr) == (1, True)
    assert "ledger: no" in run(BACKUP, "--no-ledger", data, backup).stdout
    assert "ledger: no" in run(RESTORE, backup, restored).stdout
    assert artefacts_of(restored) == artefacts_of(data)


def test_the_copy_is_a_ledger_by_itself(data: Path, tmp_path: Path) -> None:
    """No write-ahead log beside it that a copy of the one file would lose."""
    assert run(BACKUP, data, tmp_path / "backup").returncode == 0
    assert sorted(path.name for path in (tmp_path / "backup").iterdir()) == ["artefacts", "ledger.sqlite"]
    copy = sqlite3.connect(tmp_path / "backup" / "ledger.sqlite")
    assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    copy.close()
