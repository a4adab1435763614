"""What run and doctor show of the worker to those outside: settings without secrets, promises, /healthz, the ping."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from pipeline.cli.doctor import _logins
from pipeline.cli.summary import summary
from pipeline.config import Config, load
from pipeline.ledger.records import EffectState, NewEffect
from pipeline.ledger.store import Ledger
from tests.unit.test_config import EVERY_KEY
from tests.unit.test_monitor import certificate

ROOT = Path(__file__).parents[3]
NOW = "2026-03-04T10:00:00Z"
_PATIENCE = 60


@pytest.fixture
def config(demo):
    return demo / "pipeline.toml"


def summed_up(tmp_path, text=EVERY_KEY) -> dict[str, dict[str, object]]:
    file = tmp_path / "settings.toml"
    file.write_text(text, "utf-8")
    return dict(summary(load(file)))


# ---- the settings in the log


def test_kinds_hosts_and_folders_are_shown_and_what_is_on(tmp_path):
    told = summed_up(tmp_path)
    assert told["general"]["data"] == "/srv/pipeline"
    assert told["general"]["database"] == "postgresql at db.example"
    box = told["mailbox"]
    assert (box["kind"], box["host"], box["user"], box["tls"]) == ("imap", "mail.example", "mail.example", "starttls")
    assert (box["inbox"], box["password_file"], box["password_env"]) == ("Eingang", "set", "set")
    assert told["folders"]["processed"] == "Done"
    assert (told["people"]["submitters"], told["people"]["contacts"]) == (2, 1)
    assert told["reply"]["address"] == "secas.example"
    assert told["trust"]["hosts"] == ("crl.example", "ca.example:8080")
    assert told["notices"]["send"] is True
    assert told["notices"]["list_address"] == "cpl.example"
    assert (told["smtp"]["host"], told["smtp"]["user"], told["smtp"]["unsure"]) == ("out.example", "set", "resend")
    assert (told["monitor"]["listen"], told["monitor"]["ping"]) == ("[::1]:9464", "watch.example")
    assert told["worker"]["poll_seconds"] == 5


def test_every_section_and_key_is_told(tmp_path):
    told = summed_up(tmp_path)
    fields = {field.name: field for field in msgspec.structs.fields(Config)}
    general = set(told.pop("general"))
    assert general | set(told) == set(fields)
    for section in set(told) - {"mailbox", "smtp"}:
        assert set(told[section]) == set(fields[section].type.__struct_fields__)


def test_nothing_and_nobody_to_be_kept_is_told(tmp_path):
    """Nothing of what names a person, a secret or its place stands in it, whatever the settings hold."""
    text = json.dumps(summed_up(tmp_path))
    for word in (
        "hunter2",
        "ledger:",
        "secret",
        "CPL_PASSWORD",
        "CPL_SMTP",
        "7c1f",
        "0000",
        "Helpdesk",
        "jo@",
        "ends@",
    ):
        assert word not in text
    assert "@" not in text


def test_what_is_not_set_is_told_as_that(tmp_path):
    told = summed_up(tmp_path, '[mailbox]\nkind = "maildir"\npath = "mail"\n')
    assert told["smtp"] == {"on": False}
    assert (told["mailbox"]["kind"], told["mailbox"]["path"]) == ("maildir", str(tmp_path / "mail"))
    assert (told["trust"]["folder"], told["trust"]["hosts"], told["trust"]["fetch"]) == (None, None, False)
    assert (told["monitor"]["listen"], told["monitor"]["ping"]) == (None, None)
    assert told["general"]["database"] == "sqlite"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://desk:hunter2@db.example:5432/ledger", "postgresql at db.example"),
        ("postgresql+pg8000://desk:hun@ter2@db.example/ledger", "postgresql"),
        ("postgresql://desk:hun/ter2@db.example/ledger", "postgresql at db.example"),
        ("postgresql:///ledger", "postgresql"),
        ("sqlite:////srv/ledger.db", "sqlite"),
        ("hunter2", "set"),
        ("hunter2://x", "set"),
    ],
)
def test_the_database_s_password_is_not_told(tmp_path, address, shown):
    text = f'database = "{address}"\n[mailbox]\nkind = "maildir"\npath = "mail"\n'
    assert summed_up(tmp_path, text)["general"]["database"] == shown


@pytest.mark.parametrize("user", ["jo.bloggs", "EXAMPLE\\\\jo.bloggs", "jo.bloggs@", "@jo bloggs"])
def test_a_user_that_is_no_address_is_only_said_to_be_there(tmp_path, user):
    text = f'[mailbox]\nkind = "imap"\nhost = "mail.example"\nuser = "{user}"\n'
    assert summed_up(tmp_path, text)["mailbox"]["user"] == "set"


def test_run_logs_its_settings_at_the_start(cli, config):
    logged = [json.loads(line) for line in cli("run", "--once", "--config", config).err.splitlines()]
    told = {line["section"]: line for line in logged if line["event"] == "settings"}
    assert set(told) == {"general", *msgspec.structs.asdict(load(config))} - {"data", "database", "rules", "templates"}
    assert told["mailbox"]["kind"] == "maildir"
    assert logged[0]["event"] == "settings"


# ---- doctor


def test_doctor_names_each_promise_that_waits_for_a_person(cli, config, demo):
    ledger = Ledger.open(f"sqlite:///{demo / 'data' / 'ledger.sqlite'}")
    held, wait = EffectState.HELD, EffectState.PENDING
    ledger.promise(
        (
            NewEffect("send:<1@s>", "send", {"to": "jo@maker.example"}, held, "550 <jo@maker.example> unknown"),
            NewEffect("shelve:9.999", "shelve", {"release": "9.999"}, held),
            NewEffect("remind:x", "no-contact", {}, held, "Zzyzx"),
            NewEffect("send:<2@s>", "send", {"to": "al@other.example"}),
            NewEffect("send:<3@s>", "send", {"to": "no@other.example"}, wait),
        ),
        NOW,
    )
    ledger.effect_begins("send:<2@s>", NOW)
    ledger.effect_unsure("send:<2@s>", NOW, "the line broke")
    ledger.close()
    ended = cli("doctor", "--config", config)
    assert ended.code == 1
    lines = [line for line in ended.out.splitlines() if line.startswith("!!")]
    assert lines == [
        "!!  ledger: 3 promises are held; see `pipeline case`, then `pipeline retry`",
        "!!  promise: send to maker.example is held: 550 <@maker.example> unknown; then `pipeline retry 'send:<1@s>'`",
        "!!  promise: shelve is held: nobody noted why; then `pipeline retry 9.999`",
        "!!  promise: send to other.example is unknown: the line broke; then `pipeline retry 'send:<2@s>'`",
    ]


def test_doctor_names_the_leases_that_are_held(cli, config, demo):
    ledger = Ledger.open(f"sqlite:///{demo / 'data' / 'ledger.sqlite'}")
    assert ledger.lease("dispatch", "desk:7", "2999-01-01T00:00:00Z", 900)
    assert ledger.lease("worker:former", "desk:8", "2001-01-01T00:00:00Z", 900)
    token = ledger.lease("worker:mail", "desk:9", "2999-01-01T00:00:00Z", 900)
    assert token
    ledger.release_lease(token)
    ledger.close()
    told = [line for line in cli("doctor", "--config", config).out.splitlines() if " lease " in line]
    assert told == ["ok  ledger: the lease 'dispatch' is held by desk:7 until 2999-01-01T00:15:00Z"]


def test_doctor_says_where_the_monitor_is(cli, config):
    assert "ok  monitor: nobody listens; no ping" in cli("doctor", "--config", config).out
    with config.open("a", encoding="utf-8") as file:
        file.write('[monitor]\nlisten = "127.0.0.1:9464"\nping = "https://watch.example/secret"\n')
    out = cli("doctor", "--config", config).out
    assert "/healthz and /metrics at 127.0.0.1:9464 while" in out
    assert "a ping to watch.example after each good poll" in out
    assert "secret" not in out


def test_doctor_says_when_the_login_s_certificate_ends(tmp_path):
    end = datetime(2027, 5, 6, tzinfo=UTC)
    (tmp_path / "login.pem").write_bytes(certificate(end))
    (tmp_path / "pipeline.toml").write_text(
        '[mailbox]\nkind = "graph"\ntenant = "t"\nclient_id = "c"\nuser = "u"\ncertificate_file = "login.pem"\n',
        "utf-8",
    )
    settings = load(tmp_path / "pipeline.toml")
    ((well, text),) = _logins(settings, end - timedelta(days=31))
    assert (well, text) == (True, "mailbox: the certificate it logs in with ends on 2027-05-06")
    ((well, text),) = _logins(settings, end - timedelta(days=30))
    assert not well
    assert text.endswith("make a new one, and name it in mailbox.certificate_file")


# ---- the service


class _Watch(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.put(self.path)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        """Nothing goes to the test's output."""


@pytest.fixture
def watch():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Watch) as server:
        server.daemon_threads = True
        server.asked = queue.Queue()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def asked(address, path):
    with closing(HTTPConnection(address, timeout=_PATIENCE)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_a_service_can_be_watched_and_pings(config, watch):
    port = watch.server_address[1]
    with config.open("a", encoding="utf-8") as file:
        file.write(f'[monitor]\nlisten = "127.0.0.1:0"\nping = "http://127.0.0.1:{port}/alive/7c1f"\n')
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "run", "--config", config],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        env=os.environ | {"NOTIFY_SOCKET": ""},
        text=True,
    )
    with process:
        try:
            said = []
            while not said or said[-1]["event"] != "monitor listens":
                said.append(json.loads(process.stderr.readline()))
            assert watch.asked.get(timeout=_PATIENCE) == "/alive/7c1f"
            address = said[-1]["listen"]
            status, body = asked(address, "/healthz")
            assert (status, json.loads(body)["reasons"]) == (200, [])
            assert b"\ncpl_work_total{" in asked(address, "/metrics")[1]
            process.send_signal(signal.SIGTERM)
            rest = process.stderr.read()
            assert process.wait(_PATIENCE) == 0
        finally:
            process.kill()
    assert json.loads(rest.splitlines()[-1])["event"] == "stopped"
    assert "7c1f" not in rest + repr(said)


def test_run_once_pings_too_and_a_ping_that_fails_does_no_harm(cli, config, watch):
    port = watch.server_address[1]
    settings = config.read_text("utf-8")
    config.write_text(f'{settings}[monitor]\nping = "http://127.0.0.1:{port}/alive"\n', "utf-8")
    assert cli("run", "--once", "--config", config).code == 0
    assert watch.asked.get_nowait() == "/alive"
    config.write_text(f'{settings}[monitor]\nping = "http://127.0.0.1:1/secret"\n', "utf-8")
    ended = cli("run", "--once", "--config", config)
    (line,) = (json.loads(line) for line in ended.err.splitlines() if '"ping not sent"' in line)
    assert (ended.code, line["level"], line["why"]) == (0, "warning", "127.0.0.1: Connection refused")


def test_a_port_that_is_taken_ends_the_start_in_one_line(cli, config, watch):
    with config.open("a", encoding="utf-8") as file:
        file.write(f'[monitor]\nlisten = "127.0.0.1:{watch.server_address[1]}"\n')
    ended = cli("--log-level", "error", "run", "--config", config)
    assert ended.code == 1
    assert ended.err.startswith("pipeline: monitor.listen: nobody can listen at 127.0.0.1:")
    assert ended.err.count("\n") == 1
