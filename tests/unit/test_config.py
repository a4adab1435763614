"""The settings: every key, nothing unknown, paths from the file's folder, and no secret in sight."""

import re
from pathlib import Path

import msgspec
import pytest

from pipeline.config import (
    Config,
    ConfigRefused,
    EwsConfig,
    GraphConfig,
    ImapConfig,
    MaildirConfig,
    SmtpConfig,
    load,
    password,
    shipped,
)

VARIABLE = "CPL_TEST_PASSWORD"
MAILDIR = '[mailbox]\nkind = "maildir"\npath = "mail"\n'
IMAP = '[mailbox]\nkind = "imap"\nhost = "mail.example"\nuser = "helpdesk"\n'
EVERY_KEY = """
data = "/srv/pipeline"
database = "postgresql+pg8000://ledger:hunter2@db.example/ledger"
rules = "my/rules"
templates = "/etc/templates"
[mailbox]
kind = "imap"
host = "mail.example"
user = "helpdesk@mail.example"
port = 143
tls = "starttls"
ca_file = "roots.pem"
oauth_tenant = "mail.example"
oauth_client_id = "app"
oauth_authority = "https://login.example"
certificate_file = "app.pem"
idle = true
password_file = "secret"
password_env = "CPL_PASSWORD"
inbox = "Eingang"
drafts = "Entwürfe"
sent = "Gesendet"
timeout_seconds = 5
max_megabytes = 10
[folders]
processed = "Done"
quarantine = "Looked at by hand"
[reply]
address = "cpl@secas.example"
name = "SECAS"
telephone = "020 7946 0000"
signature = ["The Helpdesk", "SECAS"]
[people]
submitters = ["maker.example", "jo@other.example"]
dcc = ["dcc.example"]
border = ["mx.secas.example", "exchange-online"]
contacts = { "maker.example" = "cpl@maker.example" }
[calendar]
subdivision = "SCT"
zone = "Europe/Dublin"
closes_at = 18
days = 2
[trust]
folder = "roots"
fetch = true
hosts = ["crl.example", "ca.example:8080"]
seconds = 3
[release]
folder = "out"
white_mode = "664"
green_mode = "660"
red_mode = "400"
link = "https://cpl.example"
[notices]
send = true
list_address = "list@cpl.example"
list_id = "list.cpl.example"
recipients = ["jo@supplier.example"]
dcc = ["csv@dcc.example"]
ssc = ["ssc@cpl.example"]
non_parties = ["maker.example"]
[reminders]
suppliers = ["ends@supplier.example"]
dcc = ["ends@dcc.example"]
[smtp]
host = "out.example"
port = 465
tls = "implicit"
ca_file = "smtp.pem"
user = "helpdesk"
oauth_tenant = "out.example"
oauth_client_id = "sender"
oauth_authority = "https://login.out.example"
certificate_file = "out.pem"
password_file = "smtp-secret"
password_env = "CPL_SMTP"
timeout_seconds = 5
per_minute = 10
unsure = "resend"
[monitor]
listen = "[::1]:9464"
unhealthy_after_seconds = 60
ping = "https://watch.example/ping/7c1f"
[worker]
poll_seconds = 5
attempts = 2
retry_seconds = 1
per_sender = 20
per_thread = 4
"""


@pytest.fixture
def settings(tmp_path):
    def write(text: str) -> Path:
        file = tmp_path / "pipeline.toml"
        file.write_text(text, "utf-8")
        return file

    return write


def refusal(file: Path) -> str:
    with pytest.raises(ConfigRefused) as caught:
        load(file)
    assert str(caught.value).startswith(str(file))
    return str(caught.value)


def test_what_is_left_out_has_its_default(settings, tmp_path):
    config = load(settings(MAILDIR))
    assert config.mailbox == MaildirConfig(path=tmp_path / "mail")
    assert config.data == tmp_path / "var/pipeline"
    assert config.database_url == f"sqlite:///{tmp_path}/var/pipeline/ledger.sqlite"
    assert (config.rules, config.templates, config.folders.processed) == (None, None, "CPL processed")
    assert (config.calendar.subdivision, config.calendar.closes_at, config.calendar.days) == ("ENG", 17, 1)
    assert (config.people.submitters, config.people.dcc) == ((), ())


def test_every_key_can_be_set(settings, tmp_path):
    config = load(settings(EVERY_KEY))
    assert config.data == Path("/srv/pipeline")
    assert (config.rules, config.templates) == (tmp_path / "my/rules", Path("/etc/templates"))
    assert isinstance(config.mailbox, ImapConfig)
    assert config.mailbox.ca_file == tmp_path / "roots.pem"
    assert config.mailbox.password_file == tmp_path / "secret"
    assert config.mailbox.certificate_file == tmp_path / "app.pem"
    assert config.trust.folder == tmp_path / "roots"
    assert config.release.folder == tmp_path / "out"
    assert config.smtp is not None
    assert (config.smtp.ca_file, config.smtp.password_file) == (tmp_path / "smtp.pem", tmp_path / "smtp-secret")
    assert config.database_url == config.database
    default = load(settings(IMAP + '[smtp]\nhost = "other.example"\n'))

    def leaves(value: msgspec.Struct, path: str = "") -> dict[str, object]:
        found: dict[str, object] = {}
        for name in value.__struct_fields__:
            inner = getattr(value, name)
            found |= leaves(inner, f"{path}{name}.") if isinstance(inner, msgspec.Struct) else {f"{path}{name}": inner}
        return found

    changed, standing = leaves(config), leaves(default)
    assert changed.keys() == standing.keys()
    assert [name for name in changed if changed[name] == standing[name]] == ["mailbox.host"]


def test_the_shipped_example_can_be_read():
    assert isinstance(load(shipped("config") / "pipeline.example.toml"), Config)


def test_the_shipped_example_has_every_key_and_no_other():
    section, shown = "", set()
    for line in (shipped("config") / "pipeline.example.toml").read_text("utf-8").splitlines():
        if heading := re.match(r"#?\[(\w+)\]$", line):
            section = heading[1]
        elif key := re.match(r"#?(\w+) = ", line):
            shown.add((section, key[1]))
    known = {("mailbox", "kind")}
    for kind in (MaildirConfig, ImapConfig, GraphConfig, EwsConfig):
        known |= {("mailbox", name) for name in kind.__struct_fields__}
    for field in msgspec.structs.fields(Config):
        if isinstance(field.default, msgspec.Struct):
            known |= {(field.name, name) for name in field.default.__struct_fields__}
        elif field.name == "smtp":
            known |= {("smtp", name) for name in SmtpConfig.__struct_fields__}
        elif field.name != "mailbox":
            known.add(("", field.name))
    assert shown == known


def test_fetching_names_its_hosts(settings):
    assert "trust.fetch asks only trust.hosts" in refusal(settings(MAILDIR + "[trust]\nfetch = true\n"))
    assert load(settings(MAILDIR + '[trust]\nfetch = true\nhosts = ["a.example"]\n')).trust.hosts == ("a.example",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MAILDIR + 'pathh = "x"\n', ["unknown field `pathh`", "$.mailbox"]),
        ("colour = 1\n" + MAILDIR, ["unknown field `colour`"]),
        (MAILDIR + "[folders]\ndone = 'x'\n", ["unknown field `done`", "$.folders"]),
        (MAILDIR + "[reply]\nmail = 'x'\n", ["unknown field `mail`"]),
        (MAILDIR + "[people]\ndccc = []\n", ["unknown field `dccc`"]),
        (MAILDIR + '[people]\ncontacts = { "maker.example" = "jo" }\n', ["$.people.contacts"]),
        (MAILDIR + '[people]\ncontacts = { maker.example = "jo@maker.example" }\n', ["$.people.contacts"]),
        (MAILDIR + "[worker]\nper_thread = 0\n", ["$.worker.per_thread"]),
        (MAILDIR + "[calendar]\nnation = 'ENG'\n", ["unknown field `nation`"]),
        (MAILDIR + "[worker]\npoll = 1\n", ["unknown field `poll`"]),
        (MAILDIR + "[trust]\nroots = 'x'\n", ["unknown field `roots`", "$.trust"]),
        (MAILDIR + "[trust]\nseconds = 0\n", ["$.trust.seconds"]),
        (MAILDIR + '[trust]\nhosts = [""]\n', ["$.trust.hosts"]),
        (IMAP + 'password = "hunter2"\n', ["unknown field `password`"]),
        ("", ["missing required field `mailbox`"]),
        ('[mailbox]\nkind = "pop3"\n', ["Invalid value 'pop3'", "$.mailbox.kind"]),
        ('[mailbox]\nkind = "maildir"\n', ["missing required field `path`"]),
        ('[mailbox]\nkind = "maildir"\npath = 7\n', ["expected a path in quotation marks", "$.mailbox.path"]),
        ('[mailbox]\nkind = "imap"\nhost = "h"\n', ["missing required field `user`"]),
        ('[mailbox]\nkind = "imap"\nhost = ""\nuser = "u"\n', ["$.mailbox.host"]),
        (IMAP + 'port = "993"\n', ["Expected `int`, got `str`", "$.mailbox.port"]),
        (IMAP + "port = 70000\n", ["$.mailbox.port"]),
        (IMAP + "timeout_seconds = 0\n", ["$.mailbox.timeout_seconds"]),
        (IMAP + 'tls = "maybe"\n', ["$.mailbox.tls"]),
        (MAILDIR + '[calendar]\nsubdivision = "IRL"\n', ["$.calendar.subdivision"]),
        (MAILDIR + "[calendar]\ncloses_at = 25\n", ["$.calendar.closes_at"]),
        (MAILDIR + "[calendar]\ndays = -1\n", ["$.calendar.days"]),
        (MAILDIR + "[worker]\npoll_seconds = 0\n", ["$.worker.poll_seconds"]),
        (MAILDIR + '[monitor]\nlisten = ":9464"\n', ["$.monitor.listen"]),
        (MAILDIR + '[monitor]\nlisten = "9464"\n', ["$.monitor.listen"]),
        (MAILDIR + '[monitor]\nlisten = "monitor.example:9464"\n', ["$.monitor.listen"]),
        (MAILDIR + '[monitor]\nping = "file:///etc/hostname"\n', ["$.monitor.ping"]),
        (MAILDIR + '[monitor]\nping = "https://jo:hunter2@watch.example/"\n', ["$.monitor.ping"]),
        (MAILDIR + '[monitor]\nping = "https://watch.example/a b"\n', ["$.monitor.ping"]),
        (MAILDIR + "[monitor]\nunhealthy_after_seconds = 0\n", ["$.monitor.unhealthy_after_seconds"]),
        (MAILDIR + "[mailbox]\n", ["line 4"]),
        ("= 1", ["line 1"]),
    ],
)
def test_what_cannot_be_used_is_named(settings, text, words):
    found = refusal(settings(text))
    for word in words:
        assert word in found
    assert "hunter2" not in found


def test_a_file_that_is_not_there_or_no_text(tmp_path):
    assert "cannot be read" in refusal(tmp_path / "none.toml")
    odd = tmp_path / "odd.toml"
    odd.write_bytes(b"\xff\xfe")
    assert "utf-8" in refusal(odd)


def test_no_secret_is_shown(settings):
    config = load(settings(EVERY_KEY))
    assert "hunter2" not in repr(config)
    assert "mail.example" in repr(config)


def test_the_password_comes_from_its_file(tmp_path):
    file = tmp_path / "secret"
    file.write_bytes("pässword \r\n".encode())
    mailbox = ImapConfig(host="h", user="u", password_file=file, password_env=VARIABLE)
    assert password(mailbox) == "pässword "
    file.write_bytes(b"another")
    assert password(mailbox) == "another"


def test_the_password_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv(VARIABLE, "from outside")
    assert password(ImapConfig(host="h", user="u", password_env=VARIABLE)) == "from outside"


@pytest.mark.parametrize(
    ("content", "words"), [(None, "No such file"), (b"", "is empty"), (b"\r\n", "is empty"), (b"\xffhush", "not UTF-8")]
)
def test_a_password_file_that_holds_none(tmp_path, content, words):
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigRefused, match=f"mailbox.password_file: .*{words}") as caught:
        password(ImapConfig(host="h", user="u", password_file=file))
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_holds_no_password(monkeypatch, value):
    monkeypatch.delenv(VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(ConfigRefused, match=f"{VARIABLE} is not set, or empty"):
        password(ImapConfig(host="h", user="u", password_env=VARIABLE))


def test_a_mailbox_without_any_password():
    with pytest.raises(ConfigRefused, match="set password_file or password_env"):
        password(ImapConfig(host="h", user="u"))


@pytest.mark.parametrize("name", ["rules", "templates", "config"])
def test_folders_that_come_with_the_pipeline(name):
    assert (shipped(name)).is_dir()


def test_a_folder_that_is_not_beside_the_package_is_meant_from_its_installation():
    assert shipped("nothing-of-that-name").parts[-3:] == ("share", "secas-cpl-pipeline", "nothing-of-that-name")
